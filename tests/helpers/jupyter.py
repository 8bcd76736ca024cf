"""JupyterLab with a kernel that has our package installed, and a notebook of given cells."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

from tests.helpers.app_server import free_port
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

VARIABLE = "LATENT_TEST_NOTEBOOK_PYTHON"


def notebook_python():
    """The Python of an environment with JupyterLab and anywidget; skips the test without one."""
    python = os.environ.get(VARIABLE)
    if not python:
        pytest.skip(
            f"{VARIABLE} must name a Python with the packages of tests/requirements-notebook.txt"
        )
    return python


def install(python, folder):
    """`pip install` of this repository, without its dependencies, into a folder."""
    words = ("pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
    words += ("--no-deps", "--no-build-isolation", "--target", str(folder), str(ROOT))
    subprocess.run([python, "-m", *words], check=True)
    return folder


def write_notebook(path, cells):
    """A notebook with these cells of code."""
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": [{**cell, "id": f"cell-{i}", "source": text} for i, text in enumerate(cells)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content))


@contextmanager
def jupyter_lab(python, folder, site):
    """A server of JupyterLab in a folder: its address.

    Args:
        python: Of its environment, and of its kernels.
        folder: With the notebooks.
        site: Where our package is installed.
    """
    port, home = free_port(), folder.parent / "home"
    home.mkdir(exist_ok=True)
    places = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = {
        "ServerApp.port": port, "ServerApp.root_dir": folder, "ServerApp.token": "",
        "ServerApp.password": "", "LabApp.news_url": "",
        "LabApp.check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
    }  # fmt: skip
    process = subprocess.Popen(
        [python, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        + [f"--{name}={value}" for name, value in options.items()],
        cwd=folder,
        env={
            **os.environ, **places, "HOME": str(home), "PYTHONPATH": str(site),
            "LATENT_PYTHON": sys.executable,
        },
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def is_healthy():
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api") as answer:
                return answer.status == 200
        except OSError:
            return False

    try:
        wait(is_healthy)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def run_cell(page, number, ending=""):
    """Runs a cell of the notebook, and returns what it printed once that matches a pattern."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    if not ending:
        return ""
    cell.locator(".jp-OutputArea-output", has_text=re.compile(ending)).first.wait_for()
    return cell.locator(".jp-OutputArea-output").all_inner_texts()[-1]
