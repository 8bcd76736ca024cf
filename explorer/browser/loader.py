"""Loads a component's script from an address, so that the browser keeps it.

A component's own text goes over the wire with every rerun; a file is fetched once.
"""

from __future__ import annotations

from explorer.assets import bundle, store
from explorer.assets.store import VERSION

LOADER = """
const script = import(new URL("{url}", document.baseURI));
export default (component) => {{
  let end;
  script.then((module) => {{ end = module.{name}(component); }});
  return () => end?.();
}};
"""


def loader(name: str) -> str:
    """Writes a short script that fetches the bundle and calls its function `name`.

    It also publishes the bundle, so every placing of a component calls it.
    """
    url = store.publish(("script", VERSION), "js", lambda: bundle.script().encode())
    return LOADER.format(url=url, name=name)
