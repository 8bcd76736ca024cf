"""Sweeps: a stack learns what separate runs learn; whatever stops a sweep, it goes on."""

import contextlib
import csv
import inspect
import io
import itertools
import json
import math
import os
import queue
import random
import signal
import threading
import time
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner

from models.cli.app import app
from models.cli.sweep import sweep as sweep_command
from models.cli.train import train
from models.config import ModelConfig, ObjectiveConfig, TrainingConfig
from models.data.builtin import load_digits
from models.data.load import load
from models.families import autoencoder
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.metrics.statistics import t_interval
from models.objectives.elbo import elbo_terms
from models.presets import preset
from models.runs import train_together as train_together_module
from models.runs.folder import Run, list_runs
from models.runs.train import execute, restore
from models.runs.train_together import train_together
from models.storage.checkpoint import read, write
from models.storage.checkpoint import restore as model_of
from models.storage.tensors import read_tensors, write_tensors
from models.sweeps import plan as plan_module
from models.sweeps import worker as worker_module
from models.sweeps.convergence import MATERIAL_NATS, slope_bounds, training_terms
from models.sweeps.grid import grid
from models.sweeps.plan import plan
from models.sweeps.sweep import Sweep
from models.sweeps.table import COLUMNS, SCORES, by_beta, to_csv, to_text
from models.sweeps.worker import HEARTBEAT_SECONDS, Advanced, Done, Failed, Started
from models.theory.linear_vae import linear_curve
from models.training.control import send_request
from models.training.events import EpochEnd, StepsDone, TrainingDivergedError
from models.training.stacked import Member, Stack, StackedLinear, stack_models
from models.training.trainer import Training
from tests.helpers.configs import tiny
from tests.helpers.paths import ROOT
from tests.helpers.processes import finish, python
from tests.helpers.sentences import assert_sentence

TRAIN = load_digits("train").images[:250]
TEST = load_digits("test").images[:50]
BETAS = [0.0, 0.3, 1.0, 30.0]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- stacks --------------------------------------------------------------------------------------


def small(*, objective=None, training=None, **model):
    """Two epochs of 31 steps: four events."""
    return tiny(
        objective={"kl_warmup_steps": 40} | (objective or {}),
        training={"batch_size": 8, "learning_rate": 3e-3} | (training or {}),
        **model,
    )


KINDS = {
    "bernoulli": small(),
    "gaussian": small(likelihood="gaussian", sigma=0.3, activation="silu"),
    "linear": small(hidden=(), likelihood="gaussian", sigma=0.3),
    "binarize": small(training={"binarize": True, "seed": 3}),
    "free bits": small(objective={"free_bits": 0.4}),
    "capacity": small(objective={"capacity": 1.5, "capacity_steps": 30}),
    "cycles": small(objective={"kl_warmup_steps": 0, "cycles": 3}),
    "five latents": small(latent_dim=5, hidden=(7,)),
    "bfloat16": small(training={"precision": "bfloat16"}),
}


def start(config, kind=Training):
    return kind(build_model(config.model, config.training.seed), config, TRAIN, TEST)


def stacked(config, betas=BETAS):
    """A member for every β, all in one stack."""
    members = [start(each, Member) for each in grid(config, betas)]
    Stack(members)
    return members


def in_turns(trainings):
    """Events of trainings that take turns, one list a round."""
    return [list(events) for events in zip(*(t.events() for t in trainings), strict=True)]


def state_of(training):
    return {name: value.clone() for name, value in training.state().items()}


@pytest.fixture
def steps(monkeypatch):
    """Images, noise, D and R of every step anybody makes."""
    seen = []

    def terms(model, images, noise):
        found = elbo_terms(model, images, noise)
        detached = found.distortion.detach(), found.rate.detach()
        seen.append((images.clone(), noise.clone(), *detached))
        return found

    monkeypatch.setattr(autoencoder, "elbo_terms", terms)
    return seen


def assert_states_close(found, expected, rtol, atol):
    assert found.keys() == expected.keys()
    for name in found:
        torch.testing.assert_close(found[name], expected[name], rtol=rtol, atol=atol)


def assert_events_close(found, expected, rtol):
    assert type(found) is type(expected)
    rows = [e.row() if isinstance(e, EpochEnd) else e.terms for e in (found, expected)]
    assert found.step == expected.step and rows[0].keys() == rows[1].keys()
    for name in rows[0].keys() - {"seconds"}:
        values = rows[0][name], rows[1][name]
        np.testing.assert_allclose(*values, rtol=rtol, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_of_a_stack_is_that_of_separate_trainings(kind, steps):
    config = KINDS[kind]
    loose = config.training.precision == "bfloat16"  # rounds to three digits at every layer
    members = stacked(config)
    together = in_turns(members)
    seen = steps.copy()
    assert len(seen) == 62  # not 62 for each
    for k, each in enumerate(grid(config, BETAS)):
        steps.clear()
        single = start(each)
        alone = list(single.events())
        assert len(steps) == 62
        for mine, theirs in zip(steps, seen, strict=True):
            torch.testing.assert_close(mine[:2], theirs[:2], rtol=0, atol=0)  # images and noise
            tolerance = {"rtol": 0.03, "atol": 0.03} if loose else {"rtol": 1e-4, "atol": 1e-5}
            torch.testing.assert_close(theirs[2][k], mine[2], **tolerance)
            torch.testing.assert_close(theirs[3][k], mine[3], **tolerance)
        for mine, theirs in zip(alone, together, strict=True):
            assert_events_close(theirs[k], mine, 0.02 if loose else 1e-4)
        if not loose:
            assert_states_close(members[k].state(), single.state(), 1e-3, 1e-5)


def test_first_step_agrees_to_rounding(steps):
    members = stacked(KINDS["bernoulli"])
    for events in [member.events() for member in members]:
        next(events)
    together = steps[0]
    for k, each in enumerate(grid(KINDS["bernoulli"], BETAS)):
        steps.clear()
        next(start(each).events())
        torch.testing.assert_close(together[2][k], steps[0][2], rtol=1e-6, atol=0)


def test_what_a_member_learns_does_not_depend_on_its_neighbours():
    config = KINDS["bernoulli"]
    quiet, loud = stacked(config), stacked(config)
    with torch.no_grad():
        loud[1].model.encoder.layers[0].weight.fill_(math.nan)
    in_turns(quiet)
    with pytest.raises(TrainingDivergedError, match="became nan at step 1 of 62"):
        next(loud[1].events())
    loud[1].stack.leave(loud[1])
    in_turns([loud[k] for k in (0, 2, 3)])
    for k in (0, 2, 3):
        assert_states_close(loud[k].state(), quiet[k].state(), 0, 0)


def test_member_is_saved_and_resumed_like_any_other_training():
    config = KINDS["bernoulli"]
    members = stacked(config)
    rounds = zip(*(member.events() for member in members), strict=True)
    next(rounds)
    saved = [state_of(member) for member in members]
    for _ in rounds:
        pass
    again = [start(each, Member) for each in grid(config, BETAS)]
    for member, state in zip(again, saved, strict=True):
        member.restore(state)
        assert member.step == 20
    Stack(again)
    in_turns(again)
    for member, other in zip(again, members, strict=True):
        assert_states_close(member.state(), other.state(), 0, 0)
    alone = start(grid(config, BETAS)[2])
    alone.restore(saved[2])
    assert [event.step for event in alone.events()] == [31, 51, 62]
    assert_states_close(alone.state(), members[2].state(), 1e-3, 1e-5)


def test_members_that_do_not_take_turns_are_caught():
    first, *_ = stacked(KINDS["bernoulli"])
    with pytest.raises(AssertionError, match="members take turns"):
        list(first.events())


def test_members_of_a_stack_must_differ_in_beta_alone_at_the_same_step():
    config = KINDS["bernoulli"]
    for other in (KINDS["binarize"], KINDS["free bits"]):
        with pytest.raises(ValueError, match="must differ in beta alone"):
            Stack([start(config, Member), start(other, Member)])
    ahead = start(config, Member)
    next(ahead.events())
    with pytest.raises(ValueError, match="at the same step") as caught:
        Stack([start(config, Member), ahead])
    assert_sentence(str(caught.value))
    conv = small(network="conv")
    with pytest.raises(ValueError, match="must be of linear layers, got Conv2d"):
        stack_models([build_model(conv.model), build_model(conv.model)])


def test_stacked_layer_is_each_layer_on_its_own():
    layers = [torch.nn.Linear(5, 3) for _ in range(4)]
    together = StackedLinear(layers)
    shared, own = torch.randn(7, 5), torch.randn(4, 7, 5)
    expected = torch.stack([layer(shared) for layer in layers])
    torch.testing.assert_close(together(shared), expected)
    expected = torch.stack([layer(x) for layer, x in zip(layers, own, strict=True)])
    torch.testing.assert_close(together(own), expected)


# --- runs in turns -------------------------------------------------------------------------------

RUN = tiny(training={"epochs": 3, "batch_size": 32, "learning_rate": 3e-3})
"""Three epochs of 40 steps: two events each."""


def created(folder, betas=BETAS, config=RUN):
    return [Run.create(folder, each, f"β {each.objective.beta}") for each in grid(config, betas)]


@pytest.fixture(scope="module")
def separate(tmp_path_factory) -> dict[float, Run]:
    """A run of every β, trained on its own without interruption."""
    runs = created(tmp_path_factory.mktemp("separate"))
    for run in runs:
        for _ in execute(run):
            pass
    return {run.config().objective.beta: run for run in runs}


def assert_same_result(run, separate):
    """As the run of that β on its own, to rounding; and nothing left lying about."""
    other = separate[run.config().objective.beta]
    assert [row["step"] for row in run.history.rows()] == [
        row["step"] for row in other.history.rows()
    ]
    for row, expected in zip(run.history.rows(), other.history.rows(), strict=True):
        for name in ("train_distortion", "train_rate", "test_distortion", "test_rate"):
            assert row[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-5)
    found, expected = read(run.model_path), read(other.model_path)
    for name, weight in found.weights.items():
        np.testing.assert_allclose(weight, expected.weights[name], rtol=1e-3, atol=1e-4)
    assert found.card.steps == expected.card.steps == 120
    assert sorted(os.listdir(run.folder)) == sorted(os.listdir(other.folder))


def test_runs_trained_together_end_as_if_each_were_alone(separate, tmp_path):
    runs = created(tmp_path)
    steps = []
    for news in train_together(runs, command="make them"):
        assert not news or set(news) == {run.id for run in runs}
        steps.append({getattr(event, "step", None) for event in news.values()})
    assert steps == [set(), {20}, {40}, {60}, {80}, {100}, {120}, {None}]
    for run in runs:
        assert_same_result(run, separate)
        assert read(run.model_path).card.command == "make them"
        assert all(row["seconds"] > 0 for row in run.history.rows())
    assert {frozenset(n.values()) for n in train_together(runs)} <= {frozenset(), frozenset({None})}


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_one_run_alone_is_trained_bit_for_bit(network, tmp_path):
    config = tiny(network=network)
    one, other = created(tmp_path, [1.0], config) + created(tmp_path, [1.0], config)
    for _ in execute(one):
        pass
    for _ in train_together([other]):
        pass
    assert read(one.model_path).fingerprint == read(other.model_path).fingerprint


@pytest.mark.parametrize("rounds", [1, 2, 4, 7])
def test_closing_between_rounds_keeps_all_and_they_go_on(rounds, separate, tmp_path):
    runs = created(tmp_path)
    training = train_together(runs)
    for _ in range(rounds):
        next(training)
    training.close()
    for run in runs:
        assert int(read_tensors(run.state_path)[0]["step"][0]) == 20 * (rounds - 1)
        if rounds > 1:
            assert read(run.model_path).card.steps == 20 * (rounds - 1)
    for _ in train_together(runs):
        pass
    for run in runs:
        assert_same_result(run, separate)


def test_those_behind_catch_up_before_they_are_stacked(separate, tmp_path, monkeypatch):
    runs = created(tmp_path)
    for run, count in zip(runs, (0, 3, 3, 1), strict=True):
        events = execute(run)
        for _ in range(count):
            next(events)
        events.close()
    sizes = []
    whole = Stack.__init__
    monkeypatch.setattr(
        train_together_module.Stack, "__init__", lambda self, members: (sizes.append(len(members)),
                                                        whole(self, members))[1],
    )  # fmt: skip
    log = []
    for news in train_together(runs):
        steps = {runs.index(run): getattr(news.get(run.id), "step", None) for run in runs}
        log.append({k: step for k, step in steps.items() if step})
    assert log[1:4] == [{0: 20, 3: 40}, {0: 40, 3: 60}, {0: 60}]
    assert log[4] == {0: 80, 1: 80, 2: 80, 3: 80}
    assert sizes == [4]
    for run in runs:
        assert_same_result(run, separate)


def test_a_run_that_fails_does_not_stop_the_others(separate, tmp_path):
    runs = created(tmp_path)
    explode(runs[1])
    runs[3].state_path.write_bytes(b"damaged")
    reasons, ended = {}, set()
    for news in train_together(runs):
        for name, event in news.items():
            if isinstance(event, Exception):
                reasons[name] = assert_sentence(str(event))
            elif event is None:
                ended.add(name)
            else:
                assert isinstance(event, StepsDone | EpochEnd)
    assert reasons.keys() == {runs[1].id, runs[3].id} and ended == {runs[0].id, runs[2].id}
    assert "the distortion became nan at step 1 of 120" in reasons[runs[1].id]
    assert "cut short" in reasons[runs[3].id]
    assert not runs[1].model_path.exists() and runs[1].history.rows() == []
    for run in (runs[0], runs[2]):
        assert_same_result(run, separate)


def test_a_run_that_another_process_trains_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(train_together_module, "LOCK_PATIENCE", 0.1)
    runs = created(tmp_path, [0.3, 1.0])
    with runs[0].lock():
        news = list(train_together(runs))
    assert "one process at a time" in assert_sentence(str(news[0][runs[0].id]))
    assert read(runs[1].model_path).card.steps == 120


# --- the grid and who trains what ----------------------------------------------------------------


def test_grid_is_every_combination_once():
    config = preset("digits-2d")
    found = grid(replace(config, training=replace(config.training, seed=5)), [1, 0.1], 2, [2, 10])
    expected = itertools.product([2, 10], [5, 6], [1.0, 0.1])
    assert [(c.model.latent_dim, c.training.seed, c.objective.beta) for c in found] == [*expected]
    assert {replace(c.objective, beta=1.0) for c in found} == {config.objective}


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (([],), "betas must be one or more different values"),
        (([1.0, 1.0],), "betas must be one or more different values, got [1.0, 1.0]"),
        (([1.0], 0), "seeds must be at least 1, got 0"),
        (([1.0], 1, [2, 2]), "latent_dims must be one or more different values"),
        (([1.0, -1.0],), "beta must be at least 0, got -1"),
        (([1.0, math.nan],), "beta must be finite"),
        (([1.0], 1, [0]), "latent_dim must be at least 1, got 0"),
        (([1.0], 1001), "a sweep must have at most 1000 runs, got 1001"),
    ],
)
def test_grid_refuses_in_one_sentence(arguments, phrase):
    with pytest.raises(ValueError) as caught:
        grid(preset("digits-2d"), *arguments)
    assert phrase in assert_sentence(str(caught.value))


def test_an_autoencoder_has_no_beta_to_vary():
    with pytest.raises(ValueError, match="family must be vae in a sweep over beta") as caught:
        grid(preset("digits-ae"), [1.0, 2.0])
    assert_sentence(str(caught.value))


def members_of(configs):
    """Members that are on no disk."""
    return [
        plan_module.SweepRun(Run(ROOT / f"{i:04d}"), config) for i, config in enumerate(configs)
    ]


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 2), st.integers(1, 8))
def test_plan_gives_every_run_to_one_process_and_all_about_the_same(betas, seeds, dims, workers):
    configs = grid(tiny(), range(betas), seeds, range(1, dims + 1))
    members = members_of(configs)
    groups = plan(members, workers)
    trained = sorted(run.id for group in groups for run in group)
    assert trained == sorted(member.run.id for member in members)
    series = {member.run.id: member.series for member in members}
    assert all(len({series[run.id] for run in group}) == 1 for group in groups)
    sizes = [len(group) for group in groups]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] <= plan_module.MAX_STACK
    if betas >= 2 * workers:  # enough of each series to cut it into equal parts
        assert len(groups) % workers == 0 and sizes[0] - sizes[-1] <= 1


@pytest.mark.parametrize(
    "model", [{"network": "conv"}, {"likelihood": "gaussian-shared"},
              {"likelihood": "gaussian-optimal"}, {"likelihood": "gaussian-pixel"}],
)  # fmt: skip
def test_what_cannot_be_stacked_is_trained_one_by_one(model):
    members = members_of(grid(tiny(**model), [0.1, 1.0, 10.0]))
    assert [len(group) for group in plan(members, 2)] == [1, 1, 1]


def test_the_same_request_finds_its_runs(tmp_path):
    configs = grid(RUN, BETAS, seeds=2)
    first = Sweep.open(tmp_path, configs)
    assert len(list_runs(tmp_path)) == 8
    assert {run.sweep for run in list_runs(tmp_path)} == {first.id}
    assert [member.config for member in first.members] == configs
    titles = {member.run.title for member in first.members}
    assert len(titles) == 8 and "digits sweep: β 0.3, 2 latents, seed 1" in titles
    more = [replace(c, training=replace(c.training, threads=2)) for c in configs]
    assert Sweep.open(tmp_path, more) == first  # threads change no result worth a new run
    other = Sweep.open(tmp_path, configs, "another")
    assert other.id != first.id and len(list_runs(tmp_path)) == 16
    assert all(member.run.title.startswith("another: β ") for member in other.members)
    assert Sweep.open(tmp_path, configs[:4]).id not in (first.id, other.id)
    lost = first.members[3].run
    (lost.folder / "config.json").unlink()
    again = Sweep.open(tmp_path, configs)
    assert again.id == first.id and again.members[3].run != lost
    (again.members[0].run.folder / "config.json").write_bytes(b"{")  # somebody's damaged folder
    assert len(Sweep.open(tmp_path, configs).members) == 8


def test_a_run_that_was_changed_is_not_a_member(tmp_path):
    configs = grid(RUN, [0.3, 1.0])
    changed, kept = (member.run for member in Sweep.open(tmp_path, configs).members)
    events = execute(changed)
    next(events)
    send_request(changed.folder, beta=1.0)
    list(events)
    assert changed.config() == configs[0], "its settings are those it was made with"
    for _ in range(2):
        new, same = (member.run for member in Sweep.open(tmp_path, configs).members)
        assert same == kept and new != changed and new.config() == configs[0]
    assert len(list_runs(tmp_path)) == 3


def test_a_run_of_no_sweep_says_so(tmp_path):
    assert Run.create(tmp_path, RUN).sweep == ""


# --- a worker ------------------------------------------------------------------------------------


class Reports(io.StringIO):
    """What a worker writes, line by line."""

    def __init__(self):
        super().__init__()
        self.lines = queue.Queue()

    def write(self, text):
        if text.strip():
            self.lines.put(json.loads(text))

    def until(self, last):
        seen = []
        while not seen or not last(seen[-1]):
            seen.append(self.lines.get(timeout=60))
        return seen


@pytest.fixture
def worker(tmp_path):
    """A worker in a thread, its orders (a file to write to) and its reports."""
    receive, send = os.pipe()
    reports = Reports()
    with open(receive) as orders, open(send, "w", buffering=1) as given_orders:
        thread = threading.Thread(
            target=worker_module.work, args=(orders, reports, tmp_path), daemon=True
        )
        thread.start()
        yield given_orders, reports
        given_orders.close()
        thread.join(60)
        assert not thread.is_alive()


def test_worker_trains_group_after_group(worker, separate, tmp_path):
    orders, reports = worker
    runs = created(tmp_path)
    for group in (runs[:3], runs[3:]):
        orders.write(json.dumps([run.id for run in group]) + "\n")
        seen = reports.until(lambda message: message == "ready")
        assert sorted(m["run_id"] for m in seen[:-1] if m["kind"] == "done") == sorted(
            run.id for run in group
        )
        assert all(0 < m["share"] <= 1 for m in seen[:-1] if m["kind"] == "advanced")
    for run in runs:
        assert_same_result(run, separate)


def test_worker_keeps_everything_when_it_is_told_no_more(worker, tmp_path):
    orders, reports = worker
    runs = created(tmp_path, config=tiny(training={"epochs": 10_000}))
    orders.write(json.dumps([run.id for run in runs]) + "\n")
    reports.until(lambda message: message["kind"] == "advanced")
    orders.close()
    reports.until(lambda message: message == "ready")
    steps = {read(run.model_path).card.steps for run in runs}
    assert len(steps) == 1 and 0 < steps.pop() < 200_000
    assert {int(read_tensors(run.state_path)[0]["step"][0]) for run in runs} == {
        read(runs[0].model_path).card.steps
    }


def test_worker_reports_a_full_disk(worker, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "/tmp/private")

    orders, reports = worker
    runs = created(tmp_path, [0.3, 1.0])
    monkeypatch.setattr("models.atomic.os.fsync", full)
    orders.write(json.dumps([run.id for run in runs]) + "\n")
    *seen, _ = reports.until(lambda message: message == "ready")
    for message in seen:
        assert message["kind"] == "failed"
        assert "no space left on device" in assert_sentence(message["reason"])


def test_worker_reports_data_that_is_not_there(worker, tmp_path):
    orders, reports = worker
    runs = created(tmp_path, [0.3, 1.0], replace(RUN, data="gone.npz"))
    orders.write(json.dumps([run.id for run in runs]) + "\n")
    *seen, last = reports.until(lambda message: message == "ready")
    assert last == "ready" and [message["kind"] for message in seen] == ["failed", "failed"]
    for message in seen:
        assert "data must be one of" in assert_sentence(message["reason"])


# --- processes -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> str:
    """The digits in a file: a process that need not import scikit-learn starts sooner."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, images=load_digits("train").images[:400])
    return str(path)


@pytest.fixture(scope="module")
def config(digits):
    return replace(tiny(training={"epochs": 4, "batch_size": 32}), data=digits)


@pytest.fixture(scope="module")
def finished(config, tmp_path_factory):
    """A sweep of six members, the fourth bound to fail; its events and when they came."""
    found = Sweep.open(tmp_path_factory.mktemp("runs"), grid(config, [0.3, 1.0, 4.0], seeds=2))
    explode(found.members[3].run)
    events, times = [], [time.monotonic()]
    for event in found.train(command="sweep them"):
        events.append(event)
        times.append(time.monotonic())
    return found, events, times


def explode(run):
    """Gives a run a first state whose z is infinite: ln σ² = 1000."""
    config = run.config()
    images = load(config.data, "train").images
    restore(run, Training(build_model(config.model, 0), config, images, images[:50]))
    tensors, document, _ = read_tensors(run.state_path)
    bias = f"model.encoder.layers.{2 * len(config.model.hidden)}.bias"
    write_tensors(run.state_path, tensors | {bias: np.full_like(tensors[bias], 1000)}, document)


def test_every_member_starts_advances_and_is_done(finished):
    found, events, _ = finished
    assert set(map(type, events)) == {type(None), Started, Advanced, Done, Failed}
    for member in found.members[:3] + found.members[4:]:
        news = [e for e in events if e is not None and e.run_id == member.run.id]
        start, *advances, done = news
        assert start == Started(member.run.id, member.beta, member.seed, 2)
        assert done == Done(member.run.id) and member.is_done()
        steps = [event.step for event in advances]
        assert steps == sorted(steps) and all(0 < event.share <= 1 for event in advances)
        assert all(event.distortion > 0 and event.rate >= 0 for event in advances)


def test_one_failed_member_is_named_and_the_rest_go_on(finished):
    found, events, _ = finished
    (failure,) = [event for event in events if isinstance(event, Failed)]
    assert found.failures == {failure.run_id: failure.reason}
    assert failure.run_id == found.members[3].run.id
    assert "became nan at step 1 of " in assert_sentence(failure.reason)
    rows = found.rows()
    assert [row["status"] for row in rows] == [*["done"] * 3, "failed", *["done"] * 2]
    assert rows[3]["reason"] == failure.reason and rows[3]["distortion"] is None
    assert failure.reason in to_text(rows) and failure.reason in to_csv(rows)


def test_stream_is_never_silent_for_long(finished):
    _, events, times = finished
    gaps = np.diff(times)
    assert np.quantile(gaps, 0.9) < 0.5  # the machine may be busy for once
    assert max(gaps) < 5 * HEARTBEAT_SECONDS
    assert events.count(None) >= 1  # while the processes start


def test_members_are_what_single_runs_are(finished, tmp_path):
    found, *_ = finished
    for member in (found.members[0], found.members[4]):
        run = Run.create(tmp_path, member.config)
        for _ in execute(run):
            pass
        alone, swept = read(run.model_path), read(member.run.model_path)
        for score in SCORES:
            assert swept.card.metrics[score] == pytest.approx(alone.card.metrics[score], rel=1e-4)
        assert swept.card.command == "sweep them" and swept.card.title == member.run.title
    assert {run.id for run in list_runs(found.runs_dir)} == {m.run.id for m in found.members}


def endless(config):
    return replace(config, training=replace(config.training, epochs=10_000))


def test_closing_the_stream_stops_the_processes_and_keeps_all(config, tmp_path, monkeypatch):
    found = Sweep.open(tmp_path, grid(endless(config), [0.3, 1.0, 4.0]))
    priorities = []
    worker = worker_module._Worker
    monkeypatch.setattr(worker, "dismiss", lambda self, whole=worker.dismiss: (
        priorities.append(os.getpriority(os.PRIO_PROCESS, self.process.pid)), whole(self)
    ))  # fmt: skip
    events = found.train(niceness=1)
    seen = set()
    while len(seen) < 3:
        event = next(events)
        seen |= {event.run_id} if isinstance(event, Advanced) else set()
    start = time.monotonic()
    events.close()
    assert time.monotonic() - start < 10
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert len(priorities) == min(plan_module.cores(), 3)
    assert set(priorities) == {min(19, own + 1)}
    for member in found.members:
        card = read(member.run.model_path).card
        assert card.steps == int(read_tensors(member.run.state_path)[0]["step"][0]) > 0
        assert not member.is_done()
        with member.run.lock():
            pass  # nobody trains it any more
    assert [row["status"] for row in found.rows()] == ["stopped"] * 3


@pytest.mark.slow
def test_a_killed_worker_fails_its_runs_and_no_others(config, tmp_path):
    configs = [*grid(config, [0.3]), *grid(endless(config), [1.0])]
    found = Sweep.open(tmp_path, configs)
    killed = found.members[1].run.id
    workers = []
    whole = worker_module._Worker.give

    def give(self, runs):
        workers.append((self.process.pid, {run.id for run in runs}))
        whole(self, runs)

    events = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_module._Worker, "give", give)
        for event in found.train():
            events.append(event)
            if isinstance(event, Advanced) and event.run_id == killed:
                (pid,) = {pid for pid, ids in workers if killed in ids}
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    (failure,) = [event for event in events if isinstance(event, Failed)]
    assert failure.run_id == killed
    assert "it ended with -9" in assert_sentence(failure.reason)
    assert Done(found.members[0].run.id) in events


def command(runs, config, betas, *more):
    """The command line of a sweep of this config."""
    model, training = config.model, config.training
    settings = {"data": config.data, "hidden": "8,4", "epochs": training.epochs,
                "batch-size": training.batch_size, "warmup-steps": training.warmup_steps,
                "kl-warmup-steps": 0, "learning-rate": training.learning_rate,
                "latent-dim": model.latent_dim, "betas": betas, "runs-dir": runs,
                "autosave": 0.1}  # fmt: skip
    words = [f"--{name}={value}" for name, value in settings.items()]
    return ["-m", "models", "sweep", *words, *map(str, more)]


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_killed_sweep_goes_on_where_it_stopped(kills, config, tmp_path):
    config = replace(config, training=replace(config.training, epochs=40 * kills))
    betas = [0.3, 1.0, 4.0]
    arguments = command(tmp_path / "swept", config, "0.3,1,4")
    moments, steps = random.Random(kills), []
    for _ in range(kills):
        process = python(*arguments)
        wait_for_progress(tmp_path / "swept", process)
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.communicate()
        runs = list_runs(tmp_path / "swept")
        steps.append(min(int(read_tensors(run.state_path)[0]["step"][0]) for run in runs))
    out = finish(python(*arguments))
    assert out.count("done") == 3 and "Written: " in out
    assert steps == sorted(steps) and steps[0] > 0
    runs = {run.config().objective.beta: run for run in list_runs(tmp_path / "swept")}
    assert sorted(runs) == betas  # no run twice
    for beta, run in runs.items():
        other = Run.create(tmp_path / "single", run.config())
        for _ in execute(other):
            pass
        assert [row["step"] for row in run.history.rows()] == [
            row["step"] for row in other.history.rows()
        ]
        found, expected = (read(each.model_path).card.metrics for each in (run, other))
        for score in SCORES:
            assert found[score][0] == pytest.approx(expected[score][0], rel=0.01, abs=0.01), beta
        assert not [name for name in os.listdir(run.folder) if name.startswith(".")]


def wait_for_progress(runs_dir, process):
    """Waits until every run has a state that is newer than its first, or the process is gone."""
    end, first = time.monotonic() + 120, {}

    def all_have_moved():
        paths = [run.state_path for run in list_runs(runs_dir)]
        if len(paths) < 3 or not all(path.exists() for path in paths):
            return False
        times = {path: path.stat().st_mtime_ns for path in paths}
        return all(times[path] != first.setdefault(path, times[path]) for path in paths)

    while not all_have_moved() and process.poll() is None:
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


@pytest.mark.slow
def test_interrupted_sweep_stops_soon_and_leaves_nobody_behind(config, tmp_path):
    process = python(*command(tmp_path, endless(config), "0.3,1,4"))
    wait_for_progress(tmp_path, process)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out = finish(process)
    assert time.monotonic() - start < 10
    assert "Stopped and kept. The same command goes on." in out
    for run in list_runs(tmp_path):
        assert read(run.model_path).card.steps > 0
        with run.lock():
            pass
    (table,) = tmp_path.glob("sweep-*.json")
    assert {row["status"] for row in json.loads(table.read_text())["members"]} == {"stopped"}


# --- the table -----------------------------------------------------------------------------------


def test_table_holds_the_scores_of_the_checkpoints(finished):
    found, *_ = finished
    rows = found.rows()
    assert [(r["beta"], r["seed"]) for r in rows] == [(m.beta, m.seed) for m in found.members]
    for row, member in zip(rows, found.members, strict=True):
        if row["status"] == "failed":
            continue
        card = read(member.run.model_path).card
        for score in SCORES:
            assert [row[score], row[f"{score}_error"]] == card.metrics[score]
        assert row["negative_elbo"] == pytest.approx(row["distortion"] + row["rate"])
        assert (row["active_units"], row["run"]) == (card.metrics["active_units"], member.run.id)
        assert row["seconds"] == card.seconds
        assert (row["status"], row["reason"]) == ("done", "")


def test_written_tables_say_the_same(finished):
    found, *_ = finished
    assert found.failures  # as they are while the sweep is open
    found.write([{"low": 1.0}])
    document = json.loads(found.json_path.read_text())
    assert document["members"] == found.rows() and document["sandwich"] == [{"low": 1.0}]
    assert document["by_beta"] == by_beta(found.rows()) and document["sweep"] == found.id
    lines = list(csv.DictReader(io.StringIO(found.csv_path.read_text())))
    assert list(lines[0]) == list(COLUMNS)
    means = [mean for mean in by_beta(found.rows()) if mean["runs"] > 1]
    assert len(lines) == 6 + 2 == len(found.rows() + means)  # one β is left with one run
    for line, row in zip(lines, found.rows() + means, strict=True):
        for column in COLUMNS:
            assert line[column] == ("" if row[column] is None else str(row[column]))


def row(beta, seed, value, status="done"):
    scores = {"distortion": value, "rate": 2 * value, "negative_elbo": 3 * value}
    plain = {"latent_dim": 2, "beta": beta, "seed": seed, "status": status, "reason": "",
             "active_units": seed, "seconds": 1.0}  # fmt: skip
    return dict.fromkeys(COLUMNS) | plain | scores


def test_means_over_seeds_leave_out_what_is_not_done():
    rows = [row(4.0, 0, 5.0), row(1.0, 0, 1.0), row(1.0, 1, 2.0), row(1.0, 2, 3.0),
            row(1.0, 3, 99.0, "stopped")]  # fmt: skip
    low, high = by_beta(rows)
    assert (low["beta"], low["runs"], low["distortion"], low["rate"]) == (1.0, 3, 2.0, 4.0)
    assert low["distortion_interval"] == pytest.approx(2.4841377)  # 4.302653 / √3
    assert low["rate_interval"] == pytest.approx(2 * 2.4841377)
    assert low["active_units"] == 1.0
    assert (high["beta"], high["runs"], high["distortion_interval"]) == (4.0, 1, None)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.floats(0.5, 0.99))
def test_interval_is_that_of_student(values, level):
    mean, half = t_interval(values, level)
    scale = np.std(values, ddof=1) / math.sqrt(len(values))
    assert mean == pytest.approx(np.mean(values))
    quantile = stats.t.ppf((1 + level) / 2, len(values) - 1)
    assert half == pytest.approx(quantile * scale, abs=1e-9)


def test_one_value_has_no_interval():
    assert t_interval([3.0]) == (3.0, math.inf)


def test_interval_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(5, 2, (4000, 3))
    covered = [abs(mean - 5) <= half for mean, half in map(t_interval, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


# --- have they converged? ------------------------------------------------------------------------

EIGENVALUES = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
LADDER = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def optimum(betas=LADDER):
    """D and R of the best linear VAEs, σ² = ½: R = Σ½ ln(λ/s), SSE = Σ min(λ, s), s = βσ²."""
    rate, distortion = linear_curve(EIGENVALUES, 5, 0.5**0.5, betas)
    return distortion, rate


def test_optimal_models_satisfy_the_sandwich():
    distortion, rate = optimum()
    np.testing.assert_allclose(rate[:4], [3.4657, 2.0794, 1.0397, 0.3466], atol=1e-4)
    found = slope_bounds(LADDER, distortion, rate)
    assert found.holds.all() and not found.beaten.any()
    assert (found.gap >= -1e-12).all()
    assert ((np.array(LADDER[:4]) <= found.slope[:4]) & (found.slope[:4] <= LADDER[1:5])).all()
    assert np.isnan(found.slope[4])  # both have collapsed


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=12, unique=True))
def test_optimal_models_satisfy_the_sandwich_at_any_betas(betas):
    betas = sorted(betas)
    found = slope_bounds(betas, *optimum(betas))
    assert found.holds.all() and not found.beaten.any()


@pytest.mark.parametrize("worst", range(5))
@pytest.mark.parametrize(("more_distortion", "more_rate"), [(1.5, 0.0), (0.0, 1.5), (1.0, 1.0)])
def test_a_model_that_is_not_optimal_is_named(worst, more_distortion, more_rate):
    """It is worse at its own β by more than the 0.77 nats that its neighbours are at most."""
    distortion, rate = optimum()
    distortion[worst] += more_distortion
    rate[worst] += more_rate
    found = slope_bounds(LADDER, distortion, rate)
    assert np.flatnonzero(found.beaten).tolist() == [worst]
    assert not found.holds[max(0, worst - 1) : worst + 1].all()


def test_slope_is_outside_the_sandwich_exactly_where_it_does_not_hold():
    random_numbers = np.random.default_rng(0)
    distortion, rate = optimum(LADDER[:5])
    broken = 0
    for _ in range(200):
        d = distortion + random_numbers.normal(0, 0.4, 5)
        r = rate + random_numbers.normal(0, 0.1, 5)
        found = slope_bounds(LADDER[:5], d, r)
        clear = (np.abs(found.gap) > MATERIAL_NATS).all(1)
        inside = (LADDER[:4] <= found.slope) & (found.slope <= LADDER[1:5])
        expected = inside & (np.diff(r) < 0)
        assert (found.holds == expected)[clear].all()
        broken += (~expected).sum()
    assert 100 < broken < 700


def test_collapsed_models_are_alike_to_the_eye():
    """One is worse by a thousandth of a nat on every image, which is exact but nothing to say."""
    distortion = np.stack([np.full(100, 27.001), np.full(100, 27.0)])
    assert slope_bounds([30.0, 100.0], distortion, np.zeros((2, 100))).holds.all()
    distortion[0] += 0.1
    assert slope_bounds([30.0, 100.0], distortion, np.zeros((2, 100))).beaten.tolist() == [1, 0]


def test_sampling_error_is_allowed_for_and_is_paired():
    """Images differ by nats, models on the same image by little: only pairs can tell."""
    random_numbers = np.random.default_rng(1)
    distortion, rate = optimum(LADDER[:3])
    image = random_numbers.normal(0, 30, 4000)  # how hard an image is, for any model
    noise = random_numbers.normal(0, 1, (3, 4000))
    found = slope_bounds(LADDER[:3], distortion[:, None] + image + noise, rate[:, None] + 0 * noise)
    assert found.holds.all()
    np.testing.assert_allclose(found.error, math.sqrt(2 / 4000), rtol=0.1)
    distortion[1] += 1.0  # three of these errors are 0.07 nats
    found = slope_bounds(LADDER[:3], distortion[:, None] + image + noise, rate[:, None] + 0 * noise)
    assert found.beaten.tolist() == [False, True, False]


def test_false_alarms_are_rare_where_models_are_equally_good():
    random_numbers = np.random.default_rng(2)
    alarms = 0
    for _ in range(500):  # two collapsed models: every gap is zero
        noise = random_numbers.normal(0, 1, (2, 200))
        alarms += not slope_bounds([1.0, 2.0], 27 + noise, 0 * noise).holds.all()
    assert alarms <= 5  # a side is crossed by chance in 0.13 % of cases


@pytest.mark.parametrize(
    ("betas", "distortion", "rate", "phrase"),
    [
        ([1.0], [1.0], [1.0], "betas must be two or more that rise"),
        ([2.0, 1.0], [1.0, 1.0], [1.0, 1.0], "betas must be two or more that rise"),
        ([1.0, 1.0], [1.0, 1.0], [1.0, 1.0], "betas must be two or more that rise"),
        ([1.0, math.nan], [1.0, 1.0], [1.0, 1.0], "betas must be two or more that rise"),
        ([1.0, 2.0], [1.0, 1.0, 1.0], [1.0, 1.0], "must be (2,) or (2, N), got (3,) and (2,)"),
        ([1.0, 2.0], np.ones((3, 4)), np.ones((3, 4)), "must be (2,) or (2, N)"),
    ],
)
def test_sandwich_refuses_in_one_sentence(betas, distortion, rate, phrase):
    with pytest.raises(ValueError) as caught:
        slope_bounds(betas, distortion, rate)
    assert phrase in assert_sentence(str(caught.value))


def test_training_terms_are_those_of_every_training_image(separate):
    runs = [separate[0.3], separate[1.0]]
    distortion, rate = training_terms(runs)
    assert distortion.shape == rate.shape == (2, 1297)
    images = torch.tensor(load_digits("train").images)
    for k, run in enumerate(runs):
        terms = elbo(model_of(read(run.model_path)), images, seed=0)
        np.testing.assert_allclose(distortion[k], terms.distortion, rtol=1e-6)
        np.testing.assert_allclose(rate[k], terms.rate.sum(1), rtol=1e-6)


def test_binarised_training_is_checked_on_binarised_images(tmp_path):
    config = tiny(training={"binarize": True, "epochs": 1})
    (run,) = created(tmp_path, [1.0], config)
    for _ in execute(run):
        pass
    distortion, _ = training_terms([run])
    x = torch.bernoulli(
        torch.tensor(load_digits("train").images), generator=torch.Generator().manual_seed(0)
    )
    expected = elbo(model_of(read(run.model_path)), x, seed=0).distortion
    np.testing.assert_allclose(distortion[0], expected, rtol=1e-6)


def test_check_names_the_runs_that_have_not_converged(digits, tmp_path):
    """β = 1 for four epochs, its neighbours for forty: it is the one to blame."""
    long = replace(tiny(training={"epochs": 40, "learning_rate": 1e-2}), data=digits)
    found = Sweep.open(tmp_path, grid(long, [0.1, 1.0, 10.0]))
    runs = [member.run for member in found.members]
    assert found.check() == []  # nothing to compare yet
    for _ in train_together(runs):
        pass
    assert [(pair["low"], pair["high"]) for pair in found.check()] == [(0.1, 1.0), (1.0, 10.0)]
    weak = found.members[1]
    short = Run.create(tmp_path, replace(weak.config, training=replace(long.training, epochs=1)))
    for _ in execute(short):
        pass
    checkpoint = read(short.model_path)
    write(runs[1].model_path, read(runs[1].model_path).card, checkpoint.weights, checkpoint.codes)
    pairs = found.check()
    assert [pair["not_converged"] for pair in pairs] == [[runs[1].id], [runs[1].id]]
    assert not any(pair["holds"] for pair in pairs)
    text = to_text(found.rows(), pairs)
    assert f"not converged: {runs[1].id}: -ΔD/ΔR must lie between 0.1 and 1" in text


def test_other_objectives_are_not_checked(tmp_path):
    for objective in ({"free_bits": 0.5}, {"capacity": 3.0}):
        config = tiny(objective=objective, training={"epochs": 1})
        found = Sweep.open(tmp_path, grid(config, [0.1, 1.0]))
        for member in found.members:
            for _ in execute(member.run):
                pass
        assert all(member.is_done() for member in found.members) and found.check() == []


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def handlers():
    """The command sets signal handlers, and no test may leave them behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def call(*arguments, status=0):
    """What the command prints; to stderr if it must fail."""
    result = CliRunner().invoke(app, ["sweep", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.stderr if status else result.stdout


def test_command_prints_and_writes_one_table(config, tmp_path, handlers):
    seeded = replace(config, training=replace(config.training, seed=4))
    arguments = command(tmp_path, config, "1,0.1", "--seeds=2", "--seed=4")[3:]
    for member in Sweep.open(tmp_path, grid(seeded, [1, 0.1], 2)).members:
        for _ in execute(member.run):
            pass
    start = time.monotonic()
    out = call(*arguments)  # the same request: everything is done
    assert time.monotonic() - start < 10 and len(list_runs(tmp_path)) == 4
    header, *lines = [line for line in out.splitlines() if line.split()[:1] in (["latents"], ["2"])]
    assert header.split()[:6] == ["latents", "beta", "seed", "D", "R", "-ELBO"]
    assert [line.split()[1:3] for line in lines[:4]] == [
        ["1", "4"], ["0.1", "4"], ["1", "5"], ["0.1", "5"]
    ]  # fmt: skip
    assert all(line.endswith("done") for line in lines[:4])
    assert all(line.endswith("mean of 2, 95 % interval") for line in lines[4:]) and len(lines) == 6
    (table,) = tmp_path.glob("sweep-*.json")
    document = json.loads(table.read_text())
    assert len(document["members"]) == 4 and len(document["sandwich"]) == 2


BAD = {
    "no number": (["--betas", "1,two"], "betas must be numbers with commas between, got '1,two'"),
    "twice": (["--betas", "1,1"], "betas must be one or more different values"),
    "negative": (["--betas", "1,-1"], "beta must be at least 0"),
    "not finite": (["--betas", "1,nan"], "beta must be finite"),
    "no seeds": (["--betas", "1", "--seeds", 0], "seeds must be at least 1"),
    "latents": (["--betas", "1", "--latent-dims", "2,x"], "latent_dims must be whole numbers"),
    "too large": (
        ["--betas", "1", "--latent-dims", "2,256", "--hidden", "4096,2048,60"],
        "at most 10,000,000 parameters",
    ),
    "no rate": (["--betas", "1", "--preset", "digits-ae"], "family must be vae in a sweep"),
    "setting": (["--betas", "1", "--epochs", 0], "epochs must be at least 1"),
    "threads": (["--betas", "1", "--threads", 0], "threads must be at least 1"),
    "device": (["--betas", "1", "--device", "tpu"], "device must be cpu or cuda"),
    "autosave": (["--betas", "1", "--autosave", "nan"], "autosave must be at least 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_parameter_gets_one_sentence_and_makes_no_run(case, tmp_path, handlers):
    arguments, phrase = BAD[case]
    text = call("--runs-dir", tmp_path, *arguments, status=1)
    assert text.startswith("Error: ") and text.endswith(".\n") and phrase in text
    assert_sentence(text.removeprefix("Error: ").removesuffix(".\n"))
    assert os.listdir(tmp_path) == []


def test_beta_is_given_as_betas(tmp_path, handlers):
    call("--runs-dir", tmp_path, "--betas", "1", "--beta", 2, status=2)
    assert os.listdir(tmp_path) == []


def test_command_takes_every_setting_of_train():
    names = {item.name for part in (ModelConfig, ObjectiveConfig, TrainingConfig)
             for item in fields(part)}  # fmt: skip
    offered = inspect.signature(sweep_command).parameters.keys()
    of_train = inspect.signature(train).parameters.keys()
    assert (names & of_train) - {"beta"} <= offered
    assert {"preset_name", "data", "betas", "seeds"} <= offered and "resume" not in offered
