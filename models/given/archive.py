"""The archive of codes: which arrays it holds, checked, and the pictures beside them.

    mean           posterior means μ, or plain codes, (N, L) numbers; the one that must be there
    log_variance   ln σ², (N, L); without it the codes are points, as those of an autoencoder
    labels         (N,) whole numbers or texts, and class_names, their names
    images         the original images, (N, H, W), (N, C, H, W) or (N, H, W, C)
    decoded        what the decoder made of each mean, in the same forms

The pictures may lie in an archive of their own. Nothing is unpickled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.data.array_set import check_kind, to_pixels
from models.data.arrays import Arrays, read_npz
from models.data.image_axes import channels_first, image_shape
from models.data.image_set import MAX_BYTES, MAX_SIDE, DataError, check_sides, refusing
from models.data.labels import read_labels
from models.data.read_options import NONE, ReadOptions
from models.latents.codes import MAX_CODES
from models.text import clean_name

FEWEST = 3
"""Codes that have anything to say of each other."""
MAX_LATENTS = 256
MAX_LOG_VARIANCE = 80.0
MAX_MEAN = 1e4
"""Largest mean: further out, a map in single precision is no longer exact."""
CODES = ("mean", "log_variance", "labels", "class_names")
PICTURES = ("images", "decoded")
OTHER_NAMES = {
    "mean": (
        "mu", "z", "z_mean", "mean_z", "means", "mus", "loc", "codes", "code", "latents", "latent",
        "embeddings", "embedding", "features", "z_mu", "mu_z", "arr_0",
    ),
    "log_variance": (
        "logvar", "log_var", "z_log_var", "z_logvar", "logvars", "log_variances", "log_sigma2",
        "log_sigma_sq", "log_covariance", "arr_1",
    ),
    "labels": ("label", "y", "targets", "target", "classes", "y_test", "test_labels"),
    "images": ("image", "x", "x_test", "test_images", "originals", "inputs", "data"),
    "decoded": (
        "reconstructions", "reconstruction", "recon", "recons", "x_recon", "x_hat",
        "decoded_images", "outputs",
    ),
}  # fmt: skip
"""What others call these arrays: not taken for them, but named in the sentence on what to do."""
SPREADS = ("sigma", "std", "scale", "variance", "var", "stddev", "z_sigma", "z_std", "log_sigma")


@dataclass(frozen=True, eq=False)
class GivenCodes:
    """Codes and what came with them.

    Attributes:
        mean: float32 (N, L).
        log_variance: float32 (N, L), within ±80; None for plain codes.
        labels: int64 (N,); None without.
        class_names: In the order of the labels.
        images: The originals, float32 (N, C, H, W) in [0, 1]; None without.
        decoded: Each mean decoded, in the same form; None without.
        notes: What was converted or left out, one phrase each.
    """

    mean: np.ndarray
    log_variance: np.ndarray | None
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    images: np.ndarray | None
    decoded: np.ndarray | None
    notes: tuple[str, ...]


def read_given(codes: Path, pictures: Path | None = None) -> GivenCodes:
    """Reads an archive of codes and, if there is one, that of their pictures.

    Raises:
        DataError: One sentence on what is wrong with a file, and what to do.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "codes.npz"
        ...     np.savez(path, mean=np.eye(4, 2))
        ...     read_given(path).mean.shape
        (4, 2)
    """
    label = repr(clean_name(codes.name))
    with refusing(label, "a NumPy .npz archive"):
        arrays = _open(codes)
        _check_names(arrays, CODES if pictures else CODES + PICTURES)
        mean = _mean(arrays)
        log_variance = _log_variance(arrays, mean.shape)
        labels, names = _labels(arrays, len(mean))
        found, notes = ({}, []) if pictures else _pictures(arrays, len(mean))
        notes += _left_out(arrays, CODES if pictures else CODES + PICTURES)
    if pictures is not None:
        with refusing(repr(clean_name(pictures.name)), "a NumPy .npz archive"):
            arrays = _open(pictures)
            _check_names(arrays, PICTURES)
            if not set(PICTURES) & set(arrays.headers):
                raise DataError(f"it must hold images or decoded, got {_listed(arrays)}")
            found, notes = _pictures(arrays, len(mean))
            notes += _left_out(arrays, PICTURES)
    if len({one.shape[1:] for one in found.values()}) > 1:
        shapes = " and ".join(str(found[name].shape[1:]) for name in PICTURES)
        raise DataError(f"images and decoded must be of one shape, got {shapes}")
    notes = tuple(dict.fromkeys(notes))
    pair = found.get("images"), found.get("decoded")
    return GivenCodes(mean, log_variance, labels, names, *pair, notes)


def _open(path: Path) -> Arrays:
    """The archive, read into memory if it is no larger than it may be."""
    if not path.is_file():
        raise DataError("there must be such a file, but there is none: check the path")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(
            f"it must have at most {MAX_BYTES >> 20} MB, got {path.stat().st_size >> 20}: leave "
            "out images, or save them as uint8"
        )
    content = path.read_bytes()
    if not content.startswith(b"PK"):
        raise DataError("it must be a NumPy .npz archive, got another file: use np.savez")
    return read_npz(content)


def _check_names(arrays: Arrays, wanted: tuple[str, ...]) -> None:
    """Refuses an archive whose arrays are known by other names, and says which to rename."""
    for name in wanted:
        other = next((one for one in OTHER_NAMES.get(name, ()) if one in arrays.headers), None)
        if name not in arrays.headers and other and name != "images":
            raise DataError(f"the array {other} must be called {name}: rename it, then save again")
    spread = next((one for one in SPREADS if one in arrays.headers), None)
    if "log_variance" in wanted and "log_variance" not in arrays.headers and spread:
        raise DataError(
            f"the spread must be log_variance = ln σ², got {spread}: save np.log(σ**2) under that "
            "name"
        )
    if "mean" in wanted and "mean" not in arrays.headers:
        raise DataError(f"it must hold an array mean (N, L), got {_listed(arrays)}")


def _listed(arrays: Arrays) -> str:
    """The arrays that there are, the first few."""
    texts = [f"{clean_name(name)[:30]} {header}" for name, header in arrays.headers.items()]
    return ", ".join(texts[:4]) or "no array"


def _left_out(arrays: Arrays, known: tuple[str, ...]) -> list[str]:
    """A note on arrays that have no place here."""
    others = [clean_name(name)[:30] for name in arrays.headers if name not in known]
    return [f"left out: {', '.join(others[:4])}"] if others else []


def _numbers(arrays: Arrays, name: str) -> np.ndarray:
    """An array of numbers as float64 or smaller, all finite."""
    header = arrays.headers[name]
    if not header.dtype.hasobject:
        check_kind(header.dtype, name)
    values = arrays.read(name)[0]
    bad = values.size - int(np.isfinite(values).sum())
    if bad:
        raise DataError(
            f"every number of {name} must be finite, got {bad:,} that are not: leave those images "
            "out"
        )
    return values


def _mean(arrays: Arrays) -> np.ndarray:
    header = arrays.headers["mean"]
    if header.dtype.hasobject:
        arrays.check("mean")
    shape = header.shape
    if len(shape) != 2:
        remedy = "mean[:, None]" if len(shape) == 1 else "mean.reshape(len(mean), -1)"
        raise DataError(f"mean must have shape (N, L), a row an image, got {shape}: save {remedy}")
    count, latents = shape
    if count < FEWEST or not 1 <= latents <= MAX_LATENTS:
        raise DataError(
            f"mean must have at least {FEWEST} rows and 1 to {MAX_LATENTS} columns, got {shape}"
        )
    if count * latents > MAX_CODES:
        raise DataError(
            f"mean must hold at most {MAX_CODES:,} numbers, got {count * latents:,}: keep the "
            f"first {MAX_CODES // latents:,} rows"
        )
    mean = _numbers(arrays, "mean")
    most = float(np.abs(mean.astype(np.float64)).max())
    if most > MAX_MEAN:
        raise DataError(f"mean must lie within ±{MAX_MEAN:g}, got {most:.4g}: rescale the codes")
    return np.ascontiguousarray(mean, np.float32)


def _log_variance(arrays: Arrays, shape: tuple[int, ...]) -> np.ndarray | None:
    if "log_variance" not in arrays.headers:
        return None
    given = arrays.headers["log_variance"].shape
    if given != shape:
        raise DataError(f"log_variance must have the shape of mean, {shape}, got {given}")
    values = _numbers(arrays, "log_variance")
    most = float(np.abs(values.astype(np.float64)).max())
    if most > MAX_LOG_VARIANCE:
        raise DataError(
            f"log_variance must lie within ±{MAX_LOG_VARIANCE:g}, got {most:.4g}: save ln σ², not σ"
        )
    return np.ascontiguousarray(values, np.float32)


def _labels(arrays: Arrays, count: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    labels, names = (
        arrays.read(name)[0] if name in arrays.headers else None
        for name in ("labels", "class_names")
    )
    return read_labels(labels, names, count)


def _pictures(arrays: Arrays, count: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """Originals and decoded images, as far as they are there, float32 in [0, 1]; notes."""
    found, notes = {}, []
    for name in (name for name in PICTURES if name in arrays.headers):
        header = arrays.headers[name]
        arrays.check(name)
        check_kind(header.dtype, name)
        shape = image_shape(header.shape, name)
        images, more = channels_first(_numbers(arrays, name), name)
        if len(images) != count:
            raise DataError(
                f"{name} must be one for each of the {count:,} codes, got {len(images)}"
            )
        side = MAX_SIDE if max(shape[1:]) > MAX_SIDE else None
        if side is None:
            check_sides(images.shape)
        pixels, white, again = to_pixels(images, name, ReadOptions(NONE, size=side))
        found[name] = (pixels.astype(np.float32) / np.float32(white)).clip(0, 1)
        notes += [*more, *again]
    return found, notes
