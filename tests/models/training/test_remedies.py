"""Remedies: each changes one thing, within its limits."""

from dataclasses import asdict, replace

import pytest

from models.presets import preset
from models.training.remedies import NO_REMEDY, Strengths, remedies
from tests.helpers.sentences import assert_sentence

COLLAPSED = replace(preset("digits-2d"), objective=replace(preset("digits-2d").objective, beta=4.0))


def differences(config, other):
    """Settings in which two runs differ, as {name: value of the first}."""
    found = {}
    for part in ("model", "objective", "training"):
        theirs = asdict(getattr(other, part))
        mine = asdict(getattr(config, part))
        found |= {name: value for name, value in mine.items() if value != theirs[name]}
    return found


def test_every_remedy_changes_its_own_setting_alone():
    found = {remedy.name: remedy.config for remedy in remedies(COLLAPSED, 4000, Strengths())}
    assert {name: differences(config, COLLAPSED) for name, config in found.items()} == {
        NO_REMEDY: {},
        "KL warm-up": {"kl_warmup_steps": 2000},
        "cycles": {"kl_warmup_steps": 0, "cycles": 4},
        "free bits": {"free_bits": 1.0},
        "capacity": {"capacity": 3.0, "capacity_steps": 2000},
        "learned σ": {"likelihood": "gaussian-optimal"},
        "smaller β": {"beta": 1.0},
    }


def test_strengths_are_used():
    strengths = Strengths(warmup_percent=90, cycles=7, free_bits=0.25, capacity=5.5, beta_divisor=8)
    found = {remedy.name: remedy for remedy in remedies(COLLAPSED, 1000, strengths)}
    objectives = {name: remedy.config.objective for name, remedy in found.items()}
    assert objectives["KL warm-up"].kl_warmup_steps == 900
    assert objectives["cycles"].cycles == 7
    assert objectives["free bits"].free_bits == 0.25
    assert (objectives["capacity"].capacity, objectives["capacity"].capacity_steps) == (5.5, 500)
    assert objectives["smaller β"].beta == 0.5
    assert "900 of 1,000 steps" in found["KL warm-up"].change
    assert "0.25 nats" in found["free bits"].change and "5.5 nats" in found["capacity"].change


def test_what_changes_nothing_is_no_remedy():
    cured = {remedy.name: remedy.config for remedy in remedies(COLLAPSED, 4000, Strengths())}
    for name in ("KL warm-up", "cycles", "free bits", "capacity"):
        again = [remedy.name for remedy in remedies(cured[name], 4000, Strengths())]
        assert name not in again and again[0] == NO_REMEDY
    for likelihood in ("gaussian-shared", "gaussian-optimal", "gaussian-pixel"):
        learned = replace(COLLAPSED, model=replace(COLLAPSED.model, likelihood=likelihood))
        assert "learned σ" not in [r.name for r in remedies(learned, 4000, Strengths())]
    free = replace(COLLAPSED, objective=replace(COLLAPSED.objective, beta=0.0))
    assert "smaller β" not in [remedy.name for remedy in remedies(free, 4000, Strengths())]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("digits-ae", []),  # it has no posterior that could collapse
        ("digits-multirate", ["KL warm-up", "cycles", "learned σ"]),  # it draws its own β
    ],
)
def test_a_family_gets_the_remedies_that_it_can_take(name, expected):
    found = [remedy.name for remedy in remedies(preset(name), 4000, Strengths())]
    assert found == [NO_REMEDY, *expected]


@pytest.mark.parametrize("steps", [1, 3, 4, 5])
def test_short_trainings_get_the_remedies_that_fit(steps):
    found = {remedy.name: remedy.config for remedy in remedies(COLLAPSED, steps, Strengths())}
    assert ("cycles" in found) == (steps > 4)
    assert all(config.objective.kl_warmup_steps <= 200 for config in found.values())


def test_binarised_data_keep_their_greys_under_a_gaussian():
    found = {r.name: r.config for r in remedies(preset("mnist-2d"), 28_080, Strengths())}
    changed = differences(found["learned σ"], preset("mnist-2d"))
    assert changed == {"likelihood": "gaussian-optimal", "binarize": False}


@pytest.mark.parametrize(
    ("name", "value"), [("warmup_percent", 0), ("cycles", 1), ("free_bits", 0.0), ("capacity", -1)]
)
def test_strengths_have_limits(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be at least") as caught:
        Strengths(**{name: value})
    assert_sentence(str(caught.value))
