"""A t-SNE map: computed once, kept, or refused in one sentence."""

import os

import numpy as np
import pytest

from explorer.services import job_queue
from models.latents.tsne import tsne
from models.runs.folder import Run
from models.storage.checkpoint import read
from tests.helpers.checkpoints import make_run
from tests.helpers.map_page import choose, count, live_map, map_arrays, texts, visit


@pytest.mark.slow
def test_a_first_tsne_map_is_computed_and_kept(no_runs):
    model = make_run(no_runs)
    stored = read(Run(no_runs / model).model_path)
    at = visit(model=model, view="tsne", colour="kl")
    expected = tsne(stored.codes.mean).astype(np.float16)  # as it is stored
    assert np.array_equal(map_arrays(at, file="positions")["positions"], expected)
    assert job_queue.projections().path(stored.fingerprint).exists()
    assert live_map(at)["plane"] is None
    assert not [button for button in at.button if button.label == "Cancel"]


def test_too_few_codes_for_tsne_are_said(no_runs):
    at = visit(model=make_run(no_runs, count=3), view="tsne")
    assert "t-SNE needs at least 4 points; this test set has 3." in texts(at)
    assert live_map(at) is None
    assert not os.path.exists(job_queue.projections().folder)


def test_a_tsne_map_that_fails_is_one_sentence_and_the_rest_works(no_runs):
    model = make_run(no_runs)
    path, changed = Run(no_runs / model).model_path, 10**18
    for each in (path, path.parent):  # long ago, so that the list of models takes it for the same
        os.utime(each, ns=(changed, changed))
    at = visit(model=model, point="0")
    path.write_bytes(b"replaced")
    os.utime(path, ns=(changed, changed))
    choose(at, "view", "tsne")
    assert [error.value for error in at.error] == [
        "The map could not be computed: choose another view, then try again."
    ]
    assert live_map(at) is None
    choose(at, "view", "pca")
    assert count(at) == 40 and not at.error
