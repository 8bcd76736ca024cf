/**
 * The ellipses of all posteriors, drawn once for a view and moved along with it.
 *
 * Ten thousand ellipses take longer than a frame. While the view changes, the last picture of them
 * is put where it belongs; once the view rests they are drawn again, some in every frame.
 */

import { context, make } from "../common/dom.js";
import { ellipse } from "../numerics/geometry.js";
import { traceEllipse, traceSpread } from "../scatter/shapes.js";

/** @import { View } from "../numerics/view.js" */
/** @import { LatentMap } from "./map.js" */
/**
 * @typedef {CanvasRenderingContext2D} Pen
 * @typedef {object} Picture ellipses as pixels
 * @property {HTMLCanvasElement} canvas the plot area
 * @property {View} view what it shows
 * @property {number} ratio pixels for one CSS pixel
 * @property {object | null} content the scatter's, when it was drawn
 * @property {Uint32Array} points whose ellipses it has
 * @property {number} done how many of them are drawn
 */

/** The view rests when it has not changed for so long. */
const RESTS_MS = 120;
/** Drawing takes so much of a frame. */
const SHARE_MS = 6;
/** Ellipses between two looks at the clock. */
const BATCH = 50;

/**
 * The ellipses of some posteriors, 1σ.
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 * @param {Uint32Array} points
 */
export function drawPosteriors(pen, view, map, points) {
  pen.lineWidth = 1;
  pen.strokeStyle = `rgba(120,130,150,${Math.max(0.08, Math.min(0.5, 150 / map.model.count))})`;
  for (const n of points) tracePosterior(pen, view, map, n, 1);
}

/**
 * One posterior: its ellipse in the plane; of one latent, a line from one end to the other.
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 * @param {number} n
 * @param {number} sigmas
 */
export function tracePosterior(pen, view, map, n, sigmas) {
  const { size, logVariances } = map.model;
  const axes = map.data?.plane?.axes;
  if (!axes || !logVariances) return;
  const row = logVariances.subarray(n * size, (n + 1) * size);
  const place = map.placeOf(n);
  if (size > 1) traceEllipse(pen, view, place, ellipse(row, axes), sigmas);
  else traceSpread(pen, view, place, sigmas * Math.exp(0.5 * row[0]));
}

/** The ellipses of every point that a map shows. */
export class Posteriors {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    /** @type {Picture | null} the last one with all its ellipses */
    this.finished = null;
    /** @type {Picture | null} the one that is being drawn */
    this.begun = null;
    this.timer = 0;
    this.frame = 0;
  }

  end() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.begun = null;
  }

  /**
   * Paints the latest picture where it belongs in this view, and has a new one drawn if it must.
   * @param {Pen} pen
   * @param {View} view
   */
  paint(pen, view) {
    if (this.finished && !this.isOfThesePoints(this.finished)) this.finished = null;
    if (this.begun && !this.isOf(this.begun, view)) this.end();
    const picture = this.finished ?? this.begun;
    if (picture) put(pen, view, picture);
    if (this.begun || (this.finished && this.isOf(this.finished, view))) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.begin(view), this.finished ? RESTS_MS : 0);
  }

  /** @param {Picture} picture */
  isOfThesePoints({ content, points }) {
    return content === this.map.scatter.content && points === this.map.scatter.shown;
  }

  /**
   * @param {Picture} picture
   * @param {View} view
   */
  isOf(picture, view) {
    const ends = (/** @type {View} */ { x, y, width, height }) => [...x, ...y, width, height].join();
    return this.isOfThesePoints(picture) && picture.ratio === window.devicePixelRatio &&
      ends(picture.view) === ends(view);
  }

  /** @param {View} view */
  begin(view) {
    const ratio = window.devicePixelRatio;
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    const canvas = make("canvas", { width, height });
    const pen = context(canvas);
    pen.scale(ratio, ratio);
    pen.translate(-view.left, -view.top);
    const { content, shown: points } = this.map.scatter;
    this.begun = { canvas, view, ratio, content, points, done: 0 };
    this.draw();
  }

  /** Draws some more; the marks show them at once where there is no earlier picture. */
  draw() {
    const picture = /** @type {Picture} */ (this.begun);
    const { canvas, view, points } = picture;
    const end = performance.now() + SHARE_MS;
    while (picture.done < points.length && performance.now() < end) {
      const next = points.subarray(picture.done, picture.done + BATCH);
      drawPosteriors(context(canvas), view, this.map, next);
      picture.done += next.length;
    }
    if (picture.done < points.length) {
      this.frame = requestAnimationFrame(() => this.draw());
    } else {
      this.finished = picture;
      this.begun = null;
    }
    if (this.finished === null || this.begun === null) this.map.drawMarks();
  }
}

/**
 * @param {Pen} pen
 * @param {View} view
 * @param {Picture} picture
 */
function put(pen, view, { canvas, view: { x, y } }) {
  const [left, top] = view.toPixels([x[0], y[1]]);
  const [right, bottom] = view.toPixels([x[1], y[0]]);
  pen.drawImage(canvas, left, top, right - left, bottom - top);
}
