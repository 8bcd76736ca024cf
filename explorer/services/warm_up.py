"""What the next pages will need, made ready in the background after the first map.

Python runs one thread at a time: importing torch while a page waits for its files would hold it up.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import time

import streamlit as st

from explorer.assets import store
from explorer.services import catalogue
from explorer.services.loaded_model import LoadedModel
from models.storage.tensors import CheckpointError

PATIENCE_SECONDS = 20
"""So long a page may take to ask for its files; some never do."""
PAINTING_SECONDS = 0.5
"""From the files to the picture."""


@st.cache_resource(show_spinner=False)
def start() -> None:
    """Starts `import_and_freeze` in a thread, once for this server, after its first page."""
    threading.Thread(target=_after_the_first_page, daemon=True).start()


def _after_the_first_page() -> None:
    store.files_served.wait(PATIENCE_SECONDS)
    time.sleep(PAINTING_SECONDS)
    import_and_freeze()


def import_and_freeze() -> None:
    """Imports the heavy libraries and loads the test images of every model.

    Then takes everything alive out of the garbage collector's sight: collecting it after every
    rerun costs about 100 ms with torch loaded.
    """
    import torch

    import models.families.registry  # noqa: F401

    torch.set_num_threads(1)
    for entry in catalogue.offered("").values():
        with contextlib.suppress(CheckpointError):  # the page that opens it says so
            LoadedModel(entry).test_images  # noqa: B018
    gc.collect()
    gc.freeze()
