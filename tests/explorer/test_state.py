"""Settings: one table between session, link and screen."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer import state
from explorer.state import SETTINGS, Pin, Prediction


class Session(dict):
    """Streamlit's session state: a mapping with attributes."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Query(dict):
    """Streamlit's query string; counts how often it is written."""

    written = 0

    def to_dict(self):
        return dict(self)

    def from_dict(self, texts):
        self.written += 1
        self.clear()
        self.update(texts)


def opened(link=None):
    """A browser that opened the app by a link: its notices, session and query string."""
    notices = []
    browser = SimpleNamespace(
        session_state=Session(),
        query_params=Query(link or {}),
        toast=notices.append,
        context=SimpleNamespace(url="http://127.0.0.1/"),
    )
    state.st = browser
    state.load()
    return browser, notices


@pytest.fixture(autouse=True)
def streamlit(monkeypatch):
    monkeypatch.setattr(state, "st", None)


EXAMPLES = {
    "model": "digits-2d-beta-4",
    "second": "digits-autoencoder",
    "view": "pca",
    "x": 3,
    "y": 256,
    "colour": "elbo",
    "plane-seed": 7,
    "point": 0,
    "pins": (Pin((0.5, -1.0), "A"), Pin((1.0, 0.25), "a seven", 7)),
    "pins-2": (Pin((-1.0,), ""),),
    "look": {"means": True, "posterior": "all", "hidden": [3, 7]},
    "look-2": {"prior": False, "ranges": {"x": [-1.0, 2.0], "y": [0.0, 4.0]}},
    "panel": "grid",
    "turn": 45,
    "minus": 3,
    "plus": 8,
    "strength": 0.5,
    "score": "infoe",
    "z": (1.5, -0.25, 0.0),
    "draw": 17,
    "side": 30,
    "group": "digits",
    "curve": "digits-multirate",
    "beta": 0.25,
    "sweep": "mnist-2d",
    "sweep-data": "own-0123456789ab",
    "sweep-engine": "dask",
    "betas": "1,2",
    "seeds": 3,
    "run": "digits-2d-beta-1",
    "runs": ("digits-2d-beta-1", "20260101-000000-abcdef"),
    "collapsed": "mnist-20d-beta-1",
    "warmup-percent": 80,
    "cycles": 7,
    "free-bits": 0.25,
    "capacity": 12.5,
    "beta-divisor": 10,
    "lesson": "bound",
    "predicted": (Prediction("bound", 1), Prediction("density", None)),
    "answers": ("digits-2d-beta-1", "0", "-", "3"),
    "hide": ("answers", "controls"),
    "first-seed": 5,
    "chance": 0.25,
    "belief": 0.75,
    "draw-x": 3,
    "loss": "bce",
    "loss-pixels": "sum",
    "loss-batch": "sum",
    "kl-latents": "mean",
    "kl-batch": "sum",
    "kl-weight": 0.25,
    "kl-half": "no",
    "loss-data": "mnist",
    "loss-numbers": 64,
    "loss-latents": 20,
    "loss-images": 32,
    "mean": -1.25,
    "deviation": 2.5,
    "target": 0.0,
    "by": "deviation",
    "samples": 10_000,
    "preset": "digits-ae",
    "data": "mnist",
    "network": "conv",
    "hidden": "16,32",
    "latents": 3,
    "likelihood": "gaussian",
    "sigma": 0.25,
    "stabiliser": "none",
    "training-beta": 4.0,
    "warmup": 100,
    "epochs": 30,
    "batch": 32,
    "learning-rate": 0.001,
    "seed": 1,
    "title": "my model",
    "own": "20260101-120000-abcdef",
    "beside-live": "20260101-120000-abcdef",
    "beside-own": "20260101-120000-abcdef",
    "in-step-live": "step",
    "in-step-own": "step",
    "families": "compare",
    "see": "vq",
    "seen-vae": "digits-autoencoder",
    "seen-gan": "digits-gan-collapsing",
    "seen-ddpm": "20260101-120000-abcdef",
    "noise-step": 30,
    "ddim-steps": 50,
    "noise-pins": (20, 56, 60),
    "seen-vq": "20260101-120000-abcdef",
    "drawn-model": "digits-vq",
    "compared-data": "mnist",
    "need": "fast",
}
TEXTS = {"model", "second", "group", "curve", "sweep", "sweep-data", "betas", "run", "collapsed"}
TEXTS |= {"hidden", "title", "own", "runs", "beside-live", "beside-own", "loss-data"}
TEXTS |= {"answers", "seen-vae", "seen-vq", "seen-gan", "seen-ddpm", "drawn-model", "compared-data"}
"""Settings whose text the page itself compares with what there is."""
REALS = {name: pair for name, pair in state.LIMITS.items() if isinstance(pair[0], float)}
WHOLE = {name: pair for name, pair in state.LIMITS.items() if isinstance(pair[0], int)}


def test_every_setting_has_an_example():
    assert EXAMPLES.keys() == SETTINGS.keys()
    assert all(EXAMPLES[name] != SETTINGS[name].default for name in SETTINGS)


def test_without_a_link_everything_is_at_its_default():
    browser, notices = opened()
    assert {name: state.get(name) for name in SETTINGS} == {
        n: s.default for n, s in SETTINGS.items()
    }
    state.publish()
    assert (browser.query_params, browser.query_params.written, notices) == ({}, 0, [])


def test_what_is_published_opens_the_same_screen():
    browser, _ = opened()
    state.put(**EXAMPLES)
    state.publish()
    link = dict(browser.query_params)
    assert set(link) == set(SETTINGS)
    again, notices = opened(link)
    assert again.session_state.settings == EXAMPLES
    assert notices == []
    state.publish()
    assert (dict(again.query_params), again.query_params.written) == (link, 0)


def test_runs_are_a_few_different_ids():
    assert opened({"runs": " a,b,,a , c"}) and state.get("runs") == ("a", "b", "c")
    assert opened({"runs": ",".join(map(str, range(99)))}) and state.get("runs") == tuple(
        "0123456789"
    )
    assert opened({"runs": ", ,"}) and state.get("runs") is None


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=256))
def test_a_code_survives_the_link_to_three_digits(values):
    browser, _ = opened()
    state.put(z=tuple(values))
    state.publish()
    _, notices = opened(dict(browser.query_params))
    assert notices == []
    assert state.get("z") == pytest.approx(values, rel=5.1e-3, abs=1e-300)


def test_the_link_is_read_once_per_session():
    opened({"x": "5"})
    state.put(x=6)
    state.load()
    assert state.get("x") == 6


HOSTILE = [
    "", " ", "nan", "inf", "-1", "1e999", "9" * 5000, "1.5", "0x10", "true", "None", "[]", "{}",
    "../../etc/passwd", "..%2f", "C:\\CON", "a\0b", "\u202egpj", "\ud800", "<img onerror=alert(1)>",
    "=cmd|' /C calc'!A0", "' OR 1=1 --", "1,,2", ",", "1,nan", "1," * 300 + "1", "1e9,0",
]  # fmt: skip


def allowed_number(name, text):
    """What a hostile text is where it happens to be a number that the setting allows, or None."""
    if text not in ("-1", "1.5"):
        return None
    if name == "z":
        return (float(text),)
    low, high = REALS.get(name, (1, 0))
    return float(text) if low <= float(text) <= high else None


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - TEXTS))
def test_a_value_that_is_not_allowed_becomes_the_default_with_one_notice(name):
    (refusal,) = opened({name: "?"})[1]
    assert f"“{name}”" in refusal
    expected, found = {}, {}
    for text in HOSTILE:
        _, notices = opened({name: text})
        found[text] = state.get(name), notices
        number = allowed_number(name, text)
        # a stranger's text is not repeated: the notice is that of any other
        expected[text] = (SETTINGS[name].default, [refusal]) if number is None else (number, [])
    assert found == expected


numbers = st.integers(-9, 999).map(str)
codes = st.lists(st.floats(-2000, 2000), max_size=9).map(lambda z: ",".join(map(str, z)))
pins = st.lists(
    st.tuples(st.text(max_size=20), codes | numbers, numbers).map("~".join), max_size=30
)


@given(st.sampled_from(sorted(SETTINGS)), st.text() | numbers | codes | pins.map(";".join))
def test_whatever_a_link_asks_for_can_be_shared_again(name, text):
    """A value is allowed, or the default with one notice; either way its link opens again."""
    browser, notices = opened({name: text})
    assert len(notices) <= (state.get(name) == SETTINGS[name].default)
    state.publish()
    link = dict(browser.query_params)
    assert link == {} or state.get(name) != SETTINGS[name].default
    again, more = opened(link)
    state.publish()
    assert (dict(again.query_params), more) == (link, [])


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("x", 1, 256), ("y", 1, 256), ("point", 0, 10_000_000), ("draw", 0, 1_000_000),
        ("side", 3, 30), ("seeds", 1, 5), ("warmup-percent", 1, 100),
        ("beta-divisor", 2, 50), ("samples", 2, 1_000_000),
        *((name, *limits) for name, limits in WHOLE.items()),
    ],
)  # fmt: skip
def test_a_whole_number_has_limits(name, low, high):
    for value in (low, high):
        _, notices = opened({name: str(value)})
        assert (state.get(name), notices) == (value, [])
    for value in (low - 1, high + 1):
        _, notices = opened({name: str(value)})
        assert (state.get(name), len(notices)) == (SETTINGS[name].default, 1)


@pytest.mark.parametrize("name", REALS)
def test_a_number_has_limits(name):
    for value in REALS[name]:
        _, notices = opened({name: repr(value)})
        assert (state.get(name), notices) == (value, [])
    low, high = REALS[name]
    for value in (low - 1e-6, high * 1.001):
        _, notices = opened({name: repr(value)})
        assert (state.get(name), len(notices)) == (SETTINGS[name].default, 1)


def test_unknown_keys_are_ignored_and_dropped():
    browser, notices = opened({"evil": "1", "__class__": "x", "x": "3"})
    assert set(browser.session_state.settings) == set(SETTINGS)
    state.publish()
    assert (browser.query_params, notices) == ({"x": "3"}, [])


@pytest.mark.parametrize(
    ("name", "value", "allowed", "shown", "noticed"),
    [
        ("x", 3, range(1, 5), 3, False),
        ("x", 9, range(1, 3), 1, True),
        ("y", 1, [2, 3], 2, True),
        ("y", 2, [1], 1, False),
        ("colour", "class", ["kl", "elbo"], "kl", False),
        ("colour", "kl", ["distortion"], "distortion", True),
        ("model", "gone", ["a", "b"], "a", True),
        ("point", 500, range(500), None, True),
        ("point", None, range(500), None, False),
    ],
)
def test_choose_falls_back_to_what_is_possible(name, value, allowed, shown, noticed):
    _, notices = opened()
    state.put(**{name: value})
    assert state.choose(name, allowed) == shown == state.get(name)
    assert [name in notice for notice in notices] == [True] * noticed
    assert state.choose(name, allowed) == shown, "and stays"
    assert len(notices) == noticed


@pytest.mark.parametrize(("old", "new"), state.RENAMED.items())
def test_links_with_keys_of_before_still_open(old, new):
    browser, notices = opened({old: "4.0"})
    assert (state.get(new), notices) == (4.0, [])
    state.publish()
    assert browser.query_params == {new: "4.0"}


def test_links_to_the_experiments_of_before_open_their_lessons():
    lessons = {}
    for old in ("kl", "gradient", "samples", "beta"):
        _, notices = opened({"experiment": old, "mean": "2"})
        assert notices == [] and state.get("mean") == 2.0
        lessons[old] = state.get("lesson")
        assert state.get("predicted") == (Prediction(state.get("lesson"), None),)
    assert list(lessons.values()) == ["asymmetry", "reparameterise", "bound", "zero-one"]
    assert opened({"experiment": "what"}) and state.get("lesson") == ""


def test_numbers_of_a_run_have_the_limits_of_their_setting():
    for item in state.OF_A_RUN.values():
        if item.kind in (int, float):
            low, high = state.LIMITS[item.link]
            assert item.minimum <= low < high <= item.maximum
    assert state.LIMITS["training-beta"] == (0.0, 1e4)
    assert state.LIMITS["beta"] == (1e-4, 1e4)


def test_settings_do_not_leak_between_sessions():
    opened()
    state.put(x=7)
    opened()
    assert state.get("x") == SETTINGS["x"].default


# --- Back and Forward ----------------------------------------------------------------------------


def test_going_back_reads_the_link_of_before():
    browser, _ = opened({"model": "a"})
    state.publish()
    state.put(point=7)
    state.publish()
    browser.query_params.from_dict({"model": "a"})  # what the browser sends after Back
    written = browser.query_params.written
    state.load()
    state.publish()
    assert state.get("point") is None and state.visit() == 2
    assert browser.query_params.written == written + 1, "the map runs on from this link"
    browser.query_params.from_dict({"model": "a", "point": "7"})  # and after Forward
    state.load()
    assert state.get("point") == 7 and state.visit() == 3


def test_back_to_the_very_first_link_shows_the_defaults():
    browser, _ = opened()
    state.publish()
    state.put(view="pca")
    state.publish()
    browser.query_params.clear()
    state.load()
    assert state.get("view") is None


def test_a_change_wins_over_an_address_that_is_not_there_yet():
    browser, _ = opened({"model": "a"})
    state.publish()
    state.put(point=7)
    state.publish()
    browser.query_params.from_dict({"model": "a"})  # the browser has not heard of the point
    state.put(view="pca")
    state.load()
    assert state.get("point") == 7 and state.get("view") == "pca" and state.visit() == 1


def test_the_menu_leads_to_a_page_with_the_settings_of_before():
    browser, _ = opened({"model": "a"})
    state.publish()
    browser.query_params.clear()
    browser.context.url = "http://127.0.0.1/train"
    state.load()
    assert state.get("model") == "a" and state.visit() == 1
    state.publish()
    assert browser.query_params.to_dict() == {"model": "a"}
    browser.query_params.from_dict({"model": "b"})  # Back to a page of before
    browser.context.url = "http://127.0.0.1/"
    state.load()
    assert state.get("model") == "b"
