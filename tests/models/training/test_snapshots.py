"""Snapshots of a training: bounded, the same however often it is interrupted, and it costs nothing
but time: no weight differs for it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.capabilities import FAMILIES
from models.data.image_set import ImageSet
from models.data.load import load
from models.families.generate import generate
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.runs import train
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, restore
from models.storage.tensors import CheckpointError, read_tensors
from models.training import snapshots
from models.training.trainer import Training
from tests.helpers.configs import tiny
from tests.helpers.families import SETTINGS
from tests.helpers.sentences import assert_sentence

CONFIG = tiny(training={"epochs": 3, "batch_size": 32, "learning_rate": 3e-3})
"""Three epochs of 40 steps: two events each."""
STEPS = [0, 20, 40, 60, 80, 100, 120]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    run = Run.create(tmp_path_factory.mktemp("runs"), CONFIG, "whole")
    list(execute(run))
    return run


def contents(run):
    """Every file of the snapshots: what it says, and the digest of its tensors."""
    paths = snapshots.snapshot_folder(run.folder).iterdir()
    return {path.name: read_tensors(path)[1:] for path in paths}


@given(st.integers(1, 10**9), st.integers(2, 200), st.data())
def test_snapshots_are_due_from_first_to_last_and_never_too_many(total, count, data):
    steps = sorted({0, total, *data.draw(st.lists(st.integers(0, total), max_size=20))})
    due = [snapshots.count_due(step, total, count) for step in steps]
    assert due[0] == 1 and due[-1] == count and due == sorted(due)


def test_steps_that_are_due_are_squares():
    total, count = 11_900, 120
    firsts = [
        next(s for s in range(total + 1) if snapshots.count_due(s, total, count) > k)
        for k in range(5)
    ]
    assert firsts == [-(-(total * k * k) // (count - 1) ** 2) for k in range(5)]


def test_a_snapshot_shows_what_the_model_makes_of_the_test_set(whole):
    assert snapshots.snapshot_steps(whole.folder) == STEPS
    model, test_set = restore(read(whole.model_path)), load("digits", "test")
    last, info = snapshots.read_snapshot(whole.folder, 120), snapshots.read_info(whole.folder)
    images = torch.tensor(test_set.images)
    terms = elbo(model, images, seed=CONFIG.training.seed, draws=1)
    assert np.allclose(last.codes, terms.mean, rtol=2e-3, atol=1e-4)
    assert last.distortion == pytest.approx(terms.distortion.mean().item())
    assert last.rate == pytest.approx(terms.rate.sum(1).mean().item())
    with torch.no_grad():
        decoded = model.decode(terms.mean[: snapshots.SHOWN_IMAGES]).numpy()
        samples = model.decode(torch.from_numpy(snapshots.prior_codes(2))).numpy()
    for shown, exact in ((last.reconstruction, decoded), (last.sample, samples)):
        assert np.abs(shown / 255 - exact).max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(
        info.original, (test_set.images[: snapshots.SHOWN_IMAGES] * 255 + 0.5).astype("u1")
    )
    assert np.array_equal(info.labels, test_set.labels) and info.class_names[3] == "3"
    assert info[3:] == (120, 40, True, True)


def test_an_autoencoder_has_no_samples(tmp_path):
    config = tiny(family="autoencoder", objective={"beta": 0.0}, training={"epochs": 1})
    run = Run.create(tmp_path, config)
    list(execute(run))
    snapshot = snapshots.read_snapshot(run.folder, 20)
    assert (
        snapshot.sample is None
        and snapshot.rate == 0
        and not snapshots.read_info(run.folder).has_rate
    )


WITHOUT_CODES = [
    pytest.param(name, marks=() if family.has_decoder else pytest.mark.slow)
    for name, family in FAMILIES.items()
    if not family.has_codes
]


@pytest.mark.parametrize("family", WITHOUT_CODES)
def test_without_codes_a_snapshot_shows_the_same_draws(family, tmp_path, monkeypatch):
    config = tiny(family=family, training={"epochs": 1}, **SETTINGS[family])
    monkeypatch.setattr(snapshots, "MAX_GENERATED_SNAPSHOTS", 3)
    run = Run.create(tmp_path / "film", config)
    list(execute(run))
    steps = snapshots.snapshot_steps(run.folder)
    first, last = (snapshots.read_snapshot(run.folder, step) for step in (steps[0], steps[-1]))
    model = restore(read(run.model_path))
    made = torch.cat(list(generate(model, snapshots.GENERATED_IMAGES, seed=0))).numpy()
    assert np.abs(last.sample / 255 - made).max() <= 0.5 / 255 + 1e-5
    assert not np.array_equal(first.sample, last.sample)
    assert last.codes is last.reconstruction is last.distortion is None
    info = snapshots.read_info(run.folder)
    assert not info.has_codes and info.labels is None and len(info.original) == 10
    assert len(steps) <= 3
    monkeypatch.setattr(snapshots.Recorder, "record", lambda self: None)
    other = Run.create(tmp_path / "none", config)
    list(execute(other))
    assert read(other.model_path).fingerprint == read(run.model_path).fingerprint


def test_snapshots_change_no_weight(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots.Recorder, "record", lambda self: None)
    run = Run.create(tmp_path, CONFIG, "whole")
    list(execute(run))
    assert snapshots.snapshot_steps(run.folder) == []
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint


@pytest.mark.parametrize("stops", [[1], [2, 1], [1, 1, 1, 1, 1]], ids=str)
def test_snapshots_of_a_resumed_run_are_the_uninterrupted_ones(stops, whole, tmp_path):
    run = Run.create(tmp_path, CONFIG, "whole")
    for count in stops:
        events = execute(run)
        for _ in range(count):
            next(events)
        events.close()
    list(execute(run))
    assert contents(run) == contents(whole)


def test_fewer_snapshots_of_a_resumed_run_are_the_uninterrupted_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "MAX_TOTAL_BYTES", 16_000)  # room for some of them only
    runs = [Run.create(tmp_path / name, CONFIG, "whole") for name in ("one", "two")]
    list(execute(runs[0]))
    for count in (1, 1, 1000):
        events = execute(runs[1])
        for _, _ in zip(range(count), events, strict=False):
            pass
        events.close()
    assert 2 < len(snapshots.snapshot_steps(runs[0].folder)) < len(STEPS)
    assert contents(runs[1]) == contents(runs[0])


def test_snapshots_of_a_lost_future_go(whole, tmp_path):
    run = Run.create(tmp_path, CONFIG, "whole")
    events = execute(run)
    next(events)
    events.close()
    lost = snapshots.snapshot_path(run.folder, 110)
    lost.write_bytes(snapshots.snapshot_path(whole.folder, 120).read_bytes())
    list(execute(run))
    assert contents(run) == contents(whole)


def test_a_full_disk_costs_snapshots_and_not_the_training(whole, tmp_path, monkeypatch):
    write = snapshots.write_tensors

    def full(path, *rest):
        if path.name == "000000060.safetensors":
            raise OSError(28, "No space left on device")
        write(path, *rest)

    monkeypatch.setattr(snapshots, "write_tensors", full)
    run = Run.create(tmp_path, CONFIG, "whole")
    list(execute(run))
    assert snapshots.snapshot_steps(run.folder) == [step for step in STEPS if step != 60]
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint


def test_snapshots_are_bounded_however_long_and_wide_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_finish", lambda *_: None)
    config = tiny(latent_dim=256, training={"epochs": 150, "batch_size": 1000})
    run = Run.create(tmp_path, config)
    list(execute(run))
    steps = snapshots.snapshot_steps(run.folder)
    assert len(steps) <= snapshots.MAX_SNAPSHOTS and (steps[0], steps[-1]) == (0, 150)
    assert snapshots.read_snapshot(run.folder, 0).codes.size <= snapshots.MAX_NUMBERS
    largest = max(path.stat().st_size for path in snapshots.snapshot_folder(run.folder).iterdir())
    assert largest <= 2 * snapshots.MAX_NUMBERS + 2 * snapshots.SHOWN_IMAGES * 64 + 4096


def test_of_large_images_there_are_fewer():
    config = tiny(image_shape=(3, 64, 64), latent_dim=256)
    images = np.zeros((64, 3, 64, 64), np.float32)
    training = Training(build_model(config.model), config, images, images)
    recorder = snapshots.Recorder(
        Path("nowhere"), training, ImageSet(images, None, (), "test", "x")
    )
    size = 2 * 64 * 256 + 2 * snapshots.SHOWN_IMAGES * 3 * 64 * 64
    assert 2 <= recorder.count < snapshots.MAX_SNAPSHOTS
    assert recorder.count * size <= snapshots.MAX_TOTAL_BYTES < (recorder.count + 1) * size


def test_runs_of_a_sweep_keep_fewer(tmp_path):
    config = replace(CONFIG, training=replace(CONFIG.training, epochs=20))
    run = Run.create(tmp_path, config, sweep="one")
    list(execute(run))
    assert len(snapshots.snapshot_steps(run.folder)) <= snapshots.MAX_SWEEP_SNAPSHOTS


def stream(data):
    """The entries of a stream by step."""
    found, at = {}, 0
    while at < len(data):
        step, length = np.frombuffer(data, "<i8", 2, at).tolist()
        found[step] = data[at + 16 : at + 16 + length]
        at += 16 + length + -length % 8
    return found


def test_the_stream_holds_the_files_whole(whole):
    found = stream(snapshots.stream_snapshots(whole.folder))
    assert list(found) == [-2, -1, *STEPS]
    assert [step for step, _ in json.loads(found[-2])] == STEPS
    assert found[100] == snapshots.snapshot_path(whole.folder, 100).read_bytes()
    assert list(stream(snapshots.stream_snapshots(whole.folder, after=120))) == [-2]
    assert list(stream(snapshots.stream_snapshots(whole.folder, after=90))) == [-2, 100, 120]


def test_a_snapshot_written_again_has_another_stamp(whole, tmp_path):
    folder = snapshots.snapshot_folder(tmp_path)
    folder.mkdir()
    path = snapshots.snapshot_path(tmp_path, 7)
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    before = stream(snapshots.stream_snapshots(tmp_path))[-2]
    os.utime(path, (2, 2))
    assert stream(snapshots.stream_snapshots(tmp_path))[-2] != before


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 100, None])
def test_a_damaged_snapshot_is_a_sentence(content, whole, tmp_path):
    folder = snapshots.snapshot_folder(tmp_path)
    folder.mkdir()
    if content is not None:
        for path in (snapshots.snapshot_path(tmp_path, 1), folder / "film.safetensors"):
            path.write_bytes(content)
    for reading in (
        lambda: snapshots.read_snapshot(tmp_path, 1),
        lambda: snapshots.read_info(tmp_path),
    ):
        with pytest.raises(CheckpointError) as caught:
            reading()
        assert_sentence(str(caught.value))


def test_stray_files_are_no_snapshots(tmp_path):
    assert snapshots.snapshot_steps(tmp_path) == []
    folder = snapshots.snapshot_folder(tmp_path)
    folder.mkdir()
    for name in ("film.safetensors", ".000000001.safetensors.x", "1e3.safetensors", "²"):
        (folder / name).touch()
    os.mkdir(folder / "sub")
    assert snapshots.snapshot_steps(tmp_path) == []
