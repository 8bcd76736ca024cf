"""The reference of the training and evaluation benchmarks: the loop most tutorials teach.

MNIST through torchvision with ToTensor and a DataLoader in the process, batch 128; a VAE
784-400-20-400-784; binary cross-entropy plus KL, summed; Adam at 1e-3; `loss.item()` after every
batch. In shape and settings it is the VAE of the PyTorch examples.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from models.data.builtin import _import_datasets, default_data_dir

BATCH = 128


class VAE(nn.Module):
    """Two heads, sigmoid at the end; `encode` and `log_likelihood` let `elbo` score it."""

    latent_dim = 20

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out_hidden = nn.Linear(784, 400), nn.Linear(20, 400)
        self.mean, self.log_variance = nn.Linear(400, 20), nn.Linear(400, 20)
        self.out = nn.Linear(400, 784)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.hidden(images.view(-1, 784)))
        return self.mean(hidden), self.log_variance(hidden)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.out(F.relu(self.out_hidden(z))))

    def log_likelihood(self, images: Tensor, z: Tensor) -> Tensor:
        target = images.view(-1, 784)
        return -F.binary_cross_entropy(self.decode(z), target, reduction="none").sum(1)


def loader(split: str, count: int, shuffle: bool) -> DataLoader:
    """The first `count` images, decoded one by one as they are asked for."""
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
    output = model.decode(z).view(-1, 784)
    entropy = F.binary_cross_entropy(output, images.view(-1, 784), reduction="sum")
    return entropy - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


def training(count: int, seed: int) -> tuple[VAE, Callable[[], None]]:
    """A new model, and a function that trains it for one epoch."""
    batches = loader("train", count, shuffle=True)
    torch.manual_seed(seed)
    model = VAE()
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
