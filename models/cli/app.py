"""The command line: train, evaluate, data, project. Bad input gets one sentence, never a trace."""

from __future__ import annotations

import functools
import json
import math
import os
import shlex
import signal
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from models.atomic import write_bytes
from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.presets import PRESETS, preset
from models.runs.folder import Run, default_runs_dir, find_run
from models.runs.train import execute
from models.training.control import GO, HOLD, STEP, Paused, ask, wish_of

app = typer.Typer(
    help="Train, evaluate and export variational autoencoders.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Download data sets and look at them.", no_args_is_help=True)
app.add_typer(data_app, name="data")

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds MNIST/raw and the like; default: LATENT_DATA_DIR, ./data."
    ),
]
RunsDir = Annotated[
    Path | None, typer.Option(help="Folder of your runs; default: LATENT_RUNS_DIR, ./runs.")
]


def one_sentence(command: Callable) -> Callable:
    """Turns a ValueError, or a file that cannot be used, into one line and exit status 1."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except ValueError as error:
            typer.echo(f"Error: {error}.", err=True)
            raise typer.Exit(1) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            typer.echo(f"Error: {error.filename or 'a file'} cannot be used: {reason}.", err=True)
            raise typer.Exit(1) from error

    return wrapped


def override(config: RunConfig, **given: Any) -> RunConfig:
    """The config with the settings that are not None put in their places.

    Raises:
        ValueError: If one is outside its limits.

    Example:
        >>> override(preset("digits-2d"), beta=4.0, seed=None).objective.beta
        4.0
    """
    given = {name: value for name, value in given.items() if value is not None}
    for part_name in ("model", "objective", "training"):
        part = getattr(config, part_name)
        names = {item.name for item in fields(part)} & given.keys()
        chosen = {name: given.pop(name) for name in names}
        config = replace(config, **{part_name: replace(part, **chosen)})
    return replace(config, **given)


def _whole_numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if text == "none":
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"hidden must be whole numbers like 512,256, got {text!r:.40}") from None


@app.command()
@one_sentence
def train(
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"Where to start: {', '.join(PRESETS)}.")
    ] = "digits-2d",
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, mnist, fashion-mnist, kmnist, a .npz, a folder, or an id of data list."
        ),
    ] = None,
    data_dir: DataDir = None,
    family: Annotated[str | None, typer.Option(help="vae, autoencoder or multirate.")] = None,
    network: Annotated[str | None, typer.Option(help="mlp or conv.")] = None,
    hidden: Annotated[str | None, typer.Option(help="Widths like 512,256; none: linear.")] = None,
    activation: Annotated[str | None, typer.Option(help="relu or silu.")] = None,
    latent_dim: Annotated[int | None, typer.Option(help="1 to 256.")] = None,
    likelihood: Annotated[
        str | None,
        typer.Option(help="bernoulli, or gaussian, with -shared, -optimal or -pixel if learned."),
    ] = None,
    sigma: Annotated[float | None, typer.Option(help="Standard deviation of a Gaussian.")] = None,
    beta_min: Annotated[float | None, typer.Option(help="Smallest beta of multirate.")] = None,
    beta_max: Annotated[float | None, typer.Option(help="Largest beta of multirate.")] = None,
    beta: Annotated[float | None, typer.Option(help="Weight of the rate; 1 is the ELBO.")] = None,
    kl_warmup_steps: Annotated[int | None, typer.Option(help="Steps from 0 to beta.")] = None,
    cycles: Annotated[int | None, typer.Option(help="Rises from 0 to beta in training.")] = None,
    ramp: Annotated[float | None, typer.Option(help="Share of a cycle that rises.")] = None,
    free_bits: Annotated[float | None, typer.Option(help="Free nats per latent.")] = None,
    capacity: Annotated[float | None, typer.Option(help="Nats to hold the rate at.")] = None,
    capacity_steps: Annotated[int | None, typer.Option(help="Steps from 0 up to there.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training set.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of Adam's rate.")] = None,
    final_learning_rate: Annotated[float | None, typer.Option(help="Its last value.")] = None,
    warmup_steps: Annotated[int | None, typer.Option(help="Steps up to that peak.")] = None,
    seed: Annotated[int | None, typer.Option(help="Weights, order and noise.")] = None,
    binarize: Annotated[
        bool | None, typer.Option(help="Draw every pixel 0 or 1 anew at each step.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads; default: all.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    title: Annotated[str, typer.Option(help="A label for the run.")] = "",
    runs_dir: RunsDir = None,
    resume: Annotated[str | None, typer.Option(help="Id of a run to continue.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Also write the finished checkpoint to this file.")
    ] = None,
    autosave: Annotated[float, typer.Option(help="Seconds between saves of the state.")] = 10.0,
) -> None:
    """Train a model; Ctrl-C stops and keeps it, --resume RUN goes on bit for bit."""
    runs_dir = runs_dir or default_runs_dir()
    _check_surroundings(device, autosave, output)
    given = {
        "data": data,
        "family": family,
        "network": network,
        "hidden": _whole_numbers(hidden),
        "activation": activation,
        "latent_dim": latent_dim,
        "likelihood": likelihood,
        "sigma": sigma,
        "beta_min": beta_min,
        "beta_max": beta_max,
        "beta": beta,
        "kl_warmup_steps": kl_warmup_steps,
        "cycles": cycles,
        "ramp": ramp,
        "free_bits": free_bits,
        "capacity": capacity,
        "capacity_steps": capacity_steps,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "final_learning_rate": final_learning_rate,
        "warmup_steps": warmup_steps,
        "seed": seed,
        "binarize": binarize,
        "precision": precision,
        "threads": threads,
    }
    if resume:
        run = find_run(runs_dir, resume)
        _check_resume(given)
        if wish_of(run.folder).order != GO:
            ask(run.folder, order=GO)
    else:
        given["threads"] = min(256, os.cpu_count() or 1) if threads is None else threads
        config = override(preset(preset_name), **given)
        config = fit_to_data(config, data_dir, batch_size is None)
        run = Run.create(runs_dir, config, title)
    _train(run, data_dir, device, autosave)
    if output:
        write_bytes(output, run.model_path.read_bytes())


def _check_resume(given: dict[str, Any]) -> None:
    """A resumed run keeps its settings: asking for others must not pass in silence."""
    changed = [name.replace("_", "-") for name, value in given.items() if value is not None]
    if changed:
        raise ValueError(f"a resumed run must keep its settings, got --{changed[0]}: leave it out")


def _check_surroundings(device: str, autosave: float, output: Path | None) -> None:
    """Refuses what is no setting of the run but would stop it after it has begun."""
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu or cuda, got {device!r:.40}")
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ValueError("device must be cpu where torch finds no GPU, got 'cuda'")
    if not 0 <= autosave < math.inf:
        raise ValueError(f"autosave must be at least 0 and finite, got {autosave:g}")
    if output and not output.parent.is_dir():
        raise ValueError(f"output must be a file in a folder that exists, got {str(output)!r}")


def fit_to_data(config: RunConfig, data_dir: Path | None, lower_batch: bool = False) -> RunConfig:
    """The config with the image shape of its data; checked as a whole before a run is made.

    Where a batch would need more images than there are, it is made smaller if `lower_batch`.
    """
    from models.data.custom_images import fitting_batch
    from models.data.load import load
    from models.families.registry import describe

    images = load(config.data, "train", data_dir).images
    config = override(config, image_shape=tuple(images.shape[1:]))
    if lower_batch and config.training.batch_size > len(images):
        config = override(config, batch_size=fitting_batch(config.training.batch_size, len(images)))
        typer.echo(f"Batches of {config.training.batch_size}, for there are {len(images)} images.")
    config.total_steps(len(images))
    describe(config.model)
    return config


def _train(run: Run, data_dir: Path | None, device: str, autosave: float) -> None:
    """Runs the training under a progress bar; the first Ctrl-C or SIGTERM stops it cleanly."""
    from rich.console import Console

    from models.training.trainer import EpochEnd

    console = Console()
    stop = _stop_flag()
    command = "python -m models " + shlex.join(sys.argv[1:])
    event = None
    console.print(f"Run {run.id} in {run.folder.parent}")
    events = execute(run, data_dir, device, command, autosave)
    with _progress_bar(console) as bar:
        task = bar.add_task("training", total=None)
        for event in events:
            if isinstance(event, EpochEnd):
                console.print(_epoch_line(event, run.config()), highlight=False)
            else:
                bar.update(task, total=event.total_steps, completed=event.step)
            if stop():
                break
        events.close()
    if stop() or isinstance(event, Paused):
        console.print(f"Stopped and kept. Continue with: python -m models train --resume {run.id}")
    else:
        console.print(f"Done: {run.model_path}")


@app.command()
@one_sentence
def steer(
    run: Annotated[str, typer.Argument(help="Id of a run that is being trained.")],
    hold: Annotated[bool, typer.Option("--hold", help="Wait before the next step.")] = False,
    go: Annotated[bool, typer.Option("--go", help="Go on.")] = False,
    step: Annotated[bool, typer.Option("--step", help="Finish an epoch, then hold.")] = False,
    beta: Annotated[float | None, typer.Option(help="Weight of the rate from now on.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak rate from now on.")] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Hold a running training, let it go on, or change beta or its learning rate meanwhile."""
    folder = find_run(runs_dir or default_runs_dir(), run).folder
    orders = [name for name, given in ((HOLD, hold), (GO, go), (STEP, step)) if given]
    wanted: dict[str, Any] = {"beta": beta, "learning_rate": learning_rate}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if len(orders) > 1 or not (orders or wanted):
        raise ValueError("one of --hold, --go, --step, or --beta or --learning-rate must be given")
    if orders:
        wanted["order"] = orders[0]
    ask(folder, **wanted)
    typer.echo(f"Asked of {run}: {', '.join(f'{name} {value}' for name, value in wanted.items())}")


def _with_settings(command: Callable) -> Callable:
    """Gives a command with `**settings` the options of `train` that are settings of a run."""
    own = signature(command, eval_str=True).parameters.values()
    own = [parameter for parameter in own if parameter.kind != parameter.VAR_KEYWORD]
    parts = (RunConfig, ModelConfig, ObjectiveConfig, TrainingConfig)
    names = {item.name for part in parts for item in fields(part)} | {"preset_name"}
    names -= {parameter.name for parameter in own} | {"beta"}
    theirs = signature(train, eval_str=True).parameters.values()
    command.__signature__ = Signature(own + [p for p in theirs if p.name in names])
    return command


@app.command()
@_with_settings
@one_sentence
def sweep(
    betas: Annotated[str, typer.Option(help="Weights of the rate, like 0.1,0.3,1,3.")],
    seeds: Annotated[int, typer.Option(help="Runs of each, from --seed on.")] = 1,
    latent_dims: Annotated[
        str | None, typer.Option(help="Latent dimensions to compare, like 2,10.")
    ] = None,
    data_dir: DataDir = None,
    threads: Annotated[
        int | None, typer.Option(help="Of every process; default: cores / runs.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    title: Annotated[str, typer.Option(help="A label; another makes another sweep.")] = "",
    runs_dir: RunsDir = None,
    autosave: Annotated[float, typer.Option(help="Seconds between saves of a state.")] = 10.0,
    **settings: Any,
) -> None:
    """Train a run for every beta and seed; the same command goes on where it was stopped."""
    from models.families.registry import describe
    from models.sweeps.grid import grid
    from models.sweeps.plan import cores
    from models.sweeps.sweep import Sweep

    _check_surroundings(device, autosave, None)
    start = preset(settings.pop("preset_name"))
    settings["hidden"] = _whole_numbers(settings["hidden"])
    latents = () if latent_dims is None else _numbers("latent_dims", latent_dims, int)
    members = grid(override(start, **settings), _numbers("betas", betas, float), seeds, latents)
    threads = max(1, cores() // len(members)) if threads is None else threads
    fitted = fit_to_data(members[0], data_dir, settings["batch_size"] is None)
    fit = {
        "image_shape": fitted.model.image_shape,
        "batch_size": fitted.training.batch_size,
        "threads": threads,
    }
    members = [override(each, **fit) for each in members]
    for model in {member.model for member in members}:
        describe(model)
    _sweep(Sweep.open(runs_dir or default_runs_dir(), members, title), data_dir, device, autosave)


def _numbers(name: str, text: str, kind: type) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        noun = "whole numbers" if kind is int else "numbers"
        raise ValueError(f"{name} must be {noun} with commas between, got {text!r:.40}") from None


def _sweep(found: Any, data_dir: Path | None, device: str, autosave: float) -> None:
    """Runs the sweep under a progress bar, then writes and prints its table."""
    from rich.console import Console

    from models.sweeps.table import to_text
    from models.sweeps.worker import Advanced, Done, Failed

    console = Console()
    stop = _stop_flag()
    command = "python -m models " + shlex.join(sys.argv[1:])
    titles = {member.run.id: member.run.title for member in found.members}
    console.print(f"Sweep {found.id}: {len(titles)} runs in {found.runs_dir}")
    events = found.train(data_dir, device, command, autosave)
    shares: dict[str, float] = {}
    with _progress_bar(console, "runs") as bar:
        task = bar.add_task("training", total=len(titles))
        for event in events:
            if isinstance(event, Advanced | Done):
                shares[event.run_id] = event.share if isinstance(event, Advanced) else 1.0
                bar.update(task, completed=sum(shares.values()))
            if isinstance(event, Failed):
                console.print(f"{titles[event.run_id]}: {event.reason}", markup=False)
            if stop():
                break
        events.close()
    if stop():
        found.write()
        console.print("Stopped and kept. The same command goes on.")
        return
    pairs = found.check(data_dir)
    found.write(pairs)
    typer.echo(to_text(found.rows(), pairs))
    typer.echo(f"Written: {found.json_path}, {found.csv_path}")
    if found.failures:
        raise typer.Exit(1)


@app.command(hidden=True)
@one_sentence
def work(
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    device: Annotated[str, typer.Option()] = "cpu",
    command: Annotated[str, typer.Option()] = "",
    autosave: Annotated[float, typer.Option()] = 10.0,
) -> None:
    """Train the groups of runs that standard input names; what a sweep starts."""
    from models.sweeps.worker import work as train_groups

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which then ends this
    folder = runs_dir or default_runs_dir()
    reports, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no report
    train_groups(sys.stdin, reports, folder, data_dir, device, command, autosave)


def _progress_bar(console: Any, unit: str = "steps") -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    return Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), unit, TimeRemainingColumn(),
        console=console, transient=True,
    )  # fmt: skip


def _epoch_line(event: Any, config: RunConfig) -> str:
    line = (
        f"epoch {event.epoch + 1:>3}/{config.training.epochs}  test D {event.test_distortion:.2f}"
    )
    if config.model.capabilities.has_rate:
        line += f"  R {event.test_rate:.2f}  -ELBO {event.test_negative_elbo:.2f}"
    return f"{line} nats/image  ({event.seconds:.1f} s)"


def _stop_flag() -> Callable[[], bool]:
    """A function that tells whether Ctrl-C or SIGTERM came; a second Ctrl-C acts at once."""
    asked = []

    def note(signum: int, _frame: Any) -> None:
        asked.append(signum)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    return lambda: bool(asked)


@app.command()
@one_sentence
def evaluate(
    model: Annotated[str, typer.Argument(help="A checkpoint file, or the id of a run.")],
    data: Annotated[str | None, typer.Option(help="Another data set than the model's.")] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    samples: Annotated[int, typer.Option(help="k of the importance-weighted bound; 0: none.")] = 0,
    images: Annotated[int, typer.Option(help="Images for that bound.")] = 500,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
    beta: Annotated[float | None, typer.Option(help="At which beta; only of multirate.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a model on the test set: D, R, -ELBO in nats per image, with standard errors."""
    from models.runs.evaluation import evaluate_checkpoint

    if samples < 0 or images < 2:
        raise ValueError(
            f"samples must be at least 0 and images at least 2, got {samples}, {images}"
        )
    _check_seed(seed)
    path = Path(model)
    if not path.is_file():
        path = find_run(runs_dir or default_runs_dir(), model).model_path
    report = evaluate_checkpoint(path, data, data_dir, samples, images, seed, beta)
    typer.echo(json.dumps(report, indent=1) if as_json else _table(report))


@app.command()
@one_sentence
def export(
    model: Annotated[str, typer.Argument(help="A checkpoint file, or the id of a run.")],
    html: Annotated[Path, typer.Option(help="The file to write: the live map, in one HTML file.")],
    view: Annotated[str, typer.Option(help="raw (two latents), pca or tsne.")] = "raw",
    x: Annotated[int, typer.Option(help="Horizontal latent of the raw view, from 1.")] = 1,
    y: Annotated[int, typer.Option(help="Vertical latent of the raw view, from 1.")] = 2,
    colour: Annotated[str, typer.Option(help="class, kl, distortion or elbo.")] = "",
    originals: Annotated[bool, typer.Option(help="With the original test images.")] = True,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
) -> None:
    """Save a model's live map as one HTML file that needs no server and no network."""
    from explorer.assets.html_export import (
        export_page,  # the one thing this package asks of the screen
    )

    path = Path(model)
    if not path.is_file():
        path = find_run(runs_dir or default_runs_dir(), model).model_path
    page = export_page(path, view, x, y, colour, originals, data_dir)
    write_bytes(html, page)
    typer.echo(f"{html}: {len(page) / 1e6:.1f} MB")


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**31:
        raise ValueError(f"seed must be 0 to {2**31 - 1}, got {seed}")


def _table(report: dict[str, Any]) -> str:
    """The report as aligned lines, each number with its unit."""
    lines = []
    for name, value in report.items():
        if name == "kl_per_dimension":
            text = " ".join(f"{kl:.2f}" for kl in value) + " nats"
        elif isinstance(value, list):
            text = f"{value[0]:.2f} ± {value[1]:.2f} nats/image"
        elif isinstance(value, float):
            text = f"{value:.5f}" if "squared" in name else f"{value:.2f} nats/image"
        else:
            text = str(value)
        lines.append(f"{name.replace('_', ' '):<28}{text}")
    return "\n".join(lines)


@data_app.command("download")
@one_sentence
def download_data(
    name: Annotated[str, typer.Argument(help="mnist, fashion-mnist or kmnist.")],
    data_dir: DataDir = None,
) -> None:
    """Download a data set through torchvision, with a progress bar."""
    from models.data.builtin import default_data_dir, download

    download(name, data_dir or default_data_dir())
    typer.echo(f"{name} is ready in {data_dir or default_data_dir()}")


@data_app.command("show")
@one_sentence
def show_data(
    name: Annotated[str, typer.Argument(help="A data set's name, a .npz or a folder.")],
    data_dir: DataDir = None,
) -> None:
    """Say what a data set holds, and what was converted."""
    from models.data.load import load

    for split in ("train", "test"):
        images = load(name, split, data_dir)
        channels, height, width = images.images.shape[1:]
        typer.echo(
            f"{images.name} {split}: {len(images)} images, {channels}×{height}×{width}, "
            f"{len(images.class_names)} classes, fingerprint {images.fingerprint}"
        )
    for note in images.notes:
        typer.echo(f"note: {note}")


@data_app.command("add")
@one_sentence
def add_data(
    path: Annotated[Path, typer.Argument(help="A .npz, a .zip of images or a folder of images.")],
    title: Annotated[str, typer.Option(help="A label; default: the name of the file.")] = "",
) -> None:
    """Keep your own images in LATENT_RUNS_DIR, for trainings here and in the app."""
    from rich.console import Console

    from models.data.ingest import read_path
    from models.data.library import add

    with _progress_bar(Console(), "images") as bar:
        task = bar.add_task("reading", total=None)
        found = read_path(path, lambda done, count: bar.update(task, total=count, completed=done))
    for note in found.notes:
        typer.echo(f"note: {note}")
    facts = add(found, title)
    typer.echo(_describe(facts))
    typer.echo(f"Train with: python -m models train --data {facts.id}")


@data_app.command("list")
@one_sentence
def list_data() -> None:
    """List your own images that were added."""
    from models.data.library import list_paths, read_info

    found = list_paths()
    for path in found.values():
        try:
            typer.echo(_describe(read_info(path)))
        except ValueError as error:
            typer.echo(f"{error}.", err=True)
    if not found:
        typer.echo("None yet: python -m models data add PATH")


@data_app.command("remove")
@one_sentence
def remove_data(
    name: Annotated[str, typer.Argument(help="What data list calls it.")],
    undo: Annotated[bool, typer.Option("--undo", help="Have a removed set back.")] = False,
) -> None:
    """Remove a set of your own images; runs that were trained on it stay."""
    from models.data.library import recover, remove

    (recover if undo else remove)(name)
    typer.echo(f"{name} is {'back' if undo else 'removed; data remove --undo has it back'}")


def _describe(facts: Any) -> str:
    """A set of one's own images in one line."""
    channels, height, width = facts.image_shape
    return (
        f"{facts.id}  {facts.title}: {facts.count} images, {channels}×{height}×{width}, "
        f"{facts.train} to train, {facts.count - facts.train} to test, {facts.classes} classes"
    )


@app.command(hidden=True)
@one_sentence
def project(
    model: Annotated[Path, typer.Argument(help="A checkpoint with codes.")],
    output: Annotated[Path, typer.Argument(help="Where to write the positions.")],
    perplexity: Annotated[float, typer.Option(help="Effective number of neighbours.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Of the neighbour search.")] = 0,
) -> None:
    """Compute a t-SNE map in this process; prints the share done, one number a line."""
    from models.latents.tsne import tsne
    from models.storage.checkpoint import read
    from models.storage.tensors import write_tensors

    _check_seed(seed)
    codes = read(model).codes
    if codes is None:
        raise ValueError("the checkpoint must hold the codes of a test set")
    parent = os.getppid()

    def report(done: float) -> None:
        if os.getppid() != parent:  # the server died: nobody waits for this map
            raise typer.Exit(1)
        print(f"{done:.3f}", flush=True)

    positions = tsne(codes.mean, perplexity, seed=seed, progress=report)
    write_tensors(output, {"positions": positions}, {})
