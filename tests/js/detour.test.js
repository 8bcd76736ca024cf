import assert from "node:assert/strict";
import { test } from "node:test";

import { detour, searchGeodesic, wayLength } from "../../explorer/browser/numerics/detour.js";
import { linearPath, pathLength, relaxGeodesic } from "../../explorer/browser/numerics/walk.js";
import { multiply, randomArray, randomDecoder } from "./helpers.js";

/** A plane with a wall along x = 0, five high, and a gap in it at y = 2. */
function wall([x, y]) {
  return [x, y, 5 * Math.exp(-((x / 0.3) ** 2)) * (1 - Math.exp(-(((y - 2) / 0.5) ** 2)))];
}

const [LEFT, RIGHT] = [Float32Array.of(-1, 0), Float32Array.of(1, 0)];

/** Searches to the end; fails if there is none. */
function found(decode, a, b, n) {
  const search = searchGeodesic(decode, a, b, n);
  for (let count = 0; !search.converged; count++) {
    assert.ok(count < 200);
    search.step();
  }
  return search.path;
}

/** The path that is relaxed from the straight line alone. */
function relaxed(decode, a, b, n) {
  const alone = relaxGeodesic(decode, linearPath(a, b, n));
  for (let count = 0; !alone.converged && count < 80; count++) alone.step();
  return alone.path;
}

test("a way through the gap is found, where the straight line stays on the wall", () => {
  const straight = wayLength(wall, relaxed(wall, LEFT, RIGHT, 46));
  assert.ok(straight > 9, `over the wall: up five, and down, got ${straight}`);
  const path = found(wall, LEFT, RIGHT, 46);
  const length = wayLength(wall, path);
  assert.ok(length < 5.5, `around it: 2√5 at least, got ${length}`);
  assert.deepEqual([path[0], path[45], path.length], [LEFT, RIGHT, 46]);
});

test("the path found is never longer than that from the straight line", () => {
  for (let seed = 0; seed < 8; seed++) {
    const latents = [1, 2, 3, 8][seed % 4];
    const decode = randomDecoder(latents, 25, seed);
    const [a, b] = [randomArray(latents, seed, 2), randomArray(latents, seed + 9, 2)];
    const before = wayLength(decode, relaxed(decode, a, b, 18));
    assert.ok(wayLength(decode, found(decode, a, b, 18)) <= before + 1e-9);
  }
});

test("a linear decoder's way is the straight line", () => {
  const decode = (z) => multiply(randomArray(12, 3), z);
  const length = wayLength(decode, found(decode, LEFT, RIGHT, 20));
  assert.ok(length < 1.002 * pathLength([decode(LEFT), decode(RIGHT)]));
});

test("the way over the grid has the ends that were asked for, also outside the prior", () => {
  for (const [a, b] of [[LEFT, RIGHT], [[5, -4], [-6, 1]], [[1, 1], [1, 1]], [[0, 0], [0.01, 0]]]) {
    const path = detour(wall, Float32Array.from(a), Float32Array.from(b), 10);
    assert.equal(path.length, 10);
    assert.deepEqual([[...path[0]], [...path[9]]], [[...Float32Array.from(a)], [...Float32Array.from(b)]]);
    assert.ok(path.every((z) => z.every(Number.isFinite)));
  }
});

test("a collapsed decoder has a way of no length", () => {
  assert.equal(wayLength(() => [0.5, 0.5], found(() => [0.5, 0.5], LEFT, RIGHT, 8)), 0);
});
