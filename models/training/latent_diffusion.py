"""Diffusion in a latent space: a small model of the codes, trained in seconds, and what it shows.

Everything that is shown is an array: pages need no torch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from models.config import RunConfig, TrainingConfig
from models.families.point_diffusion import PointDiffusion
from models.objectives.denoising import BEST, add_noise, alpha_bars, ddim_path, step_times
from models.training.trainer import Training

UPDATES = 2000
BATCH = 256
MAX_POINTS = 2000
"""Most codes that it learns from."""


class LatentFlow(NamedTuple):
    """The process as arrays, in the units of the codes.

    Attributes:
        times: t of every frame, falling from T to 0, shape (F,).
        noise_steps: T.
        kept: √ᾱ_t of every frame: the share of a code's length that is left, shape (F,).
        points: Draws on their way from noise to codes, shape (F, N, Z).
        noised: The codes themselves with the noise of t, shape (F, M, Z).
        grid: Where the arrows start, shape (G, Z).
        arrows: The score at the grid, ∇ ln p_t, shape (F, G, Z); at t = 0 that of t = 1.
        noise_error: Mean squared error of ε̂ on the codes, 1 for a guess of 0.
    """

    times: np.ndarray
    noise_steps: int
    kept: np.ndarray
    points: np.ndarray
    noised: np.ndarray
    grid: np.ndarray
    arrows: np.ndarray
    noise_error: float


def fit_points(points: np.ndarray, seed: int = 0, updates: int = UPDATES) -> PointDiffusion:
    """Trains a diffusion model of points, by the trainer of all models.

    Args:
        points: Shape (N, Z), N ≥ 2, of about unit size.
        seed: Of its weights and noise.
        updates: About how many.

    Returns:
        The model, in evaluation mode.

    Raises:
        TrainingDivergedError: If the loss does not stay finite.

    Example:
        >>> fit_points(np.zeros((10, 2), np.float32), updates=5).training
        False
    """
    repeated = np.resize(points.astype(np.float32), (max(BATCH, len(points)), points.shape[1]))
    images = repeated[:, None, None, :]
    epochs = max(1, updates // (len(images) // BATCH))
    settings = TrainingConfig(
        epochs=epochs, batch_size=BATCH, learning_rate=3e-3, warmup_steps=50, seed=seed
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PointDiffusion(points.shape[1])
    for _ in Training(model, RunConfig(training=settings), images, images[:BATCH]).events():
        pass
    return model.eval()


def latent_flow(
    codes: np.ndarray,
    has_prior: bool = True,
    draws: int = 200,
    frames: int = 21,
    side: int = 13,
    seed: int = 0,
    updates: int = UPDATES,
) -> LatentFlow:
    """Trains a diffusion model of 2-D codes and follows draws from N(0, I) to the codes.

    Args:
        codes: Means of q(z|x), shape (N, 2).
        has_prior: Whether codes are measured in standard deviations of a prior; if not, they are
            brought to mean 0 and standard deviation 1 while they are noised.
        draws: How many points are drawn.
        frames: How many t are shown, T and 0 among them.
        side: Arrows along one side of the grid.
        seed: Of everything that is drawn.
        updates: Of the model, about.

    Raises:
        ValueError: If the codes have not two dimensions, or there are fewer than two.

    Example:
        >>> latent_flow(np.zeros((5, 3)))
        Traceback (most recent call last):
        ValueError: codes must have shape (N, 2) with N at least 2, got (5, 3)
    """
    if codes.ndim != 2 or codes.shape[1] != 2 or len(codes) < 2:
        raise ValueError(f"codes must have shape (N, 2) with N at least 2, got {codes.shape}")
    codes = codes[:MAX_POINTS].astype(np.float32)
    centre, scale = np.zeros(2, np.float32), np.float32(1)
    if not has_prior:
        centre, scale = codes.mean(0), np.float32(codes.std() + 1e-6)
    unit = torch.from_numpy((codes - centre) / scale)
    model = fit_points(unit.numpy(), seed, updates)
    times, shares = step_times(model.noise_steps, frames - 1), alpha_bars(model.noise_steps)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(draws, 2, generator=generator)
    path = _follow(model, start, times)
    noise = torch.randn(unit.shape, generator=generator)
    noised = [add_noise(unit, noise, shares[time].item()) for time in times]
    reach = max(3.0, float(unit.abs().max()))
    ticks = torch.linspace(-reach, reach, side)
    grid = torch.cartesian_prod(ticks, ticks)
    arrows = [model.score_at(grid, max(1, time)) for time in times]

    def in_units(parts: list[torch.Tensor]) -> np.ndarray:
        return torch.stack(parts).numpy() * scale + centre

    return LatentFlow(
        np.array(times),
        model.noise_steps,
        shares[times].sqrt().numpy(),
        in_units(path),
        in_units(noised),
        grid.numpy() * scale + centre,
        torch.stack(arrows).numpy() / scale,
        float(model.score(unit[:, None, None], seed)["noise_error"]),
    )


def _follow(model: PointDiffusion, start: torch.Tensor, shown: list[int]) -> list[torch.Tensor]:
    """Where points are at the times that are shown, on a walk that makes finer steps."""
    times = step_times(model.noise_steps, model.noise_steps // 2)
    times = sorted({*times, *shown}, reverse=True)
    shares, sampler = alpha_bars(model.noise_steps), BEST._replace(clip=False)
    path = ddim_path(model.guess_at, start, times, shares, sampler)
    return [moment.noisy for moment in path if moment.time in shown]
