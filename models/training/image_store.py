"""The images that a run is trained on as the trainer takes them: a tensor, or bytes on demand."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.data.byte_images import ByteImages, first_images
from models.data.large import hold

MOST_BYTES = 2**30
"""Of images that are looked at all at once."""


class ImageStore:
    """Images of a large set: what is asked for is float32 in [0, 1], the rest stays bytes.

    Args:
        images: As the set has them; held in memory if they are few enough.
        device: Of the tensors that are given out.

    Example:
        >>> levels = np.arange(640, dtype=np.uint8).reshape(10, 1, 8, 8)
        >>> store = ImageStore(ByteImages(levels, 255.0, np.arange(10)), torch.device("cpu"))
        >>> len(store), store[torch.tensor([3, 1])].shape, store.mean(0).shape
        (10, torch.Size([2, 1, 8, 8]), torch.Size([1, 8, 8]))
    """

    def __init__(self, images: ByteImages, device: torch.device) -> None:
        self.images, self.device = hold(images), device

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen: Tensor | slice | int) -> Tensor:
        """Takes images by their numbers or by a slice, shape (B, C, H, W); or one, (C, H, W)."""
        if isinstance(chosen, int):
            return self[chosen : chosen + 1][0]
        places = chosen if isinstance(chosen, slice) else chosen.cpu().numpy()
        return torch.from_numpy(self.images[places]).to(self.device)

    def mean(self, axis: int) -> Tensor:
        """Averages all images, shape (C, H, W); summed in float64."""
        assert axis == 0, "over the images"
        total = sum(chunk.sum(0, dtype=np.float64) for chunk in self.images.chunks())
        return torch.from_numpy(total / len(self)).float()


def to_device(images: np.ndarray | Tensor | ByteImages | ImageStore, device: torch.device | str):
    """Brings images to a device: an array is copied, a tensor shared, bytes stay where they are.

    Args:
        images: x in [0, 1], shape (N, C, H, W).
        device: Where steps are computed.
    """
    device = torch.device(device)
    if isinstance(images, ByteImages):
        return ImageStore(images, device)
    if isinstance(images, ImageStore | Tensor):
        return images.to(device) if isinstance(images, Tensor) else images
    return torch.tensor(images, device=device)  # it may be read-only


def first_as_array(images: Tensor | ImageStore) -> np.ndarray:
    """Takes all images as an array, or the first of a large set, at most `MOST_BYTES` of them."""
    if isinstance(images, ImageStore):
        return first_images(images.images, MOST_BYTES)
    return images.cpu().numpy()
