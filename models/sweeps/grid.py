"""The settings of every run of a sweep: a grid of β, seeds and latent dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.capabilities import FAMILIES
from models.config import RunConfig

MAX_RUNS = 1000


def grid(
    config: RunConfig, betas: Sequence[float], seeds: int = 1, latent_dims: Sequence[int] = ()
) -> list[RunConfig]:
    """Lists the settings of every run: β varies fastest, then the seed, then the latent dimension.

    Args:
        config: What they have in common; its seed is the first.
        betas: Values of β, all different.
        seeds: How many seeds, counted up from that of `config`.
        latent_dims: Latent dimensions; none: that of `config`.

    Raises:
        ValueError: If a value is outside its limits or given twice, if there are more than
            `MAX_RUNS` runs, or if there is no β to vary (an autoencoder).

    Example:
        >>> from models.presets import preset
        >>> configs = grid(preset("digits-2d"), [0.5, 1.0], seeds=2)
        >>> [(config.objective.beta, config.training.seed) for config in configs]
        [(0.5, 0), (1.0, 0), (0.5, 1), (1.0, 1)]
    """
    latent_dims = list(latent_dims) or [config.model.latent_dim]
    for name, values in (("betas", betas), ("latent_dims", latent_dims)):
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{name} must be one or more different values, got {list(values)}")
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    count = len(betas) * len(latent_dims) * seeds
    if count > MAX_RUNS:
        raise ValueError(f"a sweep must have at most {MAX_RUNS} runs, got {count}")
    if config.model.capabilities.betas != "one":
        names = [name for name, family in FAMILIES.items() if family.betas == "one"]
        raise ValueError(
            f"family must be {' or '.join(names)} in a sweep over beta, got {config.model.family}"
        )
    first = config.training.seed
    return [
        replace(
            config,
            model=replace(config.model, latent_dim=latent_dim),
            objective=replace(config.objective, beta=float(beta)),
            training=replace(config.training, seed=seed),
        )
        for latent_dim in latent_dims
        for seed in range(first, first + seeds)
        for beta in betas
    ]


def run_title(config: RunConfig, title: str) -> str:
    """Makes a label for one run."""
    what = title or f"{Path(config.data).name} sweep"
    beta, seed = config.objective.beta, config.training.seed
    return f"{what}: β {beta:g}, {config.model.latent_dim} latents, seed {seed}"
