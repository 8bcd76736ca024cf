"""Which β collapses a VAE on a data set's training images, and how sure that is."""

from __future__ import annotations

import contextlib
import functools
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import streamlit as st

from explorer.services.data_sets import load_small, time_of_change
from models.config import RunConfig
from models.data.builtin import default_data_dir
from models.data.image_set import DataError

if TYPE_CHECKING:
    from models.theory.collapse_threshold import CollapseThreshold, PopulationThreshold

_worker = ThreadPoolExecutor(1, "interval")


def threshold(config: RunConfig) -> CollapseThreshold | None:
    """Predicts it for the images themselves; None where no prediction is known for the likelihood,
    or the data set is too large for the server or cannot be read."""
    place = _place(config)
    with contextlib.suppress(DataError):
        return None if place is None else _threshold(*place)
    return None


def population(config: RunConfig) -> Future[PopulationThreshold | None] | None:
    """Estimates it for what the images are a sample of, in the background, for that takes seconds
    for large data sets; None, now or as the result, where `threshold` is None."""
    place = _place(config)
    return None if place is None else _population(*place)


def _place(config: RunConfig) -> tuple[str, str, int, str, float, bool] | None:
    """What it depends on: the images, and the likelihood."""
    from models.theory.collapse_threshold import PREDICTABLE

    model = config.model
    if model.likelihood not in PREDICTABLE or not model.capabilities.has_posterior:
        return None
    sigma = model.sigma if model.likelihood_properties.sigma == "fixed" else 1.0
    images = (config.data, str(default_data_dir()), time_of_change(config.data))
    return *images, model.likelihood, sigma, config.training.binarize


@functools.lru_cache(20)  # Streamlit’s cache takes 0.3 ms to find what is known
@st.cache_resource(max_entries=20, show_spinner="Predicting which β collapses…")
def _threshold(
    name: str, data_dir: str, changed: int, likelihood: str, sigma: float, binarize: bool
) -> CollapseThreshold:
    from models.theory.collapse_threshold import collapse_threshold

    images = load_small(name, "train", data_dir).images
    return collapse_threshold(images, likelihood, sigma, binarize).leading()


@functools.lru_cache(20)
@st.cache_resource(max_entries=20, show_spinner=False)
def _population(
    name: str, data_dir: str, changed: int, likelihood: str, sigma: float, binarize: bool
) -> Future[PopulationThreshold | None]:
    from models.theory.collapse_threshold import population_threshold

    def estimate() -> PopulationThreshold | None:
        with contextlib.suppress(DataError):
            images = load_small(name, "train", data_dir).images
            return population_threshold(images, likelihood, sigma, binarize)
        return None

    return _worker.submit(estimate)
