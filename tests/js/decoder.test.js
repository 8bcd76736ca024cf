import assert from "node:assert/strict";
import { test } from "node:test";

import { buildAggregate, buildDecoder, logPrior, unpack } from "../../explorer/browser/numerics/decoder.js";
import { difference, randomArray } from "./helpers.js";

const IDENTITY = (size) => ({ type: "mean", activation: "identity", size });

/** Random numbers with zeros among them, as after a ReLU. */
function sparseArray(count, seed) {
  return randomArray(count, seed).map((value, i) => (i % 3 === seed % 3 ? 0 : value));
}

test("a packed file is read wherever its bytes lie", () => {
  const text = JSON.stringify({ layers: [], halves: 0 }).padEnd(40);
  const packed = new Uint8Array(3 + 4 + 40 + 8);
  const view = new DataView(packed.buffer);
  view.setUint32(3, 40, true);
  packed.set(new TextEncoder().encode(text), 7);
  view.setFloat32(47, 1.5, true);
  view.setFloat32(51, -2, true);
  const { header, numbers } = unpack(packed.subarray(3));
  assert.deepEqual(header, { layers: [], halves: 0 });
  assert.deepEqual([...numbers], [1.5, -2]);
});

test("half-precision numbers come first and are read exactly", () => {
  const halves = [0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x0400, 0x8000];
  const expected = [1, -2, 0.333251953125, 2 ** -24, 65504, 2 ** -14, -0];
  const text = JSON.stringify({ halves: 7 }).padEnd(12);
  const packed = new Uint8Array(4 + 12 + 16 + 4);
  const view = new DataView(packed.buffer);
  view.setUint32(0, 12, true);
  packed.set(new TextEncoder().encode(text), 4);
  halves.forEach((half, i) => view.setUint16(16 + 2 * i, half, true));
  view.setFloat32(32, 7.25, true);
  assert.deepEqual([...unpack(packed).numbers], [...expected, 7.25]);
});

test("a linear layer is a matrix times its input, plus the bias", () => {
  for (const inputs of [1, 2, 3, 4, 5, 9]) {
    const outputs = 7;
    const weight = randomArray(inputs * outputs, inputs);
    const bias = randomArray(outputs, 1);
    const z = sparseArray(inputs, 2);
    const layers = [{ type: "linear", inputs, outputs }, IDENTITY(outputs)];
    const { decode, used } = buildDecoder(layers, Float32Array.of(...weight, ...bias, 9));
    const expected = Array.from(bias, (b, o) =>
      z.reduce((sum, value, i) => sum + weight[o * inputs + i] * value, b),
    );
    assert.equal(used, weight.length + outputs);
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
    const { decode } = buildDecoder(layers, Float32Array.of(...weight, ...bias));
    assert.ok(difference(decode(image), expected) < 1e-5, JSON.stringify(shape));
  }
});

test("activations and links have their known values", () => {
  const z = Float32Array.of(-2, -0.5, 0, 1, 30);
  const through = (...layers) => [...buildDecoder(layers, new Float32Array(0)).decode(z)];
  assert.deepEqual(through({ type: "relu" }, IDENTITY(5)), [0, 0, 0, 1, 30]);
  const silu = [-2 / (1 + Math.E ** 2), -0.5 / (1 + Math.E ** 0.5), 0, 1 / (1 + 1 / Math.E), 30];
  assert.ok(difference(through({ type: "silu" }, IDENTITY(5)), silu) < 1e-6);
  const sigmoid = through({ type: "mean", activation: "sigmoid", size: 5 });
  assert.ok(difference(sigmoid, Array.from(z, (v) => 1 / (1 + Math.exp(-v)))) < 1e-6);
});

test("a stranger's activations have their known values", () => {
  const z = Float32Array.of(-2, -0.5, 0, 1, 30);
  const through = (layer) => [...buildDecoder([layer, IDENTITY(5)], new Float32Array(0)).decode(z)];
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
    const { decode, used } = buildDecoder(layers, Float32Array.of(...weight, ...bias));
    assert.equal(used, weight.length + outputs);
    assert.ok(difference(decode(image), expected) < 1e-5, JSON.stringify(shape));
  }
});

test("upsampling repeats pixels, a scale multiplies and shifts channels", () => {
  const up = [
    { type: "unflatten", shape: [2, 1, 2] },
    { type: "upsample", factor: [2, 3] },
    IDENTITY(24),
  ];
  const image = buildDecoder(up, new Float32Array(0)).decode([1, 2, 3, 4]);
  const row = [1, 1, 1, 2, 2, 2];
  const below = [3, 3, 3, 4, 4, 4];
  assert.deepEqual([...image], [...row, ...row, ...below, ...below]);
  const scale = [{ type: "unflatten", shape: [2, 1, 2] }, { type: "scale", size: 2 }, IDENTITY(4)];
  const { decode, used } = buildDecoder(scale, Float32Array.of(2, -1, 0.5, 10));
  assert.deepEqual([...decode([1, 2, 3, 4])], [2.5, 4.5, 7, 6]);
  assert.equal(used, 4);
});

test("between grid points an image is interpolated, on them it is exact, beyond them the edge's", () => {
  const layer = { type: "grid", low: [-1, 0], high: [1, 3], counts: [3, 4], size: 2 };
  const images = randomArray(24, 8);
  const { decode, used } = buildDecoder([layer], images);
  const at = (i, j) => [...images.subarray((4 * i + j) * 2, (4 * i + j) * 2 + 2)];
  assert.equal(used, 24);
  for (const [i, j] of [[0, 0], [1, 2], [2, 3]]) assert.ok(difference(decode([i - 1, j]), at(i, j)) < 1e-6);
  const middle = [0, 1].map((c) => (at(0, 1)[c] + at(0, 2)[c] + at(1, 1)[c] + at(1, 2)[c]) / 4);
  assert.ok(difference(decode([-0.5, 1.5]), middle) < 1e-6);
  assert.ok(difference(decode([9, -9]), at(2, 0)) < 1e-6);
  const line = { type: "grid", low: [0], high: [1], counts: [2], size: 1 };
  assert.deepEqual([...buildDecoder([line], Float32Array.of(0, 4)).decode([0.25])], [1]);
});

test("the nearest code's image is an array of its own", () => {
  const layer = { type: "nearest", inputs: 2, count: 3, size: 2 };
  const numbers = Float32Array.of(0, 0, 5, 5, -5, 5, 1, 2, 3, 4, 5, 6);
  const { decode, used } = buildDecoder([layer], numbers);
  assert.equal(used, 12);
  const image = decode([4, 4]);
  assert.deepEqual([...image], [3, 4]);
  image[0] = 99;
  assert.deepEqual([...decode([9, 9])], [3, 4]);
  assert.deepEqual([...decode([-9, 1])], [5, 6]);
});

test("the mean is of the first outputs only, as further ones are variances", () => {
  const { decode } = buildDecoder([IDENTITY(2)], new Float32Array(0));
  assert.deepEqual([...decode([4, 5, 6])], [4, 5]);
});

test("decoding leaves its code alone, and every image is an array of its own", () => {
  const { decode } = buildDecoder([{ type: "relu" }, IDENTITY(2)], new Float32Array(0));
  const z = Float32Array.of(-1, 1);
  const first = decode(z);
  const second = decode([2, 3]);
  assert.deepEqual([...z], [-1, 1]);
  assert.deepEqual([...first], [0, 1]);
  assert.deepEqual([...second], [2, 3]);
});

test("an unknown layer is named", () => {
  assert.throws(() => buildDecoder([{ type: "gelu" }], new Float32Array(0)), {
    message: "A layer must be of a known type, got gelu.",
  });
});

test("the prior's density is that of independent standard normals", () => {
  assert.ok(Math.abs(logPrior(Float32Array.of(0, 0)) + Math.log(2 * Math.PI)) < 1e-12);
  const ratio = logPrior(Float32Array.of(1, 2, -2)) - logPrior(Float32Array.of(0, 0, 0));
  assert.ok(Math.abs(ratio + 4.5) < 1e-12);
});

/** ln (1/N) Σ q(z|x_n), term by term. */
function exactAggregate(size, means, logVariances, z) {
  const terms = [];
  for (let n = 0; n < means.length; n += size) {
    let term = -0.5 * size * Math.log(2 * Math.PI);
    for (let j = 0; j < size; j++) {
      const logVariance = logVariances[n + j];
      term -= 0.5 * (logVariance + (z[j] - means[n + j]) ** 2 / Math.exp(logVariance));
    }
    terms.push(term);
  }
  const largest = Math.max(...terms);
  const sum = terms.reduce((total, term) => total + Math.exp(term - largest), 0);
  return largest + Math.log(sum / terms.length);
}

test("the aggregate posterior is the mean of all posteriors, near and far", () => {
  for (const [count, size] of [[1, 1], [1, 3], [63, 2], [64, 2], [65, 2], [3000, 1], [3000, 2], [2000, 7], [700, 40]]) {
    for (const width of [-6, -3, 0]) {
      const means = randomArray(count * size, count, 2);
      const logVariances = randomArray(count * size, size, 0.7).map((v) => v + width);
      const aggregate = buildAggregate(size, means, logVariances);
      for (const scale of [0, 1, 3, 30]) {
        const z = randomArray(size, 7, scale);
        const exact = exactAggregate(size, means, logVariances, z);
        const error = Math.abs(aggregate(z) - exact);
        assert.ok(error < 1e-5 + 1e-12 * Math.abs(exact), `${[count, size, width, scale, error]}`);
      }
      const code = means.subarray(0, size);
      assert.ok(Math.abs(aggregate(code) - exactAggregate(size, means, logVariances, code)) < 1e-5);
    }
  }
});

test("equal codes, and precisions from one end to the other, keep the aggregate exact", () => {
  const same = buildAggregate(2, new Float32Array(400).fill(3), new Float32Array(400).fill(-2));
  const one = buildAggregate(2, Float32Array.of(3, 3), Float32Array.of(-2, -2));
  assert.ok(Math.abs(same([2.5, 3.5]) - one([2.5, 3.5])) < 1e-9);
  const narrow = Float32Array.from({ length: 400 }, (_, i) => (i < 200 ? -30 : -80));
  const peak = buildAggregate(2, new Float32Array(400), narrow)([0, 0]);
  assert.ok(Math.abs(peak - (80 - Math.log(2) - Math.log(2 * Math.PI))) < 1e-5);
  const means = randomArray(1000, 1);
  const logVariances = Float32Array.from(means, (_, i) => [-80, -8, 0, 4, 80][(i >> 1) % 5]);
  const aggregate = buildAggregate(2, means, logVariances);
  for (const z of [[0, 0], [means[0], means[1]], [50, -50]]) {
    assert.ok(Math.abs(aggregate(z) - exactAggregate(2, means, logVariances, z)) < 1e-5);
  }
});

test("the aggregate posterior integrates to 1", () => {
  const aggregate = buildAggregate(2, randomArray(200, 3), randomArray(200, 4, 0.3).map((v) => v - 2));
  const step = 0.1;
  let mass = 0;
  for (let x = -8; x <= 8; x += step) {
    for (let y = -8; y <= 8; y += step) mass += Math.exp(aggregate([x, y])) * step * step;
  }
  assert.ok(Math.abs(mass - 1) < 1e-3, `${mass}`);
});
