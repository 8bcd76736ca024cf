"""The status of a run: every state, from the folder alone."""

import json
import math
from dataclasses import replace

import pytest

from models.runs.folder import Run
from models.runs.status import (
    DONE,
    FAILED,
    IMPORTED,
    INTERRUPTED,
    PAUSED,
    RUNNING,
    STOPPED,
    WAITING,
    RunStatus,
    epochs_done,
    read_failure,
    run_status,
    write_failure,
)
from models.runs.train import execute
from models.training.control import send_request
from models.training.events import TrainingDivergedError
from tests.helpers.configs import tiny

CONFIG = tiny(training={"epochs": 3, "batch_size": 32, "learning_rate": 3e-3})
"""Three epochs of 40 steps: two events each."""


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path, CONFIG)


def copy(run, *names):
    """A run of the same settings with some of the files of another."""
    other = Run.create(run.folder.parent, CONFIG)
    for name in names:
        (other.folder / name).write_bytes((run.folder / name).read_bytes())
    return other


def advance(run, count, **options):
    events = execute(run, **options)
    for _ in range(count):
        next(events)
    return events


def test_a_run_that_has_not_begun_waits(run):
    assert run_status(run) == RunStatus(WAITING, 3)
    with pytest.raises(ValueError), run.lock():
        raise ValueError
    assert run_status(run).state == WAITING, "a lock that is free holds nothing"


def test_a_run_is_running_while_it_is_trained_and_then_done(run):
    events = advance(run, 2)
    status = run_status(run)
    assert (status.state, status.epochs_done, status.share) == (RUNNING, 1, 1 / 3)
    assert status.row["step"] == 40 and status.total_steps == 120
    list(events)
    status = run_status(run)
    assert (status.state, status.epochs_done, status.model_steps) == (DONE, 3, 120)
    assert status.is_done and status.share == 1 and status.row == run.history.rows()[-1]


def test_a_paused_run_is_held_by_its_process(run):
    events = advance(run, 1)
    send_request(run.folder, order="hold")
    next(events)
    assert run_status(run).state == PAUSED
    send_request(run.folder, order="go")
    next(events)
    assert run_status(run).state == RUNNING


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_run_that_was_ended_keeps_its_model(count, run):
    advance(run, count).close()
    status = run_status(run)
    assert (status.state, status.epochs_done) == (STOPPED, count // 2)
    assert status.model_steps == 20 * count and not status.is_done


def test_a_killed_run_is_interrupted(run):
    events = advance(run, 2, autosave_seconds=0)
    left = copy(run, "state.safetensors", "metrics.jsonl")
    events.close()
    assert run_status(left) == RunStatus(INTERRUPTED, 3, run.history.rows()[0])
    early = copy(run, "state.safetensors")  # before the first epoch was over
    assert run_status(early) == RunStatus(INTERRUPTED, 3)


def test_a_run_killed_before_its_model_was_written_is_not_done(run):
    advance(run, 2).close()
    stopped = copy(run, "model.safetensors")
    list(execute(run))
    left = copy(run, "state.safetensors", "metrics.jsonl")
    assert run_status(left).state == INTERRUPTED and run_status(left).share == 1
    left.model_path.write_bytes(stopped.model_path.read_bytes())
    status = run_status(left)
    assert (status.state, status.model_steps) == (INTERRUPTED, 40)
    left.model_path.write_bytes(b"damaged")
    assert run_status(left).state == INTERRUPTED
    list(execute(left))
    assert run_status(left).state == DONE


def test_a_run_that_diverged_has_failed_until_it_is_tried_again(run, monkeypatch):
    from models.families import autoencoder

    terms = autoencoder.elbo_terms

    def diverging(*given):
        found = terms(*given)
        return found._replace(distortion=found.distortion * math.nan)

    with monkeypatch.context() as patch, pytest.raises(TrainingDivergedError) as caught:
        patch.setattr(autoencoder, "elbo_terms", diverging)
        list(execute(run))
    status = run_status(run)
    assert (status.state, status.reason) == (FAILED, str(caught.value))
    events = advance(run, 1)
    assert run_status(run).state == RUNNING
    list(events)
    assert run_status(run) == RunStatus(DONE, 3, run.history.rows()[-1], 120)


def test_a_model_from_elsewhere_is_imported(run):
    list(execute(run))
    other = copy(run, "model.safetensors")
    assert run_status(other) == RunStatus(IMPORTED, 3, None, 120)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"reason": 7}', b"\xff", b"[" * 5000, b'{"reason": ""}'],
)
def test_a_damaged_record_of_a_failure_is_none(content, run):
    (run.folder / "failure.json").write_bytes(content)
    assert read_failure(run) == "" and run_status(run).state == WAITING


def test_a_reason_is_kept_as_one_line(run):
    write_failure(run, "one\ntwo\u202e " + "x" * 1000)
    assert read_failure(run).startswith("one two x") and len(read_failure(run)) == 400
    (run.folder / "failure.json").write_text(json.dumps({"reason": "a\0b"}))
    assert read_failure(run) == "ab"


@pytest.mark.parametrize("content", [b"7\nnull\n[]\n", b'{"epoch": 10}', b"\xff" * 99])
def test_a_damaged_history_is_no_progress(content, run):
    (run.folder / "metrics.jsonl").write_bytes(content)
    assert run_status(run) == RunStatus(WAITING, 3)


def test_damaged_settings_have_no_status(run):
    (run.folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="must hold a valid config"):
        run_status(run)


def test_more_epochs_than_asked_for_are_all_of_them():
    assert epochs_done({"epoch": 9, "step": 400}, 3) == 3


def test_the_length_of_a_training_is_told_by_its_first_epochs(run):
    longer = Run.create(
        run.folder.parent, replace(CONFIG, training=replace(CONFIG.training, epochs=7))
    )
    longer.history.append({"epoch": 1, "step": 80})
    assert run_status(longer).total_steps == 280 and run_status(run).total_steps is None
