"""What torch says of weights that do not fit becomes a hint that, followed, makes them fit."""

import re

import pytest
import torch
from torch import nn

from models.adapter.errors import describe_exception
from models.adapter.weights import explain_weights


class VAE(nn.Module):
    def __init__(self, hidden=4, latents=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(8, hidden), nn.ReLU(), nn.Linear(hidden, latents))
        self.decoder = nn.Linear(latents, 8)


WEIGHTS = VAE().state_dict()


def explained(weights, network=None):
    with pytest.raises(RuntimeError) as caught:
        (network or VAE()).load_state_dict(weights)
    return explain_weights(str(caught.value))


def prefixed(prefix):
    return {prefix + key: value for key, value in WEIGHTS.items()}


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "net.vae."])
@pytest.mark.parametrize("more", [{}, {"loss.weights": torch.zeros(3)}], ids=["alone", "more"])
def test_a_prefix_is_found_and_how_to_take_it_off(prefix, more):
    weights = prefixed(prefix) | more
    sentence = explained(weights)
    assert f"their keys begin with {prefix!r}" in sentence
    hint = re.search(r"\{.*\}", sentence)[0]
    VAE().load_state_dict(eval(hint, {"weights": weights}), strict=not more)


def test_a_prefix_of_the_network_is_found_too():
    sentence = explained(WEIGHTS, nn.DataParallel(VAE()))
    assert "the network's keys begin with 'module.', those of the file do not" in sentence


@pytest.mark.parametrize(
    ("saved", "entry"),
    [
        ({"state_dict": WEIGHTS, "pytorch-lightning_version": "2.5", "epoch": 3}, "state_dict"),
        ({"model_state_dict": WEIGHTS, "optimizer_state_dict": {}, "loss": 1}, "model_state_dict"),
        ({"optim_state_dict": {}, "model": WEIGHTS}, "model"),
    ],
)
def test_a_file_with_more_than_weights_is_known(saved, entry):
    sentence = explained(saved)
    assert f"under {entry!r}, load that: torch.load(…)[{entry!r}]" in sentence
    assert ("Lightning" in sentence) == ("pytorch-lightning_version" in saved)


def test_another_network_is_told_by_its_keys_and_shapes():
    partly = {key: value for key, value in WEIGHTS.items() if "decoder" in key}
    sentence = explained(partly | {"head.bias": torch.zeros(1)})
    assert "the file lacks encoder.0.weight, encoder.0.bias and 2 more" in sentence
    assert "the network has no place for head.bias" in sentence
    sentence = explained(VAE(5).state_dict())
    assert "encoder.0.weight is [5, 8] in the file and [4, 8] in the network and 2 more" in sentence


def test_a_file_that_torch_will_not_read_whole_is_explained(tmp_path):
    torch.save(VAE(), tmp_path / "whole.pt")
    with pytest.raises(Exception, match="Weights only") as caught:
        torch.load(tmp_path / "whole.pt", weights_only=True)
    assert "save model.state_dict()" in describe_exception(caught.value)


def test_other_errors_are_left_alone():
    assert explain_weights("mat1 and mat2 shapes cannot be multiplied") is None


def test_nothing_that_matters_is_cut():
    sentence = describe_exception(RuntimeError(describe(prefixed("module."))))
    assert sentence.endswith("for key, value in weights.items()}")


def describe(weights):
    """torch's own message."""
    with pytest.raises(RuntimeError) as caught:
        VAE().load_state_dict(weights)
    return str(caught.value)
