"""Codes without a model on the screens: from the command line to map and collapse."""

import csv
import io
from contextlib import ExitStack, closing

import numpy as np
import pytest
from safetensors.numpy import load as load_tensors
from typer.testing import CliRunner

from explorer import __main__, state
from explorer.assets import store
from explorer.assets.html_export import NOTHING_TOUCHED
from explorer.assets.map_spec import MapSpec
from explorer.services import adapter_model, catalogue, page_files
from explorer.services.loaded_model import LoadedModel
from models.latents.codes import to_csv
from models.storage.checkpoint import read
from tests.helpers.app_server import serving
from tests.helpers.app_test import charts, open_view, said
from tests.helpers.browser_page import (
    assert_nothing_sticks_out,
    click_image,
    in_link,
    lens,
    place,
    settle,
    take_picture,
    wait_for_map,
)
from tests.helpers.map_page import texts
from tests.helpers.paths import ROOT

CODES = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors").codes
RANDOM = np.random.default_rng(0)
WITHOUT = {"log_variance": None, "labels": None}


@pytest.fixture(autouse=True)
def clean(no_runs, monkeypatch):
    """Nothing is offered before or after, and a session starts with what it always does."""
    monkeypatch.setattr(state, "SETTINGS", dict(state.SETTINGS))
    adapter_model.forget()
    yield
    adapter_model.forget()


def call(*arguments):
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(__main__.app, [str(argument) for argument in arguments])


def write(folder, name="codes.npz", **arrays):
    kept = {key: array for key, array in arrays.items() if array is not None}
    np.savez(folder / name, **kept)
    return folder / name


@pytest.fixture
def offered(tmp_path):
    """A function that offers codes as the command line does; the entry of the catalogue."""

    def offer(pictures=None, **arrays):
        given = {"mean": CODES.mean.astype(np.float64), "log_variance": CODES.log_variance,
                 "labels": CODES.labels}  # fmt: skip
        path = write(tmp_path, **given | arrays)
        images = pictures and write(tmp_path, "images.npz", **pictures)
        __main__.open_codes(path, images, tmp_path)
        return catalogue.list_models()[0][adapter_model.ID]

    return offer


def written(at):
    return " ".join(" ".join(texts(at)).split())


# --- the command line ----------------------------------------------------------------------------


def test_what_was_read_is_said_before_the_app_starts(served, tmp_path):
    path = write(tmp_path, mean=CODES.mean, log_variance=CODES.log_variance, labels=CODES.labels)
    pictures = write(tmp_path, "images.npz", decoded=RANDOM.random((500, 28, 28)))
    done = call("--codes", path, "--images", pictures, "--port", 9124, "--headless")
    assert done.exit_code == 0, done.output
    assert served == [(9124, True)]
    assert "500 codes · 2 latents · with log-variances · 10 classes" in done.stdout
    assert "the pointer shows the nearest of 500 decoded images" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--images", "a.npz"], "codes and images must go together"),
        (["--codes", "a.npz", "--adapter", "b.py"], "without --adapter and --data"),
        (["--codes", "nowhere.npz"], "'nowhere.npz': there must be such a file"),
    ],
)
def test_a_refusal_is_one_line_and_nothing_starts(served, arguments, sentence):
    done = call(*arguments)
    assert done.exit_code == 1 and served == []
    assert done.stderr.startswith("Error: ") and sentence in done.stderr
    assert done.stderr.count("\n") == 1


# --- the screens ---------------------------------------------------------------------------------


def map_of(model):
    """The arrays of the file that the live map fetches."""
    return load_tensors(store.fetch(page_files.model_files(model)["model"]))


def test_the_map_lies_where_the_given_means_do(offered):
    mean = RANDOM.normal(size=(200, 2))
    arrays = map_of(LoadedModel(offered(mean=mean, **WITHOUT)))
    np.testing.assert_array_equal(arrays["mean"], mean.astype(np.float32))
    assert {"distortion", "log_variance", "labels", "sigma"}.isdisjoint(arrays)


def test_the_page_shows_the_rate_and_no_distortion(offered):
    offered()
    text = written(open_view("latent_map"))
    assert "R 3.16 ± 0.02 nats/image" in text and "500 images" in text
    assert "There is no decoder and there are no images" in text
    assert "−ELBO" not in text and "Trained" not in text and "originals" not in text.lower()
    assert "Traversals" not in text and "Draw a digit" not in text


@pytest.mark.parametrize("view", ["raw", "pca", "tsne"])
@pytest.mark.parametrize("latents", [1, 2, 5])
@pytest.mark.parametrize("count", [3, 40])
def test_codes_of_any_size_have_every_map(offered, latents, count, view):
    offered(mean=RANDOM.normal(size=(count, latents)), **WITHOUT)
    link = {} if latents == 1 and view == "pca" else {"view": view}
    if view == "tsne" and count > 3:
        link = {"view": "raw"}  # the worker has a test of its own
    at = open_view("latent_map", **link)
    assert f"{count} images" in written(at)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, ["kl", "class"]),
        ({"log_variance": None}, ["class"]),
        ({"labels": None}, ["kl"]),
        (WITHOUT, ["class"]),
    ],
)
def test_points_are_coloured_by_what_is_known(offered, given, allowed):
    from explorer.assets import map_spec

    entry = offered(**given)
    assert sorted(map_spec.colours(LoadedModel(entry).checkpoint)) == sorted(allowed)
    open_view("latent_map", colour="elbo")


def test_collapse_is_diagnosed_without_a_decoder(offered):
    offered(pictures={"images": (255 * RANDOM.random((500, 8, 8))).astype(np.uint8)})
    text = said(open_view("collapse"))
    assert "**Not collapsed:** 2 of 2 latents are active" in text
    assert "I(x; z) is 2.99" in text and "prior samples" not in text and "nan" not in text
    assert "these codes came without one" in text


def test_a_collapsed_latent_of_given_codes_is_seen(offered):
    mean, spread = CODES.mean.copy(), CODES.log_variance.copy()
    mean[:, 1], spread[:, 1] = 0, 0
    offered(mean=mean, log_variance=spread)
    at = open_view("collapse")
    assert "1 of 2 latents collapsed" in said(at) and len(charts(at)) == 3


def test_plain_codes_cannot_collapse_and_say_so(offered):
    offered(log_variance=None)
    at = open_view("collapse", collapsed=adapter_model.ID)
    assert "Codes without log-variances have no prior and no rate" in said(at)


@pytest.mark.parametrize(
    "link", [{"experiment": "samples"}, {"experiment": "beta"}, {"experiment": "elbo"}]
)
def test_lessons_that_need_a_network_take_another_model(offered, link):
    offered()
    at = open_view("lessons", **link, model=adapter_model.ID)
    assert "codes (yours)" not in written(at)


@pytest.mark.parametrize("page", ["trade_off", "train", "lessons", "families"])
@pytest.mark.parametrize("given", [{}, {"log_variance": None}], ids=["posteriors", "points"])
def test_every_other_page_stands_and_offers_no_codes_that_it_cannot_use(offered, page, given):
    offered(**given)
    at = open_view(page)
    labels = [label for box in at.selectbox for label in box.options]
    assert [label for label in labels if "codes · codes" in label] == []


def test_the_table_has_the_columns_that_are_known(offered):
    rows = list(csv.reader(io.StringIO(to_csv(LoadedModel(offered(**WITHOUT)).codes))))
    assert rows[0] == ["image", "mean_1", "mean_2"] and len(rows) == 501
    np.testing.assert_allclose(np.array(rows[1:], float)[:, 1:], CODES.mean, rtol=1e-4, atol=1e-5)


def test_the_map_can_be_taken_home(offered):
    model = LoadedModel(offered())
    shown = MapSpec(model.checkpoint, "raw", 0, 1, "kl", page_files.plane(model, "raw", 0, 1))
    page = page_files.html_page(model, shown, True, NOTHING_TOUCHED).decode()
    assert "Codes that came without a model, 2 latents." in page and "−ELBO" not in page


# --- the browser ---------------------------------------------------------------------------------


@pytest.mark.browser
def test_the_nearest_image_a_click_and_a_lasso(profile, tmp_path):
    """Of codes with originals alone: what is seen is one of them, and says that it is."""
    codes = write(tmp_path, mean=CODES.mean[:60], labels=CODES.labels[:60])
    levels = RANDOM.integers(0, 256, (60, 8, 8)).astype(np.uint8)
    images = write(tmp_path, "images.npz", images=levels)
    words = ["-m", "explorer", "--codes", str(codes), "--images", str(images), "--headless"]
    with ExitStack() as stack:
        address, _ = stack.enter_context(serving(tmp_path / "runs", [*words, "--port"]))
        page = stack.enter_context(closing(profile.new_page()))
        page.goto(address)
        wait_for_map(page, 60)
        across, down = place(page, 7)
        page.mouse.move(across, down)
        near = lens(page, "z₁")
        spot = page.locator(".latent-panel .spot figcaption").inner_text()
        assert spot == "Nearest image at the pointer: of the test images, not decoded"
        distances = np.abs(near[:, :, 0].astype(int) - levels).reshape(60, -1).max(1)
        assert distances.min() <= 1, "one of the given images, as it is"
        click_image(page, 7)
        in_link(page, r"\bpoint=7\b")
        assert "Image 7" in page.locator(".inspector").inner_text()
        assert "nats" not in page.locator(".inspector .scores").inner_text()
        page.get_by_role("button", name="Box").click()
        box = page.locator(".latent-map .stage").bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 60, steps=5)
        page.mouse.up()
        page.get_by_text("60 images selected; class").wait_for()
        assert "mean D" not in page.locator(".latent-map .selection").inner_text()
        settle(page)
        take_picture(page, "codes-alone")
        page.set_viewport_size({"width": 800, "height": 900})
        assert_nothing_sticks_out(page)
