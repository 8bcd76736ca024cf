"""The command export: folders for other tools; the command of before is in test_app.py."""

import io
import json
from dataclasses import replace

import numpy as np
from PIL import Image

from models.data.load import load
from models.storage.checkpoint import read, write
from tests.helpers.command_line import assert_refusal, call
from tests.helpers.paths import ROOT

SHIPPED_FOLDER = ROOT / "checkpoints"


def test_a_hubs_folder_is_opened_as_a_run_is(trained, tmp_path):
    folder = tmp_path / "new" / "hub"
    out = call("export", trained.id, "--runs-dir", trained.folder.parent, "--hub", folder)
    assert "model.safetensors, config.json, README.md" in out
    assert (folder / "model.safetensors").read_bytes() == trained.model_path.read_bytes()
    report = json.loads(call("evaluate", folder, "--json"))
    assert report["distortion"] == read(trained.model_path).card.metrics["distortion"]


def test_the_projectors_folder_has_the_test_images_or_decoded_ones(trained, tmp_path):
    call("export", trained.model_path, "--projector", tmp_path / "a")
    first = np.asarray(Image.open(io.BytesIO((tmp_path / "a" / "sprite.png").read_bytes())))[:8, :8]
    images = load("digits", "test").images
    np.testing.assert_array_equal(first, (images[0, 0] * 255 + 0.5).astype(np.uint8))
    lines = (tmp_path / "a" / "tensors.tsv").read_text().splitlines()
    assert len(lines) == len(images)
    checkpoint, other = read(trained.model_path), tmp_path / "other.safetensors"
    card = replace(checkpoint.card, data_fingerprint="0" * 16)
    write(other, card, checkpoint.weights, checkpoint.codes)
    call("export", other, "--projector", tmp_path / "b")
    second = np.asarray(Image.open(io.BytesIO((tmp_path / "b" / "sprite.png").read_bytes())))[
        :8, :8
    ]
    assert second.std() > 0 and not np.array_equal(first, second)


def test_onnx_is_written_as_two_files(trained, tmp_path, monkeypatch):
    given = []
    files = {"encoder": b"one", "decoder": b"other"}
    monkeypatch.setattr(
        "models.export.onnx_file.onnx_files", lambda model: given.append(model) or files
    )
    out = call(
        "export", trained.id, "--runs-dir", trained.folder.parent, "--onnx", tmp_path / "a.onnx"
    )
    assert "a-encoder.onnx" in out and (tmp_path / "a-decoder.onnx").read_bytes() == b"other"
    many = SHIPPED_FOLDER / "digits-2d-multirate.safetensors"
    call("export", many, "--onnx", tmp_path / "b.onnx")
    assert [type(model).__name__ for model in given] == ["VAE", "VAE"], "of one beta"
    assert not any(model.training for model in given)


def test_one_sentence_says_why_nothing_was_written(trained, tmp_path):
    before = trained.config_path.read_bytes()
    bare, checkpoint = tmp_path / "bare.safetensors", read(trained.model_path)
    write(bare, checkpoint.card, checkpoint.weights, None)
    for words, phrase in (
        ([trained.model_path, "--hub", trained.folder], "new or empty"),
        ([trained.model_path, "--hub", bare], "a file, not a folder"),
        ([trained.model_path, "--hub", tmp_path / "x", "--colour", "red"], "no other option"),
        ([tmp_path / "none.safetensors", "--hub", tmp_path / "x"], "there is no file"),
        ([bare, "--onnx", tmp_path / "x"], "must be a file NAME.onnx"),
        ([bare, "--projector", tmp_path / "x"], "must hold the codes"),
    ):
        assert_refusal(call("export", *words, status=1), phrase)
    assert trained.config_path.read_bytes() == before and not (tmp_path / "x").exists()
