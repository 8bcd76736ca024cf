"""Trains several runs on the same data in one process, stacked where that is possible."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from models.families.registry import build_model
from models.runs.folder import Run
from models.runs.images import load_images
from models.runs.train import AUTOSAVE_SECONDS, drive, restore
from models.training.events import EpochEnd, StepsDone
from models.training.image_store import to_device
from models.training.stacked import Member, Stack

LOCK_PATIENCE = 30.0
"""Seconds to wait for a process that is being told to leave a run."""


def train_together(
    runs: Sequence[Run],
    data_dir: str | Path | None = None,
    device: str = "cpu",
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
) -> Iterator[Mapping[str, Any]]:
    """Trains runs on the same data in turns, as `models.runs.train.execute` trains one.

    Several are stacked, from the step of the most advanced on; before that, those behind catch
    up alone. Either way each ends with the bits it would have alone, whatever stops it meanwhile.
    Closing the iterator stops all and keeps everything.

    Args:
        runs: One of any kind, or several of linear layers that differ in β alone.
        data_dir: See `models.data.load.load`.
        device: "cpu", "cuda" or "mps".
        command: For the cards.
        autosave_seconds: Time between two saves of a state.

    Yields:
        After every round the news by run id: an event of the trainer, None for a run that has
        reached its end, or the ValueError or OSError for which it stopped. The others go on.

    Raises:
        ValueError: If there is no such data.
    """
    config = runs[0].config()
    torch.set_num_threads(config.training.threads)
    train_set, test_set = (load_images(config, split, data_dir) for split in ("train", "test"))
    shared = [to_device(part.images, device) for part in (train_set, test_set)]
    members: dict[str, Member] = {}
    live: dict[str, Iterator[Any]] = {}
    news: dict[str, Any] = {}
    with contextlib.ExitStack() as locks:
        for run in runs:
            try:
                locks.enter_context(run.lock(LOCK_PATIENCE))
                config = run.config()
                model = build_model(config.model, config.training.seed)
                member = Member(model, config, *shared, device)
                seconds = restore(run, member)
            except (ValueError, OSError) as error:
                news[run.id] = error
                continue
            members[run.id] = member
            live[run.id] = drive(run, member, test_set, seconds, command, autosave_seconds)
        try:
            yield news
            while live:
                news = _round(members, live, _whose_turn(members, live))
                yield news
        finally:
            for events in live.values():
                with contextlib.suppress(ValueError, OSError):  # its last good state stays
                    events.close()


def _whose_turn(members: Mapping[str, Member], live: Mapping[str, Any]) -> list[str]:
    """Those that lag behind, if any; else all, stacked if they can be and are not yet."""
    going = [members[name] for name in live]
    steps = {m.step for m in going if m.step < m.total_steps}
    if len(steps) > 1:
        return [name for name in live if members[name].step < max(steps)]
    fresh = [m for m in going if m.step < m.total_steps and m.stack is None]
    if len(fresh) > 1:
        Stack(fresh)
    return list(live)


def _round(
    members: Mapping[str, Member], live: dict[str, Iterator[Any]], names: Sequence[str]
) -> dict[str, Any]:
    """One event of each of these; what has ended leaves `live` and its stack."""
    news: dict[str, Any] = {}
    for name in names:
        try:
            news[name] = next(live[name])
        except StopIteration:
            news[name] = None
        except (ValueError, OSError) as error:
            news[name] = error
        if not isinstance(news[name], StepsDone | EpochEnd):
            del live[name]
            if members[name].stack is not None:
                members[name].stack.leave(members[name])
    return news
