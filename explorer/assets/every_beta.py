"""What a map needs to go to any β of a multi-rate model: codes at many β, and β*.

Knows no Streamlit, so that page, saved file and notebook have the same slider.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from models.latents.codes import Codes
from models.storage.card import Card
from models.theory.collapse_threshold import CollapseThreshold


def codes_file(network: Any, card: Card, codes: Codes, images: np.ndarray) -> bytes:
    """Encodes and scores the first test images at many β, as a file for the browser.

    Args:
        network: Multi-rate.
        card: Of its checkpoint.
        codes: Of its test set.
        images: x in [0, 1], shape (N, C, H, W), in the order of the codes.
    """
    import torch

    from models.export import slider_file
    from models.metrics.rate_curve import CODES, measure_codes

    first = torch.tensor(images[:CODES])
    labels = None if codes.labels is None else codes.labels[: len(first)]
    curve = measure_codes(network, first, labels)
    return slider_file.codes_file(network, curve, card.class_names)


def stored_threshold(card: Card) -> CollapseThreshold | None:
    """Reads β* of the training images from a card; None where it has none."""
    stored = card.metrics.get("collapse_spectrum")
    return CollapseThreshold(np.array(stored), is_whole=False) if is_spectrum(stored) else None


def is_spectrum(value: object) -> bool:
    """Whether it is a falling list of numbers from 0 on, as a card holds them.

    Example:
        >>> is_spectrum([3.4, 3.0]), is_spectrum([3.0, 3.4]), is_spectrum([]), is_spectrum(None)
        (True, False, False, False)
    """
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(one, int | float) and one >= 0 for one in value) and all(
        first >= second for first, second in pairwise(value)
    )


def threshold_data(found: CollapseThreshold | None) -> dict[str, Any] | None:
    """Writes β* as the browser takes it.

    Example:
        >>> threshold_data(CollapseThreshold(np.array([3.4]), False))
        {'beta': 3.4, 'source': 'the training images'}
    """
    return None if found is None else {"beta": found.beta, "source": "the training images"}
