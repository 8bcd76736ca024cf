"""The latent space seen as arrays: codes of a test set, planes, projections, grids, neighbours.

Arrays in, arrays out, in numpy; nothing here knows a model. scikit-learn and openTSNE are
imported by the functions that need them, so that a stored map opens without them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MAX_CODES = 2**22
"""Most numbers (images times latent dimensions) in stored codes."""


@dataclass(frozen=True)
class Codes:
    """A test set through a model.

    Attributes:
        mean: Posterior means μ, float32, shape (N, Z).
        log_variance: ln σ², float32, shape (N, Z); None for an autoencoder.
        distortion: -ln p(x|z) with z ~ q(z|x), nats per image, float32, shape (N,).
        labels: Class of every image, int64, shape (N,); None where there are no classes.

    Example:
        >>> codes = Codes(np.zeros((4, 2)), np.zeros((4, 2)), np.full(4, 3.0), None)
        >>> codes.rate.shape, codes.negative_elbo.tolist()
        ((4, 2), [3.0, 3.0, 3.0, 3.0])
    """

    mean: np.ndarray
    log_variance: np.ndarray | None
    distortion: np.ndarray
    labels: np.ndarray | None

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def latent_dim(self) -> int:
        """Z."""
        return self.mean.shape[1]

    @property
    def rate(self) -> np.ndarray | None:
        """KL(q(z_j|x) ‖ N(0, 1)) in nats, shape (N, Z); None for an autoencoder."""
        if self.log_variance is None:
            return None
        return 0.5 * (self.mean**2 + np.expm1(self.log_variance) - self.log_variance)

    @property
    def negative_elbo(self) -> np.ndarray | None:
        """D + R in nats per image, shape (N,); None for an autoencoder."""
        return None if self.rate is None else self.distortion + self.rate.sum(1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays to store; float16 keeps three digits, below a pixel of any map.

        Log-variances are kept within ±80: e^-80 is a point, e^80 no posterior at all.
        """
        arrays = {"mean": _half(self.mean)}
        arrays["distortion"] = self.distortion.astype(np.float32)
        if self.log_variance is not None:
            arrays["log_variance"] = self.log_variance.clip(-80, 80).astype(np.float16)
        if self.labels is not None:
            arrays["labels"] = self.labels.astype(np.uint8 if self.labels.max() < 256 else np.int64)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], latent_dim: int) -> Codes:
        """Codes from stored arrays.

        Raises:
            ValueError: If one is missing, unknown, or of another length, width or range.
        """
        unknown = sorted(set(arrays) - {"mean", "log_variance", "distortion", "labels"})
        if unknown or "mean" not in arrays or "distortion" not in arrays:
            raise ValueError(
                "there must be mean and distortion, and may be log_variance and labels"
            )
        mean, distortion = arrays["mean"], arrays["distortion"]
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
        if distortion.shape != (len(mean),):
            raise ValueError(f"distortion must have shape ({len(mean)},), got {distortion.shape}")
        if labels is not None and (
            labels.shape != (len(mean),) or labels.dtype.kind not in "iu" or labels.min() < 0
        ):
            raise ValueError(f"labels must be {len(mean)} whole numbers of at least 0")
        return cls(
            mean.astype(np.float32),
            None if log_variance is None else log_variance.astype(np.float32),
            distortion.astype(np.float32),
            None if labels is None else labels.astype(np.int64),
        )


def _half(mean: np.ndarray) -> np.ndarray:
    """As float16, unless a number is too large for it."""
    fits = np.abs(mean).max() < np.finfo(np.float16).max
    return mean.astype(np.float16 if fits else np.float32)


@dataclass(frozen=True)
class Rates:
    """A test set through a multi-rate model at K values of β, with the same noise at each.

    Attributes:
        betas: β, evenly in ln β over the model's range, float64, shape (K,).
        mean: Posterior means of the first N test images, float32, shape (K, N, Z).
        distortion: D of the whole test set, nats per image, float64, shape (K,).
        rate: R of every latent, nats per image, float64, shape (K, Z).
        error: Standard errors of D and of R summed over latents, float64, shape (K, 2).
        labels: Class of the N images, int64, shape (N,); None where there are no classes.

    Example:
        >>> betas, scores = np.array([0.1, 10.0]), np.ones((2, 2))
        >>> rates = Rates(betas, np.zeros((2, 5, 2)), np.full(2, 99.0), scores, scores, None)
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
        """The arrays to store; the labels are left to the `Codes` of the same images."""
        scores = {name: getattr(self, name) for name in ("betas", "distortion", "rate", "error")}
        return {"mean": _half(self.mean)} | scores

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], latent_dim: int, labels: np.ndarray | None
    ) -> Rates:
        """Rates from stored arrays, and the labels of the test set (at least N of them, or None).

        Raises:
            ValueError: If an array is missing, unknown, or of another shape or range.
        """
        if set(arrays) != {"betas", "mean", "distortion", "rate", "error"}:
            raise ValueError("there must be betas, mean, distortion, rate and error")
        betas, mean = arrays["betas"], arrays["mean"]
        if betas.ndim != 1 or len(betas) < 2 or betas[0] <= 0 or (np.diff(betas) <= 0).any():
            raise ValueError("betas must be two or more numbers above 0, rising")
        count = len(betas)
        lawful = mean.ndim == 3 and mean.shape[::2] == (count, latent_dim)
        if not lawful or mean.size > MAX_CODES:
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


def to_csv(codes: Codes, class_names: Sequence[str] = ()) -> str:
    """The codes as a table: one row per test image, one column per number, units in the header.

    A class name that a spreadsheet would run as a formula is led by an apostrophe.

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
    header.append("distortion_nats")
    columns.append([f"{v:.6g}" for v in codes.distortion.tolist()])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *zip(*columns, strict=True)])
    return text.getvalue()


@dataclass(frozen=True)
class Plane:
    """An affine plane of the latent space: z = origin + u · axes, with u in the plane.

    Attributes:
        origin: Shape (Z,).
        axes: Two orthonormal rows, shape (2, Z).
        explained: Share of the codes' variance along each axis, shape (2,).

    Example:
        >>> plane = coordinate_plane(np.eye(3), 0, 2)
        >>> plane.project(np.array([[1.0, 2.0, 3.0]])).tolist()
        [[1.0, 3.0]]
        >>> plane.lift(np.array([[1.0, 3.0]])).tolist()
        [[1.0, 0.0, 3.0]]
    """

    origin: np.ndarray
    axes: np.ndarray
    explained: np.ndarray

    def project(self, z: np.ndarray) -> np.ndarray:
        """Coordinates (N, 2) of codes (N, Z): exact for codes in the plane."""
        return (z - self.origin) @ self.axes.T

    def lift(self, u: np.ndarray) -> np.ndarray:
        """Codes (N, Z) of plane coordinates (N, 2): exact."""
        return self.origin + u @ self.axes


def coordinate_plane(mean: np.ndarray, x: int, y: int, through: np.ndarray | None = None) -> Plane:
    """The plane of two latent dimensions; the others stay as they are at `through`.

    Args:
        mean: Codes (N, Z), for the share of their variance.
        x: Index of the horizontal dimension.
        y: Index of the vertical one; equal to x only if Z = 1, where it is a flat line.
        through: A code (Z,) in the plane; the origin if None.

    Raises:
        ValueError: If an index is not a dimension.

    Example:
        >>> plane = coordinate_plane(np.eye(3), 0, 2, through=np.array([7.0, 8.0, 9.0]))
        >>> plane.lift(np.array([[1.0, 2.0]])).tolist()
        [[1.0, 8.0, 2.0]]
    """
    latent_dim = mean.shape[1]
    if not (0 <= x < latent_dim and 0 <= y < latent_dim):
        raise ValueError(f"x and y must be dimensions 0 to {latent_dim - 1}, got {x} and {y}")
    axes = np.zeros((2, latent_dim), np.float32)
    axes[0, x] = 1
    axes[1, y] = float(x != y)
    origin = np.zeros(latent_dim, np.float32) if through is None else np.array(through, np.float32)
    origin[[x, y]] = 0
    variance = mean.var(0)
    explained = variance[[x, y]] / max(variance.sum(), 1e-12)
    return Plane(origin, axes, explained * axes.any(1))


def pca_plane(mean: np.ndarray) -> Plane:
    """The plane of largest variance through the mean of the codes.

    Args:
        mean: Codes, shape (N, Z); Z = 1 gives a flat line.

    Source:
        scikit-learn's PCA with its sign convention, so equal codes give an equal map.

    Example:
        >>> codes = np.random.default_rng(0).normal(size=(100, 3)) * [1, 5, 3]
        >>> np.abs(pca_plane(codes).axes).round(0).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    from sklearn.decomposition import PCA

    components = min(2, *mean.shape)
    with np.errstate(invalid="ignore"):  # equal codes have no variance to take a share of
        fitted = PCA(components, svd_solver="full").fit(mean.astype(np.float64))
    axes = np.zeros((2, mean.shape[1]), np.float32)
    axes[:components] = fitted.components_
    explained = np.zeros(2)
    explained[:components] = np.nan_to_num(fitted.explained_variance_ratio_)
    return Plane(fitted.mean_.astype(np.float32), axes, explained)


def tsne(
    mean: np.ndarray,
    perplexity: float = 30.0,
    iterations: int = 125,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    r"""A t-SNE embedding of codes. It has no inverse: points between points mean nothing.

    Args:
        mean: Codes, shape (N, Z), N ≥ 4.
        perplexity: Effective number of neighbours; lowered to (N - 1) / 3 for small sets.
        iterations: Steps after the early exaggeration, which takes as many again.
        seed: Of the neighbour search; the start is PCA, so maps are alike between runs.
        threads: Processor threads.
        progress: Called with the share done, 0 to 1.

    Returns:
        Positions, float32, shape (N, 2), without unit.

    Raises:
        ValueError: If there are fewer than 4 codes, or the perplexity is not 1 or more.

    Source:
        van der Maaten & Hinton, 2008; Poličar, Stražar & Zupan, openTSNE, 2024.

    Example:
        >>> tsne(np.random.default_rng(0).normal(size=(30, 3)), iterations=10).shape
        (30, 2)
    """
    if len(mean) < 4:
        raise ValueError(f"t-SNE needs at least 4 points, got {len(mean)}")
    if not 1 <= perplexity < np.inf:
        raise ValueError(f"perplexity must be at least 1 and finite, got {perplexity:g}")
    from openTSNE import TSNE

    done = 0

    def tick(_iteration: int, _error: float, _embedding: np.ndarray) -> None:
        nonlocal done
        done += 5
        if progress:
            progress(min(1.0, done / (2 * iterations)))

    embedding = TSNE(
        perplexity=min(perplexity, (len(mean) - 1) / 3),
        early_exaggeration_iter=iterations,
        n_iter=iterations,
        initialization="pca",
        random_state=seed,
        n_jobs=threads,
        callbacks=tick,
        callbacks_every_iters=5,
    ).fit(_fit_to_start(mean.astype(np.float64)))
    return np.asarray(embedding, np.float32)


def _fit_to_start(mean: np.ndarray) -> np.ndarray:
    """PCA can start neither from one dimension (adds a zero) nor from equal codes (adds noise)."""
    if mean.shape[1] == 1:
        mean = np.pad(mean, ((0, 0), (0, 1)))
    if mean.std(0).max() > 1e-9:
        return mean
    return mean + 1e-6 * np.random.default_rng(0).normal(size=mean.shape)


def prior_grid(side: int) -> np.ndarray:
    r"""A square grid whose cells hold equal mass of the prior, top row first.

    .. math:: u_{ij} = (Φ^{-1}(\tfrac{j + ½}{n}), Φ^{-1}(\tfrac{n - i - ½}{n}))

    Args:
        side: n, at least 1.

    Returns:
        Plane coordinates in standard deviations of the prior, shape (n·n, 2), row by row.

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, appendix A (figure 4).

    Example:
        >>> (prior_grid(2) * 100).round().astype(int).tolist()
        [[-67, 67], [67, 67], [-67, -67], [67, -67]]
    """
    from scipy.special import ndtri

    if side < 1:
        raise ValueError(f"side must be at least 1, got {side}")
    quantiles = ndtri((np.arange(side) + 0.5) / side)
    x, y = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)


def draw_codes(codes: Codes, count: int, seed: int) -> np.ndarray:
    """Codes to decode as new images: from the prior N(0, I).

    An autoencoder has no prior; its codes are drawn from a Gaussian fitted to those of the
    test set (mean and covariance), which is a choice, not part of the model.

    Args:
        codes: Of the model.
        count: How many.
        seed: Of the draw.

    Returns:
        Shape (count, Z), float32.

    Example:
        >>> codes = Codes(np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(4), None)
        >>> draw_codes(codes, 8, seed=0).shape
        (8, 2)
    """
    generator = np.random.default_rng(seed)
    if codes.log_variance is not None:
        return generator.standard_normal((count, codes.latent_dim), dtype=np.float32)
    freedom = min(1, len(codes) - 1)  # a single code has no spread
    covariance = np.atleast_2d(np.cov(codes.mean.T.astype(np.float64), ddof=freedom))
    centre = codes.mean.mean(0, dtype=np.float64)
    return generator.multivariate_normal(centre, covariance, count).astype(np.float32)


def grid_codes(codes: Codes, x: int, y: int, side: int, through: np.ndarray) -> np.ndarray:
    """The codes of `prior_grid` in the plane of two dimensions, top row first.

    For an autoencoder the grid is shifted and stretched to mean and standard deviation of the
    test set's codes. With Z = 1 it is one row.

    Args:
        codes: Of the model.
        x: Index of the horizontal dimension.
        y: Index of the vertical one.
        side: Cells per side.
        through: Where the other dimensions are held, shape (Z,).

    Returns:
        Shape (side·side, Z), or (side, 1), float32.

    Example:
        >>> codes = Codes(np.zeros((4, 3)), np.zeros((4, 3)), np.zeros(4), None)
        >>> grid_codes(codes, 0, 1, 2, np.full(3, 9.0))[0].tolist()  # doctest: +ELLIPSIS
        [-0.67..., 0.67..., 9.0]
    """
    grid = prior_grid(side)
    if codes.latent_dim == 1:
        grid = grid[:side]
    z = np.repeat(np.asarray(through, np.float64)[None], len(grid), 0)
    pairs = [(x, 0)] if codes.latent_dim == 1 else [(x, 0), (y, 1)]
    for dimension, column in pairs:
        z[:, dimension] = grid[:, column]
        if codes.log_variance is None:
            here = codes.mean[:, dimension]
            z[:, dimension] = here.mean() + here.std() * grid[:, column]
    return z.astype(np.float32)


def neighbours(mean: np.ndarray, z: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The codes nearest to z by Euclidean distance, nearest first.

    Args:
        mean: Codes, shape (N, Z).
        z: One code, shape (Z,).
        count: How many; at most N are returned.

    Returns:
        Indices and distances, each of shape (min(count, N),).

    Example:
        >>> neighbours(np.array([[0.0], [5.0], [1.0]]), np.array([0.2]), 2)[0].tolist()
        [0, 2]
    """
    distance = np.sqrt(((mean - z) ** 2).sum(1))
    nearest = np.argsort(distance, kind="stable")[:count]
    return nearest, distance[nearest]


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    r"""Mean of first − second over the same images, and its standard error.

    .. math:: \bar d ± s_d / √N, \quad d = x - y

    What makes one image hard for both cancels, so that the error is smaller than that of two
    means that are taken apart.

    Args:
        first: x, one number per image, shape (N,), N ≥ 2.
        second: y of the same images, shape (N,).

    Returns:
        Both in the unit of what is given.

    Raises:
        ValueError: If they are not as long as each other, or hold fewer than two numbers.

    Example:
        >>> mean, error = paired_difference(np.array([5.0, 8.0, 2.0]), np.array([4.0, 6.0, 2.0]))
        >>> mean, round(error, 4)
        (1.0, 0.5774)
    """
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(
            "both must hold one number for each of the same two or more images, "
            f"got {first.shape} and {second.shape}"
        )
    difference = first.astype(np.float64) - second
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
