"""The reference of the training and evaluation benchmarks: the loop most tutorials teach.

MNIST through torchvision with ToTensor and a DataLoader in the process, batch 128; a VAE
784-400-20-400-784; binary cross-entropy plus KL, summed; Adam at 1e-3; `loss.item()` after every
batch. In shape and settings it is the VAE of the PyTorch examples. Other images and numbers of
latents are trained in the same way.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from models.data.builtin import _import_datasets, default_data_dir
from models.data.load import load

BATCH = 128


class VAE(nn.Module):
    """Two heads, sigmoid at the end; `encode` and `log_likelihood` let `elbo` score it."""

    def __init__(self, pixels: int = 784, latent_dim: int = 20) -> None:
        super().__init__()
        self.pixels, self.latent_dim = pixels, latent_dim
        self.hidden, self.out_hidden = nn.Linear(pixels, 400), nn.Linear(latent_dim, 400)
        self.mean, self.log_variance = nn.Linear(400, latent_dim), nn.Linear(400, latent_dim)
        self.out = nn.Linear(400, pixels)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.hidden(images.view(-1, self.pixels)))
        return self.mean(hidden), self.log_variance(hidden)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.out(F.relu(self.out_hidden(z))))

    def log_likelihood(self, images: Tensor, z: Tensor) -> Tensor:
        target = images.view(-1, self.pixels)
        return -F.binary_cross_entropy(self.decode(z), target, reduction="none").sum(1)


def loader(split: str, count: int, shuffle: bool, data: str = "mnist") -> DataLoader:
    """The first `count` images; those of MNIST are decoded one by one as they are asked for."""
    if data != "mnist":
        images = load(data, split)
        pairs = TensorDataset(torch.tensor(images.images), torch.tensor(images.labels))
        return DataLoader(pairs, batch_size=BATCH, shuffle=shuffle)
    _import_datasets()
    from torchvision import datasets, transforms

    images = datasets.MNIST(
        default_data_dir(), train=split == "train", transform=transforms.ToTensor()
    )
    images.data, images.targets = images.data[:count], images.targets[:count]
    return DataLoader(images, batch_size=BATCH, shuffle=shuffle)


def loss_function(model: nn.Module, images: Tensor) -> Tensor:
    """-ELBO of a batch, summed; for any model whose `decode` gives pixels in [0, 1]."""
    mean, log_variance = model.encode(images)
    z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
    output = model.decode(z).flatten(1)
    entropy = F.binary_cross_entropy(output, images.flatten(1), reduction="sum")
    return entropy - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


def training(
    count: int, seed: int, data: str = "mnist", latent_dim: int = 20
) -> tuple[VAE, Callable[[], None]]:
    """A new model, and a function that trains it for one epoch."""
    batches = loader("train", count, shuffle=True, data=data)
    torch.manual_seed(seed)
    pixels = batches.dataset[0][0].numel()
    model = VAE(pixels, latent_dim)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> None:
        model.train()
        total = 0.0
        for images, _ in batches:
            optimizer.zero_grad()
            loss = loss_function(model, images)
            loss.backward()
            total += loss.item()
            optimizer.step()

    return model, epoch


@torch.no_grad()
def score(model: nn.Module, batches: DataLoader) -> float:
    """-ELBO of a test set in nats per image."""
    model.eval()
    total = 0.0
    for images, _ in batches:
        total += loss_function(model, images).item()
    return total / len(batches.dataset)
