"""The files of a data set, for a machine that does not have them."""

from __future__ import annotations

from pathlib import Path

from models.data.builtin import TORCHVISION, chosen_data_dir, is_available
from models.data.library import is_id, list_paths


def data_files(name: str, data_dir: str | Path | None = None) -> dict[str, str]:
    """Lists the files from which a data set is read.

    Args:
        name: Of the data set.
        data_dir: See `models.data.load.load`.

    Returns:
        Paths by name: "data/…" for what lies in the folder of data sets, "runs/…" for what lies in
        that of the runs. Nothing for what every machine has (digits, sprites), for what is not
        here, and for a path, which must be the same everywhere.

    Example:
        >>> data_files("digits"), data_files("mnist", "nowhere")
        ({}, {})
    """
    if is_id(name) and (path := list_paths().get(name)):
        files = [path, *[path.with_suffix(".npy")] * path.with_suffix(".npy").exists()]
        return {f"runs/.data/{file.name}": str(file.absolute()) for file in files}
    if name in TORCHVISION and is_available(name, data_dir):
        root = chosen_data_dir(data_dir).absolute()
        files = sorted((root / TORCHVISION[name] / "raw").glob("*-ubyte"))
        return {f"data/{file.relative_to(root).as_posix()}": str(file) for file in files}
    return {}
