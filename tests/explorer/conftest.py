"""One server, and one profile of Chromium, for the tests that need them."""

import re
from contextlib import closing

import pytest
from streamlit import config

from explorer.services import job_queue
from tests.helpers.app_server import app_server
from tests.helpers.chromium import TIMEOUT
from tests.helpers.leftovers import removing_new
from tests.helpers.paths import ROOT
from tests.helpers.train_page import Desk

config._main_script_path = str(ROOT / "explorer" / "app.py")  # views have the app's own settings


@pytest.fixture(scope="session")
def runs_dir(tmp_path_factory):
    """The runs folder of the server."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def server(runs_dir):
    """A server on a free port: its address, and its process."""
    with app_server(runs_dir) as found:
        yield found


@pytest.fixture(autouse=True, scope="session")
def no_thread_that_outlives_its_test():
    """A page of these tests opens no models behind its back: 20 s later is another test."""
    from explorer.services import warm_up

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm_up, "start", lambda: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_search_of_every_installed_package():
    """Streamlit looks for components in every package each time that a test opens a page."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", list)
        yield


@pytest.fixture
def no_runs(tmp_path, monkeypatch):
    """An empty folder of runs, and no process that waits for jobs."""
    from explorer.jobs.queue import Jobs

    monkeypatch.setattr(Jobs, "prepare", lambda self: None)
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def shown(monkeypatch):
    """Every picture put on the screen, by its caption, in the order of the page."""
    from explorer.widgets import display, pictures

    found, show, show_row = {}, display.picture, display.row

    def note(levels, caption="", width="content", alt=""):
        found.setdefault(caption, []).append(levels)
        show(levels, caption, width, alt)

    def note_row(images, captions, side=None):
        for levels, caption in zip(pictures.to_levels(images), captions, strict=True):
            found.setdefault(caption, []).append(levels)
        show_row(images, captions, side)

    monkeypatch.setattr(display, "picture", note)
    monkeypatch.setattr(display, "row", note_row)
    return found


@pytest.fixture(scope="session")
def profile(chromium):
    """One browser profile for all pages, so that the app's bundles are fetched once."""
    with closing(chromium.new_context(viewport={"width": 1440, "height": 900})) as context:
        context.set_default_timeout(TIMEOUT)
        yield context


def with_digits(query):
    """The link to a map: without a model to that of digits, whose test images are always here."""
    parts = query.split("&") if query else []
    named = any(part.startswith("model=") for part in parts)
    return "&".join(parts if named else ["model=digits-2d-beta-1", *parts])


@pytest.fixture
def desk(monkeypatch):
    """A queue that starts no job, in place of the app's."""
    found = Desk()
    monkeypatch.setattr(job_queue, "jobs", lambda: found)
    return found


@pytest.fixture
def visit(profile, server, runs_dir):
    """Opens a link in a page of its own; at the end, the console must be free of errors.

    Nothing moves by itself unless a test asks for it: a map that is painted over and over takes a
    fifth of a core.
    Runs and jobs of the test are removed, so that the next one does not see them.
    """
    pages, errors = [], []

    def note(message):
        # a picture may be replaced before the browser has fetched it; the last one is checked;
        # and below an address like /collapse Streamlit looks for its server in two places
        where = message.location["url"] + message.text
        replaced = "/media/" in where or re.search(r"/[\w-]+/_stcore/(health|host-config)", where)
        if message.type == "error" and not replaced:
            errors.append(message.text)

    def open_link(query="", screen="", motion="reduce"):
        page = profile.new_page()
        page.emulate_media(reduced_motion=motion)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{server[0]}/{screen}?{with_digits(query) if not screen else query}")
        pages.append(page)
        return page

    with removing_new(runs_dir):
        yield open_link
        for page in pages:
            page.close()
    assert errors == []
