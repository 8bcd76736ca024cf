import assert from "node:assert/strict";
import { test } from "node:test";

import { codeAt } from "../../explorer/browser/z_plane/plane.js";

const A = [2, 0, 0, 0];
const B = [0, 2, 0, 0];
const C = [0, 0, 2, 0];

test("every code of the sphere is as long as the vectors, and the vectors lie on it", () => {
  for (const place of [[0, 0], [0.1, 0.9], [0.37, 0.62], [1, 1]]) {
    const z = codeAt(/** @type {[number, number]} */ (place), 4, [A, B, C]);
    assert.ok(Math.abs(Math.hypot(...z) - 2) < 1e-6);
  }
  const near = (/** @type {Float32Array} */ z, /** @type {number[]} */ expected) =>
    z.forEach((value, j) => assert.ok(Math.abs(value - expected[j]) < 1e-6));
  near(codeAt([0.5, 0.5], 4, [A, B, C]), A);
  near(codeAt([0.5, 0], 4, [A, B, C]), B);
  near(codeAt([1, 0.5], 4, [A, B, C]), C);
});

test("two latents are the plane itself, one is a line", () => {
  assert.deepEqual([...codeAt([0.5, 0.5], 2, null)], [0, 0]);
  assert.deepEqual([...codeAt([1, 0], 2, null)], [3, 3]);
  assert.deepEqual([...codeAt([0, 0.3], 1, null)], [-3]);
});
