"""Image files to pixels: the only place where Pillow opens an untrusted file.

A file is opened by its content as PNG, JPEG, GIF, WEBP, BMP, PGM or PPM and nothing else, its size
is checked before it is decoded, and every conversion is reported.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from models.data.allowance import WatchedBytes, current
from models.data.class_folders import KINDS
from models.data.image_set import MAX_BYTES, DataError
from models.text import clean_name

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "PPM")
MAX_PIXELS = 4096 * 4096
MAX_SCANS = 32
"""Of a JPEG in an upload; a progressive one has about ten."""

_FRAMES = "had several frames: the first was taken"
_TURNED = "had an EXIF rotation: applied"
_CMYK = "had CMYK colours: converted to RGB"
ALPHA = "had transparency"
_ORIENTATION = 0x0112
_JPEG, _SCAN = b"\xff\xd8", b"\xff\xda"


def decode(file: str | Path | bytes, name: str = "") -> tuple[Image.Image, tuple[str, ...]]:
    """Decodes one image file to an upright image, and lists the conversions.

    Args:
        file: The path or the content of a PNG, JPEG, GIF, WEBP, BMP, PGM or PPM file of at most
            16.7 million pixels.
        name: What a sentence calls it; by default its own name.

    Returns:
        The image, of mode L or RGB, RGBA if it has transparency, or I;16 if it has 16 bits of grey;
        and the second half of a sentence for every conversion.

    Raises:
        DataError: If the file is not such an image, naming the file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "half.png")
        ...     Image.new("RGBA", (8, 8), (255, 0, 0, 51)).save(path)
        ...     image, done = decode(path)
        >>> image.getpixel((0, 0)), done
        ((255, 0, 0, 51), ('had transparency',))
    """
    is_content = isinstance(file, bytes)
    label = repr(clean_name(name or ("image" if is_content else Path(file).name)))
    try:
        if (len(file) if is_content else os.path.getsize(file)) > MAX_BYTES:
            raise DataError(f"{label} must be at most {MAX_BYTES >> 20} MB, got more")
        if is_content:
            _check_scans(file, label)
        with Image.open(WatchedBytes(file) if is_content else file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            current().take_image(image.width * image.height)
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
            f"{label} must be a whole {KINDS} image, got {_other_kind(file)}: replace or remove it"
        ) from error


_ENDS = {
    b"\x89PNG": b"IEND\xaeB`\x82",
    b"\xff\xd8\xff": b"\xff\xd9",
    b"GIF8": b";",
    b"RIFF": b"",
    b"BM": b"",
    **{b"P%d" % number: b"" for number in range(1, 7)},
}
"""First bytes of the kinds that are opened, and last bytes of whole files of those kinds."""


def looks_damaged(file: str | Path | bytes) -> bool:
    """Tells by its first and last bytes whether a file may be broken: only `decode` knows.

    A whole file may have other bytes after its end; a broken one may begin and end as it should.

    Example:
        >>> looks_damaged(b"hello"), looks_damaged(b"GIF89a...;")
        (True, False)
    """
    if isinstance(file, bytes):
        start, end = file[:8], file[-8:]
    else:
        with open(file, "rb") as stream:
            start = stream.read(8)
            stream.seek(max(0, os.path.getsize(file) - 8))
            end = stream.read(8)
    ends = [end.endswith(last) for first, last in _ENDS.items() if start.startswith(first)]
    return not any(ends)


def _check_scans(content: bytes, label: str) -> None:
    """Refuses a JPEG with many scans: each costs a pass over the image, and takes few bytes."""
    # A photograph's other data, such as a short film after it, holds the two bytes by accident.
    most = MAX_SCANS + len(content) // 2**14
    if content.startswith(_JPEG) and content.count(_SCAN) > most:
        raise DataError(
            f"{label} must have at most {MAX_SCANS} scans, got more: save it once more, not "
            "progressive"
        )


_OTHER_KINDS = {
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"<svg": "an SVG",
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop file",
    b"\x89HDF": "an HDF5 file",
}


def _other_kind(file: str | Path | bytes) -> str:
    """Names what a file is that cannot be read, where its first bytes tell."""
    start = file[:12] if isinstance(file, bytes) else b""
    if not isinstance(file, bytes):
        with open(file, "rb") as stream:
            start = stream.read(12)
    if start[4:8] == b"ftyp":
        return "a HEIC or AVIF image"
    known = (kind for magic, kind in _OTHER_KINDS.items() if start.startswith(magic))
    return next(known, "something else or a damaged one")


def _flatten(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The first frame, upright, without palette."""
    done = []
    if getattr(image, "is_animated", False):
        done.append(_FRAMES)
    if image.getexif().get(_ORIENTATION, 1) != 1:
        done.append(_TURNED)
        image = ImageOps.exif_transpose(image)
    if image.mode == "I;16":
        image.load()
        return image.copy(), tuple(done)
    if image.mode.startswith("I"):
        # Pillow's own conversion clips 16 bits at 255, which turns all but the darkest white.
        levels = np.clip(np.asarray(image, np.int64), 0, 65535)
        return Image.fromarray(levels.astype(np.uint16)), tuple(done)
    if image.mode == "CMYK":
        done.append(_CMYK)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            return image, (*done, ALPHA)
    return (image.copy() if image.mode == "L" else image.convert("RGB")), tuple(done)
