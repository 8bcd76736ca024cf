"""The panel of VQ-VAEs: tokens edited, drawn and walked through in a real browser."""

import re

import numpy as np
import pytest
import torch

from explorer.assets import store
from models.data.load import load
from models.runs.folder import Run
from models.storage.checkpoint import read, restore, write
from tests.helpers.app_test import choose, open_view, said, told
from tests.helpers.browser_page import assert_equal_pictures, assert_fits, canvas_pixels, settle
from tests.helpers.paths import ROOT

SHIPPED = ROOT / "checkpoints" / "digits-vq.safetensors"
LINK = {"see": "vq", "seen-vq": "digits-vq"}
EDITOR = "document.querySelector('.token-editor').tokenEditor"


def decoded(tokens):
    """What torch makes of tokens, pixel by pixel (H, W, 3)."""
    with torch.inference_mode():
        (image,) = restore(read(SHIPPED)).decode_tokens(torch.tensor([tokens])).numpy()
    return np.repeat((image.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8), 3, 2)


def test_the_file_is_of_the_weights_of_the_model(no_runs):
    """One weight moved: another file, and nothing else on the page."""
    original = read(SHIPPED)
    run = Run.create(no_runs, original.card.config, "mine")
    write(run.model_path, original.card, original.weights, None)
    data = told(open_view("families", see="vq", **{"seen-vq": run.id}))
    first = store.fetch(data["model"])
    assert data == told(open_view("families", **LINK)), "equal weights, equal files"
    weights = {name: value.copy() for name, value in original.weights.items()}
    weights["decoder.layers.1.bias"][3] += 1
    write(run.model_path, original.card, weights, None)
    moved = told(open_view("families", see="vq", **{"seen-vq": run.id}))
    assert moved["colours"] == data["colours"] and len(set(data["colours"])) == 32
    assert store.fetch(moved["model"]) != first


def test_the_map_names_the_panel(no_runs):
    at = open_view("latent_map", model="digits-vq")
    assert "an image has no code z" in said(at)
    assert any("see=vq&amp;seen-vq=digits-vq" in html.proto.body for html in at.get("html"))


def test_from_a_vae_to_a_vq_vae_and_back(no_runs):
    at = open_view("families")
    assert not at.get("bidi_component")
    assert told(choose(at, "see", "vq"))["colours"]
    assert not choose(at, "see", "vae").get("bidi_component")


@pytest.mark.browser
@pytest.mark.slow
def test_tokens_are_edited_drawn_and_walked_through(visit):
    page = visit("see=vq", screen="families")
    page.locator(".token-editor .walk button").nth(8).wait_for()
    settle(page)
    picture = page.locator(".token-editor canvas.decoded")
    tokens = page.evaluate(f"() => {EDITOR}.grid")
    test = load("digits", "test")
    number = int(re.search(r"\d+", page.locator(".of-original").inner_text())[0])
    with torch.inference_mode():
        image = torch.tensor(test.images[number : number + 1])
        assert tokens == restore(read(SHIPPED)).tokenize(image)[0].tolist()
    assert_equal_pictures(canvas_pixels(picture), decoded(tokens))

    page.get_by_role("button", name=re.compile("^Row 2, column 2: code")).click()
    page.get_by_role("button", name="Code 5", exact=True).click()
    edited = [*tokens[:5], 5, *tokens[6:]]
    assert_equal_pictures(canvas_pixels(picture), decoded(edited))
    assert "1 changed by hand" in page.locator(".of-tiles").inner_text()
    numbers = page.locator(".numbers").inner_text()
    assert (
        re.search(r"Now: D [\d.]+ \+ R [\d.]+ = [\d.]+ nats", numbers) and "As encoded" in numbers
    )
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Row 2, column 2: code 5").hover()
    assert re.search(r"code 5, [\d.]+ % of the test", page.locator(".hover").inner_text())
    assert_fits(page, "families-vq")

    page.get_by_role("button", name="Pin this as B").click()
    last = page.locator(".walk button").last
    assert_equal_pictures(canvas_pixels(last.locator("canvas")), decoded(edited))
    page.locator(".walk button").nth(4).click()
    assert "step 4 of the walk" in page.locator(".of-original").inner_text()
    middle = page.evaluate(f"() => {EDITOR}.grid")
    assert_equal_pictures(canvas_pixels(picture), decoded(middle))

    page.get_by_role("button", name="Draw from the prior").click()
    page.get_by_text(re.compile("Drawing token 3 of 16")).wait_for()
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate(f"() => {EDITOR}.grid") == middle
    assert_equal_pictures(canvas_pixels(picture), decoded(middle))
    page.get_by_role("button", name="Draw from the prior").click()
    page.get_by_text("drawn from the prior").wait_for()
    drawn = page.evaluate(f"() => {EDITOR}.grid")
    assert drawn == page.evaluate(f"() => {EDITOR}.sample(0)") and drawn != middle
    assert_equal_pictures(canvas_pixels(picture), decoded(drawn))
