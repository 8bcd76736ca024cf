"""Scores of how well, and from which latents, a factor or a class is predicted.

The predictors are scikit-learn's, with the settings that stand here: a random forest
(`FOREST`) for DCI, a decision tree of one latent or the squared correlation for SAP, logistic and
linear regression for explicitness and the linear probe, the vote of the nearest codes for the
other probe. All are fitted on four fifths of the images and scored on the rest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.metrics.disentanglement.preparation import (
    Prepared,
    is_discrete,
    standardise,
)

FOREST = {"n_estimators": 10, "max_depth": 8, "max_features": None, "max_samples": 4000}
"""Of the random forest of DCI: every split may use any latent, so it finds a perfect one."""
NEIGHBOURS = 5
LOGISTIC = {"C": 1e4, "max_iter": 500}
"""Of logistic regression: almost without a penalty."""


class DCI(NamedTuple):
    """Disentanglement, completeness and informativeness of codes, each 0 to 1."""

    disentanglement: float
    completeness: float
    informativeness: float


def forest_importances(prepared: Prepared) -> tuple[np.ndarray, float]:
    """Measures how much a random forest uses each latent to predict each factor.

    Returns:
        R, shape (Z, K), columns that sum to 1, or to 0 where nothing predicts the factor; and the
        share of the held-out images whose factors' bins are predicted, the mean over factors.

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
        >>> importances, accuracy = forest_importances(Prepared(np.tile(grid, (9, 1)),
        ...                                                     np.tile(grid, (9, 1))))
        >>> importances.round(6).tolist(), accuracy
        ([[1.0, 0.0], [0.0, 1.0]], 1.0)
    """
    from sklearn.ensemble import RandomForestClassifier

    columns, accuracies = [], []
    fit = prepared.is_fitted_on
    most = min(FOREST["max_samples"], int(fit.sum()))
    for factor in prepared.factor_bins.T:
        forest = RandomForestClassifier(
            **FOREST | {"max_samples": most}, random_state=prepared.seed, n_jobs=1
        )
        forest.fit(prepared.codes[fit], factor[fit])
        columns.append(forest.feature_importances_)
        accuracies.append(forest.score(prepared.codes[~fit], factor[~fit]))
    return np.stack(columns, 1), float(np.mean(accuracies))


def dci(importances: np.ndarray, informativeness: float) -> DCI:
    """Scores a matrix of importances R, latents × factors.

        D = Σ_j ρ_j (1 - H_K(R_j / Σ_k R_jk)),   ρ_j = Σ_k R_jk / Σ R
        C = mean_k (1 - H_Z(R_k / Σ_j R_jk))

    with entropies to the base of their number of terms. Without importances both are 0; with one
    latent C is 1.

    Args:
        importances: R, shape (Z, K), at least 0, K at least 2.
        informativeness: How well the factors are predicted; it is passed on.

    Source:
        Eastwood & Williams, A Framework for the Quantitative Evaluation of Disentangled
        Representations, 2018, section 2.

    Example:
        >>> dci(np.array([[1.0, 0.0], [0.0, 0.5], [0.0, 0.5]]), 1.0).completeness.__round__(3)
        0.685
    """
    total = importances.sum()
    if total == 0:
        return DCI(0.0, 0.0, informativeness)
    weights = importances.sum(1) / total
    disentanglement = float((weights * _one_minus_entropy(importances)).sum())
    return DCI(disentanglement, float(_one_minus_entropy(importances.T).mean()), informativeness)


def _one_minus_entropy(rows: np.ndarray) -> np.ndarray:
    """1 - the entropy of every row, to the base of its length; 0 for a row of zeros."""
    from scipy.special import xlogy

    sums = rows.sum(1, keepdims=True)
    shares = np.divide(rows, sums, out=np.zeros_like(rows), where=sums > 0)
    base = np.log(rows.shape[1]) if rows.shape[1] > 1 else 1.0
    return np.where(sums[:, 0] > 0, 1 + xlogy(shares, shares).sum(1) / base, 0.0)


def attribute_scores(prepared: Prepared) -> np.ndarray:
    """Measures how well each single latent predicts each factor, shape (Z, K), 0 to 1.

    A factor with many values: the squared correlation. One with few: the balanced accuracy of a
    decision tree of that latent on held-out images, scaled so that guessing is 0.

    Example:
        >>> codes = np.random.default_rng(0).normal(size=(400, 1))
        >>> factors = np.concatenate([codes > 0, codes], 1)
        >>> attribute_scores(Prepared(codes, factors)).round(2).tolist()
        [[1.0, 1.0]]
    """
    scores = np.zeros((prepared.codes.shape[1], prepared.factors.shape[1]))
    for j in np.flatnonzero(prepared.active):
        code = prepared.codes[:, j]
        for k, factor in enumerate(prepared.factors.T):
            if is_discrete(factor):
                scores[j, k] = _tree_score(prepared, code[:, None], prepared.factor_bins[:, k])
            else:
                scores[j, k] = np.corrcoef(code, factor)[0, 1] ** 2
    return scores


def _tree_score(prepared: Prepared, code: np.ndarray, classes: np.ndarray) -> float:
    """Balanced accuracy of a tree on held-out images; guessing is 0."""
    from sklearn.metrics import recall_score
    from sklearn.tree import DecisionTreeClassifier

    fit = prepared.is_fitted_on
    tree = DecisionTreeClassifier(
        max_leaf_nodes=2 * (int(classes.max()) + 1), class_weight="balanced", random_state=0
    )
    predicted = tree.fit(code[fit], classes[fit]).predict(code[~fit])
    there = np.unique(classes[~fit])
    recalls = recall_score(classes[~fit], predicted, labels=there, average=None, zero_division=0)
    chance = 1 / (int(classes.max()) + 1)
    return max(0.0, (float(np.mean(recalls)) - chance) / (1 - chance))


def separated_attribute_predictability(scores: np.ndarray) -> float:
    """Scores how far each factor's best latent is ahead of its second best (SAP).

    Args:
        scores: Of `attribute_scores`, (Z, K).

    Source:
        Kumar, Sattigeri & Balakrishnan, Variational Inference of Disentangled Latent Concepts,
        2018, arXiv 1711.00848, section 3.

    Example:
        >>> separated_attribute_predictability(np.array([[1.0, 0.5], [0.0, 0.5]]))
        0.5
    """
    sorted_down = np.sort(np.vstack([scores, np.zeros(scores.shape[1])]), 0)[::-1]
    return float((sorted_down[0] - sorted_down[1]).mean())


def explicitness(prepared: Prepared) -> np.ndarray:
    """Measures how much of each factor a linear predictor of all latents finds (InfoE).

        1 - loss / loss without codes, at least 0

    The loss is the cross-entropy of a logistic regression for a factor with few values, the squared
    error of a linear one for the others, on held-out images. It does not change if codes are turned
    or mixed linearly.

    Returns:
        Shape (K,), 0 to 1; their mean is InfoE.

    Source:
        Hsu et al. 2023, as `models.metrics.disentanglement.information.info_m`.

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), -1).reshape(-1, 2)
        >>> explicitness(Prepared(grid @ np.array([[0.6, 0.8], [-0.8, 0.6]]), grid)).round(6)
        array([1., 1.])
    """
    codes = prepared.codes
    fit = prepared.is_fitted_on
    found = []
    for k, factor in enumerate(prepared.factors.T):
        if is_discrete(factor):
            found.append(_explained_classes(codes, prepared.factor_bins[:, k], fit))
        else:
            found.append(_explained_variance(codes, factor, fit))
    return np.array(found)


def _explained_variance(codes: np.ndarray, factor: np.ndarray, fit: np.ndarray) -> float:
    from sklearn.linear_model import LinearRegression

    predicted = LinearRegression().fit(codes[fit], factor[fit]).predict(codes[~fit])
    error = ((factor[~fit] - predicted) ** 2).mean()
    return max(0.0, 1 - float(error / ((factor[~fit] - factor[fit].mean()) ** 2).mean()))


def _explained_classes(codes: np.ndarray, classes: np.ndarray, fit: np.ndarray) -> float:
    predictor = _logistic(codes[fit], classes[fit])
    held_out = np.isin(classes, predictor.classes_) & ~fit
    place = np.searchsorted(predictor.classes_, classes[held_out])
    rows = np.arange(len(place))
    logs = np.log(np.maximum(predictor.predict_proba(codes[held_out])[rows, place], 1e-12))
    shares = np.bincount(np.searchsorted(predictor.classes_, classes[fit])) / fit.sum()
    return max(0.0, 1 - float(-logs.mean() / -np.log(shares[place]).mean()))


def _logistic(codes: np.ndarray, classes: np.ndarray) -> Any:
    """A logistic regression; it may stop before its last digit, which no score shows."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(**LOGISTIC).fit(codes, classes)


def class_probes(codes: np.ndarray, labels: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Measures how well classes are told from codes: the accuracy on held-out images.

    Args:
        codes: Posterior means, shape (N, Z), standardised before either probe.
        labels: Classes, whole numbers, shape (N,), at least two of them.
        seed: Of the split.

    Returns:
        `linear_probe`, of a logistic regression, and `knn`, of the vote of the 5 nearest codes;
        shares from 0 to 1.

    Raises:
        ValueError: If there are fewer than two classes.

    Example:
        >>> codes = np.repeat(np.eye(2), 50, axis=0)
        >>> class_probes(codes, codes[:, 0].astype(int))
        {'linear_probe': 1.0, 'knn': 1.0}
    """
    from sklearn.neighbors import KNeighborsClassifier

    codes = standardise(np.asarray(codes, float))
    fit = np.random.default_rng(seed).permutation(len(codes)) % 5 > 0
    if len(np.unique(labels[fit])) < 2:
        raise ValueError("labels must be of at least two classes, got one")
    nearest = KNeighborsClassifier(min(NEIGHBOURS, int(fit.sum()))).fit(codes[fit], labels[fit])
    linear = _logistic(codes[fit], labels[fit])
    return {
        "linear_probe": float(linear.score(codes[~fit], labels[~fit])),
        "knn": float(nearest.score(codes[~fit], labels[~fit])),
    }
