import assert from "node:assert/strict";
import { test } from "node:test";

import { inside } from "../../explorer/browser/scatter/gestures.js";

const all = () => true;
/** @type {[number, number][]} */
const BOX = [[10, 10], [30, 10], [30, 20], [10, 20]];
/** A letter U, whose gap is outside. @type {[number, number][]} */
const HORSESHOE = [[0, 0], [10, 0], [10, 30], [20, 30], [20, 0], [30, 0], [30, 40], [0, 40]];

test("a box has what lies in it, whichever corner it was drawn from", () => {
  const places = [11, 11, 29, 19, 9, 15, 31, 15, 20, 9, 20, 21];
  assert.deepEqual(inside(BOX, places, all), [0, 1]);
  assert.deepEqual(inside([...BOX].reverse(), places, all), [0, 1]);
  assert.deepEqual(inside([BOX[2], BOX[3], BOX[0], BOX[1]], places, all), [0, 1]);
});

test("a lasso has what it surrounds, not what its gap holds", () => {
  assert.deepEqual(inside(HORSESHOE, [5, 20, 15, 20, 25, 20, 15, 35, 15, -5, -5, 20], all), [0, 2, 3]);
});

test("what a lasso surrounds twice is outside, by the rule of even crossings", () => {
  /** A star of one line that crosses itself. @type {[number, number][]} */
  const star = [0, 2, 4, 1, 3].map((k) => {
    const angle = (2 * Math.PI * k) / 5;
    return [10 * Math.sin(angle), -10 * Math.cos(angle)];
  });
  assert.deepEqual(inside(star, [0, 0, 0, -7], all), [1]);
});

test("a share of the plane holds that share of its points", () => {
  /** @type {[number, number][]} */
  const circle = Array.from({ length: 200 }, (_, k) => [50 + 40 * Math.cos(k / 31.83), 50 + 40 * Math.sin(k / 31.83)]);
  const places = Array.from({ length: 20_000 }, (_, i) => (i % 2 ? (i >> 1) % 100 : Math.floor(i / 200)));
  const found = inside(circle, places, all);
  assert.ok(Math.abs(found.length / (Math.PI * 1600) - 1) < 0.01, `${found.length}`);
  for (const n of found) assert.ok(Math.hypot(places[2 * n] - 50, places[2 * n + 1] - 50) < 40.1);
});

test("hidden points are not chosen, and a line holds nothing", () => {
  assert.deepEqual(inside(BOX, [11, 11, 29, 19], (n) => n === 1), [1]);
  assert.deepEqual(inside([[0, 0], [9, 9]], [5, 5], all), []);
  assert.deepEqual(inside(BOX, [], all), []);
});
