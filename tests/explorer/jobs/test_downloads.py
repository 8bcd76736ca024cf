"""Downloads: one of each data set for all who ask; followed, cancelled, and why they failed."""

import time
from contextlib import closing

from explorer.jobs.downloads import Download, Downloads
from models.engines.handle import CANCELLED
from models.engines.local import LocalEngine
from models.engines.worker import WorkError
from tests.helpers.engines import FakeEngine
from tests.helpers.processes import wait


def lasting(words, tell, is_stopped):
    """Reports bytes, and stays."""
    tell(3_000_000)
    while not is_stopped():
        time.sleep(0.005)


def failing(words, tell, is_stopped):
    raise WorkError("mnist could not be downloaded")


def test_one_download_serves_all_and_is_cancelled(tmp_path):
    engine = FakeEngine(lasting)
    downloads = Downloads(engine)
    assert downloads.get("mnist", tmp_path) is None
    for _ in range(2):
        downloads.start("mnist", tmp_path)
    downloads.start("kmnist", tmp_path)
    folder = str(tmp_path.resolve())
    assert [handle.work.words for handle in engine.handles] == [
        ("data", "download", name, "--data-dir", folder) for name in ("mnist", "kmnist")
    ]
    wait(lambda: downloads.get("mnist", tmp_path) == Download(True, 3_000_000, ""))
    assert downloads.get("mnist", tmp_path / "elsewhere") is None
    downloads.cancel("mnist", tmp_path)
    assert downloads.get("mnist", tmp_path) is None
    assert engine.handles[0].result().state == CANCELLED
    assert downloads.get("kmnist", tmp_path).is_running
    downloads.cancel("kmnist", tmp_path)


def test_a_failed_download_says_why_and_can_be_tried_again(tmp_path):
    engine = FakeEngine(failing)
    downloads = Downloads(engine)
    downloads.start("mnist", tmp_path)
    engine.handles[0].result()
    assert downloads.get("mnist", tmp_path) == Download(False, 0, "mnist could not be downloaded")
    downloads.start("mnist", tmp_path)
    assert len(engine.handles) == 2


def test_without_a_network_the_process_says_so_in_a_sentence(tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nothing listens
    with closing(LocalEngine(niceness=0)) as engine:
        downloads = Downloads(engine)
        downloads.start("mnist", tmp_path / "data")
        wait(lambda: not downloads.get("mnist", tmp_path / "data").is_running)
    problem = downloads.get("mnist", tmp_path / "data").problem
    assert problem.startswith("mnist could not be downloaded to data/MNIST/raw: check the")
