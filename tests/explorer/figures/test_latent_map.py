"""The latent map: every point once, classes by name and shape, circles of the prior."""

import re

import numpy as np
import pytest

from explorer.figures.latent_map import MAX_NAMED, latent_scatter

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
