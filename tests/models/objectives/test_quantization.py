"""Vector quantisation against brute force, and the gradient that passes it untouched."""

import pytest
import torch

from models.objectives.quantization import k_means, nearest_codes, perplexity, straight_through

assert_close = torch.testing.assert_close


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("count", "codes", "width"), [(1, 1, 1), (50, 32, 8), (300, 7, 3)])
def test_nearest_code_by_brute_force(count, codes, width):
    vectors, book = normal(count, width), normal(codes, width, seed=1)
    distances = (vectors[:, None] - book).double().square().sum(2)
    assert torch.equal(nearest_codes(vectors, book), distances.argmin(1))


def test_of_equally_near_codes_the_first():
    assert nearest_codes(torch.zeros(1, 1), torch.tensor([[1.0], [-1.0], [1.0]])).item() == 0


def test_nearest_code_is_exact_within_autocast():
    """1 and 1.001 are the same number in bfloat16."""
    codes = torch.tensor([[1.0], [1.001]])
    with torch.autocast("cpu", torch.bfloat16):
        assert nearest_codes(codes, codes).tolist() == [0, 1]


def test_straight_through_is_the_identity_backwards():
    vectors = normal(5, 3).requires_grad_()
    codes, weight = normal(5, 3, seed=1), normal(5, 3, seed=2)
    value = straight_through(vectors, codes)
    assert torch.equal(value, codes)
    (value * weight).sum().backward()
    assert torch.equal(vectors.grad, weight)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([7, 0, 0], 1), ([4, 4, 4, 4], 4), ([1, 3], 4 / 3**0.75), ([2, 6], 4 / 3**0.75)],
)
def test_perplexity(counts, expected):
    assert perplexity(torch.tensor(counts)).item() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_k_means_finds_two_clusters(seed):
    vectors = torch.tensor([[0.0, 0.0], [10.0, 0.0]]).repeat(25, 1) + 0.1 * normal(50, 2)
    found = k_means(vectors, 2, torch.Generator().manual_seed(seed))
    assert_close(found[nearest_codes(vectors[:2], found)], vectors.view(25, 2, 2).mean(0))


@pytest.mark.parametrize("seed", range(5))
def test_k_means_leaves_no_code_without_vectors_and_lowers_the_distance(seed):
    vectors = normal(200, 2)
    first, last = (
        k_means(vectors, 16, torch.Generator().manual_seed(seed), rounds) for rounds in (0, 10)
    )
    assert len(nearest_codes(vectors, last).unique()) == 16
    before, after = (
        (vectors - found[nearest_codes(vectors, found)]).square().sum() for found in (first, last)
    )
    assert after < 0.9 * before


def test_k_means_of_fewer_vectors_than_codes():
    vectors = normal(3, 2)
    found = k_means(vectors, 8, torch.Generator().manual_seed(0))
    assert found.shape == (8, 2) and found.isfinite().all()
    assert_close(found[nearest_codes(vectors, found)], vectors)
