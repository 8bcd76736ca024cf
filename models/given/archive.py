"""The archive of codes: which arrays it holds, checked, and the pictures beside them.

    mean           posterior means μ, or plain codes, (N, L) numbers, also (N,) or (N, H, W, C):
                   the one that must be there
    log_variance   ln σ², as many; without it the codes are points, as those of an autoencoder
    labels         (N,) whole numbers or texts, and class_names, their names
    images         the original images, (N, H, W), (N, C, H, W) or (N, H, W, C)
    decoded        what the decoder made of each mean, in the same forms

Names that others use are understood, and said. The pictures may lie in an archive of their own.
Nothing is unpickled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    "mean": ("mu", "z_mean", "mean_z", "means", "mus", "loc", "z_loc", "z_mu", "mu_z"),
    "log_variance": (
        "logvar", "log_var", "z_log_var", "z_logvar", "logvars", "log_vars", "log_variances",
        "log_sigma2", "log_sigma_sq", "log_sigma_squared",
    ),
    "labels": ("label", "y", "targets", "target", "classes", "y_test", "test_labels"),
    "images": ("image", "x_test", "test_images", "originals", "inputs"),
    "decoded": (
        "reconstructions", "reconstruction", "recon", "recons", "x_recon", "x_hat",
        "decoded_images", "outputs",
    ),
}  # fmt: skip
"""What others call these arrays: one is taken for it, and a note says so."""
PLAIN = (
    "z", "codes", "code", "latents", "latent", "embeddings", "embedding", "features", "encoded",
    "arr_0",
)  # fmt: skip
"""What others call codes: beside a spread that could be a draw, so there the mean is asked for."""
SPREADS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **dict.fromkeys(
        ("sigma", "std", "stddev", "scale", "z_sigma", "z_std"), lambda s: 2 * np.log(s)
    ),
    **dict.fromkeys(("variance", "var", "z_var"), np.log),
    **dict.fromkeys(("log_sigma", "log_std", "logstd", "log_scale"), lambda s: 2 * s),
}
"""ln σ² of the spreads that others save."""


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
    with refusing(repr(clean_name(codes.name)), "a NumPy .npz archive"):
        names, notes = _named(arrays := _open(codes), CODES if pictures else CODES + PICTURES)
        mean = _mean(arrays, names, notes)
        log_variance = _log_variance(arrays, names, mean.shape, notes)
        labels, classes = _labels(arrays, names, len(mean))
        found = {} if pictures else _pictures(arrays, names, len(mean), notes)
    if pictures is not None:
        with refusing(repr(clean_name(pictures.name)), "a NumPy .npz archive"):
            names, more = _named(arrays := _open(pictures), PICTURES)
            if not set(PICTURES) & names.keys():
                raise DataError(f"it must hold images or decoded, got {_listed(arrays)}")
            found = _pictures(arrays, names, len(mean), more)
            notes += more
    if len({one.shape[1:] for one in found.values()}) > 1:
        shapes = " and ".join(str(found[name].shape[1:]) for name in PICTURES)
        raise DataError(f"images and decoded must be of one shape, got {shapes}")
    pair = found.get("images"), found.get("decoded")
    return GivenCodes(mean, log_variance, labels, classes, *pair, tuple(dict.fromkeys(notes)))


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


def _named(arrays: Arrays, wanted: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """The name in the archive of each array that is wanted and there; notes on what was guessed.

    Raises:
        DataError: If there is no mean, or it could be one array or another.
    """
    there = arrays.headers
    names = {name: _found(there, name) for name in wanted if _found(there, name)}
    spread = next((one for one in SPREADS if one in there), None)
    if "log_variance" in wanted and "log_variance" not in names and spread:
        names["log_variance"] = spread
    if "mean" in wanted and "mean" not in names:
        plain = next((one for one in PLAIN if one in there), None)
        if plain is None:
            raise DataError(f"it must hold an array mean (N, L), got {_listed(arrays)}")
        if "log_variance" in names or "arr_1" in there:
            raise DataError(
                f"the array {plain} must be called mean if it is one, and not a draw: rename it, "
                "then save again"
            )
        names["mean"] = plain
    notes = [
        f"{clean_name(names[name])} is taken for {name}"
        for name in wanted
        if names.get(name, name) != name and names[name] not in SPREADS
    ]
    others = [clean_name(name)[:30] for name in there if name not in names.values()]
    return names, notes + ([f"left out: {', '.join(others[:4])}"] if others else [])


def _found(there: Mapping[str, Any], name: str) -> str | None:
    """What an array is called in an archive: its name, else the first of what others call it."""
    return next((one for one in (name, *OTHER_NAMES.get(name, ())) if one in there), None)


def _listed(arrays: Arrays) -> str:
    """The arrays that there are, the first few."""
    texts = [f"{clean_name(name)[:30]} {header}" for name, header in arrays.headers.items()]
    return ", ".join(texts[:4]) or "no array"


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


def _flat(arrays: Arrays, name: str, what: str, notes: list[str]) -> tuple[int, int]:
    """The shape (N, L) of an array whose rows may be numbers, grids or maps of any form.

    Raises:
        DataError: If there are no such rows, or too few or too many numbers.
    """
    header = arrays.headers[name]
    if header.dtype.hasobject:
        arrays.check(name)
    shape = header.shape
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if not shape:
        raise DataError(f"{what} must have shape (N, L), a row an image, got {shape}")
    count, latents = shape[0], math.prod(shape[1:])
    if count < FEWEST or latents < 1:
        raise DataError(
            f"{what} must have at least {FEWEST} rows and 1 to {MAX_LATENTS} columns, got {shape}"
        )
    if latents > MAX_LATENTS:
        raise DataError(
            f"{what} must have 1 to {MAX_LATENTS} columns, got {latents:,}: reduce it first, as by "
            f"sklearn.decomposition.PCA({min(count, MAX_LATENTS)}).fit_transform"
        )
    if count * latents > MAX_CODES:
        raise DataError(
            f"{what} must hold at most {MAX_CODES:,} numbers, got {count * latents:,}: keep the "
            f"first {MAX_CODES // latents:,} rows"
        )
    if len(shape) > 2 and latents > 1:
        form = " × ".join(map(str, shape[1:]))
        notes.append(f"{what} of {form} numbers an image is taken as {latents} latents")
    return count, latents


def _mean(arrays: Arrays, names: Mapping[str, str], notes: list[str]) -> np.ndarray:
    name = names["mean"]
    shape = _flat(arrays, name, "mean", notes)
    mean = _numbers(arrays, name).reshape(shape)
    most = float(np.abs(mean.astype(np.float64)).max())
    if most > MAX_MEAN:
        raise DataError(f"mean must lie within ±{MAX_MEAN:g}, got {most:.4g}: rescale the codes")
    return np.ascontiguousarray(mean, np.float32)


def _log_variance(
    arrays: Arrays, names: Mapping[str, str], shape: tuple[int, ...], notes: list[str]
) -> np.ndarray | None:
    if "log_variance" not in names:
        return None
    name = names["log_variance"]
    given = arrays.headers[name].shape
    if math.prod(given) != math.prod(shape) or shape[0] not in given[:2]:
        raise DataError(f"log_variance must have the shape of mean, {shape}, got {given}")
    values = _numbers(arrays, name).astype(np.float64).reshape(shape)
    if name in SPREADS:
        with np.errstate(all="ignore"):
            values = SPREADS[name](values)
        if not np.isfinite(values).all():
            raise DataError(f"every number of {name} must be above 0, got some that are not")
        notes.append(f"log_variance is computed from {name}")
    most = float(np.abs(values).max())
    if most > MAX_LOG_VARIANCE:
        raise DataError(
            f"log_variance must lie within ±{MAX_LOG_VARIANCE:g}, got {most:.4g}: save ln σ², not σ"
        )
    return np.ascontiguousarray(values, np.float32)


def _labels(
    arrays: Arrays, names: Mapping[str, str], count: int
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    labels, classes = (
        arrays.read(names[name])[0] if name in names else None for name in ("labels", "class_names")
    )
    return read_labels(labels, classes, count)


def _pictures(
    arrays: Arrays, names: Mapping[str, str], count: int, notes: list[str]
) -> dict[str, np.ndarray]:
    """Originals and decoded images, as far as they are there, float32 in [0, 1]."""
    found = {}
    for what in (what for what in PICTURES if what in names):
        name = names[what]
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
        found[what] = (pixels.astype(np.float32) / np.float32(white)).clip(0, 1)
        notes += [*more, *again]
    return found
