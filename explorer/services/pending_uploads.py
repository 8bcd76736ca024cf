"""Uploads that wait to be added: their files, how they are read, and what came of it.

The files stay until the images are added or discarded, so that another scale or size can be tried.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from models.data.custom_images import CustomImages
from models.data.image_set import DataError
from models.data.ingest import read_upload
from models.data.read_options import ReadOptions

MAX_PENDING_BYTES = 2**27
"""Of uploads that have not been added yet."""


@dataclass(frozen=True, eq=False)
class Upload:
    """Holds the files of an upload, and the images they gave or why they gave none.

    Attributes:
        files: Name and content of each.
        options: How they were read.
        images: None where there is a problem.
        problem: One sentence; empty if there is none.
        remedy: The option with which the files could be read, if there is one.
    """

    files: Sequence[tuple[str, bytes]]
    options: ReadOptions
    images: CustomImages | None
    problem: str = ""
    remedy: str = ""

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        files = sum(len(content) for _, content in self.files)
        return files + (0 if self.images is None else self.images.images.nbytes)


def read(
    files: Sequence[tuple[str, bytes]],
    options: ReadOptions,
    report: Callable[[int, int], object] = lambda done, count: None,
) -> Upload:
    """Reads files; whatever is wrong with them becomes the upload's problem."""
    try:
        return Upload(files, options, read_upload(files, report, options))
    except DataError as error:
        return Upload(files, options, None, str(error), error.option)


@st.cache_resource(show_spinner=False)
def _pending() -> dict[str, Upload]:
    return {}


def keep(upload: Upload, token: str = "") -> str:
    """Keeps an upload until it is added, in place of what the token stands for, and returns its
    token; the oldest expire when memory is short."""
    uploads, token = _pending(), token or secrets.token_hex(8)
    uploads.pop(token, None)
    uploads[token] = upload
    for old in list(uploads)[:-1]:
        if sum(each.bytes for each in list(uploads.values())) > MAX_PENDING_BYTES:
            uploads.pop(old, None)
    return token


def find(token: str) -> Upload | None:
    """Finds an upload by its token; None if it has expired."""
    return _pending().get(token)


def drop(token: str) -> None:
    """Forgets an upload."""
    _pending().pop(token, None)
