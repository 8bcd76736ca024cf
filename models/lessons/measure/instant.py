"""What a page measures while one waits: of a coin, of one image, of one model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.lessons.measurement import Measurement
from models.metrics.likelihood import importance_weighted_bound
from models.objectives.distributions import LOG_2PI, gaussian_kl
from models.objectives.elbo import elbo_terms
from models.theory.loss_scale import LossForm, loss_scale

REPEATS = 20
"""Times that an experiment with random numbers is repeated."""
WEIGHTS = 10_000
SHARP = 0.1
"""σ of the Gaussian likelihood under which a perfect reconstruction is scored."""
FORCED = 200
"""Test images on whose codes forces are measured."""


def coin(chance: float, belief: float, tosses: int, seed: int) -> Measurement:
    """Tosses a coin over and over: how much more a belief is surprised than the truth.

    Args:
        chance: p of heads, between 0 and 1, neither of them.
        belief: q, likewise.
        tosses: In each of `REPEATS` repeats.
        seed: Of the tosses.

    Example:
        >>> found = coin(0.9, 0.5, tosses=1000, seed=0)
        >>> round(found.facts["cross-entropy"] - found.facts["entropy"], 4)
        0.3681
    """
    heads = np.random.default_rng(seed).binomial(tosses, chance, REPEATS) / tosses
    truth = -(heads * math.log(chance) + (1 - heads) * math.log(1 - chance))
    believed = -(heads * math.log(belief) + (1 - heads) * math.log(1 - belief))
    facts = {
        "entropy": _cross_entropy(chance, chance), "cross-entropy": _cross_entropy(chance, belief),
        "chance": chance, "belief": belief,
    }  # fmt: skip
    rows = {
        "surprise of the truth": truth, "surprise of the belief": believed,
        "cost of the belief": believed - truth,
    }  # fmt: skip
    values = {name: tuple(row.tolist()) for name, row in rows.items()}
    return Measurement("coin", tuple(range(REPEATS)), f"runs of {tosses:,} tosses",
                       {"nats": values}, facts)  # fmt: skip


def _cross_entropy(chance: float, belief: float) -> float:
    return -(chance * math.log(belief) + (1 - chance) * math.log(1 - belief))


@torch.inference_mode()
def terms(model: Any, image: Tensor, seed: int) -> Measurement:
    """Measures the terms of one image, shape (1, C, H, W), with z drawn `REPEATS` times.

    `perfect gaussian` among the facts is D of a perfect reconstruction of as many pixels under a
    Gaussian likelihood with σ = `SHARP`.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(REPEATS, model.latent_dim, generator=generator)
    found = elbo_terms(model, image.expand(REPEATS, -1, -1, -1), noise)
    fit, cost = -found.distortion.double(), -found.rate.double().sum(1)
    rows = {"E[ln p(x|z)]": fit, "−KL": cost, "ELBO": fit + cost, "loss = −ELBO": -fit - cost}
    values = {name: tuple(row.tolist()) for name, row in rows.items()}
    perfect = 0.5 * image.numel() * (LOG_2PI + 2 * math.log(SHARP))
    return Measurement("terms", tuple(range(REPEATS)), "draws of z", {"term": values},
                       {"perfect gaussian": perfect})  # fmt: skip


@torch.inference_mode()
def bounds(
    model: Any, image: Tensor, counts: Sequence[int], seed: int, evidence: float | None
) -> Measurement:
    """Measures the mean of k log-weights and the log of the mean of k weights of one image.

    Args:
        model: With a posterior and a likelihood.
        image: Shape (1, C, H, W).
        counts: The k.
        seed: Of the samples, `WEIGHTS` in all.
        evidence: ln p(x) in nats, where it is known.
    """
    repeated = image.expand(WEIGHTS, -1, -1, -1)
    weights = importance_weighted_bound(model, repeated, samples=1, seed=seed).double()
    parts = weights.view(REPEATS, -1)
    elbo, bound = {}, {}
    for k in counts:
        groups = parts[:, : parts.shape[1] // k * k].view(REPEATS, -1, k)
        elbo[str(k)] = tuple(groups.mean((1, 2)).tolist())
        bound[str(k)] = tuple((groups.logsumexp(2) - math.log(k)).mean(1).tolist())
    facts = {} if evidence is None else {"evidence": evidence}
    return Measurement("bounds", tuple(range(REPEATS)), f"runs of {parts.shape[1]} samples",
                       {"elbo": elbo, "bound": bound}, facts)  # fmt: skip


def forces(model: Any, images: Tensor, seed: int) -> Measurement:
    r"""Measures how hard D and R pull the codes of images to the prior.

    .. math:: \text{pull of } μ = \operatorname{sign}(μ) \frac{∂L}{∂μ}, \quad
        \text{pull of } \ln σ = \operatorname{sign}(σ - 1) \frac{∂L}{∂\ln σ}

    for L = D, estimated with the same ten draws of z for every image, and L = R; averaged over
    the latents.

    Args:
        model: With a posterior and a likelihood.
        images: Shape (N, C, H, W); the first `FORCED`.
        seed: Of the draws.
    """
    images = images[:FORCED]
    with torch.no_grad():
        mean, log_variance = model.encode(images)
    mean = mean.detach().requires_grad_()
    log_sigma = (0.5 * log_variance).detach().requires_grad_()
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(10, *mean.shape, generator=generator)
    z = mean + torch.exp(log_sigma) * noise
    repeated = images.repeat(10, 1, 1, 1)
    distortion = -model.log_likelihood(repeated, z.flatten(0, 1)).sum() / 10
    rate = gaussian_kl(mean, 2 * log_sigma).sum()
    found: dict[str, dict[str, tuple[float, ...]]] = {"pull of μ": {}, "pull of ln σ": {}}
    for name, loss in (("KL", rate), ("reconstruction", distortion)):
        by_mean, by_sigma = torch.autograd.grad(loss, [mean, log_sigma])
        pulls = by_mean * mean.sign(), by_sigma * log_sigma.sign()
        for quantity, pull in zip(found, pulls, strict=True):
            found[quantity][name] = tuple(pull.detach().mean(1).tolist())
    return Measurement("forces", tuple(range(len(images))), "images", found)


@torch.inference_mode()
def test_time(model: Any, images: Tensor, seed: int) -> Measurement:
    """Measures D of images with z sampled and with z = μ, in nats.

    Args:
        model: With a posterior and a likelihood.
        images: Shape (N, C, H, W).
        seed: Of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(images), model.latent_dim, generator=generator)
    rows = {"z sampled": noise, "z = μ": torch.zeros_like(noise)}
    values = {
        name: tuple(elbo_terms(model, images, here).distortion.tolist())
        for name, here in rows.items()
    }
    return Measurement("test-time", tuple(range(len(images))), "images", {"distortion": values})


@torch.inference_mode()
def steps(model: Any, seed: int) -> Measurement:
    """Measures how much a picture changes with another z, and with another x of the same z.

    `difference` in root mean square grey levels: of decoded means, and of draws of p(x|z).

    Args:
        model: With a decoder and a likelihood.
        seed: Of all draws.
    """
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(REPEATS, model.latent_dim, generator=generator)
    mean = model.decode(z)
    first, second = model.sample(z, generator), model.sample(z, generator)
    rows = {"another z": mean - mean.roll(1, 0), "another x": first - second}
    values = {
        name: tuple(row.flatten(1).square().mean(1).sqrt().tolist()) for name, row in rows.items()
    }
    return Measurement("steps", tuple(range(REPEATS)), "codes", {"difference": values})


def loss(pixels: int, latents: int, batch: int, threshold: float | None) -> Measurement:
    """Computes what mean squared error plus KL is, for the lesson on reductions."""
    form = LossForm("mse", pixels="mean")
    beta = loss_scale(form, pixels, latents, batch).beta
    facts = {"pixels": float(pixels)} | ({} if threshold is None else {"threshold": threshold})
    return Measurement("loss", (0,), "formulas", {"beta": {"mean squared error + KL": (beta,)}},
                       facts)  # fmt: skip
