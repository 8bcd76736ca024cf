/**
 * The view of a chart onto its plane: which places it shows, and where each is in pixels.
 *
 * Places are [u, v] in the units of the axes, v up; pixels are [x, y] of the chart, y down.
 *
 * @typedef {[number, number]} Pair
 * @typedef {{left: number, top: number, width: number, height: number}} Box the plot area, pixels
 * @typedef {{x: Pair, y: Pair}} Ranges what is shown: left and right end, lower and upper end
 * @typedef {Box & Ranges & {toPixels: (place: ArrayLike<number>) => Pair,
 *   toPlace: (pixel: ArrayLike<number>) => Pair, scale: Pair}} View
 *   `scale`: pixels per unit, across and up
 */

const STEPS = [1, 2, 5, 10];
/** Farthest zoom in and out, as a share of what `fit` shows. */
const ZOOM = { least: 1e-4, most: 20 };

/**
 * A view of these ranges.
 * @param {Box} box
 * @param {Ranges} ranges
 * @returns {View}
 */
export function viewOf(box, { x, y }) {
  const [across, up] = [box.width / (x[1] - x[0]), box.height / (y[1] - y[0])];
  return {
    ...box,
    x,
    y,
    scale: [across, up],
    toPixels: (place) => [
      box.left + (place[0] - x[0]) * across,
      box.top + box.height - (place[1] - y[0]) * up,
    ],
    toPlace: (pixel) => [
      x[0] + (pixel[0] - box.left) / across,
      y[0] + (box.top + box.height - pixel[1]) / up,
    ],
  };
}

/**
 * The rectangle around places, with a margin; a side without length gets one.
 * @param {ArrayLike<number>} places flat: u₁, v₁, u₂, v₂, …
 * @param {number} margin as a share of each side
 * @returns {Ranges}
 */
export function bounds(places, margin = 0.06) {
  const range = (/** @type {number} */ axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < places.length; i += 2) {
      low = Math.min(low, places[i]);
      high = Math.max(high, places[i]);
    }
    if (low > high) return /** @type {Pair} */ ([-1, 1]);
    const extra = margin * (high - low) || 1;
    return /** @type {Pair} */ ([low - extra, high + extra]);
  };
  return { x: range(0), y: range(1) };
}

/**
 * The smallest ranges that show all of the given ones; with equal axes a unit is as long up as
 * across, and the middle stays where it is.
 * @param {Box} box
 * @param {Ranges} wanted
 * @param {boolean} equal
 * @returns {Ranges}
 */
export function fit(box, wanted, equal) {
  if (!equal) return wanted;
  const unit = Math.max(length(wanted.x) / box.width, length(wanted.y) / box.height);
  return { x: around(wanted.x, unit * box.width), y: around(wanted.y, unit * box.height) };
}

/**
 * The ranges after the content was moved by some pixels.
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 * @returns {Ranges}
 */
export function panned({ x, y, scale }, dx, dy) {
  const [u, v] = [dx / scale[0], dy / scale[1]];
  return { x: [x[0] - u, x[1] - u], y: [y[0] + v, y[1] + v] };
}

/**
 * The ranges after zooming about a pixel, which keeps its place; bounded by what `home` shows.
 * @param {View} view
 * @param {number} factor below 1: nearer
 * @param {ArrayLike<number>} pixel
 * @param {Ranges} home
 * @returns {Ranges}
 */
export function zoomed(view, factor, pixel, home) {
  const share = length(view.x) / length(home.x);
  const by = Math.min(Math.max(factor, ZOOM.least / share), ZOOM.most / share);
  const place = view.toPlace(pixel);
  const about = (/** @type {Pair} */ range, /** @type {number} */ at) =>
    /** @type {Pair} */ (range.map((end) => at + (end - at) * by));
  return { x: about(view.x, place[0]), y: about(view.y, place[1]) };
}

/**
 * Round numbers in a range, evenly spaced by 1, 2 or 5 times a power of ten.
 * @param {Pair} range
 * @param {number} most how many at most, at least 1
 * @returns {{value: number, text: string}[]} rising; the texts have a true minus sign
 */
export function ticks([low, high], most) {
  const least = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * (STEPS.find((s) => s * power >= least) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    const text = digits > 6 ? (k * step).toExponential(2) : (k * step).toFixed(digits);
    found.push({ value: k * step, text: text.replace(/^-(?=[0.]*$)/, "").replaceAll("-", "−") });
  }
  return found;
}

/** @param {Pair} range */
function length([low, high]) {
  return high - low;
}

/**
 * A range of that length with the same middle.
 * @param {Pair} range
 * @param {number} size
 * @returns {Pair}
 */
function around([low, high], size) {
  const middle = (low + high) / 2;
  return [middle - size / 2, middle + size / 2];
}
