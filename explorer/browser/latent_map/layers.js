/**
 * What is drawn over and under the points of the map.
 */

import { context, levels, make } from "../common/dom.js";

/** @import { frame } from "../common/chart.js" */
/** @import { ImageShape } from "../common/dom.js" */
/** @typedef {ReturnType<typeof frame>} Frame */
/** @typedef {{a: number, b: number, angle: number}} Ellipse semi-axes of 1σ, angle of the first */
/** @typedef {{bitmap: HTMLCanvasElement, x: [number, number], y: [number, number], smooth: boolean}} Ground */

export const SELECTED = "#ff2d87";
export const DRAWN = "#00a878";
const ROW_MS = 12;

/**
 * A canvas as large as the chart, cleared, drawing in CSS pixels inside the plot area.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} chart
 * @param {Frame} view
 */
export function sheet(canvas, chart, view) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = context(canvas);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.beginPath();
  pen.rect(view.left, view.top, view.width, view.height);
  pen.clip();
  return pen;
}

/**
 * A posterior's ellipse, at true scale.
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} view
 * @param {ArrayLike<number>} place
 * @param {Ellipse} ellipse
 * @param {number} sigmas
 */
export function traceEllipse(pen, view, place, { a, b, angle }, sigmas) {
  const [x, y] = view.toPixels(place);
  const [across, up] = view.scale;
  pen.save();
  pen.translate(x, y);
  pen.scale(across, -up);
  pen.rotate(angle);
  pen.beginPath();
  pen.ellipse(0, 0, Math.max(sigmas * a, 1e-9), Math.max(sigmas * b, 1e-9), 0, 0, 2 * Math.PI);
  pen.restore();
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} view
 * @param {ArrayLike<number>} place
 * @param {number} radius
 * @param {string} colour
 */
export function ring(pen, view, place, radius, colour) {
  const [x, y] = view.toPixels(place);
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  for (const [style, width] of /** @type {[string, number][]} */ ([["#fff", 4.5], [colour, 2.5]])) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.stroke();
  }
}

/**
 * A cross with a name beside it.
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} view
 * @param {ArrayLike<number>} place
 * @param {string} text
 */
export function cross(pen, view, place, text) {
  const [x, y] = view.toPixels(place);
  pen.font = "600 12px sans-serif";
  for (const [style, width] of /** @type {[string, number][]} */ ([["#fff", 5], ["#1b2330", 2]])) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x - 5, y - 5);
    pen.lineTo(x + 5, y + 5);
    pen.moveTo(x - 5, y + 5);
    pen.lineTo(x + 5, y - 5);
    pen.stroke();
    pen.lineWidth = Math.min(width, 3);
    if (style === "#fff") pen.strokeText(text, x + 8, y + 4);
  }
  pen.fillStyle = "#1b2330";
  pen.fillText(text, x + 8, y + 4);
}

/**
 * A path with a dot at every step.
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} view
 * @param {ArrayLike<number>[]} places
 * @param {string} colour
 */
export function traceSteps(pen, view, places, colour) {
  const pixels = places.map(view.toPixels);
  for (const [style, width] of /** @type {[string, number][]} */ ([["#fff", 5], [colour, 2.5]])) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pixels.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  }
  pen.fillStyle = colour;
  for (const [x, y] of pixels) {
    pen.beginPath();
    pen.arc(x, y, 3.2, 0, 2 * Math.PI);
    pen.fill();
  }
}

/**
 * Paints a background that spans a rectangle of the plane.
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} view
 * @param {Ground} ground
 */
export function drawGround(pen, view, { bitmap, x, y, smooth }) {
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
 * @returns {Generator<number, Ground>} yields the share that is done
 */
export function* decodedGround(decodeAt, shape, x, y, side) {
  const [, height, width] = shape;
  const bitmap = make("canvas", { width: side * width, height: side * height });
  const pen = context(bitmap);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const u = x[0] + ((column + 0.5) / side) * (x[1] - x[0]);
      const v = y[1] - ((row + 0.5) / side) * (y[1] - y[0]);
      const image = new ImageData(levels(decodeAt([u, v]), shape), width, height);
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
 * @returns {Generator<number, Ground>}
 */
export function* densityGround(rows, x, y, side) {
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
 * Runs a long computation in slices, so that the page stays alive.
 * @template T
 * @param {Generator<number, T>} work
 * @param {{report: (share: number) => void, isWanted: () => boolean}} watch
 * @returns {Promise<T | null>} null if it was not wanted any more
 */
export async function inSlices(work, { report, isWanted }) {
  for (;;) {
    const end = performance.now() + ROW_MS;
    while (performance.now() < end) {
      const { done, value } = work.next();
      if (done) return value;
      report(value);
    }
    await new Promise((next) => setTimeout(next));
    if (!isWanted()) return null;
  }
}
