"""Checkpoints: one safetensors file each, tensors and a JSON card, written whole or not at all.

The config passes the validator, and names and shapes of the tensors are those of the model it
describes. Reading needs no torch, so a map is on screen before torch is imported; only `restore`
builds the model.

Layout: tensors `model.*` (weights), `codes.*` (the test set through the model, see
`models.latents.codes.Codes`), `rates.*` (the same at many β, of a multi-rate model, see
`models.latents.rate_curve.RateDistortionCurve`); metadata key `card`, one JSON document, see
`models.storage.card.Card`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.latents.codes import Codes
from models.latents.rate_curve import RateDistortionCurve
from models.storage.card import Card
from models.storage.tensors import (
    MAX_MAGNITUDE,
    CheckpointError,
    all_within,
    read_header,
    read_tensors,
    write_tensors,
)

_LIMITS = {np.dtype(np.float32): MAX_MAGNITUDE, np.dtype(np.int64): 2.0**53}
"""What weights may be, and whole numbers that a model counts, with the largest size of each."""


DIGEST = "decoder_digest"
"""Stands for the weights in the file of a model that is not in it."""


@dataclass(frozen=True)
class Checkpoint:
    """A validated checkpoint in memory: card, weights by name, codes of the test set or None.

    `rates` has the test set at many β, if the model is a multi-rate one and they were stored.
    `fingerprint` is the SHA-256 of the file's tensors: equal weights and codes, equal value.
    """

    card: Card
    weights: Mapping[str, np.ndarray]
    codes: Codes | None
    fingerprint: str
    rates: RateDistortionCurve | None = None


def write(
    path: str | Path,
    card: Card,
    weights: Mapping[str, np.ndarray],
    codes: Codes | None,
    rates: RateDistortionCurve | None = None,
    is_exact: bool = False,
) -> None:
    """Writes a checkpoint, whole or not at all; the previous file survives any failure.

    Args:
        path: Where; its folder must exist.
        card: What the file says of itself.
        weights: The model's state dict as arrays.
        codes: The test set through the model; stored as float16 where that is enough.
        rates: The same test set at many β, its labels those of `codes`.
        is_exact: Whether codes are stored in single precision.

    Raises:
        ValueError: If a weight is not finite, or `read` would refuse the file for another
            reason: the old one is then left as it was.

    Example:
        >>> import tempfile
        >>> from models.presets import preset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(folder + "/a.safetensors", Card(preset("digits-2d"), title="a"), {}, None)
        ...     read(folder + "/a.safetensors").card.title
        'a'
    """
    tensors = {f"model.{name}": np.asarray(value) for name, value in weights.items()}
    if codes is not None:
        tensors |= {f"codes.{name}": value for name, value in codes.to_arrays(is_exact).items()}
    if rates is not None:
        tensors |= {f"rates.{name}": value for name, value in rates.to_arrays().items()}
    _split(tensors, card)
    write_tensors(path, tensors, {"card": card.to_json()})


def read(path: str | Path) -> Checkpoint:
    """Reads and checks a checkpoint without torch; see `restore` for the model.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    tensors, document, fingerprint = read_tensors(path)
    card = Card.from_json(document.get("card"))
    weights, codes, rates = _split(tensors, card)
    return Checkpoint(card, weights, codes, fingerprint, rates)


def read_card(path: str | Path) -> tuple[Card, bool]:
    """Reads the card of a checkpoint alone, and whether the file holds the codes of a test set.

    It takes a fraction of a millisecond, whatever the size of the file. `read` may still refuse a
    file whose card is good.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    document, names = read_header(path)
    return Card.from_json(document.get("card")), any(n.startswith("codes.") for n in names)


def _split(
    tensors: Mapping[str, np.ndarray], card: Card
) -> tuple[dict[str, np.ndarray], Codes | None, RateDistortionCurve | None]:
    """Weights, codes and rates, checked against the card."""
    weights = {n[6:]: v for n, v in tensors.items() if n.startswith("model.")}
    arrays = {n[6:]: v for n, v in tensors.items() if n.startswith("codes.")}
    curve = {n[6:]: v for n, v in tensors.items() if n.startswith("rates.")}
    if len(weights) + len(arrays) + len(curve) != len(tensors):
        raise CheckpointError("every tensor must be one of model.*, codes.* or rates.*")
    for name, value in weights.items():
        if value.dtype not in _LIMITS:
            raise CheckpointError(f"the tensor {name[:60]!r} must be float32, got {value.dtype}")
        limit = _LIMITS[value.dtype]
        if not all_within(value, limit):
            raise CheckpointError(
                f"every number of {name[:60]!r} must be finite and at most {limit:g}"
            )
    try:
        codes = Codes.from_arrays(arrays, card.config.model.latent_dim) if arrays else None
    except ValueError as error:
        raise CheckpointError(f"the stored codes are not valid: {error}") from error
    if codes is not None and not card.config.model.capabilities.has_codes:
        family = card.config.model.family
        raise CheckpointError(f"the file must hold no codes, which family {family} has not")
    if codes is not None and codes.distortion is None and set(weights) != {DIGEST}:
        raise CheckpointError("the stored codes must have mean and distortion")
    has_variance = codes is not None and codes.log_variance is not None
    if codes is not None and has_variance != card.config.model.capabilities.has_posterior:
        raise CheckpointError("the stored codes must have a log_variance, unless of an autoencoder")
    if (
        codes is not None
        and codes.labels is not None
        and codes.labels.max() >= len(card.class_names)
    ):
        raise CheckpointError("every label of the stored codes must name a class of the card")
    known = 0 if codes is None or codes.factors is None else codes.factors.shape[1]
    if known != len(card.factor_names) and codes is not None:
        raise CheckpointError("every factor of the stored codes must have a name on the card")
    return weights, codes, _rates(curve, card, codes) if curve else None


def _rates(
    arrays: Mapping[str, np.ndarray], card: Card, codes: Codes | None
) -> RateDistortionCurve:
    """The stored rates, checked against the card and the codes of the same images."""
    model = card.config.model
    if model.capabilities.betas != "many" or codes is None:
        raise CheckpointError("stored rates must be of a multirate model, with its codes beside")
    try:
        rates = RateDistortionCurve.from_arrays(arrays, model.latent_dim, codes.labels)
    except ValueError as error:
        raise CheckpointError(f"the stored rates are not valid: {error}") from error
    if (rates.betas[0], rates.betas[-1]) != (model.beta_min, model.beta_max):
        raise CheckpointError(
            f"the stored rates must run from beta {model.beta_min:g} to {model.beta_max:g}, "
            f"got {rates.betas[0]:g} to {rates.betas[-1]:g}"
        )
    if rates.mean.shape[1] > len(codes):
        raise CheckpointError(
            f"the stored rates must be of at most the {len(codes)} images of the codes, "
            f"got {rates.mean.shape[1]}"
        )
    return rates


def restore(checkpoint: Checkpoint) -> Any:
    """The model of a checkpoint, in evaluation mode.

    Its tensors must be exactly those the config describes: names, shapes and types are
    compared with a model on the meta device before any memory is taken.

    Raises:
        CheckpointError: Naming the first tensor that does not fit.
    """
    import torch

    from models.families.registry import describe

    try:
        model = describe(checkpoint.card.config.model)
    except ValueError as error:
        raise CheckpointError(f"the card's settings are not valid: {error}") from error
    described = model.state_dict()
    expected = {name: tuple(value.shape) for name, value in described.items()}
    given = {name: value.shape for name, value in checkpoint.weights.items()}
    for name in sorted(expected.keys() | given.keys()):
        if name not in given:
            raise CheckpointError(f"the file must hold the tensor {name!r}, but it is missing")
        if name not in expected:
            raise CheckpointError(f"the file holds a tensor {name[:60]!r} that the model has not")
        if expected[name] != given[name]:
            raise CheckpointError(
                f"the tensor {name!r} must have shape {expected[name]}, got {given[name]}"
            )
        kind = str(described[name].dtype).removeprefix("torch.")
        if str(checkpoint.weights[name].dtype) != kind:
            raise CheckpointError(
                f"the tensor {name!r} must be {kind}, got {checkpoint.weights[name].dtype}"
            )
    state = {name: torch.from_numpy(value.copy()) for name, value in checkpoint.weights.items()}
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()
