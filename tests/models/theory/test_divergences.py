"""The KL divergence both ways: closed forms, torch's own and samples agree."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from models.theory.divergences import kl_both_ways, sampled_kl
from tests.helpers.sentences import assert_sentence

means = st.floats(-4, 4)
deviations = st.floats(0.1, 4)


def double(*values):
    return [torch.tensor(value, dtype=torch.float64) for value in values]


# --- KL, both ways -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "deviation", "forward", "reverse"),
    [
        (0.0, 1.0, 0.0, 0.0),
        (1.0, 1.0, 0.5, 0.5),
        (0.0, 2.0, 0.806853, 0.318147),
        (2.0, 0.5, 2.318147, 8.806853),
    ],
)
def test_known_divergences(mean, deviation, forward, reverse):
    found = kl_both_ways(*double(mean, deviation))
    assert [value.item() for value in found] == pytest.approx([forward, reverse], abs=1e-6)


@given(means, deviations)
def test_both_divergences_are_those_of_torch(mean, deviation):
    q, p = Normal(*double(mean, deviation)), Normal(*double(0.0, 1.0))
    expected = [kl_divergence(q, p).item(), kl_divergence(p, q).item()]
    found = kl_both_ways(*double(mean, deviation))
    assert [value.item() for value in found] == pytest.approx(expected, abs=1e-12)
    assert min(found) >= 0


def test_divergences_stay_exact_near_the_prior_in_single_precision():
    """ln σ² = 2δ gives δ² both ways; the naive forms lose it among ones."""
    deviation = torch.exp(torch.tensor(1e-3))
    for value in kl_both_ways(torch.tensor(0.0), deviation):
        assert value.item() == pytest.approx(1e-6, rel=2e-2)


@pytest.mark.parametrize(("mean", "deviation"), [(1.0, 0.5), (0.0, 2.0), (-2.0, 1.0), (0.5, 0.8)])
def test_sampled_divergences_agree_within_their_errors(mean, deviation):
    count = 40_000
    exact = kl_both_ways(*double(mean, deviation))
    for truth, found in zip(exact, sampled_kl(mean, deviation, count), strict=True):
        assert abs(found.mean - truth.item()) < 4 * found.standard_error
    forward, reverse = sampled_kl(mean, deviation, count)
    variance = mean**2 * deviation**2 + 0.5 * (deviation**2 - 1) ** 2
    assert forward.standard_error == pytest.approx(math.sqrt(variance / count), rel=0.03)
    mirrored, shifted = deviation**-2, mean / deviation**2
    variance = shifted**2 + 0.5 * (mirrored - 1) ** 2
    assert reverse.standard_error == pytest.approx(math.sqrt(variance / count), rel=0.03)


def test_a_seed_repeats_and_another_differs():
    assert sampled_kl(1.0, 0.5, 10, seed=3) == sampled_kl(1.0, 0.5, 10, seed=3)
    assert sampled_kl(1.0, 0.5, 10, seed=3) != sampled_kl(1.0, 0.5, 10, seed=4)


def test_one_sample_has_no_error():
    with pytest.raises(ValueError, match=r"^samples must be at least 2, got 1$") as caught:
        sampled_kl(0.0, 1.0, 1)
    assert_sentence(str(caught.value))
