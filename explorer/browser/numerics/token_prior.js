/**
 * The prior over grids of tokens: a causal transformer that is read one token at a time. No DOM.
 *
 * The network is that of models/families/token_prior.py. Every token costs one pass, because the keys
 * and values of those before it are kept.
 *
 * @typedef {Record<string, Float32Array | undefined>} Arrays of the network, by their names in torch
 * @typedef {{odds: () => Numbers, take: (token: number) => void}} Reader
 *   `odds`: ln p of every code at the next place, given those taken; `take` goes one place on
 * @typedef {Float64Array<ArrayBuffer>} Numbers
 * @typedef {(x: Numbers) => Numbers} Layer
 */

const HEAD_WIDTH = 16;
const EPSILON = 1e-5;

/**
 * Builds a prior.
 * @param {Arrays} arrays
 * @param {number} tokens how many a grid has
 */
export function buildTokenPrior(arrays, tokens) {
  const get = (/** @type {string} */ name) => {
    const found = arrays[name];
    if (!found) throw new Error(`The prior must have the array ${name}.`);
    return found;
  };
  const embedding = get("embedding.weight");
  const position = get("position");
  const width = position.length / tokens;
  const codes = embedding.length / width - 1; // the last row stands before the first token
  /** @type {(() => Layer)[]} */
  const blocks = [];
  while (arrays[`blocks.${blocks.length}.norm.weight`]) blocks.push(buildBlock(get, `blocks.${blocks.length}.`));
  const norm = normalise(get, "norm");
  const logits = linear(get, "logits");

  /** @returns {Reader} */
  const reader = () => {
    const layers = blocks.map((block) => block());
    let place = 0;
    let token = codes;
    /** @type {Numbers | null} */
    let next = null;
    const odds = () => {
      if (next) return next;
      let h = new Float64Array(width);
      h = h.map((_, i) => embedding[token * width + i] + position[place * width + i]);
      for (const layer of layers) h = layer(h);
      next = logSoftmax(logits(norm(h)));
      return next;
    };
    const take = (/** @type {number} */ taken) => {
      odds(); // the keys and values of this place
      [place, token, next] = [place + 1, taken, null];
    };
    return { odds, take };
  };

  /**
   * ln p of every code at every place, given the tokens before it: a row of K a place.
   * @param {ArrayLike<number>} grid
   */
  const rows = (grid) => {
    const { odds, take } = reader();
    return Array.from(grid, (token) => {
      const row = odds();
      take(token);
      return row;
    });
  };
  return { codes, tokens, reader, rows };
}

/**
 * Draws a code.
 * @param {ArrayLike<number>} odds ln p of every code
 * @param {number} uniform between 0 and 1
 */
export function drawCode(odds, uniform) {
  let left = uniform;
  for (let k = 0; k < odds.length - 1; k++) {
    left -= Math.exp(odds[k]);
    if (left < 0) return k;
  }
  return odds.length - 1;
}

/**
 * Attention to the tokens before and to this one, then a layer of it alone; both are added.
 * @param {(name: string) => Float32Array} get
 * @param {string} name
 * @returns {() => Layer} starts a grid: what it returns keeps keys and values
 */
function buildBlock(get, name) {
  const attentionNorm = normalise(get, `${name}attention_norm`);
  const norm = normalise(get, `${name}norm`);
  const queryKeyValue = linear(get, `${name}query_key_value`);
  const attended = linear(get, `${name}attended`);
  const inner = linear(get, `${name}inner`);
  const outer = linear(get, `${name}outer`);
  return () => {
    /** @type {Numbers[]} */
    const keys = [];
    /** @type {Numbers[]} */
    const values = [];
    return (h) => {
      const width = h.length;
      const all = queryKeyValue(attentionNorm(h));
      keys.push(all.subarray(width, 2 * width));
      values.push(all.subarray(2 * width));
      const seen = attended(attend(all.subarray(0, width), keys, values));
      const between = h.map((value, i) => value + seen[i]);
      const added = outer(inner(norm(between)).map(gelu));
      return between.map((value, i) => value + added[i]);
    };
  };
}

/**
 * Means of the values, weighted by how well their keys match the query; every head by itself.
 * @param {Float64Array} query
 * @param {Float64Array[]} keys
 * @param {Float64Array[]} values
 */
function attend(query, keys, values) {
  const out = new Float64Array(query.length);
  for (let from = 0; from < query.length; from += HEAD_WIDTH) {
    const match = (/** @type {Float64Array} */ key) => {
      let sum = 0;
      for (let i = from; i < from + HEAD_WIDTH; i++) sum += query[i] * key[i];
      return sum / Math.sqrt(HEAD_WIDTH);
    };
    const weights = new Float64Array(keys.length);
    for (let n = 0; n < keys.length; n++) weights[n] = match(keys[n]);
    const odds = logSoftmax(weights);
    for (let n = 0; n < keys.length; n++) {
      const weight = Math.exp(odds[n]);
      for (let i = from; i < from + HEAD_WIDTH; i++) out[i] += weight * values[n][i];
    }
  }
  return out;
}

/**
 * Numbers less their mean, over their standard deviation, scaled and shifted.
 * @param {(name: string) => Float32Array} get
 * @param {string} name
 * @returns {Layer}
 */
function normalise(get, name) {
  const [scale, shift] = [get(`${name}.weight`), get(`${name}.bias`)];
  return (x) => {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + EPSILON)) * scale[i] + shift[i]);
  };
}

/**
 * @param {(name: string) => Float32Array} get
 * @param {string} name
 * @returns {Layer}
 */
function linear(get, name) {
  const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
  return (x) => {
    const out = new Float64Array(bias.length);
    for (let row = 0, at = 0; row < out.length; row++) {
      let [a, b, c, d] = [bias[row], 0, 0, 0]; // four sums, so that none waits for the last one
      for (let i = 0; i < x.length; i += 4, at += 4) {
        a += weight[at] * x[i];
        b += weight[at + 1] * x[i + 1];
        c += weight[at + 2] * x[i + 2];
        d += weight[at + 3] * x[i + 3];
      }
      out[row] = a + b + (c + d);
    }
    return out;
  };
}

/** @param {Numbers} x */
function logSoftmax(x) {
  const most = Math.max(...x);
  const total = Math.log(x.reduce((sum, value) => sum + Math.exp(value - most), 0)) + most;
  return x.map((value) => value - total);
}

/**
 * x Φ(x), where Φ is the normal distribution's share below x, to 1e-7.
 *
 * Source: Abramowitz & Stegun, 1964, Handbook of Mathematical Functions, 7.1.26.
 * @param {number} x
 */
function gelu(x) {
  const size = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * size);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * series * Math.exp(-size * size);
  return x * (x < 0 ? tail : 1 - tail);
}
