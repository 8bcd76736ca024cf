"""The shape of the program: who may import whom, what no file may do, what must be documented."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted((ROOT / "models").rglob("*.py"))
EXPLORER = sorted((ROOT / "explorer").rglob("*.py"))
README = ROOT / "README.md"


def module_name(path):
    """models/metrics/likelihood.py → models.metrics.likelihood."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in MODELS + EXPLORER}


@cache
def parsed(path):
    """The syntax tree of a file, read once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree, package):
    """Every module that a module of the package imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            parts = {f"{base}.{alias.name}" for alias in node.names} & NAMES.keys()
            found |= parts or {base}
    return found


@cache
def imports(path):
    """Every module a file imports, by full name."""
    return frozenset(imported(parsed(path), ".".join(path.relative_to(ROOT).parts[:-1])))


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
    assert imported(ast.parse(source), "models") == expected


def offending(paths, *forbidden):
    """(file, import) pairs where a file imports a forbidden module or a part of it."""
    return [
        (module_name(path), name)
        for path in paths
        for name in sorted(imports(path))
        if any(name == module or name.startswith(module + ".") for module in forbidden)
    ]


def part_of(*names):
    """The files of these modules and packages; a name that does not exist is an error."""
    found = []
    for name in names:
        inside = [p for n, p in NAMES.items() if n == name or n.startswith(name + ".")]
        assert inside, f"{name} does not exist"
        found += inside
    return found


ROOMS = [
    ["settings", "text", "atomic", "strict_json", "capabilities", "devices", "places"],
    ["engines"],
    ["config"],
    ["presets"],
    ["latents"],
    ["data"],
    ["objectives"],
    ["metrics"],
    ["families"],
    ["storage"],
    ["theory"],
    ["training"],
    ["export"],
    ["adapter"],
    ["given"],
    ["runs"],
    ["audit"],
    ["judge"],
    ["sweeps"],
    ["lessons"],
    ["cli"],
    ["__main__"],
]
"""The rooms of `models`, from the ground up: none imports one above it."""
CLIENT_OF_DASK = ["distributed", "dask", "models.engines.dask", "models.sweeps.elsewhere"]
"""What runs what a scheduler sends: never in the web server."""
LIBRARIES_OF_THE_SCREEN = ["streamlit", "plotly", "explorer"]
EXPORTED_PAGE = [
    "explorer.assets.html_export", "explorer.assets.map_spec", "explorer.assets.bundle",
    "explorer.figures",
]  # fmt: skip
"""What writes the map as one file works without a server."""


def test_an_offence_is_seen():
    """The command line may import this; the walk must tell so, of a module and of its parts."""
    path = NAMES["models.cli.train"]
    assert ("models.cli.train", "models.runs.folder") in offending([path], "models.runs")
    assert ("models.cli.train", "models.runs.folder") in offending([path], "models")
    assert offending([path], "models.run") == []
    with pytest.raises(AssertionError, match=r"models\.nowhere does not exist"):
        part_of("models.nowhere")


@pytest.mark.parametrize(
    ("rooms", "forbidden"),
    [
        (["models"], LIBRARIES_OF_THE_SCREEN),
        (EXPORTED_PAGE, ["streamlit"]),
        (["models.settings"], ["models", "numpy", "torch"]),
        (["models.capabilities", "models.config"], ["models.families", "numpy", "torch"]),
        (["models.latents"], ["torch"]),
        (["models.training.trainer"], ["models.families", "models.metrics"]),
        (["explorer.figures"], ["streamlit", "torch", "models"]),
        (["explorer.views"], ["torch"]),
        (["explorer"], CLIENT_OF_DASK),
    ],
    ids=lambda value: value[0] if value else "",
)
def test_imports_point_one_way(rooms, forbidden):
    ours = [name for name in forbidden if name.split(".")[0] in ("models", "explorer")]
    assert part_of(*ours) or not ours
    assert offending(part_of(*rooms), *forbidden) == []


def test_every_room_has_its_floor():
    named = {f"models.{name}" for rooms in ROOMS for name in rooms}
    found = {".".join(name.split(".")[:2]) for name in NAMES if name.startswith("models.")}
    assert named == found


def test_no_room_imports_one_above_it():
    for level, names in enumerate(ROOMS):
        above = [f"models.{name}" for later in ROOMS[level + 1 :] for name in later]
        assert offending(part_of(*(f"models.{name}" for name in names)), *above) == []


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
        import_order(graph | {"models.config": {"models.cli.app"}})
    assert {"models.config", "models.cli.app"} <= set(caught.value.args[1])


def test_reading_a_checkpoint_waits_for_no_heavy_library():
    """A stored map is on screen before torch is there."""
    light = "models.config, models.data.load, models.storage.checkpoint, models.runs.folder"
    heavy = ["torch", "torchvision", "sklearn", "scipy", "openTSNE", "PIL", "streamlit"]
    code = f"import sys, {light}, models.cli.app; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("word", "home"), [("st.cache_", "explorer.services"), ("query_params", "explorer.state")]
)
def test_one_room_owns_it(word, home):
    users = [path for path in EXPLORER if word in path.read_text()]
    assert users and set(users) <= set(part_of(home))


PICKLES = ["pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"]
UNSAFE_CALLS = {"eval", "exec", "__import__", "torch.load", "os.system", "joblib.load"}
UNSAFE_OPTIONS = {"allow_pickle", "unsafe_allow_html", "shell"}


def hazards(tree):
    """What runs or renders a stranger's bytes: unsafe calls, and options set to anything true."""
    found = []
    for node in ast.walk(tree):
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
    assert hazards(ast.parse(source)) == expected


def test_nothing_given_is_executed():
    assert {
        name: hazards(parsed(path)) for name, path in NAMES.items() if hazards(parsed(path))
    } == {}
    assert offending(NAMES.values(), *PICKLES) == []


def public(path, kinds):
    """Public definitions at the top of a module, commands of the command line left out."""
    for node in parsed(path).body:
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


def test_everything_public_is_documented():
    kinds = (ast.FunctionDef, ast.ClassDef)
    documentable = [
        (name, node)
        for name, path in NAMES.items()
        for node in (parsed(path), *public(path, kinds))
    ]
    without = [
        (name, getattr(node, "name", "the module"))
        for name, node in documentable
        if not ast.get_docstring(node)
    ]
    assert without == []


NUMERICS = part_of(
    "models.objectives", "models.latents", "models.theory", "models.metrics",
    "models.training.remedies",
)  # fmt: skip
NUMERICS = [module_name(path) for path in NUMERICS if path.stem != "__init__"]


def test_numerics_carry_a_runnable_example():
    functions = [(name, f) for name in NUMERICS for f in public(NAMES[name], ast.FunctionDef)]
    without = [
        (name, function.name)
        for name, function in functions
        if not re.search(r"Example:\n\s+>>> ", ast.get_docstring(function) or "")
    ]
    assert functions and without == []


def tree(text):
    """Files and folders of the packages in README's tree, as paths from the root."""
    found, folders = set(), []
    for line in text.partition("## Layout\n\n```\n")[2].partition("```")[0].splitlines():
        first, indent = line.split()[0], len(line) - len(line.lstrip())
        if first.endswith("/"):
            folders = [*folders[: indent // 2], first.rstrip("/")]
            found.add("/".join(folders))
        elif folders:
            found |= {"/".join([*folders, name]) for name in line.split()}
    return {path for path in found if path.split("/")[0] in ("models", "explorer")}


def test_a_tree_is_read():
    text = (
        "## Layout\n\n```\nLICENSE\nmodels/   Numerics\n    a.py  b.py\n  cli/   One\n"
        "      c.py\nexplorer/   The app\n    d.js\ntests/  run\n```\ne.py\n"
    )
    assert tree(text) == {
        "models", "models/a.py", "models/b.py", "models/cli", "models/cli/c.py",
        "explorer", "explorer/d.js",
    }  # fmt: skip


def test_the_readme_lists_every_file():
    files = {
        path.relative_to(ROOT)
        for package in ("models", "explorer")
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".js", ".css", ".html") and path.name != "__init__.py"
    }
    folders = {parent for path in files for parent in path.parents} - {Path(".")}
    assert tree(README.read_text()) == {path.as_posix() for path in files | folders}


FOLDERS = [path for path in NAMES.values() if path.name == "__init__.py"]


def test_a_folder_says_in_one_line_what_it_is():
    """The two packages may add their vocabulary; none runs code when it is imported."""
    code = [path for path in FOLDERS if [*map(type, parsed(path).body)] != [ast.Expr]]
    long = [path for path in FOLDERS if len(path.read_text().splitlines()) != 1]
    assert FOLDERS and code == []
    assert [path for path in long if path.parent.parent != ROOT] == []


def test_every_folder_with_modules_is_a_package():
    assert [
        path.parent for path in NAMES.values() if not (path.parent / "__init__.py").is_file()
    ] == []


MAX_LINES = 500
NOT_OURS = {"node_modules", ".venv", "dist", "__pycache__"}


def sources(folder):
    """The Python and JavaScript files below a folder, without entering what is installed there."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        yield from (Path(place, name) for name in names if name.endswith((".py", ".js")))


SOURCES = sorted(path for name in ("models", "explorer", "tests") for path in sources(ROOT / name))


def is_too_long(text):
    """Without its reason at its top, as `One file because …`."""
    top = re.match(r'(""".*?"""|/\*.*?\*/|(//.*\n)+)', text, re.DOTALL)
    reason = top and "One file because" in top[0]
    return len(text.splitlines()) > MAX_LINES and not reason


def test_a_long_file_is_seen():
    lines = "a = 1\n" * MAX_LINES
    assert is_too_long(lines + "b = 2\n") and not is_too_long(lines)
    assert not is_too_long('"""One file because it is one."""\n' + lines)
    assert is_too_long('"""Many things."""\n"""One file because it is one."""\n' + lines)


def test_a_long_file_gives_its_reason():
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in SOURCES}
    assert {"tests/test_architecture.py", "models/config.py"} <= texts.keys()
    assert [name for name, text in texts.items() if is_too_long(text)] == []


def declared(*files):
    """Distributions that requirements files name, their names normalised."""
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    return {normalised(line.partition("==")[0]) for line in lines if line}


def normalised(name):
    """The form of a distribution's name that the package index compares."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(paths):
    """Installed distributions that files import, the standard library left out."""
    modules = {name.split(".")[0] for path in paths for name in imports(path)}
    modules -= sys.stdlib_module_names | {"models", "explorer", "tests"}
    owners = packages_distributions()
    return {normalised(owners.get(module, [module])[0]) for module in modules}


def test_everything_imported_is_declared():
    """A user's own framework, which an example of an adapter imports, is the user's to install."""
    examples = set(part_of("explorer.adapters"))
    ours = [path for path in NAMES.values() if path not in examples]
    known = declared("requirements.txt", "models/engines/requirements-dask.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known |= {word.partition(">")[0] for word in project["optional-dependencies"]["notebook"]}
    assert distributions(ours) - known == set()
    tests = [path for path in SOURCES if path.suffix == ".py" and path not in NAMES.values()]
    files = "requirements.txt", "tests/requirements.txt", "tests/benchmarks/requirements.txt"
    known |= declared(*files)
    assert distributions(tests) - known == set()


def test_every_promise_names_tests_that_there_are():
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "tests/PROMISES.md").read_text())
    assert named
    for path, test in named:
        assert f"def {test}(" in (ROOT / "tests" / path).read_text(), (path, test)


def test_every_doctest_is_collected():
    """What pytest passes over must exist and hold no example."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert {"models", "explorer"} <= set(options["testpaths"])
    assert "--doctest-modules" in options["addopts"]
    passed_over = [path for path in NAMES.values() if path.name == "__main__.py"]
    for option in options["addopts"]:
        if option.startswith("--ignore="):
            place = ROOT / option.removeprefix("--ignore=")
            assert place.exists(), option
            passed_over += place.rglob("*.py") if place.is_dir() else [place]
    assert [path for path in passed_over if ">>> " in path.read_text()] == []
