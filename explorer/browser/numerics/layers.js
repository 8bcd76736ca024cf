/**
 * The layers of a decoder, one function each. No DOM.
 *
 * models/export/layers.py says which there are, models/export/interpreter.py is the reference.
 *
 * @typedef {{type: "linear", inputs: number, outputs: number}} LinearLayer
 * @typedef {{type: "conv_transpose", inputs: number, outputs: number, kernel: number,
 *   stride: number, padding: number, output_padding: number[]}} ConvTransposeLayer
 * @typedef {{type: "conv", inputs: number, outputs: number, kernel: number, stride: number,
 *   padding: number}} ConvLayer
 * @typedef {{type: "scale", size: number}} ScaleLayer
 * @typedef {{type: "relu" | "silu" | "tanh" | "sigmoid" | "flatten"}} ActivationLayer
 * @typedef {{type: "leaky_relu" | "elu", slope: number}} LeakyLayer
 * @typedef {{type: "upsample", factor: number[]}} UpsampleLayer
 * @typedef {{type: "grid", low: number[], high: number[], counts: number[], size: number}} GridLayer
 * @typedef {{type: "nearest", inputs: number, count: number, size: number,
 *   of?: "decoded" | "image"}} NearestLayer
 * @typedef {{type: "unflatten", shape: number[]}} UnflattenLayer
 * @typedef {{type: "noise"}} NoiseLayer a noise image as it is, for a sampler elsewhere
 * @typedef {{type: "gate", size: number, ramps: number}} GateLayer
 * @typedef {{type: "mean", activation: "sigmoid" | "identity", size: number}} MeanLayer
 * @typedef {LinearLayer | ConvTransposeLayer | GateLayer | ActivationLayer | UnflattenLayer | MeanLayer
 *   | ConvLayer | ScaleLayer | LeakyLayer | UpsampleLayer | GridLayer | NearestLayer | NoiseLayer} Layer
 * @typedef {{values: Float32Array, shape: number[]}} Signal channels, height, width; or one number
 * @typedef {(signal: Signal) => Signal} Step one layer; it may write over the values it is given
 */

/**
 * Builds the function of one layer.
 * @param {Exclude<Layer, GateLayer>} layer
 * @param {(count: number) => Float32Array} take the layer's next array, of so many numbers
 * @returns {Step}
 */
export function buildStep(layer, take) {
  switch (layer.type) {
    case "linear":
      return linear(layer, take(layer.inputs * layer.outputs), take(layer.outputs));
    case "conv_transpose": {
      const weights = layer.inputs * layer.outputs * layer.kernel ** 2;
      return convTranspose(layer, take(weights), take(layer.outputs));
    }
    case "conv": {
      const weights = layer.inputs * layer.outputs * layer.kernel ** 2;
      return convolution(layer, take(weights), take(layer.outputs));
    }
    case "scale":
      return channelScale(layer.size, take(layer.size), take(layer.size));
    case "grid":
      return betweenGridPoints(layer, take(layer.counts.reduce((all, n) => all * n, layer.size)));
    case "nearest":
      return nearestImage(layer, take(layer.count * layer.inputs), take(layer.count * layer.size));
    case "upsample":
      return repeatPixels(layer);
    case "leaky_relu":
      return elementwise((v) => (v < 0 ? layer.slope * v : v));
    case "elu":
      return elementwise((v) => (v < 0 ? layer.slope * Math.expm1(v) : v));
    case "noise":
      return elementwise((v) => (v + 1) / 2); // noise has pixels from -1, black, to 1, white
    case "tanh":
      return elementwise(Math.tanh);
    case "sigmoid":
      return elementwise(logistic);
    case "flatten":
      return ({ values }) => ({ values, shape: [values.length] });
    case "relu":
      return relu;
    case "silu":
      return silu;
    case "unflatten":
      return ({ values }) => ({ values, shape: layer.shape });
    case "mean":
      return mean(layer);
    default: {
      const { type } = /** @type {{type: string}} */ (layer);
      throw new Error(`A layer must be of a known type, got ${type}.`);
    }
  }
}

/** @type {Step} */
function relu(signal) {
  const { values } = signal;
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
  return signal;
}

/** @type {Step} */
function silu(signal) {
  const { values } = signal;
  for (let i = 0; i < values.length; i++) values[i] /= 1 + Math.exp(-values[i]);
  return signal;
}

/** @param {number} v */
function logistic(v) {
  return 1 / (1 + Math.exp(-v));
}

/**
 * The same function of every number.
 * @param {(v: number) => number} change
 * @returns {Step}
 */
function elementwise(change) {
  return (signal) => {
    const { values } = signal;
    for (let i = 0; i < values.length; i++) values[i] = change(values[i]);
    return signal;
  };
}

/**
 * The likelihood's mean: of the first `size` outputs, as further ones are variances.
 * @param {MeanLayer} layer
 * @returns {Step}
 */
function mean({ activation, size }) {
  return (signal) => {
    const values = signal.values.slice(0, size);
    if (activation === "sigmoid") {
      for (let i = 0; i < size; i++) values[i] = logistic(values[i]);
    }
    return { values, shape: signal.shape };
  };
}

/**
 * A gate of models/families/multirate.py: h ↦ a ⊙ h + c, with a = 1 + Σ A_k tanh 2(t − t_k) and
 * c = Σ C_k tanh 2(t − t_k) at the place t of ln β, the t_k evenly from −1 to 1.
 * @param {GateLayer} layer
 * @param {Float32Array} scales A, row by row, one row a ramp
 * @param {Float32Array} shifts C
 * @returns {{step: Step, turn: (place: number) => void}}
 */
export function buildGate({ size, ramps }, scales, shifts) {
  const scale = new Float32Array(size).fill(1);
  const shift = new Float32Array(size);
  const turn = (/** @type {number} */ place) => {
    scale.fill(1);
    shift.fill(0);
    for (let k = 0, i = 0; k < ramps; k++) {
      const ramp = Math.tanh(2 * (place + 1 - (2 * k) / (ramps - 1)));
      for (let j = 0; j < size; j++, i++) {
        scale[j] += ramp * scales[i];
        shift[j] += ramp * shifts[i];
      }
    }
  };
  return { step: channelScale(size, scale, shift), turn };
}

/**
 * Every channel times a factor, plus a shift.
 * @param {number} size
 * @param {Float32Array} scale
 * @param {Float32Array} shift
 * @returns {Step}
 */
function channelScale(size, scale, shift) {
  return (signal) => {
    const each = signal.values.length / size; // a channel's pixels, or one number
    for (let j = 0, i = 0; j < size; j++) {
      for (const end = (j + 1) * each; i < end; i++) {
        signal.values[i] = scale[j] * signal.values[i] + shift[j];
      }
    }
    return signal;
  };
}

/**
 * Turns the weight over, once, so that an input's weights lie side by side.
 * @param {LinearLayer} layer
 * @param {Float32Array} weight
 * @param {Float32Array} bias
 * @returns {Step}
 */
function linear({ inputs, outputs }, weight, bias) {
  const add = buildRowSum(turned(weight, inputs, outputs), inputs, outputs);
  return ({ values }) => {
    const out = bias.slice();
    add(out, values, 0, 1);
    return { values: out, shape: [outputs] };
  };
}

/**
 * A matrix of one row an output as one of one row an input.
 * @param {Float32Array} weight
 * @param {number} inputs
 * @param {number} outputs
 */
function turned(weight, inputs, outputs) {
  const rows = new Float32Array(weight.length);
  for (let o = 0, w = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) rows[i * outputs + o] = weight[w++];
  }
  return rows;
}

/**
 * Every output pixel sums the patch of the input around it; beyond the edge there are zeros.
 * @param {ConvLayer} layer
 * @param {Float32Array} weight
 * @param {Float32Array} bias
 * @returns {Step}
 */
function convolution({ inputs, outputs, kernel, stride, padding }, weight, bias) {
  const count = inputs * kernel * kernel;
  const add = buildRowSum(turned(weight, count, outputs), count, outputs);
  const patch = new Float32Array(count);
  const pixel = new Float32Array(outputs);
  return ({ values, shape: [, height, width] }) => {
    const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
    const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
    const area = rows * columns;
    const out = new Float32Array(outputs * area);
    for (let at = 0; at < area; at++) {
      const top = Math.floor(at / columns) * stride - padding;
      const left = (at % columns) * stride - padding;
      for (let p = 0; p < count; p++) {
        const y = top + (Math.floor(p / kernel) % kernel);
        const x = left + (p % kernel);
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        const channel = Math.floor(p / kernel / kernel);
        patch[p] = inside ? values[(channel * height + y) * width + x] : 0;
      }
      pixel.set(bias);
      add(pixel, patch, 0, 1);
      for (let o = 0; o < outputs; o++) out[o * area + at] = pixel[o];
    }
    return { values: out, shape: [outputs, rows, columns] };
  };
}

/**
 * Every pixel again and again, down and across.
 * @param {UpsampleLayer} layer
 * @returns {Step}
 */
function repeatPixels({ factor: [down, across] }) {
  return ({ values, shape: [channels, height, width] }) => {
    const [rows, columns] = [height * down, width * across];
    const out = new Float32Array(channels * rows * columns);
    for (let row = 0, at = 0; row < channels * rows; row++) {
      const from = Math.floor(row / down) * width; // channels lie below each other
      for (let x = 0; x < columns; x++) out[at++] = values[from + Math.floor(x / across)];
    }
    return { values: out, shape: [channels, rows, columns] };
  };
}

/**
 * Between decoded grid points: linear along every latent; beyond the grid, its edge.
 * @param {GridLayer} layer
 * @param {Float32Array} images the last latent running fastest
 * @returns {Step}
 */
function betweenGridPoints({ low, high, counts, size }, images) {
  return ({ values: z }) => {
    let corners = [{ at: 0, weight: 1 }];
    counts.forEach((count, j) => {
      const place = ((z[j] - low[j]) / (high[j] - low[j])) * (count - 1);
      const inside = Math.min(Math.max(place, 0), count - 1);
      const first = Math.min(Math.floor(inside), count - 2);
      const share = inside - first;
      corners = corners.flatMap(({ at, weight }) => [
        { at: at * count + first, weight: weight * (1 - share) },
        { at: at * count + first + 1, weight: weight * share },
      ]);
    });
    const out = new Float32Array(size);
    for (const { at, weight } of corners) {
      for (let i = 0, from = at * size; i < size; i++) out[i] += weight * images[from++];
    }
    return { values: out, shape: [size] };
  };
}

/**
 * The image of the nearest code, by Euclidean distance.
 * @param {NearestLayer} layer
 * @param {Float32Array} codes
 * @param {Float32Array} images
 * @returns {Step}
 */
function nearestImage({ inputs, count, size }, codes, images) {
  return ({ values: z }) => {
    let [best, least] = [0, Infinity];
    for (let n = 0; n < count; n++) {
      let distance = 0;
      for (let j = 0; j < inputs; j++) distance += (codes[n * inputs + j] - z[j]) ** 2;
      if (distance < least) [best, least] = [n, distance];
    }
    return { values: images.slice(best * size, (best + 1) * size), shape: [size] };
  };
}

/**
 * Every input pixel adds its patch of kernels, weighted by its channels, to the output.
 * @param {ConvTransposeLayer} layer
 * @param {Float32Array} weight
 * @param {Float32Array} bias
 * @returns {Step}
 */
function convTranspose(layer, weight, bias) {
  const { inputs, outputs, kernel, stride, padding, output_padding: extra } = layer;
  const patch = new Float32Array(outputs * kernel * kernel);
  const add = buildRowSum(weight, inputs, patch.length);
  return ({ values, shape: [, height, width] }) => {
    const rows = (height - 1) * stride - 2 * padding + kernel + extra[0];
    const columns = (width - 1) * stride - 2 * padding + kernel + extra[1];
    const area = rows * columns;
    const out = new Float32Array(outputs * area);
    for (let o = 0; o < outputs; o++) out.fill(bias[o], o * area, (o + 1) * area);
    for (let y = 0, pixel = 0; y < height; y++) {
      const top = y * stride - padding;
      for (let x = 0; x < width; x++, pixel++) {
        const left = x * stride - padding;
        patch.fill(0);
        add(patch, values, pixel, height * width);
        const first = Math.max(0, -left);
        const end = Math.min(kernel, columns - left);
        for (let o = 0, p = 0; o < outputs; o++) {
          for (let ky = 0; ky < kernel; ky++, p += kernel) {
            const row = top + ky;
            if (row < 0 || row >= rows) continue;
            const target = o * area + row * columns + left;
            for (let kx = first; kx < end; kx++) out[target + kx] += patch[p + kx];
          }
        }
      }
    }
    return { values: out, shape: [outputs, rows, columns] };
  };
}

/**
 * Builds the sum over a matrix's rows, out += Σ_i values[start + i · stride] · rows[i].
 *
 * Rows weighted by 0 are left out: after a ReLU about half of them are. Four rows go at a time,
 * so that `out` is read and written a quarter as often.
 * @param {Float32Array} rows `count` · `width` numbers
 * @param {number} count
 * @param {number} width
 * @returns {(out: Float32Array, values: Float32Array, start: number, stride: number) => void}
 */
function buildRowSum(rows, count, width) {
  const factors = new Float64Array(count + 3);
  const places = new Int32Array(count + 3);
  return (out, values, start, stride) => {
    let live = 0;
    for (let i = 0; i < count; i++) {
      const value = values[start + i * stride];
      if (value === 0) continue;
      factors[live] = value;
      places[live++] = i * width;
    }
    factors.fill(0, live, live + 3);
    for (let k = 0; k < live; k += 4) {
      const [f0, f1, f2, f3] = [factors[k], factors[k + 1], factors[k + 2], factors[k + 3]];
      const [p0, p1, p2, p3] = [places[k], places[k + 1], places[k + 2], places[k + 3]];
      for (let o = 0; o < width; o++) {
        out[o] += rows[p0 + o] * f0 + rows[p1 + o] * f1 + rows[p2 + o] * f2 + rows[p3 + o] * f3;
      }
    }
  };
}

