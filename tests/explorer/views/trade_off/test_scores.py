"""Scores against β: shown for sweeps of images with known factors, with a verdict."""

import pytest

from models.places import default_runs_dir
from tests.helpers.app_test import choose, open_view, said, settle
from tests.helpers.factor_runs import known_codes, make_factor_run

pytestmark = pytest.mark.usefixtures("no_runs")


def sweep(noise_by_beta, seeds=(0, 1, 2)):
    """Runs whose codes are the factors with noise; the id of one."""
    for beta, noise in noise_by_beta.items():
        for seed in seeds:
            codes = known_codes(noise=noise, seed=seed)
            last = make_factor_run(default_runs_dir(), codes, beta=beta, seed=seed)
    return last


def opened(name):
    at = open_view("trade_off", model=name)
    at.session_state["disentanglement"] = True
    return settle(at)


def test_a_clear_effect_is_said_with_its_interval():
    at = opened(sweep({0.5: 1.5, 1.0: 1.0, 4.0: 0.1}))
    text = said(at)
    assert "Another β helps: MIG is higher: from β = 1 to β = 4" in text
    assert "3 β with 3 seeds each" in text and "Do the scores agree?" in text
    choose(at, "score", "infoe")
    assert "InfoE is higher" in said(at)


def test_where_nothing_is_told_apart_that_is_said():
    text = said(opened(sweep({1.0: 0.5, 4.0: 0.5})))
    assert "Nothing shows that another β changes MIG" in text


def test_one_beta_asks_for_a_sweep():
    at = opened(sweep({1.0: 0.5}, seeds=(0,)))
    assert "train a sweep" in said(at) and "sweep --preset sprites-10d" in at.code[0].value


def test_models_without_factors_have_no_such_section():
    at = open_view("trade_off", model="digits-2d-beta-1")
    if "Sprites" not in at.selectbox("control-group").value:
        assert "Disentanglement against β" not in [box.label for box in at.expander]


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_few_seeds_are_no_error(seeds):
    assert "MIG" in said(opened(sweep({1.0: 0.5, 4.0: 0.2}, seeds)))
