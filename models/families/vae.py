"""The variational autoencoder: a posterior q(z|x) for every image, a prior p(z) for all."""

from __future__ import annotations

from torch import Tensor

from models.families.autoencoder import Autoencoder


class VAE(Autoencoder):
    r"""An autoencoder whose code is a Gaussian: q(z|x) = N(μ(x), diag σ²(x)).

    .. math:: \ln p(x) ≥ E_q[\ln p(x|z)] - KL(q(z|x) ‖ p(z)), \quad p(z) = N(0, I)

    β is not here: it weighs the objective (`models.objectives`), it does not change what the
    model is nor any score of it.

    Source:
        Kingma & Welling, Auto-Encoding Variational Bayes, 2014, arXiv:1312.6114.

    Example:
        >>> import torch
        >>> from models.config import ModelConfig
        >>> mean, log_variance = VAE(ModelConfig()).encode(torch.zeros(3, 1, 28, 28))
        >>> tuple(mean.shape), tuple(log_variance.shape)
        ((3, 2), (3, 2))
    """

    encoder_heads = 2

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encodes images to mean and log-variance of q(z|x), each of shape (B, Z)."""
        mean, log_variance = self.encoder(images).float().chunk(2, dim=-1)
        return mean, log_variance
