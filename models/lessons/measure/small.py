"""Small models of the digits that train in a second, and the variants that lessons compare."""

from __future__ import annotations

import functools
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.config import RunConfig, override
from models.data.image_set import ImageSet
from models.data.load import load
from models.families.autoencoder import Autoencoder
from models.families.registry import build_model
from models.families.vae import VAE
from models.metrics.likelihood import elbo
from models.objectives.distributions import gaussian_kl, normal_log_prob, reparameterize
from models.objectives.schedules import beta_loss
from models.objectives.trainable import Batch, Losses
from models.presets import preset
from models.storage.checkpoint import read, restore
from models.training.trainer import Training

EPOCHS = 60
"""Of a training run of a lesson: about 600 steps, one second."""
SHIPPED = Path(__file__).resolve().parents[3] / "checkpoints"
SHIPPED_FAMILIES = {
    "VAE": "digits-2d-beta-1",
    "VQ-VAE": "digits-vq",
    "GAN": "digits-gan",
    "diffusion": "digits-ddpm",
}
"""Shipped models by the name of their family."""


def config(**settings: Any) -> RunConfig:
    """The settings of a lesson's training run: digits, two latents, a short schedule.

    Example:
        >>> config(beta=4.0).objective.beta
        4.0
    """
    short = {"epochs": EPOCHS, "batch_size": 128, "kl_warmup_steps": 50, "warmup_steps": 50}
    return override(preset("digits-2d"), **(short | settings))


@functools.cache
def digits() -> tuple[ImageSet, ImageSet]:
    """The training and the test images."""
    return load("digits", "train"), load("digits", "test")


def shipped_model(name: str) -> Any:
    """Restores a model that ships, in evaluation mode.

    Raises:
        OSError: If it is not among the files of this installation.
    """
    return restore(read(SHIPPED / f"{name}.safetensors"))


def trained(run: RunConfig, model: Any = None) -> Any:
    """Trains a model on the digits and returns it in evaluation mode.

    Args:
        run: The settings; its seed is that of weights, order and noise.
        model: Untrained; default: the one that the settings describe.
    """
    train, test = digits()
    model = build_model(run.model, run.training.seed) if model is None else model
    training = Training(model, run, train.images, test.images)
    for _ in training.events():
        pass
    return training.model.eval()


def trained_by_time(run: RunConfig, seconds: float, model: Any = None) -> tuple[Any, int]:
    """Trains for so many seconds of the processor, in whole epochs, at least one.

    Returns:
        The model, and the steps that it took.
    """
    train, _ = digits()
    images = torch.tensor(train.images)
    trial = Training(build_like(run, model), override(run, epochs=1000), images[:], images[:64])
    begun, steps = time.process_time(), 0
    for event in trial.events():
        steps = event.step
        if time.process_time() - begun > 0.15 * seconds:
            break
    per_step = (time.process_time() - begun) / steps
    epochs = round(seconds / (per_step * trial.steps_per_epoch))
    run = override(run, epochs=min(10_000, max(1, epochs)))
    return trained(run, build_like(run, model)), run.total_steps(len(images))


def build_like(run: RunConfig, kind: Any) -> Any:
    """Builds an untrained model of a class, or of the family that the settings name."""
    if kind is None:
        return build_model(run.model, run.training.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.training.seed)
        return kind(run.model)


def negative_elbo(model: Any) -> float:
    """−ELBO of the test digits in nats per image."""
    scores = elbo(model, torch.tensor(digits()[1].images))
    return (scores.distortion.double() + scores.rate.double().sum(1)).mean().item()


class SteadyNoise(VAE):
    """A code with noise of a fixed size; with `penalty`, its mean pays ½μ², as in a VAE's KL.

    Example:
        >>> SteadyNoise(config().model).encode(torch.zeros(1, 1, 8, 8))[1].exp().sqrt().mean()
        tensor(0.3000)
    """

    deviation, penalty = 0.3, 0.0

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, _ = super().encode(images)
        return mean, torch.full_like(mean, 2 * math.log(self.deviation))

    def losses(self, player: str, batch: Batch) -> Losses:
        mean, log_variance = self.encode(batch.images)
        z = reparameterize(mean, log_variance, batch.noise)
        distortion = -self.log_likelihood(batch.images, z)
        rate = self.penalty * 0.5 * mean.square()
        return _losses(distortion, rate, batch)


class Penalised(SteadyNoise):
    """An autoencoder without noise whose codes pay ½μ²."""

    deviation, penalty = 1e-3, 1.0


class UniformNoise(VAE):
    """A VAE trained with uniform ε of mean 0 and variance 1 in place of a normal one."""

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        shape = (self.draws * count, self.latent_dim)
        return math.sqrt(12) * (torch.rand(shape, generator=generator) - 0.5)


class SoftplusDeviation(VAE):
    """A VAE whose encoder's second output is σ, made positive by softplus."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = super().encode(images)
        return mean, 2 * torch.log(torch.nn.functional.softplus(raw) + 1e-6)


class AbsoluteDeviation(VAE):
    """A VAE whose encoder's second output is σ itself; its sign is dropped."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = super().encode(images)
        return mean, 2 * torch.log(raw.abs() + 1e-6)


class ManySamples(VAE):
    """A VAE whose distortion is the mean over several codes of each image."""

    samples = 1

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(self.samples, count, self.latent_dim, generator=generator)

    def losses(self, player: str, batch: Batch) -> Losses:
        mean, log_variance = self.encode(batch.images)
        z = reparameterize(mean, log_variance, batch.noise)  # (samples, B, Z)
        repeated = batch.images.repeat(self.samples, 1, 1, 1)
        distortion = -self.log_likelihood(repeated, z.flatten(0, 1)).view(self.samples, -1).mean(0)
        return _losses(distortion, gaussian_kl(mean, log_variance), batch)


def many_samples(count: int) -> type[ManySamples]:
    """The class of that many samples for each image.

    Example:
        >>> many_samples(5).samples
        5
    """
    return type(f"Samples{count}", (ManySamples,), {"samples": count})


class ScoreFunction(VAE):
    r"""A VAE whose encoder learns by the score function, not through z.

    .. math:: ∇_φ E_q[D] = E_q[(D - b) ∇_φ \ln q_φ(z|x)]

    b is 0, or with `baseline` the mean distortion of the batch.
    """

    baseline = False

    def losses(self, player: str, batch: Batch) -> Losses:
        mean, log_variance = self.encode(batch.images)
        z = reparameterize(mean, log_variance, batch.noise).detach()
        distortion = -self.log_likelihood(batch.images, z)
        log_q = normal_log_prob(z, mean, log_variance).sum(1)
        cost = distortion.detach()
        cost = cost - cost.mean() if self.baseline else cost
        rate = gaussian_kl(mean, log_variance)
        loss = beta_loss(distortion + cost * (log_q - log_q.detach()), rate, *batch.objective)
        return Losses(loss, _terms(distortion, rate))


class ScoreFunctionWithBaseline(ScoreFunction):
    """The same with the batch's mean distortion taken off."""

    baseline = True


def _losses(distortion: Tensor, rate: Tensor, batch: Batch) -> Losses:
    return Losses(beta_loss(distortion, rate, *batch.objective), _terms(distortion, rate))


def _terms(distortion: Tensor, rate: Tensor) -> dict[str, Tensor]:
    """What is reported of a step."""
    return {
        "distortion": distortion.detach().mean(),
        "rate": rate.detach().sum(1).mean(),
    }


AUTOENCODER = Autoencoder
"""An encoder and a decoder, and nothing else."""
