"""What each page is called, what one sees there, and what to try first. Knows no Streamlit."""

from __future__ import annotations

import html
from typing import NamedTuple


class Guide(NamedTuple):
    """A page's title, one sentence on what is seen, and one on what to try."""

    title: str
    see: str
    attempt: str


GUIDES = {
    "latent_map": Guide(
        "Latent map",
        "Every dot is a test image, new to the model, at the few numbers it is reduced to.",
        "Move the pointer: each spot is turned back into an image, also where there is no dot.",
    ),
    "train": Guide(
        "Train a model",
        "A form that is ready to go and, below it, your runs with what you can do with each.",
        "Press Train: within seconds you can watch the dots find their places.",
    ),
    "trade_off": Guide(
        "What does β do?",
        "Every point is a trained model: better images farther down, cheaper codes farther left.",
        "Drag β from left to right and watch the codes shrink and the images blur.",
    ),
    "collapse": Guide(
        "Did it collapse?",
        "One model’s diagnosis: whether its codes still tell anything about the images.",
        "Train the remedies and compare: which of them bring the codes back to life?",
    ),
    "families": Guide(
        "Families",
        "Kinds of models that make images, each at work, and all of them on equal terms.",
        "Let one make new images, then compare what they cost and how real they look.",
    ),
    "lessons": Guide(
        "Lessons",
        "Questions about latent spaces, each with an experiment whose numbers write the verdict.",
        "Predict the answer first, then see what was measured and run it again yourself.",
    ),
}


WITHOUT_DECODER = {
    "pictures": "Move the pointer: the image of the nearest dot is shown. A click selects it.",
    "points": "Choose Lasso and draw around dots: they are counted, and their table can be saved.",
}
"""What to try on a map of codes that came without a model: with images of theirs, or none."""
CODES = "Every dot is one of your codes: the few numbers that an image is reduced to."
WITHOUT_CODES = (
    "Every spot is noise that the model turns into an image; it reduces no image to a dot.",
    "Move the pointer or click: compare the images of spots that lie side by side.",
)
"""What is seen and tried on the map of a model that has no codes of images."""


def heading(view: str, kind: str = "") -> str:
    """Writes a page's heading as HTML.

    Args:
        view: Of `GUIDES`.
        kind: Of `WITHOUT_DECODER`, where the map is one of codes without a model; "plane" where it
            is one of a model without codes.

    Example:
        >>> "<h1>What does β do?</h1>" in heading("trade_off")
        True
        >>> "turned back into an image" in heading("latent_map", "points")
        False
    """
    guide = GUIDES[view]
    if kind == "plane":
        guide = guide._replace(see=WITHOUT_CODES[0], attempt=WITHOUT_CODES[1])
    elif kind:
        guide = guide._replace(see=CODES, attempt=WITHOUT_DECODER[kind])
    title, see, attempt = (html.escape(part, quote=False) for part in guide)
    tour = (
        '<button type="button" data-tour>Take the tour</button>'
        if view == "latent_map" and not kind
        else ""
    )
    return (
        f'<div class="guide"><h1>{title}</h1><p><b>What you see:</b> {see}<br>'
        f"<b>Try this:</b> {attempt} {tour}</p></div>"
    )
