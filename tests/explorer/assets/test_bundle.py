"""The committed script of the browser is what esbuild makes of the sources."""

import json
import re
import subprocess

import pytest

from explorer.assets import bundle
from tests.helpers.paths import ROOT

TOOLS = ROOT / "tests" / "js"
COMPONENTS = {
    "betaSlider", "default", "drawingPad", "dressPage", "liveMap", "provide", "tokenEditor",
    "trainingFilm", "zPlane",
}  # fmt: skip


@pytest.mark.browser
def test_the_committed_script_is_current(tmp_path):
    """After a change of explorer/browser: npm run build --prefix tests/js."""
    esbuild = TOOLS / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        pytest.skip("esbuild is not installed: npm ci --prefix tests/js")
    words = json.loads((TOOLS / "package.json").read_text())["scripts"]["build"].split()
    options = words[words.index("esbuild") + 1 : -1]
    built = tmp_path / "built.js"
    command = [esbuild, *options, f"--outfile={built}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert built.read_text() == bundle.script()


def test_the_script_is_one_module_with_a_function_for_every_component():
    text = bundle.script()
    assert re.findall(r"^import\b", text, re.MULTILINE) == []
    exported = re.search(r"export \{(.*?)\}", text, re.DOTALL)[1]
    assert set(re.findall(r"(\w+)(?:,|\s*$)", exported)) == COMPONENTS


@pytest.mark.parametrize(
    "name", ["drawing/pad", "beta_slider/slider", "latent_map/map", "token_editor/editor"]
)
def test_every_component_has_its_markup(name):
    assert bundle.markup(name).startswith("<div class=")
