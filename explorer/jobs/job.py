"""Jobs: what is shown of one, how it lies on disk, and the sentences about it."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from explorer.jobs.elsewhere import DaskNews
from explorer.jobs.progress import Measure, Progress
from models import strict_json
from models.places import disk_reason, is_folder_name
from models.text import clean_name

LIVE = ("queued", "running")
STATES = (*LIVE, "paused", "done", "failed", "cancelled", "interrupted")
_RESUMABLE = ("paused", "cancelled", "interrupted", "failed")
STOPPING = "stopping"
_ENDINGS = {
    "paused": "was stopped at {} and kept",
    "cancelled": "was cancelled at {}",
    "interrupted": "was interrupted at {}, for its server ended",
    "failed": "failed at {}",
}
MAX_SECONDS = 1e11
"""Of an age or of a time since 1970 that a clock can show."""
_SENTENCES = {"title": 80, "text": 300, "reason": 300}
"""Entries of a record that are shown, and their longest, in characters."""
_ID = re.compile(r"\d{8}-\d{6}-\d{9}-[0-9a-f]{6}")
_PATH = re.compile(r"(?<!\w)/(?:[^/\s'\"]+/)+")
_ROOT = Path(__file__).resolve().parents[2]


class JobError(RuntimeError):
    """A job failed, or cannot be started or found; the message is for the user."""


@dataclass(frozen=True)
class Job:
    """A training run or a sweep in the background.

    Attributes:
        id: Generated; in order of submission.
        title: The user's label.
        state: queued, running, paused, done, failed, cancelled, or interrupted: its server ended.
        position: Place in the queue, from 1; 0 if it does not wait.
        share: Done, 0 to 1.
        seconds_left: Estimate; None where there is none.
        text: Where it stands, in one line.
        reason: Why it failed, one sentence; else empty.
        runs: Ids of the runs it trains.
        sweep: Id of their sweep, or nothing.
        began: When it was started last, in seconds since 1970; 0 if it never was.
        owner: Who asked for it; empty for the teacher, or without a class for everyone.
        wait_seconds: How long it will wait, an estimate; None where there is none.
        trouble: What keeps it from its work now, a phrase; else empty.
        engine: What trains it: empty, this machine; "dask".
        dask: What is known of Dask while it works; None before.
    """

    id: str
    title: str
    state: str
    position: int = 0
    share: float = 0.0
    seconds_left: float | None = None
    text: str = ""
    reason: str = ""
    runs: tuple[str, ...] = ()
    sweep: str = ""
    began: float = 0.0
    owner: str = ""
    wait_seconds: float | None = None
    trouble: str = ""
    engine: str = ""
    dask: DaskNews | None = None

    @property
    def is_live(self) -> bool:
        """Whether it waits or works."""
        return self.state in LIVE

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end, and has not ended yet."""
        return self.state == "running" and self.text == STOPPING

    @property
    def ending(self) -> str:
        """How it ended before its work was done, as the end of a sentence.

        Example:
            >>> Job("1", "a", "paused", share=0.31).ending
            'was stopped at 31% and kept'
        """
        reason = f": {self.reason}" if self.reason else ""
        return (
            f"{_ENDINGS.get(self.state, 'ended early at {}').format(f'{self.share:.0%}')}{reason}"
        )

    @property
    def can_resume(self) -> bool:
        """Whether it ended before its work was done, and its runs are there to go on with."""
        return self.state in _RESUMABLE and bool(self.runs)


@dataclass(frozen=True)
class Record:
    """A job as it lies on disk; `entered` is when it was last put into the queue of `server`, and
    `seconds` what the whole of it takes, an estimate, or 0. Of Dask it has no address: that is
    known from the start of a server."""

    title: str
    arguments: tuple[str, ...]
    server: str
    entered: float
    state: str = "queued"
    share: float = 0.0
    text: str = ""
    reason: str = ""
    runs: tuple[str, ...] = ()
    sweep: str = ""
    began: float = 0.0
    owner: str = ""
    seconds: float = 0.0
    engine: str = ""

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """Raises ValueError if it is none."""
        document = strict_json.parse(data, "record of a job")
        kinds = get_type_hints(cls)
        if not isinstance(document, dict) or not set(document) <= set(kinds):
            raise ValueError("a job must be a JSON object with the entries of one")
        for name, value in document.items():
            _check_entry(name, value, kinds[name])
            if isinstance(value, list):
                document[name] = tuple(value)
            elif name in _SENTENCES:
                document[name] = clean_name(value, "", _SENTENCES[name])
        try:
            return cls(**document)
        except TypeError as error:
            raise ValueError("a job must be a JSON object with the entries of one") from error

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    def at(self, found: Measure) -> Record:
        """The record with the progress of this moment."""
        return replace(self, share=found.share, text=found.text)


def _check_entry(name: str, value: Any, kind: Any) -> None:
    """Raises ValueError unless an entry of a record is of its kind."""
    if kind is float:
        most = 1.0 if name == "share" else MAX_SECONDS
        is_valid = type(value) in (int, float) and 0 <= value <= most
    elif kind is str:
        is_valid = isinstance(value, str)
    else:
        is_valid = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if name == "runs":
        is_valid = is_valid and all(map(is_folder_name, value))
    if name == "arguments":  # where Dask is, the start of a server says
        is_valid = is_valid and not any(each.startswith("--dask") for each in value)
    if not is_valid or (name == "state" and value not in STATES):
        raise ValueError(f"the {name} of a job must be what this program writes, got {value!r:.40}")


_SHOWN = ("title", "state", "share", "text", "reason", "runs", "sweep", "began", "owner", "engine")


def shown_job(job_id: str, record: Record, progress: Progress, place: int = 0) -> Job:
    """Makes what is shown of a job; only one that works is measured."""
    shown = {name: getattr(record, name) for name in _SHOWN}
    if record.state == "running":
        shown |= progress.measure()._asdict()
    return Job(job_id, position=place, **shown)


def new_id(now: int, known: Collection[str]) -> str:
    """Makes an id that comes after all others, even if the clock was set back meanwhile.

    Args:
        now: The time in nanoseconds since 1970.
        known: The ids of all jobs.

    Example:
        >>> new_id(0, ["20990101-000000-000000009-aaaaaa"])[:25]
        '20990101-000000-000000010'
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now // 10**9))
    place, last = f"{stamp}-{now % 10**9:09d}", max(filter(_ID.fullmatch, known), default="")[:25]
    if place <= last:
        place = f"{last[:16]}{int(last[16:]) + 1:09d}"
    return f"{place}-{secrets.token_hex(3)}"


@contextlib.contextmanager
def storing() -> Iterator[None]:
    """Makes one sentence for the user of a disk that does not take a job."""
    try:
        yield
    except OSError as error:
        raise JobError(f"The job cannot be stored: {disk_reason(error)}.") from error


def presentable(text: str, runs_dir: Path) -> str:
    """Removes folders and characters that do not print from a sentence of the command line.

    Example:
        >>> presentable("/srv/runs/a/state.x cannot be used\\x1b", Path("/srv/runs"))
        'state.x cannot be used'
    """
    for folder in (runs_dir, _ROOT, Path.home()):
        text = text.replace(f"{folder}/", "/")
    return "".join(filter(str.isprintable, _PATH.sub("", text)))[:300]
