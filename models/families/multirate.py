"""One VAE for every β: the outputs of its layers are scaled and shifted by functions of log β.

A β-VAE has to be trained again for every β. This one sees every image of a batch at other values
of β and learns, beside the weights, how its layers change with it. At any one β the gates fold
into the weights, so that `MultirateVAE.at` returns a plain `models.families.vae.VAE`: what can be
done with one of those (scores, codes, the browser's decoder) can be done at every β.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from models.config import ModelConfig
from models.families.vae import VAE
from models.objectives.elbo import LatentModel

RAMPS = 16
"""Functions of log β that every gate is a combination of."""

Gates = Sequence[tuple[Tensor, Tensor]]
"""A scale and a shift for one layer after the other, each with a column for every output."""


class MultirateVAE(VAE):
    r"""A VAE whose weights are functions of β, trained at all β of a range at once.

    .. math:: h_l = a_l(\ln β) ⊙ (W_l h_{l-1} + b_l) + c_l(\ln β), \quad
        a_l = 1 + \sum_k A_{lk} \tanh 2(t - t_k), \quad c_l = \sum_k C_{lk} \tanh 2(t - t_k)

    before the non-linearity, with t the place of ln β in its range, from -1 to 1, and 16 t_k
    evenly over it; a channel of a convolution has one scale and one shift. Training minimises

    .. math:: E\left[\max(1, β)^{-1/4} (D + βR)\right], \quad \ln β \sim U(\ln β_{min}, \ln β_{max})

    where the weight keeps the large losses at high β from setting the pace of all. Called as it
    is, the model answers at β = 1. A σ that the likelihood learns is one for all β.

    Source:
        Bae et al., Multi-Rate VAE: Train Once, Get the Full Rate-Distortion Curve, ICLR 2023,
        arXiv:2212.03905; there a gate is a scale alone, one non-linearity of an affine function
        of ln β.

    Example:
        >>> model = MultirateVAE(ModelConfig(family="multirate"))
        >>> mean, log_variance = model.encode(torch.zeros(3, 1, 28, 28))
        >>> tuple(mean.shape), type(model.at(0.5)).__name__
        ((3, 2), 'VAE')
    """

    draws = 2

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self._sizes = [_outputs(layer) for layer in self._gated().values()]
        self.gates = nn.Parameter(torch.zeros(RAMPS, 2 * sum(self._sizes)))

    def at(self, beta: float) -> VAE:
        """Folds the model at one β: a plain VAE with weights of its own.

        Args:
            beta: β, from `beta_min` to `beta_max` of the config.

        Raises:
            ValueError: If β is outside that range.
        """
        low, high = self.config.beta_min, self.config.beta_max
        if not low <= beta <= high:
            raise ValueError(f"beta must be {low:g} to {high:g} for this model, got {beta:g}")
        with torch.device("meta"):
            model = VAE(replace(self.config, family="vae"))
        model.load_state_dict(self._folded(math.log(beta)), strict=True, assign=True)
        return model.train(self.training)

    @torch.no_grad()
    def _folded(self, log_beta: float) -> dict[str, Tensor]:
        """The state of the plain VAE: a ⊙ (W h + b) + c = (a ⊙ W) h + (a ⊙ b + c)."""
        state = {name: value.clone() for name, value in self.state_dict().items()}
        del state["gates"]
        gates = self.gates_at(self.gates.new_tensor([log_beta]))
        for (name, layer), (scale, shift) in zip(self._gated().items(), gates, strict=True):
            along = [1] * layer.weight.ndim
            along[1 if isinstance(layer, nn.ConvTranspose2d) else 0] = -1  # its outputs
            state[f"{name}.weight"] *= scale.view(along)
            state[f"{name}.bias"] = scale[0] * state[f"{name}.bias"] + shift[0]
        return state

    def _gated(self) -> dict[str, nn.Module]:
        """The layers that have gates, by name, encoder first."""
        return {
            f"{part}.layers.{name}": layer
            for part in ("encoder", "decoder")
            for name, layer in self.get_submodule(part).layers.named_children()
            if _has_gate(layer)
        }

    def gates_at(self, log_beta: Tensor) -> Gates:
        """Computes scale a and shift c of every layer with weights, in the order of the network.

        Args:
            log_beta: ln β, shape (B,).

        Returns:
            Pairs of shape (B, outputs): first those of the encoder, then those of the decoder.
        """
        low, high = self._log_range()
        place = (2 * log_beta - low - high) / (high - low)
        centres = torch.linspace(-1, 1, RAMPS, device=place.device)
        ramps = torch.tanh(2 * (place[:, None] - centres))  # (B, RAMPS)
        return [(1 + ramps @ scale, ramps @ shift) for scale, shift in self._ramp_weights()]

    def decoder_gates(self) -> Gates:
        """Returns A and C of the decoder's gated layers, each of shape (RAMPS, outputs)."""
        return self._ramp_weights()[-sum(map(_has_gate, self.decoder.layers)) :]

    def _ramp_weights(self) -> Gates:
        """A and C of every layer, encoder first."""
        parts = self.gates.split([size for size in self._sizes for _ in range(2)], dim=1)
        return list(zip(parts[::2], parts[1::2], strict=True))

    def _log_range(self) -> tuple[float, float]:
        return math.log(self.config.beta_min), math.log(self.config.beta_max)

    def draw(
        self, images: Tensor, generator: torch.Generator
    ) -> tuple[LatentModel, Tensor, Tensor, Tensor]:
        """Returns the images twice, at β that cover the range evenly, half of it apart."""
        rows = self.draws * len(images)
        low, high = self._log_range()
        with torch.autocast(images.device.type, enabled=False):  # gates keep all their digits
            log_beta = low + (high - low) * evenly(rows, generator)
            weight = log_beta.clamp_min(0).mul(-0.25).exp()
            model = _AtGates(self, self.gates_at(log_beta), self.draws)
        return model, images.repeat(self.draws, 1, 1, 1), weight, (weight * log_beta.exp())[:, None]

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encodes images to mean and log-variance of q(z|x) at β = 1, each of shape (B, Z)."""
        return self._at_one().encode(images)

    def _output(self, z: Tensor) -> Tensor:
        return self._at_one().output(z)

    def _at_one(self) -> _AtGates:
        return _AtGates(self, self.gates_at(self.gates.new_zeros(1)))


class _AtGates:
    """A multirate model with one pair of gates for all images, or one for each.

    If the images are `copies` of the same, one after the other, the first layer, which comes
    before the first gate, sees them once.
    """

    def __init__(self, model: MultirateVAE, gates: Gates, copies: int = 1) -> None:
        self.latent_dim = model.latent_dim
        self._model = model
        self._gates = gates
        self._copies = copies

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        first, *others = self._model.encoder.layers
        x = images[: len(images) // self._copies]
        h = first(x.flatten(1) if isinstance(first, nn.Linear) else x)
        h = _gate(torch.cat([h] * self._copies), *self._gates[0])
        mean, log_variance = _run(others, h, self._gates[1:]).float().chunk(2, dim=1)
        return mean, log_variance

    def output(self, z: Tensor) -> Tensor:
        """The decoder's, shape (B, k·C, H, W)."""
        layers = self._model.decoder.layers
        gates = self._gates[-sum(map(_has_gate, layers)) :]
        h = _run(layers, z, gates).float()
        return h.view(len(z), -1, *self._model.config.image_shape[1:])

    def log_likelihood(self, images: Tensor, z: Tensor) -> Tensor:
        return self._model.likelihood.log_prob(self.output(z), images)


def _run(layers: Iterable[nn.Module], h: Tensor, gates: Gates) -> Tensor:
    """Layer after layer, each one's outputs gated where it has a gate."""
    remaining = iter(gates)
    for layer in layers:
        h = layer(h)
        if _has_gate(layer):
            h = _gate(h, *next(remaining))
    return h


def _gate(h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """a ⊙ h + c, for features (B, F) or for channels (B, F, H, W)."""
    beyond = (1,) * (h.ndim - 2)
    return torch.addcmul(shift.view(*shift.shape, *beyond), scale.view(*scale.shape, *beyond), h)


def _has_gate(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)


def _outputs(layer: nn.Module) -> int:
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


def evenly(count: int, generator: torch.Generator) -> Tensor:
    r"""Draws numbers of U(0, 1) that cover it evenly: u_i = (i + v) / n with one v ~ U(0, 1).

    Each alone is uniform within its n-th; a random order of what they are for makes it uniform.

    Args:
        count: n, at least 1.
        generator: Of v.

    Returns:
        Shape (n,), rising, on the generator's device.

    Example:
        >>> u = evenly(4, torch.Generator().manual_seed(0))
        >>> (u * 4).floor()
        tensor([0., 1., 2., 3.])
    """
    device = generator.device
    start = torch.rand(1, generator=generator, device=device)
    return (torch.arange(count, device=device) + start) / count
