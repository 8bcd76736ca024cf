/**
 * The pointer over a map, or the keyboard's cursor: the spot under it is decoded and shown.
 */

import { part } from "../common/dom.js";
import { ExactImages } from "./exact.js";
import { paintTouched } from "./marks.js";

/** @import { LatentMap } from "./map.js" */

/** How near a point must be to be touched, in pixels. */
const NEAR = 9;
const HOVER = "latent-hover";
/** So long the pointer rests before a sampler elsewhere is asked for the spot under it. */
const REST_MS = 80;

/** The pointer of one map. */
export class Pointer {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    /** @type {number[] | null} pixel of the stage */
    this.at = null;
    /** Where the keyboard goes on from. */
    this.cursor = [0, 0];
    /** @type {number | null} the test image under the pointer */
    this.touched = null;
    /** @type {import("./pointer_panel.js").Spot | null} what the panel shows */
    this.last = null;
    this.waiting = false;
    this.exact = new ExactImages();
    this.resting = 0;
    this.ended = new AbortController();
    const echo = (/** @type {Event} */ event) => this.echo(/** @type {CustomEvent} */ (event).detail);
    document.addEventListener(HOVER, echo, { signal: this.ended.signal });
  }

  end() {
    this.ended.abort();
    this.forget();
  }

  /** No exact image is asked for any more. */
  forget() {
    clearTimeout(this.resting);
    this.exact.forget();
  }

  /**
   * The pointer is there: answered once a frame.
   * @param {number[]} pixel
   */
  follow(pixel) {
    this.at = pixel;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.at) this.look(this.at);
    });
  }

  /** Nothing lies under the pointer any more. */
  leave() {
    this.at = null;
    this.forget();
    this.map.panel.hide();
    this.touch(null);
  }

  /**
   * Moves the keyboard's cursor to a pixel, and reads out what lies there.
   * @param {number[]} pixel
   */
  to(pixel) {
    this.cursor = pixel;
    this.look(pixel);
    part(this.map.root, ".spoken").textContent = this.map.panel.words();
  }

  /**
   * Decodes what lies at a pixel of the stage and shows it.
   * @param {number[]} pixel
   * @param {boolean} touches whether a test image there is touched
   */
  look(pixel, touches = true) {
    const spot = this.spotAt(pixel);
    if (!spot) {
      this.leave();
      return;
    }
    if (touches) this.cursor = pixel;
    const { z, place, names } = spot;
    const { decode, source, caption } = this.map.model;
    const shown = { values: decode(z), source, caption, place, names, z, ...this.map.model.density(z), rare: this.map.model.isRare(z) };
    const { clientWidth: width, clientHeight: height } = this.map.stage;
    this.last = shown;
    this.map.panel.show(shown, this.map.model.shape, { x: pixel[0], y: pixel[1], width, height });
    this.touch(touches ? spot.point : null);
    if (this.map.model.isNoise) this.askExact(shown);
  }

  /**
   * Shows the image of a spot of noise, once the pointer rests there and the server has made it.
   * @param {import("./pointer_panel.js").Spot} spot
   */
  askExact(spot) {
    this.forget();
    const { model } = this.map;
    this.resting = window.setTimeout(() => {
      this.exact.ask(model, [spot.z], ([values]) => {
        if (this.last !== spot) return;
        Object.assign(spot, { values, source: "" });
        this.map.panel.repaint(spot, model.shape);
      });
    }, REST_MS);
  }

  /** The axes are others: the spot that the panel shows is named by them. */
  rename() {
    const { plane, data, model } = this.map;
    if (this.last?.z.length !== model.size) return;
    const { z } = this.last;
    Object.assign(this.last, plane ? { place: plane.project(z), names: data?.plane?.names ?? [] } : ownPlace(z));
    this.map.panel.write(this.last, model.shape);
  }

  /**
   * The code under a pixel, or null outside the plot.
   * @param {number[]} pixel
   */
  spotAt(pixel) {
    if (!this.map.nearest || !this.map.contains(pixel)) return null;
    const place = this.map.view.toPlace(pixel);
    const near = this.map.nearest(place);
    const at = near === null ? [Infinity, Infinity] : this.map.view.toPixels(this.map.placeOf(near));
    const point = Math.hypot(at[0] - pixel[0], at[1] - pixel[1]) <= NEAR ? near : null;
    if (this.map.plane) {
      return { z: this.map.plane.embed(place), place, names: this.map.data?.plane?.names ?? [], point };
    }
    if (near === null) return null;
    const z = this.map.model.codeOf(near);
    return { z, ...ownPlace(z), point: near };
  }

  /**
   * A test image is under the pointer, or none.
   * @param {number | null} n
   * @param {boolean} isEcho
   */
  touch(n, isEcho = false) {
    if (n === this.touched) return;
    this.touched = n;
    if (!this.map.loaded) return;
    this.map.panel.touch(n === null ? null : touchedImage(this.map, n), this.map.model.shape);
    paintTouched(this.map);
    if (isEcho) return;
    const detail = { from: this.map, data_set: this.map.data?.data_set, index: n };
    document.dispatchEvent(new CustomEvent(HOVER, { detail }));
  }

  /**
   * The same test image was touched on the other map.
   * @param {{from: LatentMap, data_set: string, index: number | null}} detail
   */
  echo({ from, data_set, index }) {
    if (from === this.map || data_set !== this.map.data?.data_set || !this.map.nearest) return;
    if (!this.map.root.isConnected || (index !== null && index >= this.map.model.count)) return;
    this.touch(index, true);
    if (index === null) this.map.panel.hide();
    else this.map.panel.large(this.map.model.decode(this.map.model.codeOf(index)), this.map.model.shape);
  }
}

/**
 * Where a code lies on a map that has no axes of its own.
 * @param {ArrayLike<number>} z
 */
function ownPlace(z) {
  return { place: Array.from(z).slice(0, 2), names: ["z₁", "z₂"].slice(0, z.length) };
}

/**
 * A test image as the pointer's panel shows it.
 * @param {LatentMap} map
 * @param {number} n
 */
function touchedImage(map, n) {
  return {
    index: n,
    text: map.model.nameOf(n),
    scores: map.model.scoresOf(n),
    original: map.originals.of(n),
    reconstruction: map.model.decode(map.model.codeOf(n)),
  };
}
