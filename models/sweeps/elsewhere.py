"""Sweeps on machines beyond this one: what of a run travels, and the engine that takes it there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from models.engines.dask import LOST_SECONDS, DaskEngine
from models.engines.system import cores
from models.engines.transfer import Rules
from models.runs.folder import Run
from models.sweeps.plan import SweepRun

LOCK_PATIENCE = 30.0
"""Seconds to wait for a process that is being told to leave a run."""


def _hold(folder: Path) -> AbstractContextManager[None]:
    return Run(folder).lock(LOCK_PATIENCE)


RULES = Rules(
    sent=("config.json", "label.json", "changes.jsonl", "failure.json", "frames/*.safetensors",
          "metrics.jsonl", "state.safetensors"),
    returned=("frames/*.safetensors", "metrics.jsonl", "state.safetensors", "model.safetensors",
              "failure.json"),
    hold=_hold,
)  # fmt: skip
"""A history may be ahead of the state, which a resume puts right, but never behind it."""


def dask_engine(address: str, members: Sequence[SweepRun]) -> DaskEngine:
    """Makes the engine that trains the runs of a sweep on Dask.

    Args:
        address: See `DaskEngine`; "local" starts a worker for every core that a run leaves free.
        members: Of the sweep.

    Raises:
        DaskError: See `DaskEngine`.
    """
    threads = members[0].config.training.threads if members else 1
    workers = max(1, min(len(members), cores() // threads))
    lost = float(os.environ.get("LATENT_DASK_LOST_SECONDS", "") or LOST_SECONDS)
    return DaskEngine(address, RULES, workers, lost_seconds=lost)
