/**
 * The true posterior p(z|x) ∝ p(x|z) p(z) of a model with two latents, by quadrature. No DOM.
 *
 * First it is found: the plane is covered with squares, each of which counts with the value at its
 * middle. One that holds more than `SHARE` of the posterior or of the encoder's q(z|x) is cut into
 * four, again and again, and so is every larger one that touches it: no mass is hidden in a corner.
 * Then it is integrated, on an even grid over where it and q lie, as fine as the smallest squares;
 * for smooth densities such sums are exact to many digits. Every second point gives the error.
 *
 * Source: the split of the gap ln p(x) − ELBO = KL(q ‖ p(z|x)) is Cremer, Li & Duvenaud, Inference
 * Suboptimality in Variational Autoencoders, 2018, arXiv:1801.03558.
 *
 * @typedef {{mean: ArrayLike<number>, sigma: ArrayLike<number>}} Gaussian of independent latents
 * @typedef {{x: number, y: number, half: number, value: number}} Square its middle, half its side,
 *   and ln p(x|z) + ln p(z) there
 * @typedef {{x: number[], y: number[], values: Float64Array}} Grid places along both axes, and
 *   ln p(x|z) + ln p(z), row by row of y
 * @typedef {object} TruePosterior
 * @property {Grid} grid
 * @property {number} logValue ln of the integral of p(x|z) p(z), nats
 * @property {number} error of it: what it changes if every second point is left out
 * @property {number} outside share of the posterior beyond the grid
 * @property {Gaussian} best the Gaussian with the least KL to the posterior
 * @property {number} amortisation KL(q ‖ p(z|x)) of the encoder's, less that of the best, nats
 * @property {number} family KL of the best to the posterior, nats
 */

const LOG_2PI = Math.log(2 * Math.PI);
/** Squares along a side at first. */
export const START = 24;
const SHARE = 0.05;
const MOST_SQUARES = 1500;
/** Standard deviations that the grid covers. */
const REACH = 4.5;
/** Points along a side of the grid. */
const [FEWEST, MOST] = [20, 48];
/** Values between two looks at the clock. */
const BATCH = 8;

/**
 * The middles of the squares at first: where the decoder is asked whatever the image is.
 * @param {number} reach how far the plane is covered, on every side
 */
export function startPlaces(reach) {
  const half = reach / START;
  const at = (/** @type {number} */ i) => -reach + (2 * i + 1) * half;
  return Array.from({ length: START ** 2 }, (_, i) => [at(i % START), at(Math.floor(i / START))]);
}

/**
 * ln p(z) of the standard normal prior.
 * @param {number} x
 * @param {number} y
 */
function logPrior(x, y) {
  return -0.5 * (x * x + y * y) - LOG_2PI;
}

/**
 * Finds and integrates it; yields now and then, so that the caller can stop or do something else.
 * @param {(z: number[]) => number} score ln p(x|z) of the image, nats
 * @param {Gaussian} encoder q(z|x)
 * @param {number} reach
 * @param {ArrayLike<number>} started ln p(x|z) at `startPlaces`
 * @returns {Generator<number, TruePosterior>} yields the number of values so far
 */
export function* integrate(score, encoder, reach, started) {
  const squares = yield* find(score, encoder, reach, started);
  const shares = sharesOf(squares);
  const around = momentsOf(squares, shares);
  const grid = layGrid(squares, shares, [encoder, around]);
  for (let i = 0; i < grid.values.length; i++) {
    const [x, y] = [grid.x[i % grid.x.length], grid.y[Math.floor(i / grid.x.length)]];
    grid.values[i] = score([x, y]) + logPrior(x, y);
    if (i % BATCH === 0) yield squares.length + i;
  }
  const logValue = logIntegral(grid, 1);
  const outside = squares.reduce((sum, { x, y }, i) => sum + (covers(grid, x, y) ? 0 : shares[i]), 0);
  const divergence = (/** @type {Gaussian} */ q) => divergenceOf(q, grid, logValue);
  const best = closest(divergence, [encoder, around]);
  const family = divergence(best);
  const amortisation = divergence(encoder) - family;
  return { grid, logValue, error: Math.abs(logIntegral(grid, 2) - logValue), outside, best, family, amortisation };
}

/**
 * Squares that are small where the posterior or the encoder's is.
 * @param {(z: number[]) => number} score
 * @param {Gaussian} encoder
 * @param {number} reach
 * @param {ArrayLike<number>} started
 * @returns {Generator<number, Square[]>}
 */
function* find(score, encoder, reach, started) {
  const half = reach / START;
  let squares = startPlaces(reach).map(([x, y], i) => ({ x, y, half, value: started[i] + logPrior(x, y) }));
  while (squares.length < MOST_SQUARES) {
    const cut = squaresToCut(squares, encoder);
    if (!cut.size) break;
    const kept = squares.filter((square) => !cut.has(square));
    for (const square of cut) {
      for (const [x, y] of quarters(square)) {
        kept.push({ x, y, half: square.half / 2, value: score([x, y]) + logPrior(x, y) });
        if (kept.length % BATCH === 0) yield kept.length;
      }
    }
    squares = kept;
  }
  return squares;
}

/**
 * An even grid over some Gaussians, as fine as the smallest squares that hold much.
 * @param {Square[]} squares
 * @param {number[]} shares
 * @param {Gaussian[]} gaussians
 * @returns {Grid}
 */
function layGrid(squares, shares, gaussians) {
  const heavy = squares.filter((_, i) => shares[i] > SHARE / 8);
  const step = 3.5 * heavy.reduce((least, { half }) => Math.min(least, half), Infinity);
  const axis = (/** @type {number} */ j) => {
    const low = Math.min(...gaussians.map(({ mean, sigma }) => mean[j] - REACH * sigma[j]));
    const high = Math.max(...gaussians.map(({ mean, sigma }) => mean[j] + REACH * sigma[j]));
    const wanted = Math.min(Math.max(Math.ceil((high - low) / step), FEWEST), MOST);
    const count = wanted + (wanted % 2 ? 0 : 1); // so that every second point ends where it ends
    return Array.from({ length: count }, (_, i) => low + (i * (high - low)) / (count - 1));
  };
  const [x, y] = [axis(0), axis(1)];
  return { x, y, values: new Float64Array(x.length * y.length) };
}

/**
 * @param {Grid} grid
 * @param {number} x
 * @param {number} y
 */
function covers(grid, x, y) {
  const inside = (/** @type {number[]} */ axis, /** @type {number} */ v) => v >= axis[0] && v <= axis[axis.length - 1];
  return inside(grid.x, x) && inside(grid.y, y);
}

/**
 * ln of the sum over every `stride`-th point.
 * @param {Grid} grid
 * @param {number} stride
 */
function logIntegral({ x, y, values }, stride) {
  let [most, sum] = [-Infinity, 0];
  for (const value of values) most = Math.max(most, value);
  for (let j = 0; j < y.length; j += stride) {
    for (let i = 0; i < x.length; i += stride) sum += Math.exp(values[j * x.length + i] - most);
  }
  return most + Math.log(sum * stride ** 2 * (x[1] - x[0]) * (y[1] - y[0]));
}

/** @param {Square} square */
function quarters({ x, y, half }) {
  const d = half / 2;
  return [[x - d, y - d], [x + d, y - d], [x - d, y + d], [x + d, y + d]];
}

/** @param {Square} square its part of the integral, as a logarithm */
function logPart({ value, half }) {
  return value + 2 * Math.log(2 * half);
}

/** @param {Square[]} squares */
function logSum(squares) {
  const most = squares.reduce((best, square) => Math.max(best, logPart(square)), -Infinity);
  return most + Math.log(squares.reduce((sum, square) => sum + Math.exp(logPart(square) - most), 0));
}

/** @param {Square[]} squares how much of the posterior each holds */
function sharesOf(squares) {
  const logValue = logSum(squares);
  return squares.map((square) => Math.exp(logPart(square) - logValue));
}

/**
 * Those that hold much of either distribution, and larger ones that touch them.
 * @param {Square[]} squares
 * @param {Gaussian} encoder
 */
function squaresToCut(squares, encoder) {
  const shares = sharesOf(squares);
  const heavy = squares.filter((square, i) => shares[i] > SHARE || shareOf(encoder, square) > SHARE);
  const cut = new Set(heavy);
  const queue = [...heavy];
  for (let one = queue.pop(); one; one = queue.pop()) {
    for (const other of squares) {
      if (other.half <= one.half || cut.has(other) || !touches(one, other)) continue;
      cut.add(other);
      queue.push(other);
    }
  }
  return cut;
}

/**
 * @param {Square} one
 * @param {Square} other
 */
function touches(one, other) {
  const apart = (one.half + other.half) * (1 + 1e-9);
  return Math.abs(one.x - other.x) <= apart && Math.abs(one.y - other.y) <= apart;
}

/**
 * How much of a Gaussian a square holds.
 * @param {Gaussian} q
 * @param {Square} square
 */
function shareOf({ mean, sigma }, { x, y, half }) {
  return (
    between((x - half - mean[0]) / sigma[0], (x + half - mean[0]) / sigma[0]) *
    between((y - half - mean[1]) / sigma[1], (y + half - mean[1]) / sigma[1])
  );
}

/**
 * The standard normal's mass between two values, from the tail that keeps its digits.
 * @param {number} low
 * @param {number} high
 */
function between(low, high) {
  return low > 0 ? above(low) - above(high) : above(-high) - above(-low);
}

/**
 * The standard normal's mass above a value, to 10⁻⁷.
 *
 * Source: Abramowitz & Stegun, 1964, formula 7.1.26.
 * @param {number} value
 */
function above(value) {
  const x = Math.abs(value) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const terms = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const tail = 0.5 * t * Math.exp(-x * x) * terms.reduce((sum, term) => sum * t + term);
  return value < 0 ? 1 - tail : tail;
}

/**
 * KL(q ‖ p(z|x)) by the sum over the grid. A Gaussian of independent latents is a product of one
 * factor an axis, so that no exponential is needed for a point.
 * @param {Gaussian} q
 * @param {Grid} grid
 * @param {number} logValue
 */
function divergenceOf({ mean, sigma }, { x, y, values }, logValue) {
  const [across, up] = [factorOf(x, mean[0], sigma[0]), factorOf(y, mean[1], sigma[1])];
  let expected = 0; // of ln p(x|z) + ln p(z) under q
  for (let j = 0, at = 0; j < y.length; j++) {
    let row = 0;
    for (let i = 0; i < x.length; i++) row += across.density[i] * values[at++];
    expected += up.density[j] * row;
  }
  const cell = (x[1] - x[0]) * (y[1] - y[0]);
  const held = across.held * up.held;
  const sum = across.negentropy * up.held + across.held * up.negentropy - expected + logValue * held;
  return Math.abs(held * cell - 1) < 0.02 ? sum * cell : Infinity; // else the grid does not hold it
}

/**
 * A normal density along one axis of the grid, its sum, and that of density · ln density.
 * @param {number[]} axis
 * @param {number} mean
 * @param {number} sigma
 */
function factorOf(axis, mean, sigma) {
  const density = new Float64Array(axis.length);
  let [held, negentropy] = [0, 0];
  axis.forEach((v, i) => {
    const log = -0.5 * (((v - mean) / sigma) ** 2 + LOG_2PI) - Math.log(sigma);
    density[i] = Math.exp(log);
    held += density[i];
    negentropy += density[i] * log;
  });
  return { density, held, negentropy };
}

/**
 * Mean and deviations of the posterior.
 * @param {Square[]} squares
 * @param {number[]} shares
 * @returns {Gaussian}
 */
function momentsOf(squares, shares) {
  const average = (/** @type {(square: Square) => number} */ of) =>
    squares.reduce((sum, square, i) => sum + shares[i] * of(square), 0);
  const mean = [average(({ x }) => x), average(({ y }) => y)];
  const variance = [average(({ x }) => (x - mean[0]) ** 2), average(({ y }) => (y - mean[1]) ** 2)];
  return { mean, sigma: variance.map((v) => Math.sqrt(Math.max(v, 1e-12))) };
}

/**
 * The Gaussian of least divergence: from every start, one parameter after the other is moved while
 * that helps, by ever smaller steps.
 * @param {(q: Gaussian) => number} divergence
 * @param {Gaussian[]} starts
 */
function closest(divergence, starts) {
  let [best, least] = [starts[0], Infinity];
  for (const { mean, sigma } of starts) {
    const unit = [sigma[0], sigma[1]];
    const of = (/** @type {number[]} */ [a, b, c, d]) => ({
      mean: [mean[0] + a * unit[0], mean[1] + b * unit[1]],
      sigma: [unit[0] * Math.exp(c), unit[1] * Math.exp(d)],
    });
    const at = [0, 0, 0, 0];
    let value = divergence(of(at));
    for (let step = 0.5; step > 0.004; ) {
      let moved = false;
      for (let i = 0; i < 8; i++) {
        const tried = [...at];
        tried[i >> 1] += i % 2 ? -step : step;
        const found = divergence(of(tried));
        if (!(found < value)) continue;
        [value, moved] = [found, true];
        at.splice(0, 4, ...tried);
      }
      if (!moved) step /= 2;
    }
    if (value < least) [best, least] = [of(at), value];
  }
  return best;
}

/**
 * ln p(x|z) of an image for a decoded mean: a Bernoulli distribution or a Gaussian for every pixel.
 * @param {ArrayLike<number>} image
 * @param {ArrayLike<number>} decoded
 * @param {ArrayLike<number> | null} sigmas of the pixels, repeated; null: Bernoulli
 */
export function logLikelihood(image, decoded, sigmas) {
  let sum = 0;
  if (!sigmas) {
    for (let i = 0; i < image.length; i++) {
      const [x, p] = [image[i], decoded[i]];
      if (x > 0) sum += x * Math.log(Math.max(p, 1e-30));
      if (x < 1) sum += (1 - x) * Math.log(Math.max(1 - p, 6e-8));
    }
    return sum;
  }
  for (let i = 0; i < image.length; i++) {
    const sigma = sigmas[i % sigmas.length];
    sum -= 0.5 * (((image[i] - decoded[i]) / sigma) ** 2 + LOG_2PI) + Math.log(sigma);
  }
  return sum;
}
