"""The app as a visitor meets it: a real server, a real Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from screens import ROOT, break_run, make_run, wait

from explorer import pictures
from models.checkpoint import read, restore
from models.latents import pca_plane
from models.runs import Run

OUTPUT = ROOT / "tests" / "output"
TIMEOUT = 30_000
DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def server(runs_dir):
    """A server on a free port: its address, and its process."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable, "-m", "streamlit", "run", "explorer/app.py",
            "--server.headless", "true", "--server.port", str(port),
        ],
        cwd=ROOT, env={**os.environ, "LATENT_RUNS_DIR": str(runs_dir)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def is_healthy():
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health") as answer:
                return answer.status == 200
        except OSError:
            return False

    try:
        wait(is_healthy)
        yield address, process
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("the browser tests need Chromium or Chrome on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def profile(chromium):
    """One browser profile for all pages, so that the app's bundles are fetched once."""
    with closing(chromium.new_context(viewport={"width": 1440, "height": 900})) as context:
        context.set_default_timeout(TIMEOUT)
        yield context


@pytest.fixture
def visit(profile, server):
    """Opens a link in a page of its own; at the end, the console must be free of errors."""
    pages, errors = [], []

    def note(message):
        # a picture may be replaced before the browser has fetched it; the last one is checked
        replaced = "/media/" in message.location["url"] + message.text
        if message.type == "error" and not replaced:
            errors.append(message.text)

    def open_link(query=""):
        page = profile.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{server[0]}/?{query}")
        pages.append(page)
        return page

    yield open_link
    for page in pages:
        page.close()
    assert errors == []


MAP = "document.querySelector('.st-key-map .js-plotly-plot')"


def wait_for_map(page, count):
    """Until the map shows that many points, and the script has ended."""
    page.wait_for_function(
        f"(count) => {MAP}?._fullData?.reduce((sum, t) => sum + t.x.length, 0) === count", arg=count
    )
    settle(page)


def settle(page):
    page.wait_for_selector(
        "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
    )


def place(page, image):
    """Where the point of a test image is on the page, in pixels."""
    return page.evaluate(
        f"""(image) => {{
            const plot = {MAP}, frame = plot.getBoundingClientRect();
            const {{xaxis, yaxis}} = plot._fullLayout;
            for (const trace of plot._fullData) {{
                const at = Array.from(trace.customdata, (row) => row[0]).indexOf(image);
                if (at < 0) continue;
                return [frame.x + xaxis._offset + xaxis.l2p(trace.x[at]),
                        frame.y + yaxis._offset + yaxis.l2p(trace.y[at])];
            }}
        }}""",
        image,
    )


def selected(page):
    """The images that the map draws as selected."""
    return page.evaluate(
        f"() => {MAP}._fullData.flatMap((t) => "
        "Array.from(t.selectedpoints ?? [], (at) => t.customdata[at][0]))"
    )


def ranges(page):
    axes = page.evaluate(f"() => [{MAP}._fullLayout.xaxis.range, {MAP}._fullLayout.yaxis.range]")
    return np.array(axes, float)


def click_image(page, image):
    page.locator(".st-key-map").scroll_into_view_if_needed()
    page.mouse.move(*place(page, image))
    page.mouse.click(*place(page, image))
    page.get_by_role("heading", name=re.compile(rf"^Image {image}\b")).wait_for()
    page.wait_for_function(f"() => location.search.includes('point={image}')")
    settle(page)


def isolated(codes, count):
    """The images whose points lie farthest from all others, on the raw map."""
    distance = np.linalg.norm(codes.mean[:, None] - codes.mean[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(-distance.min(1))[:count].tolist()


def picture(page, caption, index=0):
    """Pixels (H, W, 3) of the picture with that caption, as the browser decodes them."""
    image = page.locator("[data-testid=stImage]", has_text=caption).nth(index).locator("img")
    image.wait_for()
    values, height, width = image.evaluate(
        """async (image) => {
            const bitmap = await createImageBitmap(await (await fetch(image.src)).blob());
            const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
            const context = canvas.getContext("2d");
            context.drawImage(bitmap, 0, 0);
            const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
            return [Array.from(pixels), bitmap.height, bitmap.width];
        }"""
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def decoded(checkpoint, z, side):
    """The same picture, from torch."""
    with torch.inference_mode():
        images = restore(checkpoint).decode(torch.as_tensor(np.atleast_2d(z)).float()).numpy()
    return pictures.one(images, side)


def check_equal(shown, expected):
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 1


def resize(page, width, height=900):
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(
        f"() => {MAP}.clientWidth <= document.querySelector('.st-key-map').clientWidth + 1"
    )


def check_layout(page, name):
    """Nothing runs out of the page to the side; leaves a screenshot for people to look at."""
    width = page.viewport_size["width"]
    outside = """() => Array.from(document.querySelectorAll("[data-testid=stMain] *"))
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility())
        .map((e) => e.outerHTML.slice(0, 80))"""
    wait(lambda: page.evaluate(outside) == [])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    block = "document.querySelector('[data-testid=stMainBlockContainer]')"
    resize(page, width, page.evaluate(f"{block}.scrollHeight") + 20)
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}-{width}.png")


def is_dark(page):
    app = "document.querySelector('[data-testid=stApp]')"
    colour = page.evaluate(f"() => getComputedStyle({app}).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) < 200


LOOKS = {
    "digits": ("", 500),
    "selected": ("point=58&panel=grid", 500),
    "autoencoder": ("model=digits-autoencoder&point=10&panel=prior", 500),
    "thirty": ("model={thirty}&colour=elbo&point=3", 40),
}


@pytest.mark.parametrize(
    "look",
    ["digits", *(pytest.param(look, marks=pytest.mark.slow) for look in list(LOOKS)[1:])],
)
def test_the_screen_fits_and_shows_every_point(visit, look, thirty):
    query, count = LOOKS[look]
    page = visit(query.format(thirty=thirty))
    wait_for_map(page, count)
    if look == "digits":
        lengths = page.evaluate(f"() => {MAP}._fullData.map((trace) => trace.x.length)")
        assert lengths == np.bincount(DIGITS.codes.labels).tolist()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wait(lambda wanted=scheme == "dark": is_dark(page) == wanted)
        for width in (1440, 800):
            resize(page, width)
            check_layout(page, f"{look}-{scheme}")
        assert sum(page.evaluate(f"() => {MAP}._fullData.map((t) => t.x.length)")) == count


@pytest.fixture(scope="module")
def thirty(runs_dir):
    """A run of thirty latents."""
    return make_run(runs_dir, latent_dim=30, title="thirty latents")


def test_click_zoom_panels_link_and_keyboard(visit):
    codes = DIGITS.codes
    image, other = isolated(codes, 2)
    page = visit()
    wait_for_map(page, len(codes))
    from_selected = page.get_by_role("button", name="From the selected image")
    assert from_selected.is_disabled()

    before = ranges(page)
    page.mouse.move(*place(page, image))
    page.locator(".lens canvas").wait_for()  # decodes under the pointer
    page.mouse.wheel(0, -200)
    wait(lambda: np.abs(ranges(page) - before).max() > 1e-3)
    wait(lambda: is_still(page))
    zoomed = ranges(page)
    click_image(page, image)
    assert np.allclose(ranges(page), zoomed), "the zoom survives a click"
    assert selected(page) == [image]
    rate = codes.rate[image].sum()
    numbers = (codes.distortion[image], rate, codes.distortion[image] + rate)
    page.get_by_text("D {:.1f} + R {:.1f} = −ELBO {:.1f} nats".format(*numbers)).wait_for()
    check_equal(picture(page, "Decoded mean"), decoded(DIGITS, codes.mean[image], 168))

    from_selected.click()  # the click on the map has reached the panels
    page.wait_for_function("() => location.search.includes('z=')")
    settle(page)
    check_equal(picture(page, "Decoded mean", 1), decoded(DIGITS, codes.mean[image], 256))

    page.goto(re.sub("z=[^&]*", "z=1,-1", page.url))
    wait_for_map(page, len(codes))
    page.get_by_role("heading", name=re.compile(rf"^Image {image}\b")).wait_for()
    assert selected(page) == [image], "the link shows the same"
    slider = page.get_by_role("slider", name="z₁")
    for _ in range(4):
        slider.press("ArrowRight")  # at once: no step may be lost
    page.wait_for_function("() => location.search.includes('z=1.2')")
    settle(page)
    check_equal(picture(page, "Decoded mean", 1), decoded(DIGITS, [1.2, -1], 256))
    click_image(page, other)
    assert selected(page) == [other]

    page.get_by_text("Samples from the prior", exact=True).click()
    page.get_by_role("button", name="Draw again").click()
    page.wait_for_function("() => location.search.includes('draw=1')")
    page.get_by_text("Decoded grid", exact=True).click()
    page.get_by_text("Every cell holds equal mass of the prior.").wait_for()


def is_still(page):
    """Whether the axes stay as they are over four frames."""
    before = ranges(page)
    for _ in range(4):
        page.evaluate("() => new Promise(requestAnimationFrame)")
    return np.array_equal(ranges(page), before)


def children(process):
    """Processes that a process started, by their command lines."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            if parent == process.pid:
                found.append(status.with_name("cmdline").read_text())
        except OSError:
            continue
    return found


def test_tsne_shows_its_progress_can_be_cancelled_and_ends_in_the_map(visit, server, runs_dir):
    page = visit()
    wait_for_map(page, len(DIGITS.codes))
    page.get_by_text("t-SNE", exact=True).click()
    page.get_by_text("t-SNE of 500 codes").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    settle(page)
    pressed = page.locator(".st-key-control-view [aria-checked=true]")
    assert pressed.all_inner_texts() == ["Two latents"]
    assert "view=" not in page.url
    page.get_by_text("Exact: a point’s place").wait_for()
    wait(lambda: not [line for line in children(server[1]) if "project" in line])
    assert not list((runs_dir / ".maps").glob("*"))

    page.get_by_text("t-SNE", exact=True).click()
    page.get_by_text("Not exact: t-SNE").wait_for()
    wait_for_map(page, len(DIGITS.codes))
    assert pressed.all_inner_texts() == ["t-SNE"]
    assert page.evaluate(f"() => {MAP}._fullLayout.xaxis.title.text") == "t-SNE 1 (no unit)"
    assert page.get_by_role("progressbar").count() == 0
    assert "view=tsne" in page.url


@pytest.fixture
def strange_runs(runs_dir):
    """A run that is broken, and one with markup for class names; both gone afterwards."""
    names = ["![x](http://127.0.0.1:9/x.png)", "<img src=http://127.0.0.1:9/y.png>", "c", "d"]
    made = break_run(runs_dir), make_run(runs_dir, names=names)
    yield *made, names
    for name in made:
        shutil.rmtree(runs_dir / name, ignore_errors=True)


def test_what_is_broken_is_one_sentence_without_paths(visit, server, runs_dir, strange_runs):
    broken, mine, names = strange_runs
    codes = read(Run(runs_dir / mine).model_path).codes
    page, requests = visit(f"model={mine}&point=0"), []
    page.on("request", lambda request: requests.append(request.url))
    wait_for_map(page, 40)
    page.get_by_role("heading", name=f"Image 0 · class {names[0]}").wait_for()
    page.get_by_text(f"The model {broken} cannot be opened:").wait_for()

    shutil.rmtree(runs_dir / mine)
    click_image(page, isolated(codes, 1)[0])  # what is open stays so
    page.get_by_text("PCA", exact=True).click()
    page.get_by_text("The “model” asked for is not possible here").wait_for()
    wait_for_map(page, len(DIGITS.codes))
    text = page.inner_text("body")
    assert "Traceback" not in text and 'File "' not in text
    assert str(runs_dir) not in text and str(ROOT) not in text
    assert all(url.startswith((server[0], "data:", "blob:")) for url in requests)
    assert server[1].poll() is None


def test_collecting_garbage_does_not_stall_the_server():
    code = """
import gc, time
import streamlit, explorer.views.latent_map
from explorer import cache
cache._import_and_freeze()
times = []
for _ in range(5):
    start = time.perf_counter()
    gc.collect(2)
    times.append(time.perf_counter() - start)
print(min(times))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) <= 0.010


def spots(page, count):
    """Places all over the map: pixels on the page, and the same in the units of the axes."""
    return page.evaluate(
        f"""(count) => {{
            const plot = {MAP}, frame = plot.getBoundingClientRect();
            const {{xaxis, yaxis}} = plot._fullLayout;
            return Array.from({{length: count}}, (_, i) => {{
                const across = xaxis._length * (0.05 + 0.9 * ((i * 0.37) % 1));
                const down = yaxis._length * (0.05 + 0.9 * i / count);
                return [frame.x + xaxis._offset + across, frame.y + yaxis._offset + down,
                        xaxis.p2d(across), yaxis.p2d(down)];
            }});
        }}""",
        count,
    )


def lens(page, text):
    """Pixels (H, W, 3) under the lens, once it says `text`."""
    page.locator(".lens", has_text=text).wait_for()
    values, height, width = page.locator(".lens canvas").evaluate(
        """(canvas) => {
            const {width, height} = canvas;
            const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            return [Array.from(pixels), height, width];
        }"""
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def signed(number):
    return f"{number:.2f}".replace("-", "−")


def test_the_lens_decodes_whatever_spot_is_under_the_pointer(visit):
    page = visit()
    wait_for_map(page, 500)
    page.locator(".lens").wait_for(state="attached")
    page.locator(".st-key-map").scroll_into_view_if_needed()
    for x, y, *z in spots(page, 10):
        page.mouse.move(x, y)
        shown = lens(page, f"z₁ {signed(z[0])} z₂ {signed(z[1])}")
        with torch.inference_mode():
            image = restore(DIGITS).decode(torch.tensor([z])).numpy()
        check_equal(shown, pictures.to_levels(image)[0])
    page.mouse.move(5, 5)
    page.locator(".lens").wait_for(state="hidden")


def test_the_lens_decodes_through_the_pca_plane(visit):
    page = visit("view=pca")
    wait_for_map(page, 500)
    page.locator(".lens").wait_for(state="attached")
    page.locator(".st-key-map").scroll_into_view_if_needed()
    for x, y, *place in spots(page, 3):
        page.mouse.move(x, y)
        shown = lens(page, f"PC 1 {signed(place[0])} PC 2 {signed(place[1])}")
        z = pca_plane(DIGITS.codes.mean).lift(np.array([place]))
        with torch.inference_mode():
            image = restore(DIGITS).decode(torch.tensor(z).float()).numpy()
        check_equal(shown, pictures.to_levels(image)[0])
