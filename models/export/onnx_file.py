"""A model's encoder and decoder as ONNX files, for runtimes without torch.

The encoder maps `images` (N, C, H, W) in [0, 1] to `mean` and, of a VAE, `log_variance` (N, Z);
the decoder maps `z` (N, Z) to `images`, the decoded means E[x|z]. N is free, all is float32.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

NEEDED = ("onnx", "onnxscript")
INSTALL = f"python -m pip install -r {Path(__file__).with_name('requirements-onnx.txt')}"
BATCH = 3
"""Images that the exporter sees; 1 would be taken for a fixed size."""


class _Encoder(nn.Module):
    """The encoder of a model, as its `forward`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(part for part in self.model.encode(images) if part is not None)


class _Decoder(nn.Module):
    """The decoder of a model, as its `forward`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        return self.model.decode(z)


def onnx_files(model: nn.Module) -> dict[str, bytes]:
    """Makes the ONNX files of a model.

    Args:
        model: With `encode`, `decode` and its `config`, in evaluation mode, of one β.

    Returns:
        The content of the files `encoder` and `decoder`.

    Raises:
        ValueError: If a package that torch needs for this is not installed.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} must be installed to write ONNX files: run {INSTALL}"
        )
    shape = model.config.image_shape
    images = torch.zeros(BATCH, *shape)
    with torch.no_grad():
        codes = _Encoder(model)(images)  # of a VQ-VAE, a grid of them
    return {
        "encoder": _exported(
            _Encoder(model), images, "images", ("mean", "log_variance")[: len(codes)]
        ),
        "decoder": _exported(_Decoder(model), torch.zeros_like(codes[0]), "z", ("images",)),
    }


def _exported(module: nn.Module, given: Tensor, name: str, outputs: Sequence[str]) -> bytes:
    """One function of one array as an ONNX file, with any number of rows."""
    rows: Mapping[int, object] = {0: torch.export.Dim("rows")}
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            module.eval(),
            (given,),
            dynamo=True,
            input_names=[name],
            output_names=[*outputs],
            dynamic_shapes=(rows,),
            verbose=False,
        )
    return _without_notes(program.model_proto).SerializeToString()


def _without_notes(proto: Any) -> Any:
    """The same ONNX model without the exporter's notes, which name files of this machine."""
    graph = proto.graph
    noted = (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for part in (proto, graph, *noted):
        del part.metadata_props[:]
    return proto


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps to itself what the exporter says of its own packages."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logger = logging.getLogger("torch.onnx")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
