import assert from "node:assert/strict";
import { test } from "node:test";

import { contentOf } from "../../explorer/browser/latent_map/content.js";
import { buildPlane } from "../../explorer/browser/numerics/geometry.js";
import { pixelOf } from "../../explorer/browser/numerics/points.js";
import { VIRIDIS } from "../../explorer/browser/scatter/colours.js";

const PALETTE = ["#3f90da", "#ffa90e"];
const MODEL = {
  size: 3, count: 3, means: Float32Array.of(1, 2, 3, -4, 5, 6, 7, 8, -9),
  distortions: Float32Array.of(10, 20, 30), rates: Float32Array.of(1, 2, 3),
  labels: Uint8Array.of(0, 2, 1), names: ["zero", "one", "two"],
};
const DATA = {
  view: "raw", titles: { x: "z₃", y: "z₁" }, equal: true, prior: null, palette: PALETTE,
  colour: { by: "class", title: "Class" },
};
const PLANE = buildPlane([0, 0, 0], [[0, 0, 1], [1, 0, 0]]);

const content = (data = {}, model = {}, plane = PLANE, positions = null) =>
  contentOf({ ...DATA, ...data }, { ...MODEL, ...model }, plane, positions);

test("codes lie where the plane has them", () => {
  const { positions, titles, equal, hasNumbers, home } = content().content;
  assert.deepEqual([...positions], [3, 1, 6, -4, -9, 7]);
  assert.deepEqual([titles, equal, hasNumbers, home], [DATA.titles, true, true, null]);
});

test("one latent is drawn over the distortion; t-SNE has positions of its own and no numbers", () => {
  const one = content({}, { size: 1, means: Float32Array.of(1, -4, 7) }, null).content;
  assert.deepEqual([...one.positions], [1, 10, -4, 20, 7, 30]);
  const places = Float32Array.of(1, 2, 3, 4, 5, 6);
  const tsne = content({ view: "tsne" }, {}, null, places).content;
  assert.equal(tsne.positions, places);
  assert.equal(tsne.hasNumbers, false);
});

test("without points the prior is shown as far as the plane asks for", () => {
  const none = { count: 0, means: new Float32Array(), labels: null, distortions: null, rates: new Float32Array() };
  const plane = { origin: [0, 0, 0], axes: [[0, 0, 1], [1, 0, 0]], names: ["u", "v"], home: "", reach: 5 };
  const { positions, home, groups } = content({ prior: [1, -1], plane }, none).content;
  assert.deepEqual([positions.length, groups.length], [0, 1]);
  assert.deepEqual(home, { x: [-4, 6], y: [-6, 4] });
});

test("after the palette's end colours repeat with another symbol", () => {
  const { groups, groupOf, shades } = content().content;
  assert.deepEqual([...groupOf], [0, 2, 1]);
  assert.deepEqual(groups, [
    { name: "zero", colour: PALETTE[0], symbol: 0 },
    { name: "one", colour: PALETTE[1], symbol: 0 },
    { name: "two", colour: PALETTE[0], symbol: 1 },
  ]);
  assert.equal(shades, null);
});

test("by a number every point has its shade, and there is a scale instead of classes", () => {
  for (const [by, last] of [["kl", 2.98], ["distortion", 29.8], ["elbo", 32.78]]) {
    const { content: found, scale } = content({ colour: { by, title: by } });
    assert.equal(found.groups.length, 1);
    assert.ok(Math.abs(scale.high - last) < 1e-5, `${by} ${scale.high}`);
    assert.deepEqual([found.shades[0], found.shades[2]], [pixelOf(VIRIDIS[0]), pixelOf(VIRIDIS[8])]);
  }
  assert.equal(content({}, { labels: null }).content.groups.length, 1);
});

test("at first all points are in sight, and the prior's three circles", () => {
  const { x, y } = content({ prior: [0, 1] }).content.home;
  assert.ok(x[0] <= -9 && x[1] >= 6 && y[0] <= -4 && y[1] >= 7);
  assert.ok(x[0] <= -3 && x[1] >= 3 && y[0] <= -2 && y[1] >= 4);
});
