"""Attribute directions: where they point, and how far chance could have turned them."""

import numpy as np
import pytest

from models.latents.directions import attribute_direction, traversal


def clouds(count, angle=30.0, spread=0.5, dim=2, seed=0):
    """Two classes whose true means are 2 apart in the direction of an angle of latents 1 and 2."""
    random = np.random.default_rng(seed)
    codes = spread * random.normal(size=(2 * count, dim))
    shift = np.zeros(dim)
    shift[:2] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    codes[:count] -= shift
    codes[count:] += shift
    return codes, np.repeat([0, 1], count)


def test_the_direction_is_the_difference_of_the_means():
    codes, labels = clouds(200, dim=5)
    found = attribute_direction(codes, labels, 1, 0)
    np.testing.assert_allclose(found.vector, codes[200:].mean(0) - codes[:200].mean(0))
    np.testing.assert_allclose(found.start + found.vector, codes[200:].mean(0))
    back = attribute_direction(codes, labels, 0, 1)
    np.testing.assert_allclose(back.vector, -found.vector)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """95 % of 200 trials, give or take."""
    hits = 0
    for seed in range(200):
        found = attribute_direction(*clouds(60, seed=seed), 1, 0, seed=seed)
        hits += found.low <= 30 <= found.high
    assert 180 <= hits <= 198


def test_the_interval_is_that_of_the_formula_for_small_angles():
    """The angle's standard error is that of the mean across the direction, over its length."""
    found = attribute_direction(*clouds(400), 1, 0)
    expected = 2 * 1.96 * np.degrees(0.5 * np.sqrt(2 / 400) / 2)
    assert found.high - found.low == pytest.approx(expected, rel=0.15)
    assert found.cone == pytest.approx(expected / 2, rel=0.15)


def test_an_interval_around_180_degrees_is_one_piece():
    found = attribute_direction(*clouds(100, angle=180.0), 1, 0)
    assert found.low < found.angle < found.high and found.high - found.low < 20


def test_classes_that_are_alike_have_no_direction_to_speak_of():
    codes, _ = clouds(100)
    labels = np.arange(200) % 2
    assert attribute_direction(codes, labels, 1, 0).cone > 30


def test_the_same_seed_gives_the_same_interval():
    first, again = (attribute_direction(*clouds(50), 1, 0, seed=4) for _ in range(2))
    assert (first.low, first.high, first.cone) == (again.low, again.high, again.cone)


def test_the_angle_is_that_in_the_plane_of_the_axes():
    codes, labels = clouds(200, angle=30.0, dim=3)
    turn = np.radians(20)
    axes = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0]])
    straight, turned = (attribute_direction(codes, labels, 1, 0, each) for each in (None, axes))
    assert turned.angle == pytest.approx(straight.angle - 20)
    assert turned.low == pytest.approx(straight.low - 20) and turned.cone == straight.cone


def test_one_latent_has_a_direction_and_no_angle():
    found = attribute_direction(np.array([[0.0], [1.0], [4.0]]), np.array([0, 0, 1]), 1, 0)
    assert found.vector == pytest.approx([3.5]) and np.isnan(found.angle)


@pytest.mark.parametrize(
    ("plus", "minus", "sentence"), [(1, 1, "two different classes"), (2, 0, "one without")]
)
def test_what_has_no_direction(plus, minus, sentence):
    with pytest.raises(ValueError, match=sentence):
        attribute_direction(*clouds(10), plus, minus)


def test_a_traversal_moves_one_latent():
    codes = traversal(np.array([1.0, 2.0, 3.0]), 1, np.array([-1.0, 0.0, 1.0]))
    assert codes.tolist() == [[1, -1, 3], [1, 0, 3], [1, 1, 3]]
