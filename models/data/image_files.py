"""Image files to pixels: the only place where Pillow opens a stranger's file.

A file is opened by its content as PNG, JPEG, GIF or WEBP and nothing else, its size is checked
before it is decoded, and every conversion is counted and said. Pixels are uint8.
"""

from __future__ import annotations

import io
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from models.data.image_set import MAX_BYTES, MAX_SIDE, MIN_SIDE, DataError
from models.text import clean_name

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
MAX_PIXELS = 4096 * 4096
MAX_FILES = 100_000
COMMON_SIDE = 32
LEFT_OUT = "entries that are no PNG, JPEG, GIF or WEBP images, left out"
"""The note that says how many."""

_FRAMES = "had several frames: the first was taken"
_TURNED = "had an EXIF rotation: applied"
_DEEP = "had 16 bits per pixel: scaled to 8"
_CMYK = "had CMYK colours: converted to RGB"
_ALPHA = "had transparency: drawn on black"
_ORIENTATION = 0x0112


def decode(file: str | Path | bytes, name: str = "") -> tuple[Image.Image, tuple[str, ...]]:
    """One image file as an upright 8-bit RGB image, and what was converted on the way.

    Args:
        file: The path or the content of a PNG, JPEG, GIF or WEBP file of at most 16.7 million
            pixels.
        name: What a sentence calls it; by default its own name.

    Returns:
        The image, and the second half of a sentence for every conversion.

    Raises:
        DataError: If the file is no such image, naming the file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "half.png")
        ...     Image.new("RGBA", (8, 8), (255, 0, 0, 51)).save(path)
        ...     image, done = decode(path)
        >>> image.getpixel((0, 0)), done
        ((51, 0, 0), ('had transparency: drawn on black',))
    """
    is_content = isinstance(file, bytes)
    label = repr(clean_name(name or ("image" if is_content else Path(file).name)))
    try:
        if (len(file) if is_content else os.path.getsize(file)) > MAX_BYTES:
            raise DataError(f"{label} must be at most {MAX_BYTES >> 20} MB, got more")
        with Image.open(io.BytesIO(file) if is_content else file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return _flatten(image)
    except DataError:
        raise
    except PermissionError as error:
        raise DataError(f"{label} must be readable, got: permission denied") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(
            f"{label} must have at most {MAX_PIXELS / 1e6:.1f} million pixels, got more"
        ) from error
    except Exception as error:  # decoders of damaged files raise almost anything
        raise DataError(
            f"{label} must be a whole PNG, JPEG, GIF or WEBP image, got something else or a "
            "damaged one: replace or remove it"
        ) from error


def _flatten(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The first frame, upright, without depth, palette or transparency."""
    done = []
    if getattr(image, "is_animated", False):
        done.append(_FRAMES)
    if image.getexif().get(_ORIENTATION, 1) != 1:
        done.append(_TURNED)
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # Pillow's own conversion clips 16 bits at 255, which turns all but the darkest white.
        levels = np.clip(np.asarray(image, np.float64), 0, 65535)
        image = Image.fromarray(np.rint(levels / 257).astype(np.uint8))
        done.append(_DEEP)
    if image.mode == "CMYK":
        done.append(_CMYK)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            done.append(_ALPHA)
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return image.convert("RGB"), tuple(done)


def read_folder(
    root: str | Path,
    size: int | None = None,
    report: Callable[[int, int], object] = lambda done, count: None,
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...], tuple[str, ...]]:
    """All images of a folder, brought to one size.

    Args:
        root: A folder of images, or of one subfolder of images per class.
        size: Side in pixels, 8 to 64, of every image; by default the size that all share if it
            is 8 to 64 pixels a side, else 32.
        report: Called with the number of images that are done, and of all.

    Returns:
        uint8 images (N, C, H, W), C = 3 if any image has colour, else 1; int64 labels (N,) or
        None; the classes' names; the notes.

    Raises:
        DataError: If the folder holds no images, too many, or one that cannot be read.
    """
    _check_size(size)
    paths, labels, class_names, left_out = _list_images(os.path.realpath(root))
    named = ((os.path.basename(path), path) for path in paths)
    images, notes = read_images(named, size, lambda done: report(done, len(paths)))
    if left_out:
        notes += (f"{LEFT_OUT}: {left_out}",)
    return images, labels, class_names, notes


def _check_size(size: int | None) -> None:
    if size is not None and not MIN_SIDE <= size <= MAX_SIDE:
        raise DataError(f"size must be {MIN_SIDE} to {MAX_SIDE} pixels, got {size}")


def read_images(
    files: Iterable[tuple[str, str | bytes]],
    size: int | None = None,
    report: Callable[[int], object] = lambda done: None,
    most_pixels: float = math.inf,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Image files, brought to one size.

    Args:
        files: Name and path, or name and content, of each; asked for one at a time.
        size: As in `read_folder`.
        report: Called with the number of images that are done.
        most_pixels: Of all images together, before they are brought to one size.

    Returns:
        uint8 images (N, C, H, W), C = 3 if any image has colour, else 1; the notes.

    Raises:
        DataError: If one cannot be read, or all take too much room.
    """
    _check_size(size)
    side = size or COMMON_SIDE
    converted: Counter[str] = Counter()
    sizes, pixels, held, decoded = set(), [], 0, 0
    for name, file in files:
        image, conversions = decode(file, name)
        decoded += image.width * image.height
        if decoded > most_pixels:
            raise DataError(
                f"the images must have at most {most_pixels / 1e6:.0f} million pixels in all, "
                "got more: make them smaller, or choose fewer"
            )
        converted.update(conversions)
        sizes.add(image.size)
        # One large image settles that all are resized, so none is ever kept at full size.
        if size or max(image.size) > MAX_SIDE:
            image = _fit(image, side)
        pixels.append(_pixels(image))
        held += pixels[-1].nbytes
        _check_bytes(held)
        report(len(pixels))
    notes = []
    if size or not _share_size(sizes):
        pixels = [_pixels(_fit(Image.fromarray(array), side)) for array in pixels]
        if sizes != {(side, side)}:
            notes.append(f"images were cropped to their centre square, then {side} × {side} pixels")
    for conversion, count in sorted(converted.items()):
        notes.append(f"{count} image{'s' * (count > 1)} {conversion}")
    return _stack(pixels), tuple(notes)


def _share_size(sizes: set[tuple[int, int]]) -> bool:
    """Whether there is one size only, and one that a network takes."""
    return len(sizes) == 1 and all(MIN_SIDE <= side <= MAX_SIDE for side in next(iter(sizes)))


def _stack(pixels: list[np.ndarray]) -> np.ndarray:
    """(H, W) and (H, W, 3) arrays as one (N, C, H, W) array, in colour if any has colour."""
    channels = max(1 if array.ndim == 2 else 3 for array in pixels)
    height, width = pixels[0].shape[:2]
    _check_bytes(len(pixels) * channels * height * width)
    images = np.empty((len(pixels), channels, height, width), np.uint8)
    for place, array in enumerate(pixels):
        images[place] = array if array.ndim == 2 else np.moveaxis(array, 2, 0)
    return images


def _check_bytes(count: int) -> None:
    if count > MAX_BYTES:
        raise DataError(
            f"the images must take at most {MAX_BYTES >> 20} MB once decoded, got more: "
            "use fewer, or a smaller size"
        )


def _list_images(root: str) -> tuple[list[str], np.ndarray | None, tuple[str, ...], int]:
    """Paths in order, labels, class names, and how many other entries were left out."""
    files, folders, left_out = _list_folder(root, root)
    groups = []
    for folder in folders:
        inside, deeper, others = _list_folder(folder, root)
        left_out += others + len(deeper)
        if inside:
            groups.append((clean_name(os.path.basename(folder)), inside))
        if sum(len(paths) for _, paths in groups) > MAX_FILES:
            raise DataError(f"a folder must hold at most {MAX_FILES} images, got more")
    if files and groups:
        raise DataError(
            "a folder must hold either images or one subfolder of images per class, got both"
        )
    if files:
        return files, None, (), left_out
    if not groups:
        raise DataError(
            "a folder must hold PNG, JPEG, GIF or WEBP images, or one subfolder of them per "
            "class, got none"
        )
    paths = [path for _, inside in groups for path in inside]
    labels = np.repeat(np.arange(len(groups)), [len(inside) for _, inside in groups])
    return paths, labels.astype(np.int64), tuple(name for name, _ in groups), left_out


def _list_folder(folder: str, root: str) -> tuple[list[str], list[str], int]:
    """Image files and subfolders by name, without hidden ones and links that leave the root."""
    files, folders, left_out = [], [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink() and not _is_inside(entry.path, root):
                continue
            if os.path.isdir(entry.path):
                folders.append(entry.path)
            elif os.path.isfile(entry.path) and entry.name.lower().endswith(SUFFIXES):
                files.append(entry.path)
            else:
                left_out += 1
            if len(files) + len(folders) + left_out > MAX_FILES:
                raise DataError(f"a folder must hold at most {MAX_FILES} entries, got more")
    return sorted(files), sorted(folders), left_out


def _is_inside(path: str, root: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def _fit(image: Image.Image, side: int) -> Image.Image:
    """The centre square, resized with smoothing; an image that has the size stays untouched."""
    if image.size == (side, side):
        return image
    square = min(image.size)
    left, top = (image.width - square) // 2, (image.height - square) // 2
    # Cropped first: a resize of a box blends in pixels from outside the box.
    image = image.crop((left, top, left + square, top + square))
    return image.resize((side, side), Image.Resampling.BICUBIC)


def _pixels(image: Image.Image) -> np.ndarray:
    """uint8 (H, W) where every pixel is grey, else (H, W, 3)."""
    array = np.array(image)
    if array.ndim == 3 and (array[:, :, :1] == array[:, :, 1:]).all():
        return array[:, :, 0].copy()
    return array
