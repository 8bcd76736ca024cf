import assert from "node:assert/strict";
import { test } from "node:test";

import { pixelOf } from "../../explorer/browser/numerics/points.js";
import { CARRIED, cssOf, dotsOf, grouped, writeDots } from "../../explorer/browser/scatter/dots.js";

const PALETTE = ["#3f90da", "#ffa90e"];
const EDGE = { outline: "#1b2330", isSmooth: false };

test("classes take the palette's colours in turn, then the next symbol", () => {
  const { groupOf, groups } = grouped([0, 2, 1], ["a", "b", "c"], PALETTE, 3);
  assert.deepEqual([...groupOf], [0, 2, 1]);
  assert.deepEqual(groups.map(({ colour }) => colour), [PALETTE[0], PALETTE[1], PALETTE[0]]);
  assert.deepEqual(groups.map(({ symbol }) => symbol), [0, 0, 1]);
});

test("a label without a name is called by its number; without labels all are one group", () => {
  assert.deepEqual(grouped([0, 3], ["a"], PALETTE, 2).groups.map(({ name }) => name), ["a", "1", "2", "3"]);
  const { groupOf, groups } = grouped(null, [], PALETTE, 4);
  assert.deepEqual([[...groupOf], groups.length, groups[0].colour], [[0, 0, 0, 0], 1, PALETTE[0]]);
});

test("a shade of its own overrules the class's colour and symbol", () => {
  const classes = grouped([0, 2], ["a", "b", "c"], PALETTE, 2);
  const plain = dotsOf({ ...classes, shades: null });
  assert.deepEqual([[...plain.colours], [...plain.symbols]], [[pixelOf(PALETTE[0]), pixelOf(PALETTE[0])], [0, 1]]);
  const shades = Int32Array.of(pixelOf("#102030"), pixelOf("#405060"));
  const shaded = dotsOf({ ...classes, shades });
  assert.deepEqual([[...shaded.colours], [...shaded.symbols]], [[...shades], [0, 0]]);
  assert.equal(cssOf(shades[0]), "#102030");
});

/** Pixels that a single mark fills on a sheet of that side. */
function filled(side, count) {
  const sheet = { pixels: new Int32Array(side * side), width: side, height: side };
  const dots = dotsOf({ ...grouped(null, [], PALETTE, count), shades: null });
  writeDots(sheet, dots, new Float32Array(2 * count).fill(side / 2), [0], 1, EDGE);
  return sheet.pixels.filter((value) => value === pixelOf(PALETTE[0])).length;
}

test("marks are smaller where there are more points, and on a smaller sheet", () => {
  assert.ok(filled(500, 500) > filled(500, 3000) && filled(500, 3000) > filled(500, 10_000));
  assert.ok(filled(500, 10_000) > filled(500, 70_000));
  assert.ok(filled(500, 500) > filled(300, 500) && filled(100, 500) === filled(250, 500));
});

test("sharp edges have one colour", () => {
  const sheet = { pixels: new Int32Array(900), width: 30, height: 30 };
  const dots = dotsOf({ ...grouped([0, 1], ["a", "b"], PALETTE, 2), shades: null });
  writeDots(sheet, dots, Float32Array.of(12, 15, 18, 15), [0, 1], 1, EDGE);
  assert.equal(new Set(sheet.pixels).size, 4, "the ground, two classes, one contour");
});

test("of more points than a frame carries the density is drawn, and marks where few are in sight", () => {
  const count = CARRIED + 1;
  const dots = dotsOf({ ...grouped(null, [], PALETTE, count), shades: null });
  const order = Uint32Array.from({ length: count }, (_, n) => n);
  /** @param {number} inSight @param {number} many */
  const drawn = (inSight, many) => {
    const sheet = { pixels: new Int32Array(900), width: 30, height: 30 };
    const places = new Float32Array(2 * count).fill(-100);
    places.fill(15, 0, 2 * inSight);
    writeDots(sheet, dots, places, order.subarray(0, many), 1, EDGE);
    return sheet.pixels.filter((value) => value !== 0);
  };
  assert.equal(drawn(count, count).length, 4, "one cell, and no contour");
  assert.ok(new Set(drawn(3, count)).has(pixelOf("#1b2330", 254)), "a mark with a contour");
  assert.ok(drawn(3, count).length > drawn(count - 1, count - 1).length, "and larger, as few are in sight");
});
