"""Text for the screen: numbers are set well, and none is minus nothing."""

import ast
import re

import pytest

from tests.helpers.paths import ROOT

SHOWN = [ROOT / "explorer", ROOT / "models" / "cli", ROOT / "models" / "sweeps" / "table.py"]
FILES = [path for place in SHOWN for path in ([place] if place.is_file() else place.rglob("*.py"))]


def formats(source):
    """The formats with a fixed number of decimals in a file's texts, as 'z.2f'."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            spec = "".join(part.value for part in node.format_spec.values if hasattr(part, "value")
                           and isinstance(part.value, str))  # fmt: skip
            if re.search(r"\.\d+f$", spec):
                yield spec


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('f"{x:.2f} {y:z.1f} {n:,}"', [".2f", "z.1f"]),
        ('f"%{{x:.2f}}"', []),
        ('f"{x:+z.3f}"', ["+z.3f"]),
    ],
)
def test_formats_are_seen(source, found):
    assert list(formats(source)) == found


def test_no_number_is_shown_as_minus_nothing():
    """Without z, −0.004 would be shown as −0.00."""
    shown = [(path.relative_to(ROOT), spec) for path in FILES for spec in formats(path.read_text())]
    assert shown and [found for found in shown if not {"z", ","} & {*found[1]}] == []
