"""A model that lives in the notebook: its encode and decode, called with arrays, checked.

A torch module gets tensors on its own device, without gradients; anything else NumPy arrays.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np


class NotebookModel:
    """Calls the two functions of a model.

    Args:
        model: Has `encode(images)`, images (N, C, H, W) float32 in [0, 1], which returns mean and
            log-variance (N, Z), and `decode(z)`, which returns images (N, C, H, W) in [0, 1].

    Raises:
        ValueError: If it lacks one of them, or is a torch module that still trains.

    Example:
        >>> class Flat:
        ...     def encode(self, images): return images[:, 0, 0, :2], 0 * images[:, 0, 0, :2]
        ...     def decode(self, z): return np.full((len(z), 1, 4, 4), 0.5)
        >>> fields, arrays = NotebookModel(Flat()).call("encode", np.zeros((3, 1, 4, 4)))
        >>> fields, [array.shape for array in arrays]
        ({'is_pair': True}, [(3, 2), (3, 2)])
    """

    def __init__(self, model: Any) -> None:
        for name in ("encode", "decode"):
            if not callable(getattr(model, name, None)):
                raise ValueError(
                    f"the model must have encode(images) and decode(z), but {_kind(model)} has no "
                    f"{name}"
                )
        if getattr(model, "training", False) is True:
            raise ValueError("the model must be in evaluation mode: call model.eval() first")
        self._model = model

    def call(self, name: str, given: np.ndarray) -> tuple[dict[str, bool], list[np.ndarray]]:
        """Calls `encode` or `decode`.

        Returns:
            Whether it returned several arrays; the arrays.

        Raises:
            ValueError: One sentence, if it fails or returns anything but numbers.
        """
        answer = self._try(name, given.astype(np.float32))
        is_pair = isinstance(answer, (tuple, list))
        return {"is_pair": is_pair}, [
            _numbers(f"{name} must return", part) for part in (answer if is_pair else [answer])
        ]

    def decode(self, z: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Decodes codes (N, Z).

        Returns:
            Images (N, *shape) in [0, 1].

        Raises:
            ValueError: One sentence, if `decode` fails or returns something else.
        """
        _, (images, *_) = self.call("decode", z)
        if images.shape != (len(z), *shape):
            raise ValueError(
                f"decode must give images of shape {(len(z), *shape)}, got {images.shape}"
            )
        return images.clip(0, 1)

    def _try(self, name: str, given: np.ndarray) -> Any:
        try:
            with _without_gradients(self._model) as tensor:
                return getattr(self._model, name)(tensor(given))
        except Exception as error:  # the user's code may do anything, and must be told
            raise ValueError(
                f"{name} must not fail, but it did: {_kind(error)}: {str(error) or 'no message'}"
            ) from error


@contextlib.contextmanager
def _without_gradients(model: Any) -> Any:
    """Gives the function that makes what a model takes of an array."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        yield lambda array: array
        return
    devices = {parameter.device for parameter in model.parameters()}
    device = devices.pop() if len(devices) == 1 else "cpu"
    with torch.no_grad():
        yield lambda array: torch.from_numpy(array).to(device)


def _numbers(demand: str, value: Any) -> np.ndarray:
    """A tensor, array or list as an array that can be sent."""
    array = as_array(value)
    if array is None or array.dtype.kind not in "fiub":
        raise ValueError(f"{demand} arrays of numbers, got {_kind(value)}")
    return array.astype(np.float32)


def as_array(value: Any) -> np.ndarray | None:
    """Reads a tensor, array or list as an array; None if it is none.

    Example:
        >>> as_array([1, 2]).tolist(), as_array({"a": 1})
        ([1, 2], None)
    """
    for step in ("detach", "cpu"):
        change: Callable[[], Any] | None = getattr(value, step, None)
        value = change() if callable(change) else value
    if "bfloat16" in str(getattr(value, "dtype", "")):
        value = value.float()
    try:
        array = np.asarray(value)
    except Exception:  # of whatever class it is
        return None
    return None if array.dtype.hasobject else array


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
