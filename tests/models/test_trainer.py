"""Training repeats bit for bit, resumes bit for bit, stops at the first step that goes wrong."""

import ast
import inspect
import itertools
import math
import textwrap
from dataclasses import asdict, replace

import pytest
import torch
import torch.nn.functional as F

from models.config import TrainingConfig
from models.data.builtin import load_digits
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.objectives.elbo import elbo_terms
from models.objectives.schedules import beta_loss
from models.training import trainer
from models.training.trainer import (
    CHECK_EVERY,
    EpochEnd,
    Progress,
    Training,
    TrainingDivergedError,
    learning_rate,
)
from tests.helpers.configs import digest, tiny
from tests.helpers.sentences import assert_sentence

TRAIN = load_digits("train").images
TEST = load_digits("test").images[:50]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def start(config, count=250) -> Training:
    """A training on the first digits."""
    model = build_model(config.model, config.training.seed)
    return Training(model, config, TRAIN[:count], TEST)


def small(*, objective=None, training=None, **model):
    """Two epochs of 31 steps: four events, two of them amid an epoch."""
    return tiny(
        objective={"kl_warmup_steps": 40} | (objective or {}),
        training={"batch_size": 8, "learning_rate": 3e-3} | (training or {}),
        **model,
    )


KINDS = {
    "mlp": small(),
    "conv": small(network="conv", activation="silu"),
    "bfloat16": small(training={"precision": "bfloat16"}),
    "optimal": small(likelihood="gaussian-optimal"),
    "shared": small(network="conv", likelihood="gaussian-shared"),
    "binarize": small(training={"binarize": True}),
    "autoencoder": small(family="autoencoder", likelihood="gaussian"),
    "multirate": small(family="multirate"),
}


def facts(event) -> dict:
    """An event without the clock."""
    return {name: value for name, value in asdict(event).items() if name != "seconds"}


def record(training) -> tuple[list[dict], list[dict], str]:
    """Events, the state at each of them (copied) and the digest of the last state."""
    events, states = [], []
    for event in training.events():
        events.append(facts(event))
        states.append({name: value.clone() for name, value in training.state().items()})
    return events, states, digest(training.state())


# --- what is trained and reported ----------------------------------------------------------------

CURVE = {
    "train_distortion": (27.10808, 26.52063, 25.91414, 25.57398),
    "train_rate": (0.04944087, 0.3572014, 0.6416931, 0.7678052),
    "test_distortion": (27.24744, 26.47117, 26.14397, 26.00475),
    "test_rate": (0.1330727, 0.5879917, 0.7175807, 0.7690171),
}
"""Nats per image after each epoch. If a change of the code changes it, training has changed."""


def test_seeded_loss_curve_is_the_committed_one():
    config = tiny(hidden=(32,), training={"epochs": 4, "learning_rate": 1e-2})
    events = [event for event in start(config, 1297).events() if isinstance(event, EpochEnd)]
    for name, expected in CURVE.items():
        found = [getattr(event, name) for event in events]
        assert found == pytest.approx(expected, rel=1e-4), name
    assert events[-1].test_negative_elbo < events[0].test_negative_elbo
    assert [event.step for event in events] == [20, 40, 60, 80]


@pytest.mark.parametrize("kind", ["mlp", "conv", "autoencoder"])
def test_the_rate_is_reported_by_its_parts(kind):
    """One number for every latent; an autoencoder has no rate."""
    events = [event for event in start(KINDS[kind]).events() if isinstance(event, EpochEnd)]
    for event in events:
        parts = event.test_kl_per_dimension
        assert len(parts) == KINDS[kind].model.latent_dim
        assert sum(parts) == pytest.approx(event.test_rate, rel=1e-5)
        assert all(part > 0 for part in parts) == (kind != "autoencoder")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (1, 0.001),
        (5, 0.005),
        (10, 0.01),  # the peak
        (30, 0.01 - 0.009 / 4),  # a third of the way: cos 60° is one half
        (40, 0.0055),  # half-way
        (70, 0.001),  # the end
    ],
)
def test_learning_rate_rises_linearly_and_falls_as_a_cosine(step, expected):
    config = TrainingConfig(learning_rate=0.01, final_learning_rate=0.001, warmup_steps=10)
    assert learning_rate(step, 70, config) == pytest.approx(expected)


@pytest.mark.parametrize("warmup", [0, 1, 10, 99, 100, 101, 10**6])
def test_learning_rate_stays_between_zero_and_its_peak(warmup):
    config = TrainingConfig(learning_rate=0.01, final_learning_rate=0.001, warmup_steps=warmup)
    rates = [learning_rate(step, 100, config) for step in range(1, 101)]
    top = rates.index(max(rates))
    assert min(rates) > 0 and max(rates) <= 0.01
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0.01 if warmup >= 100 else 0.001)


def test_optimizer_follows_the_learning_rate():
    training = start(small())
    for event in training.events():
        expected = learning_rate(event.step, training.total_steps, training.config.training)
        assert training.optimizer.rate == expected


@pytest.fixture
def batches(monkeypatch):
    """What every step of a training saw: images, terms and the weight of the rate."""
    seen = []

    def terms(model, images, noise):
        seen.append([images.clone(), found := elbo_terms(model, images, noise)])
        return found

    def loss(distortion, rate, weight, *remedies):
        seen[-1].append(weight)
        return beta_loss(distortion, rate, weight, *remedies)

    monkeypatch.setattr(trainer, "elbo_terms", terms)
    monkeypatch.setattr(trainer, "beta_loss", loss)
    return seen


def test_events_hold_means_over_images_in_nats(batches):
    training = start(small(objective={"beta": 4.0}, training={"epochs": 1}))
    first, end = training.events()
    distortion = torch.cat([terms.distortion for _, terms, _ in batches]).double()
    rate = torch.cat([terms.rate for _, terms, _ in batches]).double().sum(1)
    assert isinstance(first, Progress) and isinstance(end, EpochEnd)
    assert (first.epoch, first.step, first.total_steps) == (0, CHECK_EVERY, 31)
    assert first.distortion == pytest.approx(distortion[: 8 * CHECK_EVERY].mean().item())
    assert first.rate == pytest.approx(rate[: 8 * CHECK_EVERY].mean().item())
    assert end.train_distortion == pytest.approx(distortion.mean().item())
    assert end.train_rate == pytest.approx(rate.mean().item())
    assert end.kl_weight == pytest.approx(4.0 * 31 / 40)
    assert [weight for _, _, weight in batches] == pytest.approx(
        [4.0 * step / 40 for step in range(1, 32)]
    )
    scores = elbo(training.model, torch.tensor(TEST), seed=0)
    assert end.test_distortion == scores.distortion.mean().item()
    assert end.test_rate == scores.rate.sum(1).mean().item()
    assert end.test_negative_elbo == end.test_distortion + end.test_rate


def test_distortion_is_summed_over_pixels(batches):
    training = start(small(family="autoencoder"))
    fresh = build_model(training.config.model, 0)
    fresh.start_at(torch.tensor(TRAIN[:250]).mean(0))
    next(training.events())
    images, terms, _ = batches[0]
    with torch.no_grad():
        output = fresh.decoder(fresh.encode(images)[0])
    expected = F.binary_cross_entropy_with_logits(output, images, reduction="sum") / len(images)
    assert terms.distortion.mean().item() == pytest.approx(expected.item(), rel=1e-5)
    assert terms.rate.abs().max() == 0


def test_an_epoch_sees_no_image_twice_and_epochs_differ_in_order(batches):
    for _ in start(small()).events():
        pass
    epochs = [[x.numpy().tobytes() for images, *_ in part for x in images]
              for part in (batches[:31], batches[31:])]  # fmt: skip
    originals = {x.tobytes() for x in TRAIN[:250]}
    for seen in epochs:
        assert len(set(seen)) == len(seen) == 31 * 8 and set(seen) <= originals
    assert epochs[0] != epochs[1]


def test_binarized_images_are_drawn_anew_around_the_grey_ones(batches):
    for _ in start(KINDS["binarize"]).events():
        pass
    drawn = torch.cat([images for images, *_ in batches])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert len({image.numpy().tobytes() for image in drawn}) > 300  # of 250 grey ones
    assert drawn.mean().item() == pytest.approx(float(TRAIN[:250].mean()), abs=0.01)


def test_a_few_steps_lower_the_loss_of_every_kind():
    for name, config in KINDS.items():
        longer = replace(config, training=replace(config.training, epochs=4))
        ends = [event for event in start(longer).events() if isinstance(event, EpochEnd)]
        assert ends[-1].train_distortion < ends[0].train_distortion, name


def test_no_step_waits_for_a_number():
    waiting = {"item", "tolist", "cpu", "numpy", "float", "int", "bool", "print"}
    for function in (Training._step, trainer._means, elbo_terms, beta_loss):
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {getattr(call, "attr", getattr(call, "id", None)) for call in calls}
        assert not names & waiting, function.__name__


def test_batch_larger_than_the_set_is_refused():
    with pytest.raises(ValueError, match="at most the 250 training images, got 251"):
        start(small(training={"batch_size": 251}))
    assert start(small(training={"batch_size": 250})).steps_per_epoch == 1


# --- the same again ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_resume_at_every_event_equals_an_uninterrupted_run(kind):
    events, states, final = record(start(KINDS[kind]))
    assert [event["step"] for event in events] == [20, 31, 51, 62]
    for number, state in enumerate(states):
        resumed = start(KINDS[kind])
        resumed.restore(state)
        later, _, again = record(resumed)
        assert later == events[number + 1 :]
        assert again == final


def test_resume_before_the_first_step_and_many_times():
    config = KINDS["optimal"]
    events, _, final = record(start(config))
    state, seen = start(config).state(), []
    for _ in events:
        training = start(config)
        training.restore(state)
        seen.append(facts(next(training.events())))
        state = {name: value.clone() for name, value in training.state().items()}
    assert seen == events and digest(state) == final


def test_random_numbers_of_others_change_nothing():
    *_, final = record(start(small()))
    torch.manual_seed(99)
    training = start(small())
    for _ in training.events():
        torch.rand(3)
    assert digest(training.state()) == final


def test_seeds_differ():
    finals = {record(start(small(training={"seed": seed})))[2] for seed in (0, 1, 2**31 - 1)}
    assert len(finals) == 3


def test_no_piece_of_the_state_can_be_left_out():
    config = small(hidden=(8,), likelihood="gaussian-optimal")  # it has a buffer as well
    events, states, final = record(start(config))
    parameters = dict(build_model(config.model).named_parameters())
    assert len(states[0]) == 4 * len(parameters) + 1 + 2
    for name in states[0]:
        without = {key: value for key, value in states[0].items() if key != name}
        with pytest.raises(ValueError, match="does not fit") as caught:
            start(config).restore(without)
        assert repr(name) in assert_sentence(str(caught.value))
        training = start(config)
        training.restore(without | {name: torch.zeros_like(states[0][name])})
        try:
            later, _, again = record(training)
        except TrainingDivergedError:  # zeros under the square root: detected as well
            continue
        assert (later, again) != (events[1:], final), name


@pytest.mark.parametrize(
    ("name", "value", "phrase"),
    [
        ("more", torch.zeros(1), "'more' does not fit"),
        ("sums", torch.zeros(3), "'sums' does not fit"),
        ("step", torch.tensor([63]), "the step must be 0 to 62, got 63"),
        ("step", torch.tensor([-1]), "the step must be 0 to 62, got -1"),
    ],
)
def test_state_of_another_run_is_refused(name, value, phrase):
    training = start(small())
    before = digest(training.state())
    with pytest.raises(ValueError) as caught:
        training.restore(training.state() | {name: value})
    assert phrase in assert_sentence(str(caught.value))
    assert digest(training.state()) == before
    with pytest.raises(ValueError, match="does not fit"):
        training.restore(start(small(hidden=(9, 4))).state())


# --- divergence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "value", "step"),
    [
        *itertools.product(("distortion", "rate"), (math.nan,), (1, 7, 20, 21, 31, 32, 62)),
        ("distortion", math.inf, 8),
        ("rate", math.inf, 33),
    ],
)
def test_divergence_stops_at_its_step_and_names_the_term(term, value, step, monkeypatch):
    events, *_ = record(start(small()))
    training, seen = start(small()), []

    def terms(*given):
        found = elbo_terms(*given)
        bad = {term: getattr(found, term) + value}
        return found._replace(**bad) if training.step == step else found

    monkeypatch.setattr(trainer, "elbo_terms", terms)
    with pytest.raises(TrainingDivergedError) as caught:
        for event in training.events():
            seen.append(facts(event))
    assert f"the {term} became {value} at step {step} of 62" in assert_sentence(str(caught.value))
    assert seen == [event for event in events if event["step"] < step]  # as if all were well


@pytest.mark.parametrize("step", [31, 62])
def test_weights_lost_at_the_last_step_of_an_epoch_are_noticed_there(step):
    training = start(small())
    update = training.optimizer.step

    def broken():
        update()
        if training.step == step:
            with torch.no_grad():
                next(training.model.parameters())[0, 0] = math.nan

    training.optimizer.step = broken
    with pytest.raises(TrainingDivergedError, match=f"test distortion became nan at step {step} "):
        list(training.events())
    with pytest.raises(TrainingDivergedError, match=f"became nan at step {step} of 62"):
        training.state()


def test_a_rate_of_learning_that_is_too_high_ends_in_a_sentence():
    config = small(
        likelihood="gaussian", sigma=1 / 256, training={"learning_rate": 1.0, "warmup_steps": 0}
    )
    training = start(replace(config, training=replace(config.training, epochs=50)))
    try:
        for event in training.events():
            assert all(math.isfinite(value) for value in facts(event).values())
    except TrainingDivergedError as error:
        assert f"of {training.total_steps}: lower the learning rate" in assert_sentence(str(error))
