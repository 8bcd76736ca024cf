"""The second reference of `quality`: pythae's trainer with pythae's own fully connected VAE.

784-512-Z-512-784, binary cross-entropy, batch 128 and Adam at 1e-3 as in `tutorial.py`; all else is
pythae's default. Its requirements file lies beside this one; only this benchmark needs it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.benchmarks.tutorial import BATCH


def is_installed() -> bool:
    """Whether pythae can be imported; it is not yet."""
    return find_spec("pythae") is not None


def imported() -> None:
    """Imports pythae, which takes seconds, and silences what it logs."""
    import_module("pythae.trainers")
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("pythae"):
            logging.getLogger(name).setLevel(logging.ERROR)


class Scored:
    """A model of pythae as `elbo` reads it."""

    def __init__(self, model: nn.Module, latent_dim: int) -> None:
        self.model, self.latent_dim = model, latent_dim

    def eval(self) -> None:
        self.model.eval()

    def train(self) -> None:
        self.model.train()

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        output = self.model.encoder(images)
        return output.embedding, output.log_covariance

    def log_likelihood(self, images: Tensor, z: Tensor) -> Tensor:
        pixels = self.model.decoder(z)["reconstruction"].flatten(1)
        return -F.binary_cross_entropy(pixels, images.flatten(1), reduction="none").sum(1)


class _Enough(Exception):
    """Raised by the callback to end pythae's loop, which has no other way out."""


def train(
    images: Tensor, latent_dim: int, seed: int, epochs: int, check: Callable[[Scored], bool]
) -> None:
    """Trains until `check`, called after every epoch, says that it is enough."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        from pythae.data.datasets import BaseDataset
        from pythae.models import VAE, VAEConfig
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
        from pythae.trainers.training_callbacks import TrainingCallback

        class Check(TrainingCallback):
            def on_epoch_end(self, training_config, **more):
                if check(scored):
                    raise _Enough

        torch.manual_seed(seed)
        model = VAE(VAEConfig(tuple(images.shape[1:]), latent_dim, reconstruction_loss="bce"))
        scored = Scored(model, latent_dim)
        config = BaseTrainerConfig(
            folder, BATCH, num_epochs=epochs, learning_rate=1e-3, seed=seed, no_cuda=True
        )
        dataset = BaseDataset(images, torch.zeros(len(images)))
        trainer = BaseTrainer(model, dataset, training_config=config, callbacks=[Check()])
        with contextlib.suppress(_Enough):
            trainer.train()
