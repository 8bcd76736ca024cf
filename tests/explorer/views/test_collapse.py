"""The collapse page: its verdict is the model's, its remedies are those on disk."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer import state
from explorer.jobs.job import Job, JobError
from explorer.services import catalogue, job_queue, remedy_runs
from explorer.widgets import pictures
from explorer.widgets.text import plain
from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.load import load
from models.latents.samples import draw_codes
from models.metrics.collapse import diagnose
from models.objectives.schedules import kl_weight
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, restore, write
from models.training.control import send_request
from models.training.remedies import NO_REMEDY, Strengths, remedies
from tests.helpers.app_test import charts, choose, column, open_view, press, said, settle
from tests.helpers.browser_page import assert_fits
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.paths import MNIST, ROOT, SHIPPED

COLLAPSED = read(ROOT / "checkpoints" / "digits-2d-beta-4.safetensors")
LIVELY = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
SMALL = RunConfig(
    "digits",
    ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    ObjectiveConfig(beta=50.0),
    TrainingConfig(epochs=3, batch_size=64, learning_rate=1e-2, warmup_steps=5),
)
STEPS = 60
NAMES = ["KL warm-up", "cycles", "free bits", "capacity", "learned σ", "smaller β"]


def train(runs_dir, config, title="small", events=None):
    """A run of this configuration, to its end or for some events."""
    run = Run.create(runs_dir, config, title)
    going = execute(run)
    for count, _ in enumerate(going, 1):
        if count == events:
            going.close()
    return run


def wanted(strengths=None):
    """Remedies of the small run, by name."""
    return {r.name: r for r in remedies(SMALL, STEPS, strengths or Strengths())}


@pytest.fixture
def small(no_runs):
    """A small run on the digits."""
    return train(no_runs, SMALL)


def diagnosis(checkpoint):
    """What the metrics say of a model of the digits."""
    codes, images = checkpoint.codes, load("digits", "test").images
    parts = [torch.tensor(part) for part in (codes.mean, codes.log_variance)]
    return diagnose(*parts, restore(checkpoint).decode, torch.tensor(images))


def table(at):
    """Rows of the table by their first cell."""
    frame = at.table[0].value
    rows = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
    return {row[""].strip("*"): row for row in rows}


def score(pair):
    return f"{pair[0]:.2f} ± {pair[1]:.2f}".replace("-", "−").replace(" ", "\N{NO-BREAK SPACE}")


# --- diagnosis -----------------------------------------------------------------------------------


@pytest.mark.parametrize("checkpoint", [COLLAPSED, LIVELY], ids=["collapsed", "lively"])
def test_the_diagnosis_is_that_of_the_metrics(no_runs, shown, checkpoint):
    link = {} if checkpoint is COLLAPSED else {"collapsed": "digits-2d-beta-1"}
    at = open_view("collapse", **link)
    found = diagnosis(checkpoint)
    (box,) = at.error if checkpoint is COLLAPSED else at.success
    assert box.value.replace("*", "") == f"{found.sentence}."
    drawn = charts(at)
    assert column(drawn["kl-per-latent"]["data"][0], "y") == pytest.approx(found.kl_per_dimension)
    variances = np.clip(found.mean_variance, 1e-8, None)
    assert column(drawn["active-units"]["data"][0], "y") == pytest.approx(variances.tolist())
    assert drawn["active-units"]["layout"]["shapes"][0]["y0"] == 0.01
    bars = column(drawn["information"]["data"][0], "x")
    assert bars == pytest.approx([sum(found.kl_per_dimension), found.mutual_information.mean])
    assert drawn["information"]["layout"]["shapes"][0]["x0"] == pytest.approx(math.log(500))
    assert f"**{found.response:.1%}**" in said(at)
    images = load("digits", "test").images
    mean = pictures.one(images.mean(0, keepdims=True), 104)
    assert (shown["Mean test image"][0] == mean).all()
    with torch.inference_mode():
        z = torch.tensor(draw_codes(checkpoint.codes, 12, 0), dtype=torch.float32)
        decoded = restore(checkpoint).decode(z).numpy()
    sheet = pictures.sheet(decoded, 6, 52, 2)
    assert (shown["12 samples of the prior, decoded"][0] == sheet).all()


def test_the_default_screen_offers_the_remedies(no_runs):
    at = open_view("collapse")
    assert len(at.selectbox("control-collapsed").options) == len(SHIPPED)
    rows = table(at)
    assert list(rows) == ["before", *NAMES]
    scores = COLLAPSED.card.metrics
    assert [rows["before"][name] for name in ("D", "R", "−ELBO")] == [
        score(scores[name]) for name in ("distortion", "rate", "negative_elbo")
    ]
    assert rows["before"]["active"] == "0 of 2" and rows["before"]["verdict"] == "collapsed"
    assert {rows[name]["verdict"] for name in NAMES} == {"not trained yet"}
    assert "7 training runs, about 71 s" in said(at), "7 of 5.2 s, and what each takes to start"
    assert [b.label for b in at.button] == ["Train the remedies"]
    assert at.query_params == {} and not at.toast


@pytest.mark.parametrize(
    "kind",
    [
        {"latent_dim": 1},
        {"latent_dim": 20},
        {"labels": 0},
        {"image_shape": (3, 8, 9)},
        {"network": "conv", "hidden": (4, 8)},
        {"likelihood": "gaussian-pixel"},
        {"scale": 0.0},
        {"count": 3},
    ],
    ids=str,
)
def test_every_kind_of_vae_is_diagnosed(no_runs, kind):
    at = open_view("collapse", collapsed=make_run(no_runs, **kind))
    boxes = [*at.error, *at.success, *at.warning]
    assert len(boxes) == 1 and "I(x; z) is" in boxes[0].value
    latent_dim = kind.get("latent_dim", 2)
    assert len(column(charts(at)["kl-per-latent"]["data"][0], "y")) == latent_dim
    assert "nan" not in said(at).lower()
    assert not at.button, "its data are not on this machine"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ({"family": "autoencoder"}, "An autoencoder has no prior and no rate"),
        ({"count": 2}, "A diagnosis needs at least 3 test images, got 2: choose another."),
        ({"count": 1}, "A diagnosis needs at least 3 test images, got 1: choose another."),
    ],
)
def test_a_model_without_a_diagnosis_is_one_sentence(no_runs, kind, sentence):
    at = open_view("collapse", collapsed=make_run(no_runs, **kind))
    (info,) = at.info
    assert info.value.startswith(sentence)
    assert not charts(at) and not at.table and not at.error


def test_without_its_images_a_model_is_judged_by_its_latents(no_runs):
    at = open_view("collapse", collapsed=make_run(no_runs, scale=0.0))
    (box,) = at.error
    assert box.value.startswith("**Collapsed:** 0 of 2 latents are active")
    assert "of what the images do" not in box.value
    assert "How far test images lie from theirs is not known here." in said(at)
    assert "have changed" in said(at)


@pytest.mark.skipif(not MNIST, reason="no MNIST model ships")
def test_absent_images_are_said_with_the_way_to_get_them(no_runs, monkeypatch, tmp_path):
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    at = open_view("collapse", collapsed="mnist-20d-beta-1")
    (box,) = at.warning
    assert box.value.startswith("**1 of 20 latents collapsed:** 19 of 20 latents are active")
    assert "`python -m models data download mnist`" in said(at)
    assert "more images would raise it" in said(at), "I is near ln 10 000"
    assert not at.button


def test_a_broken_file_and_weights_that_do_not_fit(no_runs):
    broken = break_run(no_runs)
    run = Run.create(no_runs, LIVELY.card.config, "headless")
    write(run.model_path, LIVELY.card, {}, LIVELY.codes)
    at = open_view("collapse", collapsed=run.id)
    (error,) = at.error
    assert error.value.startswith("This model cannot be used: the file must hold the tensor")
    (warning,) = at.warning
    assert warning.value.startswith(plain(f"The model {broken} cannot be opened: "))
    choose(at, "collapsed", "digits-2d-beta-4")
    assert at.error[0].value.startswith("**Collapsed:**") and len(at.error) == 1


def test_without_a_model_the_screen_says_how_to_make_one(no_runs, monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    assert open_view("collapse").info[0].value.startswith("There is no model yet.")


def test_runs_of_one_title_are_told_apart(no_runs):
    """The browser sends back the label of what was chosen."""
    ids = [make_run(no_runs, title="twin", latent_dim=count) for count in (2, 3, 4)]
    for model, count in zip(ids, (2, 3, 4), strict=True):
        at = open_view("collapse")
        choose(at, "collapsed", model)
        assert at.query_params == {"collapsed": model}
        settle(at)
        assert len(column(charts(at)["kl-per-latent"]["data"][0], "y")) == count


LINK = {
    "collapsed": "digits-2d-beta-1",
    "warmup-percent": "25",
    "cycles": "8",
    "free-bits": "0.25",
    "capacity": "7.5",
    "beta-divisor": "10",
}


def test_a_link_reproduces_the_screen(no_runs):
    at = open_view("collapse", **LINK)
    assert not at.toast and at.query_params == LINK
    changes = {name: row["what is changed"] for name, row in table(at).items()}
    assert "1,000 of 4,000 steps" in changes["KL warm-up"] and "8 times" in changes["cycles"]
    assert "0.25 nats" in changes["free bits"] and "7.5 nats" in changes["capacity"]
    assert changes["smaller β"] == "β = 0.1"
    choose(at, "cycles", 4)
    choose(at, "free-bits", 1.0)
    assert at.query_params == {k: v for k, v in LINK.items() if k not in ("cycles", "free-bits")}


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-1", "0", "9" * 400, "1e999", "<b>", "../x", "\0", "[1]", "1,2"]
)
def test_a_hostile_link_opens_the_default_screen_with_notices(no_runs, text):
    at = open_view("collapse", **dict.fromkeys(LINK, text))
    assert len(at.toast) == len(LINK)
    assert at.error[0].value.startswith("**Collapsed:**")
    assert at.query_params == {}
    settle(at)
    assert not at.toast, "said once"


def test_the_strengths_on_the_screen_are_those_of_the_models():
    named = {"warmup_percent", "cycles", "free_bits", "capacity", "beta_divisor"}
    shown = {name: state.SETTINGS[name.replace("_", "-")].default for name in named}
    assert Strengths(**shown) == Strengths()


# --- remedies ------------------------------------------------------------------------------------


def test_finished_remedies_are_found_by_their_settings(no_runs, small, shown):
    """Whoever trained them, with however many threads; and nothing else is taken for them."""
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
    originals, _, last = shown[None][-3:]
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

    def train(self, config, title):
        return self._submit(config, title)

    def go_on(self, run_id, title):
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


def test_what_was_cut_short_goes_on(no_runs, small, desk):
    begun = train(no_runs, wanted()["cycles"].config, events=2)
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
    odd = Run.create(no_runs, wanted()["cycles"].config, "odd")
    (odd.folder / "metrics.jsonl").write_text('7\n{"epoch": "two"}\n[]\n{"ep')
    lost = Run.create(no_runs, SMALL, "lost")
    (lost.folder / "config.json").write_text("{")
    assert table(open_view("collapse", collapsed=small.id))["cycles"]["verdict"] == "started"


# --- in the browser ------------------------------------------------------------------------------


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
    long = replace(SMALL, training=replace(SMALL.training, epochs=300, seed=5))
    base = train(runs_dir, long, "long model", events=1)
    page = visit(f"collapsed={base.id}", screen="collapse")
    page.get_by_role("button", name="Train the remedies").click()
    page.get_by_text(re.compile(r"epoch \d+ of 300.*6 wait")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Train the remedies").wait_for()
    assert page.get_by_role("progressbar").count() == 0
    page.get_by_role("cell", name="cancelled").first.wait_for()


@pytest.mark.browser
def test_the_missing_remedy_is_trained_and_found_again(visit, server, runs_dir, treated):
    page = visit(f"collapsed={treated.id}", screen="collapse")
    page.get_by_text("1 training, about").wait_for()
    page.get_by_role("button", name="Train the others").click()
    row = page.get_by_role("row", name=re.compile("^cycles"))
    row.get_by_text(re.compile("collapsed")).wait_for()
    page.get_by_text("Measured after the last step").wait_for()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    assert page.get_by_role("button", name=re.compile("^Train")).count() == 0
    page.reload()
    row.get_by_text(re.compile("collapsed")).wait_for()
    assert page.get_by_role("button", name=re.compile("^Train")).count() == 0
