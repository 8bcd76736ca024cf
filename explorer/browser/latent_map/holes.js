/**
 * Holes: places farther from every code than nearly all codes are from their nearest neighbour.
 *
 * It needs no posterior, so it says of an autoencoder, too, where its decoder was hardly trained.
 */

/** Codes whose nearest neighbour is looked for. */
const SAMPLED = 400;
/** Share of them that are nearer to their neighbour than a hole is to any code. */
const USUAL = 0.99;

/**
 * The test whether a code lies in a hole.
 * @param {Float32Array} means codes, flat
 * @param {number} size latents
 * @returns {(z: ArrayLike<number>) => boolean}
 */
export function buildHoles(means, size) {
  const count = means.length / size;
  if (count < 2) return () => false;
  const step = Math.max(1, Math.floor(count / SAMPLED));
  const gaps = [];
  for (let n = 0; n < count; n += step) gaps.push(nearest(means, size, means.subarray(n * size, (n + 1) * size), n));
  gaps.sort((a, b) => a - b);
  const usual = gaps[Math.min(gaps.length - 1, Math.floor(USUAL * gaps.length))];
  return (z) => nearest(means, size, z, -1) > usual;
}

/**
 * The squared distance to the nearest code.
 * @param {Float32Array} means
 * @param {number} size
 * @param {ArrayLike<number>} z
 * @param {number} itself this one is passed over
 */
function nearest(means, size, z, itself) {
  let least = Infinity;
  for (let n = 0, i = 0; i < means.length; n++, i += size) {
    if (n === itself) continue;
    let distance = 0;
    for (let j = 0; j < size; j++) distance += (means[i + j] - z[j]) ** 2;
    if (distance < least) least = distance;
  }
  return least;
}
