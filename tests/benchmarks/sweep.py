"""Sweeps: eight β in one command against eight single trainings in sequence; --mnist: larger ones.

Both are whole commands, start of the processes and scores included; the single ones compute in
float32 with the number of threads that suits them best. The rows of epochs compare training
alone, as the runs themselves have timed it: the sum of the single runs' median epochs against the
median epoch of the slowest stack.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.runs.folder import list_runs
from tests.benchmarks.common import CORES, ROOT, Row, arguments, interleaved, show

BETAS = ("0.1", "0.3", "1", "3", "10", "30", "100", "300")


def call(runs: str, command: str, settings: Sequence[str]) -> None:
    """One command in a process of its own."""
    words = [sys.executable, "-m", "models", command, f"--runs-dir={runs}", *settings]
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def epochs(runs: str) -> list[float]:
    """The median seconds of an epoch of every run."""
    return [
        statistics.median(row["seconds"] for row in run.history.rows())
        for run in list_runs(Path(runs))
    ]


def compare(
    title: str, settings: Sequence[str], threads: int, targets: Mapping[str, float], quick: bool
) -> dict[str, float]:
    """Rounds in turn, and one table; returns the seconds of a sweep by its precision.

    Args:
        title: Of the table.
        settings: Options of every run.
        threads: Of the single runs.
        targets: Ratio to reach by the precision of the sweep.
        quick: One round.
    """
    rounds = 1 if quick else 3
    epoch: dict[str, list[float]] = {name: [] for name in ("single", *targets)}

    def single() -> float:
        with tempfile.TemporaryDirectory() as runs:
            start = time.perf_counter()
            for beta in BETAS:
                call(runs, "train", [*settings, f"--threads={threads}", f"--beta={beta}"])
            seconds = time.perf_counter() - start
            epoch["single"].append(sum(epochs(runs)))
        return seconds

    def sweep(precision: str) -> float:
        with tempfile.TemporaryDirectory() as runs:
            start = time.perf_counter()
            betas = f"--betas={','.join(BETAS)}"
            call(runs, "sweep", [*settings, betas, f"--precision={precision}"])
            seconds = time.perf_counter() - start
            epoch[precision].append(max(epochs(runs)))
        return seconds

    loops = {"single": single} | {name: lambda name=name: sweep(name) for name in targets}
    seconds = interleaved(loops, rounds)
    inner = {name: statistics.median(values) for name, values in epoch.items()}
    rows = [Row(f"eight train commands, {threads} threads", f"{seconds['single']:.1f} s", 1.0)]
    rows.append(Row("  an epoch of each", f"{1000 * inner['single']:.0f} ms", 1.0))
    for name, target in targets.items():
        ratio = seconds["single"] / seconds[name]
        rows.append(
            Row.at_least(f"one sweep command, {name}", f"{seconds[name]:.1f} s", ratio, target)
        )
        ratio = inner["single"] / inner[name]
        rows.append(
            Row.at_least("  an epoch of all", f"{1000 * inner[name]:.0f} ms", ratio, target)
        )
    show(f"{title}, {CORES} cores, {rounds} rounds", rows, quick)
    for name, values in epoch.items():
        low, high = min(values) / inner[name], max(values) / inner[name]
        print(f"epochs of {name}: {low:.2f} to {high:.2f} of their median over the rounds")
    return seconds


def main() -> None:
    """Digits with their preset, or the MNIST preset for two epochs in both precisions."""
    options = arguments(__doc__, "--mnist")
    if options.mnist:
        settings = ["--preset=mnist-2d", f"--epochs={1 if options.quick else 2}"]
        targets = {"float32": 1.25, "bfloat16": 1.7}
        compare("8 β on MNIST, network of mnist-2d", settings, CORES, targets, options.quick)
        return
    settings = ["--preset=digits-2d"] + ["--epochs=5"] * options.quick
    title = "8 β on digits, preset digits-2d"
    seconds = compare(title, settings, 1, {"float32": 3.5}, options.quick)
    row = Row.at_most("start to table", seconds["float32"], "s", 60)
    show("One sweep of 8 β on digits", [row], options.quick)


if __name__ == "__main__":
    main()
