"""Which runs are the same: threads do not count, changes while they were trained do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import ObjectiveConfig, RunConfig
from models.presets import preset
from models.runs.comparison import has_plain_beta, is_changed, is_same, is_trained_as, without
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.card import Card
from models.storage.checkpoint import read
from models.training.control import send_request
from tests.helpers.configs import tiny

CONFIG = tiny(training={"epochs": 2, "batch_size": 32})
"""Two epochs of 40 steps: two events each."""


def objective(config, **changes) -> RunConfig:
    return replace(config, objective=replace(config.objective, **changes))


def training(config, **changes) -> RunConfig:
    return replace(config, training=replace(config.training, **changes))


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path, CONFIG)


def steer(run, at, **fields):
    """Trains a run to its end; something is requested after so many events."""
    events = execute(run)
    for _ in range(at):
        next(events)
    send_request(run.folder, **fields)
    list(events)
    return run


@given(st.floats(0, 100), st.integers(0, 9), st.integers(1, 8))
def test_settings_without_some_are_equal_where_the_others_are(beta, seed, threads):
    config = preset("digits-2d")
    other = training(objective(config, beta=beta), seed=seed, threads=threads)
    assert without(other, "beta", "seed", "threads") == without(config, "beta", "seed", "threads")
    assert (without(other, "beta") == without(config, "beta")) == (
        (seed, threads) == (config.training.seed, config.training.threads)
    )
    assert without(other, "beta").objective.beta == ObjectiveConfig().beta
    assert without(other) == other


def test_runs_are_the_same_whatever_their_threads():
    two = training(CONFIG, threads=2)
    assert is_same(CONFIG, two) and is_same(two, CONFIG)
    for other in (training(two, seed=1), objective(CONFIG, beta=4.0), replace(CONFIG, data="x")):
        assert not is_same(CONFIG, other)


def test_a_run_is_trained_as_its_settings_say(run):
    assert is_trained_as(run, training(CONFIG, threads=7))
    assert not is_trained_as(run, objective(CONFIG, beta=4.0))
    list(execute(run))
    assert is_trained_as(run, CONFIG)


@pytest.mark.parametrize("fields", [{"beta": 4.0}, {"learning_rate": 1e-4}], ids=str)
def test_a_run_that_was_changed_is_not_one_trained_so_from_the_start(fields, run):
    steer(run, 2, **fields)
    shown = read(run.model_path).card.config
    assert shown != CONFIG and run.config() == CONFIG
    assert is_changed(run) and not is_trained_as(run, CONFIG) and not is_trained_as(run, shown)


def test_a_run_that_was_changed_back_is_still_changed(run):
    events = execute(run)
    next(events)
    for beta in (4.0, CONFIG.objective.beta):
        send_request(run.folder, beta=beta)
        next(events)
    list(events)
    assert read(run.model_path).card.config == CONFIG
    assert is_changed(run) and not is_trained_as(run, CONFIG)


def test_a_request_changes_a_run_that_is_not_done(run):
    send_request(run.folder, beta=CONFIG.objective.beta, order="hold")
    assert is_trained_as(run, CONFIG), "nothing is to change"
    send_request(run.folder, beta=4.0, order="go")
    assert is_changed(run) and not is_trained_as(run, CONFIG)


def test_a_request_that_came_too_late_changes_nothing(run):
    list(execute(run))
    send_request(run.folder, beta=4.0)
    assert is_trained_as(run, CONFIG)


def test_a_multirate_model_has_no_beta_to_change(tmp_path):
    config = tiny(family="multirate")
    run = Run.create(tmp_path, config)
    send_request(run.folder, beta=4.0)
    assert is_trained_as(run, config)


def test_a_plain_beta_is_the_only_thing_asked_of_the_rate():
    assert has_plain_beta(Card(CONFIG)) and has_plain_beta(Card(objective(CONFIG, beta=4.0)))
    assert has_plain_beta(Card(objective(CONFIG, kl_warmup_steps=10)))
    for changes in ({"cycles": 2}, {"free_bits": 0.5}, {"capacity": 3.0}):
        assert not has_plain_beta(Card(objective(CONFIG, **changes)))
    assert not has_plain_beta(Card(CONFIG, changes=("after step 40: β = 4",)))
