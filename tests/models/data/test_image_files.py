"""Image files: every conversion is exact and reported, every bad file is refused."""

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.data.image_files import MAX_PIXELS, decode
from models.data.image_set import DataError
from models.data.ingest import read_path, read_upload
from models.data.load import load
from models.data.read_options import ReadOptions
from tests.helpers.images import (
    archive,
    classes,
    fill,
    find,
    flat,
    mutants,
    picture,
    png,
    read_zip,
    refusal,
    write_files,
)
from tests.helpers.sentences import assert_sentence


def test_colour_is_kept_if_any_image_has_colour(tmp_path):
    fill(tmp_path)
    picture(3).convert("RGB").save(tmp_path / "03.png")
    assert load(tmp_path, "train").image_shape == (1, 8, 9)
    picture(3, mode="RGB").save(tmp_path / "03.png")
    assert load(tmp_path, "train").image_shape == (3, 8, 9)
    assert find(tmp_path, np.moveaxis(np.asarray(picture(3, mode="RGB")), 2, 0))
    assert find(tmp_path, np.stack([np.asarray(picture(4))] * 3))


@pytest.mark.parametrize("other", [(9, 9), (65, 8), (100, 40), (4, 4), (1, 500)])
def test_other_sizes_are_brought_to_32_and_it_is_said(tmp_path, other):
    fill(tmp_path)
    picture(3, size=other).save(tmp_path / "03.png")
    train = load(tmp_path, "train")
    assert train.image_shape == (1, 32, 32) and "32 × 32" in train.notes[0]


def test_resizing_takes_the_centre_square(tmp_path):
    fill(tmp_path, size=(80, 40))
    pixels = np.zeros((40, 80), np.uint8)
    pixels[:, 20:60] = 255
    Image.fromarray(pixels).save(tmp_path / "03.png")
    assert find(tmp_path, np.full((32, 32), 255))


def mode(path):
    with Image.open(path) as image:
        return image.mode


def assert_converted(folder, note, count=1):
    """The conversion was said, once, with its count."""
    notes = load(folder, "train").notes
    said = [text for text in notes if note in text]
    assert said == [text for text in notes if text.startswith(f"{count} image{'s' * (count > 1)} ")]
    assert len(said) == 1


def test_transparency_is_drawn_on_black(tmp_path):
    fill(tmp_path)
    pixels = np.full((8, 9, 4), 200, np.uint8)
    pixels[..., 3] = 51
    pixels[0, 0, 3] = 0
    for name in ("03.png", "04.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    expected = np.full((8, 9), 40)
    expected[0, 0] = 0
    assert find(tmp_path, expected)
    assert_converted(tmp_path, "transparency: drawn on black", 2)


def test_palettes_with_transparency_and_one_bit_images(tmp_path):
    fill(tmp_path)
    palette = Image.new("P", (9, 8), 1)
    palette.putpalette([9, 9, 9, 180, 180, 180])
    palette.putpixel((0, 0), 0)
    palette.save(tmp_path / "03.png", transparency=0)
    expected = np.full((8, 9), 180)
    assert find(tmp_path, np.where(np.arange(72).reshape(8, 9) == 0, 0, expected))
    bits = np.arange(72).reshape(8, 9) % 2 == 1
    Image.fromarray(bits).save(tmp_path / "04.png")
    assert mode(tmp_path / "04.png") == "1"
    assert find(tmp_path, bits * 255)


def test_16_bit_images_are_scaled_not_clipped(tmp_path):
    fill(tmp_path)
    levels = np.arange(72, dtype=np.uint16).reshape(8, 9) * 900
    Image.fromarray(levels).save(tmp_path / "03.png")
    assert mode(tmp_path / "03.png") == "I;16"
    assert find(tmp_path, levels, white=65535) and find(tmp_path, picture(4))
    assert "divided by 65535" in load(tmp_path, "train").notes[0]


def test_cmyk_becomes_rgb(tmp_path):
    fill(tmp_path)
    Image.new("CMYK", (9, 8), (255, 0, 0, 0)).save(tmp_path / "03.jpg", quality=100)
    train = load(tmp_path, "train")
    assert train.image_shape == (3, 8, 9)
    assert_converted(tmp_path, "CMYK")


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animations_give_their_first_frame(tmp_path, format):
    fill(tmp_path)
    frames = [Image.new("L", (9, 8), level) for level in (70, 140, 210)]
    frames[0].save(
        tmp_path / "03.png", format, save_all=True, append_images=frames[1:], lossless=True
    )
    assert find(tmp_path, np.full((8, 9), 70))
    assert_converted(tmp_path, "several frames")


def test_exif_rotation_is_applied(tmp_path):
    fill(tmp_path, size=(8, 8))
    image = picture(3, size=(8, 8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "03.png", exif=exif)
    assert find(tmp_path, np.rot90(np.asarray(image), -1))
    assert_converted(tmp_path, "EXIF rotation")


def test_content_counts_and_not_the_ending(tmp_path):
    fill(tmp_path)
    picture(3).save(tmp_path / "03.png", "GIF")
    assert find(tmp_path, picture(3))


def png_claiming(width, height):
    """A PNG whose header claims a size."""
    stream = io.BytesIO()
    picture(0).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zipfile.crc32(content[12:29]))
    return bytes(content)


def saved(format, **options):
    stream = io.BytesIO()
    picture(0, size=(64, 64)).save(stream, format, **options)
    return stream.getvalue()


WHOLE_IMAGES = [saved(format) for format in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "PPM")]

WHOLE = "a whole PNG, JPEG, GIF, WEBP, BMP, PGM or PPM image"

BAD_IMAGES = {
    "empty": (b"", WHOLE),
    "text": (b"hello", WHOLE),
    "tiff": (saved("TIFF"), "got a TIFF"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "got an SVG"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(99), "got a HEIC"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 8\n", WHOLE),
    "truncated png": (saved("PNG")[:-900], WHOLE),
    "truncated jpeg": (saved("JPEG")[:-900], WHOLE),
    "truncated gif": (saved("GIF")[:-900], WHOLE),
    "truncated webp": (saved("WEBP")[:-900], WHOLE),
    "header only": (saved("PNG")[:33], WHOLE),
    "no pixels": (png_claiming(0, 0), WHOLE),
    "more than 16.7 Mpx": (png_claiming(4097, 4096), "16.8 million pixels"),
    "warned bomb": (png_claiming(10_000, 10_000), "16.8 million pixels"),
    "bomb": (png_claiming(100_000, 100_000), "16.8 million pixels"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_refused_naming_the_file(tmp_path, case):
    content, words = BAD_IMAGES[case]
    (fill(tmp_path / "faces") / "my\u202e broken.png").write_bytes(content)
    sentence = refusal(load, tmp_path / "faces", "train")
    assert words in sentence and sentence.startswith("'faces': 'my broken.png' must")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "mine.npz"


def assert_decodes_or_refuses(path, content):
    """Whether the image is read, of a known mode and not too large; else a sentence says why."""
    path.write_bytes(content)
    try:
        image, conversions = decode(path)
    except DataError as error:
        assert assert_sentence(str(error)).startswith("'mine.npz' must")
        return False
    assert (
        image.mode in ("L", "RGB", "RGBA", "I;16") and 0 < image.width * image.height <= MAX_PIXELS
    )
    assert all(text.startswith("had ") for text in conversions)
    return True


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_mutated_image_is_refused_or_read(scratch, drawn):
    content = bytearray(drawn.draw(st.sampled_from(WHOLE_IMAGES)))
    for _ in range(drawn.draw(st.integers(1, 4))):
        place = drawn.draw(st.one_of(st.integers(0, 99), st.integers(0, len(content) - 1)))
        content[place] = drawn.draw(st.integers(0, 255))
    assert_decodes_or_refuses(scratch, bytes(content))


def test_of_mutated_images_some_are_refused_and_some_are_read(scratch):
    outcomes = [assert_decodes_or_refuses(scratch, image) for image in mutants(WHOLE_IMAGES, 200)]
    assert 0 < sum(outcomes) < 200


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_of_an_upload_are_refused_naming_the_file(case):
    content, words = BAD_IMAGES[case]
    broken = ("my\u202e broken.png", content)
    sentence = refusal(read_upload, [*flat(), broken])
    assert words in sentence and sentence.startswith("'my broken.png'")
    sentence = refusal(read_zip, *flat(), broken)
    assert words in sentence and sentence.startswith("'faces.zip': 'my broken.png'")


@pytest.mark.parametrize(
    ("format", "ending"), [("BMP", "bmp"), ("PPM", "pgm"), ("PPM", "ppm"), ("PPM", "pnm")]
)
def test_other_formats_are_read_exactly(format, ending):
    mode_of = "RGB" if ending == "ppm" else "L"
    files, expected = (
        [],
        read_zip(*((f"{i}.png", as_bytes(picture(i, mode=mode_of))) for i in range(12))),
    )
    for place in range(12):
        files.append((f"{place}.{ending}", as_bytes(picture(place, mode=mode_of), format)))
    assert read_zip(*files).id == read_upload(files).id == expected.id


def as_bytes(image, format="PNG"):
    stream = io.BytesIO()
    image.save(stream, format)
    return stream.getvalue()


def ink(place, light=0):
    """A stroke of ink on nothing."""
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[place % 12 + 2, 3:13, 3] = 255
    pixels[place % 12 + 2, 3:13, :3] = light
    return as_bytes(Image.fromarray(pixels))


@pytest.mark.parametrize(("light", "ground"), [(0, 255), (60, 255), (255, 0), (180, 0)])
@pytest.mark.parametrize("size", [None, 32])
def test_ink_on_transparency_stays_visible(light, ground, size):
    files = [(f"{place}.png", ink(place, light)) for place in range(12)]
    found = read_upload(files, options=ReadOptions(size=size))
    side = size or 16
    assert (
        found.image_shape == (1, side, side) and found.images[:, 0, 0, 0].tolist() == [ground] * 12
    )
    assert abs(int(found.images.max()) - int(found.images.min())) >= 100
    words = "drawn on white, as what is visible is dark" if ground else "drawn on black"
    assert f"12 images had transparency: {words}" in found.notes


def test_several_broken_files_are_listed_and_can_be_left_out():
    broken = [
        ("b1.png", b"x"),
        ("b2.png", WHOLE_IMAGES[0][:-900]),
        ("b3.gif", b""),
        ("b4.png", b""),
    ]
    with pytest.raises(DataError) as caught:
        read_upload([*flat(), *broken])
    sentence = assert_sentence(str(caught.value))
    assert sentence.startswith("'b1.png', 'b2.png', 'b3.gif' and 1 more must be")
    assert caught.value.option == "skip_broken"
    found = read_upload([*flat(), *broken], options=ReadOptions(skip_broken=True))
    assert found.id == read_upload(flat()).id
    assert found.notes == (
        "files that could not be read, left out: 'b1.png', 'b2.png', 'b3.gif' and 1 more",
    )
    assert "must be" in refusal(read_upload, broken, options=ReadOptions(skip_broken=True))
    few = [*flat(9), *broken]
    assert "at least 10" in refusal(read_upload, few, options=ReadOptions(skip_broken=True))


def test_labels_stay_with_their_images_when_broken_ones_are_left_out():
    members = [("a/!.png", b"x"), *classes(), ("b/!.png", b"y")]
    found = read_upload(members, options=ReadOptions(skip_broken=True))
    assert found.id == read_upload(classes()).id


def test_more_broken_files_are_looked_for_only_a_while(monkeypatch):
    """A refusal is cheap: after the first broken file few pixels are decoded."""
    decoded = []

    def count(file, name=""):
        decoded.append(name)
        return decode(file, name)

    monkeypatch.setattr("models.data.image_reader.decode", count)
    large = [(f"{i}.png", png(i, size=(1000, 1000))) for i in range(12)]
    assert "'!.png' must be" in refusal(read_upload, [("!.png", b"x"), *large])
    assert len(decoded) < 8


def encoded(kind):
    stream = io.BytesIO()
    picture(0, size=(40, 40)).save(stream, kind)
    return stream.getvalue()


def cut(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize("kind", ["upload", "folder", "zip"])
@pytest.mark.parametrize(
    "broken", [b"notes", b"", cut(png(0)), cut(encoded("JPEG")), cut(encoded("GIF"))]
)
def test_a_broken_file_that_comes_last_costs_one_decode(kind, broken, monkeypatch, tmp_path):
    decoded = []

    def count(file, name=""):
        decoded.append(name)
        return decode(file, name)

    monkeypatch.setattr("models.data.image_reader.decode", count)
    members = [*flat(200), ("zzz.png", broken)]
    write_files(tmp_path / "folder", members)
    (tmp_path / "own.zip").write_bytes(archive(*members))
    if kind == "upload":
        sentence = refusal(read_upload, members)
    else:
        sentence = refusal(read_path, tmp_path / ("folder" if kind == "folder" else "own.zip"))
    assert "'zzz.png' must be" in sentence and decoded == ["zzz.png"]


def test_bytes_after_the_end_of_an_image_do_no_harm():
    members = [(name, content + b"more") for name, content in flat()]
    assert read_upload(members).id == read_upload(flat()).id


@pytest.mark.parametrize("size", [8, 28, 64])
def test_the_size_can_be_chosen(size):
    members = [(f"{i}.png", png(i, size=(178, 218), mode="RGB")) for i in range(12)]
    found = read_upload(members, options=ReadOptions(size=size))
    assert found.image_shape == (3, size, size) and f"{size} × {size} pixels" in found.notes[0]
    same = read_upload(flat(), options=ReadOptions(size=size))
    assert same.image_shape == (1, size, size)


def test_a_size_that_all_have_already_changes_nothing():
    members = [(f"{i}.png", png(i, size=(28, 28))) for i in range(12)]
    found = read_upload(members, options=ReadOptions(size=28))
    assert found.id == read_upload(members).id and found.notes == ()
