"""Labels from a table beside the images, as in a labels.csv: one column names the files.

The delimiter may be a comma, a semicolon or a tab; a metadata.jsonl has an object a line. The
column whose values are most often names of images, with or without ending and folders, names the
files; the label is in the column called so, or in the only other one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence

from models.data.allowance import current
from models.data.class_folders import ImageFile, last_part
from models.data.layout import LABELS, find_part, split_name
from models.text import clean_name

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
MAX_TABLE = 4 * 2**20
"""Bytes of a table that is read."""
MOST_DISTINCT = 0.5
"""Texts for each image from which on a column that is not called label holds captions."""
MAX_COLUMNS = 1000


def is_table(name: str) -> bool:
    """Tells whether a name ends like that of a table."""
    return name.lower().endswith(SUFFIXES)


def label_from_table(
    images: Sequence[ImageFile], name: str, content: bytes
) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Gives images the labels that a table has for them.

    Args:
        images: Of which none has a class yet.
        name: Of the table; one called train.csv counts for the training images.
        content: Of its file.

    Returns:
        The images, and what the table said; () if it names none of them.

    Example:
        >>> images = [ImageFile(0, "", "", "a.png"), ImageFile(1, "", "", "b.png")]
        >>> table = b"file,label\\na.png,cat\\nb.png,dog\\n"
        >>> found, notes = label_from_table(images, "labels.csv", table)
        >>> [image.label for image in found], notes
        (['cat', 'dog'], ('2 labels are from labels.csv, column label',))
    """
    read = _read_objects if name.lower().endswith(".jsonl") else _read_rows
    rows = read(content) if len(content) <= MAX_TABLE else []
    place_of = _places(images, find_part(split_name(last_part(name))))
    file_column = _file_column(rows, place_of)
    if file_column is None:
        return list(images), ()
    header = rows[0] if _find(rows[0][file_column], place_of) is None else []
    label_column = _label_column(header, len(rows[0]), file_column)
    shown = repr(clean_name(last_part(name), longest=40))
    if label_column is None:
        columns = ", ".join(clean_name(column, longest=20) for column in header[:6])
        return list(images), (
            f"{shown} was left out, as none of its columns is called label, got {columns}",
        )
    found = [(_find(row[file_column], place_of), row[label_column].strip()) for row in rows]
    labels = {place: label for place, label in found if place is not None}
    column = clean_name(header[label_column]) if header else f"{label_column + 1}"
    if not _is_called_label(column) and len(set(labels.values())) > MOST_DISTINCT * len(labels):
        return list(images), (
            f"{shown} was left out: column {column} has {len(set(labels.values())):,} different "
            f"texts for {len(labels):,} images, which are no classes",
        )
    notes = [f"{len(labels)} labels are from {clean_name(last_part(name))}, column {column}"]
    unknown = len(rows) - bool(header) - sum(place is not None for place, _ in found)
    if unknown:
        notes.append(f"rows of {shown} that name no image, left out: {unknown:,}")
    labelled = [
        image._replace(label=labels.get(place) or image.label) for place, image in enumerate(images)
    ]
    return labelled, tuple(notes)


def _read_rows(content: bytes) -> list[list[str]]:
    """The rows of a table that are as long as the first; [] if it is no table of texts."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.splitlines()
    if not lines or "\0" in text:
        return []
    delimiter = max(",;\t", key=lines[0].count)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return []
    width = len(rows[0]) if rows else 0
    return [row for row in rows if len(row) == width] if 1 < width <= MAX_COLUMNS else []


def _read_objects(content: bytes) -> list[list[str]]:
    """The rows of a table of JSON objects, one a line, below the names; [] if it is none."""
    try:
        objects = [json.loads(line) for line in content.decode().splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return []
    if not objects or not all(isinstance(each, dict) for each in objects):
        return []
    names = list(objects[0])
    rows = [[str(each.get(name, "")) for name in names] for each in objects]
    return [list(map(str, names)), *rows] if len(names) > 1 else []


def _is_called_label(column: str) -> bool:
    """Whether a column's name says that it holds labels."""
    return bool({*split_name(column)} & {*LABELS})


def _places(images: Sequence[ImageFile], part: str) -> dict[str, int]:
    """Images by the names that a table may use for them.

    Where two images of one part share a name, it stands for none of them; where two parts do, for
    the training image, as tables of labels are for training.
    """
    owners: dict[str, list[int]] = {}
    for place, image in enumerate(images):
        if part and image.part and image.part != part:
            continue
        last = last_part(image.path)
        paths = {image.path, f"{image.part}/{image.path}", last}
        for key in paths | {path.rpartition(".")[0] for path in paths}:
            owners.setdefault(key, []).append(place)
    return {key: places[0] for key, places in owners.items() if _is_one(images, places)}


def _is_one(images: Sequence[ImageFile], places: Sequence[int]) -> bool:
    """Whether the first of these images is the only one of its part; training images come first."""
    return len({images[place].part for place in places}) == len(places)


def _find(name: str, place_of: dict[str, int]) -> int | None:
    """The image that a table means, whatever folders the table has for it."""
    name = name.strip().replace("\\", "/")
    return place_of.get(name, place_of.get(last_part(name)))


def _file_column(rows: Sequence[Sequence[str]], place_of: dict[str, int]) -> int | None:
    """The column that names most images; None if none names any."""
    if not rows:
        return None
    counts = []
    for column in range(len(rows[0])):
        current().check()
        counts.append(sum(_find(row[column], place_of) is not None for row in rows))
    best = max(range(len(counts)), key=counts.__getitem__)
    return best if counts[best] > 0 else None


def _label_column(header: Sequence[str], width: int, file_column: int) -> int | None:
    """The column that is called like labels, or the only other one."""
    others = [column for column in range(width) if column != file_column]
    if len(others) == 1:
        return others[0]
    named = [column for column in others if header and _is_called_label(header[column])]
    return min(named, key=lambda column: len(header[column])) if named else None
