"""Finds things on a page in Chromium, and reads the pictures it shows."""

import base64
import io
import re

import numpy as np
import torch
from PIL import Image

from explorer.widgets import pictures
from models.storage.checkpoint import restore
from tests.helpers.paths import OUTPUT
from tests.helpers.processes import wait

ROOM = "document.querySelector('.st-key-map .latent-map')"
MAP = f"{ROOM}?.querySelector('.js-plotly-plot')"


def wait_for_map(page, count):
    """Until the map shows that many points and can decode, and the script has ended."""
    drawn = f"{MAP}?._fullData?.reduce((sum, trace) => sum + trace.x.length, 0) === count"
    ready = f"{ROOM}?.latentMap?.nearest && {ROOM}.latentMap.loaded?.count === count"
    page.wait_for_function(f"(count) => {drawn} && {ready}", arg=count)
    settle(page)


def settle(page):
    """Waits until the server's script has ended."""
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
                const at = Array.from(trace.customdata).indexOf(image);
                if (at < 0) continue;
                return [frame.x + xaxis._offset + xaxis.l2p(trace.x[at]),
                        frame.y + yaxis._offset + yaxis.l2p(trace.y[at])];
            }}
        }}""",
        image,
    )


def selected(page):
    """The image that the map marks as selected, or None."""
    return page.evaluate(f"() => {ROOM}.latentMap.point")


def ranges(page):
    axes = page.evaluate(f"() => [{MAP}._fullLayout.xaxis.range, {MAP}._fullLayout.yaxis.range]")
    return np.array(axes, float)


def is_still(page):
    """Whether the axes stay as they are over four frames."""
    before = ranges(page)
    for _ in range(4):
        page.evaluate("() => new Promise(requestAnimationFrame)")
    return np.array_equal(ranges(page), before)


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
    image = (
        page.locator("[data-testid=stImage], figure:has(img)")
        .filter(has_text=caption)
        .nth(index)
        .locator("img")
    )
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


def canvas_pixels(canvas):
    """Pixels (H, W, 3) of a canvas."""
    address = canvas.evaluate("(canvas) => canvas.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
        return np.array(picture.convert("RGBA"))[..., :3]


def spots(page, count):
    """Places all over the map: pixels on the page, and the same in the units of the axes."""
    page.locator(".st-key-map .stage, .latent-map .stage").first.scroll_into_view_if_needed()
    return page.evaluate(
        """(count) => {
            const plot = document.querySelector(".latent-map .js-plotly-plot");
            const frame = plot.getBoundingClientRect(), {xaxis, yaxis} = plot._fullLayout;
            return Array.from({length: count}, (_, i) => {
                const across = Math.round(xaxis._length * (0.05 + 0.9 * ((i * 0.37) % 1)));
                const down = Math.round(yaxis._length * (0.05 + 0.9 * i / count));
                return [frame.x + xaxis._offset + across, frame.y + yaxis._offset + down,
                        xaxis.p2l(across), yaxis.p2l(down)];
            });
        }""",
        count,
    )


def signed(number):
    """A number as the page writes it."""
    return f"{number:.2f}".replace("-", "−")


def lens(page, text):
    """Pixels (H, W, 3) under the lens, once it says `text`."""
    page.locator(".lens", has_text=text).wait_for()
    return canvas_pixels(page.locator(".lens canvas"))


def torch_pixels(checkpoint, z):
    """The picture that torch decodes, pixel by pixel (H, W, 3)."""
    with torch.inference_mode():
        images = restore(checkpoint).decode(torch.as_tensor(np.atleast_2d(z)).float()).numpy()
    return pictures.to_levels(images)[0]


def assert_equal_pictures(shown, expected):
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 1


def resize(page, width, height=900):
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(
        f"() => !{MAP}"
        f" || {MAP}.clientWidth <= document.querySelector('.st-key-map').clientWidth + 1"
    )


def assert_nothing_sticks_out(page):
    """Nothing runs out of the page to the side."""
    outside = """() => Array.from(document.querySelectorAll("[data-testid=stMain] *"))
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility())
        .map((e) => e.outerHTML.slice(0, 80))"""
    wait(lambda: page.evaluate(outside) == [])
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def take_picture(page, name):
    """Leaves a screenshot of the whole page for people to look at."""
    width = page.viewport_size["width"]
    block = "document.querySelector('[data-testid=stMainBlockContainer]')"
    resize(page, width, page.evaluate(f"{block}.scrollHeight") + 20)
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}-{width}.png")


def assert_fits(page, name):
    """Light and dark, wide and narrow, nothing runs out of the page; leaves screenshots."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wait(lambda dark=scheme == "dark": is_dark(page) == dark)
        for width in (1440, 800):
            resize(page, width)
            assert_nothing_sticks_out(page)
            take_picture(page, f"{name}-{scheme}")


def is_dark(page):
    """Whether the page is dark: its background's red, green and blue are small."""
    app = "document.querySelector('[data-testid=stApp]')"
    colour = page.evaluate(f"() => getComputedStyle({app}).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) < 200
