"""The knowledge check: its answers are computed, and another model has others."""

import re
from dataclasses import replace

import numpy as np
import pytest

from models.lessons.check import COUNT, FROM_LESSONS, Asked, each_right, questions
from models.lessons.experiments import shipped
from models.lessons.table import LESSONS
from models.metrics.collapse import ACTIVE_VARIANCE
from models.storage.checkpoint import read
from tests.helpers.paths import ROOT

MEASURED = {id: shipped(LESSONS[id].experiment) for id in FROM_LESSONS}


def asked_of(name, threshold=3.35, measured=MEASURED):
    checkpoint = read(ROOT / "checkpoints" / f"{name}.safetensors")
    return Asked(checkpoint.card, checkpoint.codes, threshold, measured)


def by_id(asked, seed=0):
    return {question.id: question for question in questions(asked, seed)}


def right(question):
    return question.options[question.right]


@pytest.mark.parametrize("name", ["digits-2d-beta-0.1", "digits-2d-beta-1", "digits-2d-beta-4",
                                  "mnist-2d-beta-1", "mnist-20d-beta-1"])  # fmt: skip
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_there_are_ten_questions_with_one_right_answer_each(name, seed):
    found = questions(asked_of(name), seed)
    assert len(found) == COUNT == len({question.id for question in found})
    for question in found:
        assert 2 <= len(question.options) <= 4
        assert len(set(question.options)) == len(question.options)
        assert question.lesson in LESSONS
        assert "nan" not in question.text + " ".join(question.options)


def test_the_right_answers_are_those_of_the_model():
    asked = asked_of("digits-2d-beta-1")
    found = by_id(asked)
    d, r = asked.distortion, asked.rate
    assert right(found["sum"]) == f"{d + r:.2f} nats"
    active = (asked.codes.mean.astype(float).var(0) > ACTIVE_VARIANCE).sum()
    assert right(found["active"]) == str(active)
    image = int(re.search(r"image (\d+)", found["kl"].text)[1])
    assert right(found["kl"]) == f"{asked.codes.rate[image, 0]:.2f} nats"
    images = [int(n) for n in re.findall(r"image (\d+):", found["dearest"].text)]
    dearest = max(images, key=lambda i: asked.codes.rate[i].sum())
    assert right(found["dearest"]) == f"image {dearest}"
    assert right(found["reduction"]) == "64"
    assert right(found["negative"]).startswith("No")
    for id in set(FROM_LESSONS) & found.keys():
        answer = LESSONS[id].verdict(MEASURED[id]).answer
        assert right(found[id]) == LESSONS[id].choices[answer]


def test_another_model_has_other_right_answers():
    first, second = by_id(asked_of("digits-2d-beta-1")), by_id(asked_of("mnist-20d-beta-1", 33.0))
    changed = [id for id in first.keys() & second.keys() if right(first[id]) != right(second[id])]
    assert {"sum", "active", "kl", "reduction"} <= set(changed)


def test_beta_above_the_threshold_makes_collapse_stable():
    assert "unstable" in right(by_id(asked_of("digits-2d-beta-1"))["collapse"])
    assert "unstable" not in right(by_id(asked_of("digits-2d-beta-4"))["collapse"])
    assert "unstable" not in right(by_id(asked_of("digits-2d-beta-1", 0.5))["collapse"])
    assert "collapse" not in by_id(asked_of("digits-2d-beta-1", None))


def test_another_measurement_has_another_right_answer():
    found = MEASURED["organise"]
    rows = found.values["accuracy"]
    flat = {name: tuple(np.full(found.count, 0.9 if name == "VAE" else 0.2)) for name in rows}
    turned = replace(found, values={**found.values, "accuracy": flat})
    before = by_id(asked_of("digits-2d-beta-1"))["organise"]
    after = by_id(asked_of("digits-2d-beta-1", measured={**MEASURED, "organise": turned}))
    assert right(before) != right(after["organise"])


def test_answers_are_judged():
    found = questions(asked_of("digits-2d-beta-1"))
    answers = [str(question.right) for question in found]
    assert list(each_right(found, answers)) == [True] * COUNT
    wrong = str((found[0].right + 1) % len(found[0].options))
    assert list(each_right(found, [wrong, "-"])) == [False, *[None] * (COUNT - 1)]
