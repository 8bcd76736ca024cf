// explorer/browser/common/chart.js
var fetched = /* @__PURE__ */ new Map();
function provide(url, content) {
  fetched.set(url, content);
}
function fetchOnce(url, read) {
  let found = fetched.get(url);
  if (!found) {
    found = fetch(url).then((answer) => {
      if (!answer.ok) throw new Error(`the server must have ${url}, got ${answer.status}`);
      return read(answer);
    });
    found.catch(() => fetched.delete(url));
    fetched.set(url, found);
    if (fetched.size > 40) fetched.delete(
      /** @type {string} */
      fetched.keys().next().value
    );
  }
  return found;
}
function loadPlotly(url) {
  const page = (
    /** @type {{Plotly?: PlotlyLibrary}} */
    /** @type {unknown} */
    window
  );
  if (page.Plotly) return Promise.resolve(page.Plotly);
  let found = fetched.get(url);
  if (!found) {
    found = new Promise((done, fail) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => done(page.Plotly);
      script.onerror = () => fail(new Error("the server must have the plotting library"));
      document.head.append(script);
    });
    found.catch(() => fetched.delete(url));
    fetched.set(url, found);
  }
  return found;
}
function themed(element) {
  const style = getComputedStyle(element);
  const text = style.getPropertyValue("--st-text-color").trim() || style.color;
  const line = style.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,.3)";
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, family: style.getPropertyValue("--st-font").trim() || "sans-serif" },
    modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: line, activecolor: text },
    xaxis: axis,
    yaxis: axis
  };
}
function dress(layout, element) {
  const theme = themed(element);
  return {
    ...layout,
    ...theme,
    xaxis: { ...layout.xaxis, ...theme.xaxis },
    yaxis: { ...layout.yaxis, ...theme.yaxis }
  };
}
function frame(chart) {
  const { xaxis, yaxis } = chart._fullLayout;
  return {
    left: xaxis._offset,
    top: yaxis._offset,
    width: xaxis._length,
    height: yaxis._length,
    toPixels: (place) => [
      xaxis._offset + xaxis.l2p(place[0]),
      yaxis._offset + yaxis.l2p(place[1])
    ],
    toPlace: (pixel) => [
      xaxis.p2l(pixel[0] - xaxis._offset),
      yaxis.p2l(pixel[1] - yaxis._offset)
    ],
    /** Pixels per unit, across and up. */
    scale: [Math.abs(xaxis.l2p(1) - xaxis.l2p(0)), Math.abs(yaxis.l2p(1) - yaxis.l2p(0))]
  };
}
function placed(chart, count) {
  const positions = new Float32Array(2 * count);
  const visible = new Uint8Array(count);
  for (const trace of chart._fullData) {
    if (!trace.customdata) continue;
    const listed = trace.visible === true;
    for (let i = 0; i < trace.x.length; i++) {
      const index = trace.customdata[i];
      positions[2 * index] = trace.x[i];
      positions[2 * index + 1] = trace.y[i];
      visible[index] = listed ? 1 : 0;
    }
  }
  return { positions, visible };
}

// explorer/browser/numerics/layers.js
function buildStep(layer, take) {
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
      return elementwise((v) => v < 0 ? layer.slope * v : v);
    case "elu":
      return elementwise((v) => v < 0 ? layer.slope * Math.expm1(v) : v);
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
      const { type } = (
        /** @type {{type: string}} */
        layer
      );
      throw new Error(`A layer must be of a known type, got ${type}.`);
    }
  }
}
function relu(signal) {
  const { values } = signal;
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
  return signal;
}
function silu(signal) {
  const { values } = signal;
  for (let i = 0; i < values.length; i++) values[i] /= 1 + Math.exp(-values[i]);
  return signal;
}
function logistic(v) {
  return 1 / (1 + Math.exp(-v));
}
function elementwise(change) {
  return (signal) => {
    const { values } = signal;
    for (let i = 0; i < values.length; i++) values[i] = change(values[i]);
    return signal;
  };
}
function mean({ activation, size }) {
  return (signal) => {
    const values = signal.values.slice(0, size);
    if (activation === "sigmoid") {
      for (let i = 0; i < size; i++) values[i] = logistic(values[i]);
    }
    return { values, shape: signal.shape };
  };
}
function buildGate({ size, ramps }, scales, shifts) {
  const scale = new Float32Array(size).fill(1);
  const shift = new Float32Array(size);
  const turn = (place) => {
    scale.fill(1);
    shift.fill(0);
    for (let k = 0, i = 0; k < ramps; k++) {
      const ramp = Math.tanh(2 * (place + 1 - 2 * k / (ramps - 1)));
      for (let j = 0; j < size; j++, i++) {
        scale[j] += ramp * scales[i];
        shift[j] += ramp * shifts[i];
      }
    }
  };
  return { step: channelScale(size, scale, shift), turn };
}
function channelScale(size, scale, shift) {
  return (signal) => {
    const each = signal.values.length / size;
    for (let j = 0, i = 0; j < size; j++) {
      for (const end = (j + 1) * each; i < end; i++) {
        signal.values[i] = scale[j] * signal.values[i] + shift[j];
      }
    }
    return signal;
  };
}
function linear({ inputs, outputs }, weight, bias) {
  const add = buildRowSum(turned(weight, inputs, outputs), inputs, outputs);
  return ({ values }) => {
    const out = bias.slice();
    add(out, values, 0, 1);
    return { values: out, shape: [outputs] };
  };
}
function turned(weight, inputs, outputs) {
  const rows = new Float32Array(weight.length);
  for (let o = 0, w = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) rows[i * outputs + o] = weight[w++];
  }
  return rows;
}
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
      const left = at % columns * stride - padding;
      for (let p = 0; p < count; p++) {
        const y = top + Math.floor(p / kernel) % kernel;
        const x = left + p % kernel;
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
function repeatPixels({ factor: [down, across] }) {
  return ({ values, shape: [channels, height, width] }) => {
    const [rows, columns] = [height * down, width * across];
    const out = new Float32Array(channels * rows * columns);
    for (let row = 0, at = 0; row < channels * rows; row++) {
      const from = Math.floor(row / down) * width;
      for (let x = 0; x < columns; x++) out[at++] = values[from + Math.floor(x / across)];
    }
    return { values: out, shape: [channels, rows, columns] };
  };
}
function betweenGridPoints({ low, high, counts, size }, images) {
  return ({ values: z }) => {
    let corners = [{ at: 0, weight: 1 }];
    counts.forEach((count, j) => {
      const place = (z[j] - low[j]) / (high[j] - low[j]) * (count - 1);
      const inside = Math.min(Math.max(place, 0), count - 1);
      const first = Math.min(Math.floor(inside), count - 2);
      const share = inside - first;
      corners = corners.flatMap(({ at, weight }) => [
        { at: at * count + first, weight: weight * (1 - share) },
        { at: at * count + first + 1, weight: weight * share }
      ]);
    });
    const out = new Float32Array(size);
    for (const { at, weight } of corners) {
      for (let i = 0, from = at * size; i < size; i++) out[i] += weight * images[from++];
    }
    return { values: out, shape: [size] };
  };
}
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

// explorer/browser/numerics/tensors.js
var READERS = {
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => readHalves(new Uint16Array(buffer)),
  I64: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  U8: (buffer) => Float32Array.from(new Uint8Array(buffer))
};
function readTensors(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const payload = file.subarray(8 + length);
  const { __metadata__: texts = {}, ...entries } = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + length))
  );
  const metadata = {};
  for (const [name, text] of Object.entries(texts)) {
    if (name !== "sha256") metadata[name] = JSON.parse(text);
  }
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    tensors[name] = { dtype, shape, data: payload.subarray(start, end) };
  }
  return { tensors, metadata };
}
function numbersOf({ dtype, data }) {
  const read = READERS[dtype];
  if (!read) throw new Error(`A tensor must be one of ${Object.keys(READERS).join(", ")}, got ${dtype}.`);
  return read(new Uint8Array(data).buffer);
}
function readHalves(bits) {
  return Float32Array.from(bits, (half) => {
    const exponent = half >> 10 & 31;
    const fraction = half & 1023;
    const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : half >> 15 ? -Infinity : Infinity;
    return half >> 15 ? -size : size;
  });
}

// explorer/browser/numerics/decoder.js
function readModel(file) {
  const { tensors, metadata } = readTensors(file);
  const weights = [];
  const arrays = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const place = /^layers\.(\d+)$/.exec(name);
    if (place) weights[Number(place[1])] = numbersOf(tensor);
    else arrays[name] = numbersOf(tensor);
  }
  const header = (
    /** @type {Header} */
    metadata
  );
  return { ...buildDecoder(header.layers, weights), header, arrays };
}
function buildDecoder(layers, weights) {
  let used = 0;
  const take = (count) => {
    const array = weights[used++];
    if (array?.length === count) return array;
    throw new Error(`Array ${used} of the decoder must have ${count} numbers, got ${array?.length}.`);
  };
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
  const turn = (place) => gates.forEach((set) => set(place));
  const decode = (z) => {
    let signal = { values: Float32Array.from(z), shape: [z.length] };
    for (const step of steps) signal = step(signal);
    return signal.values;
  };
  return { decode, turn };
}

// explorer/browser/beta_slider/model.js
function between(knots, value) {
  let k = 0;
  while (k < knots.length - 2 && knots[k + 1] <= value) k++;
  const share = (value - knots[k]) / (knots[k + 1] - knots[k]);
  return [k, Math.min(1, Math.max(0, share))];
}
function blend(table2, width, [k, share]) {
  const from = k * width;
  return Float32Array.from(
    { length: width },
    (_, i) => (1 - share) * table2[from + i] + share * table2[from + width + i]
  );
}
var MultirateModel = class {
  /** @param {Uint8Array} file of `slider_file` of models/export/browser_files.py */
  constructor(file) {
    const { decode, turn, header, arrays } = readModel(file);
    this.decode = decode;
    this.turn = turn;
    this.shape = header.image_shape;
    this.size = header.latent_dim;
    this.arrays = /** @type {Record<string, Float32Array>} */
    arrays;
    this.logBetas = Array.from(this.arrays.betas, Math.log);
    this.range = [this.logBetas[0], this.logBetas[this.logBetas.length - 1]];
    this.extent = this.arrays.mean.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  }
  /**
   * Everything at one β: codes, D and R per latent of the test set; sets the decoder's gates.
   * @param {number} beta
   */
  at(beta) {
    const [low, high] = this.range;
    const place = between(this.logBetas, Math.log(beta));
    this.turn((2 * Math.log(beta) - low - high) / (high - low));
    const { mean: mean2, distortion, rate } = this.arrays;
    return {
      codes: blend(mean2, mean2.length / this.logBetas.length, place),
      distortion: blend(distortion, 1, place)[0],
      rates: blend(rate, this.size, place)
    };
  }
};

// explorer/browser/common/dom.js
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
function part(root, selector) {
  const found = (
    /** @type {T | null} */
    root.querySelector(selector)
  );
  if (!found) throw new Error(`the page must hold ${selector}`);
  return found;
}
function shown(value, digits = 2) {
  return value.toFixed(digits).replace("-", "−");
}
function levels(values, [channels, height, width]) {
  const size = height * width;
  const found = new Uint8ClampedArray(4 * size);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      found[4 * i + c] = Math.floor(values[(channels === 3 ? c * size : 0) + i] * 255 + 0.5);
    }
    found[4 * i + 3] = 255;
  }
  return found;
}
function paint(canvas, values, shape) {
  const [, height, width] = shape;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context(canvas).putImageData(new ImageData(levels(values, shape), width, height), 0, 0);
}
function context(canvas) {
  const found = canvas.getContext("2d");
  if (!found) throw new Error("the browser must be able to draw on a canvas");
  return found;
}
function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1e4);
}

// explorer/browser/latent_map/layers.js
var SELECTED = "#ff2d87";
var DRAWN = "#00a878";
function sheet(canvas, chart, view) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = context(canvas);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.beginPath();
  pen.rect(view.left, view.top, view.width, view.height);
  pen.clip();
  return pen;
}
function traceEllipse(pen, view, place, { a, b, angle }, sigmas) {
  const [x, y] = view.toPixels(place);
  const [across, up] = view.scale;
  pen.save();
  pen.translate(x, y);
  pen.scale(across, -up);
  pen.rotate(angle);
  pen.beginPath();
  pen.ellipse(0, 0, Math.max(sigmas * a, 1e-9), Math.max(sigmas * b, 1e-9), 0, 0, 2 * Math.PI);
  pen.restore();
  pen.stroke();
}
function ring(pen, view, place, radius, colour) {
  const [x, y] = view.toPixels(place);
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 4.5], [colour, 2.5]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.stroke();
  }
}
function cross(pen, view, place, text) {
  const [x, y] = view.toPixels(place);
  pen.font = "600 12px sans-serif";
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 5], ["#1b2330", 2]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x - 5, y - 5);
    pen.lineTo(x + 5, y + 5);
    pen.moveTo(x - 5, y + 5);
    pen.lineTo(x + 5, y - 5);
    pen.stroke();
    pen.lineWidth = Math.min(width, 3);
    if (style === "#fff") pen.strokeText(text, x + 8, y + 4);
  }
  pen.fillStyle = "#1b2330";
  pen.fillText(text, x + 8, y + 4);
}
function traceSteps(pen, view, places, colour) {
  const pixels = places.map(view.toPixels);
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 5], [colour, 2.5]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pixels.forEach(([x, y], k) => k ? pen.lineTo(x, y) : pen.moveTo(x, y));
    pen.stroke();
  }
  pen.fillStyle = colour;
  for (const [x, y] of pixels) {
    pen.beginPath();
    pen.arc(x, y, 3.2, 0, 2 * Math.PI);
    pen.fill();
  }
}

// explorer/browser/beta_slider/slider.js
var STEPS = 400;
var PLAY_MS = 9e3;
var POINT = 2.2;
var BetaSlider = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.chart = /** @type {Chart} */
    part(root, ".chart");
    this.slider = /** @type {HTMLInputElement} */
    part(root, "input");
    this.has = {};
    this.model = null;
    this.data = null;
    this.tell = () => {
    };
    this.beta = 1;
    this.reconstructions = [];
    this.samples = [];
    this.bars = [];
    this.plotly = null;
    this.now = null;
    this.waiting = false;
    this.playing = 0;
    this.serial = 0;
    this.slider.max = String(STEPS);
    this.slider.oninput = () => this.slide(Number(this.slider.value));
    this.slider.onchange = () => this.tell({ beta: this.beta, run: null });
    part(root, ".play").onclick = () => this.toggle();
    this.ended = new AbortController();
    const watch = new ResizeObserver(() => {
      if (this.plotly && this.chart._fullLayout && this.chart.clientWidth) this.plotly.Plots.resize(this.chart);
    });
    watch.observe(this.chart);
    this.ended.signal.addEventListener("abort", () => watch.disconnect());
  }
  /**
   * @param {SliderData} data
   * @param {(choice: Choice) => void} tell
   */
  async update(data, tell) {
    const serial = ++this.serial;
    const isFirst = !this.data;
    Object.assign(this, { data, tell });
    try {
      const [plotly, figure] = await Promise.all([
        loadPlotly(data.plotly),
        fetchOnce(data.figure, (answer) => answer.json())
      ]);
      if (serial !== this.serial) return;
      await this.show(plotly, figure);
      await this.load(data);
      if (serial !== this.serial) return;
      if (isFirst) this.beta = data.beta;
      part(this.root, ".state").textContent = "";
      this.settle();
    } catch (error) {
      const text = (
        /** @type {Error} */
        error.message
      );
      part(this.root, ".state").textContent = `The trade-off cannot be shown: ${text}. Reload the page.`;
    }
  }
  /**
   * @param {PlotlyLibrary} plotly
   * @param {Figure} figure
   */
  async show(plotly, figure) {
    const data = (
      /** @type {SliderData} */
      this.data
    );
    const theme = getComputedStyle(this.root).getPropertyValue("--st-background-color");
    if (this.has.figure === data.figure && this.has.theme === theme) return;
    const isFirst = !this.has.figure;
    Object.assign(this.has, { figure: data.figure, theme });
    this.plotly = plotly;
    const layout = { ...dress(figure.layout, this.root), uirevision: "rates" };
    await plotly.react(this.chart, figure.data, layout, { displaylogo: false, scrollZoom: true });
    if (!isFirst) return;
    for (const event of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) {
      this.chart.on(event, () => this.drawPoint());
    }
    this.chart.on("plotly_click", (details) => {
      const run = details?.points?.[0]?.customdata;
      if (typeof run === "string") this.tell({ beta: this.beta, run });
    });
  }
  /** @param {SliderData} data */
  async load(data) {
    if (this.has.model === (data.model ?? "")) return;
    const bytes = data.model && await fetchOnce(data.model, (answer) => answer.arrayBuffer());
    this.has.model = data.model ?? "";
    this.model = bytes ? new MultirateModel(new Uint8Array(bytes)) : null;
    part(this.root, ".moving").hidden = !this.model;
    if (this.model) this.furnish(this.model);
  }
  /**
   * The pictures' places: originals, their reconstructions, samples of the prior.
   * @param {MultirateModel} model
   */
  furnish(model) {
    const { originals: images, prior } = model.arrays;
    const pixels = model.shape.reduce((product, side) => product * side);
    const row = (count) => Array.from({ length: count }, () => make("canvas", { width: 1, height: 1 }));
    const originals = row((images?.length ?? 0) / pixels);
    this.samples = row(prior.length / model.size);
    originals.forEach(
      (canvas, i) => paint(canvas, images.subarray(i * pixels, (i + 1) * pixels), model.shape)
    );
    this.reconstructions = row(this.samples.length);
    part(this.root, ".originals").replaceChildren(...originals);
    part(this.root, ".reconstructions").replaceChildren(...this.reconstructions);
    part(this.root, ".samples").replaceChildren(...this.samples);
    this.bars = Array.from({ length: model.size }, () => make("i"));
    part(this.root, ".kl").replaceChildren(...this.bars);
  }
  /** @param {number} step of the slider */
  slide(step) {
    const [low, high] = this.model?.range ?? [Math.log(0.1), Math.log(100)];
    this.beta = Math.exp(low + step / STEPS * (high - low));
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }
  /** Puts the slider where β is. */
  settle() {
    const [low, high] = this.model?.range ?? [Math.log(0.1), Math.log(100)];
    this.slider.value = String(Math.round(STEPS * (Math.log(this.beta) - low) / (high - low)));
    this.draw();
  }
  toggle() {
    const button = part(this.root, ".play");
    if (this.playing) {
      cancelAnimationFrame(this.playing);
      this.playing = 0;
      button.textContent = "▶ Play";
      this.tell({ beta: this.beta, run: null });
      return;
    }
    button.textContent = "❚❚ Pause";
    const start = performance.now() - PLAY_MS * Number(this.slider.value) / STEPS;
    const next = (now) => {
      const around = (now - start) / PLAY_MS % 2;
      this.slider.value = String(Math.round(STEPS * (around < 1 ? around : 2 - around)));
      this.slide(Number(this.slider.value));
      this.playing = requestAnimationFrame(next);
    };
    this.playing = requestAnimationFrame(next);
  }
  /** Everything that depends on β, in one frame. */
  draw() {
    const text = this.beta < 10 ? shown(this.beta) : shown(this.beta, 1);
    part(this.root, ".beta").textContent = `β = ${text}`;
    const model = this.model;
    if (!model) return;
    const now = model.at(this.beta);
    const rate = now.rates.reduce((sum, r) => sum + r, 0);
    this.now = { distortion: now.distortion, rate };
    this.drawMap(now.codes);
    const decodeInto = (row, codes) => row.forEach((canvas, i) => {
      const z = codes.subarray(i * model.size, (i + 1) * model.size);
      paint(canvas, model.decode(z), model.shape);
    });
    decodeInto(this.reconstructions, now.codes);
    decodeInto(this.samples, model.arrays.prior);
    const most = model.arrays.rate.reduce((best, r) => Math.max(best, r), 1e-9);
    this.bars.forEach((bar, j) => {
      bar.style.height = `${100 * now.rates[j] / most}%`;
      bar.title = `latent ${j + 1}: ${shown(now.rates[j])} nats`;
    });
    part(this.root, ".nats").textContent = Array.from(now.rates.slice(0, 12), (r) => shown(r)).join(", ");
    const active = now.rates.filter((r) => r > 0.01).length;
    part(this.root, ".scores").textContent = `D ${shown(now.distortion)} + R ${shown(rate)} = −ELBO ${shown(now.distortion + rate)} nats · ${active} of ${model.size} latents above 0.01 nats`;
    this.drawPoint();
  }
  /**
   * The test set's codes in the first two latents, with the prior's circles.
   * @param {Float32Array} codes
   */
  drawMap(codes) {
    const model = (
      /** @type {MultirateModel} */
      this.model
    );
    const canvas = (
      /** @type {HTMLCanvasElement} */
      part(this.root, ".codes")
    );
    const ratio = window.devicePixelRatio || 1;
    const side = canvas.clientWidth;
    if (canvas.width !== Math.round(side * ratio)) {
      canvas.width = canvas.height = Math.round(side * ratio);
    }
    const pen = context(canvas);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, side, side);
    const unit = side / 2 / (1.05 * Math.max(3, model.extent));
    pen.strokeStyle = "rgba(128,128,128,.6)";
    pen.fillStyle = "rgba(128,128,128,.9)";
    pen.setLineDash([2, 3]);
    for (const radius of [1, 2, 3]) {
      pen.beginPath();
      pen.arc(side / 2, side / 2, radius * unit, 0, 2 * Math.PI);
      pen.stroke();
      const name = radius === 3 ? "3σ of the prior" : `${radius}σ`;
      pen.fillText(name, side / 2 + 3, side / 2 - radius * unit + 12);
    }
    pen.setLineDash([]);
    const { labels } = model.arrays;
    const { colours } = (
      /** @type {SliderData} */
      this.data
    );
    const second = Math.min(1, model.size - 1);
    for (let n = 0, i = 0; i < codes.length; n++, i += model.size) {
      pen.fillStyle = colours[labels ? labels[n] % colours.length : 0];
      const y = second ? codes[i + second] : 0;
      pen.fillRect(side / 2 + unit * codes[i] - POINT / 2, side / 2 - unit * y - POINT / 2, POINT, POINT);
    }
  }
  /** The point on the curve, and the tangent of slope −β through it. */
  drawPoint() {
    if (!this.now || !this.chart._fullLayout?.xaxis?.l2p) return;
    const view = frame(this.chart);
    const canvas = (
      /** @type {HTMLCanvasElement} */
      part(this.root, ".marks")
    );
    const pen = sheet(canvas, this.chart, view);
    const { distortion, rate } = this.now;
    const at = (r) => view.toPixels([r, distortion - this.beta * (r - rate)]);
    const [low, high] = this.chart._fullLayout.xaxis.range;
    pen.strokeStyle = "#e76300";
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(at(low)[0], at(low)[1]);
    pen.lineTo(at(high)[0], at(high)[1]);
    pen.stroke();
    const [x, y] = at(rate);
    pen.fillStyle = "#e76300";
    pen.beginPath();
    pen.arc(x, y, 6, 0, 2 * Math.PI);
    pen.fill();
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.stroke();
  }
  end() {
    this.ended.abort();
    cancelAnimationFrame(this.playing);
    this.plotly?.purge(this.chart);
  }
};
function betaSlider({ parentElement, data, setStateValue }) {
  const root = (
    /** @type {HTMLElement & {betaSlider?: BetaSlider}} */
    part(parentElement, ".rates")
  );
  const slider = root.betaSlider ??= new BetaSlider(root);
  slider.update(data, (choice) => setStateValue("choice", choice));
  return () => setTimeout(() => root.isConnected || slider.end());
}

// explorer/browser/drawing/draw.js
var PEN = 0.06;
var STEP = 6e-3;
var MOST_UNDONE = 200;
function drawingPad({ parentElement, data, setStateValue }) {
  parentElement.pad ??= new Pad(parentElement, data.strokes);
  parentElement.pad.examples = data.examples;
  parentElement.pad.tell = (strokes) => setStateValue("strokes", strokes);
}
var Pad = class {
  /**
   * @param {ParentNode} root
   * @param {Stroke[]} strokes what was drawn before the pad came back to the page
   */
  constructor(root, strokes) {
    this.box = part(root, ".pad");
    this.canvas = /** @type {HTMLCanvasElement} */
    part(root, "canvas");
    this.undoButton = part(root, "[data-action=undo]");
    this.clearButton = part(root, "[data-action=clear]");
    this.strokes = strokes;
    this.past = strokes.map((_, n) => strokes.slice(0, n));
    this.current = null;
    this.pointer = 0;
    this.waiting = false;
    this.examples = {};
    this.tell = () => {
    };
    this.listen();
    this.show();
  }
  listen() {
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.canvas.addEventListener(end, (event) => this.finish(
        /** @type {PointerEvent} */
        event
      ));
    }
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.undoButton.addEventListener("click", () => this.undo());
    this.clearButton.addEventListener("click", () => this.strokes.length && this.change([]));
    for (const button of this.box.querySelectorAll("button[data-digit]")) {
      const digit = button.getAttribute("data-digit") ?? "";
      button.addEventListener("click", () => this.change(this.examples[digit]));
    }
    new ResizeObserver(() => this.show()).observe(this.canvas);
  }
  /** @param {PointerEvent} event */
  begin(event) {
    if (this.current || !event.isPrimary || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.current = [this.place(event)];
    this.show();
  }
  /** @param {PointerEvent} event */
  go(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    const between2 = event.getCoalescedEvents?.() ?? [];
    for (const each of between2.length ? between2 : [event]) this.extend(this.place(each), STEP);
    if (!this.waiting) requestAnimationFrame(() => this.show());
    this.waiting = true;
  }
  /** @param {PointerEvent} event */
  finish(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    if (event.type === "pointerup") this.extend(this.place(event), 0);
    const stroke = this.current;
    this.current = null;
    this.change([...this.strokes, stroke]);
  }
  /**
   * Adds a point to the present stroke if it lies further than `least` from the last one.
   * @param {[number, number]} point
   * @param {number} least
   */
  extend([x, y], least) {
    const stroke = (
      /** @type {Stroke} */
      this.current
    );
    const [lastX, lastY] = stroke[stroke.length - 1];
    if (Math.hypot(x - lastX, y - lastY) > least) stroke.push([x, y]);
  }
  /**
   * Where a pointer is on the pad; beyond its edge, the nearest point of the edge.
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  place(event) {
    const frame2 = this.canvas.getBoundingClientRect();
    const share = (offset, length) => Math.round(1e4 * Math.min(1, Math.max(0, offset / length))) / 1e4;
    return [
      share(event.clientX - frame2.left, frame2.width),
      share(event.clientY - frame2.top, frame2.height)
    ];
  }
  /** @param {KeyboardEvent} event */
  press(event) {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    event.stopPropagation();
    this.undo();
  }
  undo() {
    const before = this.past.pop();
    if (before) this.replace(before);
  }
  /**
   * Another drawing, which can be undone.
   * @param {Stroke[]} strokes
   */
  change(strokes) {
    this.past = [...this.past, this.strokes].slice(-MOST_UNDONE);
    this.replace(strokes);
  }
  /** @param {Stroke[]} strokes */
  replace(strokes) {
    this.strokes = strokes;
    this.show();
    this.tell(strokes);
  }
  /** Paints the drawing, at the screen's own resolution. */
  show() {
    this.waiting = false;
    const side = Math.round(this.canvas.clientWidth * window.devicePixelRatio);
    if (this.canvas.width !== side) Object.assign(this.canvas, { width: side, height: side });
    const pen = context(this.canvas);
    pen.clearRect(0, 0, side, side);
    Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: PEN * side });
    pen.strokeStyle = "#fff";
    const strokes = this.current ? [...this.strokes, this.current] : this.strokes;
    for (const stroke of strokes) {
      pen.beginPath();
      pen.moveTo(stroke[0][0] * side, stroke[0][1] * side);
      for (const [x, y] of stroke) pen.lineTo(x * side, y * side);
      pen.stroke();
    }
    this.box.classList.toggle("empty", strokes.length === 0);
    this.undoButton.setAttribute("aria-disabled", String(this.past.length === 0));
    this.clearButton.setAttribute("aria-disabled", String(strokes.length === 0));
  }
};

// explorer/browser/numerics/geometry.js
function buildPlane(origin, axes, anchor = origin) {
  const [across, up] = axes;
  const coordinate = (z, axis) => {
    let sum = 0;
    for (let j = 0; j < origin.length; j++) sum += (z[j] - origin[j]) * axis[j];
    return sum;
  };
  const project = (z) => (
    /** @type {Place} */
    [coordinate(z, across), coordinate(z, up)]
  );
  const [u, v] = project(anchor);
  const base = Float64Array.from(anchor, (value, j) => value - u * across[j] - v * up[j]);
  const embed = (place) => Float32Array.from(base, (value, j) => value + place[0] * across[j] + place[1] * up[j]);
  return { embed, project };
}
function ellipse(logVariance, [across, up]) {
  let [uu, uv, vv] = [0, 0, 0];
  for (let j = 0; j < logVariance.length; j++) {
    const variance = Math.exp(logVariance[j]);
    uu += variance * across[j] * across[j];
    uv += variance * across[j] * up[j];
    vv += variance * up[j] * up[j];
  }
  const middle = (uu + vv) / 2;
  const radius = Math.hypot((uu - vv) / 2, uv);
  return {
    a: Math.sqrt(middle + radius),
    b: Math.sqrt(Math.max(0, middle - radius)),
    // rounding may leave a flat one below 0
    angle: 0.5 * Math.atan2(2 * uv, uu - vv)
  };
}
function nearestPoint(positions) {
  const grid = sortIntoCells(positions);
  const { low, side, columns, rows } = grid;
  return (place) => {
    const column = clamp(Math.floor((place[0] - low[0]) / side), columns - 1);
    const row = clamp(Math.floor((place[1] - low[1]) / side), rows - 1);
    const best = { index: -1, square: Infinity };
    for (let r = 0; ringSquare(grid, place, column, row, r) <= best.square; r++) {
      if (r >= columns && r >= rows) break;
      searchRing(grid, place, column, row, r, best);
    }
    return { index: best.index, distance: Math.sqrt(best.square) };
  };
}
function sortIntoCells(positions) {
  const count = positions.length / 2;
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    low[i % 2] = Math.min(low[i % 2], positions[i]);
    high[i % 2] = Math.max(high[i % 2], positions[i]);
  }
  const [width, height] = count ? [high[0] - low[0], high[1] - low[1]] : [0, 0];
  const finest = Math.max(width, height) / count;
  const side = Math.max(Math.sqrt(2 * width * height / count), finest) || 1;
  const columns = Math.floor(width / side) + 1;
  const rows = Math.floor(height / side) + 1;
  const cells = Uint32Array.from({ length: count }, (_, n) => {
    const row = Math.floor((positions[2 * n + 1] - low[1]) / side);
    return row * columns + Math.floor((positions[2 * n] - low[0]) / side);
  });
  const starts = new Uint32Array(columns * rows + 1);
  cells.forEach((cell) => starts[cell + 1]++);
  for (let cell = 0; cell < columns * rows; cell++) starts[cell + 1] += starts[cell];
  const free = starts.slice();
  const members = new Uint32Array(count);
  const sorted = new Float64Array(2 * count);
  cells.forEach((cell, n) => {
    const at = free[cell]++;
    members[at] = n;
    sorted.set([positions[2 * n], positions[2 * n + 1]], 2 * at);
  });
  return { low, side, columns, rows, starts, members, sorted };
}
function clamp(value, high) {
  return Math.min(Math.max(value, 0), high);
}
function ringSquare({ low, side, columns, rows }, place, column, row, r) {
  const x = (place[0] - low[0]) / side;
  const y = (place[1] - low[1]) / side;
  const outsideX = Math.max(0, -x, x - columns);
  const outsideY = Math.max(0, -y, y - rows);
  const acrossGap = sideGap(x, column, r, columns);
  const upGap = sideGap(y, row, r, rows);
  return Math.min(acrossGap ** 2 + outsideY ** 2, upGap ** 2 + outsideX ** 2) * side * side;
}
function sideGap(at, cell, r, count) {
  const before = cell - r >= 0 ? at - (cell - r + 1) : Infinity;
  const after = cell + r < count ? cell + r - at : Infinity;
  return Math.max(0, Math.min(before, after) - 1e-3);
}
function searchRing(grid, place, column, row, r, best) {
  const { columns, rows } = grid;
  const last = Math.min(columns - 1, column + r);
  for (let y = Math.max(0, row - r); y <= Math.min(rows - 1, row + r); y++) {
    const isEdge = y === row - r || y === row + r;
    const step = isEdge ? 1 : 2 * r;
    for (let x = isEdge ? Math.max(0, column - r) : column - r; x <= last; x += step) {
      if (x >= 0) searchCell(grid, y * columns + x, place, best);
    }
  }
}
function searchCell({ starts, members, sorted }, cell, place, best) {
  for (let n = starts[cell]; n < starts[cell + 1]; n++) {
    const square = (sorted[2 * n] - place[0]) ** 2 + (sorted[2 * n + 1] - place[1]) ** 2;
    if (square > best.square || square === best.square && members[n] > best.index) continue;
    best.square = square;
    best.index = members[n];
  }
}
function classMeans(positions, labels, classes) {
  const sums = Array.from({ length: classes }, () => ({ u: 0, v: 0, count: 0 }));
  for (let n = 0; n < labels.length; n++) {
    const sum = sums[labels[n]];
    if (!sum) continue;
    sum.u += positions[2 * n];
    sum.v += positions[2 * n + 1];
    sum.count++;
  }
  return sums.map(({ u, v, count }) => count ? [u / count, v / count] : null);
}
function* densityImage(logDensity, xRange, yRange, width, height) {
  const values = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    const v = yRange[1] + (row + 0.5) / height * (yRange[0] - yRange[1]);
    for (let column = 0; column < width; column++) {
      const u = xRange[0] + (column + 0.5) / width * (xRange[1] - xRange[0]);
      values[row * width + column] = logDensity([u, v]);
    }
    yield (row + 1) / height;
  }
  return values;
}

// explorer/browser/latent_map/background.js
var CELLS = 20;
var PIXELS = 90;
var SLICE_MS = 12;
function computeBackground(kind, model, plane, positions, watch) {
  const [x, y] = extent(positions);
  const { decode, shape, aggregate } = model;
  if (kind === "density" && aggregate) {
    const rows = densityImage((place) => aggregate(plane.embed(place)), x, y, PIXELS, PIXELS);
    return inSlices(densityBackground(rows, x, y, PIXELS), watch);
  }
  return inSlices(decodedGrid((place) => decode(plane.embed(place)), shape, x, y, CELLS), watch);
}
function extent(positions) {
  return [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < positions.length; i += 2) {
      low = Math.min(low, positions[i]);
      high = Math.max(high, positions[i]);
    }
    const margin = 0.25 * (high - low) || 1;
    return (
      /** @type {[number, number]} */
      [low - margin, high + margin]
    );
  });
}
function drawBackground(pen, view, { bitmap, x, y, smooth }) {
  const [left, top] = view.toPixels([x[0], y[1]]);
  const [right, bottom] = view.toPixels([x[1], y[0]]);
  pen.imageSmoothingEnabled = smooth;
  pen.drawImage(bitmap, left, top, right - left, bottom - top);
}
function* decodedGrid(decodeAt, shape, x, y, side) {
  const [, height, width] = shape;
  const bitmap = make("canvas", { width: side * width, height: side * height });
  const pen = context(bitmap);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const u = x[0] + (column + 0.5) / side * (x[1] - x[0]);
      const v = y[1] - (row + 0.5) / side * (y[1] - y[0]);
      const image = new ImageData(levels(decodeAt([u, v]), shape), width, height);
      pen.putImageData(image, column * width, row * height);
    }
    yield (row + 1) / side;
  }
  return { bitmap, x, y, smooth: false };
}
function* densityBackground(rows, x, y, side) {
  const values = yield* rows;
  const bitmap = make("canvas", { width: side, height: side });
  const pixels = new Uint8ClampedArray(4 * side * side);
  const largest = values.reduce((best, v) => Math.max(best, v), -Infinity);
  values.forEach((value, i) => {
    pixels.set([47, 116, 181, 230 * Math.max(0, 1 + (value - largest) / 8)], 4 * i);
  });
  context(bitmap).putImageData(new ImageData(pixels, side, side), 0, 0);
  return { bitmap, x, y, smooth: true };
}
async function inSlices(work, { report, isWanted }) {
  for (; ; ) {
    const end = performance.now() + SLICE_MS;
    while (performance.now() < end) {
      const { done, value } = work.next();
      if (done) return value;
      report(value);
    }
    await new Promise((next) => setTimeout(next));
    if (!isWanted()) return null;
  }
}

// explorer/browser/latent_map/pins.js
var MAX_PINS = 24;
var STEP2 = 8;
var Pins = class {
  /**
   * @param {HTMLElement} layer over the map
   * @param {HTMLElement} list below it
   * @param {Host} host
   */
  constructor(layer, list, host) {
    this.layer = layer;
    this.list = list;
    this.host = host;
    this.all = [];
    this.removed = null;
  }
  /** @param {Pin[]} pins */
  set(pins) {
    this.all = pins.map((pin) => ({ ...pin }));
    this.removed = null;
    this.render();
  }
  /**
   * @param {number[]} z
   * @param {number | null} point
   */
  add(z, point) {
    if (this.all.length >= MAX_PINS) {
      this.note(`At most ${MAX_PINS} pins: remove one first.`);
      return;
    }
    this.removed = null;
    this.all.push({ z, name: this.freeName(), point });
    this.render();
  }
  /** The first letter that no pin has. */
  freeName() {
    const taken = new Set(this.all.map((pin) => pin.name));
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    return letters.find((letter) => !taken.has(letter)) ?? "Pin";
  }
  /** @param {number} index */
  remove(index) {
    this.removed = [...this.all];
    this.all.splice(index, 1);
    this.finish();
  }
  removeAll() {
    this.removed = [...this.all];
    this.all = [];
    this.finish();
  }
  undo() {
    if (this.removed) this.all = this.removed;
    this.removed = null;
    this.finish();
  }
  finish() {
    this.render();
    this.host.changed(true);
  }
  /** Puts every pin where it is on the map: after a zoom, a pan, a drag. */
  place() {
    this.all.forEach((pin, i) => {
      const button = (
        /** @type {HTMLElement | undefined} */
        this.layer.children[i]
      );
      const [x, y] = this.host.pixels(pin);
      if (button) button.style.transform = `translate(${x}px, ${y}px)`;
    });
  }
  render() {
    this.layer.replaceChildren(...this.all.map((pin, i) => this.marker(pin, i)));
    const cards = this.all.map((pin, i) => this.card(pin, i));
    this.list.replaceChildren(...cards.length ? cards : [], this.controls());
    this.place();
  }
  controls() {
    const row = make("div", { className: "row" });
    const button = (textContent, onclick) => row.append(make("button", { type: "button", textContent, onclick }));
    if (this.removed) button("Undo removal", () => this.undo());
    if (this.all.length > 1) button("Remove all pins", () => this.removeAll());
    if (this.all.length < 2) {
      const text = this.all.length ? "Pin a second spot to walk between the two." : "Click the map to pin a spot, on a point or beside one.";
      row.append(make("span", { className: "hint", textContent: text }));
    }
    return row;
  }
  /** @param {string} text */
  note(text) {
    this.list.querySelector(".hint")?.remove();
    this.list.lastElementChild?.append(make("span", { className: "hint", textContent: text }));
  }
  /**
   * @param {Pin} pin
   * @param {number} index
   */
  marker(pin, index) {
    const button = make("button", {
      className: "pin",
      type: "button",
      textContent: pin.name,
      title: "Drag to move; arrow keys move it too, Delete removes it",
      onkeydown: (event) => this.key(event, index)
    });
    button.setAttribute("aria-label", `Pin ${pin.name}`);
    button.addEventListener("pointerdown", (event) => this.grab(event, index));
    return button;
  }
  /**
   * @param {PointerEvent} event
   * @param {number} index
   */
  grab(event, index) {
    event.stopPropagation();
    const button = (
      /** @type {HTMLElement} */
      event.currentTarget
    );
    const [x, y] = this.host.pixels(this.all[index]);
    const [dx, dy] = [x - event.clientX, y - event.clientY];
    let moved = false;
    const follow = (to) => {
      moved ||= Math.hypot(to.clientX - event.clientX, to.clientY - event.clientY) > 3;
      if (moved) this.shift(index, [to.clientX + dx, to.clientY + dy], false);
    };
    const end = () => {
      button.removeEventListener("pointermove", follow);
      if (moved) this.host.changed(true);
    };
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", follow);
    button.addEventListener("lostpointercapture", end, { once: true });
  }
  /**
   * @param {KeyboardEvent} event
   * @param {number} index
   */
  key(event, index) {
    const [dx, dy] = direction(event.key);
    if (dx || dy) {
      const [x, y] = this.host.pixels(this.all[index]);
      this.shift(index, [x + dx * STEP2, y + dy * STEP2], true);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  /**
   * @param {number} index
   * @param {number[]} pixel
   * @param {boolean} isFinal
   */
  shift(index, pixel, isFinal) {
    this.all[index] = this.host.move(this.all[index], pixel);
    this.place();
    this.refresh(index);
    this.host.changed(isFinal);
  }
  /**
   * A pin's picture, name and place in the list.
   * @param {Pin} pin
   * @param {number} index
   */
  card(pin, index) {
    const name = make("input", { value: pin.name, maxLength: 16, size: 6 });
    name.setAttribute("aria-label", `Name of pin ${pin.name}`);
    name.onchange = () => {
      this.all[index].name = name.value.trim() || this.freeName();
      this.finish();
    };
    const remove = make("button", {
      type: "button",
      className: "remove",
      textContent: "×",
      title: `Remove pin ${pin.name}`,
      onclick: () => this.remove(index)
    });
    remove.setAttribute("aria-label", `Remove pin ${pin.name}`);
    const head = make("div", { className: "head" }, name, remove);
    const text = make("span", { className: "z" });
    const card = make("div", { className: "card" }, make("canvas"), make("div", {}, head, text));
    this.fill(card, pin);
    return card;
  }
  /** @param {number} index */
  refresh(index) {
    const card = (
      /** @type {HTMLElement} */
      this.list.children[index]
    );
    this.fill(card, this.all[index]);
  }
  /**
   * @param {HTMLElement} card
   * @param {Pin} pin
   */
  fill(card, pin) {
    const canvas = (
      /** @type {HTMLCanvasElement} */
      card.querySelector("canvas")
    );
    paint(canvas, this.host.decode(Float32Array.from(pin.z)), this.host.shape());
    const few = pin.z.slice(0, 2).map((v) => shown(v)).join(", ");
    const text = `z = ${few}${pin.z.length > 2 ? ", …" : ""}`;
    const place = (
      /** @type {HTMLElement} */
      card.querySelector(".z")
    );
    place.textContent = pin.point === null ? text : `${text} · image ${pin.point}`;
    place.title = `z = ${pin.z.map((v) => shown(v)).join(", ")}`;
  }
};
function direction(key) {
  const found = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  return found[
    /** @type {keyof typeof found} */
    key
  ] ?? [0, 0];
}

// explorer/browser/latent_map/gestures.js
var CLICK = { pixels: 5, milliseconds: 700, again: 350 };
var STEP3 = 8;
var LONG_STEP = 40;
var ZOOM = 0.8;
var Gestures = class {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.pointer = null;
    this.cursor = [0, 0];
    this.waiting = false;
    this.clicked = -Infinity;
    const { stage } = map;
    stage.addEventListener("pointermove", (event) => this.follow(event), { passive: true });
    stage.addEventListener("pointerleave", () => this.map.leave());
    stage.addEventListener("pointerdown", (event) => this.press(event), true);
    stage.addEventListener("keydown", (event) => this.key(event));
  }
  /** @param {{clientX: number, clientY: number}} event */
  pixelOf({ clientX, clientY }) {
    const box = this.map.stage.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  }
  /** @param {PointerEvent} event */
  follow(event) {
    this.pointer = this.pixelOf(event);
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.pointer) this.map.look(this.pointer);
    });
  }
  /** @param {PointerEvent} event */
  press(event) {
    const target = (
      /** @type {Element} */
      event.target
    );
    if (event.button !== 0 || !target.closest(".nsewdrag")) return;
    const start = performance.now();
    const once = new AbortController();
    const release = (end) => {
      once.abort();
      const far = Math.hypot(end.clientX - event.clientX, end.clientY - event.clientY);
      const now = performance.now();
      if (end.type === "pointercancel" || far > CLICK.pixels) return;
      if (now - start > CLICK.milliseconds || now - this.clicked < CLICK.again) return;
      this.clicked = now;
      this.map.click(this.pixelOf(event));
    };
    for (
      const type of
      /** @type {const} */
      ["pointerup", "pointercancel"]
    ) {
      document.addEventListener(type, release, { capture: true, signal: once.signal });
    }
  }
  /**
   * Arrow keys move a cursor over the map, Enter pins, plus and minus zoom.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const { map } = this;
    if (event.target !== map.stage || !map.nearest) return;
    const view = frame(map.chart);
    const [dx, dy] = direction(event.key);
    if (!this.pointer) this.cursor = [view.left + view.width / 2, view.top + view.height / 2];
    if (dx || dy) {
      const step = event.shiftKey ? LONG_STEP : STEP3;
      this.cursor = [
        Math.min(Math.max(this.cursor[0] + dx * step, view.left), view.left + view.width),
        Math.min(Math.max(this.cursor[1] + dy * step, view.top), view.top + view.height)
      ];
      this.pointer = this.cursor;
      map.look(this.cursor);
    } else if (event.key === "Enter") map.click(this.cursor);
    else if (event.key === "Escape") map.leave();
    else if (event.key === "+" || event.key === "-") map.zoom(event.key === "+" ? ZOOM : 1 / ZOOM);
    else return;
    event.preventDefault();
  }
};

// explorer/browser/numerics/gif.js
function encodeGif(frames, width, height, { delay_ms = 100, loop = 0 } = {}) {
  const pictures = frames.map((frame2) => packColours(frame2, width * height));
  const { palette, indexOf } = choosePalette(pictures);
  const bits = Math.max(1, Math.ceil(Math.log2(palette.length)));
  const ascii = (text) => new TextEncoder().encode(text);
  const bytes = [...ascii("GIF89a"), ...word(width), ...word(height), 128 | bits - 1, 0, 0];
  for (let i = 0; i < 2 ** bits; i++) {
    const colour = palette[i] ?? 0;
    bytes.push(colour >> 16, colour >> 8 & 255, colour & 255);
  }
  bytes.push(33, 255, 11, ...ascii("NETSCAPE2.0"), 3, 1, ...word(loop), 0);
  const delay = Math.min(65535, Math.round(delay_ms / 10));
  for (const picture of pictures) {
    bytes.push(33, 249, 4, 0, ...word(delay), 0, 0);
    bytes.push(44, ...word(0), ...word(0), ...word(width), ...word(height), 0);
    pushCompressed(bytes, Uint8Array.from(picture, indexOf), Math.max(2, bits));
  }
  bytes.push(59);
  return Uint8Array.from(bytes);
}
function word(value) {
  return [value & 255, value >> 8];
}
function packColours(frame2, size) {
  const step = frame2.length / size;
  if (step !== 1 && step !== 4) {
    throw new Error(`A frame must have ${size} or ${4 * size} numbers, got ${frame2.length}.`);
  }
  const [green, blue] = step === 4 ? [1, 2] : [0, 0];
  return Uint32Array.from({ length: size }, (_, i) => {
    const at = i * step;
    return frame2[at] << 16 | frame2[at + green] << 8 | frame2[at + blue];
  });
}
function choosePalette(pictures) {
  const found = /* @__PURE__ */ new Map();
  for (const picture of pictures) {
    for (let i = 0; i < picture.length && found.size <= 256; i++) {
      if (!found.has(picture[i])) found.set(picture[i], found.size);
    }
  }
  if (found.size <= 256) return { palette: [...found.keys()], indexOf: (c) => found.get(c) };
  const palette = Array.from({ length: 252 }, (_, i) => {
    const [red, green, blue] = [Math.floor(i / 42) * 51, Math.floor(i / 6) % 7 * 42.5, i % 6 * 51];
    return red << 16 | Math.round(green) << 8 | blue;
  });
  const indexOf = (colour) => {
    const [red, green, blue] = [colour >> 16, colour >> 8 & 255, colour & 255];
    return Math.round(red / 51) * 42 + Math.round(green / 42.5) * 6 + Math.round(blue / 51);
  };
  return { palette, indexOf };
}
function pushCompressed(bytes, indices, bits) {
  const [clear, end, limit] = [2 ** bits, 2 ** bits + 1, 4096];
  const follow = new Uint16Array(limit * 256);
  let [free, size, buffer, filled, code] = [end + 1, bits + 1, 0, 0, indices[0]];
  const stream = [];
  const put = (value) => {
    buffer |= value << filled;
    for (filled += size; filled >= 8; filled -= 8, buffer >>>= 8) stream.push(buffer & 255);
  };
  put(clear);
  for (const index of indices.subarray(1)) {
    const at = 256 * code + index;
    code = follow[at] || code;
    if (follow[at]) continue;
    put(code);
    code = index;
    if (free < limit) {
      if (free === 2 ** size) size++;
      follow[at] = free++;
    } else {
      put(clear);
      follow.fill(0);
      [free, size] = [end + 1, bits + 1];
    }
  }
  put(code);
  if (free === 2 ** size && free < limit) size++;
  put(end);
  if (filled) stream.push(buffer);
  bytes.push(bits);
  for (let i = 0; i < stream.length; i += 255) {
    const block = stream.slice(i, i + 255);
    bytes.push(block.length, ...block);
  }
  bytes.push(0);
}

// explorer/browser/numerics/walk.js
function linearPath(a, b, n) {
  return buildPath(a, b, n, (t, j) => (1 - t) * a[j] + t * b[j]);
}
function sphericalPath(a, b, n) {
  const [from, to] = [Math.hypot(...Array.from(a)), Math.hypot(...Array.from(b))];
  if (from === 0 || to === 0) return linearPath(a, b, n);
  const first = Float64Array.from(a, (value) => value / from);
  const target = Float64Array.from(b, (value) => value / to);
  const cosine = dot(first, target);
  let second = target.map((value, j) => value - cosine * first[j]);
  const sine = Math.sqrt(dot(second, second));
  second = sine > 1e-12 ? second.map((value) => value / sine) : orthogonalTo(first);
  const angle = Math.atan2(sine, cosine);
  return buildPath(a, b, n, (t, j) => {
    const turned2 = Math.cos(t * angle) * first[j] + Math.sin(t * angle) * second[j];
    return ((1 - t) * from + t * to) * turned2;
  });
}
function buildPath(a, b, n, at) {
  if (a.length !== b.length) {
    throw new Error(`Both ends must have as many latents, got ${a.length} and ${b.length}.`);
  }
  if (!Number.isInteger(n) || n < 2) {
    throw new Error(`A path must have a whole number of at least 2 codes, got ${n}.`);
  }
  return Array.from({ length: n }, (_, k) => {
    if (k === 0) return Float32Array.from(a);
    if (k === n - 1) return Float32Array.from(b);
    return Float32Array.from(a, (_value, j) => at(k / (n - 1), j));
  });
}
function orthogonalTo(unit) {
  const least = unit.reduce((best, v, j) => Math.abs(v) < Math.abs(unit[best]) ? j : best, 0);
  const rest = unit.map((value, j) => Number(j === least) - unit[least] * value);
  const norm = Math.sqrt(dot(rest, rest));
  return rest.map((value) => norm > 0 ? value / norm : 0);
}
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
function imageSteps(images) {
  return images.slice(1).map((image, k) => {
    let square = 0;
    for (let i = 0; i < image.length; i++) square += (image[i] - images[k][i]) ** 2;
    return Math.sqrt(square);
  });
}
function pathLength(points) {
  return imageSteps(points).reduce((sum, step) => sum + step, 0);
}
var MOST_LATENTS = 32;
var MOST_NUMBERS = 2 ** 24;
var SLOPES_PER_STEP = 128;
var TRIALS = 3;
var TOLERANCE = 1e-3;
var UNEVEN = 1.25;
function relaxGeodesic(decode, path) {
  return new Relaxation(decode, path);
}
var Relaxation = class {
  /**
   * @param {Decode} decode
   * @param {Float32Array[]} path
   */
  constructor(decode, path) {
    this.decode = decode;
    this.curve = this.decoded(path);
    const interior = path.length - 2;
    this.moved = interior > 0 ? this.sensitiveLatents() : [];
    const width = this.moved.length;
    this.slopes = Array.from({ length: interior * width }, () => new Float32Array(0));
    this.matrix = this.slopes.map(() => new Float64Array(2 * width));
    this.turn = 0;
    this.damping = 1e-3;
    this.mark = this.energy;
    this.idle = 0;
  }
  /** n codes. */
  get path() {
    return this.curve.path;
  }
  /** Their images. */
  get images() {
    return this.curve.images;
  }
  /** E, in squared pixel values. */
  get energy() {
    return this.curve.energy;
  }
  /** Whether E has fallen by less than 1e-3 of itself while all of J was renewed. */
  get converged() {
    return this.idle > Math.ceil(this.slopes.length / SLOPES_PER_STEP) || !this.slopes.length;
  }
  /** One iteration; nothing happens once it has converged. */
  step() {
    if (this.converged) return;
    if ((this.turn === 0 || this.idle) && this.isUneven()) this.improve(this.evened());
    this.renewSlopes();
    const descent = this.descent();
    for (let trial = 0, isLower = false; trial < TRIALS && !isLower; trial++) {
      const change = solve(this.matrix, descent, this.damping);
      isLower = change !== null && this.improve(this.shifted(change));
      this.damping = Math.min(1e3, Math.max(1e-6, this.damping * (isLower ? 0.1 : 10)));
    }
    this.idle++;
    if (this.energy < (1 - TOLERANCE) * this.mark) {
      this.mark = this.energy;
      this.idle = 0;
    }
  }
  /**
   * @param {Float32Array[]} path
   * @returns {Curve}
   */
  decoded(path) {
    const images = path.map((z) => this.decode(z));
    return { path, images, energy: imageSteps(images).reduce((sum, step) => sum + step * step, 0) };
  }
  /**
   * Takes a path if its energy is lower.
   * @param {Float32Array[]} path
   */
  improve(path) {
    const next = this.decoded(path);
    const isLower = next.energy < this.energy;
    if (isLower) this.curve = next;
    return isLower;
  }
  /** The latents that change the image most at the middle of the path; all, if these are few. */
  sensitiveLatents() {
    const all = [...this.path[0].keys()];
    const room = Math.floor(MOST_NUMBERS / (this.path.length * this.images[0].length));
    const most = Math.max(2, Math.min(MOST_LATENTS, room));
    if (all.length <= most) return all;
    const middle = Math.floor(this.path.length / 2);
    const size = all.map((j) => this.slope(middle, j)).map((column) => dot(column, column));
    return all.sort((i, j) => size[j] - size[i]).slice(0, most);
  }
  /**
   * ∂g/∂z_j at code k, by a forward difference.
   * @param {number} k
   * @param {number} j
   */
  slope(k, j) {
    const [z, image] = [this.path[k], this.images[k]];
    const shifted = z.slice();
    shifted[j] += 1e-3;
    const width = shifted[j] - z[j];
    return Float32Array.from(this.decode(shifted), (value, i) => (value - image[i]) / width);
  }
  /** Renews the next columns of J, and what depends on them in A. */
  renewSlopes() {
    const { slopes, matrix, moved } = this;
    const isFresh = new Uint8Array(slopes.length);
    for (let i = 0; i < Math.min(slopes.length, SLOPES_PER_STEP); i++) {
      const [k, j] = [1 + Math.floor(this.turn / moved.length), moved[this.turn % moved.length]];
      slopes[this.turn] = this.slope(k, j);
      isFresh[this.turn] = 1;
      this.turn = (this.turn + 1) % slopes.length;
    }
    for (let row = 0; row < slopes.length; row++) {
      const start = bandStart(row, matrix);
      for (let column = Math.max(0, start); column <= row; column++) {
        if (!isFresh[row] && !isFresh[column]) continue;
        const factor = column < start + moved.length ? -1 : 2;
        matrix[row][column - start] = factor * dot(slopes[row], slopes[column]);
      }
    }
  }
  /** −½∇E = J_kᵀ (g(z_{k−1}) − 2·g(z_k) + g(z_{k+1})). */
  descent() {
    const { images, moved } = this;
    const bends = images.slice(1, -1).map(
      (image, k) => Float64Array.from(image, (value, i) => images[k][i] - 2 * value + images[k + 2][i])
    );
    return Float64Array.from(
      this.slopes,
      (column, i) => dot(column, bends[Math.floor(i / moved.length)])
    );
  }
  /**
   * @param {Float64Array} change of the interior codes along the latents that move
   */
  shifted(change) {
    const { path, moved } = this;
    const next = path.map((z) => z.slice());
    change.forEach((value, i) => {
      next[1 + Math.floor(i / moved.length)][moved[i % moved.length]] += value;
    });
    return next;
  }
  /** Whether a step through the images is much longer than the mean one. */
  isUneven() {
    const steps = imageSteps(this.images);
    return Math.max(...steps) * steps.length > UNEVEN * pathLength(this.images);
  }
  /** Codes on the same polygon, as far apart in the images as four times as many codes tell. */
  evened() {
    const { path } = this;
    const fine = path.slice(1).flatMap((z, k) => linearPath(path[k], z, 5).slice(0, -1));
    fine.push(path[path.length - 1]);
    const steps = imageSteps(fine.map((z) => this.decode(z)));
    const mean2 = steps.reduce((sum, step) => sum + step, 0) / (path.length - 1);
    let [at, passed] = [0, 0];
    return path.map((z, k) => {
      if (k === 0 || k === path.length - 1) return z;
      while (at < steps.length - 1 && passed + steps[at] < k * mean2) passed += steps[at++];
      const share = (k * mean2 - passed) / steps[at];
      return fine[at].map((value, j) => value + share * (fine[at + 1][j] - value));
    });
  }
};
function bandStart(row, matrix) {
  const width = matrix[row].length / 2;
  return row - row % width - width;
}
function solve(matrix, right, damping) {
  const size = right.length;
  const diagonal = matrix.map((row, i) => row[i - bandStart(i, matrix)]);
  const shift = damping * diagonal.reduce((sum, value) => sum + value, 0) / size;
  if (!(shift > 0)) return null;
  const factor = matrix.map((row) => row.slice());
  const x = right.slice();
  for (let i = 0; i < size; i++) {
    const [row, start] = [factor[i], bandStart(i, matrix)];
    row[i - start] += shift;
    for (let j = Math.max(0, start); j <= i; j++) {
      const [other, before] = [factor[j], bandStart(j, matrix)];
      let sum = row[j - start];
      for (let k = Math.max(0, start); k < j; k++) sum -= row[k - start] * other[k - before];
      row[j - start] = i === j ? Math.sqrt(sum) : sum / other[j - before];
    }
    for (let k = Math.max(0, start); k < i; k++) x[i] -= row[k - start] * x[k];
    x[i] /= row[i - start];
  }
  for (let i = size - 1; i >= 0; i--) {
    const [row, start] = [factor[i], bandStart(i, matrix)];
    x[i] /= row[i - start];
    for (let k = Math.max(0, start); k < i; k++) x[k] -= row[k - start] * x[i];
  }
  return x;
}

// explorer/browser/latent_map/interpolation.js
var FRAMES = 16;
var FINE = 3;
var FEW = 3;
var FRAME_MS = 90;
var MAX_RELAXATIONS = 80;
var KINDS = { linear: "Straight line", spherical: "Spherical", geodesic: "Geodesic" };
var MEANING = {
  linear: "Equal steps in latent space.",
  spherical: "Along the sphere: direction and length turn evenly.",
  geodesic: "The shortest way through the images: equal, small changes of the decoded mean."
};
var Interpolation = class {
  /**
   * @param {HTMLElement} place
   * @param {{decode: (z: Float32Array) => Float32Array, shape: () => ImageShape,
   *   drawn: (path: Float32Array[], at: number | null) => void,
   *   large: (values: Float32Array) => void}} host
   */
  constructor(place, host) {
    this.place = place;
    this.host = host;
    this.kind = "linear";
    this.walks = {};
    this.pins = [];
    this.ends = [0, 1];
    this.at = 0;
    this.serial = 0;
    this.playing = false;
  }
  /**
   * The pins have changed: the walk goes between the last two, or those chosen before.
   * @param {Pin[]} pins
   */
  update(pins) {
    const changed = JSON.stringify(pins) !== JSON.stringify(this.pins);
    const last = pins.length - 1;
    const gone = Math.max(...this.ends) > last;
    if (gone || pins.length > this.pins.length) this.ends = [Math.max(0, last - 1), Math.max(0, last)];
    this.pins = pins.map((pin) => ({ ...pin }));
    if (changed) this.restart();
  }
  /** Recomputes the walk. */
  restart() {
    this.serial += 1;
    this.stop();
    this.walks = {};
    this.place.hidden = this.pins.length < 2;
    if (this.place.hidden) {
      this.host.drawn([], null);
      return;
    }
    const [a, b] = this.ends.map((i) => Float32Array.from(this.pins[i].z));
    this.walks.linear = this.walk(linearPath(a, b, this.length(a)));
    this.walks.spherical = this.walk(sphericalPath(a, b, this.length(a)));
    if (this.kind === "geodesic") this.relax();
    this.render();
  }
  /**
   * Codes of a whole path.
   * @param {Float32Array} z one end
   */
  length(z) {
    return (z.length <= FEW ? FINE : 1) * (FRAMES - 1) + 1;
  }
  /**
   * A path at the frames that are shown; a step's change is measured along all codes between.
   * @param {Float32Array[]} all
   * @returns {Walk}
   */
  walk(all) {
    const every = (all.length - 1) / (FRAMES - 1);
    const decoded = all.map((z) => this.host.decode(z));
    const steps = Array.from({ length: FRAMES - 1 }, () => 0);
    imageSteps(decoded).forEach((change, i) => steps[Math.floor(i / every)] += change);
    const isShown = (_, i) => i % every === 0;
    return { path: all.filter(isShown), images: decoded.filter(isShown), steps };
  }
  /** The geodesic, one relaxation a frame, so that one sees the path find its way. */
  relax() {
    const mine = this.serial;
    const [a, b] = this.ends.map((i) => Float32Array.from(this.pins[i].z));
    const geodesic = relaxGeodesic(this.host.decode, linearPath(a, b, this.length(a)));
    this.walks.geodesic = this.walk(geodesic.path);
    let count = 0;
    const next = () => {
      if (mine !== this.serial) return;
      if (!geodesic.converged && count++ < MAX_RELAXATIONS) {
        geodesic.step();
        requestAnimationFrame(next);
      } else this.relaxing = false;
      this.walks.geodesic = this.walk(geodesic.path);
      this.refresh();
    };
    this.relaxing = true;
    requestAnimationFrame(next);
  }
  /** @param {Kind} kind */
  choose(kind) {
    this.kind = kind;
    if (kind === "geodesic" && !this.walks.geodesic) this.relax();
    this.render();
  }
  /** Builds the controls and the strip. */
  render() {
    const ends = this.ends.map((end, i) => {
      const choice = make("select", {
        onchange: () => {
          this.ends[i] = Number(choice.value);
          this.restart();
        }
      });
      choice.setAttribute("aria-label", i ? "Walk to" : "Walk from");
      this.pins.forEach(
        (pin, k) => choice.append(make("option", { value: String(k), textContent: pin.name, selected: k === end }))
      );
      return choice;
    });
    const kinds = make("span", { className: "segments" });
    kinds.setAttribute("role", "group");
    for (
      const kind of
      /** @type {Kind[]} */
      Object.keys(KINDS)
    ) {
      const button = make("button", { type: "button", textContent: KINDS[kind], onclick: () => this.choose(kind) });
      button.setAttribute("aria-pressed", String(kind === this.kind));
      kinds.append(button);
    }
    this.player = make("button", { type: "button", className: "play", onclick: () => this.toggle() });
    const saves = [
      make("button", { type: "button", textContent: "Save GIF", onclick: () => this.saveGif() }),
      make("button", { type: "button", textContent: "Save PNG", onclick: () => this.savePng() })
    ];
    this.frames = Array.from({ length: FRAMES }, (_, k) => {
      const cell = make("button", { type: "button", className: "cell", onclick: () => this.go(k) }, make("canvas"));
      cell.setAttribute("aria-label", `Step ${k + 1} of ${FRAMES}`);
      return cell;
    });
    this.bars = make("div", { className: "bars" });
    this.largest = make("span");
    this.words = make("p", { className: "words" });
    this.place.replaceChildren(
      make("div", { className: "row" }, "Walk from ", ends[0], " to ", ends[1], kinds, this.player, ...saves),
      make("div", { className: "film" }, ...this.frames),
      make("p", { className: "words" }, "Change of the image at each step; ", this.largest),
      this.bars,
      this.words
    );
    this.refresh();
  }
  /** Paints strip, bars and words of the present walk. */
  refresh() {
    const walk = this.walks[this.kind];
    if (!walk || !this.frames) return;
    walk.images.forEach((values, k) => {
      const cell = (
        /** @type {HTMLElement[]} */
        this.frames[k]
      );
      paint(
        /** @type {HTMLCanvasElement} */
        cell.firstElementChild,
        values,
        this.host.shape()
      );
      cell.classList.toggle("now", this.playing && k === this.at);
    });
    this.paintBars(walk);
    const totals = (
      /** @type {Kind[]} */
      Object.keys(KINDS).filter((kind) => this.walks[kind]).map((kind) => `${KINDS[kind].toLowerCase()} ${shown(total(this.walks[kind]))}`)
    );
    const state = this.kind === "geodesic" && this.relaxing ? " Relaxing…" : "";
    this.words.textContent = `${MEANING[this.kind]}${state} Way through the images: ${totals.join(", ")} (Euclidean distance of decoded means).`;
    this.player.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.host.drawn(walk.path, this.playing ? this.at : null);
  }
  /**
   * Bars of the change at each step, on one scale for all kinds of walk.
   * @param {Walk} walk
   */
  paintBars(walk) {
    const all = Object.values(this.walks).flatMap((one) => one.steps);
    const tallest = Math.max(...all, 1e-9);
    const bars = walk.steps.map((step) => {
      const bar = make("i", { title: shown(step) });
      bar.style.height = `${100 * step / tallest}%`;
      return bar;
    });
    this.bars.replaceChildren(...bars);
    this.largest.textContent = `largest ${shown(Math.max(...walk.steps))}`;
  }
  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }
  stop() {
    this.playing = false;
    clearInterval(this.timer);
    this.refresh();
  }
  /** There and back, for ever. */
  play() {
    this.playing = true;
    let tick = this.at;
    this.timer = setInterval(() => {
      tick += 1;
      const around = tick % (2 * FRAMES - 2);
      this.go(around < FRAMES ? around : 2 * FRAMES - 2 - around);
    }, FRAME_MS);
    this.refresh();
  }
  /** @param {number} k */
  go(k) {
    this.at = k;
    const walk = this.walks[this.kind];
    if (!walk) return;
    this.host.large(walk.images[k]);
    this.frames?.forEach((cell, i) => cell.classList.toggle("now", i === k));
    this.host.drawn(walk.path, k);
  }
  /** The pictures enlarged to at least 160 pixels. */
  enlarged() {
    const walk = (
      /** @type {Walk} */
      this.walks[this.kind]
    );
    const [, height, width] = this.host.shape();
    const factor = Math.max(1, Math.round(160 / Math.max(height, width)));
    const one = make("canvas", { width, height });
    const large = make("canvas", { width: factor * width, height: factor * height });
    const pen = context(large);
    pen.imageSmoothingEnabled = false;
    const frames = walk.images.map((values) => {
      context(one).putImageData(new ImageData(levels(values, this.host.shape()), width, height), 0, 0);
      pen.drawImage(one, 0, 0, large.width, large.height);
      return pen.getImageData(0, 0, large.width, large.height);
    });
    return { frames, width: large.width, height: large.height };
  }
  saveGif() {
    const { frames, width, height } = this.enlarged();
    const there = frames.map((frame2) => frame2.data);
    const back = there.slice(1, -1).reverse();
    const bytes = encodeGif([...there, ...back], width, height, { delay_ms: FRAME_MS, loop: 0 });
    save(new Blob([
      /** @type {Uint8Array<ArrayBuffer>} */
      bytes
    ], { type: "image/gif" }), `walk-${this.kind}.gif`);
  }
  savePng() {
    const { frames, width, height } = this.enlarged();
    const row = make("canvas", { width: frames.length * (width + 2) - 2, height });
    frames.forEach((frame2, k) => context(row).putImageData(frame2, k * (width + 2), 0));
    row.toBlob((blob) => blob && save(blob, `walk-${this.kind}.png`));
  }
};
function total(walk) {
  return walk ? walk.steps.reduce((sum, step) => sum + step, 0) : 0;
}

// explorer/browser/latent_map/marks.js
var WALK = "#e76300";
var TOUCHED = "#1b2330";
function paintMarks(map) {
  const view = frame(map.chart);
  const under = sheet(part(map.root, ".under"), map.chart, view);
  if (map.background) drawBackground(under, view, map.background);
  const pen = sheet(part(map.root, ".marks"), map.chart, view);
  if (map.toolbar.posterior === "all") paintPosteriors(pen, view, map);
  if (map.toolbar.means) paintMeans(pen, view, map);
  if (map.path.length) traceSteps(pen, view, map.path.map((z) => map.onMap(z)), WALK);
  if (map.step !== null && map.path[map.step]) ring(pen, view, map.onMap(map.path[map.step]), 8, WALK);
  paintDrawn(pen, view, map);
  if (map.point !== null && map.point < map.model.count) {
    ring(pen, view, map.placeOf(map.point), 8, SELECTED);
    paintPosterior(pen, view, map, map.point, SELECTED);
  }
}
function paintTouched(map) {
  const view = frame(map.chart);
  const pen = sheet(part(map.root, ".moving"), map.chart, view);
  if (map.touched === null) return;
  ring(pen, view, map.placeOf(map.touched), 7, TOUCHED);
  paintPosterior(pen, view, map, map.touched, TOUCHED);
}
function paintPosteriors(pen, view, map) {
  const count = map.model.count;
  pen.lineWidth = 1;
  pen.strokeStyle = `rgba(90,100,120,${Math.max(0.08, Math.min(0.5, 150 / count))})`;
  for (let n = 0; n < count; n++) if (map.visible[n]) traceOne(pen, view, map, n, 1);
}
function paintPosterior(pen, view, map, n, colour) {
  if (map.toolbar.posterior === "none") return;
  pen.strokeStyle = colour;
  for (const [sigmas, width] of [[1, 2], [2, 1]]) {
    pen.lineWidth = width;
    traceOne(pen, view, map, n, sigmas);
  }
}
function traceOne(pen, view, map, n, sigmas) {
  const { size, logVariances } = map.model;
  const axes = map.data?.plane?.axes;
  if (!axes || !logVariances || size < 2) return;
  const row = logVariances.subarray(n * size, (n + 1) * size);
  traceEllipse(pen, view, map.placeOf(n), ellipse(row, axes), sigmas);
}
function paintMeans(pen, view, map) {
  const { labels, names } = map.model;
  if (!labels) return;
  classMeans(map.positions, labels, names.length).forEach((mean2, label) => {
    if (mean2) cross(pen, view, mean2, names[label]);
  });
}
function paintDrawn(pen, view, map) {
  const drawn = map.data?.drawn;
  if (!drawn || drawn.mean.length !== map.model.size) return;
  const place = map.onMap(drawn.mean);
  ring(pen, view, place, 7, DRAWN);
  const axes = map.data?.plane?.axes;
  if (!axes || !drawn.log_variance || map.model.size < 2) return;
  pen.strokeStyle = DRAWN;
  pen.lineWidth = 2;
  for (const sigmas of [1, 2]) traceEllipse(pen, view, place, ellipse(drawn.log_variance, axes), sigmas);
}

// explorer/browser/numerics/aggregate_posterior.js
function logPrior(z) {
  return -0.5 * z.reduce((sum, v) => sum + v * v, z.length * Math.log(2 * Math.PI));
}
function buildAggregate(size, means, logVariances) {
  const tiles = tileCodes(size, means, logVariances);
  const total2 = means.length / size;
  const reach = Math.log(total2) + 14;
  const constant = Math.log(total2) + 0.5 * size * Math.log(2 * Math.PI);
  const bounds = new Float64Array(tiles.count);
  return (z) => {
    let best = 0;
    for (let t = 0; t < tiles.count; t++) {
      bounds[t] = tileBound(tiles, t, z);
      if (bounds[t] > bounds[best]) best = t;
    }
    const sum = addTile(tiles, best, z, reach, { largest: -Infinity, scaled: 0 });
    for (let t = 0; t < tiles.count; t++) {
      if (t !== best && bounds[t] > sum.largest - reach) addTile(tiles, t, z, reach, sum);
    }
    return sum.largest + Math.log(sum.scaled) - constant;
  };
}
function tileCodes(size, means, logVariances) {
  const members = 64;
  const total2 = means.length / size;
  const order = tileOrder(size, means, members);
  const count = Math.ceil(total2 / members);
  const edges = Uint32Array.from({ length: count + 1 }, (_, t) => Math.min(total2, t * members));
  const low = new Float64Array(count * size).fill(Infinity);
  const high = new Float64Array(count * size).fill(-Infinity);
  const slack = new Float64Array(count * size).fill(Infinity);
  const base = new Float64Array(count).fill(Infinity);
  const stride = 1 + 2 * size;
  const codes = new Float64Array(total2 * stride);
  for (let n = 0; n < total2; n++) {
    const tile = Math.floor(n / members);
    let logDeterminant = 0;
    for (let j = 0; j < size; j++) {
      const from = order[n] * size + j;
      const at = tile * size + j;
      const precision = Math.exp(-logVariances[from]);
      logDeterminant += logVariances[from];
      codes[n * stride + 1 + 2 * j] = means[from];
      codes[n * stride + 2 + 2 * j] = precision;
      low[at] = Math.min(low[at], means[from]);
      high[at] = Math.max(high[at], means[from]);
      slack[at] = Math.min(slack[at], precision);
    }
    codes[n * stride] = logDeterminant;
    base[tile] = Math.min(base[tile], logDeterminant);
  }
  return { count, size, edges, low, high, slack, base, codes };
}
function tileOrder(size, means, members) {
  const total2 = means.length / size;
  const [first, second] = widestLatents(size, means);
  const along = (j) => (m, n) => means[m * size + j] - means[n * size + j];
  const order = Uint32Array.from({ length: total2 }, (_, n) => n).sort(along(first));
  const strip = members * Math.ceil(Math.sqrt(total2 / members));
  for (let n = 0; n < total2; n += strip) order.subarray(n, n + strip).sort(along(second));
  return order;
}
function widestLatents(size, means) {
  const sums = new Float64Array(size);
  const squares = new Float64Array(size);
  means.forEach((value, i) => {
    sums[i % size] += value;
    squares[i % size] += value * value;
  });
  const spread = squares.map((square, j) => square - sums[j] * sums[j] * size / means.length);
  const order = [...spread.keys()].sort((i, j) => spread[j] - spread[i]);
  return [order[0], order[Math.min(1, size - 1)]];
}
function tileBound({ size, low, high, slack, base }, tile, z) {
  let square = base[tile];
  for (let j = 0, i = tile * size; j < size; j++, i++) {
    const gap = Math.max(0, low[i] - z[j], z[j] - high[i]);
    square += gap * gap * slack[i];
  }
  return -0.5 * square;
}
function addTile({ size, edges, codes }, tile, z, reach, sum) {
  let { largest, scaled } = sum;
  for (let n = edges[tile], i = n * (1 + 2 * size); n < edges[tile + 1]; n++) {
    let square = codes[i++];
    for (let j = 0; j < size; j++, i += 2) square += (z[j] - codes[i]) ** 2 * codes[i + 1];
    const term = -0.5 * square;
    if (term > largest) {
      scaled = scaled * Math.exp(largest - term) + 1;
      largest = term;
    } else if (term > largest - reach) scaled += Math.exp(term - largest);
  }
  return Object.assign(sum, { largest, scaled });
}

// explorer/browser/latent_map/model.js
var SAMPLED = 200;
var SUBSTITUTES = { grid: "between grid points", nearest: "nearest decoded code" };
var LatentModel = class {
  /** @param {Uint8Array} file */
  constructor(file) {
    const { decode, header, arrays } = readModel(file);
    this.decode = decode;
    this.source = SUBSTITUTES[header.layers[0].type] ?? "";
    this.shape = header.image_shape;
    this.size = header.latent_dim;
    this.names = header.class_names;
    this.means = arrays.mean ?? new Float32Array();
    this.distortions = arrays.distortion ?? new Float32Array();
    this.count = this.distortions.length;
    this.logVariances = arrays.log_variance ?? null;
    this.labels = arrays.labels ?? null;
    this.aggregate = this.logVariances ? buildAggregate(this.size, this.means, this.logVariances) : null;
    this.usual = this.usualDensity();
  }
  /**
   * The mean code of a test image.
   * @param {number} n
   */
  codeOf(n) {
    return this.means.slice(n * this.size, (n + 1) * this.size);
  }
  /** The 1st percentile of ln q(z) at the codes themselves: below it, few codes are near. */
  usualDensity() {
    const aggregate = this.aggregate;
    if (!aggregate) return -Infinity;
    const step = Math.max(1, Math.floor(this.count / SAMPLED));
    const densities = [];
    for (let n = 0; n < this.count; n += step) densities.push(aggregate(this.codeOf(n)));
    densities.sort((a, b) => a - b);
    return densities[Math.floor(densities.length / 100)];
  }
  /**
   * How likely prior and aggregate posterior hold a code; nothing to say of an autoencoder.
   * @param {Float32Array} z
   * @returns {Density}
   */
  density(z) {
    if (!this.aggregate) return { logPrior: null, logAggregate: null, rare: false };
    const logAggregate = this.aggregate(z);
    return { logPrior: logPrior(z), logAggregate, rare: logAggregate < this.usual };
  }
  /**
   * The test image whose code is nearest to z, by Euclidean distance.
   * @param {ArrayLike<number>} z
   */
  nearestCode(z) {
    let [best, least] = [0, Infinity];
    for (let n = 0; n < this.count; n++) {
      let distance = 0;
      for (let j = 0; j < this.size; j++) distance += (this.means[n * this.size + j] - z[j]) ** 2;
      if (distance < least) [best, least] = [n, distance];
    }
    return best;
  }
  /**
   * D and R of a test image: −ln p(x|z) as it was scored, and its posterior's KL to the prior.
   * @param {number} n
   */
  scoresOf(n) {
    const distortion = `D ${shown(this.distortions[n], 1)}`;
    const logVariances = this.logVariances?.subarray(n * this.size, (n + 1) * this.size);
    if (!logVariances) return `${distortion} nats`;
    const rate = this.codeOf(n).reduce((sum, mean2, j) => {
      const v = logVariances[j];
      return sum + 0.5 * (mean2 * mean2 + Math.exp(v) - 1 - v);
    }, 0);
    return `${distortion} + R ${shown(rate, 1)} nats`;
  }
  /**
   * A test image's number and class.
   * @param {number} n
   */
  nameOf(n) {
    return `Image ${n}${this.labels ? ` · ${this.names[this.labels[n]]}` : ""}`;
  }
};

// explorer/browser/latent_map/pointer_panel.js
var GAP = 18;
function furnish(place) {
  if (place.querySelector(".spot")) return;
  const picture = (name, text) => make("figure", { className: name }, make("canvas"), make("figcaption", { textContent: text }));
  place.replaceChildren(
    picture("spot", "Decoded under the pointer"),
    picture("original empty", "Original"),
    picture("reconstruction empty", "Its mean, decoded"),
    make("p", { className: "numbers", textContent: "Move the pointer over the map." })
  );
}
var PointerPanel = class {
  /**
   * @param {HTMLElement} lens
   * @param {() => HTMLElement | null} find the panel's place on the page
   */
  constructor(lens, find) {
    this.lens = lens;
    this.find = find;
    this.touched = null;
  }
  hide() {
    this.lens.hidden = true;
  }
  /** Takes the panel's place on the page before there is anything to show, so that nothing jumps. */
  prepare() {
    const place = this.find();
    if (place) furnish(place);
  }
  /**
   * @param {Spot} spot
   * @param {ImageShape} shape
   * @param {{x: number, y: number, width: number, height: number}} at pointer and size of the map
   */
  show(spot, shape, at) {
    const text = spot.names.map((name, i) => `${name} ${shown(spot.place[i])}`).join("  ");
    const lens = this.lens;
    lens.hidden = false;
    lens.classList.toggle("rare", spot.rare);
    paint(part(lens, "canvas"), spot.values, shape);
    const density = spot.logAggregate === null ? "" : `ln q(z) ${shown(spot.logAggregate)}`;
    const more = spot.source || (spot.rare ? "few codes here" : density);
    part(lens, "p").textContent = `${text}
${more}`;
    const left = at.x - 126 - GAP;
    const top = Math.min(Math.max(at.y - 84, 0), at.height - 162);
    lens.style.transform = `translate(${left > 0 ? left : at.x + GAP}px, ${top}px)`;
    this.write(spot, shape, text);
  }
  /**
   * @param {Spot} spot
   * @param {ImageShape} shape
   * @param {string} text
   */
  write(spot, shape, text) {
    const place = this.find();
    if (!place) return;
    furnish(place);
    paint(part(place, ".spot canvas"), spot.values, shape);
    const under = spot.source ? `Under the pointer: ${spot.source}` : "Decoded under the pointer";
    part(place, ".spot figcaption").textContent = under;
    const lines = [text];
    if (spot.logPrior !== null && spot.logAggregate !== null) {
      lines.push(`ln p(z) ${shown(spot.logPrior)} nats · ln q(z) ${shown(spot.logAggregate)} nats`);
    }
    lines.push(spot.rare ? "Off the manifold: rarer than 99 % of the codes" : " ");
    const numbers = part(place, ".numbers");
    numbers.textContent = lines.join("\n");
    numbers.classList.toggle("rare", spot.rare);
  }
  /**
   * Shows a test image beside the spot; null leaves the place empty.
   * @param {Touched | null} image
   * @param {ImageShape} shape
   */
  touch(image, shape) {
    const place = this.find();
    if (!place || image === null && this.touched === null) return;
    furnish(place);
    this.touched = image?.index ?? null;
    for (const name of ["original", "reconstruction"]) {
      const figure = part(place, `.${name}`);
      const values = image && image[
        /** @type {"original"} */
        name
      ];
      figure.classList.toggle("empty", !values);
      if (values) paint(part(figure, "canvas"), values, shape);
    }
    part(place, ".original figcaption").textContent = image ? image.text : "Original";
    const scores = image ? image.scores : "Its mean, decoded";
    part(place, ".reconstruction figcaption").textContent = scores;
  }
  /**
   * A picture of another source: a step of a walk, or the image touched on the other map.
   * @param {ArrayLike<number>} values
   * @param {ImageShape} shape
   */
  large(values, shape) {
    const place = this.find();
    if (!place) return;
    furnish(place);
    paint(part(place, ".spot canvas"), values, shape);
  }
};

// explorer/browser/latent_map/pin_places.js
function pinPixels(map, pin) {
  const view = frame(map.chart);
  if (!map.plane) return view.toPixels(map.placeOf(pin.point ?? map.model.nearestCode(pin.z)));
  const [x, y] = view.toPixels(map.plane.project(pin.z));
  return [x, map.model.size === 1 ? view.top + view.height / 2 : y];
}
function movedPin(map, pin, pixel) {
  const view = frame(map.chart);
  const place = view.toPlace([
    Math.min(Math.max(pixel[0], view.left), view.left + view.width),
    Math.min(Math.max(pixel[1], view.top), view.top + view.height)
  ]);
  if (!map.plane) {
    const near = map.nearest?.(place) ?? null;
    return near === null ? pin : { ...pin, z: [...map.model.codeOf(near)], point: near };
  }
  const from = map.plane.project(pin.z);
  const [a, b] = map.data?.plane?.axes ?? [[], []];
  const z = pin.z.map((v, j) => v + (place[0] - from[0]) * a[j] + (place[1] - from[1]) * b[j]);
  return { ...pin, z, point: null };
}

// explorer/browser/latent_map/selection.js
var Selection = class {
  /**
   * @param {HTMLElement} place
   * @param {(z: number[]) => void} pin
   */
  constructor(place, pin) {
    this.place = place;
    this.pin = pin;
  }
  /**
   * @param {number[]} chosen
   * @param {Points} points
   */
  show(chosen, points) {
    this.place.hidden = chosen.length === 0;
    if (!chosen.length) return;
    const row = make("div", { className: "row" }, `${summary(chosen, points)} `);
    const button = (textContent, onclick) => row.append(make("button", { type: "button", textContent, onclick }));
    button("Pin their mean", () => this.pin(meanCode(chosen, points)));
    button(
      "Save as CSV",
      () => save(new Blob([table(chosen, points)], { type: "text/csv" }), "selection.csv")
    );
    this.place.replaceChildren(row);
  }
};
function summary(chosen, { names, labels, distortions }) {
  const mean2 = chosen.reduce((sum, n) => sum + distortions[n], 0) / chosen.length;
  const text = `${chosen.length} images selected, mean D ${shown(mean2, 1)} nats`;
  if (!labels) return text;
  const counts = /* @__PURE__ */ new Map();
  for (const n of chosen) counts.set(names[labels[n]], (counts.get(names[labels[n]]) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 6);
  return `${text}; class ${most.map(([name, count]) => `${name}: ${count}`).join(", ")}`;
}
function meanCode(chosen, { codeOf }) {
  const sum = Array.from(codeOf(chosen[0]), () => 0);
  for (const n of chosen) Array.from(codeOf(n)).forEach((v, j) => sum[j] += v / chosen.length);
  return sum;
}
function table(chosen, { names, labels, distortions, codeOf }) {
  const quote = (text) => {
    const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const size = codeOf(chosen[0]).length;
  const means = Array.from({ length: size }, (_, j) => `mean_${j + 1}`);
  const rows = chosen.map((n) => [
    String(n),
    ...labels ? [quote(names[labels[n]])] : [],
    ...Array.from(codeOf(n), (v) => v.toPrecision(6)),
    distortions[n].toPrecision(6)
  ]);
  const head = ["image", ...labels ? ["class"] : [], ...means, "distortion_nats"];
  return [head, ...rows].map((row) => `${row.join(",")}
`).join("");
}

// explorer/browser/latent_map/toolbar.js
var BACKGROUNDS = { none: "None", grid: "Decoded grid" };
var DENSITY = { density: "Density of q(z)" };
var POSTERIORS = { none: "None", touched: "Touched and selected", all: "All" };
var Toolbar = class {
  /**
   * @param {HTMLElement} place
   * @param {(what: string) => void} changed
   */
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    this.prior = true;
    this.means = false;
    this.posterior = "touched";
    this.background = "none";
    this.anchor = "home";
    this.home = "";
  }
  /** @param {Offer} offer */
  offer(offer) {
    this.home = offer.home;
    this.background = "none";
    const menu = make("details", { className: "menu" }, make("summary", { textContent: "Overlays" }));
    const box = make("div", { className: "sheet" });
    if (offer.hasPlane && offer.hasPosterior) box.append(this.check("Prior: 1σ, 2σ, 3σ", "prior"));
    if (offer.hasClasses) box.append(this.check("Class means", "means"));
    if (offer.hasPlane && offer.hasPosterior) {
      box.append(this.choice("Posteriors q(z|x): 1σ and 2σ", "posterior", POSTERIORS));
    }
    if (offer.hasPlane) {
      const backgrounds = offer.hasPosterior ? { ...BACKGROUNDS, ...DENSITY } : BACKGROUNDS;
      box.append(this.choice("Background", "background", backgrounds));
    } else {
      box.append(make("p", { textContent: "t-SNE has no plane: no circles, ellipses or background." }));
    }
    menu.append(box);
    menu.addEventListener("focusout", (event) => {
      if (!menu.contains(
        /** @type {Node | null} */
        event.relatedTarget
      )) menu.open = false;
    });
    this.bar = make("progress", { max: 1, value: 1, hidden: true });
    this.bar.setAttribute("aria-label", "Computing");
    this.place.replaceChildren(menu);
    if (offer.isDeep) {
      const label = make("label", { className: "anchor" }, "Plane through ");
      this.anchorChoice = make("select", {
        onchange: () => {
          this.anchor = /** @type {HTMLSelectElement} */
          this.anchorChoice.value;
          this.changed("anchor");
        }
      });
      label.append(this.anchorChoice);
      this.place.append(label);
    } else {
      this.anchorChoice = void 0;
      this.anchor = "home";
    }
    this.place.append(this.bar);
  }
  /**
   * Anchors that there are now; a chosen one that is gone becomes home.
   * @param {number | null} point
   * @param {Pin[]} pins
   */
  anchors(point, pins) {
    if (!this.anchorChoice) return;
    const offered = [["home", this.home]];
    if (point !== null) offered.push(["point", `image ${point}`]);
    pins.forEach((pin, i) => offered.push([`pin ${i}`, `pin ${pin.name}`]));
    if (!offered.some(([value]) => value === this.anchor)) this.anchor = "home";
    const options = offered.map(
      ([value, textContent]) => make("option", { value, textContent, selected: value === this.anchor })
    );
    this.anchorChoice.replaceChildren(...options);
  }
  /** @param {number} share of the background that is done */
  progress(share) {
    if (!this.bar) return;
    this.bar.hidden = share >= 1;
    this.bar.value = share;
  }
  /**
   * @param {string} text
   * @param {"prior" | "means"} name
   */
  check(text, name) {
    const input = make("input", { type: "checkbox", checked: this[name] });
    input.onchange = () => {
      this[name] = input.checked;
      this.changed(name);
    };
    return make("label", {}, input, ` ${text}`);
  }
  /**
   * @param {string} text
   * @param {"posterior" | "background"} name
   * @param {Record<string, string>} options
   */
  choice(text, name, options) {
    const select = make("select", {
      onchange: () => {
        this[name] = select.value;
        this.changed(name);
      }
    });
    for (const [value, textContent] of Object.entries(options)) {
      select.append(make("option", { value, textContent, selected: value === this[name] }));
    }
    return make("label", {}, `${text} `, select);
  }
};

// explorer/browser/latent_map/map.js
var NEAR = 9;
var CONFIG = {
  scrollZoom: true,
  displaylogo: false,
  doubleClick: false,
  modeBarButtonsToAdd: ["lasso2d"],
  modeBarButtonsToRemove: ["autoScale2d"],
  toImageButtonOptions: { format: "png", filename: "latent-map", scale: 2 }
};
var SETTLED = 5;
var HOVER = "latent-hover";
var LatentMap = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.stage = part(root, ".stage");
    this.chart = /** @type {Chart} */
    part(root, ".chart");
    this.has = {};
    this.tell = () => {
    };
    this.panel = new PointerPanel(part(root, ".lens"), () => document.querySelector(this.data?.panel ?? "#none"));
    this.pins = new Pins(part(root, ".pins"), part(root, ".list"), {
      decode: (z) => this.model.decode(z),
      shape: () => this.model.shape,
      pixels: (pin) => pinPixels(this, pin),
      move: (pin, pixel) => movedPin(this, pin, pixel),
      changed: (isFinal) => this.pinsChanged(isFinal)
    });
    this.interpolation = new Interpolation(part(root, ".walk"), {
      decode: (z) => this.model.decode(z),
      shape: () => this.model.shape,
      drawn: (path, at) => this.showPath(path, at),
      large: (values) => this.panel.large(values, this.model.shape)
    });
    this.toolbar = new Toolbar(part(root, ".toolbar"), (what) => this.toolChanged(what));
    this.selection = new Selection(part(root, ".selection"), (z) => this.pin(z, null));
    this.loaded = null;
    this.data = null;
    this.plotly = null;
    this.plane = null;
    this.originals = null;
    this.positions = new Float32Array();
    this.visible = new Uint8Array();
    this.nearest = null;
    this.shapes = [];
    this.ended = new AbortController();
    this.telling = 0;
    this.point = null;
    this.touched = null;
    this.path = [];
    this.step = null;
    this.background = null;
    this.serial = 0;
    this.gestures = new Gestures(this);
    this.listen();
  }
  /**
   * Takes what Python sends; loads and draws what is new.
   * @param {MapData} data
   * @param {(touch: Touch) => void} tell
   */
  async update(data, tell) {
    const serial = ++this.serial;
    this.tell = tell;
    this.data = data;
    if (this.has.model !== data.model) this.forget();
    try {
      const [plotly, figure] = await Promise.all([
        loadPlotly(data.plotly),
        fetchOnce(data.figure, (answer) => answer.json())
      ]);
      if (serial !== this.serial) return;
      await this.show(plotly, figure);
      const bytes = await fetchOnce(data.model, (answer) => answer.arrayBuffer());
      if (serial !== this.serial) return;
      this.load(new Uint8Array(bytes));
      this.settle(data);
      await this.loadOriginals();
    } catch (error) {
      if (serial === this.serial) this.say(`The map cannot be shown: ${/** @type {Error} */
      error.message}. Reload the page.`);
    }
  }
  /** Another model is on its way: what is shown of the last one must not answer for it. */
  forget() {
    this.nearest = null;
    this.loaded = null;
    this.background = null;
    this.has.model = "";
    this.leave();
    this.pins.set([]);
    for (const layer of this.root.querySelectorAll("canvas.layer")) {
      const canvas = (
        /** @type {HTMLCanvasElement} */
        layer
      );
      canvas.width = 0;
    }
  }
  /** The page has left the map: frees the chart's WebGL contexts and the listeners. */
  end() {
    this.ended.abort();
    this.interpolation.stop();
    this.plotly?.purge(this.chart);
  }
  /** @param {string} text */
  say(text) {
    part(this.root, ".state").textContent = text;
  }
  /**
   * Draws the figure, or only its colours again where the theme has changed.
   * @param {PlotlyLibrary} plotly
   * @param {Figure} figure
   */
  async show(plotly, figure) {
    const data = (
      /** @type {MapData} */
      this.data
    );
    const theme = getComputedStyle(this.root).getPropertyValue("--st-background-color");
    if (this.has.figure === data.figure && this.has.theme === theme) return;
    this.plotly = plotly;
    this.shapes = figure.layout.shapes;
    const isFirst = !this.has.figure;
    Object.assign(this.has, { figure: data.figure, theme });
    const uirevision = JSON.stringify([data.model, data.plane]);
    const layout = { ...dress(figure.layout, this.root), uirevision };
    await plotly.react(this.chart, figure.data, layout, CONFIG);
    if (isFirst) this.listenToChart();
    this.say("");
    this.replace();
  }
  /**
   * Reads decoder and codes: once per model.
   * @param {Uint8Array} bytes
   */
  load(bytes) {
    const data = (
      /** @type {MapData} */
      this.data
    );
    if (this.has.model === data.model) return;
    this.has.model = data.model;
    this.loaded = new LatentModel(bytes);
    this.originals = null;
    this.interpolation.pins = [];
    this.has.plane = "";
    this.anchor();
    this.replace();
    this.pins.set(data.pins.filter((pin) => pin.z.length === this.model.size));
  }
  /** The model; there is one wherever the map can be touched. */
  get model() {
    if (!this.loaded) throw new Error("the map's model must be loaded first");
    return this.loaded;
  }
  /**
   * Whatever may differ between two runs of the same model and figure.
   * @param {MapData} data
   */
  settle(data) {
    this.point = data.point;
    this.panel.prepare();
    const plane = JSON.stringify(data.plane);
    if (this.has.plane !== plane) {
      this.has.plane = plane;
      this.background = null;
      this.toolbar.offer({
        hasPlane: data.plane !== null,
        hasPosterior: this.model.logVariances !== null,
        isDeep: data.plane !== null && this.model.size > 2,
        home: data.plane?.home ?? "",
        hasClasses: this.model.labels !== null
      });
    }
    this.toolbar.anchors(this.point, this.pins.all);
    this.anchor();
    this.interpolation.update(this.pins.all);
    this.replace();
  }
  async loadOriginals() {
    const url = this.data?.originals;
    if (!url || this.originals) return;
    const bytes = await fetchOnce(url, (answer) => answer.arrayBuffer());
    if (url === this.data?.originals) this.originals = new Uint8Array(bytes);
  }
  /** Puts the plane through the chosen anchor. */
  anchor() {
    const plane = this.data?.plane;
    if (!plane) {
      this.plane = null;
      return;
    }
    const chosen = this.toolbar.anchor;
    let anchor;
    if (chosen === "point" && this.point !== null) anchor = this.model.codeOf(this.point);
    if (chosen.startsWith("pin ")) anchor = this.pins.all[Number(chosen.slice(4))]?.z;
    this.plane = buildPlane(plane.origin, plane.axes, anchor);
  }
  /** The points' places and what lies on them, after the figure, the legend or the model changed. */
  replace() {
    if (!this.chart._fullLayout?.xaxis?.l2p || !this.loaded) return;
    const { positions, visible } = placed(this.chart, this.model.count);
    Object.assign(this, { positions, visible });
    const listed = [...visible.keys()].filter((n) => visible[n]);
    const find = listed.length ? nearestPoint(listed.flatMap((n) => this.placeOf(n))) : null;
    this.nearest = (place) => find ? listed[find(place).index] : null;
    this.drawMarks();
  }
  /** The wheel over a pin, the other map, and another size. */
  listen() {
    part(this.root, ".pins").addEventListener("wheel", (event) => {
      event.preventDefault();
      this.chart.querySelector(".nsewdrag")?.dispatchEvent(new WheelEvent("wheel", event));
    });
    const echo = (event) => this.echo(
      /** @type {CustomEvent} */
      event.detail
    );
    document.addEventListener(HOVER, echo, { signal: this.ended.signal });
    const watch = new ResizeObserver(() => {
      if (this.plotly && this.chart._fullLayout && this.chart.clientWidth) this.plotly.Plots.resize(this.chart);
    });
    watch.observe(this.stage);
    this.ended.signal.addEventListener("abort", () => watch.disconnect());
  }
  listenToChart() {
    for (const event of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) {
      this.chart.on(event, () => this.drawMarks());
    }
    this.chart.on("plotly_restyle", () => this.replace());
    this.chart.on("plotly_selected", (details) => this.lassoed(details?.points ?? []));
    this.chart.on("plotly_deselect", () => this.lassoed([]));
  }
  /** @param {{customdata: number}[]} points */
  lassoed(points) {
    if (!this.loaded) return;
    const chosen = points.map((point) => point.customdata);
    this.selection.show(chosen, {
      names: this.model.names,
      labels: this.model.labels,
      distortions: this.model.distortions,
      codeOf: (n) => this.model.codeOf(n)
    });
  }
  /** Nothing lies under the pointer any more. */
  leave() {
    this.gestures.pointer = null;
    this.panel.hide();
    this.touch(null);
  }
  /**
   * Decodes what lies at a pixel of the stage and shows it.
   * @param {number[]} pixel
   */
  look(pixel) {
    const spot = this.spotAt(pixel);
    if (!spot) {
      this.leave();
      return;
    }
    const { z, place, names } = spot;
    const { decode, source } = this.model;
    const found = { values: decode(z), source, place, names, z, ...this.model.density(z) };
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.panel.show(found, this.model.shape, { x: pixel[0], y: pixel[1], width, height });
    this.touch(spot.point);
  }
  /**
   * The code under a pixel, or null outside the plot.
   * @param {number[]} pixel
   */
  spotAt(pixel) {
    if (!this.nearest) return null;
    const view = frame(this.chart);
    const [x, y] = [pixel[0] - view.left, pixel[1] - view.top];
    if (x < 0 || y < 0 || x > view.width || y > view.height) return null;
    const place = view.toPlace(pixel);
    const near = this.nearest(place);
    const at = near === null ? [Infinity, Infinity] : view.toPixels(this.placeOf(near));
    const point = Math.hypot(at[0] - pixel[0], at[1] - pixel[1]) <= NEAR ? near : null;
    if (this.plane) {
      const names = (
        /** @type {MapData} */
        this.data.plane?.names ?? []
      );
      return { z: this.plane.embed(place), place, names, point };
    }
    if (near === null) return null;
    const z = this.model.codeOf(near);
    return { z, place: [...z.slice(0, 2)], names: ["z₁", "z₂"].slice(0, z.length), point: near };
  }
  /** @param {number} n */
  placeOf(n) {
    return [this.positions[2 * n], this.positions[2 * n + 1]];
  }
  /**
   * A test image is under the pointer, or none.
   * @param {number | null} n
   * @param {boolean} isEcho
   */
  touch(n, isEcho = false) {
    if (n === this.touched) return;
    this.touched = n;
    if (!this.loaded) return;
    this.panel.touch(n === null ? null : this.imageOf(n), this.model.shape);
    paintTouched(this);
    if (isEcho) return;
    const detail = { from: this, data_set: this.data?.data_set, index: n };
    document.dispatchEvent(new CustomEvent(HOVER, { detail }));
  }
  /** @param {number} n */
  imageOf(n) {
    const size = this.model.shape.reduce((product, side) => product * side);
    const bytes = this.originals?.subarray(n * size, (n + 1) * size);
    return {
      index: n,
      text: this.model.nameOf(n),
      scores: this.model.scoresOf(n),
      original: bytes ? Float32Array.from(bytes, (v) => v / 255) : null,
      reconstruction: this.model.decode(this.model.codeOf(n))
    };
  }
  /**
   * The same test image was touched on the other map.
   * @param {{from: LatentMap, data_set: string, index: number | null}} detail
   */
  echo({ from, data_set, index }) {
    if (from === this || data_set !== this.data?.data_set || !this.nearest) return;
    if (!this.root.isConnected || index !== null && index >= this.model.count) return;
    this.touch(index, true);
    if (index === null) this.panel.hide();
    else this.panel.large(this.model.decode(this.model.codeOf(index)), this.model.shape);
  }
  /**
   * Pins the spot; on a point, selects its image too.
   * @param {number[]} pixel
   */
  click(pixel) {
    if (this.chart._fullLayout.dragmode === "lasso") return;
    const spot = this.spotAt(pixel);
    if (!spot) return;
    this.look(pixel);
    if (spot.point !== null) this.point = spot.point;
    this.pin(spot.point === null ? spot.z : this.model.codeOf(spot.point), spot.point);
  }
  /**
   * @param {ArrayLike<number>} z
   * @param {number | null} point
   */
  pin(z, point) {
    this.pins.add(Array.from(z), point);
    this.pinsChanged(true);
  }
  /** @param {boolean} isFinal */
  pinsChanged(isFinal) {
    clearTimeout(this.telling);
    this.toolbar.anchors(this.point, this.pins.all);
    this.anchor();
    this.drawMarks();
    if (!isFinal) return;
    this.interpolation.update(this.pins.all);
    const touch = { pins: this.pins.all.map((pin) => ({ ...pin })), point: this.point };
    this.telling = window.setTimeout(() => this.tell(touch), SETTLED);
  }
  /**
   * The walk's path on the map.
   * @param {Float32Array[]} path
   * @param {number | null} step
   */
  showPath(path, step) {
    this.path = path;
    this.step = step;
    if (this.nearest) this.drawMarks();
  }
  /** @param {string} what */
  toolChanged(what) {
    if (what === "anchor") {
      this.anchor();
      this.background = null;
    }
    if (what === "prior") this.plotly?.relayout(this.chart, { shapes: this.toolbar.prior ? this.shapes : [] });
    if (what === "background" || what === "anchor") this.makeBackground();
    this.drawMarks();
  }
  /** Computes the background that is asked for. */
  async makeBackground() {
    const kind = this.toolbar.background;
    this.background = null;
    const { plane, model, positions } = this;
    if (kind === "none" || !plane) return;
    const isWanted = () => plane === this.plane && kind === this.toolbar.background;
    const report = (share) => this.toolbar.progress(share);
    const background = await computeBackground(kind, model, plane, positions, { report, isWanted });
    this.toolbar.progress(1);
    if (background && isWanted()) this.background = background;
    this.drawMarks();
  }
  /** Draws what lies over the points again. */
  drawMarks() {
    if (!this.nearest || !this.chart._fullLayout?.xaxis?.l2p) return;
    paintMarks(this);
    paintTouched(this);
    this.pins.place();
  }
  /**
   * Where a code is on the map.
   * @param {ArrayLike<number>} z
   */
  onMap(z) {
    if (this.plane && this.model.size > 1) return this.plane.project(z);
    return this.placeOf(this.model.nearestCode(z));
  }
  /** @param {number} factor */
  zoom(factor) {
    const { xaxis, yaxis } = this.chart._fullLayout;
    const around = ({ range: [low, high] }) => {
      const [middle, half] = [(low + high) / 2, (high - low) / 2 * factor];
      return [middle - half, middle + half];
    };
    this.plotly?.relayout(this.chart, { "xaxis.range": around(xaxis), "yaxis.range": around(yaxis) });
  }
};
function liveMap({ parentElement, data, setStateValue }) {
  const root = (
    /** @type {HTMLElement & {latentMap?: LatentMap}} */
    part(parentElement, ".latent-map")
  );
  const map = root.latentMap ??= new LatentMap(root);
  map.update(data, (touch) => setStateValue("touch", touch));
  return () => setTimeout(() => root.isConnected || map.end());
}

// explorer/browser/numerics/frames.js
var REACH_INSIDE = 0.99;
function streamEntries(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = 0; at + 16 <= bytes.length; ) {
    const step = Number(view.getBigInt64(at, true));
    const length = Number(view.getBigInt64(at + 8, true));
    if (length < 0 || at + 16 + length > bytes.length) break;
    found.push({ step, file: bytes.subarray(at + 16, at + 16 + length) });
    at += 16 + length + (8 - length % 8) % 8;
  }
  return found;
}
function readShared(file) {
  const { tensors, metadata } = readTensors(file);
  const [count, ...shape] = tensors.original.shape;
  return {
    original: tensors.original.data,
    count,
    shape: (
      /** @type {[number, number, number]} */
      shape
    ),
    labels: tensors.labels?.data ?? null,
    names: metadata.class_names,
    total: metadata.total_steps,
    perEpoch: metadata.steps_per_epoch,
    hasRate: metadata.has_rate
  };
}
function readFrame(step, file, stamp) {
  const { tensors, metadata } = readTensors(file);
  const images = [tensors.reconstruction, tensors.sample].filter(Boolean);
  return {
    step,
    stamp,
    codes: numbersOf(tensors.codes),
    size: tensors.codes.shape[1],
    images: images.map((tensor) => tensor.data),
    distortion: metadata.distortion,
    rate: metadata.rate
  };
}
function mixed(from, to, share) {
  if (share <= 0 || from === to) return from;
  return (
    /** @type {T} */
    from.map((value, i) => (1 - share) * value + share * to[i])
  );
}
function positionOf(rising, value) {
  const last = rising.length - 1;
  if (value <= rising[0]) return 0;
  if (value >= rising[last]) return last;
  let k = 0;
  while (rising[k + 1] <= value) k++;
  return k + (value - rising[k]) / (rising[k + 1] - rising[k]);
}
function reachOf(codes, size, shown2) {
  const sizes = Float32Array.from(
    { length: codes.length / size },
    (_, n) => Math.max(...shown2.map((j) => Math.abs(codes[n * size + j])))
  ).sort();
  return sizes[Math.min(sizes.length - 1, Math.floor(REACH_INSIDE * sizes.length))];
}
function reaches(frames, shown2, least) {
  let reach = least;
  return frames.map((frame2) => reach = Math.max(reach, 1.08 * reachOf(frame2.codes, frame2.size, shown2)));
}
function widest({ codes, size }) {
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
function fewGreys(pixels) {
  return pixels.map((value, i) => {
    const at = i - i % 4;
    const isGrey = pixels[at] === pixels[at + 1] && pixels[at] === pixels[at + 2];
    return isGrey && i % 4 < 3 ? Math.round(Math.round(value * 31 / 255) * 255 / 31) : value;
  });
}

// explorer/browser/snapshots/codes_map.js
var DOT = 2.3;
var FINE_DOT = 2;
function drawOnPage(canvas, moment, touched) {
  const ratio = window.devicePixelRatio || 1;
  const side = canvas.clientWidth;
  const ink = "rgba(128,128,128,.9)";
  const pen = cleared(canvas, side, ratio);
  drawPrior(pen, moment, side, ink);
  const places = placesOf(moment, side);
  drawCodes(pen, moment, places, (x, y) => pen.fillRect(x - DOT, y - DOT, 2 * DOT, 2 * DOT));
  if (touched === null) return;
  pen.strokeStyle = ink;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(places[2 * touched], places[2 * touched + 1], 7, 0, 2 * Math.PI);
  pen.stroke();
}
function drawForFile(canvas, moment, side) {
  const pen = cleared(canvas, side, 1);
  drawPrior(pen, moment, side, "#777");
  drawCodes(
    pen,
    moment,
    placesOf(moment, side),
    (x, y) => pen.fillRect(Math.round(x) - FINE_DOT, Math.round(y) - FINE_DOT, 2 * FINE_DOT, 2 * FINE_DOT)
  );
}
function placesOf({ codes, size, axes, reach }, side) {
  const unit = side / 2 / reach;
  const count = codes.length / size;
  const places = new Float32Array(2 * count);
  for (let n = 0; n < count; n++) {
    places[2 * n] = side / 2 + unit * codes[n * size + axes[0]];
    places[2 * n + 1] = size > 1 ? side / 2 - unit * codes[n * size + axes[1]] : side * (1 - (n + 0.5) / count);
  }
  return places;
}
function cleared(canvas, side, ratio) {
  const pixels = Math.round(side * ratio);
  if (canvas.width !== pixels || canvas.height !== pixels) canvas.width = canvas.height = pixels;
  const pen = context(canvas);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, side, side);
  return pen;
}
function drawCodes(pen, { labels, colours }, places, dot2) {
  for (let n = 0; n < places.length / 2; n++) {
    pen.fillStyle = colours[labels ? labels[n] % colours.length : 0];
    dot2(places[2 * n], places[2 * n + 1]);
  }
}
function drawPrior(pen, { size, axes, reach, hasRate }, side, ink) {
  const scale = side / 2 / reach;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = 1;
  pen.font = "11px sans-serif";
  pen.setLineDash([2, 3]);
  for (const radius of hasRate ? [1, 2, 3] : []) {
    pen.beginPath();
    if (size > 1) pen.arc(side / 2, side / 2, radius * scale, 0, 2 * Math.PI);
    else {
      for (const x of [side / 2 - radius * scale, side / 2 + radius * scale]) {
        pen.moveTo(x, 0);
        pen.lineTo(x, side);
      }
    }
    pen.stroke();
    const name = radius === 3 ? "3σ of the prior" : `${radius}σ`;
    pen.fillText(name, side / 2 + (size > 1 ? 3 : radius * scale + 3), size > 1 ? side / 2 - radius * scale + 12 : 12);
  }
  pen.setLineDash([]);
  const across = `z${axes[0] + 1}, ±${shown(reach, 1)}${hasRate ? " prior σ" : ""} →`;
  pen.fillText(across, side - pen.measureText(across).width - 4, side - 6);
  const up = size > 1 ? `↑ z${axes[1] + 1}` : "↑ order of the test images";
  pen.fillText(up, 4, 12);
}

// explorer/browser/snapshots/film.js
var NEAR_DOT = 10;
var ROWS = ["Reconstructed", "Samples from the prior"];
var [STAMPS, SHARED] = [-2, -1];
var Film = class {
  /** @param {() => void} changed */
  constructor(changed) {
    this.url = "";
    this.shared = null;
    this.frames = [];
    this.axes = [];
    this.reach = [];
    this.position = 0;
    this.busy = false;
    this.problem = "";
    this.canvas = make("canvas", { className: "codes" });
    this.title = make("b");
    this.scores = make("p", { className: "scores" });
    this.hint = make("p", { className: "hint" });
    this.legend = make("p", { className: "legend" });
    this.choices = make("span", { className: "choices" });
    this.rows = make("div", { className: "rows" });
    this.cells = [];
    this.changed = changed;
    this.place = make(
      "div",
      { className: "film" },
      make("div", { className: "side" }, this.title, this.canvas, this.legend, this.choices),
      make("div", { className: "side" }, this.scores, this.rows, this.hint)
    );
    this.canvas.onpointermove = (event) => this.point(event);
    this.canvas.onpointerleave = () => this.hover(null);
    this.touched = null;
    this.reachNow = 1;
  }
  /**
   * Takes a film, or the frames that have come since.
   * @param {FilmData} wanted
   */
  async update({ url, name }) {
    if (url !== this.url) {
      this.url = url;
      this.shared = null;
      this.frames = [];
      this.axes = [];
    }
    this.title.textContent = name;
    if (this.busy) return;
    this.busy = true;
    try {
      await this.fetch();
      this.problem = "";
    } catch (error) {
      this.problem = `The film cannot be read: ${/** @type {Error} */
      error.message}`;
    }
    this.busy = false;
    this.changed();
  }
  /** Fetches what comes after the last frame; drops frames that are gone or were written again. */
  async fetch() {
    const { url } = this;
    const after = this.frames.at(-1)?.step ?? -1;
    const answer = await fetch(`${url}/${after}`);
    if (!answer.ok) throw new Error(await answer.text());
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (url !== this.url) return;
    let stamps = /* @__PURE__ */ new Map();
    for (const { step, file } of streamEntries(bytes)) {
      if (step === STAMPS) stamps = new Map(JSON.parse(new TextDecoder().decode(file)));
      else if (step === SHARED) this.furnish(readShared(file));
      else this.take(step, file, stamps.get(step) ?? 0);
    }
    this.frames = this.frames.filter((frame2) => stamps.get(frame2.step) === frame2.stamp);
  }
  /**
   * Adds a frame; a damaged one is left out.
   * @param {number} step
   * @param {Uint8Array} file
   * @param {number} stamp
   */
  take(step, file, stamp) {
    try {
      this.frames.push(readFrame(step, file, stamp));
    } catch {
    }
  }
  /** @param {Shared} shared */
  furnish(shared) {
    this.shared = shared;
    const [, height, width] = shared.shape;
    const names = ["Test images", ...ROWS.slice(0, shared.hasRate ? 2 : 1)];
    this.cells = names.map(
      () => Array.from({ length: shared.count }, () => make("canvas", { width, height }))
    );
    const labelled = names.flatMap((name, i) => [
      make("p", {}, name),
      make("div", { className: "images" }, ...this.cells[i])
    ]);
    this.rows.replaceChildren(...labelled);
    this.paintRow(0, shared.original);
  }
  /**
   * @param {number} row
   * @param {Uint8Array} images M·C·H·W grey levels
   */
  paintRow(row, images) {
    const { shape, count } = (
      /** @type {Shared} */
      this.shared
    );
    const size = images.length / count;
    this.cells[row].forEach((cell, i) => {
      const values = Float32Array.from(images.subarray(i * size, (i + 1) * size), (v) => v / 255);
      context(cell).putImageData(new ImageData(levels(values, shape), shape[2], shape[1]), 0, 0);
    });
  }
  /**
   * Chooses the latents that are drawn, the widest ones at first, and how far the map reaches.
   * @param {string[]} colours
   */
  settle(colours) {
    const last = this.frames.at(-1);
    if (!last || !this.shared) return;
    if (!this.axes.length) {
      this.axes = widest(last);
      this.choose(last.size, colours);
    }
    this.reach = reaches(this.frames, this.axes, this.shared.hasRate ? 3.15 : 1e-6);
  }
  /**
   * Legend, and of more than two latents a choice.
   * @param {number} size
   * @param {string[]} colours
   */
  choose(size, colours) {
    const { names, labels } = (
      /** @type {Shared} */
      this.shared
    );
    this.legend.replaceChildren(
      ...(labels && names.length <= 30 ? names : []).map((name, i) => {
        const dot2 = make("i");
        dot2.style.background = colours[i % colours.length];
        return make("span", {}, dot2, name);
      })
    );
    if (size < 3) return;
    const selects = this.axes.map((axis, i) => {
      const select = make("select", {
        onchange: () => {
          this.axes[i] = Number(select.value);
          this.settle(colours);
          this.changed();
        }
      });
      select.setAttribute("aria-label", i ? "Latent upward" : "Latent across");
      for (let j = 0; j < size; j++) {
        const chosen = j === axis;
        select.append(make("option", { value: String(j), textContent: `z${j + 1}`, selected: chosen }));
      }
      return select;
    });
    this.choices.replaceChildren("Across ", selects[0], " up ", selects[1]);
  }
  /** The steps that have a frame. */
  get steps() {
    return this.frames.map((frame2) => frame2.step);
  }
  /**
   * Everything as it is at a position between frames.
   * @param {number} position
   * @param {string[]} colours
   * @param {number} least how far the map reaches at least, for two on one scale
   */
  show(position, colours, least = 0) {
    if (!this.frames.length || !this.shared) return;
    this.position = Math.min(Math.max(0, position), this.frames.length - 1);
    this.reachNow = Math.max(least, this.reachAt(this.position));
    drawOnPage(this.canvas, this.moment(colours), this.touched);
    this.images().forEach((images, i) => this.paintRow(i + 1, images));
    this.scores.replaceChildren(...this.words().map((line) => make("span", {}, line)));
  }
  /** @param {number} position */
  reachAt(position) {
    const k = Math.floor(position);
    const next = this.reach[Math.min(k + 1, this.reach.length - 1)];
    return this.reach[k] + (position - k) * (next - this.reach[k]);
  }
  /** The frames on both sides, and how far between them. @returns {[Frame, Frame, number]} */
  around() {
    const k = Math.floor(this.position);
    const next = this.frames[Math.min(k + 1, this.frames.length - 1)];
    return [this.frames[k], next, this.position - k];
  }
  /**
   * What the map shows at the present position.
   * @param {string[]} colours
   * @returns {Moment}
   */
  moment(colours) {
    const { labels, hasRate } = (
      /** @type {Shared} */
      this.shared
    );
    const [from, to, share] = this.around();
    return {
      codes: mixed(from.codes, to.codes, share),
      size: from.size,
      axes: this.axes,
      reach: this.reachNow,
      hasRate,
      labels,
      colours
    };
  }
  images() {
    const [from, to, share] = this.around();
    return from.images.map((images, i) => mixed(images, to.images[i], share));
  }
  /** What the nearest frame says, in two lines. */
  words() {
    const { total: total2, perEpoch, hasRate } = (
      /** @type {Shared} */
      this.shared
    );
    const { step, distortion, rate, codes, size } = this.frames[Math.round(this.position)];
    const epoch = shown(step / perEpoch, step % perEpoch ? 1 : 0);
    const terms = hasRate ? `D ${shown(distortion)} + R ${shown(rate)} = −ELBO ${shown(distortion + rate)} nats` : `D ${shown(distortion)} nats`;
    const count = (codes.length / size).toLocaleString("en");
    return [
      `Step ${step.toLocaleString("en")} of ${total2.toLocaleString("en")}, epoch ${epoch}`,
      `${terms} per image, mean of ${count} test images`
    ];
  }
  /** @param {PointerEvent} event */
  point(event) {
    if (!this.frames.length || !this.shared) return;
    const places = placesOf(this.moment([]), this.canvas.clientWidth);
    let [best, distance] = [-1, NEAR_DOT];
    for (let n = 0; n < places.length / 2; n++) {
      const far = Math.hypot(places[2 * n] - event.offsetX, places[2 * n + 1] - event.offsetY);
      if (far < distance) [best, distance] = [n, far];
    }
    this.hover(best < 0 ? null : best);
  }
  /** @param {number | null} n */
  hover(n) {
    if (n === this.touched) return;
    this.touched = n;
    const label = n === null ? void 0 : this.shared?.labels?.[n];
    const name = label === void 0 ? "" : `, class ${this.shared?.names[label] ?? label}`;
    this.hint.textContent = n === null ? "" : `Test image ${n}${name}`;
    this.cells.slice(0, 2).forEach((row) => row.forEach((cell, i) => cell.classList.toggle("now", i === n)));
    this.changed();
  }
};

// explorer/browser/snapshots/saved_file.js
var FRAMES2 = 60;
var SIDE = 300;
var CELL = 28;
var DELAY_MS = 100;
var FRAMES_AT_THE_END = 10;
function drawFilms(films, colours) {
  const rows = Math.max(...films.map((film) => film.cells.length));
  const canvas = make("canvas", {
    width: films.length * (SIDE + 10) - 10,
    height: SIDE + 20 + rows * (CELL + 2)
  });
  const pen = context(canvas);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = false;
  const map = make("canvas");
  films.forEach((film, i) => {
    if (!film.frames.length) return;
    const left = i * (SIDE + 10);
    drawForFile(map, film.moment(colours), SIDE);
    pen.drawImage(map, left, 16);
    pen.fillStyle = "#222";
    pen.font = "12px sans-serif";
    pen.fillText(`${film.title.textContent?.slice(0, 24)} · ${film.words()[0]}`, left + 2, 12, SIDE);
    film.cells.forEach(
      (row, r) => row.forEach((image, c) => {
        const step = SIDE / Math.max(10, row.length);
        pen.drawImage(image, left + c * step, SIDE + 20 + r * (CELL + 2), step - 2, CELL);
      })
    );
  });
  return canvas;
}
async function filmGif(last, draw, report) {
  const count = Math.min(FRAMES2, last + 1);
  const pictures = [];
  let size = { width: 0, height: 0 };
  for (let i = 0; i < count; i++) {
    report(`Drawing ${i + 1} of ${count}`);
    const canvas = draw(count > 1 ? last * i / (count - 1) : 0);
    size = { width: canvas.width, height: canvas.height };
    pictures.push(fewGreys(context(canvas).getImageData(0, 0, size.width, size.height).data));
    await pageDrawn();
  }
  report("Writing the file…");
  await pageDrawn();
  pictures.push(...Array.from({ length: FRAMES_AT_THE_END }, () => pictures[count - 1]));
  return encodeGif(pictures, size.width, size.height, { delay_ms: DELAY_MS });
}
function pageDrawn() {
  return new Promise((done) => setTimeout(done, 0));
}

// explorer/browser/snapshots/player.js
var FILM_SECONDS = 10;
var FLOW_SECONDS = 0.7;
var LIVE_MS = 500;
var SPEEDS = { "0.5": "½×", 1: "1×", 2: "2×", 4: "4×" };
var Player = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.slider = /** @type {HTMLInputElement} */
    part(root, "input");
    this.player = part(root, ".play");
    this.liveButton = part(root, ".live");
    this.speed = /** @type {HTMLSelectElement} */
    part(root, "select");
    this.films = [];
    this.data = null;
    this.position = 0;
    this.playing = false;
    this.follows = true;
    this.frame = 0;
    this.then = 0;
    this.ended = false;
    this.asking = 0;
    for (const [value, textContent] of Object.entries(SPEEDS)) {
      this.speed.append(make("option", { value, textContent, selected: value === "1" }));
    }
    this.slider.oninput = () => this.scrub(Number(this.slider.value));
    this.player.onclick = () => this.toggle();
    this.liveButton.onclick = () => this.follow();
    part(root, ".gif").onclick = () => this.saveGif();
    part(root, ".png").onclick = () => this.savePng();
    this.watch = new ResizeObserver(() => this.tick());
    this.watch.observe(root);
  }
  /** @param {PlayerData} data */
  update(data) {
    this.data = data;
    while (this.films.length > data.films.length) this.films.pop();
    while (this.films.length < data.films.length) this.films.push(new Film(() => this.changed()));
    const places = this.films.map((film) => film.place);
    const there = part(this.root, ".films");
    if ([...there.children].some((child, i) => child !== places[i]) || there.children.length !== places.length) {
      there.replaceChildren(...places);
    }
    there.classList.toggle("two", places.length > 1);
    this.liveButton.hidden = !data.live;
    clearTimeout(this.asking);
    this.ask();
  }
  /** Fetches the films; of one that is live, again and again what is new. */
  async ask() {
    const { films, live } = (
      /** @type {PlayerData} */
      this.data
    );
    await Promise.all(this.films.map((film, i) => films[i] && film.update(films[i])));
    clearTimeout(this.asking);
    if (live && this.root.isConnected && !this.ended) this.asking = setTimeout(() => this.ask(), LIVE_MS);
  }
  /** New frames have come, or another latent was chosen. */
  changed() {
    const first = this.films[0];
    this.films.forEach((film) => film.settle(this.data?.colours ?? []));
    const count = first?.frames.length ?? 0;
    const problem = this.films.map((film) => film.problem).find(Boolean);
    const waits = this.data?.live ? "The first frame will be here in a moment." : "Reading the film…";
    part(this.root, ".state").textContent = problem || (count ? "" : waits);
    part(this.root, ".controls").hidden = part(this.root, ".films").hidden = !count;
    this.slider.max = String(Math.max(0, count - 1));
    if (this.position > count - 1) this.position = Math.max(0, count - 1);
    if (this.follows && !this.data?.live) this.position = Math.max(0, count - 1);
    this.tick();
  }
  /** @param {number} position */
  scrub(position) {
    this.playing = this.follows = false;
    this.position = position;
    this.tick();
  }
  toggle() {
    this.playing = !this.playing;
    this.follows = false;
    const last = this.films[0].frames.length - 1;
    if (this.playing && this.position >= last) this.position = 0;
    this.tick();
  }
  follow() {
    this.follows = true;
    this.playing = false;
    this.tick();
  }
  /** Asks for a frame of the screen, once. */
  tick() {
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      const passed = Math.min(0.1, (now - this.then) / 1e3);
      this.then = now;
      if (this.root.isConnected && this.films[0]?.frames.length) this.advance(passed);
    });
  }
  /** @param {number} passed seconds since the last frame of the screen */
  advance(passed) {
    const last = this.films[0].frames.length - 1;
    if (this.playing) {
      this.position += Number(this.speed.value) * passed * Math.max(last, 1) / FILM_SECONDS;
      if (this.position >= last) [this.position, this.playing] = [last, false];
    } else if (this.follows && this.position < last) {
      const gap = last - this.position;
      this.position = gap < 0.01 ? last : this.position + gap * Math.min(1, passed / FLOW_SECONDS);
    }
    this.draw();
    if (this.playing || this.follows && this.position < last) this.tick();
  }
  /** Shows all films at the place of the first. */
  draw() {
    const { colours, inStep } = (
      /** @type {PlayerData} */
      this.data
    );
    const [first, ...others] = this.films;
    const positions = [this.position, ...others.map((film) => this.match(first, film, inStep))];
    const reach = Math.max(...this.films.map((film, i) => film.frames.length ? film.reachAt(positions[i]) : 0));
    this.films.forEach((film, i) => film.show(positions[i], colours, reach));
    this.slider.value = String(Math.round(this.position));
    this.slider.setAttribute("aria-valuetext", first.words()[0]);
    this.player.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.liveButton.setAttribute("aria-pressed", String(this.follows));
  }
  /**
   * The position of another film at the same share of its training, or after as many updates.
   * @param {Film} first
   * @param {Film} film
   * @param {"share" | "step"} by
   */
  match(first, film, by) {
    if (!film.frames.length) return 0;
    const [from, to, share] = frameAt(first, this.position);
    const step = from.step + share * (to.step - from.step);
    const factor = by === "share" ? updatesOf(film) / updatesOf(first) : 1;
    return positionOf(film.steps, step * factor);
  }
  /** @param {number} position */
  pictureAt(position) {
    this.position = position;
    this.draw();
    return drawFilms(this.films, this.data?.colours ?? []);
  }
  async saveGif() {
    const button = (
      /** @type {HTMLButtonElement} */
      part(this.root, ".gif")
    );
    const before = this.position;
    button.disabled = true;
    this.playing = this.follows = false;
    try {
      const last = this.films[0].frames.length - 1;
      const progress = (text) => button.textContent = text;
      const bytes = await filmGif(last, (position) => this.pictureAt(position), progress);
      save(new Blob([
        /** @type {Uint8Array<ArrayBuffer>} */
        bytes
      ], { type: "image/gif" }), "training.gif");
    } finally {
      button.textContent = "Save GIF";
      button.disabled = false;
      this.scrub(before);
    }
  }
  savePng() {
    const picture = drawFilms(this.films, this.data?.colours ?? []);
    picture.toBlob((blob) => blob && save(blob, "training.png"));
  }
  end() {
    this.ended = true;
    clearTimeout(this.asking);
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }
};
function frameAt(film, position) {
  const k = Math.min(Math.floor(position), film.frames.length - 1);
  return [film.frames[k], film.frames[Math.min(k + 1, film.frames.length - 1)], position - k];
}
function updatesOf(film) {
  return film.shared?.total ?? 1;
}
function trainingFilm({ parentElement, data }) {
  const root = (
    /** @type {HTMLElement & {player?: Player}} */
    part(parentElement, ".training-film")
  );
  const player = root.player ??= new Player(root);
  player.update(data);
  return () => setTimeout(() => root.isConnected || player.end());
}
export {
  betaSlider,
  drawingPad,
  liveMap,
  provide,
  trainingFilm
};
