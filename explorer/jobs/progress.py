"""How far training runs are, as their run folders tell: the same to every server that looks.

Looking is cheap, since only what has been added is read, and nothing is twice within
`MEMO_SECONDS`, however many people watch.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models.metrics.names import NATS, in_words, with_elbo
from models.runs.folder import Run, find_run
from models.runs.history import LatestRow
from models.runs.status import epochs_done

MEMO_SECONDS = 0.2
PACE_STEPS = 50
"""Steps of progress behind an estimate of the time left."""


class Measure(NamedTuple):
    """Share done from 0 to 1, seconds left or None, and one line."""

    share: float = 0.0
    seconds_left: float | None = None
    text: str = ""


class _Member:
    """One run, and how much of it is done."""

    def __init__(self, run: Run) -> None:
        config = run.config()
        self.epochs = config.training.epochs
        self.has_rate = config.model.capabilities.has_rate
        self.latest = LatestRow(run.folder)

    def epoch(self) -> int:
        """Epochs finished."""
        return epochs_done(self.latest.read(), self.epochs)

    def text(self) -> str:
        """Where it stands, in one line."""
        epoch, row = self.epoch(), self.latest.read() or {}
        test = {n[5:]: v for n, v in row.items() if n.startswith("test_") and type(v) is not int}
        scores = with_elbo(test, self.has_rate)
        if not epoch or not scores:
            return "first epoch"
        terms = in_words(scores, separator=", ").replace(NATS, "nats per test image")
        return f"epoch {epoch} of {self.epochs}: {terms.replace('-', '−')}"


class Progress:
    """The runs of one job.

    Args:
        runs_dir: The folder of runs.
        runs: Their ids.
        is_sweep: Whether they are the runs of a sweep.
    """

    def __init__(self, runs_dir: Path, runs: Sequence[str], is_sweep: bool = False) -> None:
        self._runs_dir, self._runs, self._is_sweep = runs_dir, tuple(runs), is_sweep
        self._members: list[_Member] | None = None
        self._lock = threading.Lock()
        self._measure, self._measured = Measure(), -math.inf
        self._steps: deque[tuple[float, float]] = deque(maxlen=PACE_STEPS)  # time, share
        self._share: float | None = None

    def measure(self, fresh: bool = False) -> Measure:
        """How far they are; at most `MEMO_SECONDS` ago, unless it must be `fresh`."""
        with self._lock:
            if fresh or time.monotonic() - self._measured >= MEMO_SECONDS:
                self._measure = self._look()
                self._measured = time.monotonic()
            return self._measure

    def _look(self) -> Measure:
        if self._members is None:
            self._members = self._find()
        if not self._members:
            return Measure()
        shares = [member.epoch() / member.epochs for member in self._members]
        share, done = sum(shares) / len(shares), sum(share == 1 for share in shares)
        text = f"{done} of {len(shares)} runs done" if self._is_sweep else self._members[0].text()
        return Measure(share, self._left(share), text)

    def _find(self) -> list[_Member]:
        """The runs; none if one is gone or damaged, which the job itself reports."""
        try:
            return [_Member(find_run(self._runs_dir, name)) for name in self._runs]
        except ValueError:
            return []

    def _left(self, share: float) -> float | None:
        """Seconds, at the pace of the latest steps; None until two were seen.

        The first step is not timed: it holds what a process does once.
        """
        now = time.monotonic()
        if self._share is not None and share > self._share:
            self._steps.append((now, share))
        elif self._share is not None and share < self._share:  # a resume goes back a little
            self._steps.clear()
        self._share = share
        if len(self._steps) < 2:
            return None
        (began, first), (seen, last) = self._steps[0], self._steps[-1]
        return max(0.0, (1 - last) * (seen - began) / (last - first) - (now - seen))
