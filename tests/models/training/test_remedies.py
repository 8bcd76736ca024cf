"""Remedies change one thing, and what is asked of the command line is what was meant."""

from dataclasses import asdict, fields, replace

import pytest
from typer.testing import CliRunner

from models.cli import train
from models.cli.app import app
from models.cli.arguments import to_arguments
from models.config import RunConfig, TrainingConfig
from models.presets import PRESETS, preset
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


ODD = RunConfig(
    "digits",
    replace(
        COLLAPSED.model, network="conv", hidden=(4, 8, 2), activation="silu", latent_dim=7,
        likelihood="gaussian-shared", sigma=0.123456789, beta_min=0.015625, beta_max=123.5,
    ),
    replace(
        COLLAPSED.objective, beta=1 / 3, kl_warmup_steps=0, cycles=3, ramp=0.7, free_bits=1e-3,
        capacity=12.5, capacity_steps=17,
    ),
    TrainingConfig(
        epochs=3, batch_size=50, learning_rate=1.5e-4, final_learning_rate=3e-6, warmup_steps=5,
        seed=11, precision="bfloat16", threads=3,
    ),
)  # fmt: skip
CONFIGS = {
    "odd": ODD,
    "linear": preset("digits-linear"),
    "binarized": replace(COLLAPSED, training=replace(COLLAPSED.training, binarize=True)),
    "autoencoder": preset("digits-ae"),
    "multirate": replace(
        preset("digits-multirate"),
        model=replace(preset("digits-multirate").model, beta_min=0.5, beta_max=7.25),
    ),
} | {r.name: r.config for r in remedies(COLLAPSED, 4000, Strengths())}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_the_command_line_makes_of_the_arguments_what_was_meant(config, monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(train, "_train", lambda run, *_: made.append(run))
    arguments = [*to_arguments(config, "a title · 1"), "--runs-dir", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (run,) = made
    assert run.config() == config and run.title == "a title · 1"


def test_the_odd_run_differs_in_every_setting():
    """So that no option can be forgotten above."""
    for part in ("model", "objective", "training"):
        mine = getattr(ODD, part)
        same = {
            item.name
            for item in fields(mine)
            if all(
                getattr(mine, item.name) == getattr(getattr(start, part), item.name)
                for start in PRESETS.values()
            )
        }
        assert same <= {"family", "binarize"}, "which the others cover"


def test_threads_are_always_named():
    assert "--threads" in to_arguments(COLLAPSED, "")
