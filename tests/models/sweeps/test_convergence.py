"""Bounds of the slope: optimal models satisfy them, and a model that is not optimal is named."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.data.builtin import load_digits
from models.metrics.likelihood import elbo
from models.runs.folder import Run
from models.runs.train import execute
from models.runs.train_together import train_together
from models.storage.checkpoint import read, write
from models.storage.checkpoint import restore as model_of
from models.sweeps.convergence import MATERIAL_NATS, slope_bounds, training_terms
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from models.sweeps.table import to_text
from models.theory.linear_vae import linear_curve
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import created

EIGENVALUES = np.array([4.0, 2.0, 1.0, 0.5, 0.25])


LADDER = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def optimum(betas=LADDER):
    """D and R of the best linear VAEs, σ² = ½: R = Σ½ ln(λ/s), SSE = Σ min(λ, s), s = βσ²."""
    rate, distortion = linear_curve(EIGENVALUES, 5, 0.5**0.5, betas)
    return distortion, rate


def test_optimal_models_satisfy_the_sandwich():
    distortion, rate = optimum()
    np.testing.assert_allclose(rate[:4], [3.4657, 2.0794, 1.0397, 0.3466], atol=1e-4)
    found = slope_bounds(LADDER, distortion, rate)
    assert found.holds.all() and not found.beaten.any()
    assert (found.gap >= -1e-12).all()
    assert ((np.array(LADDER[:4]) <= found.slope[:4]) & (found.slope[:4] <= LADDER[1:5])).all()
    assert np.isnan(found.slope[4])  # both have collapsed


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=12, unique=True))
def test_optimal_models_satisfy_the_sandwich_at_any_betas(betas):
    betas = sorted(betas)
    found = slope_bounds(betas, *optimum(betas))
    assert found.holds.all() and not found.beaten.any()


@pytest.mark.parametrize("worst", range(5))
@pytest.mark.parametrize(("more_distortion", "more_rate"), [(1.5, 0.0), (0.0, 1.5), (1.0, 1.0)])
def test_a_model_that_is_not_optimal_is_named(worst, more_distortion, more_rate):
    """It is worse at its own β by more than the 0.77 nats that its neighbours are at most."""
    distortion, rate = optimum()
    distortion[worst] += more_distortion
    rate[worst] += more_rate
    found = slope_bounds(LADDER, distortion, rate)
    assert np.flatnonzero(found.beaten).tolist() == [worst]
    assert not found.holds[max(0, worst - 1) : worst + 1].all()


def test_slope_is_outside_the_sandwich_exactly_where_it_does_not_hold():
    random_numbers = np.random.default_rng(0)
    distortion, rate = optimum(LADDER[:5])
    broken = 0
    for _ in range(200):
        d = distortion + random_numbers.normal(0, 0.4, 5)
        r = rate + random_numbers.normal(0, 0.1, 5)
        found = slope_bounds(LADDER[:5], d, r)
        clear = (np.abs(found.gap) > MATERIAL_NATS).all(1)
        inside = (LADDER[:4] <= found.slope) & (found.slope <= LADDER[1:5])
        expected = inside & (np.diff(r) < 0)
        assert (found.holds == expected)[clear].all()
        broken += (~expected).sum()
    assert 100 < broken < 700


def test_collapsed_models_are_alike_to_the_eye():
    """One is worse by a thousandth of a nat on every image, which is exact but nothing to say."""
    distortion = np.stack([np.full(100, 27.001), np.full(100, 27.0)])
    assert slope_bounds([30.0, 100.0], distortion, np.zeros((2, 100))).holds.all()
    distortion[0] += 0.1
    assert slope_bounds([30.0, 100.0], distortion, np.zeros((2, 100))).beaten.tolist() == [1, 0]


def test_sampling_error_is_allowed_for_and_is_paired():
    """Images differ by nats, models on the same image by little: only pairs can tell."""
    random_numbers = np.random.default_rng(1)
    distortion, rate = optimum(LADDER[:3])
    image = random_numbers.normal(0, 30, 4000)  # how hard an image is, for any model
    noise = random_numbers.normal(0, 1, (3, 4000))
    found = slope_bounds(LADDER[:3], distortion[:, None] + image + noise, rate[:, None] + 0 * noise)
    assert found.holds.all()
    np.testing.assert_allclose(found.error, math.sqrt(2 / 4000), rtol=0.1)
    distortion[1] += 1.0  # three of these errors are 0.07 nats
    found = slope_bounds(LADDER[:3], distortion[:, None] + image + noise, rate[:, None] + 0 * noise)
    assert found.beaten.tolist() == [False, True, False]


def test_false_alarms_are_rare_where_models_are_equally_good():
    random_numbers = np.random.default_rng(2)
    alarms = 0
    for _ in range(500):  # two collapsed models: every gap is zero
        noise = random_numbers.normal(0, 1, (2, 200))
        alarms += not slope_bounds([1.0, 2.0], 27 + noise, 0 * noise).holds.all()
    assert alarms <= 5  # a side is crossed by chance in 0.13 % of cases


@pytest.mark.parametrize(
    ("betas", "distortion", "rate", "phrase"),
    [
        ([1.0], [1.0], [1.0], "betas must be two or more that rise"),
        ([2.0, 1.0], [1.0, 1.0], [1.0, 1.0], "betas must be two or more that rise"),
        ([1.0, 1.0], [1.0, 1.0], [1.0, 1.0], "betas must be two or more that rise"),
        ([1.0, math.nan], [1.0, 1.0], [1.0, 1.0], "betas must be two or more that rise"),
        ([1.0, 2.0], [1.0, 1.0, 1.0], [1.0, 1.0], "must be (2,) or (2, N), got (3,) and (2,)"),
        ([1.0, 2.0], np.ones((3, 4)), np.ones((3, 4)), "must be (2,) or (2, N)"),
    ],
)
def test_sandwich_refuses_in_one_sentence(betas, distortion, rate, phrase):
    with pytest.raises(ValueError) as caught:
        slope_bounds(betas, distortion, rate)
    assert phrase in assert_sentence(str(caught.value))


def test_training_terms_are_those_of_every_training_image(separate):
    runs = [separate[0.3], separate[1.0]]
    distortion, rate = training_terms(runs)
    assert distortion.shape == rate.shape == (2, 1297)
    images = torch.tensor(load_digits("train").images)
    for k, run in enumerate(runs):
        terms = elbo(model_of(read(run.model_path)), images, seed=0)
        np.testing.assert_allclose(distortion[k], terms.distortion, rtol=1e-6)
        np.testing.assert_allclose(rate[k], terms.rate.sum(1), rtol=1e-6)


def test_binarised_training_is_checked_on_binarised_images(tmp_path):
    config = tiny(training={"binarize": True, "epochs": 1})
    (run,) = created(tmp_path, [1.0], config)
    for _ in execute(run):
        pass
    distortion, _ = training_terms([run])
    x = torch.bernoulli(
        torch.tensor(load_digits("train").images), generator=torch.Generator().manual_seed(0)
    )
    expected = elbo(model_of(read(run.model_path)), x, seed=0).distortion
    np.testing.assert_allclose(distortion[0], expected, rtol=1e-6)


def test_check_names_the_runs_that_have_not_converged(digits, tmp_path):
    """β = 1 for four epochs, its neighbours for forty: it is the one to blame."""
    long = replace(tiny(training={"epochs": 40, "learning_rate": 1e-2}), data=digits)
    found = Sweep.open(tmp_path, grid(long, [0.1, 1.0, 10.0]))
    runs = [member.run for member in found.members]
    assert found.check() == []  # nothing to compare yet
    for _ in train_together(runs):
        pass
    assert [(pair["low"], pair["high"]) for pair in found.check()] == [(0.1, 1.0), (1.0, 10.0)]
    weak = found.members[1]
    short = Run.create(tmp_path, replace(weak.config, training=replace(long.training, epochs=1)))
    for _ in execute(short):
        pass
    checkpoint = read(short.model_path)
    write(runs[1].model_path, read(runs[1].model_path).card, checkpoint.weights, checkpoint.codes)
    pairs = found.check()
    assert [pair["not_converged"] for pair in pairs] == [[runs[1].id], [runs[1].id]]
    assert not any(pair["holds"] for pair in pairs)
    text = to_text(found.rows(), pairs)
    assert f"not converged: {runs[1].id}: -ΔD/ΔR must lie between 0.1 and 1" in text


def test_other_objectives_are_not_checked(tmp_path):
    for objective in ({"free_bits": 0.5}, {"capacity": 3.0}):
        config = tiny(objective=objective, training={"epochs": 1})
        found = Sweep.open(tmp_path, grid(config, [0.1, 1.0]))
        for member in found.members:
            for _ in execute(member.run):
                pass
        assert all(member.is_done() for member in found.members) and found.check() == []
