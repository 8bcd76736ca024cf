"""Means and their errors: known answers."""

import math

import numpy as np
import pytest
import torch

from models.metrics.statistics import estimate

# Summaries


def test_estimate_against_numpy():
    values = torch.rand(37, generator=torch.Generator().manual_seed(0))
    mean, error = estimate(values)
    assert mean == pytest.approx(np.mean(values.double().numpy()), rel=1e-12)
    expected = np.std(values.double().numpy(), ddof=1) / math.sqrt(37)
    assert error == pytest.approx(expected, rel=1e-12)
