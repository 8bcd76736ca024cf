/**
 * Samples of the prior, decoded: what the model believes the data to be.
 */

import { make, paint, save } from "../common/dom.js";
import { normals } from "../numerics/normal.js";
import { ExactImages } from "./exact.js";
import { sheetOf } from "./picture_sheet.js";

/** @import { Host, Mark } from "./inspector.js" */
/** @import { LatentModel } from "./model.js" */

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
    this.note = make("p", { className: "hint" });
    this.asPrior = make("input", { type: "checkbox", onchange: () => this.chosen() });
    this.choice = make("label", {}, this.asPrior, " As if p(z) = N(0, I)");
    this.sheet = make("div", { className: "samples" });
    this.place = make("div", {}, make("div", { className: "row" }, draw, png, this.choice, this.exact.note), this.note, this.sheet);
  }

  restart() {
    this.codes = [];
  }

  again() {
    this.seed = (this.seed + 1) % 1_000_000;
    this.codes = [];
    this.shownAgain();
    this.host.changed();
  }

  /** From another distribution. */
  chosen() {
    this.codes = [];
    this.shownAgain();
    this.host.changed();
  }

  /** Other codes are drawn, and marked on the map. */
  shownAgain() {
    this.show();
    this.host.marked();
  }

  /** @returns {Mark[]} */
  marks() {
    return this.codes.map((z) => ({ z, text: "" }));
  }

  show() {
    const model = this.host.model();
    this.choice.hidden = model.hasPrior;
    if (!this.codes.length) this.codes = model.drawCodes(COUNT, normals(this.seed), this.asPrior.checked);
    this.note.textContent = this.describe(model);
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

  /**
   * Where the codes come from, and how many of them the decoder was hardly trained for.
   * @param {LatentModel} model
   */
  describe(model) {
    if (!model.hasPoints) return "Images of z ~ N(0, I), marked on the map. Click one to pin it.";
    const rare = this.codes.filter((z) => model.isRare(z)).length;
    const found = `${rare} of ${COUNT} lie where few codes are${this.reached(model)}.`;
    if (model.logVariances) return `Decoded means of z ~ N(0, I), marked on the map. ${found}`;
    const source = this.asPrior.checked
      ? "z is drawn from N(0, I), as if the autoencoder had this prior"
      : "An autoencoder has no prior: z is drawn from a Gaussian fitted to its test codes";
    return `${source}. ${found}`;
  }

  /**
   * How many classes the samples land among, by the nearest codes.
   * @param {LatentModel} model
   */
  reached(model) {
    const { labels, names } = model;
    if (!labels) return "";
    const found = new Set(this.codes.map((z) => labels[model.nearestCode(z)]));
    return `; they land among ${found.size} of the ${names.length} classes`;
  }

  save() {
    const canvas = sheetOf(this.images, this.host.model().shape, COLUMNS);
    canvas.toBlob((blob) => blob && save(blob, "prior.png"));
  }
}
