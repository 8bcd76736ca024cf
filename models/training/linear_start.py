"""First weights: the network starts as the linear VAE that fits the images best.

Training from random weights spends its first epoch on what has a closed form: the directions in
which images vary most, and how many nats each is worth. A fully connected network can carry this
solution through its hidden layers unchanged, for ReLU and SiLU satisfy f(a) - f(-a) = a: two units
pass a number on. All other weights stay random, and learn what is not linear.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MAX_NUMBERS = 2**23
"""Most numbers of the images that are looked at: evenly spaced ones, where there are more."""
MIN_VARIANCE = 0.02
"""Least p(1 - p) of a pixel: one that is nearly always black would be a reason for any code."""
ITERATIONS, SPARE = 8, 10
"""Of the search for the leading directions, and how many more than are needed it follows."""


@torch.no_grad()
def start_linear(model: nn.Module, images: Tensor) -> None:
    r"""Gives a fully connected VAE the weights of the best linear VAE of its images.

    .. math:: μ_j = \frac{\sqrt{λ_j - 1}}{λ_j} u_j^T \tilde x, \quad σ_j^2 = \frac1{λ_j}, \quad
        \tilde x' = \sum_j \sqrt{λ_j - 1}\, u_j z_j, \qquad \tilde x = \frac{x - \bar x}{s}

    λ_j and u_j are the leading eigenvalues and eigenvectors of the covariance of the scaled images;
    a direction with λ_j ≤ 1 is worth no nats and stays out. s is the likelihood's standard
    deviation: σ, and for Bernoulli pixels of mean p, linearised about it, √(p(1 - p)), where the
    decoder's output is a log-odds and moves by x̃'/s.

    Args:
        model: A `models.families.vae.VAE` of linear layers, none narrower than two units for each
            latent; its output bias is already that of the mean image.
        images: x in [0, 1], shape (N, C, H, W).

    Source:
        Tipping & Bishop, Probabilistic Principal Component Analysis, 1999, equation 8; Lucas et
        al., Don't Blame the ELBO!, 2019, arXiv:1911.02469, for the VAE.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> model = build_model(ModelConfig(image_shape=(1, 8, 8), hidden=(16,)))
        >>> stripes = torch.rand(100, 1, 1, 8, generator=torch.Generator().manual_seed(0)).round()
        >>> images = stripes.expand(100, 1, 8, 8)  # each column is black or white: λ is about 8
        >>> start_linear(model, images)
        >>> model.encode(images)[1][0].exp() < 1 / 8  # the posterior's variance
        tensor([True, True])
    """
    size = images[0].numel()
    every = -(-len(images) * size // MAX_NUMBERS)
    pixels = images[::every].flatten(1).to(next(model.parameters()).device)
    mean = pixels.mean(0)
    is_logit = model.config.likelihood_properties.mean_activation == "sigmoid"
    if is_logit:
        spread = (mean * (1 - mean)).clamp_min(MIN_VARIANCE).sqrt()
    else:
        spread = model.likelihood.log_sigma.exp().expand_as(mean)
    values, directions = leading_directions((pixels - mean) / spread, model.latent_dim)
    values = values.clamp_min(1.0)
    gain = (values - 1).sqrt()
    encode = (gain / values)[:, None] * directions.T / spread  # (Z, pixels)
    decode = directions * gain  # (pixels, Z)
    decode = decode / spread[:, None] if is_logit else decode * spread[:, None]
    heads = _linear_layers(model.encoder)
    identity = torch.eye(model.latent_dim, device=pixels.device)
    _carry(heads, encode, identity, -encode @ mean)
    heads[-1].weight[model.latent_dim :] = 0
    heads[-1].bias[model.latent_dim :] = -values.log()
    _carry(_linear_layers(model.decoder), identity, decode)


def leading_directions(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    r"""Finds the leading eigenvectors of \frac1N X^T X, by iterating on a subspace.

    Args:
        rows: X, shape (N, d).
        count: How many.

    Returns:
        Eigenvalues (count,), largest first, and unit vectors (d, count); both zero beyond what X
        has.

    Source:
        Halko, Martinsson & Tropp, Finding Structure with Randomness, 2011, arXiv:0909.4061,
        algorithm 4.4.

    Example:
        >>> values, vectors = leading_directions(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 1)
        >>> values, vectors.abs()
        (tensor([2.]), tensor([[1.],
                [0.]]))
    """
    width = min(count + SPARE, *rows.shape)
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(rows.shape[1], width, generator=generator).to(rows)
    for _ in range(ITERATIONS):
        basis = torch.linalg.qr(rows.T @ (rows @ basis)).Q
    inside = rows @ basis
    values, mixes = torch.linalg.eigh(inside.T @ inside / len(rows))
    kept = min(count, width)
    found = rows.new_zeros(count), rows.new_zeros(rows.shape[1], count)
    found[0][:kept] = values.flip(0)[:kept].clamp_min(0)
    found[1][:, :kept] = (basis @ mixes).flip(1)[:, :kept]
    return found


def _linear_layers(network: nn.Module) -> list[nn.Linear]:
    return [layer for layer in network.layers if isinstance(layer, nn.Linear)]


def _carry(
    layers: Sequence[nn.Linear], enter: Tensor, leave: Tensor, shift: Tensor | None = None
) -> None:
    """Lets a chain of layers map x to leave · (enter · x + shift), through pairs of units.

    Args:
        layers: With an activation between any two.
        enter: Shape (K, inputs).
        leave: Shape (outputs, K); of outputs beyond these the weights stay.
        shift: Shape (K,); None: zero. The last layer's bias stays if there is no shift.
    """
    *hidden, last = layers
    outputs = len(leave)
    if shift is not None:
        last.bias[:outputs] = 0 if hidden else leave @ shift
    if not hidden:
        last.weight[:outputs] = leave @ enter
        return
    units = 2 * len(enter)
    pair = torch.eye(len(enter), device=enter.device)
    passed = torch.cat([torch.cat([pair, -pair], 1), torch.cat([-pair, pair], 1)])
    for i, layer in enumerate(hidden):
        layer.bias[:units] = 0
        if i:
            layer.weight[:units] = 0
            layer.weight[:units, :units] = passed
        else:
            layer.weight[:units] = torch.cat([enter, -enter])
            if shift is not None:
                layer.bias[:units] = torch.cat([shift, -shift])
    last.weight[:outputs] = 0
    last.weight[:outputs, :units] = torch.cat([leave, -leave], 1)
