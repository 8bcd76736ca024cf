"""Makes images, archives and folders of them, whole and damaged."""

import io
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data.image_set import DataError
from models.data.ingest import read_upload
from models.data.load import load
from tests.helpers.sentences import assert_sentence

NOISE = np.random.default_rng(7).integers(0, 256, (20, 8, 9), dtype=np.uint8)
"""Twenty grey images, 8 high and 9 wide."""


def both(path):
    return [load(path, split) for split in ("train", "test")]


def refusal(call, *arguments, **options):
    """The sentence of the refusal; nothing but a `DataError` may come out."""
    with pytest.raises(DataError) as caught:
        call(*arguments, **options)
    return assert_sentence(str(caught.value))


class Canary:
    """Leaves a file behind when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def archive(*members, compression=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as file:
        warnings.simplefilter("ignore")  # zipfile warns of the duplicates that we want
        for name, content in members:
            file.writestr(name, content)
    return stream.getvalue()


def patched(content, key, offset, value):
    """The archive with a 4-byte field of that member's directory entry overwritten."""
    start = content.rindex(b"PK\x01\x02", 0, content.rindex(key))
    return content[: start + offset] + struct.pack("<I", value) + content[start + offset + 4 :]


def mutants(originals, count):
    """Files with one to four random bytes, the same at every call."""
    random = np.random.default_rng(count)
    for number in range(count):
        content = bytearray(originals[number % len(originals)])
        for _ in range(random.integers(1, 5)):
            content[random.integers(0, len(content))] = random.integers(0, 256)
        yield bytes(content)


def picture(seed, size=(9, 8), mode="L"):
    """A picture of noise; `size` is width, height."""
    bands = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], *bands), dtype=np.uint8)
    return Image.fromarray(pixels)


def fill(folder, count=10, **options):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        picture(seed, **options).save(folder / f"{seed:02}.png")
    return folder


def png(seed, **options):
    stream = io.BytesIO()
    picture(seed, **options).save(stream, "PNG")
    return stream.getvalue()


def flat(count=12, folder=""):
    """Members of an archive: images without classes."""
    return [(f"{folder}{place:02}.png", png(place)) for place in range(count)]


def classes(folder="", count=6):
    """Members of an archive: one folder per class."""
    return [(f"{folder}{name}/{member}", c) for name in "ab" for member, c in flat(count)]


def read_zip(*members, name="faces.zip"):
    return read_upload([(name, archive(*members))])


def write_files(folder, members):
    for name, content in members:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def find(folder, pixels, white=255):
    """Whether these grey levels (H, W) or (3, H, W) are among the images, exactly."""
    wanted = (np.asarray(pixels, np.float32) / np.float32(white)).tobytes()
    return any(image.tobytes() == wanted for part in both(folder) for image in part.images)


IMAGES = ("images.npy", npy(NOISE))


def uploads_of_every_kind():
    """Uploads that are read, of every kind: lists of names and contents."""
    kinds = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "pgm": "PPM"}
    found = [classes(), [("faces.zip", archive(*classes()))]]
    for ending, kind in kinds.items():
        files = []
        for place in range(12):
            stream = io.BytesIO()
            picture(place).save(stream, kind)
            files.append((f"{place}.{ending}", stream.getvalue()))
        found += [files, [("all.zip", archive(*files, compression=zipfile.ZIP_STORED))]]
    labels = "".join(f"{place:02}.png,{'ab'[place % 2]}\n" for place in range(12)).encode()
    found.append([("labelled.zip", archive(*flat(), ("labels.csv", labels)))])
    found.append([("a.npz", npz(images=NOISE, labels=np.arange(20) % 3))])
    found.append([("a.npy", npy(NOISE))])
    row = ",".join(map(str, range(64))) + "\n" + ",".join(map(str, range(64, 128))) + "\n"
    return [*found, [("a.csv", 6 * row.encode())]]
