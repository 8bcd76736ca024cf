"""A user's arrays as one set of images: found, checked, brought to one form."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

import numpy as np

from models.data.allowance import current
from models.data.arrays import Arrays
from models.data.brightness import find_white
from models.data.custom_images import CustomImages
from models.data.factors import join_factors, read_factors
from models.data.image_axes import (
    HWCN,
    HWN,
    channels_first,
    count_images,
    find_axes,
    image_shape,
)
from models.data.image_set import MAX_BYTES, DataError, check_sides
from models.data.labels import NO_LABEL, is_one_hot, read_labels
from models.data.layout import (
    Layout,
    describe_arrays,
    find_layout,
    is_plain_label,
    says_parts,
)
from models.data.read_options import ReadOptions
from models.data.transparency import draw_on, is_ink_dark, name_ground
from models.text import clean_name

_PART = 1024
"""Images that are drawn on a ground at once."""


def read_array_set(arrays: Arrays, title: str, options: ReadOptions) -> CustomImages:
    """Makes a set of the arrays of a file.

    Args:
        arrays: Of an .npz archive, or .npy files.
        title: A label.
        options: How they are read.

    Raises:
        DataError: If they cannot be used, in one sentence.
    """
    layout = find_layout(arrays.headers)
    for part in layout.parts.values():
        _check_header(arrays, part.images, options)
    counts = [count_images(arrays.headers[part.images].shape) for part in layout.parts.values()]
    labels, one_hot, left_out = _read_labels(arrays, layout, counts)  # they cost less than images
    for part in layout.parts.values():
        _check_start(arrays, part.images, options)
    images, notes = _read_images(arrays, layout)
    images, white, more = to_pixels(images, next(iter(layout.parts.values())).images, options)
    notes = (
        *_says_names(layout, left_out),
        *notes,
        *more,
        *one_hot,
        *_says_left_out(arrays, layout, left_out),
    )
    is_test = _find_test(layout, counts)
    factors = _read_factors(arrays, layout, counts)
    return CustomImages(images, white, *labels, title, notes, is_test, *factors)


def _read_factors(
    arrays: Arrays, layout: Layout, counts: Sequence[int]
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The known factors of all images, and their names."""
    if not layout.factors:
        return None, ()
    columns = arrays.read(*(layout.factors[part] for part in layout.parts))
    names = arrays.read(layout.factor_names)[0] if layout.factor_names else None
    found = [
        read_factors(column, names, count) for column, count in zip(columns, counts, strict=True)
    ]
    return join_factors([factors for factors, _ in found]), found[0][1]


def _check_header(arrays: Arrays, name: str, options: ReadOptions) -> None:
    """Refuses images that their type or shape rules out, before they are read."""
    arrays.check(name)
    header, label = arrays.headers[name], clean_name(name)
    check_kind(header.dtype, label)
    if header.dtype == np.float16 and 2 * header.size > MAX_BYTES:
        raise DataError(f"{label} must take at most {MAX_BYTES >> 20} MB as float32, got more")
    shape = image_shape(header.shape, label)
    if options.size is None:
        check_sides(shape)


def _check_start(arrays: Arrays, name: str, options: ReadOptions) -> None:
    """Refuses images that are packed tightly by the first of them, before all are unpacked."""
    start = arrays.peek(name)
    if start is None or find_axes(start.shape) in (HWN, HWCN):
        return
    find_white(start, clean_name(name), options)
    if len(start) > 1 and (start == start[0]).all():
        raise DataError(f"images must differ, got {len(start)} or more identical ones")


def check_kind(kind: np.dtype, name: str) -> None:
    """Raises DataError unless the type is one of numbers of at most 64 bits."""
    if kind.kind not in "buif" or kind.itemsize > 8:
        raise DataError(f"{name} must be numbers of at most 64 bits, got {kind}")


def _read_images(arrays: Arrays, layout: Layout) -> tuple[np.ndarray, tuple[str, ...]]:
    """The images of all parts as one array (N, C, H, W), and notes."""
    names = [part.images for part in layout.parts.values()]
    found = [
        channels_first(array, clean_name(name))
        for name, array in zip(names, arrays.read(*names), strict=True)
    ]
    images = [array for array, _ in found]
    notes = tuple(dict.fromkeys(note for _, each in found for note in each))
    if len({(array.shape[1:], array.dtype) for array in images}) > 1:
        texts = describe_arrays(arrays.headers, names)
        raise DataError(f"images to train and to test must be alike, got {texts}")
    joined = images[0] if len(images) == 1 else np.concatenate(images)
    if joined.dtype == np.float16:
        joined = joined.astype(np.float32)  # what NumPy does with halves takes it ten times as long
    return joined, notes


def to_pixels(
    images: np.ndarray, name: str, options: ReadOptions
) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Decides what is white, draws images with transparency on a ground, and resizes them.

    Args:
        images: (N, C, H, W), C = 1, 3 or 4.
        name: What a sentence calls them.
        options: How they are read.

    Returns:
        The same with C = 1 or 3; the value that means white; notes.

    Raises:
        DataError: If their values cannot be used.
    """
    white, notes = find_white(images, clean_name(name), options)
    if images.shape[1] == 4:
        images, ground = _without_transparency(images, white)
        notes = (*notes, f"images had transparency: {ground}")
    if options.size and images.shape[2:] != (options.size, options.size):
        from models.data.image_sizes import resize_arrays, says_resized  # Pillow waits

        images, notes = resize_arrays(images, options.size), (*notes, says_resized(options.size))
    return images, white, notes


def _without_transparency(images: np.ndarray, white: float) -> tuple[np.ndarray, str]:
    """Images (N, 4, H, W) drawn on a ground, in one channel if all are grey; what was done."""
    pixels = np.moveaxis(images, 1, 3)
    parts = [pixels[start : start + _PART] for start in range(0, len(pixels), _PART)]
    is_dark = is_ink_dark(_watched(parts), white)
    drawn = np.empty((len(images), 3, *images.shape[2:]), images.dtype)
    for place, part in enumerate(_watched(parts)):
        on_ground = draw_on(part, white if is_dark else 0, white)
        drawn[place * _PART : (place + 1) * _PART] = np.moveaxis(on_ground, 3, 1)
    is_grey = (drawn == drawn[:, :1]).all()
    return (drawn[:, :1] if is_grey else drawn), name_ground(is_dark)


def _watched(parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same, with a look at the clock before each."""
    for part in parts:
        current().check()
        yield part


def _read_labels(
    arrays: Arrays, layout: Layout, counts: Sequence[int]
) -> tuple[tuple[np.ndarray | None, tuple[str, ...]], tuple[str, ...], dict[str, str]]:
    """The labels of all images with the classes' names; notes; arrays that are no labels."""
    names = arrays.read(layout.class_names)[0] if layout.class_names else None
    found, notes, reasons = [], [], {}
    for part, count in zip(layout.parts.values(), counts, strict=True):
        labels = arrays.read(part.labels)[0] if part.labels else None
        shown = clean_name(part.labels)
        try:
            found.append(read_labels(labels, names, count, shown))
        except DataError as error:
            if is_plain_label(part.labels):
                raise
            reasons[part.labels] = str(error)
            found.append((None, ()))
        if labels is not None and is_one_hot(labels):
            notes.append(f"{shown} are one-hot: the column of the 1 is the class")
    return join_labels(found, counts), tuple(notes), reasons


def join_labels(
    found: Sequence[tuple[np.ndarray | None, tuple[str, ...]]], counts: Sequence[int]
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Joins the labels of several parts; images without a label get the class "no label".

    Args:
        found: Labels and class names of each part.
        counts: Images of each.

    Example:
        >>> join_labels([(np.array([0, 1]), ("a", "b")), (np.array([0]), ("b",))], [2, 1])
        (array([0, 1, 1]), ('a', 'b'))
        >>> join_labels([(np.array([0, 0]), ("a",)), (None, ())], [2, 1])
        (array([0, 0, 1]), ('a', 'no label'))
    """
    if all(labels is None for labels, _ in found):
        return None, ()
    names = list(dict.fromkeys(name for _, class_names in found for name in class_names))
    if any(labels is None for labels, _ in found) and NO_LABEL not in names:
        names.append(NO_LABEL)
    place = {name: index for index, name in enumerate(names)}
    parts = []
    for (labels, class_names), count in zip(found, counts, strict=True):
        of_class = [place[name] for name in class_names or (NO_LABEL,)]
        labels = np.zeros(count, np.int64) if labels is None else labels
        parts.append(np.array(of_class, np.int64)[labels])
    return np.concatenate(parts), tuple(names)


def _find_test(layout: Layout, counts: Sequence[int]) -> np.ndarray | None:
    """Which images are the test split; None if the set is not divided."""
    if "" in layout.parts:
        return None
    last = "test" if "test" in layout.parts else "val"
    return np.repeat([part == last for part in layout.parts], counts)


def _says_names(layout: Layout, left_out: Container[str]) -> tuple[str, ...]:
    """Says which arrays were taken, unless they are called as expected; and what became of val."""
    names = [name for part in layout.parts.values() for name in part if name]
    names = [name for name in names if name not in left_out]
    names += [name for name in (layout.class_names, layout.factor_names) if name]
    names += layout.factors.values()
    if set(names) <= {"images", "labels", "class_names", "factors", "factor_names"}:
        return ()
    texts = [clean_name(name, longest=40) for name in names]
    notes = [f"arrays that were read: {', '.join(texts)}"]
    return (*notes, *says_parts(layout.parts))


def _says_left_out(arrays: Arrays, layout: Layout, reasons: dict[str, str]) -> tuple[str, ...]:
    """Names the arrays and other entries that have no place, and why where it is not plain."""
    notes = [f"left out: {reason}" for reason in reasons.values()]
    if layout.others:
        notes.append(f"arrays left out: {describe_arrays(arrays.headers, layout.others)}")
    if arrays.others:
        notes.append(f"entries that are no arrays, left out: {', '.join(arrays.others[:4])}")
    return tuple(notes)
