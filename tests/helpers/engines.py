"""Engines for tests: a fake one, and work that the local one and the fake one both do."""

import queue
import signal
import sys
import threading
import time

from models.engines.dask import DaskEngine
from models.engines.handle import CANCELLED, DONE, FAILED, RUNNING, UNEXPECTED, Result
from models.engines.local import LocalEngine
from models.engines.worker import WorkError, report, serve


def do(words, tell, is_stopped):
    """Does a piece of work: count N, fail SENTENCE, crash, wait, ignore, or beat FILE."""
    kind, *rest = words
    if kind == "count":
        for number in range(int(rest[0])):
            tell({"number": number})
    elif kind == "fail":
        raise WorkError(rest[0])
    elif kind == "crash":
        raise RuntimeError("never shown")
    elif kind == "beat":
        with open(rest[0], "a") as file:
            while not is_stopped():
                file.write("x")
                file.flush()
                time.sleep(0.005)
    else:
        tell("waiting")
        while kind == "ignore" or not is_stopped():
            time.sleep(0.005)
        tell("saved")


class FakeHandle:
    """Work in a thread; see `models.engines.handle.Handle`."""

    def __init__(self, work, task):
        self.work, self.latest, self._result = work, None, None
        self._events, self._stop, self._ended = queue.SimpleQueue(), threading.Event(), []
        threading.Thread(target=self._run, args=(task,), daemon=True).start()

    def _run(self, task):
        result = Result(DONE)
        try:
            task(self.work.words, self._tell, self._stop.is_set)
        except WorkError as error:
            result = Result(FAILED, str(error))
        except Exception:
            result = Result(FAILED, UNEXPECTED)
        self._end(result)

    def _tell(self, event):
        self.latest = event
        self._events.put((event,))

    def _end(self, result):
        self._result = self._result or (Result(CANCELLED) if self._stop.is_set() else result)
        self._events.put(())

    @property
    def state(self):
        return self._result.state if self._result else RUNNING

    def events(self):
        while message := self._events.get():
            yield message[0]

    def result(self, timeout=None):
        end = time.monotonic() + (1e9 if timeout is None else timeout)
        while self._result is None:
            if time.monotonic() > end:
                raise TimeoutError("the work must end within the time given, but it goes on")
            time.sleep(0.005)
        return self._result

    def cancel(self, patience):
        self._stop.set()
        threading.Timer(patience, self._end, [Result(CANCELLED)]).start()


class FakeEngine:
    """Does work in threads; keeps the handles of all that it has started."""

    def __init__(self, task=do):
        self.task, self.handles = task, []

    def start(self, work):
        self.handles.append(FakeHandle(work, self.task))
        return self.handles[-1]

    def room(self, threads, device):
        return 2

    def prepare(self):
        """Has nothing to make ready."""

    def close(self):
        """Has nothing to let go of."""


MODULE = "tests.helpers.engines"
WORKER = (sys.executable, "-m", MODULE)
ENGINES = {
    "local": lambda: LocalEngine(niceness=0, command=WORKER),
    "reusing": lambda: LocalEngine(niceness=0, command=WORKER, reuses=True),
    "fake": FakeEngine,
    "dask": lambda: DaskEngine("local", workers=3, module=MODULE),
}


def _do_in_worker(words):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    do(words, report, lambda: bool(stopped))


if __name__ == "__main__":
    serve(_do_in_worker)
