"""The page of families in a real browser: it fits, and its link holds what was chosen."""

import re

import pytest

from tests.helpers.browser_page import assert_fits, in_link, settle

pytestmark = pytest.mark.browser
SCREENS = {
    "families=compare": "[data-testid=stTable]",
    "families=see&see=vae": "text=An image becomes a few numbers",
    "families=modes&drawn-model=digits-2d-beta-4": "text=it draws only some kinds of images",
}


@pytest.mark.parametrize(
    "link",
    [
        "families=compare",
        *(pytest.param(link, marks=pytest.mark.slow) for link in SCREENS if "compare" not in link),
    ],
)
def test_the_screen_fits(visit, link):
    page = visit(link, screen="families")
    page.locator(SCREENS[link]).first.wait_for()
    settle(page)
    assert_fits(page, "families-" + re.sub(r"\W+", "-", link))


def test_what_one_needs_sorts_the_table_and_stays_in_the_link(visit):
    page = visit(screen="families")
    page.get_by_role("radio", name="Compare").click()
    page.get_by_role("columnheader", name="Fréchet distance").wait_for()
    in_link(page, "families=compare")
    page.get_by_role("radio", name="Speed").click()
    page.get_by_role("columnheader", name="1000 images, s").wait_for()
    in_link(page, "need=fast")
    page.get_by_role("radio", name="Mode collapse").click()
    page.get_by_text("In brackets: real training images").wait_for()
    in_link(page, "families=modes")
    settle(page)
    page.go_back()
    page.get_by_role("columnheader", name="1000 images, s").wait_for()
    assert "need=fast" in page.url
