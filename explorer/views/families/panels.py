"""Which kinds of models have a panel, and where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from models.capabilities import Capabilities


class Panel(NamedTuple):
    """A kind of model: its name, which families it is of, and the module whose `show(model)` shows
    a `LoadedModel` of it."""

    name: str
    is_of: Callable[[Capabilities], bool]
    module: str


PANELS = {
    "vae": Panel(
        "Autoencoder and VAE",
        lambda c: c.latent == "gaussian" and c.has_encoder,
        "explorer.views.families.vae_panel",
    ),
    "vq": Panel(
        "VQ-VAE",
        lambda c: c.latent == "tokens",
        "explorer.views.families.vq_panel",
    ),
    "gan": Panel(
        "GAN",
        lambda c: c.latent == "gaussian" and not c.has_encoder,
        "explorer.views.families.gan_panel",
    ),
    "ddpm": Panel(
        "Diffusion",
        lambda c: c.latent == "noise image",
        "explorer.views.families.ddpm_panel",
    ),
}
"""By the key in links; the setting `seen-KEY` holds the model that a panel shows."""


def address(name: str, capabilities: Capabilities) -> str:
    """The address of the panel that shows a model, relative to the page; of the page if none does.

    Args:
        name: Id of the model.
        capabilities: Of its family.
    """
    key = next((key for key, panel in PANELS.items() if panel.is_of(capabilities)), None)
    return f"./families?see={key}&seen-{key}={quote(name)}" if key else "./families"
