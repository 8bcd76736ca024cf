"""The browser's scripts under node: their own tests, and numpy, torch and Pillow as oracles."""

import base64
import io
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from explorer.assets.bundle import ORDER
from models.export.pack import pack_model
from models.latents.planes import coordinate_plane, pca_plane
from models.storage.checkpoint import read, restore

ROOT = Path(__file__).resolve().parents[2]
BROWSER = ROOT / "explorer" / "browser"
SUITES = sorted((ROOT / "tests" / "js").glob("*.test.js"))
SHIPPED = sorted((ROOT / "checkpoints").glob("*.safetensors"))
NUMERICS = sorted(path.stem for path in (BROWSER / "numerics").glob("*.js"))


@pytest.fixture(scope="module")
def node():
    """The path of node."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    return found


def evaluate(node, script, body, given):
    """What `body` returns in node, with a script's functions in reach and `given` as its input."""
    code = f"""
        import * as script from {json.dumps((BROWSER / "numerics" / f"{script}.js").as_uri())};
        import {{ readFileSync }} from "node:fs";
        const run = (given) => {{ {body} }};
        console.log(JSON.stringify(run(JSON.parse(readFileSync(0, "utf8")))));
    """
    command = [node, "--input-type=module", "--eval", code]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.browser
@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.name.partition(".")[0])
def test_suite_passes_under_node(node, path):
    done = subprocess.run([node, "--test", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^. pass [1-9]", done.stdout, re.MULTILINE), done.stdout


def test_every_script_of_numerics_has_a_suite():
    assert {path.name.partition(".")[0] for path in SUITES} == set(NUMERICS)


def test_names_are_unique_so_that_the_scripts_make_one_module():
    pattern = r"^(?:export )?(?:default )?(?:async )?(?:function\*?|class|const|let|var) (\w+)"
    found = [name for script in ORDER for name in re.findall(pattern, _text(script), re.MULTILINE)]
    assert "buildDecoder" in found and "encodeGif" in found
    assert [name for name, count in Counter(found).items() if count > 1] == []


def _text(script):
    return (BROWSER / f"{script}.js").read_text()


@pytest.mark.parametrize("script", ORDER)
def test_imports_are_of_earlier_scripts_and_take_one_line(script):
    starts = re.findall(r"^import\b.*$", _text(script), re.MULTILINE)
    sources = [re.fullmatch(r'import \{ .+ \} from "(\.[\w./]+)\.js";', line) for line in starts]
    assert all(sources), starts
    folder = (BROWSER / script).parent
    paths = {(folder / source[1]).resolve().relative_to(BROWSER).as_posix() for source in sources}
    assert paths <= set(ORDER[: ORDER.index(script)])


@pytest.mark.parametrize("script", NUMERICS)
def test_numerics_know_no_page_and_no_network(script):
    words = (
        r"\b(document|window|navigator|fetch|XMLHttpRequest|localStorage|requestAnimationFrame)\b"
    )
    assert re.findall(words, _text(f"numerics/{script}")) == []
    code = re.sub(r"/\*\*.*?\*/", "", _text(f"numerics/{script}"), flags=re.DOTALL)
    assert "import " not in code


@pytest.mark.browser
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_models_decode_as_in_torch_within_a_millisecond(node, path):
    stored = read(path)
    model = restore(stored)
    z = stored.codes.mean[:40]
    found = evaluate(
        node,
        "decoder",
        """
        const { header, numbers } = script.unpack(Buffer.from(given.packed, "base64"));
        const { decode } = script.buildDecoder(header.layers, numbers);
        const times = Array.from({ length: 600 }, (_, n) => {
            const start = performance.now();
            decode(given.z[n % given.z.length]);
            return performance.now() - start;
        });
        const images = given.z.map((z) => [...decode(z)]);
        return { images, times: times.slice(200).sort((a, b) => a - b) };
        """,
        {
            "packed": base64.b64encode(pack_model(model, stored.codes, ())).decode(),
            "z": z.tolist(),
        },
    )
    expected = model.decode(torch.from_numpy(z)).detach().flatten(1).numpy()
    np.testing.assert_allclose(found["images"], expected, atol=1e-4)
    p50, p95 = (found["times"][int(share * 400)] for share in (0.5, 0.95))
    print(f"{path.stem}: one decode {p50:.3f} ms, p95 {p95:.3f} ms")
    assert p50 <= 1, "ms; the p95 is that of whatever else runs on this machine"


@pytest.mark.browser
@pytest.mark.parametrize("view", ["pca", "coordinate"])
def test_plane_is_that_of_models(node, view):
    generator = np.random.default_rng(0)
    codes = generator.normal(size=(200, 6)) * [3, 1, 4, 1, 5, 9]
    anchor = generator.normal(size=6)
    plane = pca_plane(codes) if view == "pca" else coordinate_plane(codes, 4, 1, codes[0])
    places = generator.normal(size=(20, 2))
    found = evaluate(
        node,
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
def test_ellipse_has_the_axes_of_the_projected_covariance(node):
    generator = np.random.default_rng(0)
    axes = pca_plane(generator.normal(size=(200, 6)) * [3, 1, 4, 1, 5, 9]).axes
    log_variances = generator.normal(size=(20, 6))
    ellipses = evaluate(
        node,
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


def encoded(node, frames, options):
    """The GIF of frames (N, H, W) or (N, H, W, 4), uint8, as Pillow reads it."""
    text = evaluate(
        node,
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
def test_gif_of_grey_frames_is_exact(node, frames):
    with encoded(node, frames, {"delay_ms": 90}) as image:
        assert image.format == "GIF"
        assert image.size == frames.shape[:0:-1]
        assert image.n_frames == len(frames)
        assert_pixels(image, np.repeat(frames[..., None], 3, -1))


@pytest.mark.browser
def test_gif_keeps_few_colours_and_ignores_opacity(node):
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (256, 4), dtype=np.uint8)
    frames = colours[generator.integers(0, 256, (4, 30, 20))]
    with encoded(node, frames, {}) as image:
        assert image.n_frames == 4
        assert_pixels(image, frames[..., :3])


@pytest.mark.browser
def test_gif_rounds_many_colours_to_a_lattice(node):
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 4), dtype=np.uint8)
    steps = np.array([51, 42.5, 51])
    nearest = np.floor(frames[..., :3] / steps + 0.5) * steps
    with encoded(node, frames, {}) as image:
        assert_pixels(image, np.floor(nearest + 0.5))


@pytest.mark.browser
@pytest.mark.parametrize(("delay_ms", "loop"), [(90, 0), (100, 3), (40, 0), (1234, 1)])
def test_gif_says_how_long_and_how_often(node, delay_ms, loop):
    frames = grey_frames(3, 5, 6, 256)
    with encoded(node, frames, {"delay_ms": delay_ms, "loop": loop}) as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
        assert durations == [round(delay_ms / 10) * 10] * 3
        assert image.info["loop"] == loop
