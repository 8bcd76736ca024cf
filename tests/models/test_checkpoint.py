"""Checkpoints: golden files open for ever, bad files are refused in one sentence, none is lost."""

import copy
import errno
import hashlib
import io
import itertools
import json
import os
import pickle
import resource
import struct
import time
import tracemalloc

import numpy as np
import pytest
import torch

from models.atomic import write_bytes
from models.families.registry import build_model
from models.latents.codes import Codes
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from models.storage.tensors import (
    MAX_FILE_BYTES,
    MAX_HEADER_BYTES,
    CheckpointError,
    read_tensors,
    write_tensors,
)
from tests.helpers.configs import tiny
from tests.helpers.processes import finish, python
from tests.helpers.sentences import assert_sentence
from tests.models.make_golden import GOLDEN, KINDS, answers

# --- a file taken apart and put together again --------------------------------------------------


def arrays(model) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in model.state_dict().items()}


CONFIG = tiny(hidden=(6,))
WEIGHTS = arrays(build_model(CONFIG.model))
RANDOM = np.random.default_rng(5)
CODES = Codes(
    RANDOM.normal(size=(7, 2)).astype(np.float32),
    RANDOM.normal(size=(7, 2)).astype(np.float32),
    RANDOM.normal(size=7).astype(np.float32) + 30,
    np.arange(7) % 3,
)
CARD = Card(
    CONFIG,
    title="a test",
    data_name="digits",
    class_names=("zero", "one", "two"),
    steps=40,
    seconds=1.5,
    metrics={"images": 7, "distortion": [30.5, 0.25]},
)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "a.safetensors"
    write(path, CARD, WEIGHTS, CODES)
    return path.read_bytes()


def take_apart(data: bytes) -> tuple[dict, dict, dict[str, bytes]]:
    """Card, entries and bytes of the tensors of a valid file."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    card = json.loads(header.pop("__metadata__")["card"])
    parts = {}
    for name, entry in header.items():
        start, end = entry.pop("data_offsets")
        parts[name] = data[8 + length + start : 8 + length + end]
    return card, header, parts


def assemble(header: dict | bytes, payload: bytes = b"", metadata: dict | None = None) -> bytes:
    """A file with the right length and checksum, whatever the rest."""
    if isinstance(header, dict):
        signed = {"sha256": hashlib.sha256(payload).hexdigest()} | (metadata or {})
        header = json.dumps({"__metadata__": signed} | header).encode()
    return struct.pack("<Q", len(header)) + header + payload


def put_together(card, header: dict, parts: dict[str, bytes]) -> bytes:
    """A file with offsets and checksum that fit; the inverse of `take_apart`."""
    header, position = copy.deepcopy(header), 0
    for name, entry in header.items():
        entry["data_offsets"] = [position, position := position + len(parts[name])]
    payload = b"".join(parts[name] for name in header)
    text = card if isinstance(card, str) else json.dumps(card)
    return assemble(header, payload, {"card": text})


def with_card(**changes):
    """A file whose card has these entries."""

    def make(data):
        card, header, parts = take_apart(data)
        return put_together(card | changes, header, parts)

    return make


def with_setting(part, **changes):
    """A file whose config has these settings."""

    def make(data):
        card, header, parts = take_apart(data)
        card["config"][part] |= changes
        return put_together(card, header, parts)

    return make


def with_card_text(text):
    return lambda data: put_together(text, *take_apart(data)[1:])


def with_tensor(name, value):
    """A file in which this tensor is added, replaced or, if None, left out."""

    def make(data):
        card, header, parts = take_apart(data)
        header.pop(name, None)
        if value is not None:
            dtypes = {"<f8": "F64", "<f4": "F32", "<f2": "F16", "<i8": "I64", "|u1": "U8"}
            dtypes |= {"<i4": "I32", "|b1": "BOOL"}
            header[name] = {"dtype": dtypes[value.dtype.str], "shape": list(value.shape)}
            parts[name] = value.tobytes()
        return put_together(card, header, parts)

    return make


def with_number(number, index=3):
    """A file in which one weight is this number."""
    value = WEIGHTS["encoder.layers.0.bias"].copy()
    value[index] = number
    return with_tensor("model.encoder.layers.0.bias", value)


def with_entry(**changes):
    """A file whose first header entry has these values."""

    def make(data):
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        name = next(name for name in header if name != "__metadata__")
        for key, value in changes.items():
            header[name] = {k: v for k, v in header[name].items() if k != key}
            if value is not None:
                header[name][key] = value
        return assemble(header, data[8 + length :], header.pop("__metadata__"))

    return make


def header_text(edit):
    """A file whose header's bytes went through `edit`."""

    def make(data):
        length = int.from_bytes(data[:8], "little")
        return assemble(edit(data[8 : 8 + length]), data[8 + length :])

    return make


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


F16 = np.float16
BIAS = "model.encoder.layers.0.bias"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 143732\n"
CUT, GAP, ENTRY = "cut short", "without gap or overlap", "malformed"
JSON, CARD_JSON = "header must be valid JSON", "metadata 'card' must be valid JSON"
BITS = "header must hold finite numbers of 64 bits"
CARD_BITS = "metadata 'card' must hold finite numbers of 64 bits"
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
                            for i in range(4000)}), ENTRY
    ),
    "thousands of tensors": (
        lambda d: assemble({f"{i}": {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]}
                            for i in range(3500)}, bytes(3500)), "card must be"
    ),
    # the entries
    "entry null": (lambda d: assemble({"a": None}), ENTRY),
    "entry a list": (lambda d: assemble({"a": ["F32", [1], [0, 4]]}), ENTRY),
    "entry with more keys": (with_entry(more=1), ENTRY),
    "entry without shape": (with_entry(shape=None), ENTRY),
    "dtype a list": (with_entry(dtype=["F32"]), ENTRY),
    "shape a text": (with_entry(shape="12"), ENTRY),
    "shape an object": (with_entry(shape={}), ENTRY),
    "shape negative": (with_entry(shape=[-1, -36]), ENTRY),
    "shape of floats": (with_entry(shape=[6.0]), ENTRY),
    "shape true": (with_entry(shape=[True]), ENTRY),
    "shape of 5": (with_entry(shape=[1, 1, 1, 1, 6]), ENTRY),
    "shape zero and huge": (with_entry(shape=[0, 2**62, 2**62]), ENTRY),
    "shape beyond 64 bits": (with_entry(shape=[2**64]), BITS),
    "shape of 5000 digits": (
        header_text(lambda h: h.replace(b'"shape":[', b'"shape":[' + b"9" * 5000, 1)), BITS
    ),
    "shape × dtype ≠ bytes": (with_entry(shape=[5]), "match its number of bytes"),
    "offsets negative": (with_entry(data_offsets=[-4, 20]), ENTRY),
    "offsets reversed": (with_entry(data_offsets=[24, 0]), ENTRY),
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
    # the tensors
    "wrong dtype": (with_tensor(BIAS, np.zeros(6, F16)), "must be float32, got float16"),
    "whole numbers": (with_tensor(BIAS, np.zeros(6, np.int64)), "must be float32, got int64"),
    "missing tensor": (with_tensor(BIAS, None), f"{BIAS[6:]}', but it is missing"),
    "extra tensor": (with_tensor("model.more", np.zeros(2, "f4")), "'more' that the model has not"),
    "stray tensor": (with_tensor("more", np.zeros(2, "f4")), "model.*, codes.* or rates.*"),
    "other shape": (with_tensor(BIAS, np.zeros(7, "f4")), "shape (6,), got (7,)"),
    "transposed": (
        with_tensor("model.encoder.layers.0.weight", np.zeros((64, 6), "f4")), "got (64, 6)"
    ),
    "no tensors": (lambda d: put_together(take_apart(d)[0], {}, {}), "but it is missing"),
    "NaN": (with_number(np.nan), "must be finite"),
    "infinity": (with_number(np.inf), "must be finite"),
    "minus infinity": (with_number(-np.inf, 0), "must be finite"),
    "huge finite weight": (with_number(-1e7), "at most 1e+06"),
    # the card
    "no card": (lambda d: assemble({}), "card must be a JSON object"),
    "card a list": (with_card_text("[1]"), "card must be a JSON object"),
    "card not JSON": (with_card_text("{"), CARD_JSON),
    "card with a key twice": (
        with_card_text('{"schema": 1, "schema": 1}'), "'card' names something twice"
    ),
    "card nested deeply": (
        with_card(metrics={"a": json.loads("[" * 90 + "]" * 90)}), "'card' must be nested at most"
    ),
    "card with infinity": (with_card(seconds=float("inf")), CARD_BITS),
    "card with 1e999": (with_card_text('{"schema": 1, "seconds": 1e999}'), CARD_BITS),
    "card with 500 digits": (with_card(steps=10**499), CARD_BITS),
    "card with 5000 digits": (with_card_text('{"steps": ' + "9" * 5000 + "}"), CARD_BITS),
    "card with half a character": (with_card(title="\ud800"), CARD_JSON),
    "no schema": (with_card(schema=None), "schema must be a whole number"),
    "schema true": (with_card(schema=True), "schema must be a whole number"),
    "schema 0": (with_card(schema=0), "schema must be a whole number"),
    "schema of the future": (with_card(schema=2), "update this program"),
    "schema far ahead": (with_card(schema=10**18), "update this program"),
    "unknown entry": (with_card(colour="red"), "unknown entry 'colour'"),
    "title a list": (with_card(title=["a"] * 999), "title must be str"),
    "class_names a text": (with_card(class_names="abc"), "class_names must be list"),
    "class_names of numbers": (with_card(class_names=[1, 2, 3]), "list of texts"),
    "steps a float": (with_card(steps=1.5), "steps must be int"),
    "steps negative": (with_card(steps=-1), "steps must be 0 to"),
    "seconds a text": (with_card(seconds="1"), "seconds must be float"),
    "seconds true": (with_card(seconds=True), "seconds must be float"),
    "metrics a list": (with_card(metrics=[]), "metrics must be dict"),
    "metrics of texts": (with_card(metrics={"rate": "high"}), "numbers or lists of numbers"),
    "metrics nested": (with_card(metrics={"rate": [[1]]}), "numbers or lists of numbers"),
    "metrics beyond reason": (with_card(metrics={"rate": 1e18}), "numbers or lists of numbers"),
    # the config in it
    "no config": (with_card(config=None), "settings are not valid: RunConfig must be"),
    "config a list": (with_card(config=[]), "settings are not valid: RunConfig must be"),
    "unknown setting": (with_setting("model", depth=3), "has no setting 'depth'"),
    "latent_dim 0": (with_setting("model", latent_dim=0), "latent_dim must be at least 1"),
    "latent_dim a million": (with_setting("model", latent_dim=10**6), "must be at most 256"),
    "latent_dim other": (with_setting("model", latent_dim=3), "mean must have shape (N, 3)"),
    "hidden a text": (with_setting("model", hidden="64"), "list of whole numbers"),
    "hidden endless": (with_setting("model", hidden=[4] * 20_000), "0 to 6 entries"),
    "hidden other": (with_setting("model", hidden=[5]), "must have shape (5,), got (6,)"),
    "too many parameters": (with_setting("model", hidden=[4096] * 6), "at most 10,000,000"),
    "image_shape endless": (with_setting("model", image_shape=[8] * 20_000), "image_shape must be"),
    "image_shape other": (
        with_setting("model", image_shape=[1, 8, 9]), "must have shape (72,), got (64,)"
    ),
    "network other": (with_setting("model", network="conv"), "must have shape (96,)"),
    "network unknown": (with_setting("model", network="os.system"), "one of mlp, conv"),
    "beta negative": (with_setting("objective", beta=-1), "beta must be at least 0"),
    "beta a long list": (with_setting("objective", beta=[1] * 20_000), "beta must be a number"),
    "epochs 0": (with_setting("training", epochs=0), "epochs must be at least 1"),
    # the codes
    "codes without mean": (with_tensor("codes.mean", None), "there must be mean"),
    "codes unknown": (with_tensor("codes.more", np.zeros(7, "f4")), "there must be mean"),
    "codes flat": (with_tensor("codes.mean", np.zeros(14, F16)), "(N, 2) and at most"),
    "codes wide": (with_tensor("codes.mean", np.zeros((7, 3), F16)), "got (7, 3)"),
    "codes too many": (
        with_tensor("codes.mean", np.zeros((2**21 + 1, 2), np.uint8)), "got (2097153, 2)"
    ),
    "codes NaN": (with_tensor("codes.mean", np.full((7, 2), np.nan, F16)), "must be finite"),
    "log_variance long": (
        with_tensor("codes.log_variance", np.zeros((8, 2), F16)), "log_variance must have"
    ),
    "log_variance wild": (
        with_tensor("codes.log_variance", np.full((7, 2), 81, F16)), "within ±80"
    ),
    "log_variance missing": (with_tensor("codes.log_variance", None), "must have a log_variance"),
    "distortion long": (
        with_tensor("codes.distortion", np.zeros(8, "f4")), "distortion must have shape (7,)"
    ),
    "distortion missing": (with_tensor("codes.distortion", None), "mean and distortion"),
    "labels long": (with_tensor("codes.labels", np.zeros(8, "u1")), "labels must be 7 whole"),
    "labels floats": (with_tensor("codes.labels", np.zeros(7, "f4")), "labels must be 7 whole"),
    "labels negative": (with_tensor("codes.labels", np.full(7, -(2**63))), "of at least 0"),
    "labels beyond": (with_tensor("codes.labels", np.full(7, 3)), "must name a class"),
    "labels unnamed": (with_card(class_names=[]), "must name a class"),
}  # fmt: skip


def refusal(path) -> str:
    """The sentence with which a file is refused: by `read`, else by `restore`."""
    with pytest.raises(CheckpointError) as caught:
        restore(read(path))
    return assert_sentence(str(caught.value))


def assert_refused_quickly(path, phrase) -> None:
    """The sentence says this, in a quarter of a second: the best of three, on a shared machine."""
    assert phrase in refusal(path)
    seconds = []
    for _ in range(3):
        seconds.append(-time.perf_counter())
        refusal(path)
        seconds[-1] += time.perf_counter()
    assert min(seconds) < 0.25


@pytest.mark.parametrize("case", CORPUS)
def test_bad_file_is_refused_with_one_sentence(case, good, tmp_path):
    make, phrase = CORPUS[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(make(good))
    assert_refused_quickly(path, phrase)


def test_corpus_is_built_from_a_file_that_is_good(good, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(put_together(*take_apart(good)))
    checkpoint = read(path)
    assert checkpoint.card == CARD
    assert digest_of(checkpoint.weights) == digest_of(WEIGHTS)
    np.testing.assert_array_equal(checkpoint.codes.labels, CODES.labels)
    np.testing.assert_allclose(checkpoint.codes.mean, CODES.mean, rtol=1e-3)


def digest_of(weights) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}


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


def test_texts_of_the_card_fit_on_one_line(good, tmp_path):
    path = tmp_path / "a.safetensors"
    rude = "\x1b[2J\u202egood\0\n" + "x" * 300
    names = [rude, "<img onerror=alert(1)>", "=cmd|' /C calc'!A0"]
    path.write_bytes(with_card(title=rude, class_names=names, command="a\r\nb\u202e")(good))
    card = read(path).card
    assert card.title.isprintable() and "good" in card.title and len(card.title) <= 80
    assert card.class_names[1:] == tuple(names[1:])  # kept as text: the screen escapes it
    assert card.class_names[0] == card.title and card.command == "ab"


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

WEIRD = (
    None, True, -1, 0, 1, 7, 1.5, -0.0, 1e300, 2**31, 2**63, 10**30, "", "a", "\0", "\ud800",
    "1" * 99, "F16", "F8_E4M3", [], [0], [[]], [1, 2, 3, 4, 5], {}, {"a": {}}, [2**62] * 4,
)  # fmt: skip


def sign(data: bytes) -> bytes:
    """The file with the checksum of its payload in the place of the old one, if there is any."""
    length = int.from_bytes(data[:8], "little")
    place = data.find(b'"sha256":"') + 10
    if place < 10 or length > len(data):
        return data
    fitting = hashlib.sha256(data[8 + length :]).hexdigest().encode()
    return data[:place] + fitting + data[place + 64 :]


def mutate_bytes(data: bytes, random) -> bytes:
    """A few bytes flipped, left out, doubled, moved or cut off, half the time in the header."""
    out = bytearray(data)
    header = 8 + int.from_bytes(data[:8], "little")
    for _ in range(random.integers(1, 4)):
        limit = header if random.random() < 0.7 else len(data)
        here, there = random.integers(0, limit, 2)
        length = int(random.integers(1, 9))
        match random.integers(0, 5):
            case 0:
                here = min(here, len(out) - 1)
                out[here] ^= 1 << random.integers(0, 8)
            case 1:
                out[here : here + length] = random.bytes(length)
            case 2:
                out[here:here] = random.bytes(length)
            case 3:
                out[here:here] = out[there : there + length]
            case 4:
                del out[here : here + (length if random.random() < 0.9 else len(out))]
        if len(out) < 2:
            break
    return sign(bytes(out)) if random.random() < 0.5 else bytes(out)


def mutate_values(data: bytes, random) -> bytes:
    """One or two values of header or card replaced by something strange, or left out."""
    card, header, parts = take_apart(data)
    document = {"card": card, "header": header}
    for _ in range(random.integers(1, 3)):
        node = document[("card", "header")[random.integers(0, 2)]]
        while node:
            key = list(node)[random.integers(0, len(node))] if isinstance(node, dict) else 0
            if not isinstance(node[key], (dict, list)) or random.random() < 0.3:
                break
            node = node[key]
        if not node:
            continue
        if random.random() < 0.15:
            del node[key]
        elif random.random() < 0.1 and isinstance(node, dict):
            node[str(WEIRD[random.integers(0, len(WEIRD))])] = node.pop(key)
        else:
            node[key] = copy.deepcopy(WEIRD[random.integers(0, len(WEIRD))])
    try:
        return put_together(card, header, parts)
    except (KeyError, TypeError):  # no such part any more: the file as it was
        return data


@pytest.mark.parametrize(
    "count", [1500, pytest.param(20_000, marks=pytest.mark.slow)], ids="{} mutants".format
)
def test_mutated_file_is_refused_or_harmless(count, good, tmp_path):
    path = tmp_path / "a.safetensors"
    random = np.random.default_rng(count)
    refused = 0
    for number in range(count):
        mutant = (mutate_bytes, mutate_values)[number % 2](good, random)
        path.write_bytes(mutant)
        try:
            checkpoint = read(path)
            model = restore(checkpoint)
        except CheckpointError as error:
            assert_sentence(str(error))
            refused += 1
        else:  # a text of the card has changed, a tensor was signed anew
            json.dumps(checkpoint.card.to_json(), allow_nan=False).encode()
            assert all(value.isfinite().all() for value in model.state_dict().values())
    assert 0.6 * count < refused < count


# --- whole or not at all -----------------------------------------------------------------------


def fail(*_args, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["fsync", "chmod", "replace", "fdopen"])
def test_full_disk_leaves_the_old_file_and_nothing_else(call, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_disk_that_fills_up_while_writing_leaves_the_old_file(good, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(good)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_bytes(path, bytes(2**22))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["a.safetensors"]


WIDE = Codes(np.zeros((7, 3)), np.zeros((7, 3)), CODES.distortion, CODES.labels)
UNWRITABLE = {
    "NaN": (WEIGHTS | {"a": np.array(np.nan, "f4")}, CODES, CARD, "of 'a' must be finite"),
    "infinity": (
        WEIGHTS | {"a": np.array([1, np.inf], "f4")}, CODES, CARD, "of 'a' must be finite"
    ),
    "huge": (WEIGHTS | {"a": np.array([2e6], "f4")}, CODES, CARD, "at most 1e+06"),
    "float64": (WEIGHTS | {"a": np.array([2.0])}, CODES, CARD, "must be float32"),
    "NaN in the codes": (
        WEIGHTS, Codes(CODES.mean, CODES.log_variance, CODES.distortion * np.nan, None), CARD,
        "'codes.distortion' must be finite",
    ),
    "wide codes": (WEIGHTS, WIDE, CARD, "mean must have shape (N, 2)"),
    "nameless labels": (WEIGHTS, CODES, Card(CONFIG), "must name a class"),
    "NaN in the card": (WEIGHTS, None, Card(CONFIG, seconds=np.nan), "not JSON compliant"),
    "a long card": (
        WEIGHTS, CODES, Card(CONFIG, class_names=("a" * 80,) * 10_000), "at most 256 KiB"
    ),
    "a large file": (WEIGHTS | {"a": np.zeros(2**24, "f4")}, CODES, CARD, "at most 64 MiB"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNWRITABLE)
def test_what_could_not_be_read_is_not_written(case, tmp_path):
    weights, codes, card, phrase = UNWRITABLE[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(ValueError) as caught:
        write(path, card, weights, codes)
    assert phrase in assert_sentence(str(caught.value))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_a_header_whose_length_spells_the_start_of_a_pickle_is_read(tmp_path):
    """1408 bytes are 80 05 00 … in the file, and a pickle of protocol 5 begins with 80 05."""
    path, lengths = tmp_path / "a.safetensors", set()
    for count in range(0, 1200, 8):
        write(path, Card(CONFIG, title="a", command="x" * count), {}, None)
        assert read(path).card.command == "x" * count
        lengths.add(path.read_bytes()[:8])
    assert {(256 * version + 128).to_bytes(8, "little") for version in (5, 6, 7)} <= lengths


def test_codes_of_any_size_survive(tmp_path):
    path = tmp_path / "a.safetensors"
    large = Codes(CODES.mean * 1e6, CODES.log_variance - 200, CODES.distortion * 1e6, None)
    write(path, CARD, WEIGHTS, large)
    found = read(path).codes
    np.testing.assert_array_equal(found.mean, large.mean)
    np.testing.assert_array_equal(found.distortion, large.distortion)
    np.testing.assert_array_equal(found.log_variance, -80)


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
    for number in range(1, count + 1):
        child = start(number)
        time.sleep(random.uniform(0.002, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.add(look())
else:
    children = [start(1), start(2)]
    try:
        for _ in range(count):
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


# --- saved = restored ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "network", "likelihood"),
    [
        *itertools.product(("vae", "autoencoder"), ("mlp", "conv"), ("bernoulli", "gaussian")),
        ("vae", "mlp", "gaussian-shared"),
        ("vae", "conv", "gaussian-optimal"),
        ("vae", "mlp", "gaussian-pixel"),
        ("multirate", "mlp", "bernoulli"),
        ("multirate", "conv", "gaussian-shared"),
    ],
)
def test_saved_model_gives_identical_bits(family, network, likelihood, tmp_path):
    config = tiny(family=family, network=network, likelihood=likelihood, image_shape=(3, 9, 11))
    model = build_model(config.model, seed=3).eval()
    write(tmp_path / "a", Card(config), arrays(model), None)
    restored = restore(read(tmp_path / "a"))
    assert not restored.training
    images, z = torch.rand(3, 3, 9, 11), torch.randn(3, 2)
    with torch.no_grad():
        for before, after in zip(model.encode(images), restored.encode(images), strict=True):
            assert before is after is None or torch.equal(before, after)
        assert torch.equal(model.decode(z), restored.decode(z))
        assert torch.equal(model.log_likelihood(images, z), restored.log_likelihood(images, z))


def test_restored_model_can_be_changed_and_the_checkpoint_stays(good, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(good)
    checkpoint = read(path)
    with torch.no_grad():
        for parameter in restore(checkpoint).parameters():
            parameter.zero_()
    assert digest_of(checkpoint.weights) == digest_of(WEIGHTS)


def test_fingerprint_is_of_the_tensors_alone(tmp_path):
    def fingerprint(card, weights):
        write(tmp_path / "a", card, weights, CODES)
        return read(tmp_path / "a").fingerprint

    first = fingerprint(CARD, WEIGHTS)
    assert fingerprint(Card(CONFIG, "other", class_names=CARD.class_names), WEIGHTS) == first
    name = "encoder.layers.0.bias"
    assert fingerprint(CARD, WEIGHTS | {name: np.nextafter(WEIGHTS[name], 1)}) != first


def test_document_and_arrays_of_a_state_survive(tmp_path):
    tensors = {"a": np.array(3.5), "b": np.arange(6.0).reshape(2, 3).T, "c": np.array([2**40])}
    document = {"seconds": 1.5, "nested": {"list": [1, None, "ü"]}}
    write_tensors(tmp_path / "a", tensors, document)
    found, told, _ = read_tensors(tmp_path / "a")
    assert told == document
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value, strict=True)
        assert not found[name].flags.writeable


@pytest.mark.parametrize("name", KINDS)
def test_golden_checkpoint_opens_and_answers_as_ever(name):
    checkpoint = read(GOLDEN / f"{name}.safetensors")
    assert checkpoint.card.title == name and checkpoint.card.steps == 7
    assert checkpoint.card.class_names == ("even", "odd")
    assert checkpoint.codes.labels.tolist() == [0, 1, 1, 0]
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    found = answers(restore(checkpoint))
    assert found.keys() == expected.keys()
    for key, numbers in expected.items():
        np.testing.assert_allclose(found[key], numbers, rtol=1e-6, atol=1e-6, err_msg=key)


def test_every_golden_file_is_tested():
    assert {path.stem for path in GOLDEN.iterdir()} == set(KINDS)
