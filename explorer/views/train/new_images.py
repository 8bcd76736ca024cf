"""New images of the user's own: uploaded, shown as the model sees them, read otherwise, added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from explorer import state
from explorer.jobs.job import JobError
from explorer.services import data_sets, pending_uploads
from explorer.services.pending_uploads import Upload
from explorer.widgets import display, inputs, upload
from explorer.widgets.text import plain
from models.data.custom_images import CustomImages
from models.data.image_set import DataError, ImageSet
from models.data.read_options import AUTO, NONE, ReadOptions
from models.places import disk_reason

SIDE = 56
SHOWN_CLASSES = 12
LETTERS = 10
"""Of a class's name below an image."""
WHAT = (
    "At least 10 images: an .npz with `images` (N, H, W[, C]) and perhaps `labels`, or with names "
    "like `x_train`; a .zip or a folder of image files, with one folder per class, folders `train` "
    "and `test`, or a `labels.csv`; image files; or a .csv with the pixels of an image in each "
    "row. Those of one size of 8 to 64 pixels keep it; "
    "others are cropped to the centre square and become 32 × 32, or what you choose. Unless there "
    "is a test split, one in five is a test image. An upload may take 32 MB. Larger files can be "
    "added by `python -m models data add`: a .npy or an uncompressed .npz up to a quarter of the "
    "disk."
)
OTHER = "other"
SCALES = {
    AUTO: "auto",
    NONE: "none: 1, 255 or 65535 is white",
    OTHER: "another value is white",
}
SIDES = (16, 28, 32, 48, 64)
SIZES = {0: "as they are, or 32 × 32"} | {side: f"{side} × {side}" for side in SIDES}
REMEDIES = {
    "scale": "Choose it below.",
    "size": "Or choose a size, below.",
    "skip_broken": "Or leave them out, below.",
}


def show() -> None:
    """Asks for new images, or shows those that wait to be added."""
    token = st.session_state.get("own_upload", "")
    found = pending_uploads.find(token)
    if found is None and "own_upload" in st.session_state:
        _forget()
        st.error("Your upload expired because the server needed memory: choose the files again.")
    if found is None:
        _ask()
    else:
        _look(token, found)


# --- the upload ----------------------------------------------------------------------------------


def _ask() -> None:
    """Offers two ways to upload images."""
    st.caption(WHAT)
    files, folder = st.columns(2)
    with files:
        _take(upload.ask("An .npz, .npy or .zip, or images", "own-files"))
    with folder:
        # Of any type: the browser would drop others without a word.
        _take(upload.ask("Or a folder of images", "own-folder", is_folder=True))


def _take(files: Sequence[tuple[str, bytes]]) -> None:
    """Reads an upload, and runs the page again with it or with what is wrong."""
    if not files:
        return
    found = _read(files, ReadOptions())
    if found.problem and not found.remedy:
        st.session_state.own_problem = f"{found.problem}. Nothing was kept."
    else:
        st.session_state.own_upload = pending_uploads.keep(found)
    st.rerun()


def _read(files: Sequence[tuple[str, bytes]], options: ReadOptions) -> Upload:
    """Reads files under a progress bar."""
    bar = st.progress(0.0, "Reading the images…")
    found = pending_uploads.read(files, options, lambda done, count: _report(bar, done, count))
    bar.empty()
    return found


def _report(bar: Any, done: int, count: int) -> None:
    """How far reading is, a hundred times at most."""
    if done % max(1, count // 100) == 0:
        bar.progress(done / count, f"Reading the images: {done:,} of {count:,}")


# --- the images that wait ------------------------------------------------------------------------


def _look(token: str, found: Upload) -> None:
    """An upload as the model sees it, to be read otherwise, named and added, or not."""
    if found.images is None:
        remedy = REMEDIES.get(found.remedy, "Choose otherwise, or discard them.")
        st.error(f"{plain(found.problem)}. {remedy}")
    else:
        _describe(found.images)
    options = _choose(token, found)
    if options != found.options:
        pending_uploads.keep(_read(found.files, options), token)
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if found.images is not None:
            images = found.images
            st.text_input("Name", images.title, 80, key=f"own-title-{images.id}", width=330)
            action = lambda: attempt(lambda: _add(images))  # noqa: E731
            inputs.button("Add these images", action, type="primary")
        inputs.button("Discard", _forget)


def _describe(images: CustomImages) -> None:
    """The images as the model sees them, and what was done to them."""
    size = describe_size(len(images), images.train_count, images.image_shape)
    st.markdown(f"**As the model sees them:** {size}")
    st.markdown(_classes(images))
    show_pictures(images.samples(data_sets.SAMPLES))
    for note in images.notes:
        st.markdown(f"- {plain(note)}")
    known = data_sets.custom_sets().get(images.id)
    if known is not None:
        text = f"These images are already added as “{known.title}”: adding them again renames it."
        st.info(plain(text))


def _choose(token: str, found: Upload) -> ReadOptions:
    """Asks how the files are to be read."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scale = st.selectbox(
            "Scale", list(SCALES), format_func=SCALES.__getitem__, key=f"own-scale-{token}",
            help="Which value becomes white. auto: 1, 255 or 65535, unless the brightest pixel is "
            "less than half of it; then that pixel.", width=290,
        )  # fmt: skip
        if scale == OTHER:
            white = 255.0 if found.images is None else float(found.images.scale)
            scale = st.number_input(
                "White", 1e-6, 1e12, white, format="%g", key=f"own-white-{token}", width=140
            )
        size = st.selectbox(
            "Size in pixels", list(SIZES), format_func=SIZES.__getitem__,
            key=f"own-size-{token}", width=220,
        )  # fmt: skip
        is_broken = found.remedy == "skip_broken" or found.options.skip_broken
        skip = is_broken and st.checkbox("Leave out broken files", key=f"own-skip-{token}")
    return ReadOptions(scale, size or None, skip)


def _add(images: CustomImages) -> None:
    """Keeps the images and chooses them for the next training."""
    facts = data_sets.add_set(images, st.session_state[f"own-title-{images.id}"])
    _forget()
    use(facts.id)
    st.session_state.own_done = f"“{facts.title}” was added and is now the data set."


def _forget() -> None:
    """Forgets the upload."""
    pending_uploads.drop(st.session_state.pop("own_upload", ""))
    st.session_state.pop("own-title", None)


# --- what the kept sets show and do, too ---------------------------------------------------------


def describe_size(count: int, train: int, shape: tuple[int, int, int]) -> str:
    """Says how many images there are, of which size, and how they are split."""
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


def show_pictures(images: ImageSet) -> None:
    """Shows some images with their classes."""
    texts = [""] * len(images)
    if images.labels is not None:
        names = [images.class_names[label] for label in images.labels]
        texts = [n if len(n) <= LETTERS else f"{n[: LETTERS - 1]}…" for n in names]
    display.row(images.images, texts, SIDE)


def use(name: str) -> None:
    """Chooses a set for the next training."""
    state.put(data=name, batch=None)


def attempt(action: Callable[[], object]) -> None:
    """Acts on the sets; the next run of the page tells why that failed."""
    try:
        action()
    except DataError as error:
        st.session_state.own_problem = f"{error}."
    except JobError as error:
        st.session_state.own_problem = str(error)
    except OSError as error:
        st.session_state.own_problem = f"The images could not be saved: {disk_reason(error)}."
