import assert from "node:assert/strict";
import { test } from "node:test";

import { imageSteps, linearPath, pathLength, relaxGeodesic, sphericalPath } from "../../explorer/browser/numerics/walk.js";
import { difference, multiply, randomArray, randomDecoder } from "./helpers.js";

const norm = (z) => Math.hypot(...z);

/** Relaxes until it has converged; fails if E ever rises. */
function assertRelaxes(decode, path, most = 300) {
  const geodesic = relaxGeodesic(decode, path);
  let energy = geodesic.energy;
  for (let count = 0; !geodesic.converged; count++) {
    assert.ok(count < most, `not converged after ${most} steps`);
    geodesic.step();
    assert.ok(geodesic.energy <= energy, `E rose from ${energy} to ${geodesic.energy}`);
    energy = geodesic.energy;
  }
  return geodesic;
}

/** How long the images of a path are, as twenty times as many codes tell. */
function denseLength(decode, path) {
  const parts = path.slice(1).map((z, k) => linearPath(path[k], z, 21));
  return parts.reduce((sum, part) => sum + pathLength(part.map(decode)), 0);
}

/** A path with the same ends whose interior codes lie anywhere near. */
function scattered(path, seed, scale) {
  const noise = randomArray(path.length * path[0].length, seed, scale);
  const isEnd = (k) => k === 0 || k === path.length - 1;
  return path.map((z, k) => z.map((v, j) => v + (isEnd(k) ? 0 : noise[k * z.length + j])));
}

test("the straight path has exact ends and equal steps", () => {
  const [a, b] = [randomArray(5, 1), randomArray(5, 2)];
  const path = linearPath(a, b, 9);
  assert.equal(path.length, 9);
  assert.deepEqual([path[0], path[8]], [a, b]);
  assert.ok(difference(imageSteps(path), Array(8).fill(pathLength([a, b]) / 8)) < 1e-6);
  assert.deepEqual(linearPath([0, 2], [4, 0], 3).map((z) => [...z]), [[0, 2], [2, 1], [4, 0]]);
});

test("on the unit circle the spherical path turns at constant speed", () => {
  const path = sphericalPath([1, 0], [0, 1], 7);
  path.forEach((z, k) => {
    const angle = (k / 6) * (Math.PI / 2);
    assert.ok(difference(z, [Math.cos(angle), Math.sin(angle)]) < 1e-6);
  });
});

test("the spherical path has exact ends, equal angles, and norms in equal steps", () => {
  for (let seed = 0; seed < 20; seed++) {
    const size = 2 + (seed % 6);
    const [a, b] = [randomArray(size, seed, 2), randomArray(size, seed + 50)];
    const path = sphericalPath(a, b, 12);
    assert.deepEqual([path[0], path[11]], [a, b]);
    const norms = path.map(norm);
    const expected = path.map((_, k) => norms[0] + (k / 11) * (norms[11] - norms[0]));
    assert.ok(difference(norms, expected) < 1e-5);
    const turns = imageSteps(path.map((z) => z.map((v) => v / norm(z))));
    assert.ok(difference(turns, Array(11).fill(turns[0])) < 1e-4);
  }
});

test("where directions agree, or one end is 0, the spherical path is straight", () => {
  for (const [a, b] of [[[1, 2, 2], [3, 6, 6]], [[0, 0, 0], [1, 2, 3]], [[1, 2, 3], [0, 0, 0]], [[0], [0]], [[2], [5]]]) {
    const straight = linearPath(a, b, 5);
    sphericalPath(a, b, 5).forEach((z, k) => assert.ok(difference(z, straight[k]) < 1e-6));
  }
  for (let seed = 0; seed < 50; seed++) {
    const a = randomArray(7, seed);
    const straight = linearPath(a, a.map((v) => 2 * v), 5);
    const path = sphericalPath(a, a.map((v) => 2 * v), 5);
    path.forEach((z, k) => assert.ok(difference(z, straight[k]) < 1e-5));
  }
});

test("opposite directions turn half a circle through an orthogonal one", () => {
  for (const a of [[1, 0], [0, -3], [1, 2, 2], [1, 1, 1, 1]]) {
    const path = sphericalPath(a, a.map((v) => -2 * v), 5);
    assert.ok(difference(path.map(norm), [1, 1.25, 1.5, 1.75, 2].map((r) => r * norm(a))) < 1e-5);
    assert.ok(Math.abs(multiply(a, path[2])[0]) < 1e-5);
    assert.deepEqual([...path[4]], a.map((v) => -2 * v));
  }
});

test("directions that are nearly equal or opposite lose no precision", () => {
  for (const tilt of [1e-3, 1e-5, 1e-7]) {
    for (const sign of [1, -1]) {
      const path = sphericalPath([1, 0, 0], [sign, 0, tilt], 9);
      assert.ok(path.every((z) => Math.abs(norm(z) - 1) < 1e-5));
      assert.ok(path.every((z) => z[1] === 0 && z[2] >= 0), "it turns the short way");
    }
  }
});

test("opposite ends of a single latent pass through 0", () => {
  const path = sphericalPath([2], [-4], 5).map(([z]) => z);
  assert.deepEqual([path[0], path[4]], [2, -4]);
  assert.ok(Math.abs(path[2]) < 1e-6);
  assert.deepEqual([...path].sort((a, b) => b - a), path);
});

test("a path needs two ends of equal size and a whole number of codes", () => {
  assert.throws(() => linearPath([0], [1, 2], 3), {
    message: "Both ends must have as many latents, got 1 and 2.",
  });
  assert.throws(() => sphericalPath([1, 0], [0, 1], 1), {
    message: "A path must have a whole number of at least 2 codes, got 1.",
  });
  assert.throws(() => linearPath([1], [2], 2.5), /whole number of at least 2 codes, got 2.5/);
});

test("image steps are Euclidean, and a path is as long as its steps together", () => {
  const images = [[0, 0, 0], [3, 4, 0], [3, 4, 12]];
  assert.deepEqual(imageSteps(images), [5, 12]);
  assert.equal(pathLength(images), 17);
  assert.deepEqual([imageSteps([[1]]), pathLength([[1]])], [[], 0]);
});

test("flat space in polar coordinates: the geodesic is a straight line of the image", () => {
  const decode = ([r, angle]) => [r * Math.cos(angle), r * Math.sin(angle)];
  const n = 17;
  const geodesic = assertRelaxes(decode, linearPath([1, 0], [2, 2], n));
  const straight = linearPath(decode([1, 0]), decode([2, 2]), n);
  geodesic.images.forEach((image, k) => assert.ok(difference(image, straight[k]) < 0.02));
  const chord = pathLength([straight[0], straight[n - 1]]);
  assert.ok(geodesic.energy >= (1 - 1e-6) * (chord ** 2 / (n - 1)), "no path has less");
  assert.ok(geodesic.energy < 1.002 * (chord ** 2 / (n - 1)));
});

test("on a sphere the geodesic is the great circle", () => {
  const decode = ([tilt, turn]) => [
    Math.sin(tilt) * Math.cos(turn),
    Math.sin(tilt) * Math.sin(turn),
    Math.cos(tilt),
  ];
  const n = 25;
  const [a, b] = [[1, 0], [1.2, 2.2]];
  const geodesic = assertRelaxes(decode, linearPath(a, b, n));
  const circle = sphericalPath(decode(a), decode(b), n);
  geodesic.images.forEach((image, k) => assert.ok(difference(image, circle[k]) < 0.03, `${k}`));
  const angle = Math.acos(multiply(decode(a), decode(b))[0]);
  assert.ok(Math.abs(pathLength(geodesic.images) / angle - 1) < 2e-3);
  assert.ok(pathLength(linearPath(a, b, n).map(decode)) > 1.03 * angle);
});

test("on a cylinder the geodesic is a helix: straight in its coordinates, from any start", () => {
  const decode = ([turn, height]) => [Math.cos(turn), Math.sin(turn), height];
  const straight = linearPath([0, 0], [2, 1], 15);
  const geodesic = assertRelaxes(decode, scattered(straight, 3, 0.05));
  geodesic.path.forEach((z, k) => assert.ok(difference(z, straight[k]) < 0.02, `${k} ${z}`));
});

test("a linear decoder's geodesic is the straight line, from any start and in any dimension", () => {
  for (const [latents, pixels, n] of [[1, 4, 9], [2, 9, 12], [5, 30, 20], [20, 40, 30]]) {
    const matrix = randomArray(pixels * latents, latents);
    const decode = (z) => multiply(matrix, z);
    const straight = linearPath(randomArray(latents, 1), randomArray(latents, 2), n);
    const geodesic = assertRelaxes(decode, scattered(straight, 3, 0.3));
    const best = pathLength([decode(straight[0]), decode(straight[n - 1])]) ** 2 / (n - 1);
    assert.ok(geodesic.energy < 1.003 * best, `${latents}: ${geodesic.energy / best}`);
    const images = straight.map(decode);
    geodesic.images.forEach((image, k) => {
      assert.ok(norm(image.map((v, i) => v - images[k][i])) < 0.1 * Math.sqrt(best * (n - 1)));
    });
  }
});

test("where the decoder changes unevenly, the geodesic's steps are nearly equal", () => {
  const decode = ([z]) => [1 / (1 + Math.exp(-20 * z)), 0.1 * z];
  const straight = linearPath([-3], [3], 21);
  const before = imageSteps(straight.map(decode));
  assert.ok(Math.max(...before) > 5 * (pathLength(straight.map(decode)) / 20));
  const steps = imageSteps(assertRelaxes(decode, straight).images);
  assert.ok(Math.max(...steps) < 1.4 * Math.min(...steps), `${steps}`);
});

test("relaxing never lengthens a walk, and holds its ends", () => {
  for (let seed = 0; seed < 16; seed++) {
    const latents = [1, 2, 3, 8][seed % 4];
    const decode = randomDecoder(latents, 25, seed);
    const path = linearPath(randomArray(latents, seed, 2), randomArray(latents, seed + 9, 2), 18);
    const copy = path.map((z) => z.slice());
    const geodesic = assertRelaxes(decode, path);
    const [before, after] = [denseLength(decode, path), denseLength(decode, geodesic.path)];
    assert.ok(after <= 1.001 * before, `${seed}: ${before} to ${after}`);
    assert.ok(geodesic.energy < relaxGeodesic(decode, path).energy);
    assert.deepEqual([geodesic.path[0], geodesic.path[17]], [copy[0], copy[17]]);
    assert.deepEqual(path, copy, "the path that was given is left alone");
    assert.ok(difference(geodesic.images.map((image) => image[3]), geodesic.path.map((z) => decode(z)[3])) < 1e-12);
  }
});

test("a collapsed decoder, equal ends and a path without interior change nothing", () => {
  const path = linearPath([0, 0], [1, 2], 8);
  const collapsed = assertRelaxes(() => [0.5, 0.5], path);
  assert.deepEqual(collapsed.path, path);
  const decode = randomDecoder(2, 9, 1);
  const still = assertRelaxes(decode, linearPath([1, 1], [1, 1], 6));
  assert.equal(still.energy, 0);
  const [a, b] = linearPath([0, 0], [1, 2], 2);
  const bare = relaxGeodesic(decode, [a, b]);
  assert.ok(bare.converged);
  assert.deepEqual(bare.path, [a, b]);
});

test("the decodes of a step are bounded, however many latents there are", () => {
  for (const latents of [2, 40, 256]) {
    const inner = randomDecoder(latents, 16, latents);
    let decodes = 0;
    const decode = (z) => {
      decodes++;
      return inner(z);
    };
    const n = 20;
    const path = linearPath(randomArray(latents, 1), randomArray(latents, 2), n);
    const geodesic = relaxGeodesic(decode, path);
    assert.ok(decodes <= n + latents);
    for (let count = 0; count < 12; count++) {
      decodes = 0;
      geodesic.step();
      assert.ok(decodes <= 128 + 8 * n, `${latents}: ${decodes}`);
    }
    assert.ok(geodesic.energy < relaxGeodesic(inner, path).energy);
  }
});

test("of many latents those leave the path that change the image, at most 32", () => {
  const latents = 100;
  const live = [3, 50, 99];
  const decode = (z) => [z[3] + z[50] ** 3, z[50] - z[99] ** 3, z[3] * z[99], ...z.map((v) => 1e-4 * v)];
  const path = linearPath(randomArray(latents, 1), randomArray(latents, 2), 10);
  const geodesic = assertRelaxes(decode, path);
  const share = (z, j) => (z[j] - path[0][j]) / (path[9][j] - path[0][j]); // of the way
  const isOff = (z, j) => {
    const shares = [...z.keys()].map((i) => share(z, i)).sort((s, t) => s - t);
    return Math.abs(share(z, j) - shares[latents / 2]) > 1e-3;
  };
  const left = [...path[0].keys()].filter((j) => geodesic.path.some((z) => isOff(z, j)));
  assert.ok(left.length <= 32, `${left}`);
  assert.ok(live.every((j) => left.includes(j)), `${left}`);
  assert.ok(geodesic.energy < 0.95 * relaxGeodesic(decode, path).energy);
});

test("with more than 32 latents that change the image, the others stay in the path's line", () => {
  const latents = 60;
  const path = linearPath(new Float32Array(latents), new Float32Array(latents).fill(1), 8);
  const geodesic = assertRelaxes(randomDecoder(latents, 40, 4), path);
  const rows = geodesic.path.map((z) => [...z].sort((s, t) => s - t));
  const inLine = rows.map((row) => Math.max(...row.map((v) => row.filter((w) => w === v).length)));
  assert.deepEqual(inLine, [60, 28, 28, 28, 28, 28, 28, 60]);
});
