/**
 * Log-densities of the prior p(z) and of the aggregate posterior q(z), in nats. No DOM.
 *
 * @typedef {{count: number, size: number, edges: Uint32Array, low: Float64Array,
 *   high: Float64Array, slack: Float64Array, base: Float64Array, codes: Float64Array,
 *   places: Uint32Array}} Tiles
 * @typedef {(z: ArrayLike<number>, without?: number) => number} Aggregate z → ln q(z), in nats; with
 *   a code's number, that of all others
 */

import { normals } from "./normal.js";

const DRAWS = 500;
const RARE = 0.01;
const ALONE = 0.9;

/**
 * ln of the standard normal density at z, in nats.
 * @param {Float32Array} z
 */
export function logPrior(z) {
  return -0.5 * z.reduce((sum, v) => sum + v * v, z.length * Math.log(2 * Math.PI));
}

/**
 * Builds the function z → ln q(z), the aggregate posterior q(z) = (1/N) Σ q(z|x_n), in nats; with
 * the number n of a code also ln of (1/(N − 1)) Σ_{m ≠ n} q(z|x_m).
 *
 * Within 1e-6 of the exact value: what is left out are codes whose density is below e^-14 / N of
 * the largest one, which a tile of codes tells without looking at its members.
 * @param {number} size Z
 * @param {Float32Array} means N·Z values
 * @param {Float32Array} logVariances N·Z values
 * @returns {Aggregate}
 */
export function buildAggregate(size, means, logVariances) {
  const tiles = tileCodes(size, means, logVariances);
  const total = means.length / size;
  const reach = Math.log(total) + 14;
  const constant = 0.5 * size * Math.log(2 * Math.PI);
  const bounds = new Float64Array(tiles.count);
  return (z, without) => {
    const skip = without === undefined ? -1 : tiles.places[without];
    const summed = skip < 0 ? total : total - 1;
    let best = 0;
    for (let t = 0; t < tiles.count; t++) {
      bounds[t] = tileBound(tiles, t, z);
      if (bounds[t] > bounds[best]) best = t;
    }
    const sum = { largest: -Infinity, scaled: 0, skip };
    addTile(tiles, best, z, reach, sum);
    for (let t = 0; t < tiles.count; t++) {
      if (t !== best && bounds[t] > sum.largest - reach) addTile(tiles, t, z, reach, sum);
    }
    return summed ? sum.largest + Math.log(sum.scaled) - Math.log(summed) - constant : -Infinity;
  };
}

/**
 * How rare a spot must be to lie off the codes: of z ~ q(z|x_n), each measured by the codes of all
 * other images, one in a hundred has a smaller ln q(z) than `least`. (By all codes every one would
 * sit on its own posterior, and look usual wherever it is.)
 *
 * Codes are `thin` if for nine in ten draws their own posterior is more than half of q(z): they
 * hardly overlap, and ln q(z) tells how far the nearest ones are, no more.
 * @param {number} size Z
 * @param {Float32Array} means N·Z values
 * @param {Float32Array} logVariances N·Z values
 * @param {Aggregate} aggregate of these codes
 * @returns {{least: number, thin: boolean}} nats; −∞ of fewer than two codes
 */
export function usualDensity(size, means, logVariances, aggregate) {
  const total = means.length / size;
  if (total < 2) return { least: -Infinity, thin: false };
  const normal = normals(0);
  let alone = 0;
  const densities = Float64Array.from({ length: DRAWS }, (_, i) => {
    const n = Math.floor((i * total) / DRAWS);
    let own = -0.5 * size * Math.log(2 * Math.PI);
    const z = Float64Array.from({ length: size }, (_value, j) => {
      const noise = normal();
      const at = n * size + j;
      own -= 0.5 * (noise * noise + logVariances[at]);
      return means[at] + Math.exp(logVariances[at] / 2) * noise;
    });
    const others = aggregate(z, n);
    if (own > others + Math.log(total - 1)) alone += 1;
    return others;
  }).sort();
  return { least: densities[Math.floor(RARE * DRAWS)], thin: alone > ALONE * DRAWS };
}

/**
 * Sorts the codes into tiles of neighbours along the two latents where they spread most, and
 * notes of each tile the box around its means, its smallest precisions and its smallest ln |Σ|.
 * @param {number} size
 * @param {Float32Array} means
 * @param {Float32Array} logVariances
 * @returns {Tiles}
 */
function tileCodes(size, means, logVariances) {
  const members = 64;
  const total = means.length / size;
  const order = tileOrder(size, means, members);
  const count = Math.ceil(total / members);
  const edges = Uint32Array.from({ length: count + 1 }, (_, t) => Math.min(total, t * members));
  const low = new Float64Array(count * size).fill(Infinity);
  const high = new Float64Array(count * size).fill(-Infinity);
  const slack = new Float64Array(count * size).fill(Infinity);
  const base = new Float64Array(count).fill(Infinity);
  const stride = 1 + 2 * size; // ln |Σ|, then mean and precision of every latent
  const codes = new Float64Array(total * stride);
  const places = new Uint32Array(total); // where each code is now
  for (let n = 0; n < total; n++) {
    const tile = Math.floor(n / members);
    places[order[n]] = n;
    let logDeterminant = 0;
    for (let j = 0; j < size; j++) {
      const from = order[n] * size + j;
      const at = tile * size + j;
      const precision = Math.exp(-logVariances[from]);
      logDeterminant += logVariances[from];
      codes[n * stride + 1 + 2 * j] = means[from];
      codes[n * stride + 2 + 2 * j] = precision;
      low[at] = Math.min(low[at], means[from]);
      high[at] = Math.max(high[at], means[from]);
      slack[at] = Math.min(slack[at], precision);
    }
    codes[n * stride] = logDeterminant;
    base[tile] = Math.min(base[tile], logDeterminant);
  }
  return { count, size, edges, low, high, slack, base, codes, places };
}

/**
 * The order in which consecutive codes are neighbours: strips of one latent, sorted by another.
 * @param {number} size
 * @param {Float32Array} means
 * @param {number} members of a tile
 */
function tileOrder(size, means, members) {
  const total = means.length / size;
  const [first, second] = widestLatents(size, means);
  const along = (/** @type {number} */ j) => (/** @type {number} */ m, /** @type {number} */ n) =>
    means[m * size + j] - means[n * size + j];
  const order = Uint32Array.from({ length: total }, (_, n) => n).sort(along(first));
  const strip = members * Math.ceil(Math.sqrt(total / members));
  for (let n = 0; n < total; n += strip) order.subarray(n, n + strip).sort(along(second));
  return order;
}

/**
 * The two latents along which the means vary most; twice the same if there is only one.
 * @param {number} size
 * @param {Float32Array} means
 */
function widestLatents(size, means) {
  const sums = new Float64Array(size);
  const squares = new Float64Array(size);
  means.forEach((value, i) => {
    sums[i % size] += value;
    squares[i % size] += value * value;
  });
  const spread = squares.map((square, j) => square - (sums[j] * sums[j] * size) / means.length);
  const order = [...spread.keys()].sort((i, j) => spread[j] - spread[i]);
  return [order[0], order[Math.min(1, size - 1)]];
}

/**
 * No code of the tile has a larger -½ (ln |Σ| + Σ_j (z_j - μ_j)² / σ_j²) than this.
 * @param {Tiles} tiles
 * @param {number} tile
 * @param {ArrayLike<number>} z
 */
function tileBound({ size, low, high, slack, base }, tile, z) {
  let square = base[tile];
  for (let j = 0, i = tile * size; j < size; j++, i++) {
    const gap = Math.max(0, low[i] - z[j], z[j] - high[i]);
    square += gap * gap * slack[i];
  }
  return -0.5 * square;
}

/**
 * Adds a tile's codes to the sum of exponentials, which is kept relative to its largest term.
 * @param {Tiles} tiles
 * @param {number} tile
 * @param {ArrayLike<number>} z
 * @param {number} reach terms this far below the largest one are left out
 * @param {{largest: number, scaled: number, skip: number}} sum
 */
function addTile({ size, edges, codes }, tile, z, reach, sum) {
  let { largest, scaled } = sum;
  for (let n = edges[tile], i = n * (1 + 2 * size); n < edges[tile + 1]; n++) {
    let square = codes[i++];
    for (let j = 0; j < size; j++, i += 2) square += (z[j] - codes[i]) ** 2 * codes[i + 1];
    if (n === sum.skip) continue;
    const term = -0.5 * square;
    if (term > largest) {
      scaled = scaled * Math.exp(largest - term) + 1;
      largest = term;
    } else if (term > largest - reach) scaled += Math.exp(term - largest);
  }
  Object.assign(sum, { largest, scaled });
}
