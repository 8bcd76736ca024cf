"""A diffusion model of images: sizes, training by the trainer of all, resume, sampling, bound."""

import math

import pytest
import torch

from models.config import ModelConfig, RunConfig, TrainingConfig
from models.data.load import load
from models.families.ddpm import DDPM, EPOCH_IMAGES, NOISE_STEPS
from models.objectives.denoising import (
    ANCESTRAL,
    INVERTIBLE,
    add_noise,
    alpha_bars,
    ddim_inverse,
    spread_times,
    step_times,
)
from models.objectives.trainable import Batch
from models.training.events import EpochEnd
from models.training.trainer import Training
from tests.helpers.configs import digest

DIGITS = ModelConfig(image_shape=(1, 8, 8), hidden=(8, 16))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def built(config=DIGITS, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DDPM(config)


def training(epochs=3, images=None, config=DIGITS):
    """A short training run on 256 digits."""
    if images is None:
        images = load("digits", "train", None).images[:256]
    settings = TrainingConfig(epochs=epochs, batch_size=64, learning_rate=3e-3, warmup_steps=5)
    return Training(built(config), RunConfig(model=config, training=settings), images, images[:64])


@pytest.fixture(scope="module")
def trained():
    run = training(40)
    ends = [event for event in run.events() if isinstance(event, EpochEnd)]
    return run.model.eval(), ends


def test_training_lowers_the_error_and_the_bound(trained):
    _, ends = trained
    assert ends[0].train["noise_error"] > 0.42 > 0.3 > ends[-1].train["noise_error"]
    assert ends[-1].test["noise_error"] < 0.3
    assert ends[-1].test["negative_bound"] < 64 * math.log(17)  # of 17 equally likely levels


def test_an_untrained_model_guesses_its_part_of_what_it_sees():
    """v̂ = 0, so ε̂ = √(1 - ᾱ) x_t: its error has a closed form in ᾱ and the mean of x²."""
    images, share = torch.rand(500, 1, 8, 8, generator=generator()), alpha_bars(NOISE_STEPS)[1:]
    square = (2 * images - 1).square().mean()
    expected = (share.square() + share * (1 - share) * square).mean()
    assert built().score(images, 1)["noise_error"] == pytest.approx(expected.item(), abs=0.01)


def test_an_epoch_is_scored_on_some_of_many_images_and_the_card_on_more():
    model, images = built(), torch.rand(2 * EPOCH_IMAGES, 1, 8, 8, generator=generator())
    assert model.score(images, 1) == model.score(images[:EPOCH_IMAGES], 1)
    assert len(model.image_scores(images, 1)["negative_bound"]) == len(images)


def test_the_loss_is_the_error_of_v():
    """v = √ᾱ ε - √(1 - ᾱ) x_0 of the guess against v of the truth, at every t alike."""
    model, images = built().train(), torch.rand(64, 1, 8, 8, generator=generator())
    torch.nn.init.normal_(model.network.out.weight, generator=generator())
    noise = model.noise(64, generator(1))
    loss = model.losses("model", Batch(images, noise, generator(2), None))
    times = spread_times(64, NOISE_STEPS, generator(2))
    share = alpha_bars(NOISE_STEPS)[times].float()[:, None, None, None]
    noisy = add_noise(2 * images - 1, noise, share)
    truth = share.sqrt() * noise - (1 - share).sqrt() * (2 * images - 1)
    error = (model.network(noisy, times / NOISE_STEPS) - truth).square().mean()
    assert loss.loss.item() == pytest.approx(error.item(), rel=1e-3)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (1, 64, 8), (3, 33, 64)])
def test_images_of_every_shape_are_learned_and_drawn(shape):
    config = ModelConfig(image_shape=shape, hidden=(4, 8))
    run = training(1, torch.rand(64, *shape, generator=generator()).numpy(), config)
    assert len([*run.events()]) == 1
    images = run.model.generate(3, generator(), steps=2)
    assert images.shape == (3, *shape)
    assert images.min() >= 0 and images.max() <= 1 and images.isfinite().all()


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit():
    whole = training()
    for _ in whole.events():
        pass
    first = training()
    events = first.events()
    next(events)
    state = first.state()
    resumed = training()
    resumed.restore(state)
    for _ in resumed.events():
        pass
    assert digest(resumed.state()) == digest(whole.state())


def test_the_average_moves_in_training_alone(trained):
    model, _ = trained
    before = digest(model.state_dict())
    model.score(torch.rand(8, 1, 8, 8), 0)
    model.generate(4, generator(), 2)
    assert digest(model.state_dict()) == before
    weight, mean = next(model.network.parameters()), next(model.average.buffers())
    assert model.updates.item() == 160 and not torch.equal(weight, mean)
    names = {name for name, _ in model.named_parameters()}
    assert not any(name.startswith("average") for name in names)


def test_every_tensor_of_the_state_can_be_stored(trained):
    model, _ = trained
    copy = built(seed=1)
    state = model.state_dict()
    assert {value.dtype for value in state.values()} == {torch.float32}
    copy.load_state_dict(state, strict=True)
    same = [each.eval().generate(4, generator(), 5) for each in (model, copy)]
    assert torch.equal(*same)


def test_evaluation_answers_with_the_average(trained):
    model, _ = trained
    noisy = torch.randn(5, 1, 8, 8, generator=generator())
    before = model.guess_at(noisy, 50)
    weight = next(model.average.buffers())
    kept = weight.clone()
    weight.add_(0.1)
    assert not torch.equal(model.guess_at(noisy, 50), before)
    weight.copy_(kept)
    assert torch.equal(model.guess_at(noisy, 50), before)


def test_the_levels_of_the_images_are_noted():
    assert training().model.levels.item() == 17  # scikit-learn's digits have 0 to 16
    coloured = torch.rand(64, 1, 8, 8, generator=generator()).numpy()
    assert training(images=coloured).model.levels.item() == 256


def test_a_seed_decides_what_is_drawn(trained):
    model, _ = trained
    one, again, other = (model.generate(6, generator(seed), 10) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_the_noise_decides_the_image_unless_fresh_noise_is_added(trained):
    model, _ = trained
    start = torch.randn(4, 1, 8, 8, generator=generator())
    plain = [model.decode_noise(start, 10, INVERTIBLE, generator(s)) for s in (1, 2)]
    assert torch.equal(*plain)
    drawn = [model.decode_noise(start, NOISE_STEPS, ANCESTRAL, generator(s)) for s in (1, 2)]
    assert not torch.equal(*drawn)
    assert all(images.min() >= 0 and images.max() <= 1 for images in drawn)


def test_noise_comes_back_from_its_image_within_a_tenth(trained):
    """x_T → x_1 → x_T with 50 steps: root mean square error below 0.1, where x_T has 1."""
    model, _ = trained
    start = torch.randn(20, 1, 8, 8, generator=generator(3))
    *_, end = model.path(start, model.invertible_times(50))
    times, shares = model.invertible_times(50), alpha_bars(NOISE_STEPS)
    with torch.no_grad():
        back = ddim_inverse(model.guess_at, end.noisy, times, shares)
    assert (back - start).square().mean().sqrt() < 0.1


def test_an_image_comes_back_from_its_noise(trained):
    model, _ = trained
    images = torch.tensor(load("digits", "test", None).images[:20])
    noise = model.encode_noise(images)
    *_, end = model.path(noise, model.invertible_times(50))
    assert ((end.noisy + 1) / 2 - images).square().mean().sqrt() < 0.02
    assert 0.5 < noise.std() < 1.5


def test_a_path_tells_the_guess_at_every_time(trained):
    model, _ = trained
    start = torch.randn(2, 1, 8, 8, generator=generator())
    moments = list(model.path(start, step_times(NOISE_STEPS, 10)))
    assert [moment.time for moment in moments][::5] == [200, 100, 0]
    assert all(moment.clean.shape == start.shape for moment in moments)


@pytest.mark.parametrize("steps", [0, 201])
def test_steps_have_limits(trained, steps):
    model, _ = trained
    with pytest.raises(ValueError, match=f"steps must be 1 to 200, got {steps}"):
        model.generate(1, generator(), steps)


def test_a_network_without_levels_is_refused():
    with pytest.raises(ValueError, match="hidden must have an entry for each level"):
        DDPM(ModelConfig(image_shape=(1, 8, 8), hidden=()))
