"""Text for the screen: untrusted words made safe, numbers set well."""

from __future__ import annotations

import re


def plain(text: str) -> str:
    r"""Escapes untrusted text for a place that reads Markdown: shown as it is, no link, no picture.

    Example:
        >>> print(plain("a*b ![x](http://y)"))
        a\*b \!\[x\]\(http\://y\)
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~:$-])", r"\\\1", text)


def typeset(text: str) -> str:
    """Gives numbers true minus signs, and breaks no line before or after ±.

    Example:
        >>> typeset("one-sample: D -1.50 ± 0.05")
        'one-sample: D −1.50\xa0±\xa00.05'
    """
    text = re.sub(r"(?<![\w)])-(?=\d)", "−", text)
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")


def file_name(text: str) -> str:
    """Makes the stem of a file's name from a text: letters, digits and hyphens.

    Example:
        >>> file_name("VAE, 2 latents, β = 1")
        'vae-2-latents-β-1'
    """
    return re.sub(r"\W+", "-", text.lower()).strip("-")[:60] or "map"


def size(count: float) -> str:
    """Writes a number of bytes.

    Example:
        >>> size(16_900), size(3_806_467), size(1.4e9)
        ('17 kB', '3.8 MB', '1.4 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:z.1f} {unit}"
    return f"{count / 1e3:z.0f} kB"


def score(pair: object) -> str:
    """Writes a mean with its standard error; a dash for anything else.

    Example:
        >>> score([-1.234, 0.05]), score(None)
        ('−1.23\xa0±\xa00.05', '–')
    """
    match pair:
        case [float(mean), float(error)]:
            return typeset(f"{mean:z.2f} ± {error:z.2f}")
    return "–"
