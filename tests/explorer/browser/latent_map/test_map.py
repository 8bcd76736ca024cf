"""The live map in a real Chromium: what lies under the pointer, pins, walks, overlays, export."""

import re

import numpy as np
import pytest
from PIL import Image

from explorer.assets.html_export import export_page
from models.latents.planes import coordinate_plane, pca_plane
from models.objectives.distributions import normal_log_prob
from models.runs.folder import Run
from models.storage.checkpoint import read
from tests.helpers.browser_page import (
    MAP,
    ROOM,
    assert_equal_pictures,
    canvas_pixels,
    is_still,
    isolated,
    lens,
    place,
    ranges,
    selected,
    settle,
    signed,
    spots,
    torch_pixels,
    wait_for_map,
)
from tests.helpers.checkpoints import make_run
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

DIGITS_FILE = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"
DIGITS = read(DIGITS_FILE)
CODES = DIGITS.codes

pytestmark = pytest.mark.browser


DOUBLE_CLICK_MS = 400
"""Two clicks within that time are a double click: the one clock that a test has to wait for."""


def pins(page):
    """The pins as the map holds them."""
    return page.evaluate(f"() => {ROOM}.latentMap.pins.all")


def pin_at(page, x, y):
    """Clicks a spot and waits until its pin is in the link."""
    count = len(pins(page))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    wait(lambda: len(pins(page)) == count + 1)
    page.wait_for_function("(n) => (location.search.match(/%7E|~/g) ?? []).length >= n", arg=count)
    settle(page)
    page.wait_for_timeout(DOUBLE_CLICK_MS)


@pytest.mark.parametrize(
    ("view", "names", "lift", "count"),
    [
        ("raw", ("z₁", "z₂"), coordinate_plane(CODES.mean, 0, 1).lift, 10),
        ("pca", ("PC 1", "PC 2"), pca_plane(CODES.mean).lift, 5),
    ],
    ids=["raw", "pca"],
)
def test_every_spot_is_decoded_as_torch_decodes_it(visit, view, names, lift, count):
    page = visit(f"view={view}")
    wait_for_map(page, 500)
    for x, y, *at in spots(page, count):
        page.mouse.move(x, y)
        text = "  ".join(f"{n} {signed(v)}" for n, v in zip(names, at, strict=True))
        z = lift(np.array([at]))
        expected = torch_pixels(DIGITS, z)
        assert_equal_pictures(lens(page, text.replace("  ", " ")), expected)
        assert_equal_pictures(canvas_pixels(page.locator(".latent-panel .spot canvas")), expected)
    page.mouse.move(5, 5)
    page.locator(".lens").wait_for(state="hidden")


def test_tsne_decodes_the_nearest_points_own_code(visit):
    page = visit("view=tsne")
    wait_for_map(page, 500)
    for image in (3, 58, 211):
        page.mouse.move(*place(page, image))
        page.locator(".latent-panel .original", has_text=re.compile(rf"Image {image}\b")).wait_for()
        expected = torch_pixels(DIGITS, CODES.mean[image])
        assert_equal_pictures(canvas_pixels(page.locator(".lens canvas")), expected)
    page.get_by_text("each decodes through its own code").wait_for()


def test_a_touched_image_shows_its_original_and_scores(visit):
    page = visit()
    wait_for_map(page, 500)
    (image,) = isolated(CODES, 1)
    page.wait_for_function(f"() => {ROOM}.latentMap.originals")
    page.mouse.move(*place(page, image))
    label = CODES.labels[image]
    page.locator(".latent-panel .original", has_text=f"Image {image} · {label}").wait_for()
    scores = f"D {CODES.distortion[image]:.1f} + R {CODES.rate[image].sum():.1f} nats"
    page.locator(".latent-panel .reconstruction", has_text=scores).wait_for()
    from models.data.builtin import load_digits

    original = (load_digits("test").images[image, 0] * 255 + 0.5).astype(np.uint8)
    shown = canvas_pixels(page.locator(".latent-panel .original canvas"))
    assert_equal_pictures(shown, original[..., None].repeat(3, -1))


def test_densities_are_the_priors_and_the_aggregate_posteriors(visit):
    import torch

    page = visit()
    wait_for_map(page, 500)
    x, y, *z = spots(page, 5)[2]
    page.mouse.move(x, y)
    mean, log_variance = (torch.from_numpy(a) for a in (CODES.mean, CODES.log_variance))
    each = normal_log_prob(torch.tensor(z), mean, log_variance).sum(1)
    aggregate = (each.logsumexp(0) - np.log(500)).item()
    prior = -0.5 * (z[0] ** 2 + z[1] ** 2) - np.log(2 * np.pi)
    text = f"ln p(z) {signed(prior)} nats · ln q(z) {signed(aggregate)} nats"
    numbers = page.locator(".latent-panel .numbers", has_text=text)
    numbers.wait_for()
    assert text in numbers.inner_text()


def test_pins_are_placed_dragged_named_removed_and_brought_back(visit):
    page = visit()
    wait_for_map(page, 500)
    (x, y, *z), (other_x, other_y, *_), _ = spots(page, 3)
    before = ranges(page)
    pin_at(page, x, y)
    (pin,) = pins(page)
    assert pin["z"] == pytest.approx(z, abs=1e-3) and pin["point"] is None
    assert selected(page) is None, "empty space selects no image"
    assert np.allclose(ranges(page), before), "the view stays"

    marker = page.get_by_role("button", name="Pin A", exact=True)
    box = marker.bounding_box()
    assert box["x"] + box["width"] / 2 == pytest.approx(x, abs=1)
    assert box["y"] + box["height"] / 2 == pytest.approx(y, abs=1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up()
    unit = page.evaluate(f"() => {MAP}._fullLayout.xaxis.l2p(1) - {MAP}._fullLayout.xaxis.l2p(0)")
    moved = pins(page)[0]["z"]
    assert moved == pytest.approx([z[0] + 60 / unit, z[1] - 30 / unit], abs=0.01)
    link = f"{moved[0]:.4g},{moved[1]:.4g}"
    page.wait_for_function("(z) => decodeURIComponent(location.search).includes(z)", arg=link)

    marker.press("ArrowRight")
    assert pins(page)[0]["z"][0] == pytest.approx(moved[0] + 8 / unit, abs=0.01)
    name = page.get_by_label("Name of pin A")
    name.fill("start")
    name.press("Enter")
    page.get_by_role("button", name="Pin start", exact=True).wait_for()
    pin_at(page, other_x, other_y)
    page.get_by_role("button", name="Remove pin start").click()
    assert [pin["name"] for pin in pins(page)] == ["A"]
    page.get_by_role("button", name="Undo removal").click()
    assert [pin["name"] for pin in pins(page)] == ["start", "A"]
    settle(page)
    page.wait_for_function("() => /start~.*;A~/.test(decodeURIComponent(location.search))")

    page.reload()
    wait_for_map(page, 500)
    assert [pin["name"] for pin in pins(page)] == ["start", "A"], "the link keeps them"


def test_a_click_on_a_point_selects_its_image_and_pins_its_code(visit):
    page = visit()
    wait_for_map(page, 500)
    (image,) = isolated(CODES, 1)
    pin_at(page, *place(page, image))
    assert selected(page) == image
    assert pins(page)[0]["point"] == image
    assert pins(page)[0]["z"] == pytest.approx(CODES.mean[image].tolist())
    page.get_by_role("heading", name=re.compile(rf"^Image {image}\b")).wait_for()


def test_reruns_keep_zoom_pins_and_overlays(visit):
    page = visit()
    wait_for_map(page, 500)
    x, y, *_ = spots(page, 3)[1]
    pin_at(page, x, y)
    page.get_by_text("Overlays").click()
    page.get_by_label("Class means").check()
    before = ranges(page)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    wait(lambda: np.abs(ranges(page) - before).max() > 1e-3)
    wait(lambda: is_still(page))
    zoomed = ranges(page)
    page.get_by_role("button", name="Random").click()
    page.wait_for_function("() => location.search.includes('point=')")
    settle(page)
    wait(lambda: selected(page) is not None)
    assert np.allclose(ranges(page), zoomed)
    assert len(pins(page)) == 1
    assert page.evaluate(f"() => {ROOM}.latentMap.toolbar.means")
    page.get_by_label("Colour", exact=True).click()
    page.get_by_role("option", name="Distortion D").click()
    wait(lambda: page.evaluate(f"() => {MAP}._fullData.length") == 1)
    settle(page)
    assert np.allclose(ranges(page), zoomed), "another colour is the same place"


def two_pins(page):
    """Pins in two corners of the map."""
    found = spots(page, 4)
    for x, y, *_ in (found[1], found[3]):
        pin_at(page, x, y)
    return [np.array(pin["z"]) for pin in pins(page)]


def film(page):
    return page.locator(".film .cell canvas")


def test_a_walk_goes_from_pin_to_pin_animates_and_is_saved(visit):
    page = visit()
    wait_for_map(page, 500)
    start, end = two_pins(page)
    assert film(page).count() == 16
    for step in (0, 5, 15):
        z = start + step / 15 * (end - start)
        assert_equal_pictures(canvas_pixels(film(page).nth(step)), torch_pixels(DIGITS, z))

    straight = page.evaluate(f"() => {ROOM}.latentMap.interpolation.walks.linear.steps")
    page.get_by_role("button", name="Geodesic").click()
    page.wait_for_function(f"() => {ROOM}.latentMap.interpolation.relaxing === false")
    steps = page.evaluate(f"() => {ROOM}.latentMap.interpolation.walks.geodesic.steps")
    assert sum(steps) <= sum(straight) + 1e-6, "no way through the images is shorter"
    assert max(steps) < max(straight), "and its largest change is smaller"
    page.get_by_text(f"geodesic {signed(sum(steps))}").wait_for()

    page.get_by_role("button", name="Play").click()
    seen = set()
    wait(lambda: seen.add(page.evaluate(f"() => {ROOM}.latentMap.step")) or len(seen) > 4)
    page.get_by_role("button", name="Pause").click()

    with page.expect_download() as found:
        page.get_by_role("button", name="Save GIF").click()
    with Image.open(found.value.path()) as gif:
        assert gif.n_frames == 30 and gif.size == (160, 160), "there and back"
        first = np.asarray(gif.convert("RGB"))[::20, ::20]
    assert_equal_pictures(first, torch_pixels(DIGITS, start))
    with page.expect_download() as found:
        page.get_by_role("button", name="Save PNG").click()
    with Image.open(found.value.path()) as png:
        last = np.asarray(png.convert("RGB"))[::20, 15 * 162 :: 20]
    assert_equal_pictures(last, torch_pixels(DIGITS, end))


def test_the_keyboard_alone_moves_decodes_and_pins(visit):
    page = visit()
    wait_for_map(page, 500)
    page.locator(".st-key-map .stage").focus()
    for key in ["ArrowRight"] * 5 + ["Shift+ArrowUp"]:
        page.keyboard.press(key)
    page.locator(".lens canvas").wait_for()
    before = page.evaluate(
        f"""() => {{const {{xaxis, yaxis}} = {MAP}._fullLayout;
            return [xaxis.p2l(xaxis._length / 2 + 40), yaxis.p2l(yaxis._length / 2 - 40)]}}"""
    )
    page.keyboard.press("Enter")
    assert pins(page)[0]["z"] == pytest.approx(before, abs=0.01) or pins(page)[0]["point"]
    wide = ranges(page)
    page.keyboard.press("+")
    wait(lambda: np.ptp(ranges(page)[0]) < 0.9 * np.ptp(wide[0]))


def test_touch_pins_too(chromium, server):
    context = chromium.new_context(viewport={"width": 800, "height": 900}, has_touch=True)
    page = context.new_page()
    page.goto(server[0])
    wait_for_map(page, 500)
    x, y, *z = spots(page, 3)[1]
    page.touchscreen.tap(x, y)
    wait(lambda: len(pins(page)) == 1)
    assert pins(page)[0]["z"] == pytest.approx(z, abs=0.01) or pins(page)[0]["point"] is not None
    context.close()


@pytest.fixture(scope="module")
def deep(runs_dir):
    """A run of five latents."""
    return make_run(runs_dir, latent_dim=5, title="five latents", scale=3.0)


def test_a_plane_through_an_image_keeps_its_other_latents(visit, deep, runs_dir):
    stored = read(Run(runs_dir / deep).model_path)
    page = visit(f"model={deep}&point=7&x=2&y=4")
    wait_for_map(page, 40)
    page.get_by_label("Plane through").select_option("point")
    x, y, *at = spots(page, 5)[2]
    page.mouse.move(x, y)
    z = stored.codes.mean[7].copy()
    z[[1, 3]] = at
    shown = lens(page, f"z₂ {signed(at[0])} z₄ {signed(at[1])}")
    assert_equal_pictures(shown, torch_pixels(stored, z))


def test_two_maps_show_the_same_image(visit):
    other = read(ROOT / "checkpoints" / "digits-2d-beta-0.1.safetensors")
    page = visit("second=digits-2d-beta-0.1")
    wait_for_map(page, 500)
    second = ROOM.replace("st-key-map", "st-key-map-2")
    page.wait_for_function(f"() => {second}?.latentMap?.nearest")
    (image,) = isolated(CODES, 1)
    page.mouse.move(*place(page, image))
    page.wait_for_function(f"(n) => {second}.latentMap.touched === n", arg=image)
    shown = canvas_pixels(page.locator(".st-key-live-2 .spot canvas"))
    assert_equal_pictures(shown, torch_pixels(other, other.codes.mean[image]))
    page.mouse.move(5, 5)
    page.wait_for_function(f"() => {second}.latentMap.touched === null")


def test_a_lasso_counts_its_points_and_saves_them(visit):
    page = visit()
    wait_for_map(page, 500)
    page.locator(".st-key-map .stage").hover()
    page.locator("[data-title='Lasso Select']").click()
    box = page.locator(".st-key-map .nsewdrag").bounding_box()
    corners = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.5), (0.1, 0.5), (0.1, 0.12)]
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    for u, v in corners:
        page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"], steps=3)
    page.mouse.up()
    chosen = page.locator(".selection", has_text="images selected")
    chosen.wait_for()
    count = int(chosen.inner_text().split()[0])
    with page.expect_download() as found:
        page.get_by_role("button", name="Save as CSV", exact=True).click()
    header, *rows = found.value.path().read_text().splitlines()
    assert header == "image,class,mean_1,mean_2,distortion_nats"
    assert len(rows) == count > 50
    for row in rows[:5]:
        number, label, *numbers = row.split(",")
        code = [*CODES.mean[int(number)], CODES.distortion[int(number)]]
        assert [float(n) for n in numbers] == pytest.approx(code, rel=1e-5)
        assert label == str(CODES.labels[int(number)])


def test_the_exported_file_works_from_disk_without_a_network(chromium, tmp_path):
    path = tmp_path / "map.html"
    path.write_bytes(export_page(DIGITS_FILE))
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    page, requests, errors = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    room = "document.querySelector('.latent-map')"
    page.wait_for_function(f"() => {room}.latentMap?.nearest")
    for x, y, *z in spots(page, 5):
        page.mouse.move(x, y)
        shown = lens(page, f"z₁ {signed(z[0])} z₂ {signed(z[1])}")
        assert_equal_pictures(shown, torch_pixels(DIGITS, z))
    for x, y, *_ in spots(page, 4)[1:3]:
        page.mouse.click(x, y)
        page.wait_for_timeout(DOUBLE_CLICK_MS)
    wait(lambda: film(page).count() == 16)
    page.get_by_text("Overlays").click()
    page.get_by_label("Background").select_option("density")
    page.wait_for_function(f"() => {room}.latentMap.background")
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert errors == []
    context.close()
