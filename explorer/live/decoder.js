/**
 * The decoder in the browser: pure numerics, no DOM, no dependency.
 *
 * Reads the layout of models/export.py and computes E[x|z] for one code at a time.
 *
 * @typedef {{type: string, inputs?: number, outputs?: number, kernel?: number, stride?: number,
 *   padding?: number, output_padding?: number[], shape?: number[], activation?: string,
 *   size?: number}} Layer
 * @typedef {{layers: Layer[], image_shape: number[], arrays?: number[]}} Header
 * @typedef {{values: Float32Array, shape: number[]}} Signal channels, height, width; or one number
 */

/**
 * Splits a packed file into its header and its numbers.
 * @param {Uint8Array} bytes
 * @returns {{header: Header, numbers: Float32Array}}
 */
export function unpack(bytes) {
  const copy = bytes.slice(); // a view may start anywhere; floats need a multiple of four
  const length = new DataView(copy.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(copy.subarray(4, 4 + length)));
  return { header, numbers: new Float32Array(copy.buffer, 4 + length) };
}

/**
 * Builds the function z → image (C·H·W values), and says how many numbers it took.
 * @param {Layer[]} layers
 * @param {Float32Array} numbers
 * @returns {{decode: (z: Float32Array) => Float32Array, used: number}}
 */
export function buildDecoder(layers, numbers) {
  let used = 0;
  const take = (/** @type {number} */ count) => numbers.subarray(used, (used += count));
  const steps = layers.map((layer) => buildStep(layer, take));
  const decode = (/** @type {Float32Array} */ z) =>
    steps.reduce((signal, step) => step(signal), { values: z, shape: [z.length] }).values;
  return { decode, used };
}

/**
 * @param {Layer} layer
 * @param {(count: number) => Float32Array} take
 * @returns {(signal: Signal) => Signal}
 */
function buildStep(layer, take) {
  switch (layer.type) {
    case "linear":
      return linear(layer, take(layer.inputs * layer.outputs), take(layer.outputs));
    case "conv_transpose":
      return convTranspose(
        layer,
        take(layer.inputs * layer.outputs * layer.kernel ** 2),
        take(layer.outputs),
      );
    case "relu":
      return pointwise((v) => (v > 0 ? v : 0));
    case "silu":
      return pointwise((v) => v / (1 + Math.exp(-v)));
    case "unflatten":
      return ({ values }) => ({ values, shape: layer.shape });
    case "mean":
      return mean(layer);
    default:
      throw new Error(`A layer must be of a known type, got ${layer.type}.`);
  }
}

/** @param {(v: number) => number} f */
function pointwise(f) {
  return (/** @type {Signal} */ { values, shape }) => {
    const out = new Float32Array(values.length);
    for (let i = 0; i < out.length; i++) out[i] = f(values[i]);
    return { values: out, shape };
  };
}

/**
 * Four sums run side by side, because one alone would wait for itself at every step.
 * @param {Layer} layer
 * @param {Float32Array} weight
 * @param {Float32Array} bias
 */
function linear({ inputs, outputs }, weight, bias) {
  const fours = inputs - (inputs % 4);
  return (/** @type {Signal} */ { values }) => {
    const out = new Float32Array(outputs);
    for (let o = 0, w = 0; o < outputs; o++) {
      let [a, b, c, d] = [bias[o], 0, 0, 0];
      let i = 0;
      for (; i < fours; i += 4, w += 4) {
        a += weight[w] * values[i];
        b += weight[w + 1] * values[i + 1];
        c += weight[w + 2] * values[i + 2];
        d += weight[w + 3] * values[i + 3];
      }
      for (; i < inputs; i++, w++) a += weight[w] * values[i];
      out[o] = a + b + c + d;
    }
    return { values: out, shape: [outputs] };
  };
}

/**
 * Every input pixel adds its kernel to the output, `stride` apart.
 * @param {Layer} layer
 * @param {Float32Array} weight
 * @param {Float32Array} bias
 */
function convTranspose(layer, weight, bias) {
  const { inputs, outputs, kernel, stride, padding, output_padding: extra } = layer;
  return (/** @type {Signal} */ { values, shape }) => {
    const [, height, width] = shape;
    const rows = (height - 1) * stride - 2 * padding + kernel + extra[0];
    const columns = (width - 1) * stride - 2 * padding + kernel + extra[1];
    const out = new Float32Array(outputs * rows * columns);
    for (let o = 0; o < outputs; o++) out.fill(bias[o], o * rows * columns, (o + 1) * rows * columns);
    for (let i = 0, w = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) {
        for (let ky = 0; ky < kernel; ky++) {
          for (let kx = 0; kx < kernel; kx++) {
            const k = weight[w++];
            const first = Math.max(0, Math.ceil((padding - kx) / stride));
            const end = Math.min(width, Math.floor((columns - 1 + padding - kx) / stride) + 1);
            for (let y = 0; y < height; y++) {
              const row = y * stride + ky - padding;
              if (row < 0 || row >= rows) continue;
              const source = (i * height + y) * width;
              const target = (o * rows + row) * columns + kx - padding;
              for (let x = first; x < end; x++) out[target + x * stride] += k * values[source + x];
            }
          }
        }
      }
    }
    return { values: out, shape: [outputs, rows, columns] };
  };
}

/**
 * The likelihood's mean: of the first `size` outputs, as further ones are variances.
 * @param {Layer} layer
 */
function mean({ activation, size }) {
  const link = pointwise(activation === "sigmoid" ? (v) => 1 / (1 + Math.exp(-v)) : (v) => v);
  return (/** @type {Signal} */ { values, shape }) =>
    link({ values: values.subarray(0, size), shape });
}

/**
 * ln of the standard normal density at z, in nats.
 * @param {Float32Array} z
 */
export function logPrior(z) {
  return -0.5 * z.reduce((sum, v) => sum + v * v, z.length * Math.log(2 * Math.PI));
}

/**
 * Builds the function z → ln q(z), the aggregate posterior q(z) = (1/N) Σ q(z|x_n), in nats,
 * exact over the given codes.
 * @param {number} size Z
 * @param {Float32Array} means N·Z values
 * @param {Float32Array} logVariances N·Z values
 * @returns {(z: Float32Array) => number}
 */
export function buildAggregate(size, means, logVariances) {
  const count = means.length / size;
  const precisions = logVariances.map((v) => Math.exp(-v));
  const constants = new Float64Array(count);
  const terms = new Float64Array(count);
  for (let i = 0; i < logVariances.length; i++) constants[Math.floor(i / size)] += logVariances[i];
  return (z) => {
    let largest = -Infinity;
    for (let n = 0, i = 0; n < count; n++) {
      let square = constants[n];
      for (let j = 0; j < size; j++, i++) square += (z[j] - means[i]) ** 2 * precisions[i];
      terms[n] = -0.5 * square;
      if (terms[n] > largest) largest = terms[n];
    }
    let sum = 0;
    for (let n = 0; n < count; n++) sum += Math.exp(terms[n] - largest);
    return largest + Math.log(sum / count) - 0.5 * size * Math.log(2 * Math.PI);
  };
}
