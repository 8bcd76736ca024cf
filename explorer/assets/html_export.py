"""One HTML file with a model's live map in it: it needs no server, no network, no installation.

The file holds the script, the decoder (weights as float16), the test set's codes and, if
wanted, the test images; all gzipped, in base64. Known to the command line as
`python -m explorer export --html`, so it knows no Streamlit.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explorer.assets import bundle, map_spec
from explorer.assets.map_spec import MapSpec
from explorer.words import GREY, words
from models.data.image_set import DataError
from models.data.load import load
from models.export.map_file import Layers, map_file, positions_file
from models.latents.tsne import tsne
from models.storage.checkpoint import Checkpoint, read
from models.storage.positions import shipped_positions

MOST_ORIGINALS = 2**25
"""Bytes of test images in a file; of more, the first are there."""
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; connect-src data: blob:; form-action 'none'; base-uri 'none'"
)
"""What the browser lets the file ask for and send: nothing."""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
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
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{scores}</p>
<main>{markup}</main>
<p>{exact}</p>
<p>Move the pointer: the spot under it is decoded. Click to pin it; walk between two pins. Ctrl and
the wheel zoom. Arrow keys walk from point to point once the map has the focus, Enter pins.</p>
<p>{notes}</p>
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
const script = encodeURIComponent(await unzip("script").text());
const address = `data:text/javascript;charset=utf-8,${{script}}`;
const {{ dressPage, liveMap, provide }} = await import(address);
provide("model", unzip("model").arrayBuffer());
for (const name of ["originals", "positions"]) {{
  if (settings[name]) provide(name, unzip(name).arrayBuffer());
}}
liveMap({{ parentElement: document, data: settings, setStateValue() {{}} }});
dressPage();
</script>
</body>
</html>
"""

NOTHING_TOUCHED = {"point": None, "pins": [], "look": None}


def write_page(
    shown: MapSpec,
    images: np.ndarray | None = None,
    layers: Layers | None = None,
    kept: Mapping[str, Any] = NOTHING_TOUCHED,
) -> bytes:
    """The live map of a spec as one file.

    Args:
        shown: The map.
        images: The test images, shape (N, C, H, W) in [0, 1], to be shown beside the decoded
            ones; None leaves them out.
        layers: Of a custom model's decoder.
        kept: What was touched: `point`, `pins` and `look`, as `MapData` of types.js has them.

    Returns:
        HTML, UTF-8. It makes no request.
    """
    card = shown.checkpoint.card
    contents = {"model": map_file(shown.checkpoint, layers, half=True)}
    if images is not None:
        contents["originals"] = (images * 255 + 0.5).astype(np.uint8).tobytes()
    if shown.positions is not None:
        contents["positions"] = positions_file(shown.positions)
    settings = map_spec.map_data(shown) | {
        "model": "model",
        "originals": "originals" if images is not None else None,
        "positions": None if shown.positions is None else "positions",
        "drawn": None,
        "note": "",
        "download": "",
        "decode": None,
        "betas": None,
        "visit": 1,
        **kept,
    }
    contents["script"] = bundle.script().encode()
    parts = {name: _pack(data) for name, data in contents.items()}
    return PAGE.format(
        policy=POLICY,
        title=html.escape(f"{words(card.data_name)} · {card.title}"),
        scores=html.escape(_scores(shown)),
        exact=html.escape(map_spec.exactness(shown)),
        notes=html.escape(_notes(shown, layers)),
        style=bundle.style() + bundle.page_style(),
        markup=bundle.markup("latent_map/map"),
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
        view: "raw", "pca" or "tsne"; the last is computed here if none ships with the model.
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
        _positions(path, checkpoint.codes.mean) if view == "tsne" else None,
    )  # fmt: skip
    images = _test_images(checkpoint, data_dir) if originals else None
    return write_page(shown, images)


def _positions(path: Path, mean: np.ndarray) -> np.ndarray:
    """The t-SNE map that ships with the model, or one computed here."""
    shipped = shipped_positions(path, mean)
    return tsne(mean) if shipped is None else shipped


def _test_images(checkpoint: Checkpoint, data_dir: Path | None) -> np.ndarray | None:
    """The first test images behind the codes, or None where they are not on this machine."""
    try:
        found = load(checkpoint.card.config.data, "test", data_dir)
    except DataError:
        return None
    if found.fingerprint != checkpoint.card.data_fingerprint:
        return None
    return found.images[: MOST_ORIGINALS // int(np.prod(found.image_shape))]


def _pack(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def _scores(shown: MapSpec) -> str:
    """The test-set scores with their standard errors."""
    labels = {"negative_elbo": "−ELBO", "distortion": "D", "rate": "R"}
    metrics, found = shown.checkpoint.card.metrics, []
    for name, label in labels.items():
        match metrics.get(name):
            case [mean, error]:
                found.append(f"{label} {mean:z.2f} ± {error:z.2f} nats/image")
    config = shown.checkpoint.card.config
    if found and config.model.capabilities.betas == "many":
        found.insert(0, f"at β = {config.objective.beta:g}")
    count = f"{len(shown.checkpoint.codes):,} test images"
    grey = config.model.likelihood_properties.is_binary
    return " · ".join([*found, count, *([GREY] if grey else [])])


def _notes(shown: MapSpec, layers: Layers | None) -> str:
    """How the model was made, as far as that is known."""
    card = shown.checkpoint.card
    config = card.config
    if shown.checkpoint.codes.distortion is None:
        return f"Codes that came without a model, {config.model.latent_dim} latents."
    if layers is not None:
        return (
            f"A custom model, {config.model.latent_dim} latents, {words(config.model.likelihood)}."
        )
    return (
        f"{words(config.model.family)}, {words(config.model.network).lower()}, layers of "
        f"{', '.join(map(str, config.model.hidden)) or 'no'} units, "
        f"{config.model.latent_dim} latents, {words(config.model.likelihood)}, "
        f"β = {config.objective.beta:g}; trained {card.steps:,} steps, seed {config.training.seed}."
    )
