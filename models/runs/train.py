"""Training of a run: from where its state says, with everything it makes saved in its folder."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from models.config import RunConfig
from models.runs.folder import Run
from models.runs.images import load_images
from models.runs.status import clear_failure, write_failure
from models.storage.card import Card
from models.storage.checkpoint import write
from models.storage.tensors import MAX_STATE_BYTES, CheckpointError, read_tensors, write_tensors

AUTOSAVE_SECONDS = 10.0


def execute(
    run: Run,
    data_dir: str | Path | None = None,
    device: str = "cpu",
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
) -> Iterator[Any]:
    """Trains a run to its end, from where its state says, and yields the trainer's events.

    Closing the iterator stops the training and keeps everything: state and checkpoint are
    written as they are then. The state is also saved every `autosave_seconds`, so a killed process
    loses no more than that.

    Args:
        run: Created by `Run.create`, or stopped earlier.
        data_dir: Where the data sets are; see `models.data.load.load`.
        device: "cpu", "cuda" or "mps".
        command: How to make this again, for the card.
        autosave_seconds: Time between two saves of the state.

    Raises:
        ValueError: If the settings, the data or the state do not fit, another process trains
            here, or the training diverges (`TrainingDivergedError`; the last good state stays).
    """
    import torch

    from models.families.registry import build_model
    from models.training.control import Control
    from models.training.trainer import Training

    config = run.config()
    with run.lock():
        torch.set_num_threads(config.training.threads)
        train_set = load_images(config, "train", data_dir)
        test_set = load_images(config, "test", data_dir)
        model = build_model(config.model, config.training.seed)
        training = Training(model, config, train_set.images, test_set.images, device)
        seconds = restore(run, training)
        control = Control(run.folder, training)
        yield from drive(run, training, test_set, seconds, command, autosave_seconds, control)


def drive(
    run: Run,
    training: Any,
    test_set: Any,
    seconds: float,
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
    control: Any = None,
) -> Iterator[Any]:
    """Runs a restored training to its end, and writes what `execute` promises.

    Args:
        run: Locked by the caller.
        training: A `models.training.trainer.Training` of this run.
        test_set: The `ImageSet` it is scored on.
        seconds: Spent so far, as `restore` returns them.
        command: As in `execute`.
        autosave_seconds: As in `execute`.
        control: A `models.training.control.Control` that may pause or change it; None: nothing may.

    Raises:
        TrainingDivergedError: The last good state stays, and the reason is recorded.
    """
    from models.training.events import TrainingDivergedError

    clock = _Clock(seconds)
    try:
        given = (run, training, test_set, clock, command, autosave_seconds, control)
        is_saved = yield from _drive(*given)
    except GeneratorExit:
        _finish(run, training, test_set, clock.seconds(), command)
        raise
    except TrainingDivergedError as error:
        write_failure(run, str(error))
        raise
    if not is_saved:
        _finish(run, training, test_set, clock.seconds(), command)


def _drive(
    run: Run,
    training: Any,
    test_set: Any,
    clock: _Clock,
    command: str,
    autosave_seconds: float,
    control: Any,
) -> Generator[Any, None, bool]:
    """Yields the events of a training run, and saves its history, snapshots and state as they come.

    Returns:
        Whether it ends because it was paused for long, with everything saved.
    """
    from models.training.events import EpochEnd
    from models.training.snapshots import MAX_SNAPSHOTS, MAX_SWEEP_SNAPSHOTS, Recorder

    saved = time.monotonic()
    most = MAX_SWEEP_SNAPSHOTS if run.sweep else MAX_SNAPSHOTS
    recorder = Recorder(run.folder, training, test_set, most)
    recorder.record()
    for event in training.events():
        is_epoch_end = isinstance(event, EpochEnd)
        if is_epoch_end:
            run.history.append(event.row())
        recorder.record()
        if time.monotonic() - saved >= autosave_seconds:
            _save_state(run, training, clock.seconds())
            saved = time.monotonic()
        yield event
        if control is None:
            continue
        for i, pause in enumerate(control.poll(is_epoch_end)):
            if i == 0:  # its model can be explored meanwhile
                clock.stop()
                _finish(run, training, test_set, clock.seconds(), command)
            yield pause
        clock.go_on()
        if control.is_paused:
            return True
    return False


class _Clock:
    """Seconds spent on training, without those in which it was paused."""

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
    """Continues from the saved state, or saves the first one; an earlier failure is forgotten.

    Returns:
        The seconds spent so far.

    Raises:
        CheckpointError: If the state is damaged or of other settings.
    """
    import torch

    for stale in run.folder.glob(".*.safetensors.*"):  # of a process killed while writing
        stale.unlink()
    clear_failure(run)
    if not run.state_path.exists():
        _save_state(run, training, 0.0)
        run.history.drop_after(0)
        return 0.0
    arrays, document, _ = read_tensors(run.state_path, MAX_STATE_BYTES)
    if not _is_of(document.get("config"), run.config()):
        raise CheckpointError("the saved state must be of this run's settings: start a new run")
    training.restore({name: torch.from_numpy(value.copy()) for name, value in arrays.items()})
    run.history.drop_after(training.step)
    return float(document.get("seconds", 0.0))


def _is_of(document: Any, config: RunConfig) -> bool:
    """Whether JSON holds these settings; those that an older version did not know are defaults."""
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

    from models.runs.scores import score_test_set
    from models.training.control import apply, read_changes

    _save_state(run, training, seconds)
    found = score_test_set(training.model, training.test_images, test_set)
    changes = [each for each in read_changes(run.folder) if each.step < training.step]
    card = Card(
        config=apply(training.config, changes[-1]) if changes else training.config,
        title=run.title,
        data_name=test_set.name,
        data_fingerprint=test_set.fingerprint,
        class_names=test_set.class_names,
        factor_names=test_set.factor_names,
        steps=training.step,
        seconds=round(seconds, 1),
        metrics={**found.metrics, **_collapse(training)},
        torch=torch.__version__,
        command=command,
        changes=tuple(map(str, changes)),
    )
    state = training.model.state_dict()
    weights = {name: value.cpu().contiguous().numpy() for name, value in state.items()}
    write(run.model_path, card, weights, found.codes, found.rates)


def _collapse(training: Any) -> dict[str, list[float]]:
    """At which β the training images collapse, where that can be predicted: the leading values."""
    from models.theory.collapse_threshold import PREDICTABLE, collapse_threshold
    from models.training.image_store import first_as_array

    model = training.config.model
    if not model.capabilities.has_posterior or model.likelihood not in PREDICTABLE:
        return {}
    images, binarize = first_as_array(training.train_images), training.config.training.binarize
    found = collapse_threshold(images, model.likelihood, model.sigma, binarize)
    return {"collapse_spectrum": found.leading().spectrum.tolist()}
