"""A judge as a file: weights, how its features are standardised, and a card.

Files of the judges that ship lie in `checkpoints/judges`, those of a user's own images in the
folder `.judges` of the runs folder, each under the name of its data set.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.data.builtin import is_built_in
from models.data.library import is_id
from models.places import default_runs_dir, make_folder
from models.storage.tensors import CheckpointError, all_within, read_tensors, write_tensors

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints" / "judges"
MAX_BYTES = 16 * 2**20
MAX_CLASSES = 10_000
_PREFIX = "judge."


@dataclass(frozen=True)
class JudgeCard:
    """What a judge says of itself.

    Attributes:
        data: Name of its data set.
        fingerprint: Of the training images, see `ImageSet.fingerprint`.
        image_shape: Channels, height and width.
        classes: How many it tells apart.
        accuracy: On the test images, 0 to 1.
        accuracy_error: One standard error of it.
        images: Training images.
        test_images: Test images.
        seconds: Of one processor, for the training.
        torch: Version that made it.
        command: How to make it again.
    """

    data: str
    fingerprint: str
    image_shape: tuple[int, int, int]
    classes: int
    accuracy: float
    accuracy_error: float
    images: int
    test_images: int
    seconds: float
    torch: str
    command: str = ""


@dataclass(frozen=True)
class JudgeFile:
    """A judge in memory, without torch: card, weights, and mean and deviation of its features."""

    card: JudgeCard
    weights: Mapping[str, np.ndarray]
    mean: np.ndarray
    deviation: np.ndarray

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        tensors = {_PREFIX + name: value for name, value in self.weights.items()}
        tensors |= {"features.mean": self.mean, "features.deviation": self.deviation}
        make_folder(path.parent)
        write_tensors(path, tensors, {"card": dataclasses.asdict(self.card)}, MAX_BYTES)


def read_judge(path: Path) -> JudgeFile:
    """Reads and checks a judge.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    tensors, document, _ = read_tensors(path, MAX_BYTES)
    card = _card(document.get("card"))
    tensors = dict(tensors)
    try:
        mean, deviation = tensors.pop("features.mean"), tensors.pop("features.deviation")
    except KeyError as error:
        raise CheckpointError(f"a judge must hold the tensor {error.args[0]!r}") from error
    if not all(name.startswith(_PREFIX) for name in tensors):
        raise CheckpointError("every tensor of a judge must be one of judge.* or features.*")
    if not all(value.dtype == np.float32 and all_within(value, 1e6) for value in tensors.values()):
        raise CheckpointError("every weight of a judge must be float32 and at most 1e+06")
    if mean.shape != deviation.shape or mean.ndim != 1 or (deviation < 0).any():
        raise CheckpointError("a judge's features must have a mean and a deviation each")
    weights = {name.removeprefix(_PREFIX): value for name, value in tensors.items()}
    return JudgeFile(card, weights, mean, deviation)


def _card(document: Any) -> JudgeCard:
    names = {field.name: field.type for field in dataclasses.fields(JudgeCard)}
    if not isinstance(document, dict) or document.keys() != names.keys():
        raise CheckpointError(f"a judge's card must hold exactly {', '.join(names)}")
    kinds = {"str": str, "int": int, "float": (int, float)}
    for name, kind in names.items():
        value = document[name]
        if kind in kinds and (isinstance(value, bool) or not isinstance(value, kinds[kind])):
            raise CheckpointError(f"the judge's {name} must be {kind}, got {value!r:.40}")
        if isinstance(value, float) and not math.isfinite(value):
            raise CheckpointError(f"the judge's {name} must be finite")
    shape = document["image_shape"]
    is_shape = isinstance(shape, list) and len(shape) == 3 and all(type(n) is int for n in shape)
    if not is_shape or shape[0] not in (1, 3) or not all(8 <= side <= 64 for side in shape[1:]):
        raise CheckpointError(f"the judge's image_shape must be that of images, got {shape!r:.40}")
    if not 2 <= document["classes"] <= MAX_CLASSES:
        raise CheckpointError(f"the judge's classes must be 2 to {MAX_CLASSES}")
    return JudgeCard(**(document | {"image_shape": tuple(shape)}))


def judge_path(data: str, runs_dir: Path | None = None) -> Path | None:
    """Returns where the judge of a data set lies or would lie; None for images at a path.

    Example:
        >>> judge_path("digits").name, judge_path("faces.npz")
        ('digits.safetensors', None)
    """
    if not (is_built_in(data) or is_id(data)):
        return None
    shipped = SHIPPED / f"{data}.safetensors"
    if shipped.exists() or (is_built_in(data) and runs_dir is None):
        return shipped
    return Path(runs_dir or default_runs_dir()) / ".judges" / f"{data}.safetensors"


def find_judge(data: str, fingerprint: str, runs_dir: Path | None = None) -> JudgeFile | None:
    """Reads the judge of these training images; None if there is none of exactly these.

    Raises:
        CheckpointError: If there is a file that is no judge.
    """
    path = judge_path(data, runs_dir)
    if path is None or not path.exists():
        return None
    found = read_judge(path)
    return found if found.card.fingerprint == fingerprint else None
