/**
 * Where pins are on the map, and where they go when they are dragged.
 */

/** @import { LatentMap } from "./map.js" */
/** @import { Pin } from "../common/types.js" */

/**
 * Where a pin is on the stage. Without a plane (t-SNE): at its own or the nearest code.
 * @param {LatentMap} map
 * @param {Pin} pin
 * @returns {[number, number]}
 */
export function pinPixels(map, pin) {
  const view = map.view;
  if (!map.plane) return view.toPixels(map.placeOf(pin.point ?? map.model.nearestCode(pin.z)));
  const [x, y] = view.toPixels(map.plane.project(pin.z));
  return [x, map.model.size === 1 ? view.top + view.height / 2 : y];
}

/**
 * A pin dragged to another pixel: it moves in the plane, its other coordinates stay.
 * @param {LatentMap} map
 * @param {Pin} pin
 * @param {number[]} pixel
 * @returns {Pin}
 */
export function movedPin(map, pin, pixel) {
  const view = map.view;
  const place = view.toPlace([
    Math.min(Math.max(pixel[0], view.left), view.left + view.width),
    Math.min(Math.max(pixel[1], view.top), view.top + view.height),
  ]);
  if (!map.plane) {
    const near = map.nearest?.(place) ?? null;
    return near === null ? pin : { ...pin, z: [...map.model.codeOf(near)], point: near };
  }
  const from = map.plane.project(pin.z);
  const [a, b] = map.data?.plane?.axes ?? [[], []];
  const z = pin.z.map((v, j) => v + (place[0] - from[0]) * a[j] + (place[1] - from[1]) * b[j]);
  return { ...pin, z, point: null };
}
