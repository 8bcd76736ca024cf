/**
 * What the map marks over its points: posteriors, class means, walk, selection, drawn digit.
 */

import { frame } from "../common/chart.js";
import { classMeans, ellipse } from "../numerics/geometry.js";
import { drawBackground } from "./background.js";
import { cross, DRAWN, ring, SELECTED, sheet, traceEllipse, traceSteps } from "./layers.js";
import { part } from "../common/dom.js";

/** @import { LatentMap } from "./map.js" */
/** @import { Frame } from "./layers.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

const WALK = "#e76300";
const TOUCHED = "#1b2330";

/**
 * Everything that stays while the pointer moves: once per change of view or content.
 * @param {LatentMap} map
 */
export function paintMarks(map) {
  const view = frame(map.chart);
  const under = sheet(part(map.root, ".under"), map.chart, view);
  if (map.background) drawBackground(under, view, map.background);
  const pen = sheet(part(map.root, ".marks"), map.chart, view);
  if (map.toolbar.posterior === "all") paintPosteriors(pen, view, map);
  if (map.toolbar.means) paintMeans(pen, view, map);
  if (map.path.length) traceSteps(pen, view, map.path.map((z) => map.onMap(z)), WALK);
  if (map.step !== null && map.path[map.step]) ring(pen, view, map.onMap(map.path[map.step]), 8, WALK);
  paintDrawn(pen, view, map);
  if (map.point !== null && map.point < map.model.count) {
    ring(pen, view, map.placeOf(map.point), 8, SELECTED);
    paintPosterior(pen, view, map, map.point, SELECTED);
  }
}

/**
 * The point under the pointer, on a layer of its own.
 * @param {LatentMap} map
 */
export function paintTouched(map) {
  const view = frame(map.chart);
  const pen = sheet(part(map.root, ".moving"), map.chart, view);
  if (map.touched === null) return;
  ring(pen, view, map.placeOf(map.touched), 7, TOUCHED);
  paintPosterior(pen, view, map, map.touched, TOUCHED);
}

/**
 * @param {Pen} pen
 * @param {Frame} view
 * @param {LatentMap} map
 */
function paintPosteriors(pen, view, map) {
  const count = map.model.count;
  pen.lineWidth = 1;
  pen.strokeStyle = `rgba(90,100,120,${Math.max(0.08, Math.min(0.5, 150 / count))})`;
  for (let n = 0; n < count; n++) if (map.visible[n]) traceOne(pen, view, map, n, 1);
}

/**
 * @param {Pen} pen
 * @param {Frame} view
 * @param {LatentMap} map
 * @param {number} n
 * @param {string} colour
 */
function paintPosterior(pen, view, map, n, colour) {
  if (map.toolbar.posterior === "none") return;
  pen.strokeStyle = colour;
  for (const [sigmas, width] of [[1, 2], [2, 1]]) {
    pen.lineWidth = width;
    traceOne(pen, view, map, n, sigmas);
  }
}

/**
 * @param {Pen} pen
 * @param {Frame} view
 * @param {LatentMap} map
 * @param {number} n
 * @param {number} sigmas
 */
function traceOne(pen, view, map, n, sigmas) {
  const { size, logVariances } = map.model;
  const axes = map.data?.plane?.axes;
  if (!axes || !logVariances || size < 2) return;
  const row = logVariances.subarray(n * size, (n + 1) * size);
  traceEllipse(pen, view, map.placeOf(n), ellipse(row, axes), sigmas);
}

/**
 * @param {Pen} pen
 * @param {Frame} view
 * @param {LatentMap} map
 */
function paintMeans(pen, view, map) {
  const { labels, names } = map.model;
  if (!labels) return;
  classMeans(map.positions, labels, names.length).forEach((mean, label) => {
    if (mean) cross(pen, view, mean, names[label]);
  });
}

/**
 * The drawn digit's posterior.
 * @param {Pen} pen
 * @param {Frame} view
 * @param {LatentMap} map
 */
function paintDrawn(pen, view, map) {
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
