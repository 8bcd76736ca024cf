/**
 * The one painter of codes: a scatter of points with axes, pan and zoom, on plain canvases.
 *
 * The map, the film and β's slider draw their points with it. It knows nothing of models: what
 * lies under and over the points is drawn by its host, in the same view.
 */

import { context, layer } from "../common/dom.js";
import { placePoints } from "../numerics/points.js";
import { bounds, fit, panned, viewOf, zoomed } from "../numerics/view.js";
import { drawAxes, plotArea } from "./axes.js";
import { cssOf, dotsOf, traceDots, writeDots } from "./dots.js";

/** @import { Ranges, View } from "../numerics/view.js" */
/** @import { Colours, Titles } from "./axes.js" */
/** @import { Dots, Edge, Group } from "./dots.js" */
/**
 * @typedef {object} Content what is shown
 * @property {Float32Array} positions flat: u₁, v₁, u₂, v₂, …
 * @property {ArrayLike<number>} groupOf index of every point's group
 * @property {Group[]} groups
 * @property {Int32Array | null} shades colour of every point as a pixel, instead of its group's
 * @property {Titles} titles
 * @property {boolean} equal whether a unit is as long up as across
 * @property {boolean} hasNumbers whether the axes carry numbers
 * @property {Ranges | null} home what is shown at first; null: all points
 * @typedef {object} Host
 * @property {(pen: CanvasRenderingContext2D, view: View) => void} [under] draws below the points
 * @property {() => void} changed the view is another one, or the points are
 * @property {(n: number) => HTMLCanvasElement | null} [thumbnail] a picture in place of a mark
 */

/** Marks become pictures where at most so many are in sight, and the view is so much nearer. */
const THUMBNAILS = { most: 60, share: 0.75, side: 30 };

/** A scatter in one element of the page. */
export class Scatter {
  /**
   * @param {HTMLElement} stage positioned; its canvases are put below what it holds
   * @param {Host} host
   */
  constructor(stage, host) {
    this.stage = stage;
    this.host = host;
    this.ground = layer("ground");
    this.dots = layer("points");
    stage.prepend(this.ground, this.dots);
    /** @type {Content | null} */
    this.content = null;
    /** @type {View | null} */
    this.view = null;
    /** @type {Ranges} what a reset shows */
    this.home = { x: [-1, 1], y: [-1, 1] };
    /** @type {Set<number>} groups that the legend has hidden */
    this.hidden = new Set();
    /** @type {Uint32Array} points that are shown */
    this.shown = new Uint32Array();
    /** @type {Dots | null} */
    this.dressed = null;
    this.places = new Float32Array();
    /** @type {Float32Array} CSS pixels of the stage, for selections */
    this.cssPlaces = new Float32Array();
    this.frame = 0;
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(stage);
  }

  end() {
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /**
   * Shows other points; the view stays where it is unless the axes are others.
   * @param {Content} content
   * @param {boolean} keepsView
   */
  show(content, keepsView = false) {
    const isSame = keepsView && this.content !== null && this.view !== null;
    const follows = isSame && this.isHome;
    this.content = content;
    this.dressed = dotsOf(content);
    this.places = new Float32Array(content.positions.length);
    if (!isSame) this.hidden = new Set();
    this.list();
    const box = this.box();
    this.home = fit(box, content.home ?? bounds(content.positions), content.equal);
    this.look(isSame && !follows ? fit(box, /** @type {View} */ (this.view), content.equal) : this.home);
  }

  /**
   * Moves the points that are shown. The view goes with what a reset shows, unless it was panned or
   * zoomed; drawn at once, for an animation draws in its own frame.
   * @param {Float32Array} positions as many as before
   * @param {Ranges} home
   */
  move(positions, home) {
    const content = /** @type {Content} */ (this.content);
    const isFollowing = this.isHome;
    Object.assign(content, { positions, home });
    const box = this.box();
    this.home = fit(box, home, content.equal);
    if (isFollowing) this.view = viewOf(box, this.home);
    this.draw();
    this.host.changed();
  }

  /** Points whose group is shown. */
  list() {
    const { positions, groupOf } = /** @type {Content} */ (this.content);
    const all = Uint32Array.from({ length: positions.length / 2 }, (_, n) => n);
    this.shown = this.hidden.size ? all.filter((n) => !this.isHidden(groupOf[n])) : all;
  }

  /**
   * Whether the legend has hidden a group; where there is one alone, it has no button.
   * @param {number} group
   */
  isHidden(group) {
    return this.hidden.has(group) && /** @type {Content} */ (this.content).groups.length > 1;
  }

  /**
   * Hides these groups and shows all others.
   * @param {Iterable<number>} groups
   */
  hide(groups) {
    this.hidden = new Set(groups);
    this.list();
    this.request();
    this.host.changed();
  }

  /**
   * Hides a group or shows it again.
   * @param {number} group
   */
  toggle(group) {
    if (!this.hidden.delete(group)) this.hidden.add(group);
    this.list();
    this.draw();
    this.host.changed();
  }

  /** @param {number} n */
  isShown(n) {
    const content = this.content;
    return content !== null && n < content.positions.length / 2 && !this.isHidden(content.groupOf[n]);
  }

  box() {
    const { clientWidth, clientHeight } = this.stage;
    return plotArea(clientWidth, clientHeight, this.content?.hasNumbers ?? true);
  }

  /**
   * Shows these ranges.
   * @param {Ranges} ranges
   */
  look(ranges) {
    this.view = viewOf(this.box(), ranges);
    this.request();
    this.host.changed();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    if (this.view) this.look(panned(this.view, dx, dy));
  }

  /**
   * @param {number} factor below 1: nearer
   * @param {ArrayLike<number>} [pixel] the middle if left out
   */
  zoom(factor, pixel) {
    const view = this.view;
    if (!view) return;
    const middle = [view.left + view.width / 2, view.top + view.height / 2];
    this.look(zoomed(view, factor, pixel ?? middle, this.home));
  }

  reset() {
    if (this.content) this.look(this.home);
  }

  get isHome() {
    return this.view !== null && this.view.x[0] === this.home.x[0] && this.view.x[1] === this.home.x[1] &&
      this.view.y[0] === this.home.y[0] && this.view.y[1] === this.home.y[1];
  }

  resize() {
    const { content, view } = this;
    if (!content || !view || !this.stage.clientWidth) return;
    const wasHome = this.isHome;
    const box = this.box();
    this.home = fit(box, content.home ?? bounds(content.positions), content.equal);
    this.look(wasHome ? this.home : fit(box, view, content.equal));
  }

  /** Draws in the next frame, once however often it is asked for. */
  request() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Draws all that is below the host's marks. */
  draw() {
    cancelAnimationFrame(this.frame);
    if (!this.content || !this.view) return;
    const ratio = window.devicePixelRatio || 1;
    this.drawUnder(sized(this.ground, this.stage, ratio), this.view);
    this.drawPoints(this.dots, this.view, ratio);
  }

  /**
   * What the host has below the points, and the axes.
   * @param {CanvasRenderingContext2D} pen
   * @param {View} view
   * @param {Colours} colours
   */
  drawUnder(pen, view, colours = this.theme()) {
    const { titles, hasNumbers } = /** @type {Content} */ (this.content);
    pen.save();
    pen.beginPath();
    pen.rect(view.left, view.top, view.width, view.height);
    pen.clip();
    this.host.under?.(pen, view);
    pen.restore();
    drawAxes(pen, view, titles, colours, hasNumbers);
  }

  /** @returns {Colours & {outline: string}} */
  theme() {
    const style = getComputedStyle(this.stage);
    const ink = style.getPropertyValue("--st-text-color").trim() || style.color;
    return {
      ink,
      line: style.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,.3)",
      font: style.getPropertyValue("--st-font").trim() || "sans-serif",
      outline: isDark(style.getPropertyValue("--st-background-color").trim()) ? "#e8eaef" : "#1b2330",
    };
  }

  /**
   * The points as pixels, of the plot area alone.
   * @param {HTMLCanvasElement} canvas
   * @param {View} view
   * @param {number} ratio
   * @param {Edge} edge
   */
  drawPoints(canvas, view, ratio, edge = { outline: this.theme().outline, isSmooth: true }) {
    const { positions } = /** @type {Content} */ (this.content);
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    Object.assign(canvas.style, {
      left: `${view.left}px`, top: `${view.top}px`, width: `${view.width}px`, height: `${view.height}px`,
    });
    const local = viewOf({ left: 0, top: 0, width: view.width, height: view.height }, view);
    placePoints(positions, local, ratio, this.places);
    const pictures = this.pictures(width, height);
    const image = new ImageData(width, height);
    if (!pictures) {
      const sheet = { pixels: new Int32Array(image.data.buffer), width, height };
      writeDots(sheet, /** @type {Dots} */ (this.dressed), this.places, this.shown, ratio, edge);
    }
    const pen = context(canvas);
    pen.putImageData(image, 0, 0);
    for (const [n, picture] of pictures ?? []) this.drawPicture(pen, n, picture, ratio);
  }

  /**
   * The points in sight with their pictures; null where marks are drawn.
   * @param {number} width
   * @param {number} height
   * @returns {[number, HTMLCanvasElement][] | null}
   */
  pictures(width, height) {
    const { host, view, home, places } = this;
    const share = view ? (view.x[1] - view.x[0]) / (home.x[1] - home.x[0]) : 1;
    if (!host.thumbnail || share > THUMBNAILS.share) return null;
    const near = [];
    for (const n of this.shown) {
      const [x, y] = [places[2 * n], places[2 * n + 1]];
      if (x < 0 || y < 0 || x > width || y > height) continue;
      if (near.push(n) > THUMBNAILS.most) return null;
    }
    const found = [];
    for (const n of near) {
      const picture = host.thumbnail(n);
      if (!picture) return null;
      found.push(/** @type {[number, HTMLCanvasElement]} */ ([n, picture]));
    }
    return found;
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} n
   * @param {HTMLCanvasElement} picture
   * @param {number} ratio
   */
  drawPicture(pen, n, picture, ratio) {
    const { colours } = /** @type {Dots} */ (this.dressed);
    const side = THUMBNAILS.side * ratio;
    const [x, y] = [this.places[2 * n] - side / 2, this.places[2 * n + 1] - side / 2];
    pen.imageSmoothingEnabled = false;
    pen.lineWidth = 2 * ratio;
    pen.strokeStyle = cssOf(colours[n]);
    pen.drawImage(picture, x, y, side, side);
    pen.strokeRect(x, y, side, side);
  }

  /**
   * The points as paths, for a drawing of vectors: outlines first, fills over them.
   * @param {CanvasRenderingContext2D} pen
   * @param {View} view
   */
  tracePoints(pen, view) {
    const places = this.stagePlaces();
    const inSight = this.shown.filter((n) => {
      const [x, y] = [places[2 * n], places[2 * n + 1]];
      return x > view.left && y > view.top && x < view.left + view.width && y < view.top + view.height;
    });
    traceDots(pen, /** @type {Dots} */ (this.dressed), places, inSight, view, this.theme().outline);
  }

  /** Where every point is on the stage, in CSS pixels. */
  stagePlaces() {
    const { positions } = /** @type {Content} */ (this.content);
    if (this.cssPlaces.length !== positions.length) this.cssPlaces = new Float32Array(positions.length);
    placePoints(positions, /** @type {View} */ (this.view), 1, this.cssPlaces);
    return this.cssPlaces;
  }
}

/**
 * A canvas as large as the stage, cleared, drawing in CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} stage
 * @param {number} ratio
 */
export function sized(canvas, stage, ratio) {
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  const [across, up] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== up) Object.assign(canvas, { width: across, height: up });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = context(canvas);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

/**
 * Whether a colour "#rrggbb" or "rgb(…)" is dark.
 * @param {string} colour
 */
function isDark(colour) {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))
    : (colour.match(/[\d.]+/g) ?? ["255", "255", "255"]).slice(0, 3).map(Number);
  return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
}
