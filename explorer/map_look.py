"""How a map looks, as a link and the browser say it: overlays, zoom, hidden classes.

A link has it as text, e.g. "means,posterior:all,hidden:3.7,range:-1:2:0:4"; what is at its
default is left out. Whatever comes from a link or a browser passes `of_browser` or `parse`.
"""

from __future__ import annotations

import math
from typing import Any

FLAGS = {"prior": True, "means": False, "names": True, "truth": False, "standard": False}
"""What is shown or not; `standard`: samples of an autoencoder are drawn from N(0, I)."""
CHOICES = {
    "posterior": ("touched", "none", "all"),
    "background": ("none", "grid", "density", "marginal", "holes"),
}
"""Values of each, the default first."""
MAX_HIDDEN = 1000
MAX_PLACE = 1e6
MAX_PINS = 24


def parse(text: str) -> dict[str, Any]:
    """Reads the text of a link; what is not named is left out.

    Raises:
        ValueError: If it is empty, or something is unknown or beyond its limits.

    Example:
        >>> parse("means,posterior:all,hidden:3.7,range:-1:2:0:4")["ranges"]
        {'x': [-1.0, 2.0], 'y': [0.0, 4.0]}
    """
    look: dict[str, Any] = {}
    for part in filter(None, text[:4000].split(",")):
        name, _, value = part.partition(":")
        if name.removeprefix("no-") in FLAGS and not value:
            look[name.removeprefix("no-")] = not name.startswith("no-")
        elif name == "hidden":
            look["hidden"] = [int(number[:7]) for number in value.split(".")[:MAX_HIDDEN]]
        elif name == "range":
            left, right, low, high = (float(number[:20]) for number in value.split(":"))
            look["ranges"] = {"x": [left, right], "y": [low, high]}
        else:
            look[name] = value
    if not look:
        raise ValueError("the look of a map must name something")
    return check(look)


def of_browser(value: Any) -> dict[str, Any]:
    """Checks what a map has sent, and leaves out what is at its default.

    Raises:
        ValueError: If something is of the wrong type or beyond its limits.

    Example:
        >>> of_browser({"means": True, "prior": True, "posterior": "touched", "hidden": []})
        {'means': True}
    """
    if not isinstance(value, dict):
        raise ValueError("the look of a map must be an object")
    known = {*FLAGS, *CHOICES, "anchor", "hidden", "ranges"}
    look = check({name: item for name, item in value.items() if name in known})
    defaults = FLAGS | {name: values[0] for name, values in CHOICES.items()}
    defaults |= {"anchor": "home", "hidden": [], "ranges": None}
    return {name: item for name, item in look.items() if item != defaults[name]}


def to_text(look: dict[str, Any]) -> str:
    """Writes a look as `parse` reads it.

    Example:
        >>> to_text({"means": True, "prior": False, "ranges": {"x": [-1.0, 2.0], "y": [0.0, 4.0]}})
        'means,no-prior,range:-1:2:0:4'
    """
    parts = []
    for name, value in look.items():
        if name in FLAGS:
            parts.append(name if value else f"no-{name}")
        elif name == "hidden":
            parts.append(f"hidden:{'.'.join(map(str, value))}")
        elif name == "ranges":
            ends = [*value["x"], *value["y"]]
            parts.append(f"range:{':'.join(f'{end:.6g}' for end in ends)}")
        else:
            parts.append(f"{name}:{value}")
    return ",".join(parts)


def check(look: dict[str, Any]) -> dict[str, Any]:
    """Returns the look, if everything in it is within its limits.

    Raises:
        ValueError: If something is not.
    """
    for name, value in look.items():
        if not _is_valid(name, value):
            raise ValueError(f"{name[:20]} must be one of the choices of the map")
    return look


def _is_valid(name: str, value: Any) -> bool:
    if name in FLAGS:
        return isinstance(value, bool)
    if name in CHOICES:
        return value in CHOICES[name]
    if name == "anchor":
        pins = {f"pin {number}" for number in range(MAX_PINS)}
        return isinstance(value, str) and value in {"home", "point"} | pins
    if name == "hidden":
        small = isinstance(value, list) and len(value) <= MAX_HIDDEN
        return small and all(type(number) is int and 0 <= number < 10**6 for number in value)
    return name == "ranges" and (value is None or _are_ranges(value))


def _are_ranges(value: Any) -> bool:
    """Whether it is {"x": [low, high], "y": [low, high]}, finite and rising."""
    if not isinstance(value, dict) or set(value) != {"x", "y"}:
        return False
    for pair in value.values():
        if not isinstance(pair, list) or len(pair) != 2:
            return False
        if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in pair):
            return False
        if not all(math.isfinite(end) and abs(end) <= MAX_PLACE for end in pair):
            return False
        if pair[0] >= pair[1]:
            return False
    return True
