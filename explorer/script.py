"""The browser's part of the live map as text: its scripts as one module, its style, its markup."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "live"
ORDER = (
    "decoder", "geometry", "walk", "gif", "paint", "chart", "model", "overlay", "marks", "panel",
    "pins", "strip", "selection", "tools", "map",
)  # fmt: skip
"""The scripts of the map: each imports only from those before it."""
MARKUP = """
<div class="latent-map">
  <div class="tools"></div>
  <div class="stage" tabindex="0" role="application" aria-label="Latent map: arrow keys move,
    Enter pins, plus and minus zoom">
    <canvas class="layer under"></canvas>
    <div class="chart"></div>
    <canvas class="layer marks"></canvas>
    <canvas class="layer moving"></canvas>
    <div class="layer pins"></div>
    <p class="state">Loading the map…</p>
    <div class="lens" hidden><canvas></canvas><p></p></div>
  </div>
  <div class="selection" hidden></div>
  <div class="list"></div>
  <div class="walk" hidden></div>
</div>
"""
PANEL = '<div class="latent-panel"></div>'


def bundle() -> str:
    """The scripts as one module: their imports of one another are dropped.

    Example:
        >>> script = bundle()
        >>> 'from "./' in script, script.count("export default")
        (False, 1)
    """
    parts = [(FOLDER / f"{name}.js").read_text() for name in ORDER]
    return re.sub(
        r'^(import|/\*\* @import) .*? from "\./\w+\.js";?( \*/)?\n',
        "",
        "\n".join(parts),
        flags=re.MULTILINE,
    )


def style() -> str:
    """The map's style sheet."""
    return (FOLDER / "style.css").read_text()
