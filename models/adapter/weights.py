"""Why saved weights do not fit a network, as one sentence with a hint instead of torch's page.

`load_state_dict` lists every key that is missing or unexpected. What is behind the list is most
often one of three things: a prefix that a wrapper put before all keys, a file that holds the
weights under one of several entries, or another network.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_SIZE = re.compile(
    r"size mismatch for (\S+): copying a param with shape (?:torch\.Size\()?(\[[^]]*\])\)? from "
    r"checkpoint, the shape in current model is (?:torch\.Size\()?(\[[^]]*\])\)?"
)
_NAMED = 2
"""Keys of a list that are named."""
_WRAPPERS = {"module.": "DataParallel", "_orig_mod.": "torch.compile"}


def explain_weights(text: str) -> str | None:
    """Explains an error of `torch.load` or `load_state_dict`.

    Args:
        text: The error's message, whole.

    Returns:
        A clause without full stop, or None if the message is about something else.

    Example:
        >>> print(explain_weights('Error(s) in loading state_dict for VAE:\\n'
        ...     '\\tMissing key(s) in state_dict: "fc.bias". \\n'
        ...     '\\tUnexpected key(s) in state_dict: "module.fc.bias". '))
        the saved weights do not fit VAE: their keys begin with 'module.' (DataParallel), take it \
off: {key.removeprefix('module.'): value for key, value in weights.items()}
    """
    if "Weights only load failed" in text:
        return (
            "the file holds more than weights, which torch.load(…, weights_only=True) refuses: "
            "save model.state_dict(), or use weights_only=False if you trust the file"
        )
    network = re.search(r"in loading state_dict for (\w+)", text)
    if network is None:
        return None
    missing, unexpected = _keys("Missing", text), _keys("Unexpected", text)
    why = _entry(missing, unexpected) or _prefix(missing, unexpected) or _differences(text)
    return f"the saved weights do not fit {network[1]}: {why}"


def _keys(kind: str, text: str) -> list[str]:
    """The keys that torch lists as missing or unexpected."""
    line = re.search(rf"{kind} key\(s\) in state_dict: (.*)", text)
    return re.findall(r'"([^"]*)"', line[1]) if line else []


def _entry(missing: list[str], unexpected: list[str]) -> str | None:
    """A hint where the file holds the weights under an entry, beside an optimizer's, say."""
    if not missing or any("." in key for key in unexpected):
        return None
    entries = [key for key in unexpected if key.endswith("state_dict") and "optim" not in key]
    entries += [key for key in unexpected if key in ("model", "net", "network", "weights", "ema")]
    if not entries:
        return None
    maker = "Lightning's checkpoint" if "pytorch-lightning_version" in unexpected else "the file"
    return f"{maker} holds them under {entries[0]!r}, load that: torch.load(…)[{entries[0]!r}]"


def _prefix(missing: list[str], unexpected: list[str]) -> str | None:
    """A hint where the keys of file and network differ by a prefix."""
    if prefix := _common_prefix(unexpected, missing):
        maker = _WRAPPERS.get(prefix, "a module around the network, as in Lightning")
        return (
            f"their keys begin with {prefix!r} ({maker}), take it off: "
            f"{{key.removeprefix({prefix!r}): value for key, value in weights.items()}}"
        )
    if prefix := _common_prefix(missing, unexpected):
        return (
            f"the network's keys begin with {prefix!r}, those of the file do not: "
            f"put it before them, or load them into the network's {prefix.rstrip('.')!r}"
        )
    return None


def _common_prefix(longer: Iterable[str], shorter: list[str]) -> str | None:
    """What stands before at least half of the shorter keys among the longer ones."""
    known, prefixes = set(shorter), Counter[str]()
    for key in longer:
        ends = [place + 1 for place, character in enumerate(key) if character == "."]
        prefixes.update(key[:end] for end in ends if key[end:] in known)
    prefix, count = next(iter(prefixes.most_common(1)), ("", 0))
    return prefix if count and 2 * count >= len(known) else None


def _differences(text: str) -> str:
    """The first keys that are missing, unexpected or of another shape."""
    parts = []
    for kind, word in (
        ("Missing", "the file lacks"),
        ("Unexpected", "the network has no place for"),
    ):
        if keys := _keys(kind, text):
            parts.append(f"{word} {_named(keys)}")
    if sizes := _SIZE.findall(text):
        key, saved, own = sizes[0]
        more = f" and {len(sizes) - 1} more" if len(sizes) > 1 else ""
        parts.append(f"{key} is {saved} in the file and {own} in the network{more}")
    return "; ".join(parts)


def _named(keys: list[str]) -> str:
    """The first keys, and how many more there are."""
    more = len(keys) - _NAMED
    return ", ".join(keys[:_NAMED]) + (f" and {more} more" if more > 0 else "")
