"""The curve of a multi-rate model: measured by a run, kept in a file, refused if it is not one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.builtin import load_digits
from models.families.registry import build_model
from models.latents.codes import Codes
from models.latents.rate_curve import RateDistortionCurve
from models.metrics.likelihood import elbo
from models.metrics.rate_curve import CODES, measure_rates
from models.presets import preset
from models.runs.evaluation import evaluate_checkpoint
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from models.storage.tensors import CheckpointError
from models.training.trainer import Training
from tests.helpers.command_line import call
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def gated(config, seed=0):
    """A model whose gates are far from those it starts with."""
    model = build_model(config, seed)
    with torch.no_grad():
        model.gates.normal_(0, 0.3, generator=seeded(seed))
    return model


def train(config, images):
    """The trained model of a run, and the images it was trained on."""
    training = Training(build_model(config.model, config.training.seed), config, images, images)
    for _ in training.events():
        pass
    return training.model.eval()


DIGITS = load_digits("train").images


@pytest.fixture(scope="module")
def digits():
    settings = preset("digits-multirate")
    return train(replace(settings, training=replace(settings.training, epochs=40)), DIGITS)


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        ({"beta": 4.0}, "beta must be 1 for a multirate model, which draws its own beta, got 4"),
        ({"free_bits": 0.5}, "free_bits must be 0 for a multirate model, which draws its own beta"),
        ({"capacity": 9.0}, "capacity must be 0 for a multirate model, which draws its own beta"),
    ],
)
def test_what_a_multirate_model_decides_for_itself_is_refused(objective, sentence):
    with pytest.raises(ValueError) as caught:
        tiny(family="multirate", objective=objective)
    assert assert_sentence(str(caught.value)).startswith(sentence)
    tiny(family="multirate", objective={"kl_warmup_steps": 9})
    tiny(family="multirate", objective={"cycles": 2})


def test_the_range_must_have_a_width():
    with pytest.raises(ValueError, match=r"^beta_max must be above beta_min, got 1 for both$"):
        ModelConfig(beta_min=1.0, beta_max=1.0)
    narrow = gated(ModelConfig("multirate", image_shape=(1, 8, 8), beta_min=1.0, beta_max=2.0))
    assert narrow.at(2.0).config.beta_max == 2.0


# --- storage -------------------------------------------------------------------------------------

CONFIG = tiny(family="multirate", hidden=(6, 4))
TEST = torch.tensor(load_digits("test").images[:9])
LABELS = np.arange(9) % 3
MODEL = gated(CONFIG.model).eval()
CARD = Card(CONFIG, class_names=("a", "b", "c"))
WEIGHTS = {name: value.numpy() for name, value in MODEL.state_dict().items()}
RATES = measure_rates(MODEL, TEST, LABELS, codes=7, points=5)


def codes_of(model, labels=LABELS) -> Codes:
    terms = elbo(model, TEST)
    columns = (terms.mean, terms.log_variance, terms.distortion)
    return Codes(*(column.numpy() for column in columns), labels)


@pytest.mark.parametrize("labels", [LABELS, None], ids=["labels", "no labels"])
def test_rates_survive_a_file(labels, tmp_path):
    rates = replace(RATES, labels=None if labels is None else labels[:7])
    write(tmp_path / "a", CARD, WEIGHTS, codes_of(MODEL, labels), rates)
    found = read(tmp_path / "a").rates
    for name in ("betas", "distortion", "rate", "error"):
        np.testing.assert_array_equal(getattr(found, name), getattr(rates, name), name)
    np.testing.assert_allclose(found.mean, rates.mean, rtol=1e-3, atol=1e-6)
    assert found.mean.dtype == np.float32
    assert (found.labels is None) == (labels is None)
    assert labels is None or found.labels.tolist() == rates.labels.tolist()


def test_restored_model_is_the_same_at_every_beta(tmp_path):
    write(tmp_path / "a", CARD, WEIGHTS, None)
    assert read(tmp_path / "a").rates is None
    restored = restore(read(tmp_path / "a"))
    for beta in (0.1, 1.0, 37.0):
        for before, after in zip(
            MODEL.at(beta).encode(TEST), restored.at(beta).encode(TEST), strict=True
        ):
            assert torch.equal(before, after)


def changed(**arrays):
    """Rates with other arrays."""
    return replace(RATES, **{name: np.asarray(value) for name, value in arrays.items()})


BAD = {
    "betas falling": (changed(betas=RATES.betas[::-1]), "betas must be two or more numbers"),
    "betas equal": (changed(betas=np.full(5, 0.1)), "betas must be two or more numbers"),
    "beta 0": (changed(betas=[0, 1, 2, 3, 100.0]), "betas must be two or more numbers above 0"),
    "one beta": (
        changed(**{name: getattr(RATES, name)[:1] for name in RATES.to_arrays()}),
        "betas must be two or more",
    ),
    "betas a table": (changed(betas=np.ones((5, 2))), "betas must be two or more numbers"),
    "another range": (
        changed(betas=np.geomspace(0.1, 50, 5)),
        "must run from beta 0.1 to 100, got 0.1 to 50",
    ),
    "mean of fewer betas": (changed(mean=RATES.mean[:4]), "mean must have shape (5, N, 2)"),
    "mean of more latents": (changed(mean=np.ones((5, 7, 3))), "mean must have shape (5, N, 2)"),
    "mean flat": (changed(mean=np.ones((5, 2))), "mean must have shape (5, N, 2)"),
    "mean too large": (changed(mean=np.zeros((5, 2**19, 2), "f2")), "at most 4194304 numbers"),
    "more images than codes": (changed(mean=np.zeros((5, 10, 2))), "at most the 9 images"),
    "distortion short": (changed(distortion=np.ones(4)), "distortion must have shape (5,)"),
    "rate of one latent": (changed(rate=np.ones((5, 1))), "rate must have shape (5, 2)"),
    "rate negative": (changed(rate=np.full((5, 2), -0.1)), "rate must be at least 0, got -0.1"),
    "error flat": (changed(error=np.ones(5)), "error must have shape (5, 2), got (5,)"),
    "error negative": (changed(error=np.full((5, 2), -1.0)), "error must be at least 0, got -1"),
}


@pytest.mark.parametrize(("rates", "phrase"), BAD.values(), ids=BAD)
def test_bad_rates_are_refused_in_one_sentence(rates, phrase, tmp_path):
    path = tmp_path / "a"
    write(path, CARD, WEIGHTS, codes_of(MODEL), RATES)
    before = path.read_bytes()
    with pytest.raises(CheckpointError) as caught:
        write(path, CARD, WEIGHTS, codes_of(MODEL), rates)
    assert phrase in assert_sentence(str(caught.value))
    assert path.read_bytes() == before


def test_rates_belong_to_a_multirate_model_with_codes(tmp_path):
    plain = tiny(hidden=(6, 4))
    model = build_model(plain.model)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    for card, tensors, codes in (
        (replace(CARD, config=plain), weights, codes_of(model)),
        (CARD, WEIGHTS, None),
    ):
        with pytest.raises(CheckpointError, match="must be of a multirate model, with its codes"):
            write(tmp_path / "a", card, tensors, codes, RATES)


@pytest.mark.parametrize("name", ["mean", "betas", "distortion", "rate", "error"])
def test_no_array_of_the_rates_can_be_left_out(name):
    arrays = RATES.to_arrays()
    assert RateDistortionCurve.from_arrays(arrays, 2, None).mean.shape == (5, 7, 2)
    del arrays[name]
    with pytest.raises(ValueError, match="must have betas, mean, distortion, rate and error"):
        RateDistortionCurve.from_arrays(arrays, 2, None)
    with pytest.raises(ValueError, match="must have betas, mean, distortion, rate and error"):
        RateDistortionCurve.from_arrays(RATES.to_arrays() | {"more": np.ones(1)}, 2, None)


# --- a run ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    """A run on the digits to its end."""
    settings = RunConfig(
        "digits",
        ModelConfig("multirate", image_shape=(1, 8, 8), hidden=(16,)),
        ObjectiveConfig(kl_warmup_steps=20),
        TrainingConfig(epochs=2, batch_size=128, warmup_steps=5),
    )
    run = Run.create(tmp_path_factory.mktemp("runs"), settings)
    for _ in execute(run):
        pass
    return run


def test_a_run_stores_its_curve(finished):
    checkpoint = read(finished.model_path)
    rates, test = checkpoint.rates, torch.tensor(load_digits("test").images)
    assert len(rates.betas) >= 24
    assert (rates.betas[0], rates.betas[-1]) == (0.1, 100.0)
    assert rates.mean.shape[1] == len(test) <= CODES
    assert rates.labels.tolist() == checkpoint.codes.labels.tolist()
    terms = elbo(restore(checkpoint).at(float(rates.betas[7])), test)
    assert rates.distortion[7] == pytest.approx(terms.distortion.mean().item(), rel=1e-5)
    np.testing.assert_allclose(rates.rate[7], terms.rate.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(rates.mean[7], terms.mean, rtol=1e-3, atol=1e-4)


def test_evaluation_at_a_beta_is_that_of_the_folded_model(finished, tmp_path):
    checkpoint = read(finished.model_path)
    plain = restore(checkpoint).at(5.0)
    card = replace(checkpoint.card, config=replace(checkpoint.card.config, model=plain.config))
    weights = {name: value.detach().numpy() for name, value in plain.state_dict().items()}
    write(tmp_path / "plain", card, weights, None)
    found = evaluate_checkpoint(finished.model_path, samples=3, images=20, beta=5.0)
    assert found == evaluate_checkpoint(tmp_path / "plain", samples=3, images=20)
    assert found["rate"] != evaluate_checkpoint(finished.model_path)["rate"]
    with pytest.raises(ValueError, match=r"^beta can be chosen for a multirate model, got vae$"):
        evaluate_checkpoint(tmp_path / "plain", beta=5.0)


def test_command_line_evaluates_at_a_beta(finished):
    arguments = ("evaluate", finished.model_path, "--json", "--beta")
    report = json.loads(call(*arguments, 5))
    assert report == evaluate_checkpoint(finished.model_path, beta=5.0)
    error = call(*arguments, 0.01, status=1)
    assert error == "Error: beta must be 0.1 to 100 for this model, got 0.01.\n"


NETWORK = {"hidden": (512, 256), "activation": "relu"}
"""Of `mnist-2d-multirate`, whose shipped model is older than the network of `mnist-2d`."""


@pytest.mark.parametrize(
    ("name", "single", "network", "training"),
    [
        ("digits-multirate", "digits-2d", {}, {}),
        ("mnist-2d-multirate", "mnist-2d", NETWORK, {"plateau": 0.0}),
    ],
)
def test_presets_are_those_of_one_beta_but_for_the_family(name, single, network, training):
    every, one = preset(name), preset(single)
    assert every.model == replace(one.model, family="multirate", **network)
    assert every.objective == one.objective
    expected = replace(one.training, epochs=every.training.epochs, **training)
    assert every.training == expected
