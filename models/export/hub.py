"""A model as a folder for a hub of models: checkpoint, settings, and a README with its card.

The checkpoint is copied byte for byte, and the settings are written as a run folder has them
(`models.runs.folder`), so that the commands open the folder as they open a run. The front matter
of the README is YAML whose texts are JSON strings, which YAML reads as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, read

SCORES = {"negative_elbo": "−ELBO", "distortion": "D", "rate": "R"}
"""Scores of a card with their standard errors, all in nats per image."""
TASK = "unconditional-image-generation"
README = """{matter}
# {title}

{kind} with {latents} latent dimension{s} for images of {shape} (channels × height × width):
{network} network, {likelihood} likelihood, {beta}, trained for {steps:,} updates on {data}.

{scores}

± is one standard error over the test images. D = −E[ln p(x|z)] and R = KL(q(z|x) ‖ p(z)) are sums
over pixels and latents, and −ELBO = D + R, whatever β was in training.{grey}

`model.safetensors` holds the weights (`model.*`){codes}.
With the latent space explorer, `python -m models evaluate FOLDER` scores the model again, where
FOLDER is this folder.
{command}"""
GREY = """ Of grey images under a
Bernoulli likelihood, −ELBO is a bound for random black-and-white versions of them."""
KINDS = {"vae": "A VAE", "multirate": "A VAE for many β", "autoencoder": "An autoencoder"}
"""By family; another is called by its name."""


def hub_files(path: str | Path) -> dict[str, bytes]:
    """Makes the files of a hub's folder.

    Args:
        path: Of a checkpoint.

    Returns:
        The content of `model.safetensors`, `config.json` and `README.md`, by name.

    Raises:
        CheckpointError: One sentence on what is wrong with the checkpoint.

    Example:
        >>> files = hub_files("checkpoints/digits-2d-beta-1.safetensors")
        >>> list(files), files["README.md"].decode().splitlines()[:2]
        (['model.safetensors', 'config.json', 'README.md'], ['---', 'library_name: "pytorch"'])
    """
    checkpoint = read(path)
    card = checkpoint.card
    document = {"title": card.title, "config": card.config.to_json()}
    return {
        "model.safetensors": Path(path).read_bytes(),
        "config.json": json.dumps(document, indent=1).encode(),
        "README.md": _readme(checkpoint).encode(),
    }


def _readme(checkpoint: Checkpoint) -> str:
    """What people read first."""
    card, codes = checkpoint.card, checkpoint.codes
    model = card.config.model
    return README.format(
        matter=_front_matter(card),
        title=_line(card),
        kind=KINDS.get(model.family, f"A model of the family {model.family}"),
        latents=model.latent_dim,
        s="" if model.latent_dim == 1 else "s",
        shape=" × ".join(map(str, model.image_shape)),
        network=model.network,
        likelihood=model.likelihood,
        beta=_beta(card),
        grey=GREY if model.likelihood_properties.is_binary and _scores(card) else "",
        steps=card.steps,
        data=card.data_name or "images that the card does not name",
        scores=_table(card),
        codes="" if codes is None else f" and the codes of {len(codes):,} test images (`codes.*`)",
        command=f"\nIt was made by\n\n    {card.command}\n" if card.command else "",
    )


def _beta(card: Card) -> str:
    """The β of training, and of the scores where they differ."""
    model, beta = card.config.model, card.config.objective.beta
    if model.capabilities.betas == "many":
        return f"β from {model.beta_min:g} to {model.beta_max:g}, scored at β = {beta:g}"
    return "no β" if model.capabilities.betas == "none" else f"β = {beta:g}"


def _line(card: Card) -> str:
    """What the model is called."""
    return card.title or "A model without a title"


def _scores(card: Card) -> dict[str, tuple[float, float]]:
    """Mean and standard error of the scores that the card has, by label."""
    found = {}
    for name, label in SCORES.items():
        match card.metrics.get(name):
            case [mean, error]:
                found[label] = (mean, error)
    return found


def _table(card: Card) -> str:
    """The scores as a table."""
    rows = [
        f"| {label} | {mean:z.2f} ± {error:z.2f} nats per image |"
        for label, (mean, error) in _scores(card).items()
    ]
    if not rows:
        return "The card has no scores of test images."
    return "\n".join(["| score | of the test images |", "|---|---|", *rows])


def _front_matter(card: Card) -> str:
    """What a hub reads: what the model is, and its scores."""
    tags = ["latent-space", "safetensors", card.config.model.family]
    lines = [
        "---",
        f"library_name: {_text('pytorch')}",
        f"pipeline_tag: {_text(TASK)}",
        f"tags: {_text(tags)}",
    ]
    scores = _scores(card)
    if scores:
        name = card.data_name or "unknown"
        lines += [
            "model-index:",
            f"- name: {_text(_line(card))}",
            "  results:",
            f"  - task: {_text({'type': TASK})}",
            f"    dataset: {_text({'name': name, 'type': name})}",
            "    metrics:",
        ]
        for label, (mean, _) in scores.items():
            name = f"{label}, nats per image"
            lines.append(f"    - {_text({'type': label, 'name': name, 'value': mean})}")
    return "\n".join([*lines, "---", ""])


def _text(value: Any) -> str:
    """A value as JSON, on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
