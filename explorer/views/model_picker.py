"""The choice of a model on pages that need one VAE, and why one cannot be used there."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import streamlit as st

from explorer import state
from explorer.services import adapter_model, catalogue, data_sets
from explorer.services.catalogue import Entry
from explorer.services.loaded_model import LoadedModel
from explorer.views.families import panels
from explorer.widgets import inputs, links
from explorer.widgets.text import plain
from explorer.words import words
from models.storage.tensors import CheckpointError

WITH_IMAGES = "digits-2d-beta-1"
"""Its images are included, so it is there where the default model’s are not."""
WARNED = 3
"""Models that cannot be opened and are named."""


def show(name: str, needs_images: bool = False, small: bool = False) -> LoadedModel | None:
    """Shows a drop-down of every usable model; None, with a message, if there is none.

    Args:
        name: Of the setting that holds the choice.
        needs_images: Whether a model whose test images are here is better than the default one.
        small: Whether a small one of them is better still.
    """
    usable, refused = catalogue.list_models()
    warn(refused)
    say_elsewhere(name)
    if not usable:
        say_none()
        return None
    if needs_images:  # and a network behind the codes
        usable = {one: entry for one, entry in usable.items() if adapter_model.is_whole(one)}
    state.choose(name, list(usable))
    if needs_images and state.is_default(name) and f"{name}-preferred" not in st.session_state:
        chosen = state.get(name)
        first = WITH_IMAGES if small and usable[chosen].shipped else chosen
        _prefer_one_with_images(name, usable, first)
    offered = catalogue.offered(state.get(name), lambda entry: entry.id in usable)
    labels = {name: label(entry) for name, entry in offered.items()}
    return open_model(usable[inputs.select(name, "Model", labels, width=420)])


def open_model(entry: Entry) -> LoadedModel:
    """Opens a model; if its file is damaged, the page begins again without it and says why."""
    try:
        return LoadedModel(entry)
    except CheckpointError:
        st.rerun()


def _prefer_one_with_images(name: str, usable: dict[str, Entry], first: str) -> None:
    """Changes the default model, once, to a VAE of one β whose test images are on this machine."""
    st.session_state[f"{name}-preferred"] = True
    for one in dict.fromkeys([first, WITH_IMAGES, *usable]):
        if one not in usable:
            continue
        capabilities = usable[one].card.config.model.capabilities
        is_fitting = capabilities.has_prior and capabilities.betas == "one"
        if is_fitting and open_model(usable[one]).test_images is not None:
            state.put(**{name: one})
            return


def warn(refused: dict[str, str]) -> None:
    """Reports the models that cannot be opened, by id, each with the reason."""
    for broken, problem in list(refused.items())[:WARNED]:
        sentence = f"The model {broken} cannot be opened: {problem}."
        st.warning(plain(sentence), icon="⚠️")
    if len(refused) > WARNED:
        st.warning(f"{len(refused) - WARNED} more models cannot be opened.", icon="⚠️")


def say_elsewhere(name: str, is_fitting: Callable[[Entry], bool] = catalogue.has_codes) -> None:
    """Says so where a link asks for a model that cannot be shown here, and where it is shown.

    Args:
        name: Of the setting that holds the choice; it is set back.
        is_fitting: Whether a model can be shown here.
    """
    entry = catalogue.without_codes().get(state.get(name) or "")
    if entry is None or is_fitting(entry):
        return
    state.put(**{name: state.SETTINGS[name].default})
    family = words(entry.card.config.model.family)
    sentence = (
        f"“{catalogue.title(entry)}” is not shown here: in a model of the kind {family} an image "
        "has no code z. Another model is shown instead."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(plain(sentence))
        show_way(entry)
        if not entry.shipped:
            links.to("Its curves and scores", f"./train?own={quote(entry.id)}")


def show_way(entry: Entry) -> None:
    """Shows the way to a model: to its map or, where no map can show it, to its panel."""
    capabilities = entry.card.config.model.capabilities
    if capabilities.has_codes:
        links.open_map(entry.id)
    else:
        links.to("See it at work", panels.address(entry.id, capabilities))


def say_none() -> None:
    """Tells a user without any model how to get one."""
    st.info("There is no model yet. Train one in seconds: `python -m models train`")


def label(entry: Entry) -> str:
    """Names a model in a drop-down."""
    return catalogue.title(entry) + ("" if entry.shipped else " (yours)")


def accepts(model: LoadedModel) -> bool:
    """Checks that a model is a VAE that can be built; if not, shows why."""
    capabilities = model.card.config.model.capabilities
    if not capabilities.has_prior:
        kind = "An autoencoder has" if model.is_whole else "Codes without log-variances have"
        st.info(f"{kind} no prior and no rate, so nothing can collapse: choose a VAE.")
    elif capabilities.betas != "one":
        st.info("This page is about VAEs with a single β: choose another model.")
    else:
        with st.spinner("Loading the model…"):
            problem = model.problem
        if not problem:
            return True
        st.error(f"This model cannot be used: {plain(problem)}. Choose another.")
    return False


def missing_images(model: LoadedModel) -> str:
    """Tells why the test images cannot be shown, and what to do."""
    title, name = plain(words(model.card.data_name)), data_sets.missing_download(model.card)
    if not name:
        return (
            f"The originals of {title} are no longer where they were in training, or have changed."
        )
    return (
        f"The originals of {title} are not on this machine. To see them: download {words(name)} "
        f"here or by `python -m models data download {name}`, or set `LATENT_DATA_DIR`."
    )
