"""The browser's numerics under node, so that numpy and torch can be their oracles."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

BROWSER = ROOT / "explorer" / "browser"
NUMERICS = BROWSER / "numerics"


def node() -> str:
    """The path of node; without it the test is skipped."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("node is not installed")
    return path


def evaluate(script: str, body: str, given, **others: str):
    """What `body` returns in node, with a script's functions in reach and `given` as its input;
    other scripts are in reach by the names that they are given."""
    scripts = {"script": script, **others}
    imports = "".join(
        f"import * as {name} from {json.dumps((NUMERICS / f'{path}.js').as_uri())};"
        for name, path in scripts.items()
    )
    code = f"""
        {imports}
        import {{ readFileSync }} from "node:fs";
        const run = (given) => {{ {body} }};
        console.log(JSON.stringify(run(JSON.parse(readFileSync(0, "utf8")))));
    """
    command = [node(), "--input-type=module", "--eval", code]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def suites() -> list[Path]:
    """The test files that node itself runs."""
    return sorted((ROOT / "tests" / "js").glob("*.test.js"))
