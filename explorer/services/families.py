"""What the page of families knows of models: how good their images are, and images from one seed.

A report on a model's images is read where it ships, or from the folder `.scores` beside the runs,
where `judge score` in another process leaves it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from explorer.jobs.shared_work import Progress
from explorer.services import adapter_model, catalogue, job_queue, permissions, run_folders
from explorer.services.catalogue import Entry
from explorer.services.loaded_model import LoadedModel, kept_per_model
from models.data.builtin import default_data_dir
from models.judge.report import SampleReport, report_name
from models.latents.noise_plane import slerp
from models.places import default_runs_dir
from models.runs.folder import Run
from models.runs.history import History
from models.runs.index import IndexedRun
from models.runs.status import read_failure

COUNT = 1000
"""Images that a model draws to be scored."""
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints" / "scores"
HISTORIES = SHIPPED.parent / "histories"
"""Of the training of shipped models that were trained by two players."""
MOST_EPOCHS = 1000


def can_draw(entry: Entry) -> bool:
    """Whether a model has a prior to draw new images from, and is the project's own."""
    return entry.card.config.model.capabilities.has_prior and not _is_custom(entry)


def _is_custom(entry: Entry) -> bool:
    return entry.id == adapter_model.ID


def data_sets() -> dict[str, str]:
    """Lists the data sets of which there are models, by the name that runs know them by."""
    return {
        entry.card.config.data: entry.card.data_name
        for entry in catalogue.all_models().values()
        if not _is_custom(entry)
    }


def models_of(data: str) -> dict[str, Entry]:
    """Lists the models of a data set by id: the shipped ones, and the user's, the newest first."""
    return {
        name: entry
        for name, entry in catalogue.all_models().items()
        if entry.card.config.data == data and not _is_custom(entry)
    }


def diverged_of(data: str) -> dict[str, IndexedRun]:
    """Lists the user's runs on a data set whose training diverged, by id, the newest first."""
    return {
        each.id: each
        for each in run_folders.listing().runs
        if each.config and each.config.data == data and read_failure(each.run)
    }


def _kept() -> Path:
    return default_runs_dir() / ".scores"


def report(entry: Entry) -> SampleReport | None:
    """Reads the report on a model's images; None where there is none of this very model."""
    name = report_name(entry.path)
    if entry.shipped and (found := _read(SHIPPED / name)) is not None:
        return found
    return _read(_kept() / name, entry.changed)


def _read(path: Path, since: int = 0) -> SampleReport | None:
    """A report that is not older than its model."""
    with contextlib.suppress(OSError):
        changed = path.stat().st_mtime_ns
        return _report(str(path), changed) if changed >= since else None
    return None


@functools.lru_cache(2000)
def _report(path: str, changed: int) -> SampleReport | None:
    with contextlib.suppress(OSError, ValueError):
        return SampleReport.read(Path(path))
    return None


_starters: dict[str, str] = {}
"""Who had the models of a data set measured."""


def measure(data: str, entries: Sequence[Entry]) -> bool:
    """Has models of a data set draw images and scores them; returns whether there was room for it.

    Raises:
        NotAllowed: If this session may start nothing.
        OSError: If no process can be started here.
    """
    permissions.check_new()
    folder = _kept()
    folder.mkdir(parents=True, exist_ok=True)
    words = (
        "judge", "score", *(str(entry.path.resolve()) for entry in entries),
        "--count", str(COUNT), "--output", str(folder.resolve()),
        "--data-dir", str(default_data_dir()), "--runs-dir", str(default_runs_dir().resolve()),
    )  # fmt: skip
    is_started = job_queue.scoring().start(data, words)
    if is_started:
        _starters.setdefault(data, permissions.owner())
    return is_started


def progress(data: str) -> Progress | None:
    """How far measuring is; None where it was not started."""
    return job_queue.scoring().get(data)


def may_cancel(data: str) -> bool:
    """Whether this session may end the measuring: it started it, or is the teacher's."""
    return permissions.may_change(_starters.get(data, permissions.TEACHER))


def cancel(data: str) -> None:
    """Ends measuring; what is measured already is kept.

    Raises:
        NotAllowed: If somebody else started it.
    """
    permissions.check(_starters.get(data, permissions.TEACHER))
    job_queue.scoring().cancel(data)
    _starters.pop(data, None)


@kept_per_model(100, "Drawing images…")
def drawn(model: LoadedModel, count: int, seed: int) -> np.ndarray:
    """Draws new images of a model, shape (count, C, H, W), in [0, 1].

    Raises:
        ValueError: If it has no prior.
    """
    import torch

    from models.families.generate import generate

    with torch.inference_mode():
        return torch.cat(list(generate(model.network, count, seed))).numpy()


CLASSIFIED = 500
"""Images behind the shares of classes."""


@kept_per_model(100, "Drawing images…")
def class_shares(model: LoadedModel, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Finds which share of new images, and of real test images, is of which class, each (K,).

    None where there is no judge of the data set, or no labels of its test images.
    """
    import torch

    from models.judge.file import judge_path, read_judge
    from models.judge.spaces import restore_judge
    from models.judge.train import features_of
    from models.metrics.samples.classes import frequencies

    path, images = judge_path(model.card.config.data, default_runs_dir()), model.test_images
    if path is None or not path.exists() or images is None or images.labels is None:
        return None
    judge = restore_judge(read_judge(path))
    with torch.inference_mode():
        new = torch.tensor(drawn(model, CLASSIFIED, seed))
        classes = judge.classify(features_of(judge, new)).argmax(1).numpy()
    count = len(model.card.class_names)
    return frequencies(classes, count), frequencies(images.labels, count)


class Judged(NamedTuple):
    """New images of a GAN and real test images, (N, C, H, W), with D of each, (N,).

    Without test images on this machine there are none, and no scores of them.
    """

    fake: np.ndarray
    fake_scores: np.ndarray
    real: np.ndarray | None
    real_scores: np.ndarray


@kept_per_model(50, "Drawing images…")
def judged(model: LoadedModel, seed: int) -> Judged:
    """Has a GAN's discriminator judge new images, and as many real ones."""
    import torch

    def scores(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return torch.sigmoid(model.network.discriminator(torch.tensor(images))).numpy()

    new, images = drawn(model, CLASSIFIED, seed), model.test_images
    real = None if images is None else images.images[:CLASSIFIED]
    return Judged(new, scores(new), real, np.zeros(0) if real is None else scores(real))


@kept_per_model(50)
def generated_walk(model: LoadedModel, seed: int, count: int) -> np.ndarray:
    """Decodes codes on the arc between two draws of N(0, I), shape (count, C, H, W)."""
    size = model.card.config.model.latent_dim
    ends = np.random.default_rng(seed).standard_normal((2, size))
    return model.decode(slerp(*ends, count))


SCORES = "real_score", "fake_score"


def score_course(entry: Entry) -> tuple[list[int], list[float], list[float]] | None:
    """Reads the mean scores D of real and of new images in every epoch of a GAN's training.

    Returns:
        Steps, real and fake scores; None where none were recorded.
    """
    history = History(HISTORIES / entry.id) if entry.shipped else Run(entry.path.parent).history
    rows = history.rows(MOST_EPOCHS)
    found = [row for row in rows if all(f"train_{name}" in row for name in SCORES)]
    if not found:
        return None
    return [row["step"] for row in found], *(
        [row[f"train_{name}"] for row in found] for name in SCORES
    )
