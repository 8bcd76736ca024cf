"""What β and σ a loss of a VAE amounts to, whatever its author divided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

BINARY, SQUARED = "bce", "mse"
REDUCTIONS = ("sum", "mean")


@dataclass(frozen=True)
class LossForm:
    """A loss as programs write it: a reconstruction term and a KL, each reduced in its own way.

    Attributes:
        likelihood: "bce", binary cross-entropy, or "mse", squared error.
        pixels: How the reconstruction is reduced over pixels, "sum" or "mean".
        batch: How the reconstruction is reduced over the batch.
        kl_latents: How the KL is reduced over latents.
        kl_batch: How the KL is reduced over the batch.
        weight: Factor in front of the KL.
        factor: Factor in front of the reconstruction.
        half: Whether the KL has its factor ½.

    Raises:
        ValueError: If one of them is not possible.
    """

    likelihood: str = BINARY
    pixels: str = "sum"
    batch: str = "mean"
    kl_latents: str = "sum"
    kl_batch: str = "mean"
    weight: float = 1.0
    factor: float = 1.0
    half: bool = True

    def __post_init__(self) -> None:
        if self.likelihood not in (BINARY, SQUARED):
            raise ValueError(f"likelihood must be bce or mse, got {self.likelihood!r}")
        for name in ("pixels", "batch", "kl_latents", "kl_batch"):
            if getattr(self, name) not in REDUCTIONS:
                raise ValueError(f"{name} must be sum or mean, got {getattr(self, name)!r}")
        if not (self.weight >= 0 and self.factor > 0):
            raise ValueError(
                "weight must be at least 0 and factor above 0, "
                f"got {self.weight:g} and {self.factor:g}"
            )


class LossScale(NamedTuple):
    """What a loss amounts to.

    `beta` is the weight of R against D in nats; of a squared error with σ = 1. `sigma` is the
    standard deviation for which the same loss has β = 1; None for binary cross-entropy. `rate`
    is the learning rate's factor: the loss is so many times D + βR.
    """

    beta: float
    sigma: float | None
    rate: float


def loss_scale(form: LossForm, pixels: int, latents: int, batch: int) -> LossScale:
    r"""Computes the β, and the σ, that a loss amounts to.

    .. math:: a \sum_i ℓ_i + b\, KL ∝ D + βR, \qquad
        β = b / a \text{ (Bernoulli)}, \quad β = b / 2a,\ σ² = b / 2a \text{ (squared error)}

    a and b hold all that was divided by or forgotten: a = 1/d for a mean over d pixels, b = 1/Z
    for a mean over latents, B times as much for a sum over a batch of B, 2 without the KL's ½.
    A squared error is SSE = 2σ²D up to a constant, so that the loss fixes βσ² and not β: either
    β with σ = 1, or σ with β = 1.

    Args:
        form: The loss.
        pixels: d, numbers in an image, all channels together.
        latents: Z.
        batch: B.

    Raises:
        ValueError: If one of the numbers is below 1.

    Source:
        The equivalence of β and σ: Rybkin, Daniilidis & Levine, 2021, arXiv:2006.13202, section 3.

    Example:
        >>> loss_scale(LossForm("mse", pixels="mean"), pixels=64, latents=2, batch=128)
        LossScale(beta=32.0, sigma=5.656854249492381, rate=0.03125)
        >>> loss_scale(LossForm(), pixels=784, latents=20, batch=128).beta
        1.0
    """
    if min(pixels, latents, batch) < 1:
        raise ValueError(
            f"pixels, latents and batch must be at least 1, got {pixels}, {latents}, {batch}"
        )
    reconstruction = form.factor * _times(form.pixels, pixels) * _over_batch(form.batch, batch)
    kl = form.weight * _times(form.kl_latents, latents) * _over_batch(form.kl_batch, batch)
    kl *= 1.0 if form.half else 2.0
    is_squared = form.likelihood == SQUARED
    scale = reconstruction * (2.0 if is_squared else 1.0)
    beta = kl / scale
    return LossScale(beta, beta**0.5 if is_squared else None, scale)


def _times(reduction: str, count: int) -> float:
    """The factor of a reduction, against a sum."""
    return 1.0 if reduction == "sum" else 1.0 / count


def _over_batch(reduction: str, batch: int) -> float:
    """The factor of a reduction over the batch, against a mean."""
    return 1.0 if reduction == "mean" else float(batch)


def weight_for(form: LossForm, beta: float, pixels: int, latents: int, batch: int) -> float:
    """Computes the factor in front of the KL that makes a loss one of this β.

    Of a squared error the β with σ = 1.

    Example:
        >>> weight_for(LossForm("bce", pixels="mean"), 1.0, pixels=64, latents=2, batch=128)
        0.015625
    """
    from dataclasses import replace

    one = loss_scale(replace(form, weight=1.0), pixels, latents, batch)
    return beta / one.beta
