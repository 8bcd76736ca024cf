"""Built-in data sets: scikit-learn's digits, sprites, and torchvision's MNIST family."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from models.data.custom_images import to_unit
from models.data.image_set import DataError, ImageSet, check_split, refusing
from models.data.library import is_id, list_paths
from models.data.sprites import is_sprites
from models.places import default_data_dir, make_folder, user_path
from models.text import clean_name

TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
}  # fmt: skip
_RAW_FILES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
GENERATED = ("sprites", "sprites-colour")
"""The two of the sprites that a list shows; `models.data.sprites` knows more names."""
DATA_SETS = ("digits", *GENERATED, *TORCHVISION)
"""Names that a list shows; `is_built_in` knows all."""
REPORT_SECONDS = 0.3
"""Between two reports of a download."""


def load_digits(split: str) -> ImageSet:
    """Loads scikit-learn's 1797 handwritten digits, 8 × 8 pixels of 17 grey levels.

    Args:
        split: "train" (1297 images) or "test" (500, the same share of every class).

    Returns:
        Images of shape (N, 1, 8, 8), grey levels divided by 16, and labels 0 to 9.

    Raises:
        DataError: If `split` is neither train nor test.

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


def is_built_in(name: object) -> bool:
    """Tells whether a name is that of a data set which comes with the program or with torchvision.

    Example:
        >>> is_built_in("digits"), is_built_in("sprites-32"), is_built_in("faces.npz")
        (True, True, False)
    """
    return name in DATA_SETS or is_sprites(name)


def load_torchvision(name: str, split: str, data_dir: str | Path | None = None) -> ImageSet:
    """Loads MNIST, Fashion-MNIST or Kuzushiji-MNIST from files in torchvision's layout.

    Args:
        name: "mnist", "fashion-mnist" or "kmnist".
        split: "train" (60 000 images) or "test" (10 000).
        data_dir: Folder that holds "MNIST/raw" and the like; by default `default_data_dir()`.

    Returns:
        Images of shape (N, 1, 28, 28), grey levels divided by 255, and labels 0 to 9.

    Raises:
        DataError: If the files are missing (the message names both ways to get them) or damaged.

    Example:
        >>> load_torchvision("mnist", "test", "nowhere")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        models.data.image_set.DataError: mnist must lie in nowhere/MNIST/raw, got no files there...
    """
    check_split(split)
    root = chosen_data_dir(data_dir)
    if not is_available(name, root):
        raise DataError(
            f"{name} must lie in {_raw_folder(name, root)}, got no files there: run "
            f"`python -m models data download {name}`, or name the folder that holds "
            f"{TORCHVISION[name]} with --data-dir or LATENT_DATA_DIR"
        )
    raw, part = root / TORCHVISION[name] / "raw", "train" if split == "train" else "t10k"
    with refusing(f"{_raw_folder(name, root)}", "the four files of " + name):
        images = _read_idx(raw / f"{part}-images-idx3-ubyte")[:, None]
        labels = _read_idx(raw / f"{part}-labels-idx1-ubyte").astype(np.int64)
    return ImageSet(to_unit(images, 255), labels, CLASSES[name], split, name)


def _read_idx(path: Path) -> np.ndarray:
    """The bytes of a file of the MNIST family, in their shape.

    A header of 0, 0, 8 (bytes) and the number of axes, then the axes' lengths, big-endian, then the
    values. Read without torchvision, which imports torch: the first map would wait for seconds.
    """
    data = path.read_bytes()
    zero, kind, axes = struct.unpack_from(">HBB", data)
    shape, start = struct.unpack_from(f">{axes}I", data, 4), 4 + 4 * axes
    if (zero, kind) != (0, 8) or len(data) != start + math.prod(shape):
        raise ValueError("the header must agree with the file")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def download(
    name: str, data_dir: str | Path | None = None, report: Callable[[int], None] | None = None
) -> None:
    """Fetches a data set of the MNIST family, with a progress bar on the standard error.

    It lies in a hidden folder until it is whole; after a failure the files that came are kept
    there for the next try.

    Args:
        name: "mnist", "fashion-mnist" or "kmnist"; digits and sprites need nothing.
        data_dir: Folder to put it in; by default `default_data_dir()`.
        report: Called now and then, from another thread, with the bytes that have come.

    Raises:
        DataError: If the name is unknown, the files cannot be fetched or written, or another
            process is fetching them.

    Example:
        >>> download("digits")
    """
    if name == "digits" or is_sprites(name):
        return
    root = chosen_data_dir(data_dir)
    if is_available(name, root):
        return
    from filelock import FileLock, Timeout

    work = root / f".download-{name}"
    try:
        make_folder(work)
        with FileLock(root / f".download-{name}.lock", timeout=0), _counting(work, report):
            _torchvision_class(name)(work, download=True)
            target = root / TORCHVISION[name] / "raw"
            make_folder(target)
            for file in _RAW_FILES:
                os.replace(work / TORCHVISION[name] / "raw" / file, target / file)
            shutil.rmtree(work)
    except Timeout as error:
        raise DataError(f"{name} is being downloaded by another process: wait for it") from error
    except (OSError, RuntimeError) as error:  # torchvision wraps network errors in RuntimeError
        raise DataError(
            f"{name} could not be downloaded to {_raw_folder(name, root)}: check the connection "
            "and the folder and try again, or put the files there yourself"
        ) from error


@contextlib.contextmanager
def _counting(folder: Path, report: Callable[[int], None] | None) -> Iterator[None]:
    """Tells meanwhile how many bytes of archives a folder holds."""
    if report is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        most = 0  # files go away when the download fails: what is told never falls
        while not ended.wait(REPORT_SECONDS):
            with contextlib.suppress(OSError):  # a file was renamed in this moment
                most = max(most, sum(path.stat().st_size for path in folder.rglob("*.gz")))
                report(most)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_available(name: str, data_dir: str | Path | None = None) -> bool:
    """Tells whether a data set can be loaded; looks for files only and imports nothing.

    Args:
        name: One of `DATA_SETS`, or the id of an added set.
        data_dir: Folder that holds "MNIST/raw" and the like; by default `default_data_dir()`.

    Raises:
        DataError: If the name is unknown.

    Example:
        >>> is_available("digits"), is_available("mnist", "nowhere")
        (True, False)
    """
    if is_id(name):
        return name in list_paths()
    if not is_built_in(name):
        raise DataError(f"data must be one of {', '.join(DATA_SETS)}, got {clean_name(name)!r}")
    if name not in TORCHVISION:
        return True
    raw = chosen_data_dir(data_dir) / TORCHVISION[name] / "raw"
    return all(os.path.isfile(raw / file) for file in _RAW_FILES)


def _raw_folder(name: str, root: Path) -> str:
    """Where the files are looked for, as much of it as a sentence may show."""
    return f"{clean_name(root.resolve().name)}/{TORCHVISION[name]}/raw"


_torchvision_lock = threading.Lock()
_torchvision_operators: Any = None


def _import_datasets() -> Any:
    """Imports `torchvision.datasets`, beside a CPU build of torch as well.

    Torchvision's wheel is built for CUDA. Beside a CPU build of torch its compiled part does not
    load, and its Python part then stops at two operators that are not declared. They are never
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
        base = getattr(_import_datasets(), TORCHVISION[name])
    except (ImportError, RuntimeError) as error:
        raise DataError(
            f"{name} needs torchvision, which cannot be imported: install requirements.txt"
        ) from error
    return type(base.__name__, (base,), {"_check_legacy_exist": lambda self: False})


def chosen_data_dir(data_dir: str | Path | None) -> Path:
    """Returns the folder given, or the default one."""
    return default_data_dir() if data_dir is None else user_path(data_dir)
