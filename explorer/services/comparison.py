"""What differs between runs: their settings, their scores, and differences paired by image.

Knows no Streamlit. A cell of the table is a text, a number, a mean with its standard error, or
None where a run has no such thing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from explorer.services.rate_distortion import group_of, is_estimate
from explorer.words import score_words
from models.config import RunConfig
from models.data.builtin import is_built_in
from models.metrics.names import SCORE_NAMES
from models.metrics.statistics import paired_difference
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint

Cell = None | str | int | float | tuple[float, float]
NAMES = {
    "data": "data set",
    "family": "model family",
    "latent_dim": "latent dimensions",
    "hidden": "hidden layers",
    "likelihood": "likelihood p(x|z)",
    "sigma": "σ",
    "beta_min": "smallest β",
    "beta_max": "largest β",
    "stabiliser": "stabiliser of a GAN",
    "codebook": "codes of a VQ-VAE",
    "commitment": "commitment of a VQ-VAE",
    "prior_width": "prior of a VQ-VAE, width",
    "patch": "patches of a U-Net, pixels a side",
    "beta": "β",
    "kl_warmup_steps": "KL warm-up, steps",
    "cycles": "KL cycles",
    "ramp": "rising share of a KL cycle",
    "free_bits": "free bits, nats per latent",
    "capacity": "capacity, nats",
    "capacity_steps": "rise of the capacity, steps",
    "batch_size": "batch size, images",
    "warmup_steps": "learning-rate warm-up, steps",
    "plateau": "learning rate at its peak, share of the steps",
    "start": "first weights",
    "binarize": "pixels drawn 0 or 1",
    "threads": "processor threads",
    "layout": "order in memory of convolutions",
}
"""Of settings; the others are called as in the file."""
SCORES = {"distortion": "D, nats", "rate": "R, nats", "negative_elbo": "−ELBO, nats"}
FORMULA = "=+-@\t\r＝＋－＠"
"""What a cell must not begin with, or a spreadsheet takes it for a formula."""


class Row(NamedTuple):
    """A line of the table: its name with the unit, a cell for every run, whether they differ."""

    name: str
    cells: tuple[Cell, ...]
    differs: bool = False


def settings(configs: Sequence[RunConfig], data: Sequence[str] = ()) -> list[Row]:
    """Lists every setting of some runs.

    Args:
        configs: Theirs, one or more.
        data: Names of their data sets, if other than the settings say.

    Example:
        >>> from models.presets import preset
        >>> rows = settings([preset("digits-2d"), preset("digits-gan")])
        >>> [row.cells for row in rows if row.name == "hidden layers"]
        [('128, 64', '256, 256')]
        >>> [row.differs for row in rows if row.name == "activation"]
        [False]
    """
    columns = [_flat(config) for config in configs]
    for column, name in zip(columns, data, strict=False):
        column["data"] = name
    rows = []
    for name in columns[0]:
        cells = tuple(_cell(column[name]) for column in columns)
        rows.append(Row(NAMES.get(name, name.replace("_", " ")), cells, len(set(cells)) > 1))
    return rows


def _flat(config: RunConfig) -> dict[str, Any]:
    """Settings by name; of an untrusted path only its last part."""
    document = config.to_json()
    name = document.pop("data")
    flat = {"data": name if is_built_in(name) else PurePath(name).name}
    for part in document.values():
        flat |= part
    return flat


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return value


def scores(cards: Sequence[Card | None]) -> list[Row]:
    """Lists scores on the test set, and what training took; None is a run without a model.

    Example:
        >>> [row.name for row in scores([None])][:3]
        ['D, nats', 'R, nats', '−ELBO, nats']
    """
    metrics = [card.metrics if card else {} for card in cards]
    rows = [
        Row(name, tuple(_estimate(each.get(key)) for each in metrics))
        for key, name in SCORES.items()
    ]
    for key in [name for name in SCORE_NAMES if name not in SCORES]:
        cells = tuple(_estimate(each.get(key)) or _number(each.get(key)) for each in metrics)
        if any(cell is not None for cell in cells):
            title, unit = score_words(key)
            rows.append(Row(", ".join(filter(None, (title, unit))), cells))
    rows += [
        Row("active latents", tuple(_whole(each.get("active_units")) for each in metrics)),
        Row("test images", tuple(card and _test_set(card) for card in cards)),
        Row("steps made", tuple(card and card.steps for card in cards)),
        Row("training, seconds", tuple(card and card.seconds for card in cards)),
    ]
    if any(card and card.changes for card in cards):
        rows.append(Row("changed while it ran", tuple(card and _changes(card) for card in cards)))
    return rows


def _estimate(value: Any) -> Cell:
    return tuple(map(float, value)) if is_estimate(value) else None


def _number(value: Any) -> Cell:
    return round(value, 2) if isinstance(value, float) else None


def _whole(value: Any) -> Cell:
    return value if isinstance(value, int) else None


def _test_set(card: Card) -> str:
    """The data's name, and what tells sets of the same name apart."""
    return f"{card.data_name} {card.data_fingerprint[:6]}".strip()


def _changes(card: Card) -> str:
    return "; ".join(card.changes) or "nothing"


def differences(checkpoints: Sequence[Checkpoint | None]) -> list[Row]:
    """Lists how much more every run has than the first, paired over the test images of both.

    R is compared on the same images, D and −ELBO also under the same likelihood only; the
    first run itself and all others have None.

    Example:
        >>> differences([None, None])
        []
    """
    first, *others = checkpoints
    if first is None or first.codes is None:
        return []
    pairs = [_pair(first, other) for other in others]
    names = [f"{name.partition(',')[0]} − that of the first, nats" for name in SCORES.values()]
    rows = [Row(name, (None, *(pair[i] for pair in pairs))) for i, name in enumerate(names)]
    return [row for row in rows if any(row.cells)]


def _pair(first: Checkpoint, other: Checkpoint | None) -> tuple[Cell, Cell, Cell]:
    """Differences of D, R and −ELBO."""
    if not is_same_test(first, other):
        return None, None, None
    is_same_density = group_of(first.card) == group_of(other.card)
    d = paired_difference(other.codes.distortion, first.codes.distortion)
    if first.codes.rate is None or other.codes.rate is None:
        return d if is_same_density else None, None, None
    r = paired_difference(other.codes.rate.sum(1), first.codes.rate.sum(1))
    if not is_same_density:
        return None, r, None
    return d, r, paired_difference(other.codes.negative_elbo, first.codes.negative_elbo)


def is_same_test(first: Checkpoint, other: Checkpoint | None) -> bool:
    """Whether both hold scores of the same two or more test images."""
    if other is None or other.codes is None:
        return False
    prints = first.card.data_fingerprint, other.card.data_fingerprint
    count = len(first.codes)
    return prints[0] == prints[1] != "" and count == len(other.codes) and count > 1


def text(cell: Cell, is_difference: bool = False) -> str:
    """Formats a cell for people; a paired difference has one digit more, for its error is small.

    Example:
        >>> text((20.024, 0.2)), text((-0.5, 0.1), True), text(None), text(0.003)
        ('20.02\xa0±\xa00.20', '−0.500\xa0±\xa00.100', '–', '0.003')
    """
    match cell:
        case None:
            return "–"
        case (mean, error):
            form, digits = ("+z.3f", ".3f") if is_difference else ("z.2f", ".2f")
            number = f"{mean:{form}}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{error:{digits}}"
            return number.replace("-", "−")
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:z.6g}".replace("-", "−")
    return cell


def to_csv(titles: Sequence[str], rows: Sequence[Row]) -> str:
    """Formats the table for a spreadsheet: plain numbers, standard errors in rows of their own.

    Args:
        titles: Of the runs, at the head of the columns; a text that a spreadsheet would take
            for a formula gets an apostrophe before it.
        rows: As shown.

    Example:
        >>> print(to_csv(["=1+1", "b"], [Row("D, nats", ((2.0, 0.5), None))]), end="")
        run,'=1+1,b
        "D, nats",2.0,
        "D, nats, standard error",0.5,
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *map(safe, titles)])
    for row in rows:
        if any(isinstance(cell, tuple) for cell in row.cells):
            pairs = [cell or (None, None) for cell in row.cells]
            writer.writerow([safe(row.name), *(pair[0] for pair in pairs)])
            writer.writerow([safe(f"{row.name}, standard error"), *(pair[1] for pair in pairs)])
        else:
            cells = [safe(cell) if isinstance(cell, str) else cell for cell in row.cells]
            writer.writerow([safe(row.name), *cells])
    return text.getvalue()


def safe(text: str) -> str:
    """Makes a text that no spreadsheet takes for a formula.

    Example:
        >>> safe("=cmd|' /C calc'!A0"), safe("my run")
        ("'=cmd|' /C calc'!A0", 'my run')
    """
    return f"'{text}" if text.startswith(tuple(FORMULA)) else text
