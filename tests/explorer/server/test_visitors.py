"""Visitors of a class on a real server: cookies, the teacher's link, forged clicks."""

import contextlib
import http.client
import os
import re
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from explorer.server import announcement, visitors
from models.runs.folder import Run, list_runs
from tests.benchmarks.session import Session
from tests.helpers.app_server import free_port
from tests.helpers.jobs import CONFIG
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

COOKIES = {"ann": "a" * 43, "bob": "b" * 43}


@pytest.fixture
def classroom(tmp_path):
    """A server of a class: its address, its runs folder, and what it has printed."""
    with class_server(tmp_path / "runs", tmp_path / "said") as found:
        yield found


@contextlib.contextmanager
def class_server(runs_dir, log):
    port = free_port()
    runs_dir.mkdir()
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "explorer", "--class", "--headless", "--port", str(port)],
            cwd=ROOT, env={**os.environ, "LATENT_RUNS_DIR": str(runs_dir)},
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait(lambda: "For the teacher" in log.read_text())
            wait(lambda: is_up(port))
            yield f"http://127.0.0.1:{port}", runs_dir, log
        finally:
            process.terminate()
            process.wait()


def is_up(port):
    with contextlib.suppress(OSError):
        return ask(f"http://127.0.0.1:{port}", "/_stcore/health").status == 200


def ask(address, path, method="GET", **headers):
    """The answer to a request, read."""
    with closing(http.client.HTTPConnection("127.0.0.1", urlsplit(address).port)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer


def cookies_of(answer):
    return answer.headers.get_all("set-cookie") or []


def link_of(log):
    """The path of the newest link of the teacher that the terminal shows."""
    return re.findall(r"(/teacher/[\w-]+)", log.read_text())[-1]


@pytest.mark.slow
def test_on_a_server_the_teachers_link_is_swapped_for_a_cookie(classroom):
    address, _, log = classroom
    first = link_of(log)
    assert ask(address, first, "HEAD").status == 403, "looking at a link does not use it up"
    answer = ask(address, first)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    (cookie,) = [each for each in cookies_of(answer) if "teacher" in each]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert ask(address, first).status == 403
    assert link_of(log) != first and ask(address, link_of(log)).status == 303
    assert ask(address, "/teacher/guess").status == 403


@pytest.mark.slow
def test_on_a_server_a_new_browser_is_given_a_cookie_once(classroom):
    address = classroom[0]
    (cookie,) = [c for c in cookies_of(ask(address, "/")) if visitors.OWNER_COOKIE in c]
    value = re.search(r"=([\w-]{43});", cookie)[1]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    known = ask(address, "/", Cookie=f"{visitors.OWNER_COOKIE}={value}")
    assert not [c for c in cookies_of(known) if visitors.OWNER_COOKIE in c]
    forged = ask(address, "/", Cookie=f"{visitors.OWNER_COOKIE}=x")
    assert [c for c in cookies_of(forged) if visitors.OWNER_COOKIE in c]


def session(address, who, query=""):
    return Session(address, query, "train", cookie=f"{visitors.OWNER_COOKIE}={COOKIES[who]}")


@pytest.mark.slow
def test_on_a_server_forged_clicks_change_nothing(classroom):
    address, runs_dir, _ = classroom
    owner = visitors.visitor({visitors.OWNER_COOKIE: COOKIES["ann"]}).owner
    run = Run.create(runs_dir, CONFIG, "her run", owner=owner)
    run.state_path.touch()
    with closing(session(address, "ann", f"own={run.id}")) as ann:
        assert "Delete" in ann.buttons
        with closing(session(address, "bob", f"own={run.id}")) as bob:
            assert "Train" in bob.buttons and "Delete" not in bob.buttons
            bob.buttons["Delete"] = ann.buttons["Delete"]
            bob.press("Delete")
            assert [found.id for found in list_runs(runs_dir)] == [run.id]
        ann.press("Delete")
        assert list_runs(runs_dir) == []


def test_the_announcement_holds_one_address_its_code_and_the_teachers_link():
    text = announcement.text("http://192.168.1.7:8501")
    assert text.count("http://192.168.1.7:8501/\n") == 1
    assert "█" in text or sys.stdout.encoding.lower() != "utf-8"
    assert text.count("/teacher/") == 1
