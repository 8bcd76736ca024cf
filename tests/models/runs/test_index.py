"""The index of a runs folder: always what the folder says, and only what has changed is read."""

import os
import shutil

import pytest

from models.presets import preset
from models.runs import index
from models.runs.folder import Run
from models.runs.index import RunIndex
from models.storage.checkpoint import read
from models.storage.tensors import CheckpointError
from models.training.snapshots import snapshot_folder
from tests.helpers.checkpoints import break_run, make_run


@pytest.fixture
def names_read(monkeypatch):
    """Ids of the runs that are read."""
    names, original = [], index.read_indexed
    monkeypatch.setattr(
        index, "read_indexed", lambda run: names.append(run.id) or original(run)
    )  # fmt: skip
    return names


def settled(folder):
    """Has its last change be a while ago."""
    for place in [folder, *folder.iterdir()]:
        os.utime(place, (1e9, 1e9))


def test_nothing_that_stays_is_read_twice(tmp_path, names_read):
    for number in range(5):
        settled(Run(tmp_path / make_run(tmp_path, title=f"{number}")).folder)
    runs = RunIndex(tmp_path)
    first = runs.look()
    assert len(first.runs) == len(names_read) == 5
    assert runs.look() is first and len(names_read) == 5


def test_a_folder_that_is_not_there_has_no_runs(tmp_path):
    assert RunIndex(tmp_path / "none").look().runs == ()


def test_runs_come_newest_first_and_by_id(tmp_path):
    for name in ("20260101-000000-aaaaaa", "20260301-000000-aaaaaa", "20260201-000000-aaaaaa"):
        Run.create(tmp_path, preset("digits-2d"), name).folder.rename(tmp_path / name)
    (tmp_path / ".trash").mkdir()
    (tmp_path / "no-run").mkdir()
    (tmp_path / "file").touch()
    found = RunIndex(tmp_path).look()
    assert [each.id[4:6] for each in found.runs] == ["03", "02", "01"]
    assert list(found.by_id) == [each.id for each in found.runs]


CHANGES = {
    "renamed": (lambda run: run.relabel(title="new"), lambda seen: seen.title == "new"),
    "pinned": (lambda run: run.relabel(pinned=True), lambda seen: seen.label.pinned),
    "trained": (lambda run: shutil.copy(run.folder / "kept", run.model_path),
                lambda seen: seen.card is not None and seen.has_codes),
    "filmed": (lambda run: snapshot_folder(run.folder).mkdir(), lambda seen: seen.has_film),
    "label in place": (
        lambda run: run.label_path.write_text('{"title": "x", "note": "", "pinned": false}'),
        lambda seen: seen.title == "x"),
    "settings in place": (lambda run: run.config_path.write_text("{"), lambda seen: seen.problem),
    "model in place": (lambda run: run.model_path.write_bytes(b"no"),
                       lambda seen: seen.card is None and seen.model_problem),
    "removed": (lambda run: shutil.rmtree(run.folder), lambda seen: seen is None),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_every_change_is_seen_at_the_next_look(case, tmp_path):
    run = Run(tmp_path / make_run(tmp_path))
    shutil.copy(run.model_path, run.folder / "kept")
    if case == "trained":
        run.model_path.unlink()
    runs, (change, is_seen) = RunIndex(tmp_path), CHANGES[case]
    settled(run.folder)
    before = runs.look()
    assert not is_seen(before.by_id[run.id])
    change(run)
    after = runs.look()
    assert after is not before and is_seen(after.by_id.get(run.id))


def test_in_a_large_folder_files_written_in_place_are_seen_in_turn(
    tmp_path, monkeypatch, names_read
):
    monkeypatch.setattr(index, "INSPECTED", 2)
    made = [Run.create(tmp_path, preset("digits-2d"), f"{i}") for i in range(6)]
    for run in made:
        settled(run.folder)
    runs = RunIndex(tmp_path)
    runs.look()
    made[3].config_path.write_text("{}")
    settled(made[3].folder)
    os.utime(made[3].config_path, (2e9, 2e9))
    for _ in range(3):
        found = runs.look()
    assert found.by_id[made[3].id].problem and len(names_read) == 7


def test_what_is_damaged_is_one_entry_with_a_sentence(tmp_path):
    good, broken = make_run(tmp_path), break_run(tmp_path)
    for content in (b"{", b"[" * 100_000, b'{"title": 7, "config": {}}', b"\xff"):
        Run.create(tmp_path, preset("digits-2d")).config_path.write_bytes(content)
    found = RunIndex(tmp_path).look()
    assert len(found.runs) == 6 and sum(each.config is not None for each in found.runs) == 3
    assert not found.by_id[good].problem and not found.by_id[good].model_problem
    assert "cut short" in found.by_id[broken].model_problem
    assert all(each.problem for each in found.runs if each.config is None)


def test_of_a_model_the_card_alone_is_read(tmp_path):
    """What lies behind the header is not looked at, so large models are listed like small ones."""
    path = Run(tmp_path / make_run(tmp_path)).model_path
    data = bytearray(path.read_bytes())
    data[-8:] = bytes(8)
    path.write_bytes(data)
    (found,) = RunIndex(tmp_path).look().runs
    assert found.card.title == "tiny" and not found.model_problem
    with pytest.raises(CheckpointError, match="checksum"):
        read(path)
