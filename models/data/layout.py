"""Which arrays of a file are images, labels and class names: told by their names and shapes.

Public data sets call them `images`, `imgs`, `x_train`, `train_images`, `X`, `arr_0`; a part such as
train or test may stand before or after. Whatever has no place is listed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from models.data.arrays import Header
from models.data.image_axes import FLAT, count_images, find_axes, looks_like_images
from models.data.image_set import DataError
from models.text import clean_name

PARTS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
}
"""What the parts of a data set are called; "" is the whole."""
IMAGES = (
    "images", "image", "imgs", "img", "x", "pictures", "pixels", "faces", "data", "inputs",
    "samples", "arr",
)  # fmt: skip
LABELS = ("labels", "label", "y", "targets", "target", "classes", "class", "categories")
FACTORS = {"factor", "factors"}
"""Words in the names of arrays that hold known factors, or, beside "names", their names."""
_NO_LABELS = {"file", "files", "filename", "filenames", "path", "paths", "id", "ids", "index"}
SHOWN = 4
"""Arrays that a sentence lists."""


class Part(NamedTuple):
    """The arrays of one part of a set, by name; `labels` is "" where there are none."""

    images: str
    labels: str


class Layout(NamedTuple):
    """Which array is what.

    Attributes:
        parts: By "train", "test" or "val", or "" alone for a set that is not divided.
        class_names: The array of them, or "".
        others: Arrays that have no place.
        factors: The array of known factors of each part that has one.
        factor_names: The array of their names, or "".
    """

    parts: Mapping[str, Part]
    class_names: str
    others: tuple[str, ...]
    factors: Mapping[str, str] = MappingProxyType({})
    factor_names: str = ""


class _Array(NamedTuple):
    """An array with the words of its name, the part's aside."""

    name: str
    header: Header
    part: str
    words: tuple[str, ...]


def find_part(words: Iterable[str]) -> str:
    """Finds the first word that names a part of a data set; "" if none does.

    Example:
        >>> find_part(["x", "training"]), find_part(["trains"])
        ('train', '')
    """
    return next((PARTS[word] for word in words if word in PARTS), "")


def split_name(name: str) -> list[str]:
    """Splits a name into words in lower case, also "xTrain" and "ytest".

    Example:
        >>> split_name("X_train"), split_name("testLabels"), split_name("ytest")
        (['x', 'train'], ['test', 'labels'], ['y', 'test'])
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200])
    words = re.findall(r"[^\W_]+", spaced.lower())
    return [each for word in words for each in _letter_apart(word)]


def _letter_apart(word: str) -> list[str]:
    """A word like "xtrain" in two."""
    return [word[0], word[1:]] if word[:1] in "xy" and word[1:] in PARTS else [word]


def is_plain_label(name: str) -> bool:
    """Tells whether a name says nothing but that an array holds labels, of a part or of all.

    Example:
        >>> is_plain_label("y_test"), is_plain_label("latents_classes")
        (True, False)
    """
    return all(word in PARTS or word in LABELS for word in split_name(name))


def says_parts(parts: Container[str]) -> tuple[str, ...]:
    """Says what became of a part for validation.

    Example:
        >>> says_parts(["train", "val", "test"])
        ('the validation images are trained on, too',)
    """
    if "val" not in parts:
        return ()
    if "test" in parts:
        return ("the validation images are trained on, too",)
    return ("the validation images are the test split",)


def find_layout(headers: Mapping[str, Header]) -> Layout:
    """Finds the images of every part, their labels, and the names of the classes.

    Args:
        headers: Of the arrays, by name.

    Raises:
        DataError: If it cannot be told which arrays are the images, listing what there is.

    Example:
        >>> import numpy as np
        >>> def header(*shape):
        ...     return Header(shape, np.dtype("u1"), False, 128, 0)
        >>> shapes = {"x_train": (60, 28, 28), "y_train": (60,), "x_test": (10, 28, 28)}
        >>> layout = find_layout({name: header(*shape) for name, shape in shapes.items()})
        >>> layout.parts["train"], layout.parts["test"].images
        (Part(images='x_train', labels='y_train'), 'x_test')
    """
    described = [_describe(name, header) for name, header in headers.items()]
    known = [array for array in described if set(array.words) & FACTORS]
    arrays = [array for array in described if array not in known]
    parts = {}
    for part in ("train", "val", "test", ""):
        group = [array for array in arrays if array.part == part]
        images = _find_images(group, headers, is_needed="train" not in parts)
        if images is not None:
            parts[part] = Part(images.name, _find_labels(group, images))
    parts = _settle(parts)
    if not parts:
        raise DataError(f"there must be an array of images, got {_listed(headers)}")
    names = next((array.name for array in arrays if _holds_class_names(array)), "")
    factors, factor_names = _find_factors(known, parts)
    used = {name for part in parts.values() for name in part}
    used |= {names, factor_names, *factors.values()}
    others = tuple(name for name in headers if name not in used)
    return Layout(parts, names, others, factors, factor_names)


def _find_factors(known: Sequence[_Array], parts: Mapping[str, Part]) -> tuple[dict[str, str], str]:
    """The factors of every part, if all have them, and the array of their names."""
    named = [array.name for array in known if "names" in array.words]
    columns = {array.part: array.name for array in known if "names" not in array.words}
    if len(parts) == 1 and len(columns) == 1:
        columns = dict(zip(parts, columns.values(), strict=True))
    has_all = bool(columns) and parts.keys() <= columns.keys()
    found = {part: columns[part] for part in parts} if has_all else {}
    return found, (named[0] if named and found else "")


def _describe(name: str, header: Header) -> _Array:
    """An array and what its name says."""
    words = split_name(name)
    rest = tuple(word for word in words if word not in PARTS)
    return _Array(name, header, find_part(words), rest)


def _settle(parts: dict[str, Part]) -> dict[str, Part]:
    """The parts as train, val and test, or one whole."""
    if len(parts) == 1:
        return {"": next(iter(parts.values()))}
    if "" in parts and "train" not in parts:
        parts = {"train": parts[""], **parts}
    return {part: parts[part] for part in ("train", "val", "test") if part in parts}


def _find_images(
    group: Sequence[_Array], headers: Mapping[str, Header], is_needed: bool
) -> _Array | None:
    """The images among the arrays of one part: named and shaped so, else the only ones shaped so.

    Where several can be meant, none is taken, or the set is refused if the part is needed.
    """
    named = [array for array in group if _rank(array, IMAGES) < len(IMAGES)]
    shaped = [array for array in group if looks_like_images(array.header.shape)]
    likely = [array for array in named if array in shaped]
    unnamed = [array for array in shaped if not _is_label(array) and _is_number(array)]
    candidates = likely or unnamed or named
    if not candidates:
        return None
    best = min(map(_image_order, candidates))
    candidates = [array for array in candidates if _image_order(array) == best]
    if len(candidates) > 1 and is_needed:
        raise DataError(
            f"it must be clear which array holds the images, got {_listed(headers)}: call one "
            "images"
        )
    return candidates[0] if len(candidates) == 1 else None


def _image_order(array: _Array) -> tuple[bool, int]:
    """The likeliest images come first: not flat, and called so."""
    return find_axes(array.header.shape) in (FLAT, ""), _rank(array, IMAGES)


def _is_number(array: _Array) -> bool:
    return array.header.dtype.kind in "buif"


def _find_labels(group: Sequence[_Array], images: _Array) -> str:
    """The labels of a part: named so, else the only array of one value for each image."""
    count = count_images(images.header.shape)
    others = [array for array in group if array is not images and not _holds_class_names(array)]
    named = [array for array in others if _is_label(array)]
    if named:
        return min(named, key=lambda array: (_width(array, count), _rank(array, LABELS))).name
    others = [array for array in others if not set(array.words) & _NO_LABELS]
    fitting = [array for array in others if _width(array, count) == 1]
    return fitting[0].name if len(fitting) == 1 else ""


def _width(array: _Array, count: int) -> int:
    """How many values an array has for each image; a large number if they do not fit."""
    shape, usable = array.header.shape, array.header.dtype.kind in "buifUS"
    if usable and shape in ((count,), (count, 1), (1, count)):
        return 1
    return shape[1] if len(shape) == 2 and shape[0] == count else 10**9


def _is_label(array: _Array) -> bool:
    return _rank(array, LABELS) < len(LABELS) and "names" not in array.words


def _holds_class_names(array: _Array) -> bool:
    """Whether an array holds the names of classes: texts called so."""
    if array.name == "class_names":
        return True
    is_text = array.header.dtype.kind in "US"
    return is_text and "names" in array.words and _rank(array, (*LABELS, "names")) < len(LABELS)


def _rank(array: _Array, words: Sequence[str]) -> int:
    """The place of the first of `words` that is in an array's name; their number if none is."""
    return next((place for place, word in enumerate(words) if word in array.words), len(words))


def _listed(headers: Mapping[str, Header]) -> str:
    """The arrays with their shapes and types."""
    if not headers:
        return "none"
    texts = [f"{clean_name(name, longest=20)!r} {header}" for name, header in headers.items()]
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def describe_arrays(headers: Mapping[str, Header], names: Sequence[str]) -> str:
    """Lists arrays with their shapes and types, as many as a sentence takes.

    Example:
        >>> import numpy as np
        >>> header = Header((6, 2), np.dtype("f8"), False, 128, 96)
        >>> describe_arrays({"codes": header}, ["codes"])
        "'codes' (6, 2) float64"
    """
    return _listed({name: headers[name] for name in names})
