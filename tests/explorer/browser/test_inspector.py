"""What the map shows in a real Chromium: spots, images, codes by hand, samples, pins, walks."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from models.data.builtin import load_digits
from models.latents.planes import pca_plane
from models.latents.samples import grid_codes
from models.metrics.quadrature import exact_log_evidence
from models.objectives.distributions import gaussian_kl, normal_log_prob
from models.runs.folder import Run
from models.storage.checkpoint import read, restore
from tests.helpers.browser_page import (
    MAP,
    SECOND,
    assert_equal_pictures,
    canvas_pixels,
    in_link,
    isolated,
    lens,
    next_frame,
    pins,
    place,
    resize,
    selected,
    settle,
    signed,
    spots,
    torch_pixels,
    wait_for_map,
    wait_for_points,
)
from tests.helpers.checkpoints import make_run
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
CODES = DIGITS.codes
DOUBLE_CLICK_MS = 400

pytestmark = pytest.mark.browser


def shown(page, caption, place=".inspector"):
    """Pixels (H, W, 3) of the picture of the inspector with that caption."""
    figure = page.locator(f"{place} figure", has_text=caption).first
    return canvas_pixels(figure.locator("canvas"))


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def select(page, image):
    page.get_by_label("Number of the test image").fill(str(image))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=re.compile(rf"^Image {image}\b")).wait_for()


GEOMETRY = """() => {
    const find = (name) => document.querySelector(name);
    const panel = find(".latent-panel"), below = find(".inspector");
    return [panel, ...panel.children, below].map((each) => {
        const { x, y, width, height } = each.getBoundingClientRect();
        return [x, y, width, height];
    });
}"""
"""Where the panel, each of its parts, and the inspector lie, in pixels."""


def test_the_panel_does_not_move_when_the_cue_comes_or_goes(visit):
    """From before the first move on: a line that comes late would push what is below it."""
    page = visit()
    wait_for_map(page, 500)
    numbers = page.locator(".latent-panel .numbers")
    for width in (1440, 800):
        resize(page, width)
        at = [spot[:2] for spot in spots(page, 12)] + [place(page, image) for image in (0, 58, 187)]
        places, seen = [page.evaluate(GEOMETRY)], set()
        for x, y in at:
            page.mouse.move(x, y)
            next_frame(page)
            seen.add("Off the manifold" in numbers.inner_text())
            places.append(page.evaluate(GEOMETRY))
        assert seen == {True, False}, "with the cue, and without"
        assert np.ptp(np.array(places), axis=0).max() < 0.5


def test_spots_and_touched_images_are_decoded_as_torch_decodes_them(visit):
    page = visit()
    wait_for_map(page, 500)
    for x, y, *z in spots(page, 8):
        page.mouse.move(x, y)
        expected = torch_pixels(DIGITS, z)
        assert_equal_pictures(lens(page, f"z₁ {signed(z[0])} z₂ {signed(z[1])}"), expected)
        assert_equal_pictures(canvas_pixels(page.locator(".latent-panel .spot canvas")), expected)
    import torch

    mean, log_variance = (torch.from_numpy(a) for a in (CODES.mean, CODES.log_variance))
    each = normal_log_prob(torch.tensor(z), mean, log_variance).sum(1)
    aggregate = (each.logsumexp(0) - np.log(500)).item()
    prior = -0.5 * (z[0] ** 2 + z[1] ** 2) - np.log(2 * np.pi)
    text = f"ln p(z) {signed(prior)} nats · ln q(z) {signed(aggregate)} nats"
    page.locator(".latent-panel .numbers", has_text=text).wait_for()

    (image,) = isolated(CODES, 1)
    page.wait_for_function(f"() => {MAP}.originals.count")
    page.mouse.move(*place(page, image))
    label = CODES.labels[image]
    page.locator(".latent-panel .original", has_text=f"Image {image} · {label}").wait_for()
    scores = f"D {CODES.distortion[image]:.1f} + R {CODES.rate[image].sum():.1f} nats"
    page.locator(".latent-panel .reconstruction", has_text=scores).wait_for()
    original = (load_digits("test").images[image, 0] * 255 + 0.5).astype(np.uint8)
    found = canvas_pixels(page.locator(".latent-panel .original canvas"))
    assert_equal_pictures(found, original[..., None].repeat(3, -1))
    page.mouse.move(5, 5)
    page.locator(".lens").wait_for(state="hidden")

    page.get_by_text("PCA", exact=True).click()
    page.get_by_text("Exact along the two directions").wait_for()
    wait(lambda: page.evaluate(f"() => {MAP}.data.view") == "pca")
    wait_for_map(page, 500)
    lift = pca_plane(CODES.mean).lift
    for x, y, *at in spots(page, 4):
        page.mouse.move(x, y)
        found = lens(page, f"PC 1 {signed(at[0])} PC 2 {signed(at[1])}")
        assert_equal_pictures(found, torch_pixels(DIGITS, lift(np.array([at]))))


def test_the_report_of_an_image_has_pythons_numbers(visit):
    page = visit("point=58")
    wait_for_map(page, 500)
    page.wait_for_function(f"() => {MAP}.originals.count")
    rate = CODES.rate[58]
    total = CODES.distortion[58] + rate.sum()
    line = f"D {CODES.distortion[58]:.1f} + R {rate.sum():.1f} = −ELBO {total:.1f} nats"
    assert page.locator(".scores").inner_text() == line
    assert page.get_by_role("heading", name=f"Image 58 · {CODES.labels[58]}").count() == 1
    rows = page.locator(".latents tbody tr").all_inner_texts()
    sigma = np.exp(CODES.log_variance[58] / 2)
    for j, row in enumerate(rows):
        numbers = [f"{v:.3f}".replace("-", "−") for v in (CODES.mean[58, j], sigma[j], rate[j])]
        assert row.split() == [f"z{'₁₂'[j]}", *numbers]
    original = (load_digits("test").images[58, 0] * 255 + 0.5).astype(np.uint8)
    assert_equal_pictures(shown(page, "Original"), original[..., None].repeat(3, -1))
    expected = torch_pixels(DIGITS, CODES.mean[58])
    assert_equal_pictures(shown(page, "Decoded mean"), expected)
    sample = shown(page, "Sample of p(x|z)")
    assert set(np.unique(sample)) == {0, 255}, "a Bernoulli draws 0 or 1"
    page.get_by_label("Draw another sample of p(x|z)").click()
    assert (shown(page, "Sample of p(x|z)") != sample).any()

    distance = np.linalg.norm(CODES.mean - CODES.mean[58], axis=1)
    nearest = np.argsort(distance, kind="stable")[1:7]
    captions = [f"{CODES.labels[i]} · Δ {distance[i]:.2f}" for i in nearest]
    shots = page.locator(".inspector .shot")
    assert shots.all_inner_texts() == captions
    shots.first.click()
    page.get_by_role("heading", name=re.compile(rf"^Image {nearest[0]}\b")).wait_for()
    assert selected(page) == nearest[0]
    page.get_by_role("button", name="Random").click()
    in_link(page, f"point={selected(page)}")
    page.get_by_label("Number of the test image").fill("")
    page.keyboard.press("Enter")
    assert selected(page) is None
    page.get_by_text("Decoded mean of every class’s mean code").wait_for()
    mean = CODES.mean[CODES.labels == 4].mean(0)
    assert_equal_pictures(shown(page, re.compile("^4$")), torch_pixels(DIGITS, mean))


def test_by_hand_samples_and_grid_are_decoded_and_marked_on_the_map(visit):
    page = visit("panel=hand&z=1,-1")
    wait_for_map(page, 500)
    assert_equal_pictures(shown(page, "Decoded mean"), torch_pixels(DIGITS, [1, -1]))
    marks = f"() => {MAP}.inspector.marks().map(({{z}}) => [...z])"
    assert page.evaluate(marks) == [[1, -1]]
    slider = page.get_by_role("slider", name="z₁")
    for _ in range(4):
        slider.press("ArrowRight")  # at once: no step may be lost
    z = page.evaluate(marks)[0]
    assert z[0] > 1 and z[1] == -1
    assert_equal_pictures(shown(page, "Decoded mean"), torch_pixels(DIGITS, z))
    in_link(page, rf"z={z[0]:.3g},-1\b")
    settle(page)
    assert slider.evaluate("(e) => e === document.activeElement"), "the link takes no focus away"
    assert page.get_by_role("button", name="From the selected image").is_disabled()
    page.get_by_role("button", name="Pin it").click()
    assert pins(page)[0]["z"] == pytest.approx(z)
    page.get_by_role("button", name="Back to the origin").click()
    assert page.evaluate(marks) == [[0, 0]]
    page.mouse.click(*place(page, 58))
    image = selected(page)
    page.get_by_role("button", name="From the selected image").click()
    assert page.evaluate(marks)[0] == pytest.approx(CODES.mean[image].tolist())

    open_tab(page, "Prior samples")
    first = page.evaluate(marks)
    assert len(first) == page.locator(".samples canvas").count() == 40
    for k in (0, 17):
        canvas = page.locator(".samples canvas").nth(k)
        assert_equal_pictures(canvas_pixels(canvas), torch_pixels(DIGITS, first[k]))
    assert abs(np.mean(first)) < 0.4 and 0.7 < np.std(first) < 1.3, "N(0, I)"
    page.get_by_role("button", name="Draw again").click()
    assert page.evaluate(marks) != first
    in_link(page, "panel=prior&.*draw=1")

    open_tab(page, "Decoded grid")
    page.get_by_label("Cells per side").fill("3")
    codes = grid_codes(CODES, 0, 1, 3, np.zeros(2))
    assert np.array(page.evaluate(marks)) == pytest.approx(codes, abs=1e-5)
    sheet = canvas_pixels(page.locator(".grid-sheet canvas"))
    for k, z in enumerate(codes):
        top, left = 8 * (k // 3), 8 * (k % 3)
        assert_equal_pictures(sheet[top : top + 8, left : left + 8], torch_pixels(DIGITS, z))
    page.get_by_text("z₁ across, −0.97 to 0.97; z₂ up, −0.97 to 0.97").wait_for()
    for tab in ("Prior samples", "Decoded grid"):
        open_tab(page, tab)
        with page.expect_download() as download:
            page.locator(".inspector").get_by_role("button", name="Save PNG").click()
        with Image.open(download.value.path()) as sheet:
            assert sheet.size == {"Prior samples": (80, 32), "Decoded grid": (24, 24)}[tab]
    in_link(page, "side=3")


def test_pins_are_moved_named_removed_and_walked_between(visit):
    page = visit()
    wait_for_map(page, 500)
    found = spots(page, 4)
    page.mouse.click(*found[1][:2])
    z = pins(page)[0]["z"]
    marker = page.get_by_role("button", name="Pin A", exact=True)
    (x, y, *_) = found[1]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up()
    across, up = page.evaluate(f"() => {MAP}.view.scale")
    moved = pins(page)[0]["z"]
    assert moved == pytest.approx([z[0] + 60 / across, z[1] - 30 / up], abs=1e-3)
    marker.press("ArrowRight")
    assert pins(page)[0]["z"][0] == pytest.approx(moved[0] + 8 / across, abs=1e-6)
    page.get_by_label("Name of pin A").fill("start")
    page.keyboard.press("Enter")
    page.wait_for_timeout(DOUBLE_CLICK_MS)
    page.mouse.click(*found[3][:2])
    page.get_by_role("button", name="Remove pin start").click()
    assert [pin["name"] for pin in pins(page)] == ["A"]
    page.get_by_role("button", name="Undo removal").click()
    assert [pin["name"] for pin in pins(page)] == ["start", "A"]
    in_link(page, "start~.*;A~")

    start, end = (np.array(pin["z"]) for pin in pins(page))
    film = page.locator(".film .cell canvas")
    assert film.count() == 16
    for step in (0, 5, 15):
        expected = torch_pixels(DIGITS, start + step / 15 * (end - start))
        assert_equal_pictures(canvas_pixels(film.nth(step)), expected)
    straight = page.evaluate(f"() => {MAP}.interpolation.walks.linear.steps")
    page.get_by_role("button", name="Geodesic").click()
    page.wait_for_function(f"() => {MAP}.interpolation.relaxing === false")
    steps = page.evaluate(f"() => {MAP}.interpolation.walks.geodesic.steps")
    assert sum(steps) <= sum(straight) + 1e-6, "no way through the images is shorter"
    assert max(steps) < max(straight), "and its largest change is smaller"
    page.get_by_role("button", name="Play").click()
    seen = set()
    wait(lambda: seen.add(page.evaluate(f"() => {MAP}.step")) or len(seen) > 4)
    page.get_by_role("button", name="Pause").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save GIF").click()
    with Image.open(download.value.path()) as gif:
        assert gif.n_frames == 30 and gif.size == (160, 160), "there and back"
        first = np.asarray(gif.convert("RGB"))[::20, ::20]
    assert_equal_pictures(first, torch_pixels(DIGITS, start))


def test_two_maps_share_what_is_touched_and_both_inspect(visit):
    other = read(ROOT / "checkpoints" / "digits-2d-beta-0.1.safetensors")
    page = visit("second=digits-2d-beta-0.1")
    wait_for_points(page, 500, SECOND)
    wait_for_map(page, 500)
    (image,) = isolated(CODES, 1)
    page.mouse.move(*place(page, image))
    page.wait_for_function(f"(n) => {SECOND}.pointer.touched === n", arg=image)
    there = ".st-key-map-2 "
    spot = page.locator(f"{there} .latent-panel .spot canvas")
    expected = torch_pixels(other, other.codes.mean[image])
    assert_equal_pictures(canvas_pixels(spot), expected)
    page.mouse.move(5, 5)
    page.wait_for_function(f"() => {SECOND}.pointer.touched === null")

    (image,) = isolated(other.codes, 1)
    page.mouse.click(*place(page, image, SECOND))
    assert (selected(page, SECOND), selected(page)) == (image, None)
    in_link(page, f"pins-2=A~[^&]*~{image}")
    report = page.locator(f"{there} .inspector")
    d, r = other.codes.distortion[image], other.codes.rate[image].sum()
    assert report.locator(".scores").inner_text().startswith(f"D {d:.1f} + R {r:.1f} = ")
    decoded = shown(page, "Decoded mean", f"{there} .inspector")
    assert_equal_pictures(decoded, torch_pixels(other, other.codes.mean[image]))
    report.get_by_role("tab", name="Prior samples").click()
    assert report.locator(".samples canvas").count() == 40
    x, y, *_ = spots(page, 4, SECOND)[2]
    page.mouse.click(x, y)
    in_link(page, "pins-2=A~[^&]*;B~")  # Python has heard of it, and has answered
    next_frame(page)
    assert page.evaluate(f"() => {MAP}.inspector.open") == "image", "each has its own"


@pytest.mark.slow
def test_other_kinds_of_models_have_their_map_and_inspector(visit, runs_dir):
    def open_model(name, query=""):
        page.goto(f"{address}?model={name}{query}")
        stored = read(Run(runs_dir / name).model_path)
        wait_for_map(page, len(stored.codes))
        return stored

    page = visit()
    wait_for_map(page, 500)  # so that no file is on its way when the page is left
    address = page.url.partition("?")[0]
    deep = open_model(
        make_run(runs_dir, latent_dim=5, title="deep", scale=3.0), "&view=pca&point=7"
    )
    x, y, *_ = spots(page, 5)[2]
    page.mouse.click(x, y)
    pin = pins(page)[0]
    page.get_by_label("Plane through").select_option("pin 0")
    plane = pca_plane(deep.codes.mean)
    x, y, *at = spots(page, 5)[3]
    page.mouse.move(x, y)
    centred = np.array(pin["z"]) - plane.lift(plane.project(np.array([pin["z"]])))[0]
    found = lens(page, f"PC 1 {signed(at[0])} PC 2 {signed(at[1])}")
    assert_equal_pictures(found, torch_pixels(deep, plane.lift(np.array([at]))[0] + centred))

    name = make_run(runs_dir, family="autoencoder", title="no rate")
    plain = open_model(name, "&point=3&panel=prior")
    page.get_by_text("An autoencoder has no prior").wait_for()
    assert page.locator(".samples canvas").count() == 40
    open_tab(page, "Test image")
    line = f"D {plain.codes.distortion[3]:.1f} nats. An autoencoder has no σ and no KL."
    assert page.locator(".scores").inner_text() == line
    assert page.locator(".latents th[scope=col]").all_inner_texts() == ["latent", "μ"]
    page.get_by_text("originals").first.wait_for()  # those of other data are not shown

    thin = open_model(make_run(runs_dir, latent_dim=1, title="thin"), "&point=4&panel=grid&side=5")
    assert page.locator(".grid-sheet canvas").evaluate("(c) => [c.width, c.height]") == [40, 8]
    x, y, *at = spots(page, 5)[2]
    page.mouse.move(x, y)
    assert_equal_pictures(lens(page, f"z₁ {signed(at[0])}"), torch_pixels(thin, [at[0]]))
    titles = page.evaluate(f"() => {MAP}.scatter.content.titles")
    assert titles == {"x": "z₁ (prior standard deviations)", "y": "D, nats"}
    heights = page.evaluate(f"() => [...{MAP}.scatter.content.positions]")[1::2]
    assert heights == pytest.approx(thin.codes.distortion.tolist(), rel=1e-5)

    open_model(make_run(runs_dir, latent_dim=30, title="wide"), "&panel=hand&point=3")
    assert page.get_by_role("slider").count() == 20
    page.get_by_role("button", name="All 30 latents").click()
    assert page.get_by_role("slider").count() == 30

    open_model(make_run(runs_dir, likelihood="gaussian-pixel", title="pixels"), "&point=2")
    captions = page.locator(".inspector .large figcaption").all_inner_texts()
    assert captions == ["Decoded mean"], "its noise is not known to the page"

    names = ["![x](http://127.0.0.1:9/x.png)", "<img src=http://127.0.0.1:9/y.png>", "c", "d"]
    open_model(make_run(runs_dir, names=names, title="names"), "&point=1&panel=image")
    assert page.locator(".legend button").all_inner_texts() == [f"●{name}" for name in names]
    assert page.locator(".inspector h2").inner_text() == f"Image 1 · {names[1]}"


def test_the_true_posterior_lies_under_the_map_with_its_gaps(visit):
    """The gaps are those of the program's own quadrature; the link keeps the choice."""
    n = 3
    page = visit(f"model=digits-2d-beta-1&point={n}")
    wait_for_map(page, 500)
    page.get_by_role("button", name="True posterior p(z|x)").click()
    line = page.locator(".image-report .hint", has_text="amortisation gap")
    line.wait_for()
    total, amortisation, family = map(float, re.findall(r"(\d+\.\d\d)", line.inner_text())[:3])
    network, image = restore(DIGITS), torch.tensor(load_digits("test").images[n : n + 1])
    with torch.inference_mode():
        mean, log_variance = network.encode(image)
        exact = exact_log_evidence(network.log_likelihood_pairs, image, mean, log_variance)
        noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
        z = mean + torch.exp(0.5 * log_variance) * noise
        distortion = -network.log_likelihood_pairs(image, z).double().mean()
    rate = gaussian_kl(mean.double(), log_variance.double()).sum()
    gap = (exact.log_value[0] + distortion + rate).item()
    assert total == pytest.approx(gap, abs=0.08)
    assert amortisation + family == pytest.approx(total, abs=0.011)
    in_link(page, "truth")
    page.get_by_role("button", name="Zoom to it").click()
    in_link(page, "range")
    page.reload()
    line.wait_for()


def test_the_panel_names_its_spot_by_the_axes_that_are_shown(visit):
    page = visit("model=digits-2d-beta-1")
    wait_for_map(page, 500)
    x, y, *z = spots(page, 3)[1]
    page.mouse.move(x, y)
    numbers = page.locator(".latent-panel .numbers")
    numbers.get_by_text(f"z₁ {signed(z[0])}").or_(numbers).first.wait_for()
    before = numbers.inner_text()
    assert before.startswith("z₁")
    page.get_by_role("radio", name="PCA", exact=True).click()
    page.locator(".latent-panel .numbers", has_text="PC 1").wait_for()
    assert numbers.inner_text().splitlines()[1:] == before.splitlines()[1:]  # the same spot


def test_the_true_posterior_follows_beta(visit):
    """What is found after the slider has moved is what a page finds that begins there."""
    found = f"() => {MAP}.truth.found?.logValue"

    def at(page, beta):
        """ln of the integral, once the decoder is turned to this β."""
        page.wait_for_function(
            f"(beta) => Math.abs({MAP}.model.beta / beta - 1) < 0.02 && {MAP}.truth.found", arg=beta
        )
        return page.evaluate(found)

    fresh = visit("model=digits-2d-multirate&point=3&look=truth&beta=10")
    wait_for_map(fresh, 500)
    expected = at(fresh, 10)
    page = visit("model=digits-2d-multirate&point=3&look=truth&beta=0.1")
    wait_for_map(page, 500)
    assert abs(at(page, 0.1) - expected) > 0.1
    image = torch.tensor(load_digits("test").images[3:4])
    network = restore(read(ROOT / "checkpoints" / "digits-2d-multirate.safetensors"))
    network = network.at(fresh.evaluate(f"() => {MAP}.model.beta"))
    with torch.inference_mode():
        exact = exact_log_evidence(network.log_likelihood_pairs, image, *network.encode(image))
    assert expected == pytest.approx(exact.log_value.item(), abs=0.02)
    name = "β, on a logarithmic scale"
    value = fresh.get_by_role("slider", name=name).input_value()
    page.get_by_role("slider", name=name).fill(value)
    assert at(page, 10) == pytest.approx(expected, abs=0.01)  # the slider has steps
