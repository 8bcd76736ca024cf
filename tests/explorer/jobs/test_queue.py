"""The queue of jobs: order, limits, what is stored, and other servers on the same folder."""

import errno
import json
import os
import threading
import time
from pathlib import Path

import pytest

from explorer.jobs import queue as queue_module
from explorer.jobs import store as store_module
from explorer.jobs.job import JobError, new_id, presentable
from explorer.jobs.queue import MAX_WAITING, Jobs
from explorer.services import job_queue
from models.engines.local import NICENESS
from models.runs.folder import Run, list_runs
from models.sweeps.grid import grid
from tests.helpers.damaged_folders import RECORD
from tests.helpers.job_server import Server
from tests.helpers.jobs import (
    CONFIG,
    begun,
    ended,
)
from tests.helpers.processes import PATIENCE, wait
from tests.helpers.workers import (
    LASTING,
    SHORT,
    pids,
    worker,
)


def epoch_row(epoch, distortion=20.5, rate=3.25):
    return {"epoch": epoch, "step": epoch + 1, "test_distortion": distortion, "test_rate": rate}


def job_at(queue, job_id, share):
    """The job, once so much of it is done."""
    job = queue.watch(job_id)
    return job if job.share == share else None


def test_progress_is_read_from_the_run_folder(runs_dir, queue_of):
    run = Run.create(runs_dir, CONFIG, "mine")
    queue = queue_of(LASTING)
    job_id = queue.go_on(run.id, "a title")
    found = queue.watch(job_id)
    assert (found.title, found.state, found.position) == ("a title", "running", 0)
    assert (found.share, found.seconds_left, found.text) == (0.0, None, "first epoch")
    assert (found.runs, found.sweep, found.reason) == ((run.id,), "", "")
    seen, began = [], time.monotonic()
    for epoch in range(3):
        run.history.append(epoch_row(epoch))
        seen.append(wait(lambda share=(epoch + 1) / 4: job_at(queue, job_id, share)))
    taken = time.monotonic() - began
    assert seen[-1].text == "epoch 3 of 4: D 20.50, R 3.25, −ELBO 23.75 nats per test image"
    assert seen[0].seconds_left is None
    assert 0 < seen[2].seconds_left < taken / 2, "one epoch of about as long as those before"
    elsewhere = Jobs(runs_dir).watch(job_id)
    same = ("id", "title", "state", "share", "text", "runs")
    assert [getattr(elsewhere, n) for n in same] == [getattr(queue.watch(job_id), n) for n in same]


def test_a_job_runs_aside_and_ends(runs_dir, queue_of):
    queue = queue_of(
        SHORT + "\nprint(words, os.environ['OMP_NUM_THREADS'], os.getsid(0), flush=True)"
        "\nprint(os.getpriority(os.PRIO_PROCESS, 0), flush=True)",
        niceness=NICENESS,
    )
    job_id = queue.submit(["train", "--beta", "4"])
    found = ended(queue, job_id)
    assert (found.state, found.share, found.reason, found.title) == ("done", 1.0, "", "train")
    printed = (runs_dir / ".jobs" / job_id / "log").read_text()
    arguments, threads, session = printed.splitlines()[0].rsplit(" ", 2)
    assert arguments == "['train', '--beta', '4']" and threads == "1"
    assert int(session) != os.getsid(0)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert int(printed.splitlines()[1]) == min(19, own + NICENESS)


AUTOGROUP = Path("/proc/self/autogroup")
"""Of Linux, where its scheduler shares the processor out between sessions first."""


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel looks at single processes alone")
def test_the_session_of_a_job_gives_way_to_the_servers(runs_dir, queue_of):
    queue = queue_of(
        SHORT + "\nprint(open('/proc/self/autogroup').read(), flush=True)",
        niceness=NICENESS,
    )
    job_id = queue.submit(["train"])
    assert ended(queue, job_id).state == "done"
    printed = (runs_dir / ".jobs" / job_id / "log").read_text()
    ours = AUTOGROUP.read_text()  # empty where nothing above us has opened a session
    assert f" nice {NICENESS}" in printed and f" nice {NICENESS}" not in ours


def test_jobs_wait_in_line_and_are_refused_beyond_it(runs_dir, queue_of):
    queue = queue_of(LASTING, slots=1)
    made = [begun(queue) for _ in range(1 + MAX_WAITING)]
    running, *waiting = [queue.go_on(run.id, f"job {i}") for i, run in enumerate(made)]
    assert queue.watch(running).state == "running"
    assert [queue.watch(job_id).position for job_id in waiting] == list(range(1, MAX_WAITING + 1))
    assert {queue.watch(job_id).state for job_id in waiting} == {"queued"}
    for refused in (lambda: queue.submit(["train"]), lambda: queue.submit(["sweep"])):
        with pytest.raises(JobError) as caught:
            refused()
        assert str(caught.value) == (
            "At most 25 jobs can wait, and 25 do: try again when one of them has ended."
        )
    queue.cancel(waiting[3])
    assert queue.watch(waiting[3]).state == "cancelled"
    assert [queue.watch(job_id).position for job_id in waiting[2:6]] == [3, 0, 4, 5]
    late = queue.submit(["train"])
    assert queue.watch(late).position == MAX_WAITING
    assert [job.id for job in queue.all()] == [late, *reversed(waiting), running]
    queue.cancel(running)
    wait(lambda: queue.watch(waiting[0]).state == "running")
    assert queue.watch(waiting[1]).position == 1
    with pytest.raises(JobError, match="has not ended"):
        queue.resume(waiting[1])
    queue.resume(running)
    assert queue.watch(running).position == MAX_WAITING, "at the end of the line"


def test_many_at_once_are_counted_right(queue_of):
    queue, taken, refused = queue_of(LASTING, slots=1), [], []

    def submit():
        gate.wait(PATIENCE)
        try:
            taken.append(queue.submit(["train"]))
        except JobError as error:
            refused.append(str(error))

    gate = threading.Barrier(40)
    threads = [threading.Thread(target=submit) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(set(taken)) == 1 + MAX_WAITING and len(refused) == 40 - len(taken)
    found = [queue.watch(job_id) for job_id in taken]
    assert sorted(job.position for job in found) == list(range(MAX_WAITING + 1))


def test_trainings_share_the_slots_and_a_sweep_takes_them_all(queue_of):
    queue = queue_of(LASTING, slots=2)
    first, second, sweep, last = [queue.submit([k]) for k in ("train", "train", "sweep", "train")]

    def states():
        return [queue.watch(job_id).state for job_id in (first, second, sweep, last)]

    assert states() == ["running", "running", "queued", "queued"]
    queue.cancel(first)
    assert ended(queue, first).state == "cancelled"
    assert states()[1:] == ["running", "queued", "queued"], "none overtakes"
    queue.cancel(second)
    wait(lambda: states()[2:] == ["running", "queued"])
    queue.cancel(sweep)
    wait(lambda: states()[3] == "running")


def test_a_job_cancelled_before_it_began_takes_its_empty_run_with_it(queue_of, runs_dir):
    queue = queue_of(LASTING, slots=1)
    queue.submit(["train"])
    kept = begun(queue)
    jobs = [
        queue.train(CONFIG, "mine"),
        queue.sweep(grid(CONFIG, [1.0, 2.0])),
        queue.go_on(kept.id),
    ]
    assert len(list_runs(runs_dir)) == 4
    for job_id in jobs:
        queue.cancel(job_id)
    assert list_runs(runs_dir) == [kept], "only what has begun is kept"
    found = [queue.watch(job_id) for job_id in jobs]
    assert {job.state for job in found} == {"cancelled"}
    assert [job.can_resume for job in found] == [False, False, True]


def test_a_refused_job_leaves_no_run_behind(queue_of, runs_dir, monkeypatch):
    queue = queue_of(LASTING, slots=1)
    queue.submit(["train"])
    monkeypatch.setattr(queue_module, "MAX_WAITING", 0)
    for refused in (lambda: queue.train(CONFIG), lambda: queue.sweep(grid(CONFIG, [1.0, 2.0]))):
        with pytest.raises(JobError, match="At most 0 jobs can wait"):
            refused()
    assert list_runs(runs_dir) == []


@pytest.mark.parametrize("job_id", ["", ".", "..", "../../etc", "/etc", "*", "a\0b", "x" * 300])
def test_an_id_is_compared_and_never_joined(job_id, queue_of):
    queue = queue_of(SHORT)
    ended(queue, queue.submit(["train"], "<b>\u202e\n x"))
    assert [job.title for job in queue.all()] == ["<b> x"]
    for method in (queue.watch, queue.cancel, queue.pause, queue.resume):
        with pytest.raises(JobError, match="There is no such job"):
            method(job_id)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("runs", [""]), ("runs", ["."]), ("runs", [".."]), ("runs", ["../kept"]), ("runs", ["a/b"]),
        ("runs", ["/tmp"]), ("runs", ["a\\b"]), ("runs", [".jobs"]), ("share", 7), ("share", -1),
        ("began", 1e14), ("entered", -1), ("seconds", -1),
    ],
)  # fmt: skip
def test_a_forged_record_is_none_and_removes_nothing(entry, value, queue_of, runs_dir):
    queue = queue_of(SHORT)
    kept = [runs_dir / "run" / "file", runs_dir.parent / "kept" / "file"]
    for path in kept:
        path.parent.mkdir()
        path.write_text("")
    job_id = new_id(0, [])
    (queue.folder / job_id).mkdir(parents=True)
    record = RECORD | {"state": "interrupted", "arguments": ["train"]} | {entry: value}
    (queue.folder / job_id / "job.json").write_text(json.dumps(record))
    for method in (queue.resume, queue.cancel):
        with pytest.raises(JobError, match="There is no such job"):
            method(job_id)
    assert queue.all() == [] and all(path.exists() for path in kept)


def test_what_a_record_says_is_cleaned_and_a_huge_one_is_none(queue_of):
    queue = queue_of(SHORT)
    for job_id, reason in (("long", "x" * 1000), ("huge", "x" * 2**20), ("odd", "a\u202e\n b\x1b")):
        (queue.folder / job_id).mkdir(parents=True)
        record = RECORD | {"title": reason, "reason": reason}
        (queue.folder / job_id / "job.json").write_text(json.dumps(record))
    found = {job.id: (len(job.title), job.reason) for job in queue.all()}
    assert found == {"odd": (3, "a b"), "long": (80, "x" * 300)}


def test_damaged_folders_are_passed_over_and_old_ones_forgotten(queue_of, monkeypatch, runs_dir):
    monkeypatch.setattr(store_module, "MAX_KEPT", 3)
    queue = queue_of(SHORT)
    for name, content in (("0a", b""), ("0b", b"[1]"), ("0c", b'{"title": "x"}'), ("0d", b"\xff")):
        (queue.folder / name).mkdir(parents=True)
        (queue.folder / name / "job.json").write_bytes(content)
    made = []
    for _ in range(4):
        made.append(queue.submit(["train"]))
        assert ended(queue, made[-1]).state == "done"
    assert [job.id for job in queue.all()] == made[:0:-1]
    assert sorted(os.listdir(queue.folder)) == made[1:]
    assert list_runs(runs_dir) == []


def test_a_job_that_is_held_is_not_forgotten(queue_of, monkeypatch):
    queue = queue_of(LASTING, slots=1)
    gone, *kept = [queue.submit(["train"]) for _ in range(4)]
    queue.cancel(gone)
    assert ended(queue, gone).state == "cancelled"
    monkeypatch.setattr(store_module, "MAX_KEPT", 1)
    kept.append(queue.submit(["train"]))
    assert [job.id for job in queue.all()] == kept[::-1]
    assert {job.is_live for job in queue.all()} == {True}


def test_the_server_has_one_queue_and_clearing_caches_keeps_it(monkeypatch, tmp_path):
    import streamlit as st

    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path))
    found = job_queue.jobs()
    st.cache_resource.clear()
    assert job_queue.jobs() is found and found.runs_dir == tmp_path
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "other"))
    assert job_queue.jobs() is not found


@pytest.mark.parametrize("is_link", [True, False], ids=["link", "file"])
def test_what_is_no_folder_of_runs_is_called_that(monkeypatch, tmp_path, is_link):
    """A link to a disk that is not mounted must not fill its mount point."""
    folder, gone = tmp_path / "runs", tmp_path / "gone" / "runs"
    folder.symlink_to(gone) if is_link else folder.touch()
    monkeypatch.setenv("LATENT_RUNS_DIR", str(folder))
    reason = "a link to a folder that does not exist" if is_link else "a file, not a folder"
    with pytest.raises(JobError) as caught:
        job_queue.jobs().train(CONFIG)
    assert str(caught.value) == f"The job cannot be stored: {reason} (runs)."
    assert not gone.exists()


def test_a_server_whose_disk_is_full_refuses_and_remembers(queue_of, monkeypatch):
    def full(_path, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    queue = queue_of(LASTING)
    job_id = queue.go_on(begun(queue).id)
    monkeypatch.setattr(store_module, "write_bytes", full)
    with pytest.raises(JobError) as caught:
        queue.submit(["train"])
    assert str(caught.value) == "The job cannot be stored: no space left on device."
    assert os.listdir(queue.folder) == [job_id]
    queue.cancel(job_id)
    assert ended(queue, job_id).state == "cancelled"
    with pytest.raises(JobError, match="cannot be stored"):
        queue.resume(job_id)
    assert queue.watch(job_id).state == "cancelled"
    monkeypatch.undo()
    queue.resume(job_id)
    assert queue.watch(job_id).state == "running"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/var/lib/runs/x/state cannot be used", "state cannot be used"),
        ("D must be in nats/image, got 1/2", "D must be in nats/image, got 1/2"),
        ("a\x1b[2Jb\u202ec", "a[2Jbc"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_reason_is_fit_for_the_screen(text, shown, runs_dir):
    assert presentable(text, runs_dir) == shown
    assert (
        presentable(f"{runs_dir}/run/a b.json must be whole", runs_dir) == "a b.json must be whole"
    )


def test_servers_on_one_folder_leave_each_other_their_jobs(runs_dir, tmp_path, queue_of):
    command = worker(tmp_path, LASTING)
    queue = queue_of(command=command, slots=1)
    with Server(runs_dir, *command) as other:
        theirs = [other.call("submit", ["train"], f"theirs {i}") for i in range(3)]
        mine = [queue.submit(["train"], f"mine {i}") for i in range(2)]
        pids(runs_dir, 4)  # one of each runs
        for found in (queue.watch(job_id) for job_id in theirs):
            with pytest.raises(JobError, match="in the hands of another server"):
                queue.cancel(found.id)
            with pytest.raises(JobError, match="has not ended"):
                queue.resume(found.id)
        with pytest.raises(JobError, match="in the hands of another server"):
            other.call("pause", mine[0])
        states = [(job.title, job.state, job.position) for job in reversed(queue.all())]
        assert states == [
            ("theirs 0", "running", 0), ("theirs 1", "queued", 1), ("theirs 2", "queued", 2),
            ("mine 0", "running", 0), ("mine 1", "queued", 1),
        ]  # fmt: skip
        assert Jobs(runs_dir).watch(mine[1]).position == 1, "files tell the same"
    wait(lambda: all(queue.watch(job_id).state == "interrupted" for job_id in theirs))
    assert [queue.watch(job_id).state for job_id in mine] == ["running", "queued"]


def assert_all_see(queue, job_id, state):
    """Many who look at once see the same, from the first look on."""
    seen = []

    def look():
        seen.extend(queue.watch(job_id).state for _ in range(50))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert seen == [state] * 400


def test_an_interrupted_job_is_resumed_by_one_server_only(runs_dir, tmp_path, queue_of):
    command = worker(tmp_path, LASTING)
    run = begun(queue_of())
    with Server(runs_dir, *command) as first:
        job_id = first.call("go_on", run.id)
        pids(runs_dir, 2)
    queues, won, lost = [queue_of(command=command) for _ in range(4)], [], []
    assert_all_see(queues[0], job_id, "interrupted")

    def resume(queue):
        gate.wait(PATIENCE)
        try:
            queue.resume(job_id)
            won.append(queue)
        except JobError as error:
            lost.append(str(error))

    with Server(runs_dir, *command) as other:
        gate = threading.Barrier(4)
        threads = [threading.Thread(target=resume, args=(queue,)) for queue in queues]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert (len(won), len(lost)) == (1, 3), lost
        with pytest.raises(JobError, match="has not ended"):
            other.call("resume", job_id)
    wait(lambda: {queue.watch(job_id).state for queue in queues} == {"running"})
    won[0].cancel(job_id)
    assert ended(won[0], job_id).state == "cancelled"


# --- turns of many owners ------------------------------------------------------------------------


def entered(queue, owner, count=1):
    return [queue.go_on(begun(queue).id, f"{owner} {n}", owner) for n in range(count)]


def test_owners_take_turns_and_each_may_have_one_at_work_and_three_waiting(queue_of):
    queue = queue_of(LASTING, slots=2, is_shared=True)
    ann = entered(queue, "ann", 4)
    with pytest.raises(JobError, match="Everyone may have 3 jobs waiting, and you have 3"):
        entered(queue, "ann")
    assert [queue.watch(job).state for job in ann] == ["running", "queued", "queued", "queued"]
    bob = entered(queue, "bob", 2)
    cem = entered(queue, "cem")
    assert queue.watch(bob[0]).state == "running", "a slot that ann may not have is free"
    line = [cem[0], ann[1], bob[1], ann[2], ann[3]]
    assert [queue.watch(job).position for job in line] == [1, 2, 3, 4, 5]
    queue.cancel(ann[0])
    ended(queue, ann[0])
    assert wait(lambda: queue.watch(cem[0]).state == "running")
    assert [queue.watch(job).position for job in line[1:]] == [1, 2, 3, 4]


def test_without_owners_the_order_is_that_of_coming(queue_of):
    queue = queue_of(LASTING)
    jobs = entered(queue, "ann", 5) + entered(queue, "bob")
    assert [queue.watch(job).position for job in jobs] == [0, 1, 2, 3, 4, 5]


def test_who_waits_is_told_how_long(queue_of):
    queue = queue_of(LASTING, is_shared=True)
    first = queue.go_on(begun(queue).id, "first", "ann", 120.0)
    second = queue.go_on(begun(queue).id, "second", "bob", 60.0)
    third = queue.go_on(begun(queue).id, "third", "cem")
    fourth = queue.go_on(begun(queue).id, "fourth", "dan")
    assert [queue.watch(job).wait_seconds for job in (first, second, third, fourth)] == [
        None, 120.0, 180.0, None,
    ]  # fmt: skip


def test_a_cleared_queue_tells_why_and_keeps_what_works(queue_of):
    queue = queue_of(LASTING, is_shared=True)
    working, *waiting = entered(queue, "ann", 3)
    assert queue.clear("the teacher has cleared the queue") == 2
    assert queue.watch(working).state == "running"
    for job in map(queue.watch, waiting):
        assert (job.state, job.reason) == ("cancelled", "the teacher has cleared the queue")
        assert job.owner == "ann"
    assert queue.clear("again") == 0
