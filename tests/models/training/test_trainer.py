"""Training repeats bit for bit, resumes bit for bit, stops at the first step that goes wrong."""

import ast
import inspect
import itertools
import math
import textwrap
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.data.builtin import load_digits
from models.families import autoencoder
from models.families.autoencoder import Autoencoder
from models.families.registry import build_model
from models.metrics.likelihood import collapsed_distortion, elbo
from models.objectives.elbo import elbo_terms
from models.objectives.schedules import beta_loss
from models.objectives.trainable import Losses, Player
from models.training.events import EpochEnd, StepsDone, TrainingDivergedError
from models.training.optimizer import learning_rate
from models.training.trainer import CHECK_EVERY, Training
from tests.helpers.configs import digest, tiny
from tests.helpers.sentences import assert_sentence
from tests.helpers.trainables import IndependentPixels, PointGAN, points

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
    "linear start": small(
        objective={"kl_warmup_steps": 0}, training={"start": "linear", "plateau": 0.6}
    ),
}


def facts(event) -> dict:
    """An event without the clock."""
    return {name: value for name, value in asdict(event).items() if name != "seconds"}


def ends(training) -> list[EpochEnd]:
    """Trains to the end."""
    return [event for event in training.events() if isinstance(event, EpochEnd)]


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
    events = ends(start(config, 1297))
    for name, expected in CURVE.items():
        found = [event.row()[name] for event in events]
        assert found == pytest.approx(expected, rel=1e-4), name
    first, *_, last = (event.test["distortion"] + event.test["rate"] for event in events)
    assert last < first
    assert [event.step for event in events] == [20, 40, 60, 80]


@pytest.mark.parametrize("kind", ["mlp", "conv", "autoencoder"])
def test_the_rate_is_reported_by_its_parts(kind):
    """One number for every latent; an autoencoder has no rate."""
    for event in ends(start(KINDS[kind])):
        parts = event.test["kl_per_dimension"]
        assert len(parts) == KINDS[kind].model.latent_dim
        assert sum(parts) == pytest.approx(event.test["rate"], rel=1e-5)
        assert all(part > 0 for part in parts) == (kind != "autoencoder")


def test_optimizer_follows_the_learning_rate():
    training = start(small())
    for event in training.events():
        expected = learning_rate(event.step, training.total_steps, training.config.training)
        assert training.optimizers["model"].rate == expected


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

    monkeypatch.setattr(autoencoder, "elbo_terms", terms)
    monkeypatch.setattr(autoencoder, "beta_loss", loss)
    return seen


def test_events_hold_means_over_images_in_nats(batches):
    training = start(small(objective={"beta": 4.0}, training={"epochs": 1}))
    first, end = training.events()
    distortion = torch.cat([terms.distortion for _, terms, _ in batches]).double()
    rate = torch.cat([terms.rate for _, terms, _ in batches]).double().sum(1)
    assert isinstance(first, StepsDone) and isinstance(end, EpochEnd)
    assert (first.epoch, first.step, first.total_steps) == (0, CHECK_EVERY, 31)
    assert first.terms["distortion"] == pytest.approx(distortion[: 8 * CHECK_EVERY].mean().item())
    assert first.terms["rate"] == pytest.approx(rate[: 8 * CHECK_EVERY].mean().item())
    assert end.train["distortion"] == pytest.approx(distortion.mean().item())
    assert end.train["rate"] == pytest.approx(rate.mean().item())
    assert end.kl_weight == pytest.approx(4.0 * 31 / 40)
    assert [weight for _, _, weight in batches] == pytest.approx(
        [4.0 * step / 40 for step in range(1, 32)]
    )
    scores = elbo(training.model, torch.tensor(TEST), draws=1)
    assert end.test["distortion"] == scores.distortion.mean().item()
    assert end.test["rate"] == scores.rate.sum(1).mean().item()


def test_distortion_is_summed_over_pixels(batches):
    training = start(small(family="autoencoder"))
    fresh = build_model(training.config.model, 0)
    fresh.start_at(torch.tensor(TRAIN[:250]))
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
        first, *_, last = ends(start(longer))
        assert last.train["distortion"] < first.train["distortion"], name


def test_no_step_waits_for_a_number():
    waiting = {"item", "tolist", "cpu", "numpy", "float", "int", "bool", "print"}
    for function in (Training._step, Training._batch, Autoencoder.losses, elbo_terms, beta_loss):
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

    monkeypatch.setattr(autoencoder, "elbo_terms", terms)
    with pytest.raises(TrainingDivergedError) as caught:
        for event in training.events():
            seen.append(facts(event))
    assert f"the {term} became {value} at step {step} of 62" in assert_sentence(str(caught.value))
    assert seen == [event for event in events if event["step"] < step]  # as if all were well


@pytest.mark.parametrize("step", [31, 62])
def test_weights_lost_at_the_last_step_of_an_epoch_are_noticed_there(step):
    training = start(small())
    optimizer = training.optimizers["model"]
    update = optimizer.step

    def broken():
        update()
        if training.step == step:
            with torch.no_grad():
                next(training.model.parameters())[0, 0] = math.nan

    optimizer.step = broken
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
            row = event.row() if isinstance(event, EpochEnd) else event.terms
            assert all(np.isfinite(value).all() for value in row.values())
    except TrainingDivergedError as error:
        assert f"of {training.total_steps}: lower the learning rate" in assert_sentence(str(error))


# --- models of other kinds, by the same loop -----------------------------------------------------


def longer(learning_rate):
    return small(training={"epochs": 80, "batch_size": 50, "learning_rate": learning_rate})


def train_points(config=None, seed=0) -> Training:
    return Training(PointGAN(seed), config or small(), points(), points(50))


def train_pixels(config=None) -> Training:
    return Training(IndependentPixels(), config or small(), TRAIN[:250], TEST)


@pytest.mark.parametrize("begin", [train_points, train_pixels])
def test_terms_and_scores_come_by_the_names_the_model_gives(begin):
    training = begin()
    steps, end, *_ = training.events()
    assert tuple(steps.terms) == tuple(end.train) == training.model.terms
    assert end.test == training.model.score(training.test_images, 0) or end.epoch == 0
    names = [f"train_{name}" for name in end.train] + [f"test_{name}" for name in end.test]
    fixed = ["epoch", "step", "seconds", "learning_rate", "kl_weight"]
    assert list(end.row()) == fixed + names
    assert training.state()["sums"].shape == (len(training.model.terms),)


@pytest.mark.parametrize("begin", [train_points, train_pixels])
def test_any_model_resumes_bit_for_bit(begin):
    events, states, final = record(begin())
    assert [event["step"] for event in events] == [20, 31, 51, 62]
    for number, state in enumerate(states):
        resumed = begin()
        resumed.restore(state)
        later, _, again = record(resumed)
        assert later == events[number + 1 :] and again == final


def test_pixels_alone_come_to_their_closed_form():
    """The best constant image costs Σ H(x̄), the anchor of a model that ignores its codes."""
    *_, last = ends(train_pixels(longer(0.1)))
    best = collapsed_distortion(torch.tensor(TRAIN[:250]))
    assert last.train["surprise"] == pytest.approx(best, rel=0.01)
    assert last.test["bits_per_pixel"] == pytest.approx(
        last.test["surprise"] / math.log(2) / 64, rel=1e-6
    )


def test_a_generator_learns_where_the_points_are():
    first, *_, last = ends(train_points(longer(0.01)))
    assert first.test["distance_of_means"] > 1.5 and last.test["distance_of_means"] < 0.75


def test_a_critic_that_cannot_tell_costs_two_ln_two():
    model = PointGAN()
    with torch.no_grad():
        model.critic[-1].weight.zero_()
        model.critic[-1].bias.zero_()
    slow = small(training={"learning_rate": 1e-7, "final_learning_rate": 0.0})
    steps = next(Training(model, slow, points(), points(50)).events())
    assert steps.terms["critic"] == pytest.approx(2 * math.log(2), rel=1e-4)
    assert steps.terms["generator"] == pytest.approx(math.log(2), rel=1e-4)


def test_a_turn_moves_the_parameters_of_its_player_alone(monkeypatch):
    training, seen = train_points(), []
    parts = {"critic": training.model.critic, "generator": training.model.generator}
    losses = training.model.losses

    def look(player, batch):
        seen.append((player, {name: digest(part.state_dict()) for name, part in parts.items()}))
        return losses(player, batch)

    monkeypatch.setattr(training.model, "losses", look)
    next(training.events())
    assert [player for player, _ in seen] == ["critic", "generator"] * CHECK_EVERY
    for (player, before), (_, after) in itertools.pairwise(seen):
        assert {name for name in parts if before[name] != after[name]} == {player}


def test_every_player_has_its_own_moments():
    training = train_points()
    next(training.events())
    state = training.state()
    names = [name for name, _ in training.model.named_parameters()]
    assert {f"adam.{key}.{name}" for name in names for key in ("exp_avg", "exp_avg_sq", "step")} \
        == {name for name in state if name.startswith("adam.")}  # fmt: skip
    assert all(state[f"adam.step.{name}"].item() == 20 for name in names)
    assert [adam.betas for adam in training.optimizers.values()] == [(0.5, 0.999)] * 2


@pytest.mark.parametrize(
    ("begin", "term", "step"),
    [(train_points, "critic", 7), (train_points, "generator", 20), (train_pixels, "surprise", 33)],
)
def test_divergence_of_any_model_names_its_term(begin, term, step, monkeypatch):
    events, *_ = record(begin())
    training, seen = begin(), []
    losses = training.model.losses

    def broken(player, batch):
        loss, terms = losses(player, batch)
        if training.step == step and term in terms:
            terms = terms | {term: terms[term] * math.nan}
        return Losses(loss, terms)

    monkeypatch.setattr(training.model, "losses", broken)
    with pytest.raises(TrainingDivergedError) as caught:
        for event in training.events():
            seen.append(facts(event))
    assert f"the {term} became nan at step {step} of 62" in assert_sentence(str(caught.value))
    assert seen == [event for event in events if event["step"] < step]


def test_a_score_that_is_not_finite_is_named(monkeypatch):
    training = train_points()
    monkeypatch.setattr(training.model, "score", lambda *_: {"spread": [1.0, math.inf]})
    with pytest.raises(TrainingDivergedError, match="the test spread became inf at step 31 of 62"):
        list(training.events())


def test_players_that_share_a_parameter_are_refused(monkeypatch):
    monkeypatch.setattr(PointGAN, "players", lambda model: {
        "critic": Player(list(model.parameters())), "generator": Player(list(model.parameters())),
    })  # fmt: skip
    with pytest.raises(ValueError, match="must belong to one player, but one belongs to two"):
        train_points()
