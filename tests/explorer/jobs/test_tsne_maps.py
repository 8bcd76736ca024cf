"""t-SNE maps: computed once for all who watch, ended by the last to leave."""

import os
import shutil
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from explorer.jobs.job import JobError
from explorer.jobs.tsne_maps import Projections
from models.engines.handle import CANCELLED, RUNNING
from models.engines.local import LocalEngine
from models.latents.tsne import tsne
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from tests.helpers.engines import FakeEngine
from tests.helpers.paths import ROOT
from tests.helpers.processes import PATIENCE, wait

DIGITS = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"
FINGERPRINT = "f" * 64


@pytest.fixture
def projections(tmp_path):
    with closing(LocalEngine(niceness=0)) as engine:
        yield Projections(tmp_path / "maps", engine)


@pytest.fixture
def lasting():
    """An engine whose work reports 0.5, leaves a half-written file, and stays."""

    def task(words, tell, is_stopped):
        output = Path(words[-1])
        (output.parent / f".{output.name}.half").touch()
        tell(0.5)
        while not is_stopped():
            time.sleep(0.005)

    return FakeEngine(task)


@pytest.fixture
def resting(tmp_path, lasting):
    return Projections(tmp_path / "maps", lasting)


def test_the_map_on_disk_is_the_one_of_models(projections):
    output = projections.path(FINGERPRINT)
    shares = list(projections.watch(DIGITS, output))
    assert shares == sorted(shares) and 0 <= shares[0] <= shares[-1] <= 1
    arrays, _, _ = read_tensors(output)
    assert list(arrays) == ["positions"]
    expected = tsne(read(DIGITS).codes.mean).astype(np.float16)  # as it is stored
    assert np.array_equal(arrays["positions"], expected)
    assert os.listdir(projections.folder) == [output.name]
    assert list(projections.watch(DIGITS, output)) == [], "found, not computed again"


def test_paths_differ_by_codes_and_perplexity_and_stay_in_the_folder(projections):
    paths = {projections.path(f * 64, p) for f in "ab" for p in (5.0, 30.0)}
    assert len(paths) == 4
    assert {path.parent for path in paths} == {projections.folder}


def test_two_watchers_share_one_process_and_the_last_ends_it(resting, lasting):
    output = resting.path(FINGERPRINT)
    first, second = (resting.watch(DIGITS, output) for _ in range(2))
    next(first), next(second)
    wait(lambda: next(first) == next(second) == 0.5)
    (handle,) = lasting.handles
    first.close()
    assert next(second) == 0.5 and handle.state == RUNNING
    second.close()
    assert handle.state == CANCELLED
    assert os.listdir(resting.folder) == [], "no half-written file is left"


def test_a_second_map_waits_for_the_first(resting, lasting):
    first = resting.watch(DIGITS, resting.path("a" * 64))
    second = resting.watch(DIGITS, resting.path("b" * 64))
    next(first)
    assert [next(second), next(second)] == [None, None]
    assert len(lasting.handles) == 1
    first.close()
    wait(lambda: next(second) == 0.5)
    assert len(lasting.handles) == 2
    second.close()


def test_one_who_waits_can_leave(resting, lasting):
    with closing(resting.watch(DIGITS, resting.path("a" * 64))) as first:
        next(first)
        second = resting.watch(DIGITS, resting.path("b" * 64))
        assert next(second) is None
        second.close()
        assert next(first) in (0.0, 0.25, 0.5)
        assert len(lasting.handles) == 1


def test_many_threads_watch_one_process(resting, lasting):
    output, seen = resting.path(FINGERPRINT), []

    def look():
        with closing(resting.watch(DIGITS, output)) as shares:
            seen.extend(next(shares) for _ in range(5))
            everyone.wait(PATIENCE)

    everyone = threading.Barrier(8)
    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(lasting.handles) == 1
    assert len(seen) == 40 and set(seen) <= {0.0, 0.25, 0.5}
    assert lasting.handles[0].state == CANCELLED


@pytest.mark.parametrize(
    ("content", "name"), [(b"", "empty"), (b"not a checkpoint", "text"), (None, "absent")]
)
def test_a_failed_process_is_one_sentence(projections, tmp_path, content, name):
    bad, output = tmp_path / name, projections.path(FINGERPRINT)
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(JobError) as caught:
        list(projections.watch(bad, output))
    sentence = "The map could not be computed: choose another view, then try again."
    assert str(caught.value) == sentence
    assert os.listdir(projections.folder) == []


def test_what_failed_can_be_tried_again(projections, tmp_path):
    path, output = tmp_path / "a.safetensors", projections.path(FINGERPRINT)
    with pytest.raises(JobError):
        list(projections.watch(path, output))
    shutil.copy(DIGITS, path)
    shares = list(projections.watch(path, output))
    assert shares and os.listdir(projections.folder) == [output.name]


@pytest.mark.parametrize(
    ("event", "share"), [(7.0, 1.0), (-1.0, 0.0), ("word", 0.0), (None, 0.0), (0.7, 0.7)]
)
def test_progress_that_is_no_share_is_not_believed(event, share, tmp_path):
    def task(_words, tell, is_stopped):
        tell(event)
        while not is_stopped():
            time.sleep(0.005)

    engine = FakeEngine(task)
    found = Projections(tmp_path, engine)
    with closing(found.watch(DIGITS, found.path(FINGERPRINT))) as shares:
        next(shares)
        wait(lambda: engine.handles[0].latest == event)
        assert next(shares) == share
