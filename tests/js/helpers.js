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
