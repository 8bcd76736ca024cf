"""Data sets that can be downloaded: a button each, how much has come, Cancel."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from explorer import page_queue
from explorer.jobs.job import JobError
from explorer.services import job_queue, permissions
from explorer.widgets.text import plain
from models.data.builtin import TORCHVISION, default_data_dir, is_available

TICK_SECONDS = 1.0
BYTES = {"mnist": 11_594_722, "fashion-mnist": 30_878_645, "kmnist": 21_240_888}
"""Of the four packed files of each, as their servers have them."""
TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "kmnist": "Kuzushiji-MNIST"}


def show() -> None:
    """Offers what is not on this machine, in a class to the teacher; nothing once all of it is."""
    missing = _missing(TORCHVISION)
    if missing and permissions.is_teacher():
        title = "More images: MNIST, Fashion-MNIST, Kuzushiji-MNIST"
        with st.expander(title, key="downloads", on_change="rerun") as expander:
            if expander.open or any(map(_is_running, missing)):
                st.caption(
                    "60,000 training and 10,000 test images of 28 × 28 pixels each, from the "
                    "servers that torchvision names. Nothing else here uses the internet."
                )
                _offer(missing)


def offer(name: str) -> None:
    """Offers one data set, where its images would be shown; nothing if it is on this machine or
    cannot be downloaded."""
    missing = _missing([name] if name in TORCHVISION else [])
    if missing and permissions.is_teacher():
        _offer(missing)


def _offer(missing: list[str]) -> None:
    """A line for each, looked at again while one is being downloaded."""
    tick = TICK_SECONDS if any(map(_is_running, missing)) else None
    page_queue.fragment(_follow, run_every=tick)(missing)


def _missing(names: Iterable[str]) -> list[str]:
    """Those that are not on this machine."""
    return [name for name in names if not is_available(name, default_data_dir())]


def _is_running(name: str) -> bool:
    found = job_queue.downloads().get(name, default_data_dir())
    return found is not None and found.is_running


def _follow(missing: list[str]) -> None:
    """A line for each; the page is run again when one has come, for the form then offers it."""
    if _missing(missing) != missing:
        st.rerun()
    was_running = st.session_state.get("downloading", [])
    st.session_state.downloading = [name for name in missing if _is_running(name)]
    if was_running != st.session_state.downloading:
        st.rerun()  # with another clock
    for name in missing:
        with st.container(horizontal=True, vertical_alignment="center"):
            _line(name)


def _line(name: str) -> None:
    """The button of one data set, or how much of it has come."""
    found = job_queue.downloads().get(name, default_data_dir())
    if found is not None and found.is_running:
        share = min(1.0, found.received / BYTES[name])
        size = f"{found.received / 1e6:z.1f} of {BYTES[name] / 1e6:z.1f} MB"
        text = f"Downloading {TITLES[name]}: {size}"
        st.progress(share, text, width=330)
        st.button("Cancel", key=f"cancel-{name}", on_click=_cancel, args=(name,))
        return
    st.button(f"Download {TITLES[name]}", key=f"download-{name}", on_click=_start, args=(name,))
    problem = st.session_state.get(f"download-problem-{name}") or (found.problem if found else "")
    if problem:
        st.error(plain(f"{problem}."))


def _start(name: str) -> None:
    st.session_state[f"download-problem-{name}"] = ""
    try:
        job_queue.start_download(name)
    except JobError as error:
        st.session_state[f"download-problem-{name}"] = str(error).removesuffix(".")
    except OSError:
        sentence = "no process could be started for the download: try again when less is running"
        st.session_state[f"download-problem-{name}"] = sentence


def _cancel(name: str) -> None:
    job_queue.cancel_download(name)
