"""A hub's folder holds the model byte for byte, and says what it is."""

import json
from dataclasses import replace

import pytest
import torch

from models.export.hub import hub_files
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from tests.helpers.checkpoint_files import CARD, CODES, WEIGHTS
from tests.helpers.configs import tiny
from tests.helpers.paths import MAPPED

SMALL = [path for path in MAPPED if path.stem.startswith("digits-")]
assert SMALL


def front_matter(readme: str) -> list[str]:
    """The lines between the first two rules."""
    first, *lines = readme.splitlines()
    assert first == "---"
    return lines[: lines.index("---")]


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_what_was_exported_is_restored(path, tmp_path):
    for name, content in hub_files(path).items():
        (tmp_path / name).write_bytes(content)
    found, before = read(tmp_path / "model.safetensors"), read(path)
    assert (found.card, found.fingerprint) == (before.card, before.fingerprint)
    z = torch.randn(5, before.codes.latent_dim, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(restore(found).decode(z), restore(before).decode(z))
    document = json.loads((tmp_path / "config.json").read_text())
    assert document == {"title": before.card.title, "config": before.card.config.to_json()}


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_the_readme_has_every_score_with_its_unit_and_error(path):
    readme, card = hub_files(path)["README.md"].decode(), read(path).card
    matter = "\n".join(front_matter(readme))
    for name, label in (("negative_elbo", "−ELBO"), ("distortion", "D"), ("rate", "R")):
        if name in card.metrics:
            mean, error = card.metrics[name]
            assert f"| {label} | {mean:.2f} ± {error:.2f} nats per image |" in readme
            assert f'"{label}, nats per image", "value": {mean}' in matter
        else:
            assert f"| {label} |" not in readme
    assert card.command in readme and "{" not in readme.partition("\n# ")[2]


def test_every_value_of_the_front_matter_is_one_text_that_yaml_reads_as_it_is(tmp_path):
    """Values are JSON, which YAML contains, so that no title can add a key or end the matter."""
    title = 'a "quoted" title: # --- é \\ {b}'
    path = tmp_path / "a.safetensors"
    write(path, replace(CARD, title=title, data_name="- x: y"), WEIGHTS, CODES)
    lines = front_matter(hub_files(path)["README.md"].decode())
    assert json.loads(lines[4].removeprefix("- name: ")) == title
    assert json.loads(lines[7].strip().removeprefix("dataset: "))["name"] == "- x: y"
    for line in lines:
        _, colon, value = line.partition(": ")
        if colon and not line.strip().startswith("- "):
            json.loads(value)


def test_a_model_without_scores_codes_or_title_says_so(tmp_path):
    path = tmp_path / "a.safetensors"
    write(path, Card(tiny(hidden=(6,))), WEIGHTS, None)
    readme = hub_files(path)["README.md"].decode()
    assert "# A model without a title" in readme and "has no scores" in readme
    assert "codes" not in readme and "model-index" not in readme and "It was made by" not in readme
