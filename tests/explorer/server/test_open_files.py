"""A server that may open 256 files: it takes in whom it can, tells the others, and recovers."""

import asyncio
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pytest

from explorer.server import open_files
from explorer.server.open_files import LeftSessions
from tests.benchmarks.session import Session
from tests.helpers.app_server import serving
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
sys.argv[0] = "streamlit"
runpy.run_module("streamlit", run_name="__main__")
"""


class Left:
    """A session that was left."""

    def __init__(self, name):
        self.id, self.is_over = name, False

    def shutdown(self):
        self.is_over = True


def test_sessions_that_were_left_end_after_a_while_and_none_that_came_back():
    async def leave():
        sessions = [Left(str(number)) for number in range(4)]
        storage = LeftSessions(0.05, most=3)
        infos = [SimpleNamespace(session=session) for session in sessions]
        for info in infos:
            storage.save(info)
        assert [session.is_over for session in sessions] == [True, False, False, False]
        storage.delete("1")  # its visitor is back
        assert storage.get("1") is None and storage.get("2") is infos[2]
        while storage.list():
            await asyncio.sleep(0.01)
        return [session.is_over for session in sessions]

    assert asyncio.run(leave()) == [True, False, True, True]


def test_when_files_are_short_the_oldest_end_first(monkeypatch):
    async def leave():
        sessions = [Left(str(number)) for number in range(4)]
        storage = LeftSessions(60)
        monkeypatch.setattr(open_files, "free", lambda: 1000)
        for session in sessions:
            storage.save(SimpleNamespace(session=session))
        over = lambda: sum(session.is_over for session in sessions)  # noqa: E731
        monkeypatch.setattr(open_files, "free", lambda: 2 * open_files.RESERVED - 2 + over())
        storage.make_room()
        return [session.is_over for session in sessions]

    assert asyncio.run(leave()) == [True, True, False, False]


def page(url):
    """Status and text of the page, as a browser asks for it."""
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@POSIX
@pytest.mark.slow
def test_a_server_with_256_files_turns_visitors_away_and_recovers(tmp_path):
    words = ["-c", LIMITED, "run", str(ROOT / "explorer/app.py"), "--server.headless=true",
             "--server.disconnectedSessionTTL=1", "--server.port"]  # fmt: skip
    with serving(tmp_path, words) as (url, _), ExitStack() as stack:
        visitors = []
        with suppress(Exception):
            while len(visitors) < 100:
                visitors.append(Session(url, "model=digits-2d-beta-1"))
                stack.callback(visitors[-1].close)
        print(f"{len(visitors)} visitors were taken in")
        assert 35 <= len(visitors) < 100
        status, text = page(url)
        assert status == 503 and "cannot take another visitor now" in text
        for visitor in visitors[:3]:  # those who are in go on
            errors = visitor.errors
            visitor.pin(3)
            assert visitor.errors == 0, (errors, visitor.query)
        for visitor in visitors:
            visitor.close()
        wait(lambda: page(url)[0] == 200)
        again = Session(url, "model=digits-2d-beta-1")
        assert again.errors == 0 and again.is_on_map
        again.close()
