"""The list of runs on the Train page: scores, deletion, and undo."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from explorer.jobs.job import Job, JobError
from explorer.services import catalogue, run_library
from explorer.widgets.text import plain
from models.runs.folder import Run, list_runs
from models.storage.checkpoint import read
from tests.helpers.app_test import open_view, press, said
from tests.helpers.checkpoints import make_run
from tests.helpers.train_page import SMALL, trained


def test_without_runs_the_list_says_how_to_get_one(no_runs, desk):
    assert open_view("train").info[0].value.startswith("There are no runs yet")


def test_runs_are_listed_with_their_scores(no_runs, desk):
    run = trained(no_runs, title="<b>mine</b>")
    begun = Run.create(no_runs, replace(SMALL, data="/somewhere/else"), "begun")
    (frame,) = open_view("train").dataframe
    rows = {row.title: row for row in frame.value.itertuples(index=False)}
    assert frame.value.columns.tolist() == [
        "title", "data", "family", "latents", "β", "D", "R", "−ELBO", "active", "steps", "date",
        "note", "pinned",
    ]  # fmt: skip
    scores = read(run.model_path).card.metrics
    mine = rows["<b>mine</b>"]
    assert mine[1:5] == ("Digits", "VAE", 2, 1.0)
    means = [scores[name][0] for name in ("distortion", "rate", "negative_elbo")]
    assert mine[5:8] == pytest.approx(means)
    assert mine[8:10] == (f"{scores['active_units']} of 2", 60)
    assert mine.date == "{}-{}-{} {}:{}".format(
        *(run.id[a:b] for a, b in ((0, 4), (4, 6), (6, 8), (9, 11), (11, 13)))
    )
    assert rows["begun"].data == "own images" and np.isnan(rows["begun"].D)
    assert {r.id for r in list_runs(no_runs)} == {run.id, begun.id}


def test_delete_and_undo(no_runs, desk):
    first, second = make_run(no_runs, title="first"), make_run(no_runs, title="second")
    before = (no_runs / first / "model.safetensors").read_bytes()
    at = press(open_view("train", own=first), "Delete")
    assert [run.id for run in list_runs(no_runs)] == [second]
    assert (no_runs / ".trash" / first / "model.safetensors").read_bytes() == before
    assert first not in catalogue.list_models()[0] and "own" not in at.query_params
    assert plain("The run “first” was deleted.") in said(at)
    at = press(at, "Undo")
    assert {run.id for run in list_runs(no_runs)} == {first, second}
    assert (no_runs / first / "model.safetensors").read_bytes() == before
    assert "deleted" not in said(at)


def test_a_run_whose_job_is_live_is_not_deleted(no_runs, desk):
    run_id = make_run(no_runs)
    desk.jobs = [Job("a", "resumed", "queued", position=1, runs=(run_id,))]
    with pytest.raises(JobError, match="once its job has ended"):
        run_library.discard(run_id)
    desk.jobs = []
    with Run(no_runs / run_id).lock(), pytest.raises(ValueError, match="one process at a time"):
        run_library.discard(run_id)
    assert [run.id for run in list_runs(no_runs)] == [run_id]


@pytest.mark.parametrize("run_id", ["", ".", "..", "../runs", ".trash", "/", "nothing"])
def test_only_runs_are_moved(no_runs, desk, run_id):
    kept = make_run(no_runs)
    with pytest.raises(ValueError, match="one of the runs folder"):
        run_library.discard(run_id)
    with pytest.raises(JobError, match="are kept for 7 days, and this one is gone"):
        run_library.recover(run_id)
    assert [run.id for run in list_runs(no_runs)] == [kept]


def test_deleted_runs_are_kept_for_a_week(no_runs, desk):
    names = [make_run(no_runs) for _ in range(4)]
    for name in names[:3]:
        run_library.discard(name)
    week = 7 * 24 * 3600
    for name, age in ((names[0], week + 60), (names[1], week - 60)):
        os.utime(no_runs / ".trash" / name, (0, time.time() - age))
    run_library.discard(names[3])
    assert run_library.discarded() == [names[3], names[2], names[1]]
