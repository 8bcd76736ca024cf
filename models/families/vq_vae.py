"""The VQ-VAE: an image as a grid of tokens, each the number of a code, and a prior over grids.

Two players learn beside each other. `model` is the encoder, the decoder and, moved by averages,
the codebook; `prior` learns which grids the encoder makes, on tokens through which no gradient
flows. The posterior puts everything on one grid, so its rate is what the prior charges for it:

.. math:: -\\ln p(x) ≤ D + R, \\qquad D = -\\ln p(x | t(x)), \\quad R = -\\ln p(t(x))

in nats per image, comparable with D + R of a VAE of the same likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from models.config import ModelConfig
from models.families.autoencoder import ImageModel
from models.families.codebook import Codebook
from models.families.grid_networks import GridDecoder, GridEncoder, grid_shape
from models.families.token_prior import TokenPrior
from models.objectives.quantization import perplexity, straight_through
from models.objectives.trainable import Batch, Losses, Player, Scores

START_IMAGES = 512
"""Training images whose vectors the first codes are placed among."""
COMMITMENT = {False: 0.25, True: 10.0}
"""λ unless another is given, by whether the likelihood is a density."""
DISTURBED = 0.1
"""Share of the tokens before that the prior is not shown in training."""
MAX_TOKENS = 256
"""Of a grid: what attention costs grows with their square."""
CHUNK = 1000
"""Images that are scored or drawn at a time."""


class Quantized(NamedTuple):
    """Images through encoder and codebook: `vectors` of the encoder and `codes` nearest to them,
    both (B, T, D), and the codes' numbers `tokens`, int64, (B, T)."""

    vectors: Tensor
    codes: Tensor
    tokens: Tensor


class Measured(NamedTuple):
    """Test images through a VQ-VAE: `tokens` (N, T), `distortion` (N,) and `rate` of every token
    (N, T) in nats, and how often every code was used, `usage` (K,)."""

    tokens: Tensor
    distortion: Tensor
    rate: Tensor
    usage: Tensor


class VQVAE(ImageModel):
    r"""An autoencoder whose code is a grid of tokens, with a learned prior over them.

    .. math:: L = D + λ \sum_i ‖v_i - \mathrm{sg}(e_{k(v_i)})‖^2, \qquad L_\text{prior} = R

    Args:
        config: Image shape, channels of the convolutions (`hidden`), numbers of a code
            (`latent_dim`), likelihood; K (`codebook`); λ (`commitment`), in nats per unit of
            squared distance, 0: .25 where D is of a probability, 10 where it is of a density, whose
            gradients are larger; `prior_width`, of the prior's features.

    Raises:
        ValueError: If the grid would have more than `MAX_TOKENS` places.

    Source:
        van den Oord, Vinyals & Kavukcuoglu, Neural Discrete Representation Learning, 2017,
        arXiv:1711.00937.

    Example:
        >>> config = ModelConfig(network="conv", hidden=(8,), image_shape=(1, 8, 8), latent_dim=4)
        >>> model = VQVAE(config)
        >>> tokens = model.tokenize(torch.zeros(3, 1, 8, 8))
        >>> tuple(tokens.shape), tuple(model.decode_tokens(tokens).shape)
        ((3, 16), (3, 1, 8, 8))
    """

    terms = ("distortion", "commitment", "perplexity", "rate")

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.codes = config.codebook
        is_density = config.likelihood_properties.is_density
        self.commitment = config.commitment or COMMITMENT[is_density]
        self.grid = grid_shape(config)
        tokens = math.prod(self.grid)
        if tokens > MAX_TOKENS:
            raise ValueError(
                f"the grid must have at most {MAX_TOKENS} tokens, got {tokens}: "
                "give hidden one more entry, which halves the grid"
            )
        self.encoder = GridEncoder(config)
        self.decoder = GridDecoder(config, self.likelihood.outputs)
        self.codebook = Codebook(self.codes, config.latent_dim)
        self.prior = TokenPrior(tokens, self.codes, config.prior_width)

    @property
    def evaluations(self) -> int:
        """Passes for a new image: one through the prior for each token, one through the decoder."""
        return math.prod(self.grid) + 1

    def players(self) -> Mapping[str, Player]:
        """Returns `model`, all but the prior, and `prior`."""
        own = [p for name, p in self.named_parameters() if not name.startswith("prior.")]
        return {"model": Player(own), "prior": Player(list(self.prior.parameters()))}

    @torch.no_grad()
    def start_at(self, images: Tensor) -> None:
        """Starts the decoder at the mean image and the codes by k-means, images (N, C, H, W)."""
        device = next(self.decoder.parameters()).device
        self.decoder.start_at(self.likelihood.initial_output(images.mean(0).to(device)))
        vectors = self._vectors(images[:START_IMAGES].to(device)).flatten(0, 1)
        generator = torch.Generator(device).manual_seed(0)
        self.codebook.start_at(vectors, len(vectors), generator)

    def _vectors(self, images: Tensor) -> Tensor:
        """The encoder's vectors, row by row, shape (B, T, D)."""
        return self.encoder(images).float().flatten(2).transpose(1, 2)

    def quantize(self, images: Tensor) -> Quantized:
        """Encodes images (B, C, H, W) to vectors, their nearest codes and tokens."""
        vectors = self._vectors(images)
        tokens = self.codebook(vectors.flatten(0, 1)).view(vectors.shape[:2])
        return Quantized(vectors, self.codebook.vectors[tokens], tokens)

    def losses(self, player: str, batch: Batch) -> Losses:
        """D plus the commitment, or R; the codebook follows in training mode, at `model`'s turn."""
        return self._prior_loss(batch) if player == "prior" else self._model_loss(batch)

    def _model_loss(self, batch: Batch) -> Losses:
        vectors, codes, tokens = self.quantize(batch.images)
        grid = straight_through(vectors, codes)
        distortion = -self.likelihood.log_prob(self._output(_flat(grid)), batch.images).mean()
        commitment = (vectors - codes).square().sum((1, 2)).mean()
        if self.training:
            self.codebook.follow(vectors.detach().flatten(0, 1), tokens.flatten(), batch.generator)
        used = torch.bincount(tokens.flatten(), minlength=self.codes)
        return Losses(
            distortion + self.commitment * commitment,
            {
                "distortion": distortion.detach(),
                "commitment": commitment.detach(),
                "perplexity": perplexity(used).float(),
            },
        )

    def _prior_loss(self, batch: Batch) -> Losses:
        """R, where some of the tokens before are drawn at random, so that it is not learned by
        heart; the reported rate is of the same tokens."""
        with torch.no_grad():
            tokens = self.quantize(batch.images).tokens
        rate = self.prior.nats(tokens, self._disturbed(tokens, batch.generator)).sum(1).mean()
        return Losses(rate, {"rate": rate.detach()})

    def _disturbed(self, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """The tokens, some replaced by others drawn evenly."""
        device = tokens.device
        chance = torch.rand(tokens.shape, generator=generator, device=device)
        other = torch.randint(self.codes, tokens.shape, generator=generator, device=device)
        return torch.where(chance < DISTURBED, other, tokens)

    @torch.no_grad()
    def score(self, images: Tensor, seed: int) -> Scores:
        """Scores test images: D and R in nats per image, perplexity, codes in use."""
        self.eval()
        found = self.measure(images)
        return {
            "distortion": found.distortion.mean().item(),
            "rate": found.rate.sum(1).mean().item(),
            "perplexity": perplexity(found.usage).item(),
            "codes_in_use": float((found.usage > 0).sum()),
        }

    def image_scores(self, images: Tensor, seed: int) -> dict[str, Tensor]:
        """Computes D, R and their sum of each image, in nats."""
        self.eval()
        found = self.measure(images)
        distortion, rate = found.distortion, found.rate.sum(1)
        return {"distortion": distortion, "rate": rate, "negative_elbo": distortion + rate}

    @torch.no_grad()
    def measure(self, images: Tensor) -> Measured:
        """Computes D and R of every image, with its tokens; the noise of nothing enters."""
        tokens, distortion, rate = [], [], []
        for chunk in images.split(CHUNK):
            tokens.append(self.tokenize(chunk))
            distortion.append(-self.log_likelihood(chunk, self.code_vectors(tokens[-1])))
            rate.append(self.prior.nats(tokens[-1]))
        usage = torch.bincount(torch.cat(tokens).flatten(), minlength=self.codes)
        return Measured(torch.cat(tokens), torch.cat(distortion), torch.cat(rate), usage)

    def tokenize(self, images: Tensor) -> Tensor:
        """Encodes images (B, C, H, W) to tokens, row by row, int64, shape (B, T)."""
        return self.quantize(images).tokens

    def encode(self, images: Tensor) -> tuple[Tensor, None]:
        """Encodes images to what the decoder takes, shape (B, D·T), and None: no variance."""
        return self.code_vectors(self.tokenize(images)), None

    def code_vectors(self, tokens: Tensor) -> Tensor:
        """Looks up the codes of tokens (B, T) as the decoder takes them, shape (B, D·T)."""
        return _flat(self.codebook.vectors[tokens])

    def _output(self, z: Tensor) -> Tensor:
        return self.decoder(z).float()

    def decode_tokens(self, tokens: Tensor) -> Tensor:
        """Decodes tokens (B, T) to mean images, shape (B, C, H, W)."""
        return self.decode(self.code_vectors(tokens))

    @torch.no_grad()
    def codebook_images(self) -> Tensor:
        """Decodes every code as an image made of it alone, shape (K, C, H, W)."""
        every = torch.arange(self.codes, device=self.codebook.vectors.device)
        return self.decode_tokens(every[:, None].expand(-1, math.prod(self.grid)))

    @torch.no_grad()
    def generate(
        self,
        count: int,
        generator: torch.Generator,
        steps: int | None = None,
        draw: bool = False,
    ) -> Tensor:
        """Makes images from grids that the prior draws: their means, or draws of p(x|t).

        Args:
            count: N.
            generator: Of the tokens and, after them, of the pixels.
            steps: Unused: the prior takes one step for each token.
            draw: Whether pixels are drawn.

        Returns:
            Shape (N, C, H, W), in [0, 1].
        """
        tokens = self.prior.sample(count, generator)
        images = [
            self.sample(z, generator) if draw else self.decode(z)
            for z in map(self.code_vectors, tokens.split(CHUNK))
        ]
        return torch.cat(images).clamp(0, 1)


def _flat(vectors: Tensor) -> Tensor:
    """Vectors (B, T, D) as a flat grid of D channels, shape (B, D·T)."""
    return vectors.transpose(1, 2).flatten(1)
