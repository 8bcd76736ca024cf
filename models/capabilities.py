"""What each family of models can do, and what each likelihood is: one entry each.

Code asks for a capability or a property, never for a name, so a family or a likelihood is added
by one entry here and its class. The class is given as text, `module:name`, and imported when a
model is built: reading this table waits for no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Capabilities:
    """What a family of models can do.

    Attributes:
        model: Its class, `module:name`.
        betas: How many β one trained model answers for: "none", "one" or "many". A model of many
            can be folded to a model of one.
        has_encoder: Maps an image to a code.
        has_posterior: The code is a distribution q(z|x) with a variance, not a point.
        has_prior: Images can be generated from draws of a prior p(z).
        has_rate: A code costs nats under the prior, so there is an ELBO.
        has_likelihood: There is a p(x|z), so there is a distortion in nats.
        can_stack: Models that differ in β alone can be trained as one, if they are fully
            connected: there is no state but the weights of linear layers.
        players: Parts that are trained against each other or beside each other, each with its own
            optimiser.
        latent: What an image is made from: "gaussian" (a code z of `latent_dim` numbers, decoded at
            once), "tokens" (a grid of entries of a codebook) or "noise image" (white noise of the
            image's own shape).
        samples_in_steps: Sampling takes as many network evaluations as asked for, not one.

    Example:
        >>> FAMILIES["autoencoder"].has_rate, FAMILIES["multirate"].betas
        (False, 'many')
        >>> FAMILIES["autoencoder"].has_codes
        True
    """

    model: str
    betas: str = "one"
    has_encoder: bool = True
    has_posterior: bool = True
    has_prior: bool = True
    has_rate: bool = True
    has_likelihood: bool = True
    can_stack: bool = False
    players: int = 1
    latent: str = "gaussian"
    samples_in_steps: bool = False

    @property
    def has_codes(self) -> bool:
        """Whether every image has a code z of `latent_dim` numbers: a point of the latent map."""
        return self.has_encoder and self.latent == "gaussian"

    @property
    def has_decoder(self) -> bool:
        """Whether any z of `latent_dim` numbers can be decoded, wherever it comes from."""
        return self.latent == "gaussian"

    @property
    def has_plane(self) -> bool:
        """Whether an image is made from numbers that are as good in between: z, or noise."""
        return self.latent in ("gaussian", "noise image")


@dataclass(frozen=True)
class LikelihoodProperties:
    """What a likelihood p(x|z) is.

    Attributes:
        model: Its class, `module:name`.
        sigma: Where the standard deviation of a pixel comes from: "none" (there is none), "fixed"
            (a setting), "shared" (one learned parameter), "fitted" (the best for each batch) or
            "pixel" (the decoder, for every pixel).
        is_binary: Pixels are 0 or 1, not grey levels.
        is_density: ln p(x|z) is of a density and may be positive, not of a probability.
        mean_activation: What turns the decoder's output into E[x|z]: "sigmoid" or "identity".

    Example:
        >>> LIKELIHOODS["bernoulli"].is_binary, LIKELIHOODS["gaussian-pixel"].learns_sigma
        (True, True)
    """

    model: str
    sigma: str
    is_binary: bool = False
    is_density: bool = True
    mean_activation: str = "identity"

    @property
    def learns_sigma(self) -> bool:
        """Whether training changes σ, so that the model has a state for it."""
        return self.sigma in ("shared", "fitted", "pixel")

    @property
    def reads_sigma(self) -> bool:
        """Whether the setting `sigma` matters: as σ itself or as its start."""
        return self.sigma in ("fixed", "shared", "pixel")


FAMILIES = {
    "vae": Capabilities("models.families.vae:VAE", can_stack=True),
    "autoencoder": Capabilities(
        "models.families.autoencoder:Autoencoder",
        betas="none",
        has_posterior=False,
        has_prior=False,
        has_rate=False,
    ),
    "multirate": Capabilities("models.families.multirate:MultirateVAE", betas="many"),
    "vq-vae": Capabilities(
        "models.families.vq_vae:VQVAE",
        betas="none",
        has_posterior=False,
        players=2,
        latent="tokens",
    ),
    "gan": Capabilities(
        "models.families.gan:GAN",
        betas="none",
        has_encoder=False,
        has_posterior=False,
        has_rate=False,
        has_likelihood=False,
        players=2,
    ),
    "ddpm": Capabilities(
        "models.families.ddpm:DDPM",
        betas="none",
        has_encoder=False,
        has_posterior=False,
        has_rate=False,
        has_likelihood=False,
        latent="noise image",
        samples_in_steps=True,
    ),
}

_CLASSES = "models.families.likelihoods"
LIKELIHOODS = {
    "bernoulli": LikelihoodProperties(
        f"{_CLASSES}:Bernoulli",
        sigma="none",
        is_binary=True,
        is_density=False,
        mean_activation="sigmoid",
    ),
    "gaussian": LikelihoodProperties(f"{_CLASSES}:Gaussian", sigma="fixed"),
    "gaussian-shared": LikelihoodProperties(f"{_CLASSES}:GaussianShared", sigma="shared"),
    "gaussian-optimal": LikelihoodProperties(f"{_CLASSES}:GaussianOptimal", sigma="fitted"),
    "gaussian-pixel": LikelihoodProperties(f"{_CLASSES}:GaussianPixel", sigma="pixel"),
}


def load_class(path: str) -> Any:
    """The class that `module:name` names, its module imported now.

    Example:
        >>> load_class("models.capabilities:Capabilities").__name__
        'Capabilities'
    """
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
