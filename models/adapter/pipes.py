"""The pipes of a process that answers another one: standard input and output, kept for messages."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import Any, BinaryIO

import numpy as np

from models.adapter.wire import receive

Message = tuple[Any, list[np.ndarray]]
"""JSON values and arrays."""
Waiting = queue.SimpleQueue[Message]
"""Messages that have come."""


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Takes standard input and output, which what is printed and read here must not touch."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


def received(requests: BinaryIO) -> Waiting:
    """Collects the messages in their order; this process ends with the other one, even amid an
    answer."""
    waiting: Waiting = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                waiting.put(receive(requests))
        except BaseException:  # the other process is gone
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting
