/**
 * What is shown of the spot under the pointer: the lens beside it, and the panel, large.
 */

import { make, namedCanvas, paint, part, shown } from "../common/dom.js";

import { why } from "../glossary/why.js";

/** @import { ImageShape } from "../common/dom.js" */
/**
 * @typedef {{values: Float32Array, source: string, caption: string, place: number[], names: string[],
 *   z: ArrayLike<number>,
 *   logPrior: number | null, logAggregate: number | null, rare: boolean, thin: boolean}} Spot
 * @typedef {{index: number, text: string, scores: string, original: ArrayLike<number> | null,
 *   reconstruction: ArrayLike<number>}} Touched a test image
 */

const GAP = 18;
const UNDER = "Decoded mean at the pointer";
const DECODED = "Decoded mean";
const RARE = "Off the manifold: rarer than 99 % of the codes";
const FAR = "Far from every code, too few to say how rare";

/**
 * What the densities are, and what they cannot tell.
 * @param {Spot} spot
 */
function meaning({ z, thin }) {
  const slice = z.length > 2 ? ", at this very code: a slice, not the marginal" : "";
  const text = `p(z): the prior. q(z): the mean of the posteriors of the test images${slice}.`;
  const limit = `In ${z.length} dimensions these hardly overlap: ln q(z) tells how far the nearest is, no more.`;
  return thin ? `${text} ${limit}` : text;
}

/** @param {Spot} spot where it lies, in words */
function placeOf({ names, place }) {
  return names.map((name, i) => `${name} ${shown(place[i])}`).join("  ");
}

/**
 * Fills the panel's place with its parts, once.
 * @param {HTMLElement} place
 */
function furnish(place) {
  if (place.querySelector(".spot")) return;
  const picture = (/** @type {string} */ name, /** @type {string} */ text) =>
    make("figure", { className: name }, namedCanvas(text), make("figcaption", { textContent: text }));
  place.replaceChildren(
    picture("spot", UNDER),
    picture("original empty untouched", "Original"),
    picture("reconstruction empty untouched", DECODED),
    make("p", { className: "numbers", textContent: "Move the pointer over the map." }),
    make("p", { className: "hint" }, "Why? ", why("log_prior"), " · ", why("log_aggregate"), " · ", why("off_manifold"), " · ", why("decoded_mean"), " · ", why("nats")),
  );
}

/** The lens and the panel of one map. */
export class PointerPanel {
  /**
   * @param {HTMLElement} lens
   * @param {HTMLElement} place of the panel
   */
  constructor(lens, place) {
    this.lens = lens;
    this.place = place;
    furnish(place); // before there is anything to show, so that nothing jumps
    /** @type {number | null} */
    this.touched = null;
  }

  hide() {
    this.lens.hidden = true;
  }

  /** What lies there, for those who hear it. */
  words() {
    const image = this.touched === null ? "" : `${part(this.place, ".original figcaption").textContent}. `;
    return `${image}${part(this.place, ".numbers").textContent}`.trim();
  }

  /**
   * @param {Spot} spot
   * @param {ImageShape} shape
   * @param {{x: number, y: number, width: number, height: number}} at pointer and size of the map
   */
  show(spot, shape, at) {
    const lens = this.lens;
    lens.hidden = false;
    lens.classList.toggle("rare", spot.rare);
    paint(part(lens, "canvas"), spot.values, shape);
    const density = spot.logAggregate === null ? "" : `ln q(z) ${shown(spot.logAggregate)}`;
    const more = spot.source || (spot.rare ? "few codes here" : density);
    part(lens, "p").textContent = `${placeOf(spot)}\n${more}`;
    const left = at.x - 126 - GAP;
    const top = Math.min(Math.max(at.y - 84, 0), at.height - 162);
    lens.style.transform = `translate(${left > 0 ? left : at.x + GAP}px, ${top}px)`;
    this.write(spot, shape);
  }

  /**
   * Another image of the same spot.
   * @param {Spot} spot
   * @param {ImageShape} shape
   */
  repaint(spot, shape) {
    paint(part(this.lens, "canvas"), spot.values, shape);
    part(this.lens, "p").textContent = `${placeOf(spot)}\n${spot.source}`;
    this.write(spot, shape);
  }

  /**
   * @param {Spot} spot
   * @param {ImageShape} shape
   */
  write(spot, shape) {
    const { place } = this;
    paint(part(place, ".spot canvas"), spot.values, shape);
    const under = `${spot.caption} at the pointer${spot.source ? `: ${spot.source}` : ""}`;
    part(place, ".spot figcaption").textContent = under;
    const lines = [placeOf(spot)];
    if (spot.logPrior !== null && spot.logAggregate !== null) {
      lines.push(`ln p(z) ${shown(spot.logPrior)} nats · ln q(z) ${shown(spot.logAggregate)} nats`);
    } else if (spot.logPrior !== null) lines.push(`ln p(z) ${shown(spot.logPrior)} nats`);
    lines.push(spot.rare ? (spot.thin ? FAR : RARE) : " ");
    const numbers = part(place, ".numbers");
    numbers.title = spot.logAggregate === null ? "" : meaning(spot);
    numbers.textContent = lines.join("\n");
    numbers.classList.toggle("rare", spot.rare);
  }

  /**
   * Shows a test image beside the spot; null leaves the place empty.
   * @param {Touched | null} image
   * @param {ImageShape} shape
   */
  touch(image, shape) {
    if (image === null && this.touched === null) return;
    const { place } = this;
    this.touched = image?.index ?? null;
    for (const name of ["original", "reconstruction"]) {
      const figure = part(place, `.${name}`);
      const values = image && image[/** @type {"original"} */ (name)];
      figure.classList.toggle("empty", !values);
      figure.classList.toggle("untouched", !image);
      if (values) paint(part(figure, "canvas"), values, shape);
    }
    part(place, ".original figcaption").textContent = image ? image.text : "Original";
    part(place, ".reconstruction figcaption").textContent = image ? `${DECODED}: ${image.scores}` : DECODED;
  }

  /**
   * A picture of another source: a step of a walk, or the image touched on the other map.
   * @param {ArrayLike<number>} values
   * @param {ImageShape} shape
   */
  large(values, shape) {
    const { place } = this;
    paint(part(place, ".spot canvas"), values, shape);
  }
}
