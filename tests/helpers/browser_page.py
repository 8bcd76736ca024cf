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

MAP = "document.querySelector('.latent-map')?.latentMap"
"""The first map of the page, or of a file of its own."""
SECOND = "document.querySelector('.st-key-map-2 .latent-map')?.latentMap"


def wait_for_map(page, count, shown=MAP):
    """Until the map shows that many points and can decode, and the server's script has ended."""
    wait_for_points(page, count, shown)
    settle(page)
    wait_for_layout(page)


def wait_for_points(page, count, shown=MAP):
    """Until the map has drawn that many points, and can decode; its originals are there too."""
    ready = f"{shown}?.nearest && {shown}.loaded?.count === count"
    placed = f"{shown}.scatter.content?.positions.length === 2 * count"
    fetched = f"(!{shown}.data.originals || {shown}.originals.count)"
    page.wait_for_function(f"(count) => {ready} && {placed} && {fetched}", arg=count)
    wait_for_layout(page)
    next_frame(page)


def wait_for_layout(page):
    """Until every part of the page and every font is there, so that nothing moves any more."""
    missing = "[data-testid=stSkeleton], [data-testid=stAppSkeleton]"
    page.wait_for_function(
        "(missing) => !document.querySelector(missing) && document.fonts.status === 'loaded'",
        arg=missing,
    )


def next_frame(page):
    """Until the browser has drawn what was asked for."""
    page.evaluate("() => new Promise((next) => requestAnimationFrame(() => setTimeout(next)))")


def settle(page):
    """Waits until no script of the server runs.

    After an action wait first for what the action does: the server may not have heard of it yet.
    """
    page.wait_for_selector(
        "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
    )


def place(page, image, shown=MAP):
    """Where the point of a test image is on the page, in pixels."""
    return page.evaluate(
        f"""(image) => {{
            const map = {shown}, frame = map.stage.getBoundingClientRect();
            const [x, y] = map.view.toPixels(map.placeOf(image));
            return [frame.x + x, frame.y + y];
        }}""",
        image,
    )


def selected(page, shown=MAP):
    """The image that the map marks as selected, or None."""
    return page.evaluate(f"() => {shown}.point")


def pins(page, shown=MAP):
    """The pins as the map holds them."""
    return page.evaluate(f"() => {shown}.pins.all")


def ranges(page, shown=MAP):
    """What the axes show: left and right end, lower and upper end."""
    return np.array(page.evaluate(f"() => [{shown}.view.x, {shown}.view.y]"), float)


def in_link(page, pattern):
    """Waits until the page's address holds a pattern, and the server's script has ended."""
    page.wait_for_function(
        "(text) => new RegExp(text).test(decodeURIComponent(location.search))", arg=pattern
    )
    settle(page)


def click_image(page, image):
    """Clicks the point of a test image, and waits for its report and for the link."""
    page.locator(".stage").first.scroll_into_view_if_needed()
    page.mouse.click(*place(page, image))
    page.get_by_role("heading", name=re.compile(rf"^Image {image}\b")).wait_for()
    in_link(page, rf"point={image}\b")


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


def spots(page, count, shown=MAP):
    """Places all over the map: pixels on the page, and the same in the units of the axes."""
    page.locator(".stage").first.scroll_into_view_if_needed()
    return page.evaluate(
        f"""(count) => {{
            const map = {shown}, frame = map.stage.getBoundingClientRect(), view = map.view;
            return Array.from({{length: count}}, (_, i) => {{
                const x = view.left + view.width * (0.05 + 0.9 * ((i * 0.37) % 1));
                const y = view.top + view.height * (0.05 + 0.9 * i / count);
                const at = [Math.round(frame.x + x), Math.round(frame.y + y)];
                return [...at, ...view.toPlace([at[0] - frame.x, at[1] - frame.y])];
            }});
        }}""",
        count,
    )


def signed(number):
    """A number as the page writes it."""
    return f"{number:z.2f}".replace("-", "−")


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
    stage = "document.querySelector('.stage')"
    page.wait_for_function(
        f"() => !{stage} || {stage}.clientWidth <= {stage}.parentElement.clientWidth + 1"
    )


def assert_nothing_sticks_out(page):
    """Nothing runs out of the page to the side; what scrolls within itself may be wide."""
    outside = """() => Array.from(document.querySelectorAll("[data-testid=stMain] *"))
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility())
        .filter((e) => !e.parentElement.closest(
            "[data-testid=stDataFrame], .st-key-controls, .score-line"))
        .map((e) => e.outerHTML.slice(0, 80))"""
    try:
        wait(lambda: page.evaluate(outside) == [])
    except AssertionError as error:
        raise AssertionError(f"these run out of the page: {page.evaluate(outside)}") from error
    width = page.viewport_size["width"]
    wait(lambda: page.evaluate("document.documentElement.scrollWidth") <= width)


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


def assert_beta_moves_codes(page):
    """The slider of a model of every β is there; at its end, the codes have collapsed."""
    page.wait_for_function(f"() => {MAP}?.everyBeta.curve")
    slider = page.get_by_role("slider", name="β, on a logarithmic scale")
    assert re.fullmatch(r"β\* = 3\.\d\d", page.locator(".betas .threshold").inner_text().strip())
    spread = f"() => {MAP}.model.spread[0]"
    sigma = f"() => Math.exp(0.5 * {MAP}.model.logVariances[0])"
    wide, sharp = page.evaluate(spread), page.evaluate(sigma)
    slider.fill("400")
    page.wait_for_function(f"() => {MAP}.everyBeta.beta > 99")
    wait(lambda: page.evaluate(spread) < 0.01 * wide)
    assert page.evaluate(sigma) > 3 * sharp and page.evaluate(sigma) > 0.95
    assert "beyond the predicted collapse" in slider.get_attribute("aria-valuetext")
    page.locator(".beta-scores", has_text="R 0.00").wait_for()
