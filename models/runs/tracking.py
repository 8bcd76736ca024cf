"""The epochs of a run, also told to another program that keeps track of runs: `train --track`.

Everything stays on this machine unless that program's own variables say otherwise
(`MLFLOW_TRACKING_URI`, `WANDB_MODE`). The run folder remains the record of the run: a tracker that
fails is dropped, with a note, and training goes on.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from models.runs.folder import Run

TRACKERS = {"tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb"}
"""The names of `--track`, and the package that each needs."""
INSTALL = f"python -m pip install -r {Path(__file__).with_name('requirements-tracking.txt')}"
SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_ERROR_REPORTING": "false"}
"""What keeps these packages from reporting their own use, unless the user has set it."""
EXPERIMENT = "latent-space-explorer"

Log = Callable[[int, Mapping[str, float]], object]
"""Takes a step and numbers by name."""
Writer = tuple[Log, Callable[[], object]]
"""How to log, and how to end."""


class Tracker:
    """Tells one tracking program about the epochs of a run.

    Args:
        name: Of `TRACKERS`.
        run: Its settings are told at once; its id and title name it.
        report: Told, once, that the tracker failed.

    Raises:
        ValueError: If the name is none of them, or the package is missing or cannot begin.

    Example:
        >>> Tracker("excel", Run("runs/20260101-000000-abcdef"))
        Traceback (most recent call last):
        ValueError: track must be one of tensorboard, mlflow, wandb, got 'excel'
    """

    def __init__(self, name: str, run: Run, report: Callable[[str], object] = print) -> None:
        check_tracker(name)
        self._name, self._report = name, report
        self._writer: Writer | None = None
        try:
            self._writer = _OPENERS[name](run, settings(run))
        except Exception as error:  # whatever a package raises
            raise ValueError(f"{name} must be able to begin, but: {_first_line(error)}") from error

    def log(self, row: Mapping[str, Any]) -> None:
        """Tells of an epoch: a row of the history, from `EpochEnd.row`."""
        self._try(lambda writer: writer[0](row["step"], numbers(row)))

    def close(self) -> None:
        """Ends it; nothing more is told."""
        self._try(lambda writer: writer[1]())
        self._writer = None

    def _try(self, use: Callable[[Writer], object]) -> None:
        if self._writer is None:
            return
        try:
            use(self._writer)
        except Exception as error:  # training goes on
            self._writer = None
            self._report(f"note: {self._name} failed and is left out: {_first_line(error)}")


def check_tracker(name: str) -> None:
    """Refuses a tracker before a run is made.

    Raises:
        ValueError: If there is none of that name, or its package is not installed.
    """
    if name not in TRACKERS:
        raise ValueError(f"track must be one of {', '.join(TRACKERS)}, got {name!r:.40}")
    for variable, value in SILENT.items():  # read when a package is imported
        os.environ.setdefault(variable, value)
    try:
        importlib.import_module(TRACKERS[name])
    except ImportError:
        raise ValueError(f"{name} must be installed for --track {name}: run {INSTALL}") from None


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Lists the numbers of a row by name; those of a list are numbered from 1.

    Example:
        >>> numbers({"step": 3, "test_rate": 1.5, "test_kl_per_dimension": [1.0, 0.5]})
        {'test_rate': 1.5, 'test_kl_per_dimension_1': 1.0, 'test_kl_per_dimension_2': 0.5}
    """
    found: dict[str, float] = {}
    for name, value in row.items():
        if isinstance(value, list):
            found |= {f"{name}_{i}": float(one) for i, one in enumerate(value, 1)}
        elif name != "step":
            found[name] = float(value)
    return found


def settings(run: Run) -> dict[str, Any]:
    """The settings of a run by name, those of a part as PART.NAME."""
    flat: dict[str, Any] = {}
    for part, value in run.config().to_json().items():
        if isinstance(value, Mapping):
            flat |= {f"{part}.{name}": one for name, one in value.items()}
        else:
            flat[part] = value
    return flat


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")[:200]


def _tensorboard(run: Run, given: Mapping[str, Any]) -> Writer:
    """Files in the run folder, so that `tensorboard --logdir runs` shows all runs."""
    summaries = importlib.import_module("torch.utils.tensorboard")
    writer = summaries.SummaryWriter(run.folder / "tracking")
    writer.add_text("settings", "\n".join(f"    {name} = {one}" for name, one in given.items()))

    def log(step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    return log, writer.close


def _mlflow(run: Run, given: Mapping[str, Any]) -> Writer:
    """A run of the experiment `EXPERIMENT`; the same one when it is resumed."""
    mlflow = importlib.import_module("mlflow")
    local = f"sqlite:///{(run.folder.parent / 'mlflow.db').resolve()}"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or local
    client = mlflow.MlflowClient(uri, registry_uri=uri)
    known = client.get_experiment_by_name(EXPERIMENT)
    experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT)
    same = client.search_runs([experiment], f"tags.run = '{run.id}'")
    if same:
        number = same[0].info.run_id
    else:
        number = client.create_run(experiment, tags={"run": run.id}, run_name=run.title).info.run_id
        for name, value in given.items():
            client.log_param(number, name, value)

    def log(step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            client.log_metric(number, name, value, step=step)

    return log, lambda: client.set_terminated(number)


def _wandb(run: Run, given: Mapping[str, Any]) -> Writer:
    """Files in the run folder, which `wandb sync` sends; nothing is sent from here by itself."""
    wandb = importlib.import_module("wandb")
    mode = os.environ.get("WANDB_MODE") or "offline"
    told = wandb.init(
        project=EXPERIMENT, id=run.id, name=run.title, dir=str(run.folder), mode=mode,
        config=dict(given), resume="allow" if mode == "online" else None,
    )  # fmt: skip
    return lambda step, values: told.log(dict(values), step=step), told.finish


_OPENERS: dict[str, Callable[[Run, Mapping[str, Any]], Writer]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
}
