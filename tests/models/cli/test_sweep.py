"""The command `sweep`: one table, printed and written, or one sentence."""

import json
import os
import re
import signal
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from models.cli import sweep as sweep_command
from models.cli.app import app
from models.config import override
from models.engines.system import cores
from models.runs.folder import list_runs
from models.runs.train import execute
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from models.training import automatic
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import command


@pytest.fixture
def handlers():
    """The command sets signal handlers, and no test may leave them behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def call(*arguments, status=0):
    """What the command prints; to stderr if it must fail."""
    result = CliRunner().invoke(app, ["sweep", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.stderr if status else result.stdout


def test_command_prints_and_writes_one_table(tmp_path, handlers):
    config = tiny(training={"batch_size": 32})
    seeded = replace(config, training=replace(config.training, seed=4))
    arguments = command(tmp_path, config, "1,0.1", "--seeds=2", "--seed=4")[3:]
    for member in Sweep.open(tmp_path, grid(seeded, [1, 0.1], 2)).members:
        for _ in execute(member.run):
            pass
    before = {run.id: run.model_path.stat().st_mtime_ns for run in list_runs(tmp_path)}
    out = call(*arguments)  # the same request: everything is done
    after = {run.id: run.model_path.stat().st_mtime_ns for run in list_runs(tmp_path)}
    assert after == before and len(after) == 4
    header, *lines = [line for line in out.splitlines() if line.split()[:1] in (["latents"], ["2"])]
    assert header.split()[:6] == ["latents", "beta", "seed", "D", "R", "-ELBO"]
    assert [line.split()[1:3] for line in lines[:4]] == [
        ["1", "4"], ["0.1", "4"], ["1", "5"], ["0.1", "5"]
    ]  # fmt: skip
    assert all(line.endswith("done") for line in lines[:4])
    assert all(line.endswith("mean of 2, 95 % interval") for line in lines[4:]) and len(lines) == 6
    (table,) = tmp_path.glob("sweep-*.json")
    document = json.loads(table.read_text())
    assert len(document["members"]) == 4 and len(document["sandwich"]) == 2


def test_all_runs_share_what_is_chosen_for_the_machine(tmp_path, handlers, monkeypatch):
    made = []
    monkeypatch.setattr(sweep_command, "_sweep", lambda found, *_: made.append(found))
    timed = []
    choose = automatic.choose
    monkeypatch.setattr(
        automatic, "choose", lambda *given: timed.append(given[1]) or choose(*given)
    )
    small = ("--runs-dir", tmp_path, "--network", "conv", "--hidden", "4", "--epochs", 1)
    call(*small, "--betas", "0.1,1,2", "--precision", "bfloat16")
    configs = [member.config.training for member in made[0].members]
    assert len(timed) == 1 and timed[0] == ["layout"]  # threads are shared out, not timed
    assert {training.precision for training in configs} == {"bfloat16"}
    assert {training.threads for training in configs} == {max(1, cores() // 3)}
    assert len({training.layout for training in configs}) == 1


BAD = {
    "no number": (["--betas", "1,two"], "betas must be numbers separated by commas, got '1,two'"),
    "twice": (["--betas", "1,1"], "betas must be one or more different values"),
    "negative": (["--betas", "1,-1"], "beta must be at least 0"),
    "not finite": (["--betas", "1,nan"], "beta must be finite"),
    "no seeds": (["--betas", "1", "--seeds", 0], "seeds must be at least 1"),
    "latents": (["--betas", "1", "--latent-dims", "2,x"], "latent_dims must be whole numbers"),
    "too large": (
        ["--betas", "1", "--latent-dims", "2,256", "--hidden", "4096,2048,60"],
        "at most 10,000,000 parameters",
    ),
    "no rate": (["--betas", "1", "--preset", "digits-ae"], "family must be vae in a sweep"),
    "setting": (["--betas", "1", "--epochs", 0], "epochs must be at least 1"),
    "threads": (["--betas", "1", "--threads", 0], "threads must be at least 1"),
    "device": (["--betas", "1", "--device", "tpu"], "device must be auto, cpu, cuda or mps"),
    "autosave": (["--betas", "1", "--autosave", "nan"], "autosave must be at least 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_parameter_gets_one_sentence_and_makes_no_run(case, tmp_path, handlers):
    arguments, phrase = BAD[case]
    text = call("--runs-dir", tmp_path, *arguments, status=1)
    assert text.startswith("Error: ") and text.endswith(".\n") and phrase in text
    assert_sentence(text.removeprefix("Error: ").removesuffix(".\n"))
    assert os.listdir(tmp_path) == []


def test_beta_is_given_as_betas(tmp_path, handlers):
    call("--runs-dir", tmp_path, "--betas", "1", "--beta", 2, status=2)
    assert os.listdir(tmp_path) == []


def test_a_score_by_beta_is_printed_with_its_verdict(tmp_path, handlers):
    config = override(
        tiny(training={"batch_size": 32, "epochs": 1}), data="sprites-8", image_shape=(1, 8, 8)
    )
    for member in Sweep.open(tmp_path, grid(config, [1, 4], 2)).members:
        list(execute(member.run))  # here: four processes take longer to start than to train
    made = len(list_runs(tmp_path))
    out = call(*command(tmp_path, config, "1,4", "--seeds=2", "--score=mig")[3:])
    lines = out.splitlines()
    start = lines.index("MIG (0 to 1) by beta:")
    assert re.fullmatch(r" +1  \d\.\d{3} ± \d\.\d{3} \(95 %\), 2 runs", lines[start + 1])
    assert re.fullmatch(r" +4  \d\.\d{3} ± \d\.\d{3} \(95 %\), 2 runs", lines[start + 2])
    assert "MIG" in lines[start + 3] and "over 2 seeds" in lines[start + 3]
    assert len(list_runs(tmp_path)) == made == 4


@pytest.mark.parametrize(
    ("data", "score", "sentence"),
    [
        ("sprites-8", "beauty", "score must be one of mig, dci_disentanglement"),
        ("digits", "mig", "score must go with images whose factors are known"),
    ],
)
def test_scores_that_cannot_be_had_are_refused_before_training(tmp_path, data, score, sentence):
    config = override(tiny(), data=data, image_shape=(1, 8, 8))
    error = call(*command(tmp_path, config, "1", f"--score={score}")[3:], status=1)
    assert sentence in error
    assert not list(tmp_path.rglob("model.safetensors"))
