"""The Collapse page on a telephone: strips are whole, and the table can be moved in its frame."""

import pytest

from tests.helpers.browser_page import settle, wait_for_layout

pytestmark = pytest.mark.browser
RIGHT_ENDS = "(images) => images.map((image) => image.getBoundingClientRect().right)"
FRAME = (
    "(table) => [getComputedStyle(table.parentElement).overflowX, table.parentElement.clientWidth]"
)


def test_strips_and_table_are_within_a_narrow_window(visit):
    page = visit("collapsed=digits-2d-beta-4", "collapse")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("[data-testid=stMain] img[alt$=before]").wait_for()
    settle(page)
    wait_for_layout(page)
    page.wait_for_function("() => document.querySelector('img[alt$=before]').complete")
    ends = page.locator("[data-testid=stMain] img").evaluate_all(RIGHT_ENDS)
    assert len(ends) >= 4 and max(ends) <= 390
    overflow, width = page.locator("[data-testid=stTable] table").evaluate(FRAME)
    assert overflow == "auto" and width <= 390
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
