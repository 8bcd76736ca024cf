"""`python -m explorer`: starts the app; `export` saves a map as HTML, `report` an audit.

With `--adapter FILE` the app opens at the user's own model, with `--codes FILE` at codes that came
without a model; with `--class` it is for a class.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if __name__ == "__main__" and not sys.flags.safe_path:  # the working folder may hold namesakes
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from explorer.server.options import GIGABYTES, host_name, origin, room, scheduler
from explorer.widgets.text import size
from models.atomic import write_bytes
from models.cli.options import DataDir, Device, Model, RunsDir, model_path, one_sentence
from models.devices import CPU, find_device
from models.engines.dask_scheduler import check_installed

if TYPE_CHECKING:  # they import torch
    from models.adapter.definitions import Adapter
    from models.adapter.measure import MeasuredModel

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
@one_sentence
def explore(
    context: typer.Context,
    adapter: Annotated[
        Path | None,
        typer.Option(
            help="Your Python file with encode(images) and decode(z); it is run in its folder."
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Images for the adapter: a name, a .npz or a folder.")
    ] = None,
    codes: Annotated[
        Path | None,
        typer.Option(help="An .npz with mean (N, L) and, optionally, log_variance and labels."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="An .npz for --codes with images, decoded (images of each mean), or both."
        ),
    ] = None,
    data_dir: DataDir = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port on this machine; default: 8501, or the next free one.", min=1, max=65535
        ),
    ] = None,
    headless: Annotated[bool, typer.Option(help="Open no browser.")] = False,
    class_mode: Annotated[
        bool | None,
        typer.Option(
            "--class/--no-class",
            help="For a class: others can reach it, and change only what they made. "
            "Default: if others can reach it.",
        ),
    ] = None,
    class_gb: Annotated[
        float | None,
        typer.Option(help=f"Room for the runs of a class, gigabytes; default: {GIGABYTES:g}."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name of this server; repeat for more.")
    ] = None,
    allow_frame: Annotated[
        list[str] | None,
        typer.Option(help="An origin whose pages may show the app inside; repeat for more."),
    ] = None,
    dask: Annotated[
        str,
        typer.Option(
            help="Offer sweeps on Dask: local, or its scheduler, like tls://cluster.example:8786.",
            metavar="ADDRESS",
        ),
    ] = "",
) -> None:
    """Start the app; with --adapter, measure your own trained VAE and open it at its map."""
    if context.invoked_subcommand:
        return
    if data_dir is not None:
        os.environ["LATENT_DATA_DIR"] = str(data_dir)
    check_port(port)
    _set_options(class_mode, class_gb, allow_host or [], allow_frame or [])
    _set_dask(dask)
    with contextlib.ExitStack() as stack:
        _open(stack, adapter, data, codes, images, data_dir)
        serve(port, headless)


def _open(
    stack: contextlib.ExitStack,
    adapter: Path | None,
    data: str | None,
    codes: Path | None,
    images: Path | None,
    data_dir: Path | None,
) -> None:
    """Opens what the app is started with, if anything, until the stack is closed."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="latent-")))
    if codes is not None or images is not None:
        if codes is None or adapter is not None or data is not None:
            raise ValueError("codes and images must go together, without --adapter and --data")
        open_codes(codes, images, folder)
    elif adapter is not None:
        from models.adapter.process import AdapterProcess

        own = stack.enter_context(AdapterProcess(adapter))
        typer.echo(f"Running {adapter.name} …", err=True)
        open_adapter(own, adapter.stem, folder, data, data_dir)
    elif data is not None:
        raise ValueError("data must go with --adapter: give the adapter, or leave data out")


def _set_options(
    class_mode: bool | None, class_gb: float | None, hosts: list[str], frames: list[str]
) -> None:
    """Hands over what the server reads when it starts; raises ValueError if it cannot be."""
    given = {
        "LATENT_CLASS_GB": class_gb and str(room(str(class_gb)) / 1e9),
        "LATENT_ALLOW_FRAME": " ".join(map(origin, frames)),
        "STREAMLIT_SERVER_ALLOWED_HOSTS": " ".join(map(host_name, hosts)),
    }
    if class_mode is not None:
        given["LATENT_CLASS"] = "1" if class_mode else "0"
    if class_mode:  # it listens to all
        given |= {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
        given |= {"STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE": "true"}
    os.environ.update({name: text for name, text in given.items() if text})


def _set_dask(dask: str) -> None:
    """Hands over the address of a scheduler; raises ValueError if that cannot be."""
    if dask:
        check_installed()
        os.environ["LATENT_DASK"] = scheduler(dask)


@app.command()
@one_sentence
def export(
    model: Model,
    html: Annotated[Path, typer.Option(help="The file to write.")],
    view: Annotated[str, typer.Option(help="raw (two latents), pca, tsne or draws.")] = "raw",
    x: Annotated[int, typer.Option(help="Horizontal latent of the raw view, from 1.")] = 1,
    y: Annotated[int, typer.Option(help="Vertical latent of the raw view, from 1.")] = 2,
    colour: Annotated[str, typer.Option(help="class, kl, distortion or elbo.")] = "",
    originals: Annotated[bool, typer.Option(help="With the original test images.")] = True,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
) -> None:
    """Save a model's live map as one HTML file.

    The file needs no server and no network.
    """
    from explorer.assets.html_export import export_page

    page = export_page(model_path(model, runs_dir), view, x, y, colour, originals, data_dir)
    write_bytes(html, page)
    typer.echo(f"{html}: {size(len(page))}")


@app.command()
@one_sentence
def report(
    html: Annotated[Path, typer.Option(help="The file to write.")],
    model: Annotated[
        str | None, typer.Argument(help="A checkpoint file, or the id of a run.")
    ] = None,
    adapter: Annotated[
        Path | None, typer.Option(help="Your Python file with encode(images) and decode(z).")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Other images: a name, a .npz or a folder.")
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    device: Device = CPU,
) -> None:
    """Audit a model, trained here or your own, and write it as one HTML page.

    The page names the faults it finds: nothing learned, posterior collapse, a loss off its scale,
    an ignored latent; every number with unit and interval, and what would change the verdict.
    """
    if (model is None) == (adapter is None):
        raise ValueError("report must be given a model, or --adapter FILE, and not both")
    device = find_device(device)
    if adapter is not None and device != CPU:
        typer.echo(f"note: {adapter.name} says itself where it computes, not --device", err=True)
    if not html.parent.is_dir():
        raise ValueError(f"html must be a file in a folder that exists, got {str(html)!r:.200}")
    from explorer.report.page import report_page
    from models.audit.audit import Audit, audit
    from models.audit.subject import Subject, custom_model, stored_model

    def audited(subject: Subject) -> Audit:
        return audit(subject, lambda what: typer.echo(f"measuring {what} …", err=True))

    named = f"--adapter {adapter.name}" if adapter else Path(str(model)).name
    command = f"python -m explorer report {named} --html {html.name}"
    if adapter is None:
        found = audited(stored_model(model_path(str(model), runs_dir), data, data_dir, device))
        page = report_page(found, command)
    else:
        from models.adapter.measure import measure_model
        from models.adapter.process import AdapterProcess

        with AdapterProcess(adapter) as own:
            subject = custom_model(measure_model(own, adapter.stem, data, data_dir, _progress))
            found = audited(subject)
            page = report_page(found, command)
    write_bytes(html, page)
    typer.echo(f"{found.verdict}.")
    typer.echo(f"{html}: {size(len(page))}")


def open_adapter(
    adapter: Adapter,
    title: str,
    folder: Path,
    data: str | None = None,
    data_dir: Path | None = None,
) -> None:
    """Measures the model of an adapter, prints its scores, and offers it to the screens.

    Args:
        adapter: The user's file, which has been run.
        title: A label, where the file has none.
        folder: Where to keep its codes while the app runs.
        data: Name or path of the images; it replaces what the adapter says.
        data_dir: Folder of the MNIST family.

    Raises:
        ValueError: One sentence on what is wrong with the adapter or its images.
    """
    from models.adapter.measure import measure_model

    measured = measure_model(adapter, title, data, data_dir, _progress)
    typer.echo(scores_of(measured))
    _offer(measured, folder)


def open_codes(codes: Path, images: Path | None, folder: Path) -> None:
    """Reads codes that came without a model, says what they are, and offers them to the screens.

    Args:
        codes: An archive, as `models.given.archive` describes.
        images: Another one with their pictures.
        folder: Where to keep the codes while the app runs.

    Raises:
        ValueError: One sentence on what is wrong with a file.
    """
    from models.given.model import open_codes as read

    measured = read(codes, images)
    given = measured.codes
    latents = f"{given.latent_dim} latent{'' if given.latent_dim == 1 else 's'}"
    parts = [f"{len(given):,} codes", latents]
    parts += ["" if given.log_variance is None else "with log-variances"]
    parts += ["" if given.labels is None else f"{len(measured.card.class_names)} classes"]
    typer.echo(" · ".join(filter(None, parts)))
    typer.echo(measured.decoding)
    for note in measured.notes:
        typer.echo(f"note: {note}")
    _offer(measured, folder)


def _offer(measured: MeasuredModel, folder: Path) -> None:
    """Lets the screens open at a model, whose codes are kept in that folder."""
    from explorer import state
    from explorer.services import adapter_model

    path = folder / "model.safetensors"
    measured.write(path)
    adapter_model.offer(path, measured)
    preferred = {"model": adapter_model.ID}
    if measured.codes.rate is not None:
        preferred["collapsed"] = adapter_model.ID
    state.prefer(**preferred)


def _progress(what: str, share: float) -> None:
    """Prints one line that fills up; in a file, only its end."""
    if sys.stderr.isatty():
        typer.echo(f"\r{what:<20}{share:>5.0%}", err=True, nl=share >= 1)
    elif share >= 1:
        typer.echo(f"{what}: done", err=True)


def scores_of(measured: MeasuredModel) -> str:
    """Writes the scores of the user's model as lines, each number with its unit."""
    card, count = measured.card, len(measured.images)
    shape = " × ".join(map(str, measured.images.image_shape))
    latents = measured.model.latent_dim
    lines = [
        f"{card.title} · {card.data_name} · {count:,} test images of {shape}, "
        f"{latents} latent{'' if latents == 1 else 's'}"
    ]
    for name, label in (("distortion", "D"), ("rate", "R"), ("negative_elbo", "−ELBO")):
        mean, error = card.metrics[name]
        lines.append(f"{label:<8}{mean:z10.2f} ± {error:z.2f} nats/image")
    lines.append(f"{'active':<8}{card.metrics['active_units']:>7} of {latents} latents")
    lines += [f"note: {note}" for note in measured.notes]
    lines.append(measured.decoding or "The browser decodes with the decoder's own layers.")
    return "\n".join(lines)


def check_port(port: int | None) -> None:
    """Refuses a port that another program has, before anything takes time.

    Args:
        port: On 127.0.0.1; None: any will do.

    Raises:
        ValueError: If the app could not listen there.
    """
    if port is None:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = "another program has it" if error.errno == errno.EADDRINUSE else error.strerror
            raise ValueError(
                f"port must be free, got {port}, which cannot be used ({reason}): "
                "leave --port out and the next free one is taken"
            ) from error


def serve(port: int | None, headless: bool) -> None:
    """Runs the app in this process until it is stopped, so that it sees the model offered here.

    Args:
        port: On 127.0.0.1; None: 8501, or the next free one.
        headless: Whether to open no browser.
    """
    from streamlit.web import cli

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # temporary files are removed
    script = str(Path(__file__).with_name("app.py"))
    options = ["--server.headless", str(headless).lower()]
    options += [] if port is None else ["--server.port", str(port)]
    cli.main(["run", script, *options], prog_name="streamlit")


if __name__ == "__main__":
    app(prog_name="python -m explorer")
