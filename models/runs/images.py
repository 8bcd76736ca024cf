"""The images of a run: those that its settings name, or one sentence on where they were."""

from __future__ import annotations

import os
from pathlib import Path

from models.config import RunConfig
from models.data.builtin import is_built_in
from models.data.image_set import DataError, ImageSet
from models.data.library import is_id
from models.data.load import load


def load_images(
    config: RunConfig, split: str, data_dir: str | Path | None = None, or_else: str = ""
) -> ImageSet:
    """Loads the images that a run is trained on.

    Args:
        config: Of the run.
        split: "train" or "test".
        data_dir: See `models.data.load.load`.
        or_else: What else the user may do if they are gone; a clause.

    Raises:
        DataError: If they cannot be read; it names the file that is no longer there. Or if
            they are of another shape than the settings say.

    Example:
        >>> from models.presets import preset
        >>> len(load_images(preset("digits-2d"), "test"))
        500
    """
    name = config.data
    if not is_built_in(name) and not is_id(name) and not os.path.exists(name):
        raise DataError(
            "the images of this run must be where they were when it was made, but there is no "
            f"{name!r:.200} any more: put them back{or_else and f', or {or_else}'}"
        )
    found = load(name, split, data_dir)
    if found.image_shape != config.model.image_shape:
        raise DataError(
            f"the images must have the shape {config.model.image_shape} of the run's settings, got "
            f"{found.image_shape}: put back the images that it was made for"
        )
    return found
