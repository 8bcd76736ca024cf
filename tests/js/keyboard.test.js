import assert from "node:assert/strict";
import { test } from "node:test";

import { direction, nextPoint } from "../../explorer/browser/latent_map/keyboard.js";
import { randomArray } from "./helpers.js";

const all = () => true;
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

test("arrows are directions in pixels, y down; other keys are none", () => {
  assert.deepEqual(KEYS.map(direction), [[-1, 0], [1, 0], [0, -1], [0, 1]]);
  assert.deepEqual(direction("a"), [0, 0]);
});

test("on a lattice each arrow goes to the neighbour, and at its edge nowhere", () => {
  const places = Array.from({ length: 18 }, (_, i) => 10 * (i % 2 ? Math.floor(i / 6) : (i / 2) % 3));
  const middle = [10, 10];
  assert.deepEqual(KEYS.map((key) => nextPoint(places, middle, direction(key), all)), [3, 5, 1, 7]);
  assert.equal(nextPoint(places, [0, 0], direction("ArrowLeft"), all), null);
  assert.equal(nextPoint(places, middle, direction("ArrowRight"), (n) => n !== 5), 2, "the next one is hidden");
  assert.equal(nextPoint([1, 1.3], [0, 0], direction("ArrowRight"), all), null, "too far to the side");
});

test("one that lies straight ahead is preferred to a nearer one at the side", () => {
  assert.equal(nextPoint([12, 0, 8, 6], [0, 0], [1, 0], all), 0);
  assert.equal(nextPoint([30, 0, 8, 6], [0, 0], [1, 0], all), 1);
});

test("a walk goes on in its direction, never stays, and ends", () => {
  const places = randomArray(600, 2, 100);
  for (const key of KEYS) {
    const [dx, dy] = direction(key);
    let at = [0, 0];
    let steps = 0;
    for (let n = nextPoint(places, at, [dx, dy], all); n !== null; n = nextPoint(places, at, [dx, dy], all)) {
      const next = [places[2 * n], places[2 * n + 1]];
      assert.ok((next[0] - at[0]) * dx + (next[1] - at[1]) * dy >= 1);
      at = next;
      assert.ok(++steps <= 300);
    }
    assert.ok(steps > 5, `${key} ${steps}`);
  }
});
