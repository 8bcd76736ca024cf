"""All scores of one model, their names, and what turned codes score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.latents.codes import Codes
from models.metrics.disentanglement.factor_vae import factor_vae_score, factor_votes
from models.metrics.disentanglement.information import (
    factor_entropies,
    info_c,
    info_m,
    modularity,
    mutual_information,
    mutual_information_gap,
)
from models.metrics.disentanglement.prediction import (
    attribute_scores,
    class_probes,
    dci,
    explicitness,
    forest_importances,
    separated_attribute_predictability,
)
from models.metrics.disentanglement.preparation import MIN_IMAGES, Prepared, without_inactive

SCORES = {
    "mig": "MIG",
    "dci_disentanglement": "DCI disentanglement",
    "dci_completeness": "DCI completeness",
    "dci_informativeness": "DCI informativeness",
    "sap": "SAP",
    "factor_vae": "FactorVAE score",
    "modularity": "Modularity",
    "infom": "InfoM",
    "infoc": "InfoC",
    "infoe": "InfoE",
}
"""The scores of codes against factors by their keys on a card, each from 0 to 1, more is better."""
PROBES = {"linear_probe": "Linear probe", "knn": "k-NN"}
"""Those of codes against classes: accuracies."""


def varying_factors(codes: Codes) -> list[int]:
    """Lists the known factors that have more than one value, by column.

    Example:
        >>> factors = np.array([[1.0, 2.0], [1.0, 3.0]])
        >>> varying_factors(Codes(np.zeros((2, 1)), None, np.zeros(2), None, factors))
        [1]
    """
    if codes.factors is None:
        return []
    return np.flatnonzero(codes.factors.min(0) < codes.factors.max(0)).tolist()


def can_be_scored(codes: Codes) -> bool:
    """Tells whether there is what the scores need: images enough and two factors that vary.

    Example:
        >>> can_be_scored(Codes(np.zeros((60, 2)), None, np.zeros(60), None))
        False
    """
    return len(codes) >= MIN_IMAGES and len(varying_factors(codes)) >= 2


def scored_means(codes: Codes) -> np.ndarray:
    """Takes the posterior means (N, Z) as the scores take them: inactive latents of a VAE are 0.

    Example:
        >>> mean = np.array([[1.0, 0.01], [-1.0, 0.02]])
        >>> scored_means(Codes(mean, np.zeros((2, 2)), np.zeros(2), None)).tolist()
        [[1.0, 0.0], [-1.0, 0.0]]
    """
    return codes.mean if codes.log_variance is None else without_inactive(codes.mean)


def score_codes(codes: Codes, seed: int = 0) -> dict[str, float]:
    """Measures every score of a model's codes for which there is what it needs.

    Factors of a single value are left out.

    Args:
        codes: Of a test set.
        seed: Of all draws.

    Returns:
        As `disentanglement_scores`; nothing unless `can_be_scored`.

    Example:
        >>> score_codes(Codes(np.zeros((60, 2)), None, np.zeros(60), None))
        {}
    """
    if not can_be_scored(codes):
        return {}
    factors = codes.factors[:, varying_factors(codes)]
    return disentanglement_scores(scored_means(codes), factors, codes.labels, seed)


class FactorMatrix(NamedTuple):
    """Says which latent follows which factor.

    Attributes:
        information: I(z_j; v_k) in nats, (Z, K).
        entropies: H(v_k) in nats, (K,).
    """

    information: np.ndarray
    entropies: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """The share of each factor's entropy that each latent knows, 0 to 1, (Z, K)."""
        return self.information / self.entropies


def factor_matrix(codes: np.ndarray, factors: np.ndarray) -> FactorMatrix:
    """Measures which latent follows which factor.

    Args:
        codes: Posterior means, (N, Z).
        factors: Of the same images, (N, K).

    Raises:
        ValueError: If they do not fit each other, see `Prepared`.

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
        >>> factor_matrix(grid, grid).shares.round(3).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    prepared = Prepared(codes, factors)
    return FactorMatrix(mutual_information(prepared), factor_entropies(prepared))


def disentanglement_scores(
    codes: np.ndarray, factors: np.ndarray, labels: np.ndarray | None = None, seed: int = 0
) -> dict[str, float]:
    """Measures every score of `SCORES`, and of `PROBES` where there are classes.

    Args:
        codes: Posterior means, shape (N, Z).
        factors: What the images were made from, shape (N, K).
        labels: Their classes, shape (N,); None leaves out the probes.
        seed: Of all draws; the same seed gives the same scores.

    Raises:
        ValueError: If they do not fit each other, see `Prepared`.

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
        >>> grid = np.tile(grid, (9, 1))
        >>> scores = disentanglement_scores(grid, grid)
        >>> min(scores.values()) > 0.99, disentanglement_scores(0 * grid, grid)["mig"]
        (True, 0.0)
    """
    prepared = Prepared(codes, factors, seed)
    information, entropies = mutual_information(prepared), factor_entropies(prepared)
    parts = dci(*forest_importances(prepared))
    scores = {
        "mig": mutual_information_gap(information, entropies),
        "dci_disentanglement": parts.disentanglement,
        "dci_completeness": parts.completeness,
        "dci_informativeness": parts.informativeness,
        "sap": separated_attribute_predictability(attribute_scores(prepared)),
        "factor_vae": factor_vae_score(factor_votes(prepared)),
        "modularity": modularity(information),
        "infom": info_m(information, entropies),
        "infoc": info_c(information, entropies),
        "infoe": float(explicitness(prepared).mean()),
    }
    if labels is not None and len(np.unique(labels)) > 1:
        scores |= class_probes(prepared.codes, labels, seed)
    return scores


def rotate(codes: np.ndarray, degrees: float, first: int = 0, second: int = 1) -> np.ndarray:
    """Turns codes in the plane of two latents.

    Args:
        codes: Shape (N, Z).
        degrees: Anticlockwise.
        first: A latent.
        second: Another one.

    Raises:
        ValueError: If both are the same.

    Example:
        >>> rotate(np.array([[1.0, 0.0, 5.0]]), 90).round(6).tolist()
        [[0.0, 1.0, 5.0]]
    """
    if first == second:
        raise ValueError(f"a plane must have two different latents, got {first} twice")
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = np.array(codes, float)
    turned[:, first] = cosine * codes[:, first] - sine * codes[:, second]
    turned[:, second] = sine * codes[:, first] + cosine * codes[:, second]
    return turned
