"""The process of an adapter: it runs the user's file and answers `models.adapter.process`.

It is started by its path, with the file and the folder the user works in. The user's file sees
its own packages, even one that is called `models`: those of this project are imported first, stay
in use here, and are then forgotten by name.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np

from models.adapter.definitions import Definitions, run_file
from models.adapter.errors import AdapterError
from models.adapter.pipes import Message, received, take_pipes
from models.adapter.wire import send

ROOT = Path(__file__).resolve().parents[2]


def main(path: str, working: str) -> None:
    """Runs the file, then answers until the explorer ends."""
    requests, replies = take_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the explorer, which ends this
    waiting = received(requests)
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
