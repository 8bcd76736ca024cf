"""The command steer: pauses, continues and changes a run from another process."""

import signal

import pytest

from models.runs.folder import list_runs
from models.training.control import Change, read_changes
from tests.helpers.command_line import call
from tests.helpers.processes import finish, python, wait


def test_a_training_is_steered_from_another_command(tmp_path):
    process = python(
        "-m", "models", "train", "--runs-dir", str(tmp_path), "--epochs", "5000", "--threads", "1"
    )  # fmt: skip
    wait(lambda: any(run.history.rows() for run in list_runs(tmp_path)))
    (run,) = list_runs(tmp_path)
    assert "order hold" in call("steer", run.id, "--hold", "--runs-dir", tmp_path)
    wait(run.model_path.exists)
    held = len(run.history.rows())
    call("steer", run.id, "--beta", 4, "--learning-rate", 1e-3, "--runs-dir", tmp_path)
    wait(lambda: read_changes(run.folder))
    assert len(run.history.rows()) == held
    call("steer", run.id, "--go", "--runs-dir", tmp_path)
    wait(lambda: len(run.history.rows()) > held)
    process.send_signal(signal.SIGTERM)
    assert "Stopped and kept" in finish(process)
    assert read_changes(run.folder) == [Change(20 * held, 4.0, 1e-3)]


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        ([], "must be given"),
        (["--hold", "--go"], "must be given"),
        (["--beta", -3], "beta must be 0 to 10000, got -3"),
        (["--learning-rate", 7], "learning_rate must be at most 1, got 7"),
    ],
)
def test_orders_that_cannot_be_are_one_sentence(arguments, phrase, trained):
    runs = trained.folder.parent
    assert phrase in call("steer", trained.id, *arguments, "--runs-dir", runs, status=1)
    assert not (trained.folder / "wish.json").exists()
    assert "one of the runs folder" in call("steer", "x", "--go", "--runs-dir", runs, status=1)
