"""A link and a reload bring the map back as it was; what no map can say changes nothing."""

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.helpers.browser_page import (
    MAP,
    in_link,
    isolated,
    pins,
    place,
    ranges,
    selected,
    settle,
    spots,
    wait_for_map,
)
from tests.helpers.map_page import DIGITS
from tests.helpers.processes import wait

pytestmark = pytest.mark.browser


LOOK = f"""() => {{
    const map = {MAP};
    return {{
        pins: map.pins.all, point: map.point, tab: map.inspector.open,
        z: [...map.inspector.parts.hand.z], draw: map.inspector.parts.prior.seed,
        side: map.inspector.parts.grid.side, hidden: [...map.scatter.hidden],
        means: map.toolbar.means, prior: map.toolbar.prior, posterior: map.toolbar.posterior,
        background: map.toolbar.background,
    }};
}}"""


def test_link_and_reload_restore_the_map(visit):
    page = visit()
    wait_for_map(page, 500)
    page.get_by_text("Overlays").click()
    page.get_by_label("Class means").check()
    page.get_by_label("Prior").uncheck()
    page.get_by_label("Posteriors").select_option("all")
    page.get_by_label("Background").select_option("grid")
    page.keyboard.press("Escape")
    page.locator(".legend button").nth(3).click()
    page.get_by_label("Zoom in").click()
    x, y, *_ = spots(page, 4)[2]
    page.mouse.click(x, y)
    page.get_by_label("Number of the test image").fill("58")
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Prior samples").click()
    page.get_by_role("button", name="Draw again").click()
    page.get_by_role("tab", name="Decoded grid").click()
    page.get_by_label("Cells per side").fill("4")
    page.get_by_role("tab", name="By hand").click()
    page.get_by_role("slider", name="z₂").press("ArrowRight")
    in_link(page, "panel=hand")
    in_link(page, "z=0,0.0")
    kept, shown = page.evaluate(LOOK), ranges(page)
    assert kept["hidden"] == [3] and kept["draw"] == 1 and kept["side"] == 4
    look = "means,no-prior,posterior:all,background:grid,hidden:3,range:"
    assert set(look.split(",")[:-1]) <= set(_look(page)), "what the link says"

    def assert_as_before():
        wait_for_map(page, 500)
        found = page.evaluate(LOOK)
        for pin, old in zip(found.pop("pins"), kept["pins"], strict=True):
            assert pin["z"] == pytest.approx(old["z"], rel=1e-3)
            assert (pin["name"], pin["point"]) == (old["name"], old["point"])
        assert found.pop("z") == pytest.approx(kept["z"], rel=1e-2, abs=1e-9)
        assert found == {name: kept[name] for name in found}
        assert ranges(page) == pytest.approx(shown, rel=1e-4)
        labels = page.locator(".legend button").evaluate_all(
            "(all) => all.map((button) => button.getAttribute('aria-pressed'))"
        )
        assert labels == [str(k != 3).lower() for k in range(10)]

    page.reload()
    assert_as_before()
    link = page.evaluate("() => location.href")
    page.goto("about:blank")
    page.goto(link)
    assert_as_before()

    page.get_by_label("Colour", exact=True).click()
    page.get_by_role("option", name="Distortion D").click()
    page.wait_for_function(f"() => {MAP}.data.colour.by === 'distortion' && {MAP}.scale")
    settle(page)
    assert ranges(page) == pytest.approx(shown, rel=1e-4), "another colour is the same place"
    assert page.evaluate(f"() => {MAP}.scatter.shown.length") == 500, "no class is hidden then"
    assert page.evaluate(f"() => {MAP}.toolbar.means")


def _look(page):
    text = page.evaluate("() => new URLSearchParams(location.search).get('look')")
    return text.split(",")


SPOILED = [
    None, "text", [], {}, {"point": -1}, {"point": "x"}, {"pins": 7}, {"pins": [{"z": [1e9]}]},
    {"look": None}, {"look": {"tab": "<b>"}}, {"side": 31}, {"hidden": [-1]}, {"hidden": "all"},
    {"ranges": {"x": [1, 0], "y": [0, 1]}}, {"anchor": "pin 99"}, {"z": ["x"]}, {"draw": {}},
]  # fmt: skip


def answers(page):
    """What the server sends to a page from its next load on, message by message."""
    found = []

    def note(frame):
        found.append(ForwardMsg.FromString(frame))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    return found


def ended(messages):
    """How many scripts have ended."""
    return sum(message.WhichOneof("type") == "script_finished" for message in messages)


def test_what_no_map_can_say_is_passed_over(visit):
    page = visit("point=7&look=means")
    sent = answers(page)
    page.reload()
    wait_for_map(page, 500)
    link = page.evaluate("() => location.search")
    for touch in SPOILED:
        before = ended(sent)
        page.evaluate(
            f"""(spoiled) => {{
                const map = {MAP}, good = map.link.touch();
                const isTouch = spoiled && !Array.isArray(spoiled) && typeof spoiled === "object";
                const names = isTouch ? Object.keys(spoiled) : [];
                const outer = names.every((name) => name in good);
                if (names.length && outer) map.tell({{...good, ...spoiled}});
                else if (names.length) map.tell({{...good, look: {{...good.look, ...spoiled}}}});
                else map.tell(spoiled);
            }}""",
            touch,
        )
        wait(lambda seen=before: page.title() and ended(sent) > seen)  # Python has heard it
        settle(page)
        assert page.evaluate("() => location.search") == link
    elements = {message.delta.new_element.WhichOneof("type") for message in sent}
    assert "bidi_component" in elements and not elements & {"exception", "alert"}
    x, y, *_ = spots(page, 4)[2]
    page.mouse.click(x, y)
    in_link(page, "pins=A~")  # and the next touch is heard
    assert len(pins(page)) == 1


def test_another_model_is_not_zoomed_as_the_last_one_was(visit):
    page = visit("look=means,range:0.5:1.5:0.5:1.5")
    wait_for_map(page, 500)
    assert not page.evaluate(f"() => {MAP}.scatter.isHome")
    first = page.evaluate(f"() => {MAP}.data.model")
    page.get_by_label("Model", exact=True).click()
    page.get_by_role("option", name="β = 0.1").click()
    page.wait_for_function(f"(first) => {MAP}.has.model && {MAP}.has.model !== first", arg=first)
    wait_for_map(page, 500)
    assert page.evaluate(f"() => {MAP}.scatter.isHome")
    assert page.evaluate(f"() => {MAP}.toolbar.means"), "overlays stay"
    page.wait_for_function("() => !location.search.includes('range')")
    settle(page)
    page.reload()
    wait_for_map(page, 500)
    assert page.evaluate(f"() => {MAP}.scatter.isHome")


def test_an_open_part_of_the_page_follows_the_image_that_is_touched(visit):
    page = visit()
    wait_for_map(page, 500)
    page.get_by_text("Traversals: move one latent at a time").click()
    number = page.get_by_role("spinbutton", name="Test image (0 to 499)")
    number.wait_for()
    settle(page)
    page.locator(".stage").first.scroll_into_view_if_needed()
    (image,) = isolated(DIGITS.codes, 1)
    page.mouse.click(*place(page, image))
    wait(lambda: number.input_value() == str(image))
    in_link(page, f"point={image}")
    assert selected(page) == image and number.input_value() == str(image)
