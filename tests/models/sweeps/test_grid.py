"""The grid of a sweep: every combination once, or one sentence."""

import itertools
import math
from dataclasses import replace

import pytest

from models.presets import preset
from models.sweeps.grid import grid
from tests.helpers.sentences import assert_sentence


def test_grid_is_every_combination_once():
    config = preset("digits-2d")
    found = grid(replace(config, training=replace(config.training, seed=5)), [1, 0.1], 2, [2, 10])
    expected = itertools.product([2, 10], [5, 6], [1.0, 0.1])
    assert [(c.model.latent_dim, c.training.seed, c.objective.beta) for c in found] == [*expected]
    assert {replace(c.objective, beta=1.0) for c in found} == {config.objective}


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (([],), "betas must be one or more different values"),
        (([1.0, 1.0],), "betas must be one or more different values, got [1.0, 1.0]"),
        (([1.0], 0), "seeds must be at least 1, got 0"),
        (([1.0], 1, [2, 2]), "latent_dims must be one or more different values"),
        (([1.0, -1.0],), "beta must be at least 0, got -1"),
        (([1.0, math.nan],), "beta must be finite"),
        (([1.0], 1, [0]), "latent_dim must be at least 1, got 0"),
        (([1.0], 1001), "a sweep must have at most 1000 runs, got 1001"),
    ],
)
def test_grid_refuses_in_one_sentence(arguments, phrase):
    with pytest.raises(ValueError) as caught:
        grid(preset("digits-2d"), *arguments)
    assert phrase in assert_sentence(str(caught.value))


def test_an_autoencoder_has_no_beta_to_vary():
    with pytest.raises(ValueError, match="family must be vae in a sweep over beta") as caught:
        grid(preset("digits-ae"), [1.0, 2.0])
    assert_sentence(str(caught.value))
