/** What the tests share: reproducible random numbers, and decoders with random weights. */

/**
 * Numbers of a standard normal distribution, the same for the same seed.
 * @param {number} seed
 */
export function normals(seed) {
  let state = seed + 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < 9; i++) uniform(); // seeds that are near one another move apart
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * @param {number} count
 * @param {number} seed
 * @param {number} [scale]
 */
export function randomArray(count, seed, scale = 1) {
  const draw = normals(seed);
  return Float32Array.from({ length: count }, () => scale * draw());
}

/**
 * A smooth random decoder with two layers, z → sigmoid(B·tanh(A·z)).
 * @param {number} latents
 * @param {number} pixels
 * @param {number} seed
 */
export function randomDecoder(latents, pixels, seed) {
  const hidden = 12;
  const first = randomArray(hidden * latents, seed, 1.5 / Math.sqrt(latents));
  const second = randomArray(pixels * hidden, seed + 1, 0.8);
  return (/** @type {Float32Array} */ z) => {
    const units = multiply(first, z).map(Math.tanh);
    return multiply(second, units).map((value) => 1 / (1 + Math.exp(-value)));
  };
}

/**
 * A matrix, row by row, times a vector.
 * @param {ArrayLike<number>} matrix
 * @param {ArrayLike<number>} vector
 */
export function multiply(matrix, vector) {
  const out = new Float64Array(matrix.length / vector.length);
  for (let i = 0; i < matrix.length; i++) {
    out[Math.floor(i / vector.length)] += matrix[i] * vector[i % vector.length];
  }
  return out;
}

/**
 * The largest difference between two arrays; ∞ where their lengths differ, NaN where one is NaN.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function difference(a, b) {
  if (a.length !== b.length) return Infinity;
  return Math.max(0, ...Array.from(a, (value, i) => Math.abs(value - b[i])));
}

/** @type {[Function, string][]} a Uint16Array holds the bits of half-precision numbers */
const DTYPES = [
  [Float64Array, "F64"],
  [Float32Array, "F32"],
  [Uint16Array, "F16"],
  [BigInt64Array, "I64"],
  [Uint8Array, "U8"],
];

/**
 * A safetensors file as models/storage/tensors.py writes it.
 * @param {Record<string, {shape: number[], values: ArrayBufferView, dtype?: string}>} tensors
 * @param {Record<string, unknown>} [document]
 */
export function safetensors(tensors, document = {}) {
  const texts = Object.entries(document).map(([name, value]) => [name, JSON.stringify(value)]);
  const header = { __metadata__: { ...Object.fromEntries(texts), sha256: "0" } };
  const data = [];
  for (const [name, { shape, values, dtype }] of Object.entries(tensors)) {
    const [, known] = DTYPES.find(([kind]) => values instanceof kind);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const offsets = [data.length, data.length + bytes.length];
    header[name] = { dtype: dtype ?? known, shape, data_offsets: offsets };
    data.push(...bytes);
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(BigUint64Array.of(BigInt(text.length)).buffer);
  return Uint8Array.of(...length, ...text, ...data);
}
