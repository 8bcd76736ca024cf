"""What the experiments measure, against known answers."""

import math

import numpy as np
import pytest
import torch

from models.data.load import load
from models.families.registry import build_model
from models.lessons.experiments import EXPERIMENTS, run
from models.lessons.measure import compression, instant, learning, posteriors, small, spaces
from models.metrics.likelihood import elbo
from models.objectives.distributions import gaussian_kl
from models.objectives.schedules import StepObjective
from models.objectives.trainable import Batch
from models.storage.checkpoint import read, restore
from tests.helpers.paths import ROOT

IMAGES = torch.tensor(load("digits", "test").images)


@pytest.fixture(scope="module")
def model():
    return restore(read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"))


def batch(model, count=64):
    generator = torch.Generator().manual_seed(0)
    noise = model.noise(count, generator)
    return Batch(IMAGES[:count], noise, generator, StepObjective(1.0, 0.0, 0.0))


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.slow
def test_every_experiment_runs_with_seeds_of_its_own(name):
    found = run(name, (11,))
    assert found.values and found.seconds >= 0


def test_the_coin_costs_its_divergence():
    found = instant.coin(0.9, 0.5, 100_000, seed=1)
    exact = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert found.facts["cross-entropy"] - found.facts["entropy"] == pytest.approx(exact)
    cost = found.interval("nats", "cost of the belief")
    assert abs(cost.mean - exact) <= 2 * cost.half
    right = instant.coin(0.3, 0.3, 1000, seed=1)
    assert set(right.values["nats"]["cost of the belief"]) == {0.0}


def test_the_terms_of_an_image_add_up_to_its_elbo(model):
    found = instant.terms(model, IMAGES[:1], seed=0)
    rows = {name: np.array(row) for name, row in found.values["term"].items()}
    assert rows["ELBO"] == pytest.approx(rows["E[ln p(x|z)]"] + rows["−KL"])
    assert rows["loss = −ELBO"] == pytest.approx(-rows["ELBO"])
    kl = gaussian_kl(*model.encode(IMAGES[:1])).sum().item()
    assert rows["−KL"] == pytest.approx(-kl, rel=1e-5)


def test_forces_are_minus_the_gradients(model):
    """The pull of the KL is |μ| and |1 − σ²|, averaged over the latents."""
    found = instant.forces(model, IMAGES, seed=0)
    with torch.no_grad():
        mean, log_variance = model.encode(IMAGES[: instant.FORCED])
    assert found.values["pull of μ"]["KL"] == pytest.approx(mean.abs().mean(1).tolist(), rel=1e-4)
    expected = (1 - log_variance.exp()).abs().mean(1).tolist()
    assert found.values["pull of ln σ"]["KL"] == pytest.approx(expected, rel=1e-3)


def test_the_bound_of_one_sample_is_the_elbo(model):
    image = (IMAGES[:1] > 0.5).float()
    found = instant.bounds(model, image, (1, 100), seed=0, evidence=None)
    assert found.values["bound"]["1"] == pytest.approx(found.values["elbo"]["1"])
    many = elbo(model, image.expand(20_000, -1, -1, -1), seed=3)
    total = -(many.distortion + many.rate.sum(1)).mean().item()
    value = found.interval("elbo", "1")
    assert abs(value.mean - total) <= 3 * value.half


def test_the_gaps_are_not_negative_and_add_up():
    found = run("gaps", (0,))
    gap = {name: np.array(row) for name, row in found.values["gap"].items()}
    assert gap["both"] == pytest.approx(gap["encoder"] + gap["shape"], abs=1e-5)
    assert min(gap["encoder"]) > -1e-3 and min(gap["shape"]) > -1e-2


def test_the_elbo_by_quadrature_is_that_of_many_samples(model):
    image = (IMAGES[3:4] > 0.5).float()
    with torch.no_grad():
        value = posteriors._elbo(model, image, *model.encode(image)).item()
    many = elbo(model, image.expand(20_000, -1, -1, -1), seed=0)
    total = -(many.distortion + many.rate.sum(1)).double()
    assert abs(value - total.mean().item()) < 4 * total.std().item() / 20_000**0.5


def test_two_lobes_are_told_from_one():
    axis = np.linspace(-4, 4, 81)
    bump = np.exp(-0.5 * ((axis[:, None] - 2) ** 2 + axis**2) / 0.3)
    other = np.exp(-0.5 * ((axis[:, None] + 2) ** 2 + axis**2) / 0.3)
    assert posteriors._second_lobe(bump / bump.sum()) == 0.0
    both = bump + 0.7 * other
    assert posteriors._second_lobe(both / both.sum()) == pytest.approx(0.7, abs=0.01)


def test_the_wider_fit_covers_more_of_two_lobes():
    found = run("lobes", (11,))
    assert found.count == 4
    assert found.difference("covered", "KL(p ‖ q)", "KL(q ‖ p)").mean > 0
    for rows in found.values.values():
        assert all(0 <= share <= 1 + 1e-9 for row in rows.values() for share in row)


def test_a_picture_is_as_sharp_as_its_steps():
    stripes = np.zeros((1, 1, 8, 8))
    stripes[..., ::2] = 1
    assert compression.sharpness(stripes) == 1.0
    assert compression.sharpness(stripes * 0.5) == 0.5
    assert compression.sharpness(np.full((1, 1, 8, 8), 0.3)) == 0.0


def test_box_muller_makes_normal_numbers():
    from scipy.stats import kstest

    drawn = learning.noise_of(20_000, seed=5)
    assert kstest(drawn["Box–Muller"], "norm").pvalue > 0.001
    assert kstest(drawn["uniform"], "norm").pvalue < 1e-6
    for values in drawn.values():
        assert [values.mean(), values.var()] == pytest.approx([0, 1], abs=0.04)


def test_the_score_function_has_the_gradient_of_the_trick():
    """On average over the noise: both estimate the same gradient of the encoder."""
    gradients = {}
    for kind in (small.VAE, small.ScoreFunctionWithBaseline):
        model = small.build_like(small.config(), kind)
        parameter = model.encoder.layers[-1].bias
        rows = []
        for seed in range(300):
            generator = torch.Generator().manual_seed(seed)
            given = Batch(IMAGES[:64], torch.randn(64, 2, generator=generator), generator,
                          StepObjective(1.0, 0.0, 0.0))  # fmt: skip
            loss, _ = model.losses("model", given)
            rows.append(torch.autograd.grad(loss, parameter)[0])
        gradients[kind] = torch.stack(rows)
    exact = gradients[small.VAE].mean(0)
    other = gradients[small.ScoreFunctionWithBaseline]
    error = other.std(0) / 300**0.5
    assert ((other.mean(0) - exact).abs() < 5 * error + 0.02).all()


@pytest.mark.parametrize("kind", [small.SteadyNoise, small.Penalised, small.UniformNoise,
                                  small.SoftplusDeviation, small.AbsoluteDeviation,
                                  small.ScoreFunction, small.many_samples(3)])  # fmt: skip
def test_every_variant_has_finite_losses_and_gradients(kind):
    model = small.build_like(small.config(), kind)
    loss, terms = model.losses("model", batch(model))
    loss.backward()
    assert all(torch.isfinite(term) for term in terms.values())
    for parameter in model.parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()


def test_many_samples_of_one_are_a_vae():
    run_config = small.config()
    one = small.build_like(run_config, small.many_samples(1))
    plain = build_model(run_config.model, run_config.training.seed)
    given = batch(one)
    flat = given._replace(noise=given.noise[0])
    assert one.losses("model", given).loss.item() == pytest.approx(
        plain.losses("model", flat).loss.item()
    )


def test_the_judge_doubts_a_twentieth_of_the_real_and_all_noise():
    confidence = spaces.judge().confidence(load("digits", "test").images)
    assert (confidence < spaces.judge().threshold).mean() == pytest.approx(spaces.DOUBTED, abs=0.01)
    noise = np.random.default_rng(0).random((100, 1, 8, 8), np.float32)
    assert (spaces.judge().confidence(noise) < spaces.judge().threshold).all()
    images, labels = load("digits", "test").images, load("digits", "test").labels
    assert (spaces.judge().scores(images).argmax(1) == labels).mean() > 0.95
    between = (images[labels == 0][:40] + images[labels == 1][:40]) / 2
    assert (spaces.judge().confidence(between) < spaces.judge().threshold).mean() > 0.15


def test_the_nearest_of_itself_is_at_no_distance():
    images = load("digits", "train").images[:50]
    assert spaces.nearest(images, images) < 1e-6
