"""Runs for the tests of sweeps: made, compared, bound to fail, and asked for on a command line."""

import os
from dataclasses import replace

import numpy as np

from models.data.load import load
from models.families.registry import build_model
from models.runs.folder import Run
from models.runs.train import restore
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors, write_tensors
from models.sweeps.grid import grid
from models.training.trainer import Training
from tests.helpers.configs import tiny

BETAS = [0.0, 0.3, 1.0, 30.0]


RUN = tiny(training={"epochs": 3, "batch_size": 32, "learning_rate": 3e-3})
"""Three epochs of 40 steps: two events each."""


def created(folder, betas=BETAS, config=RUN):
    return [Run.create(folder, each, f"β {each.objective.beta}") for each in grid(config, betas)]


def assert_same_result(run, separate):
    """As the run of that β on its own, bit for bit; and nothing left lying about."""
    other = separate[run.config().objective.beta]
    histories = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in each.history.rows()]
        for each in (run, other)
    ]
    assert histories[0] == histories[1]
    found, expected = read(run.model_path), read(other.model_path)
    assert found.card.metrics == expected.card.metrics
    assert found.card.steps == expected.card.steps == 120
    for name, weight in found.weights.items():
        np.testing.assert_array_equal(weight, expected.weights[name])
    assert sorted(os.listdir(run.folder)) == sorted(os.listdir(other.folder))


def explode(run):
    """Gives a run a first state whose z is infinite: ln σ² = 1000."""
    config = run.config()
    images = load(config.data, "train").images
    restore(run, Training(build_model(config.model, 0), config, images, images[:50]))
    tensors, document, _ = read_tensors(run.state_path)
    bias = f"model.encoder.layers.{2 * len(config.model.hidden)}.bias"
    write_tensors(run.state_path, tensors | {bias: np.full_like(tensors[bias], 1000)}, document)


def endless(config):
    return replace(config, training=replace(config.training, epochs=10_000))


def command(runs, config, betas, *more):
    """The command line of a sweep of this config."""
    model, training = config.model, config.training
    settings = {"data": config.data, "hidden": "8,4", "epochs": training.epochs,
                "batch-size": training.batch_size, "warmup-steps": training.warmup_steps,
                "kl-warmup-steps": 0, "learning-rate": training.learning_rate,
                "latent-dim": model.latent_dim, "betas": betas, "runs-dir": runs,
                "autosave": 0.1}  # fmt: skip
    words = [f"--{name}={value}" for name, value in settings.items()]
    return ["-m", "models", "sweep", *words, *map(str, more)]
