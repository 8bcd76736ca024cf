"""The one form in which everything else sees a data set, and what every data set must be.

An `ImageSet` holds one split ("train" or "test"): images x, float32 in [0, 1] of shape
(N, C, H, W) with C = 1 or 3 and sides of 8 to 64 pixels, and labels where there are any.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from models.text import clean_name

SPLITS = ("train", "test")
MIN_SIDE, MAX_SIDE = 8, 64
MIN_IMAGES = 10
MAX_CLASSES = 10_000
MAX_FACTORS = 32
MAX_BYTES = 256 * 2**20
"""Most bytes that a user's data may take once unpacked (one to eight bytes per pixel)."""


class DataError(ValueError):
    """Data that cannot be used: one sentence for the reader, with file names but no paths.

    Args:
        sentence: Without its full stop.
        option: The field of `ReadOptions` with which the data could be used, if there is one.
    """

    def __init__(self, sentence: str, option: str = "") -> None:
        super().__init__(sentence)
        self.option = option


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Holds one split of a data set, checked and read-only.

    Args:
        images: x, float32 (N, C, H, W) in [0, 1]; C = 1 or 3, sides of 8 to 64 pixels. Those to
            train on of a large set are `models.data.byte_images.ByteImages`, which are so when
            they are taken.
        labels: int64 (N,), each an index into `class_names`; None when unlabelled.
        class_names: The classes' names in the order of the labels; () when unlabelled.
        split: "train" or "test".
        name: "digits", "mnist", … or the name of the user's file.
        notes: What was converted while reading, one sentence each.
        factors: What the images were made from, float64 (N, K), a column for each factor; None
            where nobody knows.
        factor_names: The factors' names in the order of the columns; () without factors.

    Raises:
        DataError: If the arrays break any of the above.

    Example:
        >>> images = np.zeros((2, 1, 8, 8), np.float32)
        >>> ImageSet(images, None, (), "test", "black").image_shape
        (1, 8, 8)
    """

    images: np.ndarray = field(repr=False)
    labels: np.ndarray | None = field(repr=False)
    class_names: tuple[str, ...]
    split: str
    name: str
    notes: tuple[str, ...] = ()
    factors: np.ndarray | None = field(default=None, repr=False)
    factor_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_split(self.split)
        images, labels = self.images, self.labels
        is_in_memory = isinstance(images, np.ndarray)
        if is_in_memory:
            images = np.ascontiguousarray(images)
        if images.dtype != np.float32 or images.ndim != 4 or images.shape[1] not in (1, 3):
            raise DataError(
                f"images must be float32 (N, 1 or 3, H, W), got {images.dtype} {images.shape}"
            )
        check_sides(images.shape)
        if len(images) == 0:
            raise DataError("images must hold at least one image, got none")
        if is_in_memory and not (images.min() >= 0 and images.max() <= 1):
            raise DataError(f"images must lie in [0, 1], got {images.min():g} to {images.max():g}")
        if labels is not None:
            check_labels(labels, len(images), len(self.class_names))
            labels = np.ascontiguousarray(labels)
            labels.setflags(write=False)
        if self.factors is not None:
            check_factors(self.factors, self.factor_names, len(images))
            factors = np.ascontiguousarray(self.factors, np.float64)
            factors.setflags(write=False)
            object.__setattr__(self, "factors", factors)
        if is_in_memory:
            images.setflags(write=False)
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "name", clean_name(self.name))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        return self.images.shape[1:]

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits (a shortened SHA-256) of shape, pixels, labels and factors.

        Example:
            >>> images = np.zeros((2, 1, 8, 8), np.float32)
            >>> len(ImageSet(images, None, (), "test", "black").fingerprint)
            16
        """
        digest = hashlib.sha256(repr((self.images.shape, self.labels is not None)).encode())
        for chunk in [self.images] if isinstance(self.images, np.ndarray) else self.images.chunks():
            digest.update(chunk)
        if self.labels is not None:
            digest.update(self.labels)
        if self.factors is not None:
            digest.update(repr(self.factor_names).encode())
            digest.update(self.factors.astype(np.float32))
        return digest.hexdigest()[:16]


def check_split(split: str) -> None:
    """Raises DataError unless the split is train or test."""
    if split not in SPLITS:
        raise DataError(f"split must be train or test, got {clean_name(split)!r}")


def check_sides(shape: tuple[int, ...]) -> None:
    """Raises DataError unless the last two of `shape` are 8 to 64 pixels."""
    height, width = shape[-2:]
    if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
        raise DataError(
            f"images must be {MIN_SIDE} to {MAX_SIDE} pixels a side, got {height} × {width}: "
            "resize them first",
            "size",
        )


def check_labels(labels: np.ndarray, count: int, classes: int) -> None:
    """Raises DataError unless the labels are int64 (count,) in 0 to classes - 1."""
    if labels.dtype != np.int64 or labels.shape != (count,):
        raise DataError(f"labels must be int64 ({count},), got {labels.dtype} {labels.shape}")
    if not (labels.min() >= 0 and labels.max() < classes):
        raise DataError(
            f"labels must lie in 0 to {classes - 1}, one for each class name, "
            f"got {labels.min()} to {labels.max()}"
        )


def check_factors(factors: np.ndarray, names: tuple[str, ...], count: int) -> None:
    """Raises DataError unless the factors are finite numbers (count, K) with K different names.

    Example:
        >>> check_factors(np.zeros((3, 2)), ("size", "size"), 3)
        Traceback (most recent call last):
        models.data.image_set.DataError: factors must have 2 different names, got size, size
    """
    if factors.ndim != 2 or len(factors) != count or factors.dtype.kind not in "buif":
        raise DataError(
            f"factors must be numbers, a row for each of the {count} images and a column for each "
            f"factor, got {factors.dtype} {factors.shape}"
        )
    if not 1 <= factors.shape[1] <= MAX_FACTORS:
        raise DataError(f"there must be 1 to {MAX_FACTORS} factors, got {factors.shape[1]}")
    if not np.isfinite(factors).all():
        raise DataError("factors must be finite numbers, got some that are not")
    if len(names) != factors.shape[1] or len(set(names)) < len(names):
        raise DataError(
            f"factors must have {factors.shape[1]} different names, got {', '.join(names[:8])}"
        )


def check_class_names(names: tuple[str, ...]) -> None:
    """Raises DataError if there are too many class names or two are equal."""
    if len(names) > MAX_CLASSES:
        raise DataError(f"there must be at most {MAX_CLASSES} classes, got more")
    if len(set(names)) < len(names):
        twice, _ = Counter(names).most_common(1)[0]
        raise DataError(
            "class names must differ in their first 80 visible characters, "
            f"got {twice!r} twice: rename one"
        )


@contextmanager
def refusing(label: str, kind: str) -> Iterator[None]:
    """Turns whatever reading raises into a `DataError` that begins with the file's name."""
    try:
        yield
    except DataError as error:
        sentence = str(error)
        sentence = sentence if sentence.startswith(label) else f"{label}: {sentence}"
        raise DataError(sentence, error.option) from error
    except OSError as error:
        reason = (error.strerror or "it is damaged").lower()
        raise DataError(f"{label} must be readable, got: {reason}") from error
    except Exception as error:  # parsers of damaged files raise almost anything
        raise DataError(f"{label} must be {kind}, got something else or a damaged one") from error
