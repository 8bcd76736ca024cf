"""The ellipses of all posteriors in a real Chromium: moved along with the map, then drawn again."""

import numpy as np
import pytest

from tests.helpers.browser_page import MAP, canvas_pixels, wait_for_map

DX, DY = 37, 21

pytestmark = pytest.mark.browser


def marks(page):
    """Red, green and blue (H, W, 3) of the layer above the points."""
    return canvas_pixels(page.locator(".marks")).astype(int)


def resting(page):
    """The same, once the ellipses are drawn for what the map shows."""
    page.wait_for_function(
        f"""() => {{
            const {{posteriors: {{begun, finished}}, view}} = {MAP};
            return !begun && finished && {MAP}.posteriors.isOf(finished, view);
        }}"""
    )
    return marks(page)


def pan(page, dx, dy):
    page.evaluate(f"([dx, dy]) => {MAP}.scatter.pan(dx, dy)", [dx, dy])


@pytest.fixture
def page(visit):
    page = visit("look=no-prior,no-names,posterior:all")
    wait_for_map(page, 500)
    return page


def test_ellipses_go_along_with_the_map_and_are_drawn_again(page):
    before = resting(page)
    left, top, width, height = page.evaluate(
        f"() => ['left', 'top', 'width', 'height'].map((side) => {MAP}.view[side])"
    )
    rows, columns = (
        slice(int(top) + 1, int(top + height - DY)),
        slice(int(left) + 1, int(left + width - DX)),
    )
    stays = before[rows, columns]
    assert (stays > 0).any(-1).mean() > 0.05, "there are ellipses"

    def panned(pixels):
        return pixels[rows.start + DY : rows.stop + DY, columns.start + DX : columns.stop + DX]

    page.evaluate(f"() => {{ const map = {MAP}; map.posteriors.begin = () => {{}}; }}")
    pan(page, DX, DY)
    assert np.abs(panned(marks(page)) - stays).mean() < 2, "at once, without being drawn"
    page.evaluate(f"() => {{ const map = {MAP}; delete map.posteriors.begin; map.drawMarks(); }}")
    assert np.abs(panned(resting(page)) - stays).mean() < 2, "drawn where they were moved to"
    pan(page, -DX, -DY)
    assert np.abs(resting(page) - before).mean() < 0.5, "and back"


def test_ellipses_are_those_of_the_points_that_are_shown(page):
    def count():
        return int((resting(page) > 0).any(-1).sum())

    everything = count()
    page.evaluate(f"() => {MAP}.scatter.hide([0, 1, 2, 3, 4, 5, 6, 7])")
    assert 0 < count() < everything / 2
    page.evaluate(f"() => {MAP}.scatter.hide([])")
    assert count() == everything
