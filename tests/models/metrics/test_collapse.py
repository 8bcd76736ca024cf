"""The diagnosis of collapse, by thought experiment: perfect, constant, half-collapsed codes."""

import math

import pytest
import torch

from models.data.builtin import load_digits
from models.metrics.collapse import Diagnosis, diagnose, distance_from_mean
from models.metrics.likelihood import active_units
from models.metrics.statistics import Estimate
from models.objectives.distributions import gaussian_kl
from models.storage.checkpoint import read, restore
from tests.helpers.paths import ROOT
from tests.helpers.sentences import assert_sentence

CHECKPOINTS = ROOT / "checkpoints"
COUNT = 400


def spread_codes(*spreads):
    """Means of these standard deviations, and the variance 1 - spread² of a q(z) that is p(z)."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(COUNT, len(spreads), generator=generator)
    mean = (mean - mean.mean(0)) / mean.std(0) * torch.tensor(spreads)
    variance = 1 - torch.tensor(spreads).square()
    return mean, variance.log().expand_as(mean)


def decode(z):
    """Grey 8 × 8 images; every latent moves its own row of pixels."""
    images = torch.full((len(z), 1, 8, 8), 0.5)
    images[:, 0, : z.shape[1]] += 0.1 * z[:, :, None]
    return images


def ignore(z):
    """A decoder that draws one image, whatever the code."""
    return decode(torch.zeros_like(z))


def images_of(mean):
    return decode(mean / mean.std(0).clamp_min(1e-9))


def test_perfect_codes_have_not_collapsed():
    mean, log_variance = spread_codes(0.99, 0.99)
    found = diagnose(mean, log_variance, decode, images_of(mean))
    assert found.verdict == "not collapsed" and found.collapsed == [False, False]
    assert found.mutual_information.mean > 2.5
    assert found.response == pytest.approx(1.0, abs=0.15)
    assert found.ceiling == math.log(COUNT)


def test_constant_codes_have_collapsed():
    images = images_of(spread_codes(0.9, 0.9)[0])
    found = diagnose(torch.zeros(COUNT, 2), torch.zeros(COUNT, 2), ignore, images)
    assert found.verdict == "collapsed" and found.collapsed == [True, True]
    assert found.kl_per_dimension == [0.0, 0.0] and found.mutual_information.mean == 0.0
    assert found.decoded_distance == found.response == 0.0


@pytest.mark.parametrize(
    ("spreads", "verdict", "collapsed"),
    [
        ((0.95, 0.0), "1 of 2 latents collapsed", [False, True]),
        ((0.0, 0.02, 0.9, 0.0), "3 of 4 latents collapsed", [True, True, False, True]),
        ((0.9, 0.3, 0.5), "not collapsed", [False, False, False]),
        ((0.05, 0.01), "collapsed", [True, True]),
    ],
)
def test_every_latent_is_judged_by_itself(spreads, verdict, collapsed):
    mean, log_variance = spread_codes(*spreads)
    found = diagnose(mean, log_variance, decode, images_of(mean))
    assert (found.verdict, found.collapsed) == (verdict, collapsed)


def test_a_decoder_that_ignores_its_codes_has_collapsed():
    """The encoder alone cannot save a model: nothing of what it tells is used."""
    mean, log_variance = spread_codes(0.9, 0.9)
    found = diagnose(mean, log_variance, ignore, images_of(mean))
    assert found.collapsed == [False, False] and found.verdict == "collapsed"


def test_a_sharp_posterior_that_never_moves_tells_nothing():
    """A rate is not information: z is equally narrow, at the same place, for every image."""
    mean, log_variance = spread_codes(0.9, 0.0)
    log_variance = torch.stack([log_variance[:, 0], torch.full((COUNT,), -4.0)], 1)
    found = diagnose(mean, log_variance, decode, images_of(mean))
    assert found.kl_per_dimension[1] > 1 and found.verdict == "1 of 2 latents collapsed"


def test_the_numbers_are_those_of_their_definitions():
    mean, log_variance = spread_codes(0.8, 0.3, 0.0)
    found = diagnose(mean, log_variance, decode, images_of(mean), samples=4000, seed=1)
    kl = gaussian_kl(mean.double(), log_variance.double()).mean(0)
    assert found.kl_per_dimension == pytest.approx(kl.tolist())
    assert found.mean_variance == pytest.approx([0.64, 0.09, 0.0], abs=1e-6)
    assert found.collapsed.count(False) == active_units(mean) == 2
    # 24 of 64 pixels in three rows, each row .1 |z|: E‖z‖ of three normals is √(8/π)
    expected = 0.1 * math.sqrt(8 / math.pi) * math.sqrt(8 / 64)
    assert found.decoded_distance == pytest.approx(expected, rel=0.03)
    assert found == diagnose(mean, log_variance, decode, images_of(mean), samples=4000, seed=1)


def test_the_less_the_decoder_moves_the_smaller_the_response():
    mean, log_variance = spread_codes(0.9, 0.9)
    responses = [
        diagnose(mean, log_variance, lambda z, s=scale: decode(s * z), images_of(mean)).response
        for scale in (1.0, 0.5, 0.1, 0.0)
    ]
    assert responses == pytest.approx([responses[0] * s for s in (1.0, 0.5, 0.1, 0.0)], abs=1e-6)


@pytest.mark.parametrize(
    ("kl", "variance", "told", "decoded", "sentence"),
    [
        (
            [0.0, 0.001], [0.0, 0.002], 0.0, 0.001,
            "Collapsed: 0 of 2 latents are active, the rate is 0.00 nats, I(x; z) is 0.00 of at "
            "most 6.21 nats, and decoded prior samples differ by 0% of what the images do",
        ),
        (
            [0.0, 1.25], [0.0, 0.9], 1.2, 0.1,
            "1 of 2 latents collapsed: 1 of 2 latents are active, the rate is 1.25 nats, "
            "I(x; z) is 1.20 of at most 6.21 nats, and decoded prior samples differ by 50% of "
            "what the images do",
        ),
        (
            [2.0], [0.9], 1.9, 0.2,
            "Not collapsed: 1 of 1 latent is active, the rate is 2.00 nats, I(x; z) is 1.90 of "
            "at most 6.21 nats, and decoded prior samples differ by 100% of what the images do",
        ),
    ],
)  # fmt: skip
def test_the_sentence_gives_the_verdict_and_its_reasons(kl, variance, told, decoded, sentence):
    found = Diagnosis(kl, variance, Estimate(told, 0.1), 6.21, decoded, 0.2)
    assert found.sentence == sentence


@pytest.mark.parametrize(
    ("model", "verdict"),
    [
        ("digits-2d-beta-0.1", "not collapsed"),
        ("digits-2d-beta-1", "not collapsed"),
        ("digits-2d-beta-4", "collapsed"),
    ],
)
def test_trained_models(model, verdict):
    checkpoint = read(CHECKPOINTS / f"{model}.safetensors")
    mean, log_variance = map(torch.tensor, (checkpoint.codes.mean, checkpoint.codes.log_variance))
    images = torch.tensor(load_digits("test").images)
    found = diagnose(mean.float(), log_variance.float(), restore(checkpoint).decode, images)
    assert found.verdict == verdict
    assert_sentence(found.sentence.replace(".", ""))


def test_distance_of_images_from_their_mean():
    assert distance_from_mean(torch.rand(1, 1, 8, 8).expand(5, -1, -1, -1)) == pytest.approx(0)
    black_and_white = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 8, 8)
    assert distance_from_mean(black_and_white) == pytest.approx(0.5)


def test_equal_images_have_nothing_to_respond_to():
    mean, log_variance = spread_codes(0.9)
    found = diagnose(mean, log_variance, decode, torch.zeros(COUNT, 1, 8, 8))
    assert found.image_distance == found.response == 0.0


def test_too_few_samples_or_images_are_refused():
    mean, log_variance = spread_codes(0.9, 0.9)
    images = images_of(mean)
    with pytest.raises(ValueError, match=r"^samples must be at least 2, got 1$"):
        diagnose(mean, log_variance, decode, images, samples=1)
    with pytest.raises(ValueError, match=r"^images must be at least 3, got 2$"):
        diagnose(mean[:2], log_variance[:2], decode, images[:2])
