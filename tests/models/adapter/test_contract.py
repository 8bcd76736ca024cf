"""Answers that break the contract are refused with one sentence."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from models.adapter.errors import AdapterError
from tests.helpers.adapters import functions, measure
from tests.helpers.paths import ROOT

RAMPS = np.linspace(0, 1, 640).reshape(10, 8, 8)


def two(value):
    return lambda x: (value(x), value(x))


def grey(value):
    return lambda z: torch.full((len(z), 1, 8, 8), value)


def ramp(low, high):
    return lambda z: torch.linspace(low, high, 64).view(1, 1, 8, 8).expand(len(z), -1, -1, -1)


NORMAL = torch.distributions.Normal(torch.zeros(8, 2), torch.ones(8, 2))
DOUBLE = nn.Linear(8, 4).double()


async def later(x):
    return x, x


REFUSED = {
    "no tuple": ({"encode": lambda x: x[:, 0, 0]}, "mean and log_variance, got Tensor"),
    "three": ({"encode": lambda x: (x, x, x)}, "got 3 values: return two of them, without the sa"),
    "a dict": ({"encode": lambda x: {"mu": x, "log_var": x}}, "got dict: .* ln σ², of mu, log_var"),
    "one tensor": (
        {"encode": lambda x: x[:, 0, 0, :4]},
        r"Tensor: return encoded.chunk\(2, 1\)",
    ),
    "a distribution": ({"encode": lambda x: NORMAL}, r"got Normal: return q.mean, q.variance.log"),
    "maps": ({"encode": two(lambda x: x[:, :, :1, :1])}, r"\(2, 1, 1, 1\): flatten it"),
    "no variance": ({"encode": lambda x: (x[:, 0, 0], None)}, "got nothing: a model without a var"),
    "async": ({"encode": later}, "got coroutine: define the function without async"),
    "float64": (
        {"encode": lambda x: DOUBLE(x[:, 0, 0]).chunk(2, 1)},
        "so call model.float",
    ),
    "images and more": ({"decode": lambda z: (z, z)}, "got 2 values: return the images alone"),
    "a dict of images": ({"decode": lambda z: {"recon": z}}, "that holds the images, of recon"),
    "a Bernoulli": ({"decode": lambda z: NORMAL}, "got Normal: return p.mean"),
    "an array of images": ({"decode": lambda z: z.numpy()}, r"ndarray: return torch.from_numpy"),
    "rows": (
        {"decode": lambda z: grey(0.5)(z).flatten(1)},
        r"images.reshape\(-1, 1, 8, 8\)",
    ),
    "channels last": (
        {"decode": lambda z: grey(0.5)(z).permute(0, 2, 3, 1)},
        r"permute\(0, 3, 1",
    ),
    "nothing": ({"encode": lambda x: None}, "got nothing"),
    "an array": ({"encode": two(lambda x: x[:, 0, 0].numpy())}, "torch tensor, got ndarray"),
    "one row": ({"encode": two(lambda x: x[0, 0, :2])}, r"shape \(8, Z\), one row an image"),
    "flat": ({"encode": two(lambda x: x[:, 0, 0, 0])}, r"shape \(2, Z\)"),
    "no latents": ({"encode": two(lambda x: x[:, 0, 0, :0])}, r"got \(2, 0\)"),
    "two sizes": ({"encode": lambda x: (x[:, 0, 0, :2], x[:, 0, 0, :3])}, "the same shape"),
    "NaN code": ({"encode": two(lambda x: x[:, 0, 0] / 0)}, "mean must be finite"),
    "257 latents": ({"encode": two(lambda x: torch.zeros(len(x), 257))}, "at most 256 latents"),
    "variance": ({"encode": two(lambda x: x[:, 0, 0] + 90)}, "return ln σ², not σ² or σ"),
    "failing": ({"encode": lambda x: x.nowhere}, "encode must not fail, .* AttributeError"),
    "decoded flat": (
        {"decode": lambda z: torch.zeros(len(z), 64)},
        r"got \(8, 64\): ret",
    ),
    "one image": ({"decode": lambda z: torch.zeros(1, 1, 8, 8)}, r"got \(1, 1, 8, 8\)"),
    "NaN image": ({"decode": grey(math.nan)}, "finite images"),
    "too bright": ({"decode": grey(1.5)}, r"in \[0, 1\], got 1.5 to 1.5: end it with a sigmoid"),
    "tanh": ({"decode": ramp(-0.98, 0.97)}, r"got -0.98 to 0.97: return \(images \+ 1\) / 2 if"),
    "half of tanh": ({"decode": grey(-0.1)}, r"in \[0, 1\], got -0.1 to -0.1: return \(images"),
    "linear": (
        {"decode": ramp(-0.05, 1.06)},
        r"or images.clip\(0, 1\) if the last layer",
    ),
    "8 bits": ({"decode": ramp(0, 254)}, r"got 0 to 254: divide .* images / 255; encode then"),
    "normalised": ({"decode": ramp(-0.42, 2.8)}, r"or return images \* std \+ mean"),
    "logits": ({"decode": ramp(-7, 5)}, "end it with a sigmoid if the decoder gives logits"),
    "decoded list": ({"decode": lambda z: [0]}, "torch tensor, got 1 values"),
    "bad far out": (
        {"decode": lambda z: (z.sum(1) > 2).float().view(-1, 1, 1, 1).expand(-1, 1, 8, 8) * 9},
        r"in \[0, 1\], got 0 to 9",
    ),
    "noise": ({"encode": two(lambda x: torch.rand(len(x), 2))}, "encode must return the same"),
    "noisy image": ({"decode": lambda z: torch.rand(len(z), 1, 8, 8)}, "decode must return the"),
    "by batch": (
        {"encode": lambda x: ((x - x.mean(0))[:, 0, 3, 2:4] * 9, x[:, 0, 0, :2])},
        "for every batch",
    ),
    "likelihood": ({"likelihood": "poisson"}, "likelihood must be one of .*, got 'poisson'"),
    "pixel": ({"likelihood": "gaussian-pixel"}, "likelihood must be one of"),
    "no sigma": ({"likelihood": "gaussian"}, "sigma must be given"),
    "bad sigma": ({"likelihood": "gaussian", "sigma": -1}, "sigma must be at least"),
    "beta": ({"beta": math.nan}, "beta must be finite"),
    "device": ({"device": "abacus"}, "device must be one that torch has here"),
    "no device": ({"device": "meta"}, "device must be one that torch has here"),
    "decoder": ({"decoder": 3}, "decoder must be an nn.Module, got int"),
    "failing decoder": ({"decoder": lambda: 1 / 0}, "decoder must not fail, .*ZeroDivisionError"),
    "no data": ({"data": None}, "define data or images"),
    "unknown data": ({"data": "nowhere"}, "data must be one of"),
    "few images": ({"data": None, "images": np.zeros((9, 8, 8))}, "at least 10 images, got 9"),
    "large": ({"data": None, "images": np.zeros((10, 65, 8))}, "8 to 64 pixels"),
    "small": ({"data": None, "images": np.zeros((10, 7, 8))}, "8 to 64 pixels"),
    "channels": ({"data": None, "images": np.zeros((10, 2, 8, 8))}, "1, 3 or 4 channels"),
    "one image ten times": ({"data": None, "images": np.zeros((10, 8, 8), int)}, "must differ"),
    "below 0": ({"data": None, "images": RAMPS - 1.0}, "must not be negative, got -1"),
    "NaN pixel": ({"data": None, "images": np.full((10, 8, 8), math.nan)}, "NaN or infinity"),
    "ragged": ({"data": None, "images": [[1], [1, 2]]}, "images must be an array"),
    "objects": ({"data": None, "images": np.array([{}] * 10)}, "numbers or texts, got objects"),
    "labels": (
        {"data": None, "images": RAMPS, "labels": [1, 2]},
        "one for each of 10 images",
    ),
    "classes": (
        {"data": None, "images": RAMPS, "labels": [5] * 10, "class_names": ["a"]},
        "labels must lie in 0 to 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_sentence(name):
    wrong, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        measure(functions(**wrong))
    assert "\n" not in str(caught.value) and str(ROOT) not in str(caught.value)
    assert "clamp" not in str(caught.value), "it would hide the mistake"


@pytest.mark.parametrize("kind", [nn.Dropout(0.5), nn.BatchNorm1d(64)])
def test_a_model_left_in_training_is_refused(kind):
    encoder = nn.Sequential(nn.Flatten(), kind, nn.Linear(64, 4))
    with pytest.raises(AdapterError, match=r"call model.eval\(\)"):
        measure(functions(encode=lambda x: encoder(x).chunk(2, 1)))
