/**
 * What lies under the points of the map: the decoded grid, or the density of the codes.
 */

import { context, levels, make } from "../common/dom.js";
import { inSlices } from "../common/slices.js";
import { densityImage } from "../numerics/geometry.js";
import { buildMarginal } from "../numerics/marginal.js";

/** @import { Plane } from "../numerics/geometry.js" */
/** @import { ImageShape } from "../common/dom.js" */
/** @import { LatentMap } from "./map.js" */
/** @import { LatentModel } from "./model.js" */
/** @import { Ranges, View } from "../numerics/view.js" */
/** @import { Content } from "../scatter/scatter.js" */
/** @typedef {{bitmap: HTMLCanvasElement, x: [number, number], y: [number, number], smooth: boolean}} Background */

const CELLS = 20;
const PIXELS = 90;
/** Cells of a side that a sampler elsewhere fills: fewer, for each takes it many steps. */
const SAMPLED_CELLS = 10;
const HOLE = [128, 120, 110];

/**
 * Computes a background in slices, so that the page stays alive.
 * @param {string} kind "grid", "density", "marginal" or "holes"
 * @param {LatentModel} model
 * @param {Plane} plane
 * @param {Ranges} extent of the plane that is shown
 * @param {{report: (share: number) => void, isWanted: () => boolean}} watch
 * @returns {Promise<Background | null>} null if it was not wanted any more
 */
function computeBackground(kind, model, plane, { x, y }, watch) {
  const { decode, shape, aggregate, size, means, logVariances } = model;
  if (kind === "holes") return inSlices(holesBackground((place) => model.isHole(plane.embed(place)), x, y), watch);
  if (kind === "density" && aggregate) {
    const rows = densityImage((place) => aggregate(plane.embed(place)), x, y, PIXELS, PIXELS);
    return inSlices(densityBackground(rows, x, y, PIXELS), watch);
  }
  if (kind === "marginal" && logVariances && size > 1) {
    const rows = densityImage(buildMarginal(size, means, logVariances, plane), x, y, PIXELS, PIXELS);
    return inSlices(densityBackground(rows, x, y, PIXELS), watch);
  }
  if (model.isNoise) return sampledGrid(model, plane, x, y, watch);
  return inSlices(decodedGrid((place) => decode(plane.embed(place)), shape, x, y, CELLS), watch);
}

/**
 * The decoded grid where the server makes the images: a row at a time, so that others have their turn.
 * @param {LatentModel} model
 * @param {Plane} plane
 * @param {[number, number]} x
 * @param {[number, number]} y
 * @param {{report: (share: number) => void, isWanted: () => boolean}} watch
 * @returns {Promise<Background | null>} null if it was not wanted any more, or the server refuses
 */
async function sampledGrid(model, plane, x, y, { report, isWanted }) {
  const side = SAMPLED_CELLS;
  /** @type {Map<string, Float32Array>} */
  const made = new Map();
  for (let row = 0; row < side; row++) {
    const places = Array.from({ length: side }, (_, column) => cellPlace(row, column, x, y, side));
    const images = await model.exact?.(places.map((place) => plane.embed(place))).catch(() => null);
    if (!images || !isWanted()) return null;
    images.forEach((values, i) => made.set(places[i].join(), values));
    report((row + 1) / side);
  }
  const found = (/** @type {[number, number]} */ place) => /** @type {Float32Array} */ (made.get(place.join()));
  return inSlices(decodedGrid(found, model.shape, x, y, side), { report, isWanted });
}

/**
 * The middle of a cell.
 * @param {number} row
 * @param {number} column
 * @param {[number, number]} x
 * @param {[number, number]} y
 * @param {number} side
 * @returns {[number, number]}
 */
function cellPlace(row, column, x, y, side) {
  return [x[0] + ((column + 0.5) / side) * (x[1] - x[0]), y[1] - ((row + 0.5) / side) * (y[1] - y[0])];
}

/**
 * Computes the background that the toolbar of a map asks for.
 * @param {LatentMap} map
 */
export async function layBackground(map) {
  const kind = map.toolbar.background;
  map.background = null;
  map.scatter.request();
  const { plane, model } = map;
  if (kind === "none" || !plane) return;
  const isWanted = () => plane === map.plane && kind === map.toolbar.background;
  const report = (/** @type {number} */ share) => map.toolbar.progress(share);
  const background = await computeBackground(kind, model, plane, extent(map), { report, isWanted });
  map.toolbar.progress(1);
  if (background && isWanted()) map.background = background;
  map.scatter.request();
}

/**
 * The rectangle of all points, and a quarter more on every side; without points, what is shown first.
 * @param {LatentMap} map
 * @returns {Ranges}
 */
function extent({ scatter }) {
  const { positions, home } = /** @type {Content} */ (scatter.content);
  if (!positions.length && home) return home;
  const [x, y] = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < positions.length; i += 2) {
      low = Math.min(low, positions[i]);
      high = Math.max(high, positions[i]);
    }
    const margin = 0.25 * (high - low) || 1;
    return /** @type {[number, number]} */ ([low - margin, high + margin]);
  });
  return { x, y };
}

/**
 * Paints a background that spans a rectangle of the plane.
 * @param {CanvasRenderingContext2D} pen
 * @param {View} view
 * @param {Background} background
 */
export function drawBackground(pen, view, { bitmap, x, y, smooth }) {
  const [left, top] = view.toPixels([x[0], y[1]]);
  const [right, bottom] = view.toPixels([x[1], y[0]]);
  pen.imageSmoothingEnabled = smooth;
  pen.drawImage(bitmap, left, top, right - left, bottom - top);
}

/**
 * The decoded grid as a picture, row by row.
 * @param {(place: [number, number]) => Float32Array} decodeAt
 * @param {ImageShape} shape
 * @param {[number, number]} x
 * @param {[number, number]} y
 * @param {number} side cells
 * @returns {Generator<number, Background>} yields the share that is done
 */
function* decodedGrid(decodeAt, shape, x, y, side) {
  const [, height, width] = shape;
  const bitmap = make("canvas", { width: side * width, height: side * height });
  const pen = context(bitmap);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const values = decodeAt(cellPlace(row, column, x, y, side));
      const image = new ImageData(levels(values, shape), width, height);
      pen.putImageData(image, column * width, row * height);
    }
    yield (row + 1) / side;
  }
  return { bitmap, x, y, smooth: false };
}

/**
 * A log-density as a picture: opaque where it is largest, clear where it is e⁻⁸ of that.
 * @param {Generator<number, Float32Array>} rows of `densityImage`, the top row first
 * @param {[number, number]} x
 * @param {[number, number]} y
 * @param {number} side
 * @returns {Generator<number, Background>}
 */
function* densityBackground(rows, x, y, side) {
  const values = yield* rows;
  const bitmap = make("canvas", { width: side, height: side });
  const pixels = new Uint8ClampedArray(4 * side * side);
  const largest = values.reduce((best, v) => Math.max(best, v), -Infinity);
  values.forEach((value, i) => {
    pixels.set([47, 116, 181, 230 * Math.max(0, 1 + (value - largest) / 8)], 4 * i);
  });
  context(bitmap).putImageData(new ImageData(pixels, side, side), 0, 0);
  return { bitmap, x, y, smooth: true };
}

/**
 * Holes shaded with stripes, so that they are told from a class's colour.
 * @param {(place: [number, number]) => boolean} isHole
 * @param {[number, number]} x
 * @param {[number, number]} y
 * @returns {Generator<number, Background>}
 */
function* holesBackground(isHole, x, y) {
  const side = 3 * PIXELS;
  const bitmap = make("canvas", { width: side, height: side });
  const pixels = new Uint8ClampedArray(4 * side * side);
  for (let row = 0; row < PIXELS; row++) {
    for (let column = 0; column < PIXELS; column++) {
      const u = x[0] + ((column + 0.5) / PIXELS) * (x[1] - x[0]);
      const v = y[1] - ((row + 0.5) / PIXELS) * (y[1] - y[0]);
      if (isHole([u, v])) stripe(pixels, side, 3 * row, 3 * column);
    }
    yield (row + 1) / PIXELS;
  }
  context(bitmap).putImageData(new ImageData(pixels, side, side), 0, 0);
  return { bitmap, x, y, smooth: false };
}

/**
 * Nine pixels of the stripes of a hole.
 * @param {Uint8ClampedArray} pixels
 * @param {number} side
 * @param {number} top
 * @param {number} left
 */
function stripe(pixels, side, top, left) {
  for (let row = top; row < top + 3; row++) {
    for (let column = left; column < left + 3; column++) {
      pixels.set([...HOLE, (row + column) % 6 < 2 ? 120 : 45], 4 * (row * side + column));
    }
  }
}
