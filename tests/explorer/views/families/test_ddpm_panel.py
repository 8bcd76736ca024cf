"""The panel of a diffusion model: it runs the weights, says what it shows, and can be cancelled."""

import threading

import numpy as np
import pytest
import torch

from explorer import state
from explorer.services import noise_images
from explorer.services.catalogue import all_models
from explorer.services.loaded_model import LoadedModel
from explorer.views.families import ddpm_panel
from models.config import ModelConfig, RunConfig
from models.data.load import load
from models.families.registry import build_model
from models.latents.noise_plane import draw_noise
from models.objectives.denoising import add_noise, alpha_bars
from models.runs.folder import Run
from models.storage.card import Card
from models.storage.checkpoint import write
from tests.helpers.app_test import charts, open_view, press, said
from tests.helpers.browser_page import in_link, picture, settle

CONFIG = ModelConfig(family="ddpm", network="conv", image_shape=(1, 8, 8), hidden=(8, 16))
FAST = {"ddim-steps": 5}


def make(runs_dir, move=0.0, run=None):
    """A run with a diffusion model of random weights, one of them moved."""
    network = build_model(CONFIG, seed=1)
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if name.endswith(("out.weight", "second.weight")):
            value.normal_(0, 0.1, generator=generator)
    next(network.average.buffers()).view(-1)[0] += move
    run = run or Run.create(runs_dir, RunConfig("digits", CONFIG), "noise")
    fingerprint = load("digits", "test").fingerprint
    card = Card(run.config(), "noise", "digits", fingerprint, steps=1)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    write(run.model_path, card, weights, None)
    return run


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The page waits for what it makes, however loaded the machine is."""
    monkeypatch.setattr(ddpm_panel, "NOT_LONG", 120)


@pytest.fixture
def run(no_runs):
    return make(no_runs)


def opened(run, **link):
    return open_view("families", see="ddpm", **{"seen-ddpm": run.id} | FAST | link)


def model_of(run):
    return LoadedModel(all_models()[run.id])


def test_a_moved_weight_moves_every_picture_that_the_network_makes(run, shown, no_runs):
    """The image, the noise and their mixture stay; whatever the weights have a part in changes."""
    opened(run)
    first = {caption: pictures[-1].copy() for caption, pictures in shown.items()}
    make(no_runs, 0.5, run)
    opened(run)
    changed = {c for c in first if not np.array_equal(first[c], shown[c][-1])}
    kept = {"image x₀", "noise ε", "noisy image xₜ"}
    assert kept | {"guessed noise ε̂", "guessed image x̂₀"} <= first.keys()
    assert changed == first.keys() - kept and len(changed) == 6


def test_the_slider_moves_the_image_from_itself_to_noise(run, shown):
    for time in ("1", "200"):
        opened(run, **{"noise-step": time, "point": "7"})
    image, noise, noisy = (shown[c] for c in ("image x₀", "noise ε", "noisy image xₜ"))
    assert np.array_equal(image[0], image[1]) and np.array_equal(noise[0], noise[1])
    gap = np.abs(noisy[0].astype(int) - image[0]), np.abs(noisy[1].astype(int) - noise[1])
    assert max(map(np.max, gap)) < 16  # of 255


def test_what_is_said_of_a_noisy_image_is_so(run):
    model, image = model_of(run), load("digits", "test").images[3]
    noise = draw_noise(1, image.shape, 5)[0]
    found = noise_images.noised(model, image, noise, 60)
    share = float(alpha_bars(200)[60])
    noisy = add_noise(torch.tensor(2 * image - 1), torch.tensor(noise), share)
    assert np.allclose(found.noisy, noisy, atol=1e-6)
    assert found.image_share**2 + found.noise_share**2 == pytest.approx(1)
    back = found.image_share * found.clean + found.noise_share * found.guess
    assert np.allclose(back, found.noisy, atol=1e-5)
    assert found.error == pytest.approx(np.square(found.guess - noise).mean(), rel=1e-5)


def test_the_images_are_those_of_the_model_and_of_the_link(run, shown):
    at = opened(run, draw="4")
    model = model_of(run)
    expected = model.network.decode_noise(torch.tensor(draw_noise(10, (1, 8, 8), 4)), 5)
    first = noise_images.make(model, draw_noise(10, (1, 8, 8), 4), 5, [0, 1, 2, 3, 4, 5])
    assert np.allclose(first.images, expected, atol=1e-6)
    assert "10 images in 5 evaluations" in said(at) and first.moments == [200, 160, 120, 80, 40, 0]
    at = press(at, "Draw other noise")
    assert "5" in at.query_params["draw"]
    drawn = shown["All 10 new images; the first three are those above"]
    assert not np.array_equal(drawn[0], drawn[-1])


@pytest.mark.slow
def test_pins_are_walked_to_in_the_order_in_which_they_were_set(run, shown):
    at = opened(run)
    (chart,) = (c for key, c in charts(at).items() if key == "noise-plane")
    assert chart["data"][2]["text"] == ["A", "B"]
    assert "The walk A → B along arcs, a row for each" in shown
    at = opened(run, **{"noise-pins": "20,56,60"})
    rows = shown["The walk A → B → C along arcs, a row for each"][-1]
    first = shown["The walk A → B along arcs, a row for each"][-1]
    assert np.array_equal(rows[-first.shape[0] :], first)  # 56 to 60 are the first two images
    at = press(at, "Remove the pins")
    assert "noise-pins" not in at.query_params
    at = opened(run, **{"noise-pins": "7"})
    assert "Click a second picture" in said(at)


@pytest.mark.parametrize("text", ["81", "-1", "a", "3,,4"])
def test_a_place_that_is_not_on_the_plane_is_refused(text):
    with pytest.raises(ValueError):
        state.parse("noise-pins", text)


def test_work_can_be_cancelled_and_gone_on_with(run, monkeypatch):
    """The network waits to be let go: meanwhile the page shows a bar, and all else of the panel."""
    monkeypatch.setattr(ddpm_panel, "NOT_LONG", 0.01)
    gate, model = threading.Event(), model_of(run)
    guess = type(model.network).guess_at

    def slow(self, noisy, time):
        if len(noisy) > 1:
            assert gate.wait(300)
        return guess(self, noisy, time)

    monkeypatch.setattr(type(model.network), "guess_at", slow)
    try:
        at = opened(run, draw="77")
        assert "mean squared error" in said(at)  # one image is not held up
        at = press(at, "Cancel")
        assert [b.label for b in at.button].count("Go on") == 1
    finally:
        gate.set()
    monkeypatch.setattr(ddpm_panel, "NOT_LONG", 120)
    at = press(at, "Go on")
    assert "10 images in 5 evaluations" in said(at)


def test_a_cancelled_one_makes_nothing_and_ends(run):
    model, noise = model_of(run), draw_noise(2, (1, 8, 8), 123)
    making = noise_images.make(model, noise, 20)
    noise_images.forget(making)
    assert making.wait(300)
    again = noise_images.make(model, noise, 20)
    assert again is not making and again.wait(300) and again.share == pytest.approx(1)
    assert noise_images.make(model, noise, 20) is again


def test_a_failure_is_said(run, monkeypatch):
    def fail(self, *arguments):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(type(model_of(run).network), "path", fail)
    assert "out of memory" in said(opened(run, draw="99"))


@pytest.mark.browser
def test_the_panel_in_the_browser(visit, runs_dir):
    """The slider moves the noise; a click on a picture of the plane pins it; two pins, a walk."""
    name = make(runs_dir).id
    page = visit(f"see=ddpm&seen-ddpm={name}&ddim-steps=5", "families")
    page.get_by_text("The walk A → B along arcs").wait_for()
    settle(page)
    noisy = picture(page, "noisy image xₜ")
    clean = picture(page, "image x₀")
    page.get_by_role("slider", name="Noise step t (of 200)").press("End")
    in_link(page, "noise-step=200")
    assert not np.array_equal(picture(page, "noisy image xₜ"), noisy)
    assert np.array_equal(picture(page, "image x₀"), clean)
    page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    frame = page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    cell = frame["width"] / 9
    for place in (0, 40):
        row, column = divmod(place, 9)
        page.mouse.click(frame["x"] + (column + 0.5) * cell, frame["y"] + (row + 0.5) * cell)
        in_link(page, rf"noise-pins=(0,)?{place}\b")
        frame = page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    assert page.locator(".js-plotly-plot text", has_text="B").count() == 1
    page.get_by_text("The walk A → B along arcs").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
