"""Trainings over seeds that were measured before: each belongs to a preset as it is now."""

from collections import Counter

from models.config import override
from models.judge.seeds import FAILED, failures_of, kept
from models.metrics.samples.modes import COLLAPSED
from models.presets import PRESETS, preset


def test_every_training_is_of_a_preset_and_counts_once():
    found = Counter((each.name, each.seed) for each in kept())
    assert {name for name, _ in found} <= PRESETS.keys() and max(found.values()) == 1


def test_the_trainings_of_settings_are_those_of_their_preset_on_any_number_of_threads():
    for name in {each.name for each in kept()}:
        mine = {each.seed: each.verdict in FAILED for each in kept() if each.name == name}
        assert failures_of(override(preset(name), seed=7, threads=2)) == mine
        assert failures_of(override(preset(name), epochs=3)) == {}


def test_a_training_that_misses_classes_has_collapsed():
    missing = [each for each in kept() if each.scores and each.classes < 9]
    assert missing and {each.verdict for each in missing} == {COLLAPSED}
