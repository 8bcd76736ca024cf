"""Makes run folders with small checkpoints of every kind."""

import json
import shutil

import numpy as np
import torch

from models.config import ModelConfig, RunConfig
from models.families.registry import build_model
from models.latents.codes import Codes
from models.metrics.likelihood import elbo, summarize
from models.runs.folder import Run
from models.storage.card import Card
from models.storage.checkpoint import write


def make_run(runs_dir, *, count=40, labels=4, names=None, title="tiny", scale=1.0, **model):
    """A run folder with an untrained model and the codes of `count` noise images; its id.

    Args:
        runs_dir: Where.
        count: Images in the test set.
        labels: Number of classes, the last of them empty; 0 for none.
        names: Of the classes.
        title: Of the run.
        scale: Multiplies the weights; 0 collapses the posterior to the prior.
        model: Settings of the model.
    """
    config = ModelConfig(**{"image_shape": (1, 8, 8), "hidden": (8, 4)} | model)
    network = build_model(config, seed=1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    images = torch.rand(count, *config.image_shape, generator=torch.Generator().manual_seed(0))
    terms = elbo(network, images)
    card = Card(
        config=RunConfig("digits", config),
        title=title,
        data_name="noise",
        data_fingerprint="0" * 16,
        class_names=tuple(names or [f"class {i}" for i in range(labels)]),
        steps=1,
        metrics=summarize(terms) if count > 1 else {},
    )
    codes = Codes(
        terms.mean.numpy(),
        None if terms.log_variance is None else terms.log_variance.numpy(),
        terms.distortion.numpy(),
        np.arange(count) % max(1, labels - 1) if labels else None,
    )
    run = Run.create(runs_dir, card.config, title)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    write(run.model_path, card, weights, codes)
    return run.id


def break_run(runs_dir, content=b"broken"):
    """A run folder whose model file is no checkpoint; its id."""
    run = Run.create(runs_dir, RunConfig("digits", ModelConfig()), "broken")
    run.model_path.write_bytes(content)
    return run.id


def copies(runs_dir, count):
    """So many runs of the same model, each with a title and a β of its own; their ids, oldest
    first."""
    first = Run(runs_dir / make_run(runs_dir))
    document = json.loads(first.config_path.read_text())
    names = []
    for number in range(count):
        name = f"2026{number // 2000 + 1:02}01-{number % 2000:06}-abcdef"
        shutil.copytree(first.folder, runs_dir / name)
        document["title"] = f"run {number}"
        Run(runs_dir / name).config_path.write_text(json.dumps(document))
        names.append(name)
    shutil.rmtree(first.folder)
    return names
