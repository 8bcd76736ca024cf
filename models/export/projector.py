"""The codes of a test set as files for TensorFlow's embedding projector.

`tensors.tsv` has a row of means for each image, `metadata.tsv` its number, class and scores,
`sprite.png` its picture, row by row in a square, and `projector_config.pbtxt` names the three.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

import numpy as np

from models.latents.codes import Codes

MAX_SIDE = 8192
"""Pixels along a side of the sprite that the projector shows at most."""
NAMES = ("tensors.tsv", "metadata.tsv", "sprite.png", "projector_config.pbtxt")
CONFIG = """embeddings {{
  tensor_name: "codes"
  tensor_path: "tensors.tsv"
  metadata_path: "metadata.tsv"
  sprite {{
    image_path: "sprite.png"
    single_image_dim: {width}
    single_image_dim: {height}
  }}
}}
"""


def projector_files(
    codes: Codes, images: np.ndarray, class_names: Sequence[str] = ()
) -> dict[str, bytes]:
    """Makes the files of a projector's folder.

    Args:
        codes: Of a test set, N images.
        images: Of the same test set, in its order, or decoded, shape (N, C, H, W) in [0, 1]. If a
            sprite has no room for all, the first are kept, and so are their codes.
        class_names: Names of the classes, by label.

    Returns:
        The content of each of `NAMES`.

    Raises:
        ValueError: If there is not one image for each code.

    Example:
        >>> codes = Codes(np.eye(3), None, np.ones(3), np.array([0, 1, 0]))
        >>> files = projector_files(codes, np.zeros((3, 1, 8, 8)), ["a", "b"])
        >>> print(files["metadata.tsv"].decode().expandtabs(8))
        image   class   distortion_nats
        0       a       1
        1       b       1
        2       a       1
        <BLANKLINE>
    """
    if len(images) != len(codes):
        raise ValueError(
            f"there must be one image for each code, got {len(images)} for {len(codes)}"
        )
    height, width = images.shape[2:]
    kept = min(len(codes), (MAX_SIDE // max(height, width)) ** 2)
    contents = (
        _tsv(_rows(codes.mean[:kept])),
        _tsv(_metadata(codes, class_names, kept)),
        _sprite(images[:kept]),
        CONFIG.format(width=width, height=height).encode(),
    )
    return dict(zip(NAMES, contents, strict=True))


def _metadata(codes: Codes, class_names: Sequence[str], count: int) -> list[list[object]]:
    """A heading, and a row for each of the first images."""
    columns: Mapping[str, Sequence[object]] = {"image": range(count)}
    if codes.labels is not None:
        columns |= {"class": [class_names[label] for label in codes.labels[:count]]}
    scores = {} if codes.distortion is None else {"distortion_nats": codes.distortion}
    if codes.rate is not None:
        scores |= {"rate_nats": codes.rate.sum(1), "negative_elbo_nats": codes.negative_elbo}
    columns |= {name: [f"{v:.6g}" for v in values[:count]] for name, values in scores.items()}
    return [list(columns), *map(list, zip(*columns.values(), strict=True))]


def _rows(values: np.ndarray) -> list[list[str]]:
    return [[f"{value:.6g}" for value in row] for row in values.tolist()]


def _tsv(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows with tabs between; the projector knows no quotes, and no text here holds a tab."""
    text = io.StringIO()
    writer = csv.writer(
        text, "excel-tab", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
    )
    writer.writerows(rows)
    return text.getvalue().encode()


def _sprite(images: np.ndarray) -> bytes:
    """The images in a square, filled row by row, as PNG."""
    from PIL import Image

    count, channels, height, width = images.shape
    side = math.ceil(math.sqrt(count))
    levels = np.zeros((side * side, height, width, channels), np.uint8)
    levels[:count] = np.moveaxis(images * 255 + 0.5, 1, 3).clip(0, 255)
    sheet = levels.reshape(side, side, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(side * height, side * width, channels)
    stream = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(stream, "PNG")
    return stream.getvalue()
