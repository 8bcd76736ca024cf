"""What is cheap to send is cheap to answer: processor time of uploads that were made to be dear."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from models.data import allowance
from models.data.allowance import FREE_PIXELS, SECONDS_PER_IMAGE, SECONDS_PER_MB
from models.data.image_set import DataError
from models.data.ingest import read_path, read_upload
from models.data.read_options import ReadOptions
from tests.helpers.images import archive, flat, png, read_zip, refusal, write_files
from tests.helpers.sentences import assert_sentence

SECONDS = 1.0
"""Of the processor, beside what the bytes and the number of images allow."""
BLACK = np.zeros((4096, 4096), np.uint8)


def encoded(array, format, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format, **options)
    return stream.getvalue()


def packed(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return [("a.npz", stream.getvalue())]


def repeated(content, ending, count=12):
    return [(f"{place:02}.{ending}", content) for place in range(count)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def in_png(extra):
    return png(0)[:33] + extra + png(0)[33:]


def many_scans():
    """A progressive JPEG whose last scan is repeated."""
    content = encoded(BLACK, "JPEG", progressive=True)
    start, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    return content[:end] + content[start:end] * 1500 + content[end:]


def sparse(count, kind="u1", shape=(8, 8)):
    array = np.zeros((count, *shape), kind)
    array.reshape(-1)[::400] = 1
    return array


ONE_MB = zlib.compress(bytes(1_000_000))
ROW = b",".join([b"0"] * 784) + b"\n"
PICTURES = {
    "GIF": lambda: repeated(encoded(BLACK, "GIF"), "gif"),
    "PNG": lambda: repeated(encoded(BLACK, "PNG"), "png"),
    "broken ones, left out": lambda: [*flat(), *repeated(encoded(BLACK, "GIF")[:-9000], "gif", 30)],
}
DEAR = {
    "transparent PNG": lambda: repeated(encoded(np.zeros((*BLACK.shape, 4), "u1"), "PNG"), "png"),
    "PNG of 16 bits": lambda: repeated(encoded(BLACK.astype(np.uint16), "PNG"), "png"),
    "WEBP": lambda: repeated(encoded(np.stack([BLACK] * 3, 2), "WEBP", lossless=True), "webp"),
    "JPEG": lambda: repeated(encoded(BLACK, "JPEG"), "jpg"),
    "scans of a JPEG": lambda: [*flat(), ("a.jpg", many_scans())],
    "chunks of a PNG": lambda: [*flat(), ("a.png", in_png(chunk(b"abCd", b"") * 150_000))],
    "packed comments": lambda: repeated(in_png(chunk(b"zTXt", b"a\0\0" + ONE_MB) * 60), "png", 50),
    "packed profiles": lambda: repeated(in_png(chunk(b"iCCP", b"a\0\0" + ONE_MB) * 300), "png"),
    "comment of a PGM": lambda: [*flat(), ("a.pgm", b"P5 #" + b"a" * 2 * 10**6 + b"\n8 8 255\n")],
    "filling of a JPEG": lambda: [*flat(), ("a.jpg", b"\xff\xd8" + b"\xff" * 2 * 10**6)],
    "zip of 250 MB of table": lambda: [("a.zip", archive(("a.csv", ROW * 160_000)))],
    "a million columns": lambda: [("a.csv", b"0," * 10**6 + b"0\n")],
    "wide table of labels": lambda: [
        ("a.zip", archive(*flat(), ("labels.csv", b"00.png" + b",a" * 2_000_000)))
    ],
    "20 tables of labels": lambda: [
        ("a.zip", archive(*flat(), *((f"{i}.csv", (b"0.png" + b",a" * 100 + b"\n") * 19_000)
                                     for i in range(20))))
    ],
    "long labels": lambda: packed(
        images=sparse(10_000), labels=np.array([f"{'x' * 6000}{i}" for i in range(10_000)])
    ),
    "three million labels": lambda: packed(images=sparse(3_000_000), labels=np.arange(3_000_000)),
    "250 MB of halves": lambda: packed(images=sparse(2_000_000, "f2")),
    "250 MB of transparency": lambda: packed(images=sparse(1_000_000, shape=(8, 8, 4))),
    "250 MB": lambda: packed(images=sparse(4_000_000)),
}  # fmt: skip
RESIZED = {"u1": 4_000_000, "i8": 500_000}


def assert_cheap(files, **options):
    """Read or refused within the time: the better of two."""
    size = sum(len(content) for _, content in files) / 1e6
    most = SECONDS + SECONDS_PER_MB * size + SECONDS_PER_IMAGE * len(files)
    taken = []
    while not taken or (taken[-1] > most and len(taken) < 2):
        start = time.process_time()
        try:
            read_upload(files, options=ReadOptions(**options))
        except DataError as error:
            assert_sentence(str(error))
        taken.append(time.process_time() - start)
    assert min(taken) <= most


@pytest.mark.parametrize("case", PICTURES)
def test_many_large_pictures_are_cheap(case):
    assert_cheap(PICTURES[case](), skip_broken="left out" in case)


@pytest.mark.slow
@pytest.mark.parametrize("case", DEAR)
def test_what_is_cheap_to_send_is_cheap_to_answer(case):
    assert_cheap(DEAR[case]())


@pytest.mark.slow
@pytest.mark.parametrize("kind", RESIZED)
def test_another_size_of_small_images_is_cheap(kind):
    assert_cheap(packed(images=sparse(RESIZED[kind], kind)), size=9)


def test_an_upload_may_have_so_many_pixels(monkeypatch):
    monkeypatch.setattr(allowance, "PIXELS_PER_BYTE", 0)
    monkeypatch.setattr(allowance, "FREE_PIXELS", 12 * 8 * 9)
    assert len(read_upload(flat())) == len(read_zip(*flat())) == 12
    monkeypatch.setattr(allowance, "FREE_PIXELS", 12 * 8 * 9 - 1)
    for call in (read_upload, lambda members: read_zip(*members)):
        assert "pixels in all" in refusal(call, flat())


def test_what_takes_long_is_refused_by_the_clock(monkeypatch):
    monkeypatch.setattr(allowance, "FREE_SECONDS", -1.0)
    table = ("a.csv", b",".join([b"0.5"] * 64) + b"\n")
    for files in (flat(), [("a.zip", archive(*flat()))], [table]):
        assert "must be read in at most" in refusal(read_upload, files)


def test_files_of_this_machine_have_no_such_bounds(monkeypatch, tmp_path):
    monkeypatch.setattr(allowance, "FREE_PIXELS", -(10**9))
    monkeypatch.setattr(allowance, "FREE_SECONDS", -1000.0)
    (tmp_path / "a.zip").write_bytes(archive(*flat()))
    assert len(read_path(tmp_path / "a.zip")) == 12
    assert len(read_path(write_files(tmp_path / "folder", flat()))) == 12


def test_a_class_may_upload_its_drawings_and_photographs():
    drawing = np.zeros((1000, 1000, 4), np.uint8)
    drawings = []
    for place in range(15):
        drawing[200 + 9 * place : 400 + 9 * place, 400:600, 3] = 255
        drawings.append((f"{place}.png", encoded(drawing, "PNG")))
    assert len(read_upload(drawings)) == 15
    assert 30 * drawing[..., 0].size <= FREE_PIXELS
