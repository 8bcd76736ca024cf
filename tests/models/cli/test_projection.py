"""The hidden command project."""

from dataclasses import replace

from models.storage.checkpoint import read, write
from models.storage.tensors import read_tensors
from tests.helpers.command_line import assert_refusal, call


def test_project_writes_positions_and_reports(trained, tmp_path, monkeypatch):
    checkpoint = read(trained.model_path)
    small, output = tmp_path / "small.safetensors", tmp_path / "map.safetensors"
    few = replace(
        checkpoint.codes,
        **{name: getattr(checkpoint.codes, name)[:30]
           for name in ("mean", "log_variance", "distortion", "labels")},
    )  # fmt: skip
    write(small, checkpoint.card, checkpoint.weights, few)
    shares = []
    monkeypatch.setattr("models.cli.projection.report", shares.append)
    call("project", small, output)
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] == 1
    tensors, *_ = read_tensors(output)
    assert tensors["positions"].shape == (30, 2) and tensors["positions"].std() > 0
    write(small, checkpoint.card, checkpoint.weights, None)
    for arguments, phrase in (
        ([small, output], "must hold the codes"),
        ([tmp_path / "none", output], "cannot be read"),
        ([trained.model_path, output, "--perplexity", "nan"], "perplexity must be at least 1"),
        ([trained.model_path, output, "--perplexity", 0], "perplexity must be at least 1"),
        ([trained.model_path, output, "--seed", -1], "seed must be 0 to"),
    ):
        assert_refusal(call("project", *arguments, status=1), phrase)
