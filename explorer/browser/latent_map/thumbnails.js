/**
 * Small pictures of test images, in place of marks where few points are in sight.
 */

import { make, paint } from "../common/dom.js";

/** @import { LatentMap } from "./map.js" */

const MOST = 400;

/** The pictures of one map, made when they are first seen. */
export class Thumbnails {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    /** @type {Map<number, HTMLCanvasElement>} */
    this.made = new Map();
  }

  forget() {
    this.made.clear();
  }

  /**
   * The original, or where it is not on this machine, the decoded mean.
   * @param {number} n
   */
  of(n) {
    const known = this.made.get(n);
    if (known) return known;
    const { map } = this;
    if (!map.loaded || !map.loaded.hasPictures) return null;
    const canvas = make("canvas");
    paint(canvas, map.originals.of(n) ?? map.model.decode(map.model.codeOf(n)), map.model.shape);
    if (this.made.size >= MOST) this.made.delete(/** @type {number} */ (this.made.keys().next().value));
    this.made.set(n, canvas);
    return canvas;
  }
}
