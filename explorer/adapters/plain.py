"""An adapter of a plain `nn.Module`: its class and weights come from your own `my_vae`.

Copy this beside your code, then: `python -m explorer --adapter plain.py`
"""

import functools

from torch import Tensor, nn

data = "digits"  # or "mnist", an .npz, a folder of images; or give images, labels, class_names
likelihood = "bernoulli"  # leave out for a Gaussian with the σ that fits best


@functools.cache
def model() -> nn.Module:
    """The trained network, in evaluation mode."""
    from my_vae import load  # yours: makes the network and loads its state_dict

    return load().eval()


def encode(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, each (N, Z), of images (N, C, H, W) in [0, 1]."""
    return model().encode(images)


def decode(z: Tensor) -> Tensor:
    """Images (N, C, H, W) in [0, 1] of codes (N, Z)."""
    return model().decode(z)


def decoder() -> nn.Module:
    """The layers behind decode: with them the browser decodes too. May be left out."""
    return model().decoder
