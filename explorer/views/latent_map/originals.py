"""Where the original test images are."""

from __future__ import annotations

from explorer.services import data_sets
from explorer.services.loaded_model import LoadedModel


def where_originals(model: LoadedModel) -> str:
    """Says what to do where the test images cannot be shown, in plain text."""
    title, name = model.card.data_name, data_sets.missing_download(model.card)
    if not name:
        return f"The originals of {title} are not where they were in training, or have changed."
    return (
        f"The originals of {title} are not on this machine. To see them: download {name} on the "
        f"Train page or by python -m models data download {name}, or set LATENT_DATA_DIR."
    )
