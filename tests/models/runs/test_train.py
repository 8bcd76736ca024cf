"""Training of a run: nothing is lost, whatever ends it, and resumed it ends as if it had not."""

import json
import math
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.families import autoencoder
from models.metrics.likelihood import elbo
from models.presets import preset
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, restore
from models.storage.tensors import MAX_FILE_BYTES, CheckpointError, read_tensors, write_tensors
from models.training.events import EpochEnd, TrainingDivergedError
from models.training.optimizer import Adam
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence

CONFIG = tiny(training={"epochs": 3, "batch_size": 32, "learning_rate": 3e-3})
"""Three epochs of 40 steps: two events each."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    """A run that nobody interrupted."""
    run = Run.create(tmp_path_factory.mktemp("runs"), CONFIG, "whole")
    assert sum(1 for _ in execute(run, command="make it")) == 6
    return run


def without_clock(run: Run) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.history.rows()]


def same(run: Run, whole: Run) -> None:
    """Equal weights, codes and metrics, and nothing left lying about."""
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint
    assert read_tensors(run.state_path)[2] == read_tensors(whole.state_path)[2]
    assert without_clock(run) == without_clock(whole)
    assert sorted(os.listdir(run.folder)) == sorted(os.listdir(whole.folder))


def take(events, count):
    """The first events; the iterator is closed then."""
    seen = [next(events) for _ in range(count)]
    events.close()
    return seen


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"config": {"data": 3}}'])
def test_damaged_settings_are_refused_with_a_sentence(content, tmp_path):
    run = Run.create(tmp_path, CONFIG)
    (run.folder / "config.json").write_bytes(content)
    with pytest.raises(ValueError) as caught:
        next(execute(run))
    assert_sentence(str(caught.value))


def test_finished_run_is_whole(whole):
    checkpoint = read(whole.model_path)
    card, rows = checkpoint.card, whole.history.rows()
    assert (card.config, card.title, card.steps, card.command) == (CONFIG, "whole", 120, "make it")
    assert card.data_name == "digits" and len(card.class_names) == 10 and card.seconds > 0
    assert len(checkpoint.codes) == 500
    assert [row["step"] for row in rows] == [40, 80, 120]
    one_draw = rows[-1]["test_distortion"]
    assert card.metrics["distortion"][0] == pytest.approx(one_draw, rel=0.02)
    assert card.metrics["rate"][0] == pytest.approx(rows[-1]["test_rate"], rel=1e-5)
    from models.data.builtin import load_digits

    images = torch.tensor(load_digits("test").images)
    again = elbo(restore(checkpoint), images)
    np.testing.assert_allclose(checkpoint.codes.distortion, again.distortion, rtol=1e-5)
    np.testing.assert_allclose(checkpoint.codes.mean, again.mean, rtol=1e-3, atol=1e-3)


def test_executing_a_finished_run_again_changes_nothing(whole, tmp_path):
    before = read(whole.model_path).fingerprint
    rows = whole.history.rows()
    assert list(execute(whole)) == []
    assert read(whole.model_path).fingerprint == before and whole.history.rows() == rows


@pytest.mark.parametrize("stops", [[1], [2], [5], [1, 1, 1, 1, 1], [2, 3]], ids=str)
def test_stopped_and_resumed_run_ends_as_if_it_were_not(stops, whole, tmp_path):
    run = Run.create(tmp_path, CONFIG, "whole")
    steps = [20, 40, 60, 80, 100, 120]
    for count in stops:
        seen = take(execute(run), count)
        assert [event.step for event in seen] == steps[:count]
        assert read(run.model_path).card.steps == seen[-1].step  # kept, and can be explored
        steps = steps[count:]
    assert [event.step for event in execute(run)] == steps
    same(run, whole)


def test_autosave_keeps_what_a_killed_process_did(whole, tmp_path):
    run = Run.create(tmp_path, CONFIG, "whole")
    events = execute(run, autosave_seconds=0)
    for _ in range(3):
        next(events)
    assert int(read_tensors(run.state_path)[0]["step"][0]) == 60
    killed = Run(run.folder.with_name("20260101-000000-abcdef"))
    killed.folder.mkdir()  # what a killed process leaves: no checkpoint, half a line, half a file
    for name in ("config.json", "state.safetensors", "metrics.jsonl"):
        (killed.folder / name).write_bytes((run.folder / name).read_bytes())
    (killed.folder / ".state.safetensors.x1y2z3").write_bytes(b"half")
    with open(killed.folder / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 1, "st')
    events.close()
    assert [event.step for event in execute(killed)] == [80, 100, 120]
    same(killed, whole)


def test_seconds_add_up_over_resumes(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    take(execute(run), 1)
    tensors, document, _ = read_tensors(run.state_path)
    write_tensors(run.state_path, tensors, document | {"seconds": 1000.0})
    take(execute(run), 1)
    assert 1000 < read_tensors(run.state_path)[1]["seconds"] < 1100
    assert 1000 <= read(run.model_path).card.seconds < 1100


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"config": replace(CONFIG, data="mnist").to_json()}, "must be of this run's settings"),
        ({"config": None}, "must be of this run's settings"),
        ({"config": preset("digits-2d").to_json()}, "must be of this run's settings"),
    ],
)
def test_state_of_other_settings_is_refused(change, phrase, tmp_path):
    run = Run.create(tmp_path, CONFIG)
    take(execute(run), 1)
    tensors, document, _ = read_tensors(run.state_path)
    write_tensors(run.state_path, tensors, document | change)
    with pytest.raises(CheckpointError) as caught:
        next(execute(run))
    assert phrase in assert_sentence(str(caught.value))


def without(document, names):
    """Settings as a program would have written them that did not know these."""
    return {
        part: {name: value for name, value in group.items() if name not in names}
        if isinstance(group, dict) else group
        for part, group in document.items()
    }  # fmt: skip


def test_a_run_begun_before_a_setting_existed_goes_on(tmp_path):
    """What an old program did not write down is the default, and what it did keeps its meaning."""
    whole, old = (Run.create(tmp_path / name, CONFIG) for name in ("whole", "old"))
    list(execute(whole))
    take(execute(old), 2)
    unknown = ("cycles", "ramp", "free_bits", "capacity", "capacity_steps")
    config = without(CONFIG.to_json(), unknown)
    tensors, document, _ = read_tensors(old.state_path)
    write_tensors(old.state_path, tensors, document | {"config": config})
    (old.folder / "config.json").write_text(json.dumps({"title": "", "config": config}))
    assert set(config["objective"]) == {"beta", "kl_warmup_steps"}
    take(execute(old), 1)
    list(execute(old))
    same(old, whole)


def test_state_without_a_tensor_or_damaged_is_refused_and_kept(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    take(execute(run), 1)
    tensors, document, _ = read_tensors(run.state_path)
    del tensors["sums"]
    write_tensors(run.state_path, tensors, document)
    for content in (run.state_path.read_bytes(), b"", run.state_path.read_bytes()[:-1]):
        run.state_path.write_bytes(content)
        with pytest.raises(ValueError) as caught:
            next(execute(run))
        assert_sentence(str(caught.value))
        assert run.state_path.read_bytes() == content


@pytest.mark.slow
def test_state_of_the_largest_model_can_be_read_again(tmp_path):
    config = tiny(hidden=(2000, 1000, 1000))
    config = replace(config, training=replace(config.training, epochs=1, batch_size=1000))
    run = Run.create(tmp_path, config)
    take(execute(run), 1)
    assert run.state_path.stat().st_size > MAX_FILE_BYTES
    assert list(execute(run)) == []


@pytest.mark.parametrize(
    "model",
    [{"likelihood": "gaussian", "sigma": 1 / 256}, {"family": "autoencoder", "hidden": (16,)}],
    ids=["large distortions", "no rate"],
)
def test_every_valid_run_can_be_read_and_resumed(model, tmp_path):
    run = Run.create(tmp_path, tiny(**model))
    take(execute(run), 1)
    assert len(list(execute(run))) == 1
    restore(read(run.model_path))


def poison(monkeypatch, step):
    """Makes the distortion of one step NaN."""
    steps = iter(range(1, 10**6))

    def terms(*given):
        found = trainer_terms(*given)
        return found._replace(distortion=found.distortion * math.nan) if next(steps) == step \
            else found  # fmt: skip

    trainer_terms = autoencoder.elbo_terms
    monkeypatch.setattr(autoencoder, "elbo_terms", terms)


def test_diverged_run_keeps_its_last_good_state_and_no_nan(whole, tmp_path, monkeypatch):
    run = Run.create(tmp_path, CONFIG, "whole")
    with monkeypatch.context() as patch:
        poison(patch, 95)
        with pytest.raises(TrainingDivergedError, match="distortion became nan at step 95 of 120"):
            list(execute(run, autosave_seconds=0))
    assert b"NaN" not in (run.folder / "metrics.jsonl").read_bytes()
    assert not run.model_path.exists()
    tensors, *_ = read_tensors(run.state_path)
    assert int(tensors["step"][0]) == 80
    assert len(list(execute(run))) == 2  # from there, and all is well
    same(run, whole)


def test_weights_that_became_nan_are_never_saved(tmp_path, monkeypatch):
    run = Run.create(tmp_path, CONFIG)
    update = Adam.step

    def broken(optimizer):
        update(optimizer)
        first = optimizer.parameters[0]
        if optimizer.state[first]["step"] == 60:
            with torch.no_grad():
                first.fill_(math.nan)

    monkeypatch.setattr(Adam, "step", broken)
    with pytest.raises(TrainingDivergedError, match="became nan at step 60 of 120") as caught:
        list(execute(run, autosave_seconds=0))
    assert_sentence(str(caught.value))
    assert int(read_tensors(run.state_path)[0]["step"][0]) == 40
    assert b"NaN" not in (run.folder / "metrics.jsonl").read_bytes()
    with pytest.raises(TrainingDivergedError):  # closing does not save it either
        take(execute(run), 1)
    assert int(read_tensors(run.state_path)[0]["step"][0]) == 40


def test_failure_to_finish_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    run = Run.create(tmp_path, CONFIG)
    take(execute(run), 2)
    before = run.model_path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        events = execute(run)
        next(events)
        patch.setattr(os, "fsync", full)
        events.close()
    assert run.model_path.read_bytes() == before
    assert int(read_tensors(run.state_path)[0]["step"][0]) == 40
    assert len(list(execute(run))) == 4


def test_the_history_is_the_events_of_the_trainer(whole, tmp_path):
    again = Run.create(tmp_path, CONFIG)
    ends = [event.row() for event in execute(again) if isinstance(event, EpochEnd)]
    assert ends == again.history.rows()
    assert [list(row) for row in ends] == [list(row) for row in whole.history.rows()]
    assert json.loads((whole.folder / "config.json").read_text())["title"] == "whole"
