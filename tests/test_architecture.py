"""The shape of the program: who may import whom, what no file may do, what must be documented."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted((ROOT / "models").rglob("*.py"))
EXPLORER = sorted((ROOT / "explorer").rglob("*.py"))
VIEWS = [path for path in EXPLORER if path.parent.name == "views"]
METRICS = [path for path in MODELS if path.parent.name == "metrics"]
README = ROOT / "README.md"


def module_name(path):
    """models/metrics/likelihood.py → models.metrics.likelihood."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in MODELS + EXPLORER}


def imported(source, package):
    """Every module that a module of the package imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            parts = {f"{base}.{alias.name}" for alias in node.names} & NAMES.keys()
            found |= parts or {base}
    return found


def imports(path):
    """Every module a file imports, by full name."""
    return imported(path.read_text(), ".".join(path.relative_to(ROOT).parts[:-1]))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn as nn, numpy", {"torch.nn", "numpy"}),
        ("from models.config import preset", {"models.config"}),
        ("from models import config, data", {"models.config", "models.data"}),
        ("from . import config", {"models.config"}),
        ("from .metrics.likelihood import elbo", {"models.metrics.likelihood"}),
        ("def later():\n    if True:\n        import torch", {"torch"}),
        ("'import torch'", set()),
    ],
)
def test_imports_are_seen(source, expected):
    assert imported(source, "models") == expected


def offending(paths, *forbidden):
    """(file, import) pairs where a file imports a forbidden module or a part of it."""
    return [
        (module_name(path), name)
        for path in paths
        for name in sorted(imports(path))
        if any(name == module or name.startswith(module + ".") for module in forbidden)
    ]


FAMILIES = ["models.autoencoder", "models.vae", "models.multirate"]
RUNNING = ["registry", "trainer", "checkpoint", "runs", "stack", "sweep", "evaluation", "cli"]
MACHINERY = [f"models.{name}" for name in RUNNING]


SCREEN = {name for name in NAMES if name.startswith("explorer")} - {"explorer"}
TAKE_HOME = [NAMES[f"explorer.{name}"] for name in ("takehome", "scene", "script", "figures")]
"""What writes the map as one file: the command line's `export --html` may ask for it."""


def test_an_offence_is_seen():
    """The command line may import this; the walk must tell so, of a module and of its parts."""
    path = NAMES["models.cli"]
    assert offending([path], "models.runs") == [("models.cli", "models.runs")]
    assert ("models.cli", "models.runs") in offending([path], "models")
    assert offending([path], "models.run") == []


@pytest.mark.parametrize(
    ("paths", "forbidden"),
    [
        (
            [path for path in MODELS if path != NAMES["models.cli"]],
            ["streamlit", "plotly", "explorer"],
        ),
        ([NAMES["models.cli"]], ["streamlit", "plotly", *(SCREEN - {"explorer.takehome"})]),
        (TAKE_HOME, ["streamlit"]),
        ([NAMES["models.config"]], ["models", "numpy", "torch"]),
        ([NAMES["models.latents"]], ["models", "torch"]),
        (METRICS, [*FAMILIES, *MACHINERY, "models.networks", "models.data"]),
        ([NAMES["models.trainer"]], [*FAMILIES, "models.registry", "models.networks"]),
        ([NAMES["explorer.figures"]], ["streamlit", "torch", "models"]),
        (VIEWS, ["torch"]),
    ],
    ids=[
        "models",
        "cli",
        "take home",
        "config",
        "latents",
        "metrics",
        "trainer",
        "figures",
        "views",
    ],
)
def test_imports_point_one_way(paths, forbidden):
    assert paths
    assert offending(paths, *forbidden) == []


CHAIN = [
    ["config"],
    ["distributions", "networks"],
    ["objectives", "likelihoods"],
    ["autoencoder", "vae", "multirate"],
    ["registry"],
    ["checkpoint"],
    ["runs"],
    ["stack"],
    ["sweep"],
    ["cli"],
    ["__main__"],
]


def test_no_module_imports_one_above_it():
    for level, names in enumerate(CHAIN):
        paths = [NAMES[f"models.{name}"] for name in names if f"models.{name}" in NAMES]
        above = [f"models.{name}" for later in CHAIN[level + 1 :] for name in later]
        assert offending(paths, *above) == []


def import_order(graph):
    """Modules, each after those it imports; a circle raises CycleError, naming it."""
    return list(TopologicalSorter(graph).static_order())


def test_no_import_runs_in_a_circle():
    graph = {name: (imports(path) & NAMES.keys()) - {name} for name, path in NAMES.items()}
    order = import_order(graph)
    assert sorted(order) == sorted(NAMES)
    place = {name: index for index, name in enumerate(order)}
    assert all(place[below] < place[name] for name in graph for below in graph[name])
    with pytest.raises(CycleError) as caught:
        import_order(graph | {"models.config": {"models.cli"}})
    assert {"models.config", "models.cli"} <= set(caught.value.args[1])


def test_reading_a_checkpoint_waits_for_no_heavy_library():
    """A stored map is on screen before torch is there."""
    light = "models, models.config, models.data, models.latents, models.checkpoint, models.runs"
    heavy = ["torch", "torchvision", "sklearn", "scipy", "openTSNE", "PIL", "streamlit"]
    code = f"import sys, {light}, models.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("word", "home"), [("st.cache_", "cache"), ("query_params", "state")])
def test_one_module_owns_it(word, home):
    users = {module_name(path) for path in EXPLORER if word in path.read_text()}
    assert users == {f"explorer.{home}"}


PICKLES = ["pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"]
UNSAFE_CALLS = {"eval", "exec", "__import__", "torch.load", "os.system", "joblib.load"}
UNSAFE_OPTIONS = {"allow_pickle", "unsafe_allow_html", "shell"}


def hazards(source):
    """What runs or renders a stranger's bytes: unsafe calls, and options set to anything true."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in UNSAFE_CALLS:
            found.append(ast.unparse(node.func))
        if isinstance(node, ast.keyword) and node.arg in UNSAFE_OPTIONS:
            off = isinstance(node.value, ast.Constant) and not node.value.value
            found += [] if off else [node.arg]
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.load(path)", ["torch.load"]),
        ("eval(text)", ["eval"]),
        ("np.load(f, allow_pickle=True)", ["allow_pickle"]),
        ("st.markdown(x, unsafe_allow_html=flag)", ["unsafe_allow_html"]),
        ("model.eval(); np.load(f, allow_pickle=False)", []),
    ],
)
def test_hazards_are_seen(source, expected):
    assert hazards(source) == expected


@pytest.mark.parametrize("path", MODELS + EXPLORER, ids=module_name)
def test_nothing_given_is_executed(path):
    assert hazards(path.read_text()) == []
    assert offending([path], *PICKLES) == []


def public(path, kinds):
    """Public definitions at the top of a module, commands of the command line left out."""
    for node in ast.parse(path.read_text()).body:
        decorators = [ast.unparse(decorator) for decorator in getattr(node, "decorator_list", [])]
        command = any("command(" in decorator for decorator in decorators)
        if isinstance(node, kinds) and not node.name.startswith("_") and not command:
            yield node


def test_public_definitions_are_seen(tmp_path):
    source = (
        "@app.command()\ndef train(): ...\ndef seen(): ...\ndef _private(): ...\nclass Too: ..."
    )
    (tmp_path / "a.py").write_text(source)
    found = public(tmp_path / "a.py", (ast.FunctionDef, ast.ClassDef))
    assert [node.name for node in found] == ["seen", "Too"]


@pytest.mark.parametrize("path", MODELS + EXPLORER, ids=module_name)
def test_everything_public_is_documented(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "the module says what it is"
    kinds = (ast.FunctionDef, ast.ClassDef)
    assert [node.name for node in public(path, kinds) if not ast.get_docstring(node)] == []


NUMERICS = ["models.distributions", "models.objectives", "models.latents", "models.linear"]
NUMERICS += ["models.experiments", "models.remedies"]
NUMERICS += [module_name(path) for path in METRICS if path.stem != "__init__"]


@pytest.mark.parametrize("name", NUMERICS)
def test_numerics_carry_a_runnable_example(name):
    docstrings = {f.name: ast.get_docstring(f) for f in public(NAMES[name], ast.FunctionDef)}
    assert docstrings
    without = [f for f, text in docstrings.items() if not re.search(r"Example:\n\s+>>> ", text)]
    assert without == []


def test_the_readme_lists_every_file():
    text = README.read_text()
    listed = set(re.findall(r"(?<![\w-])\w+\.py\b", text))
    exists = {path.name for path in ROOT.glob("tests/**/*.py")} | {p.name for p in NAMES.values()}
    assert {path.name for path in NAMES.values()} - {"__init__.py"} - listed == set()
    assert listed - exists == set(), "named in README.md, but gone"
