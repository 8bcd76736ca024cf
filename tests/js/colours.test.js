import assert from "node:assert/strict";
import { test } from "node:test";

import { pixelOf } from "../../explorer/browser/numerics/points.js";
import { scaleOf, shadesOf, VIRIDIS } from "../../explorer/browser/scatter/colours.js";
import { normals } from "./helpers.js";

test("a scale goes from the 1st to the 99th percentile, between neighbours linearly", () => {
  const { low, high, title } = scaleOf([...Array(201).keys()].reverse(), "D, nats", VIRIDIS);
  assert.deepEqual([low, high, title], [2, 198, "D, nats"]);
  assert.ok(Math.abs(scaleOf([0, 1], "", VIRIDIS).low - 0.01) < 1e-12);
});

test("one outlier does not move the scale", () => {
  const draw = normals(1);
  const values = Array.from({ length: 1000 }, draw);
  const { low, high } = scaleOf(values, "", VIRIDIS);
  const spoilt = scaleOf([...values, 1e9], "", VIRIDIS);
  assert.ok(Math.abs(spoilt.low - low) < 0.1 && Math.abs(spoilt.high - high) < 0.3);
});

test("equal values have a scale too, with one colour", () => {
  const scale = scaleOf([7, 7, 7], "", VIRIDIS);
  assert.ok(scale.high > scale.low);
  assert.equal(new Set(shadesOf([7, 7, 7], scale)).size, 1);
});

test("the ends have the scale's end colours, what is beyond them too, and the middle its own", () => {
  const scale = { low: 0, high: 8, title: "", colours: VIRIDIS };
  const shades = shadesOf([-5, 0, 4, 8, 99], scale);
  const [first, middle, last] = [VIRIDIS[0], VIRIDIS[4], VIRIDIS[8]].map((colour) => pixelOf(colour));
  assert.deepEqual([...shades], [first, first, middle, last, last]);
  const half = shadesOf([1], { low: 0, high: 2, title: "", colours: ["#000000", "#6480c8"] });
  assert.deepEqual([...half], [pixelOf("#324064")]);
});

test("Viridis grows brighter from step to step", () => {
  const light = VIRIDIS.map((colour) => {
    const [red, green, blue] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
  light.slice(1).forEach((value, i) => assert.ok(value > light[i]));
});
