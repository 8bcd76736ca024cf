/**
 * The true posterior p(z|x) of the selected image under the points of the map, and by how much the
 * encoder's falls short of it. For models with two latents, where the page has the original.
 */

import { context, make, shown } from "../common/dom.js";
import { inSlices } from "../common/slices.js";
import { why } from "../glossary/why.js";
import { integrate, logLikelihood, startPlaces } from "../numerics/true_posterior.js";

/** @import { Plane } from "../numerics/geometry.js" */
/** @import { TruePosterior } from "../numerics/true_posterior.js" */
/** @import { Background } from "./background.js" */
/** @import { LatentMap } from "./map.js" */
/** @import { LatentModel } from "./model.js" */

const PIXELS = 72;
/** How far the plane is searched at least: the prior holds 10⁻⁵ beyond it. */
const LEAST_REACH = 5;
const SHADE = [0, 121, 107];

/** The true posterior of one map. */
export class Truth {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.isWanted = false;
    /** @type {TruePosterior | null} */
    this.found = null;
    /** @type {Background | null} */
    this.layer = null;
    /** What it is of, or is being computed for. */
    this.key = "";
    /** @type {Promise<Float32Array[] | null> | null} images at the places where every search starts */
    this.started = null;
    /** The model and the β that they are of. */
    this.startedFor = "";
    this.line = make("p", { className: "hint" });
    this.line.setAttribute("aria-live", "polite");
    this.nearer = make("button", { type: "button", textContent: "Zoom to it", disabled: true, onclick: () => this.zoom() });
    this.button = make("button", { type: "button", textContent: "True posterior p(z|x)", onclick: () => this.toggle() });
  }

  /** Nothing is shown or computed any more. */
  forget() {
    this.key = "";
    this.found = null;
    this.layer = null;
    this.started = null;
  }

  toggle() {
    this.isWanted = !this.isWanted;
    this.map.inspector.show();
    this.map.remember();
  }

  /** Whether this model can be integrated here. */
  get isPossible() {
    const { model, plane } = this.map;
    return plane !== null && model.size === 2 && model.logVariances !== null && !model.source && model.canSample;
  }

  /** Shows as much of the map as the fine grid covers, and a little more. */
  zoom() {
    if (!this.layer) return;
    const [x, y] = [this.layer.x, this.layer.y].map(([low, high]) => {
      const margin = 0.3 * (high - low);
      return /** @type {[number, number]} */ ([low - margin, high + margin]);
    });
    this.map.scatter.look({ x, y });
  }

  /** The button and its line for the report of the selected image; nothing where it cannot be had. */
  report() {
    const { point, originals } = this.map;
    const image = point === null ? null : originals.of(point);
    if (!this.isPossible || !image) {
      this.clear();
      return [];
    }
    this.button.setAttribute("aria-pressed", String(this.isWanted));
    if (this.isWanted) this.compute(/** @type {number} */ (point), image);
    else this.clear();
    const nearer = this.isWanted ? [this.nearer] : [];
    const row = make("div", { className: "row" }, this.button, ...nearer, why("true_posterior", "why?"));
    return this.isWanted ? [row, this.line] : [row];
  }

  clear() {
    if (!this.key) return;
    Object.assign(this, { key: "", found: null, layer: null });
    this.map.scatter.request();
    this.map.requestMarks();
  }

  /**
   * Computes it in slices; the next question stops it.
   * @param {number} n
   * @param {Float32Array} image
   */
  async compute(n, image) {
    const { model, plane } = this.map;
    const key = JSON.stringify([n, this.map.has.model, model.beta, plane && [[0, 0], [1, 0]].map((z) => plane.project(z))]);
    if (key === this.key) return;
    Object.assign(this, { key, found: null, layer: null });
    this.nearer.disabled = true;
    this.line.textContent = "Integrating over the plane…";
    this.map.scatter.request();
    const watch = { report: () => {}, isWanted: () => this.key === key };
    const reach = Math.max(LEAST_REACH, model.reach);
    const sigmas = model.noise === "bernoulli" ? null : model.sigmas;
    const images = await this.start(model, reach);
    if (!images || !watch.isWanted()) return;
    const value = (/** @type {number[]} */ z) => logLikelihood(image, model.decode(z), sigmas);
    const encoder = { mean: model.codeOf(n), sigma: model.latentsOf(n).map(({ sigma }) => Number(sigma)) };
    const first = images.map((decoded) => logLikelihood(image, decoded, sigmas));
    const found = await inSlices(integrate(value, encoder, reach, first), watch);
    if (!found || !watch.isWanted() || !plane) return;
    this.found = found;
    this.layer = layerOf(found, plane);
    this.line.replaceChildren(...sentence(found));
    this.nearer.disabled = false;
    this.map.scatter.request();
    this.map.requestMarks();
  }

  /**
   * The decoded images that every search starts from: once for a model and a β.
   * @param {LatentModel} model
   * @param {number} reach
   */
  start(model, reach) {
    const of = JSON.stringify([this.map.has.model, model.beta]);
    if (!this.started || this.startedFor !== of) {
      this.startedFor = of;
      const isWanted = () => this.startedFor === of && this.map.loaded === model;
      this.started = inSlices(decodeAll(model.decode, startPlaces(reach)), { report: () => {}, isWanted });
    }
    return this.started;
  }
}

/**
 * @param {LatentModel["decode"]} decode
 * @param {number[][]} places
 * @returns {Generator<number, Float32Array[]>}
 */
function* decodeAll(decode, places) {
  const images = [];
  for (const place of places) {
    images.push(decode(place));
    if (images.length % 8 === 0) yield images.length / places.length;
  }
  return images;
}

/**
 * What the numbers say, in two sentences.
 * @param {TruePosterior} found
 */
function sentence({ amortisation, family, error, outside }) {
  const nats = (/** @type {number} */ value) => shown(Math.max(value, 0));
  const beyond = outside < 0.001 ? "less than 0.1" : shown(100 * outside, 1);
  return [
    `The encoder’s ellipse costs ${nats(amortisation + family)} nats against the shaded true posterior: ` +
      `${nats(amortisation)} because this image has a better ellipse (dashed; `,
    why("amortisation_gap", "amortisation gap"),
    `), ${nats(family)} because no ellipse fits (`,
    why("family_gap", "family gap"),
    `). Error of the quadrature: ${shown(Math.max(error, 0.01))} nats; ${beyond} % of the posterior lies beyond the fine grid.`,
  ];
}

/**
 * The posterior's density as a picture in the plane, opaque where it is largest.
 * @param {TruePosterior} found
 * @param {Plane} plane
 * @returns {Background}
 */
function layerOf({ grid }, plane) {
  const ends = (/** @type {number[]} */ axis) => [axis[0], axis[axis.length - 1]];
  const corners = ends(grid.x).flatMap((x) => ends(grid.y).map((y) => plane.project([x, y])));
  const [x, y] = [0, 1].map((axis) => {
    const values = corners.map((corner) => corner[axis]);
    return /** @type {[number, number]} */ ([Math.min(...values), Math.max(...values)]);
  });
  const most = grid.values.reduce((best, value) => Math.max(best, value), -Infinity);
  const bitmap = make("canvas", { width: PIXELS, height: PIXELS });
  const pixels = new Uint8ClampedArray(4 * PIXELS * PIXELS);
  for (let i = 0; i < PIXELS * PIXELS; i++) {
    const u = x[0] + (((i % PIXELS) + 0.5) / PIXELS) * (x[1] - x[0]);
    const v = y[1] - ((Math.floor(i / PIXELS) + 0.5) / PIXELS) * (y[1] - y[0]);
    pixels.set([...SHADE, 215 * Math.exp(between(grid, plane.embed([u, v])) - most)], 4 * i);
  }
  context(bitmap).putImageData(new ImageData(pixels, PIXELS, PIXELS), 0, 0);
  return { bitmap, x, y, smooth: true };
}

/**
 * The grid's value at a place, linear between its points; −∞ outside.
 * @param {TruePosterior["grid"]} grid
 * @param {ArrayLike<number>} z
 */
function between({ x, y, values }, z) {
  const [i, j] = [(z[0] - x[0]) / (x[1] - x[0]), (z[1] - y[0]) / (y[1] - y[0])];
  const [a, b] = [Math.floor(i), Math.floor(j)];
  if (a < 0 || b < 0 || a + 1 >= x.length || b + 1 >= y.length) return -Infinity;
  const at = (/** @type {number} */ p, /** @type {number} */ q) => values[q * x.length + p];
  const low = at(a, b) + (i - a) * (at(a + 1, b) - at(a, b));
  const high = at(a, b + 1) + (i - a) * (at(a + 1, b + 1) - at(a, b + 1));
  return low + (j - b) * (high - low);
}
