"""A user's own images: what they must be, and where those that were added lie.

    runs/.data/own-<12 hex>.npz    one set: images, labels, class_names, and about.json
               removed/            the sets that were removed last

The name of a set comes from its content; its title is a label inside the file. A name that
somebody gives is compared with the names there are and never becomes a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.imageset import (
    MIN_IMAGES,
    DataError,
    ImageSet,
    check_class_names,
    check_sides,
    check_split,
    clean_name,
)
from models.npz import check_pixels, read_archive, read_labels

MAX_SETS = 20
MAX_STORED = 256 * 2**20
"""Most bytes of all sets together."""
MAX_REMOVED = 3
"""Removed sets that can be had back."""
STEPS = 8
"""Fewest steps of an epoch that a small set should get."""

_SCALES = (1.0, 255.0, 65535.0)
_ABOUT = "about.json"
_MAX_ABOUT = 2**16
_ID = re.compile(r"own-[0-9a-f]{12}")


@dataclass(frozen=True, eq=False)
class OwnImages:
    """A user's images with whatever labels they have, before they are split.

    Args:
        images: (N, C, H, W), N at least 10, of which not all are equal; kept as uint8 or uint16
            if they are whole numbers, else as float32.
        scale: The value that means white: 1, 255 or 65535.
        labels: int64 (N,), each an index into `class_names`; None when unlabelled.
        class_names: The classes' names in the order of the labels; () when unlabelled.
        title: A label; a stranger's text is cleaned.
        notes: What was converted while reading, one sentence each.

    Raises:
        DataError: If there are too few, they do not differ, or two classes have one name.

    Example:
        >>> levels = (np.arange(640) % 256).astype(np.uint8).reshape(10, 1, 8, 8)
        >>> found = OwnImages(levels, 255.0, None, (), "ramps")
        >>> len(found), len(found.split("test")), found.id
        (10, 2, 'own-c676c190850f')
    """

    images: np.ndarray = field(repr=False)
    scale: float
    labels: np.ndarray | None = field(repr=False)
    class_names: tuple[str, ...]
    title: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        images, notes = self.images, self.notes
        if len(images) < MIN_IMAGES:
            raise DataError(f"there must be at least {MIN_IMAGES} images, got {len(images)}")
        check_sides(images.shape)
        check_class_names(self.class_names)
        if (images.min(axis=0) == images.max(axis=0)).all():
            raise DataError(f"images must differ, got {len(images)} identical ones")
        if self.labels is not None and (self.labels == self.labels[0]).all():
            note = "all images have the same label"
            notes = notes if note in notes else (*notes, note)
        object.__setattr__(self, "images", _compact(images, self.scale))
        object.__setattr__(self, "title", clean_name(self.title))
        object.__setattr__(self, "notes", notes)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], title: str) -> OwnImages:
        """From the arrays of an .npz file.

        Args:
            arrays: `images`, and where there are any `labels` and `class_names`.
            title: A label.

        Raises:
            DataError: If they are no such thing, in one sentence.
        """
        if "images" not in arrays:
            raise DataError("the archive must hold an array called images, got none")
        images, scale, notes = check_pixels(arrays["images"])
        labels = read_labels(arrays.get("labels"), arrays.get("class_names"), len(images))
        return cls(images, scale, *labels, title, notes)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        return self.images.shape[1:]

    @cached_property
    def id(self) -> str:
        """The name that pixels, labels and the classes' names make; the title has no part in it."""
        parts = (self.images.dtype.str, self.images.shape, self.scale, self.class_names)
        digest = hashlib.sha256(repr((*parts, self.labels is not None)).encode())
        digest.update(self.images)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels))
        return f"own-{digest.hexdigest()[:12]}"

    def split(self, split: str) -> ImageSet:
        """One image in five, the same share of every class, or the other four.

        Raises:
            DataError: If the split is neither train nor test.
        """
        check_split(split)
        return self._part(_split_indices(len(self), self.labels, split), split)

    def samples(self, count: int) -> ImageSet:
        """At most that many images, the classes by turns, as the model sees them."""
        order = np.arange(len(self))
        if self.labels is not None:
            by_class = np.argsort(self.labels, kind="stable")
            sorted_labels = self.labels[by_class]
            turn = np.arange(len(self)) - np.searchsorted(sorted_labels, sorted_labels)
            order = by_class[np.argsort(turn, kind="stable")]
        return self._part(order[:count], "train")

    def _part(self, chosen: np.ndarray, split: str) -> ImageSet:
        """Some of the images, as float32 in [0, 1]."""
        labels = None if self.labels is None else self.labels[chosen]
        images = to_unit(self.images[chosen], self.scale)
        return ImageSet(images, labels, self.class_names, split, self.title, self.notes)


def _compact(images: np.ndarray, scale: float) -> np.ndarray:
    """The same values in the fewest bytes that hold them."""
    whole = np.uint16 if scale > 255 else np.uint8
    kind = np.float32 if images.dtype.kind == "f" else whole
    return np.ascontiguousarray(images, kind)


def to_unit(images: np.ndarray, scale: float) -> np.ndarray:
    """Float32 images in [0, 1], `scale` being white.

    Example:
        >>> to_unit(np.array([0, 51, 255], np.uint8), 255).tolist()
        [0.0, 0.20000000298023224, 1.0]
    """
    unit = images.astype(np.float32, order="C")
    unit /= np.float32(scale)
    return np.clip(unit, 0, 1, out=unit)


def _split_indices(count: int, labels: np.ndarray | None, split: str) -> np.ndarray:
    """Every fifth of the shuffled images, taken class by class, is test; in their first order."""
    order = np.random.default_rng(0).permutation(count)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    is_test = np.zeros(count, bool)
    is_test[order[2::5]] = True
    return np.flatnonzero(is_test == (split == "test"))


def fitting_batch(batch_size: int, train: int) -> int:
    """That many images per step, or fewer where a small set would have only some steps an epoch.

    Args:
        batch_size: What a preset says.
        train: Training images.

    Example:
        >>> fitting_batch(64, 1297), fitting_batch(64, 80), fitting_batch(64, 8)
        (64, 10, 4)
    """
    return min(batch_size, max(4, train // STEPS))


# --- those that were added -----------------------------------------------------------------------


class Facts(NamedTuple):
    """What is known of an added set without reading its images; `bytes` is the size of its file."""

    id: str
    title: str
    count: int
    image_shape: tuple[int, int, int]
    classes: int
    notes: tuple[str, ...]
    bytes: int

    @property
    def train(self) -> int:
        """Training images; the others are the test set."""
        return self.count - len(range(2, self.count, 5))


def own_dir() -> Path:
    """The folder of added sets, in that of the user's runs (LATENT_RUNS_DIR, else "runs").

    Example:
        >>> own_dir().name
        '.data'
    """
    return Path(os.environ.get("LATENT_RUNS_DIR", "runs"), ".data")


def is_id(name: object) -> bool:
    """Whether a name is of the kind that added sets have.

    Example:
        >>> is_id("own-0123456789ab"), is_id("own-../secret.png"), is_id("digits")
        (True, False, False)
    """
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def list_paths() -> dict[str, Path]:
    """The files of the added sets by their ids, newest first."""
    return _paths(own_dir())


def list_removed() -> dict[str, Path]:
    """The files of the sets that were removed and can be had back, the last one first."""
    return _paths(own_dir() / "removed")


def _paths(folder: Path) -> dict[str, Path]:
    """Files by id, newest first; an absent folder has none."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if is_id(entry.name.removesuffix(".npz")) and entry.name.endswith(".npz"):
                found.append((entry.stat().st_mtime_ns, entry.name))
    return {name.removesuffix(".npz"): folder / name for _, name in sorted(found, reverse=True)}


def read_facts(path: Path) -> Facts:
    """What a set's file says of it, without reading its images.

    Raises:
        DataError: If the file is damaged or gone.
    """
    with _reading(path.stem):
        with zipfile.ZipFile(path) as archive:
            about = _read_about(archive)
        count, *image_shape = (int(length) for length in about["shape"])
        check_sides(tuple(image_shape))
        title, notes = clean_name(about["title"]), tuple(map(str, about["notes"]))
        classes, size = int(about["classes"]), path.stat().st_size
        return Facts(path.stem, title, count, tuple(image_shape), classes, notes, size)


def read_own(name: str) -> OwnImages:
    """The set of that name.

    Raises:
        DataError: If there is none, or its file is damaged.
    """
    path = list_paths().get(name)
    if path is None:
        raise DataError(
            f"data must be a data set that was added, got {clean_name(name)!r}, which was removed "
            "or never added here: add the images again"
        )
    with _reading(name):
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            about = _read_about(archive)
        arrays = read_archive(content)
        images, _, _ = check_pixels(arrays["images"])
        labels = read_labels(arrays.get("labels"), arrays.get("class_names"), len(images))
        scale, notes = about["scale"], tuple(map(str, about["notes"]))
        if scale not in _SCALES:
            raise ValueError
        return OwnImages(images, scale, *labels, about["title"], notes)


def _read_about(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What a set's file says of itself."""
    member = archive.getinfo(_ABOUT)
    if member.file_size > _MAX_ABOUT:
        raise ValueError
    with archive.open(member) as file:
        return json.loads(file.read(member.file_size))


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turns whatever a damaged file raises into one sentence."""
    try:
        yield
    except Exception as error:  # parsers of damaged files raise almost anything
        raise DataError(
            f"the images of {name} must be whole, got a damaged or missing file: remove them and "
            "add them again"
        ) from error


def add(found: OwnImages, title: str = "") -> Facts:
    """Keeps a set where the command line, trainings and the app find it by its id.

    The same images are kept once: adding them again gives them the new title.

    Args:
        found: The set.
        title: A label; by default the set's own.

    Raises:
        DataError: If there are too many sets, or they take too much room.
        OSError: If the disk refuses; nothing is left behind.
    """
    from models.checkpoint import write_bytes

    folder, title = own_dir(), clean_name(title, found.title)
    content = _to_bytes(found, title)
    others = {name: path for name, path in list_paths().items() if name != found.id}
    if len(others) >= MAX_SETS:
        raise DataError(
            f"at most {MAX_SETS} sets of your own images are kept, got one more: remove one first"
        )
    stored = sum(path.stat().st_size for path in others.values())
    if stored + len(content) > MAX_STORED:
        raise DataError(
            f"your own images must take at most {MAX_STORED >> 20} MB in all, got "
            f"{stored / 2**20:.0f} MB that are kept and {len(content) / 2**20:.0f} MB more: "
            "remove a set, or use fewer images"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / f"{found.id}.npz", content)
    (folder / "removed" / f"{found.id}.npz").unlink(missing_ok=True)
    return read_facts(folder / f"{found.id}.npz")


def _to_bytes(found: OwnImages, title: str) -> bytes:
    """A set's file."""
    arrays = {"images": found.images}
    if found.labels is not None:
        arrays |= {"labels": found.labels, "class_names": np.array(found.class_names)}
    about = {"title": title, "scale": found.scale, "notes": found.notes}
    about |= {"shape": found.images.shape, "classes": len(found.class_names)}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(_ABOUT, json.dumps(about))
    return stream.getvalue()


def remove(name: str) -> None:
    """Moves a set aside; of those moved aside before, the last `MAX_REMOVED` stay.

    Raises:
        DataError: If there is none.
        OSError: If the disk refuses.
    """
    path = list_paths().get(name)
    if path is None:
        raise DataError(f"a set of your own images must be there, got {clean_name(name)!r}")
    aside = own_dir() / "removed"
    aside.mkdir(exist_ok=True)
    path.replace(aside / path.name)
    os.utime(aside / path.name)
    for old in list(list_removed().values())[MAX_REMOVED:]:
        old.unlink(missing_ok=True)


def recover(name: str) -> None:
    """Moves a removed set back.

    Raises:
        DataError: If it is gone.
        OSError: If the disk refuses.
    """
    path = list_removed().get(name)
    if path is None:
        raise DataError(f"only the last {MAX_REMOVED} removed sets are kept, and this is none")
    path.replace(own_dir() / path.name)
