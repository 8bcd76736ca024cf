"""A sweep on Dask against the same sweep on the local engine: eight β and two seeds on digits.

Both are whole commands with as many workers as there are cores. `--dask local` also starts a
scheduler and workers and brings them the runs, whose folders come back; the rest is the same
program. The second line shares out what it costs among the members.
"""

from __future__ import annotations

import tempfile

from tests.benchmarks.common import CORES, Row, arguments, interleaved, show
from tests.benchmarks.sweep import BETAS, call

SEEDS = 2


def main() -> None:
    """Both commands in turn, three times, and one table."""
    options = arguments(__doc__)
    settings = ["--preset=digits-2d", f"--betas={','.join(BETAS)}", f"--seeds={SEEDS}"]
    settings += ["--epochs=3"] * options.quick

    def sweep(*more: str) -> None:
        with tempfile.TemporaryDirectory() as runs:
            call(runs, "sweep", [*settings, *more])

    loops = {"local": sweep, "dask": lambda: sweep("--dask=local")}
    seconds = interleaved(loops, 1 if options.quick else 3)
    ratio = seconds["dask"] / seconds["local"]
    members = len(BETAS) * SEEDS
    cost = 1000 * (seconds["dask"] - seconds["local"]) / members
    rows = [
        Row("local engine", f"{seconds['local']:.1f} s", 1.0),
        Row("Dask", f"{seconds['dask']:.1f} s", ratio, "<= 1.15 x", ratio <= 1.15),
        Row("  more for each member", f"{cost:.0f} ms"),
    ]
    show(f"{members} runs on digits, {CORES} cores", rows, options.quick)


if __name__ == "__main__":
    main()
