"""Stacks: a stack learns what separate trainings learn, step by step."""

import math

import numpy as np
import pytest
import torch

from models.data.builtin import load_digits
from models.families import autoencoder
from models.families.registry import build_model
from models.objectives.elbo import elbo_terms
from models.sweeps.grid import grid
from models.training.events import EpochEnd, TrainingDivergedError
from models.training.stacked import Member, Stack, StackedLinear, stack_models
from models.training.trainer import Training
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import BETAS

TRAIN = load_digits("train").images[:250]


TEST = load_digits("test").images[:50]


def small(*, objective=None, training=None, **model):
    """Two epochs of 31 steps: four events."""
    return tiny(
        objective={"kl_warmup_steps": 40} | (objective or {}),
        training={"batch_size": 8, "learning_rate": 3e-3} | (training or {}),
        **model,
    )


KINDS = {
    "bernoulli": small(),
    "gaussian": small(likelihood="gaussian", sigma=0.3, activation="silu"),
    "linear": small(hidden=(), likelihood="gaussian", sigma=0.3),
    "binarize": small(training={"binarize": True, "seed": 3}),
    "free bits": small(objective={"free_bits": 0.4}),
    "capacity": small(objective={"capacity": 1.5, "capacity_steps": 30}),
    "cycles": small(objective={"kl_warmup_steps": 0, "cycles": 3}),
    "five latents": small(latent_dim=5, hidden=(7,)),
    "bfloat16": small(training={"precision": "bfloat16"}),
}


def start(config, kind=Training):
    return kind(build_model(config.model, config.training.seed), config, TRAIN, TEST)


def stacked(config, betas=BETAS):
    """A member for every β, all in one stack."""
    members = [start(each, Member) for each in grid(config, betas)]
    Stack(members)
    return members


def in_turns(trainings):
    """Events of trainings that take turns, one list a round."""
    return [list(events) for events in zip(*(t.events() for t in trainings), strict=True)]


def state_of(training):
    return {name: value.clone() for name, value in training.state().items()}


@pytest.fixture
def steps(monkeypatch):
    """Images, noise, D and R of every step anybody makes."""
    seen = []

    def terms(model, images, noise):
        found = elbo_terms(model, images, noise)
        detached = found.distortion.detach(), found.rate.detach()
        seen.append((images.clone(), noise.clone(), *detached))
        return found

    monkeypatch.setattr(autoencoder, "elbo_terms", terms)
    return seen


def assert_states_close(found, expected, rtol, atol):
    assert found.keys() == expected.keys()
    for name in found:
        torch.testing.assert_close(found[name], expected[name], rtol=rtol, atol=atol)


def assert_events_close(found, expected, rtol):
    assert type(found) is type(expected)
    rows = [e.row() if isinstance(e, EpochEnd) else e.terms for e in (found, expected)]
    assert found.step == expected.step and rows[0].keys() == rows[1].keys()
    for name in rows[0].keys() - {"seconds"}:
        values = rows[0][name], rows[1][name]
        np.testing.assert_allclose(*values, rtol=rtol, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_of_a_stack_is_that_of_separate_trainings(kind, steps):
    config = KINDS[kind]
    loose = config.training.precision == "bfloat16"  # rounds to three digits at every layer
    members = stacked(config)
    together = in_turns(members)
    seen = steps.copy()
    assert len(seen) == 62  # not 62 for each
    for k, each in enumerate(grid(config, BETAS)):
        steps.clear()
        single = start(each)
        alone = list(single.events())
        assert len(steps) == 62
        for mine, theirs in zip(steps, seen, strict=True):
            torch.testing.assert_close(mine[:2], theirs[:2], rtol=0, atol=0)  # images and noise
            tolerance = {"rtol": 0.03, "atol": 0.03} if loose else {"rtol": 1e-4, "atol": 1e-5}
            torch.testing.assert_close(theirs[2][k], mine[2], **tolerance)
            torch.testing.assert_close(theirs[3][k], mine[3], **tolerance)
        for mine, theirs in zip(alone, together, strict=True):
            assert_events_close(theirs[k], mine, 0.02 if loose else 1e-4)
        if not loose:
            assert_states_close(members[k].state(), single.state(), 1e-3, 1e-5)


def test_first_step_agrees_to_rounding(steps):
    members = stacked(KINDS["bernoulli"])
    for events in [member.events() for member in members]:
        next(events)
    together = steps[0]
    for k, each in enumerate(grid(KINDS["bernoulli"], BETAS)):
        steps.clear()
        next(start(each).events())
        torch.testing.assert_close(together[2][k], steps[0][2], rtol=1e-6, atol=0)


def test_what_a_member_learns_does_not_depend_on_its_neighbours():
    config = KINDS["bernoulli"]
    quiet, loud = stacked(config), stacked(config)
    with torch.no_grad():
        loud[1].model.encoder.layers[0].weight.fill_(math.nan)
    in_turns(quiet)
    with pytest.raises(TrainingDivergedError, match="became nan at step 1 of 62"):
        next(loud[1].events())
    loud[1].stack.leave(loud[1])
    in_turns([loud[k] for k in (0, 2, 3)])
    for k in (0, 2, 3):
        assert_states_close(loud[k].state(), quiet[k].state(), 0, 0)


def test_member_is_saved_and_resumed_like_any_other_training():
    config = KINDS["bernoulli"]
    members = stacked(config)
    rounds = zip(*(member.events() for member in members), strict=True)
    next(rounds)
    saved = [state_of(member) for member in members]
    for _ in rounds:
        pass
    again = [start(each, Member) for each in grid(config, BETAS)]
    for member, state in zip(again, saved, strict=True):
        member.restore(state)
        assert member.step == 20
    Stack(again)
    in_turns(again)
    for member, other in zip(again, members, strict=True):
        assert_states_close(member.state(), other.state(), 0, 0)
    alone = start(grid(config, BETAS)[2])
    alone.restore(saved[2])
    assert [event.step for event in alone.events()] == [31, 51, 62]
    assert_states_close(alone.state(), members[2].state(), 1e-3, 1e-5)


def test_members_that_do_not_take_turns_are_caught():
    first, *_ = stacked(KINDS["bernoulli"])
    with pytest.raises(AssertionError, match="members take turns"):
        list(first.events())


def test_members_of_a_stack_must_differ_in_beta_alone_at_the_same_step():
    config = KINDS["bernoulli"]
    for other in (KINDS["binarize"], KINDS["free bits"]):
        with pytest.raises(ValueError, match="must differ in beta alone"):
            Stack([start(config, Member), start(other, Member)])
    ahead = start(config, Member)
    next(ahead.events())
    with pytest.raises(ValueError, match="at the same step") as caught:
        Stack([start(config, Member), ahead])
    assert_sentence(str(caught.value))
    conv = small(network="conv")
    with pytest.raises(ValueError, match="must be of linear layers, got Conv2d"):
        stack_models([build_model(conv.model), build_model(conv.model)])


def test_stacked_layer_is_each_layer_on_its_own():
    layers = [torch.nn.Linear(5, 3) for _ in range(4)]
    together = StackedLinear(layers)
    shared, own = torch.randn(7, 5), torch.randn(4, 7, 5)
    expected = torch.stack([layer(shared) for layer in layers])
    torch.testing.assert_close(together(shared), expected)
    expected = torch.stack([layer(x) for layer, x in zip(layers, own, strict=True)])
    torch.testing.assert_close(together(own), expected)
