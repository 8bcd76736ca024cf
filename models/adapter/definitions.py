"""What an adapter's file defines, as plain values and arrays that another process can be given."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from models.adapter.contract import check_codes, check_images
from models.adapter.errors import MODULE, AdapterError, describe_exception, describe_value
from models.data.builtin import DATA_SETS, is_built_in
from models.data.image_set import MAX_BYTES
from models.data.library import is_id
from models.export.layers import module_layers

SETTINGS = ("title", "likelihood", "sigma", "beta", "device")
ARRAYS = ("images", "labels", "class_names", "factors", "factor_names")

Layers = tuple[list[dict[str, Any]], list[np.ndarray]]
"""As `models.export.layers` makes them."""


class Adapter(Protocol):
    """An adapter's file that has been run, here or in another process.

    Every method raises AdapterError, one sentence, if the user's code fails or answers with what
    the contract does not allow.
    """

    def settings(self) -> dict[str, Any]:
        """Reads the settings that the file defines, and `data` if it names the images.

        `unused` names what it defines beside the images that count.
        """

    def arrays(self) -> dict[str, np.ndarray]:
        """Reads the images that the file holds itself, and their labels and class names."""

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Computes mean and log-variance (N, Z) of images (N, C, H, W)."""

    def decode(self, z: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Computes images (N, *shape) in [0, 1] of codes (N, Z)."""

    def decoder_layers(self, latent_dim: int, shape: tuple[int, ...]) -> tuple[Layers, str]:
        """Describes the layers of the decoder that the file names; else the reason why not."""


class Definitions:
    """What an adapter's file defines, in the process that ran it; see `Adapter`.

    Args:
        defined: By name.

    Raises:
        AdapterError: If it lacks one of the two functions.

    Example:
        >>> own = Definitions({"encode": lambda x: (x[:, 0, 0, :2],) * 2, "sigma": np.float32(0.5),
        ...                    "decode": lambda z: torch.sigmoid(z).view(-1, 1, 1, 2)})
        >>> own.settings()
        {'sigma': 0.5}
        >>> own.decode(np.zeros((3, 2), np.float32), (1, 1, 2)).mean()
        np.float32(0.5)
    """

    def __init__(self, defined: Mapping[str, Any]) -> None:
        for name in ("encode", "decode"):
            if not callable(defined.get(name)):
                raise AdapterError(
                    f"the adapter must define encode(images) and decode(z), but {name} is "
                    f"{'not a function' if name in defined else 'missing'}"
                )
        self._defined = defined

    def settings(self) -> dict[str, Any]:
        """See `Adapter.settings`."""
        given = {name: _plain(self._defined[name]) for name in SETTINGS if name in self._defined}
        data = self._defined.get("data")
        if isinstance(data, (str, Path)):
            given["data"] = self._place(str(data))
        if data is not None and self._defined.get("images") is not None:
            given["unused"] = "images"
        return given

    def arrays(self) -> dict[str, np.ndarray]:
        """See `Adapter.arrays`."""
        data = self._defined.get("data")
        given: Mapping[str, Any] = self._defined
        if isinstance(data, Mapping):  # an .npz that was opened
            given = data
        elif data is not None and not isinstance(data, (str, Path)):
            given = {**self._defined, "images": data}
        return {name: _array(name, given[name]) for name in ARRAYS if given.get(name) is not None}

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Adapter.encode`."""
        mean, log_variance = check_codes(self._call("encode", images), len(images))
        return mean.numpy(), log_variance.numpy()

    def decode(self, z: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """See `Adapter.decode`."""
        return check_images(self._call("decode", z), len(z), shape).numpy()

    def decoder_layers(self, latent_dim: int, shape: tuple[int, ...]) -> tuple[Layers, str]:
        """See `Adapter.decoder_layers`."""
        decoder = self._defined.get("decoder")
        if callable(decoder) and not isinstance(decoder, nn.Module):
            decoder = _running("decoder", decoder)
        if decoder is None:
            return ([], []), "the adapter names no decoder"
        if not isinstance(decoder, nn.Module):
            raise AdapterError(f"decoder must be an nn.Module, got {describe_value(decoder)}")
        try:
            return module_layers(decoder, latent_dim, shape), ""
        except ValueError as error:
            return ([], []), str(error)

    def _call(self, name: str, given: np.ndarray) -> Any:
        """The answer of one of the user's functions."""
        device = self._device()
        with torch.no_grad():
            function = self._defined[name]
            return _running(name, lambda: function(torch.from_numpy(given).float().to(device)))

    def _device(self) -> str:
        """The device that the adapter asks for."""
        device = str(self._defined.get("device", "cpu"))
        try:
            torch.zeros(1, device=device).cpu()
        except Exception as error:
            raise AdapterError(
                f"device must be one that torch has here, like cpu, got {device!r:.40}"
            ) from error
        return device

    def _place(self, data: str) -> str:
        """A data set's name, or a path as the adapter means it: from its own folder."""
        if is_built_in(data) or is_id(data):
            return data
        path = Path(str(self._defined.get("__file__", ""))).parent / Path(data).expanduser()
        if not path.exists():
            raise AdapterError(
                f"data must be one of {', '.join(DATA_SETS)}, or a path from the adapter's own "
                f"folder, but there is no {data!r:.80} there"
            )
        return str(path)


def run_file(path: str | Path, *aliases: str) -> dict[str, Any]:
    """Runs the user's file in this process, and returns what it defines.

    Args:
        path: Of the file.
        aliases: Further names of its module; as `__main__`, it is where a model that was pickled
            by a script is looked for.

    Raises:
        AdapterError: If it fails, or tries to end the process.
    """
    spec = importlib.util.spec_from_file_location(MODULE, Path(path).resolve())
    module = importlib.util.module_from_spec(spec)
    for name in (MODULE, *aliases):
        sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # the user's code may do anything, and must be told
        sentence = f"the adapter must run to its end, but it stopped: {describe_exception(error)}"
        raise AdapterError(sentence) from error
    return vars(module)


def _running(name: str, function: Callable[[], Any]) -> Any:
    """What a function of the user returns; whatever it raises becomes one sentence."""
    try:
        return function()
    except BaseException as error:  # also one that would end the process
        raise AdapterError(
            f"{name} must not fail, but it did: {describe_exception(error)}"
        ) from error


def _plain(value: Any) -> Any:
    """A setting as a JSON value; what is none is written out, to be refused by its name."""
    if isinstance(value, Tensor | np.ndarray | np.generic) and np.prod(value.shape) == 1:
        value = value.item()
    return value if isinstance(value, bool | int | float | str) else f"{value!r:.40}"


def _array(name: str, given: Any) -> np.ndarray:
    """A tensor, array or list as an array."""
    try:
        if isinstance(given, Tensor):
            given = given.detach().cpu()
            given = given.float() if given.is_floating_point() else given
        array = np.asarray(given)
    except Exception as error:
        raise AdapterError(f"{name} must be an array, got {describe_value(given)}") from error
    if array.dtype.kind == "O":
        raise AdapterError(f"{name} must be an array of numbers or texts, got objects")
    if array.nbytes > MAX_BYTES:
        raise AdapterError(
            f"{name} must take at most {MAX_BYTES >> 20} MiB, got {array.nbytes >> 20}: "
            "give fewer of them"
        )
    return array
