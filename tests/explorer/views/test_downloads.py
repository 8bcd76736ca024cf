"""Downloads on every page: offered where a set is missing, followed, cancelled, refused."""

import pytest
import streamlit as st

from explorer.jobs.downloads import Download
from explorer.services import job_queue
from explorer.widgets.text import plain
from models.data.builtin import TORCHVISION, default_data_dir
from tests.helpers.app_test import open_view, press, settle
from tests.helpers.train_page import field


class Shelf:
    """Downloads that start none; what has come is set by the test."""

    def __init__(self):
        self.found, self.asked, self.refuses = {}, [], False

    def start(self, name, folder):
        if self.refuses:
            raise OSError("no process")
        self.asked.append((name, folder))
        self.found[name] = Download(True, 0, "")

    def cancel(self, name, folder):
        self.found.pop(name)

    def get(self, name, folder):
        return self.found.get(name)


@pytest.fixture
def shelf(monkeypatch, tmp_path, no_runs, desk):
    found = Shelf()
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(job_queue, "downloads", lambda: found)
    yield found
    st.cache_resource.clear()


def open_list():
    """The Train page with its list of downloads, which is made when it is opened."""
    at = open_view("train")
    assert not any(label.startswith("Download ") for label in labels(at))
    at.session_state["downloads"] = True
    return settle(at)


def labels(at):
    return [button.label for button in at.button]


def bars(at):
    return [(bar.proto.value, bar.proto.text) for bar in at.get("progress")]


def put(folder, name):
    """Empty files where a data set's are looked for."""
    raw = folder / TORCHVISION[name] / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (raw / f"{part}-{kind}-ubyte").write_bytes(b"")


def test_a_missing_set_is_downloaded_followed_and_then_offered(shelf):
    at = open_list()
    assert field(at, "data").options == ["Digits", "Sprites", "Sprites in colour"]
    press(at, "Download MNIST")
    assert shelf.asked == [("mnist", default_data_dir())]
    assert bars(at) == [(0, "Downloading MNIST: 0.0 of 11.6 MB")]
    assert "Download MNIST" not in labels(at) and "Download Kuzushiji-MNIST" in labels(at)
    shelf.found["mnist"] = Download(True, 7_340_000, "")
    assert bars(settle(at.run())) == [(63, "Downloading MNIST: 7.3 of 11.6 MB")]
    put(default_data_dir(), "mnist")
    shelf.found["mnist"] = Download(False, 11_600_000, "")
    settle(at.run())
    assert field(at, "data").options == ["Digits", "Sprites", "Sprites in colour", "MNIST"]
    assert bars(at) == [] and "Download MNIST" not in labels(at)


def test_a_download_is_cancelled(shelf):
    at = press(open_list(), "Download Fashion-MNIST")
    at.button("cancel-fashion-mnist").click()
    settle(at.run())
    assert shelf.found == {} and "Download Fashion-MNIST" in labels(at)
    assert not at.error


def test_what_went_wrong_is_one_sentence_beside_the_button(shelf):
    at = open_list()
    shelf.found["kmnist"] = Download(False, 0, "kmnist could not be downloaded: try again")
    settle(at.run())
    shown = [error.value for error in at.error]
    assert shown == [plain("kmnist could not be downloaded: try again.")]
    assert "Download Kuzushiji-MNIST" in labels(at)
    shelf.refuses = True
    press(at, "Download MNIST")
    assert any("no process could be started" in error.value for error in at.error)


def test_nothing_is_offered_where_everything_is(shelf):
    for name in TORCHVISION:
        put(default_data_dir(), name)
    assert not any(label.startswith("Download ") for label in labels(open_list()))


@pytest.mark.parametrize(("view", "link"), [("latent_map", {}), ("trade_off", {"group": "mnist"})])
def test_it_is_offered_where_originals_are_missing(shelf, view, link):
    at = open_view(view, **link)
    if view == "trade_off":
        group = next(box for box in at.selectbox if box.key == "control-group")
        group.set_value(next(label for label in group.options if label.startswith("MNIST")))
        at = settle(at)
    assert "Download MNIST" in labels(at)
    press(at, "Download MNIST")
    assert shelf.asked == [("mnist", default_data_dir())] and len(bars(at)) == 1


def test_nothing_is_offered_for_what_is_here(shelf):
    at = open_view("latent_map", model="digits-2d-beta-1")
    assert "Download MNIST" not in labels(at)
