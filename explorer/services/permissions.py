"""May this session change this thing? Every action asks here, and so does every button.

Without a class everyone at the screen owns everything. In a class a browser owns what it made; what
has no owner is the teacher's, who may change all. A page that another page shows inside itself is
for looking.
"""

from __future__ import annotations

import streamlit as st

from explorer.jobs.job import JobError
from explorer.server import options, visitors
from explorer.server.visitors import Visitor

TEACHER = ""
"""Who owns what the teacher makes, and what was made at the command line."""
EMBEDDED = "This page is for looking: open it in a window to train."
NO_COOKIE = (
    "Your browser keeps no cookies, so nothing you make here could be yours: allow cookies for "
    "this address, then reload the page."
)
NOT_YOURS = "Only its owner and the teacher can change this. You can look at it and copy it."
TEACHER_ONLY = "Only the teacher can do this."


class NotAllowed(JobError):
    """This session may not change a thing; the message is for the user."""


def is_class() -> bool:
    """Whether visitors own what they make."""
    return options.current().is_class


def is_embedded() -> bool:
    """Whether another page shows this one inside itself."""
    return bool(st.context.is_embedded)


def _visitor() -> Visitor:
    return visitors.visitor(st.context.cookies.to_dict())


def is_teacher() -> bool:
    """Whether this session may change all: the teacher's; without a class, every one."""
    return not is_embedded() and (not is_class() or _visitor().is_teacher)


def owner() -> str:
    """Who owns what this session makes."""
    return TEACHER if is_teacher() else _visitor().owner


def obstacle() -> str:
    """Why this session can make nothing, one sentence; nothing if it can."""
    if is_embedded():
        return EMBEDDED
    return "" if is_teacher() or _visitor().owner else NO_COOKIE


def may_change(owned_by: str) -> bool:
    """Whether this session may change what has that owner."""
    if is_teacher():
        return True
    return bool(owned_by) and not is_embedded() and owned_by == _visitor().owner


def is_mine(owned_by: str) -> bool:
    """Whether this session made what has that owner; without a class, everything."""
    return not is_class() or owned_by == owner()


def whose(owned_by: str) -> str:
    """Says to this session whose something is: yours, the teacher's, or somebody else's."""
    if is_mine(owned_by):
        return "yours"
    return "the teacher’s" if owned_by == TEACHER else "somebody else’s"


def check_new() -> None:
    """Asks whether this session may make something.

    Raises:
        NotAllowed: If not, with the reason.
    """
    if problem := obstacle():
        raise NotAllowed(problem)


def check(owned_by: str) -> None:
    """Asks whether this session may change what has that owner.

    Raises:
        NotAllowed: If not, with the reason.
    """
    check_new()
    if not may_change(owned_by):
        raise NotAllowed(NOT_YOURS)


def check_teacher() -> None:
    """Asks whether this session may change what is everybody's.

    Raises:
        NotAllowed: If not.
    """
    check_new()
    if not is_teacher():
        raise NotAllowed(TEACHER_ONLY)
