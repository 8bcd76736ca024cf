"""Back, Forward, links and reload in Chromium: one press a step, and the map is as it was."""

import pytest

from tests.helpers.browser_page import place, settle
from tests.helpers.processes import wait

pytestmark = pytest.mark.browser

MAP = "document.querySelector('.st-key-map .latent-map')?.latentMap"
STATE = f"""() => {MAP}?.nearest ? {{
    model: {MAP}.loaded.noise + {MAP}.loaded.shape + Boolean({MAP}.loaded.logVariances),
    point: {MAP}.point, pins: {MAP}.pins.all.length, means: {MAP}.toolbar.means,
    zoomed: !{MAP}.scatter.isHome, hidden: [...{MAP}.scatter.hidden],
}} : null"""


def shown(page):
    """What the map shows; None before it does."""
    return page.evaluate(STATE)


def entries(page):
    return page.evaluate("history.length")


def address(page):
    """Asks the page itself: waiting for `page.url` would hear of no change."""
    return page.evaluate("location.href")


def act(page, action):
    """Does something that changes the link; returns the map's state once the address says it."""
    before, url = entries(page), address(page)
    action()
    wait(lambda: address(page) != url)
    settle(page)
    assert entries(page) == before + 1, "one entry a step"
    return shown(page), address(page)


def touches(page, image):
    """Moves the pointer to a test image; whether the map knows that it is there."""
    page.mouse.move(*place(page, image, MAP))
    return page.evaluate(f"() => {MAP}.pointer.touched") == image


def click(page, image):
    """Once the map stays where it is while the page is being built."""
    wait(lambda: touches(page, image))
    page.mouse.click(*place(page, image, MAP))


def go_to_train(page):
    """Until the page has written its settings: they belong to the same step."""
    page.get_by_role("link", name="Train").click()
    page.wait_for_function("() => location.pathname.endsWith('/train') && location.search")
    settle(page)


def change_the_model(page):
    page.get_by_role("combobox", name="Model").click()
    page.keyboard.type("autoencoder")
    page.keyboard.press("Enter")
    wait(lambda: "false" in (shown(page) or {"model": ""})["model"])


@pytest.mark.slow
def test_each_step_is_one_press_back_and_forward(visit):
    page = visit()
    wait(lambda: shown(page))
    settle(page)
    tools = f"(what) => {{ const map = {MAP}; map.toolbar[what] = true; map.toolChanged(what); }}"
    steps = [
        (shown(page), address(page)),
        act(page, lambda: click(page, 17)),
        act(page, lambda: page.evaluate(f"() => {MAP}.scatter.zoom(0.5)")),
        act(page, lambda: page.evaluate(f"() => {MAP}.scatter.toggle(3)")),
        act(page, lambda: page.evaluate(tools, "means")),
        act(page, lambda: change_the_model(page)),
    ]
    last = steps[-1][0]
    assert last["point"] == 17 and last["pins"] == 1 and last["means"]
    assert not last["zoomed"], "another model is shown whole"
    act(page, lambda: go_to_train(page))
    for state, url in steps[::-1]:
        page.go_back()
        wait(lambda url=url, state=state: (address(page), shown(page)) == (url, state))
        settle(page)
    for state, url in steps[1:]:
        page.go_forward()
        wait(lambda url=url, state=state: (address(page), shown(page)) == (url, state))
        settle(page)
    page.reload()
    wait(lambda: shown(page) == last)
    other = visit(steps[4][1].partition("?")[2])
    wait(lambda: shown(other) == steps[4][0])


@pytest.mark.slow
def test_a_drag_is_one_step_however_often_it_writes(visit):
    page = visit("model=digits-2d-multirate")
    wait(lambda: shown(page))
    settle(page)
    before, addresses = entries(page), {address(page)}
    box = page.locator("input[type=range]").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for share in (0.6, 0.7, 0.8):
        page.mouse.move(box["x"] + box["width"] * share, middle)
        wait(lambda: address(page) not in addresses)
        addresses.add(address(page))
    page.mouse.up()
    settle(page)
    assert entries(page) == before + 1
