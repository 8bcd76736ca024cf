"""Settings chosen for the machine: by its instructions, by the clock, and the same ever after."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from models.capabilities import FAMILIES
from models.config import override
from models.families.registry import describe
from models.presets import preset
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.training import automatic
from models.training.remedies import Strengths, remedies
from tests.helpers.configs import tiny
from tests.helpers.families import SETTINGS

CONV = override(tiny(), network="conv", hidden=(4, 8), batch_size=32)
LARGE = preset("mnist-2d")


def pretend(monkeypatch, capabilities, has_kernels=True):
    """Has torch say this of the processor."""
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: has_kernels)
    monkeypatch.setattr(torch.cpu, "get_capabilities", capabilities)


def unreadable():
    raise RuntimeError("cpuinfo could not be initialised")


PROCESSORS = {
    "an AMD of 2023": (lambda: {"avx512_f": True, "avx512_bf16": True}, True),
    "an Intel with tiles": (lambda: {"amx_bf16": True, "avx512_bf16": False}, True),
    "an ARM": (lambda: {"neon": True, "bf16": True}, True),
    "an older x86": (lambda: {"avx512_f": True, "avx512_bf16": False}, False),
    "an older ARM": (lambda: {"neon": True, "bf16": False}, False),
    "one of another kind": (lambda: {"architecture": "riscv64"}, False),
    "one that cannot be read": (unreadable, False),
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_precision_follows_the_instructions(name, monkeypatch):
    capabilities, has_it = PROCESSORS[name]
    pretend(monkeypatch, capabilities)
    assert automatic.has_bfloat16() == has_it
    found = automatic.choose(LARGE, ["precision"]).training.precision
    assert found == ("bfloat16" if has_it else "float32")
    pretend(monkeypatch, capabilities, has_kernels=False)
    assert automatic.choose(LARGE, ["precision"]) == LARGE


def test_small_networks_stay_in_float32(monkeypatch):
    """There the conversions take longer than the products gain."""
    pretend(monkeypatch, lambda: {"avx512_bf16": True})
    names = ("digits-2d", "digits-multirate", "digits-linear", "mnist-2d", "mnist-20d")
    found = {name: automatic.choose_precision(preset(name)) for name in names}
    assert set(list(found.values())[:3]) == {"float32"}
    assert set(list(found.values())[3:]) == {"bfloat16"}


def test_operations_are_counted():
    """2 · batch · weights forward, and twice that backward; a pixel of a convolution each."""
    one = override(tiny(hidden=()), batch_size=10)
    assert automatic.operations(one) == 3 * 2 * 10 * (64 * 4 + 2 * 64)
    conv = override(tiny(network="conv", hidden=(3,)), batch_size=10)
    forward = 16 * (16 * 3) + 48 * 4 + 2 * 48 + 16 * 16 * 3
    assert automatic.operations(conv) == 3 * 2 * 10 * forward


def clocked(monkeypatch, seconds):
    """Has rehearsals take so long, by the setting that they differ in; returns what was timed."""
    timed = []

    class Rehearsal:
        def __init__(self, config, device="cpu", most_images=0):
            self.config = config

        def make_step(self):
            return self.config

    def timings(actions, budget, clock=None):
        configs = [action() for action in actions]
        timed.extend(configs)
        return [[seconds(config.training)] for config in configs]

    monkeypatch.setattr(automatic, "Rehearsal", Rehearsal)
    monkeypatch.setattr(automatic, "timings", timings)
    monkeypatch.setattr(automatic, "cores", lambda: 6)
    return timed


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (lambda training: 1 / training.threads, 6),
        (lambda training: 1.0, 1),
        (lambda training: 1.0 if training.threads < 6 else 0.95, 1),  # not worth five processors
        (lambda training: {1: 1.0, 2: 0.6, 4: 0.5, 6: 0.7}[training.threads], 4),
    ],
)
def test_the_fastest_number_of_threads_is_taken(seconds, expected, monkeypatch):
    clocked(monkeypatch, seconds)
    assert automatic.choose(LARGE, ["threads"]).training.threads == expected


def test_the_fastest_layout_is_taken_where_there_are_convolutions(monkeypatch):
    timed = clocked(monkeypatch, lambda training: 1.0 - 0.5 * (training.layout != "contiguous"))
    assert automatic.choose(CONV, ["layout"]).training.layout == "channels_last"
    assert automatic.choose(LARGE, ["layout"]) == LARGE
    assert {config.model.network for config in timed} == {"conv"}
    clocked(monkeypatch, lambda training: 1.0 - 0.05 * (training.layout != "contiguous"))
    assert automatic.choose(CONV, ["layout"]) == CONV


def test_what_is_given_stays(monkeypatch):
    clocked(monkeypatch, lambda training: 1 / training.threads)
    assert automatic.choose(LARGE, []) == LARGE


def test_a_choice_is_made_of_what_there_is():
    """On this machine, whatever it is."""
    found = automatic.choose(CONV, ["precision", "threads", "layout"]).training
    assert 1 <= found.threads <= automatic.cores()
    assert replace(found, threads=1, layout="contiguous", precision="float32") == CONV.training


MACHINES = {
    "two threads": {"threads": 2},
    "three threads": {"threads": 3},
    "channels last": {"layout": "channels_last"},
    "both": {"threads": 2, "layout": "channels_last"},
    "all": {"threads": 2, "layout": "channels_last", "precision": "bfloat16"},
}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_run_resumes_as_it_was_begun_bit_for_bit(machine, tmp_path):
    """The number of threads and the layout change the bits of convolutions; both are recorded."""
    config = override(CONV, epochs=2, **MACHINES[machine])
    whole, stopped = (Run.create(tmp_path / name, config) for name in ("whole", "stopped"))
    list(execute(whole))
    events = execute(stopped)
    next(events)
    events.close()
    torch.set_num_threads(1)  # as in the process that goes on
    list(execute(stopped))
    assert read_tensors(stopped.state_path)[2] == read_tensors(whole.state_path)[2]
    assert read(stopped.model_path).fingerprint == read(whole.model_path).fingerprint


def test_remedies_compute_as_the_run_they_are_for():
    config = override(preset("digits-2d"), beta=4.0, threads=3, precision="bfloat16")
    for remedy in remedies(config, 4000, Strengths()):
        assert remedy.config.training.threads == 3
        assert remedy.config.training.precision == "bfloat16"


@pytest.mark.parametrize(
    "config",
    [preset("digits-2d"), override(preset("mnist-2d"), network="conv", hidden=(8, 16))],
    ids=["mlp", "conv"],
)
def test_operations_are_those_that_torch_counts(config):
    model, images = describe(config.model), config.training.batch_size
    with FlopCounterMode(display=False) as counter:
        model.encoder(torch.empty(images, *config.model.image_shape, device="meta"))
        model.decoder(torch.empty(images, config.model.latent_dim, device="meta"))
    assert automatic.operations(config) == 3 * model.draws * counter.get_total_flops()


@pytest.mark.parametrize("family", FAMILIES)
def test_operations_of_every_family_are_counted(family):
    """What a step computes grows with its images, whatever the model is made of."""
    config = tiny(family=family, **SETTINGS[family])
    few, many = (override(config, batch_size=size) for size in (4, 8))
    assert automatic.operations(many) == 2 * automatic.operations(few) > 0
