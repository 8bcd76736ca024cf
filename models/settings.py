"""Validated settings: dataclass fields that carry limits, help and labels, to and from JSON.

A setting is described once, where it is declared. The validator, the command-line options, the
inputs of the screen and the parsers of links are all made from that `Description`. This module
imports nothing but the standard library.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from reprlib import repr as shorten
from typing import Any, get_origin, get_type_hints

AUTO = "auto"
"""What stands on the command line for a value that suits the machine."""


@dataclass(frozen=True)
class Description:
    """What is known about a setting besides its value.

    Args:
        help: One sentence.
        minimum: Smallest value of a number, or of each entry of a list; inclusive.
        maximum: Largest value, inclusive.
        choices: The texts that are allowed; None: any.
        label: Its name on the screen; empty: it has no input there.
        unit: Of the number; empty: it has none.
        group: Heading under which the Train form shows it; empty: the form does not.
        link: Its key in a link to the app; empty: no link carries it.
        step: How far one click moves a number on the screen.
        screen_minimum: Tighter minimum on the screen; None: `minimum`.
        screen_maximum: Tighter maximum on the screen; None: `maximum`.
        has_option: Whether the command line has an option for it.
        is_automatic: Whether that option may be `auto`, its default: chosen for the machine.
        name: Of the field; filled in by `described`.
        kind: int, float, bool, str or tuple; filled in by `described`.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    label: str = ""
    unit: str = ""
    group: str = ""
    link: str = ""
    step: float = 1
    screen_minimum: float | None = None
    screen_maximum: float | None = None
    has_option: bool = True
    is_automatic: bool = False
    name: str = ""
    kind: type = str

    @property
    def screen_limits(self) -> tuple[float, float]:
        """Smallest and largest number that the screen and a link may ask for."""
        low = self.minimum if self.screen_minimum is None else self.screen_minimum
        high = self.maximum if self.screen_maximum is None else self.screen_maximum
        return low, high

    @property
    def full_label(self) -> str:
        """The label with its unit.

        Example:
            >>> Description("How long.", label="Warm-up", unit="steps").full_label
            'Warm-up, steps'
        """
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def help_with_limits(self, limits: tuple[float, float] | None = None) -> str:
        """The help, followed by what is allowed.

        Args:
            limits: Smallest and largest number; None: those of the setting.

        Example:
            >>> Description("Which one.", choices=("a", "b")).help_with_limits()
            'Which one. Allowed: a, b.'
            >>> Description("How long.", 0, 5000, unit="steps").help_with_limits()
            'How long. Allowed: 0 to 5,000 steps.'
        """
        if self.choices:
            return f"{self.help} Allowed: {', '.join(self.choices)}."
        if self.minimum is None:
            return self.help
        low, high = limits or (self.minimum, self.maximum)
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.help} Allowed: {_plain(low)} to {_plain(high)}{unit}."

    @property
    def option_help(self) -> str:
        """The help of its option on the command line.

        Example:
            >>> Description("Which one.", choices=("a", "b"), is_automatic=True).option_help
            'Which one. Allowed: a, b. Default: auto, chosen for this machine.'
        """
        more = f" Default: {AUTO}, chosen for this machine." if self.is_automatic else ""
        return self.help_with_limits() + more


def _plain(number: float) -> str:
    """A limit as people write it: thousands apart, no exponent.

    Example:
        >>> _plain(2**31 - 1), _plain(10.0), _plain(1 / 256), _plain(1e-7)
        ('2,147,483,647', '10', '0.00390625', '1e-07')
    """
    return f"{number:,.10g}"


def setting(
    default: Any,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
    **more: Any,
) -> Any:
    """Declares a field of a `Settings` class, with its `Description`."""
    description = Description(help, minimum, maximum, choices, **more)
    return field(default=default, metadata={"description": description})


def described(part: type[Settings]) -> dict[str, Description]:
    """Lists the settings of a class by name, in the order of their declaration.

    Example:
        >>> from models.config import ObjectiveConfig
        >>> beta = described(ObjectiveConfig)["beta"]
        >>> beta.kind, beta.minimum, beta.maximum
        (<class 'float'>, 0.0, 10000.0)
    """
    hints = get_type_hints(part)
    return {
        item.name: replace(
            item.metadata["description"],
            name=item.name,
            kind=get_origin(hints[item.name]) or hints[item.name],
        )
        for item in fields(part)
        if "description" in item.metadata
    }


def to_text(value: Any) -> Any:
    """Writes a list of whole numbers as text; any other value is returned as it is.

    Example:
        >>> to_text((512, 256)), to_text(()), to_text(4.0)
        ('512,256', 'none', 4.0)
    """
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else value


def from_text(name: str, text: str) -> tuple[int, ...]:
    """Reads a list of whole numbers, the inverse of `to_text`.

    Args:
        name: Of the setting, for the error.
        text: What was typed, untrusted.

    Raises:
        ValueError: If it is neither whole numbers separated by commas nor `none`.

    Example:
        >>> from_text("hidden", "512,256")
        (512, 256)
    """
    if text.strip() == "none":
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"{name} must be whole numbers like 512,256 or none, got {text!r:.40}"
        ) from None


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


@functools.cache
def _hints(settings: type) -> Mapping[str, Any]:
    """The types of the fields, evaluated once: evaluating takes far longer than using them."""
    return get_type_hints(settings)


class Settings:
    """Base of all settings: checks every field against its limits, and reads and writes JSON."""

    def __post_init__(self) -> None:
        hints = _hints(type(self))
        for item in fields(self):
            description = item.metadata.get("description", Description(""))
            _check(item.name, getattr(self, item.name), hints[item.name], description)

    def to_json(self) -> dict[str, Any]:
        """Returns the settings as JSON values, equal to what a JSON file gives back."""

        def plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
            return {name: list(v) if isinstance(v, tuple) else v for name, v in items}

        return asdict(self, dict_factory=plain)

    @classmethod
    def from_json(cls, document: Any) -> Any:
        """Makes settings from parsed JSON; those that are absent take their defaults.

        Raises:
            ValueError: If a setting is unknown or outside its limits: one sentence that names it,
                what must hold and what was given.

        Example:
            >>> from models.config import ObjectiveConfig
            >>> ObjectiveConfig.from_json({"beta": -1})
            Traceback (most recent call last):
            ValueError: beta must be at least 0, got -1
        """
        if not isinstance(document, Mapping):
            raise ValueError(f"{cls.__name__} must be a JSON object, got {type(document).__name__}")
        hints = _hints(cls)
        unknown = sorted(set(document) - set(hints), key=str)
        if unknown:
            raise ValueError(f"{cls.__name__} has no setting {str(unknown[0])[:40]!r}")
        values = {name: _from_json(hints[name], value) for name, value in document.items()}
        return cls(**values)


def _check(name: str, value: Any, hint: Any, description: Description) -> None:
    """Raises ValueError unless the value has the type of its field and is within its limits."""
    minimum, maximum = description.minimum, description.maximum
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
        _check_text(name, value, description.choices)
    elif not isinstance(value, hint):
        raise ValueError(f"{name} must be a group of settings, got {shorten(value)}")


def _check_text(name: str, value: Any, choices: tuple[str, ...] | None) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, got {shorten(value)}")
    if choices and value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shorten(value)}")


def _from_json(hint: Any, value: Any) -> Any:
    """Restores the tuples and dataclasses that JSON does not have."""
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(value)
    if isinstance(hint, type) and issubclass(hint, Settings):
        return hint.from_json(value)
    return value
