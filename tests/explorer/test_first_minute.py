"""The first minute in a browser: the map is alive and in sight, terms explain themselves, the tour
goes on with what is done, β's slider moves the map."""

import re

import pytest

from tests.helpers.browser_page import (
    MAP,
    assert_beta_moves_codes,
    assert_nothing_sticks_out,
    in_link,
    resize,
    wait_for_map,
)
from tests.helpers.processes import wait

pytestmark = pytest.mark.browser
GHOST = f"() => {MAP}.ghost.at"


@pytest.fixture
def first(visit):
    """The first screen of somebody who has just come."""
    page = visit("model=mnist-2d-beta-1", motion="no-preference")
    wait_for_map(page, 10_000)
    return page


def stage(page):
    return page.locator(".stage").bounding_box()


def test_the_first_screen_is_mnist_with_a_walk_and_the_whole_map_in_sight(first):
    resize(first, 1280, 720)
    assert "?" not in first.url or first.url.endswith("?")
    assert first.title() == "Latent map · Latent space explorer"
    first.wait_for_function(f"() => {MAP}.background && {MAP}.path.length > 10")
    assert first.evaluate(f"() => {MAP}.pins.all.map((pin) => pin.point)") == [143, 327]
    first.get_by_role("heading", name="Image 327 · 0").wait_for()
    captions = first.locator(".image-report figcaption").all_inner_texts()
    assert captions[:2] == ["Original", "Decoded mean"] and len(captions) >= 8
    box = stage(first)
    assert box["y"] + box["height"] <= 720
    resize(first, 390, 844)
    wait(lambda: stage(first)["y"] + stage(first)["height"] <= 844)
    assert_nothing_sticks_out(first)
    resize(first, 1920, 1080)
    assert_nothing_sticks_out(first)


def test_an_image_that_does_not_ship_says_where_it_is(first):
    if first.evaluate(f"() => {MAP}.originals.count") > 500:
        pytest.skip("MNIST is on this machine")
    first.get_by_label("Number of the test image").fill("9000")
    first.keyboard.press("Enter")
    first.get_by_role("button", name="Download MNIST to see the original.").wait_for()
    first.get_by_text("among the first 500 images").wait_for()
    captions = first.locator(".image-report figcaption").all_inner_texts()
    assert "Original" not in captions and captions[0] == "Decoded mean"


def test_a_ghost_walks_until_somebody_comes_and_stands_still_where_asked(first):
    before = first.evaluate(GHOST)
    first.wait_for_function(f"(before) => {MAP}.ghost.at?.[0] !== before?.[0]", arg=before)
    box = stage(first)
    first.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    first.wait_for_function(f"() => !{MAP}.ghost.at")
    first.mouse.move(2, 2)
    first.evaluate(f"() => {MAP}.ghost.walk()")
    assert first.evaluate(GHOST) is None, "it does not come back"


def test_the_ghost_stands_still_with_reduced_motion(profile, server):
    page = profile.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto(server[0])
    wait_for_map(page, 10_000)
    page.wait_for_function(f"() => {MAP}.ghost.at")
    frames = f"() => {MAP}.ghost.frame"
    at, frame = page.evaluate(GHOST), page.evaluate(frames)
    page.evaluate("() => new Promise((next) => requestAnimationFrame(() => setTimeout(next, 100)))")
    assert page.evaluate(GHOST) == at and page.evaluate(frames) == frame
    page.close()


def test_a_term_explains_itself_and_leads_to_its_lesson(first):
    first.locator(".score-line").get_by_role("button", name="R: why?").click()
    card = first.get_by_role("dialog")
    card.get_by_text("how far the posterior q(z|x) lies from the prior").wait_for()
    link = card.get_by_role("link", name="Lesson on this")
    assert link.get_attribute("href").endswith("lessons?lesson=zero-one")
    first.keyboard.press("Escape")
    card.wait_for(state="detached")
    first.locator(".image-report .scores").get_by_role("button", name="D: why?").click()
    first.get_by_role("dialog").get_by_text("How badly the image is rebuilt").wait_for()


def test_the_tour_goes_on_with_what_is_done(first):
    first.get_by_role("button", name="Take the tour").click()
    card = first.locator("#tour-card")
    card.get_by_text("1 of 7").wait_for()
    box = stage(first)
    first.mouse.move(box["x"] + 200, box["y"] + 150)
    card.get_by_text("2 of 7").wait_for()
    first.mouse.click(box["x"] + 220, box["y"] + 160)
    card.get_by_text("3 of 7").wait_for()
    for number in (4, 5, 6, 7):
        card.get_by_role("button", name="Next").click()
        card.get_by_text(f"{number} of 7").wait_for()
    card.get_by_role("button", name="Done").click()
    card.wait_for(state="detached")
    first.get_by_role("button", name="Take the tour").click()
    first.keyboard.press("Escape")
    card.wait_for(state="detached")
    assert first.locator("#tour-ring").count() == 0


def test_beta_moves_codes_posteriors_and_decoder_of_the_map(visit):
    page = visit("model=digits-2d-multirate")
    wait_for_map(page, 500)
    page.wait_for_function(f"() => {MAP}.everyBeta.curve")
    wide = page.evaluate(spread := f"() => {MAP}.model.spread[0]")
    assert page.evaluate(f"() => {MAP}.toolbar.posterior") == "all"
    assert_beta_moves_codes(page)
    in_link(page, "beta=100")
    page.reload()
    wait_for_map(page, 500)
    wait(lambda: page.evaluate(spread) < 0.01 * wide)


def test_an_autoencoder_shows_its_holes_and_fails_as_a_generator(visit):
    page = visit("model=digits-autoencoder")
    wait_for_map(page, 500)
    page.wait_for_function(f"() => {MAP}.background && {MAP}.toolbar.background === 'holes'")
    assert page.evaluate(
        f"() => {MAP}.model.isHole([50, 50]) && !{MAP}.model.isHole({MAP}.model.codeOf(3))"
    )
    page.get_by_role("tab", name="Prior samples").click()
    fitted = page.get_by_text(re.compile("Gaussian fitted .* they land among"))
    reached = int(re.search(r"among (\d+) of the 10", fitted.inner_text())[1])
    page.get_by_label("As if p(z) = N(0, I)").check()
    prior = page.get_by_text(re.compile("z is drawn from .* as if"))
    assert int(re.search(r"among (\d+) of the 10", prior.inner_text())[1]) < reached
    in_link(page, "standard")
    again = visit(page.url.partition("?")[2])
    again.get_by_label("As if p(z) = N(0, I)").wait_for()
    assert again.get_by_label("As if p(z) = N(0, I)").is_checked()
