"""Names the places in this repository that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "output"
SHIPPED = sorted((ROOT / "checkpoints").glob("*.safetensors"))
MNIST = [path for path in SHIPPED if path.stem.startswith("mnist")]
