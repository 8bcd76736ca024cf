"""What the editor of tokens shows of a VQ-VAE: its file for the browser, and its codes' colours."""

from __future__ import annotations

import numpy as np

from explorer.assets import store
from explorer.figures.tokens import code_colours
from explorer.services.loaded_model import LoadedModel

OFFERED = 20
"""Test images to choose from."""


def model_url(model: LoadedModel) -> str:
    """Publishes the file of a VQ-VAE and returns its address."""
    key = ("tokens", store.VERSION, model.key, model.test_images is not None)
    return store.publish(key, "bin", lambda: _file(model))


def colours(model: LoadedModel) -> list[str]:
    """Gives every code a colour, as CSS writes it: similar codes, similar hues."""
    return code_colours(model.checkpoint.weights["codebook.vectors"])


def _file(model: LoadedModel) -> bytes:
    from models.export.tokens_file import tokens_file

    images, labels = _test_set(model)
    return tokens_file(
        model.network, images, some_of_each(labels, len(images)), labels, model.card.class_names
    )


def _test_set(model: LoadedModel) -> tuple[np.ndarray, np.ndarray | None]:
    """The test images with their labels: all that are here, or the few that ship, or none."""
    found, few = model.test_images, model.shipped_levels
    if found is not None:
        return found.images, found.labels
    if few is not None:
        return few / np.float32(255), None
    return np.zeros((0, *model.card.config.model.image_shape), np.float32), None


def some_of_each(labels: np.ndarray | None, count: int) -> np.ndarray:
    """Chooses images: the first of every class in turn, then the second of every class, and so on;
    without labels the first.

    Args:
        labels: Of all images, or None.
        count: Of all images.

    Returns:
        Their numbers, at most `OFFERED`.

    Example:
        >>> some_of_each(np.array([1, 1, 0]), 3).tolist()
        [2, 0, 1]
    """
    if labels is None:
        return np.arange(min(count, OFFERED))
    turns = np.zeros(count, int)  # how many of its class stand before each
    for label in np.unique(labels):
        turns[labels == label] = np.arange((labels == label).sum())
    return np.lexsort((labels, turns))[:OFFERED]
