"""A scheduler beyond this machine: encrypted, and only for those whose certificate it knows."""

import os
import shutil
import subprocess
import sys

import pytest

from models.runs.folder import list_runs
from tests.helpers.dask_cluster import NEEDS_DASK, Cluster
from tests.helpers.paths import ROOT
from tests.helpers.processes import PATIENCE
from tests.helpers.sentences import assert_sentence

pytestmark = [
    *NEEDS_DASK,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
]
PARTS = "CA_FILE", "CLIENT__CERT", "CLIENT__KEY"


def certificate(folder, name):
    """Files of a certificate that vouches for itself: what is trusted, the certificate, its key."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths[0], *paths


def command(words, files=()):
    """What a command of the command line writes, with these files in Dask's own configuration."""
    named = zip(PARTS, map(str, files), strict=False)
    settings = {f"DASK_DISTRIBUTED__COMM__TLS__{part}": path for part, path in named}
    done = subprocess.run(
        [sys.executable, "-m", "models", *words], cwd=ROOT, env=os.environ | settings,
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    return done.stdout, done.stderr


def test_only_who_has_the_certificate_reaches_a_scheduler_by_tls(tmp_path):
    ours, other = certificate(tmp_path, "ours"), certificate(tmp_path, "other")
    words = zip(("--tls-ca-file", "--tls-cert", "--tls-key"), ours, strict=True)
    cluster = Cluster(tmp_path, ["--protocol", "tls", *[word for pair in words for word in pair]])
    try:
        address = cluster.address
        assert address.startswith("tls://")
        cluster.start_worker()
        sweep = "sweep", "--betas=1", "--epochs=1", "--hidden=8", f"--runs-dir={tmp_path / 'runs'}"
        out, err = command([*sweep, f"--dask={address}"], ours)
        assert "Written: " in out and len(list_runs(tmp_path / "runs")) == 1, err
        for place, files, sentence in (
            (address, other, "the certificates are right"),
            (address, (), "a tls:// address needs certificates"),
            (address.replace("tls", "tcp"), ours, "none answers"),
        ):
            out, err = command(["workers", f"--dask={place}"], files)
            assert out == "" and err.startswith("Error: ") and err.endswith(".\n")
            assert sentence in assert_sentence(err.removeprefix("Error: ").removesuffix(".\n"))
    finally:
        cluster.close()
