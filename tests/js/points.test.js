import assert from "node:assert/strict";
import { test } from "node:test";

import {
  contour, fillDensity, fillPoints, pixelOf, placePoints, pointsOn, stampOf, SYMBOLS,
} from "../../explorer/browser/numerics/points.js";
import { viewOf } from "../../explorer/browser/numerics/view.js";

const BLUE = pixelOf("#3f90da");
const RED = pixelOf("#bd1f01");

/** @param {number} side */
const sheetOf = (side) => ({ pixels: new Int32Array(side * side), width: side, height: side });

test("a colour is a pixel as ImageData stores it", () => {
  const bytes = new Uint8Array(Int32Array.of(pixelOf("#102030", 200)).buffer);
  assert.deepEqual([...bytes], [0x10, 0x20, 0x30, 200]);
});

test("a disc of radius 3 has 29 pixels, and all symbols about as many", () => {
  assert.equal(stampOf("circle", 3).steps.length, 29);
  const areas = SYMBOLS.map((symbol) => stampOf(symbol, 6).steps.length);
  for (const area of areas) assert.ok(Math.abs(area / areas[0] - 1) < 0.3, `${areas}`);
});

test("places are where the view has them", () => {
  const view = viewOf({ left: 10, top: 20, width: 100, height: 50 }, { x: [-1, 1], y: [0, 5] });
  const places = new Float32Array(4);
  placePoints([-1, 0, 0.5, 4], view, 2, places);
  assert.deepEqual([...places], [20, 140, ...view.toPixels([0.5, 4]).map((v) => 2 * v)]);
});

test("the last point lies on top, hidden ones are left out, and marks are cut at the edge", () => {
  const sheet = sheetOf(21);
  const places = [10, 10, 11, 10, 0, 0, -50, 10];
  fillPoints(sheet, places, [0, 1, 2, 3], [0, 0, 0, 0], [stampOf("circle", 2)], [BLUE, RED, BLUE, BLUE]);
  assert.equal(sheet.pixels[10 * 21 + 11], RED);
  assert.equal(sheet.pixels[10 * 21 + 8], BLUE);
  assert.equal(sheet.pixels[0], BLUE);
  const only = sheetOf(21);
  fillPoints(only, places, [0], [0, 0, 0, 0], [stampOf("circle", 2)], [BLUE, RED, BLUE, BLUE]);
  assert.ok(!only.pixels.includes(RED));
});

test("two marks that overlap have one contour, and no fill is hidden by it", () => {
  const alone = sheetOf(40);
  const both = sheetOf(40);
  const stamps = [stampOf("circle", 4)];
  fillPoints(alone, [14, 20], [0], [0], stamps, [BLUE]);
  fillPoints(both, [14, 20, 19, 20], [0, 1], [0, 0], stamps, [BLUE, BLUE]);
  const filled = both.pixels.filter((v) => v === BLUE).length;
  contour(alone, "#000000");
  contour(both, "#000000");
  assert.equal(both.pixels.filter((v) => v === BLUE).length, filled);
  const strong = pixelOf("#000000", 215);
  const edge = (/** @type {Int32Array} */ pixels) => pixels.filter((v) => v === strong).length;
  assert.ok(edge(both.pixels) > edge(alone.pixels) && edge(both.pixels) < 2 * edge(alone.pixels));
  for (const [n, value] of both.pixels.entries()) {
    if (value !== strong) continue;
    const around = [n - 1, n + 1, n - 40, n + 40].map((at) => both.pixels[at]);
    assert.ok(around.includes(BLUE), "a contour touches what is filled");
  }
});

test("the points on a sheet are those within its edges, in their order", () => {
  const places = [5, 5, -0.1, 5, 0, 0, 20.9, 20.9, 21, 5, 5, 30];
  assert.deepEqual([...pointsOn(sheetOf(21), places, [5, 4, 3, 2, 1, 0])], [3, 2, 0]);
  assert.deepEqual([...pointsOn(sheetOf(21), places, [0, 1])], [0]);
});

test("a density is more opaque where there are more points, of their mean colour, and empty elsewhere", () => {
  const sheet = sheetOf(21);
  const places = [2, 2, 3, 3, 2.5, 3.5, 2, 3, 10, 10, 20, 20];
  fillDensity(sheet, places, [0, 1, 2, 3, 4, 5], [RED, RED, BLUE, BLUE, RED, BLUE]);
  /** @param {number} x @param {number} y */
  const parts = (x, y) => [...new Uint8Array(sheet.pixels.buffer, 4 * (y * 21 + x), 4)];
  const mean = [0, 8, 16].map((shift) => Math.floor((((RED >> shift) & 255) + ((BLUE >> shift) & 255)) / 2));
  assert.deepEqual(parts(2, 2), [...mean, 255], "four points in one cell are the most");
  assert.deepEqual(parts(3, 3), parts(2, 2), "a cell is two pixels wide");
  const alone = parts(10, 10);
  assert.deepEqual(alone.slice(0, 3), [0xbd, 0x1f, 0x01]);
  assert.ok(alone[3] > 60 && alone[3] < 255);
  assert.equal(parts(20, 20)[3], alone[3], "the last cell is cut by the edge");
  assert.deepEqual(parts(6, 6), [0, 0, 0, 0]);
  assert.equal(sheet.pixels.filter((value) => value !== 0).length, 4 + 4 + 1);
});
