"""Errors of an adapter, and short descriptions of what the user's code returned or raised."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from models.adapter.weights import explain_weights
from models.text import clean_name

MODULE = "latent_adapter"
"""The name under which the user's file runs."""
_HINTS = {
    "must have the same dtype": ": images and codes are float32, so call model.float()",
    "not compiled with CUDA": ": use the CPU, and torch.load(…, map_location='cpu')",
    "Found no NVIDIA driver": ": use the CPU, and torch.load(…, map_location='cpu')",
}
"""What to do, by a part of torch's message."""
LONGEST = 300
"""Characters of an exception's message that are shown."""


class AdapterError(ValueError):
    """An adapter that cannot be used; the message is one sentence for its author."""


def describe_value(value: Any) -> str:
    """Names the type of a value in a word or two.

    Example:
        >>> describe_value((1, 2)), describe_value(None), describe_value("a")
        ('2 values', 'nothing', 'str')
    """
    if isinstance(value, (tuple, list)):
        return f"{len(value)} values"
    return "nothing" if value is None else type(value).__name__


def describe_exception(error: BaseException) -> str:
    """Puts an exception of the user's code on one line, with the line that it came from.

    That is the last line in the folder of the adapter or below it, else the last outside this
    package.

    Example:
        >>> try:
        ...     sys.exit(2)
        ... except SystemExit as error:
        ...     print(describe_exception(error))
        sys.exit(2), which a module may only do under if __name__ == '__main__'
    """
    frame = _frame_to_blame(error)
    where = f" ({Path(frame.filename).name}, line {frame.lineno})" if frame else ""
    return _in_words(error) + where


def _in_words(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        given = "" if error.code is None else clean_name(repr(error.code), "", 40)
        return f"sys.exit({given}), which a module may only do under if __name__ == '__main__'"
    text = explain_weights(str(error)) or f"{type(error).__name__}: {str(error) or 'no message'}"
    hint = next((hint for part, hint in _HINTS.items() if part in str(error)), "")
    return clean_name(text, longest=LONGEST) + hint


def _frame_to_blame(error: BaseException) -> traceback.FrameSummary | None:
    """The line of the user's code in which an exception arose."""
    package = Path(__file__).parent
    theirs = Path(getattr(sys.modules.get(MODULE), "__file__", package)).parent
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "<" not in f.filename]
    frames = [f for f in frames if package != Path(f.filename).parent]
    own = [
        frame
        for frame in frames
        if theirs in Path(frame.filename).parents and "site-packages" not in frame.filename
    ]
    return next(iter([*reversed(own), *reversed(frames)]), None)
