"""The true posterior in the browser: known answers, and the program's own quadrature as oracle."""

import math

import numpy as np
import pytest
import torch

from models.data.load import load
from models.export.map_file import map_file
from models.metrics.quadrature import exact_log_evidence
from models.storage.checkpoint import read, restore
from tests.helpers.node import evaluate
from tests.helpers.paths import ROOT

LINEAR = """
    const { precision, at, mean, sigma, reach } = given;
    const value = ([x, y]) => {
        const [dx, dy] = [x - at[0], y - at[1]];
        const [[a, b], [, c]] = precision;
        const prior = -0.5 * (x * x + y * y);
        return -0.5 * (a * dx * dx + 2 * b * dx * dy + c * dy * dy) - prior;
    };
    const started = script.startPlaces(reach).map(value);
    const work = script.integrate(value, { mean, sigma }, reach, started);
    for (;;) {
        const { done, value: found } = work.next();
        if (done) {
            const values = Array.from(found.grid.values);
            return { ...found, grid: { ...found.grid, values } };
        }
    }
"""


def gaussian_posterior(precision, at, mean, sigma, reach=5.0):
    """The browser's answer where the posterior is a Gaussian of this precision around `at`."""
    given = {"precision": precision, "at": at, "mean": mean, "sigma": sigma, "reach": reach}
    return evaluate("true_posterior", LINEAR, given)


def kl(mean, sigma, at, precision):
    """KL(N(mean, diag σ²) ‖ N(at, precision⁻¹)), nats."""
    precision, variance = np.array(precision), np.square(sigma)
    gap = np.array(mean) - at
    trace = (np.diag(precision) * variance).sum()
    log_ratio = -np.log(np.linalg.det(precision)) - np.log(variance).sum()
    return 0.5 * (trace + gap @ precision @ gap - 2 + log_ratio)


@pytest.mark.parametrize("width", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("place", [(0.3, -0.7), (0.0, 0.0), (5 / 12, 5 / 12)])
def test_a_gaussian_posterior_is_found_whatever_its_width_and_place(width, place):
    """Also in the corner of four of the first squares."""
    precision = [[1 / width**2, 0.0], [0.0, 4 / width**2]]
    at = list(place)
    mean, sigma = [at[0] + width, at[1]], [width, width]
    found = gaussian_posterior(precision, at, mean, sigma)
    exact = math.log(2 * math.pi) - 0.5 * math.log(np.linalg.det(precision))
    assert found["logValue"] == pytest.approx(exact - math.log(2 * math.pi), abs=0.01)
    assert found["error"] < 0.02 and found["outside"] < 1e-3
    assert found["family"] == pytest.approx(0, abs=5e-3)  # it is one of the family
    assert found["best"]["mean"] == pytest.approx(at, abs=0.05 * width)
    assert found["best"]["sigma"] == pytest.approx([width, width / 2], rel=0.05)
    assert found["amortisation"] == pytest.approx(kl(mean, sigma, at, precision), rel=0.05)


def test_the_family_gap_is_that_of_independent_latents():
    """Of a correlated Gaussian: ½ (Σ ln Λ_jj − ln det Λ), with deviations Λ_jj^-½."""
    rho, width = 0.8, 0.3
    precision = np.linalg.inv(width**2 * np.array([[1, rho], [rho, 1]]))
    found = gaussian_posterior(precision.tolist(), [0.2, 0.1], [0.2, 0.1], [0.1, 0.1])
    diagonal = np.diag(precision)
    expected = 0.5 * (np.log(diagonal).sum() - np.linalg.slogdet(precision)[1])
    assert found["family"] == pytest.approx(expected, rel=0.03)
    assert found["best"]["sigma"] == pytest.approx(diagonal**-0.5, rel=0.05)
    assert found["amortisation"] >= 0


DECODED = """
    const { file, image, mean, sigma } = given;
    const model = decoder.readModel(new Uint8Array(readFileSync(file)));
    const value = (z) => script.logLikelihood(image, model.decode(z), null);
    const started = script.startPlaces(5).map(value);
    const work = script.integrate(value, { mean, sigma }, 5, started);
    for (;;) {
        const { done, value: found } = work.next();
        if (done) {
            const values = Array.from(found.grid.values);
            return { ...found, grid: { ...found.grid, values } };
        }
    }
"""


@pytest.mark.parametrize("n", [3, 187])
def test_a_model_of_digits_agrees_with_the_quadrature_of_the_program(n, tmp_path):
    checkpoint = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")
    model, image = restore(checkpoint), torch.tensor(load("digits", "test").images[n : n + 1])
    with torch.no_grad():
        mean, log_variance = model.encode(image)
        exact = exact_log_evidence(model.log_likelihood_pairs, image, mean, log_variance)
        side = torch.arange(-5, 5, 0.02)
        z = torch.cartesian_prod(side, side)
        values = model.log_likelihood_pairs(image, z)[0].double()
    share = torch.softmax(values - 0.5 * z.double().square().sum(1), 0)
    sigma = torch.exp(0.5 * log_variance)
    (tmp_path / "model").write_bytes(map_file(checkpoint))
    given = {"file": str(tmp_path / "model"), "image": image.flatten().tolist()}
    given |= {"mean": mean[0].tolist(), "sigma": sigma[0].tolist()}
    found = evaluate("true_posterior", DECODED, given, decoder="decoder")
    tolerance = found["error"] + 1e-3
    assert tolerance < 0.1
    assert found["logValue"] == pytest.approx(exact.log_value.item(), abs=tolerance)
    grid = found["grid"]
    weight = np.array(grid["values"]).reshape(len(grid["y"]), len(grid["x"]))
    weight = np.exp(weight - weight.max()) / np.exp(weight - weight.max()).sum()
    for axis, (name, over) in enumerate((("x", 0), ("y", 1))):
        expected = (share * z[:, axis]).sum().item()
        assert np.dot(weight.sum(over), grid[name]) == pytest.approx(expected, abs=0.01)
    # the gaps add up to ln p(x) − ELBO, here by the sum over the fine grid
    q = torch.distributions.Normal(mean[0].double(), sigma[0].double())
    density = q.log_prob(z.double()).sum(1)
    weight = torch.exp(density) * 0.02**2
    gap = torch.nansum(weight * (torch.log(weight) - torch.log(share))).item()
    assert found["amortisation"] + found["family"] == pytest.approx(gap, abs=0.02)
    assert found["family"] >= 0 and found["amortisation"] >= 0
