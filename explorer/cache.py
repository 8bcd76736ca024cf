"""What is read or computed once and kept: the only user of Streamlit's caches.

Files are known by path and time of change, models by the fingerprint of their tensors. torch
and scikit-learn are imported by the first thing that needs them, or by `warm_up`.
"""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from plotly.offline import get_plotlyjs

from explorer import files, scene
from explorer.jobs import Jobs, Projections
from explorer.scene import Scene
from models import drawing
from models.checkpoint import Checkpoint, CheckpointError, read, read_tensors, restore
from models.data import DATA_SETS, default_data_dir, is_available, load
from models.imageset import DataError, ImageSet
from models.latents import Plane
from models.runs import default_runs_dir, list_runs

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints"
DRAWS = 64
"""Samples of z behind the scores of one image."""


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


@st.cache_resource(max_entries=20, show_spinner=False)
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


class Judged(NamedTuple):
    """A drawing through a model: its image, its q(z|x), and its scores in nats.

    `image` (1, C, H, W), `mean` (Z,) and `log_variance` (Z,), D with its standard error over the
    samples of z, and R; log-variance and R are None for an autoencoder.
    """

    image: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray | None
    distortion: float
    error: float
    rate: float | None

    @property
    def is_finite(self) -> bool:
        """Whether every number is."""
        return all(np.isfinite(part).all() for part in self if part is not None)


@st.cache_resource(max_entries=100, show_spinner=False)
def _judge(key: str, drawn: str, _checkpoint: Checkpoint, _strokes: list) -> Judged:
    import torch

    from models.metrics.likelihood import elbo, estimate

    image = drawing.to_image(_strokes, *drawing_rule(_checkpoint))[None]
    terms = elbo(model(_checkpoint), torch.from_numpy(image).expand(DRAWS, -1, -1, -1))
    mean, d = terms.mean[0].numpy(), estimate(terms.distortion)
    if terms.log_variance is None:
        return Judged(image, mean, None, *d, None)
    return Judged(image, mean, terms.log_variance[0].numpy(), *d, terms.rate[0].sum().item())


def judge(checkpoint: Checkpoint, strokes: list) -> Judged:
    """What a model makes of a drawing, from the same `DRAWS` samples of z each time."""
    return _judge(key(checkpoint), repr(strokes), checkpoint, strokes)


def drawing_rule(checkpoint: Checkpoint) -> tuple[str, tuple[int, int, int], bool]:
    """How a drawing is prepared for a model: its data's name and shape, and if its ink is dark."""
    config = checkpoint.card.config
    is_dark = config.data not in DATA_SETS and _has_dark_ink(key(checkpoint), checkpoint)
    return config.data, config.model.image_shape, is_dark


@st.cache_resource(max_entries=100, show_spinner=False)
def _has_dark_ink(key: str, _checkpoint: Checkpoint) -> bool:
    """Whether the edge of the mean code's image is light."""
    image = decode(_checkpoint, _checkpoint.codes.mean.mean(0, keepdims=True))[0].mean(0)
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return bool(np.median(edge) > 0.5)


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


_JOBS: dict[Path, Jobs] = {}
_OPENING = threading.Lock()


def jobs() -> Jobs:
    """The trainings and sweeps of this server; clearing Streamlit's caches does not lose them."""
    folder = default_runs_dir().resolve()
    with _OPENING:
        if folder not in _JOBS:
            _JOBS[folder] = Jobs(folder)
        return _JOBS[folder]


@st.cache_resource(max_entries=20, show_spinner=False)
def tsne_positions(path: str) -> np.ndarray:
    """A finished t-SNE map, shape (N, 2)."""
    return read_tensors(path)[0]["positions"]


@st.cache_resource(max_entries=50, show_spinner="Finding the plane…")
def _plane(fingerprint: str, view: str, x: int, y: int, _checkpoint: Checkpoint) -> Plane:
    return scene.make_plane(_checkpoint, view, x, y)


def plane(checkpoint: Checkpoint, view: str, x: int, y: int) -> Plane:
    """The plane of a view: two latent dimensions (counted from 0), or PCA."""
    return _plane(checkpoint.fingerprint, view, x, y, checkpoint)


def map_files(shown: Scene) -> dict[str, str | None]:
    """Addresses of what the live map fetches: library, figure, decoder with codes, originals."""
    checkpoint = shown.checkpoint
    model_key, images = (files.VERSION, key(checkpoint)), originals(checkpoint)
    figure_key = ("figure", *model_key, *shown[1:5])
    return {
        "plotly": files.publish(("plotly", files.VERSION), "js", lambda: get_plotlyjs().encode()),
        "figure": files.publish(figure_key, "json", lambda: scene.figure(shown).to_json().encode()),
        "pack": files.publish(("decoder", *model_key), "bin", lambda: _pack(checkpoint)),
        "originals": images
        and files.publish(("images", images.fingerprint), "bin", lambda: _levels(images)),
    }


@st.cache_data(max_entries=8, show_spinner=False)
def _html_page(key: tuple, _shown: Scene, with_originals: bool) -> bytes:
    from explorer.takehome import write_page

    images = originals(_shown.checkpoint) if with_originals else None
    return write_page(_shown, model(_shown.checkpoint), images and images.images)


def html_page(shown: Scene, with_originals: bool) -> bytes:
    """The map of a scene as one file, with or without the test images."""
    return _html_page((key(shown.checkpoint), *shown[1:5]), shown, with_originals)


def _levels(images: ImageSet) -> bytes:
    """The images as grey levels 0 to 255, one byte each, in the order N, C, H, W."""
    return (images.images * 255 + 0.5).astype(np.uint8).tobytes()


def _pack(checkpoint: Checkpoint) -> bytes:
    """Decoder and codes in the layout of `models.export`."""
    from models.export import pack_model

    return pack_model(model(checkpoint), checkpoint.codes, checkpoint.card.class_names)


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
