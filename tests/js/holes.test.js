import assert from "node:assert";
import { test } from "node:test";
import { buildHoles } from "../../explorer/browser/latent_map/holes.js";

/** A grid of codes one apart, without those in the middle. */
function ring() {
  const codes = [];
  for (let x = -5; x <= 5; x++) for (let y = -5; y <= 5; y++) if (Math.hypot(x, y) > 3) codes.push(x, y);
  return Float32Array.from(codes);
}

test("between codes is no hole, the middle of a ring and far outside are", () => {
  const isHole = buildHoles(ring(), 2);
  assert.equal(isHole([4.5, 4.5]), false);
  assert.equal(isHole([5, 5]), false);
  assert.equal(isHole([0, 0]), true);
  assert.equal(isHole([20, 0]), true);
});

test("the scale of the codes makes no difference", () => {
  const wide = ring().map((value) => 1000 * value);
  const isHole = buildHoles(wide, 2);
  assert.equal(isHole([4500, 4500]), false);
  assert.equal(isHole([0, 0]), true);
});

test("a single code has no holes", () => {
  assert.equal(buildHoles(Float32Array.from([1, 2]), 2)([50, 50]), false);
});

test("codes that all coincide are surrounded by a hole", () => {
  const isHole = buildHoles(new Float32Array(20), 2);
  assert.equal(isHole([0, 0]), false);
  assert.equal(isHole([0.1, 0]), true);
});
