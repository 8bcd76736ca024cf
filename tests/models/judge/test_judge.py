"""The judge: what ships, what is refused, and what it says of real and of collapsed images."""

import dataclasses

import numpy as np
import pytest
import torch

from models.data.load import load
from models.judge.file import SHIPPED, find_judge, judge_path, read_judge
from models.judge.report import SampleReport
from models.judge.score import RealImages, draw, score_checkpoint
from models.judge.spaces import restore_judge
from models.judge.train import train_judge
from models.storage.tensors import CheckpointError
from tests.helpers.paths import ROOT

TRAINING, TEST = load("digits", "train"), load("digits", "test")


@pytest.fixture(scope="module")
def real():
    return RealImages(TRAINING, TEST)


def test_the_shipped_judge_is_of_these_images_and_as_good_as_its_card(real):
    described, card = real.test, real.judge.card
    assert (described.classes == TEST.labels).mean() == pytest.approx(card.accuracy)
    assert card.accuracy > 0.98 and card.command == "python -m models judge train --data digits"
    assert np.allclose(real.training.spaces["judge"].std(0, ddof=1), 1, atol=1e-3)
    assert find_judge("digits", "another") is None and judge_path("faces.npz") is None


def test_a_judge_is_the_same_again_and_survives_its_file(tmp_path):
    first, again = (train_judge(TRAINING, TEST, seed=3, updates=5) for _ in range(2))
    first.write(tmp_path / "a.safetensors")
    read = read_judge(tmp_path / "a.safetensors")
    for name, weights in again.weights.items():
        assert np.array_equal(read.weights[name], weights)
    without = dict(read.weights)
    del without["head.bias"]
    with pytest.raises(CheckpointError, match="those of its network"):
        restore_judge(dataclasses.replace(read, weights=without))


def test_images_without_labels_have_no_judge():
    unlabelled = dataclasses.replace(TRAINING, labels=None, class_names=())
    with pytest.raises(ValueError, match="compared by their pixels"):
        train_judge(unlabelled, TEST)
    real = RealImages(unlabelled, TEST)
    assert real.judge is None and list(real.test.spaces) == ["pixels"]


def test_a_collapsed_model_is_seen(tmp_path, real):
    path = ROOT / "checkpoints" / "digits-2d-beta-4.safetensors"
    found = score_checkpoint(path, count=100, real=real)
    scores = found.scores
    assert scores["classes"].value == 1 and scores["judge.recall"].value == 0
    assert scores["judge.frechet"].value > 10 * scores["judge.frechet"].floor
    assert scores["support_at_least"].value < 2
    found.write(tmp_path / "a.json")
    assert SampleReport.read(tmp_path / "a.json").scores["classes"].value == 1


def test_without_a_prior_nothing_can_be_drawn():
    with pytest.raises(ValueError, match="must have a prior"):
        score_checkpoint(ROOT / "checkpoints" / "digits-autoencoder.safetensors")


def test_every_shipped_judge_can_be_restored():
    judges = list(SHIPPED.glob("*.safetensors"))
    assert judges
    for path in judges:
        assert restore_judge(read_judge(path)).head.out_features == 10


def test_one_thread_draws_and_the_others_come_back(monkeypatch):
    """Threads that wait on a busy machine would count as seconds of the processor."""
    seen = []

    def generate(*_, **__):
        seen.append(torch.get_num_threads())
        yield torch.zeros(2, 1, 8, 8)

    monkeypatch.setattr("models.judge.score.generate", generate)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        images, seconds = draw(None, 2, 0)
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)
    assert images.shape == (2, 1, 8, 8) and seconds >= 0
