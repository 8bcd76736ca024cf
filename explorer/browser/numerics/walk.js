/**
 * Walks between two codes: straight, spherical, and the geodesic of the decoder's pull-back
 * metric. Pure numerics, no DOM, no dependency.
 *
 * A path is an array of n codes, both ends included. Lengths of paths through images are in the
 * units of pixel values: the Euclidean norm over all pixels.
 *
 * @typedef {(z: Float32Array) => ArrayLike<number>} Decode z → image, C·H·W values
 * @typedef {{path: Float32Array[], images: ArrayLike<number>[], energy: number}} Curve
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
const MOST_NUMBERS = 2 ** 24;
const SLOPES_PER_STEP = 128;
const TRIALS = 3;
const TOLERANCE = 1e-3;
const UNEVEN = 1.25;

/**
 * Relaxes a path, its ends held, towards the geodesic of the metric JᵀJ that the decoder's mean
 * g pulls back to the latent space, J = ∂g/∂z: the path that minimises the discrete energy
 *
 *     E = Σ_k ‖g(z_{k+1}) − g(z_k)‖²,
 *
 * whose steps through the images are then nearly equal. Each `step()` is one Gauss–Newton
 * iteration over all interior codes, damped as far as needed, (A + λI) δ = −½∇E with the blocks
 * A_kk = 2·J_kᵀJ_k and A_k,k+1 = −J_kᵀJ_{k+1}; J by forward differences. When J is recomputed, and
 * when that helps little, a step also moves the codes along their path, so that the steps through
 * the images become equal. A change that does not lower E is not made: E never increases.
 *
 * E sees the images of the codes only: too few codes jump over a ridge instead of walking around
 * it. About 60 are enough for MNIST from end to end.
 *
 * A step takes at most 128 decodes for J, 3n for the trials, and 5n where it evens the path. If J
 * has more columns, (n − 2)·Z of them, they are renewed in turns, and each step goes on with what
 * it has. Beyond 32 latents (fewer for very large images, by memory) only those leave the path that
 * change the image most at its middle; the others move along it.
 *
 * Not included: the decoder's variance, which would keep the path near the codes.
 * Source: Arvanitidis, Hansen & Hauberg, Latent space oddity, ICLR 2018, arXiv:1710.11379 (metric);
 * Shao, Kumar & Fletcher, The Riemannian geometry of deep generative models, CVPR workshops 2018,
 * arXiv:1711.08014 (discrete energy).
 * @param {Decode} decode
 * @param {Float32Array[]} path n codes, at least 2
 */
export function relaxGeodesic(decode, path) {
  return new Relaxation(decode, path);
}

/** A path on its way to a geodesic; see `relaxGeodesic`. */
class Relaxation {
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
    /** The columns of J, code by code, and the band of A's lower triangle, row by row. */
    this.slopes = Array.from({ length: interior * width }, () => new Float32Array(0));
    this.matrix = this.slopes.map(() => new Float64Array(2 * width));
    this.turn = 0; // the column of J to be renewed next
    this.damping = 1e-3;
    this.mark = this.energy;
    this.idle = 0; // steps since E was lower than the mark by the tolerance
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
    const width = shifted[j] - z[j]; // as it was rounded
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
        const factor = column < start + moved.length ? -1 : 2; // of the code before, or its own
        matrix[row][column - start] = factor * dot(slopes[row], slopes[column]);
      }
    }
  }

  /** −½∇E = J_kᵀ (g(z_{k−1}) − 2·g(z_k) + g(z_{k+1})). */
  descent() {
    const { images, moved } = this;
    const bends = images.slice(1, -1).map((image, k) =>
      Float64Array.from(image, (value, i) => images[k][i] - 2 * value + images[k + 2][i]),
    );
    return Float64Array.from(this.slopes, (column, i) =>
      dot(column, bends[Math.floor(i / moved.length)]),
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
    const mean = steps.reduce((sum, step) => sum + step, 0) / (path.length - 1);
    let [at, passed] = [0, 0];
    return path.map((z, k) => {
      if (k === 0 || k === path.length - 1) return z;
      while (at < steps.length - 1 && passed + steps[at] < k * mean) passed += steps[at++];
      const share = (k * mean - passed) / steps[at];
      return fine[at].map((value, j) => value + share * (fine[at + 1][j] - value));
    });
  }
}

/**
 * The first column of the band in a row of A: that of the code before.
 * @param {number} row
 * @param {Float64Array[]} matrix
 */
function bandStart(row, matrix) {
  const width = matrix[row].length / 2;
  return row - (row % width) - width;
}

/**
 * Solves (A + λ·mean(diag A)·I) x = b by Cholesky's decomposition; null where A is 0.
 * @param {Float64Array[]} matrix A, the band of its lower triangle
 * @param {Float64Array} right b
 * @param {number} damping λ > 0
 */
function solve(matrix, right, damping) {
  const size = right.length;
  const diagonal = matrix.map((row, i) => row[i - bandStart(i, matrix)]);
  const shift = (damping * diagonal.reduce((sum, value) => sum + value, 0)) / size;
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
