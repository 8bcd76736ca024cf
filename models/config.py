"""What a run is made of: frozen, validated settings that travel as JSON.

A `RunConfig` names the data and holds three parts: the model, the objective and the
training. Every setting carries its own limits and its own sentence of help, so the
command line, the screen, a link and a file from a stranger all pass the same validator.
This module imports nothing but the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from reprlib import repr as shorten

from models.capabilities import FAMILIES, LIKELIHOODS, Capabilities, LikelihoodProperties
from models.settings import Settings, setting

MIN_SIGMA = 1 / 256
"""Smallest standard deviation of a Gaussian likelihood: one grey level of an 8-bit image."""
NETWORKS = ("mlp", "conv")
ACTIVATIONS = ("relu", "silu")
PRECISIONS = ("float32", "bfloat16")


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
        "vae; autoencoder: no noise, no prior; multirate: one VAE for every beta.",
        choices=tuple(FAMILIES),
    )
    network: str = setting("mlp", "Fully connected, or convolutional.", choices=NETWORKS)
    image_shape: tuple[int, ...] = setting((1, 28, 28), "Channels, height, width.", 1, 64)
    latent_dim: int = setting(2, "Number of latent dimensions.", 1, 256)
    hidden: tuple[int, ...] = setting(
        (512, 256),
        "Widths (mlp; none: linear) or channels (conv) of the encoder; the decoder mirrors them.",
        1,
        4096,
    )
    activation: str = setting("relu", "Non-linearity between layers.", choices=ACTIVATIONS)
    likelihood: str = setting(
        "bernoulli", "The density p(x|z) of a pixel.", choices=tuple(LIKELIHOODS)
    )
    sigma: float = setting(
        0.1,
        "Standard deviation of the fixed Gaussian; where it is learned, its start.",
        MIN_SIGMA,
        10.0,
    )
    beta_min: float = setting(0.1, "Smallest beta of a multirate model.", 1e-4, 1.0)
    beta_max: float = setting(100.0, "Largest beta of a multirate model.", 1.0, 1e4)

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
        if self.beta_min == self.beta_max:
            raise ValueError(f"beta_max must be above beta_min, got {self.beta_max:g} for both")

    @property
    def capabilities(self) -> Capabilities:
        """What the family can do."""
        return FAMILIES[self.family]

    @property
    def likelihood_properties(self) -> LikelihoodProperties:
        """What the likelihood is."""
        return LIKELIHOODS[self.likelihood]


@dataclass(frozen=True)
class ObjectiveConfig(Settings):
    """What training asks of the rate, and when. It never enters a reported ELBO.

    The defaults are the ELBO itself; `models.objectives` has the formulas.

    Raises:
        ValueError: If a setting is outside its limits, or a warm-up is given beside cycles.

    Example:
        >>> ObjectiveConfig(beta=4.0, cycles=4).ramp
        0.5
    """

    beta: float = setting(1.0, "Weight of the rate KL(q(z|x) ‖ p(z)); 1 is the ELBO.", 0.0, 1e4)
    kl_warmup_steps: int = setting(
        0, "Steps over which the weight rises from 0 to beta.", 0, 1_000_000
    )
    cycles: int = setting(
        0, "How often the weight rises from 0 to beta during training; 0: no cycles.", 0, 100
    )
    ramp: float = setting(0.5, "Share of a cycle over which the weight rises.", 0.01, 1.0)
    free_bits: float = setting(
        0.0, "Nats below which the rate of a latent dimension costs no more.", 0.0, 100.0
    )
    capacity: float = setting(
        0.0, "Nats at which training holds the rate; 0: as low as it may go.", 0.0, 1000.0
    )
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
    """How the weights are found: Adam with a linear warm-up and a cosine decay.

    Example:
        >>> TrainingConfig(learning_rate=10)
        Traceback (most recent call last):
        ValueError: learning_rate must be at most 1, got 10
    """

    epochs: int = setting(20, "Passes over the training set.", 1, 10_000)
    batch_size: int = setting(128, "Images per step.", 1, 100_000)
    learning_rate: float = setting(2e-3, "Peak learning rate of Adam.", 1e-7, 1.0)
    final_learning_rate: float = setting(1e-5, "Learning rate at the last step.", 0.0, 1.0)
    warmup_steps: int = setting(
        200, "Steps over which the learning rate rises to its peak.", 0, 1_000_000
    )
    seed: int = setting(
        0, "Seed of the weights, of the order of the images and of the noise.", 0, 2**31 - 1
    )
    binarize: bool = setting(
        False, "Draw every pixel 0 or 1 anew at each step, white as often as it is bright."
    )
    precision: str = setting("float32", "Arithmetic of the layers.", choices=PRECISIONS)
    threads: int = setting(1, "Processor threads; part of what makes a run repeatable.", 1, 256)


@dataclass(frozen=True)
class RunConfig(Settings):
    """Everything that determines a run: the data's name or path, and three groups of settings.

    Example:
        >>> from models.presets import preset
        >>> config = preset("digits-2d")
        >>> RunConfig.from_json(config.to_json()) == config
        True
    """

    data: str = setting("digits", "Name of a data set, or the path of one's own.")
    model: ModelConfig = field(default_factory=ModelConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.training.binarize and not self.model.likelihood_properties.is_binary:
            raise ValueError(
                f"binarize must go with the bernoulli likelihood, got {self.model.likelihood}"
            )
        if self.model.capabilities.betas == "many":
            for name, only in (("beta", 1.0), ("free_bits", 0.0), ("capacity", 0.0)):
                value = getattr(self.objective, name)
                if value != only:
                    raise ValueError(
                        f"{name} must be {only:g} for a {self.model.family} model, which draws "
                        f"its own beta, got {value:g}"
                    )

    def total_steps(self, images: int) -> int:
        """The updates of a whole training on that many images.

        Raises:
            ValueError: If a batch needs more images, or the cycles more steps.

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
