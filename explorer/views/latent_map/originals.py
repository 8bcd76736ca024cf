"""Where the original test images are."""

from __future__ import annotations

from explorer.services import data_sets
from explorer.services.loaded_model import LoadedModel
from explorer.words import words


def where_originals(model: LoadedModel) -> str:
    """Says what to do where the test images cannot be shown, in plain text."""
    title, name = words(model.card.data_name), data_sets.missing_download(model.card)
    if not name:
        return f"The originals of {title} are not where they were in training, or have changed."
    return f"Download {title} to see the original."
