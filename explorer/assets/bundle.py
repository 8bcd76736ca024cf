"""The browser's part of the live map as text: its scripts as one module, its style, its markup."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "browser"
ORDER = (
    *(f"numerics/{name}" for name in ("decoder", "geometry", "walk", "gif", "frames")),
    *(f"common/{name}" for name in ("dom", "chart")),
    *(
        f"latent_map/{name}"
        for name in (
            "model", "layers", "marks", "pointer_panel", "pins", "interpolation", "selection",
            "toolbar",
        )
    ),
    "beta_slider/slider", "snapshots/film", "latent_map/map",
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
RATES = """
<div class="rates">
  <div class="row slide">
    <button type="button" class="play">▶ Play</button>
    <input type="range" min="0" step="1" aria-label="β, on a logarithmic scale">
    <b class="beta"></b>
  </div>
  <p class="scores"></p>
  <div class="pair">
    <div class="plane"><div class="chart"></div><canvas class="layer marks"></canvas>
      <p class="state">Loading…</p></div>
    <div class="moving" hidden>
      <canvas class="codes"></canvas>
      <p>Test images, reconstructed</p><div class="images originals"></div>
      <div class="images reconstructions"></div>
      <p>Samples from the prior</p><div class="images samples"></div>
      <p>KL of each latent, nats: <span class="nats"></span></p><div class="kl"></div>
    </div>
  </div>
</div>
"""
FILM = """
<div class="training-film">
  <p class="state">Reading the film…</p>
  <div class="reels" hidden></div>
  <div class="row controls" hidden>
    <button type="button" class="play">▶ Play</button>
    <input type="range" min="0" step="1" aria-label="Frame of the training">
    <button type="button" class="live" aria-pressed="true">Live</button>
    <select aria-label="Speed"></select>
    <button type="button" class="gif">Save GIF</button>
    <button type="button" class="png">Save PNG</button>
  </div>
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
        r'^(import|/\*\* @import) .*? from "\.[./\w]+\.js";?( \*/)?\n',
        "",
        "\n".join(parts),
        flags=re.MULTILINE,
    )


def style() -> str:
    """The map's style sheet."""
    return (FOLDER / "style.css").read_text()
