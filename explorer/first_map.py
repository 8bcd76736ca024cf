"""What the first map needs, made ready from the start of the server.

A browser takes a second to load Streamlit. Meanwhile a thread imports the first screen and makes
the files of its map.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from explorer.server import announcement, forged_values, open_files, undelayed, written_once


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Begins to prepare when the server starts, without waiting for it; tells a class where it
    is."""
    open_files.prepare()
    undelayed.prepare()
    forged_values.prepare()
    written_once.prepare()
    threading.Thread(target=prepare, daemon=True).start()
    announcement.announce()
    yield


def prepare() -> None:
    """Imports the first screen and makes the files of the map that it shows without a link."""
    import_module("streamlit.emojis")  # for the page's icon
    import_module("explorer.views.latent_map.page")
    from explorer import state
    from explorer.assets import store
    from explorer.services import catalogue, page_files
    from explorer.services.loaded_model import LoadedModel
    from models.storage.tensors import CheckpointError

    usable, _ = catalogue.list_models()
    entry = usable.get(state.SETTINGS["model"].default)
    if entry is not None:
        with contextlib.suppress(CheckpointError):  # the page says so
            for url in page_files.model_files(LoadedModel(entry)).values():
                if url:
                    store.fetch(url)
