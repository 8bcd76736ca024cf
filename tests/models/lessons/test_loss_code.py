"""Pasted code: the loss it computes is the one that is read, and nothing of it is run."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from models.lessons.loss_code import MAX_LETTERS, recognise
from models.theory.loss_scale import LossForm, loss_scale
from tests.models.theory.test_loss_scale import IMAGES, LATENTS, PIXELS, written

PYTORCH = {
    "default mean": """
        recon = F.mse_loss(x_hat, x)
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = recon + kld""",
    "sums": """
        bce = F.binary_cross_entropy_with_logits(x_hat, x, reduction='sum')
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = bce + kld""",
    "per image": """
        rec = ((x - x_hat) ** 2).sum(dim=1).mean()
        kl = (0.5 * (mu ** 2 + logvar.exp() - 1 - logvar)).sum(1).mean()
        beta = 4
        loss = rec + beta * kl""",
    "weighted": """
        recons_loss = F.mse_loss(x_hat, x)
        kld_loss = torch.mean(-0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=1), dim=0)
        loss = recons_loss + 0.00025 * kld_loss""",
    "a module": """
        criterion = nn.MSELoss(reduction="sum")
        mse = criterion(x_hat, x)
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = mse + kl""",
    "no half": """
        rec = F.mse_loss(x_hat, x, reduction='sum')
        kl = -torch.mean(1 + logvar - mu.pow(2) - logvar.exp())
        loss = rec + kl""",
    "one line": """
        loss = F.binary_cross_entropy_with_logits(x_hat, x) - 0.5 * torch.mean(
            1 + logvar - mu.pow(2) - logvar.exp())""",
}


@pytest.mark.parametrize("name", PYTORCH)
def test_the_loss_that_is_read_is_the_one_that_is_computed(name):
    """The test runs the code, which the program never does."""
    import textwrap

    code = textwrap.dedent(PYTORCH[name])
    generator = torch.Generator().manual_seed(0)
    shapes = {"x_hat": PIXELS, "mu": LATENTS, "logvar": LATENTS}
    given = {
        key: torch.randn(IMAGES, size, generator=generator, dtype=torch.float64)
        for key, size in shapes.items()
    }
    given["x"] = torch.rand(IMAGES, PIXELS, generator=generator, dtype=torch.float64)
    found = recognise(code)
    tensors = (given["x_hat"], given["x"], given["mu"], given["logvar"])
    expected = written(found.form, *tensors)
    space = {"torch": torch, "F": F, "nn": nn, **given}
    exec(compile(code, "pasted", "exec"), space)
    assert space["loss"].item() == pytest.approx(expected.item(), rel=1e-12)
    assert all(found.notes)


def test_keras_reduces_the_last_axis_alone():
    code = """
    reconstruction_loss = ops.mean(ops.sum(keras.losses.binary_crossentropy(x, y), axis=(1, 2)))
    kl_loss = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
    kl_loss = ops.mean(ops.sum(kl_loss, axis=1))
    total_loss = reconstruction_loss + kl_loss
    """
    assert loss_scale(recognise(code).form, 784, 2, 128).beta == 1.0
    code = "loss = keras.losses.mean_squared_error(x, y)\nkl = 0"
    assert recognise(code).form.pixels == "mean"


@pytest.mark.parametrize(
    "code",
    ["", "x = 1", "loss = kl_divergence(q, p)", "print(", "import os", "def f(:", "\0", "🙂"],
)
def test_what_is_not_a_known_loss_is_one_sentence(code):
    with pytest.raises(ValueError, match=r"^the code must .*: (choose|paste) ") as caught:
        recognise(code)
    assert "\n" not in str(caught.value)


def test_nothing_is_run(tmp_path):
    trap = tmp_path / "trap"
    code = f"open({str(trap)!r}, 'w')\nloss = F.mse_loss(x, y)"
    assert recognise(code).form.likelihood == "mse" and not trap.exists()


def test_long_code_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match=f"at most {MAX_LETTERS} letters"):
        recognise("(" * (MAX_LETTERS + 1))
    with pytest.raises(ValueError, match="must be Python"):
        recognise("(" * MAX_LETTERS)


def test_what_is_not_shown_is_as_it_was_and_is_said():
    start = LossForm("bce", kl_latents="mean", weight=0.1)
    found = recognise("loss = F.mse_loss(x, y)", start)
    assert (found.form.kl_latents, found.form.weight) == ("mean", 0.1)
    assert any("No KL" in note for note in found.notes)
