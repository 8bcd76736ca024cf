"""What can be touched in lessons: it draws and says what the numerics give, for every model."""

import math
import re

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from explorer.services import catalogue
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import pictures
from explorer.widgets.text import plain
from models.data.load import load
from models.metrics.likelihood import binarize, importance_weighted_bound
from models.storage.checkpoint import read, restore
from models.theory.gradient_estimators import ESTIMATORS, gradient_variances
from tests.helpers.app_test import charts, choose, column, open_view, press, said, settle
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.paths import MNIST, ROOT

DIGITS = {
    beta: read(ROOT / "checkpoints" / f"digits-2d-beta-{beta}.safetensors")
    for beta in ("0.1", "1", "4")
}
IMAGES = load("digits", "test").images


def real(text):
    """A number as the page writes it."""
    return float(text.replace("−", "-"))


def near(expected):
    return pytest.approx(expected, abs=0.00501)


# --- KL, both ways -------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "deviation"), [(1.0, 0.5), (-2.5, 1.3), (0.0, 1.0), (3.0, 0.1)])
def test_divergences_are_drawn_and_said(no_runs, mean, deviation):
    at = open_view(
        "lessons", experiment="kl", mean=str(mean), deviation=str(deviation), samples="10000"
    )
    p, q = (
        Normal(*torch.tensor(pair, dtype=torch.float64)) for pair in ((0.0, 1.0), (mean, deviation))
    )
    exact = [kl_divergence(*pair).item() for pair in ((q, p), (p, q))]
    pattern = r"KL\(. ‖ .\) = (\d+\.\d+) nats, by samples (−?\d+\.\d+) ± (\d+\.\d+)"
    found = [tuple(map(real, numbers)) for numbers in re.findall(pattern, said(at))]
    for truth, (closed, measured, error) in zip(exact, found, strict=True):
        assert closed == near(truth)
        assert abs(measured - truth) <= 4.5 * error + 0.001
    drawn = charts(at)
    for trace, distribution in zip(drawn["densities"]["data"], (q, p), strict=True):
        z = torch.tensor(column(trace, "x"), dtype=torch.float64)
        assert column(trace, "y") == pytest.approx(
            distribution.log_prob(z).exp().tolist(), abs=1e-6
        )
    curves, (first, second) = drawn["divergences"]["data"][::2], drawn["divergences"]["data"][1::2]
    grid = torch.tensor(column(curves[0], "x"))
    expected = kl_divergence(Normal(mean, grid), p)
    assert column(curves[0], "y") == pytest.approx(expected.tolist(), rel=1e-5, abs=1e-6)
    assert column(first, "x") == column(second, "x") == [deviation]
    assert column(second, "y")[0] == near(found[1][1])


def test_sliders_move_the_densities_and_the_link(no_runs):
    at = open_view("lessons", experiment="kl")
    choose(at, "mean", -2.0)
    choose(at, "deviation", 0.25)
    choose(at, "samples", 100)
    assert at.query_params == {
        "mean": "-2.0", "deviation": "0.25", "samples": "100",
        "lesson": "asymmetry", "predicted": "asymmetry~-",
    }  # fmt: skip
    peak = charts(at)["densities"]["data"][0]
    assert column(peak, "x")[int(np.argmax(column(peak, "y")))] == pytest.approx(-2.0)
    before = said(at)
    press(at, "Draw again")
    assert said(at) != before and at.query_params["draw"] == "1"
    again = open_view("lessons", **at.query_params)
    assert said(again) == said(at), "a link repeats the samples"


# --- two gradients -------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["mean", "deviation"])
def test_gradients_are_drawn_beside_their_closed_forms(no_runs, by):
    link = {"mean": "0.5", "deviation": "1.5", "target": "-1.0"}
    at = open_view("lessons", experiment="gradient", by=by, **link)
    variances = gradient_variances(0.5, 1.5, -1.0, by)
    drawn = charts(at)
    lines = drawn["gradient-variance"]["data"][::2]
    dots = drawn["gradient-variance"]["data"][1::2]
    for name, line, dot in zip(ESTIMATORS, lines, dots, strict=True):
        counts = np.array(column(line, "x"))
        assert counts.tolist() == [1, 2, 4, 8, 16, 32, 64, 128] == column(dot, "x")
        assert column(line, "y") == pytest.approx((variances[name] / counts).tolist())
        assert np.log(column(dot, "y")) == pytest.approx(np.log(column(line, "y")), abs=0.4)
        assert dot["name"] == name
    truth = {"mean": 3.0, "deviation": 3.0}[by]
    assert drawn["gradient-mean"]["layout"]["shapes"][0]["y0"] == truth
    for trace in drawn["gradient-mean"]["data"]:
        error = np.array(column(trace["error_y"], "array")) / 2
        assert (np.abs(np.array(column(trace, "y")) - truth) < 4.5 * error).all()
    first, second, third = variances.values()
    assert f"E[(z − a)²] is {truth:.2f}" in said(at)
    assert f"needs {second / first:,.1f} samples, with a baseline {third / first:,.1f}" in said(at)


# --- one sample or many --------------------------------------------------------------------------


def test_bounds_are_those_of_the_metrics(no_runs, shown):
    at = open_view("lessons", experiment="samples", point="58", draw="3")
    image = binarize(torch.tensor(IMAGES[58:59]), 3)
    (caption,) = shown
    assert caption == "Image 58, binarised"
    assert (shown[caption][0] == pictures.one(image.numpy())).all()
    model = restore(DIGITS["1"])
    bounds = charts(at)["bounds"]
    elbo, weighted = bounds["data"]
    assert [row[0] for row in column(elbo, "customdata")] == [1, 2, 5, 20, 100]
    for k, value in zip((1, 5, 100), np.array(column(weighted, "y"))[[0, 2, 4]], strict=True):
        other = importance_weighted_bound(model, image.expand(4000 // k, -1, -1, -1), k, seed=99)
        error = math.hypot(other.std() / len(other) ** 0.5, other.std() / (10_000 / k) ** 0.5)
        assert abs(value - other.mean().item()) < 4.5 * error
    assert column(elbo, "y") == pytest.approx([column(elbo, "y")[0]] * 5)
    assert column(weighted, "y") == sorted(column(weighted, "y"))
    spreads = np.array([row[1] for row in column(elbo, "customdata")])
    assert spreads == pytest.approx(spreads[0] / np.sqrt([1, 2, 5, 20, 100]), rel=0.25)
    truth = bounds["layout"]["shapes"][0]["y0"]
    assert max(column(weighted, "y")) < truth
    assert f"it cannot pass ln p(x) = {truth:.3f}".replace("-", "−") in said(at)
    last = column(weighted, "y")[-1]
    assert re.search(rf"to {last:.3f}\s±\s0\.\d{{3}} nats".replace("-", "−"), said(at))


def test_many_samples_come_near_the_exact_evidence(no_runs):
    """The dashed line is what the importance-weighted bound tends to."""
    at = open_view("lessons", experiment="samples", point="0", model="digits-2d-beta-4")
    truth = charts(at)["bounds"]["layout"]["shapes"][0]["y0"]
    image = binarize(torch.tensor(IMAGES[:1]), 0)
    many = importance_weighted_bound(restore(DIGITS["4"]), image, 20_000)
    assert truth == pytest.approx(many.item(), abs=1e-3), "β = 4: the posterior is the prior"


# --- β and q(z|x) --------------------------------------------------------------------------------


def test_posteriors_of_one_image_under_every_beta(no_runs, shown):
    at = open_view("lessons", experiment="beta", point="7")
    rings, centres = (charts(at)["posteriors"]["data"][i::2] for i in (0, 1))
    assert [trace["name"] for trace in centres] == ["β = 0.1", "β = 1", "β = 4"]
    for checkpoint, ring, centre in zip(DIGITS.values(), rings, centres, strict=True):
        mean, spread = (
            checkpoint.codes.mean[7],
            np.exp(0.5 * checkpoint.codes.log_variance[7]),
        )
        assert [*column(centre, "x"), *column(centre, "y")] == pytest.approx(mean.tolist())
        for axis, m, s in zip("xy", mean, spread, strict=True):
            edge = column(ring, axis)
            assert [min(edge), max(edge)] == pytest.approx([m - s, m + s], rel=1e-3, abs=1e-5)
        text = f"σ {spread.mean():.2f}, KL {checkpoint.codes.rate[7].sum():.2f} nats"
        assert text in said(at)
    radii = sorted(shape["x1"] for shape in charts(at)["posteriors"]["layout"]["shapes"])
    assert radii == [1, 2, 3], "the prior's circles"
    assert (shown["Image 7"][0] == pictures.one(IMAGES[7:8])).all()


def test_only_models_that_differ_in_beta_alone_are_compared(no_runs):
    ours = make_run(no_runs, latent_dim=3)
    make_run(no_runs, latent_dim=3, activation="silu")
    make_run(no_runs, latent_dim=4)
    at = open_view("lessons", experiment="beta", model=ours)
    (trace,) = charts(at)["posteriors"]["data"]
    codes = read(no_runs / ours / "model.safetensors").codes
    assert trace["name"] == "β = 1"
    assert column(trace, "y") == pytest.approx(codes.mean[0].tolist())
    spread = np.exp(0.5 * codes.log_variance[0])
    assert column(trace["error_y"], "array") == pytest.approx(spread.tolist())
    sentence = "No other model differs from this one in β alone."
    assert any(info.value.startswith(sentence) for info in at.info)
    command = at.code[0].value
    assert command.startswith("python -m models train") and "--latent-dim 3" in command
    assert "--beta 4.0" in command


# --- every kind of model, every link -------------------------------------------------------------

KINDS = [
    {"latent_dim": 1}, {"latent_dim": 20}, {"labels": 0}, {"image_shape": (3, 8, 9)},
    {"network": "conv", "hidden": (4, 8)}, {"likelihood": "gaussian-pixel"}, {"scale": 0.0},
    {"count": 1},
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_of_vae_works(no_runs, kind):
    model = make_run(no_runs, **kind)
    at = open_view("lessons", experiment="beta", model=model)
    count = kind.get("latent_dim", 2)
    traces = charts(at)["posteriors"]["data"]
    assert len(column(traces[-1], "x")) == (1 if count == 2 else min(10, count))
    assert (f"The first 10 of {count} latents." in said(at)) == (count > 10)
    at = open_view("lessons", experiment="samples", model=model)
    assert any("have changed" in info.value for info in at.info), "its images are not here"
    assert not charts(at) and "nan" not in said(at).lower()


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_only_a_bernoulli_needs_binary_images(no_runs, shown, likelihood, monkeypatch):
    model = make_run(no_runs, likelihood=likelihood, latent_dim=3, count=500)
    monkeypatch.setattr(LoadedModel, "test_images", load("digits", "test"))
    at = open_view("lessons", experiment="samples", model=model)
    (caption,) = shown
    assert caption == ("Image 0, binarised" if likelihood == "bernoulli" else "Image 0")
    levels = set(np.unique(shown[caption][0]))
    assert (levels <= {0, 255}) == (likelihood == "bernoulli")
    assert "shapes" not in charts(at)["bounds"]["layout"], "three latents: no exact value"
    assert "it cannot pass" not in said(at)


@pytest.mark.parametrize("experiment", ["samples", "beta"])
def test_an_autoencoder_is_one_sentence(no_runs, experiment):
    at = open_view("lessons", experiment=experiment, model="digits-autoencoder")
    assert at.info[0].value.startswith("An autoencoder has no prior and no rate")
    assert not charts(at)
    choose(at, "model", "digits-2d-beta-1")
    assert charts(at)


@pytest.mark.skipif(not MNIST, reason="no MNIST model ships")
def test_absent_images_are_said_with_the_way_to_get_them(no_runs, monkeypatch, tmp_path, shown):
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    at = open_view("lessons", experiment="samples")
    choose(at, "model", "mnist-2d-beta-1")
    assert "`python -m models data download mnist`" in at.info[0].value
    choose(open_view("lessons", experiment="beta"), "model", "mnist-2d-beta-1")
    assert "Image 0, decoded" in shown


def test_a_broken_file_is_one_sentence_and_the_rest_works(no_runs):
    broken = break_run(no_runs)
    at = open_view("lessons", experiment="beta", model=broken)
    (warning,) = at.warning
    assert warning.value.startswith(plain(f"The model {broken} cannot be opened: "))
    assert charts(at) and len(at.toast) == 1, "the link asked for it"


@pytest.mark.parametrize("experiment", ["samples", "beta"])
def test_without_a_model_the_screen_says_how_to_make_one(
    no_runs, monkeypatch, tmp_path, experiment
):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    at = open_view("lessons", experiment=experiment)
    assert at.info[0].value.startswith("There is no model yet.")
    assert not charts(at)


LINK = {"experiment": "beta", "mean": "0.5", "deviation": "2", "target": "1", "by": "deviation",
        "samples": "10", "draw": "4", "point": "3", "model": "digits-2d-beta-4"}  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "nan", "-inf", "1e999", "-7", "9" * 400, "<b>", "../x", "\0", "[1]", "1,2"]
)
@pytest.mark.parametrize("experiment", ["kl", "gradient", "samples", "beta"])
def test_a_hostile_link_opens_the_default_with_notices(no_runs, experiment, text):
    given = dict.fromkeys(LINK, text) | {"experiment": experiment}
    at = open_view("lessons", **given)
    unseen = {"kl": 1, "gradient": 1, "samples": 0, "beta": 0}[experiment]  # no model is chosen
    assert len(at.toast) == len(LINK) - 1 - unseen
    assert charts(at)
    assert set(at.query_params) <= {"lesson", "predicted", "model"}
    settle(at)
    assert not at.toast, "said once"


def test_samples_that_are_not_offered_become_the_default(no_runs):
    at = open_view("lessons", experiment="kl", samples="12")
    assert at.selectbox("control-samples").value == 1000 and len(at.toast) == 1


def test_a_point_beyond_the_test_set_is_dropped(no_runs):
    at = open_view("lessons", experiment="beta", point="500")
    assert len(at.toast) == 1 and at.number_input("control-point").value is None
    assert charts(at)
