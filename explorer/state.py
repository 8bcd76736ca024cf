"""What the screen shows, in one table: session state and query string, both validated.

Every setting has a name, a default and a parser; those of a training run are made from their
descriptions in `models.config`. A link may ask for anything: a value that is not allowed becomes
the default, with one notice. Only this module touches the query string. Widgets keep their own
keys (`explorer.widgets.inputs`), so a hidden widget never loses a setting.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer import map_look
from models.config import RUN_SETTINGS
from models.data.builtin import is_built_in
from models.data.image_set import MAX_CLASSES, MAX_FACTORS
from models.data.library import is_id
from models.lessons.table import LESSONS
from models.metrics.disentanglement.scores import PROBES, SCORES
from models.presets import PRESETS
from models.settings import Description

MAX_PINS = 24
MAX_PLACE, MAX_PLACES = 80, 6
"""Of a plane of noise images: its last place, and how many of them can be pinned."""
MAX_RUNS = 10
"""Runs that are compared at once: as many as the palette has colours."""
OF_A_RUN: dict[str, Description] = {item.link: item for item in RUN_SETTINGS.values() if item.link}
"""The settings of a training run that the screen and links can set, by their keys in a link."""
LIMITS: dict[str, tuple[float, float]] = {
    "mean": (-3.0, 3.0),
    "deviation": (0.1, 3.0),
    "target": (-3.0, 3.0),
    "chance": (0.01, 0.99),
    "belief": (0.01, 0.99),
    "strength": (-1.0, 2.0),
    "kl-weight": (0.0, 1e6),
    "beta": (RUN_SETTINGS["beta_min"].minimum, RUN_SETTINGS["beta_max"].maximum),
} | {key: item.screen_limits for key, item in OF_A_RUN.items() if item.kind in (int, float)}
"""Smallest and largest value of numbers, both inclusive; whole where the limits are."""
RENAMED = {"weight": "training-beta"}
"""Keys of links made by earlier versions, and what they are called now."""
REPLACED = {
    "experiment": {
        old: {"lesson": lesson, "predicted": f"{lesson}~-"}
        for old, lesson in {
            "kl": "asymmetry", "gradient": "reparameterise", "samples": "bound", "beta": "zero-one",
        }.items()
    }
}  # fmt: skip
"""Keys of such links that are gone: what the link of today would say, by their value."""
FIRST = "latent-map"
"""The address of the page that is shown without one."""
ARROW = "➡️"
"""Before what opens another page."""
CHECK, DOCTOR, TEN_MINUTES = "check", "doctor", "ten-minutes"
"""What the Lessons page shows besides lessons."""


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return parse


def _numbered(name: str, count: int) -> list[str]:
    """The names "factor-1", "factor-2" and so on."""
    return [f"{name}-{number + 1}" for number in range(count)]


def _data_set(text: str) -> str:
    """A built-in set, or one of the user's own, which the page that shows it must find."""
    if not is_built_in(text) and not is_id(text):
        raise ValueError
    return text


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text[:20])
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return parse


def _number(name: str) -> Callable[[str], float]:
    minimum, maximum = LIMITS[name]
    kind = type(minimum)

    def parse(text: str) -> float:
        value = kind(text[:40])
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return parse


def _setting_of_a_run(item: Description) -> Callable[[str], Any]:
    """The parser of a setting of a training run, from its description."""
    if item.name == "data":
        return _data_set
    if item.choices:
        return _one_of(*item.choices)
    return _number(item.link) if item.link in LIMITS else lambda text: text[:60]


def _code(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text[:4000].split(","))
    if len(values) > 256 or not all(math.isfinite(v) and abs(v) <= 1000 for v in values):
        raise ValueError
    return values


def _places(text: str) -> tuple[int, ...]:
    """Places of a plane, each once, with commas between them."""
    found = dict.fromkeys(map(_whole(0, MAX_PLACE), text[:200].split(",")))
    return tuple(found)[:MAX_PLACES]


def _names(text: str) -> tuple[str, ...] | None:
    """Ids with commas between them, each once, at most `MAX_RUNS`."""
    found = dict.fromkeys(part[:120].strip() for part in text[:4000].split(","))
    return tuple(filter(None, found))[:MAX_RUNS] or None


class Pin(NamedTuple):
    """A pinned code: z, a name, and the test image it belongs to, if there is one."""

    z: tuple[float, ...]
    name: str
    point: int | None = None

    def __str__(self) -> str:
        numbers = ",".join(f"{v:.4g}" for v in self.z)
        return f"{self.name}~{numbers}" + ("" if self.point is None else f"~{self.point}")


def pins_of(values: Any) -> tuple[Pin, ...] | None:
    """Reads pins from the browser: a list of z, name and point; None if there are none.

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


class Prediction(NamedTuple):
    """What was predicted in a lesson: the number of the choice, or None where it was skipped."""

    lesson: str
    choice: int | None

    def __str__(self) -> str:
        return f"{self.lesson}~{'-' if self.choice is None else self.choice}"


def _predictions(text: str) -> tuple[Prediction, ...]:
    """Predictions with semicolons between them, one for each lesson."""
    found = {}
    for part in filter(None, text[:4000].split(";")):
        lesson, choice = part.split("~")
        if lesson not in LESSONS:
            raise ValueError
        found[lesson] = Prediction(lesson, None if choice == "-" else _whole(0, 9)(choice))
    if not found:
        raise ValueError
    return tuple(found.values())


def _answers(text: str) -> tuple[str, ...]:
    """A model, and the number of the option chosen in every question, "-" where none is."""
    model, *given = text[:300].split(",")
    if not model or not 1 <= len(given) <= 20 or not {*given} <= {*"-0123456789"}:
        raise ValueError
    return (model, *given)


def _hidden(text: str) -> tuple[str, ...]:
    """What a teacher hides: answers, controls, or both."""
    parts = dict.fromkeys(text.split(","))
    if not parts.keys() <= {"answers", "controls"}:
        raise ValueError
    return tuple(parts)


def parse(name: str, value: Any) -> Any:
    """Checks a value that a browser sent as if a link had it.

    Raises:
        ValueError: If it is not possible.
    """
    return SETTINGS[name].parse(str(value))


class Setting(NamedTuple):
    """A default and the parser of its text in a link; the parser raises ValueError."""

    default: Any
    parse: Callable[[str], Any]


SETTINGS: dict[str, Setting] = {
    "model": Setting("mnist-2d-beta-1", lambda text: text[:120]),
    "second": Setting("", lambda text: text[:120]),
    "view": Setting(None, _one_of("raw", "pca", "tsne", "draws")),
    "x": Setting(1, _whole(1, 256)),
    "y": Setting(2, _whole(1, 256)),
    "colour": Setting(
        "class",
        _one_of("class", "kl", "distortion", "elbo", *_numbered("factor", MAX_FACTORS)),
    ),
    "plane-seed": Setting(0, _whole(0, 1_000_000)),
    "point": Setting(None, _whole(0, 10_000_000)),
    "pins": Setting(None, _pins),
    "pins-2": Setting(None, _pins),
    "look": Setting(None, map_look.parse),
    "look-2": Setting(None, map_look.parse),
    "panel": Setting("image", _one_of("image", "hand", "prior", "grid", "draw")),
    "z": Setting(None, _code),
    "draw": Setting(0, _whole(0, 1_000_000)),
    "side": Setting(15, _whole(3, 30)),
    "turn": Setting(0, _whole(0, 90)),
    "minus": Setting(None, _whole(0, MAX_CLASSES - 1)),
    "plus": Setting(None, _whole(0, MAX_CLASSES - 1)),
    "strength": Setting(1.0, _number("strength")),
    "score": Setting("mig", _one_of(*SCORES, *PROBES)),
    "group": Setting("", lambda text: text[:120]),
    "curve": Setting("", lambda text: text[:120]),
    "beta": Setting(1.0, _number("beta")),
    "sweep": Setting("digits-2d", lambda text: text[:40]),
    "sweep-data": Setting(None, lambda text: text[:40]),
    "sweep-engine": Setting(None, _one_of("dask")),
    "betas": Setting("0.1,0.2,0.5,1,1.5,2,3,4", lambda text: text[:200]),
    "seeds": Setting(1, _whole(1, 5)),
    "run": Setting(None, lambda text: text[:120]),
    "runs": Setting(None, _names),
    "collapsed": Setting("digits-2d-beta-4", lambda text: text[:120]),
    "warmup-percent": Setting(50, _whole(1, 100)),
    "cycles": Setting(4, _number("cycles")),
    "free-bits": Setting(1.0, _number("free-bits")),
    "capacity": Setting(3.0, _number("capacity")),
    "beta-divisor": Setting(4, _whole(2, 50)),
    "lesson": Setting("", _one_of(CHECK, DOCTOR, TEN_MINUTES, *LESSONS)),
    "predicted": Setting(None, _predictions),
    "answers": Setting(None, _answers),
    "hide": Setting(None, _hidden),
    "first-seed": Setting(None, _whole(0, 1_000_000)),
    "chance": Setting(0.9, _number("chance")),
    "belief": Setting(0.5, _number("belief")),
    "draw-x": Setting(0, _whole(0, 1_000_000)),
    "loss": Setting("mse", _one_of("bce", "mse")),
    "loss-pixels": Setting("mean", _one_of("sum", "mean")),
    "loss-batch": Setting("mean", _one_of("sum", "mean")),
    "kl-latents": Setting("sum", _one_of("sum", "mean")),
    "kl-batch": Setting("mean", _one_of("sum", "mean")),
    "kl-weight": Setting(1.0, _number("kl-weight")),
    "kl-half": Setting("yes", _one_of("yes", "no")),
    "loss-data": Setting("digits", lambda text: text[:120]),
    "loss-numbers": Setting(784, _whole(1, 10_000_000)),
    "loss-latents": Setting(2, _whole(1, 1024)),
    "loss-images": Setting(128, _whole(1, 100_000)),
    "mean": Setting(1.0, _number("mean")),
    "deviation": Setting(0.5, _number("deviation")),
    "target": Setting(2.0, _number("target")),
    "by": Setting("mean", _one_of("mean", "deviation")),
    "samples": Setting(1000, _whole(2, 1_000_000)),
    "preset": Setting("digits-2d", _one_of(*PRESETS)),
    **{key: Setting(None, _setting_of_a_run(item)) for key, item in OF_A_RUN.items() if item.group},
    "title": Setting("", lambda text: text[:80]),
    "own": Setting(None, lambda text: text[:120]),
    "beside-live": Setting(None, lambda text: text[:120]),
    "beside-own": Setting(None, lambda text: text[:120]),
    "in-step-live": Setting("share", _one_of("share", "step")),
    "in-step-own": Setting("share", _one_of("share", "step")),
    "families": Setting("see", _one_of("see", "compare", "modes")),
    "see": Setting(None, _one_of("vae", "vq", "gan", "ddpm")),
    "seen-vae": Setting("digits-2d-beta-1", lambda text: text[:120]),
    "seen-vq": Setting("digits-vq", lambda text: text[:120]),
    "seen-gan": Setting("digits-gan", lambda text: text[:120]),
    "seen-ddpm": Setting("digits-ddpm", lambda text: text[:120]),
    "drawn-model": Setting("digits-gan-collapsing", lambda text: text[:120]),
    "compared-data": Setting("digits", lambda text: text[:120]),
    "need": Setting("draw", _one_of("draw", "compress", "likelihood", "fast")),
    "noise-step": Setting(100, _whole(1, 1000)),
    "ddim-steps": Setting(15, _whole(1, 1000)),
    "noise-pins": Setting(None, _places),
}


def prefer(**defaults: Any) -> None:
    """Changes the defaults of new sessions, until this server ends."""
    for name, default in defaults.items():
        SETTINGS[name] = SETTINGS[name]._replace(default=default)


def load() -> None:
    """Reads every setting from the link, or takes its default: once per session, and again where
    Back or Forward has led to another link."""
    memory = st.session_state
    if "settings" in memory and not _has_gone_elsewhere():
        return
    memory.visit = memory.get("visit", 0) + 1
    values = {name: setting.default for name, setting in SETTINGS.items()}
    link = _of_today(st.query_params.to_dict())
    for name in SETTINGS.keys() & link.keys():
        try:
            values[name] = SETTINGS[name].parse(link[name])
        except ValueError:
            _notice(name, values[name])
    st.session_state.settings = values
    _known.run = None


def _of_today(link: dict[str, str]) -> dict[str, str]:
    """A link as this version would write it."""
    found = {RENAMED.get(name, name): text for name, text in link.items()}
    for name, replaced in REPLACED.items():
        if name in found:
            found = replaced.get(found.pop(name), {}) | found
    return found


def _has_gone_elsewhere() -> bool:
    """Whether the address is one that this session has not just written.

    After a change by the user it may still be the one before; and the menu leads to pages without
    their settings.
    """
    memory, link = st.session_state, st.query_params.to_dict()
    if memory.get("changed") or link == memory.get("published", link):
        return False
    return bool(link) or memory.get("path") == _path()


def _path() -> str:
    """The page, as the address names it."""
    return urlsplit(st.context.url or "").path


def visit() -> int:
    """Counts how often the link was read: the map then takes its look from it."""
    return st.session_state.visit


def get(name: str) -> Any:
    """Returns the value of a setting."""
    return _settings()[name]


_known = threading.local()


def _settings() -> dict[str, Any]:
    """The settings of this session, which a thread that runs its pages looks up once: a look into
    Streamlit's session takes ten times as long, and a page asks fifty times."""
    run = get_script_run_ctx(suppress_warning=True)
    if run is None:
        return st.session_state.settings
    if getattr(_known, "run", None) is not run:
        _known.run, _known.settings = run, st.session_state.settings
    return _known.settings


def is_default(name: str) -> bool:
    """Whether nobody has set a setting to anything else."""
    return get(name) == SETTINGS[name].default


def put(**values: Any) -> None:
    """Changes settings."""
    _settings().update(values)
    st.session_state.changed = True


def choose(name: str, allowed: Sequence[Any]) -> Any:
    """Returns a setting if it is possible here; else its default or the first that is.

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
    """Replaces a value that is not possible here, with a notice unless it was the default."""
    if get(name) != SETTINGS[name].default:
        _notice(name, fallback)
    put(**{name: fallback})


def publish() -> None:
    """Writes every setting that is not at its default into the address, so it can be shared."""
    texts = _texts()
    # after a quick second click the address may still be the old one: compare with the last too
    if texts != st.query_params.to_dict() or texts != st.session_state.get("published", texts):
        st.query_params.from_dict(texts)
    st.session_state.update(published=texts, path=_path(), changed=False)


def page_link(label: str, path: str, settings: Mapping[str, str]) -> None:
    """Shows a link to a page with these settings, which opens in the same tab.

    Args:
        label: What it says.
        path: Of the page's address.
        settings: By name, as a link has them.
    """
    page = st.Page(_nothing, url_path=path, default=path == FIRST)
    st.page_link(page, label=label, query_params=dict(settings), icon=ARROW)


def _nothing() -> None:
    """What a page shows that is only linked to: the navigation has the page itself."""


def address() -> str:
    """Writes the address of what this page shows, without a page around it."""
    return f"{_path() or '/'}?{urlencode(_texts())}"


def _texts() -> dict[str, str]:
    """The settings that are not at their defaults, as they stand in a link."""
    return {
        name: _text(value) for name, value in _settings().items() if value != SETTINGS[name].default
    }


def _text(value: Any) -> str:
    """Writes a setting as its parser reads it."""
    if isinstance(value, dict):
        return map_look.to_text(value)
    if not isinstance(value, tuple):
        return str(value)
    if isinstance(value[0], Pin | Prediction):
        return ";".join(map(str, value))
    if isinstance(value[0], str):
        return ",".join(value)
    return ",".join(f"{v:.3g}" for v in value)


def _notice(name: str, shown: Any) -> None:
    what = "nothing" if shown is None else shown
    st.toast(f"The “{name}” in the link is not possible here: showing {what} instead.")
