"""Untrusted labels: numbers or texts, one-hot rows, one for each image."""

from __future__ import annotations

import numpy as np

from models.data.image_set import MAX_CLASSES, DataError, check_class_names, check_labels
from models.text import clean_name

MAX_LENGTH = 200
"""Most characters of a label that is a text."""
NO_LABEL = "no label"
"""The class of images that have none, where others have one."""


def read_labels(
    labels: np.ndarray | None, names: np.ndarray | None, count: int, name: str = "labels"
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Converts labels to int64 from 0, and lists the names of the classes.

    Args:
        labels: Whole numbers (also as floats) or texts (N,), (N, 1) or (1, N); rows of a single 1
            (N, K), or None. NaN and empty texts are images without a label, a class of their own.
        names: One for each of the labels 0, 1, 2, …; by default the labels themselves.
        count: Images.
        name: What a sentence calls them.

    Raises:
        DataError: If they do not fit the images or each other, in one sentence.

    Example:
        >>> read_labels(np.array([1.0, 0.0, 1.0]), None, 3)
        (array([1, 0, 1]), ('0', '1'))
        >>> read_labels(np.eye(3)[[2, 0]], np.array(["ant", "bee", "owl"]), 2)
        (array([2, 0]), ('ant', 'bee', 'owl'))
    """
    if labels is None:
        return None, ()
    _check_length(labels, name)
    labels = _one_a_row(labels, count, name)
    if names is not None:
        if names.ndim != 1 or names.dtype.kind not in "US":
            raise DataError(f"class_names must be a list of texts, got {names.dtype} {names.shape}")
        _check_length(names, "class_names")
    is_missing = _missing(labels)
    if is_missing.all():
        return None, ()
    known = labels[~is_missing]
    known = known.astype(np.int64) if known.dtype.kind == "f" else known
    if names is None:
        values, known = np.unique(known, return_inverse=True)
        class_names = _names(values[: MAX_CLASSES + 1])
    else:
        class_names = _names(names[: MAX_CLASSES + 1])
        known = _numbered(known, class_names) if known.dtype.kind in "US" else known
    check_class_names(class_names)
    known = known.astype(np.int64)
    check_labels(known, len(known), len(class_names))
    if not is_missing.any():
        return known, class_names
    class_names = tuple(dict.fromkeys((*class_names, NO_LABEL)))
    check_class_names(class_names)
    found = np.full(count, class_names.index(NO_LABEL))
    found[~is_missing] = known
    return found, class_names


def _missing(labels: np.ndarray) -> np.ndarray:
    """Which images have no label: NaN, or an empty text."""
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    return (
        labels == labels.dtype.type() if labels.dtype.kind in "US" else np.zeros(len(labels), bool)
    )


def _numbered(texts: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """The number of the class that each text names."""
    values, places = np.unique(texts, return_inverse=True)
    number = {name: i for i, name in enumerate(class_names)}
    unknown = [name for name in _names(values) if name not in number]
    if unknown:
        raise DataError(f"labels must be among class_names, got {unknown[0]!r}")
    return np.array([number[name] for name in _names(values)])[places]


def _check_length(texts: np.ndarray, name: str) -> None:
    """Refuses long texts: they are costly to compare, and names are cut to 80 characters."""
    kind = texts.dtype.kind
    length = texts.dtype.itemsize // (4 if kind == "U" else 1)
    if kind in "US" and length > MAX_LENGTH:
        raise DataError(
            f"{name} must be texts of at most {MAX_LENGTH} characters, got {length}: shorten them"
        )


def _one_a_row(labels: np.ndarray, count: int, name: str) -> np.ndarray:
    """The labels (N,) as whole numbers or texts."""
    if labels.ndim == 2 and len(labels) == count and is_one_hot(labels):
        return labels.argmax(axis=1)
    if labels.shape not in ((count,), (count, 1), (1, count)):
        remedy = ": choose one column" if labels.ndim == 2 and len(labels) == count else ""
        raise DataError(
            f"{name} must be one for each of {count} images, got shape {labels.shape}{remedy}"
        )
    labels = labels.reshape(count)
    if labels.dtype.kind == "f" and _is_whole(labels[~np.isnan(labels)]):
        return labels if np.isnan(labels).any() else labels.astype(np.int64)
    if labels.dtype.kind not in "buiUS":
        raise DataError(f"{name} must be whole numbers or short texts, got {_kind(labels)}")
    return labels


def _kind(labels: np.ndarray) -> str:
    """What is wrong with labels, in a word or two."""
    if labels.dtype.kind != "f":
        return str(labels.dtype)
    return f"{labels.dtype} with fractions"


def is_one_hot(labels: np.ndarray) -> bool:
    """Tells whether every row holds a single 1 and zeros else, in at least two columns.

    Example:
        >>> is_one_hot(np.eye(4)), is_one_hot(np.ones((4, 2)))
        (True, False)
    """
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "buif":
        return False
    return bool(((labels == 0) | (labels == 1)).all() and ((labels == 1).sum(axis=1) == 1).all())


def _is_whole(values: np.ndarray) -> bool:
    """Whether floats are whole numbers of at most 53 bits."""
    return bool((np.abs(values) < 2**53).all() and (values == np.rint(values)).all())


def _names(values: np.ndarray) -> tuple[str, ...]:
    if values.dtype.kind == "S":
        return tuple(clean_name(value.decode("utf-8", "replace")) for value in values.tolist())
    return tuple(clean_name(value) for value in values.tolist())
