"""Means and their errors: known answers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.metrics.statistics import estimate, share_interval, t_interval


def test_estimate_against_numpy():
    values = torch.rand(37, generator=torch.Generator().manual_seed(0))
    mean, error = estimate(values)
    assert mean == pytest.approx(np.mean(values.double().numpy()), rel=1e-12)
    expected = np.std(values.double().numpy(), ddof=1) / math.sqrt(37)
    assert error == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.floats(0.5, 0.99))
def test_interval_is_that_of_student(values, level):
    mean, half = t_interval(values, level)
    scale = np.std(values, ddof=1) / math.sqrt(len(values))
    assert mean == pytest.approx(np.mean(values))
    quantile = stats.t.ppf((1 + level) / 2, len(values) - 1)
    assert half == pytest.approx(quantile * scale, abs=1e-9)


def test_one_value_has_no_interval():
    assert t_interval([3.0]) == (3.0, math.inf)


def test_interval_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(5, 2, (4000, 3))
    covered = [abs(mean - 5) <= half for mean, half in map(t_interval, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("count", "total"), [(0, 4), (4, 4), (10, 13), (1, 1), (15, 30)])
def test_interval_of_a_share_is_the_exact_one(count, total):
    expected = stats.binomtest(count, total).proportion_ci(0.95, "exact")
    assert share_interval(count, total) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize(("count", "total"), [(-1, 3), (4, 3), (0, 0)])
def test_a_share_of_nothing_is_refused(count, total):
    with pytest.raises(ValueError, match="share"):
        share_interval(count, total)
