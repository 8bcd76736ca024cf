"""The first screen, driven through `navigation.py`: every model, view, link and refusal."""

import itertools
import os
import re

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.assets import store
from explorer.assets.map_spec import COLOURS, VIEWS
from explorer.services import catalogue, job_queue, loaded_model, warm_up
from explorer.widgets.text import plain
from models.config import ModelConfig, RunConfig
from models.data.load import load
from models.latents.planes import coordinate_plane
from models.latents.tsne import tsne
from models.runs.folder import Run
from models.storage.checkpoint import read, write
from models.storage.tensors import read_tensors
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


def arrays(at, tmp_path, name="model", key="map"):
    """The tensors of a file that a live map fetches."""
    path = tmp_path / f"{name}.safetensors"
    path.write_bytes(store.fetch(live_map(at, key)[name]))
    return read_tensors(path)[0]


def texts(at):
    """Everything that is written on the screen."""
    kinds = (at.markdown, at.caption, at.subheader, at.info, at.warning, at.error, at.toast)
    return [element.value.replace("\xa0", " ") for kind in kinds for element in kind]


def test_the_default_screen(tmp_path):
    at = visit()
    assert at.selectbox("control-model").value == "digits-2d-beta-1"
    assert len(at.selectbox("control-model").options) == len(SHIPPED)
    told = live_map(at)
    assert told["titles"]["x"] == "z₁ (prior standard deviations)"
    assert told["pins"] == [] and told["point"] is None and told["note"] == ""
    plain_look = {"tab": "image", "z": [], "draw": 0, "side": 15}
    assert told["look"] == plain_look
    found = arrays(at, tmp_path)
    for name in ("mean", "log_variance", "distortion", "labels"):
        np.testing.assert_array_equal(found[name], getattr(DIGITS.codes, name))
    levels = (load("digits", "test").images * 255 + 0.5).astype(np.uint8)
    assert store.fetch(told["originals"]) == levels.tobytes()
    mean, error = DIGITS.card.metrics["negative_elbo"]
    assert f"**−ELBO** {mean:.2f} ± {error:.2f} nats/image" in texts(at)
    assert "**Active** 2 of 2 latents" in texts(at)
    assert "**Test set** 500 images" in texts(at)
    assert at.query_params == {}
    assert not (at.warning or at.error or at.toast)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_model_in_every_view_and_colour(path, tmp_path):
    stored = read(path)
    at = visit(model=path.stem, panel="prior", point="1")
    names = {label: name for name, label in COLOURS.items()}
    for view in VIEWS:
        choose(at, "view", view)
        for name in [names[label] for label in at.selectbox("control-colour").options]:
            choose(at, "colour", name)
            told = live_map(at)
            assert told["point"] == 1 and told["colour"]["by"] == name
            assert (told["plane"] is None) == (told["positions"] is not None) == (view == "tsne")
            ending = r"\((prior standard deviations|no unit)\)$"
            assert all(re.search(ending, title) for title in told["titles"].values())
            assert told["colour"]["title"].endswith(", nats") or name == "class"
    assert not (at.warning or at.error or at.toast)
    assert arrays(at, tmp_path, "positions")["positions"].shape == (len(stored.codes), 2)


def test_the_map_is_where_the_codes_are():
    told = live_map(visit(x="2", y="1", colour="distortion"))
    plane = coordinate_plane(DIGITS.codes.mean, 1, 0)
    assert told["plane"]["axes"] == plane.axes.tolist()
    assert told["plane"]["origin"] == plane.origin.tolist()
    assert told["latents"] == [1, 0] and told["colour"]["by"] == "distortion"


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
    "look": "means,no-prior,posterior:all,hidden:3.7,range:-1:2:0:4",
    "look-2": "background:density,anchor:point",
    "pins-2": "A~-1,0",
}


def test_a_link_reproduces_the_screen_and_is_published_again():
    at = visit(**LINK)
    assert not at.toast
    assert at.query_params == LINK
    assert at.selectbox("control-model").value == LINK["model"]
    assert at.button_group("control-view").value == "pca"
    assert at.selectbox("control-colour").value == "elbo"
    assert live_map(at)["point"] == 7
    assert live_map(at)["look"] == {
        "means": True, "prior": False, "posterior": "all", "hidden": [3, 7],
        "ranges": {"x": [-1, 2], "y": [0, 4]},
        "tab": "grid", "z": [0.5, -1.25], "draw": 3, "side": 4,
    }  # fmt: skip
    assert live_map(at, "map-2")["look"]["background"] == "density"
    assert live_map(at)["pins"] == [
        {"z": [0.5, -1.0], "name": "A", "point": None},
        {"z": [1.0, 0.25], "name": "a seven", "point": 7},
    ]
    assert live_map(at, "map-2")["pins"] == [{"z": [-1.0, 0.0], "name": "A", "point": None}]
    assert live_map(at, "map-2")["model"] != live_map(at)["model"]
    choose(at, "view", "raw")
    assert (at.selectbox("control-x").value, at.selectbox("control-y").value) == (2, 1)
    kept = LINK.keys() - {"view"}
    assert at.query_params == {name: LINK[name] for name in kept}


HOSTILE = [
    "", "../../etc/passwd", "<img src=x onerror=alert(1)>", "![x](https://example.org)", "a\0b",
    "9" * 400, "-1", "1e999", "nan", "true", "[1]", "\u202egpj",
]  # fmt: skip


@pytest.mark.parametrize("shift", range(0, len(HOSTILE), 3))
def test_a_hostile_link_opens_the_default_screen_with_notices(shift):
    given = dict(zip(LINK, itertools.cycle(HOSTILE[shift:] + HOSTILE[:shift]), strict=False))
    at = visit(**given, unknown=HOSTILE[shift])
    assert len(at.toast) in (14, 15), "a number can be a code"
    assert live_map(at)["data_set"] == DIGITS.card.data_fingerprint
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
        ({"look": "nothing"}, 1),
        ({"z": "999,-999"}, 0),
        ({"model": "digits-autoencoder", "colour": "elbo"}, 1),
        ({"side": "31", "panel": "grid"}, 1),
        ({"embed": "true"}, 0),
    ],
)
def test_what_this_model_has_not_becomes_the_default_with_a_notice(link, count):
    at = visit(**link)
    assert len(at.toast) == count
    assert live_map(at) is not None


def test_a_smaller_test_set_forgets_the_point_of_the_larger(runs_dir):
    small = make_run(runs_dir, count=40)
    at = visit(point="400", panel="grid")
    choose(at, "model", small)
    assert len(at.toast) == 1
    assert live_map(at)["point"] is None
    assert at.query_params["panel"] == "grid" and "point" not in at.query_params


def test_without_a_model_the_screen_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    at = visit(**LINK)
    assert [info.value for info in at.info] == [
        "There is no model yet. Train one in seconds: `python -m models train`"
    ]
    assert live_map(at) is None


def test_the_users_models_alone_are_enough(tmp_path, monkeypatch, runs_dir):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    make_run(runs_dir, title="mine")
    at = visit()
    assert at.selectbox("control-model").options == ["noise · mine (yours)"]
    assert live_map(at) is not None and not at.toast


@pytest.mark.parametrize("content", [b"", b"\x80\x04evil"])
def test_a_broken_file_is_one_sentence_and_the_rest_works(runs_dir, content):
    broken = break_run(runs_dir, content)
    at = visit(model=broken)
    (warning,) = at.warning
    assert warning.value.startswith(plain(f"The model {broken} cannot be opened: "))
    assert str(runs_dir) not in warning.value
    assert broken not in " ".join(at.selectbox("control-model").options)
    assert live_map(at) is not None
    assert len(at.toast) == 1, "the link asked for it"


def test_weights_that_do_not_fit_are_one_sentence(runs_dir, monkeypatch):
    run = Run.create(runs_dir, DIGITS.card.config, "headless")
    write(run.model_path, DIGITS.card, {}, DIGITS.codes)
    at = visit(model=run.id)
    with pytest.raises(KeyError):
        store.fetch(live_map(at)["model"])  # the browser then says that there is no map
    monkeypatch.setattr(loaded_model, "has_network", lambda: True)
    settle(at)
    (error,) = at.error
    assert error.value.startswith("This model cannot be used: the file must hold the tensor")
    assert live_map(at) is None
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
def test_every_kind_of_model_works_everywhere(runs_dir, tmp_path, kind):
    model = make_run(runs_dir, **kind)
    codes = read(Run(runs_dir / model).model_path).codes
    at = visit(model=model, point=str(len(codes) - 1), panel="hand")
    found = arrays(at, tmp_path)
    np.testing.assert_array_equal(found["mean"], codes.mean)
    assert ("log_variance" in found) == (codes.log_variance is not None)
    assert ("labels" in found) == (codes.labels is not None)
    if codes.latent_dim > 1:
        choose(at, "view", "pca")
    choose(at, "colour", "distortion")
    assert live_map(at)["colour"]["by"] == "distortion"
    assert not (at.warning or at.error or at.toast)
    assert "nan" not in " ".join(texts(at)).lower().split()


def test_one_latent_is_drawn_against_the_distortion(runs_dir):
    model = make_run(runs_dir, latent_dim=1)
    at = visit(model=model, colour="kl")
    assert at.button_group("control-view").options == ["The latent", "t-SNE"]
    told = live_map(at)
    assert told["titles"] == {"x": "z₁ (prior standard deviations)", "y": "D, nats"}
    assert not told["equal"] and told["prior"] is None
    assert len(visit(model=model, view="pca").toast) == 1


def test_equal_tensors_of_other_settings_are_another_file(runs_dir):
    first = live_map(visit(model=make_run(runs_dir, activation="relu")))
    second = live_map(visit(model=make_run(runs_dir, activation="silu")))
    assert store.fetch(first["model"]) != store.fetch(second["model"])


def test_an_autoencoder_has_no_colours_of_a_rate(runs_dir):
    at = visit(model=make_run(runs_dir, family="autoencoder"), point="0", panel="prior")
    assert at.selectbox("control-colour").options == ["Class", "Distortion D"]
    assert live_map(at)["prior"] is None


def test_untrusted_texts_are_shown_as_they_are(runs_dir):
    evil = "![x](https://example.org/x.png) :red[a] $b$"
    model = make_run(runs_dir, names=[evil, "<b>", "c", "d"], title=evil)
    at = visit(model=model, second=model, point="0")
    assert not any("](http" in line for line in texts(at))


@pytest.mark.parametrize("metrics", [{}, {"rate": 3, "distortion": [1], "active_units": [1, 2]}])
def test_scores_of_another_form_are_left_out(runs_dir, metrics):
    run = Run.create(runs_dir, RunConfig("digits", ModelConfig()), "odd")
    card = type(DIGITS.card)(**DIGITS.card.__dict__ | {"metrics": metrics})
    write(run.model_path, card, DIGITS.weights, DIGITS.codes)
    at = visit(model=run.id)
    assert not any("nats/image" in line or "Active" in line for line in texts(at))


@pytest.mark.skipif(not MNIST, reason="no MNIST model ships")
def test_absent_originals_are_said_with_the_way_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    told = live_map(visit(model=MNIST[0].stem, point="5"))
    assert told["originals"] is None
    assert "python -m models data download mnist" in told["note"]
    assert "LATENT_DATA_DIR" in told["note"] and str(tmp_path) not in told["note"]


@pytest.mark.mnist
def test_mnist_sends_its_originals():
    told = live_map(visit(model=MNIST[0].stem, point="5"))
    assert len(store.fetch(told["originals"])) == 10_000 * 28 * 28


def test_originals_of_other_data_are_not_sent(runs_dir):
    told = live_map(visit(model=make_run(runs_dir), point="0"))
    assert told["originals"] is None and "have changed" in told["note"]


@pytest.mark.slow
def test_a_first_tsne_map_is_computed_and_kept(runs_dir, tmp_path):
    model = make_run(runs_dir)
    stored = read(Run(runs_dir / model).model_path)
    at = visit(model=model, view="tsne", colour="kl")
    found = arrays(at, tmp_path, "positions")["positions"]
    assert found.tolist() == tsne(stored.codes.mean).astype(np.float32).tolist()
    assert job_queue.projections().path(stored.fingerprint).exists()
    assert live_map(at)["plane"] is None
    assert not [button for button in at.button if button.label == "Cancel"]


def test_too_few_codes_for_tsne_are_said(runs_dir):
    at = visit(model=make_run(runs_dir, count=3), view="tsne")
    assert "t-SNE needs at least 4 points; this test set has 3." in texts(at)
    assert live_map(at) is None
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
    assert live_map(at) is None
    choose(at, "view", "pca")
    assert live_map(at) is not None and not at.error
