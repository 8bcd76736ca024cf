"""The verdict on mode collapse, on samples of which the answer is known."""

import math

import numpy as np
import pytest

from models.metrics.samples.modes import COLLAPSED, NARROW, VARIED, diagnose
from models.metrics.samples.scores import Described, Score, sample_scores

CLASSES, COUNT = 5, 200
CENTRES = 4.0 * np.eye(CLASSES, 8)
REAL = np.full(CLASSES, 1 / CLASSES)


def described(rng, kinds=CLASSES, spread=1.0, labelled=True):
    """Images of some of the classes, each a cloud of the same or a smaller spread."""
    labels = np.arange(COUNT) % kinds
    points = CENTRES[labels] + spread * 0.5 * rng.standard_normal((COUNT, 8))
    if not labelled:
        return Described({"pixels": points}, points)
    return Described({"judge": points, "pixels": points}, points, labels, np.ones(COUNT))


def verdict(labelled=True, **fake):
    rng = np.random.default_rng(0)
    test, training = (described(rng, labelled=labelled) for _ in range(2))
    found = described(rng, labelled=labelled, **fake)
    return diagnose(sample_scores(found, test, training, REAL if labelled else None), COUNT)


@pytest.mark.parametrize("labelled", [True, False])
def test_as_many_and_as_varied_as_real_images_is_varied(labelled):
    found = verdict(labelled)
    assert found.verdict == VARIED and "0 of 19,900 pairs" in found.evidence


def test_a_missing_class_is_collapse_however_good_the_others_are():
    found = verdict(kinds=CLASSES - 1)
    assert found.verdict == COLLAPSED and "4 of 5 classes are drawn" in found.evidence


def test_one_image_a_class_is_collapse_although_every_class_is_hit():
    found = verdict(spread=0.02)
    assert found.verdict == COLLAPSED and "5 of 5 classes" in found.evidence
    assert "differ 0 % as much" in found.evidence


def test_the_same_is_seen_without_labels():
    assert verdict(labelled=False, spread=0.02).verdict == COLLAPSED


def test_images_that_differ_less_than_real_ones_are_narrow():
    assert verdict(spread=0.6).verdict == NARROW


def test_what_an_interval_leaves_open_is_not_held_against_a_model():
    none = math.nan
    scores = {
        "pixels.recall": Score(0.4, 0.1, 0.9, 0.05), "twins": Score(0.0, none, 0.0, none),
        "support_at_least": Score(9e3, none, 9e3, none),
    }  # fmt: skip
    assert diagnose(scores, 500).verdict == VARIED
    narrow = scores | {"pixels.recall": Score(0.4, 0.02, 0.9, 0.05)}
    assert diagnose(narrow, 500).verdict == NARROW


def test_without_recall_there_is_no_verdict():
    with pytest.raises(ValueError, match=r"must hold pixels\.recall"):
        diagnose({}, 500)
