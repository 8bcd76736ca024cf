"""t-SNE maps of codes; openTSNE is imported only to compute one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def tsne(
    mean: np.ndarray,
    perplexity: float = 30.0,
    iterations: int = 125,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    r"""Computes a t-SNE embedding. It has no inverse: a spot between points has no code.

    Args:
        mean: Codes, shape (N, Z), N ≥ 4.
        perplexity: Effective number of neighbours; lowered to (N - 1) / 3 for small sets.
        iterations: Steps after the early exaggeration, which takes as many again.
        seed: Of the neighbour search; maps start from PCA, so they look alike between runs.
        threads: Processor threads.
        progress: Called with the share that is done, 0 to 1.

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
