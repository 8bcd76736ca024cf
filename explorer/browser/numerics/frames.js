/**
 * The film of a training run as numbers: reading it, and what lies between two frames. No DOM.
 *
 * @typedef {{step: number, stamp: number, codes: Float32Array, size: number,
 *   images: Uint8Array[], distortion: number, rate: number}} Frame
 *   codes N·Z, none where images have no codes; images: rows of reconstructions and, of a VAE,
 *   samples of the prior, or of generated images alone, M·C·H·W each
 * @typedef {{original: Uint8Array, count: number, shape: [number, number, number],
 *   labels: Uint8Array | null, names: string[], total: number, perEpoch: number,
 *   hasRate: boolean, hasCodes: boolean}} Shared what all frames share; `count` originals
 */

import { numbersOf, readTensors } from "./tensors.js";

const REACH_INSIDE = 0.99;
/** Generated images in a row. */
const IN_A_ROW = 10;

/**
 * The entries of a stream as models/training/snapshots.py makes it.
 * @param {Uint8Array} bytes
 * @returns {{step: number, file: Uint8Array}[]} step -1 is what all frames share
 */
export function streamEntries(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = 0; at + 16 <= bytes.length; ) {
    const step = Number(view.getBigInt64(at, true));
    const length = Number(view.getBigInt64(at + 8, true));
    if (length < 0 || at + 16 + length > bytes.length) break; // cut short: it will come again
    found.push({ step, file: bytes.subarray(at + 16, at + 16 + length) });
    at += 16 + length + ((8 - (length % 8)) % 8);
  }
  return found;
}

/**
 * @param {Uint8Array} file
 * @returns {Shared}
 */
export function readShared(file) {
  const { tensors, metadata } = readTensors(file);
  const [count, ...shape] = tensors.original.shape;
  return {
    original: tensors.original.data,
    count,
    shape: /** @type {[number, number, number]} */ (shape),
    labels: tensors.labels?.data ?? null,
    names: metadata.class_names,
    total: metadata.total_steps,
    perEpoch: metadata.steps_per_epoch,
    hasRate: metadata.has_rate,
    hasCodes: metadata.has_codes ?? true,
  };
}

/**
 * @param {number} step
 * @param {Uint8Array} file
 * @param {number} stamp when it was written
 * @returns {Frame}
 */
export function readFrame(step, file, stamp) {
  const { tensors, metadata } = readTensors(file);
  if (!tensors.codes) return { ...GENERATED, step, stamp, images: rowsOf(tensors.sample) };
  const images = [tensors.reconstruction, tensors.sample].filter(Boolean);
  return {
    step,
    stamp,
    codes: numbersOf(tensors.codes),
    size: tensors.codes.shape[1],
    images: images.map((tensor) => tensor.data),
    distortion: metadata.distortion,
    rate: metadata.rate,
  };
}

/** What a frame has not that shows generated images alone. */
const GENERATED = { codes: new Float32Array(), size: 1, distortion: NaN, rate: NaN };

/**
 * Images in rows.
 * @param {import("./tensors.js").Tensor} images N·C·H·W
 */
function rowsOf({ data, shape }) {
  const row = (IN_A_ROW * data.length) / shape[0];
  return Array.from({ length: Math.ceil(shape[0] / IN_A_ROW) }, (_, i) => data.subarray(i * row, (i + 1) * row));
}

/**
 * Between two frames, or exactly at one.
 * @template {Float32Array | Uint8Array} T
 * @param {T} from
 * @param {T} to
 * @param {number} share
 * @returns {T}
 */
export function mixed(from, to, share) {
  if (share <= 0 || from === to) return from;
  return /** @type {T} */ (from.map((value, i) => (1 - share) * value + share * to[i]));
}

/**
 * Where among rising numbers a value lies: a position with a fraction; the ends hold.
 * @param {number[]} rising at least one
 * @param {number} value
 */
export function positionOf(rising, value) {
  const last = rising.length - 1;
  if (value <= rising[0]) return 0;
  if (value >= rising[last]) return last;
  let k = 0;
  while (rising[k + 1] <= value) k++;
  return k + (value - rising[k]) / (rising[k + 1] - rising[k]);
}

/**
 * How far the map must reach so that nearly all codes of a frame are inside.
 * @param {Float32Array} codes N·Z
 * @param {number} size Z
 * @param {number[]} shown the latents that are drawn
 */
export function reachOf(codes, size, shown) {
  const sizes = Float32Array.from({ length: codes.length / size }, (_, n) =>
    Math.max(...shown.map((j) => Math.abs(codes[n * size + j]))),
  ).sort();
  return sizes[Math.min(sizes.length - 1, Math.floor(REACH_INSIDE * sizes.length))];
}

/**
 * How far the map reaches at each frame: it grows, and never shrinks, so that it never trembles.
 * @param {Frame[]} frames
 * @param {number[]} shown
 * @param {number} least
 */
export function reaches(frames, shown, least) {
  let reach = least;
  return frames.map((frame) => (reach = Math.max(reach, 1.08 * reachOf(frame.codes, frame.size, shown))));
}

/**
 * The two latents whose means differ most from image to image; the one there is.
 * @param {Frame} frame
 */
export function widest({ codes, size }) {
  const count = codes.length / size;
  const spread = Array.from({ length: size }, (_, j) => {
    let [sum, squares] = [0, 0];
    for (let i = j; i < codes.length; i += size) {
      sum += codes[i];
      squares += codes[i] * codes[i];
    }
    return squares / count - (sum / count) ** 2;
  });
  const order = [...spread.keys()].sort((i, j) => spread[j] - spread[i] || i - j);
  return order.slice(0, 2).sort((i, j) => i - j);
}

/**
 * A picture whose greys are rounded to 32 levels, so that greys and the classes' colours together
 * fit into the palette of a GIF; other colours stay.
 * @param {Uint8ClampedArray} pixels red, green, blue and opacity
 */
export function fewGreys(pixels) {
  return pixels.map((value, i) => {
    const at = i - (i % 4);
    const isGrey = pixels[at] === pixels[at + 1] && pixels[at] === pixels[at + 2];
    return isGrey && i % 4 < 3 ? Math.round((Math.round((value * 31) / 255) * 255) / 31) : value;
  });
}
