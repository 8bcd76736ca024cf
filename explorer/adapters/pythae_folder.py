"""An adapter of a model folder that pythae wrote: `final_model`, beside this file.

Copy this beside the folder, then: `python -m explorer --adapter pythae_folder.py`
"""

import functools
from pathlib import Path

from torch import Tensor, nn

FOLDER = Path(__file__).with_name("final_model")

data = "digits"  # what it was trained on: a name, an .npz, a folder of images


@functools.cache
def model() -> nn.Module:
    """The trained model, in evaluation mode."""
    from pythae.models import AutoModel

    return AutoModel.load_from_folder(str(FOLDER)).eval()


def encode(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, each (N, Z), of images (N, C, H, W) in [0, 1]."""
    output = model().encoder(images)
    return output.embedding, output.log_covariance


def decode(z: Tensor) -> Tensor:
    """Images (N, C, H, W) in [0, 1] of codes (N, Z)."""
    return model().decoder(z).reconstruction


def decoder() -> nn.Module:
    """The layers behind decode: with them the browser decodes too."""
    return model().decoder
