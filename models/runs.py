"""Run folders: where a training lives on disk, so that it survives whatever happens to it.

    runs/<id>/config.json         the run's settings and its title
              metrics.jsonl       one line per finished epoch
              state.safetensors   weights, optimiser and position: what a resume needs
              model.safetensors   the checkpoint to explore, with the test set's codes
              frames/             its film: see `models.frames`
              label.json          what its owner says of it: see `Label`
              wish.json  changes.jsonl   how it is steered: see `models.steering`
              run.lock            held while a process trains here

Ids are generated; titles are labels and never become paths.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from models.checkpoint import (
    MAX_STATE_BYTES,
    Card,
    CheckpointError,
    read_tensors,
    write,
    write_bytes,
    write_tensors,
)
from models.config import RunConfig
from models.imageset import clean_name

AUTOSAVE_SECONDS = 10.0
MAX_NOTE = 500
"""Characters of a note."""
MAX_LABEL_BYTES = 16 * 2**10


def default_runs_dir() -> Path:
    """The folder of the user's runs: `LATENT_RUNS_DIR`, else `runs` in the working folder."""
    return Path(os.environ.get("LATENT_RUNS_DIR", "runs"))


class Label(NamedTuple):
    """What its owner says of a run: a title instead of its first one, a note of a few lines, and
    whether it is pinned."""

    title: str = ""
    note: str = ""
    pinned: bool = False


def clean_note(text: Any) -> str:
    """A stranger's note: lines as `clean_name` leaves them, none empty, at most `MAX_NOTE` letters.

    Example:
        >>> clean_note("collapsed\\u202e at\\tβ = 4\\n\\n see the map ")
        'collapsed at β = 4\\nsee the map'
    """
    lines = (clean_name(line, "", MAX_NOTE) for line in str(text)[: 4 * MAX_NOTE].splitlines())
    return "\n".join(filter(None, lines))[:MAX_NOTE].strip()


@dataclass(frozen=True)
class Run:
    """A run folder; every method reads or writes the disk, nothing is remembered.

    Example:
        >>> import tempfile
        >>> from models.config import preset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Run.create(folder, preset("digits-2d"), "my first")
        ...     run.title, run.metrics(), [r.id == run.id for r in list_runs(folder)]
        ('my first', [], [True])
    """

    folder: Path

    @classmethod
    def create(
        cls, runs_dir: str | Path, config: RunConfig, title: str = "", sweep: str = ""
    ) -> Run:
        """A new run with a generated id; `sweep` is the id of the sweep it belongs to."""
        run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        run = cls(Path(runs_dir) / run_id)
        run.folder.mkdir(parents=True)
        document = {"title": clean_name(title, ""), "config": config.to_json()}
        document |= {"sweep": sweep} if sweep else {}
        write_bytes(run.folder / "config.json", json.dumps(document, indent=1).encode())
        return run

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def model_path(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def state_path(self) -> Path:
        return self.folder / "state.safetensors"

    @property
    def label_path(self) -> Path:
        return self.folder / "label.json"

    @property
    def first_title(self) -> str:
        """The title it was made with, or the id."""
        return clean_name(self._document().get("title", ""), self.id)

    @property
    def title(self) -> str:
        """The title its owner gave it last, or the first one, or the id."""
        return self.label.title or self.first_title

    @property
    def label(self) -> Label:
        """What its owner says of it; nothing if that was never written, or is damaged."""
        document = None
        with (
            contextlib.suppress(OSError, ValueError, RecursionError),
            open(self.label_path, "rb") as file,
        ):
            document = json.loads(file.read(MAX_LABEL_BYTES))
        match document:
            case {"title": str(title), "note": str(note), "pinned": bool(pinned)}:
                return Label(clean_name(title, ""), clean_note(note), pinned)
        return Label()

    def relabel(self, **changes: Any) -> None:
        """Changes fields of the label; an empty title brings back the first one.

        Args:
            changes: Of `Label`; texts lose what cannot be shown, and what is too long.

        Raises:
            OSError: If the disk refuses: the old label stays.

        Example:
            >>> import tempfile
            >>> from models.config import preset
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     run = Run.create(folder, preset("digits-2d"), "my first")
            ...     run.relabel(title="the best", pinned=True)
            ...     run.title, run.label.pinned, run.first_title
            ('the best', True, 'my first')
        """
        wanted = self.label._replace(**changes)
        title, note = clean_name(wanted.title, ""), clean_note(wanted.note)
        kept = Label(title, note, bool(wanted.pinned))
        write_bytes(self.label_path, json.dumps(kept._asdict(), indent=1).encode())

    @property
    def sweep(self) -> str:
        """Id of the sweep it belongs to, or nothing."""
        return str(self._document().get("sweep", ""))

    def config(self) -> RunConfig:
        """The run's settings.

        Raises:
            ValueError: If the folder holds none that are valid.
        """
        return RunConfig.from_json(self._document().get("config"))

    def _document(self) -> dict[str, Any]:
        try:
            document = json.loads((self.folder / "config.json").read_bytes())
        except (OSError, ValueError) as error:
            raise ValueError(
                f"a run must hold a valid config.json, but {self.id} does not"
            ) from error
        if not isinstance(document, dict):
            raise ValueError(f"the config.json of {self.id} must be a JSON object")
        return document

    def metrics(self) -> list[dict[str, Any]]:
        """One dictionary per finished epoch; a line cut short by a crash is left out."""
        path = self.folder / "metrics.jsonl"
        rows = []
        for line in path.read_text().splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError):
                rows.append(json.loads(line))
        return rows

    def append(self, row: dict[str, Any]) -> None:
        """Adds the line of one epoch."""
        with open(self.folder / "metrics.jsonl", "a") as file:
            file.write(json.dumps(row) + "\n")

    def forget_after(self, step: int) -> None:
        """Drops the lines of epochs that a resume from `step` will make again."""
        rows = [json.dumps(row) + "\n" for row in self.metrics() if row["step"] <= step]
        write_bytes(self.folder / "metrics.jsonl", "".join(rows).encode())

    @contextlib.contextmanager
    def lock(self, patience: float = 0.0) -> Iterator[None]:
        """Holds the run while training; a second process is refused, a dead one holds nothing.

        Args:
            patience: Seconds to wait for another process to leave.

        Raises:
            ValueError: If another process is training here.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "run.lock", timeout=patience):
                yield
        except Timeout as error:
            raise ValueError(
                f"a run can be trained by one process at a time, and {self.id} already is"
            ) from error


def list_runs(runs_dir: str | Path) -> list[Run]:
    """The runs of a folder, newest first; an absent folder has none."""
    folders = Path(runs_dir).glob("*/config.json")
    return [Run(path.parent) for path in sorted(folders, reverse=True)]


def find_run(runs_dir: str | Path, run_id: str) -> Run:
    """The run of that id.

    Raises:
        ValueError: If there is none; the id is compared, never joined to a path.
    """
    for run in list_runs(runs_dir):
        if run.id == run_id:
            return run
    raise ValueError(f"the run must be one of the runs folder, got {clean_name(run_id)!r}")


def execute(
    run: Run,
    data_dir: str | Path | None = None,
    device: str = "cpu",
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
) -> Iterator[Any]:
    """Trains a run to its end, from where its state says, and yields the trainer's events.

    Closing the iterator stops the training and keeps everything: state and checkpoint are
    written as they are. The state is also saved every `autosave_seconds`, so a killed process
    loses no more than that.

    Args:
        run: Created by `Run.create`, or stopped earlier.
        data_dir: Where the data sets are; see `models.data.load`.
        device: "cpu" or "cuda".
        command: What the card says about how to make this again.
        autosave_seconds: Time between two saves of the state.

    Raises:
        ValueError: If the settings, the data or the state do not fit, another process trains
            here, or the training diverges (`TrainingDivergedError`; the last good state stays).
    """
    import torch

    from models.data import load
    from models.registry import build_model
    from models.steering import Steering
    from models.trainer import Training

    config = run.config()
    with run.lock():
        torch.set_num_threads(config.training.threads)
        train_set = load(config.data, "train", data_dir)
        test_set = load(config.data, "test", data_dir)
        model = build_model(config.model, config.training.seed)
        training = Training(model, config, train_set.images, test_set.images, device)
        seconds = restore(run, training)
        steering = Steering(run.folder, training)
        yield from drive(run, training, test_set, seconds, command, autosave_seconds, steering)


def drive(
    run: Run,
    training: Any,
    test_set: Any,
    seconds: float,
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
    steering: Any = None,
) -> Iterator[Any]:
    """Runs a restored training to its end, writing what `execute` promises.

    Args:
        run: Locked by the caller.
        training: A `models.trainer.Training` of this run.
        test_set: The `ImageSet` it is scored on.
        seconds: Spent so far, as `restore` says.
        command: As in `execute`.
        autosave_seconds: As in `execute`.
        steering: A `models.steering.Steering` that may hold or change it; None: nobody may.

    Raises:
        TrainingDivergedError: The last good state stays.
    """
    from models.frames import FRAMES, SWEEP_FRAMES, Recorder
    from models.trainer import EpochEnd

    clock, saved = _Clock(seconds), time.monotonic()
    recorder = Recorder(run.folder, training, test_set, SWEEP_FRAMES if run.sweep else FRAMES)
    recorder.record()
    try:
        for event in training.events():
            if isinstance(event, EpochEnd):
                run.append(asdict(event))
            recorder.record()
            if time.monotonic() - saved >= autosave_seconds:
                _save_state(run, training, clock.seconds())
                saved = time.monotonic()
            yield event
            if steering is not None:
                is_held = False
                for held in steering.obey(isinstance(event, EpochEnd)):
                    if not is_held:  # its model can be explored meanwhile
                        is_held = True
                        clock.stop()
                        _finish(run, training, test_set, clock.seconds(), command)
                    yield held
                clock.go_on()
                if steering.is_held:
                    return
    except GeneratorExit:
        _finish(run, training, test_set, clock.seconds(), command)
        raise
    _finish(run, training, test_set, clock.seconds(), command)


class _Clock:
    """Seconds spent on training, without those in which it was held."""

    def __init__(self, seconds: float) -> None:
        self._before, self._since = seconds, time.monotonic()
        self._runs = True

    def seconds(self) -> float:
        return self._before + (time.monotonic() - self._since if self._runs else 0.0)

    def stop(self) -> None:
        self._before, self._runs = self.seconds(), False

    def go_on(self) -> None:
        if not self._runs:
            self._since, self._runs = time.monotonic(), True


def restore(run: Run, training: Any) -> float:
    """Continues from the saved state, or saves the first one.

    Returns:
        The seconds spent so far.

    Raises:
        CheckpointError: If the state is damaged or of other settings.
    """
    import torch

    for stale in run.folder.glob(".*.safetensors.*"):  # of a process killed while writing
        stale.unlink()
    if not run.state_path.exists():
        _save_state(run, training, 0.0)
        return 0.0
    arrays, document, _ = read_tensors(run.state_path, MAX_STATE_BYTES)
    if not _stands_for(document.get("config"), run.config()):
        raise CheckpointError("the saved state must be of this run's settings: start the run anew")
    training.restore({name: torch.from_numpy(value.copy()) for name, value in arrays.items()})
    run.forget_after(training.step)
    return float(document.get("seconds", 0.0))


def _stands_for(document: Any, config: RunConfig) -> bool:
    """Whether JSON means these settings; one that an older program did not know is its default."""
    try:
        return RunConfig.from_json(document) == config
    except ValueError:
        return False


def _save_state(run: Run, training: Any, seconds: float) -> None:
    import torch

    document = {
        "config": training.config.to_json(),
        "seconds": seconds,
        "torch": torch.__version__,
    }
    arrays = {name: value.numpy() for name, value in training.state().items()}
    write_tensors(run.state_path, arrays, document, MAX_STATE_BYTES)


def _finish(run: Run, training: Any, test_set: Any, seconds: float, command: str) -> None:
    """Writes the state and the checkpoint, with the test set's codes and scores."""
    import torch

    from models.latents import MAX_CODES, Codes
    from models.metrics.likelihood import elbo, summarize
    from models.metrics.reconstruction import squared_error
    from models.steering import apply, changes_of

    _save_state(run, training, seconds)
    terms = elbo(training.model, training.test_images, seed=training.config.training.seed)
    error = squared_error(training.model, training.test_images).mean().item()
    changes = [each for each in changes_of(run.folder) if each.step < training.step]
    card = Card(
        config=apply(training.config, changes[-1]) if changes else training.config,
        title=run.title,
        data_name=test_set.name,
        data_fingerprint=test_set.fingerprint,
        class_names=test_set.class_names,
        steps=training.step,
        seconds=round(seconds, 1),
        metrics=summarize(terms) | {"squared_error_per_pixel": error},
        torch=torch.__version__,
        command=command,
        changes=tuple(map(str, changes)),
    )
    kept = slice(MAX_CODES // training.model.latent_dim)
    codes = Codes(
        terms.mean[kept].numpy(),
        None if terms.log_variance is None else terms.log_variance[kept].numpy(),
        terms.distortion[kept].numpy(),
        None if test_set.labels is None else test_set.labels[kept],
    )
    weights = {name: value.cpu().numpy() for name, value in training.model.state_dict().items()}
    write(run.model_path, card, weights, codes, _rates(training, len(codes)))


def _rates(training: Any, count: int) -> Any:
    """The test set at many β, of a multi-rate model; `count` is how many codes are stored."""
    if training.config.model.family != "multirate":
        return None
    from models.latents import MAX_CODES
    from models.rates import CODES, POINTS, measure_rates

    codes = min(count, CODES, MAX_CODES // (POINTS * training.model.latent_dim))
    seed = training.config.training.seed
    return measure_rates(training.model, training.test_images, codes=codes, seed=seed)
