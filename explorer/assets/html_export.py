"""One HTML file with a model's live map in it: it needs no server, no network, no installation.

The file holds the script, the decoder (weights as float16), the test set's codes and, if
wanted, the test images; all gzipped, in base64. Known to the command line as
`python -m explorer export --html`, so it knows no Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explorer.assets.map_page import find_test_images, make_spec, map_page
from explorer.assets.map_spec import MapSpec
from explorer.assets.page_html import NOTHING_TOUCHED, page_html
from models.export.map_file import Layers
from models.storage.checkpoint import read


def write_page(
    shown: MapSpec,
    images: np.ndarray | None = None,
    layers: Layers | None = None,
    kept: Mapping[str, Any] = NOTHING_TOUCHED,
) -> bytes:
    """Writes the live map of a spec as one file.

    Args:
        shown: The map.
        images: See `map_page.map_page`.
        layers: Of a custom model's decoder.
        kept: See `page_html.page_html`.

    Returns:
        HTML, UTF-8. It makes no request.
    """
    return page_html(map_page(shown, images, layers), kept)


def export_page(
    path: Path,
    view: str = "raw",
    x: int = 1,
    y: int = 2,
    colour: str = "",
    originals: bool = True,
    data_dir: Path | None = None,
) -> bytes:
    """Writes the live map of a checkpoint file as one HTML file.

    Args:
        path: Of the checkpoint; see `map_page.make_spec` for what follows.
        view: "raw", "pca" or "tsne".
        x: Horizontal latent of the raw view, counted from 1.
        y: Vertical one.
        colour: Of `map_spec.colours`.
        originals: Whether to put the test images in, where they are on this machine.
        data_dir: Folder of the MNIST family.

    Raises:
        ValueError: If the model has no such view, latent or colour, or the file no codes.
    """
    checkpoint = read(path)
    shown = make_spec(checkpoint, path, view, x, y, colour)
    return write_page(shown, find_test_images(checkpoint, data_dir) if originals else None)
