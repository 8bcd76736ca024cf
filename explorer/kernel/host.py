"""The process that makes a live map for a notebook: it reads one request, answers it, and ends.

A request is `{"model": …, "settings": …, "arrays": …, "map": …}` with arrays: `model` names a run
or a checkpoint, and is null for the notebook's own model, which has settings of
`models.adapter.contract` and the named arrays. `map` says what is shown, as
`explorer.assets.map_page.make_spec` takes it, and `data_dir`. While the model is measured, this
process asks the kernel: `{"ask": "encode"}` with an array. It is started by its path.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np

from models.adapter.pipes import Message, received, take_pipes
from models.adapter.wire import send

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "checkpoints"


def main() -> None:
    """Answers one request."""
    requests, replies = take_pipes()
    waiting = received(requests)

    def ask(name: str, array: np.ndarray) -> Message:
        send(replies, {"ask": name}, [array])
        return waiting.get()

    request, arrays = waiting.get()
    try:
        value, found = _answer(request, arrays, ask)
    except Exception as error:  # the notebook shows one sentence, whatever it is
        send(replies, {"error": _sentence(error)})
    else:
        send(replies, {"value": value}, found)


def _sentence(error: Exception) -> str:
    """Why there is no map."""
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{error.name} must be installed for the Python that runs the program: run "
            f"{sys.executable} -m pip install -r {ROOT / 'requirements.txt'}, or name another "
            "Python with python=… or LATENT_PYTHON"
        )
    from models.cli.options import sentence_of

    return sentence_of(error) if isinstance(error, (ValueError, OSError)) else _unexpected(error)


def _unexpected(error: Exception) -> str:
    return f"the map must be made, but an unexpected {type(error).__name__} stopped it: {error}"


def _answer(request: Mapping[str, Any], arrays: Sequence[np.ndarray], ask: Any) -> Message:
    """The page of a map, and its files as bytes."""
    shown, data_dir = dict(request["map"]), request["data_dir"] and Path(request["data_dir"])
    if request["model"] is not None:
        return _of_file(request["model"], shown, data_dir)
    from explorer.kernel.remote import RemoteModel

    named = dict(zip(request["arrays"], arrays, strict=True))
    return _of_notebook(RemoteModel(request["settings"], named, ask), shown, data_dir)


def _of_file(name: str, shown: dict[str, Any], data_dir: Path | None) -> Message:
    """The map of a run or a checkpoint."""
    from explorer.assets.map_page import find_test_images, make_spec, map_page
    from models.storage.checkpoint import read

    path = _model_path(name)
    checkpoint = read(path)
    spec = make_spec(checkpoint, path, **shown)
    images = find_test_images(checkpoint, data_dir)
    if images is None:
        images = _shipped_images(checkpoint.card)
    return _packed(map_page(spec, images, half=False), checkpoint)


def _model_path(name: str) -> Path:
    """A model that ships, by its name; else what the command line finds."""
    from models.cli.options import model_path

    shipped = SHIPPED / f"{Path(name).name}.safetensors"
    return shipped if name == Path(name).name and shipped.is_file() else model_path(name, None)


def _shipped_images(card: Any) -> np.ndarray | None:
    """The first test images, as they ship for data that must be downloaded."""
    from models.storage.shipped_images import images_path, read_shipped_images

    found = read_shipped_images(images_path(SHIPPED, card.config.data), card.data_fingerprint)
    return None if found is None else found.levels / np.float32(255)


def _of_notebook(own: Any, shown: dict[str, Any], data_dir: Path | None) -> Message:
    """The map of the notebook's own model, which is measured first."""
    from explorer.assets.map_page import make_spec, map_page
    from models.adapter.measure import measure_model
    from models.storage.checkpoint import read

    measured = measure_model(own, "model", None, data_dir)
    with tempfile.TemporaryDirectory(prefix="latent-") as folder:
        path = Path(folder, "model.safetensors")
        measured.write(path)
        checkpoint = read(path)
        spec = make_spec(checkpoint, path, **shown)
    page = map_page(spec, measured.images.images, measured.model.browser_layers, half=False)
    notes = [page.notes.rstrip("."), *measured.notes, measured.decoding.rstrip(".")]
    return _packed(page._replace(notes=". ".join(filter(None, notes)) + "."), checkpoint)


def _packed(page: Any, checkpoint: Any) -> Message:
    """A page as JSON values, with its files as bytes."""
    values = page._asdict() | {
        "files": list(page.files),
        "latent_dim": checkpoint.codes.latent_dim,
        "count": len(checkpoint.codes),
        "image_shape": list(checkpoint.card.config.model.image_shape),
    }
    return values, [np.frombuffer(data, np.uint8) for data in page.files.values()]


if __name__ == "__main__":
    main()
