"""The rate–distortion plane: the line of the predicted collapse."""

import numpy as np
import pytest

from explorer.figures.rate_distortion import rate_distortion_plane

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
