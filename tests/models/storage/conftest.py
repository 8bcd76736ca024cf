"""The file that the tests of this folder change."""

import pytest

from models.storage.checkpoint import write
from tests.helpers.checkpoint_files import CARD, CODES, WEIGHTS


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "a.safetensors"
    write(path, CARD, WEIGHTS, CODES)
    return path.read_bytes()
