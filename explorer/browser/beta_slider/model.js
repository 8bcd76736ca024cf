/**
 * A multi-rate model as the browser holds it: a decoder for every β, and the test set at many.
 */

import { readModel } from "../numerics/decoder.js";

/** @import { ImageShape } from "../common/dom.js" */

/**
 * Two neighbours in a rising list, and how far between them a value lies; the ends hold.
 * @param {ArrayLike<number>} knots
 * @param {number} value
 * @returns {[number, number]} index of the left one, share of the right one
 */
export function between(knots, value) {
  let k = 0;
  while (k < knots.length - 2 && knots[k + 1] <= value) k++;
  const share = (value - knots[k]) / (knots[k + 1] - knots[k]);
  return [k, Math.min(1, Math.max(0, share))];
}

/** @param {Float32Array} values */
const sum = (values) => values.reduce((total, value) => total + value, 0);

/**
 * Row k of a table, blended with the next one.
 * @param {Float32Array} table rows one after the other
 * @param {number} width of a row
 * @param {[number, number]} at
 * @returns {Float32Array}
 */
export function blend(table, width, [k, share]) {
  const from = k * width;
  return Float32Array.from(
    { length: width },
    (_, i) => (1 - share) * table[from + i] + share * table[from + width + i],
  );
}

/**
 * The values of β between which one lies, or null where it was measured.
 * @param {number[]} betas rising
 * @param {number} beta
 * @returns {[number, number] | null}
 */
export function gapAt(betas, beta) {
  if (betas.some((measured) => Math.abs(measured / beta - 1) < 1e-3)) return null;
  const [k] = between(betas, beta);
  return [betas[k], betas[k + 1]];
}

/** A multi-rate model as the browser holds it. */
export class MultirateModel {
  /** @param {Uint8Array} file of `slider_file` of models/export/browser_files.py */
  constructor(file) {
    const { decode, turn, header, arrays } = readModel(file);
    this.decode = decode;
    this.turn = turn;
    /** @type {ImageShape} */
    this.shape = header.image_shape;
    this.size = header.latent_dim;
    /** @type {string[]} */
    this.names = header.class_names;
    this.arrays = /** @type {Record<string, Float32Array>} */ (arrays);
    this.logBetas = Array.from(this.arrays.betas, Math.log);
    this.betas = Array.from(this.arrays.betas);
    this.range = [this.logBetas[0], this.logBetas[this.logBetas.length - 1]];
    /** How far the map must reach, with the prior's circles, at every β. */
    this.reach = 1.05 * this.arrays.mean.reduce((most, v) => Math.max(most, Math.abs(v)), 3);
  }

  /**
   * Test images one by one at one β, from a file of `codes_file`; sets the decoder's gates.
   * @param {number} beta
   */
  testSetAt(beta) {
    const place = between(this.logBetas, Math.log(beta));
    this.turnTo(beta);
    const at = (/** @type {Float32Array} */ table) => blend(table, table.length / this.logBetas.length, place);
    const { mean, log_variance, distortion, labels } = this.arrays;
    return {
      decode: this.decode, means: at(mean), logVariances: at(log_variance), distortions: at(distortion),
      labels: labels ?? null, gap: gapAt(this.betas, beta), beta,
    };
  }

  /**
   * Sets the decoder's gates.
   * @param {number} beta
   */
  turnTo(beta) {
    const [low, high] = this.range;
    this.turn((2 * Math.log(beta) - low - high) / (high - low));
  }

  /**
   * Codes of the test set at one β, and where that is on the drawn curve; sets the decoder's gates.
   * @param {number} beta
   */
  at(beta) {
    const place = between(this.logBetas, Math.log(beta));
    this.turnTo(beta);
    const { mean, distortion, rate } = this.arrays;
    return {
      codes: blend(mean, mean.length / this.logBetas.length, place),
      distortion: blend(distortion, 1, place)[0],
      rate: sum(blend(rate, this.size, place)),
    };
  }

  /**
   * What was measured nearest to a β: that β, D and R per latent. Scores are not interpolated, for
   * between two measured β they bend.
   * @param {number} beta
   */
  measuredAt(beta) {
    const [k, share] = between(this.logBetas, Math.log(beta));
    const nearest = share < 0.5 ? k : k + 1;
    const { distortion, rate } = this.arrays;
    const rates = rate.subarray(nearest * this.size, (nearest + 1) * this.size);
    return { beta: this.betas[nearest], distortion: distortion[nearest], rates, rate: sum(rates) };
  }
}
