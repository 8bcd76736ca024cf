"""A training that is held, stepped and changed while it runs, and still the same bit for bit."""

import json
from dataclasses import replace

import pytest

from models.config import RunConfig
from models.objectives.schedules import kl_weight
from models.presets import preset
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.training import control
from models.training.control import (
    Change,
    ControlRequest,
    Paused,
    active_settings,
    read_changes,
    read_request,
    send_request,
)
from models.training.events import EpochEnd
from models.training.optimizer import learning_rate
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence

CONFIG = tiny(training={"epochs": 4, "batch_size": 32, "learning_rate": 3e-3})
"""Four epochs of 40 steps: two events each."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(control, "POLL_SECONDS", 0.0)


def advance(events, count):
    """The next events, as step and kind."""
    found = [next(events) for _ in range(count)]
    return [(event.step, type(event).__name__) for event in found]


def steered(folder, at=2, **wanted) -> Run:
    """A whole run that was asked for something after so many events."""
    run = Run.create(folder, CONFIG, "steered")
    events = execute(run)
    advance(events, at)
    send_request(run.folder, **wanted)
    list(events)
    return run


def test_a_change_is_in_force_from_the_next_update_on(tmp_path):
    run = steered(tmp_path, beta=4.0, learning_rate=1e-3)
    assert read_changes(run.folder) == [Change(40, 4.0, 1e-3)]
    rows = run.history.rows()
    assert [row["kl_weight"] for row in rows] == [1.0, 4.0, 4.0, 4.0]
    changed = replace(CONFIG.training, learning_rate=1e-3)
    assert rows[0]["learning_rate"] == learning_rate(40, 160, CONFIG.training)
    assert rows[1]["learning_rate"] == learning_rate(80, 160, changed)
    card = read(run.model_path).card
    assert card.changes == ("after step 40: β = 4, learning rate 0.001",)
    assert (card.config.objective.beta, card.config.training.learning_rate) == (4.0, 1e-3)
    assert run.config() == CONFIG, "what was asked for at first stays"


def test_a_change_is_that_of_a_run_with_those_settings_from_the_start(tmp_path):
    run = Run.create(tmp_path, CONFIG, "steered")
    send_request(run.folder, beta=4.0)  # before any update: taken over after the first event
    list(execute(run))
    other = Run.create(tmp_path, replace(CONFIG, objective=replace(CONFIG.objective, beta=4.0)))
    list(execute(other))
    assert read_changes(run.folder) == [Change(20, 4.0, 3e-3)]
    assert read(run.model_path).fingerprint != read(other.model_path).fingerprint
    (run.folder / "changes.jsonl").write_text(json.dumps(Change(0, 4.0, 3e-3).to_json()))
    (run.folder / "state.safetensors").unlink()
    list(execute(run))
    assert read(run.model_path).fingerprint == read(other.model_path).fingerprint


@pytest.mark.parametrize("saved", [1, 2, 3, 5, 7])
def test_a_killed_run_makes_its_changes_again_at_the_same_updates(saved, tmp_path):
    whole = steered(tmp_path, at=4, beta=0.25, learning_rate=1e-3)
    run = Run.create(tmp_path, CONFIG, "steered")
    events = execute(run, autosave_seconds=0)
    advance(events, saved)
    events.close()  # a state of this moment
    for name in ("wish.json", "changes.jsonl"):  # of a process that went further and was killed
        (run.folder / name).write_bytes((whole.folder / name).read_bytes())
    list(execute(run))
    assert read_changes(run.folder) == read_changes(whole.folder)
    if saved <= 4:
        assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint
        assert read_tensors(run.state_path)[2] == read_tensors(whole.state_path)[2]


def test_of_a_past_that_was_never_made_nothing_stays(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    (run.folder / "changes.jsonl").write_text(json.dumps(Change(120, 9.0, 3e-3).to_json()))
    events = execute(run)
    advance(events, 1)
    send_request(run.folder, beta=2.0)
    list(events)
    assert read_changes(run.folder) == [Change(20, 2.0, 3e-3)]


def test_held_it_waits_keeps_a_model_and_goes_on_bit_for_bit(tmp_path):
    whole = Run.create(tmp_path, CONFIG, "same")
    list(execute(whole))
    run = Run.create(tmp_path, CONFIG, "same")
    events = execute(run)
    advance(events, 1)
    send_request(run.folder, order="hold")
    assert advance(events, 3) == [(20, "Paused")] * 3
    assert read(run.model_path).card.steps == 20
    send_request(run.folder, order="go")
    assert advance(events, 1) == [(40, "EpochEnd")]
    list(events)
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint


def test_a_step_is_an_epoch(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    events = execute(run)
    advance(events, 1)
    send_request(run.folder, order="hold")
    advance(events, 1)
    for end in (40, 80):
        send_request(run.folder, order="step")
        seen = advance(events, 4)
        assert (end, "EpochEnd") in seen and seen[-1] == (end, "Paused")
    send_request(run.folder, order="go")
    assert [event.step for event in events if isinstance(event, EpochEnd)] == [120, 160]


def test_held_for_long_it_saves_all_and_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(control, "MAX_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(control, "POLL_SECONDS", 0.02)
    run = Run.create(tmp_path, CONFIG)
    send_request(run.folder, order="hold")
    seen = list(execute(run))
    assert {type(event) for event in seen[1:]} == {Paused} and seen[-1].step == 20
    assert read(run.model_path).card.steps == 20


def test_time_in_which_it_is_held_is_not_counted(tmp_path, monkeypatch):
    run = Run.create(tmp_path, CONFIG)
    events = execute(run)
    advance(events, 1)
    send_request(run.folder, order="hold")
    advance(events, 1)
    monkeypatch.setattr("models.runs.train.time.monotonic", lambda later=10**6: later)
    send_request(run.folder, order="go")
    advance(events, 1)
    events.close()
    assert read(run.model_path).card.seconds < 10**5


def test_a_finished_run_is_not_held(tmp_path):
    run = steered(tmp_path, at=7, order="step")
    assert read(run.model_path).card.steps == 160


@pytest.mark.parametrize(
    "wanted",
    [
        {"beta": -2.0}, {"beta": float("nan")}, {"beta": 1e9}, {"beta": "4"},
        {"learning_rate": -1.0}, {"learning_rate": 10.0}, {"order": "faster"},
    ],
    ids=str,
)  # fmt: skip
def test_what_may_not_be_wanted_is_one_sentence(wanted, tmp_path):
    send_request(tmp_path, beta=3.0)
    with pytest.raises(ValueError) as caught:
        send_request(tmp_path, **wanted)
    assert_sentence(str(caught.value))
    assert read_request(tmp_path) == ControlRequest(beta=3.0)


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b'{"beta": -9}', b'{"unknown": 1}', b"\xff"])
def test_a_damaged_wish_is_none(content, tmp_path):
    (tmp_path / "wish.json").write_bytes(content)
    (tmp_path / "changes.jsonl").write_bytes(content + b'\n{"step": 7}\n')
    assert read_request(tmp_path) == ControlRequest()
    assert read_changes(tmp_path) == [Change(7)]


def test_a_multirate_model_has_no_beta_to_change(tmp_path):
    run = Run.create(tmp_path, tiny(family="multirate"))
    send_request(run.folder, beta=4.0)
    list(execute(run))
    assert read_changes(run.folder) == []


def test_settings_in_force_by_step():
    config: RunConfig = preset("digits-2d")
    found = active_settings(config, [Change(100, 4.0, 1e-3), Change(300, 0.5, 1e-3)])
    weights = [kl_weight(1000, 4000, each.objective) for each in found]
    assert weights == [1.0, 4.0, 0.5]
    with pytest.raises(ValueError, match="multirate"):
        active_settings(preset("digits-multirate"), [Change(1, 4.0, 1e-3)])
