"""Every capability and property is what the class does, and the table is read without torch."""

import itertools

import pytest
import torch

from models.capabilities import FAMILIES, LIKELIHOODS, load_class
from models.config import ModelConfig
from models.families.registry import build_model
from models.families.vae import VAE
from models.objectives.trainable import Trainable
from models.training.stacked import stack_models
from tests.helpers.processes import finish, python

IMAGES = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def model_of(family="vae", **settings):
    network = "mlp" if FAMILIES[family].latent == "gaussian" else "conv"
    config = ModelConfig(family, network, image_shape=(1, 8, 8), hidden=(6,), **settings)
    return build_model(config).eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_capabilities_are_those_of_the_class(family):
    model, capabilities = model_of(family), FAMILIES[family]
    assert type(model) is load_class(capabilities.model)
    assert len(model.players()) == capabilities.players
    assert hasattr(model, "encode") == capabilities.has_encoder
    assert hasattr(model, "log_likelihood") == capabilities.has_likelihood
    if capabilities.has_encoder:
        _, log_variance = model.encode(IMAGES)
        assert (log_variance is not None) == capabilities.has_posterior
    score, each = model.score(IMAGES, 0), model.image_scores(IMAGES, 0)
    assert (score.get("rate", 0) > 0) == capabilities.has_rate
    assert all(values.shape == (len(IMAGES),) for values in each.values())
    if capabilities.has_prior:
        images = model.generate(3, torch.Generator().manual_seed(0))
        assert images.shape == (3, 1, 8, 8) and images.min() >= 0 and images.max() <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_many_betas_folds_to_one_of_one(family):
    model = model_of(family)
    if FAMILIES[family].betas == "many":
        assert type(model.at(2.0)) is VAE and FAMILIES["vae"].betas == "one"
    elif FAMILIES[family].has_codes:
        assert model.at(2.0) is model


STACKABLE = [
    (family, likelihood)
    for family, likelihood in itertools.product(FAMILIES, LIKELIHOODS)
    if FAMILIES[family].can_stack and not LIKELIHOODS[likelihood].learns_sigma
]


@pytest.mark.parametrize(("family", "likelihood"), STACKABLE)
def test_what_can_be_stacked_answers_as_each_model_alone(family, likelihood):
    models = [model_of(family, likelihood=likelihood) for _ in range(2)]
    stack = stack_models(models)
    alone, _ = models[0].encode(IMAGES)
    together, _ = stack.encode(IMAGES)
    torch.testing.assert_close(together, torch.stack([alone, alone]))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_properties_are_those_of_the_class(name):
    properties = LIKELIHOODS[name]
    likelihood = model_of(likelihood=name).likelihood
    assert type(likelihood) is load_class(properties.model)
    output = torch.linspace(-3, 3, 64 * likelihood.outputs).view(1, -1, 8, 8)
    drawn = likelihood.sample(output, torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) <= {0.0, 1.0} or not properties.is_binary
    activation = {"sigmoid": torch.sigmoid, "identity": lambda x: x}[properties.mean_activation]
    torch.testing.assert_close(likelihood.mean(output), activation(output[:, :1]))
    assert (likelihood.outputs == 2) == (properties.sigma == "pixel")
    assert properties.is_density == (properties.sigma != "none") == (not properties.is_binary)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_sigma_is_read_and_learned_where_the_table_says(name):
    properties = LIKELIHOODS[name]
    costs = []
    for sigma in (0.2, 0.4):
        model = model_of(likelihood=name, sigma=sigma)
        model.start_at(IMAGES)
        likelihood = model.likelihood.train()
        costs.append(likelihood.log_prob(likelihood.initial_output(IMAGES[0])[None], IMAGES[:1]))
    assert (costs[0] != costs[1]).all() == properties.reads_sigma


def test_every_family_is_trainable():
    names = [name for name in vars(Trainable) if not name.startswith("_")]
    for family in FAMILIES:
        model = model_of(family)
        assert all(hasattr(model, name) for name in [*names, "terms"])


SILENT = """
import sys, models.capabilities, models.config
print([name for name in ("torch", "numpy", "models.families") if name in sys.modules])
"""


def test_the_table_is_read_without_torch():
    assert finish(python("-c", SILENT)).strip() == "[]"
