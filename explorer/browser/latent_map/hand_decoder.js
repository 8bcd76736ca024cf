/**
 * Decode by hand: a slider for each latent, and the image that they make.
 */

import { latentName, make, save, shown } from "../common/dom.js";
import { why } from "../glossary/why.js";
import { normals } from "../numerics/normal.js";
import { ExactImages } from "./exact.js";
import { picture, repaint } from "./image_report.js";

/** @import { Host, Mark } from "./inspector.js" */

const FEW = 20;
const STEPS = 200;
/** Of a latent's means over the images, above which it is active (Burda et al., 2016). */
const ACTIVE_VARIANCE = 0.01;

/** The tab of the sliders. */
export class HandDecoder {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    /** @type {number[]} empty: the origin */
    this.z = [];
    this.showsAll = false;
    this.drawn = 0;
    this.exact = new ExactImages();
    this.result = make("div", { className: "hand-result" });
    this.sliders = make("div", { className: "sliders" });
    this.buttons = make("div", { className: "row" });
    this.place = make("div", { className: "hand" }, this.buttons, this.result, this.sliders);
  }

  restart() {
    if (this.z.length !== this.host.model().size) this.z = [];
    this.showsAll = false;
  }

  /** @returns {Mark[]} */
  marks() {
    return [{ z: this.code(), text: "by hand" }];
  }

  /** The code that the sliders show. */
  code() {
    const { size } = this.host.model();
    return this.z.length === size ? this.z : Array.from({ length: size }, () => 0);
  }

  /** @param {number[]} z */
  set(z) {
    this.z = z;
    this.show();
    this.host.marked();
    this.host.changed();
  }

  show() {
    const model = this.host.model();
    const point = this.host.point();
    const button = (/** @type {string} */ textContent, /** @type {() => void} */ onclick, disabled = false) =>
      make("button", { type: "button", textContent, onclick, disabled });
    const from = model.hasPoints
      ? button("From the selected image", () => this.set([...model.codeOf(/** @type {number} */ (point))]), point === null)
      : button("Draw z ~ N(0, I)", () => this.set([...model.drawCodes(1, normals(++this.drawn))[0]]));
    this.buttons.replaceChildren(
      from,
      button("Back to the origin", () => this.set([])),
      button("Pin it", () => this.host.pin(this.code())),
    );
    if (model.size > FEW) {
      const text = this.showsAll ? "Fewer latents" : `All ${model.size} latents`;
      this.buttons.append(button(text, () => ((this.showsAll = !this.showsAll), this.show())));
    }
    this.buttons.append(this.exact.note);
    const code = this.code();
    this.image = picture(model.decode(Float32Array.from(code)), model.shape, model.caption);
    this.askExact();
    const png = button("Save PNG", () => this.save());
    this.result.replaceChildren(this.image, png);
    this.sliders.replaceChildren(...this.chosen().map((j) => this.slider(j, code[j])));
  }

  /** The latents with sliders: all, or those of the largest variance. */
  chosen() {
    const { size, spread } = this.host.model();
    const all = Array.from({ length: size }, (_, j) => j);
    if (this.showsAll || size <= FEW) return all;
    return all.sort((a, b) => spread[b] - spread[a]).slice(0, FEW).sort((a, b) => a - b);
  }

  /**
   * Whether a latent's mean is the same for all images.
   * @param {number} j
   */
  isDead(j) {
    const { logVariances, spread } = this.host.model();
    return logVariances !== null && spread[j] <= ACTIVE_VARIANCE;
  }

  /**
   * @param {number} j
   * @param {number} value
   */
  slider(j, value) {
    const { reach } = this.host.model();
    const input = make("input", { type: "range", min: String(-reach), max: String(reach), step: String(reach / STEPS) });
    input.value = String(value);
    const text = make("output", { textContent: shown(value) });
    input.setAttribute("aria-label", latentName(j));
    const settle = () => {
      const z = [...this.code()];
      z[j] = Number(input.value);
      this.z = z;
      text.textContent = shown(z[j]);
      input.setAttribute("aria-valuetext", shown(z[j]));
      this.paint();
      this.host.marked();
    };
    input.oninput = settle;
    input.onchange = () => this.host.changed();
    const name = make("span", {}, latentName(j));
    if (this.isDead(j)) name.append(" ", why("dead"));
    const label = make("label", {}, name, input, text);
    label.classList.toggle("dead", this.isDead(j));
    return label;
  }

  paint() {
    const model = this.host.model();
    const image = /** @type {HTMLElement} */ (this.image);
    repaint(image, model.decode(Float32Array.from(this.code())), model.shape);
    this.askExact();
  }

  askExact() {
    const model = this.host.model();
    const image = /** @type {HTMLElement} */ (this.image);
    this.exact.ask(model, [this.code()], ([values]) => repaint(image, values, model.shape));
  }

  save() {
    const canvas = /** @type {HTMLCanvasElement} */ (this.image?.querySelector("canvas"));
    canvas.toBlob((blob) => blob && save(blob, "decoded.png"));
  }
}
