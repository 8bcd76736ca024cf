"""A second device without hardware: its tensors are elsewhere by name, and computed here.

It goes by the name of torch's device without memory, "meta", and is as strict as a GPU: operations
that mix devices fail, NumPy cannot read its tensors, a processor's generator cannot fill them and,
like Apple's, it may lack float64. Its numbers are the processor's, bit for bit, so that whatever
runs on it can be compared with the same without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import ClassVar
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map_only

NAME = "meta"
_THERE = torch.device(NAME)
_aten = torch.ops.aten
_CROSSING = {_aten.copy_.default, _aten._to_copy.default, _aten.lift_fresh.default}
_INDEXING = {_aten.index.Tensor, _aten.index_put_.default, _aten.index_put.default}


class Elsewhere(Tensor):
    """A tensor of the other device; `here` holds its numbers."""

    lacks_float64: ClassVar[bool] = False

    @staticmethod
    def __new__(cls, here: Tensor) -> Elsewhere:
        if cls.lacks_float64 and here.dtype == torch.float64:
            raise TypeError("the other device has no float64")
        return Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), storage_offset=here.storage_offset(),
            dtype=here.dtype, layout=here.layout, device=_THERE,
        )  # fmt: skip

    def __init__(self, here: Tensor) -> None:
        self.here = here

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        assert isinstance(value, Elsewhere) and value.shape == self.shape
        self.here = value.here

    @property
    def is_meta(self) -> bool:
        return False

    def new_tensor(self, data: object) -> Tensor:
        return torch.tensor(data, dtype=self.dtype, device=self.device)

    def tolist(self) -> list:
        return self.here.tolist()

    def __repr__(self) -> str:
        return f"Elsewhere({self.here!r})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _compute(func, args, kwargs or {})


class _Factories(TorchDispatchMode):
    """Lets `torch.zeros(…, device=…)` and its like make tensors of the other device."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch would load its compiler

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _compute(func, args, kwargs or {})


def _is_there(device: torch.device | str | None) -> bool:
    return device is not None and torch.device(device).type == _THERE.type


def _compute(func, args, kwargs):
    """Computes an operation on the processor; its results are where its tensors are."""
    given = tree_flatten((args, kwargs))[0]
    tensors = [each for each in given if isinstance(each, Tensor)]
    comes_from_there = any(isinstance(each, Elsewhere) for each in tensors)
    goal = kwargs.get("device")
    goes_there = comes_from_there if goal is None else _is_there(goal)
    if func is _aten.copy_.default:
        goes_there = isinstance(args[0], Elsewhere)
    _check(func, tensors, given, comes_from_there or goes_there)
    if not (comes_from_there or goes_there):
        return func(*args, **kwargs)
    here = {"device": torch.device("cpu")} if goal is not None else {}
    args_here, kwargs_here = tree_map_only(Elsewhere, lambda each: each.here, (args, kwargs | here))
    found = func(*args_here, **kwargs_here)
    if not goes_there:
        return found.clone() if isinstance(found, Tensor) and goal is not None else found
    return return_and_correct_aliasing(func, args, kwargs, tree_map_only(Tensor, Elsewhere, found))


def _check(func, tensors: list[Tensor], given: list, is_there: bool) -> None:
    """Fails where the real device would."""
    for generator in (each for each in given if isinstance(each, _REAL)):
        is_theirs = any(generator._cdata == each._cdata for each in _Generators.made)
        if is_theirs is not is_there:
            raise RuntimeError(f"{func}: a generator of the same device was expected")
    if not is_there or func in _CROSSING:
        return
    others = [each for each in tensors if not isinstance(each, Elsewhere)]
    assert not any(each.is_meta for each in others), "a tensor was made past this device"
    mixed = any(each.dim() > 0 for each in others)
    if mixed and not (func in _INDEXING and isinstance(tensors[0], Elsewhere)):
        raise RuntimeError(f"{func}: all tensors were expected to be on the same device")


_REAL = torch.Generator


class _Generator(_REAL):
    """A generator of the other device, with the processor's numbers."""

    @property
    def device(self) -> torch.device:
        return _THERE


class _Generators(_REAL):
    """Makes generators of either device, in place of `torch.Generator`."""

    made: ClassVar[list[_Generator]] = []
    """Of the other: an operation gets them without their class, and knows them by address."""

    def __new__(cls, device: torch.device | str = "cpu") -> torch.Generator:
        if not _is_there(device):
            return _REAL()
        cls.made.append(_Generator())
        return cls.made[-1]


def _as_there(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`torch.tensor` or `torch.as_tensor`, which ask for the device's own memory."""

    def made(data: object, *, device: torch.device | str | None = None, **more: object) -> Tensor:
        if isinstance(data, Tensor) or device is None:
            return make(data, device=device, **more)
        return make(data, device="cpu", **more).to(device)

    return made


_real_autocast = torch.autocast
_real_is_autocast_enabled = torch.is_autocast_enabled


def _autocast(device_type: str, *args: object, **more: object) -> contextlib.AbstractContextManager:
    """As `torch.autocast`; the other device computes in float32 all the same."""
    if _is_there(device_type):
        return contextlib.nullcontext()
    return _real_autocast(device_type, *args, **more)


def _is_autocast_enabled(device_type: str) -> bool:
    return not _is_there(device_type) and _real_is_autocast_enabled(device_type)


@contextlib.contextmanager
def other_device(has_float64: bool = True) -> Iterator[str]:
    """Offers the other device, and yields its name.

    Args:
        has_float64: Whether it has numbers of 64 bits.

    Example:
        >>> with other_device() as name:
        ...     there = torch.ones(2, device=name)
        ...     (there + 1).cpu().tolist()
        [2.0, 2.0]
    """
    with (
        mock.patch.object(torch, "Generator", _Generators),
        mock.patch.object(torch, "tensor", _as_there(torch.tensor)),
        mock.patch.object(torch, "as_tensor", _as_there(torch.as_tensor)),
        mock.patch.object(torch, "autocast", _autocast),
        mock.patch.object(torch, "is_autocast_enabled", _is_autocast_enabled),
        mock.patch.object(torch.accelerator, "synchronize"),
        mock.patch.object(Elsewhere, "lacks_float64", not has_float64),
        _Factories(),
    ):
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            yield NAME
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(False)
            _Generators.made.clear()
