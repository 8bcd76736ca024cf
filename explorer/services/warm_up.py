"""What the next click will need, made ready in the background after the first screen."""

from __future__ import annotations

import gc
import threading

import streamlit as st

from explorer.services import catalogue
from explorer.services.loaded_model import LoadedModel


@st.cache_resource(show_spinner=False)
def start() -> None:
    """Starts `import_and_freeze` in a thread, once for this server."""
    threading.Thread(target=import_and_freeze, daemon=True).start()


def import_and_freeze() -> None:
    """Imports the heavy libraries and loads the test images of every model.

    Then takes everything alive out of the garbage collector's sight: collecting it after every
    rerun costs about 100 ms with torch loaded.
    """
    import sklearn.decomposition
    import torch

    import models.families.registry  # noqa: F401

    torch.set_num_threads(1)
    usable, _ = catalogue.list_models()
    for entry in usable.values():
        LoadedModel(entry).test_images  # noqa: B018
    del sklearn
    gc.collect()
    gc.freeze()
