import assert from "node:assert/strict";
import { test } from "node:test";

import { buildAggregate, logPrior, usualDensity } from "../../explorer/browser/numerics/aggregate_posterior.js";
import { randomArray } from "./helpers.js";

test("the prior's density is that of independent standard normals", () => {
  assert.ok(Math.abs(logPrior(Float32Array.of(0, 0)) + Math.log(2 * Math.PI)) < 1e-12);
  const ratio = logPrior(Float32Array.of(1, 2, -2)) - logPrior(Float32Array.of(0, 0, 0));
  assert.ok(Math.abs(ratio + 4.5) < 1e-12);
});

/** ln (1/N) Σ q(z|x_n), term by term. */
function exactAggregate(size, means, logVariances, z) {
  const terms = [];
  for (let n = 0; n < means.length; n += size) {
    let term = -0.5 * size * Math.log(2 * Math.PI);
    for (let j = 0; j < size; j++) {
      const logVariance = logVariances[n + j];
      term -= 0.5 * (logVariance + (z[j] - means[n + j]) ** 2 / Math.exp(logVariance));
    }
    terms.push(term);
  }
  const largest = Math.max(...terms);
  const sum = terms.reduce((total, term) => total + Math.exp(term - largest), 0);
  return largest + Math.log(sum / terms.length);
}

test("the aggregate posterior is the mean of all posteriors, near and far", () => {
  for (const [count, size] of [[1, 1], [1, 3], [63, 2], [64, 2], [65, 2], [3000, 1], [3000, 2], [2000, 7], [700, 40]]) {
    for (const width of [-6, -3, 0]) {
      const means = randomArray(count * size, count, 2);
      const logVariances = randomArray(count * size, size, 0.7).map((v) => v + width);
      const aggregate = buildAggregate(size, means, logVariances);
      for (const scale of [0, 1, 3, 30]) {
        const z = randomArray(size, 7, scale);
        const exact = exactAggregate(size, means, logVariances, z);
        const error = Math.abs(aggregate(z) - exact);
        assert.ok(error < 1e-5 + 1e-12 * Math.abs(exact), `${[count, size, width, scale, error]}`);
      }
      const code = means.subarray(0, size);
      assert.ok(Math.abs(aggregate(code) - exactAggregate(size, means, logVariances, code)) < 1e-5);
    }
  }
});

test("equal codes, and precisions from one end to the other, keep the aggregate exact", () => {
  const same = buildAggregate(2, new Float32Array(400).fill(3), new Float32Array(400).fill(-2));
  const one = buildAggregate(2, Float32Array.of(3, 3), Float32Array.of(-2, -2));
  assert.ok(Math.abs(same([2.5, 3.5]) - one([2.5, 3.5])) < 1e-9);
  const narrow = Float32Array.from({ length: 400 }, (_, i) => (i < 200 ? -30 : -80));
  const peak = buildAggregate(2, new Float32Array(400), narrow)([0, 0]);
  assert.ok(Math.abs(peak - (80 - Math.log(2) - Math.log(2 * Math.PI))) < 1e-5);
  const means = randomArray(1000, 1);
  const logVariances = Float32Array.from(means, (_, i) => [-80, -8, 0, 4, 80][(i >> 1) % 5]);
  const aggregate = buildAggregate(2, means, logVariances);
  for (const z of [[0, 0], [means[0], means[1]], [50, -50]]) {
    assert.ok(Math.abs(aggregate(z) - exactAggregate(2, means, logVariances, z)) < 1e-5);
  }
});

test("the aggregate posterior integrates to 1", () => {
  const aggregate = buildAggregate(2, randomArray(200, 3), randomArray(200, 4, 0.3).map((v) => v - 2));
  const step = 0.1;
  let mass = 0;
  for (let x = -8; x <= 8; x += step) {
    for (let y = -8; y <= 8; y += step) mass += Math.exp(aggregate([x, y])) * step * step;
  }
  assert.ok(Math.abs(mass - 1) < 1e-3, `${mass}`);
});

/** The codes of all images but one. */
function without(values, size, n) {
  return Float32Array.from([...values.slice(0, n * size), ...values.slice((n + 1) * size)]);
}

test("a code that is left out is left out, and the others are a mixture of their own", () => {
  for (const [count, size] of [[2, 1], [65, 2], [300, 2], [200, 7]]) {
    const means = randomArray(count * size, count, 2);
    const logVariances = randomArray(count * size, size, 0.7).map((v) => v - 4);
    const aggregate = buildAggregate(size, means, logVariances);
    for (const n of [0, 1, count >> 1, count - 1]) {
      const z = means.slice(n * size, (n + 1) * size);
      const rest = [without(means, size, n), without(logVariances, size, n)];
      const exact = exactAggregate(size, ...rest, z);
      const error = Math.abs(aggregate(z, n) - exact);
      assert.ok(error < 1e-5 + 1e-12 * Math.abs(exact), `${[count, size, n, error]}`);
      assert.ok(aggregate(z) > aggregate(z, n), "its own posterior is the nearest");
    }
  }
});

/** Codes whose q(z) is the prior: means of variance 1 − σ², posteriors of variance σ². */
function priorCodes(count, size, sigma, seed) {
  const means = randomArray(count * size, seed, Math.sqrt(1 - sigma * sigma));
  return { size, means, logVariances: new Float32Array(count * size).fill(2 * Math.log(sigma)) };
}

/** Which share of some spots is off the codes. */
function shareOff({ size, means, logVariances }, spots) {
  const aggregate = buildAggregate(size, means, logVariances);
  const { least, thin } = usualDensity(size, means, logVariances, aggregate);
  let off = 0;
  for (let i = 0; i < spots.length; i += size) off += Number(aggregate(spots.subarray(i, i + size)) < least);
  return { share: (off * size) / spots.length, thin };
}

test("the codes of other images of the same kind are off the codes as rarely as is said", () => {
  for (const [size, sigma] of [[1, 0.1], [2, 0.02], [2, 0.3], [5, 0.3], [20, 0.5], [20, 0.1]]) {
    const others = priorCodes(500, size, sigma, 77);
    const { share } = shareOff(priorCodes(2000, size, sigma, 5), others.means);
    assert.ok(share < 0.03, `${size} latents, σ ${sigma}: ${share}`);
  }
});

test("where q(z) is the prior, samples of the prior are off the codes as rarely, also in 20-D", () => {
  for (const [size, sigma] of [[2, 0.3], [5, 0.3], [20, 0.5], [3, 0.999]]) {
    const { share } = shareOff(priorCodes(2000, size, sigma, 5), randomArray(500 * size, 78));
    assert.ok(share > 0.001 && share < 0.04, `${size} latents, σ ${sigma}: ${share}`);
  }
});

test("where no code is, everything is off the codes", () => {
  for (const size of [2, 20]) {
    const codes = priorCodes(1000, size, 0.3, 3);
    const far = randomArray(100 * size, 4).map((v) => v + 6);
    assert.equal(shareOff(codes, far).share, 1);
  }
});

test("codes that hardly overlap are told from those that do", () => {
  const prior = randomArray(200, 1);
  assert.equal(shareOff(priorCodes(2000, 2, 0.3, 1), prior).thin, false);
  assert.equal(shareOff(priorCodes(2000, 2, 0.001, 1), prior).thin, true);
  assert.equal(shareOff(priorCodes(2000, 20, 0.3, 1), prior).thin, true);
});

test("a single code says nothing of what is usual", () => {
  const [mean, logVariance] = [Float32Array.of(1, 2), Float32Array.of(0, 0)];
  const aggregate = buildAggregate(2, mean, logVariance);
  assert.deepEqual(usualDensity(2, mean, logVariance, aggregate), { least: -Infinity, thin: false });
  assert.equal(aggregate([1, 2], 0), -Infinity);
});
