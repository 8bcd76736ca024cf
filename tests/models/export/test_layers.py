"""The layers of a decoder, run by the browser's own decoder, against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.capabilities import LIKELIHOODS
from models.config import ACTIVATIONS, ModelConfig
from models.export.layers import decoder_layers
from models.families.registry import build_model
from models.families.vq_vae import VQVAE
from tests.helpers.node import evaluate


def decode_in_browser(model, z):
    """What numerics/decoder.js makes of a code."""
    layers, arrays = decoder_layers(model)
    image = evaluate(
        "decoder",
        """
        const weights = given.arrays.map((array) => Float32Array.from(array));
        return [...script.buildDecoder(given.layers, weights).decode(given.z)];
        """,
        {"layers": layers, "arrays": [a.ravel().tolist() for a in arrays], "z": z.tolist()},
    )
    return np.array(image)


def roughen(model, seed):
    """Larger weights than a fresh model's, so that a wrong index cannot hide."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


@pytest.mark.browser
@settings(max_examples=25)
@given(
    network=st.sampled_from(("mlp", "conv")),
    hidden=st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple),
    shape=st.tuples(st.sampled_from((1, 3)), st.integers(8, 23), st.integers(8, 23)),
    latent_dim=st.integers(1, 9),
    activation=st.sampled_from(ACTIVATIONS),
    likelihood=st.sampled_from(list(LIKELIHOODS)),
    seed=st.integers(0, 99),
)
def test_browser_decodes_what_torch_decodes(
    network, hidden, shape, latent_dim, activation, likelihood, seed
):
    config = ModelConfig(
        network=network,
        hidden=hidden,
        image_shape=shape,
        latent_dim=latent_dim,
        activation=activation,
        likelihood=likelihood,
    )
    model = roughen(build_model(config, seed), seed)
    z = torch.randn(latent_dim, generator=torch.Generator().manual_seed(seed))
    expected = model.decode(z[None])[0].detach().flatten().numpy()
    np.testing.assert_allclose(decode_in_browser(model, z), expected, atol=1e-4)


def test_unknown_layer_is_named():
    model = build_model(ModelConfig())
    model.decoder.layers.append(nn.GELU())
    with pytest.raises(ValueError, match="known kind, got GELU"):
        decoder_layers(model)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("shape", "hidden"), [((1, 8, 8), (6,)), ((3, 9, 13), (4, 6)), ((1, 17, 10), (5, 4, 3))]
)
def test_browser_decodes_the_tokens_of_a_vq_vae(shape, hidden):
    """What the page has is the list of layers and the code of every place."""
    config = ModelConfig(network="conv", hidden=hidden, latent_dim=4, image_shape=shape)
    model = roughen(VQVAE(config), 0)
    tokens = model.tokenize(torch.rand(1, *shape, generator=torch.Generator().manual_seed(1)))
    tokens[0, -1] = (tokens[0, -1] + 1) % model.codes
    with torch.no_grad():
        expected = model.decode_tokens(tokens)[0].flatten().numpy()
    found = decode_in_browser(model, model.code_vectors(tokens)[0].numpy())
    np.testing.assert_allclose(found, expected, atol=1e-5)
