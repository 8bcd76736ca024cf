"""Faults that are planted in models and trained for real: the audit names each, and no other."""

import pytest

from models.audit.audit import audit
from models.audit.checks import COLLAPSE, LATENT, LOSS, UNLEARNED
from models.audit.subject import custom_model, stored_model
from models.config import ModelConfig, RunConfig
from models.storage.card import Card
from models.storage.checkpoint import write
from tests.helpers.adapters import measure
from tests.helpers.paths import ROOT
from tests.helpers.sentences import assert_refuses
from tests.helpers.tiny_vae import (
    TinyVAE,
    averaged,
    averaged_and_weighted,
    squared,
    summed,
    trained,
    with_free_bits,
)

CHECKPOINTS = ROOT / "checkpoints"


def audited(model, **more):
    return audit(custom_model(measure(model.adapter(**more))))


def answer(found, fault):
    """What the check that found a fault says."""
    (check,) = [check for check in found.checks if check.fault == fault]
    return f"{check.answer}. {check.because}"


def test_a_healthy_model_has_no_fault():
    found = audited(trained(TinyVAE()), beta=1.0)
    assert found.faults == [] and found.verdict == "No fault found"
    assert 0.7 < found.evidence.beta.mean < 1.4
    assert all(check.is_known for check in found.checks)


@pytest.mark.parametrize("latents", [2, 8])
def test_a_mean_reduced_loss_that_collapsed_is_named(latents):
    """β is really 64 / latents: 32 or 8, above β* of the digits, although β = 1 is meant."""
    found = audited(trained(TinyVAE(latents), averaged, epochs=20), beta=1.0)
    assert found.faults == [COLLAPSE, LOSS]
    assert found.verdict.endswith("posterior collapse, probably a mean-reduced loss")
    text = answer(found, LOSS)
    assert "mean-reduced" in text and "a mean over the 64 pixels" in text and "β* = 3.3" in text


@pytest.mark.slow
def test_a_mean_reduced_loss_that_did_not_collapse_is_measured():
    found = audited(trained(TinyVAE(), averaged_and_weighted, epochs=60), beta=0.02)
    assert found.faults == [LOSS]
    assert found.evidence.beta.mean == pytest.approx(64 * 0.02, rel=0.25)
    assert found.verdict == "Fault found: a mean-reduced loss"
    assert "a mean over the 64 pixels in place of a sum" in answer(found, LOSS)


@pytest.mark.slow
def test_a_squared_error_is_held_to_what_its_adapter_names():
    """Σ(x − x̂)² + KL is β = 1 with σ² = ½; with the σ that fits, the same loss has another β."""
    model = trained(TinyVAE(), squared)
    said = {"likelihood": "gaussian", "sigma": 0.5**0.5, "beta": 1.0}
    assert audited(model, **said).faults == []
    assert audited(model, **said | {"sigma": 0.2}).faults == [LOSS]
    silent = model.adapter(likelihood="gaussian-optimal")
    found = audit(custom_model(measure(silent)))
    assert found.faults == [] and [c.is_known for c in found.checks] == [True, True, False, True]


def test_a_collapse_that_beta_asks_for_is_no_fault_of_the_loss():
    found = audited(trained(TinyVAE(), lambda x, y, kl: summed(x, y, 5 * kl), 20), beta=5.0)
    assert found.faults == [COLLAPSE] and found.verdict == "Fault found: posterior collapse"
    assert "It had to: β = 5 is above β* = 3.3" in found.checks[1].because


def test_a_latent_that_the_decoder_does_not_read_is_named():
    found = audited(trained(TinyVAE(3, mask=[1.0, 0.0, 1.0])), beta=1.0)
    assert found.faults == [LATENT]
    assert "Ignored: z2: the decoder does not read it" in answer(found, LATENT)


@pytest.mark.slow
def test_a_latent_that_is_paid_for_and_worth_nothing_is_named():
    """Free bits keep its rate at a nat, which the decoder, nearly deaf to it, wastes."""
    found = audited(trained(TinyVAE(2, mask=[1.0, 0.01]), with_free_bits), beta=1.0)
    assert LATENT in found.faults and COLLAPSE not in found.faults
    assert "z2: " in answer(found, LATENT)


@pytest.mark.slow
def test_latents_that_nobody_needs_are_no_fault():
    """Eight for digits: some are switched off, and the decoder would answer all the same."""
    found = audited(trained(TinyVAE(8), epochs=80), beta=1.0)
    assert found.faults == []
    assert any(not use.is_active for use in found.evidence.use)


def test_a_network_that_was_never_trained_has_learned_nothing():
    assert UNLEARNED in audited(TinyVAE().eval(), beta=1.0).faults


def test_shipped_models_have_the_faults_that_their_names_say():
    for name, expected in [
        ("digits-2d-beta-0.1", []),
        ("digits-2d-beta-1", []),
        ("digits-2d-multirate", []),
        ("digits-autoencoder", []),
        ("digits-2d-beta-4", [COLLAPSE]),
    ]:
        found = audit(stored_model(CHECKPOINTS / f"{name}.safetensors"))
        assert found.faults == expected, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sprites-10d-beta-1", "sprites-10d-beta-4"])
def test_a_shipped_model_of_sprites_has_no_fault(name):
    """Half of its ten latents are switched off, as the images have five factors."""
    found = audit(stored_model(CHECKPOINTS / f"{name}.safetensors"))
    assert found.faults == []
    half = 1.96 * found.evidence.beta.standard_error
    assert found.evidence.beta.mean == pytest.approx(found.subject.beta, rel=0.1, abs=half)


def test_too_few_images_are_refused():
    few = TinyVAE().adapter(data=None, images=[[[0.5] * 8] * 8] * 9 + [[[0.0] * 8] * 8])
    subject = custom_model(measure(few))
    object.__setattr__(subject.images, "images", subject.images.images[:9])
    assert_refuses("an audit needs at least 10 test images, got 9", audit, subject)


@pytest.mark.parametrize("family", ["vq-vae", "gan", "ddpm"])
def test_families_without_codes_are_refused_by_their_name(tmp_path, family):
    network = "mlp" if family == "gan" else "conv"
    model = ModelConfig(family=family, network=network, image_shape=(1, 8, 8), hidden=(8,))
    write(tmp_path / "a.safetensors", Card(RunConfig("digits", model)), {}, None)
    assert_refuses(
        f"the model must have codes z and a likelihood to be audited, got one of family {family}",
        stored_model, tmp_path / "a.safetensors",
    )  # fmt: skip
