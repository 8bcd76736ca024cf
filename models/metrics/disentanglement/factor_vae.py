"""The FactorVAE score: which latent is steadiest where one factor is fixed."""

from __future__ import annotations

import numpy as np

from models.metrics.disentanglement.preparation import Prepared

VOTES = 400
"""Votes for every factor, half to learn which latent stands for it and half to score."""
GROUP = 64
"""Images of a vote, drawn with replacement from those that share the bin of the factor."""


def factor_votes(prepared: Prepared) -> np.ndarray:
    """Draws groups of images that share a factor's bin, and finds the steadiest latent of each.

    Steadiest is the latent whose variance in the group, over that of all images, is least; latents
    that do not vary are passed over, and where none varies the first stands for all.

    Returns:
        Latents by factor and vote, int64 (K, `VOTES`).

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
        >>> factor_votes(Prepared(grid, grid)).mean(1).tolist()
        [0.0, 1.0]
    """
    random = np.random.default_rng(prepared.seed)
    active = np.flatnonzero(prepared.active)
    if not len(active):
        return np.zeros((prepared.factors.shape[1], VOTES), np.int64)
    codes = prepared.codes[:, active] / prepared.codes[:, active].std(0)
    found = []
    for bins in prepared.factor_bins.T:
        order = np.argsort(bins, kind="stable")
        sizes = np.bincount(bins)
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        fixed = bins[random.integers(len(bins), size=VOTES)][:, None]
        drawn = order[first[fixed] + (random.random((VOTES, GROUP)) * sizes[fixed]).astype(int)]
        found.append(active[codes[drawn].var(1).argmin(1)])
    return np.stack(found)


def factor_vae_score(votes: np.ndarray) -> float:
    """Scores votes: how often the latent of a vote tells which factor was fixed.

    The first half of the votes says which factor each latent stands for, by majority; the score is
    the share of the second half that this gets right. Useless codes score about 1/K.

    Args:
        votes: Of `factor_votes`, (K, V), V even.

    Source:
        Kim & Mnih, Disentangling by Factorising, 2018, arXiv 1802.05983, section 4.

    Example:
        >>> factor_vae_score(np.array([[0, 0, 0, 0], [2, 2, 2, 0]]))
        0.75
    """
    learned, scored = np.split(votes, 2, axis=1)
    counts = np.stack([np.bincount(row, minlength=votes.max() + 1) for row in learned])
    meaning = counts.argmax(0)
    return float((meaning[scored] == np.arange(len(votes))[:, None]).mean())
