"""Diffusion below the map: trained when it is opened, of two latents only, drawn with frames."""

import json

import numpy as np
import pytest

from explorer.figures.diffusion import latent_flow as draw
from explorer.services import latent_diffusion
from models.training.latent_diffusion import LatentFlow
from tests.helpers.map_page import settle, texts, visit

TITLE = "Diffusion: from noise to the codes"


@pytest.fixture
def asked(monkeypatch):
    """A flow that needs no training, and the models of which it was asked."""
    asked, random = [], np.random.default_rng(0)

    def flow(model):
        asked.append(model.card.title)
        points, arrows = random.normal(size=(21, 20, 2)), random.normal(size=(21, 9, 2))
        times, grid = np.arange(200, -1, -10), random.normal(size=(9, 2))
        return LatentFlow(times, 200, np.ones(21), points, points, grid, arrows, 0.5)

    monkeypatch.setattr(latent_diffusion, "flow", flow)
    return asked


def opened(**link):
    at = visit(**link)
    at.session_state["diffusion"] = True
    return settle(at)


def frames(at):
    (chart,) = (c for c in at.get("plotly_chart") if "latent-diffusion" in c.proto.id)
    return json.loads(chart.proto.spec)["frames"]


@pytest.mark.parametrize("model", ["digits-2d-beta-1", "digits-autoencoder", "digits-2d-multirate"])
def test_every_model_of_two_latents_has_it(asked, model):
    at = opened(model=model)
    assert [frame["name"] for frame in frames(at)][::20] == ["200", "0"]
    assert "mean squared error of 0.50 per number" in " ".join(texts(at))
    assert len(asked) == 1


def test_closed_it_trains_nothing(asked):
    at = visit(model="digits-2d-beta-1")
    assert TITLE in [box.label for box in at.expander] and asked == []


def test_more_latents_have_none(asked):
    at = visit(model="mnist-20d-beta-1")
    assert TITLE not in [box.label for box in at.expander]


def test_arrows_point_where_the_score_does_and_stay_apart():
    grid = np.stack(np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]), -1).reshape(-1, 2)
    arrows = np.tile([[1000.0, 0.0]], (1, 9, 1))
    still = np.zeros((1, 4, 2))
    shaft, head = draw([0], still, still, grid, arrows, ("", "")).data[1:3]
    assert np.allclose(head.marker.angle, 90)  # degrees from up, clockwise
    lengths = np.asarray(shaft.x)[1::3] - np.asarray(shaft.x)[::3]
    assert (lengths > 0.7).all() and (lengths < 1).all()
