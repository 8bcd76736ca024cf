"""Every page has a name of its own, one sentence on what is seen and one on what to try."""

import pytest

from explorer.guide import GUIDES, heading


def test_pages_have_names_of_their_own():
    titles = [guide.title for guide in GUIDES.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("view", GUIDES)
def test_a_page_says_what_is_seen_and_what_to_try(view):
    _, see, attempt = GUIDES[view]
    for sentence in (see, attempt):
        assert sentence[-1] in ".?" and 5 <= len(sentence.split()) <= 25
    assert see in heading(view) and attempt in heading(view)


def test_the_tour_is_offered_on_the_map_alone():
    assert [view for view in GUIDES if "data-tour" in heading(view)] == ["latent_map"]
