"""Colours of codes: all different, similar for similar codes, and light enough to read on."""

import re

import numpy as np
import pytest

from explorer.figures.tokens import code_colours


def numbers(colours):
    return np.array([[float(n) for n in re.findall(r"[\d.]+", colour)] for colour in colours])


@pytest.mark.parametrize("shape", [(32, 8), (1, 1), (5, 1), (300, 2), (2, 40)])
def test_colours_differ_and_are_light(shape):
    vectors = np.random.default_rng(0).normal(size=shape)
    found = numbers(code_colours(vectors))
    assert len(set(code_colours(vectors))) == len(vectors)
    assert found[:, 0].min() >= 0.76


def test_hues_go_round_with_the_codes():
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    hues = numbers(code_colours(np.stack([np.cos(angle), np.sin(angle)], 1)))[:, 2]
    steps = np.diff(hues) % 360
    assert np.allclose(steps, 30) or np.allclose(steps, 330)
