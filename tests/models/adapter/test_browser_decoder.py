"""What the browser decodes with answers as the decoder, or says how far off it is."""

import numpy as np
import pytest
import torch
from torch import nn

from models.adapter import browser_decoder
from models.export.layers import module_layers
from tests.helpers.adapters import functions, in_browser, measure, roughen


class Upsampling(nn.Module):
    """Reshapes between its modules, as many do."""

    def __init__(self):
        super().__init__()
        self.start = nn.Linear(2, 6 * 2 * 2, bias=False)
        self.rest = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(6, 5, 3, padding=1), nn.BatchNorm2d(5),
            nn.LeakyReLU(0.1), nn.Dropout(0.5), nn.Upsample(scale_factor=2),
            nn.Conv2d(5, 1, 5, padding=2, bias=False), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, z):
        return self.rest(self.start(z).view(-1, 6, 2, 2))


class Named(nn.Module):
    """Its modules are named, and used in their order."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 64)
        self.link = nn.Sigmoid()

    def forward(self, z):
        return self.link(self.third(self.second(self.first(z)))).view(-1, 1, 8, 8)


class Functional(nn.Module):
    """Uses a function that no module shows."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 16), nn.Linear(16, 64)

    def forward(self, z):
        return torch.sigmoid(self.second(torch.relu(self.first(z)))).view(-1, 1, 8, 8)


SHARED = nn.Tanh()

EXACT = {
    "transposed": lambda: nn.Sequential(
        nn.Linear(2, 12), nn.BatchNorm1d(12, affine=False), nn.ELU(0.7), nn.Unflatten(1, (3, 2, 2)),
        nn.ConvTranspose2d(3, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Sigmoid(),
    ),
    "upsampled": Upsampling,
    "shared": lambda: nn.Sequential(
        nn.Linear(2, 8), SHARED, nn.Linear(8, 8), SHARED, nn.Linear(8, 64), nn.Sigmoid(),
        nn.Unflatten(1, (1, 8, 8)),
    ),
    "named": Named,
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_known_layers_are_decoded_exactly(name):
    decoder = roughen(EXACT[name]()).eval()
    found = measure(functions(decode=decoder, decoder=decoder))
    assert found.decoding == ""
    z = 2 * torch.randn(20, 2, generator=torch.Generator().manual_seed(7))
    expected = decoder(z).detach().flatten(1).numpy()
    assert expected.std(0).max() > 0.01, "the codes make a difference"
    np.testing.assert_allclose(in_browser(found.model, z), expected, atol=1e-4)


def test_what_the_modules_do_not_show_is_noticed():
    decoder = roughen(Functional()).eval()
    found = measure(functions(decode=decoder, decoder=decoder))
    assert "between decoded grid points" in found.decoding
    assert "does more than the layers" in found.decoding


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (nn.GELU(), "known kind, got GELU"),
        (nn.Conv2d(2, 2, 3, groups=2), "no groups"),
        (nn.Conv2d(1, 1, (3, 5)), "square kernel"),
        (nn.Conv2d(1, 1, 3, padding="same"), "padding"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), "padding"),
        (nn.ConvTranspose2d(1, 1, 3, dilation=2), "dilation"),
        (nn.Upsample(scale_factor=2, mode="bilinear"), "whole factor"),
        (nn.Upsample(scale_factor=1.5), "whole factor"),
        (nn.Upsample(size=8), "whole factor"),
        (nn.Conv2d(3, 1, 3), "whole square images of 3 channels, got 2"),
        (nn.BatchNorm1d(2, track_running_stats=False), "known kind, got BatchNorm1d"),
    ],
)
def test_layers_without_a_word_are_refused(layer, sentence):
    with pytest.raises(ValueError, match=sentence):
        module_layers(nn.Sequential(layer), 2, (1, 8, 8))


@pytest.mark.parametrize("latents", [1, 2])
def test_between_grid_points_is_near_the_decoder_and_says_how_near(latents):
    own = functions(latents)
    found = measure(own)
    assert "between decoded grid points" in found.decoding
    z = torch.randn(30, latents, generator=torch.Generator().manual_seed(7)).clamp(-3.9, 3.9)
    shown = in_browser(found.model, z)
    np.testing.assert_allclose(shown, own["decode"](z).detach().flatten(1), atol=2e-3)
    (layer,), (images,) = found.model.browser_layers
    np.testing.assert_allclose(
        shown, browser_decoder.interpolate(layer, images, z.numpy()), atol=1e-5
    )
    assert (np.array(layer["low"]) <= found.codes.mean.min(0)).all()
    assert (np.array(layer["high"]) >= found.codes.mean.max(0)).all()


def test_a_steep_decoder_is_said_to_be_far_between_grid_points():
    def steep(z):
        return torch.sigmoid(300 * torch.sin(20 * z.sum(1))).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    text = measure(functions(decode=steep)).decoding
    assert float(text.split(" at most")[0].split()[-1]) > 0.3


def test_in_more_dimensions_the_nearest_decoded_code_is_shown():
    own = functions(3)
    found = measure(own)
    assert "nearest of 500 decoded test codes, not the spot itself" in found.decoding
    at = torch.tensor(found.codes.mean[[3, 77, 499]])
    expected = own["decode"](at).detach().flatten(1)
    np.testing.assert_allclose(in_browser(found.model, at), expected, atol=1e-6)
    np.testing.assert_allclose(in_browser(found.model, at + 1e-4), expected, atol=1e-6)


def test_the_browser_gets_no_more_than_it_can_hold(monkeypatch):
    monkeypatch.setattr(browser_decoder, "MAX_NUMBERS", 64 * 100)
    assert "nearest of 100 " in measure(functions(3)).decoding
    assert "10 × 10 of them" in measure(functions(2)).decoding
    assert "100 of them" in measure(functions(1)).decoding
