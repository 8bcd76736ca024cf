"""Makes runs of sprites whose codes are known, without training anything."""

from dataclasses import replace

import numpy as np

from models.config import override
from models.data.sprites import load_sprites
from models.families.registry import build_model
from models.latents.codes import Codes
from models.metrics.disentanglement.preparation import standardise
from models.metrics.disentanglement.scores import score_codes
from models.presets import preset
from models.runs.folder import Run
from models.storage.card import Card
from models.storage.checkpoint import write

COUNT = 200
SPRITES = load_sprites("sprites-8", "test")


def known_codes(order=(0, 1, 2, 3, 4), noise=0.0, seed=0):
    """Codes of five latents that are the five factors in this order, with noise."""
    factors = SPRITES.factors[:COUNT]
    mean = standardise(factors)[:, list(order)]
    mean = mean + noise * np.random.default_rng(seed).normal(size=mean.shape)
    spread = np.full(mean.shape, -3.0)
    return Codes(mean.astype(np.float32), spread, np.full(COUNT, 20.0), SPRITES.labels[:COUNT],
                 factors)  # fmt: skip


def make_factor_run(runs_dir, codes, *, beta=1.0, seed=0, title="sprites"):
    """A run folder with an untrained model, these codes, and their scores; its id."""
    config = override(
        preset("sprites-5d"), data="sprites-8", image_shape=(1, 8, 8), hidden=(8, 4), beta=beta,
        seed=seed,
    )  # fmt: skip
    rate = codes.rate.sum(1).mean()
    card = Card(
        config=config,
        title=f"{title} {beta:g} {seed}",
        data_name="sprites-8",
        data_fingerprint=SPRITES.fingerprint,
        class_names=SPRITES.class_names,
        factor_names=SPRITES.factor_names,
        steps=1,
        metrics={
            "distortion": [20.0, 0.1], "rate": [float(rate), 0.1], "active_units": 5,
            "negative_elbo": [20.0 + float(rate), 0.1], **score_codes(codes),
        },
    )  # fmt: skip
    run = Run.create(runs_dir, card.config, card.title)
    network = build_model(config.model, seed=1)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    write(run.model_path, card, weights, codes)
    return run.id


def with_scores(card, **scores):
    """The same card with other scores."""
    return replace(card, metrics={**card.metrics, **scores})
