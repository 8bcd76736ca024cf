/**
 * What the parts of a map ask of it.
 */

import { inside } from "../scatter/gestures.js";
import { drawBackground } from "./background.js";
import { paintOutline } from "./marks.js";
import { movedPin } from "./pin_places.js";

/** @import { LatentMap } from "./map.js" */

/**
 * @param {LatentMap} map
 * @returns {import("../scatter/scatter.js").Host}
 */
export const scatterHost = (map) => ({
  under: (pen, view) => {
    for (const layer of [map.background, map.truth.layer]) if (layer) drawBackground(pen, view, layer);
  },
  changed: () => map.viewChanged(),
  thumbnail: (n) => map.thumbnails.of(n),
});

/**
 * @param {LatentMap} map
 * @returns {import("../scatter/gestures.js").Host}
 */
export const gestureHost = (map) => ({
  contains: (pixel) => map.contains(pixel),
  hover: (pixel) => (pixel ? map.pointer.follow(pixel) : map.pointer.leave()),
  click: (pixel) => map.click(pixel),
  doubleClick: () => map.doubleClick(),
  pan: (dx, dy) => map.scatter.pan(dx, dy),
  zoom: (factor, pixel) => map.scatter.zoom(factor, pixel),
  outline: (outline) => paintOutline(map, outline),
  select: (outline) =>
    map.choose(inside(outline, map.scatter.stagePlaces(), (n) => map.scatter.isShown(n))),
});

/**
 * @param {LatentMap} map
 * @returns {import("./pins.js").Host}
 */
export const pinsHost = (map) => ({
  model: () => map.model,
  pixels: (pin) => map.pinPixels(pin),
  move: (pin, pixel) => movedPin(map, pin, pixel),
  clicked: (pin, time) => map.gestures.tap(map.pinPixels(pin), time, () => map.clickPin(pin)),
  changed: (isFinal) => map.pinsChanged(isFinal),
});

/**
 * @param {LatentMap} map
 * @returns {import("./interpolation.js").Host}
 */
export const walkHost = (map) => ({
  model: () => map.model,
  drawn: (path, at) => map.showPath(path, at),
  large: (values) => map.panel.large(values, map.model.shape),
});

/**
 * @param {LatentMap} map
 * @returns {import("./selection.js").Host}
 */
export const selectionHost = (map) => ({
  pin: (z) => map.pin(z, null),
  cleared: () => map.requestMarks(),
});

/**
 * @param {LatentMap} map
 * @returns {import("./inspector.js").Host}
 */
export const inspectorHost = (map) => ({
  model: () => map.model,
  original: (n) => map.originals.of(n),
  originals: () => map.originals.count,
  note: () => map.data?.note ?? "",
  download: () => document.querySelector(`.st-key-download-${map.data?.download || "nothing"} button`),
  point: () => map.point,
  select: (n) => map.select(n),
  pin: (z) => map.pin(z, null),
  axes: () => map.data?.latents ?? [0, 1],
  truth: () => map.truth,
  marked: () => map.requestMarks(),
  changed: () => map.remember(),
});
