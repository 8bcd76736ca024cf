"""What a user hands over as images: an archive, image files or a folder → `CustomImages`.

Nothing is unpacked to the disk, and what an archive promises is checked before anything of it is
read.
"""

from __future__ import annotations

import math
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from models.data.archive import check_members, open_archive, unpack
from models.data.arrays import read_arrays
from models.data.class_folders import Labelled, is_image, label_names, last_part, list_folder
from models.data.custom_images import CustomImages
from models.data.image_set import MAX_BYTES, DataError, refusing
from models.text import clean_name

MAX_FILES = 20_000
"""Most files of one upload, or entries of one archive."""
MAX_PIXELS = 1.5e9
"""Of all images of an upload: half a minute's work."""
_ZIP = b"PK"
_KIND = "an .npz, a .zip of images, or a PNG, JPEG, GIF or WEBP image"
Report = Callable[[int, int], object]
"""Called with how many images are done, and how many there are."""


def _silent(done: int, count: int) -> None:
    """Reports nothing."""


def read_upload(files: Sequence[tuple[str, bytes]], report: Report = _silent) -> CustomImages:
    """Reads uploaded files as one data set.

    Args:
        files: Name and content of each: one .npz, one .zip, or image files. Where names have
            folders, as those of an uploaded folder or in a .zip, one around everything does not
            count; below it lie images, or one folder of images per class.
        report: Told about the progress.

    Returns:
        The set, titled after the archive or the folder; `notes` lists what was converted.

    Raises:
        DataError: If they cannot be used, in one sentence.

    Example:
        >>> import io
        >>> import numpy as np
        >>> buffer = io.BytesIO()
        >>> np.savez(buffer, images=np.arange(640).reshape(10, 8, 8) % 256)
        >>> read_upload([("ramps.npz", buffer.getvalue())]).title
        'ramps'
        >>> read_upload([("notes.txt", b"hello")])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        models.data.image_set.DataError: 'notes.txt' must be an .npz, a .zip of images, ...
    """
    if not files:
        raise DataError("an upload must hold at least one file, got none")
    if len(files) > MAX_FILES:
        raise DataError(f"an upload must hold at most {MAX_FILES} files, got more")
    if sum(len(content) for _, content in files) > MAX_BYTES:
        raise DataError(f"an upload must be at most {MAX_BYTES >> 20} MB, got more")
    archives = [name for name, content in files if _is_archive(name, content)]
    if not archives:
        return _read_files(files, report)
    if len(files) > 1:
        raise DataError(
            "an upload must be one archive or image files, got several files and "
            f"{clean_name(Path(archives[0]).name)!r} among them: choose that alone"
        )
    return _read_archive(*files[0], report)


def read_path(path: str | Path, report: Report = _silent) -> CustomImages:
    """Reads an .npz, a .zip of images or a folder of images on this machine as one data set.

    Args:
        path: An .npz with `images` of shape (N, H, W), (N, H, W, C) or (N, C, H, W): bool, whole
            numbers 0 to 255 (uint16 to 65535), or floats in [0, 1] or [0, 255]; `labels` (N,),
            whole numbers or short texts; `class_names`, a text for each of the labels 0, 1, 2, …
            Or a folder or .zip of images, or of one folder of images per class.
        report: Told about the progress.

    Raises:
        DataError: If it cannot be used, in one sentence.

    Example:
        >>> read_path("nowhere")
        Traceback (most recent call last):
        models.data.image_set.DataError: 'nowhere' must be a file or a folder, got neither
    """
    path = Path(os.path.abspath(path))
    label = repr(clean_name(path.name))
    with refusing(label, _KIND):
        if path.is_dir():
            found = list_folder(path)
            files = ((os.path.basename(file), file) for file in found.files)
            return _read_images(files, found, path.name, report)
        if not path.is_file():
            raise DataError(f"{label} must be a file or a folder, got neither")
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{label} must be at most {MAX_BYTES >> 20} MB, got more")
        return read_upload([(path.name, path.read_bytes())], report)


def _is_archive(name: str, content: bytes) -> bool:
    """Whether a file is a zip archive, or has the name of one."""
    return content.startswith(_ZIP) or name.lower().endswith((".npz", ".zip"))


def _read_archive(name: str, content: bytes, report: Report) -> CustomImages:
    """An .npz, or a .zip of images, whatever it is called."""
    label, title = repr(clean_name(Path(name).name)), Path(name).stem
    is_npz = name.lower().endswith(".npz")
    with refusing(label, "a NumPy .npz archive" if is_npz else "an .npz or a .zip of images"):
        if is_npz:
            return CustomImages.from_arrays(read_arrays(content), title)
        with open_archive(content, MAX_FILES, "entries") as archive:
            if _holds_arrays(archive.namelist()):
                return CustomImages.from_arrays(read_arrays(content), title)
            return _read_zip(archive, len(content), title, report)


def _holds_arrays(members: Sequence[str]) -> bool:
    """Whether an archive holds arrays and no images."""
    return any(member.endswith(".npy") for member in members) and not any(map(is_image, members))


def _read_zip(archive: zipfile.ZipFile, size: int, title: str, report: Report) -> CustomImages:
    """A .zip of images; links in it are left out."""
    members = archive.infolist()
    links = [stat.S_ISLNK(member.external_attr >> 16) for member in members]
    found = label_names(
        ["" if link else member.filename for member, link in zip(members, links, strict=True)]
    )
    chosen = [members[index] for index in found.files]
    check_members(chosen, size)
    contents = ((last_part(member.filename), unpack(archive, member)) for member in chosen)
    found = found._replace(left_out=found.left_out + sum(links))
    return _read_images(contents, found, title, report, MAX_PIXELS)


def _read_files(files: Sequence[tuple[str, bytes]], report: Report) -> CustomImages:
    """Image files, or those of a folder."""
    first = files[0][0]
    if len(files) == 1 and not is_image(first):
        raise DataError(f"{clean_name(last_part(first))!r} must be {_KIND}, got something else")
    found = label_names([name for name, _ in files])
    chosen = [(last_part(files[index][0]), files[index][1]) for index in found.files]
    folder, _, inside = first.partition("/")
    return _read_images(chosen, found, folder if inside else "images", report, MAX_PIXELS)


def _read_images(
    files: Iterable[tuple[str, str | bytes]],
    found: Labelled,
    title: str,
    report: Report,
    most_pixels: float = math.inf,
) -> CustomImages:
    """Decoded images with the labels that were found."""
    from models.data.image_files import read_images  # Pillow waits until it is needed

    count = len(found.files)
    images, notes = read_images(files, lambda done: report(done, count), most_pixels)
    notes += found.notes
    return CustomImages(images, 255.0, found.labels, found.class_names, title, notes)
