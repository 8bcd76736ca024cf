/**
 * Nearest codes, by Euclidean distance in the latent space.
 */

/**
 * The codes nearest to z, the nearest first; of equally near ones, the first.
 * @param {ArrayLike<number>} codes flat, N·Z
 * @param {number} size Z
 * @param {ArrayLike<number>} z
 * @param {number} count
 * @returns {{index: number, distance: number}[]}
 */
export function nearestCodes(codes, size, z, count) {
  /** @type {{index: number, distance: number}[]} */
  const best = [];
  for (let n = 0; n * size < codes.length; n++) {
    let distance = 0;
    for (let j = 0; j < size; j++) distance += (codes[n * size + j] - z[j]) ** 2;
    if (best.length === count && distance >= best[count - 1].distance) continue;
    let at = best.length;
    while (at > 0 && best[at - 1].distance > distance) at--;
    best.splice(at, 0, { index: n, distance });
    if (best.length > count) best.pop();
  }
  return best.map(({ index, distance }) => ({ index, distance: Math.sqrt(distance) }));
}
