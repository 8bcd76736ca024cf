"""A live map that needs no server: what a saved file and a notebook show of a checkpoint.

Knows no Streamlit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.assets import every_beta, map_spec
from explorer.assets.map_spec import MapSpec
from explorer.assets.page_html import MapPage, packed
from explorer.words import GREY, words
from models.data.image_set import DataError
from models.data.load import load
from models.export.map_file import Layers, map_file, positions_file
from models.latents.tsne import tsne
from models.storage.checkpoint import Checkpoint, restore
from models.storage.positions import shipped_positions

MOST_ORIGINALS = 2**25
"""Bytes of test images in a file; of more, the first are there."""


def map_page(
    shown: MapSpec,
    images: np.ndarray | None = None,
    layers: Layers | None = None,
    half: bool = True,
) -> MapPage:
    """Gathers all that a map needs.

    Args:
        shown: The map.
        images: The test images, shape (N, C, H, W) in [0, 1], to be shown beside the decoded
            ones; None leaves them out.
        layers: Of a custom model's decoder.
        half: As in `models.export.map_file.map_file`.
    """
    card = shown.checkpoint.card
    contents = {"model": map_file(shown.checkpoint, layers, half)}
    if images is not None:
        contents["originals"] = (images * 255 + 0.5).astype(np.uint8).tobytes()
    if shown.positions is not None:
        contents["positions"] = positions_file(shown.positions)
    is_many = card.config.model.capabilities.betas == "many"
    if is_many and images is not None:
        network, codes = restore(shown.checkpoint), shown.checkpoint.codes
        contents["betas"] = every_beta.codes_file(network, card, codes, images)
    threshold = every_beta.threshold_data(every_beta.stored_threshold(card))
    settings = map_spec.map_data(shown) | {
        "model": "model",
        "originals": "originals" if images is not None else None,
        "positions": None if shown.positions is None else "positions",
        "drawn": None,
        "note": "",
        "download": "",
        "decode": None,
        "betas": {"url": "betas", "threshold": threshold} if "betas" in contents else None,
        "visit": 1,
    }
    return MapPage(
        f"{words(card.data_name)} · {card.title}",
        _scores(shown),
        map_spec.exactness(shown),
        _notes(shown, layers),
        settings,
        {name: packed(data) for name, data in contents.items()},
    )


def make_spec(
    checkpoint: Checkpoint, path: Path, view: str = "raw", x: int = 1, y: int = 2, colour: str = ""
) -> MapSpec:
    """Checks what a map is to show.

    Args:
        checkpoint: It must hold the codes of a test set, or be of a family without an encoder.
        path: Of its file, beside which a t-SNE map may ship.
        view: Of `map_spec.views`; t-SNE is computed here if none ships with the model.
        x: Horizontal latent of the raw view, counted from 1.
        y: Vertical one.
        colour: Of `map_spec.colours`; by default the first that the model has.

    Raises:
        ValueError: If the model has no such view, latent or colour, or the file no codes.
    """
    if not checkpoint.card.config.model.capabilities.has_decoder:
        family = checkpoint.card.config.model.family
        raise ValueError(
            f"a map without a server must hold a decoder of z, which family {family} has not"
        )
    checkpoint = map_spec.with_codes(checkpoint)
    if checkpoint.codes is None:
        raise ValueError("the file must hold the codes of a test set, from which the map is made")
    latent_dim, allowed = checkpoint.codes.latent_dim, map_spec.colours(checkpoint)
    views = map_spec.views(checkpoint)
    if view not in views:
        raise ValueError(f"view must be one of {', '.join(views)}, got {view!r}")
    if view == "raw" and not (1 <= x <= latent_dim and 1 <= y <= latent_dim):
        raise ValueError(f"x and y must be latents 1 to {latent_dim}, got {x} and {y}")
    if colour and colour not in allowed:
        raise ValueError(f"colour must be one of {', '.join(allowed)}, got {colour!r}")
    plane = None if view == "tsne" else map_spec.make_plane(checkpoint, view, x - 1, y - 1)
    positions = _positions(path, checkpoint.codes.mean) if view == "tsne" else None
    return MapSpec(checkpoint, view, x - 1, y - 1, colour or next(iter(allowed)), plane, positions)


def find_test_images(checkpoint: Checkpoint, data_dir: Path | None) -> np.ndarray | None:
    """Reads the first test images behind the codes, or None where they are not on this machine."""
    try:
        found = load(checkpoint.card.config.data, "test", data_dir)
    except DataError:
        return None
    if found.fingerprint != checkpoint.card.data_fingerprint:
        return None
    return found.images[: MOST_ORIGINALS // int(np.prod(found.image_shape))]


def _positions(path: Path, mean: np.ndarray) -> np.ndarray:
    """The t-SNE map that ships with the model, or one computed here."""
    shipped = shipped_positions(path, mean)
    return tsne(mean) if shipped is None else shipped


def _scores(shown: MapSpec) -> str:
    """The test-set scores with their standard errors."""
    labels = {"negative_elbo": "−ELBO", "distortion": "D", "rate": "R"}
    metrics, found = shown.checkpoint.card.metrics, []
    for name, label in labels.items():
        match metrics.get(name):
            case [mean, error]:
                found.append(f"{label} {mean:z.2f} ± {error:z.2f} nats/image")
    config = shown.checkpoint.card.config
    if found and config.model.capabilities.betas == "many":
        found.insert(0, f"at β = {config.objective.beta:g}")
    points = len(shown.checkpoint.codes)
    found.append(f"{points:,} test images" if points else map_spec.NO_ENCODER)
    grey = config.model.likelihood_properties.is_binary
    return " · ".join([*found, *([GREY] if grey and points else [])])


def _notes(shown: MapSpec, layers: Layers | None) -> str:
    """How the model was made, as far as that is known."""
    card = shown.checkpoint.card
    config = card.config
    if len(shown.checkpoint.codes) and shown.checkpoint.codes.distortion is None:
        return f"Codes that came without a model, {config.model.latent_dim} latents."
    if layers is not None:
        return (
            f"A custom model, {config.model.latent_dim} latents, {words(config.model.likelihood)}."
        )
    capabilities = config.model.capabilities
    parts = [
        words(config.model.family),
        words(config.model.network).lower(),
        f"layers of {', '.join(map(str, config.model.hidden)) or 'no'} units",
        f"{config.model.latent_dim} latents",
        *([words(config.model.likelihood)] if capabilities.has_likelihood else []),
        *([f"β = {config.objective.beta:g}"] if len(shown.checkpoint.codes) else []),
    ]
    return f"{', '.join(parts)}; trained {card.steps:,} steps, seed {config.training.seed}."
