"""What hands do on the map in a real Chromium: by mouse, by touch, by keyboard."""

import csv
import re
from contextlib import closing

import numpy as np
import pytest

from models.storage.checkpoint import read
from tests.helpers.browser_page import (
    MAP,
    assert_equal_pictures,
    in_link,
    isolated,
    lens,
    next_frame,
    pins,
    place,
    ranges,
    selected,
    signed,
    torch_pixels,
    wait_for_map,
)
from tests.helpers.chromium import TIMEOUT
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
CODES = DIGITS.codes
DOUBLE_CLICK_MS = 400
"""Two clicks within that time are a double click: the one clock that a test has to wait for."""

pytestmark = pytest.mark.browser


def scrolled(page):
    """How far the page is scrolled down."""
    return page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop")


def box(page):
    """The plot area on the page: left, top, right, bottom."""
    return page.evaluate(
        f"""() => {{
            const frame = {MAP}.stage.getBoundingClientRect();
            const {{left, top, width, height}} = {MAP}.view;
            return [frame.x + left, frame.y + top, frame.x + left + width, frame.y + top + height];
        }}"""
    )


def at(page, u, v):
    """A pixel of the page at shares of the plot area, from the left and from the top."""
    left, top, right, bottom = box(page)
    return [round(left + u * (right - left)), round(top + v * (bottom - top))]


def drag(page, *shares):
    """Drags the mouse through places of the plot area."""
    places = [at(page, *share) for share in shares]
    page.mouse.move(*places[0])
    page.mouse.down()
    for each in places[1:]:
        page.mouse.move(*each, steps=4)
    page.mouse.up()
    next_frame(page)


def under(page, pixel):
    """What lies under a pixel of the page, in the units of the axes."""
    return np.array(
        page.evaluate(
            f"""([x, y]) => {{
                const frame = {MAP}.stage.getBoundingClientRect();
                return {MAP}.view.toPlace([x - frame.x, y - frame.y]);
            }}""",
            pixel,
        )
    )


def wheel(page, pixel, down, keys=()):
    page.mouse.move(*pixel)
    for key in keys:
        page.keyboard.down(key)
    page.mouse.wheel(0, down)
    for key in keys:
        page.keyboard.up(key)


def test_a_mouse_pans_zooms_pins_and_selects(visit):
    page = visit()
    wait_for_map(page, 500)
    home = ranges(page)

    start, end = at(page, 0.1, 0.1), at(page, 0.3, 0.25)
    held = under(page, start)
    drag(page, (0.1, 0.1), (0.3, 0.25))
    assert under(page, end) == pytest.approx(held, abs=1e-3), "what is held stays under the pointer"
    assert pins(page) == [] and selected(page) is None, "a drag is no click"

    panned, pixel = ranges(page), at(page, 0.3, 0.6)
    held = under(page, pixel)
    wheel(page, pixel, -120, ["Control"])
    wait(lambda: np.ptp(ranges(page)[0]) < 0.9 * np.ptp(panned[0]))
    assert under(page, pixel) == pytest.approx(held, abs=1e-3), "it zooms about the pointer"
    zoomed, before = ranges(page), scrolled(page)
    wheel(page, pixel, 80)
    wait(lambda: scrolled(page) > before)
    assert np.array_equal(ranges(page), zoomed), "the plain wheel scrolls the page"
    wheel(page, at(page, 0.3, 0.6), -400)
    wait(lambda: scrolled(page) == before)

    nearer, farther, reset = (
        page.get_by_role("button", name=re.compile(f"^{name}"))
        for name in ("Zoom in", "Zoom out", "Show all")
    )
    nearer.click()
    assert np.ptp(ranges(page)) < np.ptp(zoomed)
    assert ranges(page).mean(1) == pytest.approx(zoomed.mean(1), abs=1e-6)
    farther.click()
    assert ranges(page) == pytest.approx(zoomed, abs=1e-6)
    reset.click()
    assert np.array_equal(ranges(page), home)

    (image,) = isolated(CODES, 1)
    page.mouse.click(*place(page, image))
    (pin,) = pins(page)
    assert selected(page) == image and pin["point"] == image
    assert pin["z"] == pytest.approx(CODES.mean[image].tolist())
    page.mouse.click(*at(page, 0.02, 0.02))  # at once: two places are no double click
    assert len(pins(page)) == 2 and pins(page)[1]["point"] is None
    assert selected(page) == image, "empty space leaves the selection"
    in_link(page, f"point={image}&pins=A~[^&]*~{image}")
    page.get_by_label("Number of the test image").fill("58")
    page.keyboard.press("Enter")
    page.wait_for_timeout(DOUBLE_CLICK_MS)
    page.mouse.click(*place(page, image))
    assert selected(page) == image and len(pins(page)) == 2, "a click on a pin selects its image"

    nearer.click()
    page.wait_for_timeout(DOUBLE_CLICK_MS)
    page.mouse.dblclick(*at(page, 0.9, 0.1))
    assert np.array_equal(ranges(page), home), "a double click shows all"
    assert len(pins(page)) == 2, "and leaves no pin"


def test_hands_are_timed_by_the_hand_however_busy_the_page_is(visit):
    page = visit()
    wait_for_map(page, 500)
    home = ranges(page)
    page.get_by_role("button", name=re.compile("^Zoom in")).click()
    for event, busy_ms in (("pointerup", 500), ("pointerdown", 800)):
        page.evaluate(
            """([event, milliseconds]) => addEventListener(event, () => {
                const end = performance.now() + milliseconds;
                while (performance.now() < end);
            }, {once: true})""",
            [event, busy_ms],
        )
        if event == "pointerup":
            page.mouse.dblclick(*at(page, 0.9, 0.1))
            assert np.array_equal(ranges(page), home), "the second click came late, not the hand"
            assert pins(page) == []
        else:
            page.mouse.click(*at(page, 0.1, 0.9))
            assert len(pins(page)) == 1, "the page was long, the press was short"


def test_box_lasso_clear_and_the_file_of_a_selection(visit):
    page = visit()
    wait_for_map(page, 500)
    chosen = page.locator(".selection")
    places = page.evaluate(f"() => [...{MAP}.scatter.content.positions]")
    places = np.array(places).reshape(-1, 2)

    page.get_by_role("button", name="Box", exact=True).click()
    corners = np.array([under(page, at(page, *share)) for share in ((0.2, 0.7), (0.6, 0.3))])
    drag(page, (0.2, 0.3), (0.6, 0.7))
    inside = np.all((places > corners[0]) & (places < corners[1]), axis=1)
    assert inside.sum() > 50
    found = page.evaluate(f"() => {MAP}.selection.chosen")
    assert found == np.flatnonzero(inside).tolist()
    assert chosen.inner_text().startswith(f"{inside.sum()} images selected, mean D ")
    assert np.array_equal(page.evaluate(f"() => {MAP}.scatter.isHome"), True)

    page.get_by_role("button", name="Lasso", exact=True).click()
    drag(page, (0.1, 0.1), (0.9, 0.1), (0.9, 0.5), (0.1, 0.5))
    count = int(chosen.inner_text().split()[0])
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV", exact=True).click()
    with download.value.path().open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["image", "class", "mean_1", "mean_2", "distortion_nats"]
    assert len(rows) == count > 50
    for number, label, *numbers in rows:
        code = [*CODES.mean[int(number)], CODES.distortion[int(number)]]
        assert [float(n) for n in numbers] == pytest.approx(code, rel=1e-5)
        assert label == str(CODES.labels[int(number)])

    page.get_by_role("button", name="Clear", exact=True).click()
    assert chosen.is_hidden() and page.evaluate(f"() => {MAP}.selection.chosen") == []
    page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    page.mouse.click(*at(page, 0.05, 0.05))
    assert len(pins(page)) == 1, "a click pins in every mode"

    page.get_by_role("button", name="Pan", exact=True).click()
    page.wait_for_timeout(DOUBLE_CLICK_MS)
    page.get_by_role("button", name="3", exact=True).click()
    assert page.evaluate(f"() => {MAP}.scatter.shown.length") == (CODES.labels != 3).sum()
    texts = page.evaluate(
        f"""async () => {{
            const said = [];
            const write = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {{
                if (this.canvas.matches(".marks")) said.push(text);
                return write.call(this, text, ...rest);
            }};
            {MAP}.drawMarks();
            CanvasRenderingContext2D.prototype.fillText = write;
            return said;
        }}"""
    )
    assert [text for text in texts if text.isdigit()] == list("012456789"), "its name goes with it"
    image = int(np.flatnonzero(CODES.labels == 3)[0])
    page.mouse.move(*place(page, image))
    next_frame(page)
    assert page.evaluate(f"() => {MAP}.pointer.touched") != image, "what is hidden is not touched"
    in_link(page, r"look=hidden:3\b")


def finger(page):
    """A function that puts fingers on the page, moves them and lifts them."""
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        given = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": given})

    return touch


NOTE_SCROLL = """() => {
    const main = document.querySelector("[data-testid=stMain]");
    window.hasScrolled = false;
    main.addEventListener("scrollend", () => (window.hasScrolled = true), {once: true});
}"""


def never_rests(page):
    """From here on no finger rests, however slowly this machine moves it."""
    page.evaluate(f"() => Object.assign({MAP}.gestures, {{ beginTouch() {{}} }})")


def rests_again(page):
    page.evaluate(f"() => delete {MAP}.gestures.beginTouch")


def test_fingers_decode_scroll_pinch_and_pin(chromium, server):
    settings = {"viewport": {"width": 800, "height": 700}, "has_touch": True}
    with closing(chromium.new_context(**settings)) as context:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(f"{server[0]}/?model=digits-2d-beta-1")
        wait_for_map(page, 500)
        page.locator(".stage").first.scroll_into_view_if_needed()
        touch, shown = finger(page), page.locator(".lens")
        home = ranges(page)

        x, y = at(page, 0.1, 0.8)
        touch("Start", (x, y))
        shown.wait_for()  # a rest decodes
        z = under(page, (x, y))
        assert_equal_pictures(lens(page, f"z₁ {signed(z[0])}"), torch_pixels(DIGITS, z))
        before = scrolled(page)
        for step in range(1, 9):
            touch("Move", (x, y - 12 * step))
        z = under(page, (x, y - 96))
        lens(page, f"z₁ {signed(z[0])} z₂ {signed(z[1])}")
        assert scrolled(page) == before, "a finger that rests first holds the page"
        touch("End")
        assert pins(page) == [], "a finger that moves pins nothing"

        never_rests(page)
        x, y = at(page, 0.2, 0.4)
        touch("Start", (x, y))
        for step in range(1, 9):
            touch("Move", (x + 10 * step, y))
        z = under(page, (x + 80, y))
        lens(page, f"z₁ {signed(z[0])} z₂ {signed(z[1])}")  # and so does a move to the side
        touch("End")
        assert np.array_equal(ranges(page), home), "one finger does not pan"

        x, y = at(page, 0.5, 0.8)
        page.evaluate(NOTE_SCROLL)
        touch("Start", (x, y))
        for step in range(1, 16):
            touch("Move", (x, y - 14 * step))
        wait(lambda: scrolled(page) > before + 50)  # a vertical swipe scrolls the page
        touch("End")
        page.wait_for_function("() => window.hasScrolled")  # also what a lifted finger left moving
        assert np.array_equal(ranges(page), home) and pins(page) == []
        page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        page.locator(".stage").first.scroll_into_view_if_needed()

        x, y = at(page, 0.5, 0.5)
        middle = under(page, (x, y))
        touch("Start", (x - 30, y), (x + 30, y))
        for step in range(1, 9):
            touch("Move", (x - 30 - 5 * step, y), (x + 30 + 5 * step, y))
        touch("End")
        factor = np.ptp(home, axis=1) / np.ptp(ranges(page), axis=1)
        assert factor == pytest.approx([70 / 30] * 2, rel=0.1), "a pinch zooms"
        assert under(page, (x, y)) == pytest.approx(middle, abs=0.05), "about its middle"
        assert pins(page) == []

        rests_again(page)
        page.touchscreen.tap(*at(page, 0.3, 0.3))
        wait(lambda: len(pins(page)) == 1)  # a tap pins


def test_the_keyboard_alone_walks_pins_zooms_and_closes(visit):
    page = visit()
    wait_for_map(page, 500)
    home = ranges(page)
    page.locator(".stage").first.focus()
    cursor = f"() => [...{MAP}.pointer.cursor]"
    touched = f"() => {MAP}.pointer.touched"
    seen = []
    for key in ["ArrowRight"] * 3 + ["ArrowDown"] * 2 + ["ArrowLeft"]:
        before = page.evaluate(cursor)
        page.keyboard.press(key)
        step = np.subtract(page.evaluate(cursor), before)
        axis, sign = {"ArrowRight": (0, 1), "ArrowDown": (1, 1), "ArrowLeft": (0, -1)}[key]
        assert sign * step[axis] > 0, key
        image = page.evaluate(touched)
        label = CODES.labels[image]
        spoken = page.locator(".spoken").inner_text()
        assert spoken.startswith(f"Image {image} · {label}.") and "ln q(z)" in spoken
        seen.append(image)
    assert len(set(seen)) >= 5

    before = page.evaluate(cursor)
    page.keyboard.press("Shift+ArrowUp")
    assert page.evaluate(cursor) == pytest.approx([before[0], before[1] - 8])
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    image = page.evaluate(touched)
    page.keyboard.press("Enter")
    assert selected(page) == image and pins(page)[0]["point"] == image
    page.get_by_role("heading", name=re.compile(rf"^Image {image}\b")).wait_for()

    page.keyboard.press("+")
    assert np.ptp(ranges(page), axis=1) == pytest.approx(0.8 * np.ptp(home, axis=1))
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert np.ptp(ranges(page), axis=1) == pytest.approx(1.25 * np.ptp(home, axis=1))
    page.keyboard.press("0")
    assert np.array_equal(ranges(page), home)
    page.keyboard.press("Escape")
    assert page.locator(".lens").is_hidden()

    overlays = page.locator("details.menu")
    overlays.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert overlays.evaluate("(menu) => menu.open")
    page.keyboard.press("Space")
    assert page.evaluate(f"() => {MAP}.toolbar.prior") is False
    page.keyboard.press("Escape")
    assert not overlays.evaluate("(menu) => menu.open")
    assert overlays.locator("summary").evaluate("(e) => e === document.activeElement")
    in_link(page, "look=no-prior")
