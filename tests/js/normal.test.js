import assert from "node:assert/strict";
import { test } from "node:test";

import { normals, quantile, uniforms } from "../../explorer/browser/numerics/normal.js";

/** scipy.stats.norm.ppf, SciPy 1.17. */
const KNOWN = [
  [1e-300, -37.0470962993612],
  [1e-12, -7.034483825301131],
  [0.001, -3.090232306167813],
  [0.025, -1.9599639845400545],
  [0.0749, -1.4402382675279635],
  [0.0751, -1.4388253927525403],
  [0.3, -0.5244005127080409],
  [0.5, 0],
  [0.77, 0.7388468491852137],
  [0.975, 1.959963984540054],
  [0.999999999, 5.997807019601637],
];

test("quantiles are those of scipy, in the middle and in both tails", () => {
  for (const [p, z] of KNOWN) assert.ok(Math.abs(quantile(p) - z) <= 1e-14 * Math.max(1, Math.abs(z)), `${p}`);
});

test("quantiles rise, and are symmetric about one half", () => {
  for (let k = 1; k < 512; k++) {
    assert.ok(quantile(k / 1024) > quantile((k - 0.5) / 1024), `${k}`);
    assert.equal(quantile(1 - k / 1024), -quantile(k / 1024));
  }
});

test("uniform numbers lie strictly between 0 and 1 and fill tenths evenly", () => {
  const draw = uniforms(3);
  const tenths = new Array(10).fill(0);
  for (let i = 0; i < 20_000; i++) {
    const value = draw();
    assert.ok(value > 0 && value < 1);
    tenths[Math.floor(10 * value)]++;
  }
  for (const count of tenths) assert.ok(Math.abs(count - 2000) < 5 * Math.sqrt(1800), `${tenths}`);
});

test("normal numbers have mean 0, variance 1, kurtosis 3, and no correlation with the last one", () => {
  const count = 40_000;
  const draw = normals(7);
  const values = Array.from({ length: count }, draw);
  const mean = (/** @type {(z: number, i: number) => number} */ of) =>
    values.reduce((sum, z, i) => sum + of(z, i), 0) / count;
  const within = (/** @type {number} */ value, /** @type {number} */ expected, /** @type {number} */ deviation) =>
    assert.ok(Math.abs(value - expected) < (5 * deviation) / Math.sqrt(count), `${value}`);
  within(mean((z) => z), 0, 1);
  within(mean((z) => z * z), 1, Math.sqrt(2));
  within(mean((z) => z ** 4), 3, Math.sqrt(96));
  within(mean((z, i) => (i ? z * values[i - 1] : 0)), 0, 1);
});

test("the same seed draws the same numbers, and the next one others", () => {
  const first = (/** @type {number} */ seed) => Array.from({ length: 8 }, normals(seed));
  assert.deepEqual(first(5), first(5));
  for (let seed = 0; seed < 50; seed++) assert.ok(Math.abs(first(seed)[0] - first(seed + 1)[0]) > 1e-6);
});
