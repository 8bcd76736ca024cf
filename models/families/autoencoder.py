"""The plain autoencoder: one code per image, no noise, no prior.

It is the base of all families with an encoder and a likelihood: they answer `encode`, `decode`,
`sample` and `log_likelihood`, and are trained on the terms of the negative ELBO.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.config import ModelConfig
from models.families.likelihoods import build_likelihood
from models.families.networks import build_decoder, build_encoder
from models.metrics.likelihood import elbo
from models.objectives.elbo import LatentModel, elbo_terms
from models.objectives.schedules import beta_loss
from models.objectives.trainable import Batch, Losses, Scores, TrainableModel


class ImageModel(TrainableModel):
    """What every model of images has in common: a likelihood p(x|z) over what `_output` gives it.

    Args:
        config: Image shape, latent dimension and likelihood.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.latent_dim = config.latent_dim
        self.likelihood = build_likelihood(config)

    def at(self, beta: float) -> ImageModel:
        """Returns the model at one β: itself, unless its weights are functions of β."""
        return self

    def _output(self, z: Tensor) -> Tensor:
        """What the likelihood reads, shape (B, k·C, H, W)."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Tensor:
        """Decodes codes to mean images E[x|z], shape (B, C, H, W)."""
        return self.likelihood.mean(self._output(z))

    @torch.no_grad()
    def generate(
        self,
        count: int,
        generator: torch.Generator,
        steps: int | None = None,
        draw: bool = False,
    ) -> Tensor:
        """Makes images from draws of the prior: their means, or draws of p(x|z) about them.

        Args:
            count: N.
            generator: Of z and, after it, of the pixels.
            steps: Unused: one evaluation of the decoder makes an image.
            draw: Whether pixels are drawn.

        Returns:
            Shape (N, C, H, W), in [0, 1].
        """
        shape = (count, self.latent_dim)
        z = torch.randn(shape, generator=generator, device=generator.device)
        return (self.sample(z, generator) if draw else self.decode(z)).clamp(0, 1)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draws an image of p(x|z) for every code, shape (B, C, H, W)."""
        return self.likelihood.sample(self._output(z), generator)

    def log_likelihood(self, images: Tensor, z: Tensor) -> Tensor:
        """Computes ln p(x|z) of every image given its code, in nats per image, shape (B,)."""
        return self.likelihood.log_prob(self._output(z), images)

    def log_likelihood_pairs(self, images: Tensor, z: Tensor) -> Tensor:
        """Computes ln p(x|z) of every image (B) given every code (G), in nats, shape (B, G)."""
        return self.likelihood.log_prob_pairs(self._output(z), images)


class Autoencoder(ImageModel):
    """An encoder f and a decoder: z = f(x), trained on -ln p(x|z) alone.

    Example:
        >>> model = Autoencoder(ModelConfig(family="autoencoder", image_shape=(1, 8, 8)))
        >>> code, log_variance = model.encode(torch.zeros(3, 1, 8, 8))
        >>> tuple(code.shape), log_variance
        ((3, 2), None)
    """

    encoder_heads = 1
    terms = ("distortion", "rate")
    draws = 1
    """How often a training step sees every image of its batch."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.encoder = build_encoder(config, self.encoder_heads * config.latent_dim)
        self.decoder = build_decoder(config, self.likelihood.outputs)

    def draw(
        self, images: Tensor, generator: torch.Generator
    ) -> tuple[LatentModel, Tensor, float | Tensor, float | Tensor]:
        """Returns what a step sees: a model, images for it, and weights for their D and R."""
        return self, images, 1.0, 1.0

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws ε ~ N(0, I) for every image a step sees, shape (draws · count, Z)."""
        shape = (self.draws * count, self.latent_dim)
        return torch.randn(shape, generator=generator, device=generator.device)

    def losses(self, player: str, batch: Batch) -> Losses:
        """Computes the weighted sum of D and R, and both as they are, in nats per image."""
        model, images, *weights = self.draw(batch.images, batch.generator)
        terms = elbo_terms(model, images, batch.noise)
        distortion, rate = weights[0] * terms.distortion, weights[1] * terms.rate
        return Losses(
            beta_loss(distortion, rate, *batch.objective),
            {
                "distortion": terms.distortion.detach().mean(-1),
                "rate": terms.rate.detach().sum(-1).mean(-1),
            },
        )

    def score(self, images: Tensor, seed: int) -> Scores:
        """Estimates D and R of test images, weight 1, and the parts of R.

        With one draw of z for every image, since every epoch pays for it: the scores of a finished
        run have more, see `models.metrics.likelihood.DRAWS`.
        """
        terms = elbo(self, images, seed, draws=1)
        return {
            "distortion": terms.distortion.mean().item(),
            "rate": terms.rate.sum(1).mean().item(),
            "kl_per_dimension": terms.rate.double().mean(0).tolist(),
        }

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Encodes images to codes, shape (B, Z), and None: there is no variance."""
        return self.encoder(images).float(), None

    def _output(self, z: Tensor) -> Tensor:
        """What the likelihood reads, shape (B, k·C, H, W)."""
        return self.decoder(z).float()

    def start_at(self, images: Tensor) -> None:
        """Makes the untrained decoder answer with the mean of the images, shape (N, C, H, W).

        Training then starts near the best constant image, not at grey noise.
        """
        device = next(self.decoder.parameters()).device
        mean_image = images.mean(0).to(device)
        self.decoder.start_at(self.likelihood.initial_output(mean_image))
