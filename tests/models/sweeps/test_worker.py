"""A group of a sweep is trained, and whatever happens is reported."""

from dataclasses import replace

from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.sweeps.worker import train_group
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import RUN, assert_same_result, created


def news_of(runs, is_stopped=lambda: False):
    """What is reported of a group."""
    news = []
    train_group(runs, news.append, is_stopped)
    return news


def test_a_group_is_trained_to_its_end(separate, tmp_path):
    runs = created(tmp_path)
    for group in (runs[:3], runs[3:]):
        news = news_of(group)
        done = sorted(message["run_id"] for message in news if message["kind"] == "done")
        assert done == sorted(run.id for run in group)
        assert all(0 < each["share"] <= 1 for each in news if each["kind"] == "advanced")
    for run in runs:
        assert_same_result(run, separate)


def test_a_group_that_is_stopped_keeps_everything(tmp_path):
    runs = created(tmp_path, config=tiny(training={"epochs": 10_000}))
    news = []
    train_group(runs, news.append, lambda: bool(news))
    steps = {read(run.model_path).card.steps for run in runs}
    assert len(steps) == 1 and 0 < steps.pop() < 200_000
    assert {int(read_tensors(run.state_path)[0]["step"][0]) for run in runs} == {
        read(runs[0].model_path).card.steps
    }


def test_a_full_disk_is_reported(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "/tmp/private")

    runs = created(tmp_path, [0.3, 1.0])
    monkeypatch.setattr("models.atomic.os.fsync", full)
    news = news_of(runs)
    assert [message["kind"] for message in news] == ["failed", "failed"]
    for message in news:
        assert "no space left on device (state.safetensors)" in assert_sentence(message["reason"])


def test_data_that_is_not_there_is_reported(tmp_path):
    news = news_of(created(tmp_path, [0.3, 1.0], replace(RUN, data="gone.npz")))
    assert [message["kind"] for message in news] == ["failed", "failed"]
    for message in news:
        assert "there is no 'gone.npz' any more" in assert_sentence(message["reason"])
