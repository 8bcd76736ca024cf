"""The page of the latent map: every model, view, colour, link and refusal."""

import re

import numpy as np
import pytest

from explorer.assets import store
from explorer.assets.map_spec import COLOURS, VIEWS, colours
from explorer.services import catalogue, job_queue, loaded_model
from explorer.widgets.text import plain
from models.config import ModelConfig, RunConfig
from models.latents.planes import coordinate_plane
from models.runs.folder import Run
from models.storage.checkpoint import read, write
from models.storage.tensors import write_tensors
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.map_page import DIGITS, choose, live_map, map_arrays, settle, texts, visit
from tests.helpers.map_page import count as points
from tests.helpers.paths import MAPPED, ON_MAP


def test_the_screen_of_a_model():
    at = visit()
    assert at.selectbox("control-model").value == "digits-2d-beta-1"
    assert len(at.selectbox("control-model").options) == len(ON_MAP)
    arrays, told = map_arrays(at), live_map(at)
    assert np.array_equal(arrays["mean"], DIGITS.codes.mean)
    assert arrays["labels"].tolist() == DIGITS.codes.labels.tolist()
    assert told["titles"]["x"] == "z₁ (prior standard deviations)"
    assert told["prior"] == [0.0, 0.0] and told["colour"]["by"] == "class"
    mean, error = DIGITS.card.metrics["negative_elbo"]
    said = " ".join(" ".join(texts(at)).split())
    assert f"−ELBO {mean:.2f} ± {error:.2f} nats/image" in said
    assert "Active 2 of 2 latents" in said and "Test set 500 images" in said
    assert at.query_params == {"model": "digits-2d-beta-1"}
    assert not (at.warning or at.error or at.toast)
    assert live_map(at)["pins"] == [] and live_map(at)["point"] is None


def names_of(stored, colour):
    """What a factor is called over its scale of colours."""
    return f"Factor: {stored.card.factor_names[int(colour.removeprefix('factor-')) - 1]}"


@pytest.mark.parametrize("path", MAPPED, ids=lambda path: path.stem)
def test_every_shipped_model_in_every_view_and_colour(path):
    stored = read(path)
    count = len(stored.codes)
    at = visit(model=path.stem, point="1")
    place = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    target = job_queue.projections().path(stored.fingerprint)
    target.parent.mkdir(parents=True)
    write_tensors(target, {"positions": place}, {})
    names = {label: name for name, label in colours(stored).items()}
    for view in VIEWS:
        choose(at, "view", view)
        for name in [names[label] for label in at.selectbox("control-colour").options]:
            choose(at, "colour", name)
            told = live_map(at)
            assert points(at) == count and told["point"] == 1
            assert (told["plane"] is None) == (view == "tsne") == (told["positions"] is not None)
            unit = r"\((prior standard deviations|no unit)\)$"
            assert all(re.search(unit, title) for title in told["titles"].values())
            title = f"{COLOURS[name]}, nats" if name in COLOURS else names_of(stored, name)
            assert told["colour"] == {"by": name, "title": title}
    assert not (at.warning or at.error or at.toast)
    stored_map = map_arrays(at, file="positions")["positions"]
    assert len(stored_map) == count, "ends with t-SNE"


def test_the_map_is_where_the_codes_are():
    at = visit(x="2", y="1", colour="distortion")
    told, arrays = live_map(at), map_arrays(at)
    plane = coordinate_plane(DIGITS.codes.mean, 1, 0)
    assert told["latents"] == [1, 0] and np.allclose(told["plane"]["axes"], plane.axes)
    assert np.allclose(told["plane"]["origin"], plane.origin)
    assert told["colour"]["by"] == "distortion"
    assert np.allclose(arrays["distortion"], DIGITS.codes.distortion)


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
    "look": "means,posterior:all,range:-1:2:0:4",
    "second": "digits-2d-beta-1",
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
    look = live_map(at)["look"]
    assert (look["tab"], look["z"], look["draw"], look["side"]) == ("grid", [0.5, -1.25], 3, 4)
    assert (look["means"], look["posterior"]) == (True, "all")
    assert look["ranges"] == {"x": [-1.0, 2.0], "y": [0.0, 4.0]}
    assert live_map(at)["pins"] == [
        {"z": [0.5, -1.0], "name": "A", "point": None},
        {"z": [1.0, 0.25], "name": "a seven", "point": 7},
    ]
    assert live_map(at, "map-2")["pins"] == [{"z": [-1.0, 0.0], "name": "A", "point": None}]
    assert live_map(at, "map-2")["model"] != live_map(at)["model"]
    choose(at, "view", "raw")
    assert (at.selectbox("control-x").value, at.selectbox("control-y").value) == (2, 1)
    assert at.query_params == LINK | {"view": "raw"}


HOSTILE = [
    "", "../../etc/passwd", "<img src=x onerror=alert(1)>", "![x](https://example.org)", "a\0b",
    "9" * 400, "-1", "1e999", "nan", "true", "[1]", "\u202egpj",
]  # fmt: skip


@pytest.mark.parametrize("shift", range(0, len(HOSTILE), 3))
def test_a_hostile_link_opens_the_default_screen_with_notices(shift):
    given = dict(zip(LINK, HOSTILE[shift:] + HOSTILE[:shift], strict=False))
    at = visit(**given, unknown=HOSTILE[shift])
    assert len(at.toast) in (12, 13), "a number may be a code of another length"
    assert points(at) == 10_000
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
    assert points(at) == (10_000 if "999" in link.get("model", "") else 500)


def test_a_smaller_test_set_forgets_the_point_of_the_larger(no_runs):
    small = make_run(no_runs, count=40)
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


def test_the_users_models_alone_are_enough(tmp_path, monkeypatch, no_runs):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    make_run(no_runs, title="mine")
    at = visit()
    assert at.selectbox("control-model").options == ["noise · mine (yours)"]
    assert points(at) == 40
    assert len(at.toast) == 1, "the link asked for a shipped one"


@pytest.mark.parametrize("content", [b"", b"\x80\x04evil"])
def test_a_broken_file_is_one_sentence_and_the_rest_works(no_runs, content):
    broken = break_run(no_runs, content)
    at = visit(model=broken)
    (warning,) = at.warning
    assert warning.value.startswith(plain(f"The model {broken} cannot be opened: "))
    assert str(no_runs) not in warning.value
    assert broken not in " ".join(at.selectbox("control-model").options)
    assert points(at) == 10_000
    assert len(at.toast) == 1, "the link asked for it"


def test_weights_that_do_not_fit_are_one_sentence_in_place_of_the_map(no_runs, monkeypatch):
    monkeypatch.setattr(loaded_model, "has_network", lambda: True)  # torch is imported
    run = Run.create(no_runs, DIGITS.card.config, "headless")
    write(run.model_path, DIGITS.card, {}, DIGITS.codes)
    at = visit(model=run.id)
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
def test_every_kind_of_model_works_everywhere(no_runs, kind):
    model = make_run(no_runs, **kind)
    codes = read(Run(no_runs / model).model_path).codes
    at = visit(model=model, point=str(len(codes) - 1))
    assert points(at) == len(codes)
    if codes.latent_dim > 1:
        choose(at, "view", "pca")
    choose(at, "colour", "distortion")
    assert points(at) == len(codes)
    assert not (at.warning or at.error or at.toast)
    assert "nan" not in " ".join(texts(at)).lower().split()


def test_one_latent_is_drawn_against_the_distortion(no_runs):
    model = make_run(no_runs, latent_dim=1)
    codes = read(Run(no_runs / model).model_path).codes
    at = visit(model=model, colour="kl")
    assert at.button_group("control-view").options == ["The latent", "t-SNE"]
    assert np.allclose(map_arrays(at)["mean"], codes.mean)
    assert live_map(at)["titles"] == {"x": "z₁ (prior standard deviations)", "y": "D, nats"}
    assert not live_map(at)["equal"] and live_map(at)["prior"][0] == 0
    assert len(visit(model=model, view="pca").toast) == 1


def test_equal_tensors_of_other_settings_are_another_model(no_runs):
    models = [make_run(no_runs, activation=activation) for activation in ("relu", "silu")]
    first, second = (live_map(visit(model=model))["model"] for model in models)
    assert first != second


def test_an_autoencoder_shows_no_kl(no_runs):
    at = visit(model=make_run(no_runs, family="autoencoder"), point="0")
    assert at.selectbox("control-colour").options == ["Class", "Distortion D"]
    assert "log_variance" not in map_arrays(at) and live_map(at)["prior"] is None


def test_untrusted_texts_are_shown_as_they_are(no_runs):
    evil = "![x](https://example.org/x.png) :red[a] $b$"
    model = make_run(no_runs, names=[evil, "<u>", "c", "d"], title=evil)
    at = visit(model=model, point="0", second="")
    assert not any("](http" in line for line in texts(at))
    assert not any("<u>" in html.proto.body for html in at.get("html"))


@pytest.mark.parametrize("metrics", [{}, {"rate": 3, "distortion": [1], "active_units": [1, 2]}])
def test_scores_of_another_form_are_left_out(no_runs, metrics):
    run = Run.create(no_runs, RunConfig("digits", ModelConfig()), "odd")
    card = type(DIGITS.card)(**DIGITS.card.__dict__ | {"metrics": metrics})
    write(run.model_path, card, DIGITS.weights, DIGITS.codes)
    at = visit(model=run.id)
    said = " ".join(texts(at))
    assert "nats/image" not in said and "Active" not in said and "Test set" in said


def test_an_untouched_page_opens_on_mnist_with_a_walk_and_the_images_that_ship(monkeypatch):
    monkeypatch.setenv("LATENT_DATA_DIR", "/nowhere")
    at = visit(model="mnist-2d-beta-1")
    told = live_map(at)
    assert at.query_params == {}, "it is the default"
    assert told["look"]["background"] == "grid" and told["point"] == 327
    codes = read(next(path for path in MAPPED if path.stem == "mnist-2d-beta-1")).codes
    assert [pin["point"] for pin in told["pins"]] == [143, 327]
    assert [codes.labels[pin["point"]] for pin in told["pins"]] == [1, 0]
    assert np.allclose([pin["z"] for pin in told["pins"]], codes.mean[[143, 327]])
    levels = np.frombuffer(store.fetch(told["originals"]), np.uint8).reshape(-1, 28, 28)
    assert len(levels) == 500 and 20 < levels.mean() < 50
    assert told["note"] == "Download MNIST to see the original."


@pytest.mark.parametrize("touch", [{"point": "5"}, {"pins": "A~0.5,-1"}, {"look": "means"}])
def test_a_link_that_names_anything_has_no_opening(touch):
    told = live_map(visit(model="mnist-2d-beta-1", **touch))
    assert told["look"].get("background") is None
    assert (told["point"] == 327, [pin["point"] for pin in told["pins"]] == [143, 327]) == (0, 0)


def test_many_latents_open_on_pca_and_few_as_they_are():
    for model, view in (("mnist-20d-beta-1", "pca"), ("digits-2d-beta-1", "raw")):
        at = visit(model=model)
        assert live_map(at)["view"] == view and at.button_group("control-view").value == view
    at = visit(model="mnist-20d-beta-1", view="raw")
    assert live_map(at)["view"] == "raw"
