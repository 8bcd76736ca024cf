"""Under the map: traversals beside the factors, rotation, and directions with their arrow."""

import numpy as np
import pytest

from models.places import default_runs_dir
from tests.helpers.factor_runs import SPRITES, known_codes, make_factor_run
from tests.helpers.map_page import DIGITS, choose, live_map, map_arrays, settle, texts, visit

pytestmark = pytest.mark.usefixtures("no_runs")

SECTIONS = ("traversals", "rotation", "directions")


@pytest.fixture
def sprites():
    """A run whose five latents are the five factors."""
    return make_factor_run(default_runs_dir(), known_codes())


def opened(name, **link):
    """The map with one section open."""
    at = visit(**link)
    at.session_state[name] = True
    return settle(at)


def written(at):
    return " ".join(" ".join(texts(at)).split())


def test_points_are_coloured_by_a_factor(sprites):
    at = visit(model=sprites, colour="factor-4")
    assert live_map(at)["colour"] == {"by": "factor-4", "title": "Factor: x"}
    assert "Factor: angle" in at.selectbox("control-colour").options
    sent = map_arrays(at)["factors"]
    np.testing.assert_allclose(sent, SPRITES.factors[: len(sent)], rtol=1e-6)


def test_a_model_without_factors_is_coloured_as_before():
    at = visit(colour="factor-4")
    assert live_map(at)["colour"]["by"] == "class"
    assert "factors" not in map_arrays(at)
    assert [box.label for box in at.expander][:2] == [
        "Traversals: move one latent at a time", "Directions: from one class to another"
    ]  # fmt: skip


def test_closed_sections_decode_nothing(sprites, monkeypatch):
    from explorer.services import factors

    asked = []
    for name in ("traversed", "seed_matrix", "turned", "moved"):
        monkeypatch.setattr(factors, name, lambda *_, name=name: asked.append(name))
    at = visit(model=sprites)
    assert {"Traversals: move one latent at a time"} <= {box.label for box in at.expander}
    assert asked == []


def test_every_latent_is_traversed_beside_the_factor_that_it_follows(sprites):
    said = written(opened("traversals", model=sprites))
    assert said.count("follows shape") == 1 and said.count("follows x (") == 1
    for j in "₁₂₃₄₅":
        assert f"z{j} · KL" in said
    assert "One seed: no interval" in said


def test_an_autoencoder_is_traversed_over_its_codes():
    said = written(opened("traversals", model="digits-autoencoder"))
    assert "1st to the 99th percentile" in said and "z₂ · variance" in said


def test_a_turned_code_loses_its_gap_and_keeps_what_is_linear(sprites):
    at = opened("rotation", model=sprites)
    at.select_slider("control-turn").set_value(45)
    table = next(text for text in (m.value for m in settle(at).markdown) if "at 45°" in text)
    cells = {row.split("|")[1].strip(): row.split("|")[2:4] for row in table.splitlines()[2:]}
    before, after = (float(cell) for cell in cells["MIG"])
    assert before > 0.7 and after < before - 0.2
    before, after = (float(cell) for cell in cells["InfoE"])
    assert before == pytest.approx(after, abs=0.02)


def test_a_direction_is_an_arrow_on_the_map_and_moves_the_image():
    at = opened("directions", minus="3", plus="8", point="7")
    labels, mean = DIGITS.codes.labels, DIGITS.codes.mean
    arrow = live_map(at)["arrow"]
    np.testing.assert_allclose(arrow["from"], mean[labels == 3].mean(0), atol=1e-5)
    np.testing.assert_allclose(arrow["to"], mean[labels == 8].mean(0), atol=1e-5)
    assert arrow["name"] == "3 → 8"
    said = written(at)
    assert "95 % interval" in said and "Test image 7" in said
    assert at.query_params["minus"] == ["3"] or at.query_params["minus"] == "3"


def test_the_angle_is_that_of_the_arrow_on_the_map(sprites):
    link = {"model": sprites, "minus": "0", "plus": "1"}
    assert "in the plane of PC 1 and PC 2" in written(opened("directions", view="pca", **link))
    said = written(opened("directions", view="raw", x="2", y="4", **link))
    assert "in the plane of z₂ and z₄" in said


def test_no_arrow_where_no_direction_is_chosen():
    at = opened("directions", minus="3")
    assert live_map(at)["arrow"] is None and "Choose two different classes" in written(at)
    choose(at, "plus", 3)
    assert live_map(at)["arrow"] is None


def test_classes_that_the_model_lacks_are_no_direction(sprites):
    assert live_map(visit(model=sprites, minus="3", plus="8"))["arrow"] is None
