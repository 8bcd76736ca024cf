/**
 * The map as a picture with all its layers: PNG at twice the screen's resolution, or SVG whose
 * axes and marks are vectors.
 */

import { context, make, save, shown } from "../common/dom.js";
import { SvgPen } from "../numerics/svg.js";
import { drawMarks, drawTouched } from "./marks.js";

/** @import { LatentMap } from "./map.js" */

/** Circles of the SVG are vectors for up to so many points; more of them are one picture. */
const VECTORS = 20_000;
const LEGEND = { row: 18, gap: 14 };

/**
 * Offers the map as a file.
 * @param {LatentMap} map
 * @param {"png" | "svg"} kind
 */
export async function savePicture(map, kind) {
  if (kind === "svg") {
    save(new Blob([svgOf(map)], { type: "image/svg+xml" }), "latent-map.svg");
    return;
  }
  const canvas = pngOf(map);
  const blob = await new Promise((done) => canvas.toBlob(done));
  if (blob) save(blob, "latent-map.png");
}

/**
 * All layers in one canvas, at twice the screen's resolution.
 * @param {LatentMap} map
 */
export function pngOf(map) {
  const ratio = 2 * (window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight } = map.stage;
  const height = clientHeight + legendHeight(map, width);
  const canvas = make("canvas", { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  const pen = context(canvas);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = backgroundOf(map);
  pen.fillRect(0, 0, width, height);
  const view = map.view;
  map.scatter.drawUnder(pen, view);
  const dots = make("canvas");
  map.scatter.drawPoints(dots, view, ratio);
  pen.drawImage(dots, view.left, view.top, view.width, view.height);
  drawOver(pen, map);
  drawLegend(pen, map, clientHeight, width);
  return canvas;
}

/**
 * All layers as SVG.
 * @param {LatentMap} map
 */
export function svgOf(map) {
  const { clientWidth: width, clientHeight } = map.stage;
  const drawing = new SvgPen(width, clientHeight + legendHeight(map, width));
  const pen = /** @type {CanvasRenderingContext2D} */ (/** @type {unknown} */ (drawing));
  const layer = (/** @type {string} */ name, /** @type {() => void} */ draw) => {
    drawing.beginLayer(name);
    draw();
    drawing.endLayer();
  };
  layer("ground-and-axes", () => map.scatter.drawUnder(pen, map.view));
  layer("points", () => drawPoints(pen, map));
  layer("marks", () => drawOver(pen, map));
  layer("legend", () => drawLegend(pen, map, clientHeight, width));
  return drawing.text(backgroundOf(map));
}

/**
 * The points as vectors, or as one picture where they are very many.
 * @param {CanvasRenderingContext2D} pen
 * @param {LatentMap} map
 */
function drawPoints(pen, map) {
  const view = map.view;
  clipped(pen, map, () => {
    if (map.scatter.shown.length > VECTORS) {
      const dots = make("canvas");
      map.scatter.drawPoints(dots, view, 2);
      pen.drawImage(dots, view.left, view.top, view.width, view.height);
    } else map.scatter.tracePoints(pen, view);
  });
}

/**
 * Marks, pins and the point under the cursor.
 * @param {CanvasRenderingContext2D} pen
 * @param {LatentMap} map
 */
function drawOver(pen, map) {
  clipped(pen, map, () => {
    drawMarks(pen, map.view, map);
    drawTouched(pen, map.view, map);
    for (const pin of map.pins.all) drawPin(pen, map.pinPixels(pin), pin.name);
  });
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {LatentMap} map
 * @param {() => void} draw
 */
function clipped(pen, map, draw) {
  const { left, top, width, height } = map.view;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  draw();
  pen.restore();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number[]} pixel
 * @param {string} name
 */
function drawPin(pen, [x, y], name) {
  pen.beginPath();
  pen.arc(x, y, 12, 0, 2 * Math.PI);
  pen.fillStyle = "#1b2330";
  pen.fill();
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 2;
  pen.stroke();
  pen.fillStyle = "#ffffff";
  pen.font = "600 12px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(name, x, y);
  pen.textAlign = "start";
  pen.textBaseline = "alphabetic";
}

/**
 * The classes that are shown, row by row below the map.
 * @param {LatentMap} map
 * @param {number} width
 */
function legendRows(map, width) {
  const { groups, shades } = map.scatter.content ?? { groups: [], shades: null };
  /** @type {{name: string, colour: string, x: number, row: number}[]} */
  const entries = [];
  if (shades || groups.length < 2 || groups.length > 40) return entries;
  let [x, row] = [10, 0];
  groups.forEach(({ name, colour }, i) => {
    if (map.scatter.hidden.has(i)) return;
    const wide = 20 + 7 * name.length;
    if (x + wide > width - 10) [x, row] = [10, row + 1];
    entries.push({ name, colour, x, row });
    x += wide + LEGEND.gap;
  });
  return entries;
}

/**
 * @param {LatentMap} map
 * @param {number} width
 */
function legendHeight(map, width) {
  const entries = legendRows(map, width);
  if (map.scale) return LEGEND.row + 10;
  return entries.length ? (entries[entries.length - 1].row + 1) * LEGEND.row + 8 : 0;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {LatentMap} map
 * @param {number} top
 * @param {number} width
 */
function drawLegend(pen, map, top, width) {
  const { ink, font } = map.scatter.theme();
  pen.font = `12px ${font}`;
  for (const { name, colour, x, row } of legendRows(map, width)) {
    const y = top + (row + 0.5) * LEGEND.row;
    pen.beginPath();
    pen.arc(x + 5, y, 5, 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
    pen.fillStyle = ink;
    pen.fillText(name, x + 15, y + 4);
  }
  if (map.scale) drawScale(pen, map.scale, top + 4, ink);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("../scatter/colours.js").Scale} scale
 * @param {number} top
 * @param {string} ink
 */
function drawScale(pen, { low, high, title, colours }, top, ink) {
  const step = 160 / colours.length;
  colours.forEach((colour, i) => {
    pen.fillStyle = colour;
    pen.fillRect(60 + i * step, top, step + 0.5, 12);
  });
  pen.fillStyle = ink;
  pen.fillText(shown(low, 1), 10, top + 11);
  pen.fillText(`${shown(high, 1)}  ${title}`, 228, top + 11);
}

/** @param {LatentMap} map */
function backgroundOf(map) {
  return getComputedStyle(map.root).getPropertyValue("--st-background-color").trim() || "#ffffff";
}
