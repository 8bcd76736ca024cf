"""The U-Net takes images of every size, and its average is a copy that no optimiser moves."""

import pytest
import torch

from models.families.averaged import DECAY, as_buffers, move_average
from models.families.unet import UNet


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (1, 17, 8), (3, 64, 64), (1, 8, 63)])
@pytest.mark.parametrize("channels", [(8,), (8, 12), (4, 8, 8, 8, 8)])
def test_an_image_of_any_shape_comes_out_as_it_went_in(shape, channels):
    torch.manual_seed(0)
    network = UNet(shape[0], channels)
    images, progress = torch.randn(2, *shape), torch.tensor([0.1, 0.9])
    assert network(images, progress).shape == images.shape
    network(images, progress).square().sum().backward()


def trained(steps):
    torch.manual_seed(0)
    network, updates = UNet(1, (8, 8)), torch.zeros(1)
    average, seen = as_buffers(network), []
    for _ in range(steps):
        move_average(average, network, updates)
        seen.append([weight.detach().clone() for weight in network.parameters()])
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(torch.randn_like(weight))
    return network, average, seen


def test_the_average_is_the_weighted_mean_of_what_it_saw():
    _, average, seen = trained(4)
    expected = seen[0]
    for n, weights in enumerate(seen):
        decay = min(DECAY, n / (n + 10))
        expected = [decay * e + (1 - decay) * w for e, w in zip(expected, weights, strict=True)]
    for buffer, value in zip(average.buffers(), expected, strict=True):
        torch.testing.assert_close(buffer, value)


def test_the_average_has_the_names_of_the_network_and_no_parameters():
    network, average, _ = trained(1)
    assert list(average.state_dict()) == list(network.state_dict())
    assert list(average.parameters()) == []


def test_the_time_changes_the_answer():
    torch.manual_seed(0)
    network = UNet(1, (8, 8))
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    images = torch.randn(1, 1, 8, 8)
    early, late = (network(images, torch.tensor([t])) for t in (0.1, 0.12))
    assert (early - late).abs().max() > 1e-3
