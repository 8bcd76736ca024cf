/**
 * The ghost pointer: until somebody moves over a map, it walks over it by itself, so that one sees
 * what touching does. It stands still where the system asks for reduced motion.
 */

import { paintTouched } from "./marks.js";

/** @import { LatentMap } from "./map.js" */
/** @import { Plane } from "../numerics/geometry.js" */

const ROUND_MS = 16_000;
/** A frame of it is decoded so often: a moving picture, but no load. */
const FRAME_MS = 50;
/** So long it walks; then it stands still. */
const MOST_MS = 64_000;
/** Until somebody has moved over any map of this page. */
const everyone = { isAlive: true };

/** The ghost pointer of one map. */
export class Ghost {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.frame = 0;
    this.drawn = 0;
    this.began = 0;
    /** @type {number[] | null} pixel of the stage */
    this.at = null;
    this.isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.ended = new AbortController();
    const leave = () => this.leave();
    for (const event of ["pointermove", "pointerdown", "keydown"]) {
      map.stage.addEventListener(event, leave, { signal: this.ended.signal });
    }
  }

  /** The map is drawn: the walk begins, or goes on. */
  walk() {
    cancelAnimationFrame(this.frame);
    if (!everyone.isAlive || !this.map.loaded || !this.map.plane) return;
    if (this.map.loaded.isNoise) return; // every step would ask the server
    const step = (/** @type {number} */ now) => {
      if (!everyone.isAlive || !this.map.plane || !this.map.nearest) return this.vanish();
      this.began ||= now;
      if (now - this.drawn >= FRAME_MS) {
        this.drawn = now;
        this.look(((now - this.began) % ROUND_MS) / ROUND_MS);
      }
      if (!this.isStill && now - this.began < MOST_MS) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  /**
   * Decodes the spot of this moment, as a pointer there would.
   * @param {number} share of the round
   */
  look(share) {
    this.at = this.map.view.toPixels(this.placeAt(share));
    this.map.pointer.look(this.at, false);
    paintTouched(this.map);
  }

  /**
   * To and fro between the first two pins; without them, round the middle of the map.
   * @param {number} share
   */
  placeAt(share) {
    const { plane, view } = this.map;
    const ends = this.map.pins.all.slice(0, 2).map(({ z }) => /** @type {Plane} */ (plane).project(z));
    if (ends.length === 2) {
      const way = this.isStill ? 0.3 : 0.5 - 0.5 * Math.cos(2 * Math.PI * share);
      return [0, 1].map((axis) => (1 - way) * ends[0][axis] + way * ends[1][axis]);
    }
    const angle = 2 * Math.PI * (this.isStill ? 0.1 : share);
    const middle = [(view.x[0] + view.x[1]) / 2, (view.y[0] + view.y[1]) / 2];
    const radius = 0.22 * Math.min(view.x[1] - view.x[0], view.y[1] - view.y[0]);
    return [middle[0] + radius * Math.cos(angle), middle[1] + radius * Math.sin(angle)];
  }

  /** Somebody is there: no ghost walks on any map of this page any more. */
  leave() {
    everyone.isAlive = false;
    this.vanish();
  }

  /** Takes its arrow and its lens along; what somebody touches meanwhile stays. */
  vanish() {
    if (!this.at) return;
    this.rest();
    this.map.panel.hide();
    paintTouched(this.map);
  }

  /** Goes; it may come back with the next model. */
  rest() {
    cancelAnimationFrame(this.frame);
    this.at = null;
  }

  end() {
    this.rest();
    this.ended.abort();
  }
}

/**
 * Draws the ghost: an arrow as a pointer has, faint.
 * @param {CanvasRenderingContext2D} pen
 * @param {number[]} at
 */
export function drawGhost(pen, [x, y]) {
  pen.save();
  pen.translate(x, y);
  pen.beginPath();
  for (const [across, down] of [[0, 0], [0, 17], [4.5, 13], [7.5, 20], [10.5, 18.7], [7.5, 12], [13, 12]]) {
    pen.lineTo(across, down);
  }
  pen.closePath();
  pen.fillStyle = "#ffffff";
  pen.strokeStyle = "#1b2330";
  pen.lineWidth = 1.6;
  pen.fill();
  pen.stroke();
  pen.restore();
}
