"""The U-Net takes images of every size, and its average is a copy that no optimiser moves."""

import pytest
import torch

from models.families.averaged import DECAY, as_buffers, move_average
from models.families.unet import UNet


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (1, 17, 8), (3, 64, 64), (1, 8, 63)])
@pytest.mark.parametrize("channels", [(8,), (8, 12), (4, 8, 8, 8, 8)])
@pytest.mark.parametrize("patch", [1, 2, 3])
def test_an_image_of_any_shape_comes_out_as_it_went_in(shape, channels, patch):
    torch.manual_seed(0)
    network = UNet(shape[0], channels, patch)
    images, progress = torch.randn(2, *shape), torch.tensor([0.1, 0.9])
    assert network(images, progress).shape == images.shape
    network(images, progress).square().sum().backward()


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_with_a_stem_that_only_passes_on_every_pixel_keeps_its_place(patch):
    network = UNet(1, (patch**2,), patch)
    for layer in (network.stem, network.out):
        torch.nn.init.dirac_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    images = torch.rand(2, 1, 9, 11) + 10  # far above zero SiLU passes on what it gets
    for block in (*network.down, network.middle, *network.up):
        block.forward = lambda h, time, width=patch**2: h[:, :width]
    torch.testing.assert_close(network(images, torch.ones(2)), images, atol=1e-2, rtol=0)


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
