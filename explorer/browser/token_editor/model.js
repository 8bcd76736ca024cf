/**
 * A VQ-VAE as the browser holds it: decoder, codebook, prior, and test images as tokens. No DOM.
 */

import { readModel } from "../numerics/decoder.js";
import { buildTokenPrior } from "../numerics/token_prior.js";
import { logLikelihood } from "../numerics/true_posterior.js";

/** @import { ImageShape } from "../common/dom.js" */
/** @typedef {number[]} Grid the number of a code for every place, row by row */
/** @typedef {{grid: [number, number], codes: number, noise: string}} Extra what the file says besides */

/** A VQ-VAE as the browser holds it. */
export class TokenModel {
  /** @param {Uint8Array} file of `tokens_file` of models/export/tokens_file.py */
  constructor(file) {
    const { decode, header, arrays } = readModel(file);
    const { grid, codes } = /** @type {Extra} */ (/** @type {unknown} */ (header));
    this.run = decode;
    /** @type {ImageShape} */
    this.shape = header.image_shape;
    this.noise = header.noise;
    this.names = header.class_names;
    this.rows = grid[0];
    this.columns = grid[1];
    this.places = this.rows * this.columns;
    this.codes = codes;
    this.vectors = /** @type {Float32Array} */ (arrays.codebook);
    this.width = this.vectors.length / codes;
    this.sigmas = arrays.sigma ?? null;
    /** How often the test images use every code. */
    this.usage = /** @type {Float32Array} */ (arrays.usage);
    this.originals = arrays.originals ?? new Float32Array();
    this.labels = arrays.labels ?? null;
    /** Their numbers in the test set. */
    this.numbers = arrays.numbers ?? new Float32Array();
    this.tokens = arrays.tokens ?? new Float32Array();
    this.count = this.tokens.length / this.places;
    /** @type {Record<string, Float32Array | undefined>} */
    const own = {};
    for (const [name, array] of Object.entries(arrays)) {
      if (name.startsWith("prior.")) own[name.slice(6)] = array;
    }
    this.prior = buildTokenPrior(own, this.places);
  }

  /**
   * A test image as tokens.
   * @param {number} n
   * @returns {Grid}
   */
  gridOf(n) {
    return [...this.tokens.subarray(n * this.places, (n + 1) * this.places)];
  }

  /** @param {number} n */
  originalOf(n) {
    const pixels = this.shape.reduce((product, side) => product * side);
    return this.originals.subarray(n * pixels, (n + 1) * pixels);
  }

  /**
   * The mean image of a grid.
   * @param {Grid} grid
   */
  decode(grid) {
    const z = new Float32Array(this.places * this.width);
    grid.forEach((code, place) => {
      for (let d = 0; d < this.width; d++) z[d * this.places + place] = this.vectors[code * this.width + d];
    });
    return this.run(z);
  }

  /**
   * What a code looks like amid its like: the middle tile of the image of a grid of it alone.
   * @param {number} code
   * @returns {{values: Float32Array, shape: ImageShape}}
   */
  tileOf(code) {
    const [channels, height, width] = this.shape;
    const [tall, wide] = [Math.floor(height / this.rows), Math.floor(width / this.columns)];
    const [top, left] = [tall * (this.rows >> 1), wide * (this.columns >> 1)];
    const image = this.decode(Array(this.places).fill(code));
    const values = new Float32Array(channels * tall * wide);
    for (let i = 0; i < values.length; i++) {
      const [c, y, x] = [Math.floor(i / tall / wide), Math.floor(i / wide) % tall, i % wide];
      values[i] = image[(c * height + top + y) * width + left + x];
    }
    return { values, shape: [channels, tall, wide] };
  }

  /**
   * −ln p(x|t) of an image, nats; null where p(x|t) has no σ that is known here.
   * @param {ArrayLike<number>} image
   * @param {ArrayLike<number>} decoded
   */
  distortion(image, decoded) {
    if (this.noise === "bernoulli") return -logLikelihood(image, decoded, null);
    return this.sigmas ? -logLikelihood(image, decoded, this.sigmas) : null;
  }

  /**
   * −ln p(t) of a grid, nats, and ln p of every code at every place.
   * @param {Grid} grid
   */
  priorOf(grid) {
    const rows = this.prior.rows(grid);
    return { rate: -rows.reduce((sum, row, place) => sum + row[grid[place]], 0), rows };
  }

  /**
   * The straight line between two grids' vectors, each step of it moved to the nearest codes.
   * @param {Grid} from
   * @param {Grid} to
   * @param {number} n steps, both ends included
   * @returns {Grid[]}
   */
  walk(from, to, n) {
    const at = (/** @type {number} */ share) =>
      from.map((code, place) => (code === to[place] ? code : this.nearestBetween(code, to[place], share)));
    return Array.from({ length: n }, (_, k) => at(k / (n - 1)));
  }

  /**
   * The code nearest to (1 − s)·a + s·b; of equally near ones the first.
   * @param {number} a
   * @param {number} b
   * @param {number} share s
   */
  nearestBetween(a, b, share) {
    const { vectors, width } = this;
    let [best, least] = [a, Infinity];
    for (let k = 0; k < this.codes; k++) {
      let distance = 0;
      for (let d = 0; d < width; d++) {
        const target = (1 - share) * vectors[a * width + d] + share * vectors[b * width + d];
        distance += (vectors[k * width + d] - target) ** 2;
      }
      if (distance < least) [best, least] = [k, distance];
    }
    return best;
  }

  /** Codes that the test images use, and how many, used equally, would spread as much. */
  get use() {
    const total = this.usage.reduce((sum, count) => sum + count, 0);
    const shares = [...this.usage].filter(Boolean).map((count) => count / total);
    return { used: shares.length, perplexity: Math.exp(-shares.reduce((sum, p) => sum + p * Math.log(p), 0)), total };
  }
}
