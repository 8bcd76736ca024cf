"""The table that compares families: which scores answer what a reader needs, and their rows.

Runs that differ in their seed alone are one row: the mean over the seeds with its 95 % interval. Of
a single run the interval is that of its own images. A run that diverged counts where the share of
such runs is told, and in no mean. Knows no Streamlit.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from explorer.words import words
from models.config import RunConfig
from models.judge.report import SampleReport
from models.judge.seeds import failures_of, share
from models.metrics.samples.modes import COLLAPSED
from models.metrics.statistics import t_interval
from models.storage.card import Card

HAS_NONE, NOT_MEASURED, DIVERGED = "has none", "not measured", "diverged"
_Z = 1.96
"""Half a 95 % interval in standard errors."""


class Scored(NamedTuple):
    """A run as the table sees it: its id, its card, the report on its images, and whether its
    training diverged."""

    id: str
    card: Card
    report: SampleReport | None
    diverged: bool = False

    @property
    def seed(self) -> int:
        """Of its training."""
        return self.card.config.training.seed

    @property
    def failed(self) -> bool | None:
        """Whether it collapsed or diverged; None where its images have not been scored."""
        modes = None if self.report is None else self.report.modes
        if self.diverged or modes is None:
            return self.diverged or None
        return modes.verdict == COLLAPSED


class Cell(NamedTuple):
    """A number with half its 95 % interval, both NaN where there is none, and why then; and how it
    is written where that is not the two of them."""

    value: float
    half: float = math.nan
    reason: str = ""
    written: str = ""


class Column(NamedTuple):
    """A score: its title with the unit, which way is better ("less", "more", "floor": as real
    images, ""), its digits, its cell of one model, or, where that is no mean, of a whole row."""

    title: str
    better: str
    digits: int
    cell: Callable[[Scored], Cell] = lambda _: Cell(math.nan)
    floor: Callable[[Scored], float] = lambda _: math.nan
    of_row: Callable[[Sequence[Scored]], Cell] | None = None


class Row(NamedTuple):
    """A line of the table: the ids of its runs, its name, its family, a cell a column, and how many
    seeds its runs have."""

    ids: tuple[str, ...]
    name: str
    family: str
    cells: tuple[Cell, ...]
    count: int = 1

    @property
    def title(self) -> str:
        """Its name, and its family unless the name says it.

        Example:
            >>> Row((), "GAN", "gan", ()).title, Row((), "my first", "ddpm", ()).title
            ('GAN', 'my first (Diffusion (DDPM))')
        """
        family = words(self.family)
        is_said = family.split()[0].casefold() in re.split(r"[^\w-]+", self.name.casefold())
        return self.name if is_said else f"{self.name} ({family})"


def _missing(has_it: bool) -> Cell:
    return Cell(math.nan, math.nan, NOT_MEASURED if has_it else HAS_NONE)


def _of_images(name: str) -> Callable[[Scored], Cell]:
    """A score of drawn images; in the judge's space where there is a judge, else of pixels."""

    def cell(scored: Scored) -> Cell:
        found = _score(scored, name)
        if found is None:
            has_it = scored.card.config.model.capabilities.has_prior
            return _missing(has_it and scored.report is None)
        return Cell(found.value, found.half)

    return cell


def _score(scored: Scored, name: str) -> Any:
    scores = scored.report.scores if scored.report else {}
    return next((scores[key] for key in (name, f"judge.{name}", f"pixels.{name}") if key in scores),
                None)  # fmt: skip


def _floor(name: str) -> Callable[[Scored], float]:
    def floor(scored: Scored) -> float:
        found = _score(scored, name)
        return math.nan if found is None else found.floor

    return floor


def _images(title: str, better: str, digits: int, name: str) -> Column:
    return Column(title, better, digits, _of_images(name), _floor(name))


def _cost(of: Callable[[SampleReport], float]) -> Callable[[Scored], Cell]:
    def cell(scored: Scored) -> Cell:
        if scored.report is None:
            return _missing(scored.card.config.model.capabilities.has_prior)
        return Cell(of(scored.report))

    return cell


def _metric(has_it: Callable[[Any], bool], *names: str) -> Callable[[Scored], Cell]:
    """A score of the card: a number, or a mean with its standard error."""

    def cell(scored: Scored) -> Cell:
        found = next((m for n in names if (m := scored.card.metrics.get(n)) is not None), None)
        match found:
            case [float() | int() as mean, float() | int() as error]:
                return Cell(float(mean), _Z * error)
            case float() | int():
                return Cell(float(found))
        return _missing(has_it(scored.card.config.model.capabilities))

    return cell


def _code_size(scored: Scored) -> Cell:
    """Numbers of a code: latents, or tokens of a grid."""
    config = scored.card.config.model
    if config.capabilities.has_codes:
        return Cell(float(config.latent_dim))
    if config.capabilities.latent == "tokens":
        from models.families.grid_networks import grid_shape

        return Cell(float(math.prod(grid_shape(config))))
    return _missing(False)


def _failed(group: Sequence[Scored]) -> Cell:
    """Which share of the trainings collapsed or diverged, those measured before included."""
    outcomes = failures_of(group[0].card.config)
    outcomes |= {each.seed: each.failed for each in group if each.failed is not None}
    if not outcomes:
        return _missing(group[0].card.config.model.capabilities.has_prior)
    failed, count = sum(outcomes.values()), len(outcomes)
    return Cell(failed / count, written=share(failed, count))


_SECONDS = Column("training, s", "less", 0, lambda s: Cell(s.card.seconds))
_FRECHET = _images("Fréchet distance", "less", 2, "frechet")
_BOUND = Column(
    "−ln p(x), at most, nats", "less", 2,
    _metric(lambda c: c.has_likelihood and c.has_rate, "negative_elbo", "negative_bound"),
)  # fmt: skip
COLUMNS: dict[str, tuple[Column, ...]] = {
    "draw": (
        _FRECHET,
        _images("precision", "more", 2, "precision"),
        _images("recall", "more", 2, "recall"),
        _images("confidence of the judge", "more", 2, "confidence"),
        _images("classes hit", "more", 0, "classes"),
        _images("exact copies", "less", 0, "copies"),
        _images("distance to training images", "floor", 2, "closeness"),
        Column("trainings that collapsed", "less", 2, of_row=_failed),
    ),
    "compress": (
        Column("rebuilt, squared error a pixel", "less", 4,
               _metric(lambda c: c.has_encoder, "squared_error_per_pixel")),
        Column("numbers or tokens of a code", "less", 0, _code_size),
        Column("R, nats", "", 2, _metric(lambda c: c.has_rate, "rate")),
        Column("D, nats", "less", 2, _metric(lambda c: c.has_likelihood, "distortion")),
    ),
    "likelihood": (
        _BOUND,
        Column("R, nats", "", 2, _metric(lambda c: c.has_rate, "rate")),
        Column("D, nats", "less", 2, _metric(lambda c: c.has_likelihood, "distortion")),
    ),
    "fast": (
        Column("1000 images, s", "less", 3, _cost(lambda r: 1000 * r.seconds_per_image)),
        Column("passes for an image", "less", 0, _cost(lambda r: float(r.evaluations))),
        _SECONDS,
        Column("parameters", "less", 0, _cost(lambda r: float(r.parameters))),
        _FRECHET,
    ),
}  # fmt: skip
"""By what the reader needs; the first column sorts."""


def rows(scored: Sequence[Scored], need: str) -> list[Row]:
    """Makes the lines of the table, the best first; those without the first score come last."""
    groups: dict[RunConfig, list[Scored]] = {}
    for each in scored:
        groups.setdefault(_but_for_the_seed(each.card.config), []).append(each)
    columns = COLUMNS[need]
    found = [_row(group, columns) for group in groups.values()]
    return sorted(found, key=lambda row: _rank(row.cells[0], columns[0]))


@functools.lru_cache(5000)
def _but_for_the_seed(config: RunConfig) -> RunConfig:
    return replace(config, training=replace(config.training, seed=0))


def _row(group: Sequence[Scored], columns: Sequence[Column]) -> Row:
    first = group[0]
    seeds = {each.seed: each for each in reversed(group) if not each.diverged}.values()
    cells = tuple(
        column.of_row(group) if column.of_row else _mean([column.cell(each) for each in seeds])
        for column in columns
    )
    family, count = first.card.config.model.family, len({each.seed for each in group})
    return Row(tuple(e.id for e in group), first.card.title or first.id, family, cells, count)


def _mean(cells: Sequence[Cell]) -> Cell:
    """The mean over seeds of those that have the number."""
    if not cells:
        return Cell(math.nan, math.nan, DIVERGED)
    numbers = [cell.value for cell in cells if math.isfinite(cell.value)]
    if len(numbers) < 2:
        return next((cell for cell in cells if math.isfinite(cell.value)), cells[0])
    return Cell(*t_interval(numbers))


def _rank(cell: Cell, column: Column) -> tuple[bool, float]:
    if not math.isfinite(cell.value):
        return True, 0.0
    return False, -cell.value if column.better == "more" else cell.value


def floors(scored: Sequence[Scored], need: str) -> list[Cell]:
    """Finds what real images would score: the mean over the reports."""
    found = []
    for column in COLUMNS[need]:
        numbers = [n for each in scored if math.isfinite(n := column.floor(each))]
        found.append(Cell(sum(numbers) / len(numbers)) if numbers else Cell(math.nan))
    return found


def text(cell: Cell, digits: int) -> str:
    """Writes a cell.

    Example:
        >>> text(Cell(1.25, 0.5), 1), text(Cell(1e4), 0), text(Cell(math.nan, 0.0, "has none"), 2)
        ('1.2 ± 0.5', '10,000', 'has none')
    """
    if cell.written or not math.isfinite(cell.value):
        return cell.written or cell.reason or "–"
    half = f" ± {cell.half:.{digits}f}" if math.isfinite(cell.half) else ""
    return f"{cell.value:z,.{digits}f}{half}"
