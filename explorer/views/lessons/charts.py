"""The chart of a quantity of a measurement."""

from __future__ import annotations

from explorer.figures.lessons import Bar, by_name, by_number
from explorer.widgets import display
from models.lessons.lesson import Chart
from models.lessons.measurement import Measurement


def quantity(
    found: Measurement, name: str, title: str, key: str, with_repeats: bool = True
) -> None:
    """Shows a quantity under every condition, with its interval.

    Args:
        found: The measurement.
        name: Of the quantity.
        title: Of its axis, with the unit.
        key: Of the chart.
        with_repeats: Whether every repeat is shown too.
    """
    display.chart(by_name(_bars(found, name, with_repeats), title), key)


def chart(found: Measurement, wanted: Chart, key: str) -> None:
    """Shows what a lesson wants to be drawn of its measurement."""
    rows = _bars(found, wanted.quantity, found.count <= 20)
    if not wanted.axis:
        display.chart(by_name(rows, wanted.title), key)
        return
    numbers = {float(condition): bar for condition, bar in rows.items()}
    mark = None
    if wanted.mark:
        value = found.facts[wanted.mark]
        mark = (value, f"β* = {value:z.2f}")
    display.chart(by_number(numbers, wanted.title, wanted.axis, wanted.is_log, mark), key)


def _bars(found: Measurement, name: str, with_repeats: bool) -> dict[str, Bar]:
    rows = {}
    for condition in found.conditions(name):
        interval = found.interval(name, condition)
        repeats = found.values[name][condition] if with_repeats else ()
        rows[condition] = Bar(interval.mean, interval.half, repeats)
    return rows
