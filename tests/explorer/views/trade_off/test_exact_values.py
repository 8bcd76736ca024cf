"""Exact values of a run: what is exact for its codes, what they say of the model, ln p(x)."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.figures.rate_distortion import rate_distortion_plane
from explorer.services import analysis, catalogue
from explorer.services.loaded_model import LoadedModel
from explorer.views.trade_off import exact_values
from models.latents.codes import Codes
from models.metrics.likelihood import binarize
from models.metrics.quadrature import exact_information, exact_log_evidence
from models.storage.checkpoint import read, restore
from models.sweeps.convergence import slope_bounds
from tests.helpers.app_test import open_view, said, settle
from tests.helpers.paths import ROOT

NAME = "digits-2d-beta-1"
MODEL = read(ROOT / "checkpoints" / f"{NAME}.safetensors")


def opened(name, toggle):
    """The page with one of the two tables of a run; its rows by their first cell."""
    at = open_view("trade_off", run=name)
    at.toggle(key=f"{toggle}-{name}").set_value(True)
    settle(at)
    table = next(element.value for element in at.markdown if element.value.startswith("| "))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return at, {re.sub(r"\\", "", row[0]): row[1:] for row in rows if len(row) > 1}


def numbers(text):
    return [float(part) for part in re.findall(r"-?\d+\.\d+", text.replace("−", "-"))]


def test_codes_and_model_stand_in_two_columns(no_runs):
    at, rows = opened(NAME, "information")
    truth = exact_information(
        torch.tensor(MODEL.codes.mean), torch.tensor(MODEL.codes.log_variance)
    )
    codes, model = rows["I(x; z), at most ln N"]
    assert numbers(codes) == [pytest.approx(truth.mutual_information.mean, abs=0.005)]
    low, high = numbers(model)
    assert low < truth.mutual_information.mean < high
    assert rows["nats"] == ["these 500 codes", "the model, between"]
    assert "refined until halving its step changed no value by more than 0.001" in said(at)
    assert "close to" not in said(at), "500 codes of 3 nats say enough"


def test_no_number_has_three_decimals_without_an_error(no_runs):
    _, rows = opened(NAME, "information")
    assert "I(x; z), at most ln N" in rows
    for name, cells in rows.items():
        for cell in cells:
            assert not re.search(r"\d\.\d{3}", cell), (name, cell)


def shown_for(monkeypatch, mean, sigma):
    """What the table says of a model of 20 latents with other codes."""
    entry = catalogue.list_models()[0][NAME]
    log_variance = np.full_like(mean, 2 * math.log(sigma))
    codes = Codes(mean, log_variance, np.zeros(len(mean), np.float32), None)
    model = LoadedModel(entry)
    model.checkpoint = replace(MODEL, codes=codes, fingerprint=f"{mean.sum()}")
    written = []
    monkeypatch.setattr(exact_values.st, "markdown", written.append)
    monkeypatch.setattr(exact_values.st, "caption", written.append)
    exact_values._information(model)
    return " ".join(written)


@pytest.mark.slow
def test_few_codes_in_many_dimensions_do_not_tell_a_prior_from_itself(monkeypatch):
    """20 latents, q(z) = p(z): bounds that contain 0 and the reason; far away there is no doubt."""
    noise = np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32)
    text = shown_for(monkeypatch, math.sqrt(0.75) * noise, 0.5)
    assert "I of N codes is at most ln N = 8.01 nats, and here it is close to that" in text
    row = next(line for line in text.splitlines() if line.startswith("| KL\\(q\\(z\\)"))
    assert numbers(row.rsplit("|", 2)[1])[0] == 0.0
    far = shown_for(monkeypatch, 3 + math.sqrt(0.75) * noise, 0.5)
    row = next(line for line in far.splitlines() if line.startswith("| KL\\(q\\(z\\)"))
    assert numbers(row.rsplit("|", 2)[1])[0] > 85, "90 nats, by closed form"


def test_the_evidence_is_exact_and_its_gaps_are_paired(no_runs):
    at, rows = opened(NAME, "evidence")
    model = restore(MODEL)
    images = catalogue_images()[: analysis.EVIDENCE]
    with torch.no_grad():
        exact = exact_log_evidence(model.log_likelihood_pairs, images, *model.encode(images))
    value, error = numbers(rows["ln p(x), by quadrature"][0])
    assert value == pytest.approx(exact.log_value.mean().item(), abs=0.006)
    gap, paired = numbers(rows["ln p(x) − ELBO"][0])
    elbo, _ = numbers(rows["ELBO"][0])
    assert gap == pytest.approx(value - elbo, abs=0.02) and gap > 1
    assert paired < 0.8 * error, "what makes one image hard for both cancels"
    assert "its own error was at most 0.00" in said(at)


def catalogue_images():
    entry = catalogue.list_models()[0][NAME]
    return binarize(torch.tensor(LoadedModel(entry).test_images.images[: analysis.EVIDENCE]))


def test_the_closed_form_is_named_for_its_images():
    """It is the optimum on the training images, drawn among scores of test images."""
    drawn = np.array([0.0, 1.0]), np.array([2.0, 1.0])
    figure = rate_distortion_plane([], linear_vae=drawn)
    (line,) = [trace for trace in figure.data if "linear" in trace.name]
    assert "training images" in line.name and "training images" in line.hovertemplate


def test_a_curve_is_checked_as_runs_are_image_by_image():
    model = LoadedModel(catalogue.list_models()[0]["digits-2d-multirate"])
    betas, bounds = analysis.curve_bounds(model)
    curve = model.checkpoint.rates
    assert betas == pytest.approx(curve.betas.tolist())
    slope = -np.diff(curve.distortion) / np.diff(curve.rate.sum(1))
    assert bounds.slope[:16] == pytest.approx(slope[:16], rel=1e-3), "the same test set"
    means = slope_bounds(betas, curve.distortion, curve.rate.sum(1))
    assert bounds.gap == pytest.approx(means.gap, abs=2e-3)
    unpaired = np.hypot(curve.error[:-1, 0], curve.error[1:, 0])[:, None]
    assert (bounds.error > 0).all() and (bounds.error[:10] < unpaired[:10] / 10).all(), "paired"
    assert bounds.holds.sum() >= means.holds.sum()
