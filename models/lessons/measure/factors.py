"""What β does to codes of images whose factors are known."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import torch

from models.config import override
from models.data.image_set import ImageSet
from models.data.sprites import load_sprites
from models.families.registry import build_model
from models.latents.codes import Codes
from models.lessons.measure.repeat import Progress, Row, over_seeds
from models.lessons.measurement import Measurement
from models.metrics.disentanglement.scores import score_codes
from models.metrics.likelihood import elbo
from models.presets import preset
from models.training.stacked import Member, Stack

BETAS = (0.5, 1.0, 2.0, 4.0, 8.0)
IMAGES = 1500
"""Training images, the first of the sprites: with all 8000 it would take minutes."""
EPOCHS = 50
SCORES = ("mig", "dci_disentanglement", "infoe", "dci_informativeness")


def disentangle(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures scores of disentanglement by β on sprites, for models that start from one seed.

    Quantities, for each β: the scores of `SCORES` on the test images, 0 to 1; `rate`, R in nats;
    `active`, latents that are not collapsed.

    Args:
        seeds: One for each repeat.
        progress: Receives the share done.
    """
    return over_seeds("disentangle", seeds, _of_seed, progress)


def _of_seed(seed: int, progress: Progress) -> Row:
    """All β of one seed, trained side by side."""
    train, test = _sprites()
    start = override(preset("sprites-10d"), seed=seed, epochs=EPOCHS, batch_size=64)
    configs = [override(start, beta=beta) for beta in BETAS]
    members = [
        Member(build_model(config.model, seed), config, train.images, test.images)
        for config in configs
    ]
    Stack(members)
    for events in zip(*(member.events() for member in members), strict=True):
        progress(events[0].step / members[0].total_steps)
    found: Row = {}
    for beta, member in zip(BETAS, members, strict=True):
        terms = elbo(member.model.eval(), torch.tensor(test.images), seed)
        codes = Codes(
            terms.mean.numpy(), terms.log_variance.numpy(), terms.distortion.numpy(), None,
            test.factors,
        )  # fmt: skip
        scores = score_codes(codes)
        row = {name: scores[name] for name in SCORES}
        row |= {"rate": terms.rate.sum(1).mean().item()}
        row |= {"active": float((codes.mean.var(0) > 0.01).sum())}
        for quantity, value in row.items():
            found.setdefault(quantity, {})[f"{beta:g}"] = value
    return found


@functools.cache
def _sprites() -> tuple[ImageSet, ImageSet]:
    """The training images that are used, and the test images."""
    train, test = (load_sprites("sprites", split) for split in ("train", "test"))
    few = replace(
        train, images=train.images[:IMAGES], labels=train.labels[:IMAGES],
        factors=train.factors[:IMAGES],
    )  # fmt: skip
    return few, test
