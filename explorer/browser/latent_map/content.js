/**
 * What a map shows of a model: where its points are, and which colours they have.
 */

import { scaleOf, shadesOf, VIRIDIS } from "../scatter/colours.js";
import { grouped } from "../scatter/dots.js";

/** @import { MapData } from "../common/types.js" */
/** @import { LatentModel } from "./model.js" */
/** @import { Plane } from "../numerics/geometry.js" */
/** @import { Content } from "../scatter/scatter.js" */
/** @import { Scale } from "../scatter/colours.js" */
/** @import { Ranges } from "../numerics/view.js" */

const PRIOR_REACH = 3.2;
/** Steps of this size, modulo 1, never come near each other. */
const GOLDEN = 0.618034;

/**
 * The points of a map.
 * @param {MapData} data
 * @param {LatentModel} model
 * @param {Plane | null} plane
 * @param {Float32Array | null} positions of a t-SNE map
 * @param {number} [reach] how far the codes go at any β; left out: as far as they go now
 * @returns {{content: Content, scale: Scale | null}}
 */
export function contentOf(data, model, plane, positions, reach) {
  const places = positions ?? placesOf(model, plane);
  const values = valuesOf(data.colour.by, model);
  const scale = values && scaleOf(values, data.colour.title, VIRIDIS);
  const labels = values ? null : model.labels;
  const content = {
    positions: places,
    ...grouped(labels, model.names, data.palette, model.count),
    shades: values && scale ? shadesOf(values, scale) : null,
    titles: data.titles,
    equal: data.equal,
    hasNumbers: data.view !== "tsne",
    home: reach && data.prior ? around(data.prior, reach) : homeOf(places, data),
  };
  return { content, scale };
}

/**
 * Where the codes are: in a plane, or with one latent, over their distortion.
 * @param {LatentModel} model
 * @param {Plane | null} plane
 */
function placesOf(model, plane) {
  const places = new Float32Array(2 * model.count);
  for (let n = 0; n < model.count; n++) {
    const z = model.means.subarray(n * model.size, (n + 1) * model.size);
    const place = model.size === 1 || !plane ? [z[0], heightOf(model, n)] : plane.project(z);
    places.set(place, 2 * n);
  }
  return places;
}

/**
 * The height of a code of one latent: its distortion; where there is none, any that spreads them.
 * @param {LatentModel} model
 * @param {number} n
 */
function heightOf({ distortions }, n) {
  return distortions ? distortions[n] : 6 * ((n * GOLDEN) % 1) - 3;
}

/**
 * @param {string} by
 * @param {LatentModel} model
 * @returns {ArrayLike<number> | null} null: by class
 */
function valuesOf(by, model) {
  if (by === "distortion") return model.distortions;
  if (by === "kl") return model.rates;
  if (by === "elbo") return Float32Array.from(model.distortions ?? [], (d, n) => d + model.rates[n]);
  if (by.startsWith("factor-")) return factorOf(Number(by.slice(7)) - 1, model);
  return null;
}

/**
 * A known factor of every image on the map.
 * @param {number} k
 * @param {LatentModel} model
 */
function factorOf(k, { factors, factorCount, count }) {
  if (!factors) return null;
  return Float32Array.from({ length: count }, (_, n) => factors[n * factorCount + k]);
}

/**
 * All points, and the prior's circles where there are any.
 * @param {Float32Array} places
 * @param {MapData} data
 * @returns {Ranges | null}
 */
function homeOf(places, { prior, plane }) {
  if (!prior) return null;
  const reach = plane?.reach ?? PRIOR_REACH;
  const range = (/** @type {number} */ axis) => {
    let [low, high] = [prior[axis] - reach, prior[axis] + reach];
    for (let i = axis; i < places.length; i += 2) {
      low = Math.min(low, places[i] - 0.2);
      high = Math.max(high, places[i] + 0.2);
    }
    return /** @type {[number, number]} */ ([low, high]);
  };
  return { x: range(0), y: range(1) };
}

/**
 * A square about a place.
 * @param {[number, number]} place
 * @param {number} reach
 * @returns {Ranges}
 */
function around([x, y], reach) {
  return { x: [x - reach, x + reach], y: [y - reach, y + reach] };
}
