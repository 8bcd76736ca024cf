/**
 * The decoded grid: codes at equal steps of probability in two latents, the others held.
 *
 * Source: Kingma & Welling, 2014, arXiv:1312.6114, appendix A (figure 4).
 */

import { latentName, make, save, shown } from "../common/dom.js";
import { quantile } from "../numerics/normal.js";
import { ExactImages } from "./exact.js";
import { sheetOf } from "./picture_sheet.js";

/** @import { Host, Mark } from "./inspector.js" */

const SIDES = { least: 3, most: 30, first: 15 };

/** The tab of the grid. */
export class DecodedGrid {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.side = SIDES.first;
    /** @type {Float32Array[]} */
    this.codes = [];
    this.exact = new ExactImages();
    this.slider = make("input", { type: "range", min: String(SIDES.least), max: String(SIDES.most), step: "1" });
    this.slider.setAttribute("aria-label", "Cells per side");
    this.number = make("output");
    this.slider.oninput = () => {
      this.side = Number(this.slider.value);
      this.show();
      this.host.marked();
    };
    this.slider.onchange = () => this.host.changed();
    const png = make("button", { type: "button", textContent: "Save PNG", onclick: () => this.save() });
    this.sheet = make("div", { className: "grid-sheet" });
    this.caption = make("p", { className: "hint" });
    const label = make("label", {}, "Cells per side ", this.slider, this.number);
    this.place = make("div", {}, make("div", { className: "row" }, label, png, this.exact.note), this.sheet, this.caption);
  }

  restart() {
    this.codes = [];
  }

  /** @returns {Mark[]} */
  marks() {
    return this.codes.map((z) => ({ z, text: "" }));
  }

  show() {
    const model = this.host.model();
    this.slider.value = String(this.side);
    this.number.textContent = String(this.side);
    this.codes = gridCodes(model, this.host.axes(), this.side, this.host.point());
    this.paint(this.codes.map((z) => model.decode(z)));
    this.caption.textContent = this.describe();
    this.exact.ask(model, this.codes, (images) => this.paint(images));
  }

  /** @param {Float32Array[]} images of the cells */
  paint(images) {
    this.canvas = sheetOf(images, this.host.model().shape, this.side);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Decoded grid");
    this.sheet.replaceChildren(this.canvas);
  }

  /** What the grid spans. */
  describe() {
    const model = this.host.model();
    const [x, y] = this.host.axes();
    const spans = [[x, "across"], [y, "up"]].slice(0, model.size).map(([axis, where]) => {
      const values = this.codes.map((z) => z[Number(axis)]);
      return `${latentName(Number(axis))} ${where}, ${shown(Math.min(...values))} to ${shown(Math.max(...values))}`;
    });
    const mass = model.hasPrior ? "the prior" : "a Gaussian fitted to the test codes";
    const point = this.host.point();
    const others = point === null ? "at 0" : `those of image ${point}`;
    const held = model.size > 2 ? ` The other latents are ${others}.` : "";
    return `${spans.join("; ")}. Every cell holds an equal share of ${mass}.${held}`;
  }

  save() {
    this.canvas?.toBlob((blob) => blob && save(blob, "grid.png"));
  }
}

/**
 * The codes of the cells, the top row first; with one latent, one row.
 * @param {import("./model.js").LatentModel} model
 * @param {[number, number]} axes
 * @param {number} side
 * @param {number | null} point the image whose other latents are held; null: at 0
 */
export function gridCodes(model, [x, y], side, point) {
  const steps = Array.from({ length: side }, (_, i) => quantile((i + 0.5) / side));
  const at = (/** @type {number} */ axis, /** @type {number} */ step) =>
    model.hasPrior ? step : model.centre[axis] + Math.sqrt(model.spread[axis]) * step;
  const held = point !== null && model.size > 2 ? model.codeOf(point) : new Float32Array(model.size);
  const codes = [];
  for (const up of model.size > 1 ? [...steps].reverse() : [0]) {
    for (const across of steps) {
      const z = Float32Array.from(held);
      z[x] = at(x, across);
      if (model.size > 1) z[y] = at(y, up);
      codes.push(z);
    }
  }
  return codes;
}
