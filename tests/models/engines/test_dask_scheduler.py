"""The address of a scheduler, and what a sweep says where Dask is not installed."""

import importlib.util
import os

import pytest

from models.engines import dask_worker
from models.engines.dask import DaskEngine
from models.engines.dask_scheduler import INSTALL, DaskError, check_address
from tests.helpers.paths import ROOT
from tests.helpers.sentences import assert_sentence


@pytest.mark.parametrize(
    "address",
    ["local", "tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786",
     "tls://127.0.0.1:8786", "tls://cluster.example:8786", "tls://10.0.0.7:8786"],
)  # fmt: skip
def test_loopback_may_be_plain_and_everything_else_is_encrypted(address):
    assert check_address(address) == address


@pytest.mark.parametrize(
    "address",
    ["tcp://10.0.0.7:8786", "tcp://cluster.example:8786", "tcp://0.0.0.0:8786",
     "tcp://127.0.0.1.evil.example:8786", "tcp://localhost.evil.example:8786",
     "tcp://127.0.0.1@evil.example:8786", "ws://127.0.0.1:8786", "ucx://127.0.0.1:8786",
     "inproc://1/2/3", "127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://:8786",
     "tcp://127.0.0.1:8786/x", "tls://a:1?b", "Local", "", "file:///etc/passwd", "tls://[::1",
     "tcp://127.0.0.1:99999"],
)  # fmt: skip
def test_any_other_address_is_refused_in_one_sentence(address):
    with pytest.raises(DaskError) as caught:
        check_address(address)
    assert_sentence(str(caught.value))


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DaskError, match=r"pip install -r models/engines/requirements-dask\.txt"):
        DaskEngine("local")


def test_the_file_of_requirements_is_where_the_sentence_says():
    assert "distributed==" in (ROOT / INSTALL.rpartition(" ")[2]).read_text()


def test_trainings_on_a_worker_keep_the_memory_that_they_have(monkeypatch):
    monkeypatch.setattr(dask_worker, "_engines", {})
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")  # as Dask's nanny has it
    dask_worker.local_engine("models").close()
    assert "MALLOC_TRIM_THRESHOLD_" not in os.environ
