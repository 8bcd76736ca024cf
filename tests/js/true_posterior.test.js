import assert from "node:assert/strict";
import { test } from "node:test";

import { integrate, logLikelihood, START, startPlaces } from "../../explorer/browser/numerics/true_posterior.js";

const REACH = 5;
const LOG_2PI = Math.log(2 * Math.PI);

/** Integrates to the end. */
function integrated(value, encoder) {
  const work = integrate(value, encoder, REACH, startPlaces(REACH).map(value));
  for (;;) {
    const { done, value: found } = work.next();
    if (done) return found;
  }
}

test("the first places cover the plane evenly", () => {
  const places = startPlaces(REACH);
  assert.equal(places.length, START ** 2);
  const sum = places.reduce(([x, y], place) => [x + place[0], y + place[1]], [0, 0]);
  assert.ok(Math.abs(sum[0]) < 1e-9 && Math.abs(sum[1]) < 1e-9);
  assert.ok(places.every(([x, y]) => Math.abs(x) < REACH && Math.abs(y) < REACH));
});

test("a decoder that ignores z leaves the prior, and the encoder that says so has no gap", () => {
  const found = integrated(() => -7, { mean: [0, 0], sigma: [1, 1] });
  assert.ok(Math.abs(found.logValue + 7) < 1e-3);
  assert.ok(Math.abs(found.amortisation) < 1e-3 && Math.abs(found.family) < 1e-3);
});

test("two far lobes are both counted, and a Gaussian takes one of them", () => {
  const lobe = (x, at) => -0.5 * ((x - at) / 0.05) ** 2;
  const prior = ([x, y]) => -0.5 * (x * x + y * y) - LOG_2PI;
  const value = ([x, y]) => {
    const high = Math.max(lobe(x, -1), lobe(x, 1));
    const both = high + Math.log(Math.exp(lobe(x, -1) - high) + Math.exp(lobe(x, 1) - high));
    return both + lobe(y, 0) - prior([x, y]);
  };
  const found = integrated(value, { mean: [1, 0], sigma: [0.05, 0.05] });
  assert.ok(Math.abs(found.logValue - Math.log(2 * 2 * Math.PI * 0.05 ** 2)) < found.error + 0.02);
  assert.ok(Math.abs(found.family - Math.log(2)) < 0.05);
});

test("ln p(x|z) of binary and of Gaussian pixels", () => {
  assert.ok(Math.abs(logLikelihood([1, 0], [0.5, 0.5], null) - 2 * Math.log(0.5)) < 1e-12);
  const sigma = 0.1;
  const expected = -0.5 * LOG_2PI - Math.log(sigma) - 0.5;
  assert.ok(Math.abs(logLikelihood([0.6], [0.5], [sigma]) - expected) < 1e-9);
});
