"""The collapse threshold: known answers, its linear case, and the error of a sample."""

import math

import numpy as np
import pytest
from sklearn.datasets import load_digits

from models.data.load import load
from models.theory import collapse_threshold as module
from models.theory.collapse_threshold import collapse_threshold, population_threshold
from models.theory.linear_vae import covariance_eigenvalues, linear_optimum


def all_digits():
    return (load_digits().images / 16).reshape(-1, 1, 8, 8).astype(np.float32)


def as_images(pixels):
    return pixels.reshape(len(pixels), 1, 8, 8).astype(np.float32)


# --- known answers -------------------------------------------------------------------------------


def test_all_digits_collapse_above_3_352():
    threshold = collapse_threshold(all_digits())
    assert threshold.beta == pytest.approx(3.352, abs=5e-3)
    assert threshold.spectrum[1:5] == pytest.approx([3.026, 2.739, 1.872, 1.408], abs=5e-3)
    assert threshold.unstable_directions(1.0) == "7"


@pytest.mark.mnist
def test_mnist_collapses_above_33():
    images = load("mnist", "test").images
    assert collapse_threshold(images).beta == pytest.approx(33.06, abs=0.02)


def test_gaussian_digits_collapse_at_beta_1():
    beta = collapse_threshold(all_digits(), "gaussian", sigma=1.0).beta
    assert beta == pytest.approx(0.699, abs=5e-4)
    assert collapse_threshold(all_digits(), "gaussian", sigma=0.5).beta == pytest.approx(4 * beta)


def test_the_gaussian_case_is_where_the_linear_closed_form_loses_its_last_dimension():
    images, sigma = all_digits(), 0.2
    beta = collapse_threshold(images, "gaussian", sigma).beta
    eigenvalues = covariance_eigenvalues(images)
    assert linear_optimum(eigenvalues, 2, sigma, beta * 0.999).active == 1
    assert linear_optimum(eigenvalues, 2, sigma, beta * 1.001).active == 0


@pytest.mark.parametrize("likelihood", ["gaussian-shared", "gaussian-optimal"])
def test_a_learned_sigma_is_the_deviation_of_the_pixels_at_the_collapsed_solution(likelihood):
    images = all_digits()
    deviation = math.sqrt(images.var(0, dtype=np.float64).mean())
    expected = collapse_threshold(images, "gaussian", deviation).beta
    assert collapse_threshold(images, likelihood).beta == pytest.approx(expected)


def test_the_objective_falls_below_the_threshold_and_rises_above_it():
    """One latent whose decoder leaves the mean image by a little, with the best Gaussian q."""
    pixels = all_digits().reshape(-1, 64).astype(np.float64)
    pixels = pixels[:, pixels.var(0) > 0]
    mean = pixels.mean(0)
    fisher = mean * (1 - mean)
    matrix = np.cov(pixels.T, bias=True) / np.sqrt(np.outer(fisher, fisher))
    top, direction = (part[..., -1] for part in np.linalg.eigh(matrix))
    w = 0.05 * direction / np.sqrt(fisher)
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    weights /= weights.sum()

    def objective(beta):
        score, information = (pixels - mean) @ w, w**2 @ fisher
        mu, variance = score / (beta + information), beta / (beta + information)
        z = mu[:, None] + np.sqrt(variance) * nodes  # (N, nodes)
        logits = np.log(mean / (1 - mean)) + z[..., None] * w
        distortion = np.logaddexp(0, logits).sum(-1) - np.einsum("nd,nkd->nk", pixels, logits)
        kl = 0.5 * (mu**2 + variance - 1 - math.log(variance))
        return (distortion @ weights + beta * kl).mean()

    logits = np.log(mean / (1 - mean))
    collapsed = (np.logaddexp(0, logits).sum() - pixels @ logits).mean()
    assert objective(0.97 * top) < collapsed < objective(1.03 * top)


def test_pixels_that_never_vary_are_left_out():
    images = all_digits()
    framed = np.pad(images, ((0, 0), (0, 0), (4, 4), (4, 4)), constant_values=1.0)
    found, expected = collapse_threshold(framed), collapse_threshold(images)
    assert len(found.spectrum) == len(expected.spectrum) == 61
    assert found.beta == pytest.approx(expected.beta, rel=1e-5)
    flat = np.full((5, 1, 8, 8), 0.5, np.float32)
    assert collapse_threshold(flat).beta == population_threshold(flat).estimate == 0


def test_binarised_images_have_their_own_threshold():
    """Drawn once and given as binary images, they have the same one but for the draw."""
    grey = all_digits()
    drawn = np.concatenate(
        [np.random.default_rng(seed).random(grey.shape) < grey for seed in range(10)]
    )
    expected = collapse_threshold(drawn.astype(np.float32)).beta
    found = collapse_threshold(grey, binarize=True).beta
    assert found == pytest.approx(expected, rel=0.01)
    assert found > 1.1 * collapse_threshold(grey).beta


def test_large_images_are_solved_by_iteration(monkeypatch):
    images = all_digits()
    expected = collapse_threshold(images).spectrum
    monkeypatch.setattr(module, "DENSE_PIXELS", 16)
    found = collapse_threshold(images)
    assert not found.is_whole and found.unstable_directions(0.0) == "at least 32"
    np.testing.assert_allclose(found.spectrum, expected[: module.LEADING], rtol=1e-4)
    monkeypatch.setattr(module, "LARGE_IMAGES", 500)
    assert collapse_threshold(images).beta == collapse_threshold(images[:500]).beta


# --- the population ------------------------------------------------------------------------------


def two_factor_pixels(count, seed):
    """Binary pixels that two coins move, the pixels' chances, and β* of the population."""
    fixed, random = np.random.default_rng(5), np.random.default_rng(seed)
    p = fixed.uniform(0.05, 0.95, 64)
    room = np.minimum(p, 1 - p)
    first = room * fixed.uniform(-0.8, 0.8, 64)
    second = (room - abs(first)) * fixed.uniform(-0.9, 0.9, 64)
    coins = random.choice([-1.0, 1.0], (2, count, 1))
    chances = (p + coins[0] * first + coins[1] * second).clip(0, 1)
    covariance = np.outer(first, first) + np.outer(second, second)
    scale = np.sqrt(p * (1 - p))
    grey = np.linalg.eigvalsh(covariance / np.outer(scale, scale))[-1]
    np.fill_diagonal(covariance, scale**2)
    binary = np.linalg.eigvalsh(covariance / np.outer(scale, scale))[-1]
    return random.random(chances.shape) < chances, chances, binary, grey


@pytest.mark.parametrize("kind", ["binary", "binarised", "grey", "gaussian"])
def test_the_interval_covers_a_known_population(kind):
    """300 samples of 300 images: 95 % is the aim, and the bias is gone."""
    covered, estimates, largest = 0, [], []
    for seed in range(300):
        binary, chances, true_binary, true_grey = two_factor_pixels(300, seed)
        pixels = binary if kind == "binary" else chances
        true = true_grey if kind == "grey" else true_binary
        options = {"binarize": True} if kind == "binarised" else {}
        if kind == "gaussian":
            normal = np.random.default_rng(seed).standard_normal((300, 64))
            pixels, true = 0.5 + 0.05 * normal * np.geomspace(2, 0.5, 64), 0.05**2 * 4
            options = {"likelihood": "gaussian"}
        found = population_threshold(as_images(pixels), **options)
        low, high = found.interval()
        covered += low <= true <= high
        estimates.append(found.estimate)
        largest.append(found.estimate + found.bias)
    assert 0.89 <= covered / 300 <= 0.99
    if kind == "binary":  # its bias is three times the error of this mean
        error = np.std(estimates) / math.sqrt(300)
        assert abs(np.mean(estimates) - true) < 3 * error < abs(np.mean(largest) - true)


def test_the_error_is_that_of_a_bootstrap():
    images = all_digits()
    random = np.random.default_rng(0)
    resampled = [
        collapse_threshold(images[random.integers(len(images), size=len(images))]).beta
        for _ in range(200)
    ]
    found = population_threshold(images)
    assert found.standard_error == pytest.approx(np.std(resampled), rel=0.2)
    sample = collapse_threshold(images).beta
    assert found.bias == pytest.approx(np.mean(resampled) - sample, abs=0.015)


def test_too_few_images_are_called_unreliable():
    assert population_threshold(all_digits()).reliable
    noise = np.random.default_rng(0).random((20, 1, 8, 8), dtype=np.float32)
    assert not population_threshold(noise).reliable


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"likelihood": "gaussian-pixel"}, "likelihood must be one of bernoulli, gaussian"),
        ({"likelihood": "gaussian", "sigma": 0.0}, "sigma must be above 0, got 0"),
        ({"images": np.zeros((1, 1, 8, 8))}, "images must be at least 2, got 1"),
    ],
)
def test_what_it_refuses(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        collapse_threshold(**{"images": all_digits(), **given})


# --- the sentence --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beta", "active", "begins", "says"),
    [
        (4.0, 0, "It had to collapse", "β = 4 is above β* = 3.40"),
        (2.0, 0, "It did not have to collapse", "unstable in 2 directions"),
        (3.2, 0, "It did not have to collapse", "unstable in 1 direction;"),
        (1.0, 2, "It could not stay collapsed", "2 of 2 are active"),
        (1.0, 1, "More latents could be active", "1 of 2 are active"),
        (3.2, 1, "It could not stay collapsed", "1 of 2 are active"),
        (4.0, 1, "It could have collapsed", "found a better solution"),
    ],
)
def test_the_sentence_follows_from_the_measurement(beta, active, begins, says):
    threshold = module.CollapseThreshold(np.array([3.4, 3.0, 1.9]), is_whole=True)
    sentence = threshold.explain(beta, active, latents=2)
    assert sentence.startswith(begins) and says in sentence
