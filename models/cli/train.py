"""The command `train`: a run from a preset and options, or one that is resumed."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Annotated, Any

import typer

from models.atomic import write_bytes
from models.cli.arguments import given_command, program, train_command
from models.cli.console import make_console, progress_bar, stop_flag
from models.cli.custom_images import Scale, Size, SkipBroken, data_name, library_in
from models.cli.options import (
    Autosave,
    DataDir,
    Device,
    PresetName,
    RunsDir,
    check_surroundings,
    one_sentence,
    read_settings,
    split_automatic,
    with_settings,
)
from models.config import RunConfig, override
from models.data.read_options import AUTO
from models.devices import find_device
from models.metrics.names import in_words, with_elbo
from models.places import default_runs_dir
from models.presets import preset
from models.runs.folder import Run, find_run, remove_unbegun
from models.runs.tracking import TRACKERS, Tracker, check_tracker
from models.runs.train import execute
from models.runs.verdict import verdict
from models.storage.checkpoint import read
from models.training.control import GO, Paused, read_request, send_request


@with_settings()
@one_sentence
def train(
    preset_name: PresetName = "digits-2d",
    data_dir: DataDir = None,
    device: Device = "cpu",
    title: Annotated[str, typer.Option(help="A label for the run.")] = "",
    runs_dir: RunsDir = None,
    resume: Annotated[str | None, typer.Option(help="Id of a run to continue.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Also write the finished checkpoint to this file.")
    ] = None,
    autosave: Autosave = 10.0,
    track: Annotated[
        str | None,
        typer.Option(help=f"Also tell of every epoch: {', '.join(TRACKERS)}; optional packages."),
    ] = None,
    scale: Scale = AUTO,
    size: Size = None,
    skip_broken: SkipBroken = False,
    **settings: Any,
) -> None:
    """Train a model, or resume a run.

    Settings that are not given are those of the preset. Ctrl-C stops the run and keeps it;
    --resume RUN continues it, bit for bit.
    """
    device = find_device(device)
    check_surroundings(autosave, output)
    if track is not None:
        check_tracker(track)
    given = read_settings(settings)
    run = find_run(runs_dir or default_runs_dir(), resume) if resume else None
    with library_in(runs_dir, run.config().data if run else given["data"]):
        if run is None:
            given["data"] = data_name(given["data"], scale, size, skip_broken)
            config = _settings(preset_name, given, data_dir, device)
            run = Run.create(runs_dir or default_runs_dir(), config, title)
            command = given_command(config)
        else:
            check_resume({**given, **given_reading(scale, size, skip_broken)})
            if read_request(run.folder).order != GO:
                send_request(run.folder, order=GO)
            command = train_command(run.config(), run.title)
        warn_of_precision(run.config(), device)
        try:
            _train(run, data_dir, device, autosave, command, track)
        except OSError:
            if not resume:
                remove_unbegun([run])
            raise
    if output:
        write_bytes(output, run.model_path.read_bytes())


def _settings(
    preset_name: str, given: dict[str, Any], data_dir: Path | None, device: str
) -> RunConfig:
    """The settings of a preset, but for those that are given, and for what suits the machine."""
    given, automatic = split_automatic(given)
    config = override(preset(preset_name), **given)
    config = fit_to_data(config, data_dir, given["batch_size"] is None)
    return choose_for_machine(config, automatic, device)


def choose_for_machine(config: RunConfig, automatic: list[str], device: str) -> RunConfig:
    """Chooses settings for this machine, and prints what was chosen."""
    from models.training.automatic import choose

    if not automatic:
        return config
    config = choose(config, automatic, device)
    training = config.training
    known = {
        "precision": training.precision,
        "threads": f"{training.threads} thread{'s' * (training.threads > 1)}",
        "layout": f"{training.layout} layout" if config.model.network == "conv" else "",
    }
    if chosen := ", ".join(known[name] for name in automatic if known[name]):
        typer.echo(f"Chosen for this machine: {chosen}.")
    return config


def warn_of_precision(config: RunConfig, device: str) -> None:
    """Says so where a run computes in bfloat16 on a processor that does not."""
    from models.training.automatic import has_bfloat16

    if config.training.precision == "bfloat16" and not has_bfloat16(device):
        typer.echo(
            "note: this processor has no bfloat16 instructions, so bfloat16 trains more slowly "
            "here than float32, at about 0.4 × its speed",
            err=True,
        )


def check_resume(given: dict[str, Any]) -> None:
    """Refuses settings given to a run that is resumed, which keeps those it has.

    Raises:
        ValueError: If one is not None.
    """
    changed = [name.replace("_", "-") for name, value in given.items() if value is not None]
    if changed:
        raise ValueError(f"a resumed run must keep its settings, got --{changed[0]}: leave it out")


def given_reading(scale: str, size: int | None, skip_broken: bool) -> dict[str, Any]:
    """Lists how images are to be read, as `check_resume` takes it: None where nothing was said."""
    return {
        "scale": None if scale == AUTO else scale,
        "size": size,
        "skip-broken": skip_broken or None,
    }


def fit_to_data(config: RunConfig, data_dir: Path | None, lower_batch: bool = False) -> RunConfig:
    """Gives the config the image shape of its data, and checks it before a run is made.

    Where a batch would need more images than there are, it is made smaller if `lower_batch`.

    Raises:
        ValueError: If the data set cannot be read, or the config does not fit it.
    """
    from models.data.custom_images import fitting_batch
    from models.data.load import load
    from models.families.registry import describe

    images = load(config.data, "train", data_dir).images
    config = override(config, image_shape=tuple(images.shape[1:]))
    if lower_batch and config.training.batch_size > len(images):
        config = override(config, batch_size=fitting_batch(config.training.batch_size, len(images)))
        typer.echo(f"Batches of {config.training.batch_size}, as there are {len(images)} images.")
    config.total_steps(len(images))
    describe(config.model)
    return config


def _train(
    run: Run,
    data_dir: Path | None,
    device: str,
    autosave: float,
    command: str,
    track: str | None = None,
) -> None:
    """Trains under a progress bar; the first Ctrl-C or SIGTERM stops it cleanly."""
    from models.training.events import EpochEnd

    console = make_console()
    stop = stop_flag()
    event = None
    console.print(f"Run {run.id} in {run.folder.parent}")
    events = execute(run, data_dir, device, command, autosave)
    note = functools.partial(typer.echo, err=True)
    tracker = None if track is None else Tracker(track, run, note)
    with contextlib.ExitStack() as ends:
        bar = ends.enter_context(progress_bar(console))
        if tracker is not None:
            ends.callback(tracker.close)
        task = bar.add_task("training", total=None)
        for event in events:
            if isinstance(event, EpochEnd):
                console.print(_epoch_line(event, run.config()))
                if tracker is not None:
                    tracker.log(event.row())
            else:
                bar.update(task, total=event.total_steps, completed=event.step)
            if stop():
                break
        events.close()
    if stop() or isinstance(event, Paused):
        console.print(f"Stopped and kept. Continue with: {program()} train --resume {run.id}")
    else:
        if found := verdict(read(run.model_path).card):
            console.print(f"Verdict: {found}.")
        console.print(f"Done: {run.model_path}")


def _epoch_line(event: Any, config: RunConfig) -> str:
    """The scores of an epoch's end, those that are one number each."""
    scores = with_elbo(event.test, config.model.capabilities.has_rate)
    epoch = f"epoch {event.epoch + 1:>3}/{config.training.epochs}"
    return f"{epoch}  test {in_words(scores)}  ({event.seconds:z.1f} s)"
