/**
 * Colours of points by a number: a scale from the 1st to the 99th percentile, so that one
 * outlier does not grey the rest.
 */

import { pixelOf } from "../numerics/points.js";

/** Matplotlib's Viridis (Smith & van der Walt, 2015), at nine even steps. */
export const VIRIDIS = [
  "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
];

/** @typedef {{low: number, high: number, title: string, colours: string[]}} Scale "#rrggbb", rising */

/**
 * The scale of these values.
 * @param {ArrayLike<number>} values
 * @param {string} title with the unit
 * @param {string[]} colours
 * @returns {Scale}
 */
export function scaleOf(values, title, colours) {
  const sorted = Float64Array.from(values).sort();
  const at = (/** @type {number} */ share) => {
    const place = share * (sorted.length - 1);
    const k = Math.floor(place);
    const next = sorted[Math.min(k + 1, sorted.length - 1)];
    return sorted[k] + (place - k) * (next - sorted[k]);
  };
  const low = at(0.01);
  return { low, high: Math.max(at(0.99), low + 1e-6 * Math.max(1, Math.abs(low))), title, colours };
}

/**
 * The colour of every value as a pixel; what is beyond the scale has the colour of its end.
 * @param {ArrayLike<number>} values
 * @param {Scale} scale
 */
export function shadesOf(values, { low, high, colours }) {
  const stops = colours.map((colour) => pixelOf(colour));
  return Int32Array.from(values, (value) => {
    const place = Math.min(1, Math.max(0, (value - low) / (high - low))) * (stops.length - 1);
    const k = Math.min(Math.floor(place), stops.length - 2);
    return mixed(stops[k], stops[k + 1], place - k);
  });
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} share
 */
function mixed(from, to, share) {
  const part = (/** @type {number} */ shift) => {
    const [a, b] = [(from >> shift) & 255, (to >> shift) & 255];
    return Math.round(a + (b - a) * share) << shift;
  };
  return (255 << 24) | part(16) | part(8) | part(0);
}
