"""Untrusted safetensors files are refused in one sentence, quickly; none is lost in writing."""

import io
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
import torch

from models.storage.card import Card
from models.storage.checkpoint import read, write
from models.storage.tensors import (
    MAX_FILE_BYTES,
    MAX_HEADER_BYTES,
    read_tensors,
    write_tensors,
)
from tests.helpers.checkpoint_files import (
    BIAS,
    CONFIG,
    assemble,
    assert_refused_quickly,
    header_text,
    put_together,
    refusal,
    take_apart,
    with_entry,
    with_tensor,
)
from tests.helpers.mutants import (
    mutate_checkpoint_bytes,
    mutate_checkpoint_values,
    restores_or_refuses,
)
from tests.helpers.processes import finish, python


class Trap:
    """Creates a file where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def torch_zip(content) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 143732\n"
CUT, GAP, ENTRY = "cut short", "without gap or overlap", "dtype, shape and place"
SIZES = "match its number of bytes"
JSON = "header must be valid JSON"
BITS = "header must hold finite numbers of 64 bits"
CORPUS = {
    # not a checkpoint at all
    "empty": (lambda d: b"", CUT),
    "7 bytes": (lambda d: d[:7], CUT),
    "only a length": (lambda d: d[:8], CUT),
    "a pickle": (lambda d: pickle.dumps({"state": [1.0]}), "a pickle"),
    "an old pickle": (lambda d: pickle.dumps({"state": [1.0]}, 2), "a pickle"),
    "a torch zip": (lambda d: torch_zip({"weight": torch.zeros(3)}), "a zip archive"),
    "a web page": (lambda d: b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    "a plain web page": (lambda d: b"<html><head></head></html>", "a web page"),
    "a git-lfs pointer": (lambda d: LFS, "a git-lfs pointer"),
    "noise": (lambda d: np.random.default_rng(0).bytes(4096), CUT),
    "zeros": (lambda d: bytes(4096), JSON),
    # cut, extended, damaged
    "cut in the header": (lambda d: d[:200], CUT),
    "cut in the tensors": (lambda d: d[:-1], "must fill the file"),
    "trailing bytes": (lambda d: d + b"\0", "must fill the file"),
    "one bit flipped": (lambda d: d[:-1] + bytes([d[-1] ^ 1]), "match its checksum"),
    "no checksum": (header_text(lambda h: h.replace(b'"sha256"', b'"sha257"')), "its checksum"),
    "wrong checksum": (
        lambda d: assemble({}, b"", {"sha256": "0" * 64}), "match its checksum"
    ),
    # the header
    "header too long": (lambda d: assemble(b" " * (MAX_HEADER_BYTES + 1)), "at most 256 KiB"),
    "header longer than the file": (lambda d: b"\xff" * 8 + d, CUT),
    "header not JSON": (header_text(lambda h: h[:-2] + b"]]"), JSON),
    "header not UTF-8": (header_text(lambda h: h.replace(b"layers", b"la\xffers", 1)), JSON),
    "header in UTF-16": (header_text(lambda h: h.decode().encode("utf-16")), JSON),
    "header a list": (lambda d: assemble(b"[]"), "JSON object"),
    "header a number": (lambda d: assemble(b"12"), "JSON object"),
    "header with NaN": (lambda d: assemble(b'{"a": NaN}'), BITS),
    "duplicate keys": (lambda d: assemble(b'{"a": {}, "a": {}}'), "header names something twice"),
    "nested deeply": (lambda d: assemble(b"[" * 100_000 + b"]" * 100_000), JSON),
    "nested 900 deep": (lambda d: assemble(b"[" * 900 + b"]" * 900), "header must be nested"),
    "nested 20 deep": (
        lambda d: assemble(b'{"a":' * 20 + b"1" + b"}" * 20), "header must be nested"
    ),
    "metadata null": (lambda d: assemble(b'{"__metadata__": null}'), "texts by name"),
    "metadata of numbers": (lambda d: assemble({}, b"", {"card": 3}), "texts by name"),
    "million empty tensors": (
        lambda d: assemble({f"{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
                            for i in range(4000)}), "at least one number"
    ),
    "thousands of tensors": (
        lambda d: assemble({f"{i}": {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]}
                            for i in range(3500)}, bytes(3500)), "card must be"
    ),
    # the entries
    "entry null": (lambda d: assemble({"a": None}), "malformed"),
    "entry a list": (lambda d: assemble({"a": ["F32", [1], [0, 4]]}), "malformed"),
    "entry with more keys": (with_entry(more=1), "malformed"),
    "entry without shape": (with_entry(shape=None), "malformed"),
    "dtype a list": (with_entry(dtype=["F32"]), ENTRY),
    "shape a text": (with_entry(shape="12"), ENTRY),
    "shape an object": (with_entry(shape={}), ENTRY),
    "shape negative": (with_entry(shape=[-1, -36]), ENTRY),
    "shape of floats": (with_entry(shape=[6.0]), ENTRY),
    "shape true": (with_entry(shape=[True]), ENTRY),
    "shape of overflow": (with_entry(shape=[2**40, 2**40]), "valid safetensors file"),
    "shape zero and huge": (with_entry(shape=[0, 2**62, 2**62]), SIZES),
    "shape beyond 64 bits": (with_entry(shape=[2**64]), BITS),
    "shape of 5000 digits": (
        header_text(lambda h: h.replace(b'"shape":[', b'"shape":[' + b"9" * 5000, 1)), BITS
    ),
    "shape × dtype ≠ bytes": (with_entry(shape=[5]), SIZES),
    "offsets negative": (with_entry(data_offsets=[-4, 20]), ENTRY),
    "offsets reversed": (with_entry(data_offsets=[24, 0]), GAP),
    "offsets three": (with_entry(data_offsets=[0, 12, 24]), ENTRY),
    "offsets overlapping": (
        lambda d: assemble({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                            "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}},
                           bytes(12)), GAP
    ),
    "offsets with a gap": (
        lambda d: assemble({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
                           bytes(8)), GAP
    ),
    "unknown dtype": (with_tensor(BIAS, np.zeros(6, np.int32)), "must be one of F64, F32"),
    "dtype bool": (with_tensor(BIAS, np.zeros(6, bool)), "got 'BOOL'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CORPUS)
def test_bad_file_is_refused_with_one_sentence(case, good, tmp_path):
    make, phrase = CORPUS[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(make(good))
    assert_refused_quickly(path, phrase)


def test_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "none.safetensors")
    assert "cannot be read" in refusal(tmp_path)


def test_nothing_in_a_file_is_executed(tmp_path):
    canary = tmp_path / "canary"
    trap = Trap(canary)
    path = tmp_path / "a.safetensors"
    pickles = [pickle.dumps(trap, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    phrases = [CUT, CUT] + ["got a pickle"] * len(pickles[2:])  # the first two have no signature
    files = [*zip(pickles, phrases, strict=True), (torch_zip({"a": trap}), "got a zip archive")]
    for data, phrase in files:
        path.write_bytes(data)
        assert phrase in refusal(path)
        assert not canary.exists(), data
    pickle.loads(pickles[4]).close()
    assert canary.exists()  # the trap does work


# --- what is large is refused as cheaply ---------------------------------------------------------

SIZE = MAX_FILE_BYTES - 2**12


def flat(name, dtype, shape, edit=None):
    """A signed file of almost 64 MiB, zeros but for `edit`, around one large tensor."""

    def make(data):
        card, header, parts = take_apart(data)
        value = np.zeros(shape, dtype)
        if edit:
            edit(value)
        kinds = {"<f4": "F32", "<f2": "F16", "|u1": "U8", "<i8": "I64"}
        header[name] = {"dtype": kinds[value.dtype.str], "shape": list(shape)}
        parts[name] = value.tobytes()
        return put_together(card, header, parts)

    return make


def last(number):
    def edit(value):
        value.reshape(-1)[-1] = number

    return edit


LARGE = {
    "a byte too many": (lambda d: bytes(MAX_FILE_BYTES + 1), "at most 64 MiB"),
    "65 MB": (lambda d: bytes(65 * 2**20), "got 65.00 MiB"),
    "zeros": (lambda d: bytes(MAX_FILE_BYTES), JSON),
    "a long header": (
        lambda d: struct.pack("<Q", MAX_FILE_BYTES - 8) + b"[" * (MAX_FILE_BYTES - 8),
        "256 KiB",
    ),
    "bad checksum": (
        lambda d: flat("model.a", "f4", (SIZE // 4 - 2048,))(d)[:-1] + b"\1",
        "match its checksum",
    ),
    "the last weight NaN": (
        flat("model.a", "f4", (SIZE // 4 - 2048,), last(np.nan)),
        "every number of 'model.a' must be finite",
    ),
    "the last weight huge": (
        flat("model.a", "f4", (SIZE // 4 - 2048,), last(2e6)),
        "every number of 'a' must be finite and at most 1e+06",
    ),
    "half weights": (flat("model.a", "<f2", (SIZE // 2 - 4096,)), "must be float32"),
    "an extra tensor": (flat("model.a", "f4", (SIZE // 4 - 2048,)), "that the model has not"),
    "codes of bytes": (flat("codes.mean", "u1", (SIZE // 2 - 4096, 2)), "at most 4194304"),
    "codes of halves": (flat("codes.mean", "<f2", (SIZE // 4 - 4096, 2)), "at most 4194304"),
    "labels of bytes": (flat("codes.labels", "u1", (SIZE - 8192,)), "labels must be 7"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE)
def test_large_bad_file_is_refused_quickly_in_little_memory(case, good, tmp_path):
    make, phrase = LARGE[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(make(good))
    assert_refused_quickly(path, phrase)
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()


# --- mutated files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "count", [1500, pytest.param(20_000, marks=pytest.mark.slow)], ids="{} mutants".format
)
def test_mutated_file_is_refused_or_harmless(count, good, tmp_path):
    path = tmp_path / "a.safetensors"
    random = np.random.default_rng(count)
    refused = 0
    for number in range(count):
        mutant = (mutate_checkpoint_bytes, mutate_checkpoint_values)[number % 2](good, random)
        refused += not restores_or_refuses(mutant, path)
    assert 0.6 * count < refused < count


# --- whole or not at all -----------------------------------------------------------------------

WRITERS = """
import os, random, signal, sys, time
import numpy as np
from models.storage.tensors import read_tensors, write_tensors
path, mode, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

def write_forever(number):
    while True:
        write_tensors(path, {"a": np.full(50_000, number, np.float32)}, {"number": number})

def start(number):
    child = os.fork()
    if child == 0:
        write_forever(number)
    return child

def look():
    tensors, document, _ = read_tensors(path)
    assert (tensors["a"] == document["number"]).all()
    return document["number"]

write_tensors(path, {"a": np.zeros(50_000, np.float32)}, {"number": 0})
random.seed(0)
seen = set()
if mode == "killed":
    number = 0
    while number < count or len(seen) < 2:  # a busy machine may need more time
        number += 1
        child = start(number)
        time.sleep(random.uniform(0.002, 0.03) * -(-number // count))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.add(look())
else:
    children = [start(1), start(2)]
    try:
        while count > 0 or len(seen) < 2:
            count -= 1
            seen.add(look())
            time.sleep(0.0005)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
print(len(seen))
"""


@pytest.mark.parametrize(
    ("mode", "count"),
    [
        ("killed", 20),
        ("beside", 300),
        pytest.param("killed", 200, marks=pytest.mark.slow),
        pytest.param("beside", 2000, marks=pytest.mark.slow),
    ],
)
def test_readers_see_whole_files_only(mode, count, tmp_path):
    path = str(tmp_path / "a.safetensors")
    seen = int(finish(python("-c", WRITERS, path, mode, str(count))))
    assert seen > 1  # the file did change


def test_a_header_whose_length_spells_the_start_of_a_pickle_is_read(tmp_path):
    """1408 bytes are 80 05 00 … in the file, and a pickle of protocol 5 begins with 80 05."""
    path, lengths = tmp_path / "a.safetensors", set()
    for count in range(0, 1200, 8):
        write(path, Card(CONFIG, title="a", command="x" * count), {}, None)
        assert read(path).card.command == "x" * count
        lengths.add(path.read_bytes()[:8])
    assert {(256 * version + 128).to_bytes(8, "little") for version in (5, 6, 7)} <= lengths


def test_document_and_arrays_of_a_state_survive(tmp_path):
    tensors = {"a": np.array(3.5), "b": np.arange(6.0).reshape(2, 3).T, "c": np.array([2**40])}
    document = {"seconds": 1.5, "nested": {"list": [1, None, "ü"]}}
    write_tensors(tmp_path / "a", tensors, document)
    found, told, _ = read_tensors(tmp_path / "a")
    assert told == document
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value, strict=True)
        assert not found[name].flags.writeable
