"""The codes of a test set as arrays; nothing here knows a model."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MAX_CODES = 2**22
"""Most numbers (images times latent dimensions) in stored codes."""


@dataclass(frozen=True)
class Codes:
    """Holds the codes of a test set, with its scores and labels.

    Attributes:
        mean: Posterior means μ, float32, shape (N, Z).
        log_variance: ln σ², float32, shape (N, Z); None for an autoencoder.
        distortion: D = -ln p(x|z), averaged over draws of z ~ q(z|x), nats per image, float32,
            shape (N,); None where there is no likelihood, as of codes that came without a model.
        labels: Class of every image, int64, shape (N,); None where there are no classes.
        factors: What every image was made from, float64, shape (N, K); None where nobody knows.

    Example:
        >>> codes = Codes(np.zeros((4, 2)), np.zeros((4, 2)), np.full(4, 3.0), None)
        >>> codes.rate.shape, codes.negative_elbo.tolist()
        ((4, 2), [3.0, 3.0, 3.0, 3.0])
    """

    mean: np.ndarray
    log_variance: np.ndarray | None
    distortion: np.ndarray | None
    labels: np.ndarray | None
    factors: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def latent_dim(self) -> int:
        """The number of latent dimensions, Z."""
        return self.mean.shape[1]

    @property
    def rate(self) -> np.ndarray | None:
        """KL(q(z_j|x) ‖ N(0, 1)) in nats, shape (N, Z); None for an autoencoder."""
        if self.log_variance is None:
            return None
        return 0.5 * (self.mean**2 + np.expm1(self.log_variance) - self.log_variance)

    @property
    def negative_elbo(self) -> np.ndarray | None:
        """D + R in nats per image, shape (N,); None where one of the two is not known."""
        if self.rate is None or self.distortion is None:
            return None
        return self.distortion + self.rate.sum(1)

    def to_arrays(self, is_exact: bool = False) -> dict[str, np.ndarray]:
        """Returns the arrays to store, means as float16: three digits, finer than a pixel of a map.

        Log-variances are clipped to ±80: e^-80 is a point, and e^80 wider than any posterior.

        Args:
            is_exact: Whether means and log-variances stay float32.
        """
        arrays = {"mean": self.mean if is_exact else to_half(self.mean)}
        if self.distortion is not None:
            arrays["distortion"] = self.distortion.astype(np.float32)
        if self.log_variance is not None:
            kind = np.float32 if is_exact else np.float16
            arrays["log_variance"] = self.log_variance.clip(-80, 80).astype(kind)
        if self.labels is not None:
            arrays["labels"] = self.labels.astype(np.uint8 if self.labels.max() < 256 else np.int64)
        if self.factors is not None:
            arrays["factors"] = self.factors.astype(np.float32)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], latent_dim: int) -> Codes:
        """Reads codes from stored arrays.

        Raises:
            ValueError: If one is missing, unknown, or has the wrong shape or range.
        """
        optional = {"distortion", "log_variance", "labels", "factors"}
        if not {"mean"} <= set(arrays) <= {"mean"} | optional:
            raise ValueError(
                "codes must have mean, and may have distortion, log_variance, labels and factors"
            )
        mean, distortion = arrays["mean"], arrays.get("distortion")
        if mean.ndim != 2 or len(mean) < 1 or mean.shape[1] != latent_dim or mean.size > MAX_CODES:
            raise ValueError(
                f"mean must have shape (N, {latent_dim}) and at most {MAX_CODES} numbers, "
                f"got {mean.shape}"
            )
        log_variance, labels = arrays.get("log_variance"), arrays.get("labels")
        if log_variance is not None and (
            log_variance.shape != mean.shape or not np.abs(log_variance).max() <= 80
        ):
            raise ValueError("log_variance must have the shape of mean and values within ±80")
        if distortion is not None and distortion.shape != (len(mean),):
            raise ValueError(f"distortion must have shape ({len(mean)},), got {distortion.shape}")
        if labels is not None and (
            labels.shape != (len(mean),) or labels.dtype.kind not in "iu" or labels.min() < 0
        ):
            raise ValueError(f"labels must be {len(mean)} whole numbers of at least 0")
        factors = arrays.get("factors")
        if factors is not None and (factors.ndim != 2 or len(factors) != len(mean)):
            raise ValueError(f"factors must have a row for each of the {len(mean)} images")
        return cls(
            mean.astype(np.float32),
            None if log_variance is None else log_variance.astype(np.float32),
            None if distortion is None else distortion.astype(np.float32),
            None if labels is None else labels.astype(np.int64),
            None if factors is None else factors.astype(np.float64),
        )


def no_codes(latent_dim: int) -> Codes:
    """Returns the codes of no image: all that a model without an encoder has.

    Example:
        >>> len(no_codes(16)), no_codes(16).latent_dim
        (0, 16)
    """
    return Codes(np.zeros((0, latent_dim), np.float32), None, None, None)


def to_half(mean: np.ndarray) -> np.ndarray:
    """Converts to float16, or to float32 if a number is too large for that.

    Example:
        >>> to_half(np.array([1.0])).dtype, to_half(np.array([1e6])).dtype
        (dtype('float16'), dtype('float32'))
    """
    fits = np.abs(mean).max() < np.finfo(np.float16).max
    return mean.astype(np.float16 if fits else np.float32)


def nearest_codes(mean: np.ndarray, z: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the codes nearest to z by Euclidean distance, nearest first.

    Args:
        mean: Codes, shape (N, Z).
        z: One code, shape (Z,).
        count: How many; at most N are returned.

    Returns:
        Indices and distances, each of shape (min(count, N),).

    Example:
        >>> nearest_codes(np.array([[0.0], [5.0], [1.0]]), np.array([0.2]), 2)[0].tolist()
        [0, 2]
    """
    distance = np.sqrt(((mean - z) ** 2).sum(1))
    nearest = np.argsort(distance, kind="stable")[:count]
    return nearest, distance[nearest]


def to_csv(codes: Codes, class_names: Sequence[str] = ()) -> str:
    """Writes the codes as a table: one row per test image, one column per number with its unit.

    A class name that a spreadsheet would run as a formula gets an apostrophe in front.

    Args:
        codes: Of a model.
        class_names: Names of the classes, by label.

    Example:
        >>> codes = Codes(np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1), np.zeros(1, np.int64))
        >>> print(to_csv(codes, ["=1+1"]))
        image,class,mean_1,sigma_1,kl_nats_1,distortion_nats
        0,'=1+1,0,1,0,1
        <BLANKLINE>
    """
    header, columns = ["image"], [np.arange(len(codes))]
    if codes.labels is not None:
        safe = ["'" + name if name[:1] in "=+-@" else name for name in class_names]
        header.append("class")
        columns.append([safe[label] for label in codes.labels])
    parts = {"mean": codes.mean}
    if codes.log_variance is not None:
        parts |= {"sigma": np.exp(0.5 * codes.log_variance), "kl_nats": codes.rate}
    for name, values in parts.items():
        header += [f"{name}_{j + 1}" for j in range(codes.latent_dim)]
        columns += [[f"{v:.6g}" for v in column] for column in values.T.tolist()]
    if codes.distortion is not None:
        header.append("distortion_nats")
        columns.append([f"{v:.6g}" for v in codes.distortion.tolist()])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *zip(*columns, strict=True)])
    return text.getvalue()
