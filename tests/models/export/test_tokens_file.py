"""The file of a VQ-VAE, read by the browser's own scripts, against torch."""

import base64
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.config import ModelConfig
from models.export.tokens_file import tokens_file
from models.families.vq_vae import VQVAE
from tests.helpers.node import evaluate

CONFIG = ModelConfig(
    "vq-vae", network="conv", hidden=(6, 12), image_shape=(1, 9, 14), latent_dim=3, codebook=11
)
IMAGES = np.random.default_rng(0).random((7, 1, 9, 14), np.float32)
LABELS = np.array([2, 0, 1, 2, 0, 1, 2])
READ = """
    const bytes = Uint8Array.from(atob(given.file), (letter) => letter.charCodeAt(0));
    const model = new script.TokenModel(bytes);
"""


def model_of(config=CONFIG, seed=0):
    """Weights far from their start, so that a wrong index cannot hide."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VQVAE(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model


def in_browser(model, body, images=IMAGES, shown=(4, 1), labels=LABELS, **given):
    """What `body` returns of the file's `model`, as the page reads it."""
    file = tokens_file(model, images, np.array(shown, int), labels, ("a", "b", "c"))
    text = base64.b64encode(file).decode()
    return evaluate("../token_editor/model", READ + body, {"file": text} | given)


@pytest.mark.browser
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "gaussian-shared"])
def test_the_page_knows_what_torch_knows(likelihood):
    model = model_of(replace(CONFIG, likelihood=likelihood, sigma=0.3))
    found = in_browser(
        model,
        """
        const grid = model.gridOf(1);
        const decoded = model.decode(grid);
        return {grid, decoded: [...decoded], rate: model.priorOf(grid).rate, use: model.use,
            distortion: model.distortion(model.originalOf(1), decoded), usage: [...model.usage],
            original: [...model.originalOf(1)], label: model.names[model.labels[1]]};
        """,
    )
    with torch.no_grad():
        measured = model.measure(torch.tensor(IMAGES))
        tokens = measured.tokens[1:2]
        decoded = model.decode_tokens(tokens)
    assert found["grid"] == tokens[0].tolist()
    np.testing.assert_allclose(found["decoded"], decoded.flatten(), atol=1e-5)
    assert found["rate"] == pytest.approx(measured.rate[1].sum().item(), abs=1e-4)
    assert found["distortion"] == pytest.approx(measured.distortion[1].item(), rel=1e-5)
    assert found["usage"] == measured.usage.tolist()
    assert found["use"]["used"] == (measured.usage > 0).sum()
    np.testing.assert_array_equal(np.float32(found["original"]), IMAGES[1].ravel())
    assert found["label"] == "a"


@pytest.mark.browser
def test_a_walk_goes_straight_and_keeps_to_the_codes():
    model = model_of()
    ends = [[0, 1, 2, 3, 4, 5], [9, 8, 2, 10, 0, 7]]
    steps = np.array(in_browser(model, "return model.walk(...given.ends, 5);", shown=(), ends=ends))
    assert steps[[0, -1]].tolist() == ends
    vectors = model.codebook.vectors
    for share, step in zip(np.linspace(0, 1, 5), steps, strict=True):
        line = (1 - share) * vectors[ends[0]] + share * vectors[ends[1]]
        assert step.tolist() == torch.cdist(line, vectors).argmin(1).tolist()


@pytest.mark.browser
def test_one_other_weight_changes_the_picture():
    body = "return [...model.decode([0, 1, 2, 3, 4, 5])];"
    model = model_of()
    before = np.array(in_browser(model, body))
    with torch.no_grad():
        next(model.decoder.parameters())[0, 0, 1, 1] += 1.0
    assert np.abs(in_browser(model, body) - before).max() > 0.01


@pytest.mark.browser
def test_without_images_the_model_is_there_all_the_same():
    count, use, decoded = in_browser(
        model_of(),
        "return [model.count, model.use, model.decode([0, 1, 2, 3, 4, 5]).length];",
        images=IMAGES[:0],
        shown=(),
        labels=None,
    )
    assert (count, decoded, use["used"], use["total"]) == (0, 9 * 14, 0, 0)
