"""What a page draws or the browser fetches, built once for all sessions."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from plotly.offline import get_plotlyjs

from explorer.assets import decoding, every_beta, map_spec, store
from explorer.assets.map_spec import MapSpec
from explorer.services import analysis
from explorer.services.loaded_model import LoadedModel, kept_per_model
from models.data.image_set import ImageSet
from models.export.map_file import decoder_file, map_file, positions_file
from models.latents.planes import Plane
from models.storage.positions import shipped_positions
from models.storage.tensors import read_tensors

PRIOR_IMAGES = 10
"""Images in a row that are shown at every β."""


def built_once(key: tuple, build: Callable[[], Any]) -> Any:
    """Builds figures or pictures that many watch, once.

    Args:
        key: Whatever decides them.
        build: Makes them.
    """
    return _built(key, build)


@st.cache_resource(max_entries=12, show_spinner=False)
def _built(key: tuple, _build: Callable[[], Any]) -> Any:
    return _build()


@functools.lru_cache(20)
def plane(model: LoadedModel, view: str, x: int, y: int, seed: int = 0) -> Plane:
    """Finds the plane of a view: two latent dimensions (counted from 0), PCA, or through draws."""
    return map_spec.make_plane(model.checkpoint, view, x, y, seed)


@kept_per_model(20)
def shipped_tsne(model: LoadedModel) -> np.ndarray | None:
    """Reads the t-SNE map that ships beside a model, shape (N, 2); None if there is none."""
    return shipped_positions(model.entry.path, model.codes.mean)


@st.cache_resource(max_entries=20, show_spinner=False)
def tsne_positions(path: str) -> np.ndarray:
    """Reads a t-SNE map that was computed here, shape (N, 2)."""
    return read_tensors(path)[0]["positions"].astype(np.float32)


def map_files(model: LoadedModel, shown: MapSpec) -> dict[str, str | None]:
    """Publishes what the live map fetches, and returns the addresses: those of `model_files`, the
    positions of a t-SNE map, and where the server decodes for a browser that cannot."""
    positions, key = shown.positions, ("positions", store.VERSION, model.key)
    return model_files(model) | {
        "positions": None
        if positions is None
        else store.publish(key, "bin", lambda: positions_file(positions)),
        "decode": _decoding(model),
    }


def model_files(model: LoadedModel) -> dict[str, str | None]:
    """Publishes what every map of a model fetches, and returns the addresses: decoder with codes,
    and the first test images as grey levels, one byte each, in the order N, C, H, W."""
    key = ("decoder", store.VERSION, model.key)
    return {
        "model": store.publish(key, "bin", lambda: _map_file(model)),
        "originals": _originals(model) if model.has_points else None,
    }


def decoder_url(model: LoadedModel) -> str:
    """Publishes the decoder of a model alone, and returns its address."""
    key = ("decoder-alone", store.VERSION, model.key)
    return store.publish(key, "bin", lambda: decoder_file(model.checkpoint))


def _originals(model: LoadedModel) -> str | None:
    """The address of the test images: all that are on this machine, or the few that ship."""
    images, few = model.test_images, model.shipped_levels
    if images is not None:
        return store.publish(("images", images.fingerprint), "bin", lambda: _levels(images))
    if few is not None:
        return store.publish(("shipped", model.card.data_fingerprint), "bin", few.tobytes)
    return None


def _levels(images: ImageSet) -> bytes:
    """The images as grey levels 0 to 255, one byte each, in the order N, C, H, W."""
    return (images.images * 255 + 0.5).astype(np.uint8).tobytes()


def beta_data(model: LoadedModel) -> dict[str, Any] | None:
    """What a map needs to go to any β: the address of the codes at many β, and β*; None for a
    model of one β, or where there are no test images to encode."""
    if model.card.config.model.capabilities.betas != "many":
        return None
    if model.test_images is None and model.shipped_levels is None:
        return None
    key = ("codes", store.VERSION, model.key, model.test_images is not None)
    url = store.publish(key, "bin", lambda: _codes_file(model))
    return {"url": url, "threshold": threshold(model)}


def threshold(model: LoadedModel) -> dict[str, Any] | None:
    """β* of a model's images, as the browser takes it; None where it is not known."""
    return every_beta.threshold_data(analysis.collapse_threshold(model))


def _codes_file(model: LoadedModel) -> bytes:
    """The first test images at many β, for the browser."""
    images, few = model.test_images, model.shipped_levels
    pixels = few / np.float32(255) if images is None else images.images
    return every_beta.codes_file(model.network, model.card, model.codes, pixels)


def _decoding(model: LoadedModel) -> str | None:
    """Where the server decodes; None if the browser does so exactly."""
    adapted = model.adapted
    is_exact = adapted is None or not adapted.decoding or not adapted.is_whole
    if is_exact and model.card.config.model.capabilities.has_decoder:
        return None
    return decoding.publish(model.key, model.codes.latent_dim, model.decode)


def rate_files(
    shown: tuple, figure: Callable[[], Any], curve: LoadedModel | None
) -> dict[str, str | None]:
    """Publishes what the trade-off fetches, and returns the addresses: library, figure, and the
    model for every β.

    Args:
        shown: Whatever decides the figure.
        figure: Builds it, when it is first asked for.
        curve: The multi-rate model, if there is one.
    """
    return {
        "plotly": _plotly(),
        "figure": store.publish(
            ("plane", store.VERSION, shown), "json", lambda: figure().to_json().encode()
        ),
        "model": curve
        and store.publish(("rates", store.VERSION, curve.key), "bin", lambda: _slider_file(curve)),
    }


def _plotly() -> str:
    return store.publish(("plotly", store.VERSION), "js", lambda: get_plotlyjs().encode())


def _map_file(model: LoadedModel) -> bytes:
    """Decoder and codes as the browser reads them."""
    layers = None if model.adapted is None else model.adapted.model.browser_layers
    return map_file(model.checkpoint, layers)


def _slider_file(model: LoadedModel) -> bytes:
    """A multi-rate model for the browser, with its first test images and draws of the prior."""
    from models.export.slider_file import slider_file

    prior = np.random.default_rng(0).normal(size=(PRIOR_IMAGES, model.codes.latent_dim))
    images = model.test_images
    shown = None if images is None else images.images[:PRIOR_IMAGES]
    names = model.card.class_names
    return slider_file(model.network, analysis.rate_curve(model), shown, prior, names)


def html_page(model: LoadedModel, shown: MapSpec, with_images: bool, kept: dict[str, Any]) -> bytes:
    """Writes a map as one HTML file, with or without the test images.

    Args:
        model: Whose map it is.
        shown: The map.
        with_images: Whether the test images are to be in it.
        kept: What was touched: `point`, `pins` and `look`, as the live map takes them.
    """
    key = (model.key, model.card.title, *shown[1:5], shown.seed, json.dumps(kept))
    return _html_page(key, model, shown, with_images, kept)


@st.cache_data(max_entries=8, show_spinner=False)
def _html_page(
    key: tuple, _model: LoadedModel, _shown: MapSpec, with_images: bool, _kept: dict[str, Any]
) -> bytes:
    from explorer.assets.html_export import write_page

    images = _model.test_images if with_images else None
    layers = None if _model.adapted is None else _model.adapted.model.browser_layers
    return write_page(_shown, images and images.images, layers, _kept)
