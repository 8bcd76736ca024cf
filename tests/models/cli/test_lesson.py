"""The command `lesson`: the experiment it runs, the file it writes, and what it refuses."""

import pytest

from models.lessons.experiments import EXPERIMENTS, run
from models.lessons.measurement import Measurement
from tests.helpers.sentences import assert_refuses


@pytest.fixture(scope="module")
def density():
    return run("density", (4,))


def test_a_result_is_made_again_by_its_seeds(density):
    assert run("density", (4,)).values == density.values
    assert run("density", (5,)).values != density.values
    assert density.command == "python -m models lesson density --seeds 4"


def test_progress_ends_at_one():
    told = []
    run("density", (4,), told.append)
    assert told == sorted(told) and told[-1] == 1.0


def test_what_cannot_be_run_is_refused():
    names = ", ".join(EXPERIMENTS)
    assert_refuses(f"experiment must be one of {names}, got 'x'", run, "x", (0,))
    for seeds in ((), (1, 1), (-1,), tuple(range(21))):
        sentence = f"seeds must be 1 to 20 different numbers from 0 on, got {list(seeds)}"
        assert_refuses(sentence, run, "density", seeds)


def test_the_command_writes_a_file_or_prints_a_table(tmp_path, capsys):
    from typer.testing import CliRunner

    from models.cli.app import app

    path = tmp_path / "m.json"
    done = CliRunner().invoke(app, ["lesson", "density", "--seeds", "4", "--output", str(path)])
    assert done.exit_code == 0, done.output
    assert Measurement.read(path).count == 20
    done = CliRunner().invoke(app, ["lesson", "density", "--seeds", "4"])
    assert "a blank image" in done.output and "95 % intervals over 20 images" in done.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["density", "--seeds", "a"], "seeds must be whole numbers, got 'a'"),
        (["density", "--output", "/nowhere/x"], "output must be a file in a folder that exists"),
        (["unknown"], "experiment must be one of"),
    ],
)
def test_what_the_command_refuses_is_one_sentence(words, sentence):
    from typer.testing import CliRunner

    from models.cli.app import app

    done = CliRunner().invoke(app, ["lesson", *words])
    assert done.exit_code == 1 and sentence in done.output
