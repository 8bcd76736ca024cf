"""Damages, kills and forges for as long as you like: does anything escape, or get lost?

The long version of tests that `bash tests/run --all` has short. Each part repeats trials; a trial's
random numbers come from the seed, the part and the trial's number, so a failure can be repeated:

    python -m tests.benchmarks.chaos --minutes 10
    python -m tests.benchmarks.chaos --part folders --seed 7 --first 123 --trials 1

Parts: damaged checkpoints; damaged uploads, which must also be cheap; run, job and sweep folders
with damaged files under commands, and under pages; trainings that are killed and resumed; forged
values of widgets on a server, and floods of messages, beside a visitor who must not notice.
The exit status is 1 if a trial failed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from models.storage.checkpoint import write
from tests.benchmarks.forgery import Forger, flood
from tests.helpers import damaged_folders, images
from tests.helpers.checkpoint_files import CARD, CODES, WEIGHTS
from tests.helpers.mutants import (
    mutate_bytes,
    mutate_checkpoint_bytes,
    mutate_checkpoint_values,
    pick,
    reads_or_refuses,
    restores_or_refuses,
)

KILLED_EPOCHS = 8
"""Of a training that is killed at most once in each."""
MAX_FAILURES = 5
"""Of a part; then it ends."""
UPLOAD_SECONDS = 2.0
"""Of the processor, for the small uploads here, on a busy machine."""
PAGES = ("latent_map", "trade_off", "collapse", "train", "families", "lessons")
Trial = Callable[[np.random.Generator], str]
"""Does one thing and says what came of it; raises what must not happen."""


@contextlib.contextmanager
def checkpoints(folder: Path) -> Iterator[Trial]:
    """Damaged checkpoints are refused or harmless."""
    path = folder / "a.safetensors"
    write(path, CARD, WEIGHTS, CODES)
    good = path.read_bytes()

    def trial(random: np.random.Generator) -> str:
        mutate = pick((mutate_checkpoint_bytes, mutate_checkpoint_values), random)
        return "harmless" if restores_or_refuses(mutate(good, random), path) else "refused"

    yield trial


@contextlib.contextmanager
def uploads(folder: Path) -> Iterator[Trial]:
    """Damaged images, archives, arrays and tables are refused or read, soon."""
    whole = images.uploads_of_every_kind()

    def trial(random: np.random.Generator) -> str:
        files = list(pick(whole, random))
        for _ in range(random.integers(1, 4)):
            place = random.integers(0, len(files))
            name, content = files[place]
            files[place] = name, mutate_bytes(content, random, 200)
        start = time.process_time()
        outcome = "read" if reads_or_refuses(files) else "refused"
        assert time.process_time() - start < UPLOAD_SECONDS, "it took too long"
        return outcome

    yield trial


@contextlib.contextmanager
def folders(folder: Path) -> Iterator[Trial]:
    """Beside damaged folders every command ends well or with one sentence."""
    whole = damaged_folders.whole(folder / "whole")

    def trial(random: np.random.Generator) -> str:
        runs = _copy(whole, folder / "runs")
        damaged_folders.damage(runs, random)
        return damaged_folders.call_one(runs, random)

    yield trial


@contextlib.contextmanager
def pages(folder: Path) -> Iterator[Trial]:
    """Beside damaged folders every page opens."""
    from streamlit import config

    from tests.helpers.app_test import open_view
    from tests.helpers.paths import ROOT

    config._main_script_path = str(ROOT / "explorer" / "app.py")
    whole = damaged_folders.whole(folder / "whole")
    os.environ["LATENT_RUNS_DIR"] = str(folder / "runs")

    def trial(random: np.random.Generator) -> str:
        runs = _copy(whole, folder / "runs")
        damaged_folders.damage(runs, random)
        page = pick(PAGES, random)
        link = {"model": pick(sorted(os.listdir(runs)), random)} if random.random() < 0.5 else {}
        open_view(page, **link)
        return page

    yield trial


def _copy(whole: Path, place: Path) -> Path:
    """A fresh copy of a folder in the same place."""
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(whole, place))


@contextlib.contextmanager
def kills(folder: Path) -> Iterator[Trial]:
    """A training that is killed again and again ends with the bits of one that was not."""
    from models.runs.folder import Run
    from tests.helpers.configs import tiny
    from tests.helpers.jobs import assert_same_as_uninterrupted
    from tests.helpers.processes import python

    config = tiny(training={"epochs": KILLED_EPOCHS})

    def trial(random: np.random.Generator) -> str:
        runs = folder / f"{random.integers(2**40)}"
        run, killed = Run.create(runs, config, "mine"), 0
        words = ["-m", "models", "train", "--resume", run.id, "--runs-dir", str(runs)]
        while (
            not (run.folder / "metrics.jsonl").exists() or len(run.history.rows()) < KILLED_EPOCHS
        ):
            process = python(*words, "--autosave", "0")
            begun = len(run.history.rows())
            while process.poll() is None and len(run.history.rows()) == begun:
                time.sleep(0.01)
            time.sleep(random.exponential(0.2))
            killed += process.poll() is None
            process.kill()
            said = process.communicate()[1]
            assert process.returncode in (0, -signal.SIGKILL), said
        process = python(*words)
        assert process.wait(300) == 0, process.communicate()[1]
        process.communicate()
        assert_same_as_uninterrupted(run, runs)
        shutil.rmtree(runs)
        return f"{killed} kills"

    yield trial


@contextlib.contextmanager
def values(folder: Path) -> Iterator[Trial]:
    """Values that no widget has give no red box, and the server goes on."""
    from tests.helpers.app_server import app_server

    with app_server(folder / "runs") as (address, process):

        def trial(random: np.random.Generator) -> str:
            page = pick(("", "train", "trade-off", "collapse", "families", "lessons"), random)
            with closing(Forger(address, "model=digits-2d-beta-1", page)) as forger:
                assert forger.errors == 0, f"{page} does not open"
                for _ in range(5):
                    forger.forge(random)
                assert process.poll() is None, "the server ended"
                assert forger.errors == 0, f"a red box on {page or 'the map'}: {forger.said}"
            return page or "map"

        yield trial


@contextlib.contextmanager
def floods(folder: Path) -> Iterator[Trial]:
    """Of a flood few messages are run, the last is not lost, and others are served."""
    from tests.helpers.app_server import app_server

    with app_server(folder / "runs") as (address, _):

        def trial(random: np.random.Generator) -> str:
            flood(address, int(random.integers(200, 3000)))
            return "merged"

        yield trial


PARTS = (checkpoints, uploads, folders, pages, kills, values, floods)


def run_part(make: Callable, seed: int, numbers: Iterator[int], end: float) -> int:
    """Trials of one part until the time or the numbers end; how many failed."""
    index, outcomes, failures = PARTS.index(make), Counter(), 0
    name = make.__name__
    with tempfile.TemporaryDirectory() as folder, make(Path(folder)) as trial:
        for number in numbers:
            if time.monotonic() > end or failures >= MAX_FAILURES:
                break
            try:
                outcomes[trial(np.random.default_rng([seed, index, number]))] += 1
            except Exception:
                failures += 1
                traceback.print_exc()
                print(f"FAILED: --part {name} --seed {seed} --first {number} --trials 1")
    said = ", ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items()))
    print(f"{name}: {sum(outcomes.values()) + failures} trials, {failures} failed ({said})")
    sys.stdout.flush()
    return failures


def main() -> int:
    names = [make.__name__ for make in PARTS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of all parts together")
    parser.add_argument("--seed", type=int, default=None, help="by default another every time")
    parser.add_argument("--part", choices=names, action="append", help="only this one; repeatable")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--trials", type=int, default=None, help="most trials of a part")
    parser.add_argument("--quick", action="store_true", help="does it run? one trial of each")
    given = parser.parse_args()
    seed = int.from_bytes(os.urandom(4)) if given.seed is None else given.seed
    chosen = [make for make in PARTS if make.__name__ in (given.part or names)]
    count = 1 if given.quick else given.trials or sys.maxsize - given.first
    print(f"seed {seed}" + " (--quick: a trial only)" * given.quick, flush=True)
    failed = 0
    for make in chosen:
        end = time.monotonic() + (600 if given.quick else 60 * given.minutes / len(chosen))
        failed += run_part(make, seed, iter(range(given.first, given.first + count)), end)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
