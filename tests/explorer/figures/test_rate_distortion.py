"""The rate–distortion plane: the line of the predicted collapse, and labels that can be read."""

import numpy as np
import pytest

from explorer.figures.rate_distortion import _box, _overlap, place_labels, rate_distortion_plane

POINTS = [("a", "one", 1.0, 20.0, 0.1, 3.0, 0.1), ("b", "two", 4.0, 27.0, 0.1, 0.0, 0.1)]


def test_the_predicted_collapse_is_a_line_of_slope_minus_beta_from_the_collapsed_model():
    figure = rate_distortion_plane(POINTS, collapsed=27.2, threshold=3.35)
    (line,) = [trace for trace in figure.data if "slope −β*" in (trace.name or "")]
    assert (line.x[0], line.y[0]) == (0, 27.2) and "3.35" in line.name
    assert np.diff(line.y) / np.diff(line.x) == pytest.approx(-3.35)
    assert min(line.y) == pytest.approx(20.0)


def test_without_a_prediction_there_is_no_line():
    for given in ({"collapsed": 27.2}, {"threshold": 3.35}):
        names = [trace.name for trace in rate_distortion_plane(POINTS, **given).data]
        assert not any("β*" in name for name in names)


@pytest.mark.parametrize("seed", range(5))
def test_no_label_covers_another(seed):
    draw = np.random.default_rng(seed)
    places = [tuple(place) for place in draw.uniform(0, 120, (30, 2))]
    texts = [f"β = {beta:.3g}" for beta in draw.uniform(0, 100, 30)]
    labels, sides = place_labels(places, texts)
    boxes = [
        _box(*place, label, side)
        for place, label, side in zip(places, labels, sides, strict=True)
        if label
    ]
    assert 1 < len(boxes) < 30
    for i, one in enumerate(boxes):
        assert not any(_overlap(one, other) for other in boxes[:i])


def test_labels_that_have_room_stand_at_the_upper_right():
    labels, sides = place_labels([(0, 0), (200, 0), (0, 200)], ["a", "b", "c"])
    assert (labels, sides) == (["a", "b", "c"], ["top right"] * 3)


def test_two_runs_in_one_place_have_labels_apart():
    """Else β = 4 over β = 0.5 reads 4.5."""
    run = ("a", "VAE", 4.0, 20.0, 0.1, 3.0, 0.1)
    figure = rate_distortion_plane([run, ("b", "VAE", 0.5, 20.01, 0.1, 3.01, 0.1)], collapsed=27.0)
    assert list(figure.data[0].text) == ["β = 4", "β = 0.5"]
    assert list(figure.data[0].textposition) == ["bottom right", "top right"]
    assert list(figure.data[0].customdata) == ["a", "b"], "both can be clicked"
