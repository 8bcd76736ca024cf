"""The test set of a multi-rate model at many β, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.latents.codes import MAX_CODES, to_half


@dataclass(frozen=True)
class CodesCurve:
    """Holds some test images at K values of β: each one's posterior and distortion.

    Attributes:
        betas: β, rising, float64, shape (K,).
        mean: Of q_β(z|x), float32, shape (K, N, Z).
        log_variance: Of q_β(z|x), float32, shape (K, N, Z).
        distortion: D of every image, nats, float32, shape (K, N).
        labels: Class of the N images, int64, shape (N,); None where there are no classes.
    """

    betas: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray
    distortion: np.ndarray
    labels: np.ndarray | None

    @property
    def rate(self) -> np.ndarray:
        """R of every image, nats, shape (K, N)."""
        log_variance = self.log_variance.astype(np.float64)
        each = 0.5 * (self.mean.astype(np.float64) ** 2 + np.expm1(log_variance) - log_variance)
        return each.sum(2)


@dataclass(frozen=True)
class RateDistortionCurve:
    """Holds a test set through a multi-rate model at K values of β, with the same noise at each.

    Attributes:
        betas: β, evenly in ln β over the model's range, float64, shape (K,).
        mean: Posterior means of the first N test images, float32, shape (K, N, Z).
        distortion: D of the whole test set, nats per image, float64, shape (K,).
        rate: R of every latent, nats per image, float64, shape (K, Z).
        error: Standard errors of D and of R summed over latents, float64, shape (K, 2).
        labels: Class of the N images, int64, shape (N,); None where there are no classes.

    Example:
        >>> betas, scores = np.array([0.1, 10.0]), np.ones((2, 2))
        >>> codes, log_variances = np.zeros((2, 5, 2)), np.full(2, 99.0)
        >>> rates = RateDistortionCurve(betas, codes, log_variances, scores, scores, None)
        >>> sorted(rates.to_arrays())
        ['betas', 'distortion', 'error', 'mean', 'rate']
    """

    betas: np.ndarray
    mean: np.ndarray
    distortion: np.ndarray
    rate: np.ndarray
    error: np.ndarray
    labels: np.ndarray | None

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays to store; the `Codes` of the same images hold the labels."""
        scores = {name: getattr(self, name) for name in ("betas", "distortion", "rate", "error")}
        return {"mean": to_half(self.mean)} | scores

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], latent_dim: int, labels: np.ndarray | None
    ) -> RateDistortionCurve:
        """Reads a curve from stored arrays, with the labels of the test set (at least N, or None).

        Raises:
            ValueError: If an array is missing, unknown, or has the wrong shape or range.
        """
        if set(arrays) != {"betas", "mean", "distortion", "rate", "error"}:
            raise ValueError("a curve must have betas, mean, distortion, rate and error")
        betas, mean = arrays["betas"], arrays["mean"]
        if betas.ndim != 1 or len(betas) < 2 or betas[0] <= 0 or (np.diff(betas) <= 0).any():
            raise ValueError("betas must be two or more numbers above 0, rising")
        count = len(betas)
        fits = mean.ndim == 3 and mean.shape[::2] == (count, latent_dim)
        if not fits or mean.size > MAX_CODES:
            raise ValueError(
                f"mean must have shape ({count}, N, {latent_dim}) and at most {MAX_CODES} "
                f"numbers, got {mean.shape}"
            )
        for name, shape in (("distortion", ()), ("rate", (latent_dim,)), ("error", (2,))):
            if arrays[name].shape != (count, *shape):
                raise ValueError(
                    f"{name} must have shape {(count, *shape)}, got {arrays[name].shape}"
                )
        for name in ("rate", "error"):
            if arrays[name].min() < 0:
                raise ValueError(f"{name} must be at least 0, got {arrays[name].min():g}")
        scores = {
            name: value.astype(np.float64) for name, value in arrays.items() if name != "mean"
        }
        labels = None if labels is None else labels[: mean.shape[1]]
        return cls(mean=mean.astype(np.float32), labels=labels, **scores)
