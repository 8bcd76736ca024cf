/**
 * The map by keyboard: arrow keys walk from point to point, Enter pins, plus and minus zoom.
 */

/** @import { LatentMap } from "./map.js" */

const STEP = 8;
/** A point lies in the direction of an arrow if it is at most so far to its side, per unit ahead. */
const SIDEWAYS = 1.2;

/** @type {Record<string, [number, number]>} pixels, y down */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * What an arrow key means in pixels, y down.
 * @param {string} key
 * @returns {[number, number]}
 */
export function direction(key) {
  return ARROWS[key] ?? [0, 0];
}

/**
 * A key pressed on the map; whether it was one of the map's.
 * @param {LatentMap} map
 * @param {KeyboardEvent} event
 */
export function pressKey(map, event) {
  const [dx, dy] = direction(event.key);
  if (dx || dy) {
    if (event.shiftKey || !map.model.hasPoints) moveFreely(map, dx, dy);
    else walk(map, dx, dy);
  } else if (event.key === "Enter") map.click(map.pointer.cursor);
  else if (event.key === "Escape") map.pointer.leave();
  else if (event.key === "+" || event.key === "=") map.scatter.zoom(0.8, map.pointer.cursor);
  else if (event.key === "-") map.scatter.zoom(1.25, map.pointer.cursor);
  else if (event.key === "0" || event.key === "Home") map.scatter.reset();
  else return false;
  return true;
}

/**
 * To the nearest point in that direction.
 * @param {LatentMap} map
 * @param {number} dx
 * @param {number} dy
 */
function walk(map, dx, dy) {
  const next = nextPoint(map.scatter.stagePlaces(), map.pointer.cursor, [dx, dy], (n) => map.scatter.isShown(n));
  if (next === null) return;
  const places = map.scatter.stagePlaces();
  map.pointer.to([places[2 * next], places[2 * next + 1]]);
}

/**
 * Over the empty space too.
 * @param {LatentMap} map
 * @param {number} dx
 * @param {number} dy
 */
function moveFreely(map, dx, dy) {
  const view = map.view;
  map.pointer.to([
    Math.min(Math.max(map.pointer.cursor[0] + dx * STEP, view.left), view.left + view.width),
    Math.min(Math.max(map.pointer.cursor[1] + dy * STEP, view.top), view.top + view.height),
  ]);
}

/**
 * The point nearest to a pixel among those that lie in a direction from it.
 * @param {ArrayLike<number>} places pixels, flat
 * @param {number[]} from
 * @param {[number, number]} direction a unit vector along an axis
 * @param {(n: number) => boolean} isShown
 * @returns {number | null}
 */
export function nextPoint(places, from, [dx, dy], isShown) {
  let best = null;
  let least = Infinity;
  for (let n = 0; n < places.length / 2; n++) {
    const [x, y] = [places[2 * n] - from[0], places[2 * n + 1] - from[1]];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy - y * dx);
    if (ahead < 1 || aside > SIDEWAYS * ahead || !isShown(n)) continue;
    const cost = ahead * ahead + 4 * aside * aside;
    if (cost < least) [best, least] = [n, cost];
  }
  return best;
}
