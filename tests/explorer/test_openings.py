"""How maps open: MNIST with a walk, an autoencoder with its holes, every β with all posteriors."""

import pytest

from explorer import map_look
from explorer.openings import BY_MODEL, NOTHING, first_view, opening
from models.capabilities import FAMILIES


@pytest.mark.parametrize(
    ("family", "look"),
    [
        ("vae", None),
        ("autoencoder", {"background": "holes"}),
        ("multirate", {"posterior": "all"}),
    ],
)
def test_a_family_opens_with_what_there_is_to_see(family, look):
    found = opening("any", FAMILIES[family])
    assert found.look == look and found.pinned == () and found.point is None
    assert found == NOTHING or map_look.of_browser(found.look) == look


def test_shipped_openings_are_looks_that_a_map_can_have():
    for found in BY_MODEL.values():
        assert map_look.of_browser(found.look) == found.look
        assert found.point in found.pinned and len(found.pinned) == 2


@pytest.mark.parametrize(("latent_dim", "view"), [(1, "raw"), (2, "raw"), (3, "pca"), (256, "pca")])
def test_many_latents_open_on_a_projection(latent_dim, view):
    assert first_view(latent_dim) == view
