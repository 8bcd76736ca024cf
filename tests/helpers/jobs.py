"""Jobs for tests: settings of small runs, and what is done with them."""

import sys
from dataclasses import replace

import pytest

from explorer.jobs.job import Job
from models.config import ModelConfig, RunConfig, TrainingConfig
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from tests.helpers.processes import wait

CONFIG = RunConfig("digits", ModelConfig(image_shape=(1, 8, 8)), training=TrainingConfig(epochs=4))
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")


def ended(queue, job_id) -> Job:
    wait(lambda: not queue.watch(job_id).is_live)
    return queue.watch(job_id)


def begun(queue):
    """A run of the queue's folder whose training has begun."""
    run = Run.create(queue.runs_dir, CONFIG)
    run.state_path.touch()
    return run


def train(queue, autosave=10, **training):
    """Has a small model trained on digits by the real command; returns the job."""
    parts = replace(CONFIG.model, hidden=(8, 4)), replace(CONFIG.training, **training)
    run = Run.create(queue.runs_dir, replace(CONFIG, model=parts[0], training=parts[1]), "mine")
    return queue.submit(["train", f"--resume={run.id}", f"--autosave={autosave}"], "mine", [run.id])


def assert_same_as_uninterrupted(run, folder):
    """Equal bits of weights, codes and training state, equal metrics."""
    whole = Run.create(folder / "whole", run.config(), run.title)
    for _ in execute(whole):
        pass
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint
    assert read_tensors(run.state_path)[2] == read_tensors(whole.state_path)[2]
    rows = [[{**row, "seconds": 0} for row in each.history.rows()] for each in (run, whole)]
    assert rows[0] == rows[1] and len(rows[0]) == run.config().training.epochs
