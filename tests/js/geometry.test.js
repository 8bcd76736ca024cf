import assert from "node:assert/strict";
import { test } from "node:test";

import { buildPlane, classMeans, densityImage, ellipse, nearestPoint } from "../../explorer/browser/numerics/geometry.js";
import { difference, multiply, normals, randomArray } from "./helpers.js";

/** Two orthonormal vectors, by Gram and Schmidt. */
function orthonormalPair(size, seed) {
  const first = randomArray(size, seed).map((v, _, all) => v / Math.hypot(...all));
  const second = randomArray(size, seed + 100);
  const share = multiply(second, first)[0];
  const rest = second.map((v, j) => v - share * first[j]);
  return [first, rest.map((v) => v / Math.hypot(...rest))];
}

test("a plane of two latents sets these and leaves the others at the anchor", () => {
  const axes = [[0, 0, 1], [1, 0, 0]];
  const plane = buildPlane([0, 0, 0], axes, [7, 8, 9]);
  assert.deepEqual([...plane.embed([2, 3])], [3, 8, 2]);
  assert.deepEqual(plane.project([3, 8, 2]), [2, 3]);
  assert.deepEqual([...buildPlane([1, 1, 1], axes).embed([2, 3])], [4, 1, 3]);
});

test("projecting undoes embedding, and the plane passes through the anchor", () => {
  for (let seed = 0; seed < 20; seed++) {
    const size = 2 + (seed % 9);
    const [origin, anchor] = [randomArray(size, seed), randomArray(size, seed + 50)];
    const axes = orthonormalPair(size, seed);
    const plane = buildPlane(origin, axes, anchor);
    const place = randomArray(2, seed, 3);
    assert.ok(difference(plane.project(plane.embed(place)), place) < 1e-5);
    assert.ok(difference(plane.embed(plane.project(anchor)), anchor) < 1e-5);
  }
});

test("what is orthogonal to the plane stays where the anchor has it", () => {
  const size = 6;
  const axes = orthonormalPair(size, 1);
  const anchor = randomArray(size, 2);
  const z = buildPlane(randomArray(size, 3), axes, anchor).embed([4, -5]);
  const shift = z.map((value, j) => value - anchor[j]);
  const [u, v] = axes.map((axis) => multiply(axis, shift)[0]);
  const rest = shift.map((value, j) => value - u * axes[0][j] - v * axes[1][j]);
  assert.ok(Math.hypot(...rest) < 1e-5);
});

test("with one latent the plane is a line", () => {
  const plane = buildPlane([0], [[1], [0]]);
  assert.deepEqual(plane.project([3]), [3, 0]);
  assert.deepEqual([...plane.embed([3, 5])], [3]);
});

test("ellipses have their known axes", () => {
  const [x, y, z] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  const logVariance = [Math.log(9), Math.log(4), 0];
  const near = ({ a, b, angle }, expected) => difference([a, b, angle], expected) < 1e-12;
  assert.ok(near(ellipse(logVariance, [x, y]), [3, 2, 0]));
  assert.ok(near(ellipse(logVariance, [y, x]), [3, 2, Math.PI / 2]));
  assert.ok(near(ellipse(logVariance, [z, y]), [2, 1, Math.PI / 2]));
  const diagonal = [[Math.SQRT1_2, Math.SQRT1_2, 0], [-Math.SQRT1_2, Math.SQRT1_2, 0]];
  assert.ok(near(ellipse(logVariance, diagonal), [3, 2, -Math.PI / 4]), "it turns against the axes");
  assert.ok(near(ellipse([0, 0, 0], diagonal), [1, 1, ellipse([0, 0, 0], diagonal).angle]));
  assert.ok(near(ellipse([Math.log(9)], [[1], [0]]), [3, 0, 0]), "flat with one latent");
});

test("the ellipse's rim is where the projected Gaussian is one σ away", () => {
  for (let seed = 0; seed < 30; seed++) {
    const size = 2 + (seed % 7);
    const logVariance = randomArray(size, seed);
    const axes = orthonormalPair(size, seed);
    const { a, b, angle } = ellipse(logVariance, axes);
    const entry = (p, q) => logVariance.reduce((sum, v, j) => sum + Math.exp(v) * p[j] * q[j], 0);
    const [uu, uv, vv] = [entry(axes[0], axes[0]), entry(axes[0], axes[1]), entry(axes[1], axes[1])];
    assert.ok(a >= b && b >= 0 && Math.abs(angle) <= Math.PI / 2);
    for (const t of [0, 1, 2.5, 4]) {
      const [along, aside] = [a * Math.cos(t), b * Math.sin(t)];
      const u = along * Math.cos(angle) - aside * Math.sin(angle);
      const v = along * Math.sin(angle) + aside * Math.cos(angle);
      const square = (vv * u * u - 2 * uv * u * v + uu * v * v) / (uu * vv - uv * uv);
      assert.ok(Math.abs(square - 1) < 1e-6, `${seed} ${square}`);
    }
  }
});

/** The first of the nearest positions, one by one. */
function searchAll(positions, [x, y]) {
  let best = { index: -1, distance: Infinity };
  for (let n = 0; n < positions.length / 2; n++) {
    const distance = Math.sqrt((positions[2 * n] - x) ** 2 + (positions[2 * n + 1] - y) ** 2);
    if (distance < best.distance) best = { index: n, distance };
  }
  return best;
}

test("the nearest point is the one a search of all finds", () => {
  const draw = normals(5);
  const clouds = {
    normal: () => [draw(), draw()],
    lattice: () => [Math.round(3 * draw()), Math.round(3 * draw())],
    clusters: () => [10 * Math.round(draw()) + 0.1 * draw(), 10 * Math.round(draw()) + 0.1 * draw()],
    line: () => [draw(), 0],
    column: () => [2, 100 * draw()],
    same: () => [1.5, -2.5],
    afar: () => [1e6 + draw(), -1e6 + draw()],
    outliers: () => [draw() ** 9, draw() ** 9],
  };
  for (const [name, make] of Object.entries(clouds)) {
    for (const count of [1, 2, 3, 50, 1500]) {
      const positions = Float32Array.from(Array.from({ length: count }, make).flat());
      const nearest = nearestPoint(positions);
      const [left, top] = [positions[0], positions[1]];
      const places = [[left, top], [0, 0], [0.5, 0.5], [1e4, -3], [-1e7, 1e7]];
      for (let i = 0; i < 40; i++) places.push([left + 4 * draw(), top + 4 * draw()]);
      for (let i = 0; i < 9; i++) places.push([Math.round(3 * draw()) / 2, Math.round(3 * draw()) / 2]);
      for (const place of places) {
        assert.deepEqual(nearest(place), searchAll(positions, place), `${name} ${count} ${place}`);
      }
    }
  }
});

test("without points there is no nearest one", () => {
  assert.deepEqual(nearestPoint([])([1, 2]), { index: -1, distance: Infinity });
});

test("class means are those of the members; an absent class has none", () => {
  const positions = [0, 0, 2, 4, 10, 10, 99, 99];
  assert.deepEqual(classMeans(positions, [0, 0, 2, -1], 3), [[1, 2], null, [10, 10]]);
});

test("a density image is the density at the middle of every pixel, the top row first", () => {
  const logDensity = ([u, v]) => Math.sin(u) - v * v;
  const rows = densityImage(logDensity, [-1, 3], [0, 2], 4, 3);
  const shares = [];
  let turn = rows.next();
  for (; !turn.done; turn = rows.next()) shares.push(turn.value);
  assert.deepEqual(shares, [1 / 3, 2 / 3, 1]);
  const [across, down] = [[-0.5, 0.5, 1.5, 2.5], [5 / 3, 1, 1 / 3]];
  const expected = down.flatMap((v) => across.map((u) => logDensity([u, v])));
  assert.ok(difference(turn.value, expected) < 1e-6);
});
