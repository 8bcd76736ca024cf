/**
 * A chart of codes that move: those of a film, or those at any β, with the circles of the prior.
 *
 * It pans, zooms and resets as the map does, and tells which point lies under the pointer.
 */

import { context, latentName, layer, make } from "../common/dom.js";
import { fit, viewOf } from "../numerics/view.js";
import { plotArea } from "./axes.js";
import { grouped } from "./dots.js";
import { Gestures } from "./gestures.js";
import { drawPrior } from "./prior.js";
import { Scatter, sized } from "./scatter.js";
import { ring } from "./shapes.js";

/** @import { Ranges, View } from "../numerics/view.js" */
/**
 * @typedef {object} Cast what stays the same while the codes move
 * @property {number} size Z
 * @property {number[]} axes the latents across and up; the one there is
 * @property {ArrayLike<number> | null} labels
 * @property {string[]} names of the classes
 * @property {string[]} palette
 * @property {boolean} hasPrior
 */

const NEAR = 10;
const TOUCHED = "#1b2330";
/** Colours of a file, which is white whatever the page is. */
const PAPER = { ink: "#333333", line: "#dddddd", font: "sans-serif", outline: "#1b2330", circles: "#777777" };

/** The chart in one element of the page. */
export class MovingCodes {
  /**
   * @param {HTMLElement} stage positioned
   * @param {(n: number | null) => void} [hovered] hears of the point under the pointer
   */
  constructor(stage, hovered = () => {}) {
    this.stage = stage;
    this.hovered = hovered;
    this.marks = layer("marks");
    stage.append(this.marks);
    this.scatter = new Scatter(stage, { changed: () => this.drawMarks() });
    this.gestures = new Gestures(stage, this.host());
    /** @type {Cast | null} */
    this.cast = null;
    /** @type {number | null} the point under the pointer */
    this.touched = null;
  }

  end() {
    this.gestures.end();
    this.scatter.end();
  }

  /** @returns {import("./gestures.js").Host} */
  host() {
    const { scatter } = this;
    return {
      contains: ([x, y]) => {
        const view = scatter.view;
        if (!view) return false;
        return x >= view.left && y >= view.top && x <= view.left + view.width && y <= view.top + view.height;
      },
      hover: (pixel) => this.touch(pixel && this.pointAt(pixel)),
      click: (pixel) => this.touch(this.pointAt(pixel)),
      doubleClick: () => scatter.reset(),
      pan: (dx, dy) => scatter.pan(dx, dy),
      zoom: (factor, pixel) => scatter.zoom(factor, pixel),
      outline: () => {},
      select: () => {},
    };
  }

  /**
   * Shows codes of a model, or of other latents of it.
   * @param {Cast} cast
   * @param {Float32Array} codes N·Z
   * @param {number} reach half a side of what a reset shows
   */
  show(cast, codes, reach) {
    this.cast = cast;
    const { size, axes, labels, names, palette, hasPrior } = cast;
    const title = (/** @type {number} */ j) => `${latentName(j)} (${hasPrior ? "prior standard deviations" : "no unit"})`;
    const count = codes.length / size;
    this.scatter.show({
      ...grouped(labels, names, palette, count),
      positions: placesOf(codes, size, axes),
      shades: null,
      titles: { x: title(axes[0]), y: size > 1 ? title(axes[1]) : "number of the test image" },
      equal: size > 1,
      hasNumbers: true,
      home: homeOf(count, size, reach),
    });
  }

  /**
   * The codes are elsewhere.
   * @param {Float32Array} codes
   * @param {number} reach
   */
  move(codes, reach) {
    const { size, axes } = /** @type {Cast} */ (this.cast);
    this.scatter.move(placesOf(codes, size, axes), homeOf(codes.length / size, size, reach));
  }

  /**
   * The nearest point that is shown and within reach of the pointer.
   * @param {number[]} pixel
   */
  pointAt([x, y]) {
    if (!this.scatter.view) return null;
    const places = this.scatter.stagePlaces();
    let [best, distance] = [-1, NEAR];
    for (const n of this.scatter.shown) {
      const far = Math.hypot(places[2 * n] - x, places[2 * n + 1] - y);
      if (far < distance) [best, distance] = [n, far];
    }
    return best < 0 ? null : best;
  }

  /** @param {number | null} n */
  touch(n) {
    if (n === this.touched) return;
    this.touched = n;
    this.drawMarks();
    this.hovered(n);
  }

  /** What lies over the points: the prior, and the point under the pointer. */
  drawMarks() {
    const { view, content } = this.scatter;
    if (!view || !content || !this.cast) return;
    const pen = sized(this.marks, this.stage, window.devicePixelRatio || 1);
    pen.beginPath();
    pen.rect(view.left, view.top, view.width, view.height);
    pen.clip();
    this.drawCircles(pen, view);
    if (this.touched === null || !this.scatter.isShown(this.touched)) return;
    ring(pen, view, content.positions.subarray(2 * this.touched, 2 * this.touched + 2), 7, TOUCHED);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {View} view
   * @param {string} [ink]
   */
  drawCircles(pen, view, ink) {
    const { size, hasPrior } = /** @type {Cast} */ (this.cast);
    if (hasPrior) drawPrior(pen, view, [0, 0], { isLine: size < 2, ink });
  }

  /**
   * The chart as it is now, for a file: the circles lie below the points, so that they do not mix
   * their colours.
   * @param {number} side in CSS pixels
   * @param {number} ratio pixels of the picture for one of them; at 1 there are few colours
   */
  picture(side, ratio) {
    const { scatter } = this;
    const canvas = make("canvas", { width: side * ratio, height: side * ratio });
    const { view: seen, content } = scatter;
    if (!seen || !content) return canvas;
    const pen = context(canvas);
    pen.scale(ratio, ratio);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, side, side);
    const box = plotArea(side, side, content.hasNumbers);
    const view = viewOf(box, fit(box, scatter.isHome && content.home ? content.home : seen, content.equal));
    scatter.drawUnder(pen, view, PAPER);
    pen.beginPath();
    pen.rect(view.left, view.top, view.width, view.height);
    pen.clip();
    this.drawCircles(pen, view, PAPER.circles);
    const dots = make("canvas");
    scatter.drawPoints(dots, view, ratio, { outline: PAPER.outline, isSmooth: ratio > 1 });
    pen.drawImage(dots, view.left, view.top, view.width, view.height);
    return canvas;
  }
}

/**
 * Where every code is in units of the axes; of one latent, the height is the image's number.
 * @param {Float32Array} codes
 * @param {number} size
 * @param {number[]} axes
 */
function placesOf(codes, size, axes) {
  const count = codes.length / size;
  const places = new Float32Array(2 * count);
  for (let n = 0; n < count; n++) {
    places[2 * n] = codes[n * size + axes[0]];
    places[2 * n + 1] = size > 1 ? codes[n * size + axes[1]] : n;
  }
  return places;
}

/**
 * @param {number} count
 * @param {number} size
 * @param {number} reach
 * @returns {Ranges}
 */
function homeOf(count, size, reach) {
  return { x: [-reach, reach], y: size > 1 ? [-reach, reach] : [-0.03 * count, 1.03 * count] };
}
