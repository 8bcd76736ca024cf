"""Planes of noise images and walks between two: they keep what noise is."""

import numpy as np
import pytest

from models.latents.noise_plane import draw_noise, plane_noise, slerp


def test_more_noise_begins_with_the_same():
    assert np.array_equal(draw_noise(5, (1, 8, 8), 3)[:2], draw_noise(2, (1, 8, 8), 3))
    assert not np.array_equal(draw_noise(1, (1, 8, 8), 3), draw_noise(1, (1, 8, 8), 4))


def test_the_corners_lie_at_their_places():
    corners = draw_noise(3, (1, 8, 8), 0)
    places = np.array([[0, 0], [1, 0], [0, 1]])
    assert np.allclose(plane_noise(corners, places), corners)


@pytest.mark.parametrize("place", [(0.5, 0), (1 / 3, 1 / 3), (-0.5, 1.5), (1.5, 1.5), (0.2, -0.4)])
def test_every_place_of_the_plane_is_a_draw(place):
    """Over many planes: mean 0, variance 1; what is between two corners has not half of it."""
    corners = draw_noise(3 * 4000, (1, 8, 8), 1).reshape(3, 4000, 64)
    found = plane_noise(corners, np.array([place]))[0]
    assert abs(found.mean()) < 0.01 and found.var() == pytest.approx(1, abs=0.02)


def test_an_arc_has_its_ends_even_angles_and_length_in_between():
    a, b = np.array([3.0, 0, 0, 0]), np.array([1.5, np.sqrt(6.75), 0, 0])  # 60 degrees, length 3
    walk = slerp(a, b, 7)
    assert np.allclose(walk[[0, -1]], [a, b], atol=1e-6)
    assert np.allclose(np.linalg.norm(walk, axis=1), 3, atol=1e-5)
    turns = np.degrees(np.arccos((walk[1:] * walk[:-1]).sum(1) / 9))
    assert np.allclose(turns, 10, atol=0.01)


def test_an_arc_between_noise_images_is_as_long_as_noise_and_a_line_is_not():
    a, b = draw_noise(2, (1, 32, 32), 0)
    middle = slerp(a, b, 3)[1]
    assert middle.std() == pytest.approx(1, abs=0.05)
    assert ((a + b) / 2).std() == pytest.approx(np.sqrt(0.5), abs=0.05)


@pytest.mark.parametrize("other", [1.0, 2.0, -1.0, 0.0])
def test_without_one_arc_it_is_the_line(other):
    a = draw_noise(1, (1, 8, 8), 0)[0]
    walk = slerp(a, other * a, 3)
    assert np.isfinite(walk).all() and np.allclose(walk[1], (1 + other) / 2 * a, atol=1e-6)
