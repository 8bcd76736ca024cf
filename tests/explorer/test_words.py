"""Plain words stand for every short name that the program itself gives."""

import pytest

from explorer.words import words
from models.capabilities import FAMILIES, LIKELIHOODS
from models.config import NETWORKS
from models.data.builtin import DATA_SETS
from models.presets import PRESETS


@pytest.mark.parametrize("name", [*FAMILIES, *LIKELIHOODS, *NETWORKS, *DATA_SETS, *PRESETS])
def test_a_short_name_has_plain_words(name):
    assert words(name) != name and not words(name).islower()


def test_an_unknown_name_stays():
    assert words("my <b> faces") == "my <b> faces"
