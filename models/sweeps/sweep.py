"""Sweeps: runs over a grid of β, seeds and latent dimensions, trained by processes side by side.

    runs/<run>/           each run is like any other, with the sweep's id in config.json
    runs/sweep-<id>.json  the table: runs, mean and interval for every β, bounds of the slope
    runs/sweep-<id>.csv   runs and means for a spreadsheet

The id is a digest of the request. The same request therefore finds its runs again and continues
those that are not done, whatever stopped them. Importing this module does not import torch.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.atomic import write_bytes
from models.config import RunConfig, override
from models.data.files import data_files
from models.engines.handle import Engine, Work
from models.engines.local import LocalEngine
from models.runs.comparison import ROUNDING, is_changed, without_rounding
from models.runs.folder import Run, list_runs, remove_unbegun
from models.runs.train import AUTOSAVE_SECONDS
from models.sweeps.convergence import check_series
from models.sweeps.grid import run_title
from models.sweeps.plan import SweepRun, plan
from models.sweeps.table import by_beta, rows_of_means, table_row, to_csv
from models.sweeps.worker import Done, Event, Failed, Started, distribute
from models.text import clean_name


@dataclass
class Sweep:
    """The runs of one grid.

    Attributes:
        runs_dir: The folder of runs.
        id: Digest of the request.
        members: In the order of the grid.
        failures: Reasons by run id, of what failed since the sweep was opened.

    Example:
        >>> import tempfile
        >>> from models.presets import preset
        >>> from models.sweeps.grid import grid
        >>> configs = grid(preset("digits-2d"), [0.5, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first, again = Sweep.open(folder, configs), Sweep.open(folder, configs)
        ...     first.members == again.members, len(list_runs(folder))
        (True, 2)
    """

    runs_dir: Path
    id: str
    members: list[SweepRun]
    failures: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(
        cls, runs_dir: str | Path, configs: Sequence[RunConfig], title: str = "", owner: str = ""
    ) -> Sweep:
        """Finds the sweep of these settings: its runs, and new ones where one is missing.

        Args:
            runs_dir: The folder of runs.
            configs: From `grid`, fitted to the data. Threads and layout do not count: runs made
                with others are found as well, and new ones take over theirs. A run that was
                changed while it was trained is not found.
            title: A label; another one makes another sweep.
            owner: Of the new runs; another one makes another sweep.

        Raises:
            OSError: If the disk refuses; then no new run is left behind.
        """
        title = clean_name(title, "")
        keys = [without_rounding(config) for config in configs]
        wanted = [title, [_request(key) for key in keys], *([owner] if owner else [])]
        request = json.dumps(wanted, sort_keys=True)
        sweep_id = hashlib.sha256(request.encode()).hexdigest()[:12]
        known: dict[RunConfig, Run] = {}
        for run in list_runs(runs_dir):
            with contextlib.suppress(ValueError):  # a damaged folder belongs to no sweep
                if run.sweep == sweep_id and not is_changed(run):
                    known[without_rounding(run.config())] = run
        if known:
            recorded = next(iter(known.values())).config()
            alike = {name: recorded.get(name) for name in ROUNDING}
            configs = [override(config, **alike) for config in configs]
        made: list[Run] = []
        try:
            for config, key in zip(configs, keys, strict=True):
                if key not in known:
                    name = run_title(config, title)
                    made.append(Run.create(runs_dir, config, name, sweep_id, owner))
                    known[key] = made[-1]
        except OSError:
            remove_unbegun(made)
            raise
        members = [SweepRun(known[key], known[key].config()) for key in keys]
        return cls(Path(runs_dir), sweep_id, members)

    @classmethod
    def find(cls, runs_dir: str | Path, sweep_id: str) -> Sweep:
        """Finds a sweep that was opened before, by its id.

        Raises:
            ValueError: If no run of the folder belongs to it.
        """
        members = []
        for run in list_runs(runs_dir):
            with contextlib.suppress(ValueError):  # a damaged folder belongs to no sweep
                if run.sweep == sweep_id:
                    members.append(SweepRun(run, run.config()))
        if not members:
            given = clean_name(sweep_id)
            raise ValueError(f"the sweep must be one of the runs folder, got {given!r}")
        members.sort(key=lambda member: (member.latent_dim, member.seed, member.beta))
        return cls(Path(runs_dir), sweep_id, members)

    @property
    def json_path(self) -> Path:
        """Where `write` puts the table as JSON."""
        return self.runs_dir / f"sweep-{self.id}.json"

    @property
    def csv_path(self) -> Path:
        """Where `write` puts the table as CSV."""
        return self.runs_dir / f"sweep-{self.id}.csv"

    def train(
        self,
        data_dir: str | Path | None = None,
        device: str = "cpu",
        command: str = "",
        autosave_seconds: float = AUTOSAVE_SECONDS,
        engine: Engine | None = None,
    ) -> Iterator[Event | None]:
        """Trains what is not done, and yields events of all members as they come.

        Closing the iterator stops the workers; they keep what they have, and so does a crash of
        this process or of one of them: the next call goes on from there.

        Args:
            data_dir: See `models.data.load.load`.
            device: "cpu", or "cuda" or "mps" with one worker for each GPU.
            command: How to make this again, for the cards.
            autosave_seconds: Time between two saves of every state.
            engine: What does the work; it is closed at the end. Default: a `LocalEngine`.

        Yields:
            Events; None where there is none for `HEARTBEAT_SECONDS`.
        """
        members = {member.run.id: member for member in self.members}
        self.failures.clear()
        waiting = []
        for member in self.members:
            if member.is_done():
                yield Done(member.run.id)
            else:
                waiting.append(member)
        config = self.members[0].config
        arguments = [f"--runs-dir={Path(self.runs_dir).resolve()}", f"--device={device}"]
        arguments += [f"--autosave={autosave_seconds:g}", f"--command={command}"]
        arguments += [] if data_dir is None else [f"--data-dir={data_dir}"]
        engine = engine or LocalEngine(niceness=0, reuses=True)
        files = data_files(config.data, data_dir)

        def work(runs: Sequence[Run]) -> Work:
            words = ("work", *[run.id for run in runs], *arguments)
            folders = tuple(str(run.folder.absolute()) for run in runs)
            return Work(words, folders=folders, files=files)

        def room() -> int:
            return engine.room(config.training.threads, device)

        for event in distribute(plan(waiting, room()), room, engine, work):
            if isinstance(event, Failed):
                self.failures[event.run_id] = event.reason
            if isinstance(event, str):
                member = members[event]
                event = Started(event, member.beta, member.seed, member.latent_dim)
            yield event

    def rows(self) -> list[dict[str, Any]]:
        """Lists the rows of the table: one a member, from its checkpoint; see `COLUMNS`."""
        return [table_row(member, self.failures.get(member.run.id, "")) for member in self.members]

    def check(
        self, data_dir: str | Path | None = None, device: str = "cpu"
    ) -> list[dict[str, Any]]:
        r"""Checks the bounds of the slope of every series of finished runs that differ in β alone.

        D and R are those of the *training* set, of the final weights, z sampled with the same
        noise for all: the theorem is about the minimisers of the training objective, and a model
        that has found one may well be worse than its neighbour on other images.

        Args:
            data_dir: See `models.data.load.load`.
            device: Where to score them: "cpu", "cuda" or "mps".

        Returns:
            One row a pair of neighbours: latent_dim, seed, `low` and `high` (both β), `slope`
            -ΔD/ΔR, `holds`, and `not_converged`, the ids of the runs to blame. Empty where the
            objective is not D + βR (free bits, capacity).
        """
        objective = self.members[0].config.objective
        if objective.free_bits or objective.capacity:
            return []
        series: dict[tuple[int, int], list[SweepRun]] = {}
        for member in sorted(self.members, key=lambda member: member.beta):
            if member.is_done():
                series.setdefault((member.latent_dim, member.seed), []).append(member)
        return [
            pair for members in series.values() for pair in check_series(members, data_dir, device)
        ]

    def write(self, bounds: Sequence[Mapping[str, Any]] = ()) -> None:
        """Writes the table beside the runs, whole or not at all, as JSON and as CSV.

        Args:
            bounds: From `check`; the file calls them "sandwich", which is a format.
        """
        rows = self.rows()
        means = by_beta(rows)
        document = {
            "sweep": self.id,
            "members": rows,
            "by_beta": means,
            "sandwich": [*bounds],
        }
        text = json.dumps(document, indent=1, allow_nan=False)
        write_bytes(self.json_path, text.encode())
        write_bytes(self.csv_path, to_csv([*rows, *rows_of_means(means)]).encode())


def _request(config: RunConfig) -> dict[str, Any]:
    """The settings as the digest of a request has them: a setting that it never counted is left
    out, so that older sweeps are found."""
    document = config.to_json()
    del document["training"]["layout"]
    return document
