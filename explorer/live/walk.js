/**
 * Walks between two codes: straight, spherical, and the geodesic of the decoder's pull-back
 * metric. Pure numerics, no DOM, no dependency.
 *
 * A path is an array of n codes, both ends included. Lengths of paths through images are in the
 * units of pixel values: the Euclidean norm over all pixels.
 *
 * @typedef {(z: Float32Array) => ArrayLike<number>} Decode z → image, C·H·W values
 * @typedef {{path: Float32Array[], images: ArrayLike<number>[], energy: number}} Curve
 * @typedef {{readonly path: Float32Array[], readonly images: ArrayLike<number>[],
 *   readonly energy: number, readonly converged: boolean, step: () => number}} Relaxation
 */

/**
 * The straight line z(t) = (1 − t)·a + t·b at n equal steps of t.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {number} n at least 2
 */
export function linearPath(a, b, n) {
  return buildPath(a, b, n, (t, j) => (1 - t) * a[j] + t * b[j]);
}

/**
 * The path whose direction turns at constant speed while its norm changes at constant speed:
 *
 *     z(t) = ((1 − t)·|a| + t·|b|) · (sin((1 − t)θ)·a/|a| + sin(tθ)·b/|b|) / sin θ
 *
 * It is computed as cos(tθ)·e₁ + sin(tθ)·e₂ with e₁ = a/|a| and e₂ orthogonal to it in the plane
 * of a and b, which divides by no small number where θ is near 0 or π. Opposite directions turn
 * through a fixed orthogonal one (with one latent there is none: through 0); where a or b is 0,
 * which has no direction, the path is straight.
 * Source: Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985 (slerp).
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {number} n at least 2
 */
export function sphericalPath(a, b, n) {
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
    const turned = Math.cos(t * angle) * first[j] + Math.sin(t * angle) * second[j];
    return ((1 - t) * from + t * to) * turned;
  });
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {number} n
 * @param {(t: number, j: number) => number} at coordinate j at time t; the ends are a and b exactly
 * @returns {Float32Array[]}
 */
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

/**
 * A unit vector orthogonal to a unit vector; 0 if there is no second dimension.
 * @param {Float64Array} unit
 */
function orthogonalTo(unit) {
  const least = unit.reduce((best, v, j) => (Math.abs(v) < Math.abs(unit[best]) ? j : best), 0);
  const rest = unit.map((value, j) => Number(j === least) - unit[least] * value);
  const norm = Math.sqrt(dot(rest, rest));
  return rest.map((value) => (norm > 0 ? value / norm : 0));
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * How much the picture changes at every step of a walk, ‖x_{k+1} − x_k‖, n − 1 values.
 * @param {ArrayLike<number>[]} images
 */
export function imageSteps(images) {
  return images.slice(1).map((image, k) => {
    let square = 0;
    for (let i = 0; i < image.length; i++) square += (image[i] - images[k][i]) ** 2;
    return Math.sqrt(square);
  });
}

/**
 * The length of a polygon through points of any space, codes or images: Σ ‖x_{k+1} − x_k‖.
 * @param {ArrayLike<number>[]} points
 */
export function pathLength(points) {
  return imageSteps(points).reduce((sum, step) => sum + step, 0);
}

const MOST_LATENTS = 32;
const TRIALS = 6;
const TOLERANCE = 1e-4;

/**
 * @param {Decode} decode
 * @param {Float32Array[]} path at least 2 codes
 * @param {number} [decodes]
 * @returns {Relaxation}
 */
export function relaxGeodesic(decode, path, decodes = 256) {
  const interior = path.length - 2;
  let curve = decodeCurve(decode, path);
  let converged = interior === 0;
  const moved = converged ? [] : sensitiveLatents(decode, curve);
  const width = Math.min(moved.length, Math.max(1, Math.floor(decodes / interior)));
  const rounds = Math.ceil(moved.length / width);
  /** @type {Float64Array[]} */
  const slopes = Array.from({ length: interior * moved.length }, () => new Float64Array(0));
  let damping = 1e-3;
  let turn = 0;
  let idle = 0;
  const improve = (/** @type {Float32Array[]} */ next) => {
    const found = decodeCurve(decode, next);
    const isLower = found.energy < curve.energy;
    if (isLower) curve = found;
    return isLower;
  };
  const step = () => {
    if (converged) return curve.energy;
    const before = curve.energy;
    for (let i = 0; i < width; i++, turn = (turn + 1) % moved.length) {
      for (let k = 0; k < interior; k++) {
        slopes[k * moved.length + turn] = slope(decode, curve, k + 1, moved[turn]);
      }
    }
    const { matrix, descent } = normalEquations(curve, slopes, moved.length);
    for (let trial = 0; trial < TRIALS; trial++) {
      const change = solve(matrix, descent, damping, moved.length);
      if (change && improve(shiftPath(curve.path, moved, change))) {
        damping = Math.max(1e-6, damping / 10);
        break;
      }
      damping = Math.min(1e3, damping * 10);
    }
    const steps = imageSteps(curve.images);
    globalThis.RESP??=0; if (globalThis.RESPACE!==0 && Math.max(...steps) * steps.length > 1.25 * pathLength(curve.images)) {globalThis.RESP++;improve(respace(decode, curve.path));}
    idle = before - curve.energy > TOLERANCE * before ? 0 : idle + 1;
    converged = idle >= rounds;
    return curve.energy;
  };
  return {
    step,
    get path() {
      return curve.path;
    },
    get images() {
      return curve.images;
    },
    get energy() {
      return curve.energy;
    },
    get converged() {
      return converged;
    },
  };
}

/**
 * @param {Decode} decode
 * @param {Float32Array[]} path
 * @returns {Curve}
 */
function decodeCurve(decode, path) {
  const images = path.map((z) => decode(z));
  return { path, images, energy: imageSteps(images).reduce((sum, step) => sum + step * step, 0) };
}

/**
 * The latents that change the picture most, at the middle of the path.
 * @param {Decode} decode
 * @param {Curve} curve
 */
function sensitiveLatents(decode, curve) {
  const all = [...curve.path[0].keys()];
  if (all.length <= MOST_LATENTS) return all;
  const middle = Math.floor(curve.path.length / 2);
  const size = all.map((j) => slope(decode, curve, middle, j)).map((column) => dot(column, column));
  return all.sort((i, j) => size[j] - size[i]).slice(0, MOST_LATENTS);
}

/**
 * ∂g/∂z_j at a code of the path, by a forward difference.
 * @param {Decode} decode
 * @param {Curve} curve
 * @param {number} k
 * @param {number} j
 */
function slope(decode, { path, images }, k, j) {
  const shifted = path[k].slice();
  shifted[j] += 1e-3;
  const width = shifted[j] - path[k][j]; // as it was rounded
  return Float64Array.from(decode(shifted), (value, i) => (value - images[k][i]) / width);
}

/**
 * @param {Decode} decode
 * @param {Float32Array[]} path
 */
function respace(decode, path) {
  const finer = 4;
  const fine = path.slice(1).flatMap((z, k) => linearPath(path[k], z, finer + 1).slice(k ? 1 : 0));
  const steps = imageSteps(fine.map((z) => decode(z)));
  const total = steps.reduce((sum, step) => sum + step, 0);
  let [at, passed] = [0, 0];
  return path.map((z, k) => {
    if (k === 0 || k === path.length - 1) return z;
    const goal = (total * k) / (path.length - 1);
    while (passed + steps[at] < goal) passed += steps[at++];
    const share = (goal - passed) / steps[at];
    return fine[at].map((value, j) => value + share * (fine[at + 1][j] - value));
  });
}

/**
 * The matrix A and −½∇E of the energy in the interior codes, code by code.
 * @param {Curve} curve
 * @param {Float64Array[]} slopes
 * @param {number} width
 */
function normalEquations({ images }, slopes, width) {
  const size = slopes.length;
  const matrix = Array.from({ length: size }, () => new Float64Array(size));
  const descent = new Float64Array(size);
  const pull = images.slice(1, -1).map((image, k) =>
    Float64Array.from(image, (value, i) => images[k][i] - 2 * value + images[k + 2][i]),
  );
  for (let row = 0; row < size; row++) {
    if (!slopes[row].length) continue;
    descent[row] = dot(slopes[row], pull[Math.floor(row / width)]);
    const block = row - (row % width);
    for (let column = Math.max(0, block - width); column <= row; column++) {
      if (!slopes[column].length) continue;
      matrix[row][column] = (column < block ? -1 : 2) * dot(slopes[row], slopes[column]);
    }
  }
  return { matrix, descent };
}

/**
 * Solves (A + λ·mean(diag A)·I) x = b by Cholesky's decomposition; null where A is 0.
 * @param {Float64Array[]} matrix A, its lower triangle
 * @param {Float64Array} right b
 * @param {number} damping λ > 0
 * @param {number} width
 */
function solve(matrix, right, damping, width) {
  const size = right.length;
  const scale = matrix.reduce((sum, row, i) => sum + row[i], 0) / size;
  if (!(scale > 0)) return null;
  const first = (/** @type {number} */ i) => Math.max(0, i - (i % width) - width);
  const factor = matrix.map((row) => row.slice());
  const x = right.slice();
  for (let i = 0; i < size; i++) {
    const row = factor[i];
    for (let j = first(i); j <= i; j++) {
      const other = factor[j];
      let sum = row[j] + (i === j ? damping * scale : 0);
      for (let k = first(i); k < j; k++) sum -= row[k] * other[k];
      row[j] = i === j ? Math.sqrt(sum) : sum / other[j];
    }
    for (let k = first(i); k < i; k++) x[i] -= row[k] * x[k];
    x[i] /= row[i];
  }
  for (let i = size - 1; i >= 0; i--) {
    x[i] /= factor[i][i];
    for (let k = first(i); k < i; k++) x[k] -= factor[i][k] * x[i];
  }
  return x;
}

/**
 * @param {Float32Array[]} path
 * @param {number[]} moved
 * @param {Float64Array} change of the interior codes along the latents that move
 */
function shiftPath(path, moved, change) {
  return path.map((z, k) => {
    if (k === 0 || k === path.length - 1) return z;
    const shifted = z.slice();
    moved.forEach((j, i) => (shifted[j] += change[(k - 1) * moved.length + i]));
    return shifted;
  });
}
