"""Sweeps: runs over a grid of β, seeds and latent dimensions, trained by processes side by side.

    runs/<run>/           every member is a run like any other, with the sweep's id in config.json
    runs/sweep-<id>.json  the table: members, mean and interval for every β, the sandwich
    runs/sweep-<id>.csv   members and means for a spreadsheet

The id is a digest of what was asked for. So the same request finds its runs again and goes on
with those that are not done, whatever stopped it.

Members that differ in β alone are trained as stacks (`models.stack`), others one by one; processes
times threads is the number of cores. Importing this module does not import torch.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import itertools
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from models.checkpoint import CheckpointError, read, write_bytes
from models.config import RunConfig
from models.imageset import clean_name
from models.runs import AUTOSAVE_SECONDS, Run, list_runs

MAX_MEMBERS = 1000
MAX_STACK = 16
HEARTBEAT_SECONDS = 0.4
"""Longest silence of a stream of events."""
REPORT_SECONDS = 0.2
"""Time between two reports of a worker."""
LEAVE_SECONDS = 60.0
"""Most that a worker may take to save its runs when it is told to leave."""
STANDARD_ERRORS = 3.0
MATERIAL_NATS = 0.01
"""How far below zero a gap of the sandwich must be before it counts: both that many standard
errors and that many nats per image, for two collapsed models differ by less than anyone can see."""


def cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def grid(
    config: RunConfig, betas: Sequence[float], seeds: int = 1, latent_dims: Sequence[int] = ()
) -> list[RunConfig]:
    """The settings of every member: β varies fastest, then the seed, then the latent dimension.

    Args:
        config: What they have in common; its seed is the first.
        betas: Values of β, all different.
        seeds: How many seeds, counted up from that of `config`.
        latent_dims: Latent dimensions; none: that of `config`.

    Raises:
        ValueError: If a value is outside its limits or given twice, if there are more than
            `MAX_MEMBERS` members, or if there is no β to vary (an autoencoder).

    Example:
        >>> from models.config import preset
        >>> members = grid(preset("digits-2d"), [0.5, 1.0], seeds=2)
        >>> [(member.objective.beta, member.training.seed) for member in members]
        [(0.5, 0), (1.0, 0), (0.5, 1), (1.0, 1)]
    """
    latent_dims = list(latent_dims) or [config.model.latent_dim]
    for name, values in (("betas", betas), ("latent_dims", latent_dims)):
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{name} must be one or more different values, got {list(values)}")
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    count = len(betas) * len(latent_dims) * seeds
    if count > MAX_MEMBERS:
        raise ValueError(f"a sweep must have at most {MAX_MEMBERS} runs, got {count}")
    if config.model.family != "vae":
        raise ValueError(f"family must be vae in a sweep over beta, got {config.model.family}")
    first = config.training.seed
    return [
        replace(
            config,
            model=replace(config.model, latent_dim=latent_dim),
            objective=replace(config.objective, beta=float(beta)),
            training=replace(config.training, seed=seed),
        )
        for latent_dim in latent_dims
        for seed in range(first, first + seeds)
        for beta in betas
    ]


@dataclass(frozen=True)
class Member:
    """One run of a sweep and its settings."""

    run: Run
    config: RunConfig

    @property
    def beta(self) -> float:
        """Weight of the rate."""
        return self.config.objective.beta

    @property
    def seed(self) -> int:
        """Of weights, order and noise."""
        return self.config.training.seed

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return self.config.model.latent_dim

    @property
    def series(self) -> str:
        """What it has in common with those it may share a stack with: all but β."""
        neutral = replace(self.config, objective=replace(self.config.objective, beta=1.0))
        return repr(neutral)

    def is_done(self) -> bool:
        """Whether its last epoch is over and its checkpoint written."""
        rows = self.run.metrics()
        epochs = rows[-1]["epoch"] + 1 if rows else 0
        return epochs == self.config.training.epochs and self._steps() == rows[-1]["step"]

    def _steps(self) -> int | None:
        try:
            return read(self.run.model_path).card.steps
        except CheckpointError:
            return None


@dataclass(frozen=True)
class Started:
    """A process has taken the member."""

    run_id: str
    beta: float
    seed: int
    latent_dim: int


@dataclass(frozen=True)
class Advanced:
    """Where a member is: step and share done; D and R over its latest steps, nats per image."""

    run_id: str
    step: int
    share: float
    distortion: float
    rate: float


@dataclass(frozen=True)
class Done:
    """A member has reached its end; its checkpoint is there."""

    run_id: str


@dataclass(frozen=True)
class Failed:
    """A member stopped for a reason, one sentence; the others go on."""

    run_id: str
    reason: str


Event = Started | Advanced | Done | Failed


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
        >>> from models.config import preset
        >>> configs = grid(preset("digits-2d"), [0.5, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first, again = Sweep.open(folder, configs), Sweep.open(folder, configs)
        ...     first.members == again.members, len(list_runs(folder))
        (True, 2)
    """

    runs_dir: Path
    id: str
    members: list[Member]
    failures: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, runs_dir: str | Path, configs: Sequence[RunConfig], title: str = "") -> Sweep:
        """The sweep of these settings: its runs as they are, and new ones where there is none.

        Args:
            runs_dir: The folder of runs.
            configs: From `grid`, fitted to the data. Threads do not count: runs made with other
                numbers of them are found as well.
            title: A label; another one makes another sweep.
        """
        title = clean_name(title, "")
        plain = [_without_threads(config) for config in configs]
        request = json.dumps([title, [config.to_json() for config in plain]], sort_keys=True)
        sweep_id = hashlib.sha256(request.encode()).hexdigest()[:12]
        found: dict[str, Run] = {}
        for run in list_runs(runs_dir):
            with contextlib.suppress(ValueError):  # a damaged folder belongs to nobody
                if run.sweep == sweep_id:
                    found[repr(_without_threads(run.config()))] = run
        members = []
        for config, key in zip(configs, map(repr, plain), strict=True):
            run = found.get(key)
            if run is None:
                run = Run.create(runs_dir, config, _title(config, title), sweep_id)
            members.append(Member(run, run.config()))
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
        niceness: int = 0,
    ) -> Iterator[Event | None]:
        """Trains what is not done, and yields news of all members as they come.

        Closing the iterator stops the workers; they keep what they have, and so does a crash of
        this process or of one of them: the next call goes on from there.

        Args:
            data_dir: See `models.data.load`.
            device: "cpu", or "cuda" with one worker.
            command: What the cards say about how to make this again.
            autosave_seconds: Time between two saves of every state.
            niceness: Added to that of the workers, where the system knows it.

        Yields:
            Events; None where there is no news for `HEARTBEAT_SECONDS`.
        """
        members = {member.run.id: member for member in self.members}
        self.failures.clear()
        waiting = []
        for member in self.members:
            if member.is_done():
                yield Done(member.run.id)
            else:
                waiting.append(member)
        threads = self.members[0].config.training.threads
        count = 1 if device == "cuda" else max(1, cores() // threads)
        arguments = [f"--runs-dir={Path(self.runs_dir).resolve()}", f"--device={device}"]
        arguments += [f"--autosave={autosave_seconds:g}", f"--command={command}"]
        arguments += [] if data_dir is None else [f"--data-dir={data_dir}"]
        for event in _distribute(plan(waiting, count), count, arguments, niceness):
            if isinstance(event, Failed):
                self.failures[event.run_id] = event.reason
            if isinstance(event, str):
                member = members[event]
                event = Started(event, member.beta, member.seed, member.latent_dim)
            yield event

    def rows(self) -> list[dict[str, Any]]:
        """The table: one row a member, from its checkpoint; see `COLUMNS`."""
        return [_row(member, self.failures.get(member.run.id, "")) for member in self.members]

    def check(self, data_dir: str | Path | None = None) -> list[dict[str, Any]]:
        r"""The sandwich of every series of finished members that differ in β alone.

        D and R are those of the *training* set, of the final weights, z sampled with the same
        noise for all: the theorem is about the minimisers of the training objective, and a model
        that has found one may well be worse than its neighbour on other images.

        Args:
            data_dir: See `models.data.load`.

        Returns:
            One row a pair of neighbours: latent_dim, seed, `low` and `high` (both β), `slope`
            -ΔD/ΔR, `holds`, and `not_converged`, the ids of the runs to blame. Empty where the
            objective is not D + βR (free bits, capacity).
        """
        objective = self.members[0].config.objective
        if objective.free_bits or objective.capacity:
            return []
        series: dict[tuple[int, int], list[Member]] = {}
        for member in sorted(self.members, key=lambda member: member.beta):
            if member.is_done():
                series.setdefault((member.latent_dim, member.seed), []).append(member)
        return [pair for members in series.values() for pair in _check_series(members, data_dir)]

    def write(self, sandwiches: Sequence[Mapping[str, Any]] = ()) -> None:
        """Writes the table beside the runs, whole or not at all, as JSON and as CSV."""
        rows = self.rows()
        means = by_beta(rows)
        document = {"sweep": self.id, "members": rows, "by_beta": means, "sandwich": [*sandwiches]}
        text = json.dumps(document, indent=1, allow_nan=False)
        write_bytes(self.json_path, text.encode())
        write_bytes(self.csv_path, to_csv([*rows, *_of_many(means)]).encode())


def _without_threads(config: RunConfig) -> RunConfig:
    return replace(config, training=replace(config.training, threads=1))


def _title(config: RunConfig, title: str) -> str:
    """A label for one member."""
    what = title or f"{Path(config.data).name} sweep"
    beta, seed = config.objective.beta, config.training.seed
    return f"{what}: β {beta:g}, {config.model.latent_dim} latents, seed {seed}"


# --- who trains what -----------------------------------------------------------------------------


def plan(members: Sequence[Member], workers: int) -> list[list[Run]]:
    """The runs in groups, each for one process at a time, largest first.

    Members that differ in β alone and can be stacked share a group. These series are cut into as
    many equal parts as let the workers share them evenly.

    Args:
        members: Not yet done.
        workers: How many processes there will be.

    Example:
        >>> from models.config import preset
        >>> configs = grid(preset("digits-2d"), [0.1, 0.3, 1.0, 3.0, 10.0], seeds=3)
        >>> members = [Member(Run(Path(str(i))), config) for i, config in enumerate(configs)]
        >>> [len(group) for group in plan(members, workers=2)]
        [3, 3, 3, 2, 2, 2]
    """
    series: dict[str, list[Run]] = {}
    for member in members:
        key = member.series if can_stack(member.config) else member.run.id
        series.setdefault(key, []).append(member.run)
    parts = workers // math.gcd(workers, max(1, len(series)))
    groups = []
    for runs in series.values():
        count = min(len(runs), parts * math.ceil(len(runs) / (MAX_STACK * parts)))
        groups += [runs[start::count] for start in range(count)]
    return sorted(groups, key=len, reverse=True)


def can_stack(config: RunConfig) -> bool:
    """Whether runs of these settings can be stacked: linear layers, no state but the weights.

    Example:
        >>> from models.config import preset
        >>> can_stack(preset("mnist-2d"))
        True
    """
    model = config.model
    return (
        model.family == "vae"
        and model.network == "mlp"
        and model.likelihood in ("bernoulli", "gaussian")
    )


class _Worker:
    """A process that trains one group after another; closing its standard input ends it."""

    def __init__(self, arguments: Sequence[str], niceness: int, inbox: queue.SimpleQueue) -> None:
        root = str(Path(__file__).resolve().parent.parent)
        known = os.environ.get("PYTHONPATH")
        self.unfinished: set[str] = set()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "models", "work", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([root, known] if known else [root])},
        )
        if niceness and hasattr(os, "setpriority"):
            own = os.getpriority(os.PRIO_PROCESS, self.process.pid)
            os.setpriority(os.PRIO_PROCESS, self.process.pid, own + niceness)
        self.listener = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self.listener.start()

    def _listen(self, inbox: queue.SimpleQueue) -> None:
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # a line cut short by its death
                inbox.put((self, json.loads(line)))
        inbox.put((self, None))

    def give(self, runs: Sequence[Run]) -> None:
        self.unfinished = {run.id for run in runs}
        with contextlib.suppress(OSError):  # if it has died, its standard output will tell
            self.process.stdin.write(json.dumps([run.id for run in runs]) + "\n")
            self.process.stdin.flush()

    def dismiss(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def wait(self, seconds: float) -> None:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listener.join()
        self.process.stdout.close()


def _distribute(
    groups: Sequence[list[Run]], count: int, arguments: Sequence[str], niceness: int
) -> Iterator[Event | str | None]:
    """Has the groups trained by at most `count` workers; a run's id stands for its start."""
    waiting = deque(groups)
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    workers: list[_Worker] = []
    busy: set[_Worker] = set()

    def next_group(worker: _Worker | None = None) -> Iterator[str]:
        if not waiting:
            return
        if worker is None:
            worker = _Worker(arguments, niceness, inbox)
            workers.append(worker)
        busy.add(worker)
        worker.give(waiting[0])
        yield from [run.id for run in waiting.popleft()]

    try:
        for _ in range(count):
            yield from next_group()
        while busy:
            try:
                worker, message = inbox.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                yield None
                continue
            if message is None:  # the process is gone
                status = worker.process.wait()
                yield from [
                    Failed(name, f"its process must live to the end, but it ended with {status}")
                    for name in sorted(worker.unfinished)
                ]
                if worker in busy:
                    busy.remove(worker)
                    yield from next_group()
            elif message == "ready":
                busy.remove(worker)
                yield from next_group(worker)
            else:
                event = _KINDS[message.pop("kind")](**message)
                if isinstance(event, Done | Failed):
                    worker.unfinished.discard(event.run_id)
                yield event
    finally:
        for worker in workers:
            worker.dismiss()
        deadline = time.monotonic() + LEAVE_SECONDS
        for worker in workers:
            worker.wait(max(0.0, deadline - time.monotonic()))


_KINDS = {"advanced": Advanced, "done": Done, "failed": Failed}


def work(
    orders: IO[str],
    reports: IO[str],
    runs_dir: str | Path,
    data_dir: str | Path | None = None,
    device: str = "cpu",
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
) -> None:
    """What a worker process does: trains the groups it is told to, until it is told no more.

    When `orders` ends in the middle of a training, because whoever gave them has stopped or has
    died, everything is kept and the worker leaves.

    Args:
        orders: A line for every group: the ids of its runs as a JSON list.
        reports: Gets a line for every piece of news, and `"ready"` after every group.
        runs_dir: The folder of runs.
        data_dir: See `models.data.load`.
        device: "cpu" or "cuda".
        command: For the cards.
        autosave_seconds: Time between two saves of a state.
    """
    groups: queue.SimpleQueue = queue.SimpleQueue()
    left_alone = threading.Event()

    def listen() -> None:
        for line in orders:
            groups.put(json.loads(line))
        left_alone.set()
        groups.put(None)

    def report(message: Any) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            print(json.dumps(message), file=reports, flush=True)

    threading.Thread(target=listen, daemon=True).start()
    from models.stack import train_together

    for names in iter(groups.get, None):
        runs = [Run(Path(runs_dir) / name) for name in names]
        rounds = train_together(runs, data_dir, device, command, autosave_seconds)
        reported = -math.inf
        try:
            epochs = runs[0].config().training.epochs
            for news in rounds:
                due = bool(news) and time.monotonic() - reported >= REPORT_SECONDS
                reported = time.monotonic() if due else reported
                for name, event in news.items():
                    if due or event is None or isinstance(event, Exception):
                        report(_message(name, event, epochs))
                if left_alone.is_set():
                    break
        except (ValueError, OSError) as error:  # the data: no run of the group can go on
            for name in names:
                report(_failure(name, error))
        rounds.close()
        report("ready")


def _message(name: str, event: Any, epochs: int) -> dict[str, Any]:
    """One piece of news of `models.stack.train_together` as JSON values."""
    if event is None:
        return {"kind": "done", "run_id": name}
    if isinstance(event, Exception):
        return _failure(name, event)
    message = {"kind": "advanced", "run_id": name, "step": event.step}
    if hasattr(event, "total_steps"):
        message |= {"share": event.step / event.total_steps}
        return message | {"distortion": event.distortion, "rate": event.rate}
    message |= {"share": (event.epoch + 1) / epochs}
    return message | {"distortion": event.train_distortion, "rate": event.train_rate}


def _failure(name: str, error: Exception) -> dict[str, Any]:
    """Why a run stopped, as one sentence for a stranger: no path of this machine."""
    if isinstance(error, OSError):
        reason = f"a file cannot be used: {(error.strerror or 'unknown reason').lower()}"
    else:
        reason = str(error)
    return {"kind": "failed", "run_id": name, "reason": reason}


# --- the table -----------------------------------------------------------------------------------

SCORES = ("distortion", "rate", "negative_elbo")
COLUMNS = (
    "latent_dim", "beta", "seed", "runs", "status",
    *(f"{score}{suffix}" for score in SCORES for suffix in ("", "_error", "_interval")),
    "active_units", "seconds", "run", "reason",
)  # fmt: skip
"""Scores are test-set means in nats per image. `_error` is the standard error over the images, of
one member; `_interval` the half-width of the 95 % interval over the seeds, of a β. `seconds` is
wall-clock time; members of a stack spend theirs together."""


def _row(member: Member, reason: str) -> dict[str, Any]:
    """One line of the table; None where there is no number."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"latent_dim": member.latent_dim, "beta": member.beta, "seed": member.seed}
    row |= {"runs": 1, "run": member.run.id, "reason": reason}
    try:
        card = read(member.run.model_path).card
    except CheckpointError:
        return row | {"status": "failed" if reason else "waiting"}
    for score in SCORES:
        row[score], row[f"{score}_error"] = card.metrics[score]
    row |= {"active_units": card.metrics["active_units"], "seconds": card.seconds}
    stopped = "failed" if reason else "stopped"
    return row | {"status": "done" if member.is_done() else stopped}


def by_beta(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean over the seeds of every β and latent dimension, with its 95 % interval.

    Args:
        rows: Of the table; those that are not done are left out.

    Returns:
        Rows of the same columns, `runs` the number of seeds; no `_interval` for fewer than two.
    """
    groups: dict[tuple, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["status"] == "done":
            groups.setdefault((row["latent_dim"], row["beta"]), []).append(row)
    means = []
    for (latent_dim, beta), members in sorted(groups.items()):
        mean: dict[str, Any] = dict.fromkeys(COLUMNS)
        mean |= {"latent_dim": latent_dim, "beta": beta, "runs": len(members), "status": "mean"}
        for score in SCORES:
            mean[score], half = t_interval([row[score] for row in members])
            mean[f"{score}_interval"] = half if math.isfinite(half) else None
        for column in ("active_units", "seconds"):
            mean[column] = round(sum(row[column] for row in members) / len(members), 2)
        means.append(mean)
    return means


def _of_many(means: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The means of more than one run."""
    return [mean for mean in means if mean["runs"] > 1]


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    r"""Mean and half-width of its confidence interval, for a few normal values.

    .. math:: \bar x ± t_{n-1,\,(1 + level)/2} \; s / √n

    Args:
        values: n numbers, n ≥ 1.
        level: Between 0 and 1.

    Returns:
        The mean, and the half-width: infinite for one value.

    Source:
        Student, The Probable Error of a Mean, Biometrika 1908.

    Example:
        >>> mean, half = t_interval([1.0, 2.0, 3.0])
        >>> mean, round(half, 4)
        (2.0, 2.4841)
    """
    from scipy.special import stdtrit

    count, mean = len(values), float(np.mean(values))
    if count < 2:
        return mean, math.inf
    quantile = float(stdtrit(count - 1, (1 + level) / 2))
    return mean, quantile * float(np.std(values, ddof=1)) / math.sqrt(count)


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the table as comma-separated values with a head; an empty cell is no number."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_text(rows: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]] = ()) -> str:
    """The table as aligned lines, with the means where there are seeds, and the sandwich.

    Args:
        rows: From `Sweep.rows`.
        pairs: From `Sweep.check`.
    """
    means = _of_many(by_beta(rows))
    lines = [("latents", "beta", "seed", "D", "R", "-ELBO", "active", "seconds", "nats/image")]
    lines += [_cells(row) for row in [*rows, *means]]
    widths = [*[max(map(len, column)) for column in zip(*lines, strict=True)][:-1], 0]
    text = ["  ".join(map(str.rjust, line, widths)).rstrip() for line in lines]
    bad = [pair for pair in pairs if not pair["holds"]]
    for pair in bad:
        slope = "0/0" if pair["slope"] is None else f"{pair['slope']:.3g}"
        text.append(
            f"not converged: {', '.join(pair['not_converged'])}: -ΔD/ΔR must lie between "
            f"{pair['low']:g} and {pair['high']:g} on the training set, got {slope}"
        )
    if pairs and not bad:
        text.append(f"-ΔD/ΔR lies between the two β of all {len(pairs)} pairs of neighbours")
    return "\n".join(text)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row as texts: scores with their error, or with the interval over seeds."""
    is_mean = row["status"] == "mean"
    suffix = "_interval" if is_mean else "_error"
    note = f"mean of {row['runs']}, 95 % interval" if is_mean else row["reason"] or row["status"]
    scores = [_number(row[score], row[score + suffix], ".2f") for score in SCORES]
    sizes = [_number(row[column], None, ".10g") for column in ("active_units", "seconds")]
    seed = "" if is_mean else str(row["seed"])
    return (str(row["latent_dim"]), f"{row['beta']:g}", seed, *scores, *sizes, note)


def _number(value: float | None, spread: float | None, form: str) -> str:
    if value is None:
        return ""
    return f"{value:{form}}" + ("" if spread is None else f" ± {spread:{form}}")


# --- have they converged? ------------------------------------------------------------------------


class Sandwich(NamedTuple):
    """What neighbours in β say of each other, M models in order of β.

    `slope` (M - 1,) is -ΔD/ΔR, NaN where R does not change. `gap` (M - 1, 2), in nats per image,
    is what the right model of a pair loses against the left one at the left one's β, and what
    the left one loses at the right one's; `error` its standard errors. `beaten` (M,) is True for
    a model that a neighbour beats at its own β: it has not converged.
    """

    slope: np.ndarray
    gap: np.ndarray
    error: np.ndarray
    beaten: np.ndarray

    @property
    def holds(self) -> np.ndarray:
        """Whether neither of a pair is to blame, shape (M - 1,)."""
        return ~_violated(self.gap, self.error).any(1)


def _violated(gap: np.ndarray, error: np.ndarray) -> np.ndarray:
    return gap < -np.maximum(STANDARD_ERRORS * error, MATERIAL_NATS)


def sandwich(betas: Sequence[float], distortion: np.ndarray, rate: np.ndarray) -> Sandwich:
    r"""Whether models trained at rising β can all be optimal: β_i ≤ -ΔD/ΔR ≤ β_{i+1}.

    Each side is one comparison: at β_i the model i is at least as good as its neighbour, and at
    β_{i+1} the neighbour is,

    .. math:: D_{i+1} + β_i R_{i+1} - (D_i + β_i R_i) ≥ 0, \qquad
        D_i + β_{i+1} R_i - (D_{i+1} + β_{i+1} R_{i+1}) ≥ 0,

    so a side that fails names the model that has not converged. In this form it also says
    something of two collapsed models, where the slope is 0/0.

    Args:
        betas: β, rising, shape (M,), M ≥ 2.
        distortion: D of the *training* set, nats; shape (M, N), one column an image, scored with
            the same noise for all models; or shape (M,), exact means.
        rate: R, of the same shape.

    Returns:
        Slopes, gaps with paired standard errors, and which models are beaten. A gap counts
        as negative beyond `STANDARD_ERRORS` and `MATERIAL_NATS`.

    Raises:
        ValueError: If β does not rise or the shapes do not fit.

    Source:
        Everett, Generalized Lagrange Multiplier Method, Operations Research 1963; for D and R:
        Alemi et al., Fixing a Broken ELBO, 2018, arXiv:1711.00464.

    Example:
        >>> found = sandwich([1.0, 4.0], np.array([10.0, 12.0]), np.array([2.0, 1.0]))
        >>> found.slope, found.gap, found.holds
        (array([2.]), array([[1., 2.]]), array([ True]))
    """
    beta = np.asarray(betas, np.float64)
    if beta.ndim != 1 or len(beta) < 2 or not (np.diff(beta) > 0).all():
        raise ValueError(f"betas must be two or more that rise, got {list(betas)}")
    d, r = (np.asarray(values, np.float64) for values in (distortion, rate))
    if d.shape != r.shape or d.ndim not in (1, 2) or len(d) != len(beta):
        raise ValueError(
            f"distortion and rate must be ({len(beta)},) or ({len(beta)}, N), "
            f"got {d.shape} and {r.shape}"
        )
    d, r = d.reshape(len(beta), -1), r.reshape(len(beta), -1)
    rise, fall = np.diff(d, axis=0), -np.diff(r, axis=0)  # (M - 1, N): of D, and of R
    gaps = np.stack([rise - beta[:-1, None] * fall, beta[1:, None] * fall - rise], 1)
    images = d.shape[1]
    error = gaps.std(2, ddof=1) / math.sqrt(images) if images > 1 else np.zeros(gaps.shape[:2])
    gap = gaps.mean(2)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = rise.mean(1) / fall.mean(1)
    wrong = _violated(gap, error)
    beaten = np.zeros(len(beta), bool)
    beaten[:-1] |= wrong[:, 0]
    beaten[1:] |= wrong[:, 1]
    return Sandwich(np.where(np.isfinite(slope), slope, np.nan), gap, error, beaten)


def training_terms(
    runs: Sequence[Run], data_dir: str | Path | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """D and R of every training image under finished runs on the same data.

    Where training binarised the images, these are binarised too, once for all runs.

    Args:
        runs: M of them, with checkpoints.
        data_dir: See `models.data.load`.

    Returns:
        Two arrays of shape (M, N), nats per image, z sampled with the same noise for all.
    """
    import torch

    from models.checkpoint import restore
    from models.data import load
    from models.metrics.likelihood import binarize, elbo

    training = runs[0].config().training
    images = torch.tensor(load(runs[0].config().data, "train", data_dir).images)
    images = binarize(images, training.seed) if training.binarize else images
    terms = [elbo(restore(read(run.model_path)), images, training.seed) for run in runs]
    distortion = np.stack([each.distortion.numpy() for each in terms])
    return distortion, np.stack([each.rate.sum(1).numpy() for each in terms])


def _check_series(series: Sequence[Member], data_dir: str | Path | None) -> list[dict[str, Any]]:
    """The sandwich of members in order of β, one row a pair."""
    if len(series) < 2:
        return []
    betas = [member.beta for member in series]
    found = sandwich(betas, *training_terms([member.run for member in series], data_dir))
    wrong = _violated(found.gap, found.error)
    return [
        {
            "latent_dim": left.latent_dim,
            "seed": left.seed,
            "low": left.beta,
            "high": right.beta,
            "slope": float(slope) if math.isfinite(slope) else None,
            "holds": not pair.any(),
            "not_converged": [
                each.run.id for each, bad in zip((left, right), pair, strict=True) if bad
            ],
        }
        for (left, right), slope, pair in zip(
            itertools.pairwise(series), found.slope, wrong, strict=True
        )
    ]
