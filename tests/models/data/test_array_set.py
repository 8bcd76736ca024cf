"""Arrays in the layouts that public data sets have: read as meant, or refused with their names."""

import io
import tracemalloc

import numpy as np
import pytest

from models.data.image_axes import find_axes
from models.data.image_set import DataError
from models.data.ingest import read_path, read_upload
from models.data.layout import PARTS, split_name
from models.data.load import load
from models.data.read_options import ReadOptions
from tests.helpers.images import NOISE, npy, npz, refusal
from tests.helpers.sentences import assert_sentence

SQUARE = np.random.default_rng(3).integers(0, 256, (40, 12, 12), dtype=np.uint8)
COLOUR = np.random.default_rng(4).integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)
LABELS = np.arange(40) % 4


def read(arrays, **options):
    found = read_upload([("set.npz", npz(**arrays))], options=ReadOptions(**options))
    assert all(assert_sentence(note) for note in found.notes)
    return found


def pixels(found, split):
    """The images of a split as grey levels (N, H, W), or (N, H, W, C) in colour."""
    images = np.rint(found.split(split).images * 255).astype(np.uint8)
    return images[:, 0] if images.shape[1] == 1 else np.moveaxis(images, 1, 3)


NAMED = {
    "Keras": (("x_train", "y_train"), ("x_test", "y_test"), (30,)),
    "MedMNIST": (("train_images", "train_labels"), ("test_images", "test_labels"), (30, 1)),
    "camel case": (("trainX", "trainY"), ("testX", "testY"), (30,)),
    "capitals": (("X_train", "Y_train"), ("X_test", "Y_test"), (1, 30)),
    "run together": (("xtrain", "ytrain"), ("xtest", "ytest"), (30,)),
    "spelled out": (("training_data", "training_targets"), ("test_data", "test_targets"), (30,)),
    "val for test": (("train_images", "train_labels"), ("val_images", "val_labels"), (30,)),
    "whole and test": (("images", "labels"), ("images_test", "labels_test"), (30,)),
}


@pytest.mark.parametrize("case", NAMED)
def test_a_test_split_of_ones_own_is_kept(case):
    (images, labels), (test_images, test_labels), shape = NAMED[case]
    test_shape = tuple(10 if length == 30 else length for length in shape)
    found = read({
        images: SQUARE[:30], labels: LABELS[:30].reshape(shape),
        test_images: SQUARE[30:], test_labels: LABELS[30:].reshape(test_shape),
    })  # fmt: skip
    assert np.array_equal(pixels(found, "train"), SQUARE[:30])
    assert np.array_equal(pixels(found, "test"), SQUARE[30:])
    assert found.split("train").labels.tolist() == LABELS[:30].tolist()
    assert found.split("test").labels.tolist() == LABELS[30:].tolist()
    assert found.train_count == 30 and found.class_names == ("0", "1", "2", "3")


def test_validation_images_are_trained_on_and_it_is_said():
    parts = {"train": slice(0, 20), "val": slice(20, 28), "test": slice(28, 40)}
    found = read(
        {f"{name}_images": COLOUR[where] for name, where in parts.items()}
        | {f"{name}_labels": LABELS[where, None] for name, where in parts.items()}
    )
    assert found.train_count == 28 and np.array_equal(pixels(found, "test"), COLOUR[28:])
    assert "the validation images are trained on, too" in found.notes


def test_classes_of_both_splits_are_the_same_whatever_order_they_come_in():
    found = read({
        "x_train": SQUARE[:30], "y_train": np.repeat(["owl", "ant"], 15),
        "x_test": SQUARE[30:], "y_test": np.repeat(["bee", "owl"], 5),
    })  # fmt: skip
    for split, expected in (
        ("train", ["owl"] * 15 + ["ant"] * 15),
        ("test", ["bee"] * 5 + ["owl"] * 5),
    ):
        part = found.split(split)
        assert [part.class_names[label] for label in part.labels] == expected


def test_images_without_labels_beside_others_are_a_class():
    found = read({"x_train": SQUARE[:30], "y_train": LABELS[:30], "x_test": SQUARE[30:]})
    assert found.class_names[-1] == "no label"
    assert set(found.split("test").labels.tolist()) == {4}


ALONE = {
    "arr_0": {"arr_0": SQUARE},
    "any name": {"my_faces": SQUARE},
    "any name and a label": {"my_faces": SQUARE, "kind": LABELS},
    "positions": {"arr_0": SQUARE, "arr_1": LABELS},
    "flat": {"images": SQUARE.reshape(40, -1)},
    "flat under any name": {"mnist": SQUARE.reshape(40, -1)},
    "channel last": {"data": SQUARE[..., None]},
    "channel first": {"data": SQUARE[:, None]},
    "Bunch": {
        "data": SQUARE.reshape(40, -1), "target": LABELS, "images": SQUARE,
        "target_names": np.arange(4), "DESCR": np.array("hello"),
    },
    "dSprites": {
        "imgs": SQUARE, "latents_classes": np.stack([LABELS, LABELS], axis=1),
        "latents_values": np.zeros((40, 2)), "metadata": np.array({"a": 1}, dtype=object),
    },
}  # fmt: skip


@pytest.mark.parametrize("case", ALONE)
def test_the_images_are_found(case):
    found = read(ALONE[case])
    everything = np.concatenate([pixels(found, split) for split in ("train", "test")])
    assert sorted(map(bytes, everything)) == sorted(map(bytes, SQUARE))
    notes = " ".join(found.notes)
    for name in ALONE[case]:
        assert name in notes or name == "images"


@pytest.mark.parametrize(
    "name", ["labels", "label", "y", "Y", "targets", "target", "classes", "class"]
)
@pytest.mark.parametrize("kind", [int, float, bool, str, np.uint8])
def test_labels_under_any_usual_name_are_used(name, kind):
    found = read({"images": SQUARE, name: (LABELS % 2).astype(kind)})
    assert len(found.class_names) == 2 and found.labels.tolist() == (LABELS % 2).tolist()
    assert bool(found.notes) == (name != "labels")


def test_one_hot_labels_are_read_and_it_is_said():
    for shape in (np.uint8, float, bool):
        found = read({"images": SQUARE, "labels": np.eye(5)[LABELS].astype(shape)})
        assert found.labels.tolist() == LABELS.tolist()
        assert "labels are one-hot" in " ".join(found.notes)


def test_class_names_may_be_called_label_names():
    names = np.array(["ant", "bee", "fox", "owl"])
    for key in ("class_names", "label_names", "target_names"):
        found = read({"images": SQUARE, "labels": LABELS, key: names})
        assert found.class_names == tuple(names) and f"'{key}'" not in " ".join(found.notes)


@pytest.mark.parametrize("shape", [(12, 12, 3, 40), (12, 12, 1, 40), (12, 12, 4, 40)])
def test_the_number_of_images_may_come_last(shape):
    images = np.random.default_rng(1).integers(0, 256, (40, *shape[:3]), dtype=np.uint8)
    images[..., 3:] = 255
    found = read({"X": np.moveaxis(images, 0, 3), "y": LABELS[:, None] + 1})
    expected = np.moveaxis(images[..., :3], 3, 1) / np.float32(255)
    kept = [expected[place] for place in range(40)]
    for split in ("train", "test"):
        for image in found.split(split).images:
            assert any(np.array_equal(image, each) for each in kept)
    assert "the last axis" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((60000, 28, 28), "NHW"), ((10, 8, 64), "NHW"), ((28, 28, 28), "NHW"),
        ((28, 28, 60000), "HWN"), ((50, 64, 128), "NHW"), ((20, 3, 8, 8), "NCHW"),
        ((20, 8, 8, 4), "NHWC"), ((32, 32, 3, 73257), "HWCN"), ((3, 32, 32, 40), ""),
        ((20, 2, 28, 28), ""), ((60000, 784), "N(HW)"), ((60000, 785), ""), ((5, 4, 3, 2, 1), ""),
        ((7,), ""), ((), ""),
    ],
)  # fmt: skip
def test_axes_are_told_by_their_lengths(shape, axes):
    assert find_axes(shape) == axes


SEVERAL = np.random.default_rng(2).integers(0, 2, (40, 5))
UNCLEAR = {
    "two": ({"foo": SQUARE, "bar": SQUARE}, "'foo' (40, 12, 12) uint8, 'bar' (40, 12, 12) uint8"),
    "four positions": (
        {"arr_0": SQUARE, "arr_1": LABELS, "arr_2": SQUARE[:9], "arr_3": LABELS[:9]},
        "'arr_2' (9, 12, 12) uint8",
    ),
    "no images": ({"codes": np.zeros((40, 2)), "labels": LABELS}, "'codes' (40, 2) float64"),
    "many": ({f"a{i}": np.zeros(i + 1) for i in range(40)}, "and 36 more"),
    "labels of several kinds": (
        {"images": SQUARE, "labels": SEVERAL},
        "one for each of 40 images, got shape (40, 5): choose one column",
    ),
    "labels between": ({"images": SQUARE, "labels": np.arange(40) / 2}, "float64 with fractions"),
    "volumes": ({"images": np.ones((20, 16, 9, 9))}, "one slice of each volume, as images[:, 0]"),
    "films": ({"images": np.ones((20, 5, 1, 9, 9))}, "one slice of each volume, or each frame"),
    "labels short": ({"images": SQUARE, "y": LABELS[:9]}, "y must be one for each of 40 images"),
    "labels real": ({"images": SQUARE, "target": LABELS / 3}, "target must be whole numbers"),
    "rows of colour": ({"data": np.zeros((40, 3072), bool)}, "(N, 3, 32, 32) or (N, 32, 32, 3)"),
    "columns": ({"images": SQUARE.reshape(40, -1).T}, "transpose"),
    "channels before all": ({"images": np.moveaxis(COLOUR, (3, 0), (0, 3))}, "transpose"),
    "unlike parts": ({"x_train": SQUARE, "x_test": SQUARE[:, 1:]}, "must be alike"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_cannot_be_told_is_refused_with_what_was_found(case):
    arrays, words = UNCLEAR[case]
    assert words in refusal(read, arrays)


def test_what_is_not_used_is_named():
    extra = {"masks": SQUARE, "ages": np.linspace(0, 1, 40), "filenames": np.array(["a.png"] * 40)}
    (note,) = read({"images": SQUARE, "labels": LABELS, **extra}).notes
    assert note == (
        "arrays left out: 'masks' (40, 12, 12) uint8, 'ages' (40,) float64, 'filenames' (40,) <U5"
    )


def test_a_guess_that_fails_is_left_out_and_plain_labels_are_refused():
    found = read({"images": SQUARE, "age": np.linspace(0, 1, 40)})
    assert found.labels is None and "age must be whole numbers" in " ".join(found.notes)


def test_transparency_is_drawn_so_that_the_ink_shows():
    ink = np.zeros((20, 12, 12, 4), np.uint8)
    ink[np.arange(20), 2 + np.arange(20) % 8, 3:9, 3] = 255
    dark = read({"images": ink})
    assert dark.image_shape == (1, 12, 12) and "drawn on white" in " ".join(dark.notes)
    assert dark.images[0, 0, 0, 0] == 255 and dark.images[0, 0, 2, 4] == 0
    light = read({"images": np.where([1, 1, 1, 0], 255, ink).astype(np.uint8)})
    assert np.array_equal(light.images, 255 - dark.images)
    floats = read({"images": np.moveaxis(ink, 3, 1) / 255})
    assert floats.images[0, 0, 0, 0] == 1 and np.allclose(floats.images * 255, dark.images)


def test_npy_files_are_arrays_of_their_names(tmp_path):
    single = read_upload([("faces.npy", npy(SQUARE))])
    assert (len(single), single.title) == (40, "faces")
    parts = {"x_train": SQUARE[:30], "y_train": LABELS[:30], "x_test": SQUARE[30:]}
    for name, array in parts.items():
        np.save(tmp_path / f"{name}.npy", array)
    files = [(f"{name}.npy", npy(array)) for name, array in parts.items()]
    for found in (read_path(tmp_path), read_upload(files), read(parts)):
        assert found.train_count == 30 and found.id == read(parts).id
    np.save(tmp_path / "alone.npy", NOISE)
    assert len(load(tmp_path / "alone.npy", "train")) == 16
    assert "'a.npy' must be a NumPy .npy file" in refusal(read_upload, [("a.npy", b"hello")])
    objects = npy(np.array([None] * 20))
    assert "Python objects" in refusal(read_upload, [("images.npy", objects)])


def test_a_size_brings_arrays_to_it_and_says_so():
    large = np.random.default_rng(0).integers(0, 256, (12, 218, 178, 3), dtype=np.uint8)
    with pytest.raises(DataError, match="8 to 64 pixels") as caught:
        read({"images": large})
    assert caught.value.option == "size"
    found = read({"images": large}, size=64)
    assert found.image_shape == (3, 64, 64) and "64 × 64" in " ".join(found.notes)
    untouched = read({"images": SQUARE}, size=12)
    assert untouched.notes == () and untouched.id == read({"images": SQUARE}).id
    masks = read({"images": SQUARE > 99}, size=8)
    assert len(np.unique(masks.images)) > 2 and masks.images.max() <= 1


def test_names_are_split_into_words():
    assert [split_name(name) for name in ("y_test", "Xval", "imgs", "")] == [
        ["y", "test"], ["x", "val"], ["imgs"], []
    ]  # fmt: skip
    assert set(PARTS.values()) == {"train", "test", "val"}


def test_the_parts_survive_in_memory_and_on_disk(runs_dir):
    from models.data import library

    found = read({"x_train": SQUARE[:30], "x_test": SQUARE[30:]})
    facts = library.add(found)
    kept = library.read_custom(facts.id)
    assert (facts.train, facts.count) == (30, 40) and kept.id == found.id == facts.id
    assert np.array_equal(pixels(kept, "test"), SQUARE[30:])
    assert found.id != read({"x_train": SQUARE[:20], "x_test": SQUARE[20:]}).id


def test_a_header_is_enough_to_refuse():
    """Nothing of 100 MB is unpacked to say that their sides are too long."""
    stream = io.BytesIO()
    np.savez(stream, images=np.zeros((100, 1024, 1024), bool))
    content = stream.getvalue()
    tracemalloc.start()
    refusal(read_upload, [("a.npz", content)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
