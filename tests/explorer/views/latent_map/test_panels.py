"""The panels below the map: sliders, samples of the prior, and the decoded grid."""

import numpy as np
import pytest

from explorer.widgets import pictures
from models.latents.samples import draw_codes, grid_codes
from models.runs.folder import Run
from models.storage.checkpoint import read
from tests.helpers.checkpoints import make_run
from tests.helpers.map_page import DIGITS, choose, decode, picture_of, press, texts, visit


def test_sliders_decode_what_the_model_decodes(shown):
    at = visit()
    assert (shown["Decoded mean"][-1] == picture_of(decode(DIGITS, [0, 0]))).all()
    choose(at, "z-0-3", 1.5)
    choose(at, "z-1-3", -0.75)
    assert (shown["Decoded mean"][-1] == picture_of(decode(DIGITS, [1.5, -0.75]))).all()
    assert at.query_params == {"z": "1.5,-0.75"}
    press(at, "Back to the origin")
    assert [slider.value for slider in at.slider] == [0, 0]
    assert at.query_params == {}


def test_sliders_start_from_the_selected_image(shown):
    at = visit()
    button = next(b for b in at.button if b.label == "From the selected image")
    assert button.disabled
    choose(at, "point", 58)
    press(at, "From the selected image")
    z = DIGITS.codes.mean[58]
    assert [slider.value for slider in at.slider] == pytest.approx(z.tolist())
    assert (shown["Decoded mean"][-1] == picture_of(decode(DIGITS, z))).all()


def test_draw_again_draws_others_and_the_link_the_same(shown):
    at = visit(panel="prior")
    first = shown[None][-1]
    expected = pictures.sheet(decode(DIGITS, draw_codes(DIGITS.codes, 40, 0)), 20, 56, 4)
    assert (first == expected).all()
    press(at, "Draw again")
    assert (shown[None][-1] != first).any()
    assert at.query_params == {"panel": "prior", "draw": "1"}
    second = shown[None][-1]
    visit(panel="prior", draw="1")
    assert (shown[None][-1] == second).all()


def test_the_grid_has_the_asked_size_and_holds_the_other_latents(no_runs, shown):
    at = visit(panel="grid", side="3")
    z = grid_codes(DIGITS.codes, 0, 1, 3, np.zeros(2))
    assert (shown[None][-1] == pictures.sheet(decode(DIGITS, z), 3, 186)).all()
    assert "z₁ across, −0.97 to 0.97; z₂ up, −0.97 to 0.97 (prior standard deviations). " in (
        " ".join(texts(at))
    )
    model = make_run(no_runs, latent_dim=3)
    stored = read(Run(no_runs / model).model_path)
    at = visit(model=model, panel="grid", side="3", point="9", x="3", y="1")
    z = grid_codes(stored.codes, 2, 0, 3, stored.codes.mean[9])
    assert (shown[None][-1] == pictures.sheet(decode(stored, z), 3, 186)).all()
    assert any("The other latents are those of image 9." in line for line in texts(at))
    choose(at, "point", None)
    assert any("The other latents are 0." in line for line in texts(at))
