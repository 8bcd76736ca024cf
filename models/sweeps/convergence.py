"""Whether the runs of a sweep have converged: the bounds β_i ≤ −ΔD/ΔR ≤ β_{i+1} of the slope."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.runs.folder import Run
from models.storage.checkpoint import read
from models.sweeps.plan import SweepRun

STANDARD_ERRORS = 3.0
MATERIAL_NATS = 0.01
"""How far below zero a gap of the bounds must be before it counts: both that many standard
errors and that many nats per image, for two collapsed models differ by less than anyone can see."""


class SlopeBounds(NamedTuple):
    """What neighbours in β say of each other, M models in order of β.

    `slope` (M - 1,) is -ΔD/ΔR, NaN where R does not change. `gap` (M - 1, 2), in nats per image,
    is what the right model of a pair loses against the left one at the left one's β, and what
    the left one loses at the right one's; `error` its standard errors. `beaten` (M,) is True for
    a model that a neighbour beats at its own β: it has not converged.
    """

    slope: np.ndarray
    gap: np.ndarray
    error: np.ndarray
    beaten: np.ndarray

    @property
    def holds(self) -> np.ndarray:
        """Whether neither of a pair is to blame, shape (M - 1,)."""
        return ~_violated(self.gap, self.error).any(1)


def _violated(gap: np.ndarray, error: np.ndarray) -> np.ndarray:
    return gap < -np.maximum(STANDARD_ERRORS * error, MATERIAL_NATS)


def slope_bounds(betas: Sequence[float], distortion: np.ndarray, rate: np.ndarray) -> SlopeBounds:
    r"""Checks whether models trained at rising β can all be optimal: β_i ≤ -ΔD/ΔR ≤ β_{i+1}.

    Each side is one comparison: at β_i the model i is at least as good as its neighbour, and at
    β_{i+1} the neighbour is,

    .. math:: D_{i+1} + β_i R_{i+1} - (D_i + β_i R_i) ≥ 0, \qquad
        D_i + β_{i+1} R_i - (D_{i+1} + β_{i+1} R_{i+1}) ≥ 0,

    so a side that fails names the model that has not converged. In this form it also says
    something of two collapsed models, where the slope is 0/0.

    Args:
        betas: β, rising, shape (M,), M ≥ 2.
        distortion: D of the *training* set, nats; shape (M, N), one column an image, scored with
            the same noise for all models; or shape (M,), exact means.
        rate: R, of the same shape.

    Returns:
        Slopes, gaps with paired standard errors, and which models are beaten. A gap counts
        as negative beyond `STANDARD_ERRORS` and `MATERIAL_NATS`.

    Raises:
        ValueError: If β does not rise or the shapes do not fit.

    Source:
        Everett, Generalized Lagrange Multiplier Method, Operations Research 1963; for D and R:
        Alemi et al., Fixing a Broken ELBO, 2018, arXiv:1711.00464.

    Example:
        >>> bounds = slope_bounds([1.0, 4.0], np.array([10.0, 12.0]), np.array([2.0, 1.0]))
        >>> bounds.slope, bounds.gap, bounds.holds
        (array([2.]), array([[1., 2.]]), array([ True]))
    """
    beta = np.asarray(betas, np.float64)
    if beta.ndim != 1 or len(beta) < 2 or not (np.diff(beta) > 0).all():
        raise ValueError(f"betas must be two or more that rise, got {list(betas)}")
    d, r = (np.asarray(values, np.float64) for values in (distortion, rate))
    if d.shape != r.shape or d.ndim not in (1, 2) or len(d) != len(beta):
        raise ValueError(
            f"distortion and rate must be ({len(beta)},) or ({len(beta)}, N), "
            f"got {d.shape} and {r.shape}"
        )
    d, r = d.reshape(len(beta), -1), r.reshape(len(beta), -1)
    rise, fall = np.diff(d, axis=0), -np.diff(r, axis=0)  # (M - 1, N): of D, and of R
    gaps = np.stack([rise - beta[:-1, None] * fall, beta[1:, None] * fall - rise], 1)
    images = d.shape[1]
    error = gaps.std(2, ddof=1) / math.sqrt(images) if images > 1 else np.zeros(gaps.shape[:2])
    gap = gaps.mean(2)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = rise.mean(1) / fall.mean(1)
    wrong = _violated(gap, error)
    beaten = np.zeros(len(beta), bool)
    beaten[:-1] |= wrong[:, 0]
    beaten[1:] |= wrong[:, 1]
    return SlopeBounds(np.where(np.isfinite(slope), slope, np.nan), gap, error, beaten)


def training_terms(
    runs: Sequence[Run], data_dir: str | Path | None = None, device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """Scores every training image under finished runs on the same data: D and R.

    Where training binarised the images, these are binarised too, once for all runs.

    Args:
        runs: M of them, with checkpoints.
        data_dir: See `models.data.load.load`.
        device: "cpu", "cuda" or "mps".

    Returns:
        Two arrays of shape (M, N), nats per image, z sampled with the same noise for all; of a
        large set the first images.
    """
    import torch

    from models.data.byte_images import first_images
    from models.metrics.likelihood import binarize, elbo
    from models.runs.images import load_images
    from models.storage.checkpoint import restore
    from models.training.image_store import MOST_BYTES

    training = runs[0].config().training
    stored = load_images(runs[0].config(), "train", data_dir).images
    images = torch.tensor(first_images(stored, MOST_BYTES))
    images = binarize(images, training.seed) if training.binarize else images
    x = images.to(device)
    terms = [elbo(restore(read(run.model_path)).to(device), x) for run in runs]
    distortion = np.stack([each.distortion.numpy() for each in terms])
    return distortion, np.stack([each.rate.sum(1).numpy() for each in terms])


def check_series(
    series: Sequence[SweepRun], data_dir: str | Path | None, device: str = "cpu"
) -> list[dict[str, Any]]:
    """Checks the bounds of the slope for runs in order of β, one row a pair."""
    if len(series) < 2:
        return []
    betas = [member.beta for member in series]
    terms = training_terms([member.run for member in series], data_dir, device)
    bounds = slope_bounds(betas, *terms)
    wrong = _violated(bounds.gap, bounds.error)
    return [
        {
            "latent_dim": left.latent_dim,
            "seed": left.seed,
            "low": left.beta,
            "high": right.beta,
            "slope": float(slope) if math.isfinite(slope) else None,
            "holds": not pair.any(),
            "not_converged": [
                each.run.id for each, bad in zip((left, right), pair, strict=True) if bad
            ],
        }
        for (left, right), slope, pair in zip(
            itertools.pairwise(series), bounds.slope, wrong, strict=True
        )
    ]
