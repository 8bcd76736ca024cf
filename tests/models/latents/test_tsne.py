"""t-SNE repeats, keeps neighbours together, and refuses what it cannot map."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from models.latents.tsne import tsne


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


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
