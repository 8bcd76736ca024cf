"""The start: where Streamlit has never run, from a folder of one's own, and on a port in use."""

import importlib.util
import os
import re
import select
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import psutil
import pytest
from streamlit import config
from typer.testing import CliRunner

from explorer import __main__ as program
from explorer.__main__ import app
from models.engines.dask_scheduler import INSTALL
from tests.helpers.paths import ROOT
from tests.helpers.processes import PATIENCE

THEIR_SETTINGS = """
[server]
address = "0.0.0.0"

[browser]
gatherUsageStats = true

[client]
toolbarMode = "developer"
"""


@pytest.fixture
def own_folder(tmp_path):
    """A folder with a package `models` and Streamlit settings of its own."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise RuntimeError('not ours')")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(THEIR_SETTINGS)
    return tmp_path


@contextmanager
def started(words, folder, **environment):
    """A server that a folder's user starts on a terminal: what it says, and its process."""
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], cwd=folder,
        env={**os.environ, "HOME": str(folder), "BROWSER": "true", **environment},
        stdin=end, stdout=end, stderr=end,
    )  # fmt: skip
    try:
        said, deadline = "", time.monotonic() + PATIENCE
        while not re.search(r"URL: \S+\s", said):
            assert time.monotonic() < deadline and process.poll() is None, said
            if select.select([terminal], [], [], 1)[0]:
                said += os.read(terminal, 4096).decode(errors="replace")
        yield said, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(end)


def listening(process):
    """Addresses and ports on which a process takes connections."""
    found = process.net_connections("tcp")
    return {(*each.laddr,) for each in found if each.status == psutil.CONN_LISTEN}


needs_terminal = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")


@needs_terminal
def test_the_first_start_asks_nothing(own_folder):
    """Not even an address, where a folder has other settings: the program's own count."""
    words = ["-m", "streamlit", "run", ROOT / "explorer" / "app.py", "--server.port", free_port()]
    with started(words, own_folder, DISPLAY=":99") as (said, process):
        assert "Email" not in said, "a new user is asked before seeing anything"
        assert "Network" not in said and "External" not in said
        assert listening(process) == {("127.0.0.1", int(words[-1]))}


def test_settings_go_with_the_program(own_folder, monkeypatch):
    """No statistics are sent and no Deploy button is shown, whatever a folder says."""
    monkeypatch.chdir(own_folder)
    config.get_config_options(force_reparse=True)
    assert config.get_option("server.address") == "127.0.0.1"
    assert config.get_option("browser.gatherUsageStats") is False
    assert config.get_option("client.toolbarMode") == "viewer"


@needs_terminal
@pytest.mark.parametrize("words", [["-m", "explorer"], [ROOT / "explorer"]], ids=["-m", "path"])
def test_a_port_in_use_leads_to_the_next(own_folder, words):
    """As Streamlit itself does it; and the user's package `models` stays out of the way."""
    with socket.socket() as other, suppress(OSError):
        other.bind(("127.0.0.1", 8501))  # or another program has it, as it may be
        other.listen()
        with started([*words, "--headless"], own_folder, PYTHONPATH=str(ROOT)) as (said, process):
            ((address, port),) = listening(process)
            assert address == "127.0.0.1" and port > 8501
            assert f"http://127.0.0.1:{port}" in said


def test_a_port_that_was_asked_for_and_is_in_use_is_one_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = CliRunner().invoke(app, ["--port", str(port), "--adapter", "nowhere.py"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: port must be free, got {port}")
    assert "another program has it" in result.stderr and result.stderr.count("\n") == 1


def test_the_command_hands_the_scheduler_to_the_server(monkeypatch):
    monkeypatch.setenv("LATENT_DASK", "")
    monkeypatch.setattr(program, "check_installed", lambda: None)
    monkeypatch.setattr(program, "serve", lambda *_: None)
    assert CliRunner().invoke(app, ["--dask", "tcp://127.0.0.1:8786"]).exit_code == 0
    assert os.environ["LATENT_DASK"] == "tcp://127.0.0.1:8786"


@pytest.mark.parametrize(
    ("address", "package", "sentence"),
    [
        ("tcp://10.0.0.7:8786", "json", "Error: a Dask scheduler on another machine must be"),
        ("cluster", "json", "Error: the address of a Dask scheduler must be local, or like"),
        ("local", None, f"Error: {INSTALL}."),
    ],
)
def test_a_scheduler_that_cannot_be_had_is_one_sentence(address, package, sentence, monkeypatch):
    found = package and importlib.util.find_spec(package)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    result = CliRunner().invoke(app, ["--dask", address])
    assert result.exit_code == 1
    assert result.stderr.startswith(sentence) and result.stderr.count("\n") == 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
