/**
 * Pins: spots of the latent space that stay, on the map and in a list.
 */

import { make, namedCanvas, paint, part, shown } from "../common/dom.js";
import { ExactImages } from "./exact.js";
import { direction } from "./keyboard.js";

/** @import { LatentModel } from "./model.js" */
/** @import { Pin } from "../common/types.js" */
/**
 * @typedef {{model: () => LatentModel, pixels: (pin: Pin) => number[], move: (pin: Pin, pixel: number[]) => Pin,
 *   clicked: (pin: Pin, time: number) => void, changed: (isFinal: boolean) => void}} Host what pins ask of the map
 */

export const MAX_PINS = 24;
const STEP = 8;

/** The pins of one map. */
export class Pins {
  /**
   * @param {HTMLElement} layer over the map
   * @param {HTMLElement} list below it
   * @param {Host} host
   */
  constructor(layer, list, host) {
    this.layer = layer;
    this.list = list;
    this.host = host;
    /** @type {Pin[]} */
    this.all = [];
    /** @type {Pin[] | null} */
    this.removed = null;
    this.exact = new ExactImages();
  }

  /** @param {Pin[]} pins */
  set(pins) {
    this.all = pins.map((pin) => ({ ...pin }));
    this.removed = null;
    this.render();
  }

  /**
   * @param {number[]} z
   * @param {number | null} point
   */
  add(z, point) {
    if (this.all.length >= MAX_PINS) {
      this.note(`At most ${MAX_PINS} pins: remove one first.`);
      return;
    }
    this.removed = null;
    this.all.push({ z, name: this.freeName(), point });
    this.render();
  }

  /** The first letter that no pin has. */
  freeName() {
    const taken = new Set(this.all.map((pin) => pin.name));
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    return letters.find((letter) => !taken.has(letter)) ?? "Pin";
  }

  /** @param {number} index */
  remove(index) {
    this.removed = [...this.all];
    this.all.splice(index, 1);
    this.finish();
  }

  removeAll() {
    this.removed = [...this.all];
    this.all = [];
    this.finish();
  }

  undo() {
    if (this.removed) this.all = this.removed;
    this.removed = null;
    this.finish();
  }

  finish() {
    this.render();
    this.host.changed(true);
  }

  /** Puts every pin where it is on the map: after a zoom, a pan, a drag. */
  place() {
    this.all.forEach((pin, i) => {
      const button = /** @type {HTMLElement | undefined} */ (this.layer.children[i]);
      const [x, y] = this.host.pixels(pin);
      if (button) button.style.transform = `translate(${x}px, ${y}px)`;
    });
  }

  render() {
    this.layer.replaceChildren(...this.all.map((pin, i) => this.marker(pin, i)));
    const cards = this.all.map((pin, i) => this.card(pin, i));
    this.list.replaceChildren(...cards, this.controls());
    this.askExact();
  }

  /** The exact images of all pins, in their cards. */
  askExact() {
    if (!this.all.length) {
      this.exact.forget();
      return;
    }
    const model = this.host.model();
    this.exact.ask(model, this.all.map((pin) => pin.z), (images) =>
      images.forEach((values, i) => paint(part(this.list.children[i], "canvas"), values, model.shape)),
    );
  }

  controls() {
    const row = make("div", { className: "row" });
    const button = (/** @type {string} */ textContent, /** @type {() => void} */ onclick) =>
      row.append(make("button", { type: "button", textContent, onclick }));
    if (this.removed) button("Undo removal", () => this.undo());
    if (this.all.length > 1) button("Remove all pins", () => this.removeAll());
    if (this.all.length < 2) {
      const text = this.all.length ? walkHint(this.host.model()) : "Click anywhere on the map to pin a spot.";
      row.append(make("span", { className: "hint", textContent: text }));
    }
    row.append(this.exact.note);
    return row;
  }

  /** @param {string} text */
  note(text) {
    this.list.querySelector(".hint:not(.approximate)")?.remove();
    this.list.lastElementChild?.append(make("span", { className: "hint", textContent: text }));
  }

  /**
   * @param {Pin} pin
   * @param {number} index
   */
  marker(pin, index) {
    const button = make("button", {
      className: "pin",
      type: "button",
      textContent: pin.name,
      title: "Drag to move; arrow keys move it too, Delete removes it",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event, index),
    });
    button.setAttribute("aria-label", `Pin ${pin.name}`);
    button.addEventListener("pointerdown", (event) => this.grab(event, index));
    return button;
  }

  /**
   * @param {PointerEvent} event
   * @param {number} index
   */
  grab(event, index) {
    event.stopPropagation();
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    const [x, y] = this.host.pixels(this.all[index]);
    const [dx, dy] = [x - event.clientX, y - event.clientY];
    let moved = false;
    const follow = (/** @type {PointerEvent} */ to) => {
      moved ||= Math.hypot(to.clientX - event.clientX, to.clientY - event.clientY) > 3;
      if (moved) this.shift(index, [to.clientX + dx, to.clientY + dy], false);
    };
    const end = (/** @type {PointerEvent} */ up) => {
      button.removeEventListener("pointermove", follow);
      if (moved) this.host.changed(true);
      else this.host.clicked(this.all[index], up.timeStamp);
    };
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", follow);
    button.addEventListener("lostpointercapture", end, { once: true });
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} index
   */
  key(event, index) {
    const [dx, dy] = direction(event.key);
    if (dx || dy) {
      const [x, y] = this.host.pixels(this.all[index]);
      this.shift(index, [x + dx * STEP, y + dy * STEP], true);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {number} index
   * @param {number[]} pixel
   * @param {boolean} isFinal
   */
  shift(index, pixel, isFinal) {
    this.all[index] = this.host.move(this.all[index], pixel);
    this.place();
    this.refresh(index);
    this.host.changed(isFinal);
  }

  /**
   * A pin's picture, name and place in the list.
   * @param {Pin} pin
   * @param {number} index
   */
  card(pin, index) {
    const name = make("input", { value: pin.name, maxLength: 16, size: 6 });
    name.setAttribute("aria-label", `Name of pin ${pin.name}`);
    name.onchange = () => {
      this.all[index].name = name.value.trim() || this.freeName();
      this.finish();
    };
    const remove = make("button", {
      type: "button",
      className: "remove",
      textContent: "×",
      title: `Remove pin ${pin.name}`,
      onclick: () => this.remove(index),
    });
    remove.setAttribute("aria-label", `Remove pin ${pin.name}`);
    const head = make("div", { className: "head" }, name, remove);
    const text = make("span", { className: "z" });
    const card = make("div", { className: "card" }, namedCanvas(`Decoded mean of pin ${pin.name}`), make("div", {}, head, text));
    this.fill(card, pin);
    return card;
  }

  /** @param {number} index */
  refresh(index) {
    const card = /** @type {HTMLElement} */ (this.list.children[index]);
    this.fill(card, this.all[index]);
    this.askExact();
  }

  /**
   * @param {HTMLElement} card
   * @param {Pin} pin
   */
  fill(card, pin) {
    const model = this.host.model();
    paint(part(card, "canvas"), model.decode(Float32Array.from(pin.z)), model.shape);
    const few = pin.z.slice(0, 2).map((v) => shown(v)).join(", ");
    const text = `z = ${few}${pin.z.length > 2 ? ", …" : ""}`;
    const place = /** @type {HTMLElement} */ (card.querySelector(".z"));
    place.textContent = pin.point === null ? text : `${text} · image ${pin.point}`;
    place.title = `z = ${pin.z.map((v) => shown(v)).join(", ")}`;
  }
}

/**
 * What a first pin is good for; without pictures there is no walk.
 * @param {import("./model.js").LatentModel} model
 */
function walkHint({ hasPictures }) {
  return hasPictures ? "Pin a second spot to walk between the two." : "";
}
