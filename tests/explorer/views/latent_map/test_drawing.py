"""Drawing a digit: what the panel says of a drawing, and the pad in a real Chromium.

One file because panel and pad are tested with the same drawings.
"""

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from explorer.browser.drawing import component as live
from explorer.browser.latent_map import component
from explorer.services import drawn_digit
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import pictures
from models.data.drawing import EXAMPLES, describe, to_image
from models.metrics.likelihood import elbo
from models.runs.folder import Run
from models.storage.checkpoint import read, restore
from tests.helpers.app_test import component_data
from tests.helpers.browser_page import (
    MAP,
    assert_equal_pictures,
    assert_nothing_sticks_out,
    picture,
    ranges,
    resize,
    settle,
    wait_for_map,
)
from tests.helpers.checkpoints import make_run
from tests.helpers.paths import MNIST, ROOT
from tests.helpers.processes import PATIENCE, wait

DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
FOUR, SEVEN = ([stroke.tolist() for stroke in EXAMPLES[digit]] for digit in (4, 7))


def encoded(checkpoint, strokes):
    """Image, mean and log-variance of a drawing, by torch alone."""
    config = checkpoint.card.config
    image = to_image(strokes, config.data, config.model.image_shape)[None]
    with torch.inference_mode():
        mean, log_variance = restore(checkpoint).encode(torch.from_numpy(image))
    return image, mean[0].numpy(), None if log_variance is None else log_variance[0].numpy()


@pytest.fixture(autouse=True)
def quiet(runs_dir, monkeypatch):
    """The runs folder of this module, and no thread in the background."""
    monkeypatch.setenv("LATENT_RUNS_DIR", str(runs_dir))


@pytest.fixture
def placed(monkeypatch):
    """What each map that was placed says of the drawing, in turn."""
    found, place = [], component.latent_map

    def note(data, *given):
        found.append(data["drawn"])
        place(data, *given)

    monkeypatch.setattr(component, "latent_map", note)
    return found


def run(at, strokes=None):
    """The screen with this drawing, or the one it has; nothing may be raised."""
    if strokes is not None:
        at.session_state["drawing"] = strokes
    at.run()
    assert [error.value for error in at.exception] == []
    return at


def screen(strokes=None, **link):
    at = AppTest.from_file(str(ROOT / "explorer" / "navigation.py"), default_timeout=PATIENCE)
    at.query_params.update({"panel": "draw", "model": "digits-2d-beta-1"} | link)
    return run(at, strokes)


def drawn_code(at):
    maps = [component_data(e) for e in at.get("bidi_component") if "-map" in e.proto.id]
    return maps[0]["drawn"]


def texts(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error)
    return [element.value.replace("\xa0", " ") for kind in kinds for element in kind]


def choose_model(at, name):
    at.selectbox("control-model").set_value(name)
    return run(at)


def test_an_empty_pad_says_what_to_do_and_how_a_drawing_is_prepared():
    at = screen()
    assert at.query_params == {"panel": "draw", "model": "digits-2d-beta-1"}
    assert "Draw a digit, or press one of the examples 0 to 9." in texts(at)
    assert describe("digits", (1, 8, 8)) in texts(at)
    assert drawn_code(at) is None


def test_a_drawing_is_shown_with_its_numbers_and_neighbours(shown):
    at = screen(FOUR)
    image, mean, log_variance = encoded(DIGITS, FOUR)
    terms = elbo(restore(DIGITS), torch.from_numpy(image).expand(64, -1, -1, -1), seed=0)
    d, r = terms.distortion.mean().item(), terms.rate[0].sum().item()
    error = terms.distortion.std().item() / 8
    line = f"**D** {d:.1f} ± {error:.1f} + **R** {r:.1f} = **−ELBO** {d + r:.1f} ± {error:.1f} nats"
    higher = (DIGITS.codes.negative_elbo < d + r).sum()
    place = f"This −ELBO is higher than that of {higher} of the 500 test images."
    sigma = np.exp(log_variance / 2)
    each = [f"z{'₁₂'[j]} {mean[j]:.2f} ± {sigma[j]:.2f}".replace("-", "−") for j in (0, 1)]
    posterior = f"{each[0]}, {each[1]} (μ ± σ, prior standard deviations)"
    assert {line, place, posterior} <= set(texts(at))
    assert (shown["The model sees"][-1] == pictures.one(image, 112)).all()
    with torch.inference_mode():
        decoded = restore(DIGITS).decode(torch.from_numpy(mean)[None]).numpy()
    assert (shown["Decoded mean"][-1] == pictures.one(decoded, 112)).all()
    distance = np.linalg.norm(DIGITS.codes.mean - mean, axis=1)
    for i in np.argsort(distance)[:6]:
        assert f"{DIGITS.codes.labels[i]} · Δ {distance[i]:.2f}" in shown


def test_the_map_has_the_code_in_the_run_that_has_the_drawing(placed):
    at = screen()
    assert placed == [None]
    run(at, FOUR)
    _, mean, log_variance = encoded(DIGITS, FOUR)
    code = {
        "mean": pytest.approx(mean.tolist(), abs=1e-5),
        "log_variance": pytest.approx(log_variance.tolist(), abs=1e-5),
    }
    assert placed[1:] == [code] and drawn_code(at) == code
    run(at, [])
    assert placed[2:] == [None]


def test_another_model_encodes_the_same_drawing_whichever_panel_is_open(placed):
    at = screen(FOUR, panel="prior")
    assert drawn_code(at)["mean"] == pytest.approx(encoded(DIGITS, FOUR)[1].tolist(), abs=1e-5)
    for name in ("digits-2d-beta-4", "digits-autoencoder"):
        choose_model(at, name)
        _, mean, log_variance = encoded(read(ROOT / "checkpoints" / f"{name}.safetensors"), FOUR)
        assert drawn_code(at)["mean"] == pytest.approx(mean.tolist(), abs=1e-5)
        assert (drawn_code(at)["log_variance"] is None) == (log_variance is None)
    assert len(placed) == 3, "one run each"
    assert at.session_state["drawing"] == FOUR


def test_an_autoencoder_has_no_rate():
    at = screen(SEVEN, model="digits-autoencoder")
    lines = texts(at)
    assert any(line.endswith(" nats. An autoencoder has no R.") for line in lines)
    assert any(line.startswith("This D is higher than that of ") for line in lines)
    assert not any("**R**" in line or "σ" in line or "samples of z" in line for line in lines)


@pytest.mark.skipif(not MNIST, reason="no MNIST model ships")
def test_many_latents_are_cut_short():
    at = screen(SEVEN, model="mnist-20d-beta-1")
    (line,) = [line for line in texts(at) if "and 16 more (μ ± σ" in line]
    assert line.count("±") == 5
    assert describe("mnist", (1, 28, 28)) in texts(at)


KINDS = {
    "one latent": {"latent_dim": 1},
    "an autoencoder": {"family": "autoencoder"},
    "an autoencoder of one latent without labels": {
        "labels": 0, "family": "autoencoder", "latent_dim": 1,
    },
    "a collapsed posterior": {"scale": 0.0},
    "images of unequal sides": {"image_shape": (1, 8, 9)},
    "a convolution": {"network": "conv", "hidden": (4, 8)},
    "a learned variance": {"likelihood": "gaussian-pixel"},
    "one image": {"count": 1},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_model_takes_a_drawing(runs_dir, kind):
    name = make_run(runs_dir, **kind)
    at = screen(SEVEN, model=name)
    mean = encoded(read(Run(runs_dir / name).model_path), SEVEN)[1]
    assert drawn_code(at)["mean"] == pytest.approx(mean.tolist(), abs=1e-5)
    assert any(line.startswith("**D** ") for line in texts(at))
    assert not (at.warning or at.error)
    assert "nan" not in " ".join(texts(at)).lower().split()


def test_data_with_dark_ink_are_drawn_on_so(monkeypatch, shown):
    decode = LoadedModel.decode
    monkeypatch.setattr(LoadedModel, "decode", lambda *given: 1 - decode(*given))
    st.cache_resource.clear()
    screen(SEVEN)
    assert (shown["The model sees"][-1] == pictures.one(encoded(DIGITS, SEVEN)[0], 112)).all()
    monkeypatch.setattr(drawn_digit, "is_built_in", lambda name: False)  # a custom set
    st.cache_resource.clear()
    screen(SEVEN)
    expected = to_image(SEVEN, "digits", (1, 8, 8), dark_ink=True)[None]
    assert (shown["The model sees"][-1] == pictures.one(expected, 112)).all()
    st.cache_resource.clear()


def test_numbers_that_are_not_finite_are_said_and_kept_from_the_map(monkeypatch):
    real = drawn_digit.score
    broken = {"mean": np.array([np.nan, 0])}
    monkeypatch.setattr(drawn_digit, "score", lambda *given: real(*given)._replace(**broken))
    at = screen(FOUR)
    assert [error.value for error in at.error] == [
        "The model’s numbers for this drawing are not finite: choose another model."
    ]
    assert drawn_code(at) is None


@pytest.mark.parametrize("sent", [None, "text", [[[0.5, 2]]], [[[0.5, 0.5]] * 10_000]])
def test_what_is_no_drawing_is_one_sentence_and_the_last_one_stays(monkeypatch, sent):
    monkeypatch.setattr(live, "pad", lambda strokes, examples, key, on_draw: on_draw())
    monkeypatch.setattr(live, "drawn", lambda key: sent)
    at = screen(FOUR)
    (warning,) = at.warning
    assert warning.value.startswith("The last stroke is not used: ")
    assert warning.value.count(".") <= 2 and warning.value.endswith(".")
    assert at.session_state["drawing"] == FOUR
    monkeypatch.setattr(live, "drawn", lambda key: SEVEN)
    run(at)
    assert at.session_state["drawing"] == SEVEN and not at.warning


browser = pytest.mark.browser
HELD = "(function up(node) { return node.pad ?? up(node.parentNode) })(box)"


def open_pad(visit, query="panel=draw"):
    """A page with the pad in sight."""
    page = visit(query)
    wait_for_map(page, 500)
    wait_for_pad(page)
    page.locator(".pad canvas").scroll_into_view_if_needed()
    settle(page)
    return page


def wait_for_pad(page):
    """Until the pad listens: its markup comes before its script, which names what is disabled."""
    page.locator(".pad [data-action=undo][aria-disabled]").wait_for()


def pad(page):
    """The strokes that the pad holds."""
    return page.locator(".pad").evaluate(f"(box) => {HELD}.strokes")


def on_map(page):
    """The drawn code as the map has it."""
    return page.evaluate(f"() => {MAP}.data.drawn")


def stroke(page, *points):
    """Draws with the mouse through points in [0, 1]² of the pad."""
    box = page.locator(".pad canvas").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def assert_mapped(page, checkpoint=DIGITS):
    """The code on the map is Python's, of the strokes that are on the pad; the page is shown."""
    _, mean, log_variance = encoded(checkpoint, pad(page))
    code = pytest.approx(np.array([mean, log_variance]), abs=1e-4)

    def is_mapped():
        found = on_map(page)
        return found is not None and np.array([found["mean"], found["log_variance"]]) == code

    wait(is_mapped)
    settle(page)


@browser
def test_a_drawing_lands_where_the_encoder_says(visit):
    page = open_pad(visit)
    before = ranges(page)
    stroke(page, (0.3, 0.2), (0.7, 0.2), (0.45, 0.9))
    (drawn,) = pad(page)
    assert drawn[0] == pytest.approx([0.3, 0.2], abs=0.01)
    assert drawn[-1] == pytest.approx([0.45, 0.9], abs=0.01)
    assert_mapped(page)
    assert_equal_pictures(
        picture(page, "The model sees"), pictures.one(encoded(DIGITS, pad(page))[0], 112)
    )
    stroke(page, (0.35, 0.55), (0.7, 0.55))
    assert len(pad(page)) == 2
    assert_mapped(page)
    assert np.allclose(ranges(page), before), "the map keeps its view"


@browser
def test_python_hears_of_finished_strokes_alone(visit):
    page = open_pad(visit)
    page.evaluate(
        """() => {
            window.sent = 0;
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (...given) {
                window.sent += 1;
                return send.apply(this, given);
            };
        }"""
    )
    box = page.locator(".pad canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(box["x"] + 60 + step, box["y"] + 40 + 4 * step)
    assert page.evaluate("window.sent") == 0
    page.mouse.up()
    assert_mapped(page)
    assert page.evaluate("window.sent") == 1


@browser
def test_undo_clear_examples_and_keyboard(visit):
    page = open_pad(visit)
    undo, clear = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Clear"))
    assert [button.get_attribute("aria-disabled") for button in (undo, clear)] == ["true", "true"]
    stroke(page, (0.5, 0.1), (0.5, 0.9))
    stroke(page, (0.2, 0.5), (0.8, 0.5))
    first = pad(page)[0]
    undo.click()
    assert pad(page) == [first]
    assert_mapped(page)
    clear.click()
    assert pad(page) == []
    wait(lambda: on_map(page) is None)
    undo.click()
    assert pad(page) == [first], "clearing can be undone"
    page.get_by_role("button", name="Example of a 7").focus()
    page.keyboard.press("Enter")
    assert pad(page) == SEVEN
    assert_mapped(page)
    page.get_by_text("Nearest in latent space").last.wait_for()
    page.locator(".pad canvas").focus()
    page.keyboard.press("Control+z")
    assert pad(page) == [first]
    page.keyboard.press("Control+z")  # what "Clear" had left
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert pad(page) == []


@browser
def test_the_drawing_stays_when_the_pad_comes_back(visit):
    page = open_pad(visit)
    stroke(page, (0.5, 0.1), (0.5, 0.9))
    stroke(page, (0.2, 0.5), (0.8, 0.5))
    assert_mapped(page)
    drawn = pad(page)
    page.get_by_role("button", name="Close the drawing").click()
    page.locator(".pad").wait_for(state="detached")
    settle(page)
    assert on_map(page) is not None
    page.get_by_role("button", name="Draw a digit").click()
    wait_for_pad(page)
    assert pad(page) == drawn
    page.get_by_role("button", name="Undo", exact=True).click()
    assert pad(page) == drawn[:1]
    assert_mapped(page)


@browser
def test_a_new_pad_in_the_place_of_another_goes_on(visit):
    page = open_pad(visit)
    stroke(page, (0.5, 0.1), (0.5, 0.9))
    stroke(page, (0.2, 0.5), (0.8, 0.5))
    first = pad(page)[0]
    assert_mapped(page)
    page.locator(".pad canvas").focus()
    told = page.locator(".pad").evaluate(
        """async (box) => {
            const script = performance.getEntriesByType("resource").map(({name}) => name)
                .find((name) => /latent\\/.*\\.js$/.test(name));
            const host = box.getRootNode().host ?? box.parentNode;
            const copy = document.createElement("div");
            copy.append(box.cloneNode(true));
            const told = [];
            box.remove();
            host.before(copy);
            (await import(script)).drawingPad({
                parentElement: copy, data: {strokes: [], examples: {}},
                setStateValue: (name, strokes) => told.push(strokes.length),
            });
            copy.querySelector("canvas").dispatchEvent(
                new KeyboardEvent("keydown", {key: "z", ctrlKey: true, bubbles: true}));
            return {told, held: copy.pad.strokes, hasKeyboard: document.activeElement.tagName};
        }"""
    )
    assert told == {"told": [2, 1], "held": [first], "hasKeyboard": "CANVAS"}


@browser
def test_a_finger_draws_and_the_page_does_not_scroll(visit):
    page = open_pad(visit)
    box = page.locator(".pad canvas").bounding_box()
    scrolled = "() => document.querySelector('[data-testid=stMain]').scrollTop"
    before = page.evaluate(scrolled)
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        given = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

    x, y = box["x"] + 130, box["y"] + 200
    touch("touchStart", (x, y))
    for step in range(1, 16):
        touch("touchMove", (x, y - 10 * step))
    touch("touchStart", (x, y - 150), (x + 60, y))  # a second finger is no pen
    touch("touchMove", (x, y - 160), (x + 60, y - 90))
    touch("touchEnd")
    wait(lambda: len(pad(page)) == 1)
    (drawn,) = np.array(pad(page))[:, [0, -1]]
    assert drawn == pytest.approx(np.array([[0.5, 200 / 260], [0.5, 40 / 260]]), abs=0.01)
    assert page.evaluate(scrolled) == before
    assert_mapped(page)


@browser
def test_a_stroke_off_the_pad_stays_at_its_edge_and_a_click_is_a_dot(visit):
    page = open_pad(visit)
    stroke(page, (0.5, 0.5), (1.4, 0.5))
    assert pad(page)[0][-1] == [1, 0.5]
    assert_mapped(page)
    page.get_by_role("button", name="Clear", exact=True).click()
    wait(lambda: on_map(page) is None)
    settle(page)
    stroke(page, (0.25, 0.25))
    assert np.array(pad(page)) == pytest.approx(np.full((1, 1, 2), 0.25), abs=0.01)
    assert_mapped(page)


@browser
def test_what_no_pad_sends_is_refused_in_one_sentence(visit):
    page = open_pad(visit)
    page.get_by_role("button", name="Example of a 4").click()
    assert_mapped(page)
    before = on_map(page)
    page.locator(".pad").evaluate(f"(box) => {HELD}.tell([[[0.5, 7]]])")
    page.get_by_text("The last stroke is not used: points must lie on the pad").wait_for()
    settle(page)
    assert on_map(page) == before


@browser
def test_the_panel_fits_and_the_pad_stands_still(visit):
    page = open_pad(visit)
    clear = page.get_by_role("button", name="Clear", exact=True)

    def below_the_button():
        """Where the pad is, and how large, seen from the button that closes it."""
        settle(page)
        return page.locator(".pad").evaluate(
            """(pad) => {
                const buttons = Array.from(document.querySelectorAll("button"));
                const row = buttons.find((button) => button.innerText === "Close the drawing");
                const [box, above] = [pad, row].map((each) => each.getBoundingClientRect());
                return [box.x - above.x, box.y - above.y, box.width, box.height];
            }"""
        )

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1440, 800):
            resize(page, width)
            empty = below_the_button()
            page.get_by_role("button", name="Example of a 4").click()
            page.get_by_text("Nearest in latent space").last.wait_for()
            assert below_the_button() == pytest.approx(empty, abs=0.5)
            assert_nothing_sticks_out(page)
            clear.click()
            page.get_by_text("Draw a digit, or press").wait_for()
            assert below_the_button() == pytest.approx(empty, abs=0.5)
