"""The user's file is run, and what it defines is read."""

import numpy as np
import pytest
import torch

from models.adapter.definitions import Definitions
from models.adapter.errors import AdapterError
from tests.helpers.adapters import functions, measure, measured, run


def test_images_labels_and_settings_of_the_adapter():
    images = (torch.rand(12, 9, 11, generator=torch.Generator().manual_seed(0)) * 255).byte()
    own = {
        "encode": lambda x: (x[:, 0, 0, :3], x[:, 0, 1, :3]),
        "decode": lambda z: torch.sigmoid(z.sum(1)).view(-1, 1, 1, 1).expand(-1, 1, 9, 11),
        "images": images,
        "labels": ["cat", "dog", "cat"] * 4,
        "title": "pets\u202e",
        "beta": 4,
    }
    found = measure(own, "unused")
    assert found.images.class_names == ("cat", "dog")
    assert found.images.images.max() <= 1
    assert found.card.title == "pets"
    assert found.card.config.objective.beta == 4
    assert not any("β" in note for note in found.notes)


@pytest.mark.parametrize("kind", [float, np.float32, torch.tensor, lambda x: torch.tensor([x])])
def test_a_number_may_be_of_any_library(kind):
    assert Definitions(functions(sigma=kind(0.25))).settings()["sigma"] == 0.25


def test_what_is_no_setting_is_written_out_to_be_refused():
    given = Definitions(functions(beta=[1, 2], likelihood=torch.nn.Identity())).settings()
    assert given["beta"] == "[1, 2]" and given["likelihood"] == "Identity()"
    with pytest.raises(ValueError, match=r"beta must be a number, got '\[1, 2\]'"):
        measure(functions(beta=[1, 2]))


def test_images_of_half_precision_are_read():
    given = torch.rand(10, 8, 8).bfloat16()
    arrays = Definitions(functions(data=None, images=given)).arrays()
    np.testing.assert_array_equal(arrays["images"], given.float().numpy())


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def encode(x): ...", "but decode is missing"),
        ("encode = 1\ndef decode(z): ...", "but encode is not a function"),
        ("import nothing_of_that_name", r"ModuleNotFoundError: .*\(own.py, line 1\)"),
        ("x = 1\ny = 1 / 0", r"ZeroDivisionError: division by zero \(own.py, line 2\)"),
        ("def encode(", "SyntaxError"),
        ("import sys\nsys.exit()", r"sys.exit\(\), which .*__main__' \(own.py, line 2\)"),
        ("raise SystemExit('no GPU')", r"sys.exit\('no GPU'\), which a module may only do under"),
        ("raise KeyboardInterrupt", r"KeyboardInterrupt: no message \(own.py, line 1\)"),
        ("class Stop(BaseException): ...\nraise Stop('now')", r"stopped: Stop: now \(own.py"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, source, sentence):
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(AdapterError, match=sentence):
        run(tmp_path / "own.py")


def test_the_line_that_is_named_lies_in_the_users_folders(tmp_path):
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "small.py").write_text("import json\n\njson.loads('{')\n")
    (tmp_path / "own.py").write_text(
        f"import sys\nsys.path.append({str(tmp_path)!r})\nimport networks.small\n"
    )
    with pytest.raises(AdapterError, match=r"JSONDecodeError: .* \(small.py, line 3\)"):
        run(tmp_path / "own.py")


@pytest.mark.parametrize("raised", ["SystemExit(3)", "KeyboardInterrupt", "GeneratorExit"])
def test_a_function_may_not_end_the_process(raised):
    def encode(images):
        raise eval(raised)

    sentence = r"encode must not fail, but it did: (sys.exit\(3\)|KeyboardInterrupt|GeneratorExit)"
    with pytest.raises(AdapterError, match=sentence):
        Definitions(functions(encode=encode)).encode(np.zeros((2, 1, 8, 8), np.float32))


def test_a_function_that_fails_later_says_where(tmp_path):
    source = "def encode(x):\n    return x.nowhere\ndef decode(z): ...\ndata = 'digits'\n"
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(AdapterError, match=r"encode must not fail.*\(own.py, line 2\)"):
        measured(tmp_path / "own.py")
