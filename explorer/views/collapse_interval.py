"""How sure the predicted β* is: its interval, which follows when it has been estimated."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

import streamlit as st

from explorer import page_queue
from explorer.services import collapse_prediction
from models.config import RunConfig

if TYPE_CHECKING:
    from models.theory.collapse_threshold import PopulationThreshold

TICK_SECONDS = 1.0
HELP = (
    "β* is exact for these training images. Another sample of such images has another one: the "
    "interval is for the β* of what the images are a sample of. The largest eigenvalue of a sample "
    "is too large on average; that bias is taken off."
)


def show(config: RunConfig) -> None:
    """Says for images like these in general which β collapses; nothing where that is unknown."""
    future = collapse_prediction.population(config)
    if future is not None and future.done():
        _follow(future, was_awaited=False)
    elif future is not None:
        page_queue.fragment(_follow, run_every=TICK_SECONDS)(future, True)


def _follow(future: Future[PopulationThreshold | None], was_awaited: bool) -> None:
    """The line; the page is run again when the estimate has come, without a clock."""
    if not future.done():
        st.caption("How sure this is follows in a few seconds…", help=HELP, width="content")
    elif was_awaited:
        st.rerun()
    elif (found := future.result()) is not None:
        st.caption(sentence(found), help=HELP, width="content")


def sentence(found: PopulationThreshold) -> str:
    """Writes the interval, or that the images are too few for one."""
    if not found.reliable:
        return "These images are too few to say what β* is for others like them."
    low, high = found.interval()
    return (
        f"For images like these in general, β* is {found.estimate:z.2f} "
        f"(95 % interval {low:z.2f} to {high:z.2f})."
    )
