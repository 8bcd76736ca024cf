/**
 * The pad: a digit drawn with mouse, finger or pen, or taken from the examples.
 *
 * Python hears of every finished change, never of moves. Streamlit calls the function below
 * again on every run of the page; the pad itself stays, on the element that holds it.
 */

import { context, part } from "../common/dom.js";

/** @typedef {[number, number][]} Stroke points (x, y) in [0, 1]², y down */
/** @typedef {{strokes: Stroke[], examples: Record<string, Stroke[]>}} PadData */
/** @typedef {{parentElement: ParentNode & {pad?: Pad}, data: PadData,
 *   setStateValue(name: "strokes", value: Stroke[]): void}} Component */

const PEN = 0.06;
const STEP = 0.006;
const MOST_UNDONE = 200;

/** @type {Pad | null} the last one; Streamlit may put a new element in its place at any run */
let latest = null;

/** @param {Component} component */
export function drawingPad({ parentElement, data, setStateValue }) {
  const before = latest;
  const isNew = !parentElement.pad;
  const pad = (parentElement.pad ??= new Pad(parentElement, data.strokes));
  pad.examples = data.examples;
  pad.tell = (strokes) => setStateValue("strokes", strokes);
  latest = pad;
  if (isNew && before) pad.takeOver(before, data.strokes);
}

/** One pad on the page. */
class Pad {
  /**
   * @param {ParentNode} root
   * @param {Stroke[]} strokes what was drawn before the pad came back to the page
   */
  constructor(root, strokes) {
    this.box = part(root, ".pad");
    this.canvas = /** @type {HTMLCanvasElement} */ (part(root, "canvas"));
    this.undoButton = part(root, "[data-action=undo]");
    this.clearButton = part(root, "[data-action=clear]");
    this.strokes = strokes;
    /** @type {Stroke[][]} every earlier drawing, latest last */
    this.past = strokes.map((_, n) => strokes.slice(0, n));
    /** @type {Stroke | null} the stroke under the pen */
    this.current = null;
    this.pointer = 0;
    this.isInUse = false; // has the keyboard
    this.waiting = false;
    /** @type {Record<string, Stroke[]>} */
    this.examples = {};
    /** @type {(strokes: Stroke[]) => void} */
    this.tell = () => {};
    this.listen();
    this.show();
  }

  /**
   * Goes on where another pad was: what it held, what it can undo, and the keyboard.
   * @param {Pad} pad
   * @param {Stroke[]} known what Python has
   */
  takeOver(pad, known) {
    this.strokes = pad.current ? [...pad.strokes, pad.current] : pad.strokes;
    this.past = pad.current ? [...pad.past, pad.strokes] : pad.past;
    this.show();
    if (JSON.stringify(this.strokes) !== JSON.stringify(known)) this.tell(this.strokes);
    if (pad.isInUse && document.activeElement === document.body) this.canvas.focus();
  }

  listen() {
    this.box.addEventListener("focusin", () => (this.isInUse = true));
    this.box.addEventListener("focusout", () => setTimeout(() => this.left()));
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.canvas.addEventListener(end, (event) => this.finish(/** @type {PointerEvent} */ (event)));
    }
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.undoButton.addEventListener("click", () => this.undo());
    this.clearButton.addEventListener("click", () => this.strokes.length && this.change([]));
    for (const button of this.box.querySelectorAll("button[data-digit]")) {
      const digit = button.getAttribute("data-digit") ?? "";
      button.addEventListener("click", () => this.change(this.examples[digit]));
    }
    new ResizeObserver(() => this.show()).observe(this.canvas);
  }

  /** The keyboard is elsewhere, unless it was lost because another pad has come in place of this. */
  left() {
    const { activeElement } = /** @type {Document | ShadowRoot} */ (this.box.getRootNode());
    if (this.box.isConnected) this.isInUse = this.box.contains(activeElement);
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (this.current || !event.isPrimary || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.current = [this.place(event)];
    this.show();
  }

  /** @param {PointerEvent} event */
  go(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length ? between : [event]) this.extend(this.place(each), STEP);
    if (!this.waiting) requestAnimationFrame(() => this.show());
    this.waiting = true;
  }

  /** @param {PointerEvent} event */
  finish(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    if (event.type === "pointerup") this.extend(this.place(event), 0);
    const stroke = this.current;
    this.current = null;
    this.change([...this.strokes, stroke]);
  }

  /**
   * Adds a point to the present stroke if it lies further than `least` from the last one.
   * @param {[number, number]} point
   * @param {number} least
   */
  extend([x, y], least) {
    const stroke = /** @type {Stroke} */ (this.current);
    const [lastX, lastY] = stroke[stroke.length - 1];
    if (Math.hypot(x - lastX, y - lastY) > least) stroke.push([x, y]);
  }

  /**
   * Where a pointer is on the pad; beyond its edge, the nearest point of the edge.
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  place(event) {
    const frame = this.canvas.getBoundingClientRect();
    const share = (/** @type {number} */ offset, /** @type {number} */ length) =>
      Math.round(1e4 * Math.min(1, Math.max(0, offset / length))) / 1e4;
    return [
      share(event.clientX - frame.left, frame.width),
      share(event.clientY - frame.top, frame.height),
    ];
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    event.stopPropagation();
    this.undo();
  }

  undo() {
    const before = this.past.pop();
    if (before) this.replace(before);
  }

  /**
   * Another drawing, which can be undone.
   * @param {Stroke[]} strokes
   */
  change(strokes) {
    this.past = [...this.past, this.strokes].slice(-MOST_UNDONE);
    this.replace(strokes);
  }

  /** @param {Stroke[]} strokes */
  replace(strokes) {
    this.strokes = strokes;
    this.show();
    this.tell(strokes);
  }

  /** Paints the drawing, at the screen's own resolution. */
  show() {
    this.waiting = false;
    const side = Math.round(this.canvas.clientWidth * window.devicePixelRatio);
    if (this.canvas.width !== side) Object.assign(this.canvas, { width: side, height: side });
    const pen = context(this.canvas);
    pen.clearRect(0, 0, side, side);
    Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: PEN * side });
    pen.strokeStyle = "#fff";
    const strokes = this.current ? [...this.strokes, this.current] : this.strokes;
    for (const stroke of strokes) {
      pen.beginPath();
      pen.moveTo(stroke[0][0] * side, stroke[0][1] * side);
      for (const [x, y] of stroke) pen.lineTo(x * side, y * side);
      pen.stroke();
    }
    this.box.classList.toggle("empty", strokes.length === 0);
    this.undoButton.setAttribute("aria-disabled", String(this.past.length === 0));
    this.clearButton.setAttribute("aria-disabled", String(strokes.length === 0));
  }
}
