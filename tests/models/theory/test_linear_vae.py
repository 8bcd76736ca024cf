"""The linear VAE: its closed form is what its weights score, and what training reaches."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.families.registry import build_model
from models.metrics.likelihood import collapsed_distortion, elbo
from models.presets import PRESETS
from models.theory import linear_vae
from models.theory.linear_vae import covariance_eigenvalues, linear_curve, linear_optimum
from models.training.trainer import Training

EIGENVALUES = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
SIGMA = math.sqrt(0.5)
BETAS = [0.5, 1.0, 2.0, 4.0, 8.0]
SCALE = 0.5
"""Grey levels per unit of the known answers: R does not feel it, SSE is in its square."""


def gaussian_images(count=1000):
    """8 × 8 images around grey whose covariance has exactly `EIGENVALUES` (times `SCALE`²)."""
    random = np.random.default_rng(0)
    z = random.standard_normal((count, 5))
    z -= z.mean(0)
    z = np.linalg.solve(np.linalg.cholesky(z.T @ z / count), z.T).T  # sample covariance: identity
    axes = np.linalg.qr(random.standard_normal((64, 5)))[0]
    images = 0.5 + SCALE * (z * np.sqrt(EIGENVALUES)) @ axes.T
    return images.reshape(count, 1, 8, 8).astype(np.float32)


def model_config(latent_dim=5):
    return ModelConfig(
        image_shape=(1, 8, 8),
        hidden=(),
        latent_dim=latent_dim,
        likelihood="gaussian",
        sigma=SCALE * SIGMA,
    )


def optimum(beta, latent_dim=5):
    """The closed form for `gaussian_images`."""
    given = np.pad(EIGENVALUES, (0, 59)) * SCALE**2
    return linear_optimum(given, latent_dim, SCALE * SIGMA, beta)


# --- the closed form -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beta", "rate", "error", "active"),
    [
        (0.5, 3.4657, 1.25, 4),
        (1.0, 2.0794, 2.25, 3),
        (2.0, 1.0397, 3.75, 2),
        (4.0, 0.3466, 5.75, 1),
        (8.0, 0.0, 7.75, 0),
    ],
)
def test_known_answers(beta, rate, error, active):
    best = linear_optimum(EIGENVALUES, 5, SIGMA, beta)
    assert best.rate == pytest.approx(rate, abs=5e-5)
    assert best.squared_error == pytest.approx(error, abs=1e-9)
    assert best.active == active == np.count_nonzero(best.rate_per_dimension)
    assert best.rate_per_dimension.sum() == pytest.approx(best.rate)
    constant = 2.5 * math.log(2 * math.pi * 0.5)
    assert best.distortion == pytest.approx(best.squared_error + constant)
    assert best.negative_elbo == pytest.approx(best.distortion + best.rate)


def test_few_latents_leave_the_other_eigenvalues_in_the_error():
    best = linear_optimum(EIGENVALUES, 2, SIGMA, 1.0)
    assert best.active == 2 and best.rate == pytest.approx(0.5 * math.log(8 * 4))
    assert best.squared_error == pytest.approx(0.5 + 0.5 + 1 + 0.5 + 0.25)


def test_latents_beyond_the_pixels_stay_empty():
    best = linear_optimum(EIGENVALUES, 7, SIGMA, 0.1)
    assert best.rate_per_dimension.shape == (7,) and best.active == 5
    assert best.rate == pytest.approx(linear_optimum(EIGENVALUES, 5, SIGMA, 0.1).rate)


def test_the_order_of_the_eigenvalues_is_no_matter():
    assert linear_optimum(EIGENVALUES[::-1], 2, SIGMA, 1.0)[2:] == pytest.approx(
        linear_optimum(EIGENVALUES, 2, SIGMA, 1.0)[2:]
    )


def test_at_beta_one_it_is_the_likelihood_of_probabilistic_pca():
    """The linear posterior is exact, so -ELBO is -ln p(x), of a Gaussian of known covariance."""
    images = gaussian_images()
    variance = (SCALE * SIGMA) ** 2
    pixels = torch.tensor(images).flatten(1).double()
    found, axes = torch.linalg.eigh(torch.cov(pixels.T, correction=0))
    strength = (found[-2:] - variance).clamp_min(0)
    covariance = (axes[:, -2:] * strength) @ axes[:, -2:].T + variance * torch.eye(64)
    model = torch.distributions.MultivariateNormal(pixels.mean(0), covariance)
    best = linear_optimum(covariance_eigenvalues(images), 2, SCALE * SIGMA, 1.0)
    assert best.negative_elbo == pytest.approx(-model.log_prob(pixels).mean().item(), rel=1e-6)


def test_with_nothing_active_it_is_the_collapsed_distortion():
    images = gaussian_images()
    best = linear_optimum(covariance_eigenvalues(images), 5, SCALE * SIGMA, 100.0)
    anchor = collapsed_distortion(torch.tensor(images), "gaussian", SCALE * SIGMA)
    assert best.rate == 0 and best.distortion == pytest.approx(anchor, rel=1e-6)


spectra = st.lists(st.floats(0.01, 50), min_size=1, max_size=8).map(np.array)


@given(spectra, st.integers(1, 8), st.floats(0.1, 3), st.floats(0.01, 50), st.floats(1.01, 10))
def test_the_slope_between_two_betas_lies_between_them(spectrum, latent_dim, sigma, beta, ratio):
    (r1, r2), (d1, d2) = linear_curve(spectrum, latent_dim, sigma, [beta, ratio * beta])
    assert r1 >= r2 and d1 <= d2
    rise, fall = d2 - d1, r1 - r2
    assert beta * fall * (1 - 1e-9) - 1e-9 <= rise <= ratio * beta * fall * (1 + 1e-9) + 1e-9


def test_the_slope_of_the_curve_is_minus_beta():
    betas = np.array([0.6, 1.3, 2.7, 6.5])
    for beta in betas:
        rate, distortion = linear_curve(EIGENVALUES, 5, SIGMA, [beta * 0.999, beta * 1.001])
        assert np.diff(distortion)[0] / np.diff(rate)[0] == pytest.approx(-beta, rel=1e-5)


@pytest.mark.parametrize(
    ("latent_dim", "sigma", "beta", "sentence"),
    [
        (0, 1.0, 1.0, "latent_dim must be at least 1, got 0"),
        (2, 0.0, 1.0, "sigma and beta must be above 0, got 0 and 1"),
        (2, 1.0, -1.0, "sigma and beta must be above 0, got 1 and -1"),
        (2, 1.0, math.nan, "sigma and beta must be above 0, got 1 and nan"),
    ],
)
def test_what_has_no_optimum_is_refused(latent_dim, sigma, beta, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        linear_optimum(EIGENVALUES, latent_dim, sigma, beta)


# --- eigenvalues ---------------------------------------------------------------------------------


def test_eigenvalues_of_known_images():
    found = covariance_eigenvalues(gaussian_images())
    assert found.shape == (64,)
    assert found == pytest.approx(np.pad(EIGENVALUES, (0, 59)) * SCALE**2, abs=1e-6)


@pytest.mark.parametrize("count", [3, 63, 64, 65, 200])
def test_eigenvalues_are_the_squared_singular_values(count):
    images = np.random.default_rng(1).random((count, 1, 8, 8)).astype(np.float32)
    pixels = images.reshape(count, 64).astype(np.float64)
    expected = np.linalg.svd(pixels - pixels.mean(0), compute_uv=False) ** 2 / count
    found = covariance_eigenvalues(images)
    assert found == pytest.approx(np.pad(expected, (0, 64 - len(expected))), abs=1e-10)
    assert found.sum() == pytest.approx(pixels.var(0).sum())
    assert (found >= 0).all() and (np.diff(found) <= 0).all()


def test_a_matrix_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(linear_vae, "MAX_MATRIX", 63)
    images = np.zeros((64, 1, 8, 8), np.float32)
    sentence = r"^images must have at most 63 pixels, or be at most as many, got 64 of 64$"
    with pytest.raises(ValueError, match=sentence):
        covariance_eigenvalues(images)
    assert covariance_eigenvalues(images[:63]).tolist() == [0.0] * 64


# --- the model -----------------------------------------------------------------------------------


def scores(model, images):
    """R per dimension (largest first) and SSE, as the model scores `images`, z sampled."""
    terms = elbo(model, torch.tensor(images).repeat(100, 1, 1, 1), seed=1)
    variance = (SCALE * SIGMA) ** 2
    distortion = terms.distortion.double().mean().item()
    error = 2 * variance * (distortion - 32 * math.log(2 * math.pi * variance))
    return terms.rate.double().mean(0).sort(descending=True).values.numpy(), error


@torch.no_grad()
def best_weights(images, beta):
    """The linear VAE with the weights of the closed form: principal axes, scaled."""
    model = build_model(model_config())
    pixels = torch.tensor(images).flatten(1).double()
    values, axes = torch.linalg.eigh(torch.cov(pixels.T, correction=0))
    values, axes = values[-5:], axes[:, -5:]
    level = beta * (SCALE * SIGMA) ** 2
    stretch = (values - level).clamp_min(0).sqrt()
    encode = axes * (stretch / values)
    encoder, decoder = model.encoder.layers[0], model.decoder.layers[0]
    encoder.weight.copy_(torch.cat([encode, torch.zeros_like(encode)], 1).T)
    log_variance = torch.log((level / values).clamp_max(1))
    encoder.bias.copy_(torch.cat([-pixels.mean(0) @ encode, log_variance]))
    decoder.weight.copy_(axes * stretch)
    decoder.bias.copy_(pixels.mean(0))
    return model


@pytest.mark.parametrize("beta", BETAS)
def test_the_weights_of_the_closed_form_score_what_it_says(beta):
    images, best = gaussian_images(), optimum(beta)
    rates, error = scores(best_weights(images, beta), images)
    assert rates == pytest.approx(best.rate_per_dimension, abs=1e-5)
    assert error == pytest.approx(best.squared_error, rel=0.01)


@pytest.mark.parametrize("beta", [0.7, 3.0])
def test_no_weights_nearby_are_better(beta):
    """On the same noise, every direction away from the optimum costs."""
    images = gaussian_images()
    model = best_weights(images, beta)
    generator = torch.Generator().manual_seed(0)

    def loss():
        terms = elbo(model, torch.tensor(images).repeat(20, 1, 1, 1), seed=1)
        return (terms.distortion + beta * terms.rate.sum(1)).double().mean().item()

    best = loss()
    for _ in range(5):
        for parameter in model.parameters():
            original = parameter.data.clone()
            step = 0.1 * torch.randn(parameter.shape, generator=generator)
            parameter.data += step
            assert loss() > best
            parameter.data = original


@pytest.mark.parametrize("beta", BETAS)
def test_training_reaches_the_closed_form(beta):
    """Within 2 % of SSE and R (or 0.02 nats, where less than one is left of it)."""
    images, best = gaussian_images(), optimum(beta)
    config = RunConfig(
        model=model_config(),
        objective=ObjectiveConfig(beta=beta),
        training=TrainingConfig(
            epochs=800, batch_size=1000, learning_rate=0.1, warmup_steps=20, threads=1
        ),
    )
    training = Training(build_model(config.model), config, images, images[:8])
    for _ in training.events():
        pass
    rates, found = scores(training.model, images)
    assert rates.sum() == pytest.approx(best.rate, rel=0.02, abs=0.02)
    assert rates == pytest.approx(best.rate_per_dimension, abs=0.03)
    assert found == pytest.approx(best.squared_error, rel=0.02)


def test_it_is_linear():
    model = build_model(model_config()).eval()
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 1, 5, generator=generator)
    origin = model.decode(torch.zeros(1, 5))
    together = model.decode(a + b) - origin
    torch.testing.assert_close(together, model.decode(a) + model.decode(b) - 2 * origin)
    assert [type(layer).__name__ for layer in model.decoder.layers] == ["Linear"]
    assert [type(layer).__name__ for layer in model.encoder.layers] == ["Linear"]


def test_the_preset_describes_one():
    model = PRESETS["digits-linear"].model
    assert model.hidden == () and model.likelihood == "gaussian"
