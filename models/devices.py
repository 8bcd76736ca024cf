"""Where tensors are computed: the processor, or a GPU that torch finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the command line starts without torch
    import torch

AUTO = "auto"
CPU = "cpu"
GPUS = {"cuda": "GPU", "mps": "GPU of Apple"}
"""What each is, in words; the first that is there is chosen by `AUTO`."""


def find_device(name: str, is_elsewhere: bool = False) -> str:
    """Finds the device that a user names, and chooses one for "auto".

    Args:
        name: "cpu", "cuda" (also for AMD's), "mps", or "auto": a GPU, else the processor.
        is_elsewhere: Whether it is that of another machine, which chooses and checks it itself.

    Raises:
        ValueError: If there is no such device here.

    Example:
        >>> find_device("cpu"), find_device("auto", is_elsewhere=True)
        ('cpu', 'auto')
    """
    if name not in (AUTO, CPU, *GPUS):
        raise ValueError(f"device must be auto, cpu, cuda or mps, got {name!r:.40}")
    if name == CPU or is_elsewhere:
        return name
    if name == AUTO:
        return next(filter(_is_there, GPUS), CPU)
    if not _is_there(name):
        raise ValueError(f"device must be cpu where torch finds no {GPUS[name]}, got {name!r}")
    return name


def _is_there(name: str) -> bool:
    import torch

    backend = torch.cuda if name == "cuda" else torch.backends.mps
    return backend.is_available()


def device_of(model: Any) -> torch.device:
    """Returns where the weights of a model are; the processor for a model that shows none.

    Example:
        >>> import torch
        >>> device_of(torch.nn.Linear(2, 1)), device_of(object())
        (device(type='cpu'), device(type='cpu'))
    """
    import torch

    weights = model.parameters() if isinstance(model, torch.nn.Module) else iter(())
    return next((each.device for each in weights), torch.device(CPU))


def wait_for(device: torch.device) -> None:
    """Waits until a GPU has done what it was given; the processor does it at once."""
    import torch

    if device.type != CPU:
        torch.accelerator.synchronize()


def finest(device: torch.device) -> torch.dtype:
    """Returns the finest floating-point type of a device: float64, but on GPUs of Apple float32.

    Example:
        >>> import torch
        >>> finest(torch.device("cpu")), finest(torch.device("mps"))
        (torch.float64, torch.float32)
    """
    import torch

    return torch.float32 if device.type == "mps" else torch.float64
