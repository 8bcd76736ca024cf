"""A verdict on a training run that reached its end: whether what it learned is worth anything.

A diverging loss need not become infinite: with a large learning rate it may settle where the
model is far worse than at its start. Training starts at the mean image of the training set, or
below it (a linear start); the mean image's D on the test set is about that of the best constant
image, `collapsed_distortion`. A decoder that does no better learned nothing from the codes; one
that does far worse has diverged.
"""

from __future__ import annotations

from models.storage.card import Card

FAR = 0.05
"""Share of D by which a model must be worse than the mean image to have diverged."""
SURE = 5.0
"""Standard errors that count as certain."""
COVERED = 0.5
"""Share of test images near which a model must draw."""
SPENT = 1.0
"""Nats of R that a collapsed model does not have."""


def verdict(card: Card) -> str:
    """Says what is wrong with a finished model; empty if nothing is.

    A collapsed model, which has no R either, has a diagnosis of its own
    (`models.metrics.collapse`).

    Args:
        card: Of the run; older ones do not know the D of the mean image.

    Returns:
        A sentence without full stop, each number with its unit.

    Example:
        >>> from models.presets import preset
        >>> scores = {"distortion": [7.5e6, 2e4], "rate": [7e5, 1e2], "collapsed_distortion": 1.5e5}
        >>> verdict(Card(preset("digits-2d"), metrics=scores))
        'the training diverged: D is 7,500,000 nats/image, and 150,000 for the mean image, where \
it began; lower the learning rate (0.003)'
    """
    match card.metrics.get("coverage"):
        case float(coverage) if coverage < COVERED:
            return _narrow(card, coverage)
    match card.metrics.get("distortion"), card.metrics.get("collapsed_distortion"):
        case [float(mean), float(error)], float(constant):
            return _compare(card, mean, error, constant)
    return ""


def _narrow(card: Card, coverage: float) -> str:
    """Of a model whose new images leave out most of what the test images show."""
    has_none = card.config.model.stabiliser == "none"
    remedy = "choose the stabiliser r1" if has_none else "train longer"
    return (
        f"after {card.steps:,} steps only {100 * coverage:z.0f} % of the test images have a new "
        "image near them (of real images: about 97 %), so the generator has collapsed or is at its "
        f"beginning; {remedy}"
    )


def _compare(card: Card, mean: float, error: float, constant: float) -> str:
    rate = card.metrics.get("rate", [SPENT])[0]
    numbers = f"D is {_amount(mean)} nats/image, and {_amount(constant)} for the mean image"
    remedy = f"lower the learning rate ({card.config.training.learning_rate:g})"
    if mean - SURE * error > constant + FAR * abs(constant):
        began = ", where it began" if card.config.training.start == "random" else ""
        return f"the training diverged: {numbers}{began}; {remedy}"
    if mean > constant and rate >= SPENT:
        return f"the model is no better than the mean image: {numbers}; {remedy} or train longer"
    return ""


def _amount(nats: float) -> str:
    """A number of nats with as many digits as one reads."""
    return f"{nats:,.0f}" if abs(nats) >= 1000 else f"{nats:.2f}"
