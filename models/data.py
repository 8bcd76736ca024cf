"""Data sets: where an `ImageSet` comes from.

From scikit-learn's digits, from torchvision's MNIST family, from the sets that a user has added
(`models.own`), from an .npz file or from a folder of image files. The last two are a stranger's
bytes: nothing in them is unpickled,
sizes are checked before anything is unpacked, no path is made from a name found inside, and
whatever is wrong becomes a `DataError` with one sentence. Whatever was converted is said in
`ImageSet.notes`.

Importing this module imports numpy and the standard library only: torchvision and Pillow wait
until a data set needs them, because the first screen waits for all imports.
"""

from __future__ import annotations

import os
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from models.imageset import MAX_BYTES, DataError, ImageSet, check_split, clean_name, refusing
from models.npz import read_archive
from models.own import OwnImages, is_id, list_paths, read_own, to_unit

_TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
_RAW_FILES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)

DATA_SETS = ("digits", *_TORCHVISION)
"""Names that `load` knows."""


def load(name_or_path: str | Path, split: str, data_dir: str | Path | None = None) -> ImageSet:
    """The data set of that name, or the user's own .npz file or folder of images.

    Args:
        name_or_path: One of `DATA_SETS`, the id of an added set ("own-…"), or a path; a folder
            called "mnist" is "./mnist".
        split: "train" or "test".
        data_dir: Folder that holds "MNIST/raw" and its kin; by default `default_data_dir()`.

    Returns:
        The split; the same arguments and files give the same images in the same order.

    Raises:
        DataError: If there is no such data or it cannot be used, in one sentence.

    Example:
        >>> digits = load("digits", "train")
        >>> len(digits), digits.image_shape, digits.class_names[:3]
        (1297, (1, 8, 8), ('0', '1', '2'))
    """
    if not isinstance(name_or_path, (str, Path)):
        raise DataError(f"data must be a name or a path, got {type(name_or_path).__name__}")
    if name_or_path == "digits":
        return load_digits(split)
    if name_or_path in _TORCHVISION:
        return load_torchvision(name_or_path, split, data_dir)
    if is_id(name_or_path):
        return read_own(name_or_path).split(split)
    if os.path.isdir(name_or_path):
        return load_folder(name_or_path, split)
    if os.path.isfile(name_or_path):
        return load_npz(name_or_path, split)
    raise DataError(
        f"data must be one of {', '.join(DATA_SETS)}, an .npz file or a folder of images, "
        f"got {_file_name(name_or_path)!r}, which is none of these"
    )


def load_digits(split: str) -> ImageSet:
    """Scikit-learn's 1797 handwritten digits, 8 × 8 pixels of 17 grey levels.

    Args:
        split: "train" (1297 images) or "test" (500, the same share of every class).

    Returns:
        Images of shape (N, 1, 8, 8), grey levels divided by 16, and labels 0 to 9.

    Raises:
        DataError: If `split` is neither.

    Source:
        Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.

    Example:
        >>> digits = load_digits("test")
        >>> len(digits), float(digits.images.max())
        (500, 1.0)
    """
    check_split(split)
    pixels, labels = _read_digits()
    order = np.load(Path(__file__).with_name("digits_order.npy"))
    chosen = order[:-500] if split == "train" else order[-500:]
    images = (pixels[chosen] / np.float32(16)).reshape(-1, 1, 8, 8)
    names = tuple(str(digit) for digit in range(10))
    return ImageSet(images, labels[chosen].astype(np.int64), names, split, "digits")


def _read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Grey levels (1797, 64) and labels (1797,) of the file that scikit-learn installs.

    Read without scikit-learn, whose import takes longer than a small model's first epochs; their
    order, kept beside this file, is that of its `train_test_split`.
    """
    folder = find_spec("sklearn").submodule_search_locations[0]
    table = np.loadtxt(Path(folder, "datasets/data/digits.csv.gz"), np.uint8, delimiter=",")
    return table[:, :-1], table[:, -1]


def load_torchvision(name: str, split: str, data_dir: str | Path | None = None) -> ImageSet:
    """MNIST, Fashion-MNIST or Kuzushiji-MNIST from files in torchvision's layout.

    Args:
        name: "mnist", "fashion-mnist" or "kmnist".
        split: "train" (60 000 images) or "test" (10 000).
        data_dir: Folder that holds "MNIST/raw" and its kin; by default `default_data_dir()`.

    Returns:
        Images of shape (N, 1, 28, 28), grey levels divided by 255, and labels 0 to 9.

    Raises:
        DataError: If the files are missing (with both ways to mend that) or damaged.

    Example:
        >>> load_torchvision("mnist", "test", "nowhere")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        models.imageset.DataError: mnist must lie in nowhere/MNIST/raw, got no such files: run ...
    """
    check_split(split)
    root = _data_dir(data_dir)
    if not is_available(name, root):
        raise DataError(
            f"{name} must lie in {_raw_folder(name, root)}, got no such files: run "
            f"`python -m models data download {name}`, or name the folder that holds "
            f"{_TORCHVISION[name]} with --data-dir or LATENT_DATA_DIR"
        )
    with refusing(f"{_raw_folder(name, root)}", "the four files of " + name):
        files = _torchvision_class(name)(root, train=split == "train")
        images, labels = files.data.numpy()[:, None], files.targets.numpy()
    names = tuple(str(digit) for digit in range(10)) if name == "mnist" else tuple(files.classes)
    return ImageSet(to_unit(images, 255), labels, names, split, name)


def load_npz(path: str | Path, split: str) -> ImageSet:
    """A user's own arrays: `images`, and where there are any `labels` and `class_names`.

    The images keep their size; nothing is resized. Arrays of Python objects are refused, never
    unpickled. One image in five, the same share of every class, is the test set.

    Args:
        path: An .npz file with `images` of shape (N, H, W), (N, H, W, C) or (N, C, H, W), N at
            least 10, C = 1 or 3, sides of 8 to 64 pixels: bool, whole numbers 0 to 255 (uint16
            to 65535), or floats in [0, 1] or [0, 255]. `labels`, of shape (N,): whole numbers or
            short texts. `class_names`: a text for each of the labels 0, 1, 2, …
        split: "train" or "test".

    Returns:
        The split, in the order of the file; `notes` says how the values were scaled.

    Raises:
        DataError: If the file is no such thing, in one sentence.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "digits.npz")
        ...     np.savez_compressed(path, images=load_digits("test").images[:, 0])
        ...     len(load_npz(path, "train"))
        400
    """
    check_split(split)
    label = repr(_file_name(path))
    with refusing(label, "a NumPy .npz archive"):
        if not os.path.isfile(path):
            raise DataError(f"{label} must be an existing file, got none")
        if os.path.getsize(path) > MAX_BYTES:
            raise DataError(f"the file must be at most {MAX_BYTES >> 20} MB, got more")
        arrays = read_archive(Path(path).read_bytes())
        return OwnImages.from_arrays(arrays, Path(path).stem).split(split)


def load_folder(path: str | Path, split: str, size: int | None = None) -> ImageSet:
    """A user's own image files: one subfolder per class, or one folder without labels.

    PNG, JPEG, GIF and WEBP files are read, whatever they are called among these. Hidden files
    and links that leave the folder are left out. One image in five, the same share of every
    class, is the test set.

    Args:
        path: The folder.
        split: "train" or "test".
        size: Side in pixels, 8 to 64, to which the centre square of every image is brought; by
            default the images' own size if they share one of 8 to 64 pixels a side, else 32.

    Returns:
        The split, ordered by class and file name, grey unless an image has colour; `notes` says
        what was resized, rotated, flattened or left out.

    Raises:
        DataError: If the folder or one of its images cannot be used, in one sentence.

    Example:
        >>> load_folder("nowhere", "train")
        Traceback (most recent call last):
        models.imageset.DataError: 'nowhere' must be an existing folder, got none
    """
    check_split(split)
    from models.images import read_folder

    root = os.path.abspath(path)
    label = repr(_file_name(root))
    with refusing(label, "a folder of images"):
        if not os.path.isdir(path):
            raise DataError(f"{label} must be an existing folder, got none")
        images, labels, class_names, notes = read_folder(root, size)
        found = OwnImages(images, 255.0, labels, class_names, Path(root).name, notes)
        return found.split(split)


def download(name: str, data_dir: str | Path | None = None) -> None:
    """Fetches a data set of the MNIST family, with a progress bar on the standard error.

    Args:
        name: "mnist", "fashion-mnist" or "kmnist"; digits is installed and needs nothing.
        data_dir: Folder to put it in; by default `default_data_dir()`.

    Raises:
        DataError: If there is no such name, or the files cannot be fetched or written.

    Example:
        >>> download("digits")
    """
    if name == "digits":
        return
    root = _data_dir(data_dir)
    if is_available(name, root):
        return
    try:
        _torchvision_class(name)(root, download=True)
    except (OSError, RuntimeError) as error:  # torchvision wraps network errors in RuntimeError
        raise DataError(
            f"{name} could not be downloaded to {_raw_folder(name, root)}: check the connection "
            "and the folder and try again, or put the files there yourself"
        ) from error


def is_available(name: str, data_dir: str | Path | None = None) -> bool:
    """Whether a data set is there to be loaded; looks for files only and imports nothing.

    Args:
        name: One of `DATA_SETS`, or the id of an added set.
        data_dir: Folder that holds "MNIST/raw" and its kin; by default `default_data_dir()`.

    Raises:
        DataError: If there is no such name.

    Example:
        >>> is_available("digits"), is_available("mnist", "nowhere")
        (True, False)
    """
    if is_id(name):
        return name in list_paths()
    if name not in DATA_SETS:
        raise DataError(f"data must be one of {', '.join(DATA_SETS)}, got {clean_name(name)!r}")
    if name == "digits":
        return True
    raw = _data_dir(data_dir) / _TORCHVISION[name] / "raw"
    return all(os.path.isfile(raw / file) for file in _RAW_FILES)


def default_data_dir() -> Path:
    """The folder named by LATENT_DATA_DIR in the environment, else "data" in the working folder.

    Example:
        >>> default_data_dir() == Path(os.environ.get("LATENT_DATA_DIR") or "data")
        True
    """
    return Path(os.environ.get("LATENT_DATA_DIR") or "data")


def _file_name(path: str | Path) -> str:
    """The last part of a path, cleaned: all that a sentence may show of it."""
    return clean_name(Path(path).name)


def _data_dir(data_dir: str | Path | None) -> Path:
    return default_data_dir() if data_dir is None else Path(data_dir)


def _raw_folder(name: str, root: Path) -> str:
    """Where the files are looked for, as much of it as a sentence may show."""
    return f"{clean_name(root.resolve().name)}/{_TORCHVISION[name]}/raw"


_torchvision_lock = threading.Lock()
_torchvision_operators: Any = None


def _import_datasets() -> Any:
    """Imports `torchvision.datasets`, beside a CPU build of torch as well.

    Torchvision's wheel is built for CUDA. Beside a CPU build of torch its compiled part does not
    load, and its Python part then stops at two operators that nobody declared. They are never
    called here: declaring them is enough. The plain import comes first because a compiled part
    that does load declares them itself, and a second declaration is fatal.
    """
    global _torchvision_operators
    with _torchvision_lock:
        try:
            from torchvision import datasets
        except RuntimeError:
            import torch

            operators = torch.library.Library("torchvision", "FRAGMENT")
            operators.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            operators.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _torchvision_operators = operators  # the declarations last as long as this object
            from torchvision import datasets
    return datasets


def _torchvision_class(name: str) -> Any:
    """Torchvision's data set class, kept from reading the pickled cache of old versions."""
    try:
        base = getattr(_import_datasets(), _TORCHVISION[name])
    except (ImportError, RuntimeError) as error:
        raise DataError(
            f"{name} needs torchvision, which cannot be imported: install requirements.txt"
        ) from error
    return type(base.__name__, (base,), {"_check_legacy_exist": lambda self: False})
