"""What a two-latent model of the digits says of single images, by quadrature."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.lessons.measure.repeat import Progress
from models.lessons.measure.small import digits
from models.lessons.measurement import Measurement
from models.metrics.likelihood import binarize
from models.metrics.quadrature import Grid, exact_log_evidence, plane_grid
from models.objectives.distributions import normal_log_prob
from models.storage.checkpoint import read, restore
from models.training.optimizer import Adam

MODEL = "digits-2d-beta-1"
IMAGES = 20
"""Test images for every seed."""
NODES = 16
"""Gauss–Hermite nodes for each latent."""
FIT_STEPS = 300
_CHECKPOINTS = Path(__file__).resolve().parents[3] / "checkpoints"


class Shipped(NamedTuple):
    """The shipped model with the grid on which its posteriors are drawn."""

    model: Any
    grid: Grid


@functools.cache
def shipped() -> Shipped:
    """Opens the model that ships."""
    checkpoint = read(_CHECKPOINTS / f"{MODEL}.safetensors")
    codes = checkpoint.codes
    grid = plane_grid(torch.tensor(codes.mean), torch.tensor(codes.log_variance), step=0.75)
    return Shipped(restore(checkpoint), grid)


def _chosen(seeds: Sequence[int], count: int) -> np.ndarray:
    """Numbers of test images, drawn by the first seed: `count` for every seed, none twice."""
    order = np.random.default_rng(seeds[0]).permutation(len(digits()[1].images))
    return order[: count * len(seeds)]


# --- ln p(x) of digits and of what is none --------------------------------------------------------


def density(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures ln p(x), exactly, of digits and of what is none, each binarised.

    `evidence`, in nats, for the same digits as they are, with their pixels shuffled, inverted,
    and for as many images of pure noise, blank ones, and patches of photographs.
    """
    numbers = _chosen(seeds, IMAGES)
    kinds = pictures(numbers, seeds[0])
    found = {}
    for place, (name, images) in enumerate(kinds.items()):
        binary = binarize(torch.tensor(images), seeds[0])
        found[name] = tuple(_evidence(binary).tolist())
        progress((place + 1) / len(kinds))
    return Measurement("density", tuple(map(int, numbers)), "images", {"evidence": found})


def _evidence(images: Tensor) -> Tensor:
    """ln p(x) of binary images under the shipped model, in nats, shape (B,)."""
    model = shipped().model
    with torch.no_grad():
        codes = model.encode(images)
    return exact_log_evidence(model.log_likelihood_pairs, images, *codes).log_value


def pictures(numbers: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Makes the kinds of images that are compared, each of shape (N, 1, 8, 8).

    Example:
        >>> {images.shape for images in pictures(np.arange(3), seed=0).values()}
        {(3, 1, 8, 8)}
    """
    generator = np.random.default_rng(seed)
    real = digits()[1].images[numbers]
    shuffled = generator.permuted(real.reshape(len(real), -1), axis=1).reshape(real.shape)
    return {
        "a digit": real,
        "its pixels shuffled": shuffled,
        "its inverse": 1 - real,
        "noise": generator.random(real.shape, np.float32),
        "a blank image": np.zeros_like(real),
        "a patch of a photograph": _patches(len(real), generator),
    }


def _patches(count: int, generator: np.random.Generator) -> np.ndarray:
    """Patches of eight by eight pixels of scikit-learn's photograph of a temple, in grey."""
    from sklearn.datasets import load_sample_image

    grey = load_sample_image("china.jpg").astype(np.float32).mean(2) / 255
    grey = grey[:424, :640].reshape(53, 8, 80, 8).mean((1, 3))  # each patch shows something
    rows, columns = generator.integers(0, 45, count), generator.integers(0, 72, count)
    found = [grey[r : r + 8, c : c + 8] for r, c in zip(rows, columns, strict=True)]
    return np.stack(found)[:, None].astype(np.float32)


# --- the gaps between ln p(x) and the ELBO --------------------------------------------------------


def gaps(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures what the ELBO of single images misses of ln p(x), and why, in nats.

    `gap`: "encoder", ELBO of the best Gaussian of this image less that of the encoder's; "shape",
    ln p(x) less the ELBO of the best Gaussian with a diagonal covariance; "both", their sum.
    """
    numbers = _chosen(seeds, IMAGES)
    model = shipped().model
    images = binarize(torch.tensor(digits()[1].images[numbers]), seeds[0])
    exact = _evidence(images)
    with torch.no_grad():
        mean, log_variance = model.encode(images)
        by_encoder = _elbo(model, images, mean, log_variance)
    progress(0.2)
    best = _best_elbo(model, images, mean, log_variance, lambda s: progress(0.2 + 0.8 * s))
    rows = {
        "encoder": best - by_encoder, "shape": exact - best, "both": exact - by_encoder,
    }  # fmt: skip
    values = {name: tuple(row.tolist()) for name, row in rows.items()}
    return Measurement("gaps", tuple(map(int, numbers)), "images", {"gap": values})


def _nodes() -> tuple[Tensor, Tensor]:
    """Places (K, 2) and log-weights (K,) whose weighted sum is the mean over N(0, I)."""
    places, weights = np.polynomial.hermite_e.hermegauss(NODES)
    places, weights = torch.tensor(places), torch.tensor(weights / weights.sum())
    return torch.cartesian_prod(places, places), torch.outer(weights, weights).flatten()


def _elbo(model: Any, images: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """ELBO of every image under its Gaussian, in nats, without sampling; shape (B,), float64."""
    places, weights = _nodes()
    mean, log_variance = mean.double()[:, None], log_variance.double()[:, None]
    z = mean + torch.exp(0.5 * log_variance) * places  # (B, K, 2)
    repeated = images.repeat_interleave(len(places), 0)
    likelihood = model.log_likelihood(repeated, z.flatten(0, 1).float()).double()
    ratio = normal_log_prob(z, 0.0, 0.0) - normal_log_prob(z, mean, log_variance)
    return (likelihood.view(len(images), -1) + ratio.sum(2)) @ weights


def _best_elbo(
    model: Any, images: Tensor, mean: Tensor, log_variance: Tensor, progress: Progress
) -> Tensor:
    """The ELBO of the best Gaussian of every image, found from the encoder's on."""
    mean = mean.detach().clone().requires_grad_()
    log_variance = log_variance.detach().clone().requires_grad_()
    optimizer, best = Adam([mean, log_variance], 0.03), torch.full((len(images),), -torch.inf)
    for step in range(FIT_STEPS):
        optimizer.rate = 0.03 * 0.5 * (1 + math.cos(math.pi * step / FIT_STEPS))
        value = _elbo(model, images, mean, log_variance)
        best = torch.maximum(best.double(), value.detach())
        optimizer.zero_grad()
        (-value.sum()).backward()
        optimizer.step()
        if step % 20 == 0:
            progress(step / FIT_STEPS)
    progress(1.0)
    return best


# --- a posterior of two lobes, and the fit by either divergence -----------------------------------


def lobes(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures both fits of a Gaussian to true posteriors that have two lobes.

    The test images, binarised by each seed, whose p(z|x) has the deepest valley between two
    lobes. For the Gaussian that is best by KL(q ‖ p) and the one that is best by KL(p ‖ q):
    `covered`, the mass of p within two standard deviations of q; `wasted`, the mass of q where p
    is below a hundredth of its peak.
    """
    rows, numbers = [], []
    for place, seed in enumerate(seeds):
        images = binarize(torch.tensor(digits()[1].images), seed)
        for number in _two_lobed(images, 4):
            rows.append(_fits(images[number : number + 1]))
            numbers.append(int(number) + 1000 * seed)
        progress((place + 1) / len(seeds))
    values = {
        quantity: {name: tuple(row[quantity][name] for row in rows) for name in rows[0][quantity]}
        for quantity in rows[0]
    }
    return Measurement("lobes", tuple(numbers), "images", values)


def _coarse() -> Grid:
    """A grid that shows lobes: as far as the codes reach, a few hundred points a side at most."""
    grid = shipped().grid
    step = max(1, len(grid.x) // 120), max(1, len(grid.y) // 120)
    return Grid(grid.x[:: step[0]], grid.y[:: step[1]])


def _points(grid: Grid) -> Tensor:
    """Every point of a grid, shape (X·Y, 2), y running fastest."""
    return torch.cartesian_prod(grid.x, grid.y)


def _posteriors(images: Tensor, grid: Grid) -> np.ndarray:
    """p(z|x) of every image on a grid, shape (B, X, Y), each summing to 1."""
    points = _points(grid)
    with torch.no_grad():
        log = shipped().model.log_likelihood_pairs(images, points.float()).double()
    log = log + normal_log_prob(points, 0.0, 0.0).sum(1)
    weights = torch.exp(log - log.logsumexp(1, keepdim=True))
    return weights.view(len(images), len(grid.x), len(grid.y)).numpy()


def _two_lobed(images: Tensor, count: int) -> np.ndarray:
    """The images whose posterior has the highest second lobe, across a valley of half of it."""
    grid = _coarse()
    found = [
        _second_lobe(posterior)
        for part in images.split(50)
        for posterior in _posteriors(part, grid)
    ]
    return np.argsort(found)[::-1][:count]


def _second_lobe(posterior: np.ndarray) -> float:
    """Height of the second lobe as a share of the first; 0 if no valley parts them."""
    from scipy.ndimage import label, maximum_filter

    peaks = np.argwhere((maximum_filter(posterior, 5) == posterior) & (posterior > 0))
    heights = posterior[tuple(peaks.T)]
    order = np.argsort(heights)[::-1]
    for second in order[1:4]:
        parts, _ = label(posterior > 0.5 * heights[second])
        if parts[tuple(peaks[second])] != parts[tuple(peaks[order[0]])]:
            return float(heights[second] / heights[order[0]])
    return 0.0


def _fits(image: Tensor) -> dict[str, dict[str, float]]:
    """Both fits to the posterior of one image."""
    grid = _coarse()
    (posterior,) = _posteriors(image, grid)
    mass, points = posterior.ravel(), _points(grid).numpy()
    mean = mass @ points
    moments = mean, np.sqrt(mass @ (points - mean) ** 2)
    fits = {"KL(q ‖ p)": _reverse_fit(image, mass, points), "KL(p ‖ q)": moments}
    covered, wasted = {}, {}
    for name, (centre, deviation) in fits.items():
        scaled = (((points - centre) / deviation) ** 2).sum(1)
        density = np.exp(-0.5 * scaled)
        covered[name] = float(mass[scaled < 4].sum())
        wasted[name] = float(density[mass < 0.01 * mass.max()].sum() / density.sum())
    return {"covered": covered, "wasted": wasted}


def _reverse_fit(
    image: Tensor, mass: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and deviations of the Gaussian with the best ELBO, from the highest point on."""
    mean = torch.tensor(points[mass.argmax()], dtype=torch.float32)[None].requires_grad_()
    log_variance = torch.full((1, 2), -3.0).requires_grad_()
    optimizer = Adam([mean, log_variance], 0.05)
    for _ in range(150):
        optimizer.zero_grad()
        (-_elbo(shipped().model, image, mean, log_variance).sum()).backward()
        optimizer.step()
    return mean.detach().numpy()[0], torch.exp(0.5 * log_variance).detach().numpy()[0]
