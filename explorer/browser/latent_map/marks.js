/**
 * What the map marks over its points: prior, posteriors, classes, walk, selection, drawn digit.
 *
 * The `draw…` functions take any pen, so that a saved picture has the same layers as the page.
 */

import { part } from "../common/dom.js";
import { classMeans, ellipse } from "../numerics/geometry.js";
import { drawPrior } from "../scatter/prior.js";
import { sized } from "../scatter/scatter.js";
import { cross, DRAWN, named, ring, SELECTED, traceEllipse, traceSteps } from "../scatter/shapes.js";
import { drawGhost } from "./ghost.js";
import { drawPosteriors, tracePosterior } from "./posteriors.js";

/** @import { View } from "../numerics/view.js" */
/** @import { LatentMap } from "./map.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

const WALK = "#e76300";
const TOUCHED = "#1b2330";
const TRIED = "#7a2fd0";
const TRUE = "#00796b";
const ARROW = "#bd1f01";
const MOST_NAMED = 30;

/**
 * Everything that stays while the pointer moves: once per change of view or content.
 * @param {LatentMap} map
 */
export function paintMarks(map) {
  const pen = clippedPen(map, ".marks");
  drawMarks(pen, map.view, map, () => map.posteriors.paint(pen, map.view));
}

/**
 * The point under the pointer, on a layer of its own.
 * @param {LatentMap} map
 */
export function paintTouched(map) {
  if (!map.scatter.view) return;
  const pen = clippedPen(map, ".moving");
  drawTouched(pen, map.view, map);
  if (map.ghost?.at) drawGhost(pen, map.ghost.at);
}

/**
 * The box or lasso that is being drawn.
 * @param {LatentMap} map
 * @param {number[][] | null} outline pixels
 */
export function paintOutline(map, outline) {
  const pen = clippedPen(map, ".moving");
  if (!outline) return;
  pen.beginPath();
  outline.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.fillStyle = "rgba(47,116,181,.15)";
  pen.fill();
  pen.strokeStyle = "#2f74b5";
  pen.lineWidth = 1.5;
  pen.stroke();
}

/**
 * @param {LatentMap} map
 * @param {string} layer
 */
function clippedPen(map, layer) {
  const pen = sized(part(map.root, layer), map.stage, window.devicePixelRatio || 1);
  const { left, top, width, height } = map.view;
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  return pen;
}

/**
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 * @param {() => void} drawAll draws the posteriors of all points
 */
export function drawMarks(pen, view, map, drawAll = () => drawPosteriors(pen, view, map, map.scatter.shown)) {
  const prior = map.toolbar.prior && map.data?.prior;
  if (prior) drawPrior(pen, view, prior, { isLine: map.model.size < 2, isOnPictures: map.toolbar.background === "grid" });
  if (map.toolbar.posterior === "all") drawAll();
  drawChosen(pen, view, map);
  if (map.toolbar.names) drawNames(pen, view, map);
  if (map.toolbar.means) drawMeans(pen, view, map);
  for (const { z, text } of map.inspector.marks()) drawTried(pen, view.toPixels(map.onMap(z)), text);
  if (map.path.length) traceSteps(pen, view, map.path.map((z) => map.onMap(z)), WALK);
  if (map.step !== null && map.path[map.step]) ring(pen, view, map.onMap(map.path[map.step]), 8, WALK);
  drawArrow(pen, view, map);
  drawDrawn(pen, view, map);
  drawBest(pen, view, map);
  if (map.point !== null && map.point < map.model.count) {
    ring(pen, view, map.placeOf(map.point), 8, SELECTED);
    drawPosterior(pen, view, map, map.point, SELECTED);
  }
}

/**
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 */
export function drawTouched(pen, view, map) {
  if (map.pointer.touched === null) return;
  ring(pen, view, map.placeOf(map.pointer.touched), 7, TOUCHED);
  drawPosterior(pen, view, map, map.pointer.touched, TOUCHED);
}

/**
 * The points of the box or lasso.
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 */
function drawChosen(pen, view, map) {
  pen.strokeStyle = SELECTED;
  pen.lineWidth = 1.5;
  for (const n of map.selection.chosen) {
    const [x, y] = view.toPixels(map.placeOf(n));
    pen.beginPath();
    pen.arc(x, y, 4.5, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/**
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 * @param {number} n
 * @param {string} colour
 */
function drawPosterior(pen, view, map, n, colour) {
  if (map.toolbar.posterior === "none") return;
  pen.strokeStyle = colour;
  for (const [sigmas, width] of [[1, 2], [2, 1]]) {
    pen.lineWidth = width;
    tracePosterior(pen, view, map, n, sigmas);
  }
}

/**
 * The classes' names at the middle of their points.
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 */
function drawNames(pen, view, map) {
  const { groups, shades } = map.scatter.content ?? { groups: [], shades: null };
  if (shades || groups.length < 2 || groups.length > MOST_NAMED) return;
  map.middles().forEach((middle, i) => {
    if (middle && !map.scatter.hidden.has(i)) named(pen, view.toPixels(middle), groups[i].name);
  });
}

/**
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 */
function drawMeans(pen, view, map) {
  const { labels, names } = map.model;
  const positions = map.scatter.content?.positions;
  if (!labels || !positions) return;
  classMeans(positions, labels, names.length).forEach((mean, label) => {
    if (mean && !map.scatter.hidden.has(label)) cross(pen, view, mean, names[label]);
  });
}

/**
 * A code of the inspector: tried by hand, drawn from the prior, or of the grid.
 * @param {Pen} pen
 * @param {number[]} pixel
 * @param {string} text
 */
function drawTried(pen, [x, y], text) {
  const arm = text ? 7 : 3;
  for (const [style, width] of /** @type {[string, number][]} */ ([["#fff", 4], [TRIED, 2]])) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x - arm, y);
    pen.lineTo(x + arm, y);
    pen.moveTo(x, y - arm);
    pen.lineTo(x, y + arm);
    pen.stroke();
  }
  if (text) named(pen, [x, y - 12], text);
}

/**
 * The direction from one class to another, from mean code to mean code.
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 */
function drawArrow(pen, view, map) {
  const arrow = map.data?.arrow;
  if (!arrow || !map.data?.plane || arrow.to.length !== map.model.size) return;
  const [tail, head] = [arrow.from, arrow.to].map((z) => view.toPixels(map.onMap(z)));
  const turn = Math.atan2(head[1] - tail[1], head[0] - tail[0]);
  const barb = (/** @type {number} */ side) => [
    head[0] - 13 * Math.cos(turn + side), head[1] - 13 * Math.sin(turn + side),
  ];
  for (const [style, width] of /** @type {[string, number][]} */ ([["#fff", 6], [ARROW, 3]])) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    for (const [from, to] of [[tail, head], [barb(0.45), head], [barb(-0.45), head]]) {
      pen.moveTo(from[0], from[1]);
      pen.lineTo(to[0], to[1]);
    }
    pen.stroke();
  }
  named(pen, [head[0] + 18 * Math.cos(turn), head[1] + 18 * Math.sin(turn)], arrow.name);
}

/**
 * The best Gaussian for the selected image, beside the encoder's.
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 */
function drawBest(pen, view, map) {
  const best = map.truth.found?.best;
  const axes = map.data?.plane?.axes;
  if (!best || !axes) return;
  const logVariance = Array.from(best.sigma, (sigma) => 2 * Math.log(sigma));
  pen.strokeStyle = TRUE;
  pen.setLineDash([5, 4]);
  for (const [sigmas, width] of [[1, 2], [2, 1]]) {
    pen.lineWidth = width;
    traceEllipse(pen, view, map.onMap(best.mean), ellipse(logVariance, axes), sigmas);
  }
  pen.setLineDash([]);
}

/**
 * The drawn digit's posterior.
 * @param {Pen} pen
 * @param {View} view
 * @param {LatentMap} map
 */
function drawDrawn(pen, view, map) {
  const drawn = map.data?.drawn;
  if (!drawn || drawn.mean.length !== map.model.size) return;
  const place = map.onMap(drawn.mean);
  ring(pen, view, place, 7, DRAWN);
  const axes = map.data?.plane?.axes;
  if (!axes || !drawn.log_variance || map.model.size < 2) return;
  pen.strokeStyle = DRAWN;
  pen.lineWidth = 2;
  for (const sigmas of [1, 2]) traceEllipse(pen, view, place, ellipse(drawn.log_variance, axes), sigmas);
}
