"""Planes through the latent space: projection, PCA, coordinates."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from models.latents.planes import coordinate_plane, draw_corners, pca_plane, plane_through


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# Planes


def planes(mean):
    last = mean.shape[1] - 1
    return {
        "pca": pca_plane(mean),
        "coordinates": coordinate_plane(mean, 0, last),
        "through": coordinate_plane(mean, last, 0, through=mean[2]),
    }


@pytest.mark.parametrize("name", ["pca", "coordinates", "through"])
@pytest.mark.parametrize("latent_dim", [2, 3, 20])
def test_project_is_the_inverse_of_lift(latent_dim, name):
    plane = planes(normal(30, latent_dim))[name]
    u = normal(11, 2, seed=5)
    lifted = plane.lift(u)
    assert lifted.shape == (11, latent_dim)
    np.testing.assert_allclose(plane.project(lifted), u, atol=1e-5)
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-6)


@pytest.mark.parametrize("latent_dim", [2, 3, 20])
def test_lift_after_project_is_the_nearest_point_of_the_plane(latent_dim):
    mean = normal(30, latent_dim)
    plane = pca_plane(mean)
    residual = mean - plane.lift(plane.project(mean))
    np.testing.assert_allclose(residual @ plane.axes.T, 0, atol=1e-5)
    if latent_dim == 2:
        np.testing.assert_allclose(residual, 0, atol=1e-5)


@pytest.mark.parametrize("latent_dim", [2, 3, 20])
def test_pca_against_sklearn(latent_dim):
    mean = normal(50, latent_dim) * np.linspace(1, 3, latent_dim, dtype=np.float32) + 5
    oracle = PCA(2).fit(mean)
    plane = pca_plane(mean)
    np.testing.assert_allclose(np.abs(plane.axes @ oracle.components_.T), np.eye(2), atol=1e-4)
    np.testing.assert_allclose(plane.explained, oracle.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(plane.project(mean).mean(0), 0, atol=1e-5)


def test_pca_of_one_dimension_is_a_flat_line():
    mean = normal(9, 1)
    plane = pca_plane(mean)
    u = plane.project(mean)
    assert plane.explained.tolist() == [1, 0] and not u[:, 1].any()
    np.testing.assert_allclose(plane.lift(u), mean, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_pca_of_collapsed_codes(count, latent_dim):
    """All codes equal: they lie at the origin of a plane that explains nothing."""
    plane = pca_plane(np.full((count, latent_dim), 0.3, np.float32))
    assert plane.explained.tolist() == [0, 0]
    np.testing.assert_allclose(plane.project(np.full((1, latent_dim), 0.3)), 0, atol=1e-6)
    assert np.isfinite(plane.lift(normal(4, 2))).all()


def test_a_coordinate_plane_moves_its_two_dimensions_and_no_other():
    mean = normal(30, 4)
    through = mean[5].copy()
    plane = coordinate_plane(mean, 3, 1, through)
    u = normal(6, 2, seed=3)
    lifted = plane.lift(u)
    np.testing.assert_array_equal(lifted[:, [3, 1]], u)
    np.testing.assert_array_equal(lifted[:, [0, 2]], np.tile(through[[0, 2]], (6, 1)))
    np.testing.assert_array_equal(plane.lift(plane.project(through[None])), through[None])
    np.testing.assert_array_equal(through, mean[5])  # the caller's array is left alone
    share = mean.var(0) / mean.var(0).sum()
    np.testing.assert_allclose(plane.explained, share[[3, 1]], rtol=1e-5)


def test_coordinate_planes_at_the_edges():
    flat = coordinate_plane(normal(5, 1), 0, 0)
    np.testing.assert_array_equal(flat.project(np.array([[2.0]])), [[2, 0]])
    assert flat.explained.tolist() == pytest.approx([1, 0])
    assert coordinate_plane(np.ones((5, 3)), 0, 1).explained.tolist() == [0, 0]
    for x, y in ((3, 0), (0, 3), (-1, 0), (0, -1)):
        with pytest.raises(ValueError) as refusal:
            coordinate_plane(normal(5, 3), x, y)
        assert str(refusal.value) == f"x and y must be dimensions 0 to 2, got {x} and {y}"


# Draws


@pytest.mark.parametrize("latent_dim", [3, 16, 784])
def test_three_draws_are_orthogonal_and_as_long_as_draws_are(latent_dim):
    corners = draw_corners(latent_dim, seed=1)
    assert np.allclose(corners @ corners.T, latent_dim * np.eye(3))
    assert np.array_equal(corners, draw_corners(latent_dim, seed=1))
    assert not np.allclose(corners, draw_corners(latent_dim, seed=2))
    drawn = np.random.default_rng(1).standard_normal((latent_dim, 3)).T
    assert (drawn * corners).sum(1).min() > 0, "each points to where its draw does"


def test_two_latents_have_no_three_orthogonal_draws():
    with pytest.raises(ValueError, match="at least 3 latents, got 2"):
        draw_corners(2, seed=0)


def test_the_plane_through_three_points_holds_them():
    points = normal(3, 7)
    plane = plane_through(points)
    assert np.allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-6)
    assert np.allclose(plane.lift(plane.project(points)), points, atol=1e-5)
    assert np.allclose(plane.project(points).mean(0), 0, atol=1e-6)
    across = plane.project(points[1:2]) - plane.project(points[:1])
    assert across[0, 0] == pytest.approx(np.linalg.norm(points[1] - points[0]), rel=1e-5)
    assert across[0, 1] == pytest.approx(0, abs=1e-5)
