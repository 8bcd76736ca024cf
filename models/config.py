"""What a run is made of: frozen, validated settings that travel as JSON.

A `RunConfig` names the data and holds three parts: the model, the objective and the training.
Each setting is described once, here; the command line, the Train form, links and files are made
from that description and checked by the same validator. This module imports nothing but the
standard library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from reprlib import repr as shorten
from typing import Any

from models.capabilities import FAMILIES, LIKELIHOODS, Capabilities, LikelihoodProperties
from models.settings import Description, Settings, described, setting

MIN_SIGMA = 1 / 256
"""Smallest standard deviation of a Gaussian likelihood: one grey level of an 8-bit image."""
NETWORKS = ("mlp", "conv")
ACTIVATIONS = ("relu", "silu")
PRECISIONS = ("float32", "bfloat16")
STABILISERS = ("none", "r1")
STARTS = ("random", "linear")
LAYOUTS = ("contiguous", "channels_last")
DATA_AND_NETWORK, OBJECTIVE, TRAINING = "Data and network", "Objective", "Training"
"""The groups of the Train form."""


@dataclass(frozen=True)
class ModelConfig(Settings):
    """The network and the likelihood.

    Raises:
        ValueError: If a setting is outside its limits, or the convolutional network has more
            halvings than the image has.

    Example:
        >>> ModelConfig(latent_dim=0)
        Traceback (most recent call last):
        ValueError: latent_dim must be at least 1, got 0
    """

    family: str = setting(
        "vae",
        "An autoencoder has no noise and no prior; multirate is one VAE for every beta; a vq-vae "
        "has a grid of tokens; a gan has a generator and a discriminator; a ddpm removes noise.",
        choices=tuple(FAMILIES),
    )
    network: str = setting(
        "mlp", "Fully connected (mlp) or convolutional (conv).", choices=NETWORKS,
        label="Network", group=DATA_AND_NETWORK, link="network",
    )  # fmt: skip
    image_shape: tuple[int, ...] = setting(
        (1, 28, 28), "Channels, height, width.", 1, 64, has_option=False
    )
    latent_dim: int = setting(
        2, "Number of latent dimensions.", 1, 256,
        label="Latent dimensions", group=DATA_AND_NETWORK, link="latents",
    )  # fmt: skip
    hidden: tuple[int, ...] = setting(
        (512, 256),
        "Widths (mlp; none: linear) or channels (conv) of the encoder; the decoder mirrors them.",
        1, 4096, label="Hidden layers", group=DATA_AND_NETWORK, link="hidden",
    )  # fmt: skip
    activation: str = setting("relu", "Non-linearity between layers.", choices=ACTIVATIONS)
    likelihood: str = setting(
        "bernoulli", "The density p(x|z) of a pixel.", choices=tuple(LIKELIHOODS),
        label="Likelihood p(x|z)", group=OBJECTIVE, link="likelihood",
    )  # fmt: skip
    sigma: float = setting(
        0.1, "Standard deviation of the fixed Gaussian; where it is learned, its start.",
        MIN_SIGMA, 10.0, label="σ", group=OBJECTIVE, link="sigma", step=0.05,
    )  # fmt: skip
    beta_min: float = setting(0.1, "Smallest beta of a multirate model.", 1e-4, 1.0)
    beta_max: float = setting(100.0, "Largest beta of a multirate model.", 1.0, 1e4)
    stabiliser: str = setting(
        "r1",
        "What keeps the discriminator of a gan in check: a penalty on its slope at real images.",
        choices=STABILISERS, label="Stabiliser", group=OBJECTIVE, link="stabiliser",
    )  # fmt: skip
    codebook: int = setting(32, "Codes of a vq-vae.", 2, 1024)
    commitment: float = setting(
        0.0,
        "Weight of the squared distance to its code in a vq-vae; 0: what suits the likelihood.",
        0.0, 1000.0,
    )  # fmt: skip
    prior_width: int = setting(
        32, "Features for each token in the prior of a vq-vae, a multiple of 16.", 16, 256
    )
    patch: int = setting(
        1, "Pixels a side that the U-Net of a ddpm takes as one: more are faster.", 1, 4
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.image_shape) != 3 or self.image_shape[0] not in (1, 3):
            raise ValueError(
                "image_shape must be (1 or 3 channels, height, width), "
                f"got {shorten(self.image_shape)}"
            )
        if min(self.image_shape[1:]) < 8:
            raise ValueError(f"images must be 8 to 64 pixels a side, got {self.image_shape[1:]}")
        fewest = 0 if self.network == "mlp" else 1
        if not fewest <= len(self.hidden) <= 6:
            raise ValueError(f"hidden must have {fewest} to 6 entries, got {len(self.hidden)}")
        if self.network == "conv" and min(self.image_shape[1:]) >> len(self.hidden) < 1:
            raise ValueError(
                f"hidden must have few enough entries to halve {min(self.image_shape[1:])} pixels "
                f"that often, got {len(self.hidden)}"
            )
        if self.network != "conv" and self.capabilities.latent != "gaussian":
            raise ValueError(
                f"network must be conv for a model of family {self.family}, got {self.network}"
            )
        if self.prior_width % 16:
            raise ValueError(f"prior_width must be a multiple of 16, got {self.prior_width}")
        if self.beta_min == self.beta_max:
            raise ValueError(f"beta_max must be above beta_min, got {self.beta_max:g} for both")

    @property
    def capabilities(self) -> Capabilities:
        """What the family can do."""
        return FAMILIES[self.family]

    @property
    def code_size(self) -> int:
        """How many numbers an image is made from: those of z, or of a noise image x_T."""
        is_noise = self.capabilities.latent == "noise image"
        return math.prod(self.image_shape) if is_noise else self.latent_dim

    @property
    def mean_activation(self) -> str:
        """What turns a decoder's output into an image; without a likelihood, "sigmoid"."""
        has_likelihood = self.capabilities.has_likelihood
        return self.likelihood_properties.mean_activation if has_likelihood else "sigmoid"

    @property
    def likelihood_properties(self) -> LikelihoodProperties:
        """What the likelihood is."""
        return LIKELIHOODS[self.likelihood]


@dataclass(frozen=True)
class ObjectiveConfig(Settings):
    """How training weighs the rate, and when. It never enters a reported ELBO.

    The defaults are the ELBO itself; `models.objectives` has the formulas.

    Raises:
        ValueError: If a setting is outside its limits, or a warm-up is given beside cycles.

    Example:
        >>> ObjectiveConfig(beta=4.0, cycles=4).ramp
        0.5
    """

    beta: float = setting(
        1.0, "Weight of the rate KL(q(z|x) ‖ p(z)); 1 is the ELBO.", 0.0, 1e4,
        label="β", group=OBJECTIVE, link="training-beta", step=0.5,
    )  # fmt: skip
    kl_warmup_steps: int = setting(
        0, "Steps over which the weight of the rate rises from 0 to beta.", 0, 1_000_000,
        label="KL warm-up", unit="steps", group=OBJECTIVE, link="warmup", step=100,
    )  # fmt: skip
    cycles: int = setting(
        0, "How often the weight rises from 0 to beta during training; 0: no cycles.", 0, 100,
        link="cycles", screen_minimum=2, screen_maximum=20,
    )  # fmt: skip
    ramp: float = setting(0.5, "Share of a cycle over which the weight rises.", 0.01, 1.0)
    free_bits: float = setting(
        0.0, "Rate of a latent dimension below which it costs no more.", 0.0, 100.0,
        unit="nats", link="free-bits", screen_minimum=0.05, screen_maximum=5.0,
    )  # fmt: skip
    capacity: float = setting(
        0.0, "Rate that training aims at; 0: as low as it may go.", 0.0, 1000.0,
        unit="nats", link="capacity", screen_minimum=0.5, screen_maximum=50.0,
    )  # fmt: skip
    capacity_steps: int = setting(
        0, "Steps over which the capacity rises from 0 to its value.", 0, 1_000_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cycles and self.kl_warmup_steps:
            raise ValueError(
                "kl_warmup_steps must be 0 where the weight rises in cycles, "
                f"got {self.kl_warmup_steps}"
            )


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """How the weights are found: where they start, then Adam with a warm-up, a plateau and a decay.

    Example:
        >>> TrainingConfig(learning_rate=10)
        Traceback (most recent call last):
        ValueError: learning_rate must be at most 1, got 10
    """

    epochs: int = setting(
        20, "Passes over the training set.", 1, 10_000,
        label="Epochs", group=TRAINING, link="epochs", step=10, screen_maximum=1000,
    )  # fmt: skip
    batch_size: int = setting(
        128, "Images per step.", 1, 100_000,
        label="Batch size", group=TRAINING, link="batch", screen_maximum=4096,
    )  # fmt: skip
    learning_rate: float = setting(
        2e-3, "Peak learning rate of Adam.", 1e-7, 1.0,
        label="Learning rate", group=TRAINING, link="learning-rate", step=0.001,
    )  # fmt: skip
    final_learning_rate: float = setting(1e-5, "Learning rate at the last step.", 0.0, 1.0)
    warmup_steps: int = setting(
        200, "Steps over which the learning rate rises to its peak.", 0, 1_000_000
    )
    plateau: float = setting(
        0.0,
        "Share of the steps after the warm-up in which the learning rate stays at its peak, "
        "before it falls.",
        0.0, 1.0,
    )  # fmt: skip
    start: str = setting(
        "random",
        "First weights: random, or random with the best linear VAE of the images among them.",
        choices=STARTS,
    )
    seed: int = setting(
        0, "Seed of the weights, of the order of the images and of the noise.", 0, 2**31 - 1,
        label="Seed", group=TRAINING, link="seed",
    )  # fmt: skip
    binarize: bool = setting(
        False,
        "Draw every pixel as 0 or 1 at each step, with its brightness as the probability of 1.",
    )
    precision: str = setting(
        "float32", "Arithmetic of the layers.", choices=PRECISIONS, is_automatic=True
    )
    threads: int = setting(
        1, "Processor threads; part of what makes a run repeatable.", 1, 256, is_automatic=True
    )
    layout: str = setting(
        "contiguous",
        "Order in memory of what convolutions compute; changes their speed and rounding only.",
        choices=LAYOUTS, is_automatic=True,
    )  # fmt: skip


def why_no_linear_start(model: ModelConfig) -> str:
    """Says for what kind of model a linear start is impossible; nothing, where it is possible.

    Example:
        >>> why_no_linear_start(ModelConfig(latent_dim=20, hidden=(256, 32)))
        'where a hidden layer has fewer than 40 units, two for each latent'
        >>> why_no_linear_start(ModelConfig())
        ''
    """
    if not model.capabilities.has_posterior:
        return f"for a model of family {model.family}, which has no posterior"
    if model.network != "mlp":
        return f"for a network of kind {model.network}, which is not fully connected"
    if model.likelihood_properties.sigma == "pixel":
        return f"for the likelihood {model.likelihood}, which has two outputs a pixel"
    if any(width < 2 * model.latent_dim for width in model.hidden):
        units = 2 * model.latent_dim
        return f"where a hidden layer has fewer than {units} units, two for each latent"
    return ""


@dataclass(frozen=True)
class RunConfig(Settings):
    """Everything that determines a run: the name or path of its data, and three parts.

    Example:
        >>> from models.presets import preset
        >>> config = preset("digits-2d")
        >>> RunConfig.from_json(config.to_json()) == config
        True
    """

    data: str = setting(
        "digits",
        "A built-in data set, or your own images: a .npz, .zip, a folder, or an id from data list.",
        label="Data set", group=DATA_AND_NETWORK, link="data",
    )  # fmt: skip
    model: ModelConfig = field(default_factory=ModelConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.training.binarize and not self.model.likelihood_properties.is_binary:
            raise ValueError(
                f"binarize must go with the bernoulli likelihood, got {self.model.likelihood}"
            )
        if self.training.binarize and not self.model.capabilities.has_likelihood:
            raise ValueError(
                f"binarize must be left out for a model of family {self.model.family}, which has "
                "no likelihood"
            )
        if self.training.start == "linear" and (reason := why_no_linear_start(self.model)):
            raise ValueError(f"start must be random {reason}, got linear")
        if self.model.capabilities.betas == "many":
            for name, only in (("beta", 1.0), ("free_bits", 0.0), ("capacity", 0.0)):
                value = getattr(self.objective, name)
                if value != only:
                    raise ValueError(
                        f"{name} must be {only:g} for a {self.model.family} model, which draws "
                        f"its own beta, got {value:g}"
                    )

    def total_steps(self, images: int) -> int:
        """Counts the updates of the whole training run on that many images.

        Raises:
            ValueError: If a batch needs more images than there are, or the cycles more steps.

        Example:
            >>> from models.presets import preset
            >>> preset("digits-2d").total_steps(1297)
            4000
        """
        batch_size, cycles = self.training.batch_size, self.objective.cycles
        if batch_size > images:
            raise ValueError(
                f"batch_size must be at most the {images} training images, got {batch_size}"
            )
        steps = self.training.epochs * (images // batch_size)
        if cycles and cycles >= steps:
            raise ValueError(f"cycles must be fewer than the {steps} steps, got {cycles}")
        return steps

    def get(self, name: str) -> Any:
        """Returns the value of a setting, whichever part it belongs to.

        Example:
            >>> RunConfig().get("latent_dim")
            2
        """
        part = PART_OF.get(name)
        return getattr(self if part is None else getattr(self, part), name)


PARTS: dict[str, type[Settings]] = {
    "model": ModelConfig,
    "objective": ObjectiveConfig,
    "training": TrainingConfig,
}
PART_OF = {item.name: part for part, kind in PARTS.items() for item in fields(kind)}
"""The part of a run's settings to which each belongs; all others are the run's own."""
RUN_SETTINGS: dict[str, Description] = described(RunConfig)
"""Every setting of a run by its name, in the order of the parts: no two parts share a name."""
for _part in PARTS.values():
    RUN_SETTINGS |= described(_part)


def override(config: RunConfig, **given: Any) -> RunConfig:
    """Replaces settings, each in its part; those given as None stay as they are.

    Where the settings changed so that the network cannot carry a linear start, and `start` was not
    given, it becomes random.

    Raises:
        ValueError: If a value is outside its limits.

    Example:
        >>> override(RunConfig(), beta=4.0, seed=None).objective.beta
        4.0
    """
    given = {name: value for name, value in given.items() if value is not None}
    is_start_given = "start" in given
    for part_name, part in PARTS.items():
        names = {item.name for item in fields(part)} & given.keys()
        chosen = {name: given.pop(name) for name in names}
        given[part_name] = replace(getattr(config, part_name), **chosen)
    if not is_start_given and why_no_linear_start(given["model"]):
        given["training"] = replace(given["training"], start="random")
    return replace(config, **given)
