"""Snapshots of a training run: what the model makes of the same test images as it learns, or where
images have no codes, of the same draws of its prior.

    runs/<id>/frames/film.safetensors          what all snapshots share, see `SnapshotInfo`
                     000000400.safetensors     one snapshot, by the updates made until then

Names and contents of the files are a format. Snapshots are close together at first, when much
changes, and there are at most `MAX_SNAPSHOTS`, of large images fewer, so their size is bounded no
matter how long the training is. Which steps have one depends on the settings alone: a resumed
training makes the snapshots of an uninterrupted one. Making them draws no random number of the
training and changes no weight.
"""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.places import open_file
from models.storage.tensors import CheckpointError, read_tensors, write_tensors

MAX_SNAPSHOTS = 120
"""Of a run, the first before any update."""
MAX_SWEEP_SNAPSHOTS = 20
"""Of a run of a sweep."""
SHOWN_IMAGES = 10
"""Test images reconstructed, and codes of the prior decoded, in every snapshot."""
GENERATED_IMAGES = 20
"""Images made of the same draws in every snapshot of a model without codes."""
MAX_GENERATED_SNAPSHOTS = 30
"""Of a run of such a model, for an image may take many passes through its network."""
MAX_CODES = 1000
"""Most test images whose codes are in a snapshot."""
MAX_NUMBERS = 20_000
"""Most numbers (images times latent dimensions) of the codes of a snapshot."""
MAX_SNAPSHOT_BYTES = 2**21
MAX_TOTAL_BYTES = 2**24
"""Of all snapshots of a run: of large images there are fewer."""
INFO_NAME = "film.safetensors"


class SnapshotInfo(NamedTuple):
    """What all snapshots of a run share: `original` (M, C, H, W) uint8 grey levels, `labels` (N,)
    or None, the classes' names, the updates of the whole training and of an epoch, whether the
    model has a rate, and whether its images have codes."""

    original: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    total_steps: int
    steps_per_epoch: int
    has_rate: bool
    has_codes: bool = True


class Snapshot(NamedTuple):
    """The model after `step` updates.

    Attributes:
        step: Updates made.
        codes: Posterior means of the first test images, float16, shape (N, Z); None, as are the
            reconstruction and the scores, where images have no codes.
        reconstruction: E[x|z = μ] of the originals, uint8, shape (M, C, H, W).
        sample: Images of the same draws of the prior in every snapshot, likewise: E[x|z], or what
            the model generates; None for an autoencoder, which has no prior.
        distortion: D, mean over those N images, nats per image.
        rate: R likewise; 0 for an autoencoder.
    """

    step: int
    codes: np.ndarray | None
    reconstruction: np.ndarray | None
    sample: np.ndarray | None
    distortion: float | None
    rate: float | None


def count_due(step: int, total_steps: int, count: int = MAX_SNAPSHOTS) -> int:
    r"""Counts the snapshots that are due after some updates: one at each t_k reached.

    .. math:: t_k = ⌈T (k / (K - 1))^2⌉, \quad k = 0 … K - 1

    Args:
        step: Updates made, 0 to T.
        total_steps: T.
        count: K, at least 2.

    Returns:
        1 to K; where a training run is short, several fall on one step.

    Example:
        >>> count_due(0, 4000), count_due(1000, 4000), count_due(4000, 4000)
        (1, 60, 120)
    """
    return min(count, math.isqrt(step * (count - 1) ** 2 // total_steps) + 1)


def snapshot_folder(run_folder: Path) -> Path:
    """The folder of the snapshots of a run."""
    return run_folder / "frames"


def snapshot_steps(run_folder: Path) -> list[int]:
    """Lists the steps that have a snapshot, rising."""
    names = (path.stem for path in snapshot_folder(run_folder).glob("*.safetensors"))
    return sorted(int(name) for name in names if name.isdecimal() and len(name) < 12)


def snapshot_path(run_folder: Path, step: int) -> Path:
    """The file of a snapshot."""
    return snapshot_folder(run_folder) / f"{step:09d}.safetensors"


def read_info(run_folder: Path) -> SnapshotInfo:
    """Reads what all snapshots of a run share.

    Raises:
        CheckpointError: If there are none, or the file is damaged.
    """
    tensors, info, _ = read_tensors(snapshot_folder(run_folder) / INFO_NAME, MAX_SNAPSHOT_BYTES)
    try:
        return SnapshotInfo(
            tensors["original"],
            tensors.get("labels"),
            tuple(map(str, info["class_names"])),
            int(info["total_steps"]),
            int(info["steps_per_epoch"]),
            bool(info["has_rate"]),
            bool(info.get("has_codes", True)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            "the snapshots must say what they show: train the run again"
        ) from error


def read_snapshot(run_folder: Path, step: int) -> Snapshot:
    """Reads the snapshot of a step.

    Raises:
        CheckpointError: If there is none, or the file is damaged.
    """
    tensors, info, _ = read_tensors(snapshot_path(run_folder, step), MAX_SNAPSHOT_BYTES)
    try:
        if "codes" not in tensors:
            return Snapshot(step, None, None, tensors["sample"], None, None)
        scores = float(info["distortion"]), float(info["rate"])
        images = tensors["reconstruction"], tensors.get("sample")
        return Snapshot(step, tensors["codes"], *images, *scores)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            "a snapshot must hold codes, images and scores, or generated images"
        ) from error


class Recorder:
    """Writes a snapshot of a training run whenever one is due.

    Args:
        run_folder: Of the run.
        training: A `models.training.trainer.Training`; snapshots after its step are removed.
        test_set: The `ImageSet` it is scored on.
        most: How many at most.
    """

    def __init__(
        self, run_folder: Path, training: Any, test_set: Any, most: int = MAX_SNAPSHOTS
    ) -> None:
        self.run_folder, self.training = run_folder, training
        self.has_codes = training.config.model.capabilities.has_codes
        pixels = math.prod(training.config.model.image_shape)
        if self.has_codes:
            images = min(MAX_CODES, MAX_NUMBERS // training.model.latent_dim, len(test_set))
            size = 2 * images * training.model.latent_dim + 2 * SHOWN_IMAGES * pixels
        else:
            images, size = 0, GENERATED_IMAGES * pixels
            most = min(most, MAX_GENERATED_SNAPSHOTS)
        self.count = min(most, MAX_TOTAL_BYTES // size)
        self.images = training.test_images[:images]
        self.shown = training.test_images[:SHOWN_IMAGES]
        steps = snapshot_steps(run_folder)
        for lost in (step for step in steps if step > training.step):
            snapshot_path(run_folder, lost).unlink(missing_ok=True)
        kept = [step for step in steps if step <= training.step]
        self.made = count_due(kept[-1], training.total_steps, self.count) if kept else 0
        if not kept:
            self._write_info(test_set, images)

    def record(self) -> None:
        """Writes the snapshot that is due, if any; a full disk does not stop the training."""
        due = count_due(self.training.step, self.training.total_steps, self.count)
        if due > self.made:
            self.made = due
            with contextlib.suppress(OSError):
                self._write()

    def _write_info(self, test_set: Any, images: int) -> None:
        """Writes what all snapshots share."""
        tensors = {"original": _levels(self.shown)}
        if test_set.labels is not None and self.has_codes:
            tensors["labels"] = test_set.labels[:images].astype(np.uint8)
        info = {
            "class_names": list(test_set.class_names),
            "total_steps": self.training.total_steps,
            "steps_per_epoch": self.training.steps_per_epoch,
            "has_rate": self.training.config.model.capabilities.has_rate,
            "has_codes": self.has_codes,
        }
        with contextlib.suppress(OSError):
            snapshot_folder(self.run_folder).mkdir(exist_ok=True)
            path = snapshot_folder(self.run_folder) / INFO_NAME
            write_tensors(path, tensors, info, MAX_SNAPSHOT_BYTES)

    def _write(self) -> None:
        """Writes a snapshot; left out if a score is not finite, which the training will report."""
        tensors, info = self._encoded() if self.has_codes else self._generated()
        if all(map(math.isfinite, info.values())):
            path = snapshot_path(self.run_folder, self.training.step)
            write_tensors(path, tensors, info, MAX_SNAPSHOT_BYTES)

    def _generated(self) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """What a model without codes makes of the same draws every time."""
        from models.families.generate import generate

        images = list(generate(self.training.model, GENERATED_IMAGES, seed=0))
        return {"sample": np.concatenate([_levels(part) for part in images])}, {}

    def _encoded(self) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Codes, images and scores of the test set."""
        import torch

        from models.metrics.likelihood import elbo

        model, config = self.training.model, self.training.config
        was_training = model.training
        terms = elbo(model, self.images, draws=1)  # as the curves have
        tensors = {"codes": terms.mean.clamp(-6e4, 6e4).to(torch.float16).numpy()}
        with torch.no_grad():
            means = terms.mean[: len(self.shown)].to(self.training.device)
            tensors["reconstruction"] = _levels(model.decode(means))
            if config.model.capabilities.has_prior:
                prior = prior_codes(model.latent_dim)
                codes = torch.from_numpy(prior).to(self.training.device)
                tensors["sample"] = _levels(model.decode(codes))
        model.train(was_training)
        info = {
            "distortion": terms.distortion.mean().item(),
            "rate": terms.rate.sum(1).mean().item(),
        }
        return tensors, info


def prior_codes(latent_dim: int) -> np.ndarray:
    """Draws the codes of the prior that every snapshot decodes, float32, shape (`SHOWN_IMAGES`, Z).

    Example:
        >>> prior_codes(2).shape, bool((prior_codes(2) == prior_codes(2)).all())
        ((10, 2), True)
    """
    return np.random.default_rng(0).normal(size=(SHOWN_IMAGES, latent_dim)).astype(np.float32)


def _levels(images: Any) -> np.ndarray:
    """Images in [0, 1] as grey levels 0 to 255."""
    return (images.clamp(0, 1) * 255 + 0.5).byte().cpu().numpy()


def stream_snapshots(run_folder: Path, after: int = -1) -> bytes:
    """Packs snapshots for the browser: which there are, then those after a step, each file whole.

    Args:
        run_folder: Of the run.
        after: Only those of later steps; below 0, also what all share, before them.

    Returns:
        Entries of an int64 step, an int64 count of bytes, the bytes, and zeros to a multiple of
        8; all little-endian. Step -2 is a JSON list of step and stamp of every snapshot that
        there is (written again, it has another stamp), step -1 what all share, others a snapshot. A
        file that vanishes meanwhile, or is too large for one, is left out.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     stream_snapshots(Path(folder))[16:18]
        b'[]'
    """
    stamps = []
    for step in snapshot_steps(run_folder):
        with contextlib.suppress(OSError):
            stamps.append([step, snapshot_path(run_folder, step).stat().st_mtime_ns // 10**6])
    parts = [_entry(-2, json.dumps(stamps).encode())]
    paths = [(step, snapshot_path(run_folder, step)) for step, _ in stamps if step > after]
    if after < 0:
        paths.insert(0, (-1, snapshot_folder(run_folder) / INFO_NAME))
    for step, path in paths:
        with contextlib.suppress(OSError):
            with open_file(path) as file:
                data = file.read(MAX_SNAPSHOT_BYTES + 1)
            parts += [_entry(step, data)] if len(data) <= MAX_SNAPSHOT_BYTES else []
    return b"".join(parts)


def _entry(step: int, data: bytes) -> bytes:
    return np.array([step, len(data)], "<i8").tobytes() + data + b"\0" * (-len(data) % 8)
