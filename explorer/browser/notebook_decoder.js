/**
 * Exact images of a notebook's own model: its kernel decodes.
 */

/** @import { ServerDecoder } from "./latent_map/exact.js" */
/** @import { Widget } from "./notebook.js" */

/** A name that no other has, in no window; crypto.randomUUID is not there without TLS. */
export const unique = () => `${Date.now()}-${Math.random()}`;

/**
 * @param {Widget} widget
 * @param {() => import("./common/dom.js").ImageShape} shape
 * @returns {ServerDecoder} rejects if the model fails
 */
export function kernelDecoder(widget, shape) {
  /** @type {ServerDecoder} */
  const decode = (codes) =>
    new Promise((resolve, reject) => {
      const id = unique();
      /**
       * @param {{id: string, error?: string}} answer
       * @param {DataView[]} buffers
       */
      const take = (answer, [bytes]) => {
        if (answer.id !== id) return;
        widget.off("msg:custom", take);
        if (answer.error) reject(new Error(answer.error));
        else resolve(imagesOf(bytes, codes.length, shape()));
      };
      widget.on("msg:custom", take);
      widget.send({ kind: "decode", id, z: codes.map((code) => Array.from(code)) });
    });
  decode.by = "your model";
  return decode;
}

/**
 * @param {DataView} bytes levels 0 to 255
 * @param {number} count
 * @param {import("./common/dom.js").ImageShape} shape
 */
function imagesOf(bytes, count, [channels, height, width]) {
  const levels = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Float32Array.from(levels, (level) => level / 255);
  const each = channels * height * width;
  return Array.from({ length: count }, (_, i) => values.subarray(i * each, (i + 1) * each));
}
