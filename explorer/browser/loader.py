"""Loads a component's script from an address, so that the browser keeps it.

A component's own text goes over the wire with every rerun; a file is fetched once.
"""

from __future__ import annotations

import json
from typing import Any

from explorer.assets import bundle, store
from explorer.assets.store import VERSION

LOADER = """
const script = import(new URL("{url}", document.baseURI));
export default (component) => {{
  let end;
  const data = JSON.parse(component.data.text);
  script.then((module) => {{ end = module.{name}({{ ...component, data }}); }});
  return () => end?.();
}};
"""


def loader(name: str) -> str:
    """Writes a short script that fetches the bundle and calls its function `name`.

    It also publishes the bundle, so every placing of a component calls it.
    """
    return LOADER.format(url=script_url(), name=name)


def script_url() -> str:
    """Publishes the bundle and returns its address."""
    return store.publish(("script", VERSION), "js", lambda: bundle.script().encode())


def page_script() -> str:
    """Writes the script of every page: terms explain themselves, and the tour can be taken."""
    url = script_url()
    return f'import(new URL("{url}", document.baseURI)).then((module) => module.dressPage());'


def page_scripts() -> list[str]:
    """Lists the scripts that stand in every page; the policy of the server names them."""
    return [*bundle.plain_scripts(), page_script()]


def as_text(data: dict[str, Any]) -> dict[str, str]:
    """Packs a component's data as one text, which the script above unpacks.

    Streamlit looks for tables in lists and dictionaries, for which it imports pandas; that takes
    half a second, before the first map.

    Example:
        >>> as_text({"point": 7})
        {'text': '{"point": 7}'}
    """
    return {"text": json.dumps(data)}
