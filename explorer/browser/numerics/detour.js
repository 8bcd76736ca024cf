/**
 * The geodesic from several starts: relaxed from a straight line alone it would often stay on the
 * wrong side of a ridge. With up to two latents one start is the shortest way over a grid of decoded
 * codes, which sees the whole plane. No DOM.
 */

import { linearPath, pathLength, relaxGeodesic, sphericalPath } from "./walk.js";

/** @import { Decode } from "./walk.js" */

const SIDE = 32;
const REACH = 3;
const STEPS = 80;
const FINER = 5;
/** The eight neighbours on the grid, and the eight a knight's move away. */
const MOVES = [
  [0, 1], [1, 1], [1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1],
  [1, 2], [2, 1], [2, -1], [1, -2], [-1, -2], [-2, -1], [-2, 1], [-1, 2],
];

/**
 * Looks for the shortest way through the images between two codes: relaxes two starts, one after
 * the other, and keeps the shorter. A shorter one still may exist.
 *
 * The starts are the straight line and, with two latents, `detour`, else the spherical path. Each
 * `step()` is one of `relaxGeodesic`, at most 80 a start. They are compared by five times as many
 * codes, so that one that jumps over a ridge between its codes is not taken for short.
 * @param {Decode} decode
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} n codes, at least 2
 */
export function searchGeodesic(decode, a, b, n) {
  return new Search(decode, [
    () => linearPath(a, b, n),
    () => (a.length === 2 ? detour(decode, a, b, n) : sphericalPath(a, b, n)),
  ]);
}

/** Several relaxations, and the shortest of those that are done. */
class Search {
  /**
   * @param {Decode} decode
   * @param {(() => Float32Array[])[]} starts
   */
  constructor(decode, starts) {
    this.decode = decode;
    this.starts = starts.slice(1);
    this.steps = 0;
    this.current = relaxGeodesic(decode, starts[0]());
    /** @type {{path: Float32Array[], length: number} | null} */
    this.best = null;
    this.converged = false;
  }

  /** n codes: the shortest so far. */
  get path() {
    return this.best?.path ?? this.current.path;
  }

  /** One iteration; where a start is done, the next one. */
  step() {
    if (this.converged) return;
    if (!this.current.converged && this.steps < STEPS) {
      this.current.step();
      this.steps += 1;
      return;
    }
    const { path } = this.current;
    const length = wayLength(this.decode, path);
    if (!this.best || length < this.best.length) this.best = { path, length };
    const start = this.starts.shift();
    if (start) [this.current, this.steps] = [relaxGeodesic(this.decode, start()), 0];
    else this.converged = true;
  }
}

/**
 * How long the images of a path are, as five times as many codes tell.
 * @param {Decode} decode
 * @param {Float32Array[]} path
 */
export function wayLength(decode, path) {
  const fine = path.slice(1).flatMap((z, k) => linearPath(path[k], z, FINER + 1).slice(1));
  return pathLength([path[0], ...fine].map((z) => decode(z)));
}

/**
 * A path of n codes along the shortest way through the images over a grid of the plane, which
 * spans both ends and three standard deviations of the prior. The distance of two neighbours is
 * that of their decoded images: what lies between them is not seen.
 * Source: Dijkstra, A note on two problems in connexion with graphs, 1959.
 * @param {Decode} decode
 * @param {Float32Array} a a code of two latents
 * @param {Float32Array} b
 * @param {number} n at least 2
 * @returns {Float32Array[]}
 */
export function detour(decode, a, b, n) {
  const codes = gridCodes(a, b);
  const images = codes.map((z) => decode(z));
  const [from, to] = [a, b].map((end) => nearest(codes, end));
  const before = shortestWay(images, from);
  const way = [];
  for (let at = to; at !== from; at = before[at]) way.unshift(codes[at]);
  return spread([a, ...way.slice(0, -1), b], n);
}

/**
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
function gridCodes(a, b) {
  const [xs, ys] = [0, 1].map((j) => {
    const [low, high] = [Math.min(a[j], b[j], -REACH), Math.max(a[j], b[j], REACH)];
    return Array.from({ length: SIDE }, (_, i) => low + (i * (high - low)) / (SIDE - 1));
  });
  return xs.flatMap((x) => ys.map((y) => Float32Array.of(x, y)));
}

/**
 * @param {Float32Array[]} codes
 * @param {Float32Array} z
 */
function nearest(codes, z) {
  const distances = codes.map((code) => Math.hypot(code[0] - z[0], code[1] - z[1]));
  return distances.indexOf(Math.min(...distances));
}

/**
 * The node before each on its shortest way from one.
 * @param {ArrayLike<number>[]} images of the nodes
 * @param {number} from
 */
function shortestWay(images, from) {
  const length = new Float64Array(images.length).fill(Infinity);
  const before = new Int32Array(images.length).fill(from);
  const open = new Set(images.keys());
  length[from] = 0;
  while (open.size) {
    let at = -1;
    for (const node of open) if (at < 0 || length[node] < length[at]) at = node;
    open.delete(at);
    for (const next of neighbours(at)) {
      const there = length[at] + distance(images[at], images[next]);
      if (there >= length[next]) continue;
      length[next] = there;
      before[next] = at;
    }
  }
  return before;
}

/** @param {number} node */
function neighbours(node) {
  const [row, column] = [Math.floor(node / SIDE), node % SIDE];
  return MOVES.map(([i, j]) => [row + i, column + j])
    .filter(([i, j]) => i >= 0 && j >= 0 && i < SIDE && j < SIDE)
    .map(([i, j]) => i * SIDE + j);
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function distance(a, b) {
  let square = 0;
  for (let i = 0; i < a.length; i++) square += (a[i] - b[i]) ** 2;
  return Math.sqrt(square);
}

/**
 * n codes on a polygon, as far apart as its number of corners allows.
 * @param {Float32Array[]} polygon
 * @param {number} n
 */
function spread(polygon, n) {
  const last = polygon.length - 1;
  return Array.from({ length: n }, (_, k) => {
    const place = (k * last) / (n - 1);
    const corner = Math.min(Math.floor(place), last - 1);
    const [from, to] = [polygon[corner], polygon[corner + 1]];
    if (k === n - 1) return polygon[last];
    return from.map((value, j) => value + (place - corner) * (to[j] - value));
  });
}
