"""The glossary: every term says what it is, and whatever the screen asks for is in the table."""

import re

import pytest

from explorer.glossary import row, terms, why
from models.lessons.table import LESSONS
from tests.helpers.paths import ROOT

CALLS = re.compile(r"(?:\bwhy|\bexplained|st\.html\(\s*(?:row|terms))\(([^()]*)\)")
KEYS = {
    key
    for path in (ROOT / "explorer").rglob("*.*")
    if path.suffix in (".py", ".js") and path.parent.name != "dist"
    for call in CALLS.findall(path.read_text())
    for key in re.findall(r'"([a-z_]+)"', call)
}


def test_every_term_is_explained_in_a_sentence_with_its_symbol():
    for key, term in terms().items():
        assert term.symbol and term.name and term.what[-1] in ".:", key
        assert term.what[0].isupper(), key
        assert len(term.what.split()) <= 45, key


def test_what_is_measured_has_a_unit():
    for key in ("distortion", "rate", "negative_elbo", "kl", "log_evidence", "beta", "active"):
        assert terms()[key].unit and terms()[key].formula, key


def test_the_screen_asks_only_for_terms_that_are_there():
    assert len(KEYS) > 25
    assert terms().keys() >= KEYS


def test_a_term_is_a_button_and_an_unknown_one_an_error():
    assert 'data-why="rate"' in why("rate") and ">R<" in why("rate")
    assert why("rate", "<b>").count("&lt;b&gt;") == 2
    assert row("rate", "kl").count("<button") == 2
    with pytest.raises(KeyError):
        why("nothing")


def test_a_lesson_names_no_marks_of_the_map():
    """Its charts have none: the symbol of a term is what it is called everywhere."""
    for lesson in LESSONS.values():
        marks = re.search(
            "circle|ellipse|ring|few codes", re.sub("<[^>]+>", "", row(*lesson.words))
        )
        assert marks is None, (lesson.id, marks)


def test_the_map_calls_its_terms_by_their_marks():
    assert "circles" in row("prior", prior="circles") and "p(z)" not in row(
        "prior", prior="circles"
    )


def test_every_term_leads_to_a_lesson_that_there_is():
    named = {term.lesson for term in terms().values() if term.lesson}
    assert named <= LESSONS.keys() and len(named) > 10
