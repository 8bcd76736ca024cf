"""Figures: every point is the right one, every axis has its unit, every input is drawable."""

import itertools
import re

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.figures.latent_map import MAX_NAMED, latent_scatter
from explorer.figures.latents import kl_bars
from explorer.figures.theme import PALETTE, subscript
from tests.helpers.paths import ROOT

TITLES = ("z₁ (prior standard deviations)", "z₂ (prior standard deviations)")
RNG = np.random.default_rng(0)


def scatter(count=50, **options):
    positions = RNG.normal(size=(count, 2))
    return positions, latent_scatter(positions, TITLES, **options)


def assert_sendable(figure):
    """What every figure owes: it can be sent, and holds no number that JSON has not."""
    text = figure.to_json(engine="json")
    assert not re.search(r"\b(NaN|Infinity)\b", text)
    for trace in figure.data:
        for name in ("x", "y"):
            assert np.isfinite(np.asarray(trace[name], float)).all()
    assert figure.layout.xaxis.title.text and figure.layout.yaxis.title.text


def assert_points(figure, positions):
    """Each image occurs once, at its own place, with its own number."""
    seen = []
    for trace in figure.data:
        members = np.asarray(trace.customdata)
        assert (np.stack([trace.x, trace.y], 1) == positions[members]).all()
        seen += members.tolist()
    assert sorted(seen) == list(range(len(positions)))


LABELS = np.arange(50) % 4
CASES = {
    "classes": {"labels": LABELS, "class_names": list("abcd")},
    "a class without points": {"labels": LABELS, "class_names": list("abcdef")},
    "one class": {"labels": LABELS * 0, "class_names": ["only"]},
    "more than ten classes": {
        "labels": np.arange(50) % 37,
        "class_names": [f"c{i}" for i in range(37)],
    },
    "very many classes": {"labels": np.arange(50) * 3, "class_names": [str(i) for i in range(999)]},
    "no labels": {},
    "values": {"values": RNG.normal(size=50), "value_title": "KL, nats"},
    "values before labels": {
        "values": RNG.normal(size=50),
        "labels": LABELS,
        "class_names": list("abcd"),
    },
    "equal values": {"values": np.full(50, 7.0), "value_title": "KL, nats"},
    "huge equal values": {"values": np.full(50, 3e12, np.float32), "value_title": "D, nats"},
    "prior": {"prior_centre": np.array([0.5, -1.0])},
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_every_point_is_there_once_and_knows_its_image(options):
    positions, figure = scatter(**options)
    assert_sendable(figure)
    assert_points(figure, positions)


@pytest.mark.parametrize("options", [{}, {"labels": np.zeros(1, int), "class_names": ["a"]}])
def test_a_single_point_is_drawn(options):
    ((x, y),), figure = scatter(1, **options)
    assert_sendable(figure)
    (trace,) = figure.data
    assert (list(trace.x), list(trace.y), list(trace.customdata)) == ([x], [y], [0])
    assert trace.mode == "markers" and trace.marker.size == 8 and trace.marker.opacity > 0


def test_equal_places_are_drawn():
    figure = latent_scatter(np.zeros((9, 2)), TITLES, values=np.zeros(9))
    assert_sendable(figure)
    assert_points(figure, np.zeros((9, 2)))
    assert figure.data[0].marker.cmin < figure.data[0].marker.cmax


def test_axes_keep_their_titles_and_an_equal_scale_where_asked():
    _, figure = scatter()
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == TITLES
    assert figure.layout.yaxis.scaleanchor == "x"
    _, figure = scatter(equal_axes=False)
    assert figure.layout.yaxis.scaleanchor is None


def test_a_number_has_a_colour_bar_with_its_unit_and_one_outlier_does_not_grey_the_rest():
    values = np.arange(50.0)
    values[0] = 1e6
    _, figure = scatter(values=values, value_title="−ELBO, nats")
    marker = figure.data[0].marker
    assert marker.colorbar.title.text == "−ELBO, nats"
    assert (np.asarray(marker.color) == values).all()
    assert np.percentile(values, 1) == marker.cmin
    bulk = latent_scatter(np.zeros((1000, 2)), TITLES, values=np.r_[1e6, np.ones(999)])
    assert bulk.data[0].marker.cmax < 2


def test_classes_are_named_on_the_map_at_their_median():
    positions, figure = scatter(labels=LABELS, class_names=list("abcd"))
    for index, note in enumerate(figure.layout.annotations):
        assert note.text == f"<b>{'abcd'[index]}</b>"
        members = positions[index == LABELS]
        assert [note.x, note.y] == pytest.approx(np.median(members, 0))
    assert len(figure.layout.annotations) == 4
    assert figure.layout.showlegend


def test_very_many_classes_fill_neither_map_nor_legend():
    count = MAX_NAMED + 1
    _, figure = scatter(
        labels=np.arange(50) % count, class_names=[f"class {i}" for i in range(count)]
    )
    assert len(figure.layout.annotations) == 0
    assert not figure.layout.showlegend


def test_a_class_name_is_text_not_markup():
    evil = "<a href='https://example.org'>&x</a>"
    _, figure = scatter(labels=LABELS * 0, class_names=[evil])
    assert "<a" not in figure.data[0].name
    assert figure.layout.annotations[0].text == (
        "<b>&lt;a href='https://example.org'&gt;&amp;x&lt;/a&gt;</b>"
    )


def test_a_class_name_is_no_variable_of_a_template():
    _, figure = scatter(labels=LABELS * 0, class_names=["%{x} and %{customdata}"])
    assert figure.data[0].name == "&#37;{x} and &#37;{customdata}"
    assert figure.layout.hovermode is False and figure.data[0].hovertemplate is None


def test_classes_of_equal_colour_differ_in_shape():
    count = MAX_NAMED * 2
    _, figure = scatter(
        count=count, labels=np.arange(count), class_names=[str(i) for i in range(count)]
    )
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == count


@pytest.mark.parametrize("centre", [(0.0, 0.0), (2.5, -1.0)])
def test_the_priors_circles_have_their_true_radius(centre):
    _, figure = scatter(prior_centre=np.array(centre))
    for radius, shape in enumerate(figure.layout.shapes, start=1):
        assert shape.type == "circle"
        assert (shape.x0 + shape.x1) / 2 == pytest.approx(centre[0])
        assert (shape.y0 + shape.y1) / 2 == pytest.approx(centre[1])
        assert shape.x1 - shape.x0 == shape.y1 - shape.y0 == 2 * radius
        assert f"{radius}σ" in shape.label.text
    assert len(figure.layout.shapes) == 3


@pytest.mark.parametrize("size", [1, 3, 256])
def test_kl_bars_show_the_image_beside_the_mean(size):
    kl, mean = RNG.random(size), RNG.random(size)
    figure = kl_bars(kl, mean)
    assert_sendable(figure)
    bars, marks = figure.data
    assert isinstance(bars, go.Bar)
    assert list(bars.x) == list(marks.x) == list(range(1, size + 1))
    assert list(bars.y) == kl.tolist() and list(marks.y) == mean.tolist()
    assert "nats" in figure.layout.yaxis.title.text and "nats" in bars.hovertemplate


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
    overlay = (ROOT / "explorer" / "browser" / "latent_map" / "layers.js").read_text()
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
