"""The live map as one HTML file: its text around files, settings and script.

Only the standard library is used, so that a notebook's kernel writes the file too.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from explorer.assets import bundle

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
  const text = document.getElementById(name).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream);
}};
const script = encodeURIComponent(await unzip("script").text());
const address = `data:text/javascript;charset=utf-8,${{script}}`;
const {{ dressPage, liveMap, provide }} = await import(address);
for (const {{ id }} of document.querySelectorAll("script[type='text/plain']")) {{
  if (id !== "script") provide(id, unzip(id).arrayBuffer());
}}
liveMap({{ parentElement: document, data: settings, setStateValue() {{}} }});
dressPage();
</script>
</body>
</html>
"""

NOTHING_TOUCHED = {"point": None, "pins": [], "look": None}


class MapPage(NamedTuple):
    """A live map where there is no server: what is written around it, and what it shows.

    Attributes:
        title: Data set and model.
        scores: The test-set scores, one line.
        exact: How far the map may be trusted.
        notes: How the model was made.
        settings: `MapData` of browser/common/types.js, where a file's address is its name.
        files: Gzipped: `model`, and `originals`, `positions` and `betas` where there are any.
    """

    title: str
    scores: str
    exact: str
    notes: str
    settings: dict[str, Any]
    files: dict[str, bytes]


def packed(data: bytes) -> bytes:
    """Compresses a file; the same bytes for the same content.

    Example:
        >>> packed(b"a" * 1000) == packed(b"a" * 1000), len(packed(b"a" * 1000)) < 100
        (True, True)
    """
    return gzip.compress(data, 9, mtime=0)


def page_html(page: MapPage, kept: Mapping[str, Any] = NOTHING_TOUCHED) -> bytes:
    """Writes a live map as one file.

    Args:
        page: The map.
        kept: What was touched: `point`, `pins` and `look`, as `MapData` of types.js has them.

    Returns:
        HTML, UTF-8. It makes no request.

    Example:
        >>> b"<h1>A &amp; B</h1>" in page_html(MapPage("A & B", "", "", "", {}, {}))
        True
    """
    files = page.files | {"script": packed(bundle.script().encode())}
    texts = (page.title, page.scores, page.exact, page.notes)
    title, scores, exact, notes = map(html.escape, texts)
    return PAGE.format(
        policy=POLICY,
        title=title,
        scores=scores,
        exact=exact,
        notes=notes,
        style=bundle.style() + bundle.page_style(),
        markup=bundle.markup("latent_map/map"),
        settings=json.dumps({**page.settings, **kept}).replace("<", "\\u003c"),
        parts="\n".join(
            f'<script type="text/plain" id="{name}">{base64.b64encode(data).decode()}</script>'
            for name, data in files.items()
        ),
    ).encode()
