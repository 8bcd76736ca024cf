"""One HTML file with a model's live map in it: it needs no server, no network, no installation.

The file holds Plotly, the figure, the decoder (weights as float16), the test set's codes and, if
wanted, the test images; all gzipped, in base64. Known to the command line as
`python -m explorer export --html`, so it knows no Streamlit.
"""

from __future__ import annotations

import base64
import functools
import gzip
import html
import json
from pathlib import Path

import numpy as np
from plotly.offline import get_plotlyjs
from torch import nn

from explorer.assets import bundle, map_spec
from explorer.assets.map_spec import MapSpec
from models.data.image_set import DataError
from models.data.load import load
from models.export.browser_files import map_file
from models.latents.tsne import tsne
from models.storage.checkpoint import Checkpoint, read, restore

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --st-text-color: #1b2330; --st-background-color: #fff;
  --st-border-color: #d5d9e0; --st-primary-color: #2f74b5; --st-font: system-ui, sans-serif; }}
@media (prefers-color-scheme: dark) {{ :root {{ --st-text-color: #e8eaef;
  --st-background-color: #0e1117; --st-border-color: #3a3f4b; --st-primary-color: #5aa9e6; }} }}
body {{ max-width: 1400px; margin: 0 auto; padding: 16px 24px; color: var(--st-text-color);
  background: var(--st-background-color); font: 14px/1.5 var(--st-font); }}
h1 {{ margin: 0 0 4px; font-size: 22px; }}
main {{ display: grid; grid-template-columns: minmax(0, 3fr) minmax(300px, 2fr); gap: 24px; }}
@media (max-width: 900px) {{ main {{ grid-template-columns: minmax(0, 1fr); }} }}
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{scores}</p>
<main>
<div>{markup}<p>{exact}</p></div>
<div>{panel}
<p>Move the pointer: the spot under it is decoded. Click to pin it; walk between two pins.
Arrow keys move over the map once it has the focus, Enter pins.</p>
<p>{notes}</p></div>
</main>
<script type="application/json" id="settings">{settings}</script>
{parts}
<script type="module">
const settings = JSON.parse(document.getElementById("settings").textContent);
const unzip = (name) => {{
  const text = document.getElementById(name)?.textContent;
  if (!text) return null;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream);
}};
const library = document.createElement("script");
library.textContent = await unzip("plotly").text();
document.head.append(library);
const script = encodeURIComponent(await unzip("script").text());
const {{ liveMap, provide }} = await import(`data:text/javascript;charset=utf-8,${{script}}`);
provide("figure", unzip("figure").json());
provide("model", unzip("model").arrayBuffer());
if (settings.originals) provide("originals", unzip("originals").arrayBuffer());
liveMap({{ parentElement: document, data: settings, setStateValue() {{}} }});
</script>
</body>
</html>
"""


def write_page(shown: MapSpec, model: nn.Module, images: np.ndarray | None = None) -> bytes:
    """The live map of a spec as one file.

    Args:
        shown: The map.
        model: Of its checkpoint, in evaluation mode.
        images: The test images, shape (N, C, H, W) in [0, 1], to be shown beside the decoded
            ones; None leaves them out.

    Returns:
        HTML, UTF-8. It makes no request.
    """
    card, codes = shown.checkpoint.card, shown.checkpoint.codes
    contents = {
        "figure": map_spec.figure(shown).to_json().encode(),
        "model": map_file(model, codes, card.class_names, half=True),
    }
    if images is not None:
        contents["originals"] = (images * 255 + 0.5).astype(np.uint8).tobytes()
    settings = {
        "plotly": "plotly",
        "figure": "figure",
        "model": "model",
        "originals": "originals" if images is not None else None,
        "data_set": card.data_fingerprint,
        "plane": map_spec.plane_data(shown),
        "point": None,
        "pins": [],
        "drawn": None,
        "panel": ".latent-panel",
    }
    contents["script"] = bundle.script().encode()
    parts = {"plotly": _plotly()} | {name: _pack(data) for name, data in contents.items()}
    return PAGE.format(
        title=html.escape(f"{card.data_name} · {card.title}"),
        scores=html.escape(_scores(shown)),
        exact=html.escape(map_spec.exactness(shown)),
        notes=html.escape(_notes(shown, model)),
        style=bundle.style(),
        markup=bundle.markup("latent_map/map"),
        panel=bundle.PANEL,
        settings=json.dumps(settings).replace("<", "\\u003c"),
        parts="\n".join(
            f'<script type="text/plain" id="{name}">{text}</script>' for name, text in parts.items()
        ),
    ).encode()


def export_page(
    path: Path,
    view: str = "raw",
    x: int = 1,
    y: int = 2,
    colour: str = "",
    originals: bool = True,
    data_dir: Path | None = None,
) -> bytes:
    """The live map of a checkpoint file as one HTML file.

    Args:
        path: Of the checkpoint; it must hold the codes of a test set.
        view: "raw", "pca" or "tsne"; the last is computed here.
        x: Horizontal latent of the raw view, counted from 1.
        y: Vertical one.
        colour: Of `map_spec.colours`; by default the first that the model has.
        originals: Whether to put the test images in, where they are on this machine.
        data_dir: Folder of the MNIST family.

    Raises:
        ValueError: If the model has no such view, latent or colour, or the file no codes.
    """
    checkpoint = read(path)
    if checkpoint.codes is None:
        raise ValueError("the file must hold the codes of a test set, from which the map is made")
    latent_dim, allowed = checkpoint.codes.latent_dim, map_spec.colours(checkpoint)
    if view not in map_spec.VIEWS:
        raise ValueError(f"view must be one of {', '.join(map_spec.VIEWS)}, got {view!r}")
    if view == "raw" and not (1 <= x <= latent_dim and 1 <= y <= latent_dim):
        raise ValueError(f"x and y must be latents 1 to {latent_dim}, got {x} and {y}")
    if colour and colour not in allowed:
        raise ValueError(f"colour must be one of {', '.join(allowed)}, got {colour!r}")
    plane = None if view == "tsne" else map_spec.make_plane(checkpoint, view, x - 1, y - 1)
    shown = MapSpec(
        checkpoint, view, x - 1, y - 1, colour or next(iter(allowed)), plane,
        tsne(checkpoint.codes.mean) if view == "tsne" else None,
    )  # fmt: skip
    images = _test_images(checkpoint, data_dir) if originals else None
    return write_page(shown, restore(checkpoint).eval(), images)


def _test_images(checkpoint: Checkpoint, data_dir: Path | None) -> np.ndarray | None:
    """The test images behind the codes, or None where they are not on this machine."""
    try:
        found = load(checkpoint.card.config.data, "test", data_dir)
    except DataError:
        return None
    return found.images if found.fingerprint == checkpoint.card.data_fingerprint else None


def _pack(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


@functools.cache
def _plotly() -> str:
    return _pack(get_plotlyjs().encode())


def _scores(shown: MapSpec) -> str:
    """The test-set scores with their standard errors."""
    labels = {"negative_elbo": "−ELBO", "distortion": "D", "rate": "R"}
    metrics, found = shown.checkpoint.card.metrics, []
    for name, label in labels.items():
        match metrics.get(name):
            case [mean, error]:
                found.append(f"{label} {mean:.2f} ± {error:.2f} nats/image")
    count = f"{len(shown.checkpoint.codes):,} test images"
    return " · ".join([*found, count])


def _notes(shown: MapSpec, model: nn.Module) -> str:
    """How the model was made, as far as that is known."""
    card = shown.checkpoint.card
    config = card.config
    if hasattr(model, "browser_layers"):
        return (
            f"A custom model, {config.model.latent_dim} latents, "
            f"{config.model.likelihood} likelihood."
        )
    return (
        f"{config.model.family}, {config.model.network} {list(config.model.hidden)}, "
        f"{config.model.latent_dim} latents, {config.model.likelihood} likelihood, "
        f"β = {config.objective.beta:g}; trained {card.steps:,} steps, seed {config.training.seed}."
    )
