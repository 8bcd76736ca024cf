"""Makes the golden checkpoints: one tiny file per kind of model, restored by the tests for ever.

    python tests/models/make_golden.py

writes those that `KINDS` names and `golden/` lacks; it never replaces one. If a golden file no
longer opens, the code is wrong, or the schema has changed and needs an entry in
`models.storage.card.UPGRADES`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).parent / "golden"

KINDS = {
    f"{family}-{network}-{likelihood}": {
        "family": family,
        "network": network,
        "likelihood": likelihood,
    }
    for family, network, likelihood in (
        ("vae", "mlp", "bernoulli"),
        ("vae", "mlp", "gaussian"),
        ("vae", "mlp", "gaussian-shared"),
        ("vae", "conv", "bernoulli"),
        ("vae", "conv", "gaussian-optimal"),
        ("vae", "conv", "gaussian-pixel"),
        ("autoencoder", "mlp", "bernoulli"),
        ("autoencoder", "conv", "gaussian"),
        ("multirate", "mlp", "bernoulli"),
        ("multirate", "conv", "gaussian"),
    )
}


def answers(model) -> dict[str, list]:
    """What a model says of fixed codes and images: codes, mean images, log-likelihoods."""
    z = torch.tensor([[0.0, 0.0], [1.0, -0.5], [-2.0, 1.5]])
    shape = (3, *model.config.image_shape)
    images = torch.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    with torch.no_grad():
        found = {
            "decode": model.decode(z),
            "encode": model.encode(images)[0],
            "log_likelihood": model.log_likelihood(images, z),
        }
    return {
        name: [round(number, 8) for number in value.double().flatten().tolist()]
        for name, value in found.items()
    }


def make(name: str) -> None:
    """Writes one golden checkpoint, with its answers beside it."""
    from models.config import ModelConfig, RunConfig
    from models.families.registry import build_model
    from models.latents.codes import Codes
    from models.storage.card import Card
    from models.storage.checkpoint import write

    conv = KINDS[name]["network"] == "conv"
    config = ModelConfig(
        **KINDS[name],
        image_shape=(3, 9, 8) if conv else (1, 8, 8),
        hidden=(4, 8) if conv else (8, 4),
        activation="silu" if conv else "relu",
        sigma=0.25,
    )
    model = build_model(config, seed=1).eval()
    if config.family == "multirate":  # fresh gates are the same at every β
        with torch.no_grad():
            model.gates.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    codes = np.linspace(-1, 1, 8, dtype=np.float32).reshape(4, 2)
    log_variance = None if config.family == "autoencoder" else codes - 1
    stored = Codes(codes, log_variance, np.arange(4, dtype=np.float32), np.array([0, 1, 1, 0]))
    card = Card(
        RunConfig("digits", config),
        title=name,
        data_name="digits",
        data_fingerprint="0123456789abcdef",
        class_names=("even", "odd"),
        steps=7,
        seconds=1.5,
        metrics={"images": 4, "distortion": [1.5, 0.6]},
        torch=torch.__version__,
        command="python tests/models/make_golden.py",
    )
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    write(GOLDEN / f"{name}.safetensors", card, weights, stored)
    (GOLDEN / f"{name}.json").write_text(json.dumps(answers(model)) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, str(GOLDEN.parents[2]))
    GOLDEN.mkdir(exist_ok=True)
    for kind in KINDS:
        if not (GOLDEN / f"{kind}.safetensors").exists():
            make(kind)
            print(f"made {kind}")
