/**
 * Samples of the prior, decoded: what the model believes the data to be.
 */

import { make, paint, save } from "../common/dom.js";
import { normals } from "../numerics/normal.js";
import { ExactImages } from "./exact.js";
import { sheetOf } from "./picture_sheet.js";

/** @import { Host, Mark } from "./inspector.js" */

const COUNT = 40;
const COLUMNS = 10;

/** The tab of the samples. */
export class PriorSamples {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.seed = 0;
    /** @type {Float32Array[]} */
    this.codes = [];
    /** @type {Float32Array[]} */
    this.images = [];
    this.exact = new ExactImages();
    const draw = make("button", { type: "button", textContent: "Draw again", onclick: () => this.again() });
    const png = make("button", { type: "button", textContent: "Save PNG", onclick: () => this.save() });
    this.note = make("span", { className: "hint" });
    this.sheet = make("div", { className: "samples" });
    this.place = make("div", {}, make("div", { className: "row" }, draw, png, this.note, this.exact.note), this.sheet);
  }

  restart() {
    this.codes = [];
  }

  again() {
    this.seed = (this.seed + 1) % 1_000_000;
    this.codes = [];
    this.show();
    this.host.marked();
    this.host.changed();
  }

  /** @returns {Mark[]} */
  marks() {
    return this.codes.map((z) => ({ z, text: "" }));
  }

  show() {
    const model = this.host.model();
    this.note.textContent = model.logVariances
      ? "Decoded means of z ~ N(0, I), marked on the map."
      : "An autoencoder has no prior: z is drawn from a Gaussian fitted to its test codes.";
    if (!this.codes.length) this.codes = model.drawCodes(COUNT, normals(this.seed));
    const canvases = this.codes.map(() => make("canvas"));
    const show = (/** @type {Float32Array[]} */ images) => {
      this.images = images;
      images.forEach((values, i) => paint(canvases[i], values, model.shape));
    };
    show(this.codes.map((z) => model.decode(z)));
    const shots = this.codes.map((z, i) => {
      const button = make("button", { type: "button", className: "shot", title: "Pin this sample", onclick: () => this.host.pin(z) }, canvases[i]);
      button.setAttribute("aria-label", `Pin sample ${i + 1}`);
      return button;
    });
    this.sheet.replaceChildren(...shots);
    this.exact.ask(model, this.codes, show);
  }

  save() {
    const canvas = sheetOf(this.images, this.host.model().shape, COLUMNS);
    canvas.toBlob((blob) => blob && save(blob, "prior.png"));
  }
}
