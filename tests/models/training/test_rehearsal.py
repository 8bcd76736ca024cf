"""Rehearsals: they tell how long a run takes, and leave no trace."""

import time

import pytest
import torch

from models.config import override
from models.presets import preset
from models.runs.folder import Run
from models.runs.train import execute
from models.training.rehearsal import Pace, estimate_seconds, measure_pace, timings
from tests.helpers.configs import tiny

CONV = override(tiny(), network="conv", hidden=(4, 8), batch_size=32)


@pytest.mark.parametrize(
    "config",
    [override(preset("digits-2d"), epochs=60), override(CONV, epochs=12)],
    ids=["mlp", "conv"],
)
def test_the_estimate_is_within_a_fifth(config, tmp_path):
    """In processor time of one thread, so that other programs do not count; yet they slow down
    memory and caches now and then, between estimate and run: so one of a few."""
    ratios: list[float] = []
    while len(ratios) < 5 and not any(0.8 <= ratio <= 1.2 for ratio in ratios):
        estimate = estimate_seconds(config, measure_pace(config), 1297, 500)
        run = Run.create(tmp_path / f"{len(ratios)}", config)
        start = time.thread_time()
        for _ in execute(run):
            pass
        ratios.append(estimate / (time.thread_time() - start))
    assert 0.8 <= ratios[-1] <= 1.2, f"estimate / measured: {ratios}"


def test_the_estimate_follows_the_work():
    pace, config = Pace(1e-3, 1e-6), preset("digits-2d")
    once = estimate_seconds(config, pace, 1297, 500)
    assert once == pytest.approx(4000 * 1e-3 + (200 + 120) * 500 * 1e-6)
    longer = estimate_seconds(override(config, epochs=400), pace, 1297, 500)
    assert longer - once == pytest.approx(4000 * 1e-3 + 200 * 500 * 1e-6)


def test_a_step_of_many_images_is_rehearsed_with_fewer():
    """Twice the images take twice as long, whether or not they are all rehearsed."""
    large = override(tiny(), batch_size=4096)
    double = override(tiny(), batch_size=8192)
    assert measure_pace(double).step == pytest.approx(2 * measure_pace(large).step, rel=0.5)


def test_it_leaves_no_trace():
    threads = torch.get_num_threads()
    state = torch.get_rng_state()
    measure_pace(override(tiny(), threads=threads + 1), budget=0.01)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_every_round_after_the_first_is_timed():
    clock = iter([0.0, 0.0, 3.0, 3.0, 8.0, 8.0, 8.0, 10.0, 10.0, 11.0, 11.0])
    found = timings([lambda: None, lambda: None], 9.0, lambda: next(clock))
    assert found == [[3.0, 2.0], [5.0, 1.0]]
