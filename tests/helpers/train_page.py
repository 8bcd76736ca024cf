"""Makes what tests of the Train page share: small runs, a queue without jobs, the form's inputs."""

import pytest

from explorer.jobs.job import JobError
from models.config import (
    ModelConfig,
    ObjectiveConfig,
    RunConfig,
    TrainingConfig,
)
from models.runs.folder import Run
from models.runs.train import execute
from tests.helpers.app_test import settle

SMALL = RunConfig(
    "digits",
    ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    ObjectiveConfig(),
    TrainingConfig(epochs=3, batch_size=64, warmup_steps=5),
)


class Desk:
    """A queue of jobs that starts none; keeps what was asked of it."""

    slots = 1

    def __init__(self):
        self.jobs, self.asked, self.done, self.full, self.is_prepared = [], [], [], "", False

    def prepare(self):
        self.is_prepared = True

    def train(self, config, title="", label="", owner="", seconds=0.0, purpose=""):
        if self.full:
            raise JobError(self.full)
        self.asked.append((config, title, label))
        return "job"

    def sweep(self, configs, title="", label="", owner="", seconds=0.0, engine=""):
        self.asked.append((configs, label, engine))
        return "job"

    def go_on(self, run_id, label="", owner="", seconds=0.0):
        self.done.append(("go on", run_id))
        return "job"

    def clear(self, reason):
        self.done.append(("clear", reason))

    def all(self):
        return self.jobs

    def watch(self, job_id):
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise JobError("There is no such job.")

    def cancel(self, job_id):
        self.done.append(("cancel", job_id))

    def pause(self, job_id):
        self.done.append(("pause", job_id))

    def resume(self, job_id):
        self.done.append(("resume", job_id))


def order(at):
    """The button that trains."""
    return next(button for button in at.button if button.label == "Train")


def field(at, name):
    """The input of a setting; None where it is not shown."""
    for kind in (at.selectbox, at.number_input, at.text_input):
        for widget in kind:
            if widget.key == f"control-{name}":
                return widget
    return None


def write(at, name, text):
    at.text_input(f"control-{name}").set_value(text)
    return settle(at)


def trained(runs_dir, config=SMALL, title="small"):
    """A run that was trained to its end."""
    run = Run.create(runs_dir, config, title)
    list(execute(run))
    return run


def needing(data, value):
    """A parameter whose test needs a data set: those that do not ship are marked."""
    return pytest.param(value, marks=[] if data == "digits" else pytest.mark.mnist(data))
