"""Colours stay apart for every eye, and subscripts are told apart."""

import itertools
import re

import numpy as np
import pytest

from explorer.figures.theme import PALETTE, subscript
from tests.helpers.paths import ROOT


def test_subscripts_are_all_their_own():
    assert len({subscript(number) for number in range(300)}) == 300
    assert subscript(0) == "₀"


def lab(colours, simulation=None):
    """CIE L*a*b* (D65) of hexadecimal colours, as seen through a linear-light matrix."""
    code = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    if simulation is not None:
        linear = (linear @ np.array(simulation).T).clip(0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(to_xyz).T / [0.9505, 1.0, 1.089]
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


# Machado, Oliveira & Fernandes, A Physiologically-based Model for Simulation of Color Vision
# Deficiency, 2009, severity 1
SIGHT = {
    "usual": None,
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def test_lightness_and_hue_of_known_colours():
    """sRGB under D65: white is 100, black 0, and red lies at (53.24, 80.09, 67.20)."""
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]]
    np.testing.assert_allclose(lab(["#ffffff", "#000000", "#ff0000"]), expected, atol=0.05)


def selected_colour():
    """The colour of the ring around the selected point, as the browser draws it."""
    overlay = (ROOT / "explorer" / "browser" / "scatter" / "shapes.js").read_text()
    (colour,) = re.findall(r'SELECTED = "(#[0-9a-f]{6})"', overlay)
    return colour


@pytest.mark.parametrize("simulation", SIGHT.values(), ids=SIGHT.keys())
def test_colours_stay_apart_for_every_sight(simulation):
    """A difference of 2.3 is just noticeable; the selected point must stand out from all."""
    points = lab([*PALETTE, selected_colour()], simulation)
    distances = {
        (i, j): np.linalg.norm(points[i] - points[j])
        for i, j in itertools.combinations(range(len(points)), 2)
    }
    assert min(distances.values()) > 5
