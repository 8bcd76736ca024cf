/**
 * The points of a scatter: which colour, symbol and size each has, as pixels or as paths.
 */

import { contour, fillDensity, fillPoints, pixelOf, pointsOn, stampOf, SYMBOLS } from "../numerics/points.js";

/** @import { Sheet } from "../numerics/points.js" */
/** @import { View } from "../numerics/view.js" */
/**
 * @typedef {{name: string, colour: string, symbol: number}} Group points of one class
 * @typedef {{groupOf: ArrayLike<number>, groups: Group[], shades: Int32Array | null}} Dressed
 *   shades: colour of every point as a pixel, instead of its group's
 * @typedef {{symbols: Uint8Array, colours: Int32Array}} Dots symbol and colour of every point
 * @typedef {{outline: string, isSmooth: boolean}} Edge
 *   colour around the points; smooth edges have more colours
 */

/** Radius of a mark in CSS pixels, for up to so many points; discs of these radii look round. */
const RADII = [[1200, 4.2], [4000, 3.4], [20_000, 2.7], [Infinity, 1.7]];
/** Points in sight that a frame carries as marks; of more, how many lie where is drawn instead. */
export const CARRIED = 150_000;
/** On a smaller plot area marks are smaller, so that they cover as much of it; but not too small. */
const FULL_SIDE = 480;
const LEAST_SHARE = 0.6;

/**
 * The classes of points; where the palette ends, its colours begin again with the next symbol.
 * @param {ArrayLike<number> | null} labels null: all points are one group
 * @param {ArrayLike<string>} names by label; a label without a name is called by its number
 * @param {string[]} palette
 * @param {number} count of points
 * @returns {{groupOf: Uint16Array, groups: Group[]}}
 */
export function grouped(labels, names, palette, count) {
  if (!labels) {
    return { groupOf: new Uint16Array(count), groups: [{ name: "", colour: palette[0], symbol: 0 }] };
  }
  const groupOf = Uint16Array.from(labels);
  const length = groupOf.reduce((most, label) => Math.max(most, label + 1), names.length);
  const groups = Array.from({ length }, (_, i) => ({
    name: names[i] ?? String(i),
    colour: palette[i % palette.length],
    symbol: Math.floor(i / palette.length),
  }));
  return { groupOf, groups };
}

/**
 * How every point is drawn, wherever it is.
 * @param {Dressed} dressed
 * @returns {Dots}
 */
export function dotsOf({ groupOf, groups, shades }) {
  const pixels = groups.map((group) => pixelOf(group.colour));
  return {
    symbols: Uint8Array.from(groupOf, (group) => (shades ? 0 : groups[group].symbol % SYMBOLS.length)),
    colours: shades ?? Int32Array.from(groupOf, (group) => pixels[group]),
  };
}

/**
 * Writes points on an empty sheet, with a contour around them; their density where more are in sight
 * than a frame carries.
 * @param {Sheet} sheet
 * @param {Dots} dots
 * @param {Float32Array} places pixels of the sheet, flat
 * @param {ArrayLike<number>} order which points, the last on top
 * @param {number} ratio pixels of the sheet for one CSS pixel
 * @param {Edge} edge
 */
export function writeDots(sheet, { symbols, colours }, places, order, ratio, { outline, isSmooth }) {
  const isMany = order.length > CARRIED;
  const seen = isMany ? pointsOn(sheet, places, order) : order;
  if (seen.length > CARRIED) {
    fillDensity(sheet, places, seen, colours);
    return;
  }
  const count = isMany ? seen.length : symbols.length;
  const radius = radiusFor(count, Math.min(sheet.width, sheet.height) / ratio);
  const stamps = SYMBOLS.map((symbol) => stampOf(symbol, radius * ratio));
  fillPoints(sheet, places, seen, symbols, stamps, colours);
  contour(sheet, outline, isSmooth);
}

/**
 * Draws points as circles of a drawing of vectors: outlines first, fills over them.
 * @param {CanvasRenderingContext2D} pen
 * @param {Dots} dots
 * @param {Float32Array} places in the units of the pen, flat
 * @param {ArrayLike<number>} order
 * @param {View} view
 * @param {string} outline
 */
export function traceDots(pen, { colours }, places, order, view, outline) {
  const radius = radiusFor(colours.length, Math.min(view.width, view.height));
  for (const isOutline of [true, false]) {
    for (const n of Array.from(order)) {
      pen.beginPath();
      pen.arc(places[2 * n], places[2 * n + 1], radius + (isOutline ? 1 : 0), 0, 2 * Math.PI);
      pen.fillStyle = isOutline ? outline : cssOf(colours[n]);
      pen.fill();
    }
  }
}

/**
 * The radius of a mark in CSS pixels.
 * @param {number} count of points
 * @param {number} side the shorter one of the plot area, in CSS pixels
 */
function radiusFor(count, side) {
  const [, full] = RADII.find(([most]) => count <= most) ?? RADII[RADII.length - 1];
  const wanted = full * Math.min(1, Math.max(LEAST_SHARE, side / FULL_SIDE));
  const miss = (/** @type {number} */ radius) => Math.abs(radius - wanted);
  return RADII.reduce((best, [, radius]) => (miss(radius) < miss(best) ? radius : best), full);
}

/**
 * A pixel as a colour of a style sheet.
 * @param {number} pixel
 */
export function cssOf(pixel) {
  const parts = [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
