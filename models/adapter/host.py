"""The process of an adapter: it runs the user's file and answers `models.adapter.process`.

It is started by its path, with the file and the folder the user works in. The user's file sees
its own packages, even one that is called `models`: those of this project are imported first, stay
in use here, and are then forgotten by name.
"""

import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np

from models.adapter.definitions import Definitions, run_file
from models.adapter.errors import AdapterError
from models.adapter.wire import receive, send

ROOT = Path(__file__).resolve().parents[2]
Message = tuple[Any, list[np.ndarray]]
"""JSON values and arrays."""
Waiting = queue.SimpleQueue[Message]
"""Requests that are to be answered."""


def main(path: str, working: str) -> None:
    """Runs the file, then answers until the explorer ends."""
    requests, replies = _take_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the explorer, which ends this
    waiting = _received(requests)
    _see_as_their_own(Path(path), Path(working))
    try:
        adapter = Definitions(run_file(path, "__main__"))
        send(replies, {"value": adapter.settings()})
    except AdapterError as error:
        send(replies, {"error": str(error)})
        return
    while True:
        try:
            value, arrays = _answer(adapter, *waiting.get())
            send(replies, {"value": value}, arrays)
        except AdapterError as error:
            send(replies, {"error": str(error)})


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, which what the file prints and reads must not touch."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


def _received(requests: BinaryIO) -> Waiting:
    """The requests in their order; the process ends with the explorer, even amid an answer."""
    waiting: Waiting = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                waiting.put(receive(requests))
        except BaseException:  # the explorer is gone
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def _see_as_their_own(path: Path, working: Path) -> None:
    """Lets what is imported from here on be the user's, as `python FILE` would."""
    for name in [name for name in sys.modules if name.split(".")[0] == "models"]:
        del sys.modules[name]
    theirs = [path.parent, *({working} - {path.parent, ROOT})]
    others = [place for place in sys.path if Path(place).resolve() != ROOT]
    sys.path[:] = [*map(str, theirs), *others]
    sys.argv[:] = [str(path)]


def _answer(adapter: Definitions, fields: dict[str, Any], arrays: list[np.ndarray]) -> Message:
    """What one call gives."""
    match fields["call"]:
        case "settings":
            return adapter.settings(), []
        case "arrays":
            found = adapter.arrays()
            return list(found), list(found.values())
        case "encode":
            return None, list(adapter.encode(*arrays))
        case "decode":
            return None, [adapter.decode(*arrays, tuple(fields["shape"]))]
        case "decoder_layers":
            shape = tuple(fields["shape"])
            (layers, numbers), why = adapter.decoder_layers(fields["latent_dim"], shape)
            return [layers, why], numbers
    raise ValueError(f"there is no call {fields['call']!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stderr.flush()
    os._exit(1)  # threads that the file has begun may go on for ever
