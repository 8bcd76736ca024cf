"""What the pages show of known factors: matrices over seeds, traversals, sweeps, directions."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.services import catalogue, factors
from explorer.services.loaded_model import LoadedModel
from models.places import default_runs_dir
from tests.helpers.factor_runs import known_codes, make_factor_run, with_scores

pytestmark = pytest.mark.usefixtures("no_runs")


@pytest.fixture
def runs():
    """Three seeds of one model, whose latents come in other orders, and one of another β."""
    folder = default_runs_dir()
    orders = {0: (0, 1, 2, 3, 4), 1: (4, 3, 2, 1, 0), 2: (2, 0, 4, 1, 3)}
    found = {
        seed: make_factor_run(folder, known_codes(order, 0.02, seed), seed=seed)
        for seed, order in orders.items()
    }
    make_factor_run(folder, known_codes(noise=3.0), beta=4.0)
    return found


def model(name):
    return LoadedModel(catalogue.list_models()[0][name])


def test_latents_are_matched_before_they_are_averaged(runs):
    found = factors.seed_matrix(model(runs[0]))
    assert found.seeds == 3 and found.names == ("shape", "size", "angle", "x", "y")
    assert found.mean.argmax(0).tolist() == [0, 1, 2, 3, 4]
    assert found.mean.diagonal().min() > 0.7 and found.half.max() < 0.1
    turned = factors.seed_matrix(model(runs[1]))
    assert turned.mean.argmax(0).tolist() == [4, 3, 2, 1, 0]


def test_one_seed_has_no_interval(runs):
    (other,) = [name for name, c in of_sprites_8().items() if c.config.objective.beta == 4.0]
    found = factors.seed_matrix(model(other))
    assert found.seeds == 1 and found.half is None


def test_a_traversal_moves_one_latent_and_the_largest_kl_comes_first(runs):
    shown = model(runs[0])
    order, weights = factors.in_order(shown)
    assert sorted(order) == list(range(5)) and (np.diff(weights) <= 0).all()
    np.testing.assert_allclose(weights, shown.codes.rate.mean(0)[order])
    code = shown.codes.mean[3]
    images = factors.traversed(shown, code)
    assert images.shape == (5, factors.STEPS, 1, 8, 8)
    middle = code.copy()
    middle[order[2]] = 0.0
    np.testing.assert_allclose(
        images[2, factors.STEPS // 2], shown.decode(middle[None])[0], atol=1e-6
    )


def test_the_film_runs_forward_and_back():
    frames = [np.full((4, 6, 3), value, np.uint8) for value in (0, 100, 200)]
    with Image.open(io.BytesIO(factors.to_gif(frames))) as film:
        assert film.size == (6, 4) and film.n_frames == 4


def test_a_moved_image_ends_at_its_code_plus_the_arrow(runs):
    shown = model(runs[0])
    found = factors.direction(shown, 1, 0)
    code = shown.codes.mean[0]
    images = factors.moved(shown, code, found, 0.7)
    assert len(images) == len(factors.STRENGTHS) + 1
    expected = shown.decode(np.stack([code, code + 0.7 * found.vector]))
    np.testing.assert_allclose(images[[factors.STRENGTHS.index(0), -1]], expected, atol=1e-6)


def cards():
    return {entry.id: entry.card for entry in catalogue.entries() if "mig" in entry.card.metrics}


def of_sprites_8():
    return {name: card for name, card in cards().items() if card.data_name == "sprites-8"}


def test_a_sweep_is_listed_by_beta_and_seed_without_gaps(runs):
    found = factors.sweep_scores(of_sprites_8(), "mig")
    assert list(found) == [1.0] and list(found[1.0]) == [0, 1, 2], "β = 4 lacks two seeds"
    for seed in (1, 2):
        make_factor_run(default_runs_dir(), known_codes(noise=3.0, seed=seed), beta=4.0, seed=seed)
    found = factors.sweep_scores(of_sprites_8(), "mig")
    assert list(found) == [1.0, 4.0] and all(list(row) == [0, 1, 2] for row in found.values())
    assert min(found[1.0].values()) > max(found[4.0].values())


def test_what_is_not_a_number_is_no_score(runs):
    named = {name: with_scores(card, mig="high") for name, card in of_sprites_8().items()}
    assert factors.sweep_scores(named, "mig") == {}


def test_rank_correlations_are_those_of_spearman(runs):
    from scipy.stats import spearmanr

    for seed in (1, 2):
        make_factor_run(default_runs_dir(), known_codes(noise=3.0, seed=seed), beta=4.0, seed=seed)
    names, matrix = factors.rank_correlations(of_sprites_8())
    assert len(names) == len(factors.SCORES) == len(matrix)
    tables = [factors.sweep_scores(of_sprites_8(), name) for name in ("mig", "sap")]
    rows = [[v for row in table.values() for v in row.values()] for table in tables]
    assert matrix[names.index("MIG"), names.index("SAP")] == pytest.approx(
        spearmanr(*rows).statistic
    )
    np.testing.assert_allclose(matrix, matrix.T)


def test_too_few_runs_have_no_correlation():
    assert factors.rank_correlations({}) == ([], pytest.approx(np.empty((0, 0))))
