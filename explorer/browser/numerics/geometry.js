/**
 * Planes of the latent space, and what is drawn in them: pure numerics, no DOM, no dependency.
 *
 * Positions in a plane are [u, v]; an array of them is flat: u₁, v₁, u₂, v₂, …
 *
 * @typedef {[number, number]} Place
 * @typedef {{embed: (place: ArrayLike<number>) => Float32Array,
 *   project: (z: ArrayLike<number>) => Place}} Plane
 * @typedef {{index: number, distance: number}} Nearest
 */

/**
 * An affine plane of the latent space, z = origin + u·a₁ + v·a₂ + rest, where `rest` is the part
 * of (anchor − origin) orthogonal to the axes: the plane passes through the anchor.
 *
 * project(z) = ((z − origin)·a₁, (z − origin)·a₂), so that project(embed(place)) = place and
 * embed(project(anchor)) = anchor.
 * @param {ArrayLike<number>} origin Z values
 * @param {ArrayLike<number>[]} axes two orthonormal vectors; the second is 0 where Z = 1
 * @param {ArrayLike<number>} [anchor] Z values; the origin if left out
 * @returns {Plane}
 */
export function buildPlane(origin, axes, anchor = origin) {
  const [across, up] = axes;
  const coordinate = (/** @type {ArrayLike<number>} */ z, /** @type {ArrayLike<number>} */ axis) => {
    let sum = 0;
    for (let j = 0; j < origin.length; j++) sum += (z[j] - origin[j]) * axis[j];
    return sum;
  };
  const project = (/** @type {ArrayLike<number>} */ z) =>
    /** @type {Place} */ ([coordinate(z, across), coordinate(z, up)]);
  const [u, v] = project(anchor);
  const base = Float64Array.from(anchor, (value, j) => value - u * across[j] - v * up[j]);
  const embed = (/** @type {ArrayLike<number>} */ place) =>
    Float32Array.from(base, (value, j) => value + place[0] * across[j] + place[1] * up[j]);
  return { embed, project };
}

/**
 * The 1σ ellipse of N(·, diag σ²) seen in a plane: of the covariance C = A diag(σ²) Aᵀ, the
 * semi-axes are the roots of its eigenvalues.
 * @param {ArrayLike<number>} logVariance ln σ², Z values
 * @param {ArrayLike<number>[]} axes two rows of A
 * @returns {{a: number, b: number, angle: number}} semi-axes a ≥ b ≥ 0, and the angle of the first
 *   from the u-axis towards the v-axis in radians, within ±π/2
 */
export function ellipse(logVariance, [across, up]) {
  let [uu, uv, vv] = [0, 0, 0];
  for (let j = 0; j < logVariance.length; j++) {
    const variance = Math.exp(logVariance[j]);
    uu += variance * across[j] * across[j];
    uv += variance * across[j] * up[j];
    vv += variance * up[j] * up[j];
  }
  const middle = (uu + vv) / 2;
  const radius = Math.hypot((uu - vv) / 2, uv);
  return {
    a: Math.sqrt(middle + radius),
    b: Math.sqrt(Math.max(0, middle - radius)), // rounding may leave a flat one below 0
    angle: 0.5 * Math.atan2(2 * uv, uu - vv),
  };
}

/**
 * @typedef {{low: number[], side: number, columns: number, rows: number, starts: Uint32Array,
 *   members: Uint32Array, sorted: Float64Array}} Grid
 */

/**
 * Builds the function place → the nearest of the positions; of equally near ones, the first.
 *
 * The positions are sorted, once, into the square cells of a grid, about two to a cell; a query
 * looks at rings of cells around its place until no further one can hold a nearer position.
 * @param {ArrayLike<number>} positions flat
 * @returns {(place: ArrayLike<number>) => Nearest} index −1 at distance ∞ if there are none
 */
export function nearestPoint(positions) {
  const grid = sortIntoCells(positions);
  const { low, side, columns, rows } = grid;
  return (place) => {
    const column = clamp(Math.floor((place[0] - low[0]) / side), columns - 1);
    const row = clamp(Math.floor((place[1] - low[1]) / side), rows - 1);
    const best = { index: -1, square: Infinity };
    for (let r = 0; ringSquare(grid, place, column, row, r) <= best.square; r++) {
      if (r >= columns && r >= rows) break;
      searchRing(grid, place, column, row, r, best);
    }
    return { index: best.index, distance: Math.sqrt(best.square) };
  };
}

/**
 * @param {ArrayLike<number>} positions
 * @returns {Grid}
 */
function sortIntoCells(positions) {
  const count = positions.length / 2;
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    low[i % 2] = Math.min(low[i % 2], positions[i]);
    high[i % 2] = Math.max(high[i % 2], positions[i]);
  }
  const [width, height] = count ? [high[0] - low[0], high[1] - low[1]] : [0, 0];
  const finest = Math.max(width, height) / count; // of a cell, lest there be too many
  const side = Math.max(Math.sqrt((2 * width * height) / count), finest) || 1;
  const columns = Math.floor(width / side) + 1;
  const rows = Math.floor(height / side) + 1;
  const cells = Uint32Array.from({ length: count }, (_, n) => {
    const row = Math.floor((positions[2 * n + 1] - low[1]) / side);
    return row * columns + Math.floor((positions[2 * n] - low[0]) / side);
  });
  const starts = new Uint32Array(columns * rows + 1);
  cells.forEach((cell) => starts[cell + 1]++);
  for (let cell = 0; cell < columns * rows; cell++) starts[cell + 1] += starts[cell];
  const free = starts.slice();
  const members = new Uint32Array(count);
  const sorted = new Float64Array(2 * count);
  cells.forEach((cell, n) => {
    const at = free[cell]++;
    members[at] = n;
    sorted.set([positions[2 * n], positions[2 * n + 1]], 2 * at);
  });
  return { low, side, columns, rows, starts, members, sorted };
}

/**
 * @param {number} value
 * @param {number} high
 */
function clamp(value, high) {
  return Math.min(Math.max(value, 0), high);
}

/**
 * No position in ring r around a cell, or in a further one, is nearer than the root of this.
 * What lies beyond one side of the inner rings is as far as that side, and as the whole grid.
 * @param {Grid} grid
 * @param {ArrayLike<number>} place
 * @param {number} column
 * @param {number} row
 * @param {number} r
 */
function ringSquare({ low, side, columns, rows }, place, column, row, r) {
  const x = (place[0] - low[0]) / side;
  const y = (place[1] - low[1]) / side;
  const outsideX = Math.max(0, -x, x - columns);
  const outsideY = Math.max(0, -y, y - rows);
  const acrossGap = sideGap(x, column, r, columns);
  const upGap = sideGap(y, row, r, rows);
  return Math.min(acrossGap ** 2 + outsideY ** 2, upGap ** 2 + outsideX ** 2) * side * side;
}

/**
 * How far the nearer end of the inner rings is, in cells; a thousandth less, as it was rounded.
 * @param {number} at
 * @param {number} cell
 * @param {number} r
 * @param {number} count of cells
 */
function sideGap(at, cell, r, count) {
  const before = cell - r >= 0 ? at - (cell - r + 1) : Infinity;
  const after = cell + r < count ? cell + r - at : Infinity;
  return Math.max(0, Math.min(before, after) - 1e-3);
}

/**
 * @param {Grid} grid
 * @param {ArrayLike<number>} place
 * @param {number} column
 * @param {number} row
 * @param {number} r
 * @param {{index: number, square: number}} best
 */
function searchRing(grid, place, column, row, r, best) {
  const { columns, rows } = grid;
  const last = Math.min(columns - 1, column + r);
  for (let y = Math.max(0, row - r); y <= Math.min(rows - 1, row + r); y++) {
    const isEdge = y === row - r || y === row + r;
    const step = isEdge ? 1 : 2 * r;
    for (let x = isEdge ? Math.max(0, column - r) : column - r; x <= last; x += step) {
      if (x >= 0) searchCell(grid, y * columns + x, place, best);
    }
  }
}

/**
 * @param {Grid} grid
 * @param {number} cell
 * @param {ArrayLike<number>} place
 * @param {{index: number, square: number}} best
 */
function searchCell({ starts, members, sorted }, cell, place, best) {
  for (let n = starts[cell]; n < starts[cell + 1]; n++) {
    const square = (sorted[2 * n] - place[0]) ** 2 + (sorted[2 * n + 1] - place[1]) ** 2;
    if (square > best.square || (square === best.square && members[n] > best.index)) continue;
    best.square = square;
    best.index = members[n];
  }
}

/**
 * The mean position of every class.
 * @param {ArrayLike<number>} positions flat
 * @param {ArrayLike<number>} labels whole numbers of at least 0; others belong to no class
 * @param {number} classes
 * @returns {(Place | null)[]} by label; null where a class has no member
 */
export function classMeans(positions, labels, classes) {
  const sums = Array.from({ length: classes }, () => ({ u: 0, v: 0, count: 0 }));
  for (let n = 0; n < labels.length; n++) {
    const sum = sums[labels[n]];
    if (!sum) continue;
    sum.u += positions[2 * n];
    sum.v += positions[2 * n + 1];
    sum.count++;
  }
  return sums.map(({ u, v, count }) => (count ? [u / count, v / count] : null));
}

/**
 * The median position of every group, across and up.
 * @param {ArrayLike<number>} positions flat
 * @param {ArrayLike<number>} groupOf
 * @param {number} groups
 * @returns {(Place | null)[]} by group; null where it has no member
 */
export function mediansOf(positions, groupOf, groups) {
  /** @type {number[][][]} */
  const members = Array.from({ length: groups }, () => [[], []]);
  for (let n = 0; n < groupOf.length; n++) {
    members[groupOf[n]]?.[0].push(positions[2 * n]);
    members[groupOf[n]]?.[1].push(positions[2 * n + 1]);
  }
  const median = (/** @type {number[]} */ values) => values.sort((a, b) => a - b)[values.length >> 1];
  return members.map(([u, v]) => (u.length ? [median(u), median(v)] : null));
}

/**
 * A log-density at the middle of every pixel of a picture, the top row first.
 *
 * A generator, so that the caller may do something else between two rows.
 * @param {(place: Place) => number} logDensity
 * @param {Place} xRange left and right end of the picture
 * @param {Place} yRange its lower and upper end
 * @param {number} width in pixels
 * @param {number} height in pixels
 * @returns {Generator<number, Float32Array>} yields the share that is done, returns
 *   height · width values
 */
export function* densityImage(logDensity, xRange, yRange, width, height) {
  const values = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    const v = yRange[1] + ((row + 0.5) / height) * (yRange[0] - yRange[1]);
    for (let column = 0; column < width; column++) {
      const u = xRange[0] + ((column + 0.5) / width) * (xRange[1] - xRange[0]);
      values[row * width + column] = logDensity([u, v]);
    }
    yield (row + 1) / height;
  }
  return values;
}
