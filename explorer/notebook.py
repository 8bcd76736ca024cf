"""The live map in a notebook: `from explorer.notebook import explore`.

The kernel needs NumPy and anywidget. The program itself runs in a process of its own, for as long
as `explore` takes, with the Python that `LATENT_PYTHON` names, or with the kernel's.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.assets.page_html import MapPage
from explorer.kernel.model import NotebookModel, as_array
from explorer.kernel.program import ask_program

if TYPE_CHECKING:  # it imports anywidget
    from explorer.kernel.widget import LatentMap

INSTALL = "%pip install anywidget"


def explore(
    model: Any,
    images: Any = None,
    labels: Any = None,
    *,
    class_names: Any = None,
    title: str = "",
    likelihood: str = "",
    sigma: float | None = None,
    beta: float | None = None,
    view: str = "raw",
    x: int = 1,
    y: int = 2,
    colour: str = "",
    data_dir: str | Path = "",
    python: str = "",
) -> LatentMap:
    """Shows the live map of a model.

    Args:
        model: A run's id or folder, a checkpoint file, or the name of a model that ships, such as
            "mnist-2d-beta-1"; or a model of your own with `encode(images)`, which returns mean and
            log-variance (N, Z), and `decode(z)`, which returns images. A torch module gets tensors
            on its device, anything else NumPy arrays: images (N, C, H, W), float32 in [0, 1].
        images: For a model of your own: (N, H, W), (N, C, H, W) or (N, H, W, C), whole numbers or
            floats; or the name of a data set, or a path.
        labels: Whole numbers or texts, shape (N,).
        class_names: Their names.
        title: Of your own model.
        likelihood: Of your own model: "gaussian-optimal" (default), "bernoulli" or "gaussian".
        sigma: Standard deviation of a pixel, with "gaussian".
        beta: The weight of the rate in its training (default 1).
        view: "raw" (two latents), "pca" or "tsne".
        x: Horizontal latent of the raw view, counted from 1.
        y: Vertical one.
        colour: "class", "kl", "distortion" or "elbo".
        data_dir: Folder that holds MNIST/raw and the like.
        python: Path of the Python that runs the program.

    Returns:
        A widget: `pins`, `point` and `selection` can be read and set; `save_html(path)` writes a
        file.

    Raises:
        ImportError: If anywidget is missing.
        ValueError: One sentence on what cannot be shown, and why.

    Example:
        >>> explore("mnist-2d-beta-1", images=[[0]])
        Traceback (most recent call last):
        ValueError: images must go with a model of your own, got a name: leave them out
    """
    shown = {"view": view, "x": x, "y": y, "colour": colour}
    request = {"map": shown, "data_dir": str(data_dir), "model": None}
    if isinstance(model, (str, Path)):
        if images is not None or labels is not None:
            raise ValueError("images must go with a model of your own, got a name: leave them out")
        widget = _widget_class()
        return _placed(widget, *ask_program(request | {"model": str(model)}, python=python))
    given = {"title": title or type(model).__name__, "likelihood": likelihood}
    settings = {name: value for name, value in given.items() if value}
    settings |= {"sigma": float(sigma)} if sigma is not None else {}
    settings |= {"beta": float(beta)} if beta is not None else {}
    own, widget = NotebookModel(model), _widget_class()
    arrays = _arrays(images, labels, class_names)
    if isinstance(images, (str, Path)):
        settings["data"] = str(images)
    request |= {"settings": settings, "arrays": list(arrays)}
    answer = ask_program(request, list(arrays.values()), own.call, python)
    return _placed(widget, *answer, own)


def _widget_class() -> type[LatentMap]:
    try:
        return importlib.import_module("explorer.kernel.widget").LatentMap
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{error.name} must be installed for a map in a notebook: run {INSTALL}"
        ) from None


def _arrays(images: Any, labels: Any, class_names: Any) -> dict[str, np.ndarray]:
    """The arrays that go with a model of the notebook."""
    if images is None:
        raise ValueError("images must be given with a model: explore(model, images, labels)")
    given = {"images": images, "labels": labels, "class_names": class_names}
    if isinstance(images, (str, Path)):
        given = {}
    arrays = {name: as_array(value) for name, value in given.items() if value is not None}
    for name, array in arrays.items():
        if array is None:
            raise ValueError(f"{name} must be an array, got {type(given[name]).__name__}")
    return {
        name: array.astype(np.float32) if array.dtype == np.float64 else array
        for name, array in arrays.items()
    }


def _placed(
    widget: type[LatentMap],
    values: dict[str, Any],
    files: list[np.ndarray],
    own: NotebookModel | None = None,
) -> LatentMap:
    """The widget of an answer."""
    contents = dict(zip(values["files"], (data.tobytes() for data in files), strict=True))
    page = MapPage(**{name: values[name] for name in MapPage._fields} | {"files": contents})
    return widget(page, values, own)
