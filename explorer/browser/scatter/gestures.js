/**
 * What hands do on a chart: hover, click, pan, zoom, box, lasso; by mouse, pen, touch and wheel.
 *
 * The plain wheel scrolls the page; with Ctrl, and by a pinch on a touchpad, it zooms. One finger
 * that swipes up or down scrolls the page; one that rests, or moves sideways, touches the chart.
 *
 * @typedef {[number, number]} Pixel of the element, in CSS pixels
 * @typedef {"pan" | "box" | "lasso"} Mode what dragging does
 * @typedef {object} Host what a chart does about it
 * @property {(pixel: Pixel) => boolean} contains whether a pixel is inside the plot area
 * @property {(pixel: Pixel | null) => void} hover null: the pointer has left
 * @property {(pixel: Pixel) => void} click
 * @property {() => void} doubleClick
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, pixel: Pixel) => void} zoom
 * @property {(outline: Pixel[] | null) => void} outline of a selection being drawn; null: none
 * @property {(outline: Pixel[]) => void} select
 */

const CLICK = { pixels: 5, milliseconds: 700, again: 350 };
const REST_MS = 150;
const SIDEWAYS = 8;
const WHEEL = 0.0022;

/** Listens to one element until it is ended. */
export class Gestures {
  /**
   * @param {HTMLElement} element
   * @param {Host} host
   */
  constructor(element, host) {
    this.element = element;
    this.host = host;
    /** @type {Mode} */
    this.mode = "pan";
    /** @type {Map<number, Pixel>} pointers that are down */
    this.down = new Map();
    /** @type {{start: Pixel, time: number, moved: boolean, outline: Pixel[]} | null} */
    this.drag = null;
    this.touching = false;
    this.resting = 0;
    this.clicked = -Infinity;
    /** @type {Pixel} */
    this.clickedAt = [0, 0];
    this.ended = new AbortController();
    const signal = this.ended.signal;
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ listener, passive = true) =>
      element.addEventListener(type, listener, { signal, passive });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", (event) => this.cancel(event));
    on("pointerleave", (event) => event.pointerType === "mouse" && !this.drag && host.hover(null));
    on("wheel", (event) => this.wheel(event), false);
    on("touchmove", (event) => this.holdsPage() && event.cancelable && event.preventDefault(), false);
  }

  end() {
    clearTimeout(this.resting);
    this.ended.abort();
  }

  /**
   * @param {PointerEvent | WheelEvent} event
   * @returns {Pixel}
   */
  pixelOf(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** Whether a touch is ours, so that the page must not scroll. */
  holdsPage() {
    return this.touching || this.down.size > 1;
  }

  /** @param {PointerEvent} event */
  press(event) {
    const pixel = this.pixelOf(event);
    if (event.button !== 0 || !this.isOurs(event) || !this.host.contains(pixel)) return;
    this.down.set(event.pointerId, pixel);
    if (this.down.size > 1) {
      this.stopTouching();
      this.drag = null;
      return;
    }
    this.drag = { start: pixel, time: event.timeStamp, moved: false, outline: [pixel] };
    if (event.pointerType === "touch") {
      this.resting = window.setTimeout(() => this.beginTouch(pixel), REST_MS);
    } else this.element.setPointerCapture(event.pointerId);
  }

  /**
   * Buttons and fields that lie on the chart keep their own events.
   * @param {Event} event
   */
  isOurs(event) {
    return !(/** @type {Element} */ (event.target).closest("button, input, select, summary, label, a"));
  }

  /** @param {Pixel} pixel */
  beginTouch(pixel) {
    this.touching = true;
    this.host.hover(pixel);
  }

  stopTouching() {
    clearTimeout(this.resting);
    this.touching = false;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const pixel = this.pixelOf(event);
    if (this.down.size > 1) this.pinch(event.pointerId, pixel);
    else if (this.drag && this.down.has(event.pointerId)) this.pull(event, pixel);
    else if (event.pointerType !== "touch") this.host.hover(this.host.contains(pixel) ? pixel : null);
  }

  /**
   * One pointer that is down has moved.
   * @param {PointerEvent} event
   * @param {Pixel} pixel
   */
  pull(event, pixel) {
    const drag = /** @type {NonNullable<Gestures["drag"]>} */ (this.drag);
    const before = /** @type {Pixel} */ (this.down.get(event.pointerId));
    this.down.set(event.pointerId, pixel);
    const [across, up] = [pixel[0] - drag.start[0], pixel[1] - drag.start[1]];
    if (!drag.moved && Math.hypot(across, up) <= CLICK.pixels) return;
    drag.moved = true;
    if (event.pointerType === "touch" && this.mode === "pan") {
      if (!this.touching && Math.abs(across) >= SIDEWAYS && Math.abs(across) > Math.abs(up)) {
        clearTimeout(this.resting);
        this.touching = true;
      }
      if (this.touching) this.host.hover(pixel);
      return;
    }
    if (this.mode === "pan") this.host.pan(pixel[0] - before[0], pixel[1] - before[1]);
    else {
      drag.outline.push(pixel);
      this.host.outline(this.outlineOf(drag.outline));
    }
  }

  /**
   * The corners of a box, or the points of a lasso.
   * @param {Pixel[]} path
   * @returns {Pixel[]}
   */
  outlineOf(path) {
    if (this.mode === "lasso") return path;
    const [[x, y], [right, bottom]] = [path[0], path[path.length - 1]];
    return [[x, y], [right, y], [right, bottom], [x, bottom]];
  }

  /**
   * Two fingers: the middle between them pans, their distance zooms.
   * @param {number} id
   * @param {Pixel} pixel
   */
  pinch(id, pixel) {
    if (!this.down.has(id)) return;
    const before = middleOf(this.down);
    this.down.set(id, pixel);
    const after = middleOf(this.down);
    this.host.pan(after.at[0] - before.at[0], after.at[1] - before.at[1]);
    if (before.far > 1 && after.far > 1) this.host.zoom(before.far / after.far, after.at);
  }

  /** @param {PointerEvent} event */
  release(event) {
    const drag = this.drag;
    const wasTouching = this.touching;
    this.stopTouching();
    if (!this.down.delete(event.pointerId) || !drag) return;
    this.drag = null;
    if (drag.moved) {
      if (this.mode !== "pan" && drag.outline.length > 2) this.host.select(this.outlineOf(drag.outline));
      if (this.mode !== "pan") this.host.outline(null);
      return;
    }
    if (!wasTouching && event.timeStamp - drag.time > CLICK.milliseconds) return;
    this.tap(drag.start, event.timeStamp, () => this.host.click(drag.start));
  }

  /**
   * A click on the chart or on something that lies over it; the second of two at one place is a
   * double click. The times are those of the hand: a page that is busy sees both clicks late.
   * @param {Pixel} pixel
   * @param {number} time of the event, in milliseconds
   * @param {() => void} click what a single one does
   */
  tap(pixel, time, click) {
    const [x, y] = this.clickedAt;
    const isNear = Math.hypot(pixel[0] - x, pixel[1] - y) <= 2 * CLICK.pixels;
    const isSecond = isNear && time - this.clicked < CLICK.again;
    this.clicked = isSecond ? -Infinity : time;
    this.clickedAt = pixel;
    if (isSecond) this.host.doubleClick();
    else click();
  }

  /**
   * The page took the gesture over, to scroll.
   * @param {PointerEvent} event
   */
  cancel(event) {
    this.down.delete(event.pointerId);
    this.stopTouching();
    this.drag = null;
    this.host.outline(null);
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const pixel = this.pixelOf(event);
    if (!event.ctrlKey || !this.host.contains(pixel)) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.host.zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY * lines)) * WHEEL * 2), pixel);
  }
}

/**
 * @param {Map<number, Pixel>} pointers at least two
 * @returns {{at: Pixel, far: number}}
 */
function middleOf(pointers) {
  const [[ax, ay], [bx, by]] = [...pointers.values()];
  return { at: [(ax + bx) / 2, (ay + by) / 2], far: Math.hypot(ax - bx, ay - by) };
}

/**
 * The points inside an outline, by the rule of even crossings.
 * @param {Pixel[]} outline
 * @param {ArrayLike<number>} places flat, in the pixels of the outline
 * @param {(n: number) => boolean} isShown
 * @returns {number[]}
 */
export function inside(outline, places, isShown) {
  const found = [];
  for (let n = 0; n < places.length / 2; n++) {
    if (isShown(n) && isInside(outline, places[2 * n], places[2 * n + 1])) found.push(n);
  }
  return found;
}

/**
 * @param {Pixel[]} outline
 * @param {number} x
 * @param {number} y
 */
function isInside(outline, x, y) {
  let odd = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [[ax, ay], [bx, by]] = [outline[i], outline[j]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}
