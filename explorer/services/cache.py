"""What is read or computed once and kept: the only user of Streamlit's caches.

Files are known by path and time of change, models by the fingerprint of their tensors. What every
rerun asks for is kept without Streamlit, whose caches take 0.1 ms to find a thing. torch and
scikit-learn are imported by the first thing that needs them, or by `warm_up`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import secrets
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st
from plotly.offline import get_plotlyjs

from explorer import state
from explorer.assets import map_spec, store
from explorer.assets.map_spec import Scene
from explorer.jobs.queue import Jobs
from explorer.jobs.tsne_maps import Projections
from explorer.services import adapter_model
from models.capabilities import LIKELIHOODS
from models.config import ModelConfig, RunConfig
from models.data import drawing
from models.data.builtin import DATA_SETS, default_data_dir, is_available
from models.data.custom_images import CustomImages
from models.data.image_set import DataError, ImageSet
from models.data.library import DataSetInfo, is_id, list_paths, read_custom, read_info
from models.data.load import load
from models.latents.planes import Plane
from models.runs.folder import Run, default_runs_dir, list_runs
from models.runs.label import Label
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, read, restore
from models.storage.tensors import CheckpointError, read_tensors

if TYPE_CHECKING:  # they import torch
    from collections.abc import Callable

    from models.latents.rate_curve import RateDistortionCurve
    from models.metrics.collapse import Diagnosis
    from models.metrics.quadrature import Information
    from models.metrics.statistics import Estimate
    from models.theory.bounds import BoundEstimate
    from models.theory.gradient_estimators import Averages

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
DRAWS = 64
"""Samples of z behind the scores of one image."""
EVIDENCE = 100
"""Test images whose ln p(x) is integrated."""
ROW = 10
"""Images in a row that are shown at every β."""
REPEATS = 5000
"""How often a gradient is estimated, to see the spread."""
WEIGHTS = 10_000
"""Samples of z behind bounds of one image."""
NO_CODES = "the file must hold the codes of a test set"
MAX_HELD_BYTES = 2**27
"""Of uploads that nobody has added yet."""
SAMPLES = 24
"""Images of an own data set that are shown."""
MAX_CLASSES = 20
"""Classes whose mean codes are decoded."""
MAX_GRID = 60_000
"""Most points of a grid on which ln p(x) is integrated while somebody waits."""


class Entry(NamedTuple):
    """A model on offer: id for links, file, whether it ships, the file's time of change."""

    id: str
    path: Path
    shipped: bool
    changed: int


def entries() -> list[Entry]:
    """Every model file: a stranger's, shipped ones by name, the user's runs, newest first."""
    theirs = [(adapter_model.ID, path, False) for path in adapter_model.paths()]
    shipped = [(path.stem, path, True) for path in sorted(SHIPPED.glob("*.safetensors"))]
    runs = [(run.id, run.model_path, False) for run in list_runs(default_runs_dir())]
    return [
        Entry(name, path, ships, path.stat().st_mtime_ns)
        for name, path, ships in theirs + shipped + runs
        if path.exists()
    ]


def catalogue() -> tuple[dict[str, Entry], dict[str, str]]:
    """The usable models by id, and one sentence for each that is not."""
    usable, refused = {}, {}
    for entry in entries():
        _, problem = _card_or_problem(str(entry.path), entry.changed)
        if problem:
            refused[entry.id] = problem
        else:
            usable[entry.id] = entry
    return usable, refused


def title(entry: Entry) -> str:
    """Data set and title of a usable model."""
    found = card(entry)
    return f"{found.data_name} · {found.title}"


@functools.lru_cache(2000)
def _card_or_problem(path: str, changed: int) -> tuple[Card | None, str]:
    try:
        found = _checkpoint(path, changed)
    except CheckpointError as error:
        return None, str(error)
    return found.card, "" if found.codes is not None else NO_CODES


@functools.lru_cache(50)
def _checkpoint(path: str, changed: int) -> Checkpoint:
    return read(path)


def checkpoint(entry: Entry) -> Checkpoint:
    """The validated checkpoint of an entry, without torch."""
    found = _checkpoint(str(entry.path), entry.changed)
    known = _with_title(entry, found.card)
    return found if known is found.card else replace(found, card=known)


def card(entry: Entry) -> Card:
    """The card of a usable model; kept for more models than checkpoints are."""
    return _with_title(entry, _card_or_problem(str(entry.path), entry.changed)[0])


def _with_title(entry: Entry, card: Card) -> Card:
    """The card of a run with the title that its owner gave it last."""
    given = "" if entry.shipped else label(Run(entry.path.parent)).title
    return replace(card, title=given) if given else card


@functools.lru_cache(2000)
def _label(path: str, changed: int, inode: int) -> Label:
    return Run(Path(path).parent).label


def label(run: Run) -> Label:
    """What its owner says of a run; read when it has changed."""
    try:
        status = run.label_path.stat()
    except OSError:
        return Label()
    return _label(str(run.label_path), status.st_mtime_ns, status.st_ino)


@st.cache_resource(max_entries=500, show_spinner="Counting parameters…")
def parameters(config: ModelConfig) -> int:
    """How many a model has, counted without memory for them.

    Raises:
        ValueError: If there would be too many.
    """
    from models.families.registry import count_parameters, describe

    return count_parameters(describe(config))


def key(checkpoint: Checkpoint) -> str:
    """Tells models apart: by their tensors, and by what these are to be taken for."""
    card = checkpoint.card
    return repr((checkpoint.fingerprint, card.config.model, card.class_names))


class _Keyed:
    """A checkpoint that is taken for any other of its key."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint, self.key = checkpoint, key(checkpoint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@functools.lru_cache(20)
def _model(keyed: _Keyed) -> Any:
    import torch

    torch.set_num_threads(1)
    opened = adapter_model.model_of(keyed.checkpoint)
    return opened.model if opened else restore(keyed.checkpoint)


def model(checkpoint: Checkpoint) -> Any:
    """The model of a checkpoint, in evaluation mode.

    Raises:
        CheckpointError: If the weights do not fit the settings.
    """
    return _model(_Keyed(checkpoint))


def has_model() -> bool:
    """Whether one was made already: the first waits until torch is imported."""
    return _model.cache_info().currsize > 0


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


def class_means(checkpoint: Checkpoint) -> dict[int, np.ndarray]:
    """The mean code of every class, decoded (C, H, W), by its number; without labels, none."""
    codes = checkpoint.codes
    present = [] if codes.labels is None else np.unique(codes.labels)[:MAX_CLASSES].tolist()
    if not present:
        return {}
    means = np.stack([codes.mean[codes.labels == label].mean(0) for label in present])
    return dict(zip(present, decode(checkpoint, means), strict=True))


def sample(checkpoint: Checkpoint, z: np.ndarray, seed: int) -> np.ndarray:
    """One draw of p(x|z) for every code (N, Z), shape (N, C, H, W)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        return model(checkpoint).sample(torch.as_tensor(z, dtype=torch.float32), generator).numpy()


class DrawingScore(NamedTuple):
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
def _judge(key: str, drawn: str, _checkpoint: Checkpoint, _strokes: list) -> DrawingScore:
    import torch

    from models.metrics.likelihood import elbo
    from models.metrics.statistics import estimate

    image = drawing.to_image(_strokes, *drawing_rule(_checkpoint))[None]
    terms = elbo(model(_checkpoint), torch.from_numpy(image).expand(DRAWS, -1, -1, -1))
    mean, d = terms.mean[0].numpy(), estimate(terms.distortion)
    if terms.log_variance is None:
        return DrawingScore(image, mean, None, *d, None)
    return DrawingScore(image, mean, terms.log_variance[0].numpy(), *d, terms.rate[0].sum().item())


def judge(checkpoint: Checkpoint, strokes: list) -> DrawingScore:
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


@functools.lru_cache(8)
def _test_set(name: str, data_dir: str, changed: int) -> ImageSet | None:
    try:
        return load(name, "test", data_dir)
    except DataError:
        return None


def to_download(checkpoint: Checkpoint) -> str:
    """The name of its data set if that must be downloaded first, else empty."""
    name = checkpoint.card.config.data
    return name if name in DATA_SETS and not is_available(name, default_data_dir()) else ""


def _own_changed(name: str) -> int:
    """When the file of an own data set was changed; 0 if there is none."""
    path = list_paths().get(name) if is_id(name) else None
    with contextlib.suppress(OSError):  # removed in this moment
        return path.stat().st_mtime_ns if path else 0
    return 0


@st.cache_resource(max_entries=100, show_spinner=False)
def _own_facts(path: str, changed: int) -> DataSetInfo | None:
    with contextlib.suppress(DataError):
        return read_info(Path(path))
    return None


def own_sets() -> dict[str, DataSetInfo]:
    """The user's own data sets by id, newest first; damaged ones are left out."""
    found = {}
    for name, path in list_paths().items():
        with contextlib.suppress(OSError):  # removed in this moment
            facts = _own_facts(str(path), path.stat().st_mtime_ns)
            found |= {} if facts is None else {name: facts}
    return found


@st.cache_resource(max_entries=20, show_spinner=False)
def _own_samples(name: str, changed: int) -> ImageSet | None:
    with contextlib.suppress(DataError):
        return read_custom(name).samples(SAMPLES)
    return None


def own_samples(name: str) -> ImageSet | None:
    """Some images of an own data set, as the model sees them; None if it is damaged or gone."""
    return _own_samples(name, _own_changed(name))


@st.cache_resource(show_spinner=False)
def _held() -> dict[str, CustomImages]:
    return {}


def hold(found: CustomImages) -> str:
    """Keeps an upload until it is added, and returns its token; the oldest of all make room."""
    held, token = _held(), secrets.token_hex(8)
    held[token] = found
    for old in list(held)[:-1]:
        if sum(each.images.nbytes for each in list(held.values())) > MAX_HELD_BYTES:
            held.pop(old, None)
    return token


def held(token: str) -> CustomImages | None:
    """An upload that was kept; None if it is not any more."""
    return _held().get(token)


def release(token: str) -> None:
    """Gives an upload up."""
    _held().pop(token, None)


def originals(checkpoint: Checkpoint) -> ImageSet | None:
    """The test images behind the codes, or None where they are not on this machine."""
    opened = adapter_model.model_of(checkpoint)
    if opened is not None:
        return opened.images
    if to_download(checkpoint):
        return None
    name = checkpoint.card.config.data
    found = _test_set(name, str(default_data_dir()), _own_changed(name))
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
    return map_spec.make_plane(_checkpoint, view, x, y)


def plane(checkpoint: Checkpoint, view: str, x: int, y: int) -> Plane:
    """The plane of a view: two latent dimensions (counted from 0), or PCA."""
    return _plane(checkpoint.fingerprint, view, x, y, checkpoint)


def map_files(shown: Scene) -> dict[str, str | None]:
    """Addresses of what the live map fetches: library, figure, decoder with codes, originals."""
    checkpoint = shown.checkpoint
    model_key, images = (store.VERSION, key(checkpoint)), originals(checkpoint)
    figure_key = ("figure", *model_key, *shown[1:5])
    return {
        "plotly": store.publish(("plotly", store.VERSION), "js", lambda: get_plotlyjs().encode()),
        "figure": store.publish(
            figure_key, "json", lambda: map_spec.figure(shown).to_json().encode()
        ),
        "pack": store.publish(("decoder", *model_key), "bin", lambda: _pack(checkpoint)),
        "originals": images
        and store.publish(("images", images.fingerprint), "bin", lambda: _levels(images)),
    }


@st.cache_data(max_entries=8, show_spinner=False)
def _html_page(key: tuple, _shown: Scene, with_originals: bool) -> bytes:
    from explorer.assets.html_export import write_page

    images = originals(_shown.checkpoint) if with_originals else None
    return write_page(_shown, model(_shown.checkpoint), images and images.images)


def html_page(shown: Scene, with_originals: bool) -> bytes:
    """The map of a scene as one file, with or without the test images."""
    decided = (key(shown.checkpoint), shown.checkpoint.card.title, *shown[1:5])
    return _html_page(decided, shown, with_originals)


def _levels(images: ImageSet) -> bytes:
    """The images as grey levels 0 to 255, one byte each, in the order N, C, H, W."""
    return (images.images * 255 + 0.5).astype(np.uint8).tobytes()


def _pack(checkpoint: Checkpoint) -> bytes:
    """Decoder and codes in the layout of `models.export`."""
    from models.export.pack import pack_model

    return pack_model(model(checkpoint), checkpoint.codes, checkpoint.card.class_names)


@st.cache_resource(max_entries=20, show_spinner=False)
def _rates(key: str, has_images: bool, _checkpoint: Checkpoint) -> RateDistortionCurve | None:
    if _checkpoint.rates is not None:
        return _checkpoint.rates
    import torch

    from models.metrics.rate_curve import measure_rates

    images = originals(_checkpoint)
    if images is None:
        return None
    return measure_rates(model(_checkpoint), torch.tensor(images.images), images.labels)


def rates(checkpoint: Checkpoint) -> RateDistortionCurve | None:
    """A multi-rate model's test set along β; None if not stored, and no test images are here."""
    return _rates(key(checkpoint), originals(checkpoint) is not None, checkpoint)


@st.cache_resource(max_entries=50, show_spinner=False)
def _anchors(fingerprint: str, likelihood: str, sigma: float, _images: ImageSet) -> tuple:
    import torch

    from models.metrics.likelihood import collapsed_distortion, entropy_floor

    images = torch.tensor(_images.images)
    floor = None if LIKELIHOODS[likelihood].is_density else entropy_floor(images)
    return collapsed_distortion(images, likelihood, sigma), floor


def anchors(checkpoint: Checkpoint) -> tuple[float | None, float | None]:
    """D of the best constant image, and the floor below every D, in nats; None if unknown."""
    images, config = originals(checkpoint), checkpoint.card.config.model
    if images is None:
        return None, None
    return _anchors(images.fingerprint, config.likelihood, config.sigma, images)


@st.cache_resource(max_entries=20, show_spinner="Finding the eigenvalues…")
def _eigenvalues(name: str, data_dir: str, changed: int) -> np.ndarray:
    from models.theory.linear_vae import covariance_eigenvalues

    return covariance_eigenvalues(load(name, "train", data_dir).images)


def eigenvalues(checkpoint: Checkpoint) -> np.ndarray | None:
    """Of the covariance of the training images; None where they are not on this machine."""
    if originals(checkpoint) is None:
        return None
    name = checkpoint.card.config.data
    return _eigenvalues(name, str(default_data_dir()), _own_changed(name))


@st.cache_resource(max_entries=50, show_spinner="Measuring information…")
def _information(key: str, exact: bool, _checkpoint: Checkpoint) -> Information:
    import torch

    from models.metrics.information import information
    from models.metrics.quadrature import exact_information

    codes = _checkpoint.codes
    measure = exact_information if exact else information
    return measure(torch.tensor(codes.mean), torch.tensor(codes.log_variance))


def information(checkpoint: Checkpoint) -> tuple[Information, bool]:
    """What the codes tell of the images, and whether it is exact: with two latents, if it fits."""
    if checkpoint.codes.latent_dim == 2:
        with contextlib.suppress(ValueError):  # codes too sharp for a grid
            return _information(key(checkpoint), True, checkpoint), True
    return _information(key(checkpoint), False, checkpoint), False


@st.cache_resource(max_entries=50, show_spinner="Integrating ln p(x)…")
def _evidence(key: str, _checkpoint: Checkpoint, _images: ImageSet) -> dict[str, Estimate]:
    import torch

    from models.metrics.likelihood import binarize, elbo, importance_weighted_bound
    from models.metrics.quadrature import exact_log_evidence, plane_grid
    from models.metrics.statistics import estimate

    codes, network = _checkpoint.codes, model(_checkpoint)
    images = binarize(torch.tensor(_images.images[:EVIDENCE]))
    grid = plane_grid(torch.tensor(codes.mean), torch.tensor(codes.log_variance), 0.75)
    terms = elbo(network, images)
    with torch.inference_mode():
        exact = exact_log_evidence(network.log_likelihood_pairs, images, grid)
        bound = importance_weighted_bound(network, images, 1000)
    return {
        "ELBO": estimate(-terms.distortion - terms.rate.sum(1)),
        "importance-weighted bound, k = 1000": estimate(bound),
        "ln p(x), by quadrature": estimate(exact),
    }


def evidence(checkpoint: Checkpoint) -> dict[str, Estimate]:
    """ELBO, bound and exact ln p(x) of the first binarised test images, nats per image.

    Raises:
        ValueError: If the codes are not of two dimensions, or too sharp to be integrated.
    """
    return _evidence(key(checkpoint), checkpoint, originals(checkpoint))


def rates_files(
    shown: tuple, figure: Callable[[], Any], checkpoint: Checkpoint | None
) -> dict[str, str | None]:
    """Addresses of what the trade-off fetches: library, figure, and the model for every β.

    Args:
        shown: Whatever decides the figure.
        figure: Builds it, when it is first asked for.
        checkpoint: Of the multi-rate model, if there is one.
    """
    return {
        "plotly": store.publish(("plotly", store.VERSION), "js", lambda: get_plotlyjs().encode()),
        "figure": store.publish(
            ("plane", store.VERSION, shown), "json", lambda: figure().to_json().encode()
        ),
        "pack": checkpoint
        and store.publish(
            ("rates", store.VERSION, key(checkpoint)), "bin", lambda: _pack_rates(checkpoint)
        ),
    }


def _pack_rates(checkpoint: Checkpoint) -> bytes:
    """A multi-rate model for the browser, with its first test images and draws of the prior."""
    from models.export.pack import pack_rates

    prior = np.random.default_rng(0).normal(size=(ROW, checkpoint.codes.latent_dim))
    images = originals(checkpoint)
    shown = np.zeros(0) if images is None else images.images[:ROW]
    return pack_rates(model(checkpoint), rates(checkpoint), shown, prior)


@st.cache_resource(max_entries=100, show_spinner="Looking for collapse…")
def _diagnosis(key: str, has_images: bool, _checkpoint: Checkpoint) -> Diagnosis:
    import torch

    from models.metrics.collapse import diagnose

    codes, images = _checkpoint.codes, originals(_checkpoint)
    unknown = np.full((1, *_checkpoint.card.config.model.image_shape), np.nan, np.float32)
    return diagnose(
        torch.tensor(codes.mean),
        torch.tensor(codes.log_variance),
        model(_checkpoint).decode,
        torch.tensor(unknown if images is None else images.images),
    )


def diagnosis(checkpoint: Checkpoint) -> Diagnosis:
    """Whether a VAE's posterior has collapsed; without the test images, what they do is NaN."""
    return _diagnosis(key(checkpoint), originals(checkpoint) is not None, checkpoint)


@functools.lru_cache(2000)
def _run_config(path: str, changed: int) -> RunConfig | None:
    with contextlib.suppress(ValueError):
        return Run(Path(path).parent).config()
    return None


def runs() -> list[tuple[Run, RunConfig]]:
    """The user's runs with their settings, newest first; damaged ones are left out."""
    found = []
    for run in list_runs(default_runs_dir()):
        with contextlib.suppress(OSError):  # removed in this moment
            path = run.folder / "config.json"
            config = _run_config(str(path), path.stat().st_mtime_ns)
            found += [] if config is None else [(run, config)]
    return found


@st.cache_resource(max_entries=12, show_spinner=False)
def _drawn(key: tuple, _draw: Callable[[], Any]) -> Any:
    return _draw()


def drawn(key: tuple, draw: Callable[[], Any]) -> Any:
    """Figures or pictures that many watch, built once.

    Args:
        key: Whatever decides them.
        draw: Builds them.
    """
    return _drawn(key, draw)


@st.cache_data(max_entries=100, show_spinner=False)
def kl_weights(config: RunConfig, total_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """At most 500 steps of a training, and the weight of the rate at each of them."""
    from models.objectives.schedules import kl_weight

    steps = np.unique(np.linspace(1, total_steps, 500).astype(int))
    weights = [kl_weight(int(step), total_steps, config.objective) for step in steps]
    return steps, np.array(weights)


class Divergences(NamedTuple):
    """q and p as densities over z; KL(q ‖ p) and KL(p ‖ q) in nats on a grid of σ, at one, there
    also by samples."""

    z: np.ndarray
    densities: tuple[np.ndarray, np.ndarray]
    grid: np.ndarray
    curves: tuple[np.ndarray, np.ndarray]
    exact: tuple[float, float]
    sampled: tuple[Estimate, Estimate]


@st.cache_data(max_entries=500, show_spinner=False)
def divergences(mean: float, deviation: float, samples: int, seed: int) -> Divergences:
    """The experiment of `models.theory.divergences`."""
    import torch

    from models.objectives.distributions import normal_log_prob
    from models.theory.divergences import kl_both_ways, sampled_kl

    grid = torch.linspace(*state.LIMITS["deviation"], 291, dtype=torch.float64)
    z = torch.linspace(-6, 6, 601, dtype=torch.float64)
    here, at = torch.tensor([deviation, mean], dtype=torch.float64)
    logs = normal_log_prob(z, at, 2 * here.log()), normal_log_prob(z, 0.0, 0.0)
    return Divergences(
        z.numpy(),
        tuple(log.exp().numpy() for log in logs),
        grid.numpy(),
        tuple(curve.numpy() for curve in kl_both_ways(at, grid)),
        tuple(value.item() for value in kl_both_ways(at, here)),
        sampled_kl(mean, deviation, samples, seed),
    )


class Gradients(NamedTuple):
    """One gradient, its estimators over several n, and the variances of single estimates."""

    truth: float
    measured: dict[str, Averages]
    variances: dict[str, float]


@st.cache_data(max_entries=500, show_spinner=False)
def gradients(
    mean: float, deviation: float, target: float, by: str, counts: tuple[int, ...], seed: int
) -> Gradients:
    """The experiment of `models.theory.gradient_estimators`."""
    from models.theory.gradient_estimators import gradient_study, gradient_variances, loss_gradient

    return Gradients(
        loss_gradient(mean, deviation, target)[by],
        gradient_study(mean, deviation, target, by, counts, REPEATS, seed),
        gradient_variances(mean, deviation, target, by),
    )


class Bounds(NamedTuple):
    """Bounds of ln p(x) of one image (1, C, H, W), binary under a Bernoulli likelihood.

    `evidence` is ln p(x) in nats where it can be integrated, else None.
    """

    image: np.ndarray
    rungs: list[BoundEstimate]
    evidence: float | None


@st.cache_resource(max_entries=100, show_spinner="Sampling…")
def _bounds(
    key: str, point: int, counts: tuple[int, ...], seed: int, _checkpoint: Checkpoint
) -> Bounds:
    import torch

    from models.metrics.likelihood import binarize, importance_weighted_bound
    from models.theory.bounds import bound_ladder

    image = torch.tensor(originals(_checkpoint).images[point : point + 1])
    if _checkpoint.card.config.model.likelihood_properties.is_binary:
        image = binarize(image, seed)
    with torch.inference_mode():
        repeated = image.expand(WEIGHTS, -1, -1, -1)
        weights = importance_weighted_bound(model(_checkpoint), repeated, samples=1, seed=seed)
        evidence = _log_evidence(_checkpoint, image)
    return Bounds(image.numpy(), bound_ladder(weights, counts), evidence)


def bounds(checkpoint: Checkpoint, point: int, counts: tuple[int, ...], seed: int) -> Bounds:
    """The experiment of `models.theory.bounds`, with a test image that is on this machine."""
    return _bounds(key(checkpoint), point, counts, seed, checkpoint)


def _log_evidence(checkpoint: Checkpoint, image: Any) -> float | None:
    """ln p(x) by quadrature; None in other than two dimensions, or where it would take long."""
    import torch

    from models.metrics.quadrature import exact_log_evidence, plane_grid

    codes = checkpoint.codes
    try:
        grid = plane_grid(torch.tensor(codes.mean), torch.tensor(codes.log_variance), step=0.75)
    except ValueError:
        return None
    if len(grid.x) * len(grid.y) > MAX_GRID:
        return None
    return exact_log_evidence(model(checkpoint).log_likelihood_pairs, image, grid).item()


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

    import models.families.registry  # noqa: F401

    torch.set_num_threads(1)
    usable, _ = catalogue()
    for entry in usable.values():
        originals(checkpoint(entry))
    del sklearn
    gc.collect()
    gc.freeze()
