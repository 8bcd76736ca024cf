"""Image files as one array: decoded, brought to one size, with a note on every conversion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from models.data.allowance import TooMuch
from models.data.class_folders import KINDS
from models.data.image_files import ALPHA, decode, looks_damaged
from models.data.image_set import MAX_SIDE, DataError
from models.data.image_sizes import COMMON_SIDE, check_bytes, fit, says_resized, share_size
from models.data.read_options import ReadOptions
from models.data.transparency import draw_on, is_ink_dark, name_ground
from models.text import clean_name

MAX_BROKEN = 10
"""Broken files after which no more are looked for."""
SHOWN_BROKEN = 3
SEARCH_PIXELS = 4_000_000
"""Of the images among which more broken files are looked for: a refusal should be cheap."""
FILE_PIXELS = 4096
"""Pixels that take as long as opening a file."""


def read_images(
    names: Sequence[str],
    contents: Sequence[Path | bytes],
    report: Callable[[int], object] = lambda done: None,
    options: ReadOptions | None = None,
) -> tuple[np.ndarray, list[int], float, tuple[str, ...]]:
    """Decodes image files and brings them to one size.

    That is the chosen size; else the size that all share, if it is 8 to 64 pixels a side; else
    32 × 32.

    Args:
        names: Of the files.
        contents: The path or the content of each; asked for one at a time.
        report: Called with the number of images that are done.
        options: `size` and `skip_broken` count.

    Returns:
        Images (N, C, H, W), uint8 or, if one has 16 bits, uint16; C = 3 if any has colour, else 1;
        the places of these among the files; the brightest value before they were resized; the
        notes.

    Raises:
        DataError: If one cannot be read, or all take too much room.
    """
    options = options or ReadOptions()
    if not options.skip_broken:
        _refuse_damaged(names, contents)
    decoded = _Decoded(options)
    for place, (name, file) in enumerate(zip(names, contents, strict=True)):
        if not decoded.take(place, name, file):
            break
        report(place + 1)
    return decoded.finish()


def _refuse_damaged(names: Sequence[str], contents: Sequence[Path | bytes]) -> None:
    """Raises DataError if a file is broken that looks so, before the others are decoded."""
    broken = _Broken()
    for name, file in zip(names, contents, strict=True):
        if not _looks_damaged(file):
            continue
        try:
            image, _ = decode(file, name)
        except TooMuch:
            raise
        except DataError as error:
            broken.add(name, error)
            if not broken.looks_on(0):
                break
        else:
            if not broken.looks_on(image.width * image.height):
                break
    if broken.names:
        broken.refuse()


def _looks_damaged(file: Path | bytes) -> bool:
    """Whether a file should be decoded before the others; one that cannot be read is."""
    try:
        return looks_damaged(file)
    except OSError:
        return True


class _Decoded:
    """Images in the order of their files, until all are there."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._side = options.size or COMMON_SIDE
        self._broken = _Broken()
        self._converted: Counter[str] = Counter()
        self._sizes: set[tuple[int, int]] = set()
        self._pixels: list[np.ndarray] = []
        self._kept: list[int] = []
        self._brightest = 0.0
        self._held = 0

    def take(self, place: int, name: str, file: Path | bytes) -> bool:
        """Decodes one more file; whether to go on."""
        try:
            image, conversions = decode(file, name)
        except TooMuch:
            raise
        except DataError as error:
            self._broken.add(name, error)
            return self._options.skip_broken or self._broken.looks_on(0)
        if self._broken.names and not self._options.skip_broken:
            return self._broken.looks_on(image.width * image.height)
        self._converted.update(conversions)
        self._keep(place, image)
        return True

    def _keep(self, place: int, image: Image.Image) -> None:
        """Keeps an image, at full size only if all may stay so."""
        self._sizes.add(image.size)
        self._brightest = max(self._brightest, _brightest(image))
        if self._options.size or max(image.size) > MAX_SIDE:
            image = fit(image, self._side)
        self._pixels.append(_pixels(image))
        self._kept.append(place)
        self._held += self._pixels[-1].nbytes
        check_bytes(self._held)

    def finish(self) -> tuple[np.ndarray, list[int], float, tuple[str, ...]]:
        """The images, their places among the files, the brightest value, and the notes."""
        if self._broken.names and not (self._options.skip_broken and self._pixels):
            self._broken.refuse()
        notes = [*self._to_one_size(), *self._without_transparency()]
        for conversion, count in sorted(self._converted.items()):
            notes.append(f"{count} image{'s' * (count > 1)} {conversion}")
        if self._broken.names:
            notes.append(f"files that could not be read, left out: {self._broken.listed()}")
        images = _stack(self._pixels)
        full = 65535 if images.dtype == np.uint16 else 255
        brightest = max(round(self._brightest * full), int(images.max()))
        return images, self._kept, float(brightest), tuple(notes)

    def _to_one_size(self) -> list[str]:
        """Resizes all images unless they have the size that was chosen, or share one."""
        side = self._side
        if self._sizes == {(side, side)}:
            return []
        if self._options.size is None and share_size(self._sizes):
            return []
        self._pixels = [_pixels(fit(Image.fromarray(array), side)) for array in self._pixels]
        return [says_resized(side)]

    def _without_transparency(self) -> list[str]:
        """Draws all images with transparency on one ground."""
        count = self._converted.pop(ALPHA, 0)
        if not count:
            return []
        is_dark = is_ink_dark([array for array in self._pixels if _has_opacity(array)], 255)
        self._pixels = [_on_ground(array, 255 * is_dark) for array in self._pixels]
        return [f"{count} image{'s' * (count > 1)} {ALPHA}: {name_ground(is_dark)}"]


class _Broken:
    """Files that could not be read, and how much longer others are looked for.

    Attributes:
        names: Of the files.
        error: Why the first of them could not be read.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.error: DataError | None = None
        self._left = SEARCH_PIXELS

    def add(self, name: str, error: DataError) -> None:
        """Notes a file."""
        self.names.append(name)
        self.error = self.error or error

    def looks_on(self, pixels: int) -> bool:
        """Whether to look at more files, after one of that many pixels."""
        self._left -= max(pixels, FILE_PIXELS)
        return len(self.names) < MAX_BROKEN and self._left > 0

    def listed(self) -> str:
        """The files by name, as many as a sentence takes."""
        names = [repr(clean_name(name, longest=30)) for name in self.names[:SHOWN_BROKEN]]
        more = len(self.names) - len(names)
        return ", ".join(names) + (f" and {more} more" if more else "")

    def refuse(self) -> None:
        """Raises what is to be said about them."""
        if len(self.names) == 1:
            raise DataError(str(self.error), "skip_broken") from self.error
        raise DataError(
            f"{self.listed()} must be whole {KINDS} images, got something else or damaged ones: "
            "replace or remove them",
            "skip_broken",
        )


def _brightest(image: Image.Image) -> float:
    """The brightest value of an image, as a share of what its kind can hold."""
    if image.mode == "I;16":
        return image.getextrema()[1] / 65535
    if image.mode == "L":
        return image.getextrema()[1] / 255
    return max(high for _, high in image.getextrema()[:3]) / 255


def _has_opacity(array: np.ndarray) -> bool:
    """Whether an image has four channels."""
    return array.shape[2:] == (4,)


def _on_ground(array: np.ndarray, ground: int) -> np.ndarray:
    """An image without transparency, drawn on a ground if it had any."""
    if not _has_opacity(array):
        return array
    return _grey_if_grey(draw_on(array, ground, 255))


def _stack(pixels: list[np.ndarray]) -> np.ndarray:
    """(H, W) and (H, W, 3) arrays as one (N, C, H, W) array, in colour if any has colour."""
    channels = max(1 if array.ndim == 2 else 3 for array in pixels)
    kind = max((array.dtype for array in pixels), key=lambda kind: kind.itemsize)
    height, width = pixels[0].shape[:2]
    check_bytes(len(pixels) * channels * height * width * kind.itemsize)
    images = np.empty((len(pixels), channels, height, width), kind)
    for place, array in enumerate(pixels):
        images[place] = array if array.ndim == 2 else np.moveaxis(array, 2, 0)
        if array.dtype != kind:
            images[place] *= 257  # 8 bits among images of 16: 255 is white there, 65535 here
    return images


def _pixels(image: Image.Image) -> np.ndarray:
    """(H, W) where every pixel is grey and opaque, else (H, W, 3) or (H, W, 4)."""
    return _grey_if_grey(np.array(image))


def _grey_if_grey(array: np.ndarray) -> np.ndarray:
    """One channel where three are alike."""
    if array.shape[2:] == (3,) and (array[:, :, :1] == array[:, :, 1:]).all():
        return array[:, :, 0].copy()
    return array
