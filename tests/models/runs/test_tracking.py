"""Epochs reach each tracking program's own files, read back by the program itself."""

import importlib
import sys

import pytest

from models.config import RunConfig
from models.presets import preset
from models.runs import tracking
from models.runs.folder import Run
from models.runs.tracking import EXPERIMENT, TRACKERS, Tracker
from tests.helpers.command_line import assert_refusal, call

ROWS = [
    {"epoch": n, "step": 10 * n, "test_distortion": 30.0 - n, "test_kl_per_dimension": [1.0, n]}
    for n in (1, 2)
]
EXPECTED = [(10, 29.0), (20, 28.0)]
NEEDS = "needs models/runs/requirements-tracking.txt"


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    return Run.create(tmp_path, preset("digits-2d"), "a title")


def tell(name: str, run: Run) -> None:
    tracker = Tracker(name, run, lambda text: pytest.fail(text))
    for row in ROWS:
        tracker.log(row)
    tracker.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_what_was_told(run):
    pytest.importorskip("tensorboard", reason=NEEDS)
    tell("tensorboard", run)
    reader = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(run.folder / "tracking")).Reload()
    assert [(e.step, e.value) for e in found.Scalars("test_distortion")] == EXPECTED
    assert [e.value for e in found.Scalars("test_kl_per_dimension_2")] == [1, 2]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_what_was_told_and_a_resumed_run_is_the_same(run):
    mlflow = pytest.importorskip("mlflow", reason=NEEDS)
    tell("mlflow", run)
    tell("mlflow", run)
    uri = f"sqlite:///{run.folder.parent / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri, registry_uri=uri)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    (found,) = client.search_runs([experiment])
    assert found.data.tags["run"] == run.id and found.info.status == "FINISHED"
    assert found.data.params["model.latent_dim"] == "2"
    history = client.get_metric_history(found.info.run_id, "test_distortion")
    assert sorted({(m.step, m.value) for m in history}) == EXPECTED


def records(content: bytes):
    """The records of a .wandb file: a head of 7 bytes, then LevelDB's log in blocks of 32 KiB."""
    assert content.startswith(b":W&B")
    place, parts = 7, b""
    while place + 7 <= len(content):
        left = 2**15 - place % 2**15
        if left < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_wandb_keeps_what_was_told_here(run):
    pytest.importorskip("wandb", reason=NEEDS)
    tell("wandb", run)
    (path,) = (run.folder / "wandb").glob("offline-run-*/*.wandb")
    record = importlib.import_module("wandb.proto.wandb_internal_pb2").Record
    found = []
    for data in records(path.read_bytes()):
        one = record.FromString(data)
        if one.WhichOneof("record_type") == "history":
            items = {i.key or ".".join(i.nested_key): i.value_json for i in one.history.item}
            found.append((int(items["_step"]), float(items["test_distortion"])))
    assert found == EXPECTED


def test_a_tracker_that_fails_is_left_out_with_one_note(run, monkeypatch):
    told, notes = [], []

    def log(step, values):
        told.append(step)
        raise RuntimeError("the disk is full.\nmore")

    monkeypatch.setattr(tracking, "check_tracker", lambda name: None)
    monkeypatch.setitem(tracking._OPENERS, "wandb", lambda *_: (log, lambda: told.append("end")))
    tracker = Tracker("wandb", run, notes.append)
    for row in ROWS:
        tracker.log(row)
    tracker.close()
    assert (told, notes) == ([10], ["note: wandb failed and is left out: the disk is full"])


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_is_refused_before_a_run_is_made(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, TRACKERS[name], None)
    words = ("train", "--runs-dir", tmp_path / "runs", "--track", name)
    assert_refusal(call(*words, status=1), f"{name} must be installed for --track {name}: run")
    assert not (tmp_path / "runs").exists()


def test_epochs_of_a_run_are_told_and_the_end(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("models.cli.train.check_tracker", lambda name: None)
    monkeypatch.setattr(tracking, "check_tracker", lambda name: None)
    opened = lambda run, given: (  # noqa: E731
        lambda step, values: told.append((step, values["test_distortion"])),
        lambda: told.append("end"),
    )
    monkeypatch.setitem(tracking._OPENERS, "mlflow", opened)
    machine = ("--threads", 1, "--precision", "float32", "--layout", "contiguous")
    call("train", "--runs-dir", tmp_path, "--epochs", 2, *machine, "--track", "mlflow")
    (run,) = (Run(path) for path in tmp_path.iterdir())
    rows = run.history.rows()
    assert isinstance(run.config(), RunConfig)
    assert told == [*((row["step"], row["test_distortion"]) for row in rows), "end"]
