"""Data sets in the server: a large one stays on the disk, and a few of its images are shown."""

import numpy as np
import pytest

from explorer.services import (
    catalogue,
    collapse_prediction,
    data_sets,
    loss_doctor,
    page_files,
)
from explorer.services.loaded_model import LoadedModel
from models.config import override
from models.data import large, library
from models.runs.folder import Run
from models.runs.train import execute
from models.theory.loss_scale import BINARY, SQUARED, LossForm
from tests.helpers.app_test import open_view, said
from tests.helpers.configs import tiny

COUNT = 400


@pytest.fixture
def large_set(no_runs, tmp_path, monkeypatch):
    """A large set of the library, trained on; from then on no one may open its images."""
    monkeypatch.setattr(large, "MAX_BYTES", 10_000)
    levels = np.random.default_rng(3).integers(0, 256, (COUNT, 8, 8), np.uint8)
    np.savez(tmp_path / "noise.npz", images=levels, labels=np.arange(COUNT) % 3)
    info = library.add_large(tmp_path / "noise.npz", "Much noise")
    config = override(tiny(), data=info.id, batch_size=32, epochs=1)
    run = Run.create(no_runs, config, "noisy")
    list(execute(run))

    def refuse(self):
        raise AssertionError("the server opened the images of a large set")

    monkeypatch.setattr(large.LargeSet, "_levels", refuse)
    return info, run


def test_the_map_of_a_large_set_has_its_codes_and_a_few_originals(large_set):
    _, run = large_set
    model = LoadedModel(catalogue.list_models()[0][run.id])
    assert len(model.codes) == 80 and model.test_images is None
    levels = model.shipped_levels
    assert levels.shape == (80, 1, 8, 8) and levels.dtype == np.uint8
    assert page_files.model_files(model)["originals"] is not None


def test_what_needs_all_images_does_without(large_set):
    info, _ = large_set
    config = override(tiny(), data=info.id)
    assert collapse_prediction.threshold(config) is None
    assert collapse_prediction.population(config).result() is None
    for form in (BINARY, SQUARED):
        found = loss_doctor.examine(LossForm(likelihood=form), info.id, 1, 2, 32)
        assert (found.pixels, found.threshold) == (64, None)
    assert len(data_sets.custom_samples(info.id)) == data_sets.SAMPLES
    assert data_sets.is_large(info.id) and not data_sets.is_large("digits")


def test_the_pages_open(large_set):
    info, run = large_set
    at = open_view("train", data=info.id)
    assert not at.exception and "Large sets take" in said(at)
    for page in ("latent_map", "trade_off"):
        assert not open_view(page, model=run.id).exception
    assert not open_view("collapse", collapsed=run.id).exception
