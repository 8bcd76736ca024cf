"""Makes adapters: a user's network, a stand-in for pythae, and functions in memory."""

import sys

import numpy as np
import torch
from torch import nn

from models.adapter.definitions import Definitions, run_file
from models.adapter.measure import measure_model
from models.data.load import load
from models.export.layers import decoder_layers
from tests.helpers.node import evaluate
from tests.helpers.paths import ROOT

EXAMPLES = ROOT / "explorer" / "adapters"

DIGITS = load("digits", "test")

MY_VAE = '''"""Somebody's own code: a network, and how they load it."""

from pathlib import Path

import torch
from torch import nn


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(32, 2), nn.Linear(32, 2)
        self.decoder = nn.Sequential(
            nn.Linear(2, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 64), nn.Sigmoid()
        )

    def encode(self, images):
        found = self.body(images)
        return self.mean(found), self.log_variance(found)

    def decode(self, z):
        return self.decoder(z).view(-1, 1, 8, 8)


def load():
    model = VAE()
    path = Path(__file__).with_name("vae.pt")
    model.load_state_dict(torch.load(path, weights_only=True))
    return model
'''

PYTHAE = '''"""Stands for pythae 0.1.2: the same folder, names and outputs, nothing else of it."""

import json
from pathlib import Path

import torch
from torch import nn


class ModelOutput(dict):
    __getattr__ = dict.__getitem__


class Encoder(nn.Module):
    def __init__(self, pixels, latent_dim):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(pixels, 512), nn.ReLU())])
        self.embedding, self.log_var = nn.Linear(512, latent_dim), nn.Linear(512, latent_dim)

    def forward(self, x):
        out = self.layers[0](x.flatten(1))
        return ModelOutput(embedding=self.embedding(out), log_covariance=self.log_var(out))


class Decoder(nn.Module):
    def __init__(self, input_dim, latent_dim):
        super().__init__()
        self.input_dim = input_dim
        last = nn.Linear(512, torch.tensor(input_dim).prod().item())
        first = nn.Sequential(nn.Linear(latent_dim, 512), nn.ReLU())
        self.layers = nn.ModuleList([first, nn.Sequential(last, nn.Sigmoid())])

    def forward(self, z):
        out = self.layers[1](self.layers[0](z))
        return ModelOutput(reconstruction=out.reshape(len(z), *self.input_dim))


class VAE(nn.Module):
    def __init__(self, input_dim, latent_dim):
        super().__init__()
        self.encoder = Encoder(torch.tensor(input_dim).prod().item(), latent_dim)
        self.decoder = Decoder(input_dim, latent_dim)


class AutoModel:
    @classmethod
    def load_from_folder(cls, folder):
        config = json.loads((Path(folder) / "model_config.json").read_text())
        model = VAE(config["input_dim"], config["latent_dim"])
        stored = torch.load(Path(folder) / "model.pt", weights_only=True)
        model.load_state_dict(stored["model_state_dict"])
        return model
'''


def roughen(model, seed=0):
    """Weights and running statistics that nothing has left at its start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                centre = 0.0 if "running_var" in name else 0.5
                value += 0.3 * (torch.rand(value.shape, generator=generator) - centre)
    return model


def run_source(source):
    """The names that a source file defines."""
    namespace = {"__file__": str(ROOT / "nowhere" / "my_vae.py"), "__name__": "my_vae"}
    exec(compile(source, "my_vae", "exec"), namespace)
    return namespace


def run(path):
    """What an adapter's file defines, run in this process: two seconds less than in its own."""
    sys.path.insert(0, str(path.parent))  # which the fixtures take away again
    return Definitions(run_file(path))


def measured(path):
    return measure_model(run(path), path.stem)


def measure(defined, title="own", **more):
    """The model that functions in memory make."""
    return measure_model(Definitions(defined), title, **more)


def functions(latents=2, **more):
    """An adapter whose decoder is a small network that is not named; and nothing else."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 2 * latents))
    decoder = nn.Sequential(nn.Linear(latents, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    return {
        "data": "digits",
        "encode": lambda x: encoder(x).chunk(2, 1),
        "decode": decoder,
    } | more


def in_browser(model, z):
    """What the browser's decoder makes of codes."""
    layers, arrays = decoder_layers(model)
    images = evaluate(
        "decoder",
        """
        const weights = given.arrays.map((array) => Float32Array.from(array));
        const { decode } = script.buildDecoder(given.layers, weights);
        return given.z.map((z) => [...decode(z)]);
        """,
        {"layers": layers, "arrays": [a.ravel().tolist() for a in arrays], "z": z.tolist()},
    )
    return np.array(images)
