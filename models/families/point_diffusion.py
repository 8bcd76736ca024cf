"""A diffusion model of points: of the codes of images, so small that the whole process is seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.families.averaged import as_buffers, move_average
from models.objectives.denoising import add_noise, alpha_bars, spread_times
from models.objectives.trainable import Batch, Losses, Player, Scores, TrainableModel

NOISE_STEPS = 200
WIDTH = 96
POINT_RATES = (0.5, 1.0, 2.0, 4.0)
TIME_RATES = (1.6, 3.1, 6.3, 12.6)
"""Radians for a unit of z, and for the whole process: as fine as structure is easily learned."""


def _waves(values: Tensor, rates: tuple[float, ...]) -> Tensor:
    """Sines and cosines of numbers (B, K), shape (B, 2 · K · rates)."""
    angles = torch.cat([rate * values for rate in rates], 1)
    return torch.cat([angles.sin(), angles.cos()], 1)


class Denoiser(nn.Module):
    """f(z_t, t) of points (B, Z) at times t/T (B,): three hidden layers over waves of both.

    The waves bound it, however far from the data a point lies.

    Example:
        >>> Denoiser(2)(torch.zeros(5, 2), torch.ones(5)).shape
        torch.Size([5, 2])
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        inputs = 2 * (latent_dim * len(POINT_RATES) + len(TIME_RATES))
        self.layers = nn.Sequential(
            nn.Linear(inputs, WIDTH), nn.SiLU(),
            nn.Linear(WIDTH, WIDTH), nn.SiLU(),
            nn.Linear(WIDTH, WIDTH), nn.SiLU(),
            nn.Linear(WIDTH, latent_dim),
        )  # fmt: skip

    def forward(self, points: Tensor, progress: Tensor) -> Tensor:
        waves = _waves(points, POINT_RATES), _waves(progress[:, None], TIME_RATES)
        return self.layers(torch.cat(waves, 1))


class PointDiffusion(TrainableModel):
    r"""A denoising diffusion model whose data are points, trained on ‖ε - ε̂(z_t, t)‖² / Z.

    The guess is that of data N(0, I), which is right far from all data, and a learned difference:

    .. math:: ε̂(z_t, t) = \sqrt{1 - ᾱ_t}\, z_t + f(z_t, t)

    The score of the noisy points, an arrow in their plane, is its guess of the noise:

    .. math:: ∇_{z_t} \ln p_t(z_t) ≈ -ε̂(z_t, t) / \sqrt{1 - ᾱ_t}

    Args:
        latent_dim: Z, numbers of a point; the trainer sees points as images of shape (1, 1, Z).

    Source:
        Ho, Jain & Abbeel, 2020, arXiv:2006.11239; the score: Song et al., Score-Based Generative
        Modeling through SDEs, 2021, arXiv:2011.13456; of codes: Vahdat, Kreis & Kautz, 2021,
        arXiv:2106.05931.

    Example:
        >>> model = PointDiffusion(2).eval()
        >>> model.guess_at(torch.zeros(5, 2), 100).shape, model.score_at(torch.zeros(5, 2), 1).shape
        (torch.Size([5, 2]), torch.Size([5, 2]))
    """

    terms = ("noise_error",)

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim, self.noise_steps = latent_dim, NOISE_STEPS
        self.network = Denoiser(latent_dim)
        self.average = as_buffers(self.network)
        self.register_buffer("updates", torch.zeros(1))

    def players(self) -> dict[str, Player]:
        """Returns one player, `model`: the denoiser."""
        return {"model": Player(list(self.network.parameters()))}

    def guess_noise(self, points: Tensor, times: Tensor) -> Tensor:
        """Guesses ε of z_t, shape (B, Z), at times t, shape (B,)."""
        network = self.network if self.training else self.average
        rest = 1 - alpha_bars(self.noise_steps)[times.long()].float()
        return rest.sqrt()[:, None] * points + network(points, times / self.noise_steps)

    @torch.no_grad()
    def guess_at(self, points: Tensor, time: int) -> Tensor:
        """Guesses ε of points at one time for all."""
        return self.guess_noise(
            points, torch.full((len(points),), float(time), device=points.device)
        )

    def score_at(self, points: Tensor, time: int) -> Tensor:
        """Estimates ∇ ln p_t at points, shape (B, Z): the arrows of the plane."""
        rest = 1 - alpha_bars(self.noise_steps)[time].item()
        return -self.guess_at(points, time) / rest**0.5

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws ε ~ N(0, I) for every point, shape (count, Z)."""
        return torch.randn(count, self.latent_dim, generator=generator, device=generator.device)

    def losses(self, player: str, batch: Batch) -> Losses:
        """Computes the mean squared error of ε̂, per number of a point: 1 for a guess of 0."""
        if self.training:
            move_average(self.average, self.network, self.updates)
        error = self._error(batch.images.flatten(1), batch.noise, batch.generator)
        return Losses(error, {"noise_error": error.detach()})

    def _error(self, points: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
        times = spread_times(len(points), self.noise_steps, generator)
        noisy = add_noise(points, noise, alpha_bars(self.noise_steps)[times].float()[:, None])
        return (noise - self.guess_noise(noisy, times.float())).square().mean()

    @torch.no_grad()
    def score(self, images: Tensor, seed: int) -> Scores:
        """Estimates the error of ε̂ on points, each at one t."""
        self.eval()
        generator = torch.Generator().manual_seed(seed)
        points = images.flatten(1)
        error = self._error(points, self.noise(len(points), generator), generator)
        return {"noise_error": error.item()}
