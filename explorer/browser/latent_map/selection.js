/**
 * The points inside a lasso: how many, of which classes, and their table to take away.
 */

import { make, save, shown } from "../common/dom.js";

/**
 * @typedef {{names: string[], labels: ArrayLike<number> | null, distortions: ArrayLike<number> | null,
 *   codeOf: (n: number) => ArrayLike<number>}} Points
 */

/** @typedef {{pin: (z: number[]) => void, cleared: () => void}} Host */

/** The selection of one map. */
export class Selection {
  /**
   * @param {HTMLElement} place
   * @param {Host} host
   */
  constructor(place, host) {
    this.place = place;
    this.host = host;
    /** @type {number[]} */
    this.chosen = [];
    /** @type {(chosen: number[]) => void} hears of every change */
    this.heard = () => {};
  }

  /** Gives the selection up. */
  clear() {
    this.chosen = [];
    this.place.hidden = true;
    this.host.cleared();
    this.heard([]);
  }

  /**
   * @param {number[]} chosen
   * @param {Points} points
   */
  show(chosen, points) {
    this.chosen = chosen;
    this.heard(chosen);
    this.place.hidden = chosen.length === 0;
    if (!chosen.length) return;
    const row = make("div", { className: "row" }, `${summary(chosen, points)} `);
    const button = (/** @type {string} */ textContent, /** @type {() => void} */ onclick) =>
      row.append(make("button", { type: "button", textContent, onclick }));
    button("Pin their mean", () => this.host.pin(meanCode(chosen, points)));
    button("Save as CSV", () =>
      save(new Blob([table(chosen, points)], { type: "text/csv" }), "selection.csv"),
    );
    button("Clear", () => this.clear());
    this.place.replaceChildren(row);
  }
}

/**
 * @param {number[]} chosen
 * @param {Points} points
 */
function summary(chosen, { names, labels, distortions }) {
  const mean = distortions && chosen.reduce((sum, n) => sum + distortions[n], 0) / chosen.length;
  const text = `${chosen.length} images selected${mean === null ? "" : `, mean D ${shown(mean, 1)} nats`}`;
  if (!labels) return text;
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const n of chosen) counts.set(names[labels[n]], (counts.get(names[labels[n]]) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 6);
  return `${text}; class ${most.map(([name, count]) => `${name}: ${count}`).join(", ")}`;
}

/**
 * The mean of the selected codes.
 * @param {number[]} chosen
 * @param {Points} points
 */
export function meanCode(chosen, points) {
  const sum = Array.from(points.codeOf(chosen[0]), () => 0);
  for (const n of chosen) Array.from(points.codeOf(n)).forEach((v, j) => (sum[j] += v / chosen.length));
  return sum;
}

/**
 * One row per image; a class name that a spreadsheet would run is led by an apostrophe.
 * @param {number[]} chosen
 * @param {Points} points
 */
export function table(chosen, points) {
  const { names, labels, distortions } = points;
  const quote = (/** @type {string} */ text) => {
    const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const size = points.codeOf(chosen[0]).length;
  const means = Array.from({ length: size }, (_, j) => `mean_${j + 1}`);
  const rows = chosen.map((n) => [
    String(n),
    ...(labels ? [quote(names[labels[n]])] : []),
    ...Array.from(points.codeOf(n), (v) => v.toPrecision(6)),
    ...(distortions ? [distortions[n].toPrecision(6)] : []),
  ]);
  const head = ["image", ...(labels ? ["class"] : []), ...means, ...(distortions ? ["distortion_nats"] : [])];
  return [head, ...rows].map((row) => `${row.join(",")}\n`).join("");
}
