"""What is read of the user's run folders on every rerun, and what follows from settings alone.

Files are known by path and time of change, and read again when they have changed.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import numpy as np
import streamlit as st

from models.config import ModelConfig, RunConfig
from models.runs.folder import Run, default_runs_dir, list_runs
from models.runs.label import Label


def configured_runs() -> list[tuple[Run, RunConfig]]:
    """Lists the user's runs with their settings, newest first; damaged ones are left out."""
    configured = []
    for run in list_runs(default_runs_dir()):
        with contextlib.suppress(OSError):  # removed in this moment
            path = run.folder / "config.json"
            config = _config(str(path), path.stat().st_mtime_ns)
            configured += [] if config is None else [(run, config)]
    return configured


@functools.lru_cache(2000)
def _config(path: str, changed: int) -> RunConfig | None:
    with contextlib.suppress(ValueError):
        return Run(Path(path).parent).config()
    return None


def label(run: Run) -> Label:
    """Reads title, note and pin that the owner of a run gave it."""
    try:
        status = run.label_path.stat()
    except OSError:
        return Label()
    return _label(str(run.label_path), status.st_mtime_ns, status.st_ino)


@functools.lru_cache(2000)
def _label(path: str, changed: int, inode: int) -> Label:
    return Run(Path(path).parent).label


@st.cache_resource(max_entries=500, show_spinner="Counting parameters…")
def parameters(config: ModelConfig) -> int:
    """Counts the parameters of a model without memory for them.

    Raises:
        ValueError: If there would be too many.
    """
    from models.families.registry import count_parameters, describe

    return count_parameters(describe(config))


@st.cache_data(max_entries=100, show_spinner=False)
def kl_weights(config: RunConfig, total_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples at most 500 steps of a training run, with the weight of the rate at each."""
    from models.objectives.schedules import kl_weight

    steps = np.unique(np.linspace(1, total_steps, 500).astype(int))
    weights = [kl_weight(int(step), total_steps, config.objective) for step in steps]
    return steps, np.array(weights)
