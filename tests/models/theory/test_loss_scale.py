"""The β of a loss: its gradient is that of D + βR, whatever it was divided by."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from models.objectives.distributions import bernoulli_log_prob, gaussian_kl, gaussian_log_prob
from models.theory.loss_scale import LossForm, loss_scale, weight_for
from tests.helpers.sentences import assert_refuses

IMAGES, PIXELS, LATENTS = 5, 12, 3


def written(form, logits, images, mean, log_variance):
    """The loss as a program would compute it."""
    if form.likelihood == "bce":
        each = F.binary_cross_entropy_with_logits(logits, images, reduction="none")
    else:
        each = (logits - images) ** 2
    kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()) * (1 if form.half else 2)
    reduced = {"sum": torch.sum, "mean": torch.mean}
    error = reduced[form.batch](reduced[form.pixels](each, 1), 0)
    cost = reduced[form.kl_batch](reduced[form.kl_latents](kl, 1), 0)
    return form.factor * error + form.weight * cost


FORMS = [
    LossForm(likelihood, *reductions, weight=0.3, factor=factor, half=half)
    for likelihood in ("bce", "mse")
    for reductions in itertools.product(("sum", "mean"), repeat=4)
    for factor, half in ((1.0, True), (2.0, False))
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_gradient_is_that_of_distortion_and_weighted_rate(form):
    generator = torch.Generator().manual_seed(0)
    draw = [torch.randn(IMAGES, n, generator=generator) for n in (PIXELS, LATENTS, LATENTS)]
    leaves = [values.double().requires_grad_() for values in draw]
    images = torch.rand(IMAGES, PIXELS, generator=generator, dtype=torch.float64)
    found = loss_scale(form, PIXELS, LATENTS, IMAGES)
    pair = (leaves[0].view(IMAGES, 1, 1, -1), images.view(IMAGES, 1, 1, -1))
    if form.likelihood == "bce":
        log_prob = bernoulli_log_prob(*pair)
    else:
        log_prob = gaussian_log_prob(pair[0], torch.zeros((), dtype=torch.float64), pair[1])
    ours = (-log_prob + found.beta * gaussian_kl(*leaves[1:]).sum(1)).mean()
    theirs = written(form, leaves[0], images, *leaves[1:])
    expected = torch.autograd.grad(theirs, leaves)
    for given, wanted in zip(torch.autograd.grad(ours, leaves), expected, strict=True):
        assert torch.allclose(found.rate * given, wanted, rtol=1e-9)


@pytest.mark.parametrize("form", FORMS[::7], ids=str)
def test_sigma_is_the_one_for_which_beta_is_one(form):
    found = loss_scale(form, PIXELS, LATENTS, IMAGES)
    assert (found.sigma is None) == (form.likelihood == "bce")
    if found.sigma is not None:
        assert found.sigma**2 == pytest.approx(found.beta)


@pytest.mark.parametrize("form", FORMS[::5], ids=str)
def test_the_weight_for_a_beta_gives_that_beta(form):
    from dataclasses import replace

    weight = weight_for(form, 2.5, PIXELS, LATENTS, IMAGES)
    found = loss_scale(replace(form, weight=weight), PIXELS, LATENTS, IMAGES)
    assert found.beta == pytest.approx(2.5)


def test_what_is_not_possible_is_refused():
    assert_refuses("likelihood must be bce or mse, got 'l1'", LossForm, "l1")
    assert_refuses("batch must be sum or mean, got 'max'", LossForm, batch="max")
    sentence = "weight must be at least 0 and factor above 0, got nan and 1"
    assert_refuses(sentence, LossForm, weight=float("nan"))
    sentence = "pixels, latents and batch must be at least 1, got 0, 2, 3"
    assert_refuses(sentence, loss_scale, LossForm(), 0, 2, 3)
