/**
 * Many images in one picture, row by row.
 */

import { context, levels, make } from "../common/dom.js";

/** @import { ImageShape } from "../common/dom.js" */

/**
 * @param {ArrayLike<number>[]} images values in [0, 1]
 * @param {ImageShape} shape
 * @param {number} columns
 */
export function sheetOf(images, shape, columns) {
  const [, height, width] = shape;
  const rows = Math.ceil(images.length / columns);
  const canvas = make("canvas", { width: Math.min(columns, images.length) * width, height: rows * height });
  const pen = context(canvas);
  images.forEach((values, i) => {
    const image = new ImageData(levels(values, shape), width, height);
    pen.putImageData(image, (i % columns) * width, Math.floor(i / columns) * height);
  });
  return canvas;
}
