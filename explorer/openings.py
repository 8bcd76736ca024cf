"""How a model's map looks before anybody has touched it: what is pinned, selected and drawn.

A link, or the first touch, replaces it. Knows no Streamlit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from models.capabilities import Capabilities

FLAT = 2
"""Latents that a map shows without a projection."""


class Opening(NamedTuple):
    """What an untouched map shows.

    Attributes:
        look: As `explorer.map_look` has it.
        pinned: Test images whose codes are pinned, in the order of the walk.
        point: The selected test image.
    """

    look: dict[str, Any] | None = None
    pinned: tuple[int, ...] = ()
    point: int | None = None


NOTHING = Opening()
BY_MODEL = {"mnist-2d-beta-1": Opening({"background": "grid"}, (143, 327), 327)}
"""Of shipped models: a walk from a 1 to a 0, through everything between."""
WITHOUT_PRIOR = Opening({"background": "holes"})
"""Nothing kept the codes together, so the holes between them are what there is to see."""
OF_DRAWS = Opening({"background": "grid"})
"""There are no points, so the decoded images are what there is to see."""
OF_EVERY_BETA = Opening({"posterior": "all"})
"""With all posteriors, so that they are seen to grow with β."""


def opening(name: str, capabilities: Capabilities) -> Opening:
    """Finds how a model's map opens.

    Example:
        >>> from models.capabilities import FAMILIES
        >>> opening("mnist-2d-beta-1", FAMILIES["vae"]).point
        327
    """
    if name in BY_MODEL:
        return BY_MODEL[name]
    if not capabilities.has_prior:
        return WITHOUT_PRIOR
    if capabilities.has_decoder and not capabilities.has_encoder:
        return OF_DRAWS
    return OF_EVERY_BETA if capabilities.betas == "many" else NOTHING


def first_view(latent_dim: int) -> str:
    """Chooses the view that a map opens with: two of many latents show next to nothing.

    Example:
        >>> first_view(2), first_view(20)
        ('raw', 'pca')
    """
    return "raw" if latent_dim <= FLAT else "pca"
