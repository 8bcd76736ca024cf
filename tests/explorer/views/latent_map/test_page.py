"""The page of the latent map: every model, view, colour, link and refusal."""

import re

import numpy as np
import pytest

from explorer.assets.map_spec import COLOURS, VIEWS
from explorer.services import catalogue, job_queue
from explorer.widgets.text import plain
from models.config import ModelConfig, RunConfig
from models.latents.planes import coordinate_plane
from models.runs.folder import Run
from models.storage.checkpoint import read, write
from models.storage.tensors import write_tensors
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.map_page import (
    DIGITS,
    bars,
    chart,
    choose,
    live_map,
    numbers_of,
    points,
    settle,
    texts,
    unpacked,
    visit,
)
from tests.helpers.paths import SHIPPED


def test_the_default_screen():
    at = visit()
    assert at.selectbox("control-model").value == "digits-2d-beta-1"
    assert len(at.selectbox("control-model").options) == len(SHIPPED)
    figure = chart(at)
    assert points(figure) == np.bincount(DIGITS.codes.labels).tolist()
    assert [trace["name"] for trace in figure["data"]] == list(DIGITS.card.class_names)
    assert figure["layout"]["xaxis"]["title"]["text"] == "z₁ (prior standard deviations)"
    mean, error = DIGITS.card.metrics["negative_elbo"]
    assert f"**−ELBO** {mean:.2f} ± {error:.2f} nats/image" in texts(at)
    assert "**Active** 2 of 2 latents" in texts(at)
    assert "**Test set** 500 images" in texts(at)
    assert at.query_params == {}
    assert not (at.warning or at.error or at.toast)
    assert live_map(at)["pins"] == [] and live_map(at)["point"] is None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_model_in_every_view_and_colour(path):
    stored = read(path)
    count = len(stored.codes)
    at = visit(model=path.stem, panel="prior", point="1")
    place = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    target = job_queue.projections().path(stored.fingerprint)
    target.parent.mkdir(parents=True)
    write_tensors(target, {"positions": place}, {})
    names = {label: name for name, label in COLOURS.items()}
    for view in VIEWS:
        choose(at, "view", view)
        for name in [names[label] for label in at.selectbox("control-colour").options]:
            choose(at, "colour", name)
            figure = chart(at)
            assert sum(points(figure)) == count and live_map(at)["point"] == 1
            assert (live_map(at)["plane"] is None) == (view == "tsne")
            titles = [figure["layout"][f"{axis}axis"]["title"]["text"] for axis in "xy"]
            assert all(re.search(r"\((prior standard deviations|no unit)\)$", t) for t in titles)
            if name != "class":
                bar = figure["data"][0]["marker"]["colorbar"]
                assert bar["title"]["text"].endswith(", nats")
    assert not (at.warning or at.error or at.toast)
    assert unpacked(figure["data"][0]["x"]).tolist() == place[:, 0].tolist(), "ends with t-SNE"


def test_the_map_is_where_the_codes_are():
    at = visit(x="2", y="1", colour="distortion")
    (trace,) = chart(at)["data"]
    plane = coordinate_plane(DIGITS.codes.mean, 1, 0).project(DIGITS.codes.mean)
    assert np.allclose(unpacked(trace["x"]), plane[:, 0])
    assert np.allclose(unpacked(trace["y"]), plane[:, 1])
    assert np.allclose(unpacked(trace["marker"]["color"]), DIGITS.codes.distortion)


LINK = {
    "model": "digits-2d-beta-4",
    "view": "pca",
    "x": "2",
    "y": "1",
    "colour": "elbo",
    "point": "7",
    "panel": "grid",
    "z": "0.5,-1.25",
    "draw": "3",
    "side": "4",
    "pins": "A~0.5,-1;a seven~1,0.25~7",
    "second": "digits-2d-beta-1",
    "pins-2": "A~-1,0",
}


def test_a_link_reproduces_the_screen_and_is_published_again(shown):
    at = visit(**LINK)
    assert not at.toast
    assert at.query_params == LINK
    assert at.selectbox("control-model").value == LINK["model"]
    assert at.button_group("control-view").value == "pca"
    assert at.selectbox("control-colour").value == "elbo"
    assert at.number_input("control-point").value == 7
    assert at.slider("control-side").value == 4
    assert live_map(at)["pins"] == [
        {"z": [0.5, -1.0], "name": "A", "point": None},
        {"z": [1.0, 0.25], "name": "a seven", "point": 7},
    ]
    assert live_map(at, "map-2")["pins"] == [{"z": [-1.0, 0.0], "name": "A", "point": None}]
    assert live_map(at, "map-2")["model"] != live_map(at)["model"]
    choose(at, "panel", "hand")
    assert [at.slider(f"control-z-{j}-3").value for j in (0, 1)] == [0.5, -1.25]
    choose(at, "view", "raw")
    assert (at.selectbox("control-x").value, at.selectbox("control-y").value) == (2, 1)
    kept = LINK.keys() - {"panel", "view"}
    assert at.query_params == {name: LINK[name] for name in kept}


HOSTILE = [
    "", "../../etc/passwd", "<img src=x onerror=alert(1)>", "![x](https://example.org)", "a\0b",
    "9" * 400, "-1", "1e999", "nan", "true", "[1]", "\u202egpj",
]  # fmt: skip


@pytest.mark.parametrize("shift", range(0, len(HOSTILE), 3))
def test_a_hostile_link_opens_the_default_screen_with_notices(shift):
    given = dict(zip(LINK, HOSTILE[shift:] + HOSTILE[:shift], strict=False))
    at = visit(**given, unknown=HOSTILE[shift])
    assert len(at.toast) in (12, 13), "a number is a code of another length, said where it is shown"
    assert len(chart(at)["data"]) == 10
    assert at.query_params == {}
    said = " ".join(texts(at)).split()
    assert not [text for text in given.values() if text in said]
    settle(at)
    assert not at.toast, "said once"


@pytest.mark.parametrize(
    ("link", "count"),
    [
        ({"model": "digits-2d-beta-999"}, 1),
        ({"x": "3"}, 1),
        ({"x": "1", "y": "1"}, 1),
        ({"view": "pca", "x": "200", "y": "200", "panel": "grid"}, 2),
        ({"point": "500"}, 1),
        ({"z": "1,2,3"}, 1),
        ({"z": "999,-999"}, 0),
        ({"model": "digits-autoencoder", "colour": "elbo"}, 1),
        ({"side": "31", "panel": "grid"}, 1),
        ({"embed": "true"}, 0),
    ],
)
def test_what_this_model_has_not_becomes_the_default_with_a_notice(link, count):
    at = visit(**link)
    assert len(at.toast) == count
    assert sum(points(chart(at))) == 500


def test_a_smaller_test_set_forgets_the_point_of_the_larger(no_runs):
    small = make_run(no_runs, count=40)
    at = visit(point="400", panel="grid")
    choose(at, "model", small)
    assert at.number_input("control-point").value is None
    assert len(at.toast) == 1
    assert live_map(at)["point"] is None
    assert at.query_params["panel"] == "grid" and "point" not in at.query_params


def test_without_a_model_the_screen_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    at = visit(**LINK)
    assert [info.value for info in at.info] == [
        "There is no model yet. Train one in seconds: `python -m models train`"
    ]
    assert chart(at) is None


def test_the_users_models_alone_are_enough(tmp_path, monkeypatch, no_runs):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    make_run(no_runs, title="mine")
    at = visit()
    assert at.selectbox("control-model").options == ["noise · mine (yours)"]
    assert sum(points(chart(at))) == 40
    assert not at.toast


@pytest.mark.parametrize("content", [b"", b"\x80\x04evil"])
def test_a_broken_file_is_one_sentence_and_the_rest_works(no_runs, content):
    broken = break_run(no_runs, content)
    at = visit(model=broken)
    (warning,) = at.warning
    assert warning.value.startswith(plain(f"The model {broken} cannot be opened: "))
    assert str(no_runs) not in warning.value
    assert broken not in " ".join(at.selectbox("control-model").options)
    assert sum(points(chart(at))) == 500
    assert len(at.toast) == 1, "the link asked for it"


def test_weights_that_do_not_fit_are_one_sentence_beside_the_map(no_runs):
    run = Run.create(no_runs, DIGITS.card.config, "headless")
    write(run.model_path, DIGITS.card, {}, DIGITS.codes)
    at = visit(model=run.id)
    (error,) = at.error
    assert error.value.startswith("This model cannot be used: the file must hold the tensor")
    assert sum(points(chart(at))) == 500
    choose(at, "model", "digits-2d-beta-1")
    assert not at.error


KINDS = {
    "one latent": {"latent_dim": 1},
    "thirty latents": {"latent_dim": 30},
    "an autoencoder": {"family": "autoencoder"},
    "an autoencoder of one latent": {"family": "autoencoder", "latent_dim": 1},
    "no labels": {"labels": 0},
    "an autoencoder without labels": {"labels": 0, "family": "autoencoder"},
    "a collapsed posterior": {"scale": 0.0},
    "colour images": {"image_shape": (3, 8, 9)},
    "a convolution": {"network": "conv", "hidden": (4, 8)},
    "a learned variance": {"likelihood": "gaussian-pixel"},
    "one image": {"count": 1},
    "one image of an autoencoder": {"count": 1, "family": "autoencoder"},
    "a hundred classes": {"labels": 100, "count": 120},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_model_works_everywhere(no_runs, kind):
    model = make_run(no_runs, **kind)
    codes = read(Run(no_runs / model).model_path).codes
    at = visit(model=model, point=str(len(codes) - 1))
    for panel in ("hand", "prior", "grid"):
        choose(at, "panel", panel)
    assert sum(points(chart(at))) == len(codes)
    if codes.latent_dim > 1:
        choose(at, "view", "pca")
    choose(at, "colour", "distortion")
    choose(at, "point", None)
    assert sum(points(chart(at))) == len(codes)
    assert not (at.warning or at.error or at.toast)
    assert "nan" not in " ".join(texts(at)).lower().split()


def test_one_latent_is_drawn_against_the_distortion(no_runs):
    model = make_run(no_runs, latent_dim=1)
    codes = read(Run(no_runs / model).model_path).codes
    at = visit(model=model, colour="kl")
    assert at.button_group("control-view").options == ["The latent", "t-SNE"]
    figure = chart(at)
    assert np.allclose(unpacked(figure["data"][0]["x"]), codes.mean[:, 0])
    assert np.allclose(unpacked(figure["data"][0]["y"]), codes.distortion)
    titles = [figure["layout"][f"{axis}axis"]["title"]["text"] for axis in "xy"]
    assert titles == ["z₁ (prior standard deviations)", "D, nats"]
    assert len(visit(model=model, view="pca").toast) == 1


def test_equal_tensors_of_other_settings_are_another_model(no_runs, shown):
    visit(model=make_run(no_runs, activation="relu"), point="0", panel="grid")
    visit(model=make_run(no_runs, activation="silu"), point="0", panel="grid")
    first, second = shown["Decoded mean"]
    assert (first != second).any()


def test_an_autoencoder_shows_no_kl(no_runs):
    at = visit(model=make_run(no_runs, family="autoencoder"), point="0", panel="prior")
    assert at.selectbox("control-colour").options == ["Class", "Distortion D"]
    assert list(numbers_of(at)) == ["latent", "μ"]
    assert bars(at) is None
    assert any("no σ and no KL" in line for line in texts(at))
    assert any("has no prior" in line for line in texts(at))


def test_many_latents_show_kl_bars_and_sliders_for_the_widest(no_runs):
    model = make_run(no_runs, latent_dim=30)
    codes = read(Run(no_runs / model).model_path).codes
    at = visit(model=model, point="3")
    kl = bars(at)["data"][0]
    assert np.allclose(unpacked(kl["y"]), codes.rate[3])
    assert numbers_of(at) is None
    table = at.dataframe[0].value
    assert table["latent"].tolist() == list(range(1, 31))
    assert table["μ"].tolist() == pytest.approx(codes.mean[3].tolist())
    assert table["KL, nats"].tolist() == pytest.approx(codes.rate[3].tolist())
    widest = np.sort(np.argsort(-codes.mean.var(0), kind="stable")[:20])
    assert {slider.key for slider in at.slider} == {f"control-z-{j}-3" for j in widest}
    at.toggle[0].set_value(True)
    settle(at)
    assert len(at.slider) == 30


def test_a_strangers_texts_are_shown_as_they_are(no_runs):
    evil = "![x](https://example.org/x.png) :red[a] $b$"
    model = make_run(no_runs, names=[evil, "<b>", "c", "d"], title=evil)
    at = visit(model=model, point="0")
    assert f"Image 0 · class {plain(evil)}" in texts(at)
    assert not any("](http" in line for line in texts(at))
    shots = "".join(html.proto.body for html in at.get("html"))
    assert "<b>" not in shots and "&lt;b&gt;" in shots
    names = [trace["name"] for trace in chart(at)["data"]]
    assert names[1] == "&lt;b&gt;"


@pytest.mark.parametrize("metrics", [{}, {"rate": 3, "distortion": [1], "active_units": [1, 2]}])
def test_scores_of_another_form_are_left_out(no_runs, metrics):
    run = Run.create(no_runs, RunConfig("digits", ModelConfig()), "odd")
    card = type(DIGITS.card)(**DIGITS.card.__dict__ | {"metrics": metrics})
    write(run.model_path, card, DIGITS.weights, DIGITS.codes)
    at = visit(model=run.id)
    assert not any("nats/image" in line or "Active" in line for line in texts(at))
