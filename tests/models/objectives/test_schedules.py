"""What a step asks of the rate, and the loss it makes: formulas, and what they do in training."""

import math
import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.config import ObjectiveConfig
from models.data.builtin import load_digits
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.objectives.distributions import gaussian_log_prob
from models.objectives.schedules import beta_loss, capacity, kl_weight
from models.training.events import EpochEnd
from models.training.trainer import Training
from tests.helpers.configs import digest, tiny


@pytest.mark.parametrize(
    ("step", "beta", "warmup", "expected"),
    [
        (1, 1.0, 0, 1.0),
        (1, 4.0, 0, 4.0),
        (1, 4.0, 1, 4.0),
        (1, 4.0, 100, 0.04),
        (25, 4.0, 100, 1.0),
        (100, 4.0, 100, 4.0),
        (101, 4.0, 100, 4.0),
        (10**9, 0.5, 100, 0.5),
        (50, 0.0, 100, 0.0),
    ],
)
def test_kl_weight(step, beta, warmup, expected):
    objective = ObjectiveConfig(beta=beta, kl_warmup_steps=warmup)
    assert kl_weight(step, 10**9, objective) == pytest.approx(expected, rel=1e-12)


def test_the_weight_never_falls_while_it_warms_up():
    objective = ObjectiveConfig(kl_warmup_steps=50)
    weights = [kl_weight(step, 99, objective) for step in range(1, 100)]
    assert weights == sorted(weights)


@pytest.mark.parametrize(
    ("step", "expected"), [(1, 0.0), (13, 0.96), (14, 1.0), (25, 1.0), (26, 0.0), (38, 0.96)]
)
def test_kl_weight_in_cycles(step, expected):
    """T = 100, M = 4, ρ = ½, as in the paper's formula."""
    objective = ObjectiveConfig(beta=3.0, cycles=4, ramp=0.5)
    assert kl_weight(step, 100, objective) == pytest.approx(3.0 * expected, rel=1e-12)


cycles = st.builds(
    ObjectiveConfig, beta=st.floats(0.1, 10), cycles=st.integers(1, 9), ramp=st.floats(0.01, 1)
)


@given(cycles, st.integers(20, 300))
def test_every_cycle_begins_at_zero_and_rises_to_beta(objective, total):
    weights = [kl_weight(step, total, objective) for step in range(1, total + 1)]
    length = math.ceil(total / objective.cycles)
    starts = [step for step, weight in enumerate(weights) if weight == 0.0]
    assert starts == list(range(0, total, length)) and len(starts) <= objective.cycles
    for start in starts:
        cycle = weights[start : start + length]
        assert cycle == sorted(cycle)
        if start + length <= total and objective.ramp <= 1 - objective.cycles / total:
            assert cycle[-1] == objective.beta


def test_one_cycle_with_a_whole_ramp_is_a_warm_up_one_step_late():
    once, warmup = ObjectiveConfig(cycles=1, ramp=1.0), ObjectiveConfig(kl_warmup_steps=80)
    for step in range(2, 81):
        assert kl_weight(step, 80, once) == pytest.approx(kl_weight(step - 1, 80, warmup))


def test_cycles_and_a_warm_up_exclude_each_other():
    sentence = "kl_warmup_steps must be 0 where the weight rises in cycles, got 7"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        ObjectiveConfig(cycles=4, kl_warmup_steps=7)


def test_a_cycle_needs_more_than_one_step():
    """With one step a cycle the weight would be 0 for ever."""
    config = tiny(objective={"cycles": 40}, training={"epochs": 2})
    with pytest.raises(ValueError, match=r"^cycles must be fewer than the 40 steps, got 40$"):
        config.total_steps(1297)
    assert replace(config, objective=ObjectiveConfig(cycles=39)).total_steps(1297) == 40


@pytest.mark.parametrize(
    ("step", "steps", "expected"),
    [(1, 0, 25.0), (1, 100, 0.25), (50, 100, 12.5), (100, 100, 25.0), (10**6, 100, 25.0)],
)
def test_capacity_rises_linearly_and_stays(step, steps, expected):
    objective = ObjectiveConfig(capacity=25.0, capacity_steps=steps)
    assert capacity(step, objective) == pytest.approx(expected, rel=1e-12)


def test_settings_of_before_keep_their_meaning():
    """A card that knows β and the warm-up alone: that loss, at every step, bit for bit."""
    distortion, rate = torch.rand(5), torch.rand(5, 3)
    objective = ObjectiveConfig.from_json({"beta": 4.0, "kl_warmup_steps": 30})
    for step in (1, 7, 30, 31, 1000):
        weight = kl_weight(step, 1000, objective)
        assert weight == 4.0 * min(1.0, step / 30)
        target = capacity(step, objective)
        loss = beta_loss(distortion, rate, weight, objective.free_bits, target)
        assert torch.equal(loss, distortion.mean() + weight * rate.sum(1).mean())


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 3.0), (1.0, 7.5), (4.0, 21.0)])
def test_beta_loss_sums_over_dimensions_and_averages_over_images(weight, expected):
    distortion, rate = torch.tensor([2.0, 4.0]), torch.tensor([[1.0, 2.0], [0.0, 6.0]])
    assert beta_loss(distortion, rate, weight).item() == expected


def test_the_same_images_twice_have_the_same_loss_and_gradient():
    distortion, rate = torch.rand(3, requires_grad=True), torch.rand(3, 2, requires_grad=True)
    once = beta_loss(distortion, rate, 2.0)
    twice = beta_loss(torch.cat([distortion] * 2), torch.cat([rate] * 2), 2.0)
    torch.testing.assert_close(once, twice)
    expected = torch.autograd.grad(once, (distortion, rate))
    torch.testing.assert_close(torch.autograd.grad(twice, (distortion, rate)), expected)


def test_beta_with_squared_error_is_a_choice_of_variance():
    """SSE/2σ² + βR = β (SSE/2βσ² + R): same minimiser as variance βσ² at weight 1."""
    beta, log_variance = 3.0, math.log(0.04)
    generator = torch.Generator().manual_seed(0)
    mean = torch.rand(4, 1, 5, 5, generator=generator).requires_grad_()
    images = torch.rand(4, 1, 5, 5, generator=generator)
    rate = mean.flatten(1).square()  # any function of the same weights
    weighted = beta_loss(-gaussian_log_prob(mean, log_variance, images), rate, beta)
    wider = beta_loss(-gaussian_log_prob(mean, log_variance + math.log(beta), images), rate, 1.0)
    (slope,) = torch.autograd.grad(weighted, mean, retain_graph=True)
    (slope_of_wider,) = torch.autograd.grad(wider, mean)
    torch.testing.assert_close(slope, beta * slope_of_wider)


# --- free bits and capacity ----------------------------------------------------------------------


def test_free_bits_cost_their_floor_and_give_no_gradient_below_it():
    """Batch means KL_j = (.1, .3, 2), λ = ½: ½ + ½ + 2 nats, and only the third is felt."""
    rate = torch.tensor([[0.0, 0.6, 1.0], [0.2, 0.0, 3.0]], requires_grad=True)
    loss = beta_loss(torch.zeros(2), rate, weight=1.0, free_bits=0.5)
    assert loss.item() == pytest.approx(3.0, abs=1e-6)
    loss.backward()
    assert rate.grad.tolist() == [[0.0, 0.0, 0.5], [0.0, 0.0, 0.5]]


def test_capacity_pulls_from_both_sides():
    """KL 2.4, C 5, γ 100: 260 nats, and the gradient lifts the rate; above C it lowers it."""
    rate = torch.tensor([[0.4, 1.0], [2.4, 1.0]], requires_grad=True)
    below = beta_loss(torch.zeros(2), rate, weight=100.0, capacity=5.0)
    assert below.item() == pytest.approx(260.0, abs=1e-4)
    (slope,) = torch.autograd.grad(below, rate)
    assert slope.tolist() == [[-50.0, -50.0]] * 2
    above = beta_loss(torch.zeros(2), rate, weight=100.0, capacity=1.4)
    assert above.item() == pytest.approx(100.0, abs=1e-4)
    (slope,) = torch.autograd.grad(above, rate)
    assert slope.tolist() == [[50.0, 50.0]] * 2


rates = st.lists(st.lists(st.floats(0, 20, width=32), min_size=3, max_size=3), min_size=1)


@given(rates, st.floats(0, 10), st.floats(0, 5), st.floats(0, 30))
def test_what_a_step_asks_is_the_formula(rows, weight, free_bits, target):
    rate = torch.tensor(rows, dtype=torch.float64)
    loss = beta_loss(torch.ones(len(rows), dtype=torch.float64), rate, weight, free_bits, target)
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    expected = 1.0 + weight * abs(sum(max(free_bits, mean) for mean in means) - target)
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


# --- in training ---------------------------------------------------------------------------------

TRAIN = load_digits("train").images
TEST = load_digits("test").images[:50]

SCHEDULES = {
    "constant": {},
    "warm-up": {"kl_warmup_steps": 40},
    "cycles": {"cycles": 3, "ramp": 0.4},
    "free bits": {"free_bits": 0.5},
    "capacity": {"capacity": 3.0, "capacity_steps": 30},
    "all": {"cycles": 2, "free_bits": 0.2, "capacity": 3.0, "capacity_steps": 70},
}


def start(objective, **training):
    """A training of two epochs of 25 steps: four events."""
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 3e-3} | training
    config = tiny(objective=objective, training=settings)
    return Training(build_model(config.model), config, TRAIN[:200], TEST)


def facts(event):
    """An event without the clock as a flat row, its lists laid out."""
    row = event.row() if isinstance(event, EpochEnd) else {"step": event.step, **event.terms}
    found = {name: value for name, value in row.items() if name != "seconds"}
    for number, value in enumerate(found.pop("test_kl_per_dimension", [])):
        found[f"test_kl_{number}"] = value
    return found


@pytest.mark.parametrize("schedule", SCHEDULES)
@settings(max_examples=3)
@given(beta=st.floats(0, 10), stop=st.integers(0, 2), seed=st.integers(0, 99))
def test_a_resumed_run_is_the_uninterrupted_one(schedule, beta, stop, seed):
    """Whatever the schedule, wherever it stops: same events, same weights, bit for bit."""
    objective = SCHEDULES[schedule] | {"beta": beta}
    whole, events, state = start(objective, seed=seed), [], None
    for number, event in enumerate(whole.events()):
        events.append(facts(event))
        if number == stop:
            state = {name: value.clone() for name, value in whole.state().items()}
    resumed = start(objective, seed=seed)
    resumed.restore(state)
    assert [facts(event) for event in resumed.events()] == events[stop + 1 :] != []
    assert digest(resumed.state()) == digest(whole.state())


def test_schedules_train_differently():
    """So that the law above is about six runs, not about one."""
    finals = {}
    for name, objective in SCHEDULES.items():
        training = start(objective)
        list(training.events())
        finals[name] = digest(training.state())
    assert len(set(finals.values())) == len(SCHEDULES)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_schedule_enters_a_reported_term(schedule):
    """With weights that hardly move, every objective reports the same D and R, weight 1."""
    slow = {"learning_rate": 1e-7, "final_learning_rate": 0.0}
    training, plain = start(SCHEDULES[schedule] | {"beta": 7.0}, **slow), start({}, **slow)
    for event, expected in zip(training.events(), plain.events(), strict=True):
        found, expected = facts(event), facts(expected)
        weight, _ = found.pop("kl_weight", None), expected.pop("kl_weight", None)
        assert found == pytest.approx(expected, rel=1e-3)
        if weight is not None:
            assert weight == kl_weight(event.step, 50, training.config.objective)
    scores = elbo(training.model, torch.tensor(TEST), draws=1)
    assert event.test["distortion"] + event.test["rate"] == pytest.approx(
        (scores.distortion + scores.rate.sum(1)).mean().item(), rel=1e-6
    )


@pytest.mark.parametrize(
    ("objective", "lowest", "highest"),
    [
        ({}, 0.0, 0.1),
        ({"free_bits": 0.5}, 0.6, 1.1),
        ({"capacity": 3.0}, 2.7, 3.3),
    ],
    ids=["plain", "free bits", "capacity"],
)
def test_remedies_hold_the_rate_that_a_large_beta_lets_go(objective, lowest, highest):
    """β = 20 collapses the two latents, unless ½ nat each is free or three in all are asked for."""
    training = start(objective | {"beta": 20.0}, epochs=12, learning_rate=1e-2)
    ends = [event for event in training.events() if isinstance(event, EpochEnd)]
    assert lowest <= ends[-1].train["rate"] <= highest
