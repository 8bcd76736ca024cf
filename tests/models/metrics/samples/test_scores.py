"""Scores of generated images, against known answers."""

import math

import numpy as np
import pytest

from models.metrics.samples.classes import class_divergence, divergence_floor
from models.metrics.samples.copies import birthday, closeness, exact_copies, nearest
from models.metrics.samples.frechet import (
    Moments,
    frechet_distance,
    frechet_infinity,
    gaussian_frechet,
    moments,
)
from models.metrics.samples.kernel import kernel_distance
from models.metrics.samples.manifold import density_coverage, precision_recall
from models.metrics.samples.scores import Described, jackknife, sample_scores
from models.metrics.samples.two_sample import null_half_width, two_sample_accuracy

RNG = np.random.default_rng
REAL, FAKE = np.array([[0.0, 1, 2, 10], [0.5, 1.5, 2.5, 3.5]])[:, :, None]


@pytest.mark.parametrize(("mean", "sigma"), [(0.0, 1.0), (3.0, 1.0), (1.0, 2.5), (-2.0, 0.0)])
def test_frechet_of_two_normals(mean, sigma):
    other = Moments(np.full(1, mean), np.full((1, 1), sigma**2))
    found = gaussian_frechet(Moments(np.zeros(1), np.eye(1)), other)
    assert found == pytest.approx(mean**2 + (1 - sigma) ** 2)


def test_frechet_is_symmetric_and_zero_for_the_same():
    first, second = RNG(0).normal(size=(2, 200, 6))
    second = second * [1, 2, 3, 1, 1, 0] + 1  # one dimension is constant
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first))
    assert frechet_distance(second, second) == pytest.approx(0, abs=1e-5)
    mean, covariance = moments(second)
    assert np.allclose(mean, second.mean(0)) and np.allclose(covariance, np.cov(second.T))


def test_the_extrapolated_distance_loses_the_bias():
    found = []
    for seed in range(5):
        first, second = RNG(seed).normal(size=(2, 400, 16))
        found.append((frechet_distance(first, second), frechet_infinity(first, second)))
    measured, endless = np.mean(found, 0)
    assert measured > 0.2 and abs(endless) < measured / 4


def test_kernel_distance():
    assert kernel_distance(np.array([[0.0], [2]]), np.array([[1.0], [3]])) == -121
    rows = [kernel_distance(*RNG(seed).normal(size=(2, 100, 4))) for seed in range(40)]
    assert min(rows) < 0 < max(rows)
    assert abs(np.mean(rows)) < 4 * np.std(rows) / math.sqrt(40)


def test_the_mean_over_subsets_tends_to_the_kernel_distance():
    rng = RNG(0)
    first, second = rng.normal(size=(2, 60, 3))
    parts = [
        kernel_distance(first[rng.permutation(60)[:30]], second[rng.permutation(60)[:30]])
        for _ in range(400)
    ]
    assert np.mean(parts) == pytest.approx(
        kernel_distance(first, second), abs=4 * np.std(parts) / 20
    )


def test_the_four_by_hand():
    assert precision_recall(REAL, FAKE, 1) == (1.0, 0.75)
    assert density_coverage(REAL, FAKE, 1) == (1.75, 1.0)


@pytest.mark.parametrize("shift", [0.0, 0.1, 1e6])
def test_sets_of_one_constant_are_within_each_other(shift):
    same = np.full((30, 7), shift + 0.3)
    assert precision_recall(same, same) == (1.0, 1.0)
    density, coverage = density_coverage(same, same)
    assert density == 30 / 5 and coverage == 1.0


def test_a_collapsed_set_is_precise_and_recalls_nothing():
    real = RNG(0).normal(size=(500, 3))
    found = precision_recall(real, real[:1] * 0.1 + 1e-4 * RNG(1).normal(size=(500, 3)))
    assert found.precision > 0.99 and found.recall < 0.01


def test_the_four_by_brute_force():
    real, fake = RNG(0).normal(size=(2, 150, 40))
    fake[:20] = real[:20]
    across = np.linalg.norm(real[:, None] - fake, axis=2)
    reach, reach_of_fake = (
        np.sort(np.linalg.norm(each[:, None] - each, axis=2), 1)[:, 5] for each in (real, fake)
    )
    inside = across <= reach[:, None] + 1e-9
    precision, recall = inside.any(0).mean(), (across <= reach_of_fake + 1e-9).any(1).mean()
    assert precision_recall(real, fake, 5) == pytest.approx((precision, recall))
    expected = inside.sum() / (5 * 150), inside.any(1).mean()
    assert density_coverage(real, fake, 5) == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_density_is_1_and_coverage_1_minus_2_to_the_minus_k_on_average(k):
    """For two sets of one distribution, whatever it is."""
    rows = [density_coverage(*RNG(seed).normal(size=(2, 400, 2)), k) for seed in range(60)]
    error = 4 * np.std(rows, 0) / math.sqrt(60)
    assert (np.abs(np.mean(rows, 0) - (1, 1 - 2.0**-k)) < error + 0.005).all()


@pytest.mark.slow
def test_the_four_of_the_published_example():
    """It is one draw: over seeds 0, 1, 2 density is .91, .99, 1.07 and precision .46, .47, .50."""
    real, fake = RNG(0).normal(size=(2, 10_000, 1000))
    precision, recall = precision_recall(real, fake, 5)
    density, coverage = density_coverage(real, fake, 5)
    assert (precision, recall) == pytest.approx((0.4772, 0.4705), abs=0.04)
    assert density == pytest.approx(1.0555, abs=0.2) and coverage == pytest.approx(0.9735, abs=0.03)


def test_classes():
    assert divergence_floor(1000, 26_000) == pytest.approx(0.0192, abs=5e-5)
    assert class_divergence(np.zeros(9, int), np.full(10, 0.1)) == pytest.approx(math.log(10))
    even = np.full(20, 1 / 20)
    rows = [class_divergence(RNG(s).integers(20, size=1000), even) for s in range(200)]
    assert np.mean(rows) == pytest.approx(divergence_floor(20, 1000), rel=0.15)


def test_copies():
    training = RNG(0).integers(17, size=(300, 12)) / 16
    assert exact_copies(training[:7] + 0.02, training) == 7
    assert exact_copies(training[:7] + 0.04, training) == 0
    usual = nearest(RNG(1).integers(17, size=(100, 12)) / 16, training)
    assert closeness(nearest(training[:50], training), usual) == 0
    assert closeness(usual, usual) == 1


@pytest.mark.parametrize("support", [50, 400])
def test_the_birthday_test_counts_the_different_images(support):
    rng = RNG(support)
    real, known = rng.normal(size=(500, 5)), rng.normal(size=(support, 5))
    found = birthday(known[rng.integers(support, size=500)], real)
    assert found.support == pytest.approx(support, rel=0.25)
    assert found.at_least < found.support
    assert birthday(real, real).support == np.inf


def test_two_samples():
    rows = [two_sample_accuracy(*RNG(s).normal(size=(2, 200, 4)), seed=s) for s in range(30)]
    outside = [abs(share - 0.5) > null_half_width(200) for share in rows]
    assert np.mean(rows) == pytest.approx(0.5, abs=0.03) and sum(outside) <= 6
    assert two_sample_accuracy(RNG(0).normal(size=(200, 4)), RNG(1).normal(3, size=(200, 4))) > 0.95


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = RNG(0).normal(size=(1000, 1))
    halves = [
        jackknife(lambda a, b: {"m": a.pixels.mean()}, Described({}, rows), Described({}, rows))[1]
        for rows in np.split(values.repeat(1, 1), 10)
    ]
    error = np.mean([half["m"] for half in halves]) / 2.262
    assert error == pytest.approx(values.std() / 10, rel=0.25)


def test_real_images_score_as_their_floor_and_few_images_are_refused():
    rows = RNG(0).random((3, 200, 6))
    sets = [Described({"pixels": 3 * x}, x) for x in rows]
    scores = sample_scores(*sets)
    for name in ("pixels.frechet", "pixels.precision", "pixels.recall", "pixels.coverage"):
        found = scores[name]
        assert abs(found.value - found.floor) <= found.half + found.floor_half
    with pytest.raises(ValueError, match="40 or more images, got 12"):
        sample_scores(sets[0].take(np.arange(12)), *sets[1:])
