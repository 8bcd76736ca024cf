/**
 * Pointer and keyboard over the map: what they touch, click and zoom.
 */

import { frame } from "../common/chart.js";
import { direction } from "./pins.js";

/** @import { LatentMap } from "./map.js" */

const CLICK = { pixels: 5, milliseconds: 700, again: 350 };
const STEP = 8;
const LONG_STEP = 40;
const ZOOM = 0.8;

/** The gestures of one map. */
export class Gestures {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    /** @type {number[] | null} where the pointer is, or the keyboard's cursor */
    this.pointer = null;
    this.cursor = [0, 0];
    this.waiting = false;
    this.clicked = -Infinity;
    const { stage } = map;
    stage.addEventListener("pointermove", (event) => this.follow(event), { passive: true });
    stage.addEventListener("pointerleave", () => this.map.leave());
    stage.addEventListener("pointerdown", (event) => this.press(event), true);
    stage.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {{clientX: number, clientY: number}} event */
  pixelOf({ clientX, clientY }) {
    const box = this.map.stage.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  }

  /** @param {PointerEvent} event */
  follow(event) {
    this.pointer = this.pixelOf(event);
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.pointer) this.map.look(this.pointer);
    });
  }

  /** @param {PointerEvent} event */
  press(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.button !== 0 || !target.closest(".nsewdrag")) return;
    const start = performance.now();
    const once = new AbortController();
    const release = (/** @type {PointerEvent} */ end) => {
      once.abort();
      const far = Math.hypot(end.clientX - event.clientX, end.clientY - event.clientY);
      const now = performance.now();
      if (end.type === "pointercancel" || far > CLICK.pixels) return;
      if (now - start > CLICK.milliseconds || now - this.clicked < CLICK.again) return;
      this.clicked = now;
      this.map.click(this.pixelOf(event));
    };
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      document.addEventListener(type, release, { capture: true, signal: once.signal });
    }
  }

  /**
   * Arrow keys move a cursor over the map, Enter pins, plus and minus zoom.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const { map } = this;
    if (event.target !== map.stage || !map.nearest) return;
    const view = frame(map.chart);
    const [dx, dy] = direction(event.key);
    if (!this.pointer) this.cursor = [view.left + view.width / 2, view.top + view.height / 2];
    if (dx || dy) {
      const step = event.shiftKey ? LONG_STEP : STEP;
      this.cursor = [
        Math.min(Math.max(this.cursor[0] + dx * step, view.left), view.left + view.width),
        Math.min(Math.max(this.cursor[1] + dy * step, view.top), view.top + view.height),
      ];
      this.pointer = this.cursor;
      map.look(this.cursor);
    } else if (event.key === "Enter") map.click(this.cursor);
    else if (event.key === "Escape") map.leave();
    else if (event.key === "+" || event.key === "-") map.zoom(event.key === "+" ? ZOOM : 1 / ZOOM);
    else return;
    event.preventDefault();
  }
}
