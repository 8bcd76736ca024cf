"""A user's own images: what is taken, what is refused, and where those that are added lie."""

import errno
import io
import json
import os
import stat
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from models.cli.app import app
from models.cli.train import fit_to_data
from models.config import override
from models.data import ingest, library
from models.data.builtin import is_available
from models.data.custom_images import CustomImages, fitting_batch
from models.data.image_set import MAX_BYTES, DataError
from models.data.ingest import read_path, read_upload
from models.data.load import load
from models.presets import PRESETS
from models.runs.folder import list_runs
from models.storage.checkpoint import read
from tests.helpers.sentences import assert_sentence
from tests.models.test_data import (
    BAD_ARRAYS,
    BAD_FILES,
    BAD_IMAGES,
    NOISE,
    archive,
    mutants,
    patched,
    picture,
)


@pytest.fixture(autouse=True)
def runs_dir(tmp_path, monkeypatch):
    """An empty folder of runs."""
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def png(seed, **options):
    stream = io.BytesIO()
    picture(seed, **options).save(stream, "PNG")
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def flat(count=12, folder=""):
    """Members of an archive: images without classes."""
    return [(f"{folder}{place:02}.png", png(place)) for place in range(count)]


def classes(folder="", count=6):
    """Members of an archive: one folder per class."""
    return [(f"{folder}{name}/{member}", c) for name in "ab" for member, c in flat(count)]


def taken(*members, name="faces.zip"):
    return read_upload([(name, archive(*members))])


def refused(call, *arguments):
    """The sentence of the refusal; nothing but a `DataError` may come out, and nothing is kept."""
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert not library.library_dir().exists()
    return assert_sentence(str(caught.value))


def command(*arguments, status=0):
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(each) for each in arguments])
    assert result.exit_code == status, result.output
    return result.stderr if status else result.stdout


def written(folder, members):
    for name, content in members:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def assert_same(mine, other):
    """Both hold the same images, in the same order, of the same classes."""
    assert np.array_equal(mine.images, other.images) and mine.class_names == other.class_names
    assert (mine.labels is None) == (other.labels is None)
    assert mine.labels is None or np.array_equal(mine.labels, other.labels)


# --- what is taken -------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["", "faces/", "my/faces/"])
@pytest.mark.parametrize("members", [flat, classes])
def test_a_zip_a_folder_and_files_give_the_same(tmp_path, members, around):
    folder = written(tmp_path / "faces", members())
    expected = read_path(folder)
    assert (expected.labels is None) == (members is flat)
    assert_same(taken(*members(folder=around)), expected)
    assert_same(read_upload([(f"faces/{n}", c) for n, c in members()]), expected)
    for split in ("train", "test"):
        assert_same(expected.split(split), load(folder, split))


def test_titles_are_those_of_the_archive_or_the_folder():
    assert taken(*flat()).title == "faces"
    assert read_upload([(f"cats/{n}", c) for n, c in flat()]).title == "cats"
    assert read_upload(flat()).title == "images"
    assert read_upload([("my\u202e  set.npz", npz(images=NOISE))]).title == "my set"


def test_an_npz_is_known_by_its_content():
    content = npz(images=NOISE, labels=np.arange(20) % 2)
    for name in ("mine.npz", "mine.zip", "mine"):
        assert_same(read_upload([(name, content)]), read_upload([("other.npz", content)]))
    beside = taken(*flat(), ("labels.npy", b"not read"))
    assert len(beside) == 12 and beside.notes[-1].endswith("left out: 1")


def test_what_is_no_image_is_left_out_and_it_is_said():
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    others = [
        (link, b"/etc/passwd"), ("inner.zip", archive(*flat())), ("notes.txt", b"hello"),
        ("../up.png", png(1)), ("/root.png", png(2)), ("..\\..\\win.png", png(3)),
        ("a/./b.png", png(4)), (".hidden.png", b"no image"), ("__MACOSX/._00.png", b"no image"),
    ]  # fmt: skip
    found = taken(*flat(), *others)
    assert len(found) == 12 and found.labels is None
    assert found.notes == ("entries that are not PNG, JPEG, GIF or WEBP images, left out: 7",)


def test_nothing_is_unpacked_to_the_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    taken(*flat(), ("../escaped.png", png(1)), ("/escaped.png", png(2)), ("..\\x.png", png(3)))
    assert list(tmp_path.rglob("*")) == []


def test_conversions_are_said():
    members = [(f"{i}.png", png(i, size=(70, 30))) for i in range(10)]
    found = read_upload([*members, ("deep.png", png(3, size=(70, 30), mode="RGB"))])
    assert found.image_shape == (3, 32, 32)
    assert found.notes == ("images were cropped to their centre square, then 32 × 32 pixels",)


def test_progress_is_reported():
    seen = []
    read_upload([("a.zip", archive(*flat()))], lambda done, count: seen.append((done, count)))
    assert seen == [(done, 12) for done in range(1, 13)]


def test_samples_take_the_classes_by_turns():
    found = taken(*classes())
    assert found.samples(5).labels.tolist() == [0, 1, 0, 1, 0]
    assert np.array_equal(found.samples(1).images[0, 0], np.asarray(picture(0)) / np.float32(255))
    assert len(found.samples(100)) == 12 and len(taken(*flat()).samples(3)) == 3


# --- what is refused -----------------------------------------------------------------------------


def encrypted(content):
    """The same archive with the mark of a password on its first member, in both places."""
    content = bytearray(content)
    place = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[place + 8] |= 1
    return bytes(content)


def zeros(size):
    return b"\x89PNG" + bytes(size)


BAD_ZIPS = {
    "empty": (b"", "an .npz or a .zip of images"),
    "7 bytes": (b"PK\x03\x04abc", "an .npz or a .zip of images"),
    "truncated": (archive(*flat())[:-40], "an .npz or a .zip of images"),
    "no members": (archive(), "got none"),
    "folders only": (archive(("a/", b""), ("a/b/", b"")), "got none"),
    "hidden only": (archive(("__MACOSX/._a.png", png(1)), (".a.png", png(1))), "got none"),
    "nested": (archive(("inner.zip", archive(*flat()))), "got none"),
    "climbing": (archive(*((f"../{n}", c) for n, c in flat())), "got none"),
    "few": (archive(*flat(9)), "at least 10 images, got 9"),
    "both": (archive(*flat(), *classes()), "got both"),
    "twice": (archive(*flat(), flat()[0]), "twice"),
    "alike": (archive(*classes("x/"), *((f"x/a\u200b/{n}", c) for n, c in flat())), "must differ"),
    "identical": (archive(*((f"{i}.png", png(0)) for i in range(12))), "identical"),
    "encrypted": (encrypted(archive(*flat())), "password"),
    "bzip2": (archive(*flat(), compression=zipfile.ZIP_BZIP2), "deflate"),
    "lzma": (archive(*flat(), compression=zipfile.ZIP_LZMA), "deflate"),
    "checksum": (patched(archive(*flat()), b"03.png", 16, 1), "an .npz or a .zip of images"),
    "growth": (archive(*flat(), ("x.png", zeros(2**21))), "200 times"),
    "huge": (patched(archive(*flat()), b"03.png", 24, 2**32 - 2), "256 MB"),
    "lying": (patched(archive(*flat(), ("x.png", zeros(2**21))), b"x.png", 24, 900), "damaged"),
    "many": (archive(*((f"{i}", b"") for i in range(20_001))), "20000 entries"),
}


def ways_in(tmp_path, name, content):
    """The paths in for one file: the app's, and the command line's."""
    (tmp_path / name).write_bytes(content)
    yield refused(read_upload, [(name, content)])
    yield refused(read_path, tmp_path / name)
    error = command("data", "add", tmp_path / name, status=1)
    assert not library.library_dir().exists() and error.count("\n") == 1
    yield assert_sentence(error.removeprefix("Error: ").removesuffix(".\n"))


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_bad_archives_are_refused_with_one_sentence(tmp_path, case):
    content, words = BAD_ZIPS[case]
    for sentence in ways_in(tmp_path, "my\u202e faces.zip", content):
        assert words in sentence and sentence.startswith("'my faces.zip'")


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused_with_one_sentence(tmp_path, case):
    arrays, words = BAD_ARRAYS[case]
    for sentence in ways_in(tmp_path, "mine.npz", npz(**arrays)):
        assert words in sentence and sentence.startswith("'mine.npz'")


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_npz_files_are_refused_with_one_sentence(tmp_path, case):
    for sentence in ways_in(tmp_path, "mine.npz", BAD_FILES[case][0]):
        assert sentence.startswith("'mine.npz'")


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_refused_naming_the_file(case):
    content, words = BAD_IMAGES[case]
    broken = ("my\u202e broken.png", content)
    sentence = refused(read_upload, [*flat(), broken])
    assert words in sentence and sentence.startswith("'my broken.png'")
    sentence = refused(taken, *flat(), broken)
    assert words in sentence and sentence.startswith("'faces.zip': 'my broken.png'")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "at least one file"),
        ([("notes.txt", b"hello")], "'notes.txt' must be an .npz"),
        ([("model.pkl", b"\x80\x04hello")], "'model.pkl' must be an .npz"),
        ([("<img onerror=x>", b"")], "'<img onerror=x>' must be"),
        ([("one.png", png(1))], "at least 10 images, got 1"),
        ([("a.txt", b""), ("b.txt", b"")], "got none"),
        ([*flat(), ("more.zip", archive(*flat()))], "'more.zip' among them"),
        ([("a.npz", npz(images=NOISE)), ("b.npz", npz(images=NOISE))], "'a.npz' among them"),
    ],
)
def test_other_uploads_are_refused(files, words):
    assert words in refused(read_upload, files)


def test_an_upload_has_limits(monkeypatch):
    monkeypatch.setattr(ingest, "MAX_FILES", 11)
    assert "at most 11 files" in refused(read_upload, flat())
    monkeypatch.setattr(ingest, "MAX_FILES", 12)
    monkeypatch.setattr(ingest, "MAX_BYTES", 100)
    assert "must be at most 0 MB" in refused(read_upload, flat())
    monkeypatch.setattr(ingest, "MAX_BYTES", 2**20)
    monkeypatch.setattr(ingest, "MAX_PIXELS", 12 * 8 * 9)
    assert len(read_upload(flat())) == len(taken(*flat())) == 12
    monkeypatch.setattr(ingest, "MAX_PIXELS", 12 * 8 * 9 - 1)
    for call in (read_upload, lambda members: taken(*members)):
        assert "pixels in all" in refused(call, flat())


def test_bombs_are_refused_before_they_are_unpacked():
    for case in ("growth", "huge", "lying"):
        tracemalloc.start()
        refused(read_upload, [("x.zip", BAD_ZIPS[case][0])])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_500_000, case


def test_overlapping_members_are_no_bomb():
    """A thousand directory entries that all point at one member count a thousand times."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("00.png", bytes(2**19))
        member = file.infolist()[0]
        for place in range(1000):
            other = zipfile.ZipInfo(f"{place + 1:03}.png")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(other, name, getattr(member, name))
            file.filelist.append(other)
        file._didModify = True
    assert "256 MB" in refused(read_upload, [("x.zip", stream.getvalue())])


def test_a_mutated_archive_is_refused_or_read():
    originals = [archive(*classes()), archive(*flat(), compression=zipfile.ZIP_STORED)]
    outcomes = []
    for content in mutants(originals, 150):
        try:
            found = read_upload([("mine.zip", content)])
        except DataError as error:
            assert_sentence(str(error))
            outcomes.append(False)
        else:
            assert len(found) >= 10
            outcomes.append(True)
    assert 0 < sum(outcomes) < 150


# --- those that are kept -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "kept"),
    [
        (NOISE, np.uint8),
        (NOISE.astype(np.int64), np.uint8),
        (NOISE > 127, np.uint8),
        (NOISE.astype(np.uint16) * 200, np.uint16),
        (NOISE / 255, np.float32),
        ((NOISE / 255).astype(np.float16), np.float32),
        (NOISE * 1.0, np.float32),
        (np.stack([NOISE] * 3, axis=3), np.uint8),
    ],
    ids=["uint8", "int64", "bool", "uint16", "float64", "float16", "to 255", "colour"],
)
def test_what_is_kept_is_what_the_file_holds(tmp_path, images, kept):
    labels = np.array(["übung", "<b>"])[np.arange(20) % 2]
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    facts = library.add(read_path(tmp_path / "mine.npz"), "Mine")
    assert library.read_custom(facts.id).images.dtype == kept
    for split in ("train", "test"):
        mine, other = load(facts.id, split), load(tmp_path / "mine.npz", split)
        assert mine.fingerprint == other.fingerprint and mine.class_names == other.class_names
        assert (mine.name, other.name) == ("Mine", "mine") and mine.notes == other.notes
    assert (facts.count, facts.train, facts.classes) == (20, len(load(facts.id, "train")), 2)
    assert facts.image_shape == load(facts.id, "test").image_shape


def test_dark_images_keep_their_brightness():
    """Levels 0 and 1 of 255 are almost black: kept as such, they must not come back as white."""
    members = []
    for place in range(10):
        stream = io.BytesIO()
        Image.fromarray((NOISE[place] > 127).astype(np.uint8)).save(stream, "PNG")
        members.append((f"{place}.png", stream.getvalue()))
    facts = library.add(read_upload(members))
    assert load(facts.id, "train").images.max() == np.float32(1 / 255)


def test_facts_are_read_without_the_images(monkeypatch):
    facts = library.add(taken(*classes()), "Mine")

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(library, "read_arrays", never)
    (path,) = library.list_paths().values()
    assert library.read_info(path) == facts
    assert facts[1:6] == ("Mine", 12, (1, 8, 9), 2, ())


def test_the_id_comes_from_the_content_alone():
    first = library.add(taken(*flat()), "One")
    again = library.add(taken(*flat(), name="other.zip"), "Two")
    assert first.id == again.id and list(library.list_paths()) == [first.id]
    assert load(first.id, "train").name == "Two"
    ids = {taken(*flat()).id, taken(*classes()).id, taken(*flat(13)).id, first.id}
    renamed = [(name.replace("b/", "c/"), content) for name, content in classes()]
    assert len(ids | {taken(*renamed).id}) == 4


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("", "faces"),
        ("  \n ", "faces"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\x00b\x1b[31m\u202ec", "ab[31mc"),
        ("x" * 300, "x" * 80),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("CON", "CON"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    ],
)
def test_titles_are_labels_and_never_paths(runs_dir, title, shown):
    facts = library.add(taken(*flat()), title)
    assert facts.title == load(facts.id, "test").name == shown
    assert [p.name for p in runs_dir.rglob("*")] == [".data", f"{facts.id}.npz"]


@pytest.mark.parametrize(
    "name", ["own-0123456789ab", "own-../../secret", "own-0123456789AB", "own-0123456789ab.npz"]
)
def test_what_was_never_added_is_refused(name):
    library.add(taken(*flat()))
    for split in ("train", "test"):
        with pytest.raises(DataError) as caught:
            load(name, split)
        assert_sentence(str(caught.value))
    assert not library.is_id(name) or not is_available(name)
    assert "must be" in command("data", "remove", name, status=1)
    assert len(library.list_paths()) == 1


def test_the_number_and_the_room_of_sets_are_limited(monkeypatch):
    monkeypatch.setattr(library, "MAX_SETS", 2)
    facts = [library.add(taken(*flat(count))) for count in (10, 11)]
    with pytest.raises(DataError, match="at most 2 sets"):
        library.add(taken(*flat(12)))
    library.add(taken(*flat(11)), "another name")
    monkeypatch.setattr(library, "MAX_SETS", 3)
    monkeypatch.setattr(library, "MAX_STORED", sum(each.bytes for each in facts) + 100)
    with pytest.raises(DataError, match="remove a set") as caught:
        library.add(taken(*flat(12)))
    assert_sentence(str(caught.value))
    assert len(library.list_paths()) == 2


def test_a_full_disk_leaves_nothing_behind(runs_dir, monkeypatch):
    facts = library.add(taken(*flat()), "One")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for found in (taken(*classes()), taken(*flat())):
        with pytest.raises(OSError, match="No space"):
            library.add(found, "Two")
    assert [p.name for p in runs_dir.rglob("*")] == [".data", f"{facts.id}.npz"]
    assert load(facts.id, "test").name == "One"


def test_removed_sets_can_be_restored(monkeypatch):
    monkeypatch.setattr(library, "MAX_REMOVED", 2)
    facts = [library.add(taken(*flat(count))) for count in (10, 11, 12)]
    before = load(facts[2].id, "train").fingerprint
    for each in facts:
        library.remove(each.id)
        assert not is_available(each.id)
    assert library.list_paths() == {}
    assert list(library.list_removed()) == [facts[2].id, facts[1].id]
    library.recover(facts[2].id)
    assert load(facts[2].id, "train").fingerprint == before
    for gone in (facts[0].id, facts[2].id, "../x"):
        with pytest.raises(DataError, match="one of the last 2 removed"):
            library.recover(gone)
    library.add(taken(*flat(11)))
    assert list(library.list_removed()) == []


def about_of(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("about.json"))


def rewritten(path, **changes):
    """The file with another about.json."""
    with zipfile.ZipFile(path) as file:
        members = [(name, file.read(name)) for name in file.namelist() if name != "about.json"]
    about = json.dumps(about_of(path) | changes)
    return archive(*members, ("about.json", about), compression=zipfile.ZIP_STORED)


def test_damaged_files_are_refused_with_one_sentence():
    facts = library.add(taken(*classes()), "Mine")
    (path,) = library.list_paths().values()
    good = path.read_bytes()
    cases = [b"", b"PK", good[:-40], good[:1000], b"x" * 9, archive(("images.npy", b"x"))]
    cases += [rewritten(path, scale=scale) for scale in (0, -1, 17.0, "a", None)]
    cases += [rewritten(path, title=None, shape=[10], scale=None)]
    for content in cases:
        path.write_bytes(content)
        with pytest.raises(DataError, match="must be whole") as caught:
            load(facts.id, "train")
        assert_sentence(str(caught.value))
    for content in [*cases[:6], rewritten_shape(good, path)]:
        path.write_bytes(content)
        with pytest.raises(DataError, match="must be whole"):
            library.read_info(path)
    library.remove(facts.id)
    assert library.list_paths() == {}


def rewritten_shape(good, path):
    path.write_bytes(good)
    return rewritten(path, shape=[12, 1, 9000, 8])


def test_strange_files_in_the_folder_do_not_count(runs_dir):
    facts = library.add(taken(*flat()))
    for name in ("notes.txt", "own-x.npz", ".own-0123456789ab.npz.tmp", "own-0123456789ab"):
        (library.library_dir() / name).write_bytes(b"")
    assert list(library.list_paths()) == [facts.id]


# --- trainings -----------------------------------------------------------------------------------


def test_the_command_line_adds_lists_trains_and_removes(tmp_path, runs_dir):
    written(tmp_path / "faces", classes(count=6))
    (tmp_path / "faces" / "a" / "notes.txt").write_text("hello")
    assert command("data", "list") == "None yet: python -m models data add PATH\n"
    said = command("data", "add", tmp_path / "faces", "--title", "Faces")
    assert "note: entries that are not PNG" in said
    (name,) = library.list_paths()
    assert f"{name}  Faces: 12 images, 1×8×9, 10 to train, 2 to test, 2 classes" in said
    assert said.endswith(f"python -m models train --data {name}\n")
    said = command("train", "--data", name, "--epochs", 2, "--hidden", 8, "--threads", 1)
    assert "Batches of 4, for there are 10 images." in said
    (run,) = list_runs(runs_dir)
    card = read(run.model_path).card
    assert (card.data_name, card.class_names) == ("Faces", ("a", "b"))
    assert card.data_fingerprint == load(tmp_path / "faces", "test").fingerprint
    assert run.config().model.image_shape == (1, 8, 9)
    assert '"data": "Faces test"' in command("evaluate", run.id, "--json")
    assert "is removed" in command("data", "remove", name)
    assert name not in command("data", "list")
    sentence = command("evaluate", run.id, status=1)
    assert "was removed or never added" in sentence
    assert "is back" in command("data", "remove", name, "--undo")
    assert "Faces: 12 images" in command("data", "list")


def test_a_batch_that_was_asked_for_is_not_lowered():
    facts = library.add(taken(*flat()))
    sentence = command("train", "--data", facts.id, "--batch-size", 64, status=1)
    assert "batch_size must be at most the 10 training images, got 64" in sentence


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_a_small_set(name):
    """A run is made whole from any preset, with pictures of another shape and few of them."""
    facts = library.add(read_upload([("mine.npz", npz(images=np.stack([NOISE] * 3, axis=3)))]))
    config = fit_to_data(override(PRESETS[name], data=facts.id), None, lower_batch=True)
    assert config.model.image_shape == (3, 8, 9)
    assert config.training.batch_size <= facts.train


def test_a_batch_is_lowered_only_for_small_sets():
    assert fitting_batch(64, 512) == 64 and fitting_batch(64, 511) == 63
    for train in range(8, 600):
        size = fitting_batch(64, train)
        assert 1 <= size <= train and (size == 4 or train // size >= min(8, train // 4))


def test_large_sets_are_added_and_read_in_moments():
    images = np.random.default_rng(0).integers(0, 256, (20_000, 28, 28), dtype=np.uint8)
    facts = library.add(CustomImages(images[:, None], 255.0, None, (), "many"))
    assert facts.bytes < images.nbytes + 10_000 < MAX_BYTES
    assert np.array_equal(library.read_custom(facts.id).images[:, 0], images)
