"""What to do with an answer of the user's functions that is not what the contract asks for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor
from torch.distributions import Distribution

from models.text import clean_name


def remedy_for_codes(answer: Any) -> str:
    """Says how to return mean and log-variance instead; "" if unknown.

    Example:
        >>> remedy_for_codes({"mu": 0, "log_var": 0})
        ': return the two of them that are μ and ln σ², of mu, log_var'
        >>> remedy_for_codes((1, 2, 3))
        ': return two of them, without the sample z'
    """
    if isinstance(answer, Mapping):
        return f": return the two of them that are μ and ln σ², of {_names(answer)}"
    if isinstance(answer, Distribution):
        return ": return q.mean, q.variance.log()"
    if isinstance(answer, Tensor) and answer.ndim == 2 and answer.shape[1] % 2 == 0:
        return ": return encoded.chunk(2, 1) if it holds both"
    if isinstance(answer, (tuple, list)) and len(answer) > 2:
        return ": return two of them, without the sample z"
    return _of_any_kind(answer)


def remedy_for_code(part: Any) -> str:
    """Says how mean or log-variance becomes a tensor (N, Z); "" if unknown.

    Example:
        >>> import torch
        >>> remedy_for_code(torch.zeros(8, 2, 1, 1)), remedy_for_code(np.zeros((8, 2)))
        (': flatten it, as in mean.flatten(1)', ': return torch.from_numpy(…)')
    """
    if isinstance(part, Tensor):
        return ": flatten it, as in mean.flatten(1)" if part.ndim > 2 else ""
    if part is None:
        return ": a model without a variance is no VAE, and has no R"
    return _of_any_kind(part)


def remedy_for_images(answer: Any) -> str:
    """Says how to return images instead; "" if unknown.

    Example:
        >>> remedy_for_images({"reconstruction": 0})
        ': return the entry that holds the images, of reconstruction'
        >>> remedy_for_images((1, 2))
        ': return the images alone'
    """
    if isinstance(answer, Mapping):
        return f": return the entry that holds the images, of {_names(answer)}"
    if isinstance(answer, Distribution):
        return ": return p.mean"
    if isinstance(answer, (tuple, list)):
        return ": return the images alone"
    return _of_any_kind(answer)


def remedy_for_shape(got: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Says how images (N, …) get the shape (N, C, H, W).

    Example:
        >>> remedy_for_shape((8, 64), (8, 1, 8, 8)), remedy_for_shape((8, 9, 8, 3), (8, 3, 9, 8))
        ('return images.reshape(-1, 1, 8, 8)', 'return images.permute(0, 3, 1, 2)')
        >>> remedy_for_shape((8, 1, 9, 9), (8, 1, 8, 8))
        'decode to the size of the images, or choose images of the size that it decodes to'
    """
    if np.prod(got) != np.prod(wanted):
        return "decode to the size of the images, or choose images of the size that it decodes to"
    if got == (wanted[0], *wanted[2:], wanted[1]):
        return "return images.permute(0, 3, 1, 2)"
    return f"return images.reshape(-1, {', '.join(map(str, wanted[1:]))})"


def _of_any_kind(answer: Any) -> str:
    """What to do with something that is no tensor at all."""
    if isinstance(answer, np.ndarray):
        return ": return torch.from_numpy(…)"
    if inspect.iscoroutine(answer):
        answer.close()
        return ": define the function without async"
    return ""


def _names(answer: Mapping[Any, Any]) -> str:
    """Some keys of a mapping."""
    return ", ".join(clean_name(str(key), longest=30) for key in list(answer)[:6])
