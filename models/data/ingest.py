"""What a user hands over as images: an archive, arrays, image files or a folder → `CustomImages`.

Nothing is unpacked to the disk, and what an archive promises is checked before anything of it is
read.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from models.data.allowance import current, limited
from models.data.archive import FREE_BYTES, check_packing, check_size, open_archive, unpack
from models.data.array_set import read_array_set
from models.data.arrays import hold, read_npy, read_npz
from models.data.brightness import find_white
from models.data.class_folders import (
    KINDS,
    Found,
    class_labels,
    find_images,
    find_test,
    is_image,
    last_part,
    list_names,
)
from models.data.custom_images import CustomImages
from models.data.folder_walk import list_files
from models.data.image_set import MAX_BYTES, DataError, refusing
from models.data.label_table import MAX_TABLE, is_table, label_from_table
from models.data.layout import find_part, says_parts, split_name
from models.data.other_files import advice
from models.data.pixel_table import read_pixel_table
from models.data.progress import Report, silent
from models.data.read_options import ReadOptions
from models.places import user_path
from models.text import clean_name

MAX_FILES = 20_000
"""Most files of one upload, or entries of one archive."""
_ZIP = b"PK"
_KIND = f"an .npz, a .npy, a .csv of pixels, a .zip of images, or a {KINDS} image"


def read_upload(
    files: Sequence[tuple[str, bytes]],
    report: Report = silent,
    options: ReadOptions | None = None,
) -> CustomImages:
    """Reads uploaded files as one data set.

    Args:
        files: Name and content of each: one .npz, one .zip, .npy files, or image files. Where
            names have folders, as those of an uploaded folder or in a .zip, one around everything
            does not count; below it lie images, or one folder of images per class, or either of
            these in a folder for each of train and test.
        report: Told about the progress.
        options: How brightness, size and broken files are treated.

    Returns:
        The set, titled after the archive or the folder; `notes` lists what was converted.

    Raises:
        DataError: If they cannot be used, in one sentence, or would take more work than
            `models.data.allowance` has for them.

    Example:
        >>> import io
        >>> import numpy as np
        >>> buffer = io.BytesIO()
        >>> np.savez(buffer, images=np.arange(640).reshape(10, 8, 8) % 256)
        >>> read_upload([("ramps.npz", buffer.getvalue())]).title
        'ramps'
        >>> read_upload([("notes.txt", b"hello")])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        models.data.image_set.DataError: 'notes.txt' must be an .npz, a .npy, ...
    """
    if not files:
        raise DataError("an upload must hold at least one file, got none")
    if len(files) > MAX_FILES:
        raise DataError(f"an upload must hold at most {MAX_FILES} files, got more")
    size = sum(len(content) for _, content in files)
    if size > MAX_BYTES:
        raise DataError(f"an upload must be at most {MAX_BYTES >> 20} MB, got more")
    with limited(size):
        return _read_given(files, report, options or ReadOptions())


def _read_given(
    files: Sequence[tuple[str, bytes]], report: Report, options: ReadOptions
) -> CustomImages:
    """An archive, or files."""
    archives = [name for name, content in files if _is_archive(name, content)]
    if not archives:
        return _read_files(files, report, options)
    if len(files) > 1:
        raise DataError(
            "an upload must be one archive or image files, got several files and "
            f"{clean_name(Path(archives[0]).name)!r} among them: choose that alone"
        )
    return _read_archive(*files[0], report, options)


def read_path(
    path: str | Path, report: Report = silent, options: ReadOptions | None = None
) -> CustomImages:
    """Reads an .npz, a .zip of images or a folder of images on this machine as one data set.

    Args:
        path: An .npz or a .npy, whose images may have any of the shapes of
            `models.data.image_axes` and any of the names of `models.data.layout`; or a folder or
            .zip as in `read_upload`.
        report: Told about the progress.
        options: How brightness, size and broken files are treated.

    Raises:
        DataError: If it cannot be used, in one sentence.

    Example:
        >>> read_path("nowhere")
        Traceback (most recent call last):
        models.data.image_set.DataError: 'nowhere': there is no such file or folder
    """
    options = options or ReadOptions()
    path = Path(os.path.abspath(user_path(path)))
    label = repr(clean_name(path.name))
    with refusing(label, _KIND):
        if path.is_dir():
            return _read_folder(path, report, options)
        if not path.exists():
            raise DataError(f"{label}: there is no such file or folder")
        if not path.is_file():
            raise DataError(f"{label} must be a file or a folder, got neither")
        if path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"{label} must be at most {MAX_BYTES >> 20} MB, got more: a larger file must be a "
                ".npy or an uncompressed .npz, added by data add or train --data"
            )
        return _read_given([(path.name, path.read_bytes())], report, options)


def _read_folder(path: Path, report: Report, options: ReadOptions) -> CustomImages:
    """A folder on this machine."""
    files = list_files(path)
    for is_one, read in ((_is_array, _read_npy), (_is_csv, _read_csv)):
        if files.names and all(map(is_one, files.names)):
            return read(_contents(path, files.names), path.name, options)
    found = find_images(*files)
    found = _with_tables(found, files.names, lambda index: _start(path / files.names[index]))
    contents = [path / files.names[image.index] for image in found.images]
    return _read_images(contents, found, path.name, report, options)


def _contents(folder: Path, names: Sequence[str]) -> list[tuple[str, bytes]]:
    """Files by name, if they are not too large together."""
    total = sum((folder / name).stat().st_size for name in names)
    if total > MAX_BYTES:
        raise DataError(f"the files must be at most {MAX_BYTES >> 20} MB, got {total >> 20} MB")
    return [(name, (folder / name).read_bytes()) for name in names]


def _start(path: Path) -> bytes:
    """A file's first bytes, one more than a table may have."""
    with open(path, "rb") as file:
        return file.read(MAX_TABLE + 1)


def _is_archive(name: str, content: bytes) -> bool:
    """Whether a file is a zip archive, or has the name of one."""
    return content.startswith(_ZIP) or name.lower().endswith((".npz", ".zip"))


def _is_csv(name: str) -> bool:
    """Whether a file has the name of a table."""
    return name.lower().endswith(".csv")


def _is_array(name: str) -> bool:
    """Whether a file has the name of an array."""
    return name.lower().endswith(".npy")


def _read_archive(name: str, content: bytes, report: Report, options: ReadOptions) -> CustomImages:
    """An .npz, or a .zip of images, whatever it is called."""
    label, title = repr(clean_name(Path(name).name)), Path(name).stem
    is_npz = name.lower().endswith(".npz")
    with refusing(label, "a NumPy .npz archive" if is_npz else "an .npz or a .zip of images"):
        if is_npz:
            return read_array_set(read_npz(content), title, options)
        with open_archive(content, MAX_FILES, "entries") as archive:
            if _holds_arrays(archive.namelist()):
                return read_array_set(read_npz(content), title, options)
            return _read_zip(archive, len(content), title, report, options)


def _holds_arrays(members: Sequence[str]) -> bool:
    """Whether an archive holds arrays and no images."""
    return any(map(_is_array, members)) and not any(map(is_image, members))


def _read_zip(
    archive: zipfile.ZipFile, size: int, title: str, report: Report, options: ReadOptions
) -> CustomImages:
    """A .zip of images; links in it are left out."""
    members = archive.infolist()
    links = [member.filename for member in members if stat.S_ISLNK(member.external_attr >> 16)]
    if members and all(_is_csv(member.filename) for member in members):
        check_packing(members)
        check_size(members, size)
        tables = [(member.filename, bytes(unpack(archive, member))) for member in members]
        return _read_csv(tables, title, options)
    names = ["" if member.filename in links else member.filename for member in members]
    found = find_images(names, links)
    chosen = [members[image.index] for image in found.images]
    tables = [members[index] for index in _tables(found, names)]
    check_packing([*chosen, *tables])
    check_size([*chosen, *tables], size)
    found = _with_tables(found, names, lambda index: unpack(archive, members[index]))
    contents: Sequence[bytes] = _Members(archive, chosen)
    if sum(member.file_size for member in chosen) <= FREE_BYTES:
        contents = list(contents)
    return _read_images(contents, found, title, report, options)


class _Members(Sequence):
    """The contents of some members of an archive, each unpacked when it is asked for."""

    def __init__(self, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> None:
        self._archive, self._members = archive, members

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, place: int) -> bytes:
        return bytes(unpack(self._archive, self._members[place]))


def _read_files(
    files: Sequence[tuple[str, bytes]], report: Report, options: ReadOptions
) -> CustomImages:
    """Arrays, image files, or those of a folder."""
    names = [name for name, _ in files]
    folder, _, inside = names[0].partition("/")
    title = folder if inside else "images"
    if all(map(_is_array, names)):
        return _read_npy(files, title if len(files) > 1 else Path(names[0]).stem, options)
    if all(map(_is_csv, names)):
        return _read_csv(files, title if len(files) > 1 else Path(names[0]).stem, options)
    if len(files) == 1 and not is_image(names[0]):
        label, remedy = repr(clean_name(last_part(names[0]))), advice(names[0])
        remedy = f": {remedy}" if remedy else ""
        raise DataError(f"{label} must be {_KIND}, got something else{remedy}")
    found = find_images(names)
    found = _with_tables(found, names, lambda index: files[index][1])
    contents = [files[image.index][1] for image in found.images]
    return _read_images(contents, found, title, report, options)


def _read_npy(files: Sequence[tuple[str, bytes]], title: str, options: ReadOptions) -> CustomImages:
    """The arrays of .npy files."""
    shown = list_names([last_part(name) for name, _ in files])
    with refusing(shown, "NumPy .npy files" if len(files) > 1 else "a NumPy .npy file"):
        arrays = read_npy([(Path(last_part(name)).stem, content) for name, content in files])
        return read_array_set(arrays, title, options)


def _read_csv(files: Sequence[tuple[str, bytes]], title: str, options: ReadOptions) -> CustomImages:
    """Tables with an image in every row: one, or one for each part of a set."""
    arrays = {}
    for name, content in files:
        stem = Path(last_part(name)).stem
        part = find_part(split_name(stem)) if len(files) > 1 else ""
        with refusing(repr(clean_name(last_part(name))), "a table of pixels"):
            table = read_pixel_table(content)
            table = {f"{part} {key}".strip(): array for key, array in table.items()}
            if arrays.keys() & table.keys():
                raise DataError("there must be one table for each of train and test, got two")
            arrays |= table
    with refusing(list_names([last_part(name) for name, _ in files]), "tables of pixels"):
        return read_array_set(hold(arrays), title, options)


def _tables(found: Found, names: Sequence[str]) -> list[int]:
    """The places of files that may hold labels, where no folder says the classes."""
    if any(image.label for image in found.images):
        return []
    return [index for index in found.others if is_table(names[index])]


def _with_tables(found: Found, names: Sequence[str], read: Callable[[int], bytes]) -> Found:
    """The images with the labels of the tables beside them, and what those tables say."""
    images, said, used = found.images, (), set()
    for index in _tables(found, names):
        current().check()
        content = read(index)
        images, notes = label_from_table(images, names[index], content[: MAX_TABLE + 1])
        said += notes
        used |= {names[index]} if notes else set()
    left_out = {
        why: [name for name in each if name not in used] for why, each in found.left_out.items()
    }
    return found._replace(images=images, said=said, left_out=left_out)


def _read_images(
    contents: Sequence[Path | bytes],
    found: Found,
    title: str,
    report: Report,
    options: ReadOptions,
) -> CustomImages:
    """Decoded images with the labels that were found."""
    from models.data.image_reader import read_images  # Pillow waits until it is needed

    count = len(found.images)
    names = [image.path for image in found.images]
    images, kept, brightest, notes = read_images(
        names, contents, lambda done: report(done, count), options
    )
    white, more = find_white(images, "images", options, brightest)
    chosen = [found.images[place] for place in kept]
    notes = (*notes, *more, *says_parts({each.part for each in chosen}), *found.notes)
    labels = class_labels(chosen)
    return CustomImages(images, white, *labels, title, notes, find_test(chosen))
