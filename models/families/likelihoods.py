"""What the decoder's output means: the density p(x|z) of an image given its code.

A likelihood turns the network's raw output, shape (B, k·C, H, W), into a log-density, a mean
image and a sample. `outputs` is k, the numbers per pixel it needs.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.capabilities import load_class
from models.config import MIN_SIGMA, ModelConfig
from models.objectives.distributions import LOG_2PI, bernoulli_log_prob, gaussian_log_prob

MIN_LOG_VARIANCE = 2 * math.log(MIN_SIGMA)


class Bernoulli(nn.Module):
    """Independent Bernoulli pixels; the output is the log-odds of white.

    Example:
        >>> Bernoulli().mean(torch.zeros(1, 1, 1, 1)).item()
        0.5
    """

    outputs = 1

    def initial_output(self, mean_image: Tensor) -> Tensor:
        """The output (C, H, W) whose mean is `mean_image`: logit, kept off 0 and 1."""
        return torch.logit(mean_image, eps=1e-3)

    def log_prob(self, output: Tensor, images: Tensor) -> Tensor:
        """ln p(x|z) in nats per image, shape (B,)."""
        return bernoulli_log_prob(output, images)

    def log_prob_pairs(self, output: Tensor, images: Tensor) -> Tensor:
        """ln p(x|z) of every image under each of G outputs, in nats, shape (B, G)."""
        logits = output.flatten(1)
        return images.flatten(1) @ logits.T - F.softplus(logits).sum(1)

    def mean(self, output: Tensor) -> Tensor:
        """E[x|z], shape (B, C, H, W), in [0, 1]."""
        return torch.sigmoid(output)

    def sample(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """A draw of p(x|z): every pixel 0 or 1."""
        return torch.bernoulli(torch.sigmoid(output), generator=generator)


class Gaussian(nn.Module):
    """Gaussian pixels of one fixed standard deviation; the output is the mean.

    Example:
        >>> Gaussian(sigma=1.0).log_variance(torch.zeros(1)).item()
        0.0
    """

    outputs = 1
    learned = False

    def __init__(self, sigma: float) -> None:
        super().__init__()
        log_sigma = torch.tensor(math.log(sigma))
        if self.learned:
            self.log_sigma = nn.Parameter(log_sigma)
        else:
            self.register_buffer("log_sigma", log_sigma)

    def initial_output(self, mean_image: Tensor) -> Tensor:
        """The output (C, H, W) whose mean is `mean_image`."""
        return mean_image

    def log_variance(self, output: Tensor) -> Tensor:
        """ln σ², a scalar or one per pixel."""
        return (2 * self.log_sigma).clamp_min(MIN_LOG_VARIANCE)

    def log_prob(self, output: Tensor, images: Tensor) -> Tensor:
        """ln p(x|z) in nats per image, shape (B,)."""
        return gaussian_log_prob(self.mean(output), self.log_variance(output), images)

    def log_prob_pairs(self, output: Tensor, images: Tensor) -> Tensor:
        """ln p(x|z) of every image under each of G outputs, in nats, shape (B, G).

        The square is multiplied out, so that one matrix product serves all pairs; in float64,
        where the digits that cancel are not missed.
        """
        x, mean = images.flatten(1).double(), self.mean(output).double().flatten(1)
        log_variance = self.log_variance(output).double()
        log_variance = log_variance.expand(len(output), *images.shape[1:]).flatten(1)
        precision = torch.exp(-log_variance)
        squares = x.square() @ precision.T - 2 * x @ (mean * precision).T
        squares += (mean.square() * precision).sum(1)
        return -0.5 * (squares + (log_variance + LOG_2PI).sum(1)).to(images.dtype)

    def mean(self, output: Tensor) -> Tensor:
        """E[x|z], shape (B, C, H, W); may leave [0, 1] a little."""
        return output

    def sample(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """A draw of p(x|z), shape (B, C, H, W)."""
        mean = self.mean(output)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return mean + torch.exp(0.5 * self.log_variance(output)) * noise


class GaussianShared(Gaussian):
    """Gaussian pixels of one standard deviation, learned as a parameter.

    Example:
        >>> GaussianShared(sigma=0.1).log_sigma.requires_grad
        True
    """

    learned = True


class GaussianOptimal(Gaussian):
    """Gaussian pixels of the standard deviation that fits best: σ² = mean squared error per pixel.

    While training, σ² is the batch's own error, so the loss is (d/2) ln MSE + const. For scores
    it is a running average of those (decay 0.99): one fixed number, so that a score does not
    depend on the batch it was computed in.

    Source:
        Rybkin, Daniilidis & Levine, 2021, arXiv:2006.13202, section 3.2.

    Example:
        >>> GaussianOptimal(sigma=0.1).outputs
        1
    """

    decay = 0.99

    def log_prob(self, output: Tensor, images: Tensor) -> Tensor:
        """ln p(x|z) in nats per image, shape (B,)."""
        if not self.training:
            return super().log_prob(output, images)
        mean_squared_error = (images - output).square().mean().clamp_min(MIN_SIGMA**2)
        log_variance = torch.log(mean_squared_error)
        with torch.no_grad():
            self.log_sigma.lerp_(0.5 * log_variance, 1 - self.decay)
        return gaussian_log_prob(output, log_variance, images)


class GaussianPixel(Gaussian):
    """Gaussian pixels, each with its own mean and variance from the decoder (σ ≥ 1/256).

    Example:
        >>> GaussianPixel(sigma=0.1).outputs
        2
    """

    outputs = 2

    def initial_output(self, mean_image: Tensor) -> Tensor:
        """The output (2C, H, W) of mean `mean_image` and standard deviation `sigma`."""
        start = (2 * self.log_sigma - MIN_LOG_VARIANCE).clamp_min(1e-3)
        raw = start + torch.log(-torch.expm1(-start))  # the inverse of softplus
        return torch.cat([mean_image, (raw + MIN_LOG_VARIANCE).expand_as(mean_image)])

    def log_variance(self, output: Tensor) -> Tensor:
        """ln σ² of every pixel, softly bounded below, shape (B, C, H, W)."""
        return MIN_LOG_VARIANCE + F.softplus(output.chunk(2, dim=1)[1] - MIN_LOG_VARIANCE)

    def mean(self, output: Tensor) -> Tensor:
        """E[x|z], shape (B, C, H, W)."""
        return output.chunk(2, dim=1)[0]


def build_likelihood(config: ModelConfig) -> nn.Module:
    """Builds the likelihood that a config names.

    Example:
        >>> build_likelihood(ModelConfig(likelihood="bernoulli"))
        Bernoulli()
    """
    properties = config.likelihood_properties
    likelihood = load_class(properties.model)
    return likelihood() if properties.sigma == "none" else likelihood(config.sigma)
