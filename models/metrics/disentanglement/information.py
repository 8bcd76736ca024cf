"""Scores made of the mutual information I(z_j; v_k) of latents and factors.

All take a matrix of latents × factors in nats, as `mutual_information` gives it.
"""

from __future__ import annotations

import numpy as np

from models.metrics.disentanglement.preparation import Prepared


def mutual_information(prepared: Prepared) -> np.ndarray:
    """Measures I(z_j; v_k) of the bins of latents and factors.

    It is the information in the counts, which for N images is too large by about
    (bins - 1)(bins - 1) / 2N nats where both are independent.

    Returns:
        Nats, shape (Z, K), from 0 to the entropy of the factor.

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
        >>> mutual_information(Prepared(grid, grid)).round(3).tolist()
        [[2.079, 0.0], [0.0, 2.079]]
    """
    from sklearn.metrics import mutual_info_score

    return np.array(
        [
            [max(0.0, mutual_info_score(code, factor)) for factor in prepared.factor_bins.T]
            for code in prepared.code_bins.T
        ]
    )


def factor_entropies(prepared: Prepared) -> np.ndarray:
    """Measures the entropy H(v_k) of every factor's bins in nats, shape (K,).

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
        >>> factor_entropies(Prepared(grid, grid)).round(4).tolist()
        [2.0794, 2.0794]
    """
    from scipy.stats import entropy

    return np.array([entropy(np.bincount(factor)) for factor in prepared.factor_bins.T])


def mutual_information_gap(information: np.ndarray, entropies: np.ndarray) -> float:
    """Scores how far each factor's best latent is ahead of its second best.

        MIG = 1/K Σ_k (max_j I(z_j; v_k) - second_j I(z_j; v_k)) / H(v_k)

    Args:
        information: Nats, (Z, K).
        entropies: Nats, (K,).

    Returns:
        0 to 1; a factor in two latents alike counts 0.

    Source:
        Chen, Li, Grosse & Duvenaud, Isolating Sources of Disentanglement in VAEs, 2018,
        arXiv 1802.04942, equation 6.

    Example:
        >>> gap = mutual_information_gap(np.array([[0.6, 0.1], [0.2, 0.5]]), np.array([0.7, 0.7]))
        >>> round(gap, 6)
        0.571429
    """
    sorted_down = np.sort(np.vstack([information, np.zeros_like(entropies)]), 0)[::-1]
    return float(((sorted_down[0] - sorted_down[1]) / entropies).mean())


def modularity(information: np.ndarray) -> float:
    """Scores whether each latent carries one factor only.

        1 - Σ_{k ≠ best} I(z_j; v_k)² / ((K - 1) max_k I(z_j; v_k)²), the mean over latents

    Latents without any information do not count; without one that has some it is 0.

    Args:
        information: Nats, (Z, K), K at least 2.

    Source:
        Ridgeway & Mozer, Learning Deep Disentangled Embeddings with the F-Statistic Loss, 2018,
        arXiv 1802.05312, section 2.

    Example:
        >>> modularity(np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 0.0]]))
        0.5
    """
    informed = information[information.max(1) > 0] ** 2
    if not len(informed):
        return 0.0
    best = informed.max(1)
    others = (informed.sum(1) - best) / (best * (informed.shape[1] - 1))
    return float((1 - others).mean())


def _concentration(shares: np.ndarray) -> float:
    """How much of each row lies in its largest entry: 0 if all are alike, 1 if it is all.

    The mean over the rows that are not zero; with a single column every such row has all.
    """
    shares = shares[shares.sum(1) > 0]
    if not len(shares):
        return 0.0
    if shares.shape[1] == 1:
        return 1.0
    even = 1 / shares.shape[1]
    return float(((shares.max(1) / shares.sum(1) - even) / (1 - even)).mean())


def info_m(information: np.ndarray, entropies: np.ndarray) -> float:
    """Scores modularity: the share of a latent's normalised information in its best factor.

        InfoM = mean_j (max_k N_jk / Σ_k N_jk - 1/K) / (1 - 1/K),   N_jk = I(z_j; v_k) / H(v_k)

    Source:
        Hsu, Dorrell, Whittington, Wu & Finn, Disentanglement via Latent Quantization, 2023,
        arXiv 2305.18378, section 5.

    Example:
        >>> info_m(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 2.0]))
        0.5
    """
    return _concentration(information / entropies)


def info_c(information: np.ndarray, entropies: np.ndarray) -> float:
    """Scores compactness: the share of a factor's information in its best latent.

        InfoC = mean_k (max_j N_jk / Σ_j N_jk - 1/Z') / (1 - 1/Z')

    Z' counts the latents that have any information; the others are left out. A factor that no
    latent has counts 0.

    Source:
        As `info_m`.

    Example:
        >>> info_c(np.array([[2.0, 1.0], [0.0, 1.0], [0.0, 0.0]]), np.array([2.0, 2.0]))
        0.5
    """
    shares = (information / entropies)[information.max(1) > 0].T
    known = (shares.sum(1) > 0).mean() if shares.size else 0.0
    return float(known * _concentration(shares)) if known else 0.0
