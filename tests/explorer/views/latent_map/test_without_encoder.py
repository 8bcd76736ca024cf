"""The map of a model without an encoder: a plane through draws of its prior, and no points."""

import re

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from explorer.assets import decoding, store
from explorer.assets.html_export import export_page
from models.export.interpreter import run_layers
from models.latents.noise_plane import plane_noise, slerp
from models.latents.planes import draw_corners
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, restore
from models.storage.tensors import read_tensors
from tests.helpers.browser_page import MAP, in_link, next_frame, pins, settle
from tests.helpers.configs import tiny
from tests.helpers.map_page import choose, decode, live_map, press, texts, visit
from tests.helpers.paths import ROOT

GAN, DDPM = (ROOT / "checkpoints" / f"digits-{name}.safetensors" for name in ("gan", "ddpm"))


def keys(at):
    return {widget.key for kind in (at.selectbox, at.button_group) for widget in kind}


def test_the_plane_goes_through_three_draws_which_are_pinned():
    at = visit(model="digits-gan", view="pca")  # of another model: a GAN has no codes to fit
    assert not (at.toast or at.warning or at.error)
    told = live_map(at)
    corners = draw_corners(16, seed=0)
    assert [pin["name"] for pin in told["pins"]] == ["A", "B", "C"]
    assert np.allclose([pin["z"] for pin in told["pins"]], corners, atol=1e-6)
    origin, axes = (np.array(told["plane"][name]) for name in ("origin", "axes"))
    off = corners - origin
    assert np.allclose(off - (off @ axes.T) @ axes, 0, atol=1e-5), "they lie in the plane"
    assert told["plane"]["reach"] > np.linalg.norm(off, axis=1).max()
    assert told["prior"] == pytest.approx([0, 0], abs=1e-5), "the origin is nearest to their middle"
    assert told["originals"] is told["drawn"] is told["arrow"] is None
    assert {"control-view", "control-model"} <= keys(at) and "control-colour" not in keys(at)
    assert any("No encoder: no test images on the map" in text for text in texts(at))


def test_other_draws_are_another_plane_with_its_own_pins():
    at = visit(model="digits-gan", pins="mine~" + ",".join(["1"] * 16))
    before = live_map(at)
    assert [pin["name"] for pin in before["pins"]] == ["mine"]
    press(at, "Draw three others")
    after = live_map(at)
    assert np.allclose([pin["z"] for pin in after["pins"]], draw_corners(16, seed=1), atol=1e-6)
    assert after["visit"] != before["visit"], "the map takes the pins over"
    assert at.query_params["plane-seed"] == "1" and "pins" not in at.query_params


def test_of_two_latents_the_others_are_those_of_a_draw():
    at = visit(model="digits-gan", view="raw", x="3", y="2")
    told, drawn = live_map(at), draw_corners(16, seed=0)[0]
    assert told["titles"]["x"] == "z₃ (prior standard deviations)" and told["pins"] == []
    held = [j for j in range(16) if j not in (1, 2)]
    origin = np.array(told["plane"]["origin"])
    assert np.allclose(origin[held], drawn[held], atol=1e-6) and not origin[[1, 2]].any()
    assert told["plane"]["home"] == "a draw of the prior" and told["prior"] == [0, 0]
    press(at, "Draw the other latents")
    assert np.allclose(
        np.array(live_map(at)["plane"]["origin"])[held], draw_corners(16, 1)[0][held], atol=1e-6
    )
    choose(at, "view", "draws")
    assert len(live_map(at)["pins"]) == 3


def test_the_browser_decodes_as_the_model_does(tmp_path):
    told = live_map(visit(model="digits-gan"))
    (tmp_path / "map").write_bytes(store.fetch(told["model"]))
    tensors, document, _ = read_tensors(tmp_path / "map")
    z = draw_corners(16, seed=0).astype(np.float32)
    weights = [tensors[f"layers.{i}"] for i in range(len(tensors))]
    found = run_layers(document["layers"], weights, torch.from_numpy(z))
    means = torch.sigmoid(found).numpy().reshape(3, 1, 8, 8)
    assert np.allclose(means, decode(read(GAN), z), atol=1e-5)


@pytest.mark.parametrize("latents", [1, 2])
def test_few_latents_are_all_on_the_map(latents, no_runs):
    run = Run.create(no_runs, tiny(family="gan", latent_dim=latents, training={"epochs": 1}), "a")
    list(execute(run))
    at = visit(model=run.id)
    told = live_map(at)
    assert told["view"] == "raw" and not any(told["plane"]["origin"]) and told["pins"] == []
    assert told["plane"]["home"] == "the origin" and len(told["plane"]["names"]) == latents
    assert "control-view" not in keys(at) and not [b for b in at.button if "Draw" in b.label]


def test_the_map_as_a_file_says_that_there_are_no_points():
    page = export_page(GAN, "draws").decode()
    assert "No encoder: no test images on the map" in page and "16 latents" in page
    assert "β =" not in page
    with pytest.raises(ValueError, match="view must be one of draws, raw, got 'pca'"):
        export_page(GAN, "pca")


def test_noise_is_decoded_by_the_server_in_the_length_of_draws():
    at = visit(model="digits-ddpm", view="raw")
    told, corners = live_map(at), draw_corners(64, seed=0)
    assert np.allclose([pin["z"] for pin in told["pins"]], corners, atol=1e-6)
    assert "control-view" not in keys(at) and told["view"] == "draws" and not at.toast
    assert not [b for b in at.button if "HTML" in b.label] and told["decode"]
    origin, axes = (np.array(told["plane"][name]) for name in ("origin", "axes"))
    places = np.array([[0.2, 0.3], [1.1, -0.4]])
    spots = (1 - places.sum(1))[:, None] * corners[0] + places @ corners[1:]
    assert np.allclose(origin + ((spots - origin) @ axes.T) @ axes, spots, atol=1e-5)
    noise = plane_noise(corners, places).reshape(2, 1, 8, 8)
    with torch.inference_mode():
        expected = restore(read(DDPM)).decode_noise(torch.from_numpy(noise)).numpy()
    latent_dim, decoder = decoding._decoders[told["decode"].rpartition("/")[2]]
    assert latent_dim == 64
    found = decoder(spots.astype(np.float32))
    assert np.abs(found - expected).max() <= 1e-3


def test_noise_has_no_map_without_a_server():
    with pytest.raises(ValueError, match="must hold a decoder of z, which family ddpm has not"):
        export_page(DDPM)


def walk_images(page):
    """The pictures of the walk, as numbers."""
    return np.array(
        page.evaluate(
            f"() => {MAP}.interpolation.walks[{MAP}.interpolation.kind].images.map((i) => [...i])"
        )
    )


@pytest.mark.browser
@pytest.mark.slow
def test_a_walk_over_a_gan(visit_page):
    page = visit_page("digits-gan")
    model, (b, c) = read(GAN), draw_corners(16, seed=0)[1:]
    assert page.evaluate(f"() => {MAP}.path.length") == 16, "from B to C, at once"
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_function("() => !document.querySelector('.lens').hidden")
    z = np.array(page.evaluate(f"() => [...{MAP}.pointer.last.z]"))
    shown = page.evaluate(f"() => [...{MAP}.pointer.last.values]")
    assert np.allclose(shown, decode(model, z).ravel(), atol=1e-4)
    ends = decode(model, np.stack([b, c])).reshape(2, -1)
    for kind in ("Straight line", "Spherical"):
        page.get_by_role("button", name=kind).click()
        next_frame(page)
        images = walk_images(page)
        assert np.allclose(images[[0, -1]], ends, atol=1e-4)
        way = np.array(page.evaluate(f"() => {MAP}.path.map((z) => Math.hypot(...z))"))
        middle = 4 if kind == "Spherical" else np.sqrt(8)
        assert way[7:9].mean() == pytest.approx(middle, abs=0.05)
    page.locator(".stage").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    assert [pin["name"] for pin in pins(page)] == ["A", "B", "C", "D"]
    in_link(page, r"pins=A~.*;D~")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save GIF").click()
    assert download.value.path().read_bytes()[:6] == b"GIF89a"
    assert re.fullmatch(r"walk-spherical\.gif", download.value.suggested_filename)
    page.get_by_role("button", name="Draw three others").click()
    page.wait_for_function(f"() => {MAP}.pins.all.length === 3")
    settle(page)
    assert np.allclose([pin["z"] for pin in pins(page)], draw_corners(16, seed=1), atol=1e-4)


@pytest.mark.browser
@pytest.mark.slow
def test_a_walk_over_noise(visit_page):
    page = visit_page("digits-ddpm")
    corners = draw_corners(64, seed=0).astype(np.float32).reshape(3, 1, 8, 8)
    page.get_by_role("button", name="Spherical").click()
    assert page.get_by_role("button", name="Geodesic").count() == 0
    page.locator(".walk .approximate", has_text="Exact: decoded by the server.").wait_for()
    with torch.inference_mode():
        noise = torch.from_numpy(slerp(corners[1], corners[2], 16))
        expected = restore(read(DDPM)).decode_noise(noise).flatten(1).numpy()
    assert np.abs(walk_images(page) - expected).max() <= 1 / 255 + 1e-3
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    page.wait_for_function(f"() => {MAP}.pointer.last && !{MAP}.pointer.last.source")
    page.get_by_text("Overlays").click()
    page.locator(".menu select").last.select_option("grid")
    page.wait_for_function(f"() => {MAP}.background")


@pytest.fixture
def visit_page(visit):
    """Opens the map of a model without points in a browser."""

    def open_model(name):
        page = visit(f"model={name}")
        page.wait_for_function(f"() => {MAP}?.nearest && {MAP}.loaded && {MAP}.path.length")
        settle(page)
        return page

    return open_model


@pytest.mark.parametrize(
    ("name", "is_plane"), [("digits-gan", True), ("digits-ddpm", True), ("digits-2d-beta-1", False)]
)
def test_the_heading_speaks_of_dots_only_where_there_are_any(name, is_plane):
    at = AppTest.from_file(str(ROOT / "explorer" / "navigation.py"), default_timeout=60)
    at.query_params["model"] = name
    heading = " ".join(each.proto.body for each in at.run().get("html"))
    assert ("Every dot is a test image" in heading) is not is_plane
    assert ("Every spot is noise" in heading) is is_plane
    assert ("data-tour" in heading) is not is_plane, "the tour shows dots"
