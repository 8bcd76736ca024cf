"""The command `sweep`, and the hidden one that a sweep starts in processes of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from models.cli.arguments import given_command, sweep_command
from models.cli.console import make_console, progress_bar, stop_flag
from models.cli.custom_images import Scale, Size, SkipBroken, data_name, library_in
from models.cli.dask import Watch, check_dask, engine_of, is_elsewhere
from models.cli.options import (
    Autosave,
    Dask,
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
from models.cli.train import (
    check_resume,
    choose_for_machine,
    fit_to_data,
    given_reading,
    warn_of_precision,
)
from models.config import RunConfig, override
from models.data.read_options import AUTO
from models.devices import CPU, find_device
from models.engines.worker import report
from models.places import default_runs_dir
from models.presets import preset
from models.runs.folder import find_run


@with_settings("beta")
@one_sentence
def sweep(
    betas: Annotated[str, typer.Option(help="Weights of the rate, like 0.1,0.3,1,3.")] = "",
    seeds: Annotated[int, typer.Option(help="Runs of each, from --seed on.")] = 1,
    latent_dims: Annotated[
        str | None, typer.Option(help="Latent dimensions to compare, like 2,10.")
    ] = None,
    preset_name: PresetName = "digits-2d",
    data_dir: DataDir = None,
    device: Device = "cpu",
    title: Annotated[str, typer.Option(help="A label; another makes another sweep.")] = "",
    runs_dir: RunsDir = None,
    resume: Annotated[str, typer.Option(help="Id of a sweep to continue.")] = "",
    score: Annotated[
        str, typer.Option(help="Also print this score of known factors by beta, like mig.")
    ] = "",
    autosave: Autosave = 10.0,
    dask: Dask = "",
    scale: Scale = AUTO,
    size: Size = None,
    skip_broken: SkipBroken = False,
    **settings: Any,
) -> None:
    """Train a run for every beta and seed.

    The same command continues a sweep that was stopped. Unless you say how many threads, the
    processors are shared out evenly among the runs; on Dask each run has one.
    """
    from models.sweeps.sweep import Sweep

    check_dask(dask)
    device = find_device(device, is_elsewhere(dask))
    check_surroundings(autosave)
    _check_score(score)
    given = read_settings(settings)
    found = Sweep.find(runs_dir or default_runs_dir(), resume) if resume else None
    with library_in(runs_dir, found.members[0].config.data if found else given["data"]):
        if found is None:
            given["data"] = data_name(given["data"], scale, size, skip_broken)
            wanted = betas, seeds, latent_dims
            members = _members(preset_name, given, *wanted, data_dir, device, is_elsewhere(dask))
            found = Sweep.open(runs_dir or default_runs_dir(), members, title)
            command = given_command(found.members[0].config)
        else:
            options = {"betas": betas or None, "latent-dims": latent_dims}
            check_resume(options | given | given_reading(scale, size, skip_broken))
            command = sweep_command([member.config for member in found.members])
        _check_factors(found, score, data_dir)
        if not is_elsewhere(dask):
            warn_of_precision(found.members[0].config, device)
        engine = engine_of(dask, found, bool(resume)) if dask else None
        _sweep(found, data_dir, device, autosave, command, engine)
        if score:
            _print_score(found, score)


def _check_score(score: str) -> None:
    """Raises ValueError unless it is nothing, or the key of a score."""
    from models.metrics.disentanglement.scores import PROBES, SCORES

    if score and score not in SCORES | PROBES:
        raise ValueError(f"score must be one of {', '.join(SCORES | PROBES)}, got {score!r:.40}")


def _check_factors(found: Any, score: str, data_dir: Path | None) -> None:
    """Raises ValueError if a score is asked for of images whose factors are not known."""
    from models.runs.images import load_images

    if score and load_images(found.members[0].config, "test", data_dir).factors is None:
        raise ValueError(
            "score must go with images whose factors are known, as sprites, got "
            f"{found.members[0].config.data!r:.80}"
        )


def _print_score(found: Any, score: str) -> None:
    """Prints a score by β, its mean and 95 % interval over the seeds, and what that says."""
    from models.metrics.disentanglement.effect import beta_effect
    from models.metrics.disentanglement.scores import PROBES, SCORES
    from models.metrics.statistics import t_interval
    from models.storage.checkpoint import read_card

    rows: dict[float, list[float]] = {}
    for member in found.members:
        if member.is_done():
            value = read_card(member.run.model_path)[0].metrics.get(score)
            rows.setdefault(member.beta, []).extend([] if value is None else [value])
    name = (SCORES | PROBES)[score]
    typer.echo(f"{name} (0 to 1) by beta:")
    for beta, values in sorted(rows.items()):
        if values:
            mean, half = t_interval(values)
            interval = f" ± {half:z.3f} (95 %)" if len(values) > 1 else ""
            typer.echo(f"{beta:>8g}  {mean:z.3f}{interval}, {len(values)} runs")
    if len(rows) > 1 and len({len(values) for values in rows.values()}) == 1:
        typer.echo(beta_effect(rows).sentence(name))


def _members(
    preset_name: str,
    given: dict[str, Any],
    betas: str,
    seeds: int,
    latent_dims: str | None,
    data_dir: Path | None,
    device: str,
    is_remote: bool,
) -> list[RunConfig]:
    """The settings of every run of a new sweep; all share what is chosen for this machine.

    Elsewhere each has one thread; what a GPU of another machine would choose is not known here.
    """
    from models.engines.system import cores

    given, automatic = split_automatic(given)
    members = _grid(override(preset(preset_name), **given), betas, seeds, latent_dims)
    if "threads" in automatic:
        automatic.remove("threads")
        is_alone = device != CPU or is_remote
        threads = max(1, 1 if is_alone else min(256, cores() // len(members)))
        members = [override(each, threads=threads) for each in members]
    members = _fitted(members, data_dir, given["batch_size"] is None)
    if is_remote and device != CPU:
        return members
    training = choose_for_machine(members[0], automatic, device).training
    alike = {"precision": training.precision, "layout": training.layout}
    return [override(each, **alike) for each in members]


def _grid(start: RunConfig, betas: str, seeds: int, latent_dims: str | None) -> list[RunConfig]:
    """The settings of every run of a new sweep."""
    from models.sweeps.grid import grid

    latents = () if latent_dims is None else _numbers("latent_dims", latent_dims, int)
    return grid(start, _numbers("betas", betas, float), seeds, latents)


def _fitted(members: list[RunConfig], data_dir: Path | None, lower_batch: bool) -> list[RunConfig]:
    """The same settings, once they are known to fit the data."""
    from models.families.registry import describe

    fitted = fit_to_data(members[0], data_dir, lower_batch)
    fit = {
        "image_shape": fitted.model.image_shape,
        "batch_size": fitted.training.batch_size,
    }
    members = [override(each, **fit) for each in members]
    for model in {member.model for member in members}:
        describe(model)
    return members


def _numbers(name: str, text: str, kind: type) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        noun = "whole numbers" if kind is int else "numbers"
        raise ValueError(f"{name} must be {noun} separated by commas, got {text!r:.40}") from None


def _sweep(
    found: Any,
    data_dir: Path | None,
    device: str,
    autosave: float,
    command: str,
    engine: Any = None,
) -> None:
    """Runs the sweep under a progress bar, then writes and prints its table."""
    from models.runs.verdict import verdict
    from models.storage.checkpoint import read
    from models.sweeps.table import to_text
    from models.sweeps.worker import Advanced, Done, Failed

    console = make_console()
    stop = stop_flag()
    titles = {member.run.id: member.run.title for member in found.members}
    console.print(f"Sweep {found.id}: {len(titles)} runs in {found.runs_dir}")
    watch = Watch(engine, console, len(titles)) if engine is not None else None
    events = found.train(data_dir, device, command, autosave, engine)
    shares: dict[str, float] = {}
    with progress_bar(console, "runs") as bar:
        task = bar.add_task("training", total=len(titles))
        for event in events:
            if isinstance(event, Advanced | Done):
                shares[event.run_id] = event.share if isinstance(event, Advanced) else 1.0
                bar.update(task, completed=sum(shares.values()))
            if isinstance(event, Failed):
                console.print(f"{titles[event.run_id]}: {event.reason}")
            if watch is not None:
                watch.look(event)
            if stop():
                break
        events.close()
    if stop():
        found.write()
        console.print("Stopped and kept. The same command continues.")
        return
    pairs = found.check(data_dir, device)
    found.write(pairs)
    typer.echo(to_text(found.rows(), pairs))
    for run in (member.run for member in found.members):
        if run.model_path.exists() and (reason := verdict(read(run.model_path).card)):
            typer.echo(f"{run.title}: {reason}.")
    typer.echo(f"Written: {found.json_path}, {found.csv_path}")
    if watch is not None and watch.problem:
        raise ValueError(watch.problem)
    if found.failures:
        first = next(iter(found.failures.values()))
        raise ValueError(
            f"every run must reach its end, but {len(found.failures)} of {len(titles)} failed, "
            f"the first because {first}"
        )


@one_sentence
def work(
    runs: Annotated[list[str], typer.Argument(help="Ids of the runs of a group.")],
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    command: Annotated[str, typer.Option()] = "",
    autosave: Autosave = 10.0,
) -> None:
    """Train a group of runs and report how they do; work that a sweep gives to an engine."""
    from models.sweeps.worker import train_group

    device = find_device(device)
    check_surroundings(autosave)
    folder = runs_dir or default_runs_dir()
    found = [find_run(folder, name) for name in runs]
    with library_in(runs_dir, found[0].config().data):
        train_group(found, report, stop_flag(), data_dir, device, command, autosave)
