/**
 * How a map looks, as a link remembers it: overlays, zoom, hidden classes, the inspector's tab.
 */

/** @import { LatentMap } from "./map.js" */
/** @import { Look } from "../common/types.js" */

/** What a link does not name; as in explorer/map_look.py.
 * @type {Look} */
const DEFAULTS = {
  prior: true, means: false, names: true, truth: false, standard: false, posterior: "touched",
  background: "none", anchor: "home", hidden: [], ranges: null, tab: "image", z: [], draw: 0, side: 15, beta: 1,
};

/**
 * @param {LatentMap} map
 * @returns {Look}
 */
export function lookOf(map) {
  const { toolbar, scatter, inspector } = map;
  const view = scatter.view;
  return {
    prior: toolbar.prior,
    means: toolbar.means,
    names: toolbar.names,
    truth: map.truth.isWanted,
    standard: inspector.parts.prior.asPrior.checked,
    posterior: toolbar.posterior,
    background: toolbar.background,
    anchor: toolbar.anchor,
    hidden: [...scatter.hidden].sort((a, b) => a - b),
    ranges: view && !scatter.isHome ? { x: shortPair(view.x), y: shortPair(view.y) } : null,
    tab: inspector.open,
    z: Array.from(inspector.parts.hand.z, short),
    draw: inspector.parts.prior.seed,
    side: inspector.parts.grid.side,
    beta: short(map.everyBeta.beta),
  };
}

/**
 * Sets a map as a link has it, before anything is drawn.
 * @param {LatentMap} map
 * @param {Partial<Look> | null} look
 */
export function restoreLook(map, look) {
  const { toolbar, inspector } = map;
  const wanted = { ...DEFAULTS, ...look };
  const { prior, means, names, posterior, background, anchor } = wanted;
  Object.assign(toolbar, { prior, means, names, posterior, background, anchor });
  map.truth.isWanted = wanted.truth;
  inspector.open = inspector.offered.includes(wanted.tab) ? wanted.tab : inspector.offered[0];
  inspector.parts.hand.z = wanted.z;
  inspector.parts.prior.seed = wanted.draw;
  inspector.parts.prior.asPrior.checked = wanted.standard;
  inspector.parts.grid.side = wanted.side;
  map.everyBeta.beta = wanted.beta;
}

/**
 * Sets zoom and hidden classes as a link has them, once the points are there.
 * @param {LatentMap} map
 * @param {Partial<Look> | null} look
 */
export function restoreView({ scatter }, look) {
  scatter.hide(look?.hidden ?? []);
  if (look?.ranges) scatter.look(look.ranges);
  else scatter.reset();
}

/** @param {number} value */
function short(value) {
  return Number(value.toPrecision(4));
}

/**
 * @param {[number, number]} range
 * @returns {[number, number]}
 */
function shortPair([low, high]) {
  return [Number(low.toPrecision(6)), Number(high.toPrecision(6))];
}
