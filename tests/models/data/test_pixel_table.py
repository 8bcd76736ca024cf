"""Tables with an image in every row."""

import io

import numpy as np
import pytest

from models.data.ingest import read_path, read_upload
from tests.helpers.images import read_zip, refusal

SQUARE = np.random.default_rng(3).integers(0, 256, (30, 12, 12), dtype=np.uint8)
LABELS = np.arange(30) % 4


def csv_of(table, header=None, fmt="%d"):
    stream = io.StringIO()
    np.savetxt(stream, table, fmt, delimiter=",", header=header or "", comments="")
    return stream.getvalue().removeprefix("" if header else "\n").encode()


FLAT = SQUARE.reshape(30, -1)
PIXELS = ",".join(f"pixel{i}" for i in range(144))
DARK_EDGES = FLAT.copy()
DARK_EDGES[:, [0, -1]] = 0
TABLE = csv_of(np.column_stack([LABELS, FLAT]), f"label,{PIXELS}")
TABLES = {
    "Fashion": csv_of(np.column_stack([LABELS, FLAT]), f"label,{PIXELS}"),
    "label last": csv_of(np.column_stack([FLAT, LABELS]), f"{PIXELS},class"),
    "no header": csv_of(np.column_stack([LABELS, FLAT])),
    "no header, label last": csv_of(np.column_stack([DARK_EDGES, LABELS])),
    "no labels": csv_of(FLAT, PIXELS),
    "no labels, no header": csv_of(FLAT),
    "fractions": csv_of(np.column_stack([LABELS, FLAT / 255]), f"y,{PIXELS}", "%.6f"),
    "byte order mark": b"\xef\xbb\xbf" + csv_of(np.column_stack([LABELS, FLAT]), f"label,{PIXELS}"),
    "semicolons": TABLE.replace(b",", b";"),
    "tabs": TABLE.replace(b",", b"\t"),
    "Windows": csv_of(np.column_stack([LABELS, FLAT])).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("name", ["id", "Unnamed: 0", "image_id", "index"])
def test_a_column_that_counts_the_rows_is_named_and_left_out(name):
    counted = np.column_stack([np.arange(30), LABELS, FLAT])
    found = read_upload([("train.csv", csv_of(counted, f"{name},label,{PIXELS}"))])
    assert np.array_equal(found.images[:, 0], SQUARE) and found.labels.tolist() == LABELS.tolist()
    assert found.notes[-1].startswith("arrays left out: ") and name in found.notes[-1]


@pytest.mark.parametrize("case", TABLES)
def test_each_row_is_an_image(tmp_path, case):
    path, content = tmp_path / "fashion.csv", TABLES[case]
    path.write_bytes(content)
    edited = case == "no header, label last"
    expected = (DARK_EDGES.reshape(SQUARE.shape) if edited else SQUARE) / np.float32(255)
    for found in (read_upload([("fashion.csv", content)]), read_path(path)):
        assert np.allclose(found.images[:, 0] / np.float32(found.scale), expected, atol=1e-6)
        if "no labels" in case:
            assert found.labels is None
        else:
            assert found.labels.tolist() == LABELS.tolist()
        assert "each row of 144 values was read as 12 × 12 pixels" in found.notes
        assert found.title == "fashion"


def test_one_table_for_each_part_keeps_the_test_split(tmp_path):
    content = TABLES["Fashion"]
    tables = [("fashion-mnist_test.csv", content), ("fashion-mnist_train.csv", content + b"")]
    for name, each in tables:
        (tmp_path / name).write_bytes(each)
    for found in (read_upload(tables), read_zip(*tables), read_path(tmp_path)):
        assert (len(found), found.train_count) == (60, 30)
        assert found.split("test").labels.tolist() == LABELS.tolist()
        assert np.allclose(found.split("test").images[:, 0] * 255, SQUARE, atol=1e-4)
    twice = [("a.csv", content), ("b.csv", content)]
    assert "one table for each of train and test" in refusal(read_upload, twice)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "got 1 columns"),
        (b"file,label\na.png,cat\n", "got 2 columns"),
        (csv_of(FLAT[:, :100].repeat(1, axis=1))[:-40], "in rows of one length"),
        (csv_of(FLAT, PIXELS).replace(b"7", b"x"), "numbers only"),
        (csv_of(FLAT[:, :143], ",".join("p" * 143)), "reshape them first"),
        (csv_of(FLAT[:5]), "at least 10 images"),
        (b"\0" * 999, "columns"),
    ],
)
def test_other_tables_are_refused_with_one_sentence(content, words):
    assert words in refusal(read_upload, [("a.csv", content)])
