/**
 * Shapes that are drawn over points.
 */

/** @import { View } from "../numerics/view.js" */
/** @typedef {{a: number, b: number, angle: number}} Ellipse semi-axes of 1σ, angle of the first */

export const SELECTED = "#ff2d87";
export const DRAWN = "#00a878";

/**
 * A posterior's ellipse, at true scale.
 * @param {CanvasRenderingContext2D} pen
 * @param {View} view
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
 * A line across a place, so long to either side.
 * @param {CanvasRenderingContext2D} pen
 * @param {View} view
 * @param {ArrayLike<number>} place
 * @param {number} length in the units of the axes
 */
export function traceSpread(pen, view, place, length) {
  const [x, y] = view.toPixels(place);
  const across = length * view.scale[0];
  pen.beginPath();
  pen.moveTo(x - across, y);
  pen.lineTo(x + across, y);
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {View} view
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
 * @param {View} view
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
 * @param {View} view
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
 * A name in the middle of a pixel, with a halo.
 * @param {CanvasRenderingContext2D} pen
 * @param {number[]} pixel
 * @param {string} text
 */
export function named(pen, [x, y], text) {
  pen.font = "600 13px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 4;
  pen.strokeText(text, x, y);
  pen.fillStyle = "#1b2330";
  pen.fillText(text, x, y);
  pen.textAlign = "start";
  pen.textBaseline = "alphabetic";
}
