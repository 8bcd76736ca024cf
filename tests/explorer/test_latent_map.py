"""The first screen, driven through `navigation.py`: every model, view, link, panel and refusal."""

import base64
import json
import os
import re

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from explorer.assets import store
from explorer.assets.map_spec import COLOURS, VIEWS
from explorer.services import catalogue, job_queue, warm_up
from explorer.widgets import pictures
from explorer.widgets.text import plain
from models.config import ModelConfig, RunConfig
from models.data.load import load
from models.latents.planes import coordinate_plane
from models.latents.samples import draw_codes, grid_codes
from models.latents.tsne import tsne
from models.runs.folder import Run
from models.storage.checkpoint import read, restore, write
from models.storage.tensors import write_tensors
from tests.helpers.app_test import component_data
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.paths import MNIST, ROOT, SHIPPED
from tests.helpers.processes import PATIENCE

DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")


@pytest.fixture(autouse=True)
def runs_dir(tmp_path, monkeypatch):
    """An empty runs folder, nothing of another one remembered, no thread in the background.

    What is known by a file's path and time, or by its content, may stay.
    """
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(warm_up, "start", lambda: None)
    job_queue.projections.clear()
    return tmp_path / "runs"


@pytest.fixture(autouse=True, scope="module")
def streamlit():
    """Streamlit with empty caches, and without its search of every installed package."""
    st.cache_resource.clear()
    with pytest.MonkeyPatch.context() as patch:
        scanner = "streamlit.components.v2.manifest_scanner"
        patch.setattr(f"{scanner}.scan_component_manifests", list, raising=False)
        yield
    st.cache_resource.clear()


def visit(**link):
    """The screen that a link opens; nothing may be raised."""
    at = AppTest.from_file(str(ROOT / "explorer" / "navigation.py"), default_timeout=PATIENCE)
    at.query_params.update(link)
    return settle(at)


def settle(at):
    at.run()
    assert [error.value for error in at.exception] == []
    return at


def choose(at, name, value):
    """Works the control of a setting, whichever kind it is."""
    for kind in (at.button_group, at.selectbox, at.number_input, at.slider):
        for widget in kind:
            if widget.key == f"control-{name}":
                widget.set_value(value)
                return settle(at)
    raise AssertionError(f"no control for {name}")


def press(at, label):
    next(button for button in at.button if button.label == label).click()
    return settle(at)


def live_map(at, key="map"):
    """What a live map is told by Python; None if it is not on the screen."""
    for element in at.get("bidi_component"):
        if re.search(f"-{key}$", element.proto.id):
            return component_data(element)
    return None


def chart(at, key="map"):
    """The figure of a live map, as the browser fetches it; None if it is not there."""
    told = live_map(at, key)
    return None if told is None else json.loads(store.fetch(told["figure"]))


def bars(at):
    """The chart of KL per latent, as the browser gets it; None if it is not there."""
    charts = [element.proto for element in at.get("plotly_chart")]
    return json.loads(charts[0].spec) if charts else None


def unpacked(values):
    """An array as Plotly sends it."""
    if isinstance(values, list):
        return np.array(values)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    shape = [int(side) for side in values.get("shape", "").split(",") if side]
    return flat.reshape(shape) if shape else flat


def points(figure):
    """Number of points of every trace."""
    return [len(unpacked(trace["x"])) for trace in figure["data"]]


def texts(at):
    """Everything that is written on the screen."""
    kinds = (at.markdown, at.caption, at.subheader, at.info, at.warning, at.error, at.toast)
    return [element.value.replace("\xa0", " ") for kind in kinds for element in kind]


def numbers_of(at):
    """The columns of the inspector's short table, by their headings; None without one."""
    found = [text for text in texts(at) if text.startswith("latent | ")]
    if not found:
        return None
    heads, _, *rows = (line.split(" | ") for line in found[0].replace("−", "-").split("\n"))
    return dict(zip(heads, zip(*rows, strict=True), strict=True))


def picture_of(images):
    """The first of the images as it is shown."""
    return pictures.to_levels(images)[0]


def decode(checkpoint, z):
    """What the model makes of a code, by torch alone."""
    with torch.inference_mode():
        return restore(checkpoint).decode(torch.as_tensor(np.atleast_2d(z)).float()).numpy()


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


def test_the_inspector_shows_what_the_model_says(shown):
    at = visit(point="58")
    codes = DIGITS.codes
    rate = codes.rate[58]
    total = codes.distortion[58] + rate.sum()
    line = f"**D** {codes.distortion[58]:.1f} + **R** {rate.sum():.1f} = **−ELBO** {total:.1f} nats"
    assert line in texts(at)
    assert f"Image 58 · class {codes.labels[58]}" in texts(at)
    assert (shown["Original"][0] == picture_of(load("digits", "test").images[58:59])).all()
    assert (shown["Decoded mean"][0] == picture_of(decode(DIGITS, codes.mean[58]))).all()
    assert set(np.unique(shown["Sample of p(x|z)"][0])) == {0, 255}, "a Bernoulli draws 0 or 1"
    columns = {"μ": codes.mean[58], "σ": np.exp(codes.log_variance[58] / 2), "KL, nats": rate}
    expected = {name: tuple(f"{value:.3f}" for value in column) for name, column in columns.items()}
    assert numbers_of(at) == {"latent": ("z₁", "z₂")} | expected
    distance = np.sqrt(((codes.mean - codes.mean[58]) ** 2).sum(1))
    nearest = np.argsort(distance)[1:7]
    assert [f"{codes.labels[i]} · Δ {distance[i]:.2f}" in shown for i in nearest] == [True] * 6


def test_a_sample_stays_the_same_for_an_image(shown):
    at = visit(point="58")
    settle(at)
    first, second = shown["Sample of p(x|z)"]
    assert (first == second).all()


def test_number_and_random_select_an_image():
    at = visit()
    choose(at, "point", 499)
    assert live_map(at)["point"] == 499 and at.query_params == {"point": "499"}
    press(at, "Random")
    point = at.number_input("control-point").value
    assert live_map(at)["point"] == point and at.query_params == {"point": str(point)}
    choose(at, "point", None)
    assert live_map(at)["point"] is None and at.query_params == {}


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


def test_a_smaller_test_set_forgets_the_point_of_the_larger(runs_dir):
    small = make_run(runs_dir, count=40)
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


def test_the_users_models_alone_are_enough(tmp_path, monkeypatch, runs_dir):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    make_run(runs_dir, title="mine")
    at = visit()
    assert at.selectbox("control-model").options == ["noise · mine (yours)"]
    assert sum(points(chart(at))) == 40
    assert not at.toast


@pytest.mark.parametrize("content", [b"", b"\x80\x04evil"])
def test_a_broken_file_is_one_sentence_and_the_rest_works(runs_dir, content):
    broken = break_run(runs_dir, content)
    at = visit(model=broken)
    (warning,) = at.warning
    assert warning.value.startswith(plain(f"The model {broken} cannot be opened: "))
    assert str(runs_dir) not in warning.value
    assert broken not in " ".join(at.selectbox("control-model").options)
    assert sum(points(chart(at))) == 500
    assert len(at.toast) == 1, "the link asked for it"


def test_weights_that_do_not_fit_are_one_sentence_beside_the_map(runs_dir):
    run = Run.create(runs_dir, DIGITS.card.config, "headless")
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
def test_every_kind_of_model_works_everywhere(runs_dir, kind):
    model = make_run(runs_dir, **kind)
    codes = read(Run(runs_dir / model).model_path).codes
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


def test_one_latent_is_drawn_against_the_distortion(runs_dir):
    model = make_run(runs_dir, latent_dim=1)
    codes = read(Run(runs_dir / model).model_path).codes
    at = visit(model=model, colour="kl")
    assert at.button_group("control-view").options == ["The latent", "t-SNE"]
    figure = chart(at)
    assert np.allclose(unpacked(figure["data"][0]["x"]), codes.mean[:, 0])
    assert np.allclose(unpacked(figure["data"][0]["y"]), codes.distortion)
    titles = [figure["layout"][f"{axis}axis"]["title"]["text"] for axis in "xy"]
    assert titles == ["z₁ (prior standard deviations)", "D, nats"]
    assert len(visit(model=model, view="pca").toast) == 1


def test_equal_tensors_of_other_settings_are_another_model(runs_dir, shown):
    visit(model=make_run(runs_dir, activation="relu"), point="0", panel="grid")
    visit(model=make_run(runs_dir, activation="silu"), point="0", panel="grid")
    first, second = shown["Decoded mean"]
    assert (first != second).any()


def test_an_autoencoder_shows_no_kl(runs_dir):
    at = visit(model=make_run(runs_dir, family="autoencoder"), point="0", panel="prior")
    assert at.selectbox("control-colour").options == ["Class", "Distortion D"]
    assert list(numbers_of(at)) == ["latent", "μ"]
    assert bars(at) is None
    assert any("no σ and no KL" in line for line in texts(at))
    assert any("has no prior" in line for line in texts(at))


def test_many_latents_show_kl_bars_and_sliders_for_the_widest(runs_dir):
    model = make_run(runs_dir, latent_dim=30)
    codes = read(Run(runs_dir / model).model_path).codes
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


def test_a_strangers_texts_are_shown_as_they_are(runs_dir):
    evil = "![x](https://example.org/x.png) :red[a] $b$"
    model = make_run(runs_dir, names=[evil, "<b>", "c", "d"], title=evil)
    at = visit(model=model, point="0")
    assert f"Image 0 · class {plain(evil)}" in texts(at)
    assert not any("](http" in line for line in texts(at))
    shots = "".join(html.proto.body for html in at.get("html"))
    assert "<b>" not in shots and "&lt;b&gt;" in shots
    names = [trace["name"] for trace in chart(at)["data"]]
    assert names[1] == "&lt;b&gt;"


@pytest.mark.parametrize("metrics", [{}, {"rate": 3, "distortion": [1], "active_units": [1, 2]}])
def test_scores_of_another_form_are_left_out(runs_dir, metrics):
    run = Run.create(runs_dir, RunConfig("digits", ModelConfig()), "odd")
    card = type(DIGITS.card)(**DIGITS.card.__dict__ | {"metrics": metrics})
    write(run.model_path, card, DIGITS.weights, DIGITS.codes)
    at = visit(model=run.id)
    assert not any("nats/image" in line or "Active" in line for line in texts(at))


@pytest.mark.skipif(not MNIST, reason="no MNIST model ships")
def test_absent_originals_are_said_with_the_way_to_get_them(tmp_path, monkeypatch, shown):
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    at = visit(model=MNIST[0].stem, point="5")
    (line,) = [line for line in texts(at) if "originals of mnist" in line]
    assert "`python -m models data download mnist`" in line and "`LATENT_DATA_DIR`" in line
    assert str(tmp_path) not in line
    assert "Original" not in shown and "Decoded mean" in shown


@pytest.mark.mnist
def test_mnist_shows_its_originals(shown):
    visit(model=MNIST[0].stem, point="5")
    assert shown["Original"][0].shape == (28, 28, 3)


def test_originals_of_other_data_are_not_shown(runs_dir, shown):
    at = visit(model=make_run(runs_dir), point="0")
    assert "Original" not in shown
    assert any("have changed" in line for line in texts(at))


def test_sliders_decode_what_the_model_decodes(shown):
    at = visit()
    assert (shown["Decoded mean"][-1] == picture_of(decode(DIGITS, [0, 0]))).all()
    choose(at, "z-0-3", 1.5)
    choose(at, "z-1-3", -0.75)
    assert (shown["Decoded mean"][-1] == picture_of(decode(DIGITS, [1.5, -0.75]))).all()
    assert at.query_params == {"z": "1.5,-0.75"}
    press(at, "Back to the origin")
    assert [slider.value for slider in at.slider] == [0, 0]
    assert at.query_params == {}


def test_sliders_start_from_the_selected_image(shown):
    at = visit()
    button = next(b for b in at.button if b.label == "From the selected image")
    assert button.disabled
    choose(at, "point", 58)
    press(at, "From the selected image")
    z = DIGITS.codes.mean[58]
    assert [slider.value for slider in at.slider] == pytest.approx(z.tolist())
    assert (shown["Decoded mean"][-1] == picture_of(decode(DIGITS, z))).all()


def test_draw_again_draws_others_and_the_link_the_same(shown):
    at = visit(panel="prior")
    first = shown[None][-1]
    expected = pictures.sheet(decode(DIGITS, draw_codes(DIGITS.codes, 40, 0)), 20, 56, 4)
    assert (first == expected).all()
    press(at, "Draw again")
    assert (shown[None][-1] != first).any()
    assert at.query_params == {"panel": "prior", "draw": "1"}
    second = shown[None][-1]
    visit(panel="prior", draw="1")
    assert (shown[None][-1] == second).all()


def test_the_grid_has_the_asked_size_and_holds_the_other_latents(runs_dir, shown):
    at = visit(panel="grid", side="3")
    z = grid_codes(DIGITS.codes, 0, 1, 3, np.zeros(2))
    assert (shown[None][-1] == pictures.sheet(decode(DIGITS, z), 3, 186)).all()
    assert "z₁ across, −0.97 to 0.97; z₂ up, −0.97 to 0.97 (prior standard deviations). " in (
        " ".join(texts(at))
    )
    model = make_run(runs_dir, latent_dim=3)
    stored = read(Run(runs_dir / model).model_path)
    at = visit(model=model, panel="grid", side="3", point="9", x="3", y="1")
    z = grid_codes(stored.codes, 2, 0, 3, stored.codes.mean[9])
    assert (shown[None][-1] == pictures.sheet(decode(stored, z), 3, 186)).all()
    assert any("The other latents are those of image 9." in line for line in texts(at))
    choose(at, "point", None)
    assert any("The other latents are 0." in line for line in texts(at))


@pytest.mark.slow
def test_a_first_tsne_map_is_computed_and_kept(runs_dir):
    model = make_run(runs_dir)
    stored = read(Run(runs_dir / model).model_path)
    at = visit(model=model, view="tsne", colour="kl")
    (trace,) = chart(at)["data"]
    expected = tsne(stored.codes.mean)
    assert unpacked(trace["x"]).tolist() == expected[:, 0].tolist()
    assert job_queue.projections().path(stored.fingerprint).exists()
    assert live_map(at)["plane"] is None
    assert not [button for button in at.button if button.label == "Cancel"]


def test_too_few_codes_for_tsne_are_said(runs_dir):
    at = visit(model=make_run(runs_dir, count=3), view="tsne")
    assert "t-SNE needs at least 4 points; this test set has 3." in texts(at)
    assert chart(at) is None
    assert not os.path.exists(job_queue.projections().folder)


def test_a_tsne_map_that_fails_is_one_sentence_and_the_rest_works(runs_dir):
    model = make_run(runs_dir)
    at = visit(model=model, point="0")
    path = Run(runs_dir / model).model_path
    changed = path.stat().st_mtime_ns
    path.write_bytes(b"replaced")
    os.utime(path, ns=(changed, changed))
    choose(at, "view", "tsne")
    assert [error.value for error in at.error] == [
        "The map could not be computed: choose another view, then try again."
    ]
    assert chart(at) is None and "Image 0 · class class 0" in texts(at)
    choose(at, "view", "pca")
    assert sum(points(chart(at))) == 40 and not at.error
