"""Makes settings of runs that train in a moment, and fingerprints of their weights."""

import hashlib

import torch

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig


def tiny(*, objective=None, training=None, **model) -> RunConfig:
    """Settings of a run on the digits: 8 × 8 pixels, a few hundred weights, two epochs."""
    model = {"image_shape": (1, 8, 8), "hidden": (8, 4)} | model
    training = {"epochs": 2, "batch_size": 64, "warmup_steps": 10} | (training or {})
    return RunConfig(
        "digits",
        ModelConfig(**model),
        ObjectiveConfig(**(objective or {})),
        TrainingConfig(**training),
    )


def digest(tensors) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of named tensors."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        total.update(repr((name, value.dtype, tuple(value.shape))).encode())
        total.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
