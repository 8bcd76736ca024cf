/**
 * The map of a film: the codes of one moment in two latents, with the circles of the prior.
 */

import { context, shown } from "../common/dom.js";

/**
 * @typedef {{codes: Float32Array, size: number, axes: number[], reach: number, hasRate: boolean,
 *   labels: Uint8Array | null, colours: string[]}} Moment N·Z codes; `reach`: half a side of the map
 */

const DOT = 2.3;
const FINE_DOT = 2;

/**
 * Draws a moment on a canvas of the page, sharp on its screen.
 * @param {HTMLCanvasElement} canvas
 * @param {Moment} moment
 * @param {number | null} touched the test image under the pointer
 */
export function drawOnPage(canvas, moment, touched) {
  const ratio = window.devicePixelRatio || 1;
  const side = canvas.clientWidth;
  const ink = "rgba(128,128,128,.9)";
  const pen = cleared(canvas, side, ratio);
  drawPrior(pen, moment, side, ink);
  const places = placesOf(moment, side);
  drawCodes(pen, moment, places, (x, y) => pen.fillRect(x - DOT, y - DOT, 2 * DOT, 2 * DOT));
  if (touched === null) return;
  pen.strokeStyle = ink;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(places[2 * touched], places[2 * touched + 1], 7, 0, 2 * Math.PI);
  pen.stroke();
}

/**
 * Draws a moment for a file: whole pixels, so that there are few colours.
 * @param {HTMLCanvasElement} canvas
 * @param {Moment} moment
 * @param {number} side in pixels
 */
export function drawForFile(canvas, moment, side) {
  const pen = cleared(canvas, side, 1);
  drawPrior(pen, moment, side, "#777");
  drawCodes(pen, moment, placesOf(moment, side), (x, y) =>
    pen.fillRect(Math.round(x) - FINE_DOT, Math.round(y) - FINE_DOT, 2 * FINE_DOT, 2 * FINE_DOT),
  );
}

/**
 * Where every code is on a map of that side; of one latent, the height is the image's number.
 * @param {Moment} moment
 * @param {number} side
 */
export function placesOf({ codes, size, axes, reach }, side) {
  const unit = side / 2 / reach;
  const count = codes.length / size;
  const places = new Float32Array(2 * count);
  for (let n = 0; n < count; n++) {
    places[2 * n] = side / 2 + unit * codes[n * size + axes[0]];
    places[2 * n + 1] =
      size > 1 ? side / 2 - unit * codes[n * size + axes[1]] : side * (1 - (n + 0.5) / count);
  }
  return places;
}

/**
 * A square canvas of that side, cleared; the pen draws in its units.
 * @param {HTMLCanvasElement} canvas
 * @param {number} side
 * @param {number} ratio pixels of the canvas for one of the page
 */
function cleared(canvas, side, ratio) {
  const pixels = Math.round(side * ratio);
  if (canvas.width !== pixels || canvas.height !== pixels) canvas.width = canvas.height = pixels;
  const pen = context(canvas);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, side, side);
  return pen;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Moment} moment
 * @param {Float32Array} places
 * @param {(x: number, y: number) => void} dot
 */
function drawCodes(pen, { labels, colours }, places, dot) {
  for (let n = 0; n < places.length / 2; n++) {
    pen.fillStyle = colours[labels ? labels[n] % colours.length : 0];
    dot(places[2 * n], places[2 * n + 1]);
  }
}

/**
 * Circles of the prior, and what the axes are.
 * @param {CanvasRenderingContext2D} pen
 * @param {Moment} moment
 * @param {number} side
 * @param {string} ink
 */
function drawPrior(pen, { size, axes, reach, hasRate }, side, ink) {
  const scale = side / 2 / reach;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = 1;
  pen.font = "11px sans-serif";
  pen.setLineDash([2, 3]);
  for (const radius of hasRate ? [1, 2, 3] : []) {
    pen.beginPath();
    if (size > 1) pen.arc(side / 2, side / 2, radius * scale, 0, 2 * Math.PI);
    else {
      for (const x of [side / 2 - radius * scale, side / 2 + radius * scale]) {
        pen.moveTo(x, 0);
        pen.lineTo(x, side);
      }
    }
    pen.stroke();
    const name = radius === 3 ? "3σ of the prior" : `${radius}σ`;
    pen.fillText(name, side / 2 + (size > 1 ? 3 : radius * scale + 3), size > 1 ? side / 2 - radius * scale + 12 : 12);
  }
  pen.setLineDash([]);
  const across = `z${axes[0] + 1}, ±${shown(reach, 1)}${hasRate ? " prior σ" : ""} →`;
  pen.fillText(across, side - pen.measureText(across).width - 4, side - 6);
  const up = size > 1 ? `↑ z${axes[1] + 1}` : "↑ order of the test images";
  pen.fillText(up, 4, 12);
}
