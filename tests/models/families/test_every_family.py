"""What every family owes from the command line to the checkpoint, codes or none."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.capabilities import FAMILIES
from models.families.registry import build_model
from models.runs.folder import Run, list_runs
from models.runs.scores import store_scores
from models.runs.train import execute
from models.settings import to_text
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from models.storage.tensors import CheckpointError
from models.training.events import EpochEnd
from tests.helpers.command_line import assert_refusal, call, train
from tests.helpers.configs import digest, tiny
from tests.helpers.families import SETTINGS

every_family = pytest.mark.parametrize("family", FAMILIES)


@every_family
def test_a_run_is_trained_listed_and_evaluated_from_the_command_line(family, tmp_path):
    options = {n: to_text(v) for n, v in SETTINGS[family].items()}
    given = [f"--{n.replace(chr(95), chr(45))}={v}" for n, v in options.items()]
    out = train(tmp_path, "--family", family, *given, "--epochs", 2)
    assert "epoch   2/2  test " in out and "Done: " in out
    (run,) = list_runs(tmp_path)
    assert family in call("list", "--runs-dir", tmp_path)
    report = json.loads(call("evaluate", run.id, "--runs-dir", tmp_path, "--json"))
    card, capabilities = read(run.model_path).card, FAMILIES[family]
    assert "rate" in report or not capabilities.has_posterior
    assert report["images"] == 500
    for name, value in card.metrics.items():
        if name in report:
            assert np.allclose(report[name], value, rtol=1e-4), name
    assert ("distortion" in report) == capabilities.has_likelihood
    assert "nan" not in call("evaluate", run.id, "--runs-dir", tmp_path)


@every_family
def test_a_stopped_run_resumes_to_the_bit(family, tmp_path):
    config = tiny(family=family, training={"batch_size": 32}, **SETTINGS[family])
    whole, parted = (Run.create(tmp_path, config, name) for name in ("whole", "parted"))
    *_, last = execute(whole)
    events = execute(parted)
    next(event for event in events if isinstance(event, EpochEnd))
    next(events)  # in the middle of an epoch
    events.close()
    *_, end = execute(parted)
    assert end.train == last.train and end.test == last.test
    weights = [
        {name: torch.tensor(value) for name, value in read(run.model_path).weights.items()}
        for run in (whole, parted)
    ]
    assert digest(weights[0]) == digest(weights[1])
    assert (read(whole.model_path).codes is not None) == FAMILIES[family].has_codes


@every_family
def test_a_file_gives_the_model_back_and_its_scores_again(family, tmp_path):
    config = tiny(family=family, **SETTINGS[family])
    run = Run.create(tmp_path, replace(config, training=replace(config.training, epochs=1)))
    list(execute(run))
    before = read(run.model_path)
    store_scores(run.model_path)
    after = read(run.model_path)
    assert {name: after.card.metrics[name] for name in before.card.metrics} == before.card.metrics
    model, again = restore(before), restore(after)
    assert digest(model.state_dict()) == digest(again.state_dict())
    if FAMILIES[family].has_prior:
        images = [m.generate(3, torch.Generator().manual_seed(0)) for m in (model, again)]
        assert torch.equal(*images)


WITHOUT_CODES = [name for name, family in FAMILIES.items() if not family.has_codes]


@pytest.mark.parametrize("family", WITHOUT_CODES)
@pytest.mark.parametrize("option", [["--samples", 5], ["--factors"]])
def test_scores_that_need_codes_are_refused_in_a_sentence(family, option, tmp_path):
    config = tiny(family=family, **SETTINGS[family])
    path = tmp_path / "model.safetensors"
    arrays = {name: value.numpy() for name, value in build_model(config.model).state_dict().items()}
    write(path, Card(config), arrays, None)
    name = option[0].removeprefix("--")
    said = call("evaluate", path, *option, status=1)
    assert_refusal(said, f"{name} must be left out for a model of family {family}")


@every_family
def test_whole_numbers_are_refused_where_the_model_has_floats(family, tmp_path):
    config = tiny(family=family, **SETTINGS[family])
    state = build_model(config.model).state_dict()
    arrays = {name: value.numpy() for name, value in state.items()}
    for name in (next(iter(arrays)), list(arrays)[-1]):
        wrong = arrays | {name: np.zeros(arrays[name].shape, np.int64)}
        if arrays[name].dtype == np.int64:
            wrong[name] = wrong[name].astype(np.float32)
        write(tmp_path / "a", Card(config), wrong, None)
        with pytest.raises(CheckpointError, match=f"the tensor '{name}' must be"):
            restore(read(tmp_path / "a"))


class Counter(torch.nn.Module):
    """A model with a whole number in its state."""

    def __init__(self, config):
        super().__init__()
        self.register_buffer("steps", torch.zeros(1, dtype=torch.int64))


def test_a_count_that_the_class_declares_travels_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("models.families.registry.load_class", lambda path: Counter)
    write(tmp_path / "a", Card(tiny()), {"steps": np.array([2_000_000])}, None)
    assert restore(read(tmp_path / "a")).steps.item() == 2_000_000
    write(tmp_path / "a", Card(tiny()), {"steps": np.zeros(1, np.float32)}, None)
    with pytest.raises(CheckpointError, match="the tensor 'steps' must be int64, got float32"):
        restore(read(tmp_path / "a"))
    with pytest.raises(CheckpointError, match="must be finite and at most"):
        write(tmp_path / "a", Card(tiny()), {"steps": np.array([-(2**63)])}, None)
