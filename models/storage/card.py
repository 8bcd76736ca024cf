"""The card of a checkpoint: its settings, data, scores and origin as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.config import RunConfig
from models.storage.tensors import CheckpointError
from models.text import clean_name

SCHEMA = 1
UPGRADES: dict[int, Any] = {}
"""From a schema number to the function that lifts its card to the next one."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint says of itself.

    Attributes:
        config: The run that made it.
        title: A label for people; never a path.
        data_name: The data set's name, with the class names, the names of its known factors and
            the test set's fingerprint.
        steps: Updates made.
        seconds: Training time, wall clock.
        metrics: Test-set scores, as `models.metrics.likelihood.summarize` gives them, and the
            leading values of the training images' `models.theory.collapse_threshold`.
        torch: Version of torch that made it.
        command: How to make it again.
        changes: Of β and learning rate while it ran, in words; `config` has the last ones.
    """

    config: RunConfig
    title: str = ""
    data_name: str = ""
    data_fingerprint: str = ""
    class_names: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    torch: str = ""
    command: str = ""
    changes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The card as plain JSON values."""
        document = {**self.__dict__, "schema": SCHEMA, "config": self.config.to_json()}
        if not self.factor_names:  # older versions of the program do not know the entry
            del document["factor_names"]
        return document

    @classmethod
    def from_json(cls, document: Any) -> Card:
        """A card from parsed JSON.

        Raises:
            CheckpointError: If the schema is unknown or a value is not what it must be.
        """
        if not isinstance(document, dict):
            raise CheckpointError("the card must be a JSON object: choose another file")
        document = _upgrade(dict(document))
        try:
            config = RunConfig.from_json(document.pop("config", None))
        except ValueError as error:
            raise CheckpointError(f"the card's settings are not valid: {error}") from error
        for name, kind in _CARD_TYPES.items():
            document[name] = _card_value(name, kind, document.get(name, kind()))
        unknown = sorted(set(document) - set(_CARD_TYPES))
        if unknown:
            raise CheckpointError(f"the card has an unknown entry {unknown[0][:40]!r}")
        return cls(config=config, **document)


_CARD_TYPES = {
    "title": str,
    "data_name": str,
    "data_fingerprint": str,
    "class_names": list,
    "factor_names": list,
    "steps": int,
    "seconds": float,
    "metrics": dict,
    "torch": str,
    "command": str,
    "changes": list,
}


def _card_value(name: str, kind: type, value: Any) -> Any:
    """One entry of the card, checked; texts lose what cannot be shown on one line."""
    kinds = (int, float) if kind is float else kind
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise CheckpointError(f"the card's {name} must be {kind.__name__}, got {value!r:.40}")
    if kind in (int, float) and not 0 <= value <= 1e15:
        raise CheckpointError(f"the card's {name} must be 0 to 1e15, got {value!r:.40}")
    if kind is dict and not all(map(_is_score, value.values())):
        raise CheckpointError(f"the card's {name} must be numbers or lists of numbers")
    if kind is list:
        if not all(isinstance(text, str) for text in value):
            raise CheckpointError(f"the card's {name} must be a list of texts")
        return tuple(map(clean_name, value))
    if name == "command":
        return "".join(filter(str.isprintable, value))[:2000]
    return clean_name(value) if kind is str and value else value


def _is_score(value: Any) -> bool:
    if isinstance(value, list):
        return all(type(element) is not list and _is_score(element) for element in value)
    return type(value) in (int, float) and abs(value) <= 1e15


def _upgrade(document: dict[str, Any]) -> dict[str, Any]:
    schema = document.pop("schema", None)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise CheckpointError(f"the card's schema must be a whole number, got {schema!r:.40}")
    if schema > SCHEMA:
        raise CheckpointError(
            f"the file must be of schema {SCHEMA} or older, got schema {schema!r:.20}: "
            "update this program to open it"
        )
    for version in range(schema, SCHEMA):
        document = UPGRADES[version](document)
    return document
