"""The numbers of an audit as rows: value, 95 % interval, unit, and what it is read against."""

from __future__ import annotations

from typing import NamedTuple

from explorer.figures.theme import subscript
from models.audit.audit import Audit
from models.audit.checks import WIDTH
from models.metrics.collapse import ACTIVE_KL
from models.metrics.population import Bounds, Population
from models.metrics.statistics import Estimate


class Row(NamedTuple):
    """A number with its interval, as text, its unit, and how to read it."""

    name: str
    value: str
    interval: str
    unit: str
    reading: str


NATS = "nats/image"
EXACT = "exact for these images"


def scores(audit: Audit) -> list[Row]:
    """Lists what was measured of the whole model."""
    found = audit.evidence
    rows = [
        _row("D = −E[ln p(x|z)], the cost of the pixels", found.distortion, NATS,
             f"better than one constant image below {number(found.constant)}"),
        Row("D of the best constant image", number(found.constant), EXACT, NATS,
            "what a model reaches that ignores z"),
        _row("Squared error of the reconstruction from μ", found.squared_error,
             "squared grey levels a pixel (white is 1)", "0 is a perfect copy", 4),
    ]  # fmt: skip
    if found.floor is not None:
        rows.insert(2, Row("Floor of D", number(found.floor), EXACT, NATS,
                           "grey pixels cost at least this under a Bernoulli"))  # fmt: skip
    return rows if found.rate is None else [*rows, *_of_posterior(audit)]


def _of_posterior(audit: Audit) -> list[Row]:
    """What only a model with a posterior has."""
    found, parts = audit.evidence, audit.evidence.information
    rows = [
        _row("R = KL(q(z|x) ‖ p(z)), the cost of the code", found.rate, NATS,
             "near 0 the code holds nothing"),
        _row("−ELBO = D + R, weight 1", found.negative_elbo, NATS,
             "compare with other models of the same images and likelihood only"),
    ]  # fmt: skip
    beta = audit.subject.beta
    if found.beta is not None:
        rows.append(_row("β that the posteriors answer to", found.beta, "no unit",
                         f"a fault outside {beta / 2:.3g} to {beta * 2:.3g}, around β = {beta:g}",
                         3))  # fmt: skip
    if found.threshold is not None:
        low, high = found.threshold.interval()
        rows.append(Row("β* of these images", number(found.threshold.estimate),
                        f"{number(low)} to {number(high)}", "no unit",
                        "a larger β makes collapse stable, a smaller one unstable"))  # fmt: skip
    rows.append(
        _row("I(x; z) of the codes", parts.mutual_information, "nats",
             f"at most ln N = {number(parts.ceiling)} and at most R"))  # fmt: skip
    rows += _of_codes(audit) if found.population is None else _of_population(found.population)
    rows.append(
        _row("Response of the decoder to the prior", _percent(Estimate(*found.response)), "%",
             "of what images differ; below 5 % the decoder ignores z", 0))  # fmt: skip
    return rows


_PRIOR = "0: draws of the prior fall where codes are"
_INDEPENDENT = "0: the latents are independent"
_HOLES = "there codes are ten times rarer than draws of the prior"


def _of_codes(audit: Audit) -> list[Row]:
    """What the codes of too few images tell of themselves."""
    parts = audit.evidence.information
    return [
        _row("KL(q(z) ‖ p(z)) of the codes", parts.aggregate_kl, "nats", _PRIOR),
        _row("Total correlation of the codes", parts.total_correlation, "nats", _INDEPENDENT),
        _row("Share of the prior in holes", _percent(parts.holes), "%", _HOLES, 1),
    ]


def _of_population(found: Population) -> list[Row]:
    """What the codes tell of the model: bounds that hold with more and more images."""
    share = Bounds(*(100 * bound for bound in found.holes))
    return [
        _bounds("I(x; z) of the model", found.mutual_information, "nats",
                "that of the codes with more and more images"),
        _bounds("KL(q(z) ‖ p(z)) of the model", found.aggregate_kl, "nats", _PRIOR),
        _bounds("Total correlation of the model", found.total_correlation, "nats", _INDEPENDENT),
        _bounds("Share of the prior in holes", share, "%", _HOLES, 1),
    ]  # fmt: skip


def latents(audit: Audit) -> list[tuple[str, list[str], float]]:
    """Lists every latent: its name, its numbers as text, and its share of the largest rate."""
    use = audit.evidence.use
    most = max(ACTIVE_KL, *(each.rate.mean for each in use), 0.0)
    return [
        (
            f"z{subscript(place)}",
            [
                f"{number(each.rate.mean, 3)} ± {number(WIDTH * each.rate.standard_error, 3)}",
                f"{number(each.variance.mean)} ± {number(WIDTH * each.variance.standard_error)}",
                f"{number(each.worth.mean)} ± {number(WIDTH * each.worth.standard_error)}",
                number(each.response, 3),
            ],
            max(0.0, each.rate.mean / most),
        )
        for place, each in enumerate(use, 1)
    ]


def number(value: float, digits: int = 2) -> str:
    """Writes a number with a real minus and without a minus zero.

    Example:
        >>> number(-1.234), number(-0.001)
        ('−1.23', '0.00')
    """
    return f"{value:z,.{digits}f}".replace("-", "−")


def _row(name: str, value: Estimate, unit: str, reading: str, digits: int = 2) -> Row:
    half = WIDTH * value.standard_error
    interval = f"{number(value.mean - half, digits)} to {number(value.mean + half, digits)}"
    return Row(name, number(value.mean, digits), interval, unit, reading)


def _bounds(name: str, bounds: Bounds, unit: str, reading: str, digits: int = 2) -> Row:
    """What is only known to lie between two numbers."""
    between = f"{number(bounds.low, digits)} to {number(bounds.high, digits)}"
    return Row(name, "between", between, unit, reading)


def _percent(share: Estimate) -> Estimate:
    return Estimate(100 * share.mean, 100 * share.standard_error)
