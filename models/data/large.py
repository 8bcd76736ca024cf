"""Sets of a user's own images that are too large for one file in memory: copied once, then mapped.

    runs/.data/own-<12 hex>.npy    the images (N, C, H, W), as they were given
               own-<12 hex>.npz    labels, class_names, is_test, a few test images, about.json

Only the command line adds them and only what trains reads the images; the server reads the small
file alone. They are bounded by the disk: at most a quarter of it, and what is free.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from models.data.archive import check_packing
from models.data.array_set import check_kind, join_labels
from models.data.arrays import MAX_ARRAYS, Arrays, Header, read_header
from models.data.brightness import find_white
from models.data.byte_images import ByteImages
from models.data.custom_images import split_indices, to_unit
from models.data.image_axes import channels_first, image_shape
from models.data.image_set import MAX_BYTES, DataError, ImageSet, check_sides, refusing
from models.data.labels import read_labels
from models.data.layout import Layout, describe_arrays, find_layout, says_parts
from models.data.progress import Report, silent
from models.data.read_options import ReadOptions
from models.text import clean_name

DISK_SHARE = 4
"""A set may take one part in so many of the disk."""
MEMORY_SHARE = 4
"""Up to one part in so many of the memory, images are read into it; more are mapped."""
MAX_TEST = 10_000
"""Test images, of which every epoch's end scores all."""
FEW = 500
"""Test images that the server has."""
COPIED = 2**26
"""Bytes that are copied at once."""
STALE_SECONDS = 3600
"""After so long without a change a copy belongs to a process that was killed."""


def is_large(path: Path) -> bool:
    """Tells whether a file is one of arrays that is too large to be read in one piece.

    Example:
        >>> is_large(Path("faces.npz"))
        False
    """
    with contextlib.suppress(OSError):
        is_array = path.suffix.lower() in (".npy", ".npz") and path.is_file()
        return is_array and path.stat().st_size > MAX_BYTES
    return False


# --- the file that is given ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Source:
    """The arrays of a large file, mapped and checked.

    `parts` are the images, each (N, C, H, W); `kind` is the type they are stored as.
    """

    parts: list[np.ndarray]
    kind: np.dtype
    scale: float
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    is_test: np.ndarray | None
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return sum(map(len, self.parts)), *self.parts[0].shape[1:]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.kind.itemsize

    def chunks(self) -> Iterator[np.ndarray]:
        """The images as they are stored, some at a time."""
        count = max(1, COPIED // (math.prod(self.shape[1:]) * self.kind.itemsize))
        for part in self.parts:
            for start in range(0, len(part), count):
                yield np.ascontiguousarray(part[start : start + count], self.kind)


def _open(path: Path, options: ReadOptions) -> _Source:
    """Maps a large file and finds out what its arrays are."""
    if options.size is not None:
        raise DataError(
            f"images of more than {MAX_BYTES >> 20} MB must have their size already, got a size to "
            "bring them to: resize them first"
        )
    arrays = _map_npz(path) if path.suffix.lower() == ".npz" else _map_npy(path)
    layout = find_layout(arrays.headers)
    names = [part.images for part in layout.parts.values()]
    for name in names:
        check_kind(arrays.headers[name].dtype, clean_name(name))
        check_sides(image_shape(arrays.headers[name].shape, clean_name(name)))
    found = [channels_first(arrays.read(name)[0], clean_name(name)) for name in names]
    parts = [part for part, _ in found]
    _check_alike(parts)
    high = max(float(part.max()) for part in parts)
    white, notes = find_white(parts[0], clean_name(names[0]), options, high)
    for name, part in zip(names[1:], parts[1:], strict=True):
        find_white(part, clean_name(name), options, high)  # refuses what is no brightness
    notes = (*dict.fromkeys(note for _, each in found for note in each), *notes)
    counts = [len(part) for part in parts]
    labels, class_names = _labels(arrays, layout, counts)
    is_test, more = _divide(layout, counts, labels)
    if layout.others:
        more = (*more, f"arrays left out: {describe_arrays(arrays.headers, layout.others)}")
    kind = _kind(parts[0].dtype, high)
    return _Source(parts, kind, white, labels, class_names, is_test, (*notes, *more))


def _map_npy(path: Path) -> Arrays:
    """The array of a .npy file, mapped."""
    with path.open("rb") as file:
        header = read_header(file.read(2**14), path.stat().st_size)
    _check_header(path.stem, header)
    headers = {path.stem: header}
    return Arrays(
        headers, (), lambda names: None, lambda name: _map(path, header), is_bounded=False
    )


def _map_npz(path: Path) -> Arrays:
    """The arrays of an .npz archive that is not compressed, mapped."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_packing(members)
        if len(members) > MAX_ARRAYS:
            raise DataError(f"the archive must hold at most {MAX_ARRAYS} arrays, got more")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise DataError(
                f"an archive of more than {MAX_BYTES >> 20} MB must not be compressed: write it "
                "with np.savez, or the images alone with np.save"
            )
        headers, places = {}, {}
        for member in members:
            with archive.open(member) as file:
                name = member.filename.removesuffix(".npy")
                headers[name] = read_header(file.read(2**14), member.file_size)
            places[name] = _start(path, member)
            _check_header(name, headers[name])
    read = lambda name: _map(path, headers[name], places[name])  # noqa: E731
    return Arrays(headers, (), lambda names: None, read, is_bounded=False)


def _start(path: Path, member: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: after its own header of 30 bytes, its name and extras."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("a member must begin with its header")
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    return member.header_offset + 30 + name + extra


def _check_header(name: str, header: Header) -> None:
    """Refuses an array of Python objects, or of fewer or more values than its shape says."""
    if header.dtype.hasobject:
        raise DataError(f"{clean_name(name)} must hold numbers or texts, got Python objects")
    if math.prod(header.shape) * header.dtype.itemsize != header.size - header.start:
        raise DataError(
            f"{clean_name(name)} must hold as many values as its shape says, got more or fewer"
        )


def _map(path: Path, header: Header, offset: int = 0) -> np.ndarray:
    """An array of a file, mapped."""
    order = "F" if header.columns_first else "C"
    return np.memmap(path, header.dtype, "r", offset + header.start, header.shape, order)


def _check_alike(parts: list[np.ndarray]) -> None:
    """Refuses parts of several sizes or types, and images with transparency."""
    if len({(part.shape[1:], part.dtype) for part in parts}) > 1:
        raise DataError("images to train and to test must be alike, got several sizes or types")
    if parts[0].shape[1] == 4:
        raise DataError("so many images must have 1 or 3 channels, got 4: draw them on a ground")


def _kind(given: np.dtype, high: float) -> np.dtype:
    """The type of fewest bytes that holds the values."""
    if given.kind == "f" or high > 65535:
        return np.dtype(np.float32)
    return np.dtype(np.uint8 if high <= 255 else np.uint16)


def _labels(
    arrays: Arrays, layout: Layout, counts: list[int]
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The labels of all images with the classes' names."""
    names = arrays.read(layout.class_names)[0] if layout.class_names else None
    found = [
        read_labels(
            np.array(arrays.read(part.labels)[0]) if part.labels else None, names, count,
            clean_name(part.labels),
        )
        for part, count in zip(layout.parts.values(), counts, strict=True)
    ]  # fmt: skip
    return join_labels(found, counts)


def _divide(
    layout: Layout, counts: list[int], labels: np.ndarray | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Which images are to be tested on; None: one in five, if these are few enough; and notes."""
    if "" not in layout.parts:
        last = "test" if "test" in layout.parts else "val"
        is_test = np.repeat([part == last for part in layout.parts], counts)
        return is_test, says_parts(layout.parts)
    chosen = split_indices(counts[0], labels, "test")
    if len(chosen) <= MAX_TEST:
        return None, ()
    is_test = np.zeros(counts[0], bool)
    is_test[_evenly(chosen, labels)] = True
    return is_test, (f"{MAX_TEST:,} images are the test split",)


def _evenly(places: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """At most `MAX_TEST` of them, rising, evenly over all and the same share of every class."""
    if len(places) <= MAX_TEST:
        return places
    if labels is not None:
        places = places[np.argsort(labels[places], kind="stable")]
    return np.sort(places[np.linspace(0, len(places) - 1, MAX_TEST).astype(np.int64)])


# --- the copy in the library ---------------------------------------------------------------------


def check_disk(folder: Path, size: int) -> None:
    """Refuses a set that takes more than its share of the disk, or more than is free.

    Raises:
        DataError: In one sentence.
    """
    usage = shutil.disk_usage(folder)
    most = usage.total // DISK_SHARE
    if size > most:
        raise DataError(
            f"a set of images must take at most a quarter of the disk, {most >> 30} GB, "
            f"got {size / 2**30:.1f} GB: use fewer images, or uint8"
        )
    if size > usage.free:
        raise DataError(
            f"the disk must have {size / 2**30:.1f} GB free for these images, got "
            f"{usage.free / 2**30:.1f} GB: make room, or use fewer images"
        )


def copy(
    path: Path,
    folder: Path,
    title: str = "",
    options: ReadOptions | None = None,
    report: Report = silent,
) -> tuple[str, bytes]:
    """Copies the images of a large file into a folder, once and whole.

    Args:
        path: A .npy, or an .npz that is not compressed.
        folder: Of the library.
        title: A label; by default the name of the file.
        options: How they are read; no size.
        report: Told about the progress.

    Returns:
        The id of the set, and the content of the small file that goes with it.

    Raises:
        DataError: If the file cannot be used, in one sentence.
        OSError: If the copy cannot be written; then nothing is left behind.
    """
    with refusing(repr(clean_name(path.name)), "arrays of images"):
        source = _open(path, options or ReadOptions())
    _remove_stale(folder)
    check_disk(folder, source.bytes)
    handle, partial = tempfile.mkstemp(prefix=".copy-", suffix=".npy", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            name = _write(file, source, report)
            file.flush()
            os.fsync(file.fileno())
        small = _small_file(Path(partial), source, clean_name(title, clean_name(path.stem)))
        os.replace(partial, folder / f"{name}.npy")
    finally:
        Path(partial).unlink(missing_ok=True)
    return name, small


def _remove_stale(folder: Path) -> None:
    """Removes the copies that were cut short by a kill."""
    for path in folder.glob(".copy-*.npy"):
        with contextlib.suppress(OSError):  # gone in this moment
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _write(file: io.BufferedWriter, source: _Source, report: Report) -> str:
    """Writes the images, and returns the id that they have as `CustomImages` have it."""
    header = {"descr": source.kind.str, "fortran_order": False, "shape": source.shape}
    np.lib.format.write_array_header_1_0(file, header)
    parts = (source.kind.str, source.shape, source.scale, source.class_names)
    digest = hashlib.sha256(repr((*parts, source.labels is not None)).encode())
    low = high = None
    done = 0
    for chunk in source.chunks():
        file.write(chunk.data)
        digest.update(chunk)
        low = chunk.min(0) if low is None else np.minimum(low, chunk.min(0))
        high = chunk.max(0) if high is None else np.maximum(high, chunk.max(0))
        done += len(chunk)
        report(done, source.shape[0])
    if (low == high).all():
        raise DataError(f"images must differ, got {done} identical ones")
    if source.labels is not None:
        digest.update(np.ascontiguousarray(source.labels))
    if source.is_test is not None:
        digest.update(np.packbits(source.is_test))
    return f"own-{digest.hexdigest()[:12]}"


def _small_file(images: Path, source: _Source, title: str) -> bytes:
    """Everything but the images, and a few of them: what the library lists and the server shows."""
    found = LargeSet(
        images, source.scale, source.labels, source.class_names, title, source.notes,
        source.is_test, np.zeros((0, *source.shape[1:]), np.uint8), "",
    )  # fmt: skip
    test = found.split("test")
    arrays = {"few": np.round(test.images[:FEW] * 255).astype(np.uint8)}
    if source.labels is not None:
        arrays |= {"labels": source.labels, "class_names": np.array(source.class_names)}
    if source.is_test is not None:
        arrays["is_test"] = source.is_test
    about = {"title": title, "scale": source.scale, "notes": source.notes, "is_large": True}
    about |= {"shape": source.shape, "classes": len(source.class_names)}
    about |= {"train": found.train_count, "test_fingerprint": test.fingerprint}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("about.json", json.dumps(about))
    return stream.getvalue()


@dataclass(frozen=True, eq=False)
class LargeSet:
    """A set of the library whose images stay on the disk until they are trained on.

    Attributes:
        path: Of the .npy file of its images.
        scale: The value that means white.
        labels: int64 (N,), or None.
        class_names: In the order of the labels.
        title: A label.
        notes: What was converted while it was added.
        is_test: bool (N,), or None: one in five is a test image.
        few: The first test images as grey levels 0 to 255, uint8, shape (K, C, H, W).
        test_fingerprint: Of its test split.
    """

    path: Path
    scale: float
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    title: str
    notes: tuple[str, ...]
    is_test: np.ndarray | None
    few: np.ndarray
    test_fingerprint: str

    @classmethod
    def read(cls, path: Path, about: Mapping, arrays: Mapping[str, np.ndarray]) -> LargeSet:
        """Makes the set of what its small file holds."""
        labels = arrays.get("labels")
        names = tuple(map(str, arrays["class_names"])) if labels is not None else ()
        return cls(
            path.with_suffix(".npy"), float(about["scale"]), labels, names, about["title"],
            tuple(map(str, about["notes"])), arrays.get("is_test"), arrays["few"],
            str(about["test_fingerprint"]),
        )  # fmt: skip

    @property
    def train_count(self) -> int:
        """How many images there are to train on."""
        return len(self._places("train", self._levels().shape[0]))

    def split(self, split: str) -> ImageSet:
        """Takes the test images as float32, or the others as they are stored, mapped."""
        levels = self._levels()
        chosen = self._places(split, len(levels))
        images = ByteImages(levels, self.scale, chosen)
        labels = None if self.labels is None else self.labels[chosen]
        taken = images if split == "train" else images[:]
        return ImageSet(taken, labels, self.class_names, split, self.title, self.notes)

    def samples(self, count: int) -> ImageSet:
        """Takes at most that many of the few test images, without the file of all."""
        chosen = self.few[:count]
        labels = None
        if self.labels is not None:
            total = len(self.labels)
            labels = self.labels[self._places("test", total)[: len(chosen)]]
        unit = to_unit(chosen, 255)
        return ImageSet(unit, labels, self.class_names, "test", self.title, self.notes)

    def _places(self, split: str, count: int) -> np.ndarray:
        """The places of the images of a split."""
        if self.is_test is None:
            return split_indices(count, self.labels, split)
        chosen = np.flatnonzero(self.is_test == (split == "test"))
        return _evenly(chosen, self.labels) if split == "test" else chosen

    def _levels(self) -> np.ndarray:
        """All images, mapped."""
        try:
            return np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(
                f"the images of {self.path.stem} must be whole, got a damaged or missing file: "
                "remove them and add them again"
            ) from error


def hold(images: ByteImages) -> ByteImages:
    """Reads mapped images into memory where they take at most a quarter of it.

    Args:
        images: Of a large set.
    """
    if images.levels.nbytes > psutil.virtual_memory().total // MEMORY_SHARE:
        return images
    return ByteImages(np.array(images.levels), images.scale, images.chosen)
