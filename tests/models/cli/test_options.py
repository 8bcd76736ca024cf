"""Options made from the settings: one for each, of its type, with its help and limits."""

from inspect import signature

import pytest

from models.cli.options import read_settings
from models.cli.sweep import sweep
from models.cli.train import train
from models.config import RUN_SETTINGS

OF_TRAIN = {
    "preset_name": "digits-2d", "data_dir": None, "device": "cpu", "title": "", "runs_dir": None,
    "resume": None, "output": None, "autosave": 10.0,
    "scale": "auto", "size": None, "skip_broken": False, "track": None,
}  # fmt: skip
"""Options of `train` that are no settings of a run, with their defaults."""
OF_SWEEP = {"preset_name": "digits-2d", "seeds": 1, "latent_dims": None, "data_dir": None,
            "device": "cpu", "title": "", "runs_dir": None, "autosave": 10.0,
            "scale": "auto", "size": None, "skip_broken": False}  # fmt: skip


def defaults(command):
    return {name: p.default for name, p in signature(command).parameters.items()}


def test_train_has_an_option_for_each_setting():
    settings = {name: None for name, item in RUN_SETTINGS.items() if item.has_option}
    assert RUN_SETTINGS.keys() - settings.keys() == {"image_shape"}
    assert defaults(train) == OF_TRAIN | settings


def test_sweep_has_those_of_train_except_beta():
    settings = {name: None for name in RUN_SETTINGS if name not in ("image_shape", "beta")}
    found = defaults(sweep)
    assert "betas" in found and "beta" not in found
    assert found.items() >= (OF_SWEEP | settings).items()


@pytest.mark.parametrize("name", [name for name in RUN_SETTINGS if name in defaults(train)])
def test_an_option_has_the_help_and_limits_of_its_setting(name):
    item, (option,) = RUN_SETTINGS[name], signature(train).parameters[name].annotation.__metadata__
    assert option.help.startswith(item.help_with_limits())
    assert ("Default: auto" in option.help) == item.is_automatic
    assert item.minimum is None or f"Allowed: {item.minimum:,.10g} to " in option.help


def test_lists_are_read_from_text():
    given = {"hidden": "64,32", "beta": 2.0, "seed": None}
    assert read_settings(given) == given | {"hidden": (64, 32)}
    assert read_settings({"hidden": "none"}) == {"hidden": ()}
    assert read_settings({"hidden": None}) == {"hidden": None}
    assert read_settings({"threads": "2", "layout": "auto"}) == {"threads": 2, "layout": "auto"}
    with pytest.raises(ValueError, match=r"^threads must be auto or a whole number, got 'many'"):
        read_settings({"threads": "many"})
    with pytest.raises(ValueError, match=r"^hidden must be whole numbers like 512,256 or none"):
        read_settings({"hidden": "wide"})
