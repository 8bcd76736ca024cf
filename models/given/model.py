"""Codes without a model, as the screens take a model: what is known is shown, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.adapter.measure import MeasuredModel
from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.image_set import ImageSet
from models.export.layers import nearest_layer
from models.given.archive import GivenCodes, read_given
from models.latents.codes import Codes, nearest_codes
from models.metrics.likelihood import active_units
from models.metrics.statistics import estimate
from models.storage.card import Card
from models.text import clean_name

NO_PICTURE = (1, 8, 8)
"""The shape of an image where there are none."""
MAX_NUMBERS = 2**23
"""Of the pictures that the browser is given."""


class GivenModel:
    """Stands for the model that is not here: any code is answered by the nearest one's picture.

    Args:
        given: Codes with their pictures.

    Example:
        >>> pictures = np.stack([np.zeros((1, 8, 8)), np.ones((1, 8, 8))]).astype(np.float32)
        >>> codes = np.array([[0.0], [1.0]], np.float32)
        >>> one = GivenModel(GivenCodes(codes, None, None, (), None, pictures, ()))
        >>> one.decode(torch.tensor([[0.9], [-3.0]])).mean((1, 2, 3)).tolist()
        [1.0, 0.0]
    """

    def __init__(self, given: GivenCodes) -> None:
        self.kind = "image" if given.decoded is None else "decoded"
        pictures = given.images if given.decoded is None else given.decoded
        self.config = _model_config(given, NO_PICTURE if pictures is None else pictures.shape[1:])
        self.latent_dim = self.config.latent_dim
        self.browser_layers: tuple[list, list] = ([], [])
        self._kept = np.zeros((0, self.latent_dim), np.float32)
        self._pictures = np.zeros((0, *self.config.image_shape), np.float32)
        if pictures is not None:
            step = math.ceil(pictures.size / MAX_NUMBERS)
            self._kept, self._pictures = given.mean[::step], pictures[::step]
            flat = self._pictures.reshape(len(self._kept), -1)
            (layer,), arrays = nearest_layer(self._kept, flat)
            self.browser_layers = [layer | {"of": self.kind}], arrays

    @property
    def count(self) -> int:
        """How many pictures there are to choose from."""
        return len(self._kept)

    def decode(self, z: Tensor) -> Tensor:
        """The pictures of the nearest codes, shape (B, C, H, W); not a number without pictures."""
        if not self.count:
            return torch.full((len(z), *self.config.image_shape), torch.nan)
        places = [nearest_codes(self._kept, one, 1)[0][0] for one in z.numpy()]
        return torch.from_numpy(self._pictures[places])


def _model_config(given: GivenCodes, shape: tuple[int, ...]) -> ModelConfig:
    """A VAE where there are variances, else an autoencoder: their layers are not known."""
    return ModelConfig(
        family="autoencoder" if given.log_variance is None else "vae",
        image_shape=tuple(shape),
        latent_dim=given.mean.shape[1],
        hidden=(1,),
        likelihood="gaussian-optimal",
    )


def measure_codes(given: GivenCodes, title: str) -> MeasuredModel:
    """Makes of given codes what the screens show, with the scores that need no model.

    Args:
        given: Of `models.given.archive.read_given`.
        title: A label.

    Returns:
        A model without encoder, decoder and likelihood, its codes without distortion.

    Example:
        >>> codes = np.array([[0.0], [1.0], [4.0]], np.float32)
        >>> found = measure_codes(GivenCodes(codes, 0 * codes, None, (), None, None, ()), "mine")
        >>> found.codes.distortion is None, round(found.card.metrics["rate"][0], 4)
        (True, 2.8333)
    """
    model = GivenModel(given)
    codes = Codes(given.mean, given.log_variance, None, given.labels)
    images = None
    if given.images is not None:
        images = ImageSet(given.images, given.labels, given.class_names, "test", title)
    metrics: dict[str, Any] = {"images": len(codes)}
    if codes.rate is not None:
        rate = torch.tensor(codes.rate.astype(np.float64).sum(1))
        metrics |= {"rate": list(estimate(rate))}
        metrics |= {"active_units": active_units(torch.tensor(given.mean))}
    card = Card(
        config=RunConfig(
            data=clean_name(title),
            model=model.config,
            objective=ObjectiveConfig(),
            training=TrainingConfig(epochs=1),
        ),
        title=clean_name(title),
        data_name="codes",
        data_fingerprint="" if images is None else images.fingerprint,
        class_names=given.class_names,
        metrics=metrics,
        torch=torch.__version__,
    )
    sentence = _decoding(model, len(codes))
    return MeasuredModel(
        model, card, codes, images, given.notes, sentence, is_whole=False, is_exact=True
    )


def _decoding(model: GivenModel, count: int) -> str:
    """What is shown where a decoder would answer, in one sentence."""
    if not model.count:
        return "There is no decoder and there are no images: points alone are shown."
    what = "decoded images" if model.kind == "decoded" else "original images, none of them decoded"
    many = f"{model.count:,}" if model.count == count else f"{model.count:,} of {count:,}"
    return f"There is no decoder: the pointer shows the nearest of {many} {what}."


def open_codes(codes: Path, pictures: Path | None = None) -> MeasuredModel:
    """Reads codes from files and makes of them what the screens show.

    Raises:
        DataError: One sentence on what is wrong with a file.
    """
    return measure_codes(read_given(codes, pictures), codes.stem)
