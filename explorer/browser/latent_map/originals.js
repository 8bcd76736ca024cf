/**
 * The original test images that the page has: all, or the first few where only those ship.
 */

/** @import { ImageShape } from "../common/dom.js" */

/** The originals of one map. */
export class Originals {
  constructor() {
    this.url = "";
    /** @type {Uint8Array} */
    this.bytes = new Uint8Array();
    this.size = 1;
    this.count = 0;
  }

  forget() {
    Object.assign(this, { url: "", bytes: new Uint8Array(), count: 0 });
  }

  /**
   * @param {string} url where they come from
   * @param {Uint8Array} bytes grey levels, in the order N, C, H, W
   * @param {ImageShape} shape of one image
   */
  take(url, bytes, shape) {
    this.url = url;
    this.bytes = bytes;
    this.size = shape.reduce((product, side) => product * side);
    this.count = Math.floor(bytes.length / this.size);
  }

  /**
   * The pixels of test image n, values in [0, 1]; null where they are not here.
   * @param {number} n
   */
  of(n) {
    if (n >= this.count) return null;
    return Float32Array.from(this.bytes.subarray(n * this.size, (n + 1) * this.size), (v) => v / 255);
  }
}
