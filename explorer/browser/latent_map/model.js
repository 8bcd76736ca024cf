/**
 * A model as the browser holds it: decoder, codes of the test set, densities.
 */

import { buildAggregate, logPrior } from "../numerics/aggregate_posterior.js";
import { readModel } from "../numerics/decoder.js";
import { shown } from "../common/dom.js";

/** @import { ImageShape } from "../common/dom.js" */
/** @typedef {{logPrior: number | null, logAggregate: number | null, rare: boolean}} Density in nats */

const SAMPLED = 200;
/** What is shown in place of a decoder that cannot run here, by the type of its layer.
 * @type {Record<string, string | undefined>} */
const SUBSTITUTES = { grid: "between grid points", nearest: "nearest decoded code" };

/** The model of a live map, from the file that `map_file` of models/export/browser_files.py makes. */
export class LatentModel {
  /** @param {Uint8Array} file */
  constructor(file) {
    const { decode, header, arrays } = readModel(file);
    this.decode = decode;
    this.source = SUBSTITUTES[header.layers[0].type] ?? "";
    /** @type {ImageShape} */
    this.shape = header.image_shape;
    this.size = header.latent_dim;
    this.names = header.class_names;
    this.means = arrays.mean ?? new Float32Array();
    this.distortions = arrays.distortion ?? new Float32Array();
    this.count = this.distortions.length;
    this.logVariances = arrays.log_variance ?? null;
    this.labels = arrays.labels ?? null;
    this.aggregate = this.logVariances
      ? buildAggregate(this.size, this.means, this.logVariances)
      : null;
    this.usual = this.usualDensity();
  }

  /**
   * The mean code of a test image.
   * @param {number} n
   */
  codeOf(n) {
    return this.means.slice(n * this.size, (n + 1) * this.size);
  }

  /** The 1st percentile of ln q(z) at the codes themselves: below it, few codes are near. */
  usualDensity() {
    const aggregate = this.aggregate;
    if (!aggregate) return -Infinity;
    const step = Math.max(1, Math.floor(this.count / SAMPLED));
    const densities = [];
    for (let n = 0; n < this.count; n += step) densities.push(aggregate(this.codeOf(n)));
    densities.sort((a, b) => a - b);
    return densities[Math.floor(densities.length / 100)];
  }

  /**
   * How likely prior and aggregate posterior hold a code; nothing to say of an autoencoder.
   * @param {Float32Array} z
   * @returns {Density}
   */
  density(z) {
    if (!this.aggregate) return { logPrior: null, logAggregate: null, rare: false };
    const logAggregate = this.aggregate(z);
    return { logPrior: logPrior(z), logAggregate, rare: logAggregate < this.usual };
  }

  /**
   * The test image whose code is nearest to z, by Euclidean distance.
   * @param {ArrayLike<number>} z
   */
  nearestCode(z) {
    let [best, least] = [0, Infinity];
    for (let n = 0; n < this.count; n++) {
      let distance = 0;
      for (let j = 0; j < this.size; j++) distance += (this.means[n * this.size + j] - z[j]) ** 2;
      if (distance < least) [best, least] = [n, distance];
    }
    return best;
  }

  /**
   * D and R of a test image: −ln p(x|z) as it was scored, and its posterior's KL to the prior.
   * @param {number} n
   */
  scoresOf(n) {
    const distortion = `D ${shown(this.distortions[n], 1)}`;
    const logVariances = this.logVariances?.subarray(n * this.size, (n + 1) * this.size);
    if (!logVariances) return `${distortion} nats`;
    const rate = this.codeOf(n).reduce((sum, mean, j) => {
      const v = logVariances[j];
      return sum + 0.5 * (mean * mean + Math.exp(v) - 1 - v);
    }, 0);
    return `${distortion} + R ${shown(rate, 1)} nats`;
  }

  /**
   * A test image's number and class.
   * @param {number} n
   */
  nameOf(n) {
    return `Image ${n}${this.labels ? ` · ${this.names[this.labels[n]]}` : ""}`;
  }
}
