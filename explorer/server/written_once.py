"""What begins every run of a page is written once.

A run, also one of a small part of a page, begins with a message that holds the theme and the
browser's settings. Streamlit looks both up again among all its options each time, in the one thread
that serves everybody: 0.17 ms of the 4 of a touch. Here they are written once and copied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.runtime import app_session

WRITERS = ("_populate_theme_msg", "_populate_config_msg")
"""Functions of Streamlit that write a part of the message; it has no setting for that."""


def prepare() -> None:
    """Has every session of this server copy them; without these functions, nothing changes."""
    for name in WRITERS:
        write = getattr(app_session, name, None)
        if write is not None and not hasattr(write, "written"):
            setattr(app_session, name, copying(write))


def copying(write: Callable[..., None]) -> Callable[..., None]:
    """Makes a function that writes into a message what `write` wrote there the first time.

    Args:
        write: Adds to a new message; what it adds depends on its further arguments alone.

    Example:
        >>> from streamlit.proto.NewSession_pb2 import Config
        >>> ages = iter([50, 2])
        >>> write = copying(lambda message: setattr(message, "max_cached_message_age", next(ages)))
        >>> first, second = Config(), Config()
        >>> write(first), write(second)
        (None, None)
        >>> first.max_cached_message_age, second.max_cached_message_age
        (50, 50)
    """
    written: dict[tuple[Any, ...], Any] = {}

    def copy(message: Any, *given: Any) -> None:
        if given not in written:
            new = type(message)()
            write(new, *given)
            written[given] = new
        if written[given].ByteSize():  # merging nothing would add an empty part
            message.MergeFrom(written[given])

    copy.written = written  # type: ignore[attr-defined]
    return copy
