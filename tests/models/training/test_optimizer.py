"""Adam: torch's own, bit for bit, without torch's compiler; the learning rate and its limits."""

import pytest
import torch
from torch import nn

from models.config import TrainingConfig
from models.training.optimizer import Adam, learning_rate
from tests.helpers.processes import finish, python


@pytest.mark.parametrize("seed", range(5))
def test_every_update_is_that_of_torch(seed):
    torch.manual_seed(seed)
    ours = nn.Sequential(nn.Linear(5, 7), nn.SiLU(), nn.Linear(7, 3))
    theirs = nn.Sequential(nn.Linear(5, 7), nn.SiLU(), nn.Linear(7, 3))
    theirs.load_state_dict(ours.state_dict())
    pairs = (
        (ours, Adam(ours.parameters(), 1e-2)),
        (
            theirs,
            torch.optim.Adam(theirs.parameters(), 1e-2, fused=True),
        ),
    )
    for step in range(40):
        images = torch.randn(4, 5)
        for model, optimizer in pairs:
            optimizer.zero_grad()
            model(images).square().sum().backward()
            if step % 3 == 0:  # a parameter without a gradient stays, and its moments with it
                model[0].bias.grad = None
            optimizer.step()
        pairs[0][1].rate = pairs[1][1].param_groups[0]["lr"] = 1e-2 / (1 + step)
        for mine, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(mine, reference)


def test_a_training_starts_without_torchs_compiler_and_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path))
    code = (
        "import sys; from models.cli.app import app\n"
        "try: app(['train', '--epochs', '1', '--threads', '1'])\n"
        "except SystemExit as end: assert not end.code\n"
        "print([name for name in ('torch._dynamo', 'sklearn', 'pandas') if name in sys.modules])"
    )
    out = finish(python("-c", code))
    assert out.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (1, 0.001),
        (5, 0.005),
        (10, 0.01),  # the peak
        (30, 0.01 - 0.009 / 4),  # a third of the way: cos 60° is one half
        (40, 0.0055),  # half-way
        (70, 0.001),  # the end
    ],
)
def test_learning_rate_rises_linearly_and_falls_as_a_cosine(step, expected):
    config = TrainingConfig(learning_rate=0.01, final_learning_rate=0.001, warmup_steps=10)
    assert learning_rate(step, 70, config) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (5, 0.005),
        (10, 0.01),
        (40, 0.01),  # half of the 60 steps after the warm-up
        (55, 0.0055),  # half-way down
        (60, 0.001 + 0.009 / 4),  # two thirds: cos 120° is minus one half
        (70, 0.001),
    ],
)
def test_learning_rate_stays_at_its_peak_for_the_plateau(step, expected):
    rates = {"learning_rate": 0.01, "final_learning_rate": 0.001}
    config = TrainingConfig(**rates, warmup_steps=10, plateau=0.5)
    assert learning_rate(step, 70, config) == pytest.approx(expected)
    level = TrainingConfig(**rates, warmup_steps=10, plateau=1.0)
    assert learning_rate(step, 70, level) == (0.005 if step == 5 else 0.01)


@pytest.mark.parametrize("warmup", [0, 1, 10, 99, 100, 101, 10**6])
@pytest.mark.parametrize("plateau", [0.0, 0.3, 0.999])
def test_learning_rate_stays_between_zero_and_its_peak(warmup, plateau):
    rates = {"learning_rate": 0.01, "final_learning_rate": 0.001}
    config = TrainingConfig(**rates, warmup_steps=warmup, plateau=plateau)
    rates = [learning_rate(step, 100, config) for step in range(1, 101)]
    top = rates.index(max(rates))
    assert min(rates) > 0 and max(rates) <= 0.01
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0.01 if warmup >= 100 else 0.001)
