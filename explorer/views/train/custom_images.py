"""The user's own images: uploaded, shown as the model sees them, named, kept, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from explorer import state
from explorer.services import data_sets, job_queue, run_folders
from explorer.widgets import display, inputs, upload
from explorer.widgets.text import plain
from models.data.custom_images import CustomImages
from models.data.image_set import DataError, ImageSet
from models.data.ingest import read_upload
from models.data.library import (
    MAX_SETS,
    MAX_STORED,
    DataSetInfo,
    add,
    list_paths,
    list_removed,
    recover,
    remove,
)
from models.places import disk_reason

SIDE = 56
SHOWN_CLASSES = 12
LETTERS = 10
"""Of a class's name below an image."""
WHAT = (
    "At least 10 images: an .npz with `images` (N, H, W[, C]) and perhaps `labels`, a .zip with "
    "one folder per class if there are classes, or image files. Those of one size of 8 to 64 "
    "pixels keep it; others are cropped to the centre square and become 32 × 32. One in five "
    "is kept for the test set. A file that is too large for here can be added by "
    "`python -m models data add`."
)


def show() -> None:
    """Shows the upload of new images, and the sets that are kept."""
    with st.expander("Your own images", key="own-images"):
        for name, show_it in (("own_problem", st.error), ("own_done", st.success)):
            if text := st.session_state.pop(name, ""):
                show_it(plain(text))
        _undo()
        found = data_sets.find_upload(st.session_state.get("own_upload", ""))
        if found is None and "own_upload" in st.session_state:
            _forget()
            st.error(
                "Your upload expired because the server needed memory: choose the files again."
            )
        if found is None:
            _ask()
        else:
            _look(found)
        _kept()


# --- a new set -----------------------------------------------------------------------------------


def _ask() -> None:
    """Offers two ways to upload images."""
    st.caption(WHAT)
    files, folder = st.columns(2)
    with files:
        _take(upload.ask("An .npz, a .zip, or images", "own-files"))
    with folder:
        _take(upload.ask("Or a folder of images", "own-folder", upload.IMAGES, is_folder=True))


def _take(files: list[tuple[str, bytes]]) -> None:
    """Reads an upload, and runs the page again with it or with what is wrong."""
    if not files:
        return
    bar = st.progress(0.0, "Reading the images…")
    try:
        found = read_upload(files, lambda done, count: _report(bar, done, count))
    except DataError as error:
        st.session_state.own_problem = f"{error}. Nothing was kept."
    else:
        st.session_state.own_upload = data_sets.keep_upload(found)
    st.rerun()


def _report(bar: Any, done: int, count: int) -> None:
    """How far reading is, a hundred times at most."""
    if done % max(1, count // 100) == 0:
        bar.progress(done / count, f"Reading the images: {done:,} of {count:,}")


def _look(found: CustomImages) -> None:
    """An upload as the model sees it, to be named and added, or not."""
    size = _size(len(found), found.train_count, found.image_shape)
    st.markdown(f"**As the model sees them:** {size}")
    st.markdown(_classes(found))
    _pictures(found.samples(data_sets.SAMPLES))
    for note in found.notes:
        st.markdown(f"- {plain(note)}")
    known = data_sets.custom_sets().get(found.id)
    if known is not None:
        text = f"These images are already added as “{known.title}”: adding them again renames it."
        st.info(plain(text))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", found.title, 80, key=f"own-title-{found.id}", width=330)
        inputs.button("Add these images", lambda: _attempt(lambda: _add(found)), type="primary")
        inputs.button("Discard", _forget)


def _size(count: int, train: int, shape: tuple[int, int, int]) -> str:
    """How many images of which size, and how they are split."""
    colour = "in colour" if shape[0] == 3 else "grey"
    return (
        f"{count:,} images of {shape[1]} × {shape[2]} pixels, {colour}, "
        f"{train:,} to train and {count - train:,} to test"
    )


def _classes(found: CustomImages) -> str:
    """The classes with their numbers of images."""
    if found.labels is None:
        return "No labels: the map will have one colour."
    counts = np.bincount(found.labels, minlength=len(found.class_names))
    texts = [f"{name} ({n:,})" for name, n in zip(found.class_names, counts, strict=True)]
    more = f", and {len(texts) - SHOWN_CLASSES:,} more" if len(texts) > SHOWN_CLASSES else ""
    noun = "class" if len(texts) == 1 else "classes"
    return f"{len(texts):,} {noun}: {plain(', '.join(texts[:SHOWN_CLASSES]))}{more}"


def _pictures(images: ImageSet) -> None:
    """Some images with their classes."""
    texts = [""] * len(images)
    if images.labels is not None:
        names = [images.class_names[label] for label in images.labels]
        texts = [n if len(n) <= LETTERS else f"{n[: LETTERS - 1]}…" for n in names]
    display.row(images.images, texts, SIDE)


def _add(found: CustomImages) -> None:
    """Keeps the images and chooses them for the next training."""
    facts = add(found, st.session_state[f"own-title-{found.id}"])
    _forget()
    _use(facts.id)
    st.session_state.own_done = f"“{facts.title}” was added and is now the data set."


def _forget() -> None:
    """Forgets the upload."""
    data_sets.drop_upload(st.session_state.pop("own_upload", ""))
    st.session_state.pop("own-title", None)


# --- those that are kept -------------------------------------------------------------------------


def _kept() -> None:
    """The sets there are, each with what can be done with it."""
    found = data_sets.custom_sets()
    damaged = [name for name in list_paths() if name not in found]
    for facts in found.values():
        _one(facts)
    for name in damaged:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"The file of {name} is damaged: remove it and add the images again.")
            _button("Remove", lambda name=name: _remove(name, name), name)
    if state.get("data") in found and "own_upload" not in st.session_state:
        images = data_sets.custom_samples(state.get("data"))
        if images is not None:
            _pictures(images)
    if found:
        megabytes = sum(facts.bytes for facts in found.values()) / 2**20
        st.caption(
            f"{len(found)} of at most {MAX_SETS} sets, {megabytes:.1f} of "
            f"{MAX_STORED >> 20} MB. They stay on this machine, beside your runs."
        )


def _one(facts: DataSetInfo) -> None:
    """One set in a line, and its buttons."""
    is_chosen = state.get("data") == facts.id
    size = _size(facts.count, facts.train, facts.image_shape)
    classes = f", {facts.classes:,} classes" if facts.classes else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(facts.title)}** · {size}{classes}", width="stretch")
        label = "In use" if is_chosen else "Use"
        _button(label, lambda: _use(facts.id), facts.id, disabled=is_chosen)
        _button("Remove", lambda: _remove(facts.id, facts.title), facts.id)


def _button(label: str, action: Callable[[], object], name: str, **options: Any) -> None:
    """A button of one set."""
    inputs.button(label, lambda: _attempt(action), key=f"{label}-{name}", **options)


def _use(name: str) -> None:
    """Chooses a set for the next training."""
    state.put(data=name, batch=None)


def _remove(name: str, title: str) -> None:
    """Moves a set aside, unless a training run needs it, and remembers what can be undone."""
    users = [run.id for run, config in run_folders.configured_runs() if config.data == name]
    live = [job for job in job_queue.jobs().all() if job.is_live]
    if any(run_id in users for job in live for run_id in job.runs):
        raise DataError("a set can be removed once training on it has ended: cancel the run first")
    remove(name)
    st.session_state.own_removed = name, title, len(users)
    if state.get("data") == name:
        state.put(data=None, batch=None)


def _undo() -> None:
    """The way back, after a set was removed."""
    name, title, users = st.session_state.get("own_removed", ("", "", 0))
    if name in list_removed():
        runs = f" Runs that no longer show their originals: {users}." if users else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"“{plain(title)}” was removed.{runs}")
            inputs.button("Undo", lambda: _attempt(lambda: recover(name)), key="own-undo")


def _attempt(action: Callable[[], object]) -> None:
    """Acts on the sets; the next run of the page tells why that failed."""
    try:
        action()
    except DataError as error:
        st.session_state.own_problem = f"{error}."
    except OSError as error:
        st.session_state.own_problem = f"The images could not be saved: {disk_reason(error)}."
