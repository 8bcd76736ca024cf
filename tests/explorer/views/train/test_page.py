"""The Train page: what its form asks for, and what that costs."""

import re

import pytest

from explorer.services import training_form, training_runs
from explorer.views.train.active_jobs import duration
from explorer.widgets.text import plain
from explorer.words import words
from models.config import (
    override,
)
from models.data.load import load
from models.families.registry import build_model, count_parameters
from models.presets import PRESETS
from models.runs.folder import list_runs
from models.theory.collapse_threshold import collapse_threshold
from tests.helpers.app_test import choose, open_view, press, said, settle
from tests.helpers.browser_page import assert_fits
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.checkpoints import make_run
from tests.helpers.train_page import field, needing, order, trained, write


def test_the_form_opens_with_the_preset_and_explains_each_field(no_runs, desk):
    at = open_view("train")
    config = PRESETS["digits-2d"]
    shown = {item.name: field(at, item.link) for item in training_form.FIELDS}
    assert [name for name, widget in shown.items() if widget is None] == ["sigma", "stabiliser"]
    for item in training_form.FIELDS:
        assert shown[item.name] is None or item.help in shown[item.name].help
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
    title = words(name)
    assert desk.asked == [(PRESETS[name], title, f"Training “{title}”")]
    betas = PRESETS[name].model.capabilities.betas
    assert (field(at, "training-beta") is not None) == (betas == "one")
    assert (field(at, "warmup") is not None) == (betas != "none")


def test_the_form_predicts_which_beta_collapses(no_runs, desk):
    at = open_view("train")
    text = "With these images and this likelihood, a β above 3.35 collapses."
    assert text in said(at) and not at.warning
    at = choose(at, "training-beta", 4.0)
    assert [box.value for box in at.warning] == [f"{text} β is 4."]
    at = choose(at, "likelihood", "gaussian")  # σ = 1 of the preset, or what it says
    sigma = PRESETS["digits-2d"].model.sigma
    beta = collapse_threshold(load("digits", "train").images, "gaussian", sigma).beta
    assert f"a β above {beta:.3g} collapses" in said(at) + "".join(b.value for b in at.warning)
    at = choose(at, "likelihood", "gaussian-pixel")
    assert "collapses" not in said(at) and not at.warning


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
    title = "Digits, 2 latents"
    assert desk.asked == [(PRESETS["digits-2d"], title, f"Training “{title}”")]


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


def test_seconds_are_those_of_the_work(no_runs, desk):
    """Ten times the epochs take ten times as long; what changes no step is not measured again."""
    config = PRESETS["digits-2d"]
    found = training_runs.cost(config)
    measured = training_runs._pace.cache_info().misses
    longer = training_runs.cost(override(config, epochs=2000, beta=7.0, seed=3))
    assert training_runs._pace.cache_info().misses == measured
    assert longer.seconds == pytest.approx(10 * found.seconds, rel=0.2)
    assert training_runs.cost(override(config, hidden=(1024, 512))).seconds > 2 * found.seconds


def test_the_seconds_are_shown(no_runs, desk):
    seconds = training_runs.cost(override(PRESETS["digits-2d"], hidden=(17,))).seconds
    shown = f"about {duration(seconds)} on this machine"
    assert shown in said(open_view("train", hidden="17"))


@pytest.mark.browser
def test_the_page_fits_with_a_finished_training(visit, server, runs_dir):
    trained(runs_dir, title="small model")
    page = visit("epochs=3&title=short%20one", screen="train")
    page.get_by_text(re.compile(r"parameters · 60 steps")).wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text(
        re.compile("Training “short one” is done. D .* nats per test image")
    ).wait_for()
    settle_page(page)
    page.locator(".js-plotly-plot .main-svg").nth(1).wait_for()
    assert_fits(page, "train")
    (run,) = (run for run in list_runs(runs_dir) if run.title == "short one")
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The run “short one” was deleted.").wait_for()
    assert run not in list_runs(runs_dir)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("The run “short one” was deleted.").wait_for(state="detached")
    assert run in list_runs(runs_dir)
