"""Known factors and directions in a real Chromium: what is drawn, moved, turned and saved."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.services.factors import REACH, STEPS
from explorer.widgets import pictures
from models.latents.directions import attribute_direction, traversal
from models.storage.checkpoint import read, restore
from tests.helpers.browser_page import (
    MAP,
    assert_equal_pictures,
    assert_nothing_sticks_out,
    canvas_pixels,
    in_link,
    picture,
    resize,
    settle,
    torch_pixels,
    wait_for_map,
)
from tests.helpers.factor_runs import COUNT, SPRITES, known_codes, make_factor_run
from tests.helpers.paths import ROOT

DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
ARROW = (0xBD, 0x1F, 0x01)
ENDS = f"""(ends) => {{
    const map = {MAP};
    return ends.map((z) => map.view.toPixels(map.onMap(z)));
}}"""

pytestmark = pytest.mark.browser


def unfold(page, title):
    """Opens a section below the map."""
    page.locator("[data-testid=stExpander] summary", has_text=title).click()


def has_arrow_at(page, places):
    """Whether the marks have a pixel of the arrow's colour within 2 of each place, (N,)."""
    pixels = canvas_pixels(page.locator("canvas.marks").first).astype(int)
    is_arrow = (np.abs(pixels - ARROW) < 25).all(-1)
    near = [(round(x), round(y)) for x, y in places]
    return np.array([is_arrow[y - 2 : y + 3, x - 2 : x + 3].any() for x, y in near])


def test_the_arrow_goes_from_mean_to_mean_and_its_slider_moves_the_image(visit):
    page = visit("model=digits-2d-beta-1&point=7&minus=3&plus=8")
    wait_for_map(page, 500)
    codes = DIGITS.codes
    found = attribute_direction(codes.mean, codes.labels, plus=8, minus=3)
    ends = [found.start.tolist(), (found.start + found.vector).tolist()]
    tail, head = np.array(page.evaluate(ENDS, ends))
    along, aside = np.linspace(0, 1, 21)[:, None], np.array([1, -1]) * (head - tail)[::-1]
    shaft = tail + along * (head - tail)
    assert has_arrow_at(page, shaft).mean() > 0.6, "the arrow lies on the map, names on it"
    assert has_arrow_at(page, shaft + 0.3 * aside).mean() < 0.2
    unfold(page, "Directions: from one class to another")
    angle = f"points to {found.angle:z.0f}° (95 % interval {found.low:z.0f}° to {found.high:z.0f}°)"
    page.get_by_text(angle.replace("-", "−")).wait_for()
    assert found.low < found.angle < found.high
    page.get_by_role("slider", name=re.compile("Strength")).press("End")
    shown = picture(page, "strength 2")
    assert_equal_pictures(shown, torch_pixels(DIGITS, codes.mean[7] + 2 * found.vector))
    in_link(page, "strength=2")


@pytest.fixture
def sprites(runs_dir):
    """A model whose five latents are the five factors: its id, and its file read."""
    name = make_factor_run(runs_dir, known_codes(), title="Known")
    return name, read(runs_dir / name / "model.safetensors")


def cells(page, angle):
    """The scores before and after the turn, once the table shows that angle."""
    table = page.locator("table", has_text=f"at {angle}°")
    table.wait_for()
    settle(page)
    rows = (row.split("\t") for row in table.inner_text().splitlines()[1:])
    return {name.strip(): (float(before), float(after)) for name, before, after in rows}


@pytest.mark.slow
def test_factors_colour_the_map_latents_are_traversed_and_codes_turned(visit, sprites):
    name, checkpoint = sprites
    page = visit(f"model={name}&point=3&colour=factor-4")
    wait_for_map(page, COUNT)
    assert_coloured(page, SPRITES.factors[:COUNT, 3])
    unfold(page, "Traversals: move one latent at a time")
    assert_traversed(page, checkpoint, point=3)
    unfold(page, "Rotation: turn the codes and see each score")
    page.locator("table", has_text="at 0°").wait_for()
    resize(page, 800)
    assert_nothing_sticks_out(page)
    assert_turned(page)


def assert_coloured(page, factor):
    """The points' colours rise with the factor, and the legend names it."""
    page.locator(".legend", has_text="Factor: x").wait_for()
    shades = np.array(page.evaluate(f"() => Array.from({MAP}.scatter.content.shades)"))
    green = (shades >> 8) & 255  # of Viridis: it rises all along the scale
    in_order = green[np.argsort(factor, kind="stable")]
    assert (np.diff(in_order) >= 0).all() and in_order[-1] - in_order[0] > 200


def assert_traversed(page, checkpoint, point):
    """A strip for each latent, largest KL first, with what torch decodes; and the film."""
    rate = checkpoint.codes.rate.mean(0)
    order = np.argsort(-rate, kind="stable")
    strips = page.locator("figcaption", has_text="· KL")
    strips.nth(len(order) - 1).wait_for()
    said = [
        re.match(r"z(.) · KL ([\d.]+) nats · follows", text) for text in strips.all_inner_texts()
    ]
    assert ["₁₂₃₄₅".index(found[1]) for found in said] == order.tolist()
    assert [float(found[2]) for found in said] == [float(f"{rate[j]:.2f}") for j in order]
    values = np.linspace(-REACH, REACH, STEPS)
    for place, j in enumerate(order[[0, -1]]):
        moved = traversal(checkpoint.codes.mean[point], j, values)
        with torch.inference_mode():
            images = restore(checkpoint).decode(torch.tensor(moved).float()).numpy()
        levels = pictures.sheet(images, STEPS, 64)
        assert_equal_pictures(picture(page, "· KL", [0, len(order) - 1][place]), levels)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the traversals as GIF").click()
    with Image.open(download.value.path()) as film:
        assert film.n_frames == 2 * STEPS - 2 and film.height > film.width


def assert_turned(page):
    """At 45° the gap has fallen and what is linear stays; at 90° all is as before."""
    slider = page.get_by_role("slider", name=re.compile("Turned by"))
    for angle in (15, 30, 45):
        slider.press("ArrowRight")
        scores = cells(page, angle)
    before, after = scores["MIG"]
    assert before > 0.7 and after < before - 0.2
    assert scores["InfoE"][0] == pytest.approx(scores["InfoE"][1], abs=0.02)
    slider.press("End")
    scores = cells(page, 90)
    assert len(scores) == 12
    exact = {"DCI disentanglement", "DCI completeness", "DCI informativeness", "FactorVAE score"}
    for name in scores.keys() - exact:  # those draw
        assert scores[name][0] == pytest.approx(scores[name][1], abs=0.03), name
