/**
 * The true posterior p(z|x) ∝ p(x|z) p(z) of a model with two latents, by quadrature. No DOM.
 *
 * The plane is covered with squares. A square that holds more than `SHARE` of the posterior or of
 * the encoder's q(z|x) is cut into four, again and again, and so is every larger one that touches
 * it: mass is then nowhere hidden in a corner. Every square counts with the value at its middle.
 *
 * With the shares p_c of the posterior and q_c of a Gaussian in the squares,
 * Σ q_c ln(q_c / p_c) is KL(q ‖ p(z|x)): how far its ELBO lies below ln p(x). It is never negative.
 *
 * Source: the split of the gap is Cremer, Li & Duvenaud, Inference Suboptimality in Variational
 * Autoencoders, 2018, arXiv:1801.03558.
 *
 * @typedef {{mean: ArrayLike<number>, sigma: ArrayLike<number>}} Gaussian of independent latents
 * @typedef {{x: number, y: number, half: number, value: number}} Square its middle, half its side,
 *   and ln p(x|z) + ln p(z) there
 * @typedef {object} TruePosterior
 * @property {Square[]} squares
 * @property {number[]} shares of the posterior in them
 * @property {number} logValue ln of the integral of p(x|z) p(z), nats
 * @property {number} error by how much the last cut changed it
 * @property {number} outside share of the posterior in squares that were never cut
 * @property {Gaussian} best the Gaussian with the least KL to the posterior
 * @property {number} amortisation KL(q ‖ p(z|x)) of the encoder's, less that of the best, nats
 * @property {number} family KL of the best to the posterior, nats
 */

const LOG_2PI = Math.log(2 * Math.PI);
/** Squares along a side at first. */
export const START = 24;
const SHARE = 0.01;
const MOST = 3000;
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
 * Integrates; yields now and then, so that the caller can stop it or do something else.
 * @param {(z: number[]) => number} logLikelihood ln p(x|z) of the image, nats
 * @param {Gaussian} encoder q(z|x)
 * @param {number} reach
 * @param {ArrayLike<number>} started ln p(x|z) at `startPlaces`
 * @returns {Generator<number, TruePosterior>} yields the number of squares
 */
export function* integrate(logLikelihood, encoder, reach, started) {
  const half = reach / START;
  let squares = startPlaces(reach).map(([x, y], i) => ({ x, y, half, value: started[i] + logPrior(x, y) }));
  let [logValue, error] = [logSum(squares), Infinity];
  while (squares.length < MOST) {
    const cut = squaresToCut(squares, encoder);
    if (!cut.size) break;
    const kept = squares.filter((square) => !cut.has(square));
    for (const square of cut) {
      for (const [x, y] of quarters(square)) {
        kept.push({ x, y, half: square.half / 2, value: logLikelihood([x, y]) + logPrior(x, y) });
        if (kept.length % BATCH === 0) yield kept.length;
      }
    }
    squares = kept;
    const before = logValue;
    logValue = logSum(squares);
    error = Math.abs(logValue - before);
  }
  const shares = sharesOf(squares, logValue);
  const divergence = (/** @type {Gaussian} */ q) => divergenceOf(q, squares, shares);
  const best = closest(divergence, [encoder, momentsOf(squares, shares)]);
  const family = divergence(best);
  const outside = squares.reduce((sum, square, i) => sum + (square.half === half ? shares[i] : 0), 0);
  return { squares, shares, logValue, error, outside, best, family, amortisation: divergence(encoder) - family };
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

/**
 * @param {Square[]} squares
 * @param {number} logValue
 */
function sharesOf(squares, logValue) {
  return squares.map((square) => Math.exp(logPart(square) - logValue));
}

/**
 * Those that hold much of either distribution, and larger ones that touch them.
 * @param {Square[]} squares
 * @param {Gaussian} encoder
 */
function squaresToCut(squares, encoder) {
  const shares = sharesOf(squares, logSum(squares));
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
 * KL(q ‖ p(z|x)) of what the squares tell apart.
 * @param {Gaussian} q
 * @param {Square[]} squares
 * @param {number[]} shares
 */
function divergenceOf(q, squares, shares) {
  let [sum, held] = [0, 0];
  squares.forEach((square, i) => {
    const share = shareOf(q, square);
    if (share < 1e-12) return;
    sum += share * (Math.log(share) - Math.log(Math.max(shares[i], 1e-300)));
    held += share;
  });
  return held > 0 ? sum / held - Math.log(held) : Infinity;
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
