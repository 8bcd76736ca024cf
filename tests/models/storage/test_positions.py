"""t-SNE maps as files, and those that ship."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from models.storage.checkpoint import read
from models.storage.positions import (
    map_path,
    read_positions,
    shipped_positions,
    write_positions,
)
from models.storage.tensors import CheckpointError
from tests.helpers.paths import MAPPED

SAMPLE = 1000
FLOOR = 0.9
"""Of the trustworthiness with 12 neighbours among these; a map of shuffled places has about 0.5."""


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_positions_come_back_to_a_thousandth_of_the_map(tmp_path):
    positions, codes = 40 * normal(50, 2), normal(50, 3)
    path = tmp_path / "map.safetensors"
    write_positions(path, positions, codes)
    found = read_positions(path, codes)
    assert found.dtype == np.float32
    assert np.abs(found - positions).max() <= np.ptp(positions) / 1000


def test_a_map_of_other_codes_is_not_used(tmp_path):
    codes = normal(50, 3)
    path = map_path(tmp_path / "model.safetensors")
    path.parent.mkdir()
    write_positions(path, normal(50, 2), codes)
    assert shipped_positions(tmp_path / "model.safetensors", codes) is not None
    for others in (codes + 1, codes[:40], normal(50, 2)):
        assert shipped_positions(tmp_path / "model.safetensors", others) is None


def test_a_missing_or_damaged_map_is_none(tmp_path):
    codes, path = normal(50, 3), map_path(tmp_path / "model.safetensors")
    assert shipped_positions(tmp_path / "model.safetensors", codes) is None
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    assert shipped_positions(tmp_path / "model.safetensors", codes) is None
    with pytest.raises(CheckpointError):
        read_positions(path, codes)


def test_no_map_ships_without_its_model():
    maps = {path.name for path in map_path(MAPPED[0]).parent.iterdir()}
    assert maps == {path.name for path in MAPPED}


@pytest.mark.parametrize("path", MAPPED, ids=lambda path: path.stem)
def test_every_shipped_model_has_a_trustworthy_map_of_its_codes(path):
    codes = read(path).codes.mean
    positions = shipped_positions(path, codes)
    assert positions is not None, f"make it with: python -m models project {path.name}"
    some = np.random.default_rng(0).permutation(len(codes))[:SAMPLE]
    assert trustworthiness(codes[some], positions[some], n_neighbors=12) >= FLOOR
    assert map_path(path).stat().st_size < 50_000
