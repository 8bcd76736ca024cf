"""The remedies on the Collapse page are those on disk, and are trained from it."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.jobs.job import Job, JobError
from explorer.services import job_queue, remedy_runs
from explorer.widgets import pictures
from explorer.widgets.text import plain
from models.data.load import load
from models.objectives.schedules import kl_weight
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, restore
from models.training.control import send_request
from models.training.remedies import NO_REMEDY, Strengths
from tests.helpers.app_test import charts, choose, column, open_view, press, said, settle
from tests.helpers.browser_page import assert_fits
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.collapse_page import NAMES, SMALL, STEPS, diagnosis, score, table, train, wanted


def test_finished_remedies_are_found_by_their_settings(no_runs, small, shown):
    """It does not matter who trained them, or with how many threads; nothing else is taken."""
    two = replace(SMALL, training=replace(SMALL.training, threads=2))
    free = train(no_runs, replace(two, objective=wanted()["free bits"].config.objective))
    weaker = train(no_runs, wanted(Strengths(beta_divisor=5))["smaller β"].config)
    at = open_view("collapse", collapsed=small.id)
    rows = table(at)
    checkpoint = read(free.model_path)
    scores, found = checkpoint.card.metrics, diagnosis(checkpoint)
    row = rows["free bits"]
    assert [row[name] for name in ("D", "R", "−ELBO", "I(x; z)")] == [
        *(score(scores[name]) for name in ("distortion", "rate", "negative_elbo")),
        score(found.mutual_information),
    ]
    assert row["verdict"] == found.verdict
    assert row["active"] == f"{found.collapsed.count(False)} of 2"
    assert f"**{found.verdict}:** free bits" in said(at)
    assert rows["smaller β"]["verdict"] == "not trained yet"
    labels = read(small.model_path).codes.labels
    row = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    images = load("digits", "test").images[row]
    with torch.inference_mode():
        after = restore(checkpoint).decode(torch.tensor(checkpoint.codes.mean[row])).numpy()
    originals, _, last = shown[""][-3:]
    assert (originals == pictures.sheet(images, 10, 48, 2)).all()
    assert (last == pictures.sheet(after, 10, 48, 2)).all()
    choose(at, "beta-divisor", 5)
    assert table(at)["smaller β"]["R"] == score(read(weaker.model_path).card.metrics["rate"])


def test_films_show_what_the_runs_recorded(no_runs, small):
    free = train(no_runs, wanted()["cycles"].config)
    films = {
        k: v for k, v in charts(open_view("collapse", collapsed=small.id)).items() if "film" in k
    }
    assert list(films) == ["film-no-remedy", "film-cycles"]
    for run, config, film in zip(
        (small, free), (SMALL, wanted()["cycles"].config), films.values(), strict=True
    ):
        rows = run.history.rows()
        for j, trace in enumerate(film["data"][:2]):
            assert column(trace, "x") == [20, 40, 60] == [row["step"] for row in rows]
            kl = [row["test_kl_per_dimension"][j] for row in rows]
            assert column(trace, "y") == pytest.approx(kl)
        weight = film["data"][2]
        expected = [kl_weight(step, STEPS, config.objective) for step in range(1, STEPS + 1)]
        assert column(weight, "x") == list(range(1, STEPS + 1))
        assert column(weight, "y") == pytest.approx(expected)
    tops = [film["layout"]["yaxis"]["range"] for film in films.values()]
    assert tops[0] == tops[1], "so that they can be compared"


def test_a_run_of_an_older_program_has_no_film(no_runs, small):
    path = small.folder / "metrics.jsonl"
    path.write_text(re.sub(r', "test_kl_per_dimension": \[[^]]*\]', "", path.read_text()))
    at = open_view("collapse", collapsed=small.id)
    assert not [name for name in charts(at) if "film" in name]
    assert table(at)["before"]["verdict"]


def test_another_likelihood_is_marked(no_runs, small):
    train(no_runs, wanted()["learned σ"].config)
    at = open_view("collapse", collapsed=small.id)
    row = table(at)["learned σ"]
    assert row["D"].endswith("†") and row["−ELBO"].endswith("†") and "†" not in row["R"]
    assert "its D is in other units" in said(at)
    assert "†" not in table(at)["before"]["D"]


class Desk:
    """Stands for the queue of jobs: notes what is asked of it, and says what it is told."""

    def __init__(self):
        self.asked, self.cancelled, self.known, self.full = [], [], {}, ""

    def train(self, config, title, *more):
        assert more[-1] == remedy_runs.PURPOSE
        return self._submit(config, title)

    def go_on(self, run_id, title, *_):
        return self._submit(run_id, title)

    def _submit(self, what, title):
        if self.full:
            raise JobError(self.full)
        name = f"job-{len(self.asked)}"
        self.asked.append((what, title))
        self.known[name] = Job(name, title, "queued", position=len(self.asked))
        return name

    def watch(self, name):
        if name not in self.known:
            raise JobError("There is no such job.")
        return self.known[name]

    def cancel(self, name):
        if self.known[name].is_live:
            self.cancelled.append(name)
            self.tell(name, state="cancelled")

    def tell(self, name, **news):
        self.known[name] = replace(self.known[name], **news)


@pytest.fixture
def desk(monkeypatch):
    found = Desk()
    monkeypatch.setattr(job_queue, "jobs", lambda: found)
    monkeypatch.setattr(remedy_runs, "_submitted", {})
    return found


def test_training_asks_for_every_missing_remedy_once(no_runs, small, desk):
    train(no_runs, wanted()["capacity"].config)
    at = press(open_view("collapse", collapsed=small.id), "Train the others")
    missing = [name for name in NAMES if name != "capacity"]
    assert desk.asked == [(wanted()[name].config, f"small · {name}") for name in missing]
    assert {table(at)[name]["verdict"] for name in missing} == {"waiting"}
    assert [b.label for b in at.button] == ["Cancel"]
    other = open_view("collapse", collapsed=small.id)
    assert [b.label for b in other.button] == ["Cancel"], "another visitor sees the same"


def test_progress_cancel_and_failure_are_shown(no_runs, small, desk):
    at = press(open_view("collapse", collapsed=small.id), "Train the others")
    desk.tell("job-0", state="running", share=0.5, seconds_left=8.2, text="epoch 1 of 3: D −1.00")
    settle(at)
    (bar,) = at.get("progress")
    assert bar.proto.value == round(100 * 1.5 / 7)
    assert bar.proto.text == plain("KL warm-up: epoch 1 of 3: D −1.00; about 8 s left; 5 wait")
    assert table(at)["KL warm-up"]["verdict"] == "50% trained"
    desk.tell("job-1", state="failed", reason="the rate became nan at step 3 <b>")
    at = press(at, "Cancel")
    assert sorted(desk.cancelled) == ["job-0", "job-2", "job-3", "job-4", "job-5"]
    assert plain("cycles failed: the rate became nan at step 3 <b>.") in said(at)
    assert table(at)["cycles"]["verdict"] == "failed"
    assert table(at)["free bits"]["verdict"] == "cancelled"
    assert not at.get("progress")
    press(at, "Train the others")
    assert len(desk.asked) == 12


def test_a_run_that_somebody_trains_is_not_continued_as_a_remedy(no_runs, small, desk):
    """Settings alone do not make it one: who stopped it may want it as it is."""
    begun = train(no_runs, wanted()["cycles"].config, events=2)
    before = {path.name: path.read_bytes() for path in begun.folder.iterdir() if path.is_file()}
    at = open_view("collapse", collapsed=small.id)
    assert table(at)["cycles"]["verdict"] == "not trained yet"
    press(at, "Train the others")
    assert begun.id not in [what for what, _ in desk.asked]
    assert (wanted()["cycles"].config, "small · cycles") in desk.asked
    assert before == {name: (begun.folder / name).read_bytes() for name in before}


def test_what_was_cut_short_goes_on(no_runs, small, desk):
    begun = train(no_runs, wanted()["cycles"].config, events=2, purpose=remedy_runs.PURPOSE)
    at = open_view("collapse", collapsed=small.id)
    assert table(at)["cycles"]["verdict"] == "started"
    press(at, "Train the others")
    assert desk.asked[1] == (begun.id, "small · cycles")
    assert [isinstance(what, str) for what, _ in desk.asked].count(True) == 1


def steered(runs_dir, config, events=None, **fields):
    """A run whose settings were changed after its first epoch."""
    run = Run.create(runs_dir, config, "steered")
    going = execute(run)
    next(going)
    send_request(run.folder, **fields)
    for _ in zip(range(1000 if events is None else events), going, strict=False):
        pass
    going.close()
    return run


def test_a_run_whose_beta_was_changed_is_not_a_remedy(no_runs, small, desk):
    remedy = wanted()["smaller β"].config
    whole = steered(no_runs, SMALL, beta=remedy.objective.beta)
    assert read(whole.model_path).card.config == remedy, "as its card says, at the end"
    steered(no_runs, remedy, beta=50.0)
    cut_short = steered(no_runs, remedy, events=1, learning_rate=0.1)
    asked = Run.create(no_runs, remedy, "will be changed")
    send_request(asked.folder, beta=1.0)
    at = open_view("collapse", collapsed=small.id)
    assert table(at)["smaller β"]["verdict"] == "not trained yet"
    press(at, "Train the others")
    (asked,) = [what for what, title in desk.asked if title.endswith("smaller β")]
    assert asked == remedy, "nothing of it is continued"
    plain_run = train(no_runs, remedy)
    at = open_view("collapse", collapsed=small.id)
    expected = diagnosis(read(plain_run.model_path)).verdict
    assert table(at)["smaller β"]["verdict"] == expected
    assert read(cut_short.model_path).card.steps == 40


def test_an_uploaded_model_is_not_continued_as_a_remedy(no_runs, small, desk):
    """Its training would begin again, and replace the model that was uploaded."""
    remedy = wanted()["smaller β"].config
    trained = train(no_runs, remedy)
    for name in ("metrics.jsonl", "state.safetensors"):
        (trained.folder / name).unlink()
    at = open_view("collapse", collapsed=small.id)
    assert table(at)["smaller β"]["verdict"] == "not trained yet"
    press(at, "Train the others")
    assert ["train", "--resume", trained.id] not in [arguments for arguments, _ in desk.asked]


def test_a_full_queue_is_one_sentence(no_runs, small, desk):
    desk.full = "At most 25 jobs can wait, and 25 do: try again when one of them has ended."
    at = press(open_view("collapse", collapsed=small.id), "Train the others")
    assert plain(desk.full) in [error.value for error in at.error]
    settle(at)
    assert plain(desk.full) not in said(at), "said once"


def test_a_stopped_model_is_compared_with_whole_trainings(no_runs):
    """Its steps are counted from its epochs, so that remedies get the whole budget."""
    stopped = train(no_runs, SMALL, events=1)
    assert read(stopped.model_path).card.steps == 20
    at = open_view("collapse", collapsed=stopped.id)
    assert "30 of 60 steps" in table(at)["KL warm-up"]["what is changed"]
    assert "and 60 steps as the model above" in said(at)


def test_damaged_runs_are_passed_over(no_runs, small):
    config = wanted()["cycles"].config
    odd = Run.create(no_runs, config, "odd", purpose=remedy_runs.PURPOSE)
    (odd.folder / "metrics.jsonl").write_text('7\n{"epoch": "two"}\n[]\n{"ep')
    lost = Run.create(no_runs, SMALL, "lost")
    (lost.folder / "config.json").write_text("{")
    assert table(open_view("collapse", collapsed=small.id))["cycles"]["verdict"] == "started"


@pytest.fixture(scope="module")
def treated(runs_dir):
    """A small run, and all of its remedies but one, which is left to be trained."""
    run = train(runs_dir, SMALL, "small model")
    for name, remedy in wanted().items():
        if name not in (NO_REMEDY, "cycles"):
            train(runs_dir, remedy.config, f"small model · {name}")
    return run


def wait_for_charts(page, count):
    page.wait_for_function(
        "(count) => document.querySelectorAll('.js-plotly-plot .main-svg').length >= count",
        arg=count,
    )
    settle_page(page)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "link", "count"),
    [
        ("collapse", "collapsed={treated}", 9),
        pytest.param("collapse-20d", "collapsed=mnist-20d-beta-1", 3, marks=pytest.mark.slow),
    ],
)
def test_the_screen_fits(visit, treated, name, link, count):
    page = visit(link.format(treated=treated.id), screen="collapse")
    wait_for_charts(page, count)
    assert_fits(page, name)


@pytest.mark.slow
@pytest.mark.browser
def test_a_remedy_is_trained_with_progress_and_can_be_cancelled(visit, server, runs_dir):
    long = replace(SMALL, training=replace(SMALL.training, epochs=900, seed=5))
    base = train(runs_dir, long, "long model", events=1)
    page = visit(f"collapsed={base.id}", screen="collapse")
    page.get_by_role("button", name="Train the remedies").click()
    page.get_by_text(re.compile(r"epoch \d+ of 900.*6 wait")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Train the remedies").wait_for()
    page.get_by_role("progressbar").wait_for(state="detached")
    page.get_by_role("cell", name="cancelled").first.wait_for()
    settle_page(page)
    assert page.get_by_role("button", name="Cancel").count() == 0


@pytest.mark.browser
@pytest.mark.slow
def test_the_missing_remedy_is_trained_and_found_again(visit, server, runs_dir, treated):
    page = visit(f"collapsed={treated.id}", screen="collapse")
    page.get_by_text("1 training run, about").wait_for()
    page.get_by_role("button", name="Train the others").click()
    row = page.get_by_role("row", name=re.compile("^cycles"))
    row.get_by_text(re.compile("collapsed")).wait_for()
    page.get_by_text("Measured after the last step").wait_for()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    settle_page(page)
    assert page.get_by_role("button", name=re.compile("^Train")).count() == 0
    page.reload()
    row.get_by_text(re.compile("collapsed")).wait_for()
    settle_page(page)
    assert page.get_by_role("button", name=re.compile("^Train")).count() == 0
