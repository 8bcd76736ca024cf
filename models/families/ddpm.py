"""A diffusion model of images: it learns to see the noise in an image, and removes it in steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from models.config import ModelConfig
from models.families.averaged import as_buffers, move_average
from models.families.unet import UNet
from models.metrics.diffusion import DiffusionTerms, diffusion_terms
from models.objectives.denoising import (
    BEST,
    INVERTIBLE,
    Moment,
    Sampler,
    add_noise,
    alpha_bars,
    ddim_inverse,
    ddim_path,
    grey_levels,
    spread_times,
    step_times,
)
from models.objectives.trainable import Batch, Losses, Player, Scores, TrainableModel

NOISE_STEPS = 200
"""T: steps in which an image turns into noise."""
STEPS = 15
"""Evaluations of the network for a sample, unless others are asked for."""
SCORED_IMAGES = 1000
"""Most test images behind the bound of a trained model."""
EPOCH_IMAGES = 250
"""Most test images behind the scores of an epoch, which cost time in every one."""


class DDPM(TrainableModel):
    r"""A denoising diffusion model: a U-Net guesses the noise ε̂(x_t, t) in a noisy image.

    .. math:: L = E_{x_0, t, ε} \left[\frac1{d\,ᾱ_t} ‖ε - ε̂(x_t, t)‖^2\right], \quad
        ε̂(x_t, t) = \sqrt{1 - ᾱ_t}\, x_t + \sqrt{ᾱ_t}\, v̂(x_t, t)

    with t uniform over 1 … T, d the numbers of an image and v̂ the output of the network, which so
    has a goal of the same size at every t: L is the mean squared error of v̂. In evaluation mode
    the guess is that of the moving average of the weights, which travels with the model as buffers.
    Images are drawn from x_T ~ N(0, I) by DDIM, so x_T is the latent of an image: η = 0 has no
    other randomness.

    Args:
        config: Image shape; `hidden`, the channels of the U-Net's levels; and `patch`, the pixels a
            side that are one place of its first level.

    Raises:
        ValueError: If `hidden` has no entry.

    Source:
        Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models, 2020, arXiv:2006.11239; v and
        its weights: Salimans & Ho, Progressive Distillation, 2022, arXiv:2202.00512, section 4; the
        sampler: Song, Meng & Ermon, 2021, arXiv:2010.02502.

    Example:
        >>> config = ModelConfig(image_shape=(1, 8, 8), hidden=(8, 16))
        >>> model = DDPM(config).eval()
        >>> model.generate(3, torch.Generator().manual_seed(0), steps=2).shape
        torch.Size([3, 1, 8, 8])
    """

    terms = ("noise_error",)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        if not config.hidden:
            raise ValueError("hidden must have an entry for each level of the U-Net, got none")
        self.noise_steps = NOISE_STEPS
        self.network = UNet(config.image_shape[0], config.hidden, config.patch)
        self.average = as_buffers(self.network)
        self.register_buffer("updates", torch.zeros(1))
        self.register_buffer("levels", torch.full((1,), 256.0))

    @property
    def evaluations(self) -> int:
        """Evaluations of the network for a sample, unless others are asked for."""
        return min(STEPS, self.noise_steps)

    def players(self) -> Mapping[str, Player]:
        """Returns one player, `model`: the U-Net."""
        return {"model": Player(list(self.network.parameters()))}

    def start_at(self, images: Tensor) -> None:
        """Notes how many grey levels the images have: the bound is of images of so many."""
        self.levels.fill_(grey_levels(images[:1000]))

    def guess_noise(self, noisy: Tensor, times: Tensor) -> Tensor:
        """Guesses ε of x_t, pixels from -1 to 1, shape (B, C, H, W), at times t, shape (B,)."""
        network = self.network if self.training else self.average
        shares = self._shares(times)
        guess = network(noisy, times / self.noise_steps).float()
        return (1 - shares).sqrt() * noisy + shares.sqrt() * guess

    def _shares(self, times: Tensor) -> Tensor:
        """ᾱ_t of times (B,), shape (B, 1, 1, 1)."""
        shares = alpha_bars(self.noise_steps).to(times.device, torch.float32)
        return shares[times.long()][:, None, None, None]

    def guess_at(self, noisy: Tensor, time: int) -> Tensor:
        """Guesses ε of x_t at one time for all images, as samplers ask."""
        return self.guess_noise(noisy, torch.full((len(noisy),), float(time), device=noisy.device))

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws ε ~ N(0, I) for every image, shape (count, C, H, W)."""
        shape = (count, *self.config.image_shape)
        return torch.randn(shape, generator=generator, device=generator.device)

    def losses(self, player: str, batch: Batch) -> Losses:
        """Computes the loss, and the mean squared error of ε̂ per number: a guess of 0 has 1.

        In training mode the moving average first takes in the weights of the step before.
        """
        if self.training:
            move_average(self.average, self.network, self.updates)
        errors, shares = self._squared_errors(batch.images, batch.noise, batch.generator)
        return Losses((errors / shares).mean(), {"noise_error": errors.mean().detach()})

    def _squared_errors(
        self, images: Tensor, noise: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """‖ε - ε̂‖² / d of each image at a t of its own, all t equally often, and its ᾱ_t, (B,)."""
        times = spread_times(len(images), self.noise_steps, generator)
        shares = self._shares(times)
        noisy = add_noise(2 * images - 1, noise, shares)
        errors = (noise - self.guess_noise(noisy, times.float())).square().flatten(1).mean(1)
        return errors, shares.flatten()

    @torch.no_grad()
    def score(self, images: Tensor, seed: int) -> Scores:
        """Estimates the error of ε̂ and the bound on the first test images, each at one t."""
        self.eval()
        generator = torch.Generator(images.device).manual_seed(seed)
        errors = [
            self._squared_errors(batch, self.noise(len(batch), generator), generator)[0]
            for batch in images[:EPOCH_IMAGES].split(500)
        ]
        terms = self.bound(images[:EPOCH_IMAGES], seed)
        return {
            "noise_error": torch.cat(errors).mean().item(),
            "negative_bound": terms.total().mean().item(),
        }

    def image_scores(self, images: Tensor, seed: int) -> dict[str, Tensor]:
        """Estimates the bound of each of the first test images, in nats, from four draws."""
        terms = self.bound(images[:SCORED_IMAGES], seed, draws=4)
        return {"negative_bound": terms.total()}

    @torch.no_grad()
    def bound(self, images: Tensor, seed: int = 0, draws: int = 1) -> DiffusionTerms:
        """Estimates the terms of -ln P(x) ≤ … of images in [0, 1]; see `diffusion_terms`.

        The images are those of as many grey levels as the training images have.
        """
        self.eval()
        generator = torch.Generator(images.device).manual_seed(seed)
        return diffusion_terms(
            self.guess_noise, images, self.noise_steps, int(self.levels), generator, draws
        )

    @torch.no_grad()
    def path(
        self,
        start: Tensor,
        times: Sequence[int],
        sampler: Sampler = INVERTIBLE,
        generator: torch.Generator | None = None,
    ) -> Iterator[Moment]:
        """Walks images of pixels from -1 to 1 through times; see `ddim_path`.

        Example:
            >>> config = ModelConfig(image_shape=(1, 8, 8), hidden=(8, 16))
            >>> model = DDPM(config).eval()
            >>> [moment.time for moment in model.path(torch.zeros(1, 1, 8, 8), [200, 100, 0])]
            [200, 100, 0]
        """
        shares = alpha_bars(self.noise_steps)
        yield from ddim_path(self.guess_at, start, times, shares, sampler, generator)

    def decode_noise(
        self,
        start: Tensor,
        steps: int = STEPS,
        sampler: Sampler = BEST,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Turns noise x_T into images in [0, 1], shape (B, C, H, W).

        Args:
            start: x_T, shape (B, C, H, W).
            steps: Evaluations of the network, 1 to T.
            sampler: How; with η = 0, x_T alone determines the image.
            generator: Of the fresh noise; needed if η > 0.

        Raises:
            ValueError: If the steps are not 1 to T.
        """
        times = step_times(self.noise_steps, steps)
        *_, end = self.path(start, times, sampler, generator)
        return ((end.clean + 1) / 2).clamp(0, 1)

    @torch.no_grad()
    def encode_noise(self, images: Tensor, steps: int = 50) -> Tensor:
        """Finds the x_T from which an `INVERTIBLE` walk to t = 1 leads to images in [0, 1].

        At t = 1 an image still has a trace of noise, of less than a grey level: the last step
        takes away what tells images apart that look the same, so no walk back goes through it.

        Args:
            images: x in [0, 1], shape (B, C, H, W).
            steps: Of the walk, 1 to T - 1: the more, the closer.

        Raises:
            ValueError: If the steps are not 1 to T - 1.
        """
        shares = alpha_bars(self.noise_steps)
        start = shares[1].sqrt().float() * (2 * images - 1)
        return ddim_inverse(self.guess_at, start, self.invertible_times(steps), shares)

    def invertible_times(self, steps: int) -> list[int]:
        """Chooses the times of a walk from T to 1, `steps` + 1 of them."""
        return [time + 1 for time in step_times(self.noise_steps - 1, steps)]

    @torch.no_grad()
    def generate(self, count: int, generator: torch.Generator, steps: int | None = None) -> Tensor:
        """Draws images in [0, 1], shape (count, C, H, W), each from its own x_T ~ N(0, I).

        Args:
            count: How many.
            generator: Of x_T.
            steps: Evaluations of the network, 1 to T; None: `STEPS`, or T if that is less.

        Raises:
            ValueError: If the steps are not 1 to T.
        """
        self.eval()
        start = self.noise(count, generator)
        steps = self.evaluations if steps is None else steps
        return torch.cat([self.decode_noise(part, steps) for part in start.split(250)])
