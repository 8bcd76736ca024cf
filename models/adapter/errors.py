"""Errors of an adapter, and short descriptions of what the user's code returned or raised."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from models.text import clean_name

MODULE = "latent_adapter"
"""The name under which the user's file runs."""


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

    That is the last line in the folder of the adapter, else the last outside this package.
    """
    here = Path(__file__).parent
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "<" not in f.filename]
    folders = [Path(frame.filename).parent for frame in frames]
    theirs = Path(getattr(sys.modules.get(MODULE), "__file__", "")).parent
    own = [f for f, folder in zip(frames, folders, strict=True) if folder == theirs]
    others = [f for f, folder in zip(frames, folders, strict=True) if folder != here]
    line = next(iter([*reversed(own), *reversed(others)]), None)
    where = f" ({Path(line.filename).name}, line {line.lineno})" if line else ""
    return f"{type(error).__name__}: {clean_name(error, 'no message')}{where}"
