"""The map where little is given: no WebGL, no graphics hardware, no network; no foreign request."""

import re
from contextlib import closing

import numpy as np
import pytest

from explorer.assets.html_export import export_page
from models.storage.checkpoint import read
from tests.helpers.browser_page import (
    MAP,
    assert_equal_pictures,
    canvas_pixels,
    isolated,
    lens,
    next_frame,
    pins,
    place,
    settle,
    signed,
    spots,
    torch_pixels,
    wait_for_map,
    wait_for_points,
)
from tests.helpers.chromium import ARGUMENTS, CHROMIUM, TIMEOUT
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

DIGITS_FILE = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"
DIGITS = read(DIGITS_FILE)
CODES = DIGITS.codes
SCREENS = ["train", "trade-off", "collapse", "experiments"]

pytestmark = pytest.mark.browser


def assert_alive(page):
    """The points are painted in their classes' colours, and a spot is decoded as by torch."""
    next_frame(page)
    painted = page.locator(".layer.points").screenshot()
    assert len(painted) > 5000
    dots = canvas_pixels(page.locator(".layer.points")).reshape(-1, 3)
    assert len(np.unique(dots, axis=0)) > 10
    x, y, *z = spots(page, 5)[2]
    page.mouse.move(x, y)
    assert_equal_pictures(lens(page, f"z₁ {signed(z[0])}"), torch_pixels(DIGITS, z))


@pytest.mark.parametrize(
    "flags",
    [["--disable-webgl", "--disable-3d-apis"], ["--disable-gpu-compositing"]],
    ids=["no WebGL", "software compositing"],
)
def test_a_browser_without_graphics_shows_the_map(server, flags, chromium):
    arguments = [flag for flag in ARGUMENTS if "swiftshader" not in flag] + flags
    other = chromium.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    with closing(other), closing(other.new_page(viewport={"width": 1440, "height": 900})) as page:
        page.set_default_timeout(TIMEOUT)
        page.goto(server[0])
        wait_for_map(page, 500)
        if "--disable-webgl" in flags:
            assert (
                page.evaluate("() => document.createElement('canvas').getContext('webgl')") is None
            )
        assert_alive(page)


def test_the_exported_file_has_the_whole_map_offline(chromium, tmp_path):
    path = tmp_path / "map.html"
    path.write_bytes(export_page(DIGITS_FILE))
    settings = {"viewport": {"width": 1440, "height": 900}, "offline": True}
    with closing(chromium.new_context(**settings)) as context:
        page, requests, errors = context.new_page(), [], []
        page.set_default_timeout(TIMEOUT)
        page.route(re.compile("^(http|ws)"), lambda route: route.abort())
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        wait_for_points(page, 500)
        page.wait_for_function(f"() => {MAP}.originals")
        assert_alive(page)

        (image,) = isolated(CODES, 1)
        page.mouse.click(*place(page, image))
        d, r = CODES.distortion[image], CODES.rate[image].sum()
        assert page.locator(".scores").inner_text().startswith(f"D {d:.1f} + R {r:.1f} = ")
        assert page.locator(".inspector figure", has_text="Original").count() == 1
        decoded = page.locator(".inspector figure", has_text="Decoded mean").locator("canvas")
        assert_equal_pictures(canvas_pixels(decoded), torch_pixels(DIGITS, CODES.mean[image]))
        for tab, canvases in (("By hand", 1), ("Prior samples", 40), ("Decoded grid", 1)):
            page.get_by_role("tab", name=tab).click()
            assert page.locator(".tab-body canvas").count() == canvases
        page.get_by_role("tab", name="By hand").click()
        page.get_by_role("button", name="Pin it").click()
        assert len(pins(page)) == 2
        wait(lambda: page.locator(".film .cell canvas").count() == 16)
        page.get_by_text("Overlays").click()
        page.get_by_label("Background").select_option("density")
        page.wait_for_function(f"() => {MAP}.background")
        for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
            with page.expect_download() as download:
                page.get_by_role("button", name=kind, exact=True).click()
            assert download.value.path().read_bytes().startswith(start)
        allowed = ("file:", "data:", "blob:")
        assert [url for url in requests if not url.startswith(allowed)] == []
        assert errors == []


def test_no_page_asks_anything_of_another_server(chromium, server):
    with closing(chromium.new_context(viewport={"width": 1440, "height": 900})) as context:
        page, requests = context.new_page(), []
        page.set_default_timeout(TIMEOUT)
        context.on("request", lambda request: requests.append(request.url))
        page.on("websocket", lambda socket: requests.append(socket.url))
        page.goto(f"{server[0]}/?point=58")
        wait_for_map(page, 500)
        for kind in ("PNG", "SVG"):
            with page.expect_download():
                page.get_by_role("button", name=kind, exact=True).click()
        assert not [url for url in requests if "plotly" in url.lower()], "the map needs none"
        for screen in SCREENS:
            page.goto(f"{server[0]}/{screen}")
            settle(page)
            page.wait_for_load_state("networkidle")
        own = (server[0], server[0].replace("http", "ws", 1), "data:", "blob:")
        assert [url for url in requests if not url.startswith(own)] == []
        assert any(url.startswith("ws") for url in requests) and len(requests) > 20
