"""Settings that suit the machine: precision by its instructions, threads and layout by the clock.

They are chosen once, before a run is made, and recorded with it. Whatever trains the run later
computes as it began, for another number of threads or another layout changes the last bits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn

from models.config import LAYOUTS, RunConfig, override
from models.devices import CPU
from models.engines.system import cores
from models.training.rehearsal import MOST_IMAGES, Rehearsal, timings

BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""Of x86 and of ARM, as torch calls them."""
LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
"""Whose products count."""
FEWEST_OPERATIONS = 3e8
"""Of a step, below which bfloat16 gains nothing: conversions take longer than the products gain."""
WORTH_IT = 0.9
"""Part of the time of the simpler choice that another must stay below to be taken."""
TRIAL_SECONDS = 0.25
"""For threads, and again for the layout."""
STEP_SECONDS = 0.03
"""A step that would take longer is tried with fewer images."""


def has_bfloat16(device: str = "cpu") -> bool:
    """Tells whether a device computes in bfloat16 itself; where that cannot be read, it does not.

    Args:
        device: "cpu", "cuda" or "mps".
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device != CPU:  # nobody says so
        return False
    if not torch.backends.mkldnn.is_available():  # what has the kernels
        return False
    try:
        known = torch.cpu.get_capabilities()
    except (AttributeError, RuntimeError):  # an older torch, or a processor it does not know
        return False
    return any(known.get(name, False) for name in BFLOAT16_INSTRUCTIONS)


def operations(config: RunConfig) -> float:
    """Counts the floating-point operations of the layers in a step: three times those forward.

    Example:
        >>> from models.presets import preset
        >>> [round(operations(preset(name)) / 1e6) for name in ("digits-2d", "mnist-2d")]
        [13, 371]
    """
    rehearsal, products = Rehearsal(config, most_images=1), []

    def count(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        ends = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        products.append(ends.numel() * layer.weight[0].numel())

    for layer in rehearsal.training.model.modules():
        if isinstance(layer, LAYERS):
            layer.register_forward_hook(count)
    rehearsal.make_step()  # of one image: on the meta device, torch would load its compiler
    return 3.0 * 2 * sum(products) * config.training.batch_size


def choose_precision(config: RunConfig, device: str = "cpu") -> str:
    """Chooses bfloat16 where the device has it and a step is large enough to gain by it."""
    gains = has_bfloat16(device) and operations(config) >= FEWEST_OPERATIONS
    return "bfloat16" if gains else "float32"


def choose(config: RunConfig, names: Collection[str], device: str = "cpu") -> RunConfig:
    """Chooses settings for this machine.

    Args:
        config: Of a run, fitted to its data.
        names: Which to choose, of precision, threads and layout; the others stay.
        device: "cpu", "cuda" or "mps".

    Example:
        >>> from models.presets import preset
        >>> choose(preset("digits-2d"), ["precision"]).training.precision
        'float32'
    """
    if "precision" in names:
        config = override(config, precision=choose_precision(config, device))
    if "threads" in names:
        counts = thread_counts(cores()) if device == CPU else [1]
        config = fastest([override(config, threads=count) for count in counts], device)
    if "layout" in names and config.model.network == "conv":
        config = fastest([override(config, layout=layout) for layout in LAYOUTS], device)
    return config


def thread_counts(most: int) -> list[int]:
    """Lists the numbers of threads that are tried: doubled each time, and all processors.

    Example:
        >>> thread_counts(1), thread_counts(6)
        ([1], [1, 2, 4, 6])
    """
    most = min(most, 256)
    return [*(2**power for power in range((most - 1).bit_length())), most]


def fastest(configs: Sequence[RunConfig], device: str = "cpu") -> RunConfig:
    """Times a step of each, and returns the first unless another is clearly faster.

    Args:
        configs: The simplest first.
        device: "cpu", "cuda" or "mps".
    """
    if len(configs) == 1:
        return configs[0]
    before = torch.get_num_threads()
    try:
        images = _images_in_time(configs[0], device)
        rehearsals = [Rehearsal(config, device, images) for config in configs]
        rounds = timings([each.make_step for each in rehearsals], TRIAL_SECONDS)
    finally:
        torch.set_num_threads(before)
    seconds = [min(times) for times in rounds]
    best = min(range(len(configs)), key=seconds.__getitem__)
    return configs[best if seconds[best] < WORTH_IT * seconds[0] else 0]


def _images_in_time(config: RunConfig, device: str) -> int:
    """How many images a step may have so that a trial stays short."""
    few = min(16, config.training.batch_size)
    ((seconds, *_),) = timings([Rehearsal(config, device, few).make_step], 0.0)
    return max(few, min(MOST_IMAGES, int(few * STEP_SECONDS / seconds)))
