"""Rows of the table of families: seeds become one row; what is not there says so."""

import math

import pytest

from explorer.services.family_table import (
    COLUMNS,
    DIVERGED,
    HAS_NONE,
    NOT_MEASURED,
    Cell,
    Row,
    Scored,
    floors,
    rows,
    text,
)
from models.config import override
from models.judge.report import SampleReport
from models.metrics.samples.scores import Score
from models.presets import preset
from models.storage.card import Card


def scored(id, distance=None, space="judge", seed=0, name="digits-2d", **metrics):
    config = override(preset(name), seed=seed)
    report = None
    if distance is not None:
        scores = {f"{space}.frechet": Score(distance, 0.5, 0.25, 0.1)}
        report = SampleReport(id, "f", "digits", 500, 0, math.nan, scores, 1e-3, 1, 5)
    return Scored(id, Card(config, title=id, seconds=9.0, metrics=metrics), report)


def test_seeds_are_one_row_with_the_interval_of_their_mean():
    (row,) = rows([scored("a", 2.0), scored("b", 4.0, seed=1)], "draw")
    assert row.ids == ("a", "b") and row.cells[0].value == 3.0
    assert row.cells[0].half == pytest.approx(12.706, abs=1e-3)


def test_the_same_seed_twice_is_one_seed():
    (row,) = rows([scored("a", 2.0), scored("b", 2.0)], "draw")
    assert row.ids == ("a", "b") and row.count == 1 and row.cells[0] == Cell(2.0, 0.5)


def varied(id, classes, seed=0, name="digits-2d"):
    """A model of which all is known that a verdict needs."""
    one, none = scored(id, 2.0, seed=seed, name=name), math.nan
    found = {"judge.recall": (0.9, 0.9), "twins": (0.0, 0.0), "support_at_least": (9e4, 9e4),
             "classes": (classes, 10.0), "class_divergence": (0.1, 0.01),
             "class_variance": (1.0, 1.0)}  # fmt: skip
    one.report.scores.update(
        (key, Score(value, none, floor, none)) for key, (value, floor) in found.items()
    )
    return one


def collapsed(group):
    titles = [column.title for column in COLUMNS["draw"]]
    (row,) = rows(group, "draw")
    return text(row.cells[titles.index("trainings that collapsed")], 2), row


def test_collapsed_and_diverged_trainings_are_counted_with_their_interval():
    diverged = scored("c", seed=2)._replace(diverged=True)
    found, row = collapsed([varied("a", 10.0), varied("b", 6.0, seed=1), diverged])
    assert found == "2 of 3, 9 to 99 %" and row.count == 3
    assert row.cells[0].value == 2.0  # the mean of those that reached their end
    assert collapsed([varied("a", 10.0)])[0] == "0 of 1, 0 to 98 %"
    assert collapsed([scored("a")])[0] == NOT_MEASURED
    assert collapsed([scored("a", name="digits-ae")])[0] == HAS_NONE


def test_what_only_diverged_has_no_other_score():
    found, row = collapsed([scored("a")._replace(diverged=True)])
    assert found == "1 of 1, 3 to 100 %" and {c.reason for c in row.cells[:-1]} == {DIVERGED}


def test_trainings_of_a_preset_that_were_measured_before_count_each_seed_once(monkeypatch):
    monkeypatch.setattr(
        "explorer.services.family_table.failures_of", lambda _: {0: True, 1: True, 2: False}
    )
    assert collapsed([varied("a", 10.0, seed=2), varied("b", 10.0, seed=3)])[0].startswith("2 of 4")


@pytest.mark.parametrize(
    ("name", "family", "title"),
    [
        ("GAN", "gan", "GAN"),
        ("A gan that collapses", "gan", "A gan that collapses"),
        ("VQ-VAE, 16 tokens", "vae", "VQ-VAE, 16 tokens (VAE)"),
        ("Diffusion", "ddpm", "Diffusion"),
        ("organ", "gan", "organ (GAN)"),
    ],
)
def test_a_title_says_the_family_once(name, family, title):
    assert Row((), name, family, ()).title == title


def test_one_run_has_the_interval_of_its_images():
    (row,) = rows([scored("a", 2.0)], "draw")
    assert row.cells[0] == Cell(2.0, 0.5) and row.count == 1


def test_the_best_comes_first_and_what_is_not_measured_last():
    found = [scored("none", name="digits-ae"), scored("later", name="digits-linear"),
             scored("worse", 9.0), scored("better", 2.0, name="digits-multirate")]  # fmt: skip
    table = rows(found, "draw")
    assert [row.name for row in table[:2]] == ["better", "worse"]
    reasons = {row.name: row.cells[0].reason for row in table[2:]}
    assert reasons == {"none": HAS_NONE, "later": NOT_MEASURED}


def test_without_a_judge_pixels_count_and_classes_have_no_score():
    (row,) = rows([scored("a", 2.0, space="pixels")], "draw")
    titles = [column.title for column in COLUMNS["draw"]]
    assert row.cells[0].value == 2.0
    assert row.cells[titles.index("classes hit")].reason == HAS_NONE


def test_an_autoencoder_has_no_likelihood_of_images_but_rebuilds_them():
    one = scored("ae", name="digits-ae", squared_error_per_pixel=0.02, distortion=[20.0, 0.5])
    assert rows([one], "likelihood")[0].cells[0].reason == HAS_NONE
    error, size, rate, distortion = rows([one], "compress")[0].cells
    assert (error.value, size.value, rate.reason) == (0.02, 2.0, HAS_NONE)
    assert (distortion.value, distortion.half) == (20.0, pytest.approx(0.98))


def test_the_floor_is_what_real_images_score():
    assert floors([scored("a", 2.0), scored("b")], "draw")[0].value == 0.25


def test_a_number_is_never_minus_nothing():
    assert text(Cell(-1e-9, 0.01), 2) == "0.00 ± 0.01"


def test_a_code_of_tokens_has_as_many_as_its_grid():
    (row,) = rows([scored("vq", name="digits-vq")], "compress")
    assert row.cells[1].value == 16 and row.cells[0].reason == NOT_MEASURED
