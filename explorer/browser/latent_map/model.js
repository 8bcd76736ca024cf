/**
 * A model as the browser holds it: decoder, codes of the test set, densities.
 */

import { buildAggregate, logPrior, usualDensity } from "../numerics/aggregate_posterior.js";
import { readModel } from "../numerics/decoder.js";
import { quantile } from "../numerics/normal.js";
import { shown } from "../common/dom.js";
import { buildHoles } from "./holes.js";

/** @import { Aggregate } from "../numerics/aggregate_posterior.js" */
/** @import { ImageShape } from "../common/dom.js" */
/** @typedef {{logPrior: number | null, logAggregate: number | null, rare: boolean,
 *   thin: boolean}} Density in nats; `rare`: off the codes; `thin`: which hardly overlap */

const MOST_CLASSES = 20;
/** What is shown in place of a decoder that cannot run here, by the type of its layer.
 * @type {Record<string, string | undefined>} */
const SUBSTITUTES = { grid: "between grid points", nearest: "nearest decoded code", noise: "the noise itself" };
const OF_IMAGES = { source: "of the test images, not decoded", caption: "Nearest image" };

/** The model of a live map, from the file that `map_file` of models/export/browser_files.py makes. */
export class LatentModel {
  /** @param {Uint8Array} file */
  constructor(file) {
    const { decode, header, arrays } = readModel(file);
    /** @type {number | null} the β that the decoder is turned to; null: the one it came with */
    this.beta = null;
    this.decode = decode;
    /** @type {import("./exact.js").ServerDecoder | null} how the server decodes, where it must */
    this.exact = null;
    const first = header.layers[0];
    /** Whether there is anything to see of a code: codes may have come without pictures. */
    this.hasPictures = first !== undefined;
    this.source = (first && SUBSTITUTES[first.type]) ?? "";
    /** Whether a code is a noise image, from which a sampler elsewhere makes the picture. */
    this.isNoise = first?.type === "noise";
    /** What a picture of a code is called. */
    this.caption = "Decoded mean";
    if (!arrays.mean) this.caption = "Generated image";
    if (first?.type === "nearest" && first.of === "image") Object.assign(this, OF_IMAGES);
    /** @type {ImageShape} */
    this.shape = header.image_shape;
    this.size = header.latent_dim;
    this.names = header.class_names;
    this.means = arrays.mean ?? new Float32Array();
    /** @type {Float32Array | null} none where there is no p(x|z) */
    this.distortions = arrays.distortion ?? null;
    this.count = this.means.length / this.size;
    this.logVariances = arrays.log_variance ?? null;
    this.labels = arrays.labels ?? null;
    /** @type {Float32Array | null} what the images were made from, a row for each image */
    this.factors = arrays.factors ?? null;
    this.factorCount = this.factors ? this.factors.length / this.count : 0;
    this.aggregate = this.logVariances
      ? buildAggregate(this.size, this.means, this.logVariances)
      : null;
    /** @type {{aggregate: Aggregate, usual: {least: number, thin: boolean}} | null} */
    this.known = null;
    this.rates = this.ratePerImage();
    this.moments = momentsOf(this.means, this.size);
    /** @type {{means: Float32Array, test: (z: ArrayLike<number>) => boolean} | null} */
    this.holesOf = null;
    this.noise = header.noise;
    this.sigmas = arrays.sigma ?? null;
    /** @type {[number, number] | null} the measured β between which the scores are interpolated */
    this.gap = null;
  }

  /** Whether test images have codes; without an encoder there is a decoder alone. */
  get hasPoints() {
    return this.count > 0;
  }

  /** Whether codes are draws of N(0, I), or held near it: of a VAE, or of a generator of images. */
  get hasPrior() {
    return this.logVariances !== null || !this.hasPoints;
  }

  /**
   * The same model at another β: its decoder, and the test images that are known there.
   * Densities are left out until `measure` is asked for, for they take longer than a frame.
   * @param {{decode: LatentModel["decode"], means: Float32Array, logVariances: Float32Array,
   *   distortions: Float32Array, labels: Float32Array | null, gap: [number, number] | null}} at
   */
  turnTo(at) {
    Object.assign(this, at);
    this.count = at.means.length / this.size;
    this.aggregate = null;
    this.rates = this.ratePerImage();
  }

  /** Everything that follows from the codes. */
  measure() {
    this.aggregate = this.logVariances
      ? buildAggregate(this.size, this.means, this.logVariances)
      : null;
    this.moments = momentsOf(this.means, this.size);
  }

  /**
   * Whether a code lies in a hole; what is usual among the codes is measured when it is first asked.
   * @param {ArrayLike<number>} z
   */
  isHole(z) {
    if (this.holesOf?.means !== this.means) {
      this.holesOf = { means: this.means, test: buildHoles(this.means, this.size) };
    }
    return this.holesOf.test(z);
  }

  /**
   * Whether few codes are near: by their density, or of an autoencoder, whether it is a hole.
   * @param {Float32Array} z
   */
  isRare(z) {
    return this.logVariances ? this.density(z).rare : this.isHole(z);
  }

  /** Mean of every latent over the test set. */
  get centre() {
    return this.moments.centre;
  }

  /** Variance of every latent over the test set. */
  get spread() {
    return this.moments.spread;
  }

  /** How far sliders go: at least three standard deviations of the prior. */
  get reach() {
    return Math.max(3, Math.ceil(this.moments.most));
  }

  /** KL(q(z|x) ‖ p(z)) of every test image, nats; zeros for an autoencoder. */
  ratePerImage() {
    const rates = new Float32Array(this.count);
    for (let n = 0; n < this.count; n++) {
      for (const { rate } of this.latentsOf(n)) rates[n] += rate ?? 0;
    }
    return rates;
  }

  /**
   * μ, σ and KL in nats of every latent of a test image; σ and KL are null for an autoencoder.
   * @param {number} n
   * @returns {{mean: number, sigma: number | null, rate: number | null}[]}
   */
  latentsOf(n) {
    const rows = [];
    for (let i = n * this.size; i < (n + 1) * this.size; i++) {
      const [mean, v] = [this.means[i], this.logVariances?.[i]];
      if (v === undefined) rows.push({ mean, sigma: null, rate: null });
      else rows.push({ mean, sigma: Math.exp(v / 2), rate: 0.5 * (mean * mean + Math.expm1(v) - v) });
    }
    return rows;
  }

  /** Whether p(x|z) is known, so that it can be drawn from. */
  get canSample() {
    return this.noise === "bernoulli" || this.noise === "gaussian";
  }

  /**
   * One draw of p(x|z), values as they are, also beyond [0, 1].
   * @param {Float32Array} mean the decoded mean
   * @param {() => number} uniform numbers in (0, 1)
   */
  sample(mean, uniform) {
    if (this.noise === "bernoulli") return mean.map((p) => (uniform() < p ? 1 : 0));
    const { sigmas } = this;
    return mean.map((m, i) => m + (sigmas ? sigmas[i % sigmas.length] : 0) * quantile(uniform()));
  }

  /**
   * Codes drawn from the prior; for an autoencoder from a Gaussian fitted to its test codes.
   * @param {number} count
   * @param {() => number} normal
   * @param {boolean} asPrior draws from N(0, I) for an autoencoder too
   * @returns {Float32Array[]}
   */
  drawCodes(count, normal, asPrior = false) {
    const one = (/** @type {unknown} */ _, /** @type {number} */ j) =>
      this.hasPrior || asPrior ? normal() : this.centre[j] + Math.sqrt(this.spread[j]) * normal();
    return Array.from({ length: count }, () => Float32Array.from({ length: this.size }, one));
  }

  /** The mean code of every class that has images, by its name. */
  classMeanCodes() {
    const { labels, names } = this;
    if (!labels) return [];
    const sums = names.map(() => ({ count: 0, z: new Float64Array(this.size) }));
    labels.forEach((label, n) => {
      sums[label].count += 1;
      for (let j = 0; j < this.size; j++) sums[label].z[j] += this.means[n * this.size + j];
    });
    return sums
      .map(({ count, z }, i) => ({ name: names[i], z: Float32Array.from(z, (v) => v / count), count }))
      .filter(({ count }) => count)
      .slice(0, MOST_CLASSES);
  }

  /**
   * D, R and −ELBO of a test image in one line.
   * @param {number} n
   */
  scoreLine(n) {
    if (!this.distortions) return this.logVariances ? `R ${shown(this.rates[n], 1)} nats` : "";
    const d = this.distortions[n];
    if (!this.logVariances) return `D ${shown(d, 1)} nats. An autoencoder has no σ and no KL.`;
    return `D ${shown(d, 1)} + R ${shown(this.rates[n], 1)} = −ELBO ${shown(d + this.rates[n], 1)} nats${this.caveat}`;
  }

  /** What must be added to a score that was not measured. */
  get caveat() {
    if (!this.gap) return "";
    const [low, high] = this.gap.map((beta) => Number(beta.toPrecision(3)));
    return `, interpolated between the measured β = ${low} and ${high}`;
  }

  /**
   * The mean code of a test image.
   * @param {number} n
   */
  codeOf(n) {
    return this.means.slice(n * this.size, (n + 1) * this.size);
  }

  /** What is usual of ln q(z) among these codes, measured when it is first asked for. */
  get usual() {
    const { aggregate, logVariances } = this;
    if (!aggregate || !logVariances) return { least: -Infinity, thin: false };
    if (this.known?.aggregate !== aggregate) {
      this.known = { aggregate, usual: usualDensity(this.size, this.means, logVariances, aggregate) };
    }
    return this.known.usual;
  }

  /**
   * How likely prior and aggregate posterior hold a code; nothing to say of an autoencoder, and of
   * a model without points, the prior alone.
   * @param {Float32Array} z
   * @returns {Density}
   */
  density(z) {
    if (!this.aggregate) {
      const hasDensity = !this.hasPoints && !this.isNoise; // the length of noise is made that of draws
      return { logPrior: hasDensity ? logPrior(z) : null, logAggregate: null, rare: false, thin: false };
    }
    const logAggregate = this.aggregate(z);
    const { least, thin } = this.usual;
    return { logPrior: logPrior(z), logAggregate, rare: logAggregate < least, thin };
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
    if (!this.distortions) return this.scoreLine(n);
    const distortion = `D ${shown(this.distortions[n], 1)}`;
    if (!this.logVariances) return `${distortion} nats`;
    return `${distortion} + R ${shown(this.rates[n], 1)} nats${this.caveat}`;
  }

  /**
   * A test image's number and class.
   * @param {number} n
   */
  nameOf(n) {
    return `Image ${n}${this.labels ? ` · ${this.names[this.labels[n]]}` : ""}`;
  }
}

/**
 * Mean and variance of every latent, and the largest absolute value of all.
 * @param {ArrayLike<number>} means flat
 * @param {number} size
 */
function momentsOf(means, size) {
  const count = means.length / size;
  const centre = new Float64Array(size);
  const spread = new Float64Array(size);
  let most = 0;
  for (let i = 0; i < means.length; i++) {
    centre[i % size] += means[i] / count;
    most = Math.max(most, Math.abs(means[i]));
  }
  for (let i = 0; i < means.length; i++) spread[i % size] += (means[i] - centre[i % size]) ** 2 / count;
  return { centre, spread, most };
}
