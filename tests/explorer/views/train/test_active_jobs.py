"""Training on the screen: progress, dials, curves, and what can be done."""

import json
import re
import time
from dataclasses import asdict, replace

import numpy as np
import pytest

from explorer.figures import theme, training
from explorer.jobs.job import Job
from explorer.services import job_queue, training_runs
from explorer.views.train import active_jobs
from explorer.widgets.text import plain
from models.config import (
    ObjectiveConfig,
    override,
)
from models.presets import PRESETS
from models.runs.folder import Run, list_runs
from models.storage.checkpoint import read
from models.training.control import Change, ControlRequest, read_changes, read_request
from tests.helpers.app_test import charts, column, open_view, press, said, settle
from tests.helpers.browser_page import assert_fits
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.processes import wait
from tests.helpers.train_page import SMALL, trained


def test_jobs_are_listed_with_what_can_be_done(no_runs, desk):
    run = trained(no_runs)
    title = "Training “a*b”"
    desk.jobs = [
        Job("d", "waiting", "queued", position=1),
        Job("c", title, "running", share=2 / 3, seconds_left=4.2, text="epoch 2 of 3: D −1.00",
            runs=(run.id,)),
        Job("b", "stopped", "paused", share=0.25, runs=(run.id,)),
        Job("a", "broken", "failed", reason="the rate became nan <b>", runs=(run.id,)),
        Job("0", "gone", "cancelled", runs=("deleted",)),
    ]  # fmt: skip
    at = open_view("train")
    bars = [(bar.proto.value, bar.proto.text) for bar in at.get("progress")]
    assert bars == [
        (66, plain(f"{title}: 67%, epoch 2 of 3: D −1.00, about 4 s left")),
        (0, plain("waiting: waits, place 1")),
    ]
    text = said(at)
    assert plain("broken failed at 0%: the rate became nan <b>.") in text
    assert plain("stopped was stopped at 25% and kept.") in text and "gone" not in text
    for label in ("Stop and keep", "Cancel", "Continue", "Resume"):
        at = press(at, label)
    assert desk.done == [("pause", "c"), ("cancel", "c"), ("resume", "b"), ("resume", "a")]
    assert [name for name in charts(at) if name.startswith("live")] == [
        f"live-{name}-{run.id}" for name in ("D", "R", "ELBO", "KL")
    ]
    assert not any(button.label == "Delete" for button in at.button), "its only run is trained"


def test_a_run_that_is_stopping_has_no_time_left(no_runs, desk):
    run = trained(no_runs)
    desk.jobs = [
        Job("c", "mine", "running", share=0.31, seconds_left=480.0, text="stopping", runs=(run.id,))
    ]
    at = open_view("train")
    (bar,) = at.get("progress")
    assert bar.proto.text == plain("mine: stopping at 31%; the model is being saved and scored")


def test_when_a_run_ends_its_film_stays_and_the_settings_stay_closed(no_runs, desk):
    run = trained(no_runs)
    working = Job("c", "mine", "running", share=0.5, text="epoch 1 of 3: D 1.00", runs=(run.id,))
    desk.jobs = [working]
    at = open_view("train")
    films = [element.proto.id for element in at.get("bidi_component")]
    assert not settings(at).proto.expanded and len(films) == 1
    desk.jobs = [replace(working, state="done", share=1.0)]
    at = settle(at)
    assert [element.proto.id for element in at.get("bidi_component")] == films, "in its place"
    assert not settings(at).proto.expanded
    assert "mine is done" in said(at) and "Its film is shown above" in said(at)


def settings(at):
    (found,) = (box for box in at.expander if box.label == "Settings")
    return found


RATES = {"high": [0.2] * 12, "low": [0.2] * 6 + [0.01] * 6, "young": [0.01] * 8}


@pytest.mark.parametrize(("name", "is_said"), [("high", False), ("low", True), ("young", False)])
def test_a_collapsed_run_is_called_collapsed(no_runs, desk, monkeypatch, name, is_said):
    run, rates = trained(no_runs), np.array(RATES[name])
    scores = {"distortion": np.full(len(rates), 27.0), "rate": rates}
    kl = np.stack([rates, rates], 1)
    course = training_runs.Course(np.arange(1, len(rates) + 1), scores, scores, kl, 10.0)
    monkeypatch.setattr(training_runs, "course", lambda run: course)
    monkeypatch.setattr(training_runs, "marks", lambda run, course: [])
    desk.jobs = [Job("c", "mine", "running", share=0.5, text="epoch", runs=(run.id,))]
    at = open_view("train")
    collapsed = "Collapsed: R is 0.01 nats" in said(at).replace("\\", "")
    assert collapsed == is_said


def test_a_training_is_held_stepped_and_continued(no_runs, desk):
    run = trained(no_runs)
    desk.jobs = [Job("c", "one", "running", share=2 / 3, text="epoch 2 of 3", runs=(run.id,))]
    at = press(open_view("train"), "Pause")
    assert read_request(run.folder) == ControlRequest("hold", 1)
    assert at.get("progress")[0].proto.text == plain("one: 67%, paused at epoch 2 of 3")
    at = press(at, "Step")
    assert read_request(run.folder) == ControlRequest("step", 2)
    at = press(at, "Continue")
    assert read_request(run.folder) == ControlRequest("go", 3)
    assert not any(button.label == "Continue" for button in at.button)


def dials(at):
    return [box for box in at.number_input if box.key.startswith("dial")]


def test_what_is_changed_while_it_runs_is_asked_for_and_drawn(no_runs, desk):
    run = trained(no_runs)
    desk.jobs = [Job("c", "one", "running", share=2 / 3, text="epoch 2 of 3", runs=(run.id,))]
    at = settle(settle(open_view("train")))
    beta, rate = dials(at)
    assert beta.value == beta.proto.default == 1.0 and rate.value == rate.proto.default == 2e-3
    assert read_request(run.folder) == ControlRequest(), "only a hand changes a training"
    beta.set_value(4.0)
    at = settle(at)
    assert read_request(run.folder) == ControlRequest(beta=4.0)
    beta, rate = dials(at)
    assert beta.value == beta.proto.default == 4.0 and rate.value == rate.proto.default == 2e-3
    (run.folder / "changes.jsonl").write_text(json.dumps(asdict(Change(40, 4.0, 2e-3))) + "\n")
    at = settle(at)
    assert plain("after step 40: β = 4, learning rate 0.002") in said(at)
    (mark,) = charts(at)[f"live-D-{run.id}"]["layout"]["annotations"]
    assert (mark["x"], mark["text"]) == (2.0, "β = 4")


def test_a_dial_that_is_sent_as_it_is_wanted_asks_for_nothing(no_runs, desk, monkeypatch):
    run = trained(no_runs)
    desk.jobs = [Job("c", "one", "running", share=2 / 3, text="epoch 2 of 3", runs=(run.id,))]
    at = settle(settle(open_view("train")))
    training_runs.steer(run, beta=4.0)  # by somebody else, after this page was drawn
    asked = []
    monkeypatch.setattr(training_runs, "steer", lambda run, **wanted: asked.append(wanted))
    beta, rate = dials(at)
    beta.set_value(4.0)
    rate.set_value(5e-3)
    settle(at)
    assert asked == [{"learning_rate": 5e-3}]


def test_a_new_run_shows_its_film_before_its_curves(no_runs, desk, monkeypatch):
    run = trained(no_runs)
    monkeypatch.setattr(active_jobs, "FILM_SECONDS", 60)
    job = Job("c", "one", "running", text="epoch 2 of 3", runs=(run.id,), began=time.time())
    desk.jobs = [job]
    at = open_view("train")
    assert at.get("bidi_component") and not any(n.startswith("live") for n in charts(at))
    for began in (0.0, time.time() + 3600):  # long ago; before the clock was set back
        desk.jobs = [replace(job, began=began)]
        assert any(name.startswith("live") for name in charts(settle(at)))


def test_an_autoencoder_has_no_beta_to_change(no_runs, desk):
    model, objective = replace(SMALL.model, family="autoencoder"), ObjectiveConfig(beta=0.0)
    run = trained(no_runs, replace(SMALL, model=model, objective=objective))
    desk.jobs = [Job("c", "one", "running", share=2 / 3, text="epoch 2 of 3", runs=(run.id,))]
    at = open_view("train")
    assert [box.key for box in dials(at)] == [f"dial-learning_rate-{run.id}"]


def test_a_job_that_has_said_nothing_is_starting(no_runs, desk):
    desk.jobs = [Job("a", "new", "queued")]
    (bar,) = open_view("train").get("progress")
    assert bar.proto.text == plain("new: 0%, starting")


def test_a_finished_job_shows_its_scores_and_the_way_to_its_map(no_runs, desk):
    run = trained(no_runs)
    desk.jobs = [Job("a", "Training “small”", "done", share=1.0, runs=(run.id,))]
    at = open_view("train")
    scores = read(run.model_path).card.metrics
    for name in ("distortion", "rate", "negative_elbo"):
        mean, error = scores[name]
        assert f"{mean:.2f}\xa0±\xa0{error:.2f}" in at.success[0].value
    shown = [element.proto.body for element in at.get("html")]
    links = [body for body in shown if "Open its map" in body]
    assert links and all(f'href="./?model={run.id}" target="_self"' in body for body in links)


def test_a_job_that_ended_worse_than_it_began_says_so_here_and_on_its_map(no_runs, desk):
    model = replace(SMALL.model, likelihood="gaussian", sigma=0.004)
    training = replace(SMALL.training, learning_rate=1.0, epochs=4)
    run = trained(no_runs, replace(SMALL, model=model, training=training))
    desk.jobs = [Job("a", "Training “small”", "done", share=1.0, runs=(run.id,))]
    at = open_view("train")
    found = re.compile("diverged|no better than the mean image")
    assert found.search(at.warning[0].value) and not at.success
    assert found.search(said(open_view("latent_map", model=run.id)))


def test_curves_are_the_recorded_epochs(no_runs, desk):
    run = trained(no_runs)
    drawn = charts(open_view("train"))
    rows = run.history.rows()
    for shown, terms in (
        ("D", ("distortion",)),
        ("R", ("rate",)),
        ("ELBO", ("distortion", "rate")),
    ):
        traces = drawn[f"run-{shown}-{run.id}"]["data"]
        assert [trace["name"] for trace in traces] == ["training set", "test set"]
        for trace, split in zip(traces, ("train", "test"), strict=True):
            assert column(trace, "x") == [1, 2, 3]
            values = [sum(row[f"{split}_{term}"] for term in terms) for row in rows]
            assert column(trace, "y") == pytest.approx(values)
    kl = drawn[f"run-KL-{run.id}"]["data"]
    recorded = np.array([row["test_kl_per_dimension"] for row in rows])
    assert np.array([column(trace, "y") for trace in kl]) == pytest.approx(recorded.T)


def test_an_autoencoder_has_one_curve(no_runs, desk):
    model, objective = replace(SMALL.model, family="autoencoder"), ObjectiveConfig(beta=0.0)
    trained(no_runs, replace(SMALL, model=model, objective=objective))
    (figure,) = charts(open_view("train")).values()
    assert [figure["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")] == [
        "epoch", "D, nats per image"
    ]  # fmt: skip


def test_a_multirate_training_says_which_beta_is_drawn(no_runs, desk):
    model = replace(SMALL.model, family="multirate")
    trained(no_runs, replace(SMALL, model=model))
    at = open_view("train", preset="digits-multirate")
    assert {name.split("-")[1] for name in charts(at)} == {"D", "R", "ELBO", "KL"}
    assert "On the test set β is 1" in said(at) and "draws a new β" in said(at)
    assert at.dataframe[0].value["β"].isna().all()


def test_damaged_lines_are_passed_over(no_runs):
    run = Run.create(no_runs, SMALL, "odd")
    good = {"epoch": 4, "step": 100, "train_distortion": 1.0, "train_rate": 2.0,
            "test_distortion": 3.0, "test_rate": 4.0,
            "test_kl_per_dimension": [1.5, 2.5]}  # fmt: skip
    assert training_runs.course(run) is None
    lines = ["7", "[]", "{", '{"epoch": "two"}', json.dumps(good)]
    lines += [json.dumps(good | change) for change in (
        {"test_rate": float("nan")}, {"epoch": None}, {"test_kl_per_dimension": {}},
        {"test_kl_per_dimension": [1.0]},
    )]  # fmt: skip
    (run.folder / "metrics.jsonl").write_text("\n".join(lines) + '\n{"ep')
    found = training_runs.course(run)
    assert found.steps_per_epoch == 20
    assert found.epochs.tolist() == [5] and found.kl.tolist() == [[1.5, 2.5]]
    assert found.train == {"distortion": [1.0], "rate": [2.0]}
    assert found.test == {"distortion": [3.0], "rate": [4.0]}


def test_long_trainings_are_thinned_with_both_ends(no_runs):
    run = Run.create(no_runs, SMALL, "long")
    for epoch in range(1000):
        row = {f"{s}_{t}": 1.0 for s in ("train", "test") for t in ("distortion", "rate")}
        run.history.append(
            {"epoch": epoch, "step": 20 * epoch + 20, **row, "test_kl_per_dimension": [1.0]}
        )
    found = training_runs.course(run)
    assert len(found.epochs) == training_runs.MAX_EPOCHS
    assert (found.epochs[0], found.epochs[-1]) == (1, 1000)


def test_of_many_latents_the_largest_are_drawn():
    kl = np.tile(np.arange(50.0), (2, 1))
    names = [trace.name for trace in training.kl_curves(np.array([1, 2]), kl).data]
    assert names == [f"z{theme.subscript(j)}" for j in range(31, 51)]


@pytest.mark.slow
def test_digits_are_trained_to_the_end(no_runs):
    at = open_view("train", epochs="4", hidden="16", title="from the form")
    at = press(at, "Train")
    (bar,) = at.get("progress")
    assert bar.proto.text.startswith(plain("Training “from the form”: "))
    wait(lambda: not any(job.is_live for job in job_queue.jobs().all()))
    (job,) = job_queue.jobs().all()
    assert (job.state, job.reason) == ("done", "")
    settle(at)
    (run,) = list_runs(no_runs)
    config = run.config()
    assert config == override(PRESETS["digits-2d"], epochs=4, hidden=(16,))
    assert at.dataframe[0].value["title"].tolist() == ["from the form"]
    drawn = charts(at)
    d, r, total = (
        column(drawn[f"run-{name}-{run.id}"]["data"][1], "y") for name in ("D", "R", "ELBO")
    )
    rows = run.history.rows()
    assert d == pytest.approx([row["test_distortion"] for row in rows]) and len(d) == 4
    assert total == pytest.approx(np.add(d, r)) and total[-1] < total[0], "it has learned"
    assert "Training “from the form” is done" in at.success[0].value.replace("\\", "")


@pytest.mark.browser
def test_a_training_is_started_cancelled_and_resumed(visit, server, runs_dir, tmp_path):
    page = visit("epochs=1000&batch=8&title=long%20one", screen="train")
    page.get_by_text(re.compile("parameters · 162,000 steps")).wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text(re.compile(r"Training “long one”: \d+%, (starting|first|epoch)")).wait_for()
    page.get_by_text(re.compile(r"epoch \d+ of 1000: D .* nats per test image, about")).wait_for()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert_fits(page, "train-live")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(re.compile(r"Training “long one” was cancelled at \d+%")).wait_for()
    settle_page(page)
    (run,) = (run for run in list_runs(runs_dir) if run.title == "long one")
    done = len(run.history.rows())
    assert 0 < done < 1000
    assert read_request(run.folder) == ControlRequest() and not read_changes(run.folder), (
        "only a hand changes it"
    )
    page.get_by_role("button", name="Resume").first.click()  # the newest
    wait(lambda: len(run.history.rows()) > done)
    run.model_path.unlink(missing_ok=True)  # of the cancelled one; it is written where it pauses
    page.get_by_role("button", name="Pause").click()
    page.get_by_text(re.compile("Training “long one”: .*paused at epoch")).wait_for()
    wait(run.model_path.exists)
    held = len(run.history.rows())
    page.get_by_role("button", name="Step", exact=True).click()
    wait(lambda: len(run.history.rows()) == held + 1)
    page.get_by_role("spinbutton", name="β from now on").fill("4")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("after step .* β = 4")).wait_for()
    assert len(run.history.rows()) == held + 1
    page.get_by_role("button", name="Continue", exact=True).click()
    wait(lambda: len(run.history.rows()) > held + 1)
    page.get_by_role("button", name="Stop and keep").click()
    page.get_by_text(re.compile(r"Training “long one” was stopped at \d+% and kept")).wait_for()
    settle_page(page)
    page.get_by_role("button", name="Continue").wait_for()
    page.get_by_role("link", name="Open its map").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    download.value.save_as(tmp_path / "long.safetensors")
    assert (tmp_path / "long.safetensors").read_bytes() == run.model_path.read_bytes()
    assert download.value.suggested_filename == "long-one.safetensors"
