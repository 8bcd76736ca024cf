/**
 * The marginal of the aggregate posterior in a plane: all other latents are integrated out, as they
 * are where points and ellipses are projected. No DOM.
 */

/** @import { Plane } from "./geometry.js" */

const STRIDE = 6;
/** Terms this many nats below the largest are left out. */
const LEAST = 30;

/**
 * Builds the function place → ln q(u, v), in nats: with A the axes of the plane,
 *
 *     q(u, v) = (1/N) Σ N(u, v; A (μ_n − origin), A diag(σ_n²) Aᵀ).
 * @param {number} size Z, more than 1
 * @param {Float32Array} means N·Z values
 * @param {Float32Array} logVariances N·Z values
 * @param {Plane} plane
 * @returns {(place: ArrayLike<number>) => number}
 */
export function buildMarginal(size, means, logVariances, plane) {
  const axes = axesOf(size, plane);
  const count = means.length / size;
  const codes = new Float64Array(count * STRIDE);
  for (let n = 0; n < count; n++) {
    const [u, v] = plane.project(means.subarray(n * size, (n + 1) * size));
    const [uu, uv, vv] = covariance(logVariances.subarray(n * size, (n + 1) * size), axes);
    const determinant = uu * vv - uv * uv;
    codes.set([u, v, vv / determinant, -uv / determinant, uu / determinant, Math.log(determinant)], n * STRIDE);
  }
  const constant = Math.log(count) + Math.log(2 * Math.PI);
  return (place) => {
    const [u, v] = [place[0], place[1]];
    let [largest, scaled] = [-Infinity, 0];
    for (let i = 0; i < codes.length; i += STRIDE) {
      const [x, y] = [u - codes[i], v - codes[i + 1]];
      const square = x * x * codes[i + 2] + 2 * x * y * codes[i + 3] + y * y * codes[i + 4];
      const term = -0.5 * (square + codes[i + 5]);
      if (term > largest) {
        scaled = scaled * Math.exp(largest - term) + 1;
        largest = term;
      } else if (term > largest - LEAST) scaled += Math.exp(term - largest);
    }
    return largest + Math.log(scaled) - constant;
  };
}

/**
 * How far a step along each latent leads in the plane, [across, up] of each.
 * @param {number} size
 * @param {Plane} plane
 */
function axesOf(size, plane) {
  const zero = plane.project(new Float64Array(size));
  return Array.from({ length: size }, (_, j) => {
    const one = plane.project(Float64Array.from({ length: size }, (_value, k) => Number(j === k)));
    return [one[0] - zero[0], one[1] - zero[1]];
  });
}

/**
 * A diag(σ²) Aᵀ: its entries uu, uv, vv.
 * @param {Float32Array} logVariance
 * @param {number[][]} axes
 */
function covariance(logVariance, axes) {
  let [uu, uv, vv] = [0, 0, 0];
  axes.forEach(([across, up], j) => {
    const variance = Math.exp(logVariance[j]);
    uu += variance * across * across;
    uv += variance * across * up;
    vv += variance * up * up;
  });
  return [uu, uv, vv];
}
