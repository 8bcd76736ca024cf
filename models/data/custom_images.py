"""A user's images before they are kept: converted to [0, 1], split into train and test."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from models.data.image_set import (
    MIN_IMAGES,
    DataError,
    ImageSet,
    check_class_names,
    check_factors,
    check_sides,
    check_split,
)
from models.text import clean_name

STEPS = 8
"""Fewest steps of an epoch that a small set should get."""


@dataclass(frozen=True, eq=False)
class CustomImages:
    """Holds a user's images and their labels, if any, before they are split.

    Args:
        images: (N, C, H, W), N at least 10, of which not all are equal; kept as uint8 or uint16
            if they are whole numbers, else as float32.
        scale: The value that means white, positive: 1, 255, 65535 or another.
        labels: int64 (N,), each an index into `class_names`; None when unlabelled.
        class_names: The classes' names in the order of the labels; () when unlabelled.
        title: A label; it is cleaned.
        notes: What was converted while reading, one sentence each.
        is_test: bool (N,), which images are the test split, where the user divided them; None:
            one in five is.
        factors: What the images were made from, numbers (N, K); None where nobody knows.
        factor_names: The factors' names in the order of the columns; () without factors.

    Raises:
        DataError: If there are too few, all are equal, or two classes have the same name.

    Example:
        >>> levels = (np.arange(640) % 256).astype(np.uint8).reshape(10, 1, 8, 8)
        >>> images = CustomImages(levels, 255.0, None, (), "ramps")
        >>> len(images), len(images.split("test")), images.id
        (10, 2, 'own-c676c190850f')
    """

    images: np.ndarray = field(repr=False)
    scale: float
    labels: np.ndarray | None = field(repr=False)
    class_names: tuple[str, ...]
    title: str
    notes: tuple[str, ...] = ()
    is_test: np.ndarray | None = field(default=None, repr=False)
    factors: np.ndarray | None = field(default=None, repr=False)
    factor_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        images, notes = self.images, self.notes
        if len(images) < MIN_IMAGES:
            raise DataError(f"there must be at least {MIN_IMAGES} images, got {len(images)}")
        check_sides(images.shape)
        check_class_names(self.class_names)
        if not 0 < self.scale < math.inf:
            raise DataError(f"the value of white must be positive, got {self.scale:g}")
        if self.is_test is not None:
            _check_parts(self.is_test, len(images))
        if (images.min(axis=0) == images.max(axis=0)).all():
            raise DataError(f"images must differ, got {len(images)} identical ones")
        if self.factors is not None:
            check_factors(self.factors, self.factor_names, len(images))
        if self.labels is not None and (self.labels == self.labels[0]).all():
            note = "all images have the same label"
            notes = notes if note in notes else (*notes, note)
        object.__setattr__(self, "images", compact(images))
        object.__setattr__(self, "title", clean_name(self.title))
        object.__setattr__(self, "notes", notes)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        return self.images.shape[1:]

    @cached_property
    def id(self) -> str:
        """The set's name, made from pixels, labels, factors and names; the title does not count."""
        parts = (self.images.dtype.str, self.images.shape, self.scale, self.class_names)
        digest = hashlib.sha256(repr((*parts, self.labels is not None)).encode())
        digest.update(self.images)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels))
        if self.is_test is not None:
            digest.update(np.packbits(self.is_test))
        if self.factors is not None:
            digest.update(repr(self.factor_names).encode())
            digest.update(np.ascontiguousarray(self.factors))
        return f"own-{digest.hexdigest()[:12]}"

    def split(self, split: str) -> ImageSet:
        """Takes the test images, or the others.

        Where the user did not divide them, one image in five is a test image, the same share of
        every class.

        Raises:
            DataError: If the split is neither train nor test.
        """
        check_split(split)
        if self.is_test is None:
            return self._part(split_indices(len(self), self.labels, split), split)
        return self._part(np.flatnonzero(self.is_test == (split == "test")), split)

    @property
    def train_count(self) -> int:
        """How many images there are to train on."""
        if self.is_test is None:
            return count_train(len(self))
        return len(self) - int(self.is_test.sum())

    def all(self, split: str) -> ImageSet:
        """Takes all images, as the given split."""
        return self._part(np.arange(len(self)), split)

    def samples(self, count: int) -> ImageSet:
        """Takes at most that many images, class by class in turn, as the model sees them."""
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
        factors = None if self.factors is None else self.factors[chosen]
        return ImageSet(
            images, labels, self.class_names, split, self.title, self.notes, factors,
            self.factor_names,
        )  # fmt: skip


def _check_parts(is_test: np.ndarray, count: int) -> None:
    """Raises DataError unless both splits hold images."""
    if is_test.dtype != bool or is_test.shape != (count,):
        raise DataError(f"is_test must be bool ({count},), got {is_test.dtype} {is_test.shape}")
    if is_test.all() or not is_test.any():
        raise DataError(
            "there must be images to train and images to test, got one of both only: give both, "
            "or leave out the name of the part"
        )


def compact(images: np.ndarray) -> np.ndarray:
    """Stores the same values in the fewest bytes that hold them.

    Example:
        >>> compact(np.array([0, 300])).dtype, compact(np.array([0.5])).dtype
        (dtype('uint16'), dtype('float32'))
    """
    kind = np.float32
    if images.dtype.kind != "f" and images.max() <= 65535:
        kind = np.uint8 if images.max() <= 255 else np.uint16
    return np.ascontiguousarray(images, kind)


def to_unit(images: np.ndarray, scale: float) -> np.ndarray:
    """Scales images to float32 in [0, 1].

    Args:
        images: Of any number type.
        scale: The value that means white.

    Example:
        >>> to_unit(np.array([0, 51, 255], np.uint8), 255).tolist()
        [0.0, 0.20000000298023224, 1.0]
    """
    unit = images.astype(np.float32, order="C")
    unit /= np.float32(scale)
    return np.clip(unit, 0, 1, out=unit)


def split_indices(count: int, labels: np.ndarray | None, split: str) -> np.ndarray:
    """Lists the images of a split: of the shuffled images, class by class, every fifth is test."""
    order = np.random.default_rng(0).permutation(count)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    is_test = np.zeros(count, bool)
    is_test[order[2::5]] = True
    return np.flatnonzero(is_test == (split == "test"))


def count_train(count: int) -> int:
    """Counts the images to train on, of those that the user did not divide.

    Example:
        >>> count_train(10)
        8
    """
    return count - len(range(2, count, 5))


def fitting_batch(batch_size: int, train: int) -> int:
    """Lowers a batch size where a small set would otherwise have only a few steps an epoch.

    Args:
        batch_size: What a preset says.
        train: Training images.

    Example:
        >>> fitting_batch(64, 1297), fitting_batch(64, 80), fitting_batch(64, 8)
        (64, 10, 4)
    """
    return min(batch_size, max(4, train // STEPS))
