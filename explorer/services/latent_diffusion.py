"""Diffusion in the latent plane of a model: trained once for all sessions when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.services.loaded_model import LoadedModel, kept_per_model

if TYPE_CHECKING:  # it imports torch
    from models.training.latent_diffusion import LatentFlow


@kept_per_model(8, "Training a small diffusion model of the codes, a few seconds…")
def flow(model: LoadedModel) -> LatentFlow:
    """Trains a diffusion model of the codes and follows draws from N(0, I) to them."""
    from models.training.latent_diffusion import latent_flow

    return latent_flow(model.codes.mean, model.card.config.model.capabilities.has_prior)
