"""What the screen shows, in one table: session state and query string, both validated.

Every setting has a name, a default and a parser. A link may ask for anything; what is not
lawful becomes the default, with one notice. Only this module touches the query string. Widgets
keep their own keys (`explorer.widgets.inputs`), so a hidden widget never loses a setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import streamlit as st

from models.capabilities import LIKELIHOODS
from models.config import NETWORKS
from models.data.builtin import DATA_SETS
from models.data.library import is_id
from models.presets import PRESETS

MAX_PINS = 24
MAX_RUNS = 10
"""Runs that are compared at once: as many as the palette has colours."""
LIMITS = {
    "free-bits": (0.05, 5.0),
    "capacity": (0.5, 50.0),
    "mean": (-3.0, 3.0),
    "deviation": (0.1, 3.0),
    "target": (-3.0, 3.0),
    "sigma": (1 / 256, 10.0),
    "weight": (0.0, 1000.0),
    "learning-rate": (1e-5, 0.1),
}
"""Of settings that are no whole numbers, both inclusive."""
WHOLE_LIMITS = {
    "latents": (1, 256),
    "warmup": (0, 100_000),
    "epochs": (1, 1000),
    "batch": (1, 4096),
    "seed": (0, 2**31 - 1),
}
"""Of what a training that is asked for on the screen may be, both inclusive."""
EXPERIMENTS = ("kl", "gradient", "samples", "beta")


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return parse


def _data_set(text: str) -> str:
    """A built-in set, or one of the user's own; whether that is there is seen where it is shown."""
    if text not in DATA_SETS and not is_id(text):
        raise ValueError
    return text


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text[:20])
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return parse


def _real(name: str) -> Callable[[str], float]:
    minimum, maximum = LIMITS[name]

    def parse(text: str) -> float:
        value = float(text[:40])
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return parse


def _code(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text[:4000].split(","))
    if len(values) > 256 or not all(math.isfinite(v) and abs(v) <= 1000 for v in values):
        raise ValueError
    return values


def _beta(text: str) -> float:
    value = float(text)
    if not 1e-4 <= value <= 1e4:
        raise ValueError
    return value


def _names(text: str) -> tuple[str, ...] | None:
    """Ids with commas between them, each once, at most `MAX_RUNS`."""
    found = dict.fromkeys(part[:120].strip() for part in text[:4000].split(","))
    return tuple(filter(None, found))[:MAX_RUNS] or None


class Pin(NamedTuple):
    """A pinned code: z, a name, and the test image whose code it is, if it is one's."""

    z: tuple[float, ...]
    name: str
    point: int | None = None

    def __str__(self) -> str:
        numbers = ",".join(f"{v:.4g}" for v in self.z)
        return f"{self.name}~{numbers}" + ("" if self.point is None else f"~{self.point}")


def pins_of(values: Any) -> tuple[Pin, ...] | None:
    """Pins as a browser sends them: a list of z, name and point; None if there are none.

    Raises:
        ValueError: If a number is not finite or beyond ±1000, or a point is not a whole number.
    """
    return _pins(";".join(str(_pin(value)) for value in values)) if values else None


def _pin(value: dict[str, Any]) -> Pin:
    name = "".join(letter for letter in str(value["name"]) if letter not in "~;")
    return Pin(tuple(value["z"]), name, value["point"])


def _pins(text: str) -> tuple[Pin, ...]:
    found = []
    for part in text[:20_000].split(";")[:MAX_PINS]:
        name, z, *point = part.split("~")
        found.append(Pin(_code(z), name[:16], SETTINGS["point"].parse(*point) if point else None))
    return tuple(found)


class Setting(NamedTuple):
    """A default and the parser of its text in a link; the parser raises ValueError."""

    default: Any
    parse: Callable[[str], Any]


SETTINGS: dict[str, Setting] = {
    "model": Setting("digits-2d-beta-1", lambda text: text[:120]),
    "second": Setting("", lambda text: text[:120]),
    "view": Setting("raw", _one_of("raw", "pca", "tsne")),
    "x": Setting(1, _whole(1, 256)),
    "y": Setting(2, _whole(1, 256)),
    "colour": Setting("class", _one_of("class", "kl", "distortion", "elbo")),
    "point": Setting(None, _whole(0, 10_000_000)),
    "pins": Setting(None, _pins),
    "pins-2": Setting(None, _pins),
    "panel": Setting("hand", _one_of("hand", "prior", "grid", "draw")),
    "z": Setting(None, _code),
    "draw": Setting(0, _whole(0, 1_000_000)),
    "side": Setting(15, _whole(3, 30)),
    "group": Setting("", lambda text: text[:120]),
    "curve": Setting("", lambda text: text[:120]),
    "beta": Setting(1.0, _beta),
    "sweep": Setting("digits-2d", lambda text: text[:40]),
    "sweep-data": Setting(None, lambda text: text[:40]),
    "betas": Setting("0.1,0.2,0.5,1,1.5,2,3,4", lambda text: text[:200]),
    "seeds": Setting(1, _whole(1, 5)),
    "run": Setting(None, lambda text: text[:120]),
    "runs": Setting(None, _names),
    "collapsed": Setting("digits-2d-beta-4", lambda text: text[:120]),
    "warmup-percent": Setting(50, _whole(1, 100)),
    "cycles": Setting(4, _whole(2, 20)),
    "free-bits": Setting(1.0, _real("free-bits")),
    "capacity": Setting(3.0, _real("capacity")),
    "beta-divisor": Setting(4, _whole(2, 50)),
    "experiment": Setting("kl", _one_of(*EXPERIMENTS)),
    "mean": Setting(1.0, _real("mean")),
    "deviation": Setting(0.5, _real("deviation")),
    "target": Setting(2.0, _real("target")),
    "by": Setting("mean", _one_of("mean", "deviation")),
    "samples": Setting(1000, _whole(2, 1_000_000)),
    "preset": Setting("digits-2d", _one_of(*PRESETS)),
    "data": Setting(None, _data_set),
    "network": Setting(None, _one_of(*NETWORKS)),
    "hidden": Setting(None, lambda text: text[:60]),
    "likelihood": Setting(None, _one_of(*LIKELIHOODS)),
    **{name: Setting(None, _whole(*limits)) for name, limits in WHOLE_LIMITS.items()},
    **{name: Setting(None, _real(name)) for name in ("sigma", "weight", "learning-rate")},
    "title": Setting("", lambda text: text[:80]),
    "own": Setting(None, lambda text: text[:120]),
    "beside-live": Setting(None, lambda text: text[:120]),
    "beside-own": Setting(None, lambda text: text[:120]),
    "in-step-live": Setting("share", _one_of("share", "step")),
    "in-step-own": Setting("share", _one_of("share", "step")),
}


def prefer(**defaults: Any) -> None:
    """Changes what sessions start with, for as long as this server lives."""
    for name, default in defaults.items():
        SETTINGS[name] = SETTINGS[name]._replace(default=default)


def load() -> None:
    """Once per session: every setting from the link, or its default."""
    if "settings" in st.session_state:
        return
    values = {name: setting.default for name, setting in SETTINGS.items()}
    for name in SETTINGS.keys() & st.query_params.keys():
        try:
            values[name] = SETTINGS[name].parse(st.query_params[name])
        except ValueError:
            _notice(name, values[name])
    st.session_state.settings = values


def get(name: str) -> Any:
    """The value of a setting."""
    return st.session_state.settings[name]


def put(**values: Any) -> None:
    """Changes settings."""
    st.session_state.settings.update(values)


def choose(name: str, allowed: Sequence[Any]) -> Any:
    """The value of a setting if it is possible here; else its default or the first that is.

    A notice is shown unless the value was only the default.

    Args:
        name: Of the setting.
        allowed: What the present model and data offer, not empty; None is always possible
            for a setting whose default is None.
    """
    value, default = get(name), SETTINGS[name].default
    if value in allowed or value is default is None:
        return value
    reset(name, default if default is None or default in allowed else allowed[0])
    return get(name)


def reset(name: str, fallback: Any = None) -> None:
    """Gives up a value that is not possible here, with a notice unless it was the default."""
    if get(name) != SETTINGS[name].default:
        _notice(name, fallback)
    put(**{name: fallback})


def publish() -> None:
    """Writes every setting that is not at its default into the address, so it can be shared."""
    texts = {
        name: _text(value)
        for name, value in st.session_state.settings.items()
        if value != SETTINGS[name].default
    }
    # a quick second click tells the address of before the first: what was written counts too
    if texts != st.query_params.to_dict() or texts != st.session_state.get("published", texts):
        st.query_params.from_dict(texts)
    st.session_state.published = texts


def _text(value: Any) -> str:
    """A setting as its parser reads it."""
    if not isinstance(value, tuple):
        return str(value)
    if isinstance(value[0], Pin):
        return ";".join(map(str, value))
    if isinstance(value[0], str):
        return ",".join(value)
    return ",".join(f"{v:.3g}" for v in value)


def _notice(name: str, shown: Any) -> None:
    what = "nothing" if shown is None else shown
    st.toast(f"The “{name}” asked for is not possible here: showing {what} instead.")
