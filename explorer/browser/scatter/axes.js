/**
 * The axes of a chart: a grid at round numbers, their texts, and titles with their unit.
 */

import { ticks } from "../numerics/view.js";

/** @import { Box, View } from "../numerics/view.js" */
/** @typedef {{x: string, y: string}} Titles */
/** @typedef {{ink: string, line: string, font: string}} Colours of the theme */

const GAP = { left: 52, right: 10, top: 10, bottom: 44 };
const BARE = { left: 10, right: 10, top: 10, bottom: 24 };
/** Numbers are at least so many pixels apart; but there are a few in a small chart too. */
const APART = 70;
const LEAST = 4;

/**
 * The plot area of a chart of that size.
 * @param {number} width
 * @param {number} height
 * @param {boolean} hasNumbers whether the axes carry numbers; those of t-SNE do not
 * @returns {Box}
 */
export function plotArea(width, height, hasNumbers) {
  const { left, right, top, bottom } = hasNumbers ? GAP : BARE;
  return {
    left,
    top,
    width: Math.max(40, width - left - right),
    height: Math.max(40, height - top - bottom),
  };
}

/**
 * Draws grid, numbers and titles.
 * @param {CanvasRenderingContext2D} pen
 * @param {View} view
 * @param {Titles} titles
 * @param {Colours} colours
 * @param {boolean} hasNumbers
 */
export function drawAxes(pen, view, titles, { ink, line, font }, hasNumbers) {
  const { left, top, width, height } = view;
  pen.save();
  pen.lineWidth = 1;
  pen.strokeStyle = line;
  pen.fillStyle = ink;
  pen.font = `12px ${font}`;
  if (hasNumbers) {
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const { value, text } of ticks(view.x, Math.max(LEAST, width / APART))) {
      const x = Math.round(view.toPixels([value, 0])[0]) + 0.5;
      stroke(pen, x, top, x, top + height);
      pen.fillText(text, x, top + height + 6);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const { value, text } of ticks(view.y, Math.max(LEAST, height / APART))) {
      const y = Math.round(view.toPixels([0, value])[1]) + 0.5;
      stroke(pen, left, y, left + width, y);
      pen.fillText(text, left - 6, y);
    }
  }
  pen.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  pen.textAlign = "center";
  pen.textBaseline = "alphabetic";
  pen.fillText(titles.x, left + width / 2, top + height + (hasNumbers ? 36 : 16));
  pen.translate(hasNumbers ? 14 : 8, top + height / 2);
  pen.rotate(-Math.PI / 2);
  if (hasNumbers) pen.fillText(titles.y, 0, 0);
  pen.restore();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} toX
 * @param {number} toY
 */
function stroke(pen, x, y, toX, toY) {
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(toX, toY);
  pen.stroke();
}
