/**
 * Points written as pixels: no graphics hardware, and no path for each point.
 *
 * First every point's fill is written, then in one pass over the sheet a contour around whatever
 * is filled: a dense cluster has one outline, and no point hides its neighbour behind its own.
 *
 * @typedef {{pixels: Int32Array, width: number, height: number}} Sheet
 *   RGBA, little endian; signed, for engines are fastest with whole numbers of 32 bits
 * @typedef {{reach: number, steps: [number, number][]}} Stamp pixels of a mark from its middle
 */

/** Symbols in the order in which classes get them; after ten classes the colours repeat. */
export const SYMBOLS = ["circle", "square", "diamond", "cross", "triangle"];

/**
 * Whether a place relative to the middle of a mark of radius 1, y down, is inside it; all symbols
 * cover about the same area.
 * @type {Record<string, (x: number, y: number) => boolean>}
 */
const INSIDE = {
  circle: (x, y) => x * x + y * y <= 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.89,
  diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1.25,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.45 && Math.max(Math.abs(x), Math.abs(y)) <= 1.2,
  triangle: (x, y) => y <= 0.9 && y >= 1.75 * Math.abs(x) - 1.3,
};

/**
 * The pixels of a symbol.
 * @param {string} symbol of `SYMBOLS`
 * @param {number} radius in pixels
 * @returns {Stamp}
 */
export function stampOf(symbol, radius) {
  const inside = INSIDE[symbol] ?? INSIDE.circle;
  const reach = Math.ceil(1.3 * radius);
  /** @type {[number, number][]} */
  const steps = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      if (inside(x / (radius + 0.1), y / (radius + 0.1))) steps.push([x, y]);
    }
  }
  return { reach, steps };
}

/**
 * A colour "#rrggbb" as a pixel.
 * @param {string} colour
 * @param {number} alpha 0 to 255
 */
export function pixelOf(colour, alpha = 255) {
  const value = parseInt(colour.slice(1), 16);
  return (alpha << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16);
}

/**
 * Positions of points in pixels of a sheet, all at once.
 * @param {ArrayLike<number>} positions in units of the axes, flat: u₁, v₁, u₂, v₂, …
 * @param {import("./view.js").View} view in CSS pixels
 * @param {number} ratio pixels of the sheet for one CSS pixel
 * @param {Float32Array} places to be filled, as long as `positions`
 */
export function placePoints(positions, view, ratio, places) {
  const [across, up] = [view.scale[0] * ratio, view.scale[1] * ratio];
  const left = view.left * ratio - view.x[0] * across;
  const bottom = (view.top + view.height) * ratio + view.y[0] * up;
  for (let i = 0; i < positions.length; i += 2) {
    places[i] = left + positions[i] * across;
    places[i + 1] = bottom - positions[i + 1] * up;
  }
}

/**
 * Writes the fills of points over what is on the sheet.
 * @param {Sheet} sheet
 * @param {ArrayLike<number>} places pixels of the sheet, flat: x₁, y₁, …
 * @param {ArrayLike<number>} order which points, the last on top
 * @param {ArrayLike<number>} stampIndex of every point
 * @param {Stamp[]} stamps
 * @param {ArrayLike<number>} colours of every point, as from `pixelOf`
 */
export function fillPoints(sheet, places, order, stampIndex, stamps, colours) {
  const { pixels, width, height } = sheet;
  const steps = stamps.map((stamp) => Int32Array.from(stamp.steps, ([x, y]) => y * width + x));
  for (let i = 0; i < order.length; i++) {
    const n = order[i];
    const x = Math.floor(places[2 * n]);
    const y = Math.floor(places[2 * n + 1]);
    const { reach } = stamps[stampIndex[n]];
    if (x < -reach || y < -reach || x >= width + reach || y >= height + reach) continue;
    if (x < reach || y < reach || x >= width - reach || y >= height - reach) {
      fillAtEdge(sheet, x, y, stamps[stampIndex[n]], colours[n]);
      continue;
    }
    const at = y * width + x;
    const colour = colours[n];
    const mine = steps[stampIndex[n]];
    for (let k = 0; k < mine.length; k++) pixels[at + mine[k]] = colour;
  }
}

/**
 * The points that lie on a sheet.
 * @param {Sheet} sheet
 * @param {ArrayLike<number>} places pixels of the sheet, flat
 * @param {ArrayLike<number>} order which points
 * @returns {Uint32Array} those of `order`, in that order
 */
export function pointsOn({ width, height }, places, order) {
  const found = new Uint32Array(order.length);
  let count = 0;
  for (let i = 0; i < order.length; i++) {
    const n = order[i];
    const [x, y] = [places[2 * n], places[2 * n + 1]];
    if (x >= 0 && y >= 0 && x < width && y < height) found[count++] = n;
  }
  return found.subarray(0, count);
}

/** Side of a cell in which points are counted, in pixels. */
const CELL = 2;
/** Opacity of a cell with one point, of 255; the fullest one is opaque. */
const FAINTEST = 70;

/**
 * Writes how many points lie where, in place of marks: a cell is as opaque as the logarithm of its
 * points, and has the mean of their colours.
 * @param {Sheet} sheet
 * @param {ArrayLike<number>} places pixels of the sheet, flat
 * @param {ArrayLike<number>} order points on the sheet
 * @param {ArrayLike<number>} colours of every point, as from `pixelOf`
 */
export function fillDensity({ pixels, width, height }, places, order, colours) {
  const across = Math.ceil(width / CELL);
  const cells = across * Math.ceil(height / CELL);
  const [counts, red, green, blue] = Array.from({ length: 4 }, () => new Uint32Array(cells));
  let fullest = 1;
  for (let i = 0; i < order.length; i++) {
    const n = order[i];
    const at = Math.floor(places[2 * n + 1] / CELL) * across + Math.floor(places[2 * n] / CELL);
    const colour = colours[n];
    red[at] += colour & 255;
    green[at] += (colour >> 8) & 255;
    blue[at] += (colour >> 16) & 255;
    if (++counts[at] > fullest) fullest = counts[at];
  }
  const scale = (255 - FAINTEST) / Math.log(1 + fullest);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / CELL) * across;
    for (let x = 0; x < width; x++) {
      const at = row + Math.floor(x / CELL);
      const count = counts[at];
      if (count === 0) continue;
      const alpha = Math.round(FAINTEST + scale * Math.log(1 + count));
      const [r, g, b] = [red[at] / count, green[at] / count, blue[at] / count];
      pixels[y * width + x] = (alpha << 24) | (b << 16) | (g << 8) | r;
    }
  }
}

/**
 * A mark that the edge of the sheet cuts.
 * @param {Sheet} sheet
 * @param {number} x
 * @param {number} y
 * @param {Stamp} stamp
 * @param {number} colour
 */
function fillAtEdge({ pixels, width, height }, x, y, { steps }, colour) {
  for (const [dx, dy] of steps) {
    const inside = x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height;
    if (inside) pixels[(y + dy) * width + x + dx] = colour;
  }
}

/**
 * Writes a contour of one pixel around everything that is filled; where it touches only at a
 * corner it is fainter, which smooths the steps of a round mark.
 *
 * A contour is never quite opaque: that is how it is told from what is filled.
 * @param {Sheet} sheet with nothing on it but opaque fills
 * @param {string} colour "#rrggbb"
 * @param {boolean} isSmooth if not, it hides what is below and leaves out the corners
 */
export function contour({ pixels, width, height }, colour, isSmooth = true) {
  const strong = pixelOf(colour, isSmooth ? 215 : 254);
  const faint = isSmooth ? pixelOf(colour, 90) : 0;
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * width - 1;
    let at = y * width + 1;
    let before = pixels[at - 1 - width] | pixels[at - 1] | pixels[at - 1 + width];
    let here = pixels[at - width] | pixels[at] | pixels[at + width];
    for (; at < end; at++) {
      const after = pixels[at + 1 - width] | pixels[at + 1] | pixels[at + 1 + width];
      const isNear = (before | here | after) !== 0; // rules most pixels out
      before = here;
      here = after;
      if (!isNear || pixels[at] !== 0) continue;
      if (touches(pixels, at, 1, width)) pixels[at] = strong;
      else if (touches(pixels, at, width - 1, width + 1)) pixels[at] = faint;
    }
  }
}

/**
 * Whether a neighbour is filled, at one of two steps before and after a pixel. Only an opaque
 * pixel has 255 in its highest byte, which is −1 after the shift; a contour has less.
 * @param {Int32Array} pixels
 * @param {number} at
 * @param {number} one
 * @param {number} other
 */
function touches(pixels, at, one, other) {
  return (
    pixels[at - one] >> 24 === -1 || pixels[at + one] >> 24 === -1 ||
    pixels[at - other] >> 24 === -1 || pixels[at + other] >> 24 === -1
  );
}
