/**
 * Long computations that leave the page alive.
 */

const SLICE_MS = 12;

/**
 * Runs a long computation in slices, so that the page stays alive.
 * @template T
 * @param {Generator<number, T>} work
 * @param {{report: (share: number) => void, isWanted: () => boolean}} watch
 * @returns {Promise<T | null>} null if it was not wanted any more
 */
export async function inSlices(work, { report, isWanted }) {
  for (;;) {
    const end = performance.now() + SLICE_MS;
    while (performance.now() < end) {
      const { done, value } = work.next();
      if (done) return value;
      report(value);
    }
    await new Promise((next) => setTimeout(next));
    if (!isWanted()) return null;
  }
}
