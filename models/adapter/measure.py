"""Measures the user's model: encodes and scores the test images, and writes a checkpoint."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.adapter.browser_decoder import find_browser_layers
from models.adapter.contract import LIKELIHOODS, ROWS
from models.adapter.definitions import Adapter
from models.adapter.errors import AdapterError
from models.adapter.model import AdaptedModel
from models.adapter.source import read_images
from models.config import MIN_SIGMA, ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.builtin import is_built_in
from models.data.image_set import ImageSet
from models.data.library import is_id
from models.latents.codes import MAX_CODES, Codes
from models.metrics.disentanglement.scores import score_codes
from models.metrics.likelihood import elbo, evaluation_noise, summarize
from models.metrics.reconstruction import squared_error
from models.objectives.distributions import reparameterize
from models.objectives.elbo import Terms
from models.storage import checkpoint
from models.storage.card import Card
from models.text import clean_name

Report = Callable[[str, float], object]
"""Called with what is being done, and the share of it that is done."""


@dataclass(frozen=True)
class MeasuredModel:
    """Holds the user's model and what was measured on its images: all that the screens need.

    Attributes:
        model: Behaves as a model of the project.
        card: With its scores, nats per image.
        codes: Of the images.
        images: The test images.
        notes: What was assumed or looks like a mistake, one phrase each.
        decoding: How the browser decodes; empty if exactly as the model does.
        is_whole: Whether it encodes, decodes and scores images. Codes that came without a model do
            not; they have a D of None and, perhaps, no images.
        is_exact: Whether the file for the screens keeps the codes as they are, not in half
            precision.

    Example:
        >>> from models.adapter.definitions import Definitions
        >>> own = Definitions({"data": "digits",
        ...                    "encode": lambda x: (x[:, 0, 3, 2:4], x[:, 0, 0, :2]),
        ...                    "decode": lambda z: torch.full((len(z), 1, 8, 8), 0.5)})
        >>> measured = measure_model(own, "grey")
        >>> measured.card.metrics["images"], measured.card.config.model.latent_dim
        (500, 2)
    """

    model: Any
    card: Card
    codes: Codes
    images: ImageSet | None
    notes: tuple[str, ...]
    decoding: str
    is_whole: bool = True
    is_exact: bool = False

    def write(self, path: str | Path) -> None:
        """Writes card and codes as a checkpoint, without the model.

        A fingerprint of what the browser decodes with stands for the weights, so that another
        decoder makes another file.
        """
        digest = hashlib.sha256(repr(self.model.browser_layers[0]).encode())
        for array in self.model.browser_layers[1]:
            digest.update(np.ascontiguousarray(array))
        levels = np.frombuffer(digest.digest(), np.uint8).astype(np.float32)
        weights = {checkpoint.DIGEST: levels}
        checkpoint.write(path, self.card, weights, self.codes, is_exact=self.is_exact)


def measure_model(
    adapter: Adapter,
    title: str,
    data: str | None = None,
    data_dir: Any = None,
    report: Report = lambda _what, _share: None,
) -> MeasuredModel:
    """Checks the user's model and measures it on its images.

    Args:
        adapter: Its functions, images and settings.
        title: A label, where the adapter has none.
        data: A name or path of images that takes precedence over the adapter.
        data_dir: See `models.data.load.load`.
        report: Told about the progress.

    Raises:
        AdapterError: One sentence on what is wrong with the adapter.
        DataError: One sentence on what is wrong with its images.

    Example:
        >>> from models.adapter.definitions import Definitions
        >>> own = Definitions({"data": "digits", "encode": lambda x: (x[:, 0, 0, :3],) * 2,
        ...                    "decode": lambda z: torch.zeros(len(z), 1, 8, 8),
        ...                    "likelihood": "bernoulli"})
        >>> measure_model(own, "blind").model.config.likelihood
        'bernoulli'
    """
    settings = adapter.settings()
    title = clean_name(settings.get("title") or title)
    images = read_images(adapter, f"images of {title}", data, data_dir)
    x = torch.tensor(images.images)
    config = _model_config(adapter, x)
    model = AdaptedModel(adapter, config)
    _check_steady(model, x[:8])
    if config.likelihood_properties.sigma == "fitted":
        config = replace(config, sigma=_best_sigma(model, x, report))
        model = AdaptedModel(adapter, config)
    terms = elbo(model, x, batch_size=ROWS, report=partial(report, "measuring D and R"))
    codes = _codes(terms, images)
    model.browser_layers, decoding = find_browser_layers(model, adapter, codes)
    error = squared_error(model, x).mean().item()
    card = Card(
        config=_run_config(settings, config, images, data),
        title=title,
        data_name=images.name,
        data_fingerprint=images.fingerprint,
        class_names=images.class_names,
        factor_names=images.factor_names,
        metrics=summarize(terms) | {"squared_error_per_pixel": error} | score_codes(codes),
        torch=torch.__version__,
    )
    notes = _notes(settings, card, terms, images, data)
    return MeasuredModel(model, card, codes, images, notes, decoding)


def _model_config(adapter: Adapter, x: Tensor) -> ModelConfig:
    """Shape and likelihood; the latent dimension is that of what `encode` returns."""
    settings = adapter.settings()
    likelihood, sigma = settings.get("likelihood", LIKELIHOODS[0]), settings.get("sigma", 0.1)
    if likelihood not in LIKELIHOODS:
        raise AdapterError(
            f"likelihood must be one of {', '.join(LIKELIHOODS)}, got {likelihood!r:.40}"
        )
    if likelihood == "gaussian" and "sigma" not in settings:
        raise AdapterError(
            "sigma must be given with the gaussian likelihood: define it, or use gaussian-optimal"
        )
    shape = tuple(x.shape[1:])
    mean, _ = adapter.encode(x[:2].numpy())
    return ModelConfig(
        image_shape=shape,
        latent_dim=mean.shape[1],
        hidden=(1,),  # the layers of the user's network are not known here
        likelihood=likelihood,
        sigma=sigma,
    )


def _run_config(
    settings: Mapping[str, Any], config: ModelConfig, images: ImageSet, data: str | None
) -> RunConfig:
    """The settings that the screens read; how it was trained is not known here."""
    named = str(data or settings.get("data"))
    return RunConfig(
        data=named if is_built_in(named) or is_id(named) else images.name,
        model=config,
        objective=ObjectiveConfig(beta=settings.get("beta", 1.0)),
        training=TrainingConfig(epochs=1),
    )


def _check_steady(model: AdaptedModel, x: Tensor) -> None:
    """Refuses a model whose answers differ between calls, or depend on the rest of the batch."""
    mean, again = model.encode(x)[0], model.encode(x)[0]
    alone = torch.cat([model.encode(x[:3])[0], model.encode(x[3:])[0]])
    decoded = model.decode(mean)
    apart = torch.cat([model.decode(mean[:3]), model.decode(mean[3:])])
    pairs = {"encode": [(mean, again), (mean, alone)], "decode": [(decoded, apart)]}
    for name, answers in pairs.items():
        for first, second in answers:
            if not torch.allclose(first, second, rtol=1e-3, atol=1e-3):
                raise AdapterError(
                    f"{name} must return the same each time and for every batch, but it does not: "
                    "call model.eval() first, and draw no noise there"
                )
    model.decode(torch.randn(64, mean.shape[1], generator=torch.Generator().manual_seed(0)))


def _best_sigma(model: AdaptedModel, x: Tensor, report: Report) -> float:
    r"""The σ of least D: the root of the mean squared error of x̂(z), z ~ q(z|x) as for D."""
    noise = evaluation_noise(len(x), model.latent_dim)
    total = 0.0
    for start in range(0, len(x), ROWS):
        batch = x[start : start + ROWS]
        posterior = model.encode(batch)
        for one in noise[:, start : start + ROWS]:
            decoded = model.decode(reparameterize(*posterior, one))
            total += (batch - decoded).double().square().sum().item()
        report("fitting σ", (start + len(batch)) / len(x))
    return min(max(math.sqrt(total / (len(noise) * x.numel())), MIN_SIGMA), 10.0)


def _codes(terms: Terms, images: ImageSet) -> Codes:
    """The codes to show: as many as a checkpoint holds."""
    kept = slice(MAX_CODES // terms.mean.shape[1])
    return Codes(
        terms.mean[kept].numpy(),
        terms.log_variance[kept].numpy(),
        terms.distortion[kept].numpy(),
        None if images.labels is None else images.labels[kept],
        None if images.factors is None else images.factors[kept],
    )


def _notes(
    settings: Mapping[str, Any], card: Card, terms: Terms, images: ImageSet, data: str | None
) -> tuple[str, ...]:
    """What looks like a mistake, or was assumed."""
    notes = list(images.notes)
    if data is None and "unused" in settings:
        notes.append(f"the adapter defines data and {settings['unused']}: data is shown")
    if (terms.log_variance > 0).all():
        notes.append("every σ is above 1: encode must give ln σ², not σ² or σ")
    if card.config.model.likelihood_properties.sigma == "fitted":
        notes.append(
            f"Gaussian likelihood with σ = {card.config.model.sigma:.4g}, fitted to these images"
        )
    if "beta" not in settings:
        notes.append("β is not known and is shown as 1: give beta")
    return tuple(notes)
