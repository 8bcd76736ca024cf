"""The live map as a widget of a notebook, through anywidget.

The one module of the project that imports it; `explorer.notebook` says so where it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from explorer.assets import bundle
from explorer.assets.page_html import MapPage, page_html
from explorer.kernel.model import NotebookModel
from explorer.kernel.touched import read_codes, read_pins, read_point, read_selection


class LatentMap(anywidget.AnyWidget):
    """A live map in a notebook.

    Attributes:
        pins: Pinned spots, each `{"z": […], "name": "A", "point": None or the number of an image}`;
            set to codes (N, Z) or to such pins, by assignment.
        point: Number of the selected test image, or None.
        selection: Numbers of the test images inside the lasso, in ascending order.

    All three can be observed: `view.observe(function, "pins")`. One that cannot be shown raises
    `traitlets.TraitError`, one sentence.

    Args:
        page: What is shown.
        facts: `latent_dim`, `count` of the images on the map, and their `image_shape`.
        model: Of the notebook, which decodes what the browser cannot; None where it can.
    """

    _esm = bundle.script()
    _css = bundle.style() + bundle.page_style() + bundle.notebook_style()
    _markup = traitlets.Unicode().tag(sync=True)
    _page = traitlets.Dict().tag(sync=True)
    _files = traitlets.Dict().tag(sync=True)
    _look = traitlets.Dict(allow_none=True).tag(sync=True)
    _asks = traitlets.Bool().tag(sync=True)
    pins = traitlets.Any().tag(sync=True)
    point = traitlets.Any().tag(sync=True)
    selection = traitlets.Any().tag(sync=True)

    def __init__(
        self, page: MapPage, facts: Mapping[str, Any], model: NotebookModel | None = None
    ) -> None:
        self._shown, self._facts, self._model = page, facts, model
        super().__init__(
            _markup=bundle.markup("latent_map/map"),
            _page={name: value for name, value in page._asdict().items() if name != "files"},
            _files=page.files,
            _look=None,
            _asks=model is not None,
            pins=[],
            point=None,
            selection=[],
        )
        self.on_msg(self._decode)

    def save_html(self, path: str | Path) -> Path:
        """Writes the map as one HTML file that works offline, with its pins, selected image and
        overlays.

        Args:
            path: Of the file.

        Returns:
            The path.
        """
        kept = {"point": self.point, "pins": self.pins, "look": self._look}
        path = Path(path).expanduser()
        path.write_bytes(page_html(self._shown, kept))
        return path

    @traitlets.validate("pins")
    def _valid_pins(self, proposal: Any) -> list[dict[str, Any]]:
        return _read(read_pins, proposal.value, self._facts["latent_dim"], self._facts["count"])

    @traitlets.validate("point")
    def _valid_point(self, proposal: Any) -> int | None:
        return _read(read_point, proposal.value, self._facts["count"])

    @traitlets.validate("selection")
    def _valid_selection(self, proposal: Any) -> list[int]:
        return _read(read_selection, proposal.value, self._facts["count"])

    def _decode(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Answers the browser, which asks for exact images of codes."""
        if self._model is None or content.get("kind") != "decode":
            return
        try:
            z = read_codes(content["z"], self._facts["latent_dim"])
            images = self._model.decode(z, tuple(self._facts["image_shape"]))
        except ValueError as error:
            self.send({"id": content["id"], "error": str(error)})
            return
        levels = (images * 255 + 0.5).astype(np.uint8)
        self.send({"id": content["id"]}, [levels.tobytes()])


def _read(read: Any, *given: Any) -> Any:
    """A value that may be set; what may not is refused as traitlets does it."""
    try:
        return read(*given)
    except ValueError as error:
        raise traitlets.TraitError(str(error)) from None
