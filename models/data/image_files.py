"""Image files to pixels: the only place where Pillow opens an untrusted file.

A file is opened by its content as PNG, JPEG, GIF or WEBP and nothing else, its size is checked
before it is decoded, and every conversion is counted and reported. Pixels are uint8.
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
MAX_PIXELS = 4096 * 4096
COMMON_SIDE = 32
"""Side in pixels of images that do not share a size that a network takes."""

_FRAMES = "had several frames: the first was taken"
_TURNED = "had an EXIF rotation: applied"
_DEEP = "had 16 bits per pixel: scaled to 8"
_CMYK = "had CMYK colours: converted to RGB"
_ALPHA = "had transparency: drawn on black"
_ORIENTATION = 0x0112


def decode(file: str | Path | bytes, name: str = "") -> tuple[Image.Image, tuple[str, ...]]:
    """Decodes one image file to an upright 8-bit RGB image, and lists the conversions.

    Args:
        file: The path or the content of a PNG, JPEG, GIF or WEBP file of at most 16.7 million
            pixels.
        name: What a sentence calls it; by default its own name.

    Returns:
        The image, and the second half of a sentence for every conversion.

    Raises:
        DataError: If the file is not such an image, naming the file.

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


def read_images(
    files: Iterable[tuple[str, str | bytes]],
    report: Callable[[int], object] = lambda done: None,
    most_pixels: float = math.inf,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Decodes image files and brings them to one size.

    That is the size that all share if it is 8 to 64 pixels a side, else 32 × 32.

    Args:
        files: Name and path, or name and content, of each; asked for one at a time.
        report: Called with the number of images that are done.
        most_pixels: Of all images together, before they are brought to one size.

    Returns:
        uint8 images (N, C, H, W), C = 3 if any image has colour, else 1; the notes.

    Raises:
        DataError: If one cannot be read, or all take too much room.
    """
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
        if max(image.size) > MAX_SIDE:
            image = _fit(image)
        pixels.append(_pixels(image))
        held += pixels[-1].nbytes
        _check_bytes(held)
        report(len(pixels))
    notes = []
    if not _share_size(sizes):
        pixels = [_pixels(_fit(Image.fromarray(array))) for array in pixels]
        size = f"{COMMON_SIDE} × {COMMON_SIDE}"
        notes.append(f"images were cropped to their centre square, then {size} pixels")
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


def _fit(image: Image.Image) -> Image.Image:
    """The centre square, resized with smoothing; an image that has the size stays untouched."""
    side = COMMON_SIDE
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
