"""What the Train form asks for: its fields, what a preset fills in, and the run that comes of it.

The fields are the settings of a run that name a group (`models.config`), in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from explorer.services import data_sets
from models.capabilities import FAMILIES, LIKELIHOODS
from models.config import RUN_SETTINGS, RunConfig, override
from models.data.builtin import TORCHVISION
from models.data.custom_images import fitting_batch
from models.data.library import is_id
from models.presets import PRESETS
from models.settings import Description, from_text, to_text

FIELDS: list[Description] = [item for item in RUN_SETTINGS.values() if item.group]
"""The fields of the form."""


class DataSize(NamedTuple):
    """How many images a data set has to train and to test, and their shape (C, H, W)."""

    train: int
    test: int
    image_shape: tuple[int, int, int]


_LIKE_MNIST = DataSize(60_000, 10_000, (1, 28, 28))
BUILT_IN = {
    "digits": DataSize(1297, 500, (1, 8, 8)),
    "sprites": DataSize(8000, 2000, (1, 16, 16)),
    "sprites-colour": DataSize(8000, 2000, (3, 16, 16)),
    **dict.fromkeys(TORCHVISION, _LIKE_MNIST),
}
"""Of the built-in sets, known without loading them."""


def groups() -> dict[str, list[Description]]:
    """Returns the fields by the heading under which they are shown.

    Example:
        >>> [item.name for item in groups()["Objective"]]
        ['likelihood', 'sigma', 'stabiliser', 'beta', 'kl_warmup_steps']
    """
    titles = dict.fromkeys(item.group for item in FIELDS)
    return {title: [item for item in FIELDS if item.group == title] for title in titles}


def data_size(name: str) -> DataSize:
    """Returns how many images a data set has, and their shape.

    Raises:
        ValueError: If a set of the user's own was removed.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    info = data_sets.custom_sets().get(name)
    if info is None:
        raise ValueError("the data set must be in the list, got one that was removed")
    return DataSize(info.train, info.count - info.train, info.image_shape)


def batch_size(preset: str, data: str) -> int:
    """Returns the batch size of a preset, or less where a set of the user's own is small."""
    wanted = PRESETS[preset].training.batch_size
    return fitting_batch(wanted, data_size(data).train) if is_id(data) else wanted


def preset_value(preset: str, name: str, data: str | None = None) -> Any:
    """Returns what a preset fills into a field; a list is written as text.

    Args:
        preset: Its name.
        name: Of the setting.
        data: The data set, if it is not the preset's.

    Example:
        >>> preset_value("digits-2d", "hidden"), preset_value("digits-linear", "hidden")
        ('128,64', 'none')
    """
    if name == "batch_size":
        return batch_size(preset, data or PRESETS[preset].data)
    return to_text(PRESETS[preset].get(name))


def matters(name: str, family: str, likelihood: str) -> bool:
    """Tells whether a setting changes anything in a model of this family and likelihood.

    A network that its family determines is no choice.

    Example:
        >>> matters("beta", "multirate", "bernoulli"), matters("sigma", "vae", "gaussian")
        (False, True)
    """
    capabilities = FAMILIES[family]
    matter = {
        "beta": capabilities.betas == "one",
        "kl_warmup_steps": capabilities.betas != "none",
        "network": capabilities.latent == "gaussian",
        "latent_dim": capabilities.latent != "noise image",
        "likelihood": capabilities.has_likelihood,
        "stabiliser": not capabilities.has_likelihood and capabilities.players > 1,
        "sigma": capabilities.has_likelihood and LIKELIHOODS[likelihood].reads_sigma,
    }
    return matter.get(name, True)


def plan(preset: str, chosen: Mapping[str, Any]) -> RunConfig:
    """Makes the settings of a run: those of a preset, except for what was chosen.

    Pixels are drawn as 0 or 1 only if the likelihood is binary. On a small data set of the user's
    own the batch is smaller, unless its size was chosen.

    Args:
        preset: Its name.
        chosen: Values by the names of settings, lists as text; what is None or does not matter
            is passed over.

    Raises:
        ValueError: If a value is outside its limits, the network does not fit the images, or a
            batch is larger than the data set.

    Example:
        >>> plan("digits-2d", {"beta": 4.0, "hidden": "32"}).model.hidden
        (32,)
        >>> plan("digits-2d", {"hidden": "wide"})
        Traceback (most recent call last):
        ValueError: hidden must be whole numbers like 512,256 or none, got 'wide'
    """
    start = PRESETS[preset]
    likelihood = chosen.get("likelihood") or start.model.likelihood
    changes = {
        name: from_text(name, value) if RUN_SETTINGS[name].kind is tuple else value
        for name, value in chosen.items()
        if value is not None and matters(name, start.model.family, likelihood)
    }
    data = changes.get("data", start.data)
    images = data_size(data)
    changes["image_shape"] = images.image_shape
    changes.setdefault("batch_size", batch_size(preset, data))
    can_binarize = start.model.capabilities.has_likelihood and LIKELIHOODS[likelihood].is_binary
    changes["binarize"] = start.training.binarize and can_binarize
    config = override(start, **changes)
    config.total_steps(images.train)
    return config
