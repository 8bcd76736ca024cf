"""The table of a sweep: scores of the checkpoints, and means over the seeds."""

import csv
import io

import pytest

from models.storage.checkpoint import read
from models.sweeps.table import COLUMNS, SCORES, by_beta, to_csv, to_text


def test_table_holds_the_scores_of_the_checkpoints(finished):
    found, *_ = finished
    rows = found.rows()
    assert [(r["beta"], r["seed"]) for r in rows] == [(m.beta, m.seed) for m in found.members]
    for row, member in zip(rows, found.members, strict=True):
        if row["status"] == "failed":
            continue
        card = read(member.run.model_path).card
        for score in SCORES:
            assert [row[score], row[f"{score}_error"]] == card.metrics[score]
        assert row["negative_elbo"] == pytest.approx(row["distortion"] + row["rate"])
        assert (row["active_units"], row["run"]) == (card.metrics["active_units"], member.run.id)
        assert row["seconds"] == card.seconds
        assert (row["status"], row["reason"]) == ("done", "")


def row(beta, seed, value, status="done"):
    scores = {"distortion": value, "rate": 2 * value, "negative_elbo": 3 * value}
    plain = {"latent_dim": 2, "beta": beta, "seed": seed, "status": status, "reason": "",
             "active_units": seed, "seconds": 1.0}  # fmt: skip
    return dict.fromkeys(COLUMNS) | plain | scores


def test_means_over_seeds_leave_out_what_is_not_done():
    rows = [row(4.0, 0, 5.0), row(1.0, 0, 1.0), row(1.0, 1, 2.0), row(1.0, 2, 3.0),
            row(1.0, 3, 99.0, "stopped")]  # fmt: skip
    low, high = by_beta(rows)
    assert (low["beta"], low["runs"], low["distortion"], low["rate"]) == (1.0, 3, 2.0, 4.0)
    assert low["distortion_interval"] == pytest.approx(2.4841377)  # 4.302653 / √3
    assert low["rate_interval"] == pytest.approx(2 * 2.4841377)
    assert low["active_units"] == 1.0
    assert (high["beta"], high["runs"], high["distortion_interval"]) == (4.0, 1, None)


def pair(low, high, slope):
    return {"low": low, "high": high, "slope": slope, "holds": True, "not_converged": []}


def test_the_sentence_agrees_with_the_slopes_of_its_pairs():
    def last(*pairs):
        return to_text([row(1.0, 0, 1.0)], pairs).splitlines()[-1]

    inside = pair(1, 3, 2.0), pair(3, 10, 3.0)
    assert last(*inside) == "-ΔD/ΔR lies between the two β of all 2 pairs of neighbours"
    said = last(*inside, pair(3, 10, 2.79), pair(10, 30, None))
    assert "of 2 of 4 pairs" in said and said.endswith("at β = 3 → 10: 2.79, 10 → 30: 0/0")
    assert said.startswith("no pair contradicts that all are optimal")


def test_scores_of_codes_get_their_columns():
    """A run without them has empty cells; the mean is of the scores that all runs of a β have."""
    scored = [row(1.0, 0, 1.0) | {"mig": 0.25, "knn": 0.5}, row(1.0, 1, 2.0) | {"mig": 0.75}]
    waiting = row(4.0, 0, 5.0, "waiting")
    (mean,) = by_beta([*scored, waiting])
    assert mean["mig"] == 0.5 and "knn" not in mean
    assert mean["mig_interval"] == pytest.approx(12.7062 * 0.25, rel=1e-5)
    read_back = list(csv.DictReader(io.StringIO(to_csv([*scored, waiting, mean]))))
    assert [line["mig"] for line in read_back] == ["0.25", "0.75", "", "0.5"]
    assert [line["knn"] for line in read_back] == ["0.5", "", "", ""]
    assert "sap" not in read_back[0]
