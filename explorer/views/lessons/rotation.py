"""Rotation: what each score says of a perfect code that is turned."""

from __future__ import annotations

from explorer.views.latent_map import rotation


def show() -> None:
    """Turns a code of two latents that are two factors."""
    rotation.of_perfect_code()
