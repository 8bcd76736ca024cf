"""Disentanglement by thought experiment: what perfect, useless, doubled and turned codes score."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from models.metrics.disentanglement.preparation import (
    CODE_BINS,
    Prepared,
    bin_values,
    standardise,
    without_inactive,
)
from models.metrics.disentanglement.scores import (
    PROBES,
    SCORES,
    disentanglement_scores,
    factor_matrix,
    rotate,
)
from tests.models.metrics.disentanglement import oracle

GRID = np.array(list(itertools.product(range(3), range(6), range(8), range(5))), float)
"""Four factors in every combination: independent to the last count."""
NOISE = np.random.default_rng(1).normal(size=(720, 4))
SAMPLE = np.random.default_rng(2).random((2000, 3))
MIXED = SAMPLE @ np.array([[1, 0.4, 0, 0], [0, 1, 0.3, 0.5], [0.2, 0, 1, 0]])
MIXED += 0.05 * np.random.default_rng(3).normal(size=MIXED.shape)


def scores(codes, factors=GRID, **options):
    return disentanglement_scores(codes, factors, **options)


def columns(array):
    return [column.tolist() for column in array.T]


# --- known answers -------------------------------------------------------------------------------


def test_mig_of_given_informations():
    gap = mutual_information_gap(np.array([[0.6, 0.1], [0.2, 0.5]]), np.array([0.7, 0.7]))
    assert gap == pytest.approx(0.571429, abs=5e-7)


PERFECT = {
    "the factors": GRID,
    "permuted latents": GRID[:, [2, 0, 3, 1]],
    "signs and scales": GRID * [-3, 0.01, 100, 1] + [5, 0, -7, 1],
    "a rising function": np.sinh(GRID),
    "beside constants": np.concatenate([0 * GRID, GRID, 0 * GRID], 1),
}


@pytest.mark.parametrize("case", PERFECT)
def test_perfect_codes_score_one(case):
    found = scores(PERFECT[case])
    rest = {name: value for name, value in found.items() if name != "infoe"}
    assert rest == pytest.approx(dict.fromkeys(rest, 1.0), abs=1e-12)
    floor = 0.995 if case != "a rising function" else 0.5  # linear predictors see the bend
    assert found["infoe"] > floor


def test_constant_codes_score_nothing():
    found = scores(0 * GRID + 3)
    chance = np.mean([1 / 3, 1 / 6, 1 / 8, 1 / 5])
    assert found.pop("factor_vae") == 1 / 4
    assert found.pop("dci_informativeness") == pytest.approx(chance, abs=0.03)
    assert found == pytest.approx(dict.fromkeys(found, 0.0), abs=1e-5)


def test_codes_of_other_images_score_next_to_nothing():
    shuffled = np.random.default_rng(0).permutation(SAMPLE)
    found = scores(shuffled, SAMPLE)
    for name in ("mig", "sap", "dci_disentanglement", "dci_completeness", "infoe", "infoc"):
        assert found[name] < 0.06, name
    assert found["factor_vae"] == pytest.approx(1 / 3, abs=0.07)
    assert found["dci_informativeness"] == pytest.approx(1 / 10, abs=0.04)


def test_codes_given_twice_are_modular_but_not_compact():
    found = scores(np.concatenate([GRID, GRID], 1))
    assert found["mig"] == found["sap"] == 0.0
    assert found["modularity"] == found["infom"] == found["factor_vae"] == 1.0
    assert found["dci_disentanglement"] == found["dci_informativeness"] == 1.0
    assert found["infoc"] == pytest.approx((1 / 2 - 1 / 8) / (1 - 1 / 8))
    assert found["dci_completeness"] < 1


def test_a_latent_that_follows_two_factors_is_not_modular():
    """All factors in one latent, as the digits of a number, each read by a forest."""
    together = (GRID * [0, 0, 5, 1]).sum(1, keepdims=True)
    found = scores(together, GRID[:, 2:])
    assert found["modularity"] < 0.9 and found["infom"] < 0.6
    assert found["infoc"] == found["dci_completeness"] == pytest.approx(1.0)


def test_what_a_turn_does():
    """Turned by 45° the gap is gone, while whatever reads all latents linearly sees the same."""
    pair = standardise(SAMPLE[:, :2])
    factors = SAMPLE[:, :2]
    labels = (factors[:, 0] > 0.5).astype(int)
    angles = (0, 15, 30, 45, 60, 90)
    found = {a: scores(rotate(pair, a), factors, labels=labels) for a in angles}
    gaps = [found[a]["mig"] for a in (0, 15, 30, 45)]
    assert gaps[0] > 0.97 and gaps == sorted(gaps, reverse=True) and gaps[-1] < 0.03
    assert found[45]["sap"] < 0.03 and found[45]["infom"] < 0.05
    for a in angles:
        assert found[a]["infoe"] == pytest.approx(1.0, abs=1e-9)
        assert found[a]["linear_probe"] > 0.99
    assert found[90]["mig"] == pytest.approx(found[0]["mig"], abs=0.01)
    assert found[30]["mig"] == pytest.approx(found[60]["mig"], abs=0.02)


def test_a_turn_is_a_turn():
    assert rotate(rotate(NOISE, 25, 1, 3), -25, 1, 3) == pytest.approx(NOISE)
    turned = rotate(NOISE, 70)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(NOISE, axis=1))
    with pytest.raises(ValueError, match="two different latents"):
        rotate(NOISE, 10, 2, 2)


@settings(max_examples=15, deadline=None)
@given(
    order=st.permutations(range(4)),
    scale=st.lists(st.floats(0.1, 10).flatmap(lambda s: st.sampled_from([s, -s])), min_size=4,
                   max_size=4),
)  # fmt: skip
def test_no_score_of_information_depends_on_names_signs_or_scales(order, scale):
    changed = (MIXED * scale)[:, list(order)]
    before, after = factor_matrix(MIXED, SAMPLE), factor_matrix(changed, SAMPLE)
    np.testing.assert_allclose(before.information[list(order)], after.information, atol=0.02)
    for score in (mutual_information_gap, info_m, info_c):
        assert score(*before) == pytest.approx(score(*after), abs=0.01)


def test_a_matrix_says_which_latent_follows_which_factor():
    found = factor_matrix(GRID[:, ::-1], GRID)
    np.testing.assert_allclose(found.shares, np.eye(4)[::-1], atol=1e-12)
    np.testing.assert_allclose(found.entropies, np.log([3, 6, 8, 5]))


def test_probes_of_what_is_there_and_what_is_not():
    labels = (SAMPLE[:, 0] * 4).astype(int)
    assert class_probes(SAMPLE[:, :1], labels)["knn"] > 0.98
    ring = np.stack([np.cos(labels * np.pi / 2), np.sin(labels * np.pi / 2)], 1)
    assert class_probes(ring, labels) == dict.fromkeys(PROBES, 1.0)
    useless = class_probes(SAMPLE[:, 1:], labels)
    assert max(useless.values()) == pytest.approx(1 / 4, abs=0.08)
    with pytest.raises(ValueError, match="two classes"):
        class_probes(SAMPLE, 0 * labels)


def test_the_same_seed_gives_the_same_scores_and_labels_add_the_probes():
    labels = GRID[:, 0].astype(int)
    first, again = (scores(NOISE, labels=labels, seed=3) for _ in range(2))
    assert first == again and first.keys() == SCORES.keys() | PROBES.keys()
    assert scores(NOISE, seed=4) != first
    assert all(0 <= value <= 1 for value in first.values())


# --- against the oracle --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "factors"),
    [(MIXED, SAMPLE), (NOISE, GRID), (0 * GRID, GRID), (MIXED[:, :1], SAMPLE), (GRID, GRID)],
    ids=["mixed", "noise", "constant", "one latent", "perfect"],
)
def test_scores_of_information_are_those_of_the_oracle(codes, factors):
    prepared = Prepared(codes, factors)
    bins = columns(prepared.code_bins), columns(prepared.factor_bins)
    matrix, entropies = mutual_information(prepared), factor_entropies(prepared)
    np.testing.assert_allclose(matrix, oracle.table(*bins), atol=1e-9)
    assert mutual_information_gap(matrix, entropies) == pytest.approx(oracle.mig(*bins), abs=1e-9)
    if matrix.max() > 1e-9:
        matrix = np.where(matrix > 1e-12, matrix, 0)
    assert modularity(matrix) == pytest.approx(oracle.modularity(*bins), abs=1e-9)
    assert info_m(matrix, entropies) == pytest.approx(oracle.info_m(*bins), abs=1e-9)
    assert info_c(matrix, entropies) == pytest.approx(oracle.info_c(*bins), abs=1e-9)


def test_dci_is_that_of_the_oracle():
    for importances in (
        np.eye(3), np.zeros((2, 3)), np.random.default_rng(0).random((5, 3)),
        forest_importances(Prepared(MIXED, SAMPLE))[0],
    ):  # fmt: skip
        assert dci(importances, 0.5)[:2] == pytest.approx(oracle.dci(importances.tolist()))


def test_the_forest_uses_what_there_is_to_use():
    importances, accuracy = forest_importances(Prepared(MIXED, SAMPLE))
    assert importances.shape == (4, 3)
    np.testing.assert_allclose(importances.sum(0), 1)
    assert importances.argmax(0).tolist()[2] == 2 and 0.3 < accuracy < 1


def test_sap_is_that_of_the_oracle():
    found = attribute_scores(Prepared(MIXED, SAMPLE))
    expected = oracle.correlation_gap(columns(MIXED), columns(SAMPLE))
    assert separated_attribute_predictability(found) == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_the_factor_vae_score_is_that_of_the_oracle():
    """Other draws: they agree within what 600 votes can tell."""
    for codes in (MIXED, SAMPLE, np.random.default_rng(5).normal(size=MIXED.shape)):
        prepared = Prepared(codes, SAMPLE)
        ours = factor_vae_score(factor_votes(prepared))
        rows, bins = prepared.codes.tolist(), prepared.factor_bins.tolist()
        theirs = oracle.factor_vae(rows, bins, votes=100, group=32, seed=0)
        assert ours == pytest.approx(theirs, abs=0.09)


def test_explicitness_is_the_variance_that_a_plane_explains():
    prepared = Prepared(MIXED, SAMPLE)
    fit = prepared.is_fitted_on
    design = np.c_[prepared.codes, np.ones(len(MIXED))]
    for found, factor in zip(explicitness(prepared), SAMPLE.T, strict=True):
        weights, *_ = np.linalg.lstsq(design[fit], factor[fit])
        error = ((design[~fit] @ weights - factor[~fit]) ** 2).mean()
        null = ((factor[~fit] - factor[fit].mean()) ** 2).mean()
        assert found == pytest.approx(1 - error / null, abs=1e-9)


# --- preparation ---------------------------------------------------------------------------------


@given(
    values=st.lists(st.floats(-100, 100, width=16), min_size=60, max_size=200),
    most=st.integers(2, 20),
)
def test_bins_keep_the_order_and_are_no_more_than_asked(values, most):
    values = np.array(values)
    bins = bin_values(values, most)
    order = np.argsort(values, kind="stable")
    assert (np.diff(bins[order]) >= 0).all() and set(bins) == set(range(bins.max() + 1))
    assert bins.max() < most
    assert all(len(np.unique(bins[values == v])) == 1 for v in np.unique(values))


def test_bins_hold_equally_many_and_those_of_factors_are_made_of_whole_ones():
    fine, coarse = (bin_values(SAMPLE[:, 0], most) for most in (CODE_BINS, CODE_BINS // 2))
    assert np.bincount(fine).tolist() == [100] * 20
    np.testing.assert_array_equal(fine // 2, coarse)


def test_inactive_latents_are_those_with_little_variance():
    codes = NOISE * [1, 0.05, 0.2, 0]
    assert without_inactive(codes).any(0).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("codes", "factors", "sentence"),
    [
        (GRID[1:], GRID, "of the same images"),
        (GRID[:20], GRID[:20], "at least 50 images and 2 factors, got 20 and 4"),
        (GRID, GRID[:, :1], "got 720 and 1"),
        (GRID, GRID * [1, 0, 1, 1], "every factor must vary, got one value in column 2"),
        (GRID * np.nan, GRID, "must be finite numbers"),
    ],
)
def test_what_cannot_be_scored(codes, factors, sentence):
    with pytest.raises(ValueError, match=sentence):
        Prepared(codes, factors)
