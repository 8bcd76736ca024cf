"""More samples of z: the bound rises to ln p(x), the ELBO only becomes steadier."""

import math

import pytest
import torch
from hypothesis import strategies as st

from models.metrics.likelihood import importance_weighted_bound
from models.theory.bounds import bound_ladder
from tests.helpers.sentences import assert_sentence

means = st.floats(-4, 4)


# --- one sample against many ---------------------------------------------------------------------


def weights(model, x, count):
    """ln w of one image under a model of the conftest."""
    images = torch.full((count, 1, 1, 1), x)
    return importance_weighted_bound(model, images, samples=1)


def test_an_exact_posterior_needs_one_sample(exact_posterior):
    for rung in bound_ladder(weights(exact_posterior, 1.0, 400), [1, 2, 50]):
        assert rung.elbo.mean == pytest.approx(-1.515512, abs=1e-5)
        assert rung.bound.mean == pytest.approx(-1.515512, abs=1e-5)
        assert max(rung.elbo_deviation, rung.bound_deviation) < 1e-5


def test_the_ladder_of_a_known_gap(prior_posterior):
    """x = 2, q = N(0, 1): the ELBO for every k, and the bounds of k = 2 and 50."""
    one, two, fifty = bound_ladder(weights(prior_posterior, 2.0, 100_000), [1, 2, 50])
    for rung in (one, two, fifty):
        assert abs(rung.elbo.mean + 3.418939) < 4 * rung.elbo.standard_error
    assert one.bound.mean == pytest.approx(one.elbo.mean)
    assert abs(two.bound.mean + 2.757902) < 4 * two.bound.standard_error
    assert abs(fifty.bound.mean + 2.2775) < 4 * fifty.bound.standard_error
    assert fifty.bound.mean < -2.265512 + 4 * fifty.bound.standard_error
    spread = math.sqrt(4 + 0.5)  # of ln w = const + 2z - z²/2
    assert one.elbo_deviation == pytest.approx(spread, rel=0.02)
    assert fifty.elbo_deviation == pytest.approx(spread / math.sqrt(50), rel=0.05)


def test_bounds_of_the_same_weights_rise():
    """Jensen: of nested groups, the larger never has the lower mean of log-means."""
    noise = torch.randn(2**12, generator=torch.Generator().manual_seed(0))
    rungs = bound_ladder(noise, [2**j for j in range(12)])
    bounds = [rung.bound.mean for rung in rungs]
    assert bounds == sorted(bounds)
    assert all(rung.bound.mean >= rung.elbo.mean - 1e-12 for rung in rungs)
    assert [rung.elbo.mean for rung in rungs] == pytest.approx([rungs[0].elbo.mean] * 12)


@pytest.mark.parametrize("counts", [[0], [6], [1, 6]])
def test_a_ladder_needs_two_repeats(counts):
    with pytest.raises(ValueError, match=r"^counts must be 1 to half of the 10 weights") as caught:
        bound_ladder(torch.zeros(10), counts)
    assert_sentence(str(caught.value))
