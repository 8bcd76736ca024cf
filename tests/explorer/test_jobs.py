"""The shared t-SNE worker: one process for many watchers, ended with the last, no half files."""

import os
import shutil
import signal
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from explorer import jobs
from explorer.jobs import JobError, Projections
from models.checkpoint import read, read_tensors
from models.latents import tsne

DIGITS = Path(__file__).resolve().parents[2] / "checkpoints" / "digits-2d-beta-1.safetensors"
FINGERPRINT = "f" * 64
TIMEOUT = 60


@pytest.fixture
def projections(tmp_path):
    found = Projections(tmp_path / "maps")
    yield found
    for job in found._jobs.values():
        job.process.kill()
        job.process.wait()
        job.log.close()


@pytest.fixture
def lasting(monkeypatch, tmp_path):
    """Processes that print 0.5, touch a half-written file, and stay; their ids."""
    started = []

    def run(command, **options):
        output = Path(command[-1])
        half = output.parent / f".{output.name}.half"
        code = f"print('0.250\\n0.500', flush=True); open({str(half)!r}, 'w'); input()"
        process = popen([command[0], "-c", code], **options | {"stdin": keep.fileno()})
        started.append(process)
        return process

    popen = jobs.subprocess.Popen
    reader, writer = os.pipe()
    with open(reader) as keep, open(writer, "w"):
        monkeypatch.setattr(jobs.subprocess, "Popen", run)
        yield started


def wait(condition):
    """Waits for something that another process does."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def is_alive(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_the_map_on_disk_is_the_one_of_models(projections):
    output = projections.path(FINGERPRINT)
    shares = list(projections.watch(DIGITS, output))
    assert shares == sorted(shares) and 0 <= shares[0] <= shares[-1] <= 1
    arrays, _, _ = read_tensors(output)
    assert list(arrays) == ["positions"]
    assert np.array_equal(arrays["positions"], tsne(read(DIGITS).codes.mean))
    assert os.listdir(projections.folder) == [output.name]
    assert list(projections.watch(DIGITS, output)) == [], "found, not computed again"


def test_paths_differ_by_codes_and_perplexity_and_stay_in_the_folder(projections):
    paths = {projections.path(f * 64, p) for f in "ab" for p in (5.0, 30.0)}
    assert len(paths) == 4
    assert {path.parent for path in paths} == {projections.folder}


def test_two_watchers_share_one_process_and_the_last_ends_it(projections, lasting):
    output = projections.path(FINGERPRINT)
    first, second = (projections.watch(DIGITS, output) for _ in range(2))
    next(first), next(second)
    wait(lambda: next(first) == next(second) == 0.5)
    (process,) = lasting
    first.close()
    assert next(second) == 0.5 and is_alive(process.pid)
    second.close()
    assert process.returncode == -signal.SIGKILL
    assert not is_alive(process.pid)
    assert os.listdir(projections.folder) == [], "no half-written file is left"


def test_a_second_map_waits_for_the_first(projections, lasting):
    first = projections.watch(DIGITS, projections.path("a" * 64))
    second = projections.watch(DIGITS, projections.path("b" * 64))
    next(first)
    assert [next(second), next(second)] == [None, None]
    assert len(lasting) == 1
    first.close()
    wait(lambda: next(second) == 0.5)
    assert len(lasting) == 2
    second.close()


def test_one_who_waits_can_leave(projections, lasting):
    with closing(projections.watch(DIGITS, projections.path("a" * 64))) as first:
        next(first)
        second = projections.watch(DIGITS, projections.path("b" * 64))
        assert next(second) is None
        second.close()
        assert next(first) in (0.0, 0.25, 0.5)
        assert len(lasting) == 1


def test_many_threads_watch_one_process(projections, lasting):
    output, seen = projections.path(FINGERPRINT), []

    def look():
        with closing(projections.watch(DIGITS, output)) as shares:
            seen.extend(next(shares) for _ in range(5))
            everyone.wait(TIMEOUT)

    everyone = threading.Barrier(8)
    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(lasting) == 1
    assert len(seen) == 40 and set(seen) <= {0.0, 0.25, 0.5}
    assert projections._jobs == {} and not is_alive(lasting[0].pid)


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
    assert projections._jobs == {}
    assert os.listdir(projections.folder) == []


def test_what_failed_can_be_tried_again(projections, tmp_path):
    path, output = tmp_path / "a.safetensors", projections.path(FINGERPRINT)
    with pytest.raises(JobError):
        list(projections.watch(path, output))
    shutil.copy(DIGITS, path)
    shares = list(projections.watch(path, output))
    assert shares and os.listdir(projections.folder) == [output.name]


def test_progress_that_is_no_share_is_not_believed(projections, lasting):
    output = projections.path(FINGERPRINT)
    with closing(projections.watch(DIGITS, output)) as shares:
        wait(lambda: next(shares) == 0.5)
        job = projections._jobs[output]
        for text, share in (("7\n", 1.0), ("-1\n", 0.0), ("word\n", 0.0), ("0.7\n", 0.7)):
            job.log.write(text)
            job.log.flush()
            assert job.progress() == share


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="priorities are of POSIX")
def test_the_process_gives_way_to_the_server(projections, lasting):
    with closing(projections.watch(DIGITS, projections.path(FINGERPRINT))) as shares:
        next(shares)
        assert os.getpriority(os.PRIO_PROCESS, lasting[0].pid) == 10
