"""Untrusted factors of a user's images: numbers with a column for each factor, and their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.data.image_set import MAX_FACTORS, DataError, check_factors
from models.text import clean_name


def read_factors(
    factors: np.ndarray | None, names: np.ndarray | None, count: int
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Converts factors to float64 with a column for each, and lists their names.

    Args:
        factors: Numbers (N, K), or (N,) for a single factor; None.
        names: Texts (K,); by default "factor 1", "factor 2", ….
        count: Images.

    Raises:
        DataError: If they do not fit the images or each other, in one sentence.

    Example:
        >>> read_factors(np.array([[0, 1.5], [1, 2.5]]), np.array(["shape", "size"]), 2)[1]
        ('shape', 'size')
        >>> read_factors(np.arange(3), None, 3)[1]
        ('factor 1',)
    """
    if factors is None:
        return None, ()
    factors = factors[:, None] if factors.ndim == 1 else factors
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "US"):
        raise DataError(f"factor_names must be a list of texts, got {names.dtype} {names.shape}")
    columns = factors.shape[1] if factors.ndim == 2 else 0
    if names is None:
        texts = tuple(f"factor {k + 1}" for k in range(min(columns, MAX_FACTORS)))
    else:
        texts = tuple(_text(name) for name in names[: MAX_FACTORS + 1])
    check_factors(factors, texts, count)
    return factors.astype(np.float64), texts


def _text(name: np.str_ | np.bytes_) -> str:
    """One name as a clean text."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return clean_name(text, longest=40)


def join_factors(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Joins the factors of several parts of a set.

    Raises:
        DataError: If they have different numbers of columns.

    Example:
        >>> join_factors([np.zeros((2, 3)), np.ones((1, 3))]).shape
        (3, 3)
    """
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError("factors to train and to test must have the same columns")
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
