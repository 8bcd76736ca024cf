"""Settings that are known to work, by name."""

from __future__ import annotations

from dataclasses import replace

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig

_DIGITS = ModelConfig(image_shape=(1, 8, 8), hidden=(128, 64))
_DIGITS_TRAINING = TrainingConfig(epochs=200, batch_size=64, learning_rate=3e-3, warmup_steps=100)
_DIGITS_GAN = ModelConfig("gan", image_shape=(1, 8, 8), hidden=(256, 256), latent_dim=16)
_GAN_TRAINING = TrainingConfig(epochs=200, batch_size=64, learning_rate=1e-3, warmup_steps=50)
_DIGITS_DDPM = ModelConfig(family="ddpm", network="conv", image_shape=(1, 8, 8), hidden=(16, 64))
_SPRITES = ModelConfig(image_shape=(1, 16, 16), latent_dim=10, hidden=(128, 64))
_SPRITES_TRAINING = TrainingConfig(epochs=100, learning_rate=3e-3)
_MNIST_TRAINING = TrainingConfig(epochs=60)
PRESETS: dict[str, RunConfig] = {
    "digits-2d": RunConfig(
        "digits", _DIGITS, ObjectiveConfig(kl_warmup_steps=200), _DIGITS_TRAINING
    ),
    "digits-2d-quick": RunConfig(
        "digits",
        _DIGITS,
        ObjectiveConfig(kl_warmup_steps=100),
        TrainingConfig(
            epochs=100, batch_size=128, learning_rate=6e-3, warmup_steps=50, plateau=0.6
        ),
    ),
    "digits-ae": RunConfig(
        "digits",
        replace(_DIGITS, family="autoencoder"),
        ObjectiveConfig(beta=0.0),
        _DIGITS_TRAINING,
    ),
    "digits-multirate": RunConfig(
        "digits",
        replace(_DIGITS, family="multirate"),
        ObjectiveConfig(kl_warmup_steps=200),
        _DIGITS_TRAINING,
    ),
    "digits-ddpm": RunConfig(
        "digits",
        _DIGITS_DDPM,
        ObjectiveConfig(),
        replace(_DIGITS_TRAINING, epochs=60, learning_rate=4e-3, plateau=0.7),
    ),
    "digits-linear": RunConfig(
        "digits",
        replace(_DIGITS, hidden=(), likelihood="gaussian", sigma=0.25),
        ObjectiveConfig(),
        replace(_DIGITS_TRAINING, epochs=500, batch_size=256, learning_rate=3e-2),
    ),
    "digits-gan": RunConfig("digits", _DIGITS_GAN, ObjectiveConfig(), _GAN_TRAINING),
    "digits-gan-collapsing": RunConfig(
        "digits",
        replace(_DIGITS_GAN, hidden=(128, 128), stabiliser="none"),
        ObjectiveConfig(),
        replace(_GAN_TRAINING, epochs=100),
    ),
    "mnist-gan": RunConfig(
        "mnist",
        ModelConfig("gan", hidden=(256, 256), latent_dim=32),
        ObjectiveConfig(),
        replace(_GAN_TRAINING, epochs=12, batch_size=128),
    ),
    "sprites-5d": RunConfig(
        "sprites",
        replace(_SPRITES, latent_dim=5),
        ObjectiveConfig(kl_warmup_steps=500),
        _SPRITES_TRAINING,
    ),
    "sprites-10d": RunConfig(
        "sprites", _SPRITES, ObjectiveConfig(kl_warmup_steps=500), _SPRITES_TRAINING
    ),
    "sprites-multirate": RunConfig(
        "sprites",
        replace(_SPRITES, family="multirate"),
        ObjectiveConfig(kl_warmup_steps=500),
        _SPRITES_TRAINING,
    ),
    "mnist-2d": RunConfig(
        "mnist",
        ModelConfig(hidden=(256, 128, 64), activation="silu"),
        ObjectiveConfig(kl_warmup_steps=500),
        replace(_MNIST_TRAINING, plateau=0.6, binarize=True),
    ),
    "mnist-2d-multirate": RunConfig(
        "mnist",
        ModelConfig(family="multirate"),
        ObjectiveConfig(kl_warmup_steps=500),
        replace(_MNIST_TRAINING, epochs=35, binarize=True),
    ),
    "mnist-20d": RunConfig(
        "mnist",
        ModelConfig(latent_dim=20, hidden=(480, 240), activation="silu"),
        ObjectiveConfig(kl_warmup_steps=2000),
        replace(_MNIST_TRAINING, plateau=0.6),
    ),
    "mnist-2d-quick": RunConfig(
        "mnist",
        ModelConfig(hidden=(256, 128, 64), activation="silu"),
        ObjectiveConfig(kl_warmup_steps=500),
        TrainingConfig(epochs=24, plateau=0.6, binarize=True),
    ),
    "mnist-20d-quick": RunConfig(
        "mnist",
        ModelConfig(latent_dim=20, hidden=(480, 240), activation="silu"),
        ObjectiveConfig(kl_warmup_steps=1000),
        TrainingConfig(epochs=15, plateau=0.6),
    ),
    "digits-vq": RunConfig(
        "digits",
        ModelConfig("vq-vae", network="conv", image_shape=(1, 8, 8), latent_dim=8, hidden=(64,)),
        ObjectiveConfig(),
        replace(_DIGITS_TRAINING, epochs=80),
    ),
    "mnist-vq": RunConfig(
        "mnist",
        ModelConfig(
            "vq-vae", network="conv", latent_dim=16, hidden=(32, 64), codebook=128, prior_width=64
        ),
        ObjectiveConfig(),
        TrainingConfig(epochs=6),
    ),
    "mnist-ddpm": RunConfig(
        "mnist",
        ModelConfig("ddpm", network="conv", hidden=(24, 64), patch=2),
        ObjectiveConfig(),
        TrainingConfig(epochs=10, plateau=0.6),
    ),
}
"""Settings that are known to work, by name.

A quick one takes a part of the time of the one beside it and ends near it (LOG.md of the
benchmarks). Presets that the cards of shipped models name change only together with those.
"""


def preset(name: str) -> RunConfig:
    """Finds a preset by its name.

    Raises:
        ValueError: If there is none of that name; the error lists the names.

    Example:
        >>> preset("mnist-20d").model.latent_dim
        20
    """
    if name not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]
