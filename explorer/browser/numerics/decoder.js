/**
 * The decoder in the browser: E[x|z] for one code at a time. No DOM.
 *
 * @typedef {{decode: (z: ArrayLike<number>) => Float32Array, turn: (place: number) => void}} Decoder
 * @typedef {{layers: import("./layers.js").Layer[], image_shape: [number, number, number],
 *   latent_dim: number, class_names: string[], noise: "bernoulli" | "gaussian" | "none" | "unknown"}} Header
 *   `noise`: of p(x|z), to draw from it
 */

import { buildGate, buildStep } from "./layers.js";
import { numbersOf, readTensors } from "./tensors.js";

/** @import { Layer, Signal } from "./layers.js" */

/**
 * Reads a file of models/export/browser_files.py: its decoder, its header, its other arrays.
 * @param {Uint8Array} file
 * @returns {Decoder & {header: Header, arrays: Record<string, Float32Array | undefined>}}
 */
export function readModel(file) {
  const { tensors, metadata } = readTensors(file);
  /** @type {Float32Array[]} */
  const weights = [];
  /** @type {Record<string, Float32Array>} */
  const arrays = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const place = /^layers\.(\d+)$/.exec(name);
    if (place) weights[Number(place[1])] = numbersOf(tensor);
    else arrays[name] = numbersOf(tensor);
  }
  const header = /** @type {Header} */ (metadata);
  return { ...buildDecoder(header.layers, weights), header, arrays };
}

/**
 * Builds the function z → image (C·H·W values). Every image is an array of its own.
 *
 * `turn` sets the gates of a multi-rate decoder to a place of ln β in its range, from −1 to 1;
 * without gates it does nothing.
 * @param {Layer[]} layers
 * @param {Float32Array[]} weights the arrays that the layers use, in order
 * @returns {Decoder}
 */
export function buildDecoder(layers, weights) {
  let used = 0;
  const take = (/** @type {number} */ count) => {
    const array = weights[used++];
    if (array?.length === count) return array;
    throw new Error(`Array ${used} of the decoder must have ${count} numbers, got ${array?.length}.`);
  };
  /** @type {((place: number) => void)[]} */
  const gates = [];
  const steps = layers.map((layer) => {
    if (layer.type !== "gate") return buildStep(layer, take);
    const gate = buildGate(layer, take(layer.ramps * layer.size), take(layer.ramps * layer.size));
    gates.push(gate.turn);
    return gate.step;
  });
  if (used !== weights.length) {
    throw new Error(`The decoder must use every array, got ${weights.length} and used ${used}.`);
  }
  const turn = (/** @type {number} */ place) => gates.forEach((set) => set(place));
  const decode = (/** @type {ArrayLike<number>} */ z) => {
    /** @type {Signal} */
    let signal = { values: Float32Array.from(z), shape: [z.length] };
    for (const step of steps) signal = step(signal);
    return signal.values;
  };
  return { decode, turn };
}

