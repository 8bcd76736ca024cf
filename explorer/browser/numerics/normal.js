/**
 * The standard normal distribution: its quantiles, and reproducible draws.
 */

/** Coefficients of the rational approximations of AS 241, highest power first. */
const CENTRE = [
  [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
  [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
    5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1],
];
const MIDDLE = [
  [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
  [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1],
];
const TAIL = [
  [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
    0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
  [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
    0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1],
];

/**
 * Φ⁻¹(p): the value that a share p of a standard normal distribution does not exceed.
 *
 * Source: Wichura, 1988, Algorithm AS 241 (PPND16), Applied Statistics 37(3).
 * @param {number} p between 0 and 1, both excluded
 */
export function quantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  const value = r <= 5 ? ratio(MIDDLE, r - 1.6) : ratio(TAIL, r - 5);
  return q < 0 ? -value : value;
}

/**
 * @param {number[][]} polynomials numerator and denominator
 * @param {number} x
 */
function ratio([above, below], x) {
  const at = (/** @type {number[]} */ terms) => terms.reduce((sum, term) => sum * x + term, 0);
  return at(above) / at(below);
}

/**
 * Uniform numbers in (0, 1), the same for the same seed.
 * @param {number} seed a whole number
 */
export function uniforms(seed) {
  let state = (seed + 1) | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < 4; i++) next(); // seeds that are near one another move apart
  return next;
}

/**
 * Standard normal numbers, the same for the same seed.
 * @param {number} seed a whole number
 */
export function normals(seed) {
  const uniform = uniforms(seed);
  return () => quantile(uniform());
}
