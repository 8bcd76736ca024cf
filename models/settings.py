"""Validated settings: dataclass fields with limits and a sentence of help,
to and from JSON.

Command line, screen, link and file all pass this one validator. Imports the standard library alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, field, fields
from reprlib import repr as shorten
from typing import Any, get_origin, get_type_hints


def setting(
    default: Any,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A dataclass field with its limits (both inclusive) and one sentence of help."""
    return field(
        default=default,
        metadata={"help": help, "minimum": minimum, "maximum": maximum, "choices": choices},
    )


def check_number(name: str, value: Any, kind: type, minimum: float, maximum: float) -> None:
    """Raises ValueError, one sentence, unless `value` is such a number within its limits."""
    allowed = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        noun = "a whole number" if kind is int else "a number"
        raise ValueError(f"{name} must be {noun}, got {shorten(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    beyond = isinstance(value, int) and abs(value) > 2**63
    given = "more than 64 bits hold" if beyond else f"{value:g}"
    if minimum is not None and value < minimum:
        raise ValueError(f"{name} must be at least {minimum:g}, got {given}")
    if maximum is not None and value > maximum:
        raise ValueError(f"{name} must be at most {maximum:g}, got {given}")


class Settings:
    """Base of the parts: checks every field against its limits, and reads and writes JSON."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for item in fields(self):
            self._check(item.name, getattr(self, item.name), hints[item.name], item.metadata)

    def _check(self, name: str, value: Any, hint: Any, limits: Mapping[str, Any]) -> None:
        minimum, maximum = limits.get("minimum"), limits.get("maximum")
        if get_origin(hint) is tuple:
            if not isinstance(value, tuple):
                raise ValueError(f"{name} must be a list of whole numbers, got {shorten(value)}")
            for element in value:
                check_number(f"every entry of {name}", element, int, minimum, maximum)
        elif hint in (int, float):
            check_number(name, value, hint, minimum, maximum)
        elif hint is bool:
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false, got {shorten(value)}")
        elif hint is str:
            if not isinstance(value, str):
                raise ValueError(f"{name} must be text, got {shorten(value)}")
            choices = limits.get("choices")
            if choices and value not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(choices)}, got {shorten(value)}"
                )
        elif not isinstance(value, hint):
            raise ValueError(f"{name} must be a group of settings, got {shorten(value)}")

    def to_json(self) -> dict[str, Any]:
        """The settings as plain JSON values, equal to what a JSON file gives back."""

        def plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
            return {name: list(v) if isinstance(v, tuple) else v for name, v in items}

        return asdict(self, dict_factory=plain)

    @classmethod
    def from_json(cls, document: Any) -> Any:
        """Settings from parsed JSON: unknown or unlawful ones are refused, absent ones default.

        Raises:
            ValueError: One sentence naming the setting, what must hold and what was given.

        Example:
            >>> from models.config import ObjectiveConfig
            >>> ObjectiveConfig.from_json({"beta": -1})
            Traceback (most recent call last):
            ValueError: beta must be at least 0, got -1
        """
        if not isinstance(document, Mapping):
            raise ValueError(f"{cls.__name__} must be a JSON object, got {type(document).__name__}")
        hints = get_type_hints(cls)
        unknown = sorted(set(document) - set(hints), key=str)
        if unknown:
            raise ValueError(f"{cls.__name__} has no setting {str(unknown[0])[:40]!r}")
        values = {name: _from_json(hints[name], value) for name, value in document.items()}
        return cls(**values)


def _from_json(hint: Any, value: Any) -> Any:
    """JSON has no tuples and no dataclasses: restores both where the field asks for them."""
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(value)
    if isinstance(hint, type) and issubclass(hint, Settings):
        return hint.from_json(value)
    return value
