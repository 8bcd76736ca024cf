"""A tiny VAE of digits that a test trains in a second, with any loss and any decoder."""

import torch
import torch.nn.functional as F
from torch import nn

from models.data.load import load

TRAINING = torch.tensor(load("digits", "train").images)


class TinyVAE(nn.Module):
    """A VAE of 8 × 8 images; `mask` multiplies what the decoder reads."""

    def __init__(self, latents=2, mask=None, width=128, seed=1):
        super().__init__()
        torch.manual_seed(seed)
        self.mask = mask
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2 * latents)
        )
        self.decoder = nn.Sequential(nn.Linear(latents, width), nn.ReLU(), nn.Linear(width, 64))

    def encode(self, images):
        return self.encoder(images).chunk(2, 1)

    def logits(self, z):
        return self.decoder(z if self.mask is None else z * torch.tensor(self.mask))

    def decode(self, z):
        return torch.sigmoid(self.logits(z)).view(-1, 1, 8, 8)

    def adapter(self, **more):
        """As an adapter defines it, under the Bernoulli likelihood."""
        return {
            "data": "digits", "encode": self.encode, "decode": self.decode,
            "likelihood": "bernoulli",
        } | more  # fmt: skip


def summed(logits, x, kl):
    """D + R, as it should be."""
    return _cross_entropy(logits, x).sum(1).mean() + kl.sum(1).mean()


def averaged(logits, x, kl):
    """Both parts averaged over all they have, as it is often written."""
    return _cross_entropy(logits, x).mean() + kl.mean()


def averaged_and_weighted(logits, x, kl):
    """A mean over pixels, beside a weight of the KL that is meant as β = 0.02."""
    return _cross_entropy(logits, x).mean() + 0.02 * kl.sum(1).mean()


def with_free_bits(logits, x, kl):
    """D + R, where the first nat of every latent costs nothing."""
    return _cross_entropy(logits, x).sum(1).mean() + kl.mean(0).clamp(min=1.0).sum()


def squared(logits, x, kl):
    """The squared error and the KL, both summed."""
    return (torch.sigmoid(logits) - x).square().sum(1).mean() + kl.sum(1).mean()


def _cross_entropy(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def trained(model, loss=summed, epochs=40):
    """Trains it with Adam in batches of 64."""
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(TRAINING)).split(64):
            x = TRAINING[rows]
            mean, log_variance = model.encode(x)
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
            optimizer.zero_grad()
            loss(model.logits(z), x.flatten(1), kl).backward()
            optimizer.step()
    return model.eval()
