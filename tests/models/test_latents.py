"""Codes and planes, projections and neighbours: inverses, oracles, and codes that collapsed."""

import csv
import io

import numpy as np
import pytest
import torch
from scipy.special import ndtr
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from models.latents.codes import MAX_CODES, Codes, nearest_codes, to_csv
from models.latents.planes import coordinate_plane, pca_plane
from models.latents.samples import draw_codes, grid_codes, prior_grid
from models.latents.tsne import tsne
from models.objectives.distributions import gaussian_kl


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def codes_like(count=7, latent_dim=3, labels=True):
    generator = np.random.default_rng(1)
    return Codes(
        normal(count, latent_dim),
        normal(count, latent_dim, seed=2) - 2,
        generator.uniform(20, 200, count).astype(np.float32),
        generator.integers(0, 10, count) if labels else None,
    )


# Codes


def test_rate_is_the_kl_of_torch():
    codes = codes_like()
    mean, log_variance = torch.tensor(codes.mean), torch.tensor(codes.log_variance)
    expected = gaussian_kl(mean, log_variance)
    np.testing.assert_allclose(codes.rate, expected, rtol=1e-5)
    np.testing.assert_allclose(codes.negative_elbo, codes.distortion + expected.numpy().sum(1))
    assert (len(codes), codes.latent_dim) == (7, 3)


def test_rate_is_never_negative_near_the_prior():
    log_variance = np.geomspace(1e-9, 1, 500, dtype=np.float32)[:, None]
    log_variance = np.concatenate([log_variance, -log_variance])
    rate = Codes(np.zeros_like(log_variance), log_variance, np.zeros(1000), None).rate
    assert rate.min() >= 0 and rate.dtype == np.float32


def test_an_autoencoder_has_no_rate():
    codes = Codes(normal(3, 2), None, np.ones(3), None)
    assert codes.rate is None and codes.negative_elbo is None
    assert set(codes.to_arrays()) == {"mean", "distortion"}


@pytest.mark.parametrize("labels", [True, False])
def test_arrays_give_the_codes_back(labels):
    codes = codes_like(labels=labels)
    arrays = codes.to_arrays()
    assert arrays["mean"].dtype == arrays["log_variance"].dtype == np.float16
    back = Codes.from_arrays(arrays, 3)
    np.testing.assert_allclose(back.mean, codes.mean, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(back.log_variance, codes.log_variance, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(back.distortion, codes.distortion)
    np.testing.assert_array_equal(back.labels, codes.labels)
    kinds = [x.dtype for x in (back.mean, back.log_variance, back.distortion)]
    assert kinds == [np.float32] * 3
    for name, value in back.to_arrays().items():  # stored again, nothing more is lost
        np.testing.assert_array_equal(value, arrays[name])


def test_what_half_precision_cannot_hold_is_stored_in_full():
    mean = np.array([[1e5, -3e38]], np.float32)
    codes = Codes(mean, None, np.ones(1), np.array([70_000]))
    back = Codes.from_arrays(codes.to_arrays(), 2)
    np.testing.assert_array_equal(back.mean, mean)
    assert back.labels.tolist() == [70_000]


SHAPE_OF_MEAN = f"mean must have shape (N, 3) and at most {MAX_CODES} numbers, got "


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"mean": None},
            "codes must have mean and distortion, and may have log_variance and labels",
        ),
        (
            {"distortion": None},
            "codes must have mean and distortion, and may have log_variance and labels",
        ),
        (
            {"colour": np.ones(7)},
            "codes must have mean and distortion, and may have log_variance and labels",
        ),
        ({"mean": np.ones((7, 2))}, SHAPE_OF_MEAN + "(7, 2)"),
        ({"mean": np.ones((0, 3))}, SHAPE_OF_MEAN + "(0, 3)"),
        ({"mean": np.ones(3)}, SHAPE_OF_MEAN + "(3,)"),
        ({"mean": np.broadcast_to(0, (2**21, 3))}, SHAPE_OF_MEAN + "(2097152, 3)"),
        (
            {"log_variance": np.ones((6, 3))},
            "log_variance must have the shape of mean and values within ±80",
        ),
        (
            {"log_variance": np.full((7, 3), -81)},
            "log_variance must have the shape of mean and values within ±80",
        ),
        (
            {"log_variance": np.full((7, 3), np.nan)},
            "log_variance must have the shape of mean and values within ±80",
        ),
        ({"distortion": np.ones(6)}, "distortion must have shape (7,), got (6,)"),
        ({"distortion": np.ones((7, 1))}, "distortion must have shape (7,), got (7, 1)"),
        ({"labels": np.ones(6, int)}, "labels must be 7 whole numbers of at least 0"),
        ({"labels": np.ones(7)}, "labels must be 7 whole numbers of at least 0"),
        ({"labels": np.full(7, -1)}, "labels must be 7 whole numbers of at least 0"),
        ({"labels": np.ones(7, bool)}, "labels must be 7 whole numbers of at least 0"),
    ],
)
def test_arrays_that_are_no_codes(change, sentence):
    arrays = codes_like().to_arrays() | change
    arrays = {name: value for name, value in arrays.items() if value is not None}
    with pytest.raises(ValueError) as refusal:
        Codes.from_arrays(arrays, 3)
    assert str(refusal.value) == sentence


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


# t-SNE


def test_tsne_repeats_and_reports():
    shares = []
    codes = normal(60, 5)
    one = tsne(codes, iterations=50, seed=1, progress=shares.append)
    assert one.shape == (60, 2) and one.dtype == np.float32 and np.isfinite(one).all()
    np.testing.assert_array_equal(one, tsne(codes, iterations=50, seed=1))
    assert shares == sorted(shares) and shares[-1] == 1


def test_tsne_keeps_neighbours_together():
    labels = np.repeat([0, 1, 2], 20)
    codes = normal(60, 4) + 20 * np.eye(4)[labels]
    positions = tsne(codes, perplexity=5, iterations=100)
    pairs = NearestNeighbors(n_neighbors=2).fit(positions).kneighbors(return_distance=False)
    assert (labels[pairs] == labels[:, None]).all()


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
@pytest.mark.parametrize("count", [4, 5, 6, 7, 8, 9, 10, 30])
def test_tsne_of_few_codes_and_of_collapsed_ones(count, latent_dim):
    for codes in (normal(count, latent_dim), np.full((count, latent_dim), 0.3, np.float32)):
        positions = tsne(codes, iterations=20)
        assert positions.shape == (count, 2) and np.isfinite(positions).all()


def test_tsne_of_codes_that_are_mostly_equal():
    codes = np.zeros((40, 2), np.float32)
    codes[0] = 1
    assert np.isfinite(tsne(codes, iterations=20)).all()


def test_what_tsne_refuses():
    with pytest.raises(ValueError, match=r"^t-SNE needs at least 4 points, got 3$"):
        tsne(normal(3, 2))
    for perplexity in (0.5, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"^perplexity must be at least 1 and finite, got "):
            tsne(normal(9, 2), perplexity)


# Grid and neighbours


@pytest.mark.parametrize("side", [1, 2, 15, 64])
def test_cells_of_the_prior_grid_hold_equal_mass(side):
    grid = prior_grid(side)
    assert grid.shape == (side * side, 2) and grid.dtype == np.float32
    mass = ndtr(grid.astype(np.float64)).reshape(side, side, 2)
    centres = (np.arange(side) + 0.5) / side
    for row in range(side):
        np.testing.assert_allclose(mass[row, :, 0], centres, atol=1e-6)  # left to right
        np.testing.assert_allclose(mass[:, row, 1], centres[::-1], atol=1e-6)  # top first
    np.testing.assert_allclose(grid, -grid[::-1], atol=1e-6)


def test_a_grid_has_a_side():
    with pytest.raises(ValueError, match=r"^side must be at least 1, got 0$"):
        prior_grid(0)


def test_grid_codes_of_a_vae_are_the_prior_grid_in_a_plane():
    z = grid_codes(codes_like(latent_dim=4), 2, 0, 5, through=np.full(4, 9.0))
    assert z.shape == (25, 4) and z.dtype == np.float32
    np.testing.assert_array_equal(z[:, [2, 0]], prior_grid(5))
    assert (z[:, [1, 3]] == 9).all()


def test_grid_codes_of_an_autoencoder_have_the_moments_of_its_codes():
    mean = (normal(50, 3) * [1, 10, 0] + [0, 5, 7]).astype(np.float32)
    codes = Codes(mean, None, np.ones(50), None)
    z = grid_codes(codes, 1, 2, 5, through=np.zeros(3))
    expected = prior_grid(5) * mean.std(0)[[1, 2]] + mean.mean(0)[[1, 2]]
    np.testing.assert_allclose(z[:, [1, 2]], expected, rtol=1e-5)


def test_grid_codes_of_one_dimension_are_one_row():
    z = grid_codes(codes_like(latent_dim=1), 0, 0, 6, through=np.zeros(1))
    np.testing.assert_array_equal(z[:, 0], prior_grid(6)[:6, 0])


def test_codes_are_drawn_from_the_prior_or_from_the_fitted_gaussian():
    drawn = draw_codes(codes_like(), 4000, seed=1)
    assert drawn.shape == (4000, 3) and drawn.dtype == np.float32
    np.testing.assert_array_equal(drawn, draw_codes(codes_like(), 4000, seed=1))
    assert (drawn != draw_codes(codes_like(), 4000, seed=2)).any()
    np.testing.assert_allclose(drawn.mean(0), 0, atol=4 / 4000**0.5)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(3), atol=0.1)
    mean = (normal(50, 3) @ [[2, 1, 0], [0, 1, 0], [0, 0, 3]] + [0, 5, 7]).astype(np.float32)
    fitted = draw_codes(Codes(mean, None, np.ones(50), None), 4000, seed=1)
    error = 4 * mean.std(0) / 4000**0.5
    assert (np.abs(fitted.mean(0) - mean.mean(0)) < error).all()
    np.testing.assert_allclose(np.cov(fitted.T), np.cov(mean.T), rtol=0.1, atol=0.3)


@pytest.mark.parametrize("count", [1, 5, 40, 99])
def test_neighbours_against_sklearn(count):
    mean, z = normal(40, 6), normal(6, seed=9)
    nearest, distance = nearest_codes(mean, z, count)
    oracle = NearestNeighbors(n_neighbors=min(count, 40)).fit(mean).kneighbors(z[None])
    np.testing.assert_array_equal(nearest, oracle[1][0])
    np.testing.assert_allclose(distance, oracle[0][0], rtol=1e-5)


def test_a_code_is_its_own_nearest_and_ties_keep_their_order():
    mean = np.array([[0.0, 1.0], [2.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
    nearest, distance = nearest_codes(mean, mean[3], 3)
    assert (nearest.tolist(), distance.tolist()) == ([3, 0, 2], [0.0, 1.0, 1.0])


def test_csv_holds_every_number_and_no_formula():
    generator = np.random.default_rng(0)
    mean, log_variance = generator.normal(size=(2, 5, 3)).astype(np.float32)
    codes = Codes(mean, log_variance, np.arange(5.0), np.array([0, 1, 2, 1, 0]))
    rows = list(
        csv.DictReader(io.StringIO(to_csv(codes, ["=cmd|' /C calc'!A0", "-1", 'a "b", c'])))
    )
    assert [row["class"] for row in rows][:3] == ["'=cmd|' /C calc'!A0", "'-1", 'a "b", c']
    for j in range(3):
        np.testing.assert_allclose([float(r[f"mean_{j + 1}"]) for r in rows], mean[:, j], rtol=1e-5)
        found = [float(row[f"kl_nats_{j + 1}"]) for row in rows]
        np.testing.assert_allclose(found, codes.rate[:, j], rtol=1e-5)
    assert [float(row["distortion_nats"]) for row in rows] == [0, 1, 2, 3, 4]
