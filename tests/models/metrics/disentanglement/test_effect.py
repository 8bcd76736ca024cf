"""What β does to a score: told from none only where the spread over seeds allows it."""

import itertools

import numpy as np
import pytest

from models.metrics.disentanglement.alignment import align, align_all
from models.metrics.disentanglement.effect import beta_effect


def sweep(effect, spread, seeds=5, betas=(0.5, 1.0, 2.0, 4.0), seed=0):
    random = np.random.default_rng(seed)
    return {
        beta: list(0.3 + effect * np.log2(beta) + spread * random.normal(size=seeds))
        for beta in betas
    }


def test_a_clear_effect_is_told_and_a_fall_too():
    up, down = beta_effect(sweep(0.1, 0.01)), beta_effect(sweep(-0.1, 0.01, betas=(1.0, 2.0, 4.0)))
    assert (up.best, up.sign, up.reference) == (4.0, 1, 1.0)
    assert (down.best, down.sign) == (4.0, -1)
    assert up.share > 0.95 and down.share > 0.95
    assert up.sentence("MIG").startswith("Another β helps: MIG is higher")
    assert down.sentence("MIG").startswith("No other β is shown to help, and MIG can be lower")


def test_a_fall_at_one_end_is_told_where_no_rise_is():
    scores = {0.5: [0.5, 0.61, 0.52], 1.0: [0.5, 0.6, 0.5], 8.0: [0.2, 0.3, 0.21]}
    found = beta_effect(scores)
    assert (found.best, found.sign) == (8.0, -1)


def test_where_smaller_helps_the_smaller_is_named():
    found = beta_effect(sweep(-0.1, 0.01))
    assert (found.best, found.sign) == (0.5, 1)


def test_without_an_effect_it_is_claimed_in_no_more_than_a_twentieth():
    """The largest of three differences is chosen, so each has to pay for all."""
    claims = sum(beta_effect(sweep(0.0, 0.1, seed=seed)).sign != 0 for seed in range(1000))
    assert claims <= 1000 * 0.05 + 2 * np.sqrt(1000 * 0.05)


def test_the_variance_is_divided_between_beta_and_seed():
    scores = {1.0: [0.0, 1.0], 4.0: [0.0, 1.0]}
    assert beta_effect(scores).share == 0.0 and beta_effect(scores).chance == 1 / 3
    noise = [beta_effect(sweep(0, 1, seed=seed)).share for seed in range(1000)]
    assert np.mean(noise) == pytest.approx(3 / 19, abs=0.012)
    assert beta_effect({1.0: [0.0, 0.0], 4.0: [1.0, 1.0]}).share == 1.0
    assert beta_effect({1.0: [0.0, 0.0], 4.0: [0.0, 0.0]}).share == 0.0


@pytest.mark.parametrize(
    "scores", [sweep(0.2, 0.01), sweep(-0.2, 0.01), sweep(0, 0.2), sweep(0.2, 0.1, seeds=1)]
)
def test_every_verdict_has_its_numbers(scores):
    found = beta_effect(scores)
    text = found.sentence("MIG")
    assert text.isprintable() and text.endswith(".")
    assert "nan" not in text and "inf" not in text
    if len(scores[1.0]) == 1:
        assert "One seed cannot tell" in text and found.sign == 0
    else:
        assert f"{found.half:.3f}" in text and f"β = {found.best:g}" in text


@pytest.mark.parametrize(
    "scores", [{1.0: [0.1, 0.2]}, {1.0: [0.1], 2.0: [0.1, 0.2]}], ids=["one β", "uneven"]
)
def test_what_cannot_be_compared(scores):
    with pytest.raises(ValueError, match="at least two β with the same seeds"):
        beta_effect(scores)


def test_shuffled_latents_are_put_back():
    random = np.random.default_rng(0)
    matrix = random.random((6, 4))
    for order in itertools.islice(itertools.permutations(range(6)), 0, 720, 97):
        shuffled = matrix[list(order)] + 0.01 * random.normal(size=matrix.shape)
        np.testing.assert_allclose(shuffled[align(shuffled, matrix)], matrix, atol=0.05)


def test_aligned_means_keep_what_unaligned_ones_blur():
    matrices = [np.eye(4)[np.random.default_rng(seed).permutation(4)] for seed in range(5)]
    assert align_all(matrices).std(0).max() == 0.0
    assert np.std(matrices, axis=0).max() > 0.3


def test_models_of_different_shapes_are_not_aligned():
    with pytest.raises(ValueError, match="as many latents and factors"):
        align(np.eye(3), np.eye(4)[:, :3])
