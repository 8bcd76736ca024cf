"""A class: everyone changes what they made and nothing else; others' work is seen and copied."""

import contextlib
import os

import pytest

from explorer.jobs.job import Job, JobError
from explorer.server import options, visitors
from explorer.server.options import Options
from explorer.services import (
    class_room,
    data_sets,
    job_queue,
    lessons,
    permissions,
    remedy_runs,
    run_library,
    training_runs,
)
from explorer.services.permissions import NotAllowed
from models.data import library
from models.runs.folder import Run, list_runs
from models.training.control import read_request
from tests.helpers.app_test import open_view, said
from tests.helpers.jobs import CONFIG

ANN, BOB = "a" * 43, "b" * 43
"""Cookies of two browsers."""


class Context:
    """What Streamlit says of a visitor."""

    def __init__(self):
        self.cookie, self.teacher, self.is_embedded = "", "", False

    @property
    def cookies(self):
        return self

    def to_dict(self):
        return {
            visitors.OWNER_COOKIE: self.cookie,
            visitors.cookie_name(): self.teacher,
        }

    url, headers, is_theme_dark = "http://localhost:8501/train", {}, False


@pytest.fixture
def visitor(monkeypatch, no_runs):
    """The visitor of a class, who can be changed: see `as_`."""
    found = Context()
    monkeypatch.setattr(permissions.st, "context", found)
    monkeypatch.setattr(options, "_current", Options(is_class=True))
    return found


@contextlib.contextmanager
def as_(visitor, cookie="", teacher="", is_embedded=False):
    """Another visitor for a while."""
    before = visitor.__dict__.copy()
    visitor.cookie, visitor.teacher, visitor.is_embedded = cookie, teacher, is_embedded
    yield
    visitor.__dict__.update(before)


@pytest.fixture
def teacher():
    """The cookie of a browser that has used the teacher's link."""
    return visitors.teacher.swap(visitors.teacher.path.rpartition("/")[2])


def owner_of(cookie):
    return visitors.visitor({visitors.OWNER_COOKIE: cookie}).owner


def run_of(runs_dir, cookie, title="hers"):
    run = Run.create(runs_dir, CONFIG, title, owner=owner_of(cookie))
    run.state_path.touch()
    return run


def cancel_experiment():
    lessons._starters["coin", 1] = owner_of(ANN)
    lessons.cancel("coin", 1)


CHANGES = {
    "label": lambda run: run_library.relabel(run.id, title="mine now"),
    "delete": lambda run: run_library.discard(run.id),
    "steer": lambda run: training_runs.steer(run, beta=4.0),
    "continue": lambda run: job_queue.go_on(run, "again"),
    "cancel": lambda run: job_queue.cancel("job"),
    "pause": lambda run: job_queue.pause("job"),
    "resume": lambda run: job_queue.resume("job"),
    "cancel an experiment": lambda run: cancel_experiment(),
    "cancel remedies": lambda run: remedy_runs.cancel(
        [remedy_runs.RemedyRun(None, run, None, None, job_queue.jobs().jobs[0])]
    ),
}


HAPPENED = {
    "label": lambda run, desk: run.title == "mine now",
    "delete": lambda run, desk: not run.folder.exists(),
    "steer": lambda run, desk: read_request(run.folder).beta == 4.0,
    "continue": lambda run, desk: ("go on", run.id) in desk.done,
    "cancel": lambda run, desk: ("cancel", "job") in desk.done,
    "pause": lambda run, desk: ("pause", "job") in desk.done,
    "resume": lambda run, desk: ("resume", "job") in desk.done,
    "cancel an experiment": lambda run, desk: ("coin", 1) not in lessons._starters,
    "cancel remedies": lambda run, desk: ("cancel", "job") in desk.done,
}
"""By the change: whether it has been made."""


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("owner", [ANN, ""], ids=["a student's", "the teacher's"])
def test_others_change_nothing(no_runs, desk, visitor, name, owner):
    run = run_of(no_runs, owner)
    desk.jobs = [Job("job", "hers", "running", runs=("x",), owner=owner_of(owner))]
    before = content(no_runs)
    for cookie in (BOB, "", "forged", ANN[:-1] + "b"):
        with as_(visitor, cookie), pytest.raises(NotAllowed):
            CHANGES[name](run)
    with as_(visitor, ANN, is_embedded=True), pytest.raises(NotAllowed, match="for looking"):
        CHANGES[name](run)
    assert content(no_runs) == before and desk.asked == desk.done == []


@pytest.mark.parametrize("name", CHANGES)
def test_its_owner_and_the_teacher_can(no_runs, desk, visitor, teacher, name):
    for cookies in ({"cookie": ANN}, {"teacher": teacher}):
        run = run_of(no_runs, ANN)
        desk.jobs = [Job("job", "hers", "running", runs=("x",), owner=owner_of(ANN))]
        with as_(visitor, **cookies):
            CHANGES[name](run)
        assert HAPPENED[name](run, desk)
        desk.done.clear()


def test_without_a_class_everyone_at_the_screen_is_the_owner(no_runs, desk, visitor, monkeypatch):
    monkeypatch.setattr(options, "_current", Options())
    for name, change in CHANGES.items():
        desk.jobs = [Job("job", "hers", "running", runs=("x",), owner=owner_of(ANN))]
        run = run_of(no_runs, ANN, name)
        change(run)
        assert HAPPENED[name](run, desk), name
        desk.done.clear()


def test_what_a_browser_makes_is_its_own(no_runs, desk, visitor, teacher):
    for cookies, owner in (({"cookie": ANN}, owner_of(ANN)), ({"teacher": teacher}, "")):
        with as_(visitor, **cookies):
            assert permissions.owner() == owner
            assert permissions.may_change(owner)
    with as_(visitor), pytest.raises(NotAllowed, match="keeps no cookies"):
        job_queue.train(CONFIG, "nobody's", "nobody's")
    assert ANN not in owner_of(ANN), "a copy of a run does not give its owner away"


def test_the_teachers_link_works_once():
    found = visitors.Teacher()
    token = found.path.rpartition("/")[2]
    cookie = found.swap(token)
    assert found.swap(token) is None and token not in found.path
    assert found.knows({visitors.cookie_name(): cookie})
    for forged in ("", token, cookie[:-1], visitors._owner(cookie)):
        assert not found.knows({visitors.cookie_name(): forged})


def test_a_deleted_run_is_told_to_its_owner_who_can_undo(no_runs, desk, visitor, teacher):
    run = run_of(no_runs, ANN, "her best")
    with as_(visitor, teacher=teacher):
        run_library.discard(run.id)
    assert list_runs(no_runs) == []
    with as_(visitor, BOB):
        assert run_library.deleted() == []
        with pytest.raises(NotAllowed):
            run_library.recover(run.id)
        with pytest.raises(NotAllowed):
            run_library.remove_for_good([run.id])
        assert "her best" not in said(open_view("train"))
    with as_(visitor, ANN):
        at = open_view("train")
        assert "The run “her best” was deleted by the teacher" in said(at)
        run_library.recover(run.id)
    assert [found.id for found in list_runs(no_runs)] == [run.id]
    assert not (no_runs / run.id / run_library.DELETION).exists()


def test_others_see_and_copy_and_find_no_button_to_change(no_runs, desk, visitor):
    run = run_of(no_runs, ANN, "her run")
    owner = owner_of(ANN)
    desk.jobs = [
        Job("1", "her first", "running", runs=("x",), owner=owner),
        Job("2", "her second", "queued", 1, runs=("y",), owner=owner, wait_seconds=240.0),
        Job("3", "her third", "paused", runs=(run.id,), owner=owner),
    ]
    changing = {"Cancel", "Stop and keep", "Pause", "Step", "Resume", "Continue", "Delete"}
    with as_(visitor, BOB):
        at = open_view("train", own=run.id)
        found = {button.label for button in at.button}
        assert "Train" in found and not changing & found
        assert not [field for field in at.text_input if field.label == "Title of the run"]
        assert "her run" in str(at.selectbox)
        texts = [bar.proto.text.replace("\\", "") for bar in at.get("progress")]
        assert any("her first (somebody else’s): 0%" in text for text in texts)
        assert "1 more of the class waits." in said(at)
    with as_(visitor, ANN):
        at = open_view("train", own=run.id)
        texts = [bar.proto.text.replace("\\", "") for bar in at.get("progress")]
        assert "her second (yours): waits, place 1, begins in about 4 min" in texts
        found = {button.label for button in at.button}
        assert {"Cancel", "Stop and keep", "Continue", "Delete", "Train"} <= found


@pytest.mark.parametrize("view", ["train", "trade_off", "collapse"])
def test_an_embedded_page_is_for_looking(no_runs, desk, visitor, monkeypatch, view):
    monkeypatch.setattr(options, "_current", Options())
    runs = (run_of(no_runs, "").id,)
    desk.jobs = [
        Job("1", "one", "running", runs=("x",)), Job("2", "two", "queued", 1, runs=("y",)),
        Job("3", "three", "paused", runs=runs, sweep="s"), Job("4", "four", "cancelled", runs=runs),
    ]  # fmt: skip
    with as_(visitor, is_embedded=True):
        at = open_view(view)
        found = {button.label for button in at.button}
        assert not [label for label in found if label.startswith("Train")]
        assert not {"Cancel", "Stop and keep", "Pause", "Resume", "Continue", "Delete"} & found
        (link,) = at.get("link_button")[:1]
        assert link.proto.label == "Open in a window to train"
        assert "embed" not in link.proto.url


def test_the_teacher_clears_the_queue(no_runs, desk, visitor, teacher):
    desk.jobs = [Job(str(n), "a", "queued", n, owner=owner_of(ANN)) for n in (1, 2)]
    label = "Cancel all 2 that wait"
    with as_(visitor, ANN):
        assert label not in [button.label for button in open_view("train").button]
        with pytest.raises(NotAllowed, match="Only the teacher"):
            job_queue.clear()
    with as_(visitor, teacher=teacher):
        assert label in [button.label for button in open_view("train").button]
    desk.jobs = [Job("1", "hers", "cancelled", reason="the teacher cleared the queue",
                     owner=owner_of(ANN))]  # fmt: skip
    with as_(visitor, ANN):
        assert "the teacher cleared the queue" in said(open_view("train"))


def test_a_class_has_so_much_room_and_nothing_goes_by_itself(no_runs, desk, visitor, monkeypatch):
    old, pinned = run_of(no_runs, ANN, "old"), run_of(no_runs, ANN, "pinned")
    os.rename(pinned.folder, no_runs / "00000000-000000-aaaaaa")
    Run(no_runs / "00000000-000000-aaaaaa").relabel(pinned=True)
    (old.folder / "state.safetensors").write_bytes(bytes(2_000_000))
    monkeypatch.setattr(options, "_current", Options(is_class=True, runs_bytes=1_000_000))
    class_room.measure_again()
    with as_(visitor, ANN):
        with pytest.raises(JobError, match=r"take 0\.00 of 0\.001 GB"):
            job_queue.train(CONFIG, "new", "new")
        assert desk.asked == []
        assert class_room.offer().run == old
        labels = [button.label.replace("\\", "") for button in open_view("train").button]
        assert any(label.startswith("Delete the oldest, “old”, 2.0 MB") for label in labels)
        run_library.discard(old.id)
        class_room.measure_again()
        assert class_room.is_full(), "what can be restored takes room"
        run_library.remove_for_good([old.id])
        assert not class_room.is_full()
        job_queue.train(CONFIG, "new", "new")
    with as_(visitor, BOB):
        assert class_room.offer() is None


def test_a_set_of_images_is_its_owners(no_runs, visitor):
    from tests.models.data.test_library import flat, read_zip

    images = read_zip(*flat(12))
    with as_(visitor, ANN):
        info = data_sets.add_set(images, "hers")
    with as_(visitor, BOB):
        assert data_sets.add_set(images, "his").title == "hers"
        with pytest.raises(NotAllowed):
            data_sets.remove_set(info.id)
        assert info.id in library.list_paths()
    with as_(visitor, ANN):
        data_sets.remove_set(info.id)
    with as_(visitor, BOB):
        assert data_sets.removed_sets() == {}
        with pytest.raises(NotAllowed):
            data_sets.recover_set(info.id)
    with as_(visitor, ANN):
        data_sets.recover_set(info.id)
    assert data_sets.custom_sets()[info.id].title == "hers"
