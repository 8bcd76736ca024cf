"""Lessons in a real browser: they fit, run again, stop, embed, and lead on with everything set."""

import re

import pytest

from models.lessons.table import LESSONS
from tests.helpers.browser_page import assert_fits, in_link, settle

pytestmark = pytest.mark.browser
CHART = ".js-plotly-plot .main-svg"
SCREENS = {
    "": "text=Questions people ask",
    "lesson=surprise": "text=What do you predict?",
    "lesson=collapse&predicted=collapse~0": CHART,  # numbers below
    "lesson=asymmetry&predicted=asymmetry~1": CHART,  # names, and a part to touch
    "lesson=three-steps&predicted=three-steps~1": CHART,  # measured at once
    "lesson=doctor": CHART,
    "lesson=check": "[data-testid=stRadio]",
}


@pytest.mark.parametrize(
    "link",
    [
        "lesson=collapse&predicted=collapse~0",
        *(pytest.param(link, marks=pytest.mark.slow) for link in SCREENS if "collapse" not in link),
    ],
)
def test_the_screen_fits(visit, link):
    page = visit(link, screen="lessons")
    page.locator(SCREENS[link]).first.wait_for()
    settle(page)
    assert_fits(page, "lessons-" + re.sub(r"\W+", "-", link))


def test_a_lesson_is_predicted_run_again_and_left_by_its_link(visit):
    page = visit(screen="lessons")
    page.get_by_role("button", name=LESSONS["density"].question).click()
    page.get_by_text(LESSONS["density"].choices[1]).click()
    page.get_by_role("heading", name="Verdict").wait_for()
    in_link(page, "predicted=density~1")
    shown = page.get_by_text("95 % intervals over 100 images.)")
    shown.wait_for()
    page.get_by_role("button", name="Run again with other seeds").click()
    page.get_by_text("95 % intervals over 60 images.)").wait_for()
    in_link(page, "first-seed=5")
    page.get_by_role("button", name="Show what shipped").click()
    shown.wait_for()
    page.get_by_role("link", name="Draw something that is no digit").click()
    page.locator(".pad canvas").wait_for()
    in_link(page, "panel=draw")
    assert "predicted" not in page.url, "the link leads out of the lesson"


def test_one_that_runs_shows_how_far_it_is_and_can_be_cancelled(visit):
    page = visit("lesson=blur&predicted=blur~-", screen="lessons")
    page.get_by_role("button", name="Run again with other seeds").click()
    page.get_by_text(re.compile(r"Seeds 5, 6, 7: \d+%")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Run again with other seeds").wait_for()
    page.get_by_text("Seeds 5, 6, 7").wait_for(state="detached")
    assert page.get_by_role("button", name="Cancel").count() == 0


def test_the_doctor_reads_code_and_tells_its_beta(visit):
    page = visit("lesson=doctor", screen="lessons")
    page.get_by_text("D + βR with β = 32").wait_for()
    page.get_by_text("Paste the code of a loss").click()
    box = page.get_by_role("textbox", name=re.compile("Lines of PyTorch"))
    box.fill("loss = F.binary_cross_entropy(y, x)\nloss = loss + 0.5 * kl")
    box.press("Control+Enter")
    page.get_by_role("button", name="Read it").click()
    page.get_by_text("D + βR with β = 32").wait_for()
    page.get_by_text("for binary cross-entropy").wait_for()
    in_link(page, "loss=bce&kl-weight=0.5")
    assert page.get_by_text("D + βR with β = 32").count() == 1


def test_a_lesson_can_be_embedded_and_its_answers_hidden(visit):
    link = "lesson=density&predicted=density~0&hide=answers,controls&embed=true"
    page = visit(link, screen="lessons")
    page.locator(CHART).first.wait_for()
    page.get_by_text("The verdict is hidden in this link").wait_for()
    settle(page)
    assert "embed=true" in page.url, "settings are written beside it"
    assert page.get_by_role("link", name="Latent map").count() == 0, "no menu in a frame"
    assert page.get_by_role("button", name="Run again with other seeds").count() == 0
    assert not page.get_by_role("button", name="All lessons").is_visible()


def test_a_link_of_before_opens_what_can_be_touched(visit):
    page = visit("experiment=kl&mean=1.15", screen="experiments")
    slider = page.get_by_role("slider", name="μ of q")
    slider.press("ArrowRight")
    page.get_by_text("KL(q ‖ p) = 1.038 nats").wait_for()  # μ = 1.2, σ = 0.5
    in_link(page, r"\bmean=1\.2\b")
    plot = page.locator(".js-plotly-plot").last
    plot.hover()
    with page.expect_download() as download:
        plot.locator(".modebar-btn").first.click()
    assert download.value.suggested_filename == "divergences.png"
