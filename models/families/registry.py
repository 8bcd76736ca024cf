"""Builds models from their settings and limits their size; `models.capabilities` lists families."""

from __future__ import annotations

import torch
from torch import nn

from models.capabilities import load_class
from models.config import ModelConfig

MAX_PARAMETERS = 10_000_000


def describe(config: ModelConfig) -> nn.Module:
    """Describes a model without memory: names, shapes and dtypes of its tensors (meta device).

    Raises:
        ValueError: If it would have more than `MAX_PARAMETERS` parameters.

    Example:
        >>> describe(ModelConfig()).decoder.layers[0].weight.device.type
        'meta'
    """
    with torch.device("meta"):
        model = load_class(config.capabilities.model)(config)
    count = count_parameters(model)
    if count > MAX_PARAMETERS:
        raise ValueError(
            f"the model must have at most {MAX_PARAMETERS:,} parameters, got {count:,}: "
            "choose smaller hidden layers"
        )
    return model


def build_model(config: ModelConfig, seed: int = 0) -> nn.Module:
    """Builds the model that a config describes, its weights drawn from `seed`.

    Raises:
        ValueError: If it would have more than `MAX_PARAMETERS` parameters.

    Example:
        >>> model = build_model(ModelConfig(latent_dim=20, hidden=(400,)))
        >>> count_parameters(model)
        652824
    """
    describe(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return load_class(config.capabilities.model)(config)


def count_parameters(model: nn.Module) -> int:
    """Counts the trainable numbers of a model."""
    return sum(parameter.numel() for parameter in model.parameters())
