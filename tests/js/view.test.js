import assert from "node:assert/strict";
import { test } from "node:test";

import { bounds, fit, panned, ticks, viewOf, zoomed } from "../../explorer/browser/numerics/view.js";

const BOX = { left: 30, top: 10, width: 400, height: 200 };
const HOME = { x: /** @type {[number, number]} */ ([-2, 2]), y: /** @type {[number, number]} */ ([-1, 1]) };

/**
 * @param {ArrayLike<number>} found
 * @param {ArrayLike<number>} expected
 */
const near = (found, expected) =>
  Array.from(expected).forEach((v, i) => assert.ok(Math.abs(found[i] - v) < 1e-9, `${Array.from(found)}`));

test("pixels and places are inverse to one another, and y points up", () => {
  const view = viewOf(BOX, HOME);
  near(view.toPixels([-2, 1]), [30, 10]);
  near(view.toPixels([2, -1]), [430, 210]);
  near(view.toPlace(view.toPixels([0.3, -0.7])), [0.3, -0.7]);
  near(view.scale, [100, 100]);
});

test("with equal axes all that is wanted is in sight and a unit is as long up as across", () => {
  const found = fit(BOX, { x: [0, 1], y: [5, 8] }, true);
  near(viewOf(BOX, found).scale, [200 / 3, 200 / 3]);
  assert.ok(found.x[0] <= 0 && found.x[1] >= 1 && found.y[0] <= 5 && found.y[1] >= 8);
  near([(found.x[0] + found.x[1]) / 2, (found.y[0] + found.y[1]) / 2], [0.5, 6.5]);
});

test("what was under the pointer stays under it: panning by pixels, zooming about one", () => {
  const view = viewOf(BOX, HOME);
  const place = view.toPlace([100, 50]);
  near(viewOf(BOX, panned(view, 7, -3)).toPixels(place), [107, 47]);
  near(viewOf(BOX, zoomed(view, 0.5, [100, 50], HOME)).toPixels(place), [100, 50]);
});

test("the zoom has an end in both directions", () => {
  let view = viewOf(BOX, HOME);
  for (let i = 0; i < 100; i++) view = viewOf(BOX, zoomed(view, 0.5, [200, 100], HOME));
  assert.ok(Math.abs((view.x[1] - view.x[0]) / 4e-4 - 1) < 1e-6);
  for (let i = 0; i < 100; i++) view = viewOf(BOX, zoomed(view, 2, [200, 100], HOME));
  assert.ok(Math.abs((view.x[1] - view.x[0]) / 80 - 1) < 1e-6);
});

test("bounds hold every place; one place, or none, has some room", () => {
  near(Object.values(bounds([0, 0, 10, 20], 0.1)).flat(), [-1, 11, -2, 22]);
  near(Object.values(bounds([3, 4], 0.1)).flat(), [2, 4, 3, 5]);
  near(Object.values(bounds([], 0.1)).flat(), [-1, 1, -1, 1]);
});

test("ticks are round, inside the range, rising, and at most as many as asked for", () => {
  for (const range of /** @type {[number, number][]} */ ([[-3.2, 3.4], [0, 1e-5], [-4e7, 9e7], [17, 17.003]])) {
    for (const most of [2, 5, 9]) {
      const found = ticks(range, most);
      assert.ok(found.length >= 1 && found.length <= most + 1, `${range} ${most} ${found.length}`);
      for (const { value } of found) assert.ok(value >= range[0] - 1e-9 && value <= range[1] + 1e-9 * range[1]);
      const steps = found.slice(1).map(({ value }, i) => value - found[i].value);
      for (const step of steps) assert.ok(Math.abs(step / steps[0] - 1) < 1e-6 && step > 0);
    }
  }
  assert.deepEqual(ticks([-2.2, 2.2], 5).map(({ text }) => text), ["−2", "−1", "0", "1", "2"]);
  assert.deepEqual(ticks([-0.3, 0.1], 5).map(({ text }) => text), ["−0.3", "−0.2", "−0.1", "0.0", "0.1"]);
});
