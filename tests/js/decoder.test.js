import assert from "node:assert/strict";
import { test } from "node:test";

import { buildDecoder, readModel } from "../../explorer/browser/numerics/decoder.js";
import { safetensors } from "./helpers.js";

const IDENTITY = { type: "mean", activation: "identity", size: 2 };
const LINEAR = { type: "linear", inputs: 2, outputs: 2 };

test("decoding leaves its code alone, and every image is an array of its own", () => {
  const { decode } = buildDecoder([{ type: "relu" }, IDENTITY], []);
  const z = Float32Array.of(-1, 1);
  const first = decode(z);
  const second = decode([2, 3]);
  assert.deepEqual([...z], [-1, 1]);
  assert.deepEqual([...first], [0, 1]);
  assert.deepEqual([...second], [2, 3]);
});

test("a file has the decoder's arrays in the order of their numbers, and others by name", () => {
  const layers = [...Array(6).fill(LINEAR), IDENTITY];
  const document = { layers, image_shape: [1, 1, 2], latent_dim: 2, class_names: ["a"] };
  const tensors = { mean: { shape: [1, 2], values: Float32Array.of(5, 6) } };
  for (let place = 11; place >= 0; place--) {
    const values = place % 2 ? Float32Array.of(place, 0) : Float32Array.of(1, 0, 0, 1);
    tensors[`layers.${place}`] = { shape: [values.length], values };
  }
  const { decode, header, arrays } = readModel(safetensors(tensors, document));
  assert.deepEqual(header, document);
  assert.deepEqual(arrays, { mean: Float32Array.of(5, 6) });
  assert.deepEqual([...decode([1, 2])], [1 + 1 + 3 + 5 + 7 + 9 + 11, 2], "after 9 comes 10");
});

test("arrays that do not fit the layers are refused", () => {
  const weight = Float32Array.of(1, 0, 0, 1);
  assert.throws(() => buildDecoder([LINEAR, IDENTITY], [weight, weight]), {
    message: "Array 2 of the decoder must have 2 numbers, got 4.",
  });
  assert.throws(() => buildDecoder([LINEAR, IDENTITY], [weight]), /must have 2 numbers, got undefined/);
  assert.throws(() => buildDecoder([IDENTITY], [weight]), {
    message: "The decoder must use every array, got 1 and used 0.",
  });
});

test("a gate is the sum of its ramps at the place of ln β", () => {
  const layers = [{ type: "gate", size: 2, ramps: 3 }, IDENTITY];
  const scales = Float32Array.of(1, 0, 0, 2, -1, 0);
  const shifts = Float32Array.of(0, 0, 0, 3, 0, 0);
  const { decode, turn } = buildDecoder(layers, [scales, shifts]);
  assert.deepEqual([...decode([4, 5])], [4, 5], "before it is turned");
  for (const place of [-1, -0.3, 0, 1]) {
    turn(place);
    const ramp = (/** @type {number} */ t) => Math.tanh(2 * (place - t));
    const expected = [4 * (1 + ramp(-1) - ramp(1)), 5 * (1 + 2 * ramp(0)) + 3 * ramp(0)];
    [...decode([4, 5])].forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-5));
  }
});
