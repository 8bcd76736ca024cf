import assert from "node:assert/strict";
import { test } from "node:test";

import { buildAggregate } from "../../explorer/browser/numerics/aggregate_posterior.js";
import { buildPlane } from "../../explorer/browser/numerics/geometry.js";
import { buildMarginal } from "../../explorer/browser/numerics/marginal.js";
import { randomArray } from "./helpers.js";

const SIZE = 4;
const MEANS = randomArray(60 * SIZE, 1);
const LOG_VARIANCES = randomArray(60 * SIZE, 2, 0.5).map((v) => v - 2);

/** Two orthonormal axes of four latents, both slanted. */
const SLANTED = [[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5]];

test("in a plane of two latents the marginal is the aggregate of those two", () => {
  const plane = buildPlane([0, 0, 0, 0], [[0, 1, 0, 0], [0, 0, 0, 1]], [9, 0, 9, 0]);
  const marginal = buildMarginal(SIZE, MEANS, LOG_VARIANCES, plane);
  const two = (values) => Float32Array.from({ length: 120 }, (_, i) => values[(i >> 1) * SIZE + (i % 2 ? 3 : 1)]);
  const aggregate = buildAggregate(2, two(MEANS), two(LOG_VARIANCES));
  for (const place of [[0, 0], [1, -2], [0.3, 4]]) {
    assert.ok(Math.abs(marginal(place) - aggregate(place)) < 1e-5);
  }
});

test("it integrates to 1 in any plane, wherever the other latents are held", () => {
  for (const anchor of [[0, 0, 0, 0], [3, -2, 1, 5]]) {
    const marginal = buildMarginal(SIZE, MEANS, LOG_VARIANCES, buildPlane([1, 0, 2, 0], SLANTED, anchor));
    let mass = 0;
    for (let u = -10; u < 10; u += 0.1) for (let v = -10; v < 10; v += 0.1) mass += Math.exp(marginal([u, v])) * 0.01;
    assert.ok(Math.abs(mass - 1) < 1e-3, `${mass}`);
  }
});

test("a single posterior is seen as its ellipse: latents that correlate in the plane", () => {
  const logVariance = Float32Array.of(0, -2, 0, -2); // long along u + v: A diag(σ²) Aᵀ has uv ≠ 0
  const marginal = buildMarginal(SIZE, new Float32Array(SIZE), logVariance, buildPlane([0, 0, 0, 0], SLANTED));
  const [wide, narrow] = [1, Math.exp(-2)]; // variances along the diagonals of the plane
  const along = marginal([0, 0]) - marginal([1, 1]);
  const across = marginal([0, 0]) - marginal([1, -1]);
  assert.ok(Math.abs(along - 1 / wide) < 1e-6, `${along}`);
  assert.ok(Math.abs(across - 1 / narrow) < 1e-4, `${across}`);
});
