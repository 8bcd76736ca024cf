"""The five likelihoods: torch.distributions as oracle, moments of the draws, the best σ."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from models.capabilities import LIKELIHOODS
from models.config import MIN_SIGMA, ModelConfig
from models.families.likelihoods import build_likelihood
from models.families.registry import build_model

SHAPE = (3, 2, 3)
SIGMA = 0.3
LEARNED = ("gaussian-shared", "gaussian-optimal", "gaussian-pixel")
close = torch.testing.assert_close


def build(name, sigma=SIGMA):
    return build_likelihood(ModelConfig(likelihood=name, sigma=sigma)).double()


def uniform(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def oracle(name, output):
    """p(x|z) as torch builds it: the raw output's meaning, written a second time."""
    if name == "bernoulli":
        pixels = Bernoulli(logits=output, validate_args=False)
    elif name == "gaussian-pixel":
        mean, raw = output.split(SHAPE[0], dim=1)
        least = 2 * math.log(MIN_SIGMA)
        pixels = Normal(mean, torch.exp(0.5 * (least + torch.log1p(torch.exp(raw - least)))))
    else:
        pixels = Normal(output, SIGMA)
    return Independent(pixels, 3, validate_args=False)


def outputs(name, batch, seed=0):
    channels = SHAPE[0] * build(name).outputs
    return 4 * uniform(batch, channels, *SHAPE[1:], seed=seed) - 3


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_log_prob_against_torch(name):
    output, images = outputs(name, 5), uniform(5, *SHAPE, seed=1)
    score = build(name).eval().log_prob(output, images)
    assert score.shape == (5,)
    close(score, oracle(name, output).log_prob(images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_mean_and_draws_have_the_moments_of_the_density(name):
    likelihood, count = build(name), 20_000
    output = outputs(name, 1)
    density = oracle(name, output)
    close(likelihood.mean(output), density.mean, rtol=1e-6, atol=1e-6)
    many = output.expand(count, -1, -1, -1)
    draws = likelihood.sample(many, torch.Generator().manual_seed(0)).double()
    assert draws.shape == (count, *SHAPE)
    standard_error = (density.variance / count).sqrt()
    assert ((draws.mean(0) - density.mean).abs() < 5 * standard_error).all()
    close(draws.var(0, keepdim=True), density.variance, rtol=0.1, atol=0.01)
    again = likelihood.sample(many, torch.Generator().manual_seed(0)).double()
    assert torch.equal(draws, again)


def test_bernoulli_draws_are_black_or_white():
    draw = build("bernoulli").sample(outputs("bernoulli", 9), torch.Generator().manual_seed(0))
    assert set(draw.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("sigma", [MIN_SIGMA, SIGMA, 10.0])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_initial_output_is_the_inverse_of_mean(name, sigma):
    likelihood = build(name, sigma)
    target = uniform(*SHAPE)
    target[0, 0, :2] = torch.tensor([0.0, 1.0])
    output = likelihood.initial_output(target)[None]
    assert output.shape == (1, likelihood.outputs * SHAPE[0], *SHAPE[1:])
    assert output.isfinite().all()
    expected = target.clamp(1e-3, 1 - 1e-3) if name == "bernoulli" else target
    close(likelihood.mean(output)[0], expected)
    if name != "bernoulli":
        actual = torch.exp(0.5 * likelihood.log_variance(output))
        close(actual, torch.full_like(actual, sigma), rtol=1e-3, atol=0)


def test_which_likelihoods_have_parameters():
    counts = {name: len(list(build(name).parameters())) for name in LIKELIHOODS}
    assert counts == dict.fromkeys(LIKELIHOODS, 0) | {"gaussian-shared": 1}


@pytest.mark.parametrize("name", ["gaussian", "gaussian-optimal"])
def test_gaussian_at_the_best_sigma(name):
    """784 pixels, mean squared error .01, σ = .1 given or found: NLL -692.778903."""
    images = torch.full((2, 1, 28, 28), 0.5, dtype=torch.float64)
    nll = -build(name, sigma=0.1).train().log_prob(images + 0.1, images)
    assert nll.tolist() == pytest.approx([-692.778903] * 2, abs=1e-4)


def test_optimal_sigma_is_that_of_the_batch_while_training():
    """Then -ln p(x|z) is d/2 (ln 2πσ² + 1) on average, and no other σ scores better."""
    output, images = outputs("gaussian-optimal", 5), uniform(5, *SHAPE)
    best = build("gaussian-optimal").train().log_prob(output, images).mean().item()
    mse = (images - output).square().mean().item()
    pixels = math.prod(SHAPE)
    assert best == pytest.approx(-0.5 * pixels * (math.log(2 * math.pi * mse) + 1))
    for factor in (0.9, 1.1):
        other = build("gaussian", sigma=factor * mse**0.5).log_prob(output, images).mean().item()
        assert other < best


def test_optimal_sigma_is_one_number_in_evaluation():
    likelihood = build("gaussian-optimal").eval()
    output, images = outputs("gaussian-optimal", 5), uniform(5, *SHAPE)
    before = likelihood.log_sigma.item()
    together = likelihood.log_prob(output, images)
    alone = torch.cat([likelihood.log_prob(output[i, None], images[i, None]) for i in range(5)])
    close(together, alone)
    assert likelihood.log_sigma.item() == before == pytest.approx(math.log(SIGMA))


def test_optimal_sigma_of_evaluation_follows_training():
    likelihood = build("gaussian-optimal").train()
    output, images = outputs("gaussian-optimal", 5), uniform(5, *SHAPE)
    target = 0.5 * (images - output).square().mean().log()
    start = likelihood.log_sigma.clone()
    likelihood.log_prob(output, images)
    close(likelihood.log_sigma, start + 0.01 * (target - start))
    for _ in range(1500):
        likelihood.log_prob(output, images)
    close(likelihood.log_sigma, target, rtol=0, atol=1e-5)
    assert not likelihood.log_sigma.requires_grad


@pytest.mark.parametrize("name", LEARNED)
def test_learned_sigma_has_a_floor_of_one_grey_level(name):
    """A perfect reconstruction scores as σ = 1/256, with a finite gradient: no runaway density."""
    likelihood = build(name).train()
    with torch.no_grad():
        likelihood.log_sigma.fill_(-100)
    images = uniform(2, *SHAPE)
    output = images
    if name == "gaussian-pixel":
        output = torch.cat([images, torch.full_like(images, -1000)], 1)
    output = output.clone().requires_grad_()
    score = likelihood.log_prob(output, images)
    floor = Normal(0.0, MIN_SIGMA).log_prob(torch.tensor(0.0, dtype=torch.float64)).item()
    assert score.tolist() == pytest.approx([math.prod(SHAPE) * floor] * 2)
    score.sum().backward()
    assert output.grad.isfinite().all()


PAIR_KINDS = [("mlp", (6,), (1, 8, 8)), ("mlp", (), (1, 8, 8)), ("conv", (4,), (3, 9, 8))]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize(("network", "hidden", "shape"), PAIR_KINDS)
def test_pairs_are_the_likelihood_of_every_image_under_every_code(
    likelihood, network, hidden, shape
):
    config = ModelConfig(
        network=network, hidden=hidden, image_shape=shape, likelihood=likelihood, sigma=0.02
    )
    model = build_model(config).eval()
    images, z = torch.rand(3, *shape), torch.randn(5, 2)
    with torch.no_grad():
        pairs = model.log_likelihood_pairs(images, z)
        assert pairs.shape == (3, 5)
        for row, image in zip(pairs, images, strict=True):
            expected = model.log_likelihood(image.expand(5, *shape), z)
            torch.testing.assert_close(row, expected, rtol=1e-5, atol=1e-3)
