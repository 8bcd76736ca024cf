"""The browser's numerics under node: their own suites, and numpy, torch and Pillow as oracles."""

import base64
import io
import re
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from models.data.load import load
from models.latents.planes import coordinate_plane, pca_plane
from models.objectives.distributions import normal_log_prob
from models.storage.checkpoint import read, restore
from tests.helpers.node import BROWSER, NUMERICS, evaluate, node, suites
from tests.helpers.paths import MNIST, SHIPPED

SCRIPTS = sorted(path.stem for path in NUMERICS.glob("*.js"))


@pytest.mark.browser
@pytest.mark.parametrize("path", suites(), ids=lambda path: path.name.partition(".")[0])
def test_suite_passes_under_node(path):
    done = subprocess.run([node(), path], capture_output=True, text=True)  # not --test: one process
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^. pass [1-9]", done.stdout, re.MULTILINE), done.stdout


def test_every_script_of_numerics_has_a_suite():
    assert {path.name.partition(".")[0] for path in suites()} >= set(SCRIPTS)


def test_every_suite_is_that_of_a_script():
    scripts = {path.stem for path in BROWSER.rglob("*.js")}
    assert {path.name.partition(".")[0] for path in suites()} <= scripts


@pytest.mark.parametrize("script", SCRIPTS)
def test_numerics_know_no_page_and_no_network(script):
    text = (NUMERICS / f"{script}.js").read_text()
    words = (
        r"\b(document|window|navigator|fetch|XMLHttpRequest|localStorage|requestAnimationFrame)\b"
    )
    assert re.findall(words, text) == []
    sources = re.findall(r'^import .* from "(.*)";$', text, re.MULTILINE)
    assert all(re.fullmatch(r"\./\w+\.js", source) for source in sources), sources


@pytest.mark.browser
def test_densities_are_those_of_the_distributions():
    generator = torch.Generator().manual_seed(0)
    means, log_variances = torch.randn(2, 50, 3, generator=generator)
    z = torch.randn(3, generator=generator)
    prior, aggregate = evaluate(
        "aggregate_posterior",
        """
        const single = (name) => Float32Array.from(given[name]);
        const aggregate = script.buildAggregate(3, single("means"), single("logVariances"));
        return [script.logPrior(single("z")), aggregate(single("z"))];
        """,
        {
            "z": z.tolist(),
            "means": means.flatten().tolist(),
            "logVariances": log_variances.flatten().tolist(),
        },
    )
    each = normal_log_prob(z, means, log_variances).sum(1)
    assert prior == pytest.approx(normal_log_prob(z, 0.0, 0.0).sum().item(), abs=1e-5)
    assert aggregate == pytest.approx((each.logsumexp(0) - np.log(50)).item(), abs=1e-5)


VAES = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.mnist] if path in MNIST else [])
    for path in SHIPPED
    if "-beta-" in path.stem
]


@pytest.mark.browser
@pytest.mark.parametrize("path", VAES)
def test_codes_of_training_images_are_hardly_ever_off_the_manifold(path):
    """They are of the same kind as the test codes: 1 % are rarer than 99 % of those."""
    checkpoint = read(path)
    model, codes = restore(checkpoint), checkpoint.codes
    with torch.no_grad():
        spots, _ = model.encode(
            torch.tensor(load(checkpoint.card.config.data, "train").images[:500])
        )
    given = {"means": codes.mean, "logVariances": codes.log_variance, "spots": spots.numpy()}
    off, thin = evaluate(
        "aggregate_posterior",
        """
        const flat = (name) => Float32Array.from(given[name].flat());
        const [means, logVariances] = [flat("means"), flat("logVariances")];
        const size = given.spots[0].length;
        const aggregate = script.buildAggregate(size, means, logVariances);
        const { least, thin } = script.usualDensity(size, means, logVariances, aggregate);
        return [given.spots.filter((z) => aggregate(z) < least).length, thin];
        """,
        {name: array.tolist() for name, array in given.items()},
    )
    assert off <= 0.03 * len(spots)
    assert thin == (codes.latent_dim == 20), "only in many dimensions do they hardly overlap"


@pytest.mark.browser
@pytest.mark.parametrize("view", ["pca", "coordinate"])
def test_plane_is_that_of_models(view):
    generator = np.random.default_rng(0)
    codes = generator.normal(size=(200, 6)) * [3, 1, 4, 1, 5, 9]
    anchor = generator.normal(size=6)
    plane = pca_plane(codes) if view == "pca" else coordinate_plane(codes, 4, 1, codes[0])
    places = generator.normal(size=(20, 2))
    found = evaluate(
        "geometry",
        """
        const { embed, project } = script.buildPlane(given.origin, given.axes);
        const held = script.buildPlane(given.origin, given.axes, given.anchor);
        return {
            embedded: given.places.map((place) => [...embed(place)]),
            projected: given.codes.map((z) => project(z)),
            held: given.places.map((place) => [...held.embed(place)]),
        };
        """,
        {
            "origin": plane.origin.tolist(),
            "axes": plane.axes.tolist(),
            "anchor": anchor.tolist(),
            "places": places.tolist(),
            "codes": codes.tolist(),
        },
    )
    np.testing.assert_allclose(found["embedded"], plane.lift(places), atol=1e-5)
    np.testing.assert_allclose(found["projected"], plane.project(codes), atol=1e-5)
    rest = anchor - plane.lift(plane.project(anchor))
    np.testing.assert_allclose(found["held"], plane.lift(places) + rest, atol=1e-5)


@pytest.mark.browser
def test_ellipse_has_the_axes_of_the_projected_covariance():
    generator = np.random.default_rng(0)
    axes = pca_plane(generator.normal(size=(200, 6)) * [3, 1, 4, 1, 5, 9]).axes
    log_variances = generator.normal(size=(20, 6))
    ellipses = evaluate(
        "geometry",
        "return given.logVariances.map((row) => script.ellipse(row, given.axes));",
        {"logVariances": log_variances.tolist(), "axes": axes.tolist()},
    )
    for log_variance, ellipse in zip(log_variances, ellipses, strict=True):
        covariance = axes @ np.diag(np.exp(log_variance)) @ axes.T
        values, vectors = np.linalg.eigh(covariance)
        assert [ellipse["b"], ellipse["a"]] == pytest.approx(np.sqrt(values), rel=1e-6)
        direction = [np.cos(ellipse["angle"]), np.sin(ellipse["angle"])]
        assert abs(vectors[:, 1] @ direction) == pytest.approx(1, abs=1e-9)


def encoded(frames, options):
    """The GIF of frames (N, H, W) or (N, H, W, 4), uint8, as Pillow reads it."""
    text = evaluate(
        "gif",
        """
        const frames = given.frames.map((frame) => Uint8Array.from(frame));
        const bytes = script.encodeGif(frames, given.width, given.height, given.options);
        return Buffer.from(bytes).toString("base64");
        """,
        {
            "frames": frames.reshape(len(frames), -1).tolist(),
            "width": frames.shape[2],
            "height": frames.shape[1],
            "options": options,
        },
    )
    return Image.open(io.BytesIO(base64.b64decode(text)))


def assert_pixels(image, expected):
    """Every frame, as red, green and blue, is as expected: (N, H, W, 3)."""
    found = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    np.testing.assert_array_equal(np.stack(found), expected)


def grey_frames(count, height, width, levels):
    generator = np.random.default_rng(levels)
    return generator.integers(0, levels, (count, height, width), dtype=np.uint8)


@pytest.mark.browser
@pytest.mark.parametrize(
    "frames",
    [
        grey_frames(3, 40, 50, 256),
        grey_frames(2, 200, 201, 256),
        grey_frames(2, 150, 150, 3),
        grey_frames(2, 1, 1, 256),
        grey_frames(1, 3, 500, 2),
        np.zeros((2, 90, 90), np.uint8),
        np.tile(np.arange(256, dtype=np.uint8), (2, 30, 2)),
    ],
    ids=["small", "noise", "3-levels", "one-pixel", "2-levels", "uniform", "ramp"],
)
def test_gif_of_grey_frames_is_exact(frames):
    with encoded(frames, {"delay_ms": 90}) as image:
        assert image.format == "GIF"
        assert image.size == frames.shape[:0:-1]
        assert image.n_frames == len(frames)
        assert_pixels(image, np.repeat(frames[..., None], 3, -1))


@pytest.mark.browser
def test_gif_keeps_few_colours_and_ignores_opacity():
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (256, 4), dtype=np.uint8)
    frames = colours[generator.integers(0, 256, (4, 30, 20))]
    with encoded(frames, {}) as image:
        assert image.n_frames == 4
        assert_pixels(image, frames[..., :3])


@pytest.mark.browser
def test_gif_rounds_many_colours_to_a_lattice():
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 4), dtype=np.uint8)
    steps = np.array([51, 42.5, 51])
    nearest = np.floor(frames[..., :3] / steps + 0.5) * steps
    with encoded(frames, {}) as image:
        assert_pixels(image, np.floor(nearest + 0.5))


@pytest.mark.browser
@pytest.mark.parametrize(("delay_ms", "loop"), [(90, 0), (100, 3), (40, 0), (1234, 1)])
def test_gif_says_how_long_and_how_often(delay_ms, loop):
    frames = grey_frames(3, 5, 6, 256)
    with encoded(frames, {"delay_ms": delay_ms, "loop": loop}) as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
        assert durations == [round(delay_ms / 10) * 10] * 3
        assert image.info["loop"] == loop


@pytest.mark.browser
def test_the_last_frame_of_a_gif_stays_longer():
    with encoded(grey_frames(3, 5, 6, 256), {"delay_ms": 100, "last_ms": 1100}) as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
        assert durations == [100, 100, 1100]
