"""Which files are images, of which class and of which part: told by the folders that they lie in.

    00.png …                   images without classes
    ant/00.png  owl/00.png     one folder per class
    train/…  test/…            either of these for each part, or the parts in every class folder

Folders that hold everything do not count, nor does a folder `images` that is the last around every
image. Names only sort and label: no path is made from a name found inside an archive. Whatever is
left out is named.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.data.image_set import MIN_IMAGES, DataError
from models.data.labels import NO_LABEL
from models.data.layout import PARTS, find_part, split_name
from models.data.other_files import advice
from models.text import clean_name

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".pgm", ".ppm", ".pbm", ".pnm")
KINDS = "PNG, JPEG, GIF, WEBP, BMP, PGM or PPM"
SHOWN = 3
"""Names that a note lists."""
OTHERS = f"files that are no {KINDS} images, left out"
HIDDEN = "hidden files, left out"
OUTSIDE = "entries whose names lead out of the folder, left out"
DEEPER = "images that lie deeper than a class folder, left out"
BESIDE = "images beside the folders of the parts, left out"
LONG = "entries whose names are too long, left out"
MAX_NAME = 1024
"""Characters of a name with its folders."""
LINKS = "links out of the folder, left out (copy the files to use them)"
SPECIAL = "entries that are no files, left out"
_JUNK = {"thumbs.db", "desktop.ini", ".ds_store", "__macosx"}
_INNER = {"images", "image", "imgs", "img"}
_SET_WORDS = {"set", "images", "imgs", "data", "seg", "split", "folder"}
"""Words beside that of the part in the name of its folder."""


class ImageFile(NamedTuple):
    """An image file and what its place says.

    Attributes:
        index: Among the given names.
        part: "train", "test" or "val"; "" where the set is not divided.
        label: Its class; "" if it has none.
        path: Its name below the folders that do not count.
    """

    index: int
    part: str
    label: str
    path: str


class Found(NamedTuple):
    """The image files of a folder in order, and everything else.

    Attributes:
        images: In order.
        others: Places of files that are no images, among the given names.
        left_out: Names of what is not read, by the reason.
        said: Notes on how labels were found.
    """

    images: list[ImageFile]
    others: list[int]
    left_out: dict[str, list[str]]
    said: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for every reason why something is left out, and what was said."""
        listed = (f"{why}: {list_names(names)}" for why, names in self.left_out.items() if names)
        return (*self.said, *listed)


class _Place(NamedTuple):
    """An image file in folders, which lose those that do not count; its whole name and place."""

    folders: list[str]
    last: str
    index: int
    name: str


def is_image(name: str) -> bool:
    """Tells whether a name ends like that of an image."""
    return name.lower().endswith(SUFFIXES)


def last_part(name: str) -> str:
    """Returns the last part of a name with folders, of any system."""
    return name.replace("\\", "/").rpartition("/")[2]


def list_names(names: Sequence[str], most: int = SHOWN) -> str:
    """Lists names, as many as a sentence takes.

    Example:
        >>> list_names(["a/notes.txt", "b.txt", "c.txt", "d.txt"])
        "'a/notes.txt', 'b.txt', 'c.txt' and 1 more"
    """
    texts = [repr(clean_name(name, longest=30)) for name in names[:most]]
    return ", ".join(texts) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def find_images(
    names: Sequence[str], links: Sequence[str] = (), special: Sequence[str] = ()
) -> Found:
    """Finds the images among names with folders, and the classes and parts that folders are.

    Args:
        names: As in an archive, an uploaded folder, or below a folder of this machine.
        links: Names of links that are not followed.
        special: Names of what is neither file nor folder.

    Raises:
        DataError: If there is no image, or images lie both beside and inside class folders.

    Example:
        >>> names = [f"all/{kind}/{place}.png" for kind in ("owl", "ant") for place in range(5)]
        >>> found = find_images([*names, "all/notes.txt"])
        >>> [image.label for image in found.images[::5]], found.images[0].index, found.others
        (['ant', 'owl'], 5, [10])
    """
    left_out = {LINKS: list(links), SPECIAL: list(special)}
    places, others = [], []
    for index, name in enumerate(names):
        if len(name) > MAX_NAME:
            left_out.setdefault(LONG, []).append(name)
            continue
        *folders, last = parts = name.replace("\\", "/").split("/")
        reason = _reason(parts)
        if reason is None:
            places.append(_Place(folders, last, index, name))
        elif reason:
            left_out.setdefault(reason, []).append(name)
            others += [index] if reason == OTHERS else []
    if not places:
        raise DataError(_says_none([*names, *links]))
    places = _without_common(_without_inner(places))
    images = _without_deeper(_divide(places, left_out), left_out)
    if len(images) < MIN_IMAGES:
        raise DataError(_says_few(len(images), left_out))
    _refuse_strays(images)
    order = list(dict.fromkeys(PARTS.values()))
    images = sorted(images, key=lambda each: (order.index(each[0]) if each[0] else 0, *each[1]))
    return Found([_to_file(part, place) for part, place in images], others, left_out)


def _reason(parts: list[str]) -> str | None:
    """Why a file is left out: "" where that goes without saying; None for an image."""
    if parts[-1] == "" or any(part.lower() in _JUNK or part.startswith("._") for part in parts):
        return ""
    if {"", ".", ".."} & set(parts):
        return OUTSIDE
    if any(part.startswith(".") for part in parts):
        return HIDDEN
    return None if is_image(parts[-1]) else OTHERS


def _says_few(count: int, left_out: dict[str, list[str]]) -> str:
    """Says that there are too few images, and why others do not count."""
    notes = [f"{why}: {list_names(names)}" for why, names in left_out.items() if names]
    what = f"there must be at least {MIN_IMAGES} images, got {count}"
    return f"{what} ({notes[-1]})" if notes else what


def _says_none(names: Sequence[str]) -> str:
    """Says that there is no image, and what there is."""
    what = f"there must be {KINDS} images, or one folder of them per class"
    if not names:
        return f"{what}, got none"
    remedy = next((text for text in map(advice, names) if text), "")
    return f"{what}, got none among {list_names(names)}" + (f": {remedy}" if remedy else "")


def _without_inner(places: list[_Place]) -> list[_Place]:
    """The same without a folder `images` around the images, if all have one: ant/images/0.png."""
    if not all(each.folders and each.folders[-1].lower() in _INNER for each in places):
        return places
    return [each._replace(folders=each.folders[:-1]) for each in places]


def _without_common(places: list[_Place]) -> list[_Place]:
    """The same without folders that hold everything."""
    folders = [each.folders for each in places]
    pairs = zip(min(folders), max(folders), strict=False)  # what these share, all share
    common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    return [each._replace(folders=each.folders[common:]) for each in places]


def _divide(places: list[_Place], left_out: dict[str, list[str]]) -> list[tuple[str, _Place]]:
    """Images with their parts, in the folders that remain."""
    for level in (0, 1):
        parts = {_part_of(each, level) for each in places}
        if {"train", "test"} <= parts or {"train", "val"} <= parts:
            break
    else:
        return [("", each) for each in places]
    inside = [each for each in places if _part_of(each, level)]
    beside = [each.name for each in places if not _part_of(each, level)]
    left_out.setdefault(BESIDE, []).extend(beside)
    parts = [_part_of(each, level) for each in inside]
    remaining = [
        each._replace(folders=[name for name in each.folders if _folder_part(name) != part])
        for part, each in zip(parts, inside, strict=True)
    ]
    return list(zip(parts, _without_common(remaining), strict=True))


def _part_of(place: _Place, level: int) -> str:
    """The part that the folder at that level names; "" if it names none."""
    return _folder_part(place.folders[level]) if len(place.folders) > level else ""


@functools.lru_cache(1024)  # many files share few folders
def _folder_part(name: str) -> str:
    """The part that a folder's name means, and nothing else."""
    words = [word for word in split_name(name) if word not in _SET_WORDS]
    return find_part(words) if len(words) == 1 else ""


def _without_deeper(
    images: list[tuple[str, _Place]], left_out: dict[str, list[str]]
) -> list[tuple[str, _Place]]:
    """The images that lie no deeper than in a class folder."""
    deeper = [place for _, place in images if len(place.folders) > 1]
    left_out.setdefault(DEEPER, []).extend(place.name for place in deeper)
    return [(part, place) for part, place in images if len(place.folders) < 2]


def _refuse_strays(images: list[tuple[str, _Place]]) -> None:
    """Refuses images beside the class folders of their part."""
    for part in {part for part, _ in images}:
        places = [place for each, place in images if each == part]
        strays = [place.last for place in places if not place.folders]
        folders = sorted({place.folders[0] for place in places if place.folders})
        if strays and folders:
            verb = "lies" if len(strays) == 1 else "lie"
            raise DataError(
                "there must be either images or one folder of images per class, got both: "
                f"{list_names(strays)} {verb} beside the folders {list_names(folders)}"
            )


def _to_file(part: str, place: _Place) -> ImageFile:
    """An image with its class."""
    label = place.folders[0] if place.folders else ""
    return ImageFile(place.index, part, label, "/".join([*place.folders, place.last]))


def class_labels(images: Sequence[ImageFile]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Numbers the classes of images by their names; those without one are a class of their own.

    Returns:
        int64 (N,) and the classes' names; None and () if no image has a class.

    Example:
        >>> files = [ImageFile(place, "", label, "") for place, label in enumerate("ba")]
        >>> class_labels([*files, ImageFile(2, "", "", "")])
        (array([1, 0, 2]), ('a', 'b', 'no label'))
    """
    found = {image.label for image in images}
    if found <= {""}:
        return None, ()
    ordered = sorted(found - {""}) + ([""] if "" in found else [])
    number = {label: place for place, label in enumerate(ordered)}
    labels = np.array([number[image.label] for image in images], np.int64)
    return labels, tuple(clean_name(label) if label else NO_LABEL for label in ordered)


def find_test(images: Sequence[ImageFile]) -> np.ndarray | None:
    """Tells which images are the test split; None where the set is not divided.

    Example:
        >>> files = [ImageFile(place, part, "", "") for place, part in enumerate(("train", "val"))]
        >>> find_test(files)
        array([False,  True])
    """
    parts = {image.part for image in images}
    if parts <= {""}:
        return None
    last = "test" if "test" in parts else "val"
    return np.array([image.part == last for image in images])
