"""The GAN: a generator that makes images of z, and a discriminator that tells them from real ones.

Two players take turns on every batch. The discriminator gives an image a logit d(x), and
D(x) = sigmoid(d(x)) is the probability it gives that x is real:

.. math:: L_D = E_x[-\\ln D(x)] + E_z[-\\ln(1 - D(G(z)))], \\qquad L_G = E_z[-\\ln D(G(z))]

in nats. Where nothing tells the images apart, D = ½ and L_D = 2 ln 2. There is no encoder, no
likelihood and no bound: whether the generator leaves kinds of images out, neither loss says.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from models.config import ModelConfig
from models.families.averaged import as_buffers, move_average
from models.families.networks import build_decoder
from models.metrics.samples.manifold import DENSITY_NEIGHBOURS, density_coverage
from models.objectives.trainable import Batch, Losses, Player, Scores, TrainableModel

BETAS = (0.5, 0.999)
"""Decay rates of Adam's moments: a short memory of the gradient, since the other player moves."""
PENALTY = 2.0
"""γ of R1, in nats per squared gradient of d by the pixels."""
SLOPE = 0.2
"""Of the discriminator's leaky ReLU below 0."""
SCORED_IMAGES = 1000
"""Most images of each kind behind the scores of an epoch."""


class Discriminator(nn.Module):
    """Images (B, C, H, W) → logits d, shape (B,); as wide as the generator, in the other order.

    Example:
        >>> Discriminator(ModelConfig(image_shape=(1, 8, 8)))(torch.zeros(3, 1, 8, 8)).shape
        torch.Size([3])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        layers: list[nn.Module] = []
        if config.network == "conv":
            for inputs, outputs in itertools.pairwise([channels, *config.hidden]):
                layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(SLOPE)]
            halvings = len(config.hidden)
            size = config.hidden[-1] * (height >> halvings) * (width >> halvings)
            layers += [nn.Flatten(), nn.Linear(size, 1)]
        else:
            widths = [math.prod(config.image_shape), *config.hidden]
            layers.append(nn.Flatten())
            for inputs, outputs in itertools.pairwise(widths):
                layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(SLOPE)]
            layers.append(nn.Linear(widths[-1], 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).flatten().float()


class GAN(TrainableModel):
    r"""A GAN with the non-saturating loss; with R1, its discriminator is flat at real images.

    .. math:: L_D + \frac{γ}{2} E_x[‖∇_x d(x)‖^2] \quad\text{if the stabiliser is R1}

    In evaluation mode images are made by the moving average of the generator's weights, `decoder`,
    which travels with the model as buffers.

    Args:
        config: Image shape, numbers of z (`latent_dim`), network, and `stabiliser`.

    Source:
        Goodfellow et al., Generative Adversarial Networks, 2014, arXiv:1406.2661; R1: Mescheder,
        Geiger & Nowozin, 2018, arXiv:1801.04406; the average: Yazıcı et al., 2019,
        arXiv:1806.04498.

    Example:
        >>> model = GAN(ModelConfig(family="gan", image_shape=(1, 8, 8))).eval()
        >>> model.generate(3, torch.Generator().manual_seed(0)).shape
        torch.Size([3, 1, 8, 8])
    """

    terms = ("discriminator", "generator", "real_score", "fake_score")
    remedy = "lower the learning rate, or choose the stabiliser r1"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.latent_dim = config.latent_dim
        self.generator = build_decoder(config, 1)
        self.decoder = as_buffers(self.generator)
        self.register_buffer("updates", torch.zeros(1))
        self.discriminator = Discriminator(config)

    def players(self) -> Mapping[str, Player]:
        """Returns `discriminator` and, after it, `generator`."""
        return {
            name: Player(list(getattr(self, name).parameters()), BETAS)
            for name in ("discriminator", "generator")
        }

    def start_at(self, images: Tensor) -> None:
        """Makes the untrained generator answer with the mean of the images, shape (N, C, H, W)."""
        device = next(self.generator.parameters()).device
        mean = images.mean(0).to(device)
        self.generator.start_at(torch.logit(mean.clamp(0.01, 0.99)))

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws z ~ N(0, I), shape (count, Z)."""
        shape = (count, self.latent_dim)
        return torch.randn(shape, generator=generator, device=generator.device)

    def decode(self, z: Tensor) -> Tensor:
        """Makes images of codes z (B, Z): shape (B, C, H, W), in [0, 1]."""
        network = self.generator if self.training else self.decoder
        return torch.sigmoid(network(z).float())

    def losses(self, player: str, batch: Batch) -> Losses:
        """Computes a player's loss; each draws codes of its own.

        In training mode the moving average first takes in the weights of the step before.
        """
        if player == "generator":
            fake = self.decode(self.noise(len(batch.images), batch.generator))
            loss = softplus(-self.discriminator(fake)).mean()
            return Losses(loss, {"generator": loss.detach()})
        if self.training:
            move_average(self.decoder, self.generator, self.updates)
        return self._discriminator_loss(batch)

    def _discriminator_loss(self, batch: Batch) -> Losses:
        with torch.no_grad():
            fake = self.decode(batch.noise)
        has_penalty = self.config.stabiliser == "r1" and torch.is_grad_enabled()
        images = batch.images.detach().requires_grad_(has_penalty)
        real, drawn = self.discriminator(images), self.discriminator(fake)
        loss = softplus(-real).mean() + softplus(drawn).mean()
        terms = {
            "discriminator": loss.detach(),
            "real_score": torch.sigmoid(real).mean().detach(),
            "fake_score": torch.sigmoid(drawn).mean().detach(),
        }
        if has_penalty:
            (slope,) = torch.autograd.grad(real.sum(), images, create_graph=True)
            loss = loss + PENALTY / 2 * slope.square().flatten(1).sum(1).mean()
        return Losses(loss, terms)

    @torch.no_grad()
    def score(self, images: Tensor, seed: int) -> Scores:
        """Scores the discriminator on test images and draws, and how many images draws cover.

        `coverage` is the share of the images that have a draw as near as their fifth neighbour, by
        pixels: about .97 for other real images, far less where kinds of images are left out.
        """
        self.eval()
        images = images[:SCORED_IMAGES]
        generator = torch.Generator(images.device).manual_seed(seed)
        drawn = self.generate(max(2, len(images)), generator)
        real, fake = (self.discriminator(each) for each in (images, drawn))
        return {
            "discriminator": (softplus(-real).mean() + softplus(fake).mean()).item(),
            "generator": softplus(-fake).mean().item(),
            "real_score": torch.sigmoid(real).mean().item(),
            "fake_score": torch.sigmoid(fake).mean().item(),
            "coverage": self._coverage(images, drawn),
        }

    def _coverage(self, images: Tensor, drawn: Tensor) -> float:
        pixels = [each.flatten(1).cpu().double().numpy() for each in (images, drawn)]
        neighbours = min(DENSITY_NEIGHBOURS, len(images) - 1)
        return density_coverage(*pixels, neighbours).coverage

    @torch.no_grad()
    def generate(self, count: int, generator: torch.Generator, steps: int | None = None) -> Tensor:
        """Makes images in [0, 1] of draws z ~ N(0, I), shape (count, C, H, W).

        Args:
            count: How many.
            generator: Of z.
            steps: Unused: one evaluation of the generator makes an image.
        """
        return self.decode(self.noise(count, generator))
