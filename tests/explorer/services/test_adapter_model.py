"""A user's own model on the screens: from the command line to map, trade-off and collapse."""

import re
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack, closing

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from explorer import __main__, state
from explorer.assets.html_export import NOTHING_TOUCHED
from explorer.assets.map_spec import MapSpec
from explorer.services import adapter_model, catalogue, page_files
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import pictures
from models.data.load import load
from tests.helpers.adapters import run
from tests.helpers.app_server import serving
from tests.helpers.app_test import open_view, press, said
from tests.helpers.browser_page import (
    MAP,
    assert_nothing_sticks_out,
    canvas_pixels,
    in_link,
    lens,
    pins,
    signed,
    spots,
    take_picture,
    wait_for_map,
)
from tests.helpers.map_page import texts
from tests.helpers.processes import wait

DIGITS = load("digits", "test")
SOURCE = '''"""An own model of digits: codes are sums of halves of the image, one latent a half."""

import torch

data = "digits"
title = "halves"
likelihood = "bernoulli"
torch.manual_seed(1)
first, last = torch.nn.Linear(LATENTS, 16), torch.nn.Linear(16, 64)
with torch.no_grad():
    first.weight *= 3
    last.weight *= 3
net = torch.nn.Sequential(first, torch.nn.Tanh(), last, torch.nn.Sigmoid())


def encode(images):
    parts = images.flatten(1)[:, :60].unflatten(1, (LATENTS, -1)).mean(2)
    return 8 * (parts - 0.33), torch.full_like(parts, -2.0)


def decode(z):
    return net(z).view(-1, 1, 8, 8)
'''


def write(folder, latents=2, more=""):
    path = folder / "own_digits.py"
    path.write_text(SOURCE.replace("LATENTS", str(latents)) + more)
    return path


@pytest.fixture(autouse=True)
def clean(no_runs, monkeypatch):
    """No model is offered before or after, and a session starts with what it always does."""
    monkeypatch.setattr(state, "SETTINGS", dict(state.SETTINGS))
    monkeypatch.setattr(sys, "path", list(sys.path))
    adapter_model.forget()
    yield
    adapter_model.forget()


def written(at):
    """All that stands on the screen, as one line."""
    return " ".join(" ".join(texts(at)).split())


def call(*arguments):
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(__main__.app, [str(argument) for argument in arguments])


@pytest.fixture
def offered(tmp_path):
    """A function that offers the own model, as the command line does."""

    def offer(**given):
        __main__.open_adapter(run(write(tmp_path, **given)), "own_digits", tmp_path)
        return catalogue.list_models()[0][adapter_model.ID]

    return offer


# --- the command line ----------------------------------------------------------------------------


def test_the_scores_are_said_before_the_app_starts(served, tmp_path):
    result = call("--adapter", write(tmp_path), "--port", 9123, "--headless")
    assert result.exit_code == 0, result.output
    assert served == [(9123, True)]
    assert "halves · digits · 500 test images of 1 × 8 × 8, 2 latents" in result.stdout
    for label in ("D ", "R ", "−ELBO"):
        line = next(line for line in result.stdout.splitlines() if line.startswith(label))
        assert " ± " in line and line.endswith("nats/image")
    assert "between decoded grid points" in result.stdout
    assert "measuring D and R: done" in result.stderr


def test_without_an_adapter_the_app_just_starts(served):
    assert call().exit_code == 0
    assert served == [(None, False)]
    assert adapter_model.paths() == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--adapter", "nowhere.py"], "the adapter must be a Python file (.py), got 'nowhere.py'"),
        (["--data", "digits"], "data must go with --adapter"),
    ],
)
def test_a_refusal_is_one_line_and_nothing_starts(served, arguments, sentence):
    result = call(*arguments)
    assert result.exit_code == 1
    assert f"Error: {sentence}" in result.stderr and "Traceback" not in result.output
    assert served == []


def test_a_broken_adapter_is_one_line_too(served, tmp_path):
    result = call("--adapter", write(tmp_path, more="\ndef decode(z):\n    return z\n"))
    assert result.exit_code == 1
    assert "Error: decode must give images of shape (8, 1, 8, 8)" in result.stderr
    assert "Traceback" not in result.output and served == []


def test_other_images_can_be_named(served, tmp_path):
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    result = call("--adapter", write(tmp_path), "--data", tmp_path / "few.npz")
    assert "few · 12 test images" in result.stdout


# --- the screens ---------------------------------------------------------------------------------


def test_the_app_opens_at_the_own_model(offered):
    entry = offered()
    at = open_view("latent_map")
    text = written(at)
    metrics = entry.card.metrics
    for name, label in (("negative_elbo", "−ELBO"), ("distortion", "D"), ("rate", "R")):
        mean, error = metrics[name]
        assert f"{label} {mean:.2f} ± {error:.2f} nats/image" in text
    assert "Trained" not in text, "how it was trained is not known"
    assert "between decoded grid points" in text.replace("\\", "")


@pytest.mark.parametrize("view", ["raw", "pca"])
@pytest.mark.parametrize("latents", [1, 3, 20])
def test_any_number_of_latents_has_its_map(offered, latents, view):
    offered(latents=latents)
    at = open_view("latent_map", view=view if latents > 1 else "raw", point="3", panel="grid")
    assert "500 images" in written(at)
    word = "between decoded grid points" if latents == 1 else "nearest of 500 decoded test codes"
    assert word in written(at).replace("\\", "")


def test_a_decoder_that_is_named_is_exact_and_nothing_is_said(offered):
    offered(more="\n\ndecoder = net\n")
    at = open_view("latent_map")
    assert "Under the pointer" not in said(at)


def test_its_point_lies_with_those_of_its_images_and_likelihood(offered):
    metrics = offered().card.metrics
    at = open_view("trade_off", run=adapter_model.ID)
    text = said(at)
    assert "**halves** · β = 1 · " in text
    assert "β is not known and is shown as 1" in text
    assert f"D {metrics['distortion'][0]:.2f} ± {metrics['distortion'][1]:.2f}" in text
    group = catalogue.list_models()[0]
    fingerprint = group[adapter_model.ID].card.data_fingerprint
    assert fingerprint == group["digits-2d-beta-1"].card.data_fingerprint


def test_collapse_is_diagnosed_and_no_remedy_is_offered(offered):
    offered()
    at = open_view("collapse")
    assert "2 of 2 latents are active" in said(at)
    assert "trained elsewhere" in said(at)
    assert [button.label for button in at.button if "Train" in button.label] == []


def test_a_collapsed_model_is_called_so(offered):
    offered(more="\n\ndef encode(images):\n    zero = torch.zeros(len(images), 2)\n"
            "    return zero, zero\n")  # fmt: skip
    assert "**Collapsed:** 0 of 2 latents are active" in said(open_view("collapse"))


def test_experiments_that_need_other_models_are_absent(offered):
    offered()
    at = open_view("lessons", experiment="beta", point="3")
    assert "shown alone" in said(at)
    assert "need the gradient of the decoder, which a custom model does not give" in said(at)
    assert list(at.code) == [], "no command can train a stranger's network"
    at = open_view("lessons", experiment="samples", point="3")
    assert "ln p(x)" in said(at)


def test_its_map_can_be_taken_home(offered):
    entry = offered()
    at = open_view("latent_map")
    press(at, "Make the file")
    model = LoadedModel(entry)
    plane = page_files.plane(model, "raw", 0, 1)
    shown = MapSpec(model.checkpoint, "raw", 0, 1, "class", plane)
    page = page_files.html_page(model, shown, True, NOTHING_TOUCHED).decode()
    assert "A custom model, 2 latents, Bernoulli pixels." in page
    assert "trained 0 steps" not in page
    assert any(
        re.search(r"\d (kB|MB)", element.proto.label) for element in at.get("download_button")
    )


@pytest.mark.parametrize("more", ["", "\n\ndecoder = net\n"], ids=["substitute", "exact"])
def test_the_server_decodes_where_the_browser_cannot(offered, more):
    model = LoadedModel(offered(latents=3, more=more))
    shown = MapSpec(model.checkpoint, "raw", 0, 1, "class", page_files.plane(model, "raw", 0, 1))
    url = page_files.map_files(model, shown)["decode"]
    assert (url is None) == bool(more)
    assert url is None or url.startswith("/latent/decode/")


def test_another_model_takes_the_place_of_the_first(offered):
    first = LoadedModel(offered()).key
    entry = offered(latents=3)
    assert LoadedModel(entry).key != first
    assert len(adapter_model.paths()) == 1


# --- the browser ---------------------------------------------------------------------------------


@pytest.fixture
def own_server(tmp_path):
    """A function that starts `python -m explorer --adapter`; its address and process."""
    with ExitStack() as stack:

        def start(adapter):
            words = ["-m", "explorer", "--adapter", str(adapter), "--headless", "--port"]
            return stack.enter_context(serving(tmp_path / "runs", words))

        yield start


def test_a_server_that_is_stopped_leaves_nothing_behind(own_server, tmp_path, monkeypatch):
    kept = tmp_path / "temporary"
    kept.mkdir()
    monkeypatch.setenv("TMPDIR", str(kept))
    address, process = own_server(write(tmp_path))
    assert len(list(kept.glob("latent-*/model.safetensors"))) == 1
    with urllib.request.urlopen(f"{address}/?adapter=own_digits.py") as answer:
        assert answer.status == 200
    process.terminate()
    process.wait(20)
    assert list(kept.glob("latent-*")) == []


def network(latents=2):
    """The decoder of the source."""
    torch.manual_seed(1)
    first, last = nn.Linear(latents, 16), nn.Linear(16, 64)
    with torch.no_grad():
        first.weight *= 3
        last.weight *= 3
    return nn.Sequential(first, nn.Tanh(), last, nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))


@pytest.mark.browser
@pytest.mark.parametrize("is_exact", [False, True], ids=["grid", "exact"])
def test_the_spot_under_the_pointer_is_decoded(own_server, profile, tmp_path, is_exact):
    more = "\n\ndecoder = net\n" if is_exact else ""
    address, _ = own_server(write(tmp_path, more=more))
    with closing(profile.new_page()) as page:
        page.goto(address)
        wait_for_map(page, 500)
        decoder = network()
        for across, down, x, y in spots(page, 5):
            page.mouse.move(across, down)
            shown = lens(page, f"z₁ {signed(x)}")
            with torch.no_grad():
                expected = pictures.one(decoder(torch.tensor([[x, y]]).float()).numpy(), 1)
            assert shown.shape == expected.shape
            assert np.abs(shown.astype(int) - expected).max() <= (1 if is_exact else 8)
        under = page.locator(".latent-panel .spot figcaption").inner_text()
        word = "Decoded mean at the pointer"
        word += "" if is_exact else ": between grid points"
        assert under == word
        page.get_by_role("button", name="Random").click()
        in_link(page, r"\bpoint=\d")
        said_so = page.get_by_text("between decoded grid points").count()
        assert said_so == (0 if is_exact else 1)
        report = page.locator(".inspector figure", has_text="Decoded mean")
        assert canvas_pixels(report.locator("canvas")).std() > 1
        take_picture(page, f"own-model-{'exact' if is_exact else 'grid'}")
        page.set_viewport_size({"width": 800, "height": 900})
        assert_nothing_sticks_out(page)
        take_picture(page, f"own-model-{'exact' if is_exact else 'grid'}")


def decoded(codes):
    """Levels (N, 8, 8, 3) that torch decodes with the decoder of three latents."""
    with torch.no_grad():
        images = network(3)(torch.tensor(np.array(codes)).float()).numpy()
    return np.stack([pictures.one(image[None], 1) for image in images]).astype(int)


def shows(canvases, expected):
    """Whether canvases show these levels, but for the last of 255."""
    found = [canvas_pixels(canvas).astype(int) for canvas in canvases.all()]
    if [each.shape for each in found] != [each.shape for each in expected]:
        return False
    return np.abs(np.stack(found) - expected).max() <= 1


@pytest.mark.browser
def test_what_stays_on_the_page_is_decoded_by_the_server(own_server, profile, tmp_path):
    address, _ = own_server(write(tmp_path, latents=3))
    with closing(profile.new_page()) as page:
        page.goto(f"{address}/?panel=hand")
        wait_for_map(page, 500)
        for latent, value in zip("₁₂₃", ("1.5", "-0.9", "2.4"), strict=True):
            page.get_by_label(f"z{latent}", exact=True).fill(value)
        z = page.evaluate(f"() => {MAP}.inspector.parts.hand.code()")
        expected = decoded([z])
        near = page.evaluate(f"(z) => [...{MAP}.model.decode(z)]", z)
        assert np.abs(np.array(near) * 255 - expected[..., 0].ravel()).max() > 20, "no substitute"
        wait(lambda: shows(page.locator(".hand-result canvas"), expected))
        page.locator(".hand .approximate", has_text="Exact: decoded by the server.").wait_for()

        page.get_by_role("button", name="Pin it").click()
        page.get_by_label("z₁", exact=True).fill("-2.1")
        page.get_by_role("button", name="Pin it").click()
        ends = [pin["z"] for pin in pins(page)]
        wait(lambda: shows(page.locator(".list .card canvas"), decoded(ends)))
        line = np.linspace(*ends, 16)
        wait(lambda: shows(page.locator(".walk .film canvas"), decoded(line)))

        page.get_by_role("tab", name="Prior samples").click()
        drawn = page.evaluate(f"() => {MAP}.inspector.parts.prior.codes.map((z) => [...z])")
        wait(lambda: shows(page.locator(".samples canvas"), decoded(drawn)))
        page.get_by_role("tab", name="Decoded grid").click()
        cells = page.evaluate(f"() => {MAP}.inspector.parts.grid.codes.map((z) => [...z])")
        tiles = decoded(cells).reshape(15, 15, 8, 8, 3).swapaxes(1, 2).reshape(1, 120, 120, 3)
        wait(lambda: shows(page.locator(".grid-sheet canvas"), tiles))
        take_picture(page, "own-model-decoded-by-the-server")

        page.get_by_role("tab", name="Test image").click()
        page.get_by_label("Number of the test image").fill("7")
        page.keyboard.press("Enter")
        report = page.locator(".inspector figure", has_text="Decoded mean").locator("canvas")
        code = page.evaluate(f"() => [...{MAP}.model.codeOf(7)]")
        wait(lambda: shows(report, decoded([code])))

        url = page.evaluate(f"() => {MAP}.data.decode")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}{url}")
        assert caught.value.code == 405
        caught.value.close()

        page.route("**/latent/decode/*", lambda route: route.abort())
        page.get_by_role("tab", name="By hand").click()
        page.get_by_label("z₁", exact=True).fill("-1.8")
        page.get_by_text(
            "Approximate: nearest decoded code. No exact image came from the server."
        ).wait_for()
        z = page.evaluate(f"() => {MAP}.inspector.parts.hand.code()")
        near = np.array(page.evaluate(f"(z) => [...{MAP}.model.decode(z)]", z)).reshape(8, 8)
        levels = np.repeat((near * 255 + 0.5).astype(int)[None, ..., None], 3, -1)
        wait(lambda: shows(page.locator(".hand-result canvas"), levels))
        take_picture(page, "own-model-without-the-server")
