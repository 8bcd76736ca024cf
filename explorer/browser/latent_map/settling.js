/**
 * What a map draws again when Python has sent something: its tools, its points, its view.
 */

import { part } from "../common/dom.js";
import { fillLegend } from "../scatter/legend.js";
import { layBackground } from "./background.js";
import { contentOf } from "./content.js";
import { restoreView } from "./look.js";

/** @import { MapData } from "../common/types.js" */
/** @import { LatentMap } from "./map.js" */

/**
 * Whatever may differ between two runs of the page for the same model.
 * @param {LatentMap} map
 * @param {MapData} data
 * @param {Float32Array | null} positions of a t-SNE map
 */
export function settle(map, data, positions) {
  const axes = JSON.stringify([data.view, data.plane, data.positions]);
  const colour = JSON.stringify([data.colour, getComputedStyle(map.root).getPropertyValue("--st-background-color")]);
  const isSameView = map.has.axes === axes;
  const isRestored = map.has.restored !== String(data.visit);
  if (!isSameView || isRestored) offerTools(map, data);
  map.anchor();
  if (!isSameView || map.has.colour !== colour) {
    Object.assign(map.has, { axes, colour });
    const { content, scale } = contentOf(data, map.model, map.plane, positions);
    map.scale = scale;
    map.medians = null;
    map.scatter.show(content, isSameView);
    fillLegend(part(map.root, ".legend"), map.scatter, scale);
    map.find();
    if (!isSameView) map.pointer.rename();
  }
  if (isRestored) restore(map, data);
  map.toolbar.anchors(map.point, map.pins.all);
  map.interpolation.update(map.pins.all);
  if (!isSameView || isRestored) map.inspector.restart();
  if (isRestored) map.link.settle(); // Python itself has sent it
  if (map.toolbar.background !== "none" && !map.background) layBackground(map);
  map.drawMarks();
  map.ghost.walk();
}

/**
 * Zoom, hidden classes and pins as the link has them, once per visit.
 * @param {LatentMap} map
 * @param {MapData} data
 */
function restore(map, { look, visit }) {
  map.has.restored = String(visit);
  restoreView(map, look);
  fillLegend(part(map.root, ".legend"), map.scatter, map.scale);
  map.find();
  map.pins.set(map.pins.all);
  map.link.hush(); // the link says it already
}

/**
 * @param {LatentMap} map
 * @param {MapData} data
 */
function offerTools(map, data) {
  map.background = null;
  map.toolbar.offer({
    hasPlane: data.plane !== null,
    hasPoints: map.model.hasPoints,
    hasPrior: map.model.hasPrior,
    hasPosterior: map.model.logVariances !== null,
    isDeep: data.plane !== null && map.model.size > 2,
    home: data.plane?.home ?? "",
    hasClasses: map.model.labels !== null, hasPictures: map.model.hasPictures,
  });
}

/**
 * Shows the test images, once they have come.
 * @param {LatentMap} map
 * @param {Uint8Array} bytes
 * @param {MapData} data of which they are
 */
export function takeOriginals(map, bytes, data) {
  if (!data.originals || data.originals !== map.data?.originals || map.originals.url === data.originals) return;
  map.originals.take(data.originals, bytes, map.model.shape);
  map.thumbnails.forget();
  map.inspector.show();
  map.scatter.request();
}
