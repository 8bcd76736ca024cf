"""The prior over tokens: it looks back only, sums to 1, and its cache changes nothing."""

import itertools
import math

import pytest
import torch

from models.families.token_prior import TokenPrior

assert_close = torch.testing.assert_close


def build(tokens=6, codes=5, width=16, seed=0):
    """A prior with weights large enough that every token matters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        prior = TokenPrior(tokens, codes, width).eval()
        for parameter in prior.parameters():
            parameter.data.add_(0.3 * torch.randn_like(parameter))
    return prior


def random_tokens(prior, count=4):
    shape = (count, prior.tokens)
    return torch.randint(prior.codes, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("place", range(6))
def test_a_token_changes_what_comes_after_it_alone(place):
    prior = build()
    tokens = random_tokens(prior)
    other = tokens.clone()
    other[:, place] = (other[:, place] + 1) % prior.codes
    before, after = prior(tokens).detach(), prior(other).detach()
    assert torch.equal(before[:, : place + 1], after[:, : place + 1])
    assert place == 5 or (before[:, place + 1 :] != after[:, place + 1 :]).any(2).all()


def test_probabilities_of_all_grids_sum_to_one():
    prior = build(tokens=4, codes=3)
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    total = (-prior.nats(every).double().sum(1)).exp().sum().item()
    assert total == pytest.approx(1, abs=1e-5)


def test_the_cache_changes_nothing():
    prior = build()
    tokens = random_tokens(prior)
    expected = prior(tokens)
    token, cache = torch.full((4,), prior.start), None
    for place in range(prior.tokens):
        logits, cache = prior.step(token, place, cache)
        assert_close(logits, expected[:, place], rtol=1e-5, atol=1e-5)
        token = tokens[:, place]


def test_sampling_with_the_cache_is_sampling_without_it():
    prior = build()
    found = prior.sample(200, torch.Generator().manual_seed(2))
    tokens, generator = torch.zeros(200, 6, dtype=torch.int64), torch.Generator().manual_seed(2)
    for place in range(6):
        chances = prior(tokens)[:, place].softmax(1).detach()
        tokens[:, place] = torch.multinomial(chances, 1, generator=generator)[:, 0]
    assert torch.equal(found, tokens)


def test_samples_have_the_probabilities_of_the_prior():
    prior, count = build(tokens=2, codes=3), 20_000
    drawn = prior.sample(count, torch.Generator().manual_seed(0))
    every = torch.tensor(list(itertools.product(range(3), repeat=2)))
    expected = (-prior.nats(every).sum(1)).exp()
    found = torch.bincount(3 * drawn[:, 0] + drawn[:, 1], minlength=9) / count
    error = (expected * (1 - expected) / count).sqrt()
    assert ((found - expected).abs() < 5 * error).all()


def test_a_prior_that_knows_nothing_costs_ln_k_a_token():
    prior = build()
    for parameter in prior.logits.parameters():
        parameter.data.zero_()
    assert_close(prior.nats(random_tokens(prior)), torch.full((4, 6), math.log(5)))
