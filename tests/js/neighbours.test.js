import assert from "node:assert/strict";
import { test } from "node:test";

import { nearestCodes } from "../../explorer/browser/numerics/neighbours.js";
import { randomArray } from "./helpers.js";

/** All codes, sorted by their distance. */
function searchAll(codes, size, z, count) {
  const all = Array.from({ length: codes.length / size }, (_, index) => {
    const row = codes.subarray(index * size, (index + 1) * size);
    return { index, distance: Math.hypot(...row.map((value, j) => value - z[j])) };
  });
  return all.sort((a, b) => a.distance - b.distance || a.index - b.index).slice(0, count);
}

test("nearest codes are those that a search of all finds, in its order", () => {
  for (const [count, size] of [[1, 1], [10, 2], [300, 3], [200, 20]]) {
    const codes = randomArray(count * size, count);
    const z = randomArray(size, 9);
    for (const most of [1, 4, 12]) {
      const found = nearestCodes(codes, size, z, most);
      const expected = searchAll(codes, size, z, most);
      assert.deepEqual(found.map(({ index }) => index), expected.map(({ index }) => index));
      found.forEach(({ distance }, i) => assert.ok(Math.abs(distance - expected[i].distance) < 1e-5));
    }
  }
});

test("a code is its own nearest one, and of equally near ones the first comes first", () => {
  const codes = Float32Array.of(1, 1, 0, 0, 1, 1, 0, 0, 5, 5);
  const found = nearestCodes(codes, 2, [0, 0], 4);
  assert.deepEqual(found.map(({ index }) => index), [1, 3, 0, 2]);
  assert.equal(found[0].distance, 0);
});

test("there are never more neighbours than codes", () => {
  assert.equal(nearestCodes(Float32Array.of(1, 2, 3), 1, [0], 10).length, 3);
  assert.deepEqual(nearestCodes([], 2, [0, 0], 3), []);
});
