/**
 * The standard normal prior on a chart of codes: 1, 2 and 3 standard deviations, each with its name.
 */

/** @import { View } from "../numerics/view.js" */

const INK = "rgba(128,128,128,.95)";

/**
 * Draws circles about the prior's mean; of one latent, lines on both sides of it.
 * @param {CanvasRenderingContext2D} pen
 * @param {View} view
 * @param {ArrayLike<number>} centre
 * @param {{isLine?: boolean, ink?: string}} [options]
 */
export function drawPrior(pen, view, centre, { isLine = false, ink = INK } = {}) {
  const [x, y] = view.toPixels(centre);
  pen.save();
  const [across, up] = view.scale;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = 1;
  pen.font = "11px sans-serif";
  pen.setLineDash([2, 3]);
  for (const sigmas of [1, 2, 3]) {
    const name = sigmas === 3 && !isLine ? "3σ of the prior" : `${sigmas}σ`;
    pen.beginPath();
    if (isLine) {
      for (const side of [x - sigmas * across, x + sigmas * across]) {
        pen.moveTo(side, view.top);
        pen.lineTo(side, view.top + view.height);
      }
      pen.textAlign = "right";
      pen.fillText(name, x + sigmas * across - 3, view.top + 12);
    } else {
      pen.ellipse(x, y, sigmas * across, sigmas * up, 0, 0, 2 * Math.PI);
      pen.fillText(name, x + 3, y - sigmas * up + 12);
    }
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.restore();
}
