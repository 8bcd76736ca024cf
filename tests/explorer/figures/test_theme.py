"""Colours stay apart for every eye, and subscripts are told apart."""

import itertools
import re

import numpy as np
import pytest

from explorer.figures.theme import (
    PALETTE,
    SYMBOLS,
    class_marker,
    colour_bar,
    latent_unit,
    plain_text,
    subscript,
)
from tests.helpers.paths import ROOT


def test_subscripts_are_all_their_own():
    assert len({subscript(number) for number in range(300)}) == 300
    assert subscript(0) == "₀"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a seven", "a seven"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("%{x} 5%", "&#37;{x} 5&#37;"),
        ('it\'s "so"', 'it\'s "so"'),
    ],
)
def test_a_name_is_neither_markup_nor_a_variable(name, shown):
    assert plain_text(name) == shown


def test_sixty_classes_have_markers_of_their_own():
    count = len(PALETTE) * len(SYMBOLS)
    markers = [(marker["color"], marker["symbol"]) for marker in map(class_marker, range(count))]
    assert len({*markers}) == count
    assert [colour for colour, _ in markers[:10]] == list(PALETTE), "colours first, then symbols"
    assert class_marker(count) == class_marker(0)


def test_an_outlier_does_not_flatten_the_scale():
    values = np.append(np.linspace(0, 1, 999), 1e6)
    scale = colour_bar(values, "KL, nats")
    assert 0 < scale["cmin"] < 0.02 and 0.98 < scale["cmax"] < 1
    assert scale["colorbar"]["title"]["text"] == "KL, nats"


@pytest.mark.parametrize("value", [0.0, 5.0, -3e6])
def test_a_scale_of_one_value_has_two_ends(value):
    scale = colour_bar(np.full(7, value), "")
    assert scale["cmin"] == value < scale["cmax"]


def test_without_a_prior_a_latent_has_no_unit():
    assert latent_unit(True) == "prior standard deviations" and latent_unit(False) == "no unit"


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
