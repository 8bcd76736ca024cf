"""The diagnosis on the Collapse page is that of the metrics."""

import math

import numpy as np
import pytest
import torch

from explorer import state
from explorer.services import catalogue
from explorer.widgets import pictures
from explorer.widgets.text import plain
from models.data.load import load
from models.latents.samples import draw_codes
from models.runs.folder import Run
from models.storage.checkpoint import restore, write
from models.training.remedies import Strengths
from tests.helpers.app_test import charts, choose, column, open_view, said, settle
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.collapse_page import (
    COLLAPSED,
    LIVELY,
    NAMES,
    diagnosis,
    score,
    table,
)
from tests.helpers.paths import MAPPED, MNIST


@pytest.mark.parametrize("checkpoint", [COLLAPSED, LIVELY], ids=["collapsed", "lively"])
def test_the_diagnosis_is_that_of_the_metrics(no_runs, shown, checkpoint):
    link = {} if checkpoint is COLLAPSED else {"collapsed": "digits-2d-beta-1"}
    at = open_view("collapse", **link)
    found = diagnosis(checkpoint)
    (box,) = at.error if checkpoint is COLLAPSED else at.success
    assert box.value.replace("*", "") == f"{found.sentence}."
    expected = "It had to collapse: β = 4" if checkpoint is COLLAPSED else "It could not stay"
    assert expected in said(at) and "β* = 3.35" in said(at)
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
    assert (shown["Decoded means of 12 prior samples"][0] == sheet).all()


def test_the_default_screen_offers_the_remedies(no_runs):
    at = open_view("collapse")
    assert len(at.selectbox("control-collapsed").options) == len(MAPPED)
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
    labels = {button.label for button in at.button}
    assert labels <= {"Download MNIST"}, "its data are not on this machine"


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
    assert box.value.startswith("**3 of 20 latents collapsed:** 17 of 20 latents are active")
    assert "`python -m models data download mnist`" in said(at)
    assert "more images would raise it" in said(at), "I is near ln 10 000"
    assert "anywhere between this and R = 23.02 nats" in said(at)
    assert [button.label for button in at.button] == ["Download MNIST"]


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
