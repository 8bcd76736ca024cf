"""The β above which a VAE may collapse, from the images alone, before anything is trained.

At the collapsed solution the decoder gives every image the same distribution p₀(x). Let one latent
move its parameters a little: with the score a = wᵀ(x - m) of that direction w and its Fisher
information c = wᵀFw, the best q(z|x) for weight β has mean a / (β + c), and the objective changes
by -E[a²] / 2β + c / 2 up to fourth order. It falls if and only if wᵀΣw > β wᵀFw for some w, so
collapse is unstable below

    β* = λ_max(F^{-½} Σ F^{-½}),

whatever smooth networks encode and decode. Above β*, collapse is locally stable; a better solution
that has not collapsed may still exist. Σ is the covariance of the images as the model sees them. F
is the diagonal p(1 - p) of a Bernoulli decoder, p the mean image, and σ² of a Gaussian one; a σ
that is learned is, at the collapsed solution, the standard deviation of the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.capabilities import LIKELIHOODS
from models.config import MIN_SIGMA

DENSE_PIXELS = 1024
"""Up to so many pixels, all eigenvalues are computed; of larger images, the `LEADING` ones."""

LEADING = 32
LARGE_IMAGES = 4096
"""So many images (the first) are enough where there are more than `DENSE_PIXELS` pixels."""

CHUNK = 4096
PREDICTABLE = tuple(name for name, kind in LIKELIHOODS.items() if kind.sigma != "pixel")
"""The likelihoods of which β* is known. With a variance for every pixel of every image, collapse
has other ways out, which are not computed here."""


@dataclass(frozen=True, eq=False)
class CollapseThreshold:
    """Holds the eigenvalues of F^{-½} Σ F^{-½} of some images, largest first.

    Attributes:
        spectrum: Each direction's β: below it, collapse is unstable in that direction; a number
            for every pixel that varies, or the `LEADING` ones.
        is_whole: Whether it holds all of them.

    Example:
        >>> threshold = CollapseThreshold(np.array([3.4, 3.0, 1.9]), is_whole=True)
        >>> threshold.beta, threshold.unstable_directions(2.0)
        (3.4, '2')
    """

    spectrum: np.ndarray
    is_whole: bool

    @property
    def beta(self) -> float:
        """β*; 0 where no pixel varies."""
        return float(self.spectrum[0]) if len(self.spectrum) else 0.0

    def unstable_directions(self, beta: float) -> str:
        """Counts the directions in which collapse is unstable at this β, in words where only the
        leading ones are known."""
        count = int((self.spectrum > beta).sum())
        return (
            f"at least {count}" if count == len(self.spectrum) and not self.is_whole else str(count)
        )

    def leading(self) -> CollapseThreshold:
        """The `LEADING` directions alone, as a model's card holds them."""
        return CollapseThreshold(
            self.spectrum[:LEADING], self.is_whole and len(self.spectrum) <= LEADING
        )

    def explain(self, beta: float, active: int, latents: int) -> str:
        """Says whether a VAE trained at this β had to collapse, as it did or did not.

        Args:
            beta: β of its training.
            active: Its latents that have not collapsed.
            latents: All of them.

        Example:
            >>> threshold = CollapseThreshold(np.array([3.4, 3.0, 1.9]), is_whole=True)
            >>> threshold.explain(4.0, 0, 2)
            'It had to collapse: β = 4 is above β* = 3.40, where no small step away from the \
collapsed state pays'
        """
        above = f"β = {beta:g} is above β* = {self.beta:.2f}"
        directions = self.unstable_directions(beta)
        noun = "direction" if directions == "1" else "directions"
        below = (
            f"β = {beta:g} is below β* = {self.beta:.2f}, so collapse is unstable in {directions} "
            f"{noun}"
        )
        if active == 0:
            return (
                f"It had to collapse: {above}, where no small step away from the collapsed state "
                "pays"
                if beta > self.beta
                else f"It did not have to collapse: {below}; training has not escaped from it"
            )
        if beta > self.beta:
            return f"It could have collapsed: {above}, but training found a better solution"
        room = self.room(beta, latents)
        if active < room:
            return f"More latents could be active: {below}, and {active} of {latents} are active"
        return f"It could not stay collapsed: {below}, and {active} of {latents} are active"

    def room(self, beta: float, latents: int) -> int:
        """Counts the latents that unstable directions can keep active at this β, at most Z."""
        return min(latents, int((self.spectrum > beta).sum()))


@dataclass(frozen=True)
class PopulationThreshold:
    """Holds β* of what the images are a sample of.

    Attributes:
        estimate: β* of the sample minus `bias`.
        standard_error: Of the estimate.
        bias: By how much β* of such a sample exceeds that of the population, on average.

    Example:
        >>> PopulationThreshold(3.0, 0.1, 0.05).interval()
        (2.804, 3.196)
    """

    estimate: float
    standard_error: float
    bias: float

    @property
    def reliable(self) -> bool:
        """Whether the images are enough: the bias is at most a quarter of the sample's β*."""
        return self.bias <= 0.25 * (self.estimate + self.bias)

    def interval(self) -> tuple[float, float]:
        """The 95 % interval: estimate ± 1.96 standard errors."""
        half = 1.96 * self.standard_error
        return self.estimate - half, self.estimate + half


def collapse_threshold(
    images: np.ndarray, likelihood: str = "bernoulli", sigma: float = 1.0, binarize: bool = False
) -> CollapseThreshold:
    r"""Computes which β collapses a VAE on these images, and in how many directions it does not.

    .. math:: β^* = λ_{max}(F^{-½} Σ F^{-½}), \quad
        F = \mathrm{diag}\, p(1-p) \text{ or } σ² I

    Args:
        images: The training images x in [0, 1], shape (N, C, H, W), N ≥ 2.
        likelihood: One of `PREDICTABLE`.
        sigma: σ of the likelihood "gaussian"; the others learn or have none.
        binarize: Whether training draws new binary images from the grey ones at every step: then
            Σ has E[x(1 - x)] on its diagonal besides.

    Returns:
        The threshold, exact for these images.

    Raises:
        ValueError: If the likelihood is another, σ is not above 0 or there is only one image.

    Numerics:
        Products in float32, summed in float64 over chunks of images. With more than
        `DENSE_PIXELS` pixels, the leading eigenvalues by Lanczos iteration.

    Source:
        The linear case is Lucas et al., Don't Blame the ELBO!, 2019, arXiv:1911.02469; a phase
        transition in β is reported in arXiv:2510.01621.

    Example:
        >>> x = np.array([[0.0, 0.0], [1.0, 1.0]]).reshape(2, 1, 1, 2)
        >>> collapse_threshold(x).spectrum.round(6)  # two pixels that always agree
        array([2., 0.])
    """
    problem = _Problem(images, likelihood, sigma, binarize)
    is_whole = len(problem.eigenvalues) == len(problem.mean)
    return CollapseThreshold(problem.eigenvalues, is_whole)


def population_threshold(
    images: np.ndarray, likelihood: str = "bernoulli", sigma: float = 1.0, binarize: bool = False
) -> PopulationThreshold:
    r"""Estimates β* of what the images are a sample of, with its error.

    The largest eigenvalue of a sample is too large on average. Both its error and its bias follow
    from m(x) = F^{-½} (dΣ - λ₁ dF) w₁, by which one image x moves the leading eigenvector w₁'s
    equation, with m_k its part along the k-th eigenvector:

    .. math:: s² = \frac{Var[m_1]}{N}, \quad
        bias = \sum_{k>1} \frac{\sqrt{g_k² + 4 E[m_k²] / N} - g_k}{2} +
        \frac{λ_1 (\sum_j w_{1j}² Σ_{jj} - 1) - E[m_1\, w_1^T dF\, w_1]}{N}

    where g_k = λ₁ - λ_k. The root is the exact shift of two coupled levels; far apart it is the
    second-order E[m_k²] / N g_k.

    Args:
        images: As `collapse_threshold`, drawn independently of each other.
        likelihood: As there.
        sigma: As there.
        binarize: As there.

    Returns:
        Estimate, standard error and bias, in the unit of β.

    Raises:
        ValueError: As `collapse_threshold`.

    Source:
        The influence function of an eigenvalue: Critchley, 1985, Biometrika 72; the bias is the
        infinitesimal jackknife's second-order term.

    Example:
        >>> x = np.random.default_rng(0).random((500, 1, 1, 4))
        >>> found = population_threshold(x, "gaussian")
        >>> found.bias > 0, found.estimate < collapse_threshold(x, "gaussian").beta
        (True, True)
    """
    problem = _Problem(images, likelihood, sigma, binarize)
    if not len(problem.eigenvalues):
        return PopulationThreshold(0.0, 0.0, 0.0)
    return problem.population()


class _Problem:
    """The eigenproblem of some images: the pixels that vary, divided by √F."""

    def __init__(self, images: np.ndarray, likelihood: str, sigma: float, binarize: bool) -> None:
        if likelihood not in PREDICTABLE:
            raise ValueError(
                f"likelihood must be one of {', '.join(PREDICTABLE)}, got {likelihood!r}"
            )
        if not sigma > 0:
            raise ValueError(f"sigma must be above 0, got {sigma:g}")
        if len(images) < 2:
            raise ValueError(f"images must be at least 2, got {len(images)}")
        x = images.reshape(len(images), -1)
        if x.shape[1] > DENSE_PIXELS:
            x = x[:LARGE_IMAGES]
        self.x, self.varies = x, x.max(0) > x.min(0)
        self.kind = LIKELIHOODS[likelihood]
        self.binarize = binarize and self.kind.is_binary
        self.mean = self._average(lambda x: x)
        self.fisher = self._fisher(sigma)
        self.scale = (1 / np.sqrt(self.fisher)).astype(np.float32)
        noise = self._average(lambda x: x * (1 - x)) if self.binarize else 0 * self.mean
        self.noise = noise / self.fisher
        self.eigenvalues, self.vectors = self._solve()

    def _chunks(self) -> Iterator[np.ndarray]:
        """The pixels that vary, float32 (B, d), some images at a time."""
        for start in range(0, len(self.x), CHUNK):
            yield self.x[start : start + CHUNK, self.varies].astype(np.float32, copy=False)

    def _average(self, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The mean of a function of the images, pixel by pixel, in float64."""
        return sum(function(x).sum(0, dtype=np.float64) for x in self._chunks()) / len(self.x)

    def _fisher(self, sigma: float) -> np.ndarray:
        """F's diagonal, a number for every pixel that varies."""
        if self.kind.is_binary:
            return self.mean * (1 - self.mean)
        if self.kind.sigma == "fixed":
            return np.full_like(self.mean, sigma**2)
        variance = self._average(lambda x: (x - self.mean) ** 2).sum() / self.x.shape[1]
        return np.full_like(self.mean, max(variance, MIN_SIGMA**2))

    def _scores(self, x: np.ndarray) -> np.ndarray:
        """F^{-½} (x - p), shape (B, d)."""
        return (x - self.mean.astype(np.float32)) * self.scale

    def _solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues, largest first, and as many eigenvectors as `LEADING`, (d, K)."""
        size = len(self.mean)
        if size == 0:
            return np.zeros(0), np.zeros((0, 0))
        if size <= DENSE_PIXELS:
            matrix = sum(
                ((y := self._scores(x)).T @ y).astype(np.float64) for x in self._chunks()
            ) / len(self.x) + np.diag(self.noise)
            values, vectors = np.linalg.eigh(matrix)
        else:
            values, vectors = self._lanczos(size)
        return values[::-1].clip(0.0), vectors[:, ::-1][:, :LEADING]

    def _lanczos(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        from scipy.sparse.linalg import LinearOperator, eigsh

        y = np.concatenate([self._scores(x) for x in self._chunks()])

        def multiply(v: np.ndarray) -> np.ndarray:
            v = v.ravel().astype(np.float32)
            return y.T @ (y @ v) / len(y) + self.noise * v

        operator = LinearOperator((size, size), matvec=multiply, dtype=np.float32)
        start = np.random.default_rng(0).standard_normal(size).astype(np.float32)
        values, vectors = eigsh(operator, k=min(LEADING, size - 1), v0=start)
        order = np.argsort(values)
        return values[order].astype(np.float64), vectors[:, order]

    def _fisher_change(self, x: np.ndarray) -> np.ndarray:
        """By how much one image, given a little weight, changes F, divided by F; (B, d)."""
        if self.kind.is_binary:
            return (1 - 2 * self.mean) * (x - self.mean) / self.fisher
        if self.kind.sigma == "fixed":
            return np.zeros_like(x)
        variance = ((x - self.mean) ** 2).sum(1, keepdims=True) / self.x.shape[1]
        return np.broadcast_to(variance / self.fisher[0] - 1, x.shape)

    def population(self) -> PopulationThreshold:
        count, values = len(self.x), self.eigenvalues
        top, w = values[0], self.vectors[:, 0].astype(np.float64)
        along = np.zeros(self.vectors.shape[1])  # Σ m_k²
        total = coupled = 0.0  # Σ |m|², Σ m₁ wᵀdFw
        for x in self._chunks():
            x = x.astype(np.float64)
            y, change = self._scores(x), self._fisher_change(x)
            diagonal = -top * change
            if self.binarize:
                diagonal = diagonal + x * (1 - x) / self.fisher - self.noise
            moved = y * (y @ w)[:, None] + (diagonal + self.noise) * w - top * w
            parts = moved @ self.vectors
            along += (parts**2).sum(0)
            total += (moved**2).sum()
            coupled += (parts[:, 0] * (change @ w**2)).sum()
        along, rest = along / count, max(0.0, total - along.sum()) / count
        return self._population(along, rest, coupled / count, count)

    def _population(
        self, along: np.ndarray, rest: float, coupled: float, count: int
    ) -> PopulationThreshold:
        """Error and bias from E[m_k²], E[|m|²] beyond the leading ones and E[m₁ wᵀdFw]."""
        values, kept = self.eigenvalues, len(along)
        top, w = values[0], self.vectors[:, 0].astype(np.float64)
        gaps = top - values[:kept]
        shifts = (np.sqrt(gaps**2 + 4 * along / count) - gaps) / 2
        far = top - (values[kept:].mean() if len(values) > kept else 0.0)
        bias = shifts[1:].sum() + rest / (count * far)
        bias += (top * (w**2 @ self._variances() - 1) - coupled) / count
        return PopulationThreshold(float(top - bias), math.sqrt(along[0] / count), float(bias))

    def _variances(self) -> np.ndarray:
        """Σ_jj / F_jj of a Bernoulli likelihood; 0 of a Gaussian one, whose F has no p² in it."""
        if not self.kind.is_binary:
            return np.zeros_like(self.mean)
        return self._average(lambda x: self._scores(x) ** 2)
