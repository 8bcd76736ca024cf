"""The shipped scores: the README prints those of the cards, and the models have them."""

import re

import numpy as np
import pytest
import torch

from models.data.builtin import load_digits
from models.runs.scores import score_test_set
from models.storage.checkpoint import read, restore
from tests.helpers.paths import ROOT

SHIPPED = sorted((ROOT / "checkpoints").glob("*.safetensors"))
DIGITS = [path for path in SHIPPED if path.name.startswith("digits")]


def table():
    """The rows of the README: file, then D, R and −ELBO as printed."""
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| `([\w.-]+)`[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|", text, re.M)
    return {name: [cell.strip() for cell in cells] for name, *cells in rows}


def test_the_readme_prints_the_scores_of_the_cards():
    assert set(table()) == {path.stem for path in SHIPPED}
    for path in SHIPPED:
        metrics = read(path).card.metrics
        printed = [
            f"{metrics[name][0]:.2f} ± {metrics[name][1]:.2f}" if name in metrics else "—"
            for name in ("distortion", "rate", "negative_elbo")
        ]
        assert table()[path.stem] == printed, path.stem


@pytest.mark.parametrize("path", DIGITS, ids=lambda path: path.stem)
def test_shipped_scores_are_those_of_the_models(path):
    checkpoint, test_set = read(path), load_digits("test")
    images = torch.tensor(test_set.images)
    found = score_test_set(restore(checkpoint), images, test_set)
    stored = checkpoint.card.metrics
    has_likelihood = checkpoint.card.config.model.capabilities.has_likelihood
    assert {"distortion", "collapsed_distortion"} <= stored.keys() or not has_likelihood
    assert stored.keys() & found.metrics.keys() > {"images"}
    for name in stored.keys() & found.metrics.keys():
        assert stored[name] == pytest.approx(found.metrics[name], rel=1e-4, abs=1e-5), name
    if found.codes is None:
        return
    np.testing.assert_allclose(found.codes.distortion, checkpoint.codes.distortion, rtol=1e-3)
    if found.rates is not None:
        np.testing.assert_allclose(found.rates.distortion, checkpoint.rates.distortion, rtol=1e-4)
