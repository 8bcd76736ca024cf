import assert from "node:assert/strict";
import { test } from "node:test";

import { buildDecoder } from "../../explorer/browser/numerics/decoder.js";
import { difference, randomArray } from "./helpers.js";

const IDENTITY = (size) => ({ type: "mean", activation: "identity", size });

/** Random numbers with zeros among them, as after a ReLU. */
function sparseArray(count, seed) {
  return randomArray(count, seed).map((value, i) => (i % 3 === seed % 3 ? 0 : value));
}

test("a linear layer is a matrix times its input, plus the bias", () => {
  for (const inputs of [1, 2, 3, 4, 5, 9]) {
    const outputs = 7;
    const weight = randomArray(inputs * outputs, inputs);
    const bias = randomArray(outputs, 1);
    const z = sparseArray(inputs, 2);
    const layers = [{ type: "linear", inputs, outputs }, IDENTITY(outputs)];
    const { decode } = buildDecoder(layers, [weight, bias]);
    const expected = Array.from(bias, (b, o) =>
      z.reduce((sum, value, i) => sum + weight[o * inputs + i] * value, b),
    );
    assert.ok(difference(decode(z), expected) < 1e-5);
  }
});

test("a transposed convolution adds every input pixel's kernels, stride apart", () => {
  const cases = [
    { kernel: 4, stride: 2, padding: 1, output_padding: [0, 1], height: 3, width: 5 },
    { kernel: 3, stride: 1, padding: 1, output_padding: [0, 0], height: 4, width: 2 },
    { kernel: 2, stride: 3, padding: 0, output_padding: [1, 2], height: 2, width: 3 },
    { kernel: 5, stride: 2, padding: 2, output_padding: [1, 0], height: 1, width: 1 },
  ];
  for (const { height, width, ...shape } of cases) {
    const { kernel, stride, padding, output_padding: extra } = shape;
    const [inputs, outputs] = [5, 3];
    const rows = (height - 1) * stride - 2 * padding + kernel + extra[0];
    const columns = (width - 1) * stride - 2 * padding + kernel + extra[1];
    const weight = randomArray(inputs * outputs * kernel ** 2, 3);
    const bias = randomArray(outputs, 4);
    const image = sparseArray(inputs * height * width, 5);
    const expected = new Float64Array(outputs * rows * columns);
    expected.forEach((_, at) => {
      const [o, row, column] = [Math.floor(at / rows / columns), Math.floor(at / columns) % rows, at % columns];
      expected[at] = bias[o];
      for (let i = 0; i < inputs; i++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const [ky, kx] = [row + padding - y * stride, column + padding - x * stride];
            if (ky < 0 || kx < 0 || ky >= kernel || kx >= kernel) continue;
            const w = weight[((i * outputs + o) * kernel + ky) * kernel + kx];
            expected[at] += w * image[(i * height + y) * width + x];
          }
        }
      }
    });
    const layers = [
      { type: "unflatten", shape: [inputs, height, width] },
      { type: "conv_transpose", inputs, outputs, ...shape },
      IDENTITY(expected.length),
    ];
    const { decode } = buildDecoder(layers, [weight, bias]);
    assert.ok(difference(decode(image), expected) < 1e-5, JSON.stringify(shape));
  }
});

test("activations and links have their known values", () => {
  const z = Float32Array.of(-2, -0.5, 0, 1, 30);
  const through = (...layers) => [...buildDecoder(layers, []).decode(z)];
  assert.deepEqual(through({ type: "relu" }, IDENTITY(5)), [0, 0, 0, 1, 30]);
  const silu = [-2 / (1 + Math.E ** 2), -0.5 / (1 + Math.E ** 0.5), 0, 1 / (1 + 1 / Math.E), 30];
  assert.ok(difference(through({ type: "silu" }, IDENTITY(5)), silu) < 1e-6);
  const sigmoid = through({ type: "mean", activation: "sigmoid", size: 5 });
  assert.ok(difference(sigmoid, Array.from(z, (v) => 1 / (1 + Math.exp(-v)))) < 1e-6);
});

test("the activations of a user's own model have their known values", () => {
  const z = Float32Array.of(-2, -0.5, 0, 1, 30);
  const through = (layer) => [...buildDecoder([layer, IDENTITY(5)], []).decode(z)];
  assert.deepEqual(through({ type: "leaky_relu", slope: 0.25 }), [-0.5, -0.125, 0, 1, 30]);
  const elu = [0.5 * Math.expm1(-2), 0.5 * Math.expm1(-0.5), 0, 1, 30];
  assert.ok(difference(through({ type: "elu", slope: 0.5 }), elu) < 1e-6);
  assert.ok(difference(through({ type: "tanh" }), z.map(Math.tanh)) < 1e-6);
  assert.ok(difference(through({ type: "sigmoid" }), z.map((v) => 1 / (1 + Math.exp(-v)))) < 1e-6);
  assert.deepEqual(through({ type: "flatten" }), [...z]);
});

test("a convolution sums the patch around every pixel, with zeros beyond the edge", () => {
  const cases = [
    { kernel: 3, stride: 1, padding: 1, height: 4, width: 6 },
    { kernel: 4, stride: 2, padding: 1, height: 5, width: 8 },
    { kernel: 1, stride: 1, padding: 0, height: 2, width: 3 },
    { kernel: 5, stride: 3, padding: 2, height: 7, width: 4 },
  ];
  for (const { height, width, ...shape } of cases) {
    const { kernel, stride, padding } = shape;
    const [inputs, outputs] = [3, 4];
    const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
    const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
    const weight = randomArray(inputs * outputs * kernel ** 2, 3);
    const bias = randomArray(outputs, 4);
    const image = sparseArray(inputs * height * width, 5);
    const expected = new Float64Array(outputs * rows * columns);
    expected.forEach((_, at) => {
      const [o, row, column] = [Math.floor(at / rows / columns), Math.floor(at / columns) % rows, at % columns];
      expected[at] = bias[o];
      for (let i = 0; i < inputs; i++) {
        for (let ky = 0; ky < kernel; ky++) {
          for (let kx = 0; kx < kernel; kx++) {
            const [y, x] = [row * stride + ky - padding, column * stride + kx - padding];
            if (y < 0 || x < 0 || y >= height || x >= width) continue;
            const w = weight[((o * inputs + i) * kernel + ky) * kernel + kx];
            expected[at] += w * image[(i * height + y) * width + x];
          }
        }
      }
    });
    const layers = [
      { type: "unflatten", shape: [inputs, height, width] },
      { type: "conv", inputs, outputs, ...shape },
      IDENTITY(expected.length),
    ];
    const { decode } = buildDecoder(layers, [weight, bias]);
    assert.ok(difference(decode(image), expected) < 1e-5, JSON.stringify(shape));
  }
});

test("upsampling repeats pixels, a scale multiplies and shifts channels", () => {
  const up = [
    { type: "unflatten", shape: [2, 1, 2] },
    { type: "upsample", factor: [2, 3] },
    IDENTITY(24),
  ];
  const image = buildDecoder(up, []).decode([1, 2, 3, 4]);
  const row = [1, 1, 1, 2, 2, 2];
  const below = [3, 3, 3, 4, 4, 4];
  assert.deepEqual([...image], [...row, ...row, ...below, ...below]);
  const scale = [{ type: "unflatten", shape: [2, 1, 2] }, { type: "scale", size: 2 }, IDENTITY(4)];
  const { decode } = buildDecoder(scale, [[2, -1], [0.5, 10]].map((v) => Float32Array.from(v)));
  assert.deepEqual([...decode([1, 2, 3, 4])], [2.5, 4.5, 7, 6]);
});

test("between grid points an image is interpolated, on them it is exact, beyond them the edge's", () => {
  const layer = { type: "grid", low: [-1, 0], high: [1, 3], counts: [3, 4], size: 2 };
  const images = randomArray(24, 8);
  const { decode } = buildDecoder([layer], [images]);
  const at = (i, j) => [...images.subarray((4 * i + j) * 2, (4 * i + j) * 2 + 2)];
  for (const [i, j] of [[0, 0], [1, 2], [2, 3]]) assert.ok(difference(decode([i - 1, j]), at(i, j)) < 1e-6);
  const middle = [0, 1].map((c) => (at(0, 1)[c] + at(0, 2)[c] + at(1, 1)[c] + at(1, 2)[c]) / 4);
  assert.ok(difference(decode([-0.5, 1.5]), middle) < 1e-6);
  assert.ok(difference(decode([9, -9]), at(2, 0)) < 1e-6);
  const line = { type: "grid", low: [0], high: [1], counts: [2], size: 1 };
  assert.deepEqual([...buildDecoder([line], [Float32Array.of(0, 4)]).decode([0.25])], [1]);
});

test("the nearest code's image is an array of its own", () => {
  const layer = { type: "nearest", inputs: 2, count: 3, size: 2 };
  const codes = Float32Array.of(0, 0, 5, 5, -5, 5);
  const images = Float32Array.of(1, 2, 3, 4, 5, 6);
  const { decode } = buildDecoder([layer], [codes, images]);
  const image = decode([4, 4]);
  assert.deepEqual([...image], [3, 4]);
  image[0] = 99;
  assert.deepEqual([...decode([9, 9])], [3, 4]);
  assert.deepEqual([...decode([-9, 1])], [5, 6]);
});

test("the mean is of the first outputs only, as further ones are variances", () => {
  const { decode } = buildDecoder([IDENTITY(2)], []);
  assert.deepEqual([...decode([4, 5, 6])], [4, 5]);
});

test("an unknown layer is named", () => {
  assert.throws(() => buildDecoder([{ type: "gelu" }], []), {
    message: "A layer must be of a known type, got gelu.",
  });
});

