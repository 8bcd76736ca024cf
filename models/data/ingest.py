"""What a user hands over as images: an archive or image files, in memory → `OwnImages`.

An .npz, a .zip of images, image files, or a folder on this machine. Nothing is unpacked to the
disk, names found inside only sort and label, and what an archive promises is checked before
anything of it is read.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.data.arrays import FREE_BYTES, MAX_RATIO, read_archive
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
    """Uploaded files as one data set.

    Args:
        files: Name and content of each: one .npz, one .zip, or image files. Where names have
            folders, as those of an uploaded folder or in a .zip, one around everything does not
            count; below it lie images, or one folder of images per class.
        report: Hears of the progress.

    Returns:
        The set, titled after the archive or the folder; `notes` says what was converted.

    Raises:
        DataError: If they cannot be used, in one sentence.

    Example:
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
    """An .npz, a .zip of images or a folder of images on this machine as one data set.

    Raises:
        DataError: If it cannot be used, in one sentence.

    Example:
        >>> read_path("nowhere")
        Traceback (most recent call last):
        models.data.image_set.DataError: 'nowhere' must be a file or a folder, got neither
    """
    path = Path(path).absolute()
    label = repr(clean_name(path.name))
    with refusing(label, _KIND):
        if path.is_dir():
            from models.data.image_files import read_folder

            images, labels, class_names, notes = read_folder(path, report=report)
            return CustomImages(images, 255.0, labels, class_names, path.name, notes)
        if not path.is_file():
            raise DataError(f"{label} must be a file or a folder, got neither")
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{label} must be at most {MAX_BYTES >> 20} MB, got more")
        return read_upload([(path.name, path.read_bytes())], report)


def _is_archive(name: str, content: bytes) -> bool:
    """Whether a file is a zip archive, or calls itself one."""
    return content.startswith(_ZIP) or name.lower().endswith((".npz", ".zip"))


# --- archives ------------------------------------------------------------------------------------


def _read_archive(name: str, content: bytes, report: Report) -> CustomImages:
    """An .npz, or a .zip of images, whatever it is called."""
    label, title = repr(clean_name(Path(name).name)), Path(name).stem
    with refusing(label, "an .npz or a .zip of images"):
        # Listing a million members takes seconds; counting their headers' signature does not.
        if content.count(b"PK\x01\x02") > MAX_FILES:
            raise DataError(f"an archive must hold at most {MAX_FILES} entries, got more")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if _is_npz(name, [member.filename for member in members]):
                return CustomImages.from_arrays(read_archive(content), title)
            return _read_zip(archive, members, len(content), title, report)


def _is_npz(name: str, members: Sequence[str]) -> bool:
    """Whether an archive holds arrays: it says so, or it has some and no images."""
    has_arrays = any(member.endswith(".npy") for member in members)
    return name.lower().endswith(".npz") or (has_arrays and not any(map(_is_image, members)))


def _read_zip(
    archive: zipfile.ZipFile,
    members: Sequence[zipfile.ZipInfo],
    size: int,
    title: str,
    report: Report,
) -> CustomImages:
    """A .zip of images; links in it are left out."""
    from models.data.image_files import LEFT_OUT, read_images

    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise DataError("the archive must hold every file once, got one name twice")
    links = {member.filename for member in members if stat.S_ISLNK(member.external_attr >> 16)}
    places, labels, class_names, left_out = _arrange(
        [name if name not in links else "" for name in names]
    )
    chosen = [members[place] for place in places]
    _check_members(chosen, size)
    contents = ((_last(member.filename), _unpack(archive, member)) for member in chosen)
    images, notes = read_images(
        contents, report=lambda done: report(done, len(chosen)), most_pixels=MAX_PIXELS
    )
    if left_out + len(links):
        notes += (f"{LEFT_OUT}: {left_out + len(links)}",)
    return CustomImages(images, 255.0, labels, class_names, title, notes)


def _check_members(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuses what an archive of that many bytes promises, before anything is unpacked."""
    if any(member.flag_bits & 1 for member in members):
        raise DataError("the archive must not be encrypted, got one with a password: zip it anew")
    if any(m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for m in members):
        raise DataError("the archive must be packed the common way (deflate), got another way")
    total = sum(member.file_size for member in members)
    if total > MAX_BYTES:
        raise DataError(
            f"the images must take at most {MAX_BYTES >> 20} MB once unpacked, "
            f"got {total >> 20} MB: use fewer"
        )
    if total > FREE_BYTES + MAX_RATIO * size:
        raise DataError(
            f"the archive must grow at most {MAX_RATIO} times when unpacked, "
            f"got {total // size} times"
        )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """One member; its size is given because reading to the end trusts the stream."""
    with archive.open(member) as file:
        return file.read(member.file_size)


# --- files ---------------------------------------------------------------------------------------


def _read_files(files: Sequence[tuple[str, bytes]], report: Report) -> CustomImages:
    """Image files, or those of a folder."""
    from models.data.image_files import LEFT_OUT, read_images

    if len(files) == 1 and not _is_image(files[0][0]):
        name = clean_name(_last(files[0][0]))
        raise DataError(f"{name!r} must be {_KIND}, got something else")
    places, labels, class_names, left_out = _arrange([name for name, _ in files])
    chosen = [(_last(files[place][0]), files[place][1]) for place in places]
    images, notes = read_images(
        chosen, report=lambda done: report(done, len(chosen)), most_pixels=MAX_PIXELS
    )
    if left_out:
        notes += (f"{LEFT_OUT}: {left_out}",)
    first, _, rest = files[0][0].partition("/")
    title = first if rest else "images"
    return CustomImages(images, 255.0, labels, class_names, title, notes)


def _last(name: str) -> str:
    """The last part of a name with folders."""
    return name.replace("\\", "/").rpartition("/")[2]


def _is_image(name: str) -> bool:
    """Whether a name ends like that of an image."""
    from models.data.image_files import SUFFIXES

    return name.lower().endswith(SUFFIXES)


class Arranged(NamedTuple):
    """Places of the images in order, int64 labels (N,) or None, class names, others' number."""

    places: list[int]
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    left_out: int


def _arrange(names: Sequence[str]) -> Arranged:
    """Which of these names are images, and of which class; a name is never a path.

    Folders' own entries and hidden files do not count; what lies deeper than a class or has a
    name that leads out of the archive is left out.
    """
    found, left_out = [], 0
    for place, name in enumerate(names):
        *folders, last = name.replace("\\", "/").split("/")
        if last == "":
            continue
        if {"", ".", ".."} & {*folders, last}:
            left_out += 1
        elif any(part.startswith(".") or part == "__MACOSX" for part in (*folders, last)):
            continue
        elif _is_image(last):
            found.append((folders, last, place))
        else:
            left_out += 1
    found = _without_common(found)
    kept = [each for each in found if len(each[0]) < 2]
    left_out += len(found) - len(kept)
    return _label(sorted(kept), left_out)


def _without_common(found: list[tuple[list[str], str, int]]) -> list[tuple[list[str], str, int]]:
    """The same without folders that hold everything."""
    while found and all(folders and folders[0] == found[0][0][0] for folders, _, _ in found):
        found = [(folders[1:], last, place) for folders, last, place in found]
    return found


def _label(kept: list[tuple[list[str], str, int]], left_out: int) -> Arranged:
    """Images in order with the classes that their folders are."""
    if not kept:
        raise DataError(
            "there must be PNG, JPEG, GIF or WEBP images, or one folder of them per class, got none"
        )
    places = [place for _, _, place in kept]
    if not any(folders for folders, _, _ in kept):
        return Arranged(places, None, (), left_out)
    if not all(folders for folders, _, _ in kept):
        raise DataError("there must be either images or one folder of images per class, got both")
    names = [folders[0] for folders, _, _ in kept]
    classes, labels = np.unique(names, return_inverse=True)
    return Arranged(
        places, labels.astype(np.int64), tuple(clean_name(n) for n in classes.tolist()), left_out
    )
