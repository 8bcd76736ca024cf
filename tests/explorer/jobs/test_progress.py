"""Progress of jobs: what the run folders tell."""

import pytest

from explorer.jobs.progress import Progress
from models.config import ModelConfig, RunConfig, TrainingConfig
from models.runs.folder import Run

CONFIG = RunConfig("digits", ModelConfig(image_shape=(1, 8, 8)), training=TrainingConfig(epochs=4))


@pytest.fixture
def runs_dir(tmp_path):
    return tmp_path / "runs"


def epoch_row(epoch, distortion=20.5, rate=3.25):
    return {"epoch": epoch, "step": epoch + 1, "test_distortion": distortion, "test_rate": rate}


def test_progress_of_a_sweep_is_the_mean_over_its_runs(runs_dir):
    members = [Run.create(runs_dir, CONFIG, sweep="abc") for _ in range(2)]
    Run.create(runs_dir, CONFIG, sweep="other").history.append(epoch_row(3))
    damaged = Run.create(runs_dir, CONFIG)
    (damaged.folder / "config.json").write_text("{")
    progress = Progress(runs_dir, [run.id for run in members], is_sweep=True)
    assert progress.measure() == (0.0, None, "0 of 2 runs done")
    for epoch in range(4):
        members[0].history.append(epoch_row(epoch))
    members[1].history.append(epoch_row(0))
    found = progress.measure(fresh=True)
    assert (found.share, found.text) == ((1 + 1 / 4) / 2, "1 of 2 runs done")


@pytest.mark.parametrize(
    "row", ["7", "null", '{"epoch": "x"}', "{}", '{"epoch": 1, "step": 2}', "[1]", "{"]
)
def test_odd_metrics_are_no_progress_and_no_error(row, runs_dir):
    run = Run.create(runs_dir, CONFIG)
    (run.folder / "metrics.jsonl").write_text(row + "\n")
    found = Progress(runs_dir, [run.id]).measure()
    assert found.text == "first epoch" and found.share in (0.0, 0.5)


def test_a_run_that_is_gone_is_no_error(runs_dir):
    assert Progress(runs_dir, ["../../etc"]).measure().share == 0.0
