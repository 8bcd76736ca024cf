"""Matrices say their numbers, and turned scores have a line each."""

import numpy as np

from explorer.figures.factors import matrix, turned
from explorer.figures.theme import PALETTE


def test_a_matrix_writes_every_number_with_its_interval():
    figure = matrix(np.array([[0.5, np.nan]]), ["z₁"], ["x", "<b>"])
    assert list(figure.data[0].text[0]) == ["0.50", "—"]
    assert figure.data[0].x[1] == "&lt;b&gt;"
    figure = matrix(np.array([[0.5, 0.25]]), ["z₁"], ["x", "y"], np.array([[0.1, 0.0]]))
    assert list(figure.data[0].text[0]) == ["0.50<br>± 0.10", "0.25<br>± 0.00"]


def test_every_row_of_a_matrix_has_its_height_and_the_first_is_on_top():
    heights = [matrix(np.eye(n), list("abc")[:n], list("xyz")[:n]).layout.height for n in (1, 2, 3)]
    assert np.diff(heights).tolist() == [36, 36]
    low = matrix(np.eye(2), ["a", "b"], ["x", "y"], row_pixels=20)
    assert low.layout.height == heights[1] - 2 * 16
    assert low.layout.yaxis.autorange == "reversed"


def test_each_score_has_a_line_of_its_own():
    scores = {f"score {k}": [0.0, 1.0] for k in range(12)}
    figure = turned([0, 45], scores, 45)
    styles = {(trace.line.color, trace.line.dash) for trace in figure.data}
    assert len(styles) == 12 > len(PALETTE)
    assert figure.layout.shapes[0].x0 == 45
