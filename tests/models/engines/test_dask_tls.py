"""A scheduler beyond this machine: encrypted, and only for those whose certificate it knows."""

import shutil
import subprocess

import pytest

from models.engines.dask import DaskEngine
from models.engines.dask_scheduler import DaskError
from models.engines.handle import DONE, Result, Work
from tests.helpers.dask_cluster import NEEDS_DASK, Cluster
from tests.helpers.engines import MODULE
from tests.helpers.processes import PATIENCE
from tests.helpers.sentences import assert_sentence

pytestmark = [
    *NEEDS_DASK,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
]


def certificate(folder, name):
    """A certificate that vouches for itself, and its key; as options of Dask's configuration."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    names = "ca-file", "client.cert", "client.key"
    given = paths[0], *paths
    return {f"distributed.comm.tls.{n}": str(p) for n, p in zip(names, given, strict=True)}


def test_only_who_has_the_certificate_reaches_a_scheduler_by_tls(tmp_path):
    from dask import config

    ours, other = certificate(tmp_path, "ours"), certificate(tmp_path, "other")
    words = zip(("--tls-ca-file", "--tls-cert", "--tls-key"), ours.values(), strict=True)
    cluster = Cluster(tmp_path, ["--protocol", "tls", *[word for pair in words for word in pair]])
    try:
        assert cluster.address.startswith("tls://")
        cluster.start_worker()
        with config.set(ours):
            engine = DaskEngine(cluster.address, module=MODULE)
            handle = engine.start(Work(("count", "50")))
            assert [event["number"] for event in handle.events()] == list(range(50))
            assert handle.result(PATIENCE) == Result(DONE, "")
            engine.close()
        refused = [(cluster.address, other, "the certificates are right")]
        refused += [(cluster.address, {}, "a tls:// address needs certificates")]
        refused += [(cluster.address.replace("tls", "tcp"), ours, "none answers")]
        for address, settings, sentence in refused:
            with config.set(settings), pytest.raises(DaskError, match=sentence) as caught:
                DaskEngine(address, module=MODULE)
            assert_sentence(str(caught.value))
    finally:
        cluster.close()
