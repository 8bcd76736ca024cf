"""Access: axe finds no fault on any page, light and dark; the keyboard reaches everything."""

import contextlib

import pytest

from tests.helpers.browser_page import is_dark, settle, wait_for_map
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

pytestmark = pytest.mark.browser
AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = {
    "": ".latent-map .stage",
    "train": "text=Start from",
    "trade-off": ".rates .plane .main-svg",
    "collapse": "text=Does the decoder listen",
    "lessons": "text=Questions people ask",
    "lessons?lesson=density&predicted=density~1": ".js-plotly-plot .main-svg",
    "lessons?lesson=doctor": ".js-plotly-plot .main-svg",
    "lessons?lesson=check": "[data-testid=stRadio]",
}
OURS = """async () => {
    const found = await axe.run({exclude: [["[data-testid=stToolbar]"]]}, {
        resultTypes: ["violations"],
    });
    return found.violations.flatMap(({id, nodes}) => nodes.map((node) =>
        `${id}: ${node.target.join(" ")} ${node.html.slice(0, 90)} ${node.any[0]?.message ?? ""}`));
}"""


@pytest.fixture
def axe(visit):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/js")
    return AXE.read_text()


@pytest.mark.parametrize("screen", PAGES)
def test_axe_finds_no_fault(visit, axe, screen):
    path, _, query = screen.partition("?")
    page = visit(query, path)
    page.locator(PAGES[screen]).first.wait_for()
    settle(page)
    if screen == "":
        wait_for_map(page, 500)
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        wait(lambda dark=scheme == "dark": is_dark(page) == dark)
        with contextlib.suppress(AssertionError):  # what is being drawn is faint for a moment
            wait(lambda: page.evaluate(OURS) == [])
        assert page.evaluate(OURS) == []
