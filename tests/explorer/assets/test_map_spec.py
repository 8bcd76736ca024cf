"""What a map tells the browser: plane, axes with units, the prior's place, colours."""

import json
from dataclasses import replace

import numpy as np
import pytest

from explorer.assets.map_spec import (
    COLOURS,
    MapSpec,
    colours,
    exactness,
    make_plane,
    map_data,
    plane_data,
)
from explorer.figures.theme import PALETTE
from models.latents.codes import Codes
from models.storage.checkpoint import read
from tests.helpers.paths import ROOT

VAE = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
AUTOENCODER = read(ROOT / "checkpoints" / "digits-autoencoder.safetensors")


def with_codes(checkpoint, latent_dim, labels=True):
    """The checkpoint with codes of another number of latents."""
    mean, log_variance = np.random.default_rng(0).normal(size=(2, 30, latent_dim))
    given = log_variance if checkpoint.codes.log_variance is not None else None
    classes = np.arange(30) % 3 if labels else None
    return replace(checkpoint, codes=Codes(mean, given, np.arange(30.0), classes))


def spec(checkpoint, view="raw", x=0, y=1, colour="class"):
    plane = None if view == "tsne" else make_plane(checkpoint, view, x, y)
    positions = np.zeros((len(checkpoint.codes), 2)) if view == "tsne" else None
    return MapSpec(checkpoint, view, x, y, colour, plane, positions)


def test_two_latents_are_a_plane_with_the_prior_at_its_origin():
    data = map_data(spec(VAE, x=1, y=0))
    assert data["plane"]["names"] == ["z₂", "z₁"] and data["plane"]["home"] == "the origin"
    assert data["titles"] == {
        "x": "z₂ (prior standard deviations)",
        "y": "z₁ (prior standard deviations)",
    }
    assert (data["prior"], data["latents"], data["equal"]) == ([0, 0], [1, 0], True)
    assert data["data_set"] == VAE.card.data_fingerprint
    assert data["palette"] == list(PALETTE)
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize("latent_dim", [2, 5, 30])
def test_pca_says_its_share_and_where_the_prior_lies(latent_dim):
    shown = spec(with_codes(VAE, latent_dim), "pca")
    data = map_data(shown)
    assert data["plane"]["names"] == ["PC 1", "PC 2"]
    assert data["plane"]["home"] == "the mean of the codes"
    share = f"{shown.plane.explained[0]:.0%}"
    assert data["titles"]["x"] == f"PC 1, {share} of variance (prior standard deviations)"
    origin, axes = (np.array(data["plane"][name]) for name in ("origin", "axes"))
    assert data["prior"] == pytest.approx((axes @ -origin).tolist())


def test_tsne_has_no_plane_no_unit_and_no_prior():
    data = map_data(spec(VAE, "tsne"))
    assert data["plane"] is None and data["prior"] is None
    assert data["titles"] == {"x": "t-SNE 1 (no unit)", "y": "t-SNE 2 (no unit)"}


def test_one_latent_lies_over_its_distortion():
    shown = spec(with_codes(VAE, 1), y=0)
    data = map_data(shown)
    assert data["titles"] == {"x": "z₁ (prior standard deviations)", "y": "D, nats"}
    assert data["prior"][0] == 0 and not data["equal"], "the prior is lines across"
    assert plane_data(shown)["names"] == ["z₁"]
    assert exactness(shown).startswith("Exact: across")


@pytest.mark.parametrize("view", ["raw", "pca", "tsne"])
@pytest.mark.parametrize("latent_dim", [1, 2, 3, 20])
def test_projection_and_slice_are_told_apart_where_they_differ(view, latent_dim):
    """Beyond two latents the points of a plane are projected, and what is decoded is a slice."""
    sentence = exactness(spec(with_codes(VAE, latent_dim), view, y=min(1, latent_dim - 1)))
    assert ("projected" in sentence and "slice" in sentence) == (latent_dim > 2 and view != "tsne")


def test_an_autoencoder_has_neither_prior_nor_rate():
    data = map_data(spec(AUTOENCODER))
    assert data["prior"] is None and "prior" not in data["titles"]["x"]
    assert list(colours(AUTOENCODER)) == ["class", "distortion"]
    assert list(colours(with_codes(AUTOENCODER, 2, labels=False))) == ["distortion"]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_is_named_with_its_unit(colour):
    data = map_data(spec(VAE, colour=colour))
    assert data["colour"] == {"by": colour, "title": f"{COLOURS[colour]}, nats"}
