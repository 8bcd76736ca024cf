"""Runs trained together end as if each were trained alone, whatever stops them."""

import pytest

from models.runs import train_together as train_together_module
from models.runs.train import execute
from models.runs.train_together import train_together
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.training.events import EpochEnd, StepsDone
from models.training.stacked import Stack
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import assert_same_result, created, explode


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


@pytest.mark.parametrize(
    "rounds", [1, 4, *(pytest.param(rounds, marks=pytest.mark.slow) for rounds in (2, 7))]
)
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


def test_runs_that_go_on_in_other_groups_end_with_the_same_bits(separate, tmp_path):
    runs = created(tmp_path)
    for group, rounds in ((runs, 3), (runs[:2], 2), (runs[1:3], 3), (runs[3:], 2)):
        training = train_together(group)
        for _ in range(rounds):
            next(training)
        training.close()
    for _ in train_together(runs[1:]):
        pass
    for _ in execute(runs[0]):
        pass
    for run in runs:
        assert_same_result(run, separate)
