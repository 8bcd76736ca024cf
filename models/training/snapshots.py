"""The film of a training: what the model makes of the same test images, ever better.

    runs/<id>/frames/film.safetensors          the test images and labels that all frames share
                     000000400.safetensors     one frame, by the updates made until then

Frames are close together at first, when much changes, and there are at most `FRAMES`, of large
images fewer, so a film is bounded in size however long the training. Which steps have one depends
on the settings alone: a resumed training makes the frames of an uninterrupted one. Making them
draws no random number of the training's and changes no weight.
"""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.storage.tensors import CheckpointError, read_tensors, write_tensors

FRAMES = 120
"""Most frames of a run, the first before any update."""
SWEEP_FRAMES = 20
"""Most frames of a run of a sweep."""
ROW = 10
"""Test images reconstructed, and codes of the prior decoded, in every frame."""
CODES = 1000
"""Most test images whose codes are in a frame."""
MAX_NUMBERS = 20_000
"""Most numbers (images times latent dimensions) of the codes of a frame."""
MAX_FRAME_BYTES = 2**21
MAX_FILM_BYTES = 2**24
"""Of all frames of a run: of large images there are fewer."""
FILM = "film"


class Film(NamedTuple):
    """What all frames share: `original` (M, C, H, W) uint8 grey levels, `labels` (N,) or None, the
    classes' names, the updates of the whole training and of an epoch, and whether it is a VAE."""

    original: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    total_steps: int
    steps_per_epoch: int
    has_rate: bool


class Frame(NamedTuple):
    """The model after `step` updates.

    Attributes:
        step: Updates made.
        codes: Posterior means of the first test images, float16, shape (N, Z).
        reconstruction: E[x|z = μ] of the film's originals, uint8, shape (M, C, H, W).
        sample: E[x|z] of the same draws of the prior in every frame, likewise; None for an
            autoencoder, which has no prior.
        distortion: D, mean over those N images, nats per image.
        rate: R likewise; 0 for an autoencoder.
    """

    step: int
    codes: np.ndarray
    reconstruction: np.ndarray
    sample: np.ndarray | None
    distortion: float
    rate: float


def planned(step: int, total_steps: int, frames: int = FRAMES) -> int:
    r"""How many frames are due once so many updates are made: one at each t_k reached.

    .. math:: t_k = ⌈T (k / (K - 1))^2⌉, \quad k = 0 … K - 1

    Args:
        step: Updates made, 0 to T.
        total_steps: T.
        frames: K, at least 2.

    Returns:
        1 to K; where a training is short, several fall on one step.

    Example:
        >>> planned(0, 4000), planned(1000, 4000), planned(4000, 4000)
        (1, 60, 120)
    """
    return min(frames, math.isqrt(step * (frames - 1) ** 2 // total_steps) + 1)


def folder_of(run_folder: Path) -> Path:
    """Where the film of a run lies."""
    return run_folder / "frames"


def steps_of(run_folder: Path) -> list[int]:
    """The steps that have a frame, rising; none if there is no film."""
    names = (path.stem for path in folder_of(run_folder).glob("*.safetensors"))
    return sorted(int(name) for name in names if name.isdecimal() and len(name) < 12)


def path_of(run_folder: Path, step: int) -> Path:
    """The file of a frame."""
    return folder_of(run_folder) / f"{step:09d}.safetensors"


def read_film(run_folder: Path) -> Film:
    """What all frames of a run share.

    Raises:
        CheckpointError: If there is no film, or the file is damaged.
    """
    tensors, said, _ = read_tensors(folder_of(run_folder) / f"{FILM}.safetensors", MAX_FRAME_BYTES)
    try:
        return Film(
            tensors["original"],
            tensors.get("labels"),
            tuple(map(str, said["class_names"])),
            int(said["total_steps"]),
            int(said["steps_per_epoch"]),
            bool(said["has_rate"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError("the film must say what it shows: train the run anew") from error


def read_frame(run_folder: Path, step: int) -> Frame:
    """The frame of a step.

    Raises:
        CheckpointError: If there is none, or the file is damaged.
    """
    tensors, said, _ = read_tensors(path_of(run_folder, step), MAX_FRAME_BYTES)
    try:
        scores = float(said["distortion"]), float(said["rate"])
        images = tensors["reconstruction"], tensors.get("sample")
        return Frame(step, tensors["codes"], *images, *scores)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError("a frame must hold codes, images and scores") from error


class Recorder:
    """Writes a frame of a training whenever one is due.

    Args:
        run_folder: Of the run.
        training: A `models.training.trainer.Training`; frames after its step are removed.
        test_set: The `ImageSet` it is scored on.
        frames: Most of them.
    """

    def __init__(
        self, run_folder: Path, training: Any, test_set: Any, frames: int = FRAMES
    ) -> None:
        self.run_folder, self.training = run_folder, training
        count = min(CODES, MAX_NUMBERS // training.model.latent_dim, len(test_set))
        pixels = math.prod(training.config.model.image_shape)
        size = 2 * count * training.model.latent_dim + 2 * ROW * pixels
        self.frames = min(frames, MAX_FILM_BYTES // size)
        self.images = training.test_images[:count]
        self.shown = training.test_images[:ROW]
        steps = steps_of(run_folder)
        for lost in (step for step in steps if step > training.step):
            path_of(run_folder, lost).unlink(missing_ok=True)
        kept = [step for step in steps if step <= training.step]
        self.made = planned(kept[-1], training.total_steps, self.frames) if kept else 0
        if not kept:
            self._begin(test_set, count)

    def record(self) -> None:
        """Writes the frame that is due, if one is; a full disk costs frames, not the training."""
        due = planned(self.training.step, self.training.total_steps, self.frames)
        if due > self.made:
            self.made = due
            with contextlib.suppress(OSError):
                self._write()

    def _begin(self, test_set: Any, count: int) -> None:
        """What all frames share."""
        tensors = {"original": _levels(self.shown)}
        if test_set.labels is not None:
            tensors["labels"] = test_set.labels[:count].astype(np.uint8)
        said = {
            "class_names": list(test_set.class_names),
            "total_steps": self.training.total_steps,
            "steps_per_epoch": self.training.steps_per_epoch,
            "has_rate": self.training.config.model.capabilities.has_rate,
        }
        with contextlib.suppress(OSError):
            folder_of(self.run_folder).mkdir(exist_ok=True)
            path = folder_of(self.run_folder) / f"{FILM}.safetensors"
            write_tensors(path, tensors, said, MAX_FRAME_BYTES)

    def _write(self) -> None:
        """The frame of this moment; left out if a number is not finite, which training will say."""
        import torch

        from models.metrics.likelihood import elbo

        model, config = self.training.model, self.training.config
        was_training = model.training
        terms = elbo(model, self.images, seed=config.training.seed)
        tensors = {"codes": terms.mean.clamp(-6e4, 6e4).to(torch.float16).numpy()}
        with torch.no_grad():
            means = terms.mean[: len(self.shown)].to(self.training.device)
            tensors["reconstruction"] = _levels(model.decode(means))
            if config.model.capabilities.has_prior:
                prior = prior_codes(model.latent_dim)
                codes = torch.from_numpy(prior).to(self.training.device)
                tensors["sample"] = _levels(model.decode(codes))
        model.train(was_training)
        said = {
            "distortion": terms.distortion.mean().item(),
            "rate": terms.rate.sum(1).mean().item(),
        }
        if all(map(math.isfinite, said.values())):
            path = path_of(self.run_folder, self.training.step)
            write_tensors(path, tensors, said, MAX_FRAME_BYTES)


def prior_codes(latent_dim: int) -> np.ndarray:
    """The draws of the prior that every film decodes, float32, shape (`ROW`, Z).

    Example:
        >>> prior_codes(2).shape, bool((prior_codes(2) == prior_codes(2)).all())
        ((10, 2), True)
    """
    return np.random.default_rng(0).normal(size=(ROW, latent_dim)).astype(np.float32)


def _levels(images: Any) -> np.ndarray:
    """Images in [0, 1] as grey levels 0 to 255."""
    return (images.clamp(0, 1) * 255 + 0.5).byte().cpu().numpy()


def film_bytes(run_folder: Path, after: int = -1) -> bytes:
    """A film for the browser: what frames there are, then those after a step, each file whole.

    Args:
        run_folder: Of the run.
        after: Only frames of later steps; from -1 on, also what all frames share, before them.

    Returns:
        Entries of an int64 step, an int64 count of bytes, the bytes, and zeros to a multiple of
        8; all little-endian. Step -2 is a JSON list of step and stamp of every frame that there
        is (made anew, a frame has another stamp), step -1 what all share, others a frame. A file
        that vanishes meanwhile is left out.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     film_bytes(Path(folder))[16:18]
        b'[]'
    """
    stamps = []
    for step in steps_of(run_folder):
        with contextlib.suppress(OSError):
            stamps.append([step, path_of(run_folder, step).stat().st_mtime_ns // 10**6])
    parts = [_entry(-2, json.dumps(stamps).encode())]
    paths = [(step, path_of(run_folder, step)) for step, _ in stamps if step > after]
    if after < 0:
        paths.insert(0, (-1, folder_of(run_folder) / f"{FILM}.safetensors"))
    for step, path in paths:
        with contextlib.suppress(OSError):
            parts.append(_entry(step, path.read_bytes()))
    return b"".join(parts)


def _entry(step: int, data: bytes) -> bytes:
    return np.array([step, len(data)], "<i8").tobytes() + data + b"\0" * (-len(data) % 8)
