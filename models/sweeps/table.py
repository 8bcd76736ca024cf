"""The table of a sweep: a row for each run, and means over seeds with their intervals."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from models.metrics.disentanglement.scores import PROBES
from models.metrics.disentanglement.scores import SCORES as OF_CODES
from models.metrics.statistics import t_interval
from models.runs.status import run_status
from models.storage.checkpoint import read
from models.storage.tensors import CheckpointError
from models.sweeps.plan import SweepRun

SCORES = ("distortion", "rate", "negative_elbo")
COLUMNS = (
    "latent_dim", "beta", "seed", "runs", "status",
    *(f"{score}{suffix}" for score in SCORES for suffix in ("", "_error", "_interval")),
    "active_units", "seconds", "run", "reason",
)  # fmt: skip
"""Scores are test-set means in nats per image. `_error` is the standard error over the images, of
one member; `_interval` the half-width of the 95 % interval over the seeds, of a β. `seconds` is
wall-clock time; members of a stack spend theirs together. Where the codes of the runs were scored
against known factors or classes, those scores follow, from 0 to 1, with the interval of each."""


def table_row(member: SweepRun, reason: str) -> dict[str, Any]:
    """Makes one line of the table; None where there is no number.

    Args:
        member: Of the sweep.
        reason: Why it failed since the sweep was opened; else its folder says whether it did.
    """
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"latent_dim": member.latent_dim, "beta": member.beta, "seed": member.seed}
    status = run_status(member.run)
    reason = reason or status.reason
    row |= {"runs": 1, "run": member.run.id, "reason": reason}
    try:
        card = read(member.run.model_path).card
    except CheckpointError:
        return row | {"status": "failed" if reason else "waiting"}
    for score in SCORES:
        row[score], row[f"{score}_error"] = card.metrics[score]
    row |= {"active_units": card.metrics["active_units"], "seconds": card.seconds}
    row |= {score: card.metrics[score] for score in OF_CODES | PROBES if score in card.metrics}
    unfinished = "failed" if reason else "stopped"
    return row | {"status": "done" if status.is_done else unfinished}


def by_beta(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Averages over the seeds of every β and latent dimension, with 95 % intervals.

    Args:
        rows: Of the table; those that are not done are left out.

    Returns:
        Rows of the same columns, `runs` the number of seeds; no `_interval` for fewer than two.
    """
    groups: dict[tuple, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["status"] == "done":
            groups.setdefault((row["latent_dim"], row["beta"]), []).append(row)
    means = []
    for (latent_dim, beta), members in sorted(groups.items()):
        mean: dict[str, Any] = dict.fromkeys(COLUMNS)
        mean |= {"latent_dim": latent_dim, "beta": beta, "runs": len(members), "status": "mean"}
        for score in (*SCORES, *_scored(members)):
            mean[score], half = t_interval([row[score] for row in members])
            mean[f"{score}_interval"] = half if math.isfinite(half) else None
        for column in ("active_units", "seconds"):
            mean[column] = round(sum(row[column] for row in members) / len(members), 2)
        means.append(mean)
    return means


def rows_of_means(means: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Selects the means of more than one run."""
    return [mean for mean in means if mean["runs"] > 1]


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Formats rows as comma-separated values with a header; an empty cell is no number."""
    text = io.StringIO()
    found = [f"{score}{suffix}" for score in _scored(rows, any) for suffix in ("", "_interval")]
    writer = csv.DictWriter(text, (*COLUMNS, *found), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _scored(
    rows: Sequence[Mapping[str, Any]], needed: Callable[[Iterable[bool]], bool] = all
) -> list[str]:
    """Lists the scores of codes that all rows have, or that any has."""
    return [score for score in OF_CODES | PROBES if needed(score in row for row in rows)]


def to_text(rows: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]] = ()) -> str:
    """Formats the table as aligned lines, with means over seeds and the bounds of the slope.

    Args:
        rows: From `Sweep.rows`.
        pairs: From `Sweep.check`.
    """
    means = rows_of_means(by_beta(rows))
    lines = [("latents", "beta", "seed", "D", "R", "-ELBO", "active", "seconds", "nats/image")]
    lines += [_cells(row) for row in [*rows, *means]]
    widths = [*[max(map(len, column)) for column in zip(*lines, strict=True)][:-1], 0]
    text = ["  ".join(map(str.rjust, line, widths)).rstrip() for line in lines]
    bad = [pair for pair in pairs if not pair["holds"]]
    for pair in bad:
        slope = "0/0" if pair["slope"] is None else f"{pair['slope']:.3g}"
        text.append(
            f"not converged: {', '.join(pair['not_converged'])}: -ΔD/ΔR must lie between "
            f"{pair['low']:g} and {pair['high']:g} on the training set, got {slope}"
        )
    if pairs and not bad:
        text.append(_converged(pairs))
    return "\n".join(text)


def _converged(pairs: Sequence[Mapping[str, Any]]) -> str:
    """What pairs of neighbours tell where none is to blame: slopes outside are named."""
    outside = [pair for pair in pairs if not _is_between(pair)]
    if not outside:
        return f"-ΔD/ΔR lies between the two β of all {len(pairs)} pairs of neighbours"
    named = ", ".join(
        f"{pair['low']:g} → {pair['high']:g}: "
        + ("0/0" if pair["slope"] is None else f"{pair['slope']:.3g}")
        for pair in outside
    )
    count = f"{len(pairs) - len(outside)} of {len(pairs)}"
    return (
        "no pair contradicts that all are optimal: -ΔD/ΔR lies between the two β of "
        f"{count} pairs of neighbours, and is no further outside than the error at β = {named}"
    )


def _is_between(pair: Mapping[str, Any]) -> bool:
    return pair["slope"] is not None and pair["low"] <= pair["slope"] <= pair["high"]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row as texts: scores with their error, or with the interval over seeds."""
    is_mean = row["status"] == "mean"
    suffix = "_interval" if is_mean else "_error"
    note = f"mean of {row['runs']}, 95 % interval" if is_mean else row["reason"] or row["status"]
    scores = [_number(row[score], row[score + suffix], ".2f") for score in SCORES]
    sizes = [_number(row[column], None, ".10g") for column in ("active_units", "seconds")]
    seed = "" if is_mean else str(row["seed"])
    return (str(row["latent_dim"]), f"{row['beta']:g}", seed, *scores, *sizes, note)


def _number(value: float | None, spread: float | None, form: str) -> str:
    if value is None:
        return ""
    return f"{value:{form}}" + ("" if spread is None else f" ± {spread:{form}}")
