"""The browser's part of the program as text: its script, its style, its markup.

The script is explorer/browser/dist/latent-explorer.js, which esbuild makes of the scripts of
explorer/browser: `npm run build --prefix tests/js` after a change. The result is committed, so that
users need no npm. Knows no Streamlit, so that the app and the exported page share it.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "browser"
SCRIPT = FOLDER / "dist" / "latent-explorer.js"


def script() -> str:
    """Reads the script: a module that exports a function for every component.

    Example:
        >>> "liveMap" in script()
        True
    """
    return SCRIPT.read_text(encoding="utf-8")


def plain_scripts() -> list[str]:
    """Reads the plain scripts of every page: one entry of the history a step, and what a page in a
    frame does."""
    names = ("frame.js", "history.js")
    return [(FOLDER / name).read_text(encoding="utf-8") for name in names]


def style() -> str:
    """Reads the style sheet of map, slider and film."""
    return (FOLDER / "style.css").read_text(encoding="utf-8")


def page_style() -> str:
    """Reads the style sheet of every page: its frame, heading, terms and tour."""
    return (FOLDER / "page.css").read_text(encoding="utf-8")


def markup(name: str) -> str:
    """Reads the markup of a component, such as "latent_map/map".

    Example:
        >>> 'class="latent-map"' in markup("latent_map/map")
        True
    """
    return (FOLDER / f"{name}.html").read_text(encoding="utf-8")


def notebook_style() -> str:
    """Reads the style sheet of what stands around a map in a notebook."""
    return (FOLDER / "notebook.css").read_text(encoding="utf-8")
