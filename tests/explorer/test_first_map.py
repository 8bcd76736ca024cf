"""The first map: what a server imports before it, and which files it has ready."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

SCRIPT = """
import json, os, sys
from streamlit.testing.v1 import AppTest
from explorer import first_map
from explorer.assets import store
from explorer.services import warm_up

warm_up.start = lambda: None
first_map.prepare()
made = [name for name, file in store._files.items() if file.packed]
at = AppTest.from_file(os.path.abspath("explorer/navigation.py"), default_timeout=60)
at.query_params.update(json.loads(sys.argv[1]))
at.run()
assert not at.exception, at.exception
(element,) = at.get("bidi_component")
data = json.loads(json.loads(element.proto.json)["text"])
urls = [data[name] for name in ("model", "originals", "positions") if data[name]]
sizes = [len(store.fetch(url)) for url in urls]
heavy = [name for name in ("torch", "sklearn", "pandas", "openTSNE") if name in sys.modules]
print(json.dumps({"made": made, "urls": urls, "sizes": sizes, "heavy": heavy}))
"""


def first_run(tmp_path, **link):
    """What a new process has imported and made once it has served a first map."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(link)], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "LATENT_RUNS_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "link", [{}, {"view": "pca"}, {"model": "digits-autoencoder"}], ids=["raw", "pca", "other"]
)
def test_a_first_map_is_served_without_torch_and_scikit_learn(tmp_path, link):
    found = first_run(tmp_path, **link)
    assert found["heavy"] == []
    assert min(found["sizes"]) > 1000


def test_the_files_of_the_first_map_are_made_before_the_page_asks(tmp_path):
    found = first_run(tmp_path)
    assert {url.rpartition("/")[2] for url in found["urls"]} <= set(found["made"])
