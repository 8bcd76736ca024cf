"""The measurements of `scaling.py`, each to be made in a process of its own.

`seconds` are processor time, the shortest of some; `bound` is what the machine could do at best;
`megabytes` is the peak of this process's memory, imports and the pages of files included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.config import RunConfig, override
from models.data.custom_images import CustomImages
from models.export.map_file import map_file
from models.latents.codes import Codes
from models.presets import preset
from models.runs.folder import Run
from models.runs.index import RunIndex
from models.storage.checkpoint import read
from models.training.automatic import operations
from models.training.events import EpochEnd
from models.training.rehearsal import Rehearsal, timings
from tests.benchmarks.common import ROOT

MATRIX = 1024
"""Side of the matrices whose product shows the processor's peak."""
COPIED = 2**26
"""Bytes whose copy shows the memory's bandwidth."""
MNIST = override(preset("mnist-2d"), binarize=False, batch_size=128, start="random")
CHECKPOINT = ROOT / "checkpoints/digits-2d-beta-1.safetensors"


def timed(action: Callable[[], object], budget: float = 1.0) -> float:
    """The shortest processor time of an action."""
    (seconds,) = timings([action], budget, time.process_time)
    return min(seconds)


def product_seconds(count: float) -> float:
    """What so many operations take at the peak of matrix products."""
    a, b = torch.rand(2, MATRIX, MATRIX)
    return count * timed(lambda: a @ b, 0.3) / (2 * MATRIX**3)


def copy_seconds(count: float) -> float:
    """What reading and writing so many bytes takes at the memory's bandwidth."""
    source, target = np.ones(COPIED, np.uint8), np.empty(COPIED, np.uint8)
    return count * timed(lambda: np.copyto(target, source), 0.3) / COPIED


def step(config: RunConfig) -> tuple[float, float]:
    """A step of a run, and its products."""
    rehearsal = Rehearsal(config)
    return timed(rehearsal.make_step), product_seconds(operations(config))


def shaped(config: RunConfig, channels: int, numbers: int) -> RunConfig:
    """The run for square images of so many numbers."""
    side = round((numbers / channels) ** 0.5)
    return override(config, image_shape=(channels, side, side))


def pixels(numbers: int, channels: int = 1) -> tuple[float, float]:
    """A step of a network of one hidden layer."""
    return step(shaped(override(MNIST, hidden=(256,)), channels, numbers))


def convolutions(numbers: int) -> tuple[float, float]:
    """A step of a small convolutional network."""
    config = override(MNIST, network="conv", hidden=(8, 16), batch_size=64)
    return step(shaped(config, 1, numbers))


def latents(count: int) -> tuple[float, float]:
    """A step of a network of so many latents."""
    return step(override(MNIST, hidden=(256,), latent_dim=count))


def added(count: int) -> str:
    """A set of so many images of noise in the library, 28 × 28 bytes each; its id."""
    from models.data import large, library

    noise = np.random.default_rng(0)
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        images = np.lib.format.open_memmap(file.name, "w+", np.uint8, (count, 28, 28))
        for start in range(0, count, 10_000):
            part = images[start : start + 10_000]
            part[:] = noise.integers(0, 256, part.shape, np.uint8)
        images.flush()
        if large.is_large(Path(file.name)):
            return library.add_large(Path(file.name)).id
        return library.add(CustomImages(np.array(images)[:, None], 255.0, None, (), "noise")).id


def reading(count: int) -> tuple[float, float]:
    """Reading both splits of a set of the library, as a training run does."""
    from models.data.load import load

    name = added(count)
    seconds = timed(lambda: [load(name, split) for split in ("train", "test")], 0.0)
    return seconds, copy_seconds(784 * count)


def images(count: int) -> tuple[float, float]:
    """An epoch of a small network on a set of the library, its score on the test set included."""
    from models.data.load import load
    from models.families.registry import build_model
    from models.training.trainer import Training

    name = added(count)
    train, test = (load(name, split) for split in ("train", "test"))
    config = override(MNIST, data=name, hidden=(64,), batch_size=256, epochs=1)
    training = Training(build_model(config.model), config, train.images, test.images)
    start = time.process_time()
    for event in training.events():
        assert not isinstance(event, EpochEnd) or event.step == training.total_steps
    seconds = time.process_time() - start
    per_image = operations(config) / config.training.batch_size
    return seconds, product_seconds(per_image * (len(train) + len(test) / 3))


def file_of_map(count: int) -> tuple[float, float]:
    """Making the file that a live map fetches."""
    stored, noise = read(CHECKPOINT), np.random.default_rng(0)
    mean = noise.normal(size=(count, 2)).astype(np.float32)
    labels = noise.integers(0, 10, count)
    many = Codes(mean, mean - 3, np.abs(mean[:, 0]), labels)
    known = replace(stored, codes=many)
    size = len(map_file(known))
    return timed(lambda: map_file(known)), copy_seconds(size)


def frame(count: int) -> tuple[float, float]:
    """Drawing the points of a map, by the page's own scripts; the bound is an empty frame."""
    words = ["node", str(ROOT / "tests/benchmarks/frame.mjs"), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return found["seconds"], found["empty"]


def runs(count: int) -> tuple[float, float]:
    """A second look at a folder of runs; the bound is one question to the disk a run."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            run = Run.create(folder, preset("digits-2d"))
            os.link(CHECKPOINT, run.model_path)
        index = RunIndex(folder)
        time.sleep(0.2)  # so that the folder is settled
        index.look()
        return timed(index.look), count * timed(lambda: os.stat(folder), 0.05)


def betas(count: int) -> tuple[float, float]:
    """A step of so many runs at once."""
    from models.data.load import load
    from models.families.registry import build_model
    from models.training.stacked import Member, Stack

    sets = [torch.tensor(load("digits", split).images) for split in ("train", "test")]
    configs = [override(preset("digits-2d"), beta=0.1 * (k + 1)) for k in range(count)]
    members = [Member(build_model(each.model), each, *sets) for each in configs]
    stack = Stack(members) if count > 1 else members[0]
    return timed(stack.rehearse), count * product_seconds(operations(configs[0]))


MEASUREMENTS: dict[str, Callable[[int], tuple[float, float]]] = {
    "images": images,
    "reading": reading,
    "pixels": pixels,
    "pixels in colour": lambda numbers: pixels(numbers, 3),
    "convolutions": convolutions,
    "latents": latents,
    "points, file": file_of_map,
    "points, frame": frame,
    "runs": runs,
    "β": betas,
}


def measure(name: str, value: int) -> dict[str, float]:
    """Measures one value, with a library of data sets of its own."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LATENT_RUNS_DIR"] = folder
        seconds, bound = MEASUREMENTS[name](value)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {"value": value, "seconds": seconds, "bound": bound, "megabytes": peak}
