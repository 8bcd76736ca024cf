/**
 * A plane of codes z, decoded in the browser: a model without an encoder has no codes of images, but
 * any z that its prior may draw can be made an image.
 *
 * With three vectors the plane is a half of the sphere through them, so that every z on it is as
 * long as the prior's draws are:
 *
 *     z(u, v) = cos u·cos v·a + sin u·b + cos u·sin v·c,   −π/2 ≤ u, v ≤ π/2
 *
 * With two numbers or one it is the plane of the latents itself, from −3 to 3.
 */

import { context, make, paint, part, shown } from "../common/dom.js";
import { fetchOnce } from "../common/files.js";
import { sheetOf } from "../latent_map/picture_sheet.js";
import { readModel } from "../numerics/decoder.js";
import { linearPath, sphericalPath } from "../numerics/walk.js";

/** @typedef {{url: string, vectors: number[][] | null}} PlaneData `vectors`: a, b, c */

const SIDE = 15;
const STEPS = 9;
const REACH = 3;
const KEY_STEP = 0.02;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The code at a place of the plane.
 * @param {[number, number]} place from 0 to 1, across and down
 * @param {number} size of z
 * @param {number[][] | null} vectors
 * @returns {Float32Array}
 */
export function codeAt([across, down], size, vectors) {
  if (!vectors) {
    const place = [(2 * across - 1) * REACH, (1 - 2 * down) * REACH];
    return Float32Array.from({ length: size }, (_, j) => place[j] ?? 0);
  }
  const [u, v] = [(0.5 - down) * Math.PI, (across - 0.5) * Math.PI];
  const weights = [Math.cos(u) * Math.cos(v), Math.sin(u), Math.cos(u) * Math.sin(v)];
  return Float32Array.from({ length: size }, (_, j) =>
    weights.reduce((sum, weight, k) => sum + weight * vectors[k][j], 0),
  );
}

/** One plane on the page. */
class Plane {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.stage = part(root, ".stage");
    this.grid = /** @type {HTMLCanvasElement} */ (part(root, ".grid"));
    this.marks = /** @type {HTMLCanvasElement} */ (part(root, ".marks"));
    this.one = /** @type {HTMLCanvasElement} */ (part(root, ".one"));
    /** @type {ReturnType<typeof readModel> | null} */
    this.model = null;
    /** @type {PlaneData | null} */
    this.data = null;
    /** @type {[number, number]} */
    this.place = [0.5, 0.5];
    /** @type {[number, number][]} */
    this.pins = [];
    this.stage.addEventListener("pointermove", (event) => this.point(this.placeOf(event)));
    this.stage.addEventListener("click", (event) => this.pin(this.placeOf(event)));
    this.stage.addEventListener("keydown", (event) => this.press(event));
  }

  /** @param {PlaneData} data */
  async update(data) {
    const text = JSON.stringify(data);
    if (text === JSON.stringify(this.data)) return;
    this.data = data;
    try {
      const file = await fetchOnce(data.url, (answer) => answer.arrayBuffer());
      if (JSON.stringify(this.data) !== text) return;
      this.model = readModel(new Uint8Array(file));
      this.pins = [];
      part(this.root, ".state").textContent = "";
      this.draw();
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      part(this.root, ".state").textContent = `The model cannot be read: ${message}. Reload the page.`;
    }
  }

  /**
   * @param {[number, number]} place
   * @returns {Float32Array}
   */
  code(place) {
    const { header } = /** @type {NonNullable<typeof this.model>} */ (this.model);
    return codeAt(place, header.latent_dim, this.data?.vectors ?? null);
  }

  /** Decodes the background, the spot and the walk. */
  draw() {
    const { decode, header } = /** @type {NonNullable<typeof this.model>} */ (this.model);
    const images = Array.from({ length: SIDE * SIDE }, (_, i) =>
      decode(this.code([((i % SIDE) + 0.5) / SIDE, (Math.floor(i / SIDE) + 0.5) / SIDE])),
    );
    const sheet = sheetOf(images, header.image_shape, SIDE);
    Object.assign(this.grid, { width: sheet.width, height: sheet.height });
    context(this.grid).drawImage(sheet, 0, 0);
    this.point(this.place);
    this.walk();
  }

  /** @param {PointerEvent | MouseEvent} event @returns {[number, number]} */
  placeOf(event) {
    const box = this.stage.getBoundingClientRect();
    const share = (/** @type {number} */ offset, /** @type {number} */ length) =>
      Math.min(1, Math.max(0, offset / length));
    return [share(event.clientX - box.left, box.width), share(event.clientY - box.top, box.height)];
  }

  /** @param {[number, number]} place */
  point(place) {
    this.place = place;
    if (!this.model) return;
    const z = this.code(place);
    paint(this.one, this.model.decode(z), this.model.header.image_shape);
    const length = shown(Math.hypot(...z));
    part(this.root, ".where").textContent = `z has ${z.length} numbers, of length ${length}`;
    this.mark();
  }

  /** @param {[number, number]} place */
  pin(place) {
    if (!this.model) return;
    this.pins = this.pins.length === 2 ? [place] : [...this.pins, place];
    this.point(place);
    this.walk();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== "Enter") return;
    event.preventDefault();
    if (!arrow) return this.pin(this.place);
    const [across, down] = this.place.map((value, k) => Math.min(1, Math.max(0, value + arrow[k] * KEY_STEP)));
    this.point([across, down]);
  }

  /** The spot and the pins. */
  mark() {
    const side = Math.round(this.stage.clientWidth * window.devicePixelRatio);
    Object.assign(this.marks, { width: side, height: side });
    const pen = context(this.marks);
    pen.font = `bold ${0.03 * side}px sans-serif`;
    const spots = [...this.pins.map((pin, k) => ({ place: pin, name: "AB"[k] })), { place: this.place, name: "" }];
    for (const { place, name } of spots) {
      const [x, y] = [place[0] * side, place[1] * side];
      for (const [colour, width] of /** @type {[string, number][]} */ ([["#000", 0.008], ["#fff", 0.004]])) {
        Object.assign(pen, { strokeStyle: colour, lineWidth: width * side });
        pen.beginPath();
        pen.arc(x, y, 0.012 * side, 0, 7);
        pen.stroke();
        if (name) pen.strokeText(name, x + 0.02 * side, y);
      }
      pen.fillStyle = "#000";
      if (name) pen.fillText(name, x + 0.02 * side, y);
    }
  }

  /** The images on the way from A to B. */
  walk() {
    const place = part(this.root, ".walk");
    place.hidden = this.pins.length < 2;
    if (place.hidden || !this.model) return;
    const { decode, header } = this.model;
    const [a, b] = this.pins.map((pin) => this.code(pin));
    const path = this.data?.vectors ? sphericalPath : linearPath;
    const cells = path(a, b, STEPS).map((z, i) => {
      const cell = make("canvas");
      cell.setAttribute("role", "img");
      cell.setAttribute("aria-label", `Step ${i + 1} of ${STEPS}`);
      paint(cell, decode(z), header.image_shape);
      return cell;
    });
    part(this.root, ".strip").replaceChildren(...cells);
  }
}

/**
 * @param {{parentElement: ParentNode, data: PlaneData}} component
 */
export function zPlane({ parentElement, data }) {
  const root = /** @type {HTMLElement & {zPlane?: Plane}} */ (part(parentElement, ".z-plane"));
  root.zPlane ??= new Plane(root);
  root.zPlane.update(data);
}
