/**
 * The standard normal prior on a chart of codes: 1, 2 and 3 standard deviations, each with its name.
 */

/** @import { View } from "../numerics/view.js" */

const DARK = "#1b2330";
const LIGHT = "#ffffff";
const INK = "rgba(128,128,128,.95)";
const ROOM = 18; // pixels that a name needs between two circles or lines

/**
 * Draws circles about the prior's mean; of one latent, lines on both sides of it.
 * @param {CanvasRenderingContext2D} pen
 * @param {View} view
 * @param {ArrayLike<number>} centre
 * @param {{isLine?: boolean, ink?: string, isOnPictures?: boolean}} [options]
 *   `isOnPictures`: light and dark lie below, so lines and names have a light edge
 */
export function drawPrior(pen, view, centre, { isLine = false, ink = INK, isOnPictures = false } = {}) {
  const [x, y] = view.toPixels(centre);
  pen.save();
  const [across, up] = view.scale;
  pen.strokeStyle = pen.fillStyle = isOnPictures ? DARK : ink;
  pen.lineWidth = 1;
  pen.font = "11px sans-serif";
  const dash = isOnPictures ? [6, 4] : [2, 3];
  pen.setLineDash(dash);
  const isSmall = (isLine ? across : up) < ROOM; // then the outermost alone is named
  const write = (/** @type {string} */ name, /** @type {number} */ left, /** @type {number} */ top) => {
    if (isOnPictures) edged(pen, () => pen.strokeText(name, left, top), dash);
    pen.fillText(name, left, top);
  };
  for (const sigmas of [1, 2, 3]) {
    const outer = isLine ? "3σ" : "3σ of the prior";
    const name = sigmas === 3 ? outer : isSmall ? "" : `${sigmas}σ`;
    pen.beginPath();
    if (isLine) {
      for (const side of [x - sigmas * across, x + sigmas * across]) {
        pen.moveTo(side, view.top);
        pen.lineTo(side, view.top + view.height);
      }
      pen.textAlign = "right";
      write(name, x + sigmas * across - 3, view.top + 12);
    } else {
      pen.ellipse(x, y, sigmas * across, sigmas * up, 0, 0, 2 * Math.PI);
      write(name, x + 3, y - sigmas * up + (isSmall ? -4 : 12));
    }
    if (isOnPictures) edged(pen, () => pen.stroke(), dash);
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.restore();
}

/**
 * Draws the light edge of a line or a name.
 * @param {CanvasRenderingContext2D} pen
 * @param {() => void} draw
 * @param {number[]} dash of the line that follows
 */
function edged(pen, draw, dash) {
  const ink = pen.strokeStyle;
  pen.setLineDash([]);
  pen.strokeStyle = LIGHT;
  pen.lineWidth = 2.5;
  draw();
  pen.strokeStyle = ink;
  pen.lineWidth = 1;
  pen.setLineDash(dash);
}
