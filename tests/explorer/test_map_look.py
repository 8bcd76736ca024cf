"""How a map looks, as links and the browser say it: nothing but what a map can show passes."""

from types import SimpleNamespace

import pytest
import streamlit as st
from hypothesis import given, strategies

from explorer import map_look, state
from explorer.browser.latent_map import component

PLACES = strategies.integers(-(10**6), 10**6).map(float)
RISING = strategies.lists(PLACES, min_size=2, max_size=2, unique=True).map(sorted)
ANCHORS = strategies.one_of(
    strategies.just("point"), strategies.integers(0, 23).map(lambda number: f"pin {number}")
)
LOOKS = strategies.fixed_dictionaries(
    {},
    optional={
        "prior": strategies.booleans(),
        "means": strategies.booleans(),
        "names": strategies.booleans(),
        "truth": strategies.booleans(),
        "standard": strategies.booleans(),
        "posterior": strategies.sampled_from(map_look.CHOICES["posterior"]),
        "background": strategies.sampled_from(map_look.CHOICES["background"]),
        "anchor": ANCHORS,
        "hidden": strategies.lists(strategies.integers(0, 999_999), min_size=1, max_size=40),
        "ranges": strategies.fixed_dictionaries({"x": RISING, "y": RISING}),
    },
).filter(bool)


@given(LOOKS)
def test_a_look_is_read_as_it_was_written(look):
    read = map_look.parse(map_look.to_text(look))
    ranges = look.get("ranges")
    if ranges:  # six digits are kept, and equal ends of a range are refused
        rounded = {axis: [float(f"{end:.6g}") for end in ranges[axis]] for axis in "xy"}
        look = look | {"ranges": rounded}
    assert read == look


@given(LOOKS)
def test_what_the_browser_says_loses_only_defaults(look):
    kept = map_look.of_browser(look | {"tab": "image", "z": [], "draw": 0, "side": 15})
    defaults = {"prior": True, "means": False, "names": True, "truth": False, "standard": False}
    defaults |= {name: values[0] for name, values in map_look.CHOICES.items()}
    assert kept == {name: v for name, v in look.items() if (name, v) not in defaults.items()}


HOSTILE = [
    "", ",", ",,,", "nothing", "means:1", "no-posterior", "posterior", "posterior:most", "anchor:",
    "anchor:pin 24", "anchor:pin -1", "anchor:pin 1e9", "hidden:", "hidden:-1", "hidden:1.5.x",
    "hidden:1000000", "hidden:" + "9" * 400, "range:", "range:1:2:3", "range:1:2:3:4:5",
    "range:2:1:0:1", "range:0:0:0:1", "range:nan:1:0:1", "range:-inf:inf:0:1", "range:0:1e7:0:1",
    "ranges:0", "x:1", "__class__:y", "<img src=x onerror=alert(1)>", "![x](http://x)", "a\0b",
    "../../etc/passwd", "\u202egpj", "tab:hand",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_no_map_can_look_like_is_refused(text):
    with pytest.raises(ValueError):
        map_look.parse(text)


@given(strategies.text())
def test_any_text_is_refused_or_is_a_look(text):
    try:
        look = map_look.parse(text)
    except ValueError:
        return
    assert map_look.check(look) == look and look


SAID = {"point": 3, "pins": [{"z": [0.5, -1], "name": "A", "point": None}]}
LOOK = {
    "means": True, "tab": "hand", "z": [0.25, -1.5], "draw": 2, "side": 9, "beta": 3.5,
    "anchor": "home",
}  # fmt: skip


def hear(monkeypatch, touch):
    """What Python makes of what a browser said."""
    monkeypatch.setattr(st, "session_state", {"map": SimpleNamespace(touch=touch)})
    return component.touched("map")


def test_a_touch_is_read(monkeypatch):
    touch = hear(monkeypatch, SAID | {"look": LOOK, "model": "/latent/x.bin"})
    assert touch.model == "/latent/x.bin"
    assert touch.point == 3 and touch.pins == (state.Pin((0.5, -1.0), "A", None),)
    assert touch.look == {"means": True}
    said = (touch.tab, touch.z, touch.draw, touch.side, touch.beta)
    assert said == ("hand", (0.25, -1.5), 2, 9, 3.5)


def test_what_is_at_its_default_is_none(monkeypatch):
    plain = {"tab": "image", "z": [], "draw": 0, "side": 15, "beta": 1}
    touch = hear(monkeypatch, {"point": None, "pins": [], "look": plain})
    assert touch == ("", None, None, None, "image", None, 0, 15, 1.0)


SPOILED = {
    "nothing": None,
    "a text": "text",
    "a list": [],
    "no look": SAID,
    "look of another type": SAID | {"look": [1]},
    "an unknown tab": SAID | {"look": LOOK | {"tab": "<b>"}},
    "a side too large": SAID | {"look": LOOK | {"side": 31}},
    "a side of another type": SAID | {"look": LOOK | {"side": [3]}},
    "a beta that is no number": SAID | {"look": LOOK | {"beta": "x"}},
    "a draw below 0": SAID | {"look": LOOK | {"draw": -1}},
    "a code beyond its limits": SAID | {"look": LOOK | {"z": [1e9, 0]}},
    "a code that is no number": SAID | {"look": LOOK | {"z": ["x", None]}},
    "a code that is no list": SAID | {"look": LOOK | {"z": 5}},
    "a flag of another type": SAID | {"look": LOOK | {"means": 1}},
    "a choice of another type": SAID | {"look": LOOK | {"posterior": ["all"]}},
    "an anchor of another type": SAID | {"look": LOOK | {"anchor": {}}},
    "hidden true": SAID | {"look": LOOK | {"hidden": [True]}},
    "hidden without end": SAID | {"look": LOOK | {"hidden": [1] * 2000}},
    "ranges that fall": SAID | {"look": LOOK | {"ranges": {"x": [1, 0], "y": [0, 1]}}},
    "ranges of nothing": SAID | {"look": LOOK | {"ranges": {}}},
    "ranges not finite": SAID | {"look": LOOK | {"ranges": {"x": [0, float("inf")], "y": [0, 1]}}},
    "a point below 0": SAID | {"look": LOOK, "point": -1},
    "a point of another type": SAID | {"look": LOOK, "point": {}},
    "pins that are no list": SAID | {"look": LOOK, "pins": 7},
    "pins of numbers": SAID | {"look": LOOK, "pins": [7]},
    "a pin beyond its limits": SAID
    | {"look": LOOK, "pins": [{"z": [1e9], "name": "", "point": 0}]},
    "a pin of texts": SAID | {"look": LOOK, "pins": [{"z": ["x"], "name": "", "point": 0}]},
    "a pin without a name": SAID | {"look": LOOK, "pins": [{"z": [0]}]},
}


@pytest.mark.parametrize("touch", SPOILED.values(), ids=SPOILED.keys())
def test_what_no_map_can_say_is_refused(monkeypatch, touch):
    with pytest.raises(ValueError):
        hear(monkeypatch, touch)
