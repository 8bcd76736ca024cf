"""Scores say what they are scores of: grey images under a Bernoulli are binarised at random."""

import json

import pytest

from explorer.assets.html_export import export_page
from explorer.words import GREY
from models.presets import preset
from models.training.remedies import NO_REMEDY, Strengths, remedies
from tests.helpers.app_test import open_view, said
from tests.helpers.paths import ROOT

DIGITS = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"


@pytest.mark.parametrize(
    ("view", "query"),
    [("trade_off", {}), ("train", {"runs": "digits-2d-beta-1,digits-2d-beta-4"})],
)
def test_a_screen_of_scores_says_that_the_images_are_grey(view, query, no_runs):
    assert GREY in said(open_view(view, **query))


def test_so_do_the_exported_file_the_readme_and_every_symbol():
    assert GREY in export_page(DIGITS).decode()
    assert "black-and-white" in (ROOT / "README.md").read_text()
    terms = json.loads((ROOT / "explorer" / "browser" / "glossary" / "terms.json").read_text())
    assert all(
        "black-and-white" in terms[name]["measured"] for name in ("distortion", "negative_elbo")
    )


def test_the_changelog_counts_what_there_is():
    text = " ".join((ROOT / "CHANGELOG.md").read_text().split())
    words = "none one two three four five six seven eight nine ten eleven twelve thirteen "
    words += "fourteen fifteen sixteen seventeen eighteen nineteen twenty"
    numbers = words.split(" ")
    shipped = len(list((ROOT / "checkpoints").glob("*.safetensors")))
    assert f"{numbers[shipped]} trained models ship" in text
    found = [r for r in remedies(preset("digits-2d"), 4000, Strengths()) if r.name != NO_REMEDY]
    assert f"{numbers[len(found)]} remedies trained" in text
