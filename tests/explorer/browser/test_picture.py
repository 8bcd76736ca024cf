"""The map as a picture in a real Chromium: every layer is there, in PNG and in SVG."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from explorer.figures.theme import PALETTE
from models.storage.checkpoint import read
from tests.helpers.browser_page import MAP, pins, spots, wait_for_map
from tests.helpers.paths import ROOT

CODES = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors").codes
SVG = "{http://www.w3.org/2000/svg}"
SELECTED, WALK, PIN, OUTLINE, TRIED = "#ff2d87", "#e76300", "#1b2330", "#1b2330", "#7a2fd0"
LAYERS = ["ground-and-axes", "points", "marks", "legend"]

pytestmark = pytest.mark.browser


def saved(page, kind):
    """The bytes of the map's picture, as the button gives it."""
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    assert download.value.suggested_filename == f"latent-map.{kind.lower()}"
    return download.value.path().read_bytes()


def layers(data):
    """The groups of a drawing, by their names."""
    drawing = ET.fromstring(data)
    return drawing, {group.get("id"): group for group in drawing.findall(f"{SVG}g[@id]")}


def paths(group, **attributes):
    """The paths of a layer with these attributes."""
    return [
        path
        for path in group.iter(f"{SVG}path")
        if all(path.get(name) == value for name, value in attributes.items())
    ]


def texts(group):
    return [text.text for text in group.iter(f"{SVG}text")]


def count_colour(levels, colour):
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((levels == wanted).all(-1).sum())


def test_every_layer_is_in_the_saved_pictures(visit):
    page = visit("point=58&panel=hand&z=1.5,-1.5")
    wait_for_map(page, 500)
    for x, y, *_ in (spots(page, 4)[k] for k in (1, 3)):
        page.mouse.click(x, y)  # at once: two places are no double click
    assert len(pins(page)) == 2
    page.mouse.move(5, 5)
    page.get_by_text("Overlays").click()
    page.get_by_label("Class means").check()
    page.get_by_label("Posteriors").select_option("touched")
    page.keyboard.press("Escape")

    drawing, found = layers(saved(page, "SVG"))
    assert list(found) == LAYERS
    axes = texts(found["ground-and-axes"])
    assert axes[-2:] == ["z₁ (prior standard deviations)", "z₂ (prior standard deviations)"]
    assert {"−2", "0", "2"} <= set(axes) and not list(drawing.iter(f"{SVG}image"))

    circles = paths(found["points"], stroke=None)
    circles = [path for path in circles if path.get("fill")]
    assert len(circles) == 2 * 500, "a fill and an outline for every point"
    fills = [path.get("fill") for path in circles]
    assert fills[:500] == [OUTLINE] * 500, "the outlines lie below all fills"
    assert fills[500:] == [PALETTE[label] for label in CODES.labels]

    marks = found["marks"]
    dashed = [path for path in paths(marks) if path.get("stroke-dasharray")]
    assert len(dashed) == 3, "the prior's circles"
    point = page.evaluate(f"() => {MAP}.point")
    assert point is not None and len(paths(marks, stroke=SELECTED)) == 3, "ring, 1σ and 2σ"
    assert len(paths(marks, stroke=WALK)) == 1 and len(paths(marks, fill=WALK)) == 16
    assert len(paths(marks, stroke=TRIED)) == 1, "the code that is tried by hand"
    assert len(paths(marks, fill=PIN)) == 2
    written = texts(marks)
    assert {"1σ", "2σ", "3σ of the prior", "A", "B", "by hand"} <= set(written)
    assert sum(text == "7" for text in written) >= 2, "its name, and its mean's"
    assert texts(found["legend"]) == [str(k) for k in range(10)]
    assert [path.get("fill") for path in paths(found["legend"])] == list(PALETTE)

    ratio = page.evaluate("() => 2 * devicePixelRatio")
    stage = page.locator(".stage").evaluate("(e) => [e.clientWidth, e.clientHeight]")
    with Image.open(io.BytesIO(saved(page, "PNG"))) as image:
        levels = np.asarray(image.convert("RGB"))
    assert levels.shape[1] == stage[0] * ratio and levels.shape[0] >= stage[1] * ratio
    size = [float(drawing.get(name)) for name in ("width", "height")]
    assert [levels.shape[1] / ratio, levels.shape[0] / ratio] == pytest.approx(size)
    for colour in (*PALETTE, SELECTED, WALK, PIN, TRIED):
        assert count_colour(levels, colour) > 20, colour
    below = levels[round(stage[1] * ratio) :]
    assert all(count_colour(below, colour) > 20 for colour in PALETTE), "the legend"

    page.get_by_role("button", name="3", exact=True).click()
    for _ in range(2):
        page.locator(".toolbar").get_by_label("Zoom in").click()
    _, found = layers(saved(page, "SVG"))
    in_sight = page.evaluate(
        f"""() => {{
            const map = {MAP}, {{x, y}} = map.view;
            return [...map.scatter.shown].map((n) => map.placeOf(n))
                .filter(([u, v]) => u > x[0] && u < x[1] && v > y[0] && v < y[1]).length;
        }}"""
    )
    assert 50 < in_sight < 450
    circles = [path for path in paths(found["points"]) if path.get("fill")]
    assert len(circles) == 2 * in_sight, "what is hidden or out of sight is left out"
    assert PALETTE[3] not in [path.get("fill") for path in circles]
    assert "3" not in texts(found["legend"])


def test_a_scale_and_a_background_are_saved_too(visit):
    page = visit("colour=distortion")
    wait_for_map(page, 500)
    page.get_by_text("Overlays").click()
    page.get_by_label("Background").select_option("grid")
    page.wait_for_function(f"() => {MAP}.background")
    _, found = layers(saved(page, "SVG"))
    assert len(list(found["ground-and-axes"].iter(f"{SVG}image"))) == 1
    low, high = texts(found["legend"])
    assert high.endswith("  Distortion D, nats") and float(low) < float(high.split()[0])
    assert len(paths(found["legend"])) == 9, "the steps of the scale"
    circles = [path for path in paths(found["points"]) if path.get("fill")]
    assert len(circles) == 1000 and len({path.get("fill") for path in circles}) > 100
