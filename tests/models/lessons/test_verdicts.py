"""Verdicts: each follows from its measurement, whatever comes out and however often."""

import re

import numpy as np
import pytest

from models.lessons.experiments import EXPERIMENTS, SHIPPED_SEEDS, shipped
from models.lessons.lesson import MAX_WORDS
from models.lessons.measure.generation import COUNTED
from models.lessons.measurement import Measurement
from models.lessons.table import CHAPTERS, LESSONS, asked
from models.lessons.topics import factors as factors_topic
from models.lessons.topics import families as families_topic
from models.lessons.topics import inference, objective, probability, remedies, spaces

KINDS = ("autoencoder", "autoencoder + penalty", "autoencoder + noise", "VAE")
COIN = {"entropy": 0.325, "cross-entropy": 0.693, "chance": 0.9, "belief": 0.5}
COLLAPSING = {"beta": 4.0, "onset": 0.05}
BETA = {"threshold": 3.35, "onset": 0.05}


def made(values, facts=None, count=5, spread=0.01):
    """A measurement with these means, and repeats that scatter a little around them."""
    scatter = np.linspace(-spread, spread, count)
    rows = {
        quantity: {
            name: tuple((mean + (1 + place) * scatter).tolist())
            for place, (name, mean) in enumerate(means.items())
        }
        for quantity, means in values.items()
    }
    return Measurement("made", tuple(range(count)), "seeds", rows, facts or {})


def cost(value):
    return {"nats": {"surprise of the truth": 1, "cost of the belief": value}}


def evidence(**means):
    names = {
        "digit": "a digit", "shuffled": "its pixels shuffled", "inverse": "its inverse",
        "blank": "a blank image",
    }  # fmt: skip
    return {"evidence": {names[name]: mean for name, mean in means.items()}}


def noise(uniform, normal):
    distance = {"uniform": 0.06, "Box–Muller": 0.01, "normal": 0.01}
    return {"elbo": {"uniform ε": uniform, "normal ε": normal}, "distance": distance}


def fits(reverse, forward):
    names = ("KL(q ‖ p)", "KL(p ‖ q)")
    pair = dict(zip(names, (reverse, forward), strict=True))
    return {"covered": pair, "wasted": pair}


def lives(*names):
    """R is 2 with these remedies, and 0 with the others and without any."""
    tried = ("no remedy", "KL warm-up", "cycles", "free bits", "smaller β")
    rates = {name: 2.0 if name in names else 0.0 for name in tried}
    return {"rate": rates, "active": rates, "elbo": {name: 27 - rates[name] for name in tried}}


def terms(fit, kl):
    return {"term": {"E[ln p(x|z)]": fit, "−KL": kl, "ELBO": fit + kl, "loss = −ELBO": -fit - kl}}


def pulls(kl, other):
    both = {"KL": kl, "reconstruction": other}
    return {"pull of μ": both, "pull of ln σ": both}


def ways(log, soft, plain):
    return {
        "elbo": {"ln σ²": log, "softplus σ": soft, "σ itself": plain},
        "invalid": {"ln σ²": 0, "softplus σ": 0, "σ itself": 0.4},
    }


def gap(encoder, shape):
    return {"gap": {"encoder": encoder, "shape": shape, "both": encoder + shape}}


def ladder(elbo, bound):
    return {
        name: {"1": values[0], "100": values[1]}
        for name, values in {"elbo": elbo, "bound": bound}.items()
    }


def learning(*steps):
    names = ("reparameterised", "score function", "score function with baseline")
    return {"steps": dict(zip(names, steps, strict=True)), "final": dict.fromkeys(names, 26)}


def by_number(quantities, *numbers):
    return {
        name: dict(zip(map(str, numbers), values, strict=True))
        for name, values in quantities.items()
    }


def space(**quantities):
    return {name: dict(zip(KINDS, values, strict=True)) for name, values in quantities.items()}


def sharp(*means):
    names = [f"{kind}, {size} latents" for kind in ("Bernoulli", "Gaussian") for size in (2, 16)]
    return {name: dict(zip(names, means, strict=True)) for name in ("mean", "sample")}


def factors(gaps):
    names = ("0.5", "1", "4")
    return {
        "mig": dict(zip(names, gaps, strict=True)),
        "infoe": dict(zip(names, (0.5, 0.5, 0.4), strict=True)),
        "active": dict(zip(names, (7, 6, 3), strict=True)),
    }


def drawing(*distances):
    names = ("VAE", "VQ-VAE", "GAN", "diffusion")
    found = dict(zip(names, distances, strict=True))
    recall = {name: 1 / (1 + distance) for name, distance in found.items()}
    return {"frechet": found, "recall": recall, "drawing": found, "copies": dict.fromkeys(names, 0)}


def gans(without, with_penalty):
    pair = {"no penalty": without, "R1 penalty": with_penalty}
    gone = {name: float(recall < 0.2) for name, recall in pair.items()}
    classes = {name: 10 * recall for name, recall in pair.items()}
    return {"recall": pair, "variance": pair, "classes": classes, "collapsed": gone}


CASES = [
    ("which", drawing(1, 2, 3, 4), {"floor": 0.3}, 0),
    ("which", drawing(2, 1, 3, 4), {"floor": 0.3}, 1),
    ("which", drawing(2, 3, 1, 4), {"floor": 0.3}, 2),
    ("which", drawing(2, 3, 4, 1), {"floor": 0.3}, 3),
    ("which", drawing(1, 1, 3, 4), {"floor": 0.3}, None),
    ("mode-collapse", gans(0.1, 0.8), None, 0), ("mode-collapse", gans(0.5, 0.5), None, 1),
    ("mode-collapse", gans(0.8, 0.4), None, 2),
    ("denoise", by_number({"noise": (0.1, 0.5, 0.9), "clean": (0.05, 0.1, 0.3)}, 2, 100, 200),
     {"steps": 200, "mean_image": 0.29}, 0),
    ("denoise", by_number({"noise": (0.5, 0.1, 0.9), "clean": (0.05, 0.1, 0.3)}, 2, 100, 200),
     {"steps": 200, "mean_image": 0.29}, 1),
    ("denoise", by_number({"noise": (0.9, 0.5, 0.1), "clean": (0.05, 0.1, 0.2)}, 2, 100, 200),
     {"steps": 200, "mean_image": 0.29}, 2),
    ("surprise", cost(0.368), COIN, 1), ("surprise", cost(0.4), COIN, 2),
    ("surprise", cost(0.0), COIN, 0), ("surprise", cost(0.9), COIN, None),
    ("density", evidence(digit=-20, shuffled=-90, inverse=-200, blank=-30), None, 0),
    ("density", evidence(digit=-30, shuffled=-90, inverse=-200, blank=-20), None, 1),
    ("density", evidence(digit=-20, shuffled=-20, inverse=-200, blank=-30), None, None),
    ("gaussian", noise(25, 24), None, 0), ("gaussian", noise(24, 24), None, 1),
    ("gaussian", noise(23, 24), None, 2),
    ("asymmetry", fits(0.4, 0.9), None, 0), ("asymmetry", fits(0.9, 0.4), None, 1),
    ("asymmetry", fits(0.7, 0.7), None, 2),
    ("signs", terms(-20, -3), {"perfect gaussian": -88.6}, 0),
    ("signs", terms(-2, -30), {"perfect gaussian": 4.0}, 1),
    ("mse", {"beta": {"mean squared error + KL": 32}}, {"pixels": 64, "threshold": 0.7}, 2),
    ("mse", {"beta": {"mean squared error + KL": 0.5}}, {"pixels": 1, "threshold": 0.7}, 1),
    ("mse", {"beta": {"mean squared error + KL": 1.0}}, {"pixels": 2}, 0),
    ("zero-one", pulls(1, -1), None, 0), ("zero-one", pulls(1, 1), None, 1),
    ("zero-one", pulls(-1, 1), None, 2), ("zero-one", pulls(1, 0), None, None),
    ("test-time", {"distortion": {"z sampled": 21, "z = μ": 20}}, None, 0),
    ("test-time", {"distortion": {"z sampled": 20, "z = μ": 21}}, None, 1),
    ("test-time", {"distortion": {"z sampled": 20, "z = μ": 20}}, None, 2),
    ("log-variance", ways(24, 24, 26), None, 0), ("log-variance", ways(24, 24, 24), None, 1),
    ("log-variance", ways(24, 22, 24), None, 2),
    ("posterior", gap(2, 1), None, 0), ("posterior", gap(1, 2), None, 1),
    ("posterior", gap(0, 0), None, 2), ("posterior", gap(1, 1), None, None),
    ("bound", ladder((-29, -29), (-29, -27)), {"evidence": -26}, 0),
    ("bound", ladder((-29, -28), (-29, -27)), {"evidence": -26}, 1),
    ("bound", ladder((-29, -29), (-29, -29)), {}, 2),
    ("bound", ladder((-29, -29), (-29, -30)), {"evidence": -40}, 2),
    ("reparameterise", learning(100, 1500, 1500), {"most": 1490, "level": 26}, 0),
    ("reparameterise", learning(100, 900, 400), {"most": 1490, "level": 26}, 1),
    ("reparameterise", learning(900, 100, 400), {"most": 1490, "level": 26}, 2),
    ("reparameterise", learning(100, 100, 400), {"most": 1490, "level": 26}, None),
    ("one-sample", by_number({"time": (24, 25), "steps": (25, 24)}, 1, 20), None, 0),
    ("one-sample", by_number({"time": (25, 24), "steps": (25, 24)}, 1, 20), None, 1),
    ("one-sample", by_number({"time": (24, 24), "steps": (24, 25)}, 1, 20), None, 2),
    ("batch", by_number({"time": (25, 24, 26), "steps": (26, 25, 24)}, 8, 128, 1297), None, 0),
    ("batch", by_number({"time": (24, 25, 26), "steps": (26, 25, 24)}, 8, 128, 1297), None, 1),
    ("batch", by_number({"time": (26, 25, 24), "steps": (24, 25, 26)}, 8, 128, 1297), None, 2),
    ("dead-zones", space(doubted=(0.5, 0.5, 0.5, 0.2), distance=(1, 1, 1, 1)), None, 0),
    ("dead-zones", space(doubted=(0.2, 0.5, 0.5, 0.5), distance=(1, 1, 1, 1)), None, 1),
    ("dead-zones", space(doubted=(0.3, 0.3, 0.3, 0.3), distance=(1, 1, 1, 1)), None, 2),
    ("organise", space(accuracy=(0.6, 0.7, 0.7, 0.8), spread=(3, 1, 6, 1)), None, 0),
    ("organise", space(accuracy=(0.8, 0.7, 0.7, 0.6), spread=(3, 1, 6, 1)), None, 1),
    ("organise", space(accuracy=(0.1, 0.1, 0.1, 0.1), spread=(3, 1, 6, 1)), None, 0),
    ("beta", by_number({"rate": (6, 0), "distortion": (20, 27)}, 0.1, 10), BETA, 0),
    ("beta", by_number({"rate": (0, 6), "distortion": (27, 20)}, 0.1, 10), BETA, 1),
    ("beta", by_number({"rate": (3, 3), "distortion": (20, 20)}, 0.1, 10), BETA, 2),
    ("collapse", by_number({"rate": (2, 0.5, 0, 0)}, 2, 3, 3.4, 5), BETA, 0),
    ("collapse", by_number({"rate": (0, 0, 0, 0)}, 2, 3, 3.4, 5), BETA, 1),
    ("collapse", by_number({"rate": (2, 0, 0, 0)}, 1, 2, 3.4, 5), BETA, 1),
    ("collapse", by_number({"rate": (2, 2, 2, 0)}, 2, 3, 3.4, 5), BETA, 2),
    ("collapse", by_number({"rate": (2, 2, 2, 2)}, 2, 3, 3.4, 5), BETA, 2),
    ("remedies", lives("free bits", "smaller β", "cycles"), COLLAPSING, 0),
    ("remedies", lives("smaller β"), COLLAPSING, 1),
    ("remedies", lives(), COLLAPSING, 2),
    ("remedies", lives("no remedy"), COLLAPSING, 2),
    ("remedies", lives("free bits", "smaller β"), COLLAPSING, None),
    ("latents", by_number({"elbo": (26, 25, 24), "active": (1, 4, 9)}, 1, 4, 16), None, 0),
    ("latents", by_number({"elbo": (26, 24, 25), "active": (1, 4, 4)}, 1, 4, 16), None, 1),
    ("latents", by_number({"elbo": (24, 25, 26), "active": (1, 4, 0)}, 1, 4, 16), None, 2),
    ("blur", sharp(0.7, 0.7, 0.4, 0.4), None, 0), ("blur", sharp(0.4, 0.7, 0.4, 0.7), None, 1),
    ("blur", sharp(1.1, 1.1, 1.2, 1.2), None, 2),
    ("disentangle", factors((0.1, 0.1, 0.4)), None, 0),
    ("disentangle", factors((0.1, 0.3, 0.1)), None, 1),
    ("disentangle", factors((0.1, 0.1, 0.1)), None, 2),
    ("three-steps", {"difference": {"another z": 0.3, "another x": 0.2}}, None, 0),
    ("three-steps", {"difference": {"another z": 0.2, "another x": 0.3}}, None, 1),
    ("three-steps", {"difference": {"another z": 0.3, "another x": 0.3}}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("id", "values", "facts", "answer"), CASES)
def test_a_verdict_follows_from_its_measurement(id, values, facts, answer):
    lesson = LESSONS[id]
    spread = 0.0001 if id in ("mse", "collapse") else 0.01
    verdict = lesson.verdict(made(values, facts, spread=spread))
    assert verdict.answer == answer
    assert "nan" not in verdict.sentence and "inf" not in verdict.sentence
    if id != "mse":
        again = lesson.verdict(made(values, facts, count=8, spread=spread))
        assert again.sentence != verdict.sentence and "8 seeds" in again.sentence


@pytest.mark.parametrize("id", LESSONS)
def test_every_choice_can_be_borne_out_and_says_something_else(id):
    verdicts = [LESSONS[id].verdict(made(case[1], case[2])) for case in CASES if case[0] == id]
    sentences = [verdict.sentence for verdict in verdicts]
    assert len(set(sentences)) == len(sentences)
    answers = {case[3] for case in CASES if case[0] == id} - {None}
    given = set(range(len(LESSONS[id].choices)))
    assert answers == given - ({2} if id == "density" else set())


def test_a_blank_image_may_beat_a_single_digit():
    found = made(evidence(digit=-20, shuffled=-90, inverse=-200, blank=-30))
    rows = dict(found.values["evidence"])
    rows["a digit"] = (-10.0, -12.0, -11.0, -31.0, -12.0)
    verdict = LESSONS["density"].verdict(
        Measurement("m", found.repeats, "images", {"evidence": rows})
    )
    assert verdict.answer == 2 and "less likely than a blank image" in verdict.sentence


@pytest.mark.parametrize("id", [id for id, lesson in LESSONS.items() if lesson.experiment])
def test_one_repeat_decides_nothing(id):
    for case in CASES:
        if case[0] == id and id not in ("latents", "blur", "batch", "beta", "collapse"):
            sentence = LESSONS[id].verdict(made(case[1], case[2], count=1)).sentence
            assert "no interval" in sentence and "inf" not in sentence


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_ships_was_made_by_a_command_and_bears_a_verdict(name):
    found = shipped(name)
    seeds = ",".join(map(str, SHIPPED_SEEDS))
    assert found.command == f"python -m models lesson {name} --seeds {seeds}"
    assert found.count >= 5
    lessons = [lesson for lesson in LESSONS.values() if lesson.experiment == name]
    assert lessons
    for lesson in lessons:
        assert lesson.verdict(found).sentence
        for chart in lesson.charts:
            assert found.conditions(chart.quantity)
            if chart.axis:
                assert all(float(c) >= 0 for c in found.conditions(chart.quantity))


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))
def test_a_lesson_whose_repeats_are_draws_of_one_model_says_so(lesson):
    """Its intervals say nothing of other training runs."""
    if not lesson.experiment:
        return
    are_draws = shipped(lesson.experiment).counted == COUNTED
    assert are_draws == ("do not say how" in lesson.repeats)
    assert not are_draws or "one trained model" in lesson.repeats


# --- texts ---------------------------------------------------------------------------------------

MEASURED = re.compile(r"\d*\.\d|\d\d")
"""Numbers that a person would have had to measure: decimals, and those of two digits or more."""
CLAIMS = ("32 to 256",)
"""What is taught, as the choice of a prediction."""


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))
def test_no_text_holds_a_measured_number(lesson):
    text = " ".join([lesson.question, lesson.text, *lesson.choices, lesson.why])
    for claim in CLAIMS:
        text = text.replace(claim, "")
    assert MEASURED.findall(text) == []


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))
def test_a_lesson_is_short_and_whole(lesson):
    words = " ".join([lesson.question, lesson.text, *lesson.choices]).split()
    assert len(words) <= MAX_WORDS
    assert lesson.question.endswith("?") and len(lesson.choices) >= 2
    assert lesson.source and lesson.touch and lesson.words
    assert lesson.experiment in {"", *EXPERIMENTS}
    assert bool(lesson.charts) == bool(lesson.experiment)
    for chart in lesson.charts:
        assert chart.axis or len(chart.title) <= 36, "two charts side by side are narrow"
    assert lesson.experiment or lesson.panel


def test_the_chapters_hold_every_lesson_once():
    ids = [id for chapter in CHAPTERS.values() for id in chapter]
    written = [
        lesson.id
        for topic in (
            factors_topic,
            families_topic,
            inference,
            objective,
            probability,
            remedies,
            spaces,
        )
        for lesson in topic.LESSONS
    ]
    assert sorted(ids) == sorted(written) and len(set(ids)) == len(ids)
    questions = [lesson.question for lesson in LESSONS.values()]
    assert len(set(questions)) == len(questions)
    assert all(id in LESSONS for ids in asked().values() for id in ids)
