"""Arguments of the command line that train a run: they make the settings that were meant."""

from dataclasses import fields, replace

import pytest
from typer.testing import CliRunner

from models.cli import train
from models.cli.app import app
from models.cli.arguments import given_command, to_arguments
from models.config import RunConfig, TrainingConfig
from models.presets import PRESETS, preset
from models.training.remedies import Strengths, remedies

COLLAPSED = replace(preset("digits-2d"), objective=replace(preset("digits-2d").objective, beta=4.0))


ODD = RunConfig(
    "digits",
    replace(
        COLLAPSED.model, network="conv", hidden=(4, 8, 2), activation="silu", latent_dim=7,
        likelihood="gaussian-shared", sigma=0.123456789, beta_min=0.015625, beta_max=123.5,
        stabiliser="none", codebook=7, commitment=1 / 7, prior_width=48, patch=2,
    ),
    replace(
        COLLAPSED.objective, beta=1 / 3, kl_warmup_steps=0, cycles=3, ramp=0.7, free_bits=1e-3,
        capacity=12.5, capacity_steps=17,
    ),
    TrainingConfig(
        epochs=3, batch_size=50, learning_rate=1.5e-4, final_learning_rate=3e-6, warmup_steps=5,
        plateau=0.25, seed=11, precision="bfloat16", threads=3, layout="channels_last",
    ),
)  # fmt: skip


CONFIGS = {
    "odd": ODD,
    "linear": preset("digits-linear"),
    "binarized": replace(COLLAPSED, training=replace(COLLAPSED.training, binarize=True)),
    "linear start": replace(COLLAPSED, training=replace(COLLAPSED.training, start="linear")),
    "autoencoder": preset("digits-ae"),
    "multirate": replace(
        preset("digits-multirate"),
        model=replace(preset("digits-multirate").model, beta_min=0.5, beta_max=7.25),
    ),
} | {r.name: r.config for r in remedies(COLLAPSED, 4000, Strengths())}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_arguments_make_the_settings_that_were_meant(config, monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(train, "_train", lambda run, *_: made.append(run))
    arguments = [*to_arguments(config, "a title · 1"), "--runs-dir", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (run,) = made
    assert run.config() == config and run.title == "a title · 1"


def test_the_odd_run_differs_in_every_setting():
    """Without this, the test above could forget an option."""
    for part in ("model", "objective", "training"):
        mine = getattr(ODD, part)
        same = {
            item.name
            for item in fields(mine)
            if all(
                getattr(mine, item.name) == getattr(getattr(start, part), item.name)
                for start in PRESETS.values()
            )
        }
        assert same <= {"family", "binarize", "start"}, "which the others cover"


def test_what_is_chosen_for_a_machine_is_always_named():
    words = to_arguments(COLLAPSED, "")
    assert {"--threads", "--precision", "--layout"} <= set(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train"], "train --precision float32 --threads 1 --layout contiguous"),
        (
            ["train", "--threads=3", "--precision", "auto", "--layout", "channels_last"],
            "train --threads=3 --precision auto --layout channels_last --precision float32",
        ),
    ],
)
def test_the_command_on_a_card_names_what_was_chosen(words, expected, monkeypatch):
    monkeypatch.setattr("sys.argv", ["models", *words])
    assert given_command(COLLAPSED) == f"python -m models {expected}"
