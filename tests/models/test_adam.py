"""Adam: torch's own, bit for bit, without torch's compiler."""

import pytest
import torch
from torch import nn

from models.training.optimizer import Adam
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
