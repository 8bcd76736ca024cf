"""Stacks: a stack learns what separate trainings learn, bit for bit."""

import math

import pytest
import torch

from models.data.builtin import load_digits
from models.families import autoencoder
from models.families.registry import build_model
from models.sweeps.grid import grid
from models.sweeps.plan import can_stack
from models.training.events import EpochEnd, TrainingDivergedError
from models.training.stacked import Member, Stack, StackedLinear, stack_models
from models.training.trainer import Training
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import BETAS

TRAIN = load_digits("train").images[:1000]


TEST = load_digits("test").images[:50]


def small(*, objective=None, training=None, **model):
    """Two epochs of 31 steps: four events."""
    return tiny(
        objective={"kl_warmup_steps": 40} | (objective or {}),
        training={"batch_size": 32, "learning_rate": 3e-3} | (training or {}),
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
    "odd widths": small(hidden=(13, 7), activation="silu", likelihood="gaussian", sigma=0.3),
    "preset": small(hidden=(128, 64)),
    "linear start": small(
        objective={"kl_warmup_steps": 0}, training={"start": "linear", "plateau": 0.6}
    ),
    "bfloat16": small(training={"precision": "bfloat16", "batch_size": 64}),
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


def assert_same_states(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        assert torch.equal(found[name], expected[name]), name


def numbers(event):
    row = event.row() if isinstance(event, EpochEnd) else vars(event)
    return {name: value for name, value in row.items() if name != "seconds"}


@pytest.mark.parametrize("kind", KINDS)
def test_members_learn_what_each_learns_alone_bit_for_bit(kind, monkeypatch):
    config = KINDS[kind]
    assert can_stack(config)
    calls = []
    terms = autoencoder.elbo_terms
    monkeypatch.setattr(
        autoencoder, "elbo_terms", lambda *given: (calls.append(given), terms(*given))[1]
    )
    members = stacked(config)
    together = in_turns(members)
    assert len(calls) == members[0].total_steps > 20  # not as many for each
    for k, each in enumerate(grid(config, BETAS)):
        single = start(each)
        alone = list(single.events())
        assert [numbers(events[k]) for events in together] == [*map(numbers, alone)]
        assert_same_states(members[k].state(), single.state())


@pytest.mark.parametrize("count", [2, 3, 8])
def test_how_many_members_there_are_changes_no_bit(count):
    config = KINDS["odd widths"]
    members = stacked(config, [0.3 * (k + 1) for k in range(count)])
    in_turns(members)
    alone = start(grid(config, [0.3])[0])
    list(alone.events())
    assert_same_states(members[0].state(), alone.state())


def test_products_are_made_one_by_one_where_a_batch_of_them_has_other_bits(monkeypatch):
    """A batch of products that adds in another order is found out, and not used."""
    config = KINDS["bernoulli"]
    alone = start(grid(config, BETAS)[1])
    list(alone.events())
    honest = torch.baddbmm

    def other_order(bias, x, weight):
        half = x.shape[-1] // 2
        first = honest(bias, x[..., :half], weight[:, :half])
        return first + torch.bmm(x[..., half:], weight[:, half:])

    monkeypatch.setattr(torch, "baddbmm", other_order)
    members = stacked(config)
    in_turns(members)
    assert_same_states(members[1].state(), alone.state())
    layer = members[0].stack.model.encoder.layers[0]
    assert list(layer._agrees.values()) == [False]


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
        assert_same_states(loud[k].state(), quiet[k].state())


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
        assert_same_states(member.state(), other.state())
    alone = start(grid(config, BETAS)[2])
    alone.restore(saved[2])
    assert [event.step for event in alone.events()] == [31, 51, 62]
    assert_same_states(alone.state(), members[2].state())


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


def test_stacked_layer_is_each_layer_on_its_own_and_shares_its_weights():
    layers = [torch.nn.Linear(5, 3) for _ in range(4)]
    before = [layer.weight.detach().clone() for layer in layers]
    together = StackedLinear(layers)
    for layer, part, weight in zip(layers, together.weight, before, strict=True):
        assert torch.equal(layer.weight, weight) and layer.weight.data_ptr() == part.data_ptr()
        assert layer.weight.data_ptr() % 64 == layer.bias.data_ptr() % 64 == 0
    shared, own = torch.randn(32, 5), torch.randn(4, 32, 5)
    assert torch.equal(together(shared), torch.stack([layer(shared) for layer in layers]))
    expected = torch.stack([layer(x.clone()) for layer, x in zip(layers, own, strict=True)])
    assert torch.equal(together(own), expected)
