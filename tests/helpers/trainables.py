"""Two tiny models that are neither autoencoders nor VAEs, for the trainer's own tests."""

import math

import torch
from torch import nn
from torch.nn.functional import softplus

from models.objectives.distributions import bernoulli_log_prob
from models.objectives.trainable import Losses, Player, TrainableModel


def points(count: int = 250) -> torch.Tensor:
    """Points on a circle of radius 1 around (2, 0), as images, shape (count, 1, 1, 2)."""
    angle = torch.arange(count) * 2.4
    return torch.stack([2 + torch.cos(angle), torch.sin(angle)], 1).view(count, 1, 1, 2)


class PointGAN(TrainableModel):
    """A GAN of points of the plane: two players, non-saturating losses, in nats per point."""

    terms = ("critic", "generator")

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
            self.critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))

    def players(self):
        return {
            "critic": Player(list(self.critic.parameters()), (0.5, 0.999)),
            "generator": Player(list(self.generator.parameters()), (0.5, 0.999)),
        }

    def noise(self, count, generator):
        return torch.randn(count, 2, generator=generator)

    def losses(self, player, batch):
        if player == "critic":
            fake = self.generator(batch.noise).detach()
            real = softplus(-self.critic(batch.images.flatten(1))).mean()
            loss = real + softplus(self.critic(fake)).mean()
        else:
            noise = torch.randn(batch.noise.shape, generator=batch.generator)
            loss = softplus(-self.critic(self.generator(noise))).mean()
        return Losses(loss, {player: loss.detach()})

    @torch.no_grad()
    def score(self, images, seed):
        noise = torch.randn(1000, 2, generator=torch.Generator().manual_seed(seed))
        gap = self.generator(noise).mean(0) - images.flatten(1).mean(0)
        return {"distance_of_means": gap.norm().item()}


class IndependentPixels(TrainableModel):
    """Pixels that know nothing of each other, each white with its own probability: no encoder."""

    terms = ("surprise",)

    def __init__(self, shape=(1, 8, 8)) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(shape))

    def losses(self, player, batch):
        surprise = -bernoulli_log_prob(self.logits.expand_as(batch.images), batch.images).mean()
        return Losses(surprise, {"surprise": surprise.detach()})

    @torch.no_grad()
    def score(self, images, seed):
        surprise = -bernoulli_log_prob(self.logits.expand_as(images), images).mean().item()
        bits = surprise / math.log(2) / images[0].numel()
        return {"surprise": surprise, "bits_per_pixel": bits}
