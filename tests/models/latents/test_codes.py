"""Codes as arrays: their scores, their storage, the nearest ones, a table."""

import csv
import io

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from models.latents.codes import MAX_CODES, Codes, nearest_codes, to_csv
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
            "codes must have mean, and may have distortion, log_variance, labels and factors",
        ),
        (
            {"colour": np.ones(7)},
            "codes must have mean, and may have distortion, log_variance, labels and factors",
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
