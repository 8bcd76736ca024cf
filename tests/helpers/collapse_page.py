"""Makes what tests of the Collapse page share: a collapsed run, its remedies, the table."""

import torch

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.load import load
from models.metrics.collapse import diagnose
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, restore
from models.training.remedies import Strengths, remedies
from tests.helpers.paths import ROOT

COLLAPSED = read(ROOT / "checkpoints" / "digits-2d-beta-4.safetensors")


LIVELY = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")


SMALL = RunConfig(
    "digits",
    ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    ObjectiveConfig(beta=50.0),
    TrainingConfig(epochs=3, batch_size=64, learning_rate=1e-2, warmup_steps=5),
)


STEPS = 60


NAMES = ["KL warm-up", "cycles", "free bits", "capacity", "learned σ", "smaller β"]


def train(runs_dir, config, title="small", events=None, purpose=""):
    """A run of this configuration, to its end or for some events."""
    run = Run.create(runs_dir, config, title, purpose=purpose)
    going = execute(run)
    for count, _ in enumerate(going, 1):
        if count == events:
            going.close()
    return run


def wanted(strengths=None):
    """Remedies of the small run, by name."""
    return {r.name: r for r in remedies(SMALL, STEPS, strengths or Strengths())}


def diagnosis(checkpoint):
    """What the metrics say of a model of the digits."""
    codes, images = checkpoint.codes, load("digits", "test").images
    parts = [torch.tensor(part) for part in (codes.mean, codes.log_variance)]
    return diagnose(*parts, restore(checkpoint).decode, torch.tensor(images))


def table(at):
    """Rows of the table by their first cell."""
    frame = at.table[0].value
    rows = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
    return {row["model"].strip("*"): row for row in rows}


def score(pair):
    return f"{pair[0]:.2f} ± {pair[1]:.2f}".replace("-", "−").replace(" ", "\N{NO-BREAK SPACE}")
