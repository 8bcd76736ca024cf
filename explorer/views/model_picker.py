"""The choice of a model on pages that need one VAE, and why one cannot be used there."""

from __future__ import annotations

import streamlit as st

from explorer.services import cache
from explorer.services.cache import Entry
from explorer.widgets import inputs
from models.storage.checkpoint import Checkpoint


def show(name: str) -> Entry | None:
    """A drop-down of every usable model; None, which is then said, if there is none.

    Args:
        name: Of the setting that holds the choice.
    """
    usable, refused = cache.catalogue()
    for broken, problem in refused.items():
        sentence = f"The model {broken} cannot be opened: {problem}."
        st.warning(inputs.plain(sentence), icon="⚠️")
    if not usable:
        st.info("There is no model yet. Train one in seconds: `python -m models train`")
        return None
    labels = {
        model: cache.title(entry) + ("" if entry.shipped else " (yours)")
        for model, entry in usable.items()
    }
    return usable[inputs.select(name, "Model", labels, width=420)]


def accepts(checkpoint: Checkpoint) -> bool:
    """Whether it is a VAE that can be built; if not, that is said."""
    capabilities = checkpoint.card.config.model.capabilities
    if not capabilities.has_prior:
        st.info("An autoencoder has no prior and no rate, so nothing can collapse: choose a VAE.")
    elif capabilities.betas != "one":
        st.info("This page is about VAEs of a single β: choose another model.")
    else:
        with st.spinner("Loading the model…"):
            problem = cache.problem(checkpoint)
        if not problem:
            return True
        st.error(f"This model cannot be used: {inputs.plain(problem)}. Choose another.")
    return False
