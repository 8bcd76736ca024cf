"""What the tests of settings, data, checkpoints, training, runs and the command line share."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig

ROOT = Path(__file__).parents[2]


def tiny(*, objective=None, training=None, **model) -> RunConfig:
    """A run on the digits that takes a blink: 8 × 8 pixels, a few hundred weights."""
    model = {"image_shape": (1, 8, 8), "hidden": (8, 4)} | model
    training = {"epochs": 2, "batch_size": 64, "warmup_steps": 10} | (training or {})
    return RunConfig(
        "digits",
        ModelConfig(**model),
        ObjectiveConfig(**(objective or {})),
        TrainingConfig(**training),
    )


def assert_sentence(text: str) -> str:
    """The text, once it is known to be one sentence fit for a stranger's screen."""
    assert text and text.isprintable() and len(text) <= 300, text
    ours = re.sub("'[^']*'", "''", text)  # a stranger's names are quoted
    assert ". " not in ours and not text.endswith("."), text
    for private in ("Traceback", str(ROOT), "/tmp", tempfile.gettempdir()):
        assert private not in text, text
    return text


def digest(tensors) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of named tensors."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        total.update(repr((name, value.dtype, tuple(value.shape))).encode())
        total.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def python(*arguments: str, **options) -> subprocess.Popen:
    """A Python process in the project's folder, its output in pipes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **options,
    )  # fmt: skip


def finish(process: subprocess.Popen, timeout: float = 120) -> str:
    """The standard output of a process that must end well."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out
