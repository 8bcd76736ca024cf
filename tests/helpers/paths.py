"""Names the places in this repository that tests read."""

from pathlib import Path

from models.storage.checkpoint import read_card

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "output"
SHIPPED = sorted((ROOT / "checkpoints").glob("*.safetensors"))
MAPPED = [path for path in SHIPPED if read_card(path)[0].config.model.capabilities.has_codes]
"""Those whose images have codes: points of a map."""
ON_MAP = [path for path in SHIPPED if read_card(path)[0].config.model.capabilities.has_plane]
"""Those that have a map, with points or without."""
MNIST = [path for path in SHIPPED if path.stem.startswith("mnist")]
