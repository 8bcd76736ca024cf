"""D, R and codes of a multi-rate model's test set at many β."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor

from models.config import ModelConfig
from models.latents.rate_curve import CodesCurve, RateDistortionCurve
from models.metrics.likelihood import EVALUATION_SEED, elbo
from models.objectives.elbo import LatentModel

POINTS = 33
"""Values of β."""
CODES = 2000
"""Most images whose codes are kept."""


class ModelOfEveryBeta(Protocol):
    """A model that can be folded to one of a single β."""

    config: ModelConfig

    def at(self, beta: float) -> LatentModel: ...


def measure_rates(
    model: ModelOfEveryBeta,
    images: Tensor,
    labels: np.ndarray | None = None,
    codes: int = CODES,
    points: int = POINTS,
    seed: int = EVALUATION_SEED,
) -> RateDistortionCurve:
    r"""Measures D(β) and R_j(β) of a test set under one model for every β, and keeps its codes.

    .. math:: D(β) = E_x E_{q_β(z|x)}[-\ln p_β(x|z)], \quad R_j(β) = E_x KL(q_β(z_j|x) ‖ p)

    By `models.metrics.likelihood.elbo`: every β has the same draws of the noise.

    Args:
        model: Multi-rate.
        images: x in [0, 1], shape (M, C, H, W), M ≥ 2.
        labels: Their classes, shape (M,).
        codes: How many images' codes to keep: the first ones.
        points: K, at least 2.
        seed: Of the noise, the same at every β.

    Returns:
        Scores with weight 1, in nats per image; β never enters them.

    Raises:
        ValueError: If `points` is below 2.

    Source:
        Bae et al., Multi-Rate VAE, ICLR 2023, arXiv:2212.03905, figure 1.

    Example:
        >>> import torch
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> model = build_model(ModelConfig(family="multirate", hidden=(8,)))
        >>> rates = measure_rates(model, torch.zeros(5, 1, 28, 28), points=3)
        >>> rates.betas.round(4).tolist(), rates.mean.shape, rates.rate.shape
        ([0.1, 3.1623, 100.0], (3, 5, 2), (3, 2))
    """
    if points < 2:
        raise ValueError(f"points must be at least 2, got {points}")
    betas = _betas(model.config, points)
    scores = [elbo(model.at(float(beta)).eval(), images, seed) for beta in betas]
    root = len(images) ** 0.5
    spread = [(s.distortion.std().item(), s.rate.sum(1).std().item()) for s in scores]
    return RateDistortionCurve(
        betas=betas,
        mean=np.stack([s.mean[:codes].numpy() for s in scores]),
        distortion=np.array([s.distortion.double().mean().item() for s in scores]),
        rate=np.stack([s.rate.double().mean(0).numpy() for s in scores]),
        error=np.array(spread) / root,
        labels=None if labels is None else labels[:codes],
    )


def measure_codes(
    model: ModelOfEveryBeta,
    images: Tensor,
    labels: np.ndarray | None = None,
    points: int = POINTS,
    seed: int = EVALUATION_SEED,
) -> CodesCurve:
    r"""Encodes and scores every image under one model at K values of β.

    .. math:: q_β(z|x) = N(μ_β(x), σ_β²(x)), \quad D_β(x) = E_{q_β(z|x)}[-\ln p_β(x|z)]

    Args:
        model: Multi-rate.
        images: x in [0, 1], shape (N, C, H, W).
        labels: Their classes, shape (N,).
        points: K, at least 2.
        seed: Of the noise, the same at every β.

    Example:
        >>> import torch
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> model = build_model(ModelConfig(family="multirate", hidden=(8,)))
        >>> codes = measure_codes(model, torch.zeros(5, 1, 28, 28), points=3)
        >>> codes.mean.shape, codes.log_variance.shape, codes.distortion.shape
        ((3, 5, 2), (3, 5, 2), (3, 5))
    """
    betas = _betas(model.config, points)
    scores = [elbo(model.at(float(beta)).eval(), images, seed) for beta in betas]
    return CodesCurve(
        betas=betas,
        mean=np.stack([s.mean.numpy() for s in scores]),
        log_variance=np.stack([s.log_variance.numpy() for s in scores]),
        distortion=np.stack([s.distortion.numpy() for s in scores]),
        labels=labels,
    )


def _betas(config: ModelConfig, points: int) -> np.ndarray:
    """K values of β, evenly in ln β, from the smallest to the largest of the model."""
    betas = np.geomspace(config.beta_min, config.beta_max, points)
    betas[[0, -1]] = config.beta_min, config.beta_max  # to the last digit
    return betas
