"""What is read or computed once and kept: the only user of Streamlit's caches.

Files are known by path and time of change, models by the fingerprint of their tensors. torch
and scikit-learn are imported by the first thing that needs them, or by `warm_up`.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from explorer.figures import subscript
from explorer.jobs import Projections
from models.checkpoint import Checkpoint, CheckpointError, read, read_tensors, restore
from models.data import DATA_SETS, default_data_dir, is_available, load
from models.imageset import DataError, ImageSet
from models.latents import Plane, coordinate_plane, pca_plane
from models.runs import default_runs_dir, list_runs

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints"


class Entry(NamedTuple):
    """A model on offer: id for links, file, whether it ships, the file's time of change."""

    id: str
    path: Path
    shipped: bool
    changed: int


def entries() -> list[Entry]:
    """Every model file: shipped ones by name, then the user's runs, newest first."""
    shipped = [(path.stem, path, True) for path in sorted(SHIPPED.glob("*.safetensors"))]
    runs = [(run.id, run.model_path, False) for run in list_runs(default_runs_dir())]
    return [
        Entry(name, path, ships, path.stat().st_mtime_ns)
        for name, path, ships in shipped + runs
        if path.exists()
    ]


def catalogue() -> tuple[dict[str, Entry], dict[str, str]]:
    """The usable models by id, and one sentence for each that is not."""
    usable, refused = {}, {}
    for entry in entries():
        _, problem = _title_or_problem(str(entry.path), entry.changed)
        if problem:
            refused[entry.id] = problem
        else:
            usable[entry.id] = entry
    return usable, refused


def title(entry: Entry) -> str:
    """Data set and title of a usable model; kept for more models than checkpoints are."""
    return _title_or_problem(str(entry.path), entry.changed)[0]


@st.cache_resource(max_entries=1000, show_spinner=False)
def _title_or_problem(path: str, changed: int) -> tuple[str, str]:
    try:
        found = _checkpoint(path, changed)
    except CheckpointError as error:
        return "", str(error)
    if found.codes is None:
        return "", "the file must hold the codes of a test set"
    return f"{found.card.data_name} · {found.card.title}", ""


@st.cache_resource(max_entries=50, show_spinner=False)
def _checkpoint(path: str, changed: int) -> Checkpoint:
    return read(path)


def checkpoint(entry: Entry) -> Checkpoint:
    """The validated checkpoint of an entry, without torch."""
    return _checkpoint(str(entry.path), entry.changed)


def key(checkpoint: Checkpoint) -> str:
    """Tells models apart: by their tensors, and by what these are to be taken for."""
    card = checkpoint.card
    return repr((checkpoint.fingerprint, card.config.model, card.class_names))


@st.cache_resource(max_entries=20, show_spinner="Loading the model…")
def _model(key: str, _checkpoint: Checkpoint) -> Any:
    import torch

    torch.set_num_threads(1)
    return restore(_checkpoint)


def model(checkpoint: Checkpoint) -> Any:
    """The model of a checkpoint, in evaluation mode.

    Raises:
        CheckpointError: If the weights do not fit the settings.
    """
    return _model(key(checkpoint), checkpoint)


def problem(checkpoint: Checkpoint) -> str:
    """Why its model cannot be built, in one sentence; empty if it can.

    The map does not need the model, so that it is on screen before torch is imported.
    """
    try:
        model(checkpoint)
    except CheckpointError as error:
        return str(error)
    return ""


def decode(checkpoint: Checkpoint, z: np.ndarray) -> np.ndarray:
    """The mean images E[x|z] of codes (N, Z), shape (N, C, H, W)."""
    import torch

    with torch.inference_mode():
        return model(checkpoint).decode(torch.as_tensor(z, dtype=torch.float32)).numpy()


def sample(checkpoint: Checkpoint, z: np.ndarray, seed: int) -> np.ndarray:
    """One draw of p(x|z) for every code (N, Z), shape (N, C, H, W)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        return model(checkpoint).sample(torch.as_tensor(z, dtype=torch.float32), generator).numpy()


@st.cache_resource(max_entries=8, show_spinner=False)
def _test_set(name: str, data_dir: str) -> ImageSet | None:
    try:
        return load(name, "test", data_dir)
    except DataError:
        return None


def to_download(checkpoint: Checkpoint) -> str:
    """The name of its data set if that must be downloaded first, else empty."""
    name = checkpoint.card.config.data
    return name if name in DATA_SETS and not is_available(name, default_data_dir()) else ""


def originals(checkpoint: Checkpoint) -> ImageSet | None:
    """The test images behind the codes, or None where they are not on this machine."""
    if to_download(checkpoint):
        return None
    found = _test_set(checkpoint.card.config.data, str(default_data_dir()))
    if found is None or found.fingerprint != checkpoint.card.data_fingerprint:
        return None
    return found


@st.cache_resource(show_spinner=False)
def projections() -> Projections:
    """The shared t-SNE worker; maps are kept beside the runs."""
    return Projections(default_runs_dir() / ".maps")


@st.cache_resource(max_entries=20, show_spinner=False)
def tsne_positions(path: str) -> np.ndarray:
    """A finished t-SNE map, shape (N, 2)."""
    return read_tensors(path)[0]["positions"]


@st.cache_resource(max_entries=50, show_spinner="Finding the plane…")
def _plane(fingerprint: str, view: str, x: int, y: int, _checkpoint: Checkpoint) -> Plane:
    mean = _checkpoint.codes.mean
    return pca_plane(mean) if view == "pca" else coordinate_plane(mean, x, y)


def plane(checkpoint: Checkpoint, view: str, x: int, y: int) -> Plane:
    """The plane of a view: two latent dimensions (counted from 0), or PCA."""
    return _plane(checkpoint.fingerprint, view, x, y, checkpoint)


@st.cache_resource(max_entries=20, show_spinner=False)
def _lens(key: str, view: str, x: int, y: int, _checkpoint: Checkpoint, _positions: Any) -> bytes:
    from models.export import decoder_layers, pack

    layers, numbers = decoder_layers(model(_checkpoint))
    codes = _checkpoint.codes
    header = {"layers": layers, "image_shape": _checkpoint.card.config.model.image_shape}
    if _positions is None:
        flat = plane(_checkpoint, view, x, y)
        raw = tuple(f"z{subscript(j + 1)}" for j in (x, y))
        names = ("PC 1", "PC 2") if view == "pca" else raw[: codes.latent_dim]
        header |= {"origin": flat.origin.tolist(), "axes": flat.axes.tolist(), "names": names}
        _positions = np.zeros(0)
    else:
        header |= {"origin": [0.0] * codes.latent_dim, "axes": None}
    arrays = [_positions, codes.mean]
    arrays += [] if codes.log_variance is None else [codes.log_variance]
    header["arrays"] = [array.size for array in arrays]
    return pack(header, numbers + arrays)


def lens(
    checkpoint: Checkpoint, view: str, x: int, y: int, positions: np.ndarray | None = None
) -> bytes:
    """What the browser needs to decode under the pointer: decoder, codes, and the map's plane.

    Args:
        checkpoint: Of the model.
        view: "raw", "pca" or "tsne".
        x: Horizontal dimension of the raw view, counted from 0.
        y: Vertical one.
        positions: Of the points, shape (N, 2), where the map has no plane (t-SNE).

    Returns:
        The layout of `models.export`; arrays: positions, means, log-variances.
    """
    return _lens(key(checkpoint), view, x, y, checkpoint, positions)


@st.cache_resource(max_entries=30, show_spinner=False)
def figure(key: tuple, _build: Callable[[], Any]) -> Any:
    """The figure that `_build` makes, built once for equal keys; not to be changed."""
    return _build()


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Imports what the next click will need, in the background, after the first screen.

    Then takes everything alive out of the garbage collector's sight: collecting it after every
    rerun costs about 100 ms with torch loaded.
    """
    threading.Thread(target=_import_and_freeze, daemon=True).start()


def _import_and_freeze() -> None:
    import sklearn.decomposition
    import torch

    import models.registry  # noqa: F401

    torch.set_num_threads(1)
    usable, _ = catalogue()
    for entry in usable.values():
        originals(checkpoint(entry))
    del sklearn
    gc.collect()
    gc.freeze()
