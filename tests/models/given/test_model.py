"""Codes without a model: the nearest picture answers, and the codes keep every digit."""

import numpy as np
import torch

from models.adapter.measure import MeasuredModel
from models.given.archive import GivenCodes
from models.given.model import GivenModel, measure_codes
from models.storage.checkpoint import read

RANDOM = np.random.default_rng(1)
MEAN = RANDOM.normal(size=(30, 4)).astype(np.float32)
PICTURES = RANDOM.random((30, 1, 8, 8)).astype(np.float32)


def given(**more):
    parts = {
        "mean": MEAN, "log_variance": None, "labels": None, "class_names": (), "images": None,
        "decoded": None, "notes": (),
    }  # fmt: skip
    return GivenCodes(**parts | more)


def test_every_code_is_answered_by_the_picture_of_the_nearest():
    model = GivenModel(given(images=1 - PICTURES, decoded=PICTURES))
    z = torch.tensor(RANDOM.normal(size=(50, 4)).astype(np.float32))
    nearest = torch.cdist(z, torch.tensor(MEAN)).argmin(1)
    torch.testing.assert_close(model.decode(z), torch.tensor(PICTURES)[nearest])
    assert model.browser_layers[0][0]["of"] == "decoded"
    assert GivenModel(given(images=PICTURES)).browser_layers[0][0]["of"] == "image"


def test_the_file_for_the_screens_keeps_the_codes_as_they_are(tmp_path):
    spread = RANDOM.normal(size=MEAN.shape).astype(np.float32)
    found = measure_codes(given(log_variance=spread), "paper")
    assert isinstance(found, MeasuredModel) and not found.is_whole and found.images is None
    found.write(tmp_path / "a.safetensors")
    kept = read(tmp_path / "a.safetensors").codes
    np.testing.assert_array_equal(kept.mean, MEAN)
    np.testing.assert_array_equal(kept.log_variance, spread)
    assert kept.distortion is None and kept.negative_elbo is None


def test_the_rate_is_that_of_the_formula():
    spread = np.full_like(MEAN, -1.0)
    rate, error = measure_codes(given(log_variance=spread), "paper").card.metrics["rate"]
    each = 0.5 * (MEAN.astype(float) ** 2 + np.exp(-1.0) - 1 + 1.0).sum(1)
    np.testing.assert_allclose([rate, error], [each.mean(), each.std(ddof=1) / 30**0.5], rtol=1e-5)
    assert "rate" not in measure_codes(given(), "paper").card.metrics


def test_other_pictures_make_another_file(tmp_path):
    prints = []
    for pictures in (PICTURES, 1 - PICTURES):
        measure_codes(given(decoded=pictures), "paper").write(tmp_path / "a.safetensors")
        prints.append(read(tmp_path / "a.safetensors").fingerprint)
    assert prints[0] != prints[1]
