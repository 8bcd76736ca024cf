"""The plan of a sweep: every run is trained by one process, and all have about the same to do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.runs.folder import Run
from models.sweeps import plan as plan_module
from models.sweeps.grid import grid
from models.sweeps.plan import plan
from tests.helpers.configs import tiny
from tests.helpers.paths import ROOT


def members_of(configs):
    """Members that are on no disk."""
    return [
        plan_module.SweepRun(Run(ROOT / f"{i:04d}"), config) for i, config in enumerate(configs)
    ]


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 2), st.integers(1, 8))
def test_plan_gives_every_run_to_one_process_and_all_about_the_same(betas, seeds, dims, workers):
    configs = grid(tiny(), range(betas), seeds, range(1, dims + 1))
    members = members_of(configs)
    groups = plan(members, workers)
    trained = sorted(run.id for group in groups for run in group)
    assert trained == sorted(member.run.id for member in members)
    series = {member.run.id: member.series for member in members}
    assert all(len({series[run.id] for run in group}) == 1 for group in groups)
    sizes = [len(group) for group in groups]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] <= plan_module.MAX_STACK
    if betas >= 2 * workers:  # enough of each series to cut it into equal parts
        assert len(groups) % workers == 0 and sizes[0] - sizes[-1] <= 1


@pytest.mark.parametrize(
    "model", [{"network": "conv"}, {"likelihood": "gaussian-shared"},
              {"likelihood": "gaussian-optimal"}, {"likelihood": "gaussian-pixel"}],
)  # fmt: skip
def test_what_cannot_be_stacked_is_trained_one_by_one(model):
    assert_one_by_one(tiny(**model))


@pytest.mark.parametrize(
    "training", [{"batch_size": 50}, {"threads": 2}, {"batch_size": 32, "precision": "bfloat16"}]
)
def test_what_a_stack_would_give_other_bits_is_trained_one_by_one(training):
    assert_one_by_one(tiny(training=training))


def assert_one_by_one(config):
    members = members_of(grid(config, [0.1, 1.0, 10.0]))
    assert [len(group) for group in plan(members, 2)] == [1, 1, 1]
