"""The train page: what its form asks for, what that costs, how it goes, and the runs there are."""

import json
import re
import time
from dataclasses import asdict, replace

import numpy as np
import pytest

from explorer.figures import theme, training
from explorer.jobs.job import Job, JobError
from explorer.services import catalogue, job_queue, run_library, training_form, training_runs
from explorer.widgets.text import plain
from models.config import (
    ModelConfig,
    ObjectiveConfig,
    RunConfig,
    TrainingConfig,
    override,
)
from models.families.registry import build_model, count_parameters
from models.presets import PRESETS
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.storage.checkpoint import read
from models.training.control import Change, ControlRequest, read_changes, read_request
from tests.helpers.app_test import UNITLESS, charts, choose, column, open_view, press, said, settle
from tests.helpers.browser_page import assert_fits
from tests.helpers.checkpoints import make_run
from tests.helpers.processes import wait

UNITLESS.add("epoch")
SMALL = RunConfig(
    "digits",
    ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    ObjectiveConfig(),
    TrainingConfig(epochs=3, batch_size=64, warmup_steps=5),
)


class Desk:
    """A queue of jobs that starts none; keeps what was asked of it."""

    def __init__(self):
        self.jobs, self.asked, self.done, self.full, self.is_prepared = [], [], [], "", False

    def prepare(self):
        self.is_prepared = True

    def train(self, config, title="", label=""):
        if self.full:
            raise JobError(self.full)
        self.asked.append((config, title, label))
        return "job"

    def all(self):
        return self.jobs

    def cancel(self, job_id):
        self.done.append(("cancel", job_id))

    def pause(self, job_id):
        self.done.append(("pause", job_id))

    def resume(self, job_id):
        self.done.append(("resume", job_id))


@pytest.fixture
def desk(monkeypatch):
    found = Desk()
    monkeypatch.setattr(job_queue, "jobs", lambda: found)
    return found


def order(at):
    """The button that trains."""
    return next(button for button in at.button if button.label == "Train")


def field(at, name):
    """The input of a setting; None where it is not shown."""
    for kind in (at.selectbox, at.number_input, at.text_input):
        for widget in kind:
            if widget.key == f"control-{name}":
                return widget
    return None


def write(at, name, text):
    at.text_input(f"control-{name}").set_value(text)
    return settle(at)


def trained(runs_dir, config=SMALL, title="small"):
    """A run that was trained to its end."""
    run = Run.create(runs_dir, config, title)
    list(execute(run))
    return run


def needing(data, value):
    """A parameter whose test needs a data set: those that do not ship are marked."""
    return pytest.param(value, marks=[] if data == "digits" else pytest.mark.mnist(data))


# --- what to train -------------------------------------------------------------------------------


def test_the_form_opens_with_the_preset_and_explains_each_field(no_runs, desk):
    at = open_view("train")
    config = PRESETS["digits-2d"]
    shown = {item.name: field(at, item.link) for item in training_form.FIELDS}
    assert [name for name, widget in shown.items() if widget is None] == ["sigma"]
    for item in training_form.FIELDS:
        assert item.name == "sigma" or item.help in shown[item.name].help
    assert shown["beta"].label == "β" and shown["kl_warmup_steps"].label == "KL warm-up, steps"
    assert "Allowed: 1 to 1,000." in shown["epochs"].help
    assert field(at, "hidden").value == "128,64" and field(at, "epochs").value == 200
    assert field(at, "learning-rate").value == config.training.learning_rate
    count = count_parameters(build_model(config.model))
    assert f"{count:,} parameters · 4,000 steps" in said(at)
    assert at.query_params == {} and not at.toast and not order(at).disabled


@pytest.mark.parametrize("name", [needing(c.data, n) for n, c in PRESETS.items()])
def test_every_preset_is_asked_for_as_it_is(no_runs, desk, name):
    other = "digits-ae" if name == "digits-linear" else "digits-linear"
    at = choose(open_view("train", preset=other, epochs="7"), "preset", name)
    assert "epochs" not in at.query_params, "choosing a preset fills in the form"
    press(at, "Train")
    assert desk.asked == [(PRESETS[name], name, f"Training “{name}”")]
    family = PRESETS[name].model.family
    assert (field(at, "training-beta") is not None) == (family == "vae")
    assert (field(at, "warmup") is not None) == (family != "autoencoder")


def test_what_is_chosen_is_asked_for_and_in_the_link(no_runs, desk):
    at = open_view("train")
    for name, value in (
        ("latents", 5),
        ("training-beta", 0.5),
        ("epochs", 30),
        ("likelihood", "gaussian"),
    ):
        at = choose(at, name, value)
    at = write(at, "title", "my <b> ![x](http://y) -- model")
    press(at, "Train")
    config = override(
        PRESETS["digits-2d"], latent_dim=5, beta=0.5, epochs=30, likelihood="gaussian"
    )
    title = "my <b> ![x](http://y) -- model"
    assert desk.asked == [(config, title, f"Training “{title}”")]
    again = open_view("train", **at.query_params)
    press(again, "Train")
    assert desk.asked[1] == desk.asked[0]


REFUSED = {
    "hidden must be whole numbers like 512,256 or none, got 'wide <b>'.": {"hidden": "wide <b>"},
    "every entry of hidden must be at least 1, got 0.": {"hidden": "0"},
    "hidden must have 0 to 6 entries, got 7.": {"hidden": "1,1,1,1,1,1,1"},
    "hidden must have 1 to 6 entries, got 0.": {"network": "conv", "hidden": "none"},
    "hidden must have few enough entries to halve 8 pixels that often, got 4.": {
        "network": "conv", "hidden": "1,1,1,1",
    },
    "batch_size must be at most the 1297 training images, got 1298.": {"batch": "1298"},
    "the model must have at most 10,000,000 parameters, got 34,119,748: choose smaller hidden "
    "layers.": {"hidden": "4096,4096"},
}  # fmt: skip


@pytest.mark.parametrize(("sentence", "link"), REFUSED.items(), ids=list(map(str, range(7))))
def test_refused_settings_are_one_sentence_and_no_button(no_runs, desk, sentence, link):
    at = open_view("train", **link)
    assert [error.value for error in at.error] == [plain(sentence)]
    assert order(at).disabled


HOSTILE = {
    "preset": "../..", "data": "/etc/passwd", "network": "\0", "likelihood": "<b>",
    "latents": "0", "weight": "nan", "sigma": "inf", "warmup": "-1", "epochs": "1e9",
    "batch": "9" * 30, "learning-rate": "-0.1", "seed": "x", "own": "../../etc",
}  # fmt: skip


def test_a_hostile_link_opens_the_default(no_runs, desk):
    make_run(no_runs)
    at = open_view("train", **HOSTILE)
    assert len(at.toast) == len(HOSTILE)
    assert at.query_params == {}
    press(at, "Train")
    assert desk.asked == [(PRESETS["digits-2d"], "digits-2d", "Training “digits-2d”")]


def test_who_looks_at_the_form_has_the_next_training_prepared(desk):
    open_view("trade_off")
    assert not desk.is_prepared
    open_view("train")
    assert desk.is_prepared


def test_a_full_queue_is_said_once(no_runs, desk):
    desk.full = "At most 25 jobs can wait, and 25 do: try again when one of them has ended."
    at = press(open_view("train"), "Train")
    assert [error.value for error in at.error] == [plain(desk.full)]
    assert not settle(at).error


# --- what it costs -------------------------------------------------------------------------------


def test_seconds_are_those_of_the_same_work(no_runs, desk, monkeypatch):
    config = PRESETS["digits-2d"]
    cards = [catalogue.card(e) for e in catalogue.entries() if e.id.startswith("digits-2d-beta")]
    pace = np.median([card.seconds / card.steps for card in cards])
    found = training_runs.cost(override(config, epochs=400, beta=7.0))
    assert found.seconds == pytest.approx(8000 * pace)
    assert found.source == "the shipped model"
    assert training_runs.cost(override(config, latent_dim=3)).seconds is None
    run = trained(no_runs, replace(SMALL, model=config.model))
    card = read(run.model_path).card
    cached = replace(card, seconds=30.0)
    monkeypatch.setattr(catalogue, "card", lambda e: cached if e.id == run.id else cards[0])
    found = training_runs.cost(config)
    assert (found.seconds, found.source) == (pytest.approx(4000 * 30.0 / 60), "your runs")


def test_an_unmeasured_training_says_so(no_runs, desk):
    at = open_view("train", hidden="17")
    assert "not known yet" in said(at)
    assert "about" in said(open_view("train"))


# --- how it goes ---------------------------------------------------------------------------------


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
    assert plain("broken ended early at 0% (failed: the rate became nan <b>).") in text
    assert plain("stopped ended early at 25% (paused).") in text and "gone" not in text
    for label in ("Stop and keep", "Cancel", "Continue", "Resume"):
        at = press(at, label)
    assert desk.done == [("pause", "c"), ("cancel", "c"), ("resume", "b"), ("resume", "a")]
    assert [name for name in charts(at) if name.startswith("live")] == [
        f"live-{name}-{run.id}" for name in ("D", "R", "ELBO", "KL")
    ]
    assert not any(button.label == "Delete" for button in at.button), "its only run is trained"


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


def test_a_new_run_shows_its_film_before_its_curves(no_runs, desk):
    run = trained(no_runs)
    job = Job("c", "one", "running", text="epoch 2 of 3", runs=(run.id,), began=time.time() + 60)
    desk.jobs = [job]
    at = open_view("train")
    assert at.get("bidi_component") and not any(n.startswith("live") for n in charts(at))
    desk.jobs = [replace(job, began=0.0)]
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
    links = [element.proto.url for element in at.get("link_button")]
    assert set(links) == {f"./?model={run.id}"}


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
    assert [part.tolist() for part in found[:4]] == [[5], [[1.0, 2.0]], [[3.0, 4.0]], [[1.5, 2.5]]]


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


# --- what has been trained -----------------------------------------------------------------------


def test_without_runs_the_list_says_how_to_get_one(no_runs, desk):
    assert open_view("train").info[0].value.startswith("There are no runs yet")


def test_runs_are_listed_with_their_scores(no_runs, desk):
    run = trained(no_runs, title="<b>mine</b>")
    begun = Run.create(no_runs, replace(SMALL, data="/somewhere/else"), "begun")
    (frame,) = open_view("train").dataframe
    rows = {row.title: row for row in frame.value.itertuples(index=False)}
    assert frame.value.columns.tolist() == [
        "title", "data", "family", "Z", "β", "D", "R", "−ELBO", "active", "steps", "date",
        "note", "pinned",
    ]  # fmt: skip
    scores = read(run.model_path).card.metrics
    mine = rows["<b>mine</b>"]
    assert mine[1:5] == ("digits", "vae", 2, 1.0)
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
    with pytest.raises(JobError, match="Only the last 20"):
        run_library.recover(run_id)
    assert [run.id for run in list_runs(no_runs)] == [kept]


def test_the_last_deleted_runs_are_kept(no_runs, desk, monkeypatch):
    monkeypatch.setattr(run_library, "MAX_TRASH", 2)
    names = [make_run(no_runs) for _ in range(3)]
    for name in names:
        run_library.discard(name)
    assert run_library.discarded() == [names[2], names[1]]


@pytest.mark.slow
def test_digits_are_trained_to_the_end(no_runs):
    at = open_view("train", epochs="4", hidden="16", title="from the form")
    at = press(at, "Train")
    (bar,) = at.get("progress")
    assert plain("Training “from the form”: 0%, ") in bar.proto.text
    wait(lambda: not any(job.is_live for job in job_queue.jobs().all()), seconds=120)
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


# --- in the browser ------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_training_is_started_cancelled_and_resumed(visit, server, runs_dir, tmp_path):
    page = visit("epochs=1000&batch=32&title=long%20one", screen="train")
    page.get_by_text(re.compile("parameters · 40,000 steps")).wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text(re.compile("Training “long one”: 0%, (starting|first|epoch)")).wait_for()
    page.get_by_text(re.compile(r"epoch \d+ of 1000: D .* nats per test image, about")).wait_for()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert_fits(page, "train-live")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(re.compile("Training “long one” ended early .*cancelled")).wait_for()
    (run,) = (run for run in list_runs(runs_dir) if run.title == "long one")
    done = len(run.history.rows())
    assert 0 < done < 1000
    assert read_request(run.folder) == ControlRequest() and not read_changes(run.folder), (
        "only a hand changes it"
    )
    page.get_by_role("button", name="Resume").click()
    wait(lambda: len(run.history.rows()) > done)
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
    page.get_by_role("button", name="Continue").wait_for()
    page.get_by_role("link", name="Open its map").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    download.value.save_as(tmp_path / "long.safetensors")
    assert (tmp_path / "long.safetensors").read_bytes() == run.model_path.read_bytes()
    assert download.value.suggested_filename == "long-one.safetensors"


@pytest.mark.browser
def test_the_page_fits_with_a_finished_training(visit, server, runs_dir):
    trained(runs_dir, title="small model")
    page = visit("epochs=3&title=short%20one", screen="train")
    page.get_by_text(re.compile(r"parameters · 60 steps")).wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text(
        re.compile("Training “short one” is done. D .* nats per test image")
    ).wait_for()
    page.locator(".js-plotly-plot .main-svg").nth(1).wait_for()
    assert_fits(page, "train")
    (run,) = (run for run in list_runs(runs_dir) if run.title == "short one")
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The run “short one” was deleted.").wait_for()
    assert run not in list_runs(runs_dir)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("The run “short one” was deleted.").wait_for(state="detached")
    assert run in list_runs(runs_dir)
