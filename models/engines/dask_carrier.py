"""What the owner of a Dask engine brings to workers, and what it writes of what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from models.engines.dask_worker import Report, give, put
from models.engines.handle import Work
from models.engines.transfer import Rules, fingerprint, read_folder, write_folder

PIECE_BYTES = 2**23


class Carrier:
    """Brings folders and files to the workers that lack them, and writes what comes back.

    Args:
        call: Has the worker at an address run a function with arguments.
        owner: See `models.engines.dask_worker.Order`.
        rules: What travels.
    """

    def __init__(self, call: Callable[..., Awaitable[Any]], owner: str, rules: Rules) -> None:
        self._call, self._owner, self._rules = call, owner, rules
        self._digests: dict[str, str] = {}

    async def digest(self, path: str) -> str:
        """The fingerprint of a file, computed once."""
        if path not in self._digests:
            self._digests[path] = await asyncio.to_thread(fingerprint, path)
        return self._digests[path]

    def write(self, work: Work, report: Report) -> None:
        """Writes what has changed into the folders of this machine."""
        folders = {Path(folder).name: Path(folder) for folder in work.folders}
        for name in {*report.changed, *report.gone}:
            if name not in folders:
                raise ValueError(f"a worker must return its own runs, got {name!r:.80}")
            files, gone = report.changed.get(name, {}), report.gone.get(name, [])
            write_folder(folders[name], files, gone, self._rules.returned)

    async def bring(
        self, address: str, files: Mapping[str, str], work: Work, report: Report
    ) -> str:
        """Brings a worker what it lacks; returns why it cannot keep it, or nothing."""
        target = address, self._owner, report.attempt
        for folder in work.folders:
            if Path(folder).name in report.needs_folders:
                content = await asyncio.to_thread(read_folder, Path(folder), self._rules.sent)
                problem = await self._call(target[0], give, *target[1:], Path(folder).name, content)
                if problem:
                    return problem
        for name, digest in files.items():
            if digest in report.needs_files:
                path = work.files[name]
                problem = await self._bring_file(path, digest, *target)
                if problem:
                    return problem
        return ""

    async def _bring_file(self, path: str, digest: str, *target: str) -> str:
        size, start = Path(path).stat().st_size, 0
        while True:
            data = await asyncio.to_thread(_read_piece, path, start)
            is_last = start + len(data) >= size
            problem = await self._call(target[0], put, *target[1:], digest, start, data, is_last)
            if problem or is_last:
                return problem
            start += len(data)


def _read_piece(path: str, start: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(PIECE_BYTES)
