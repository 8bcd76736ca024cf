/**
 * What the model makes of one test image: pictures, scores, its latents, its neighbours.
 */

import { latentName, make, namedCanvas, paint, shown } from "../common/dom.js";
import { nearestCodes } from "../numerics/neighbours.js";
import { uniforms } from "../numerics/normal.js";
import { explained, why } from "../glossary/why.js";
import { ExactImages } from "./exact.js";

/** @import { Host, Mark } from "./inspector.js" */

const NEIGHBOURS = 6;
const NO_SAMPLE = "No sample of p(x|z): every pixel has a variance of its own, and the page has only the means.";

/** The tab of the selected test image. */
export class ImageReport {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.seed = 0;
    /** @type {number | null} the image whose number the box was given */
    this.written = null;
    this.exact = new ExactImages();
    /** @type {{z: ArrayLike<number>, take: (values: Float32Array) => void}[]} what is decoded here */
    this.decoded = [];
    this.number = make("input", { type: "number", min: "0", step: "1", size: 7 });
    this.number.setAttribute("aria-label", "Number of the test image");
    this.number.onchange = () => this.typed();
    const random = make("button", { type: "button", textContent: "Random", onclick: () => this.random() });
    this.count = make("span", { className: "hint" });
    this.body = make("div");
    this.place = make(
      "div",
      { className: "image-report" },
      make("div", { className: "row" }, make("label", {}, "Test image ", this.number), this.count, random, this.exact.note),
      this.body,
    );
  }

  restart() {
    this.seed = 0;
  }

  typed() {
    const value = Math.round(Number(this.number.value));
    const last = this.host.model().count - 1;
    if (this.number.value === "" || !Number.isFinite(value)) this.host.select(null);
    else this.host.select(Math.min(Math.max(value, 0), last));
    this.write(this.host.point());
  }

  /** @param {number | null} n */
  write(n) {
    this.written = n;
    this.number.value = n === null ? "" : String(n);
  }

  random() {
    this.host.select(Math.floor(Math.random() * this.host.model().count));
  }

  /** @returns {Mark[]} none: the map itself marks the selected point */
  marks() {
    return [];
  }

  show() {
    const model = this.host.model();
    const n = this.host.point();
    this.number.max = String(model.count - 1);
    if (n !== this.written) this.write(n); // else somebody may be typing another one
    this.count.textContent = `0 to ${(model.count - 1).toLocaleString("en")}`;
    this.decoded = [];
    if (n === null || n >= model.count) this.body.replaceChildren(...this.classMeans());
    else this.body.replaceChildren(...this.report(n));
    const asked = this.decoded;
    this.exact.ask(model, asked.map(({ z }) => z), (images) =>
      images.forEach((values, i) => asked[i].take(values)),
    );
  }

  /**
   * A decoded code with a caption; the exact image follows where the browser has another.
   * @param {ArrayLike<number>} z
   * @param {string} caption
   */
  picture(z, caption) {
    const model = this.host.model();
    const figure = picture(model.decode(z), model.shape, caption);
    this.decoded.push({ z, take: (values) => repaint(figure, values, model.shape) });
    return figure;
  }

  /** What lives on the map before anything is selected. */
  classMeans() {
    const model = this.host.model();
    const hint = make("p", { className: "hint", textContent: "Click a point of the map, type a number, or take a random image." });
    const means = model.classMeanCodes();
    if (!means.length || !model.hasPictures) return [hint];
    const shots = means.map(({ name, z }) => this.picture(z, name));
    return [hint, make("h2", { textContent: `${model.caption} of every class’s mean code` }), make("div", { className: "shots" }, ...shots)];
  }

  /** @param {number} n */
  report(n) {
    const model = this.host.model();
    return [
      make("h2", { textContent: model.nameOf(n) }),
      ...(model.hasPictures ? [this.pictures(n)] : []),
      ...(this.host.note() && !this.host.original(n) ? [this.missing()] : []),
      ...(model.noise === "none" ? [make("p", { className: "hint", textContent: NO_SAMPLE })] : []),
      make("p", { className: "scores" }, ...explained(model.scoreLine(n), "negative_elbo", "distortion", "rate", "sigma", "kl", "nats")),
      ...this.host.truth().report(),
      latentTable(model, n),
      make("h3", {}, `Nearest in latent space${this.among()}, at a distance `, why("distance")),
      this.neighbours(n),
    ];
  }

  /** Where the original is: a button presses that of the page, where there is one. */
  missing() {
    const text = this.host.note();
    if (!this.host.download()) return make("p", { className: "hint", textContent: text });
    const onclick = () => /** @type {HTMLElement | null} */ (this.host.download())?.click();
    return make("p", {}, make("button", { type: "button", textContent: text, onclick }));
  }

  /**
   * Original, decoded mean, and a draw of p(x|z) where the page knows its noise.
   * @param {number} n
   */
  pictures(n) {
    const model = this.host.model();
    const original = this.host.original(n);
    const shots = [this.picture(model.codeOf(n), model.caption)];
    if (original) shots.unshift(picture(original, model.shape, "Original"));
    if (model.canSample) shots.push(this.sample(n));
    return make("div", { className: "shots large" }, ...shots);
  }

  /**
   * A draw of p(x|z), and a button for another one.
   * @param {number} n
   */
  sample(n) {
    const model = this.host.model();
    const z = model.codeOf(n);
    let mean = model.decode(z);
    const draw = () => model.sample(mean, uniforms(7919 * n + this.seed));
    const figure = picture(draw(), model.shape, "Sample of p(x|z)");
    const again = make("button", {
      type: "button", className: "again", textContent: "↻", title: "Draw another sample",
      onclick: () => {
        this.seed += 1;
        repaint(figure, draw(), model.shape);
      },
    });
    const take = (/** @type {Float32Array} */ values) => {
      mean = values;
      repaint(figure, draw(), model.shape);
    };
    this.decoded.push({ z, take });
    again.setAttribute("aria-label", "Draw another sample of p(x|z)");
    figure.append(again);
    return figure;
  }

  /** Which images the nearest ones are chosen from, if not from all: those whose originals are here. */
  among() {
    const count = this.host.originals();
    return count && count < this.host.model().count ? ` among the first ${count} images` : "";
  }

  /** @param {number} n */
  neighbours(n) {
    const model = this.host.model();
    const among = model.means.subarray(0, model.size * (this.host.originals() || model.count));
    const found = nearestCodes(among, model.size, model.codeOf(n), NEIGHBOURS + 1);
    const others = found.filter(({ index }) => index !== n).slice(0, NEIGHBOURS);
    const shots = others.map(({ index, distance }) => {
      const original = this.host.original(index);
      const name = model.labels ? `${model.names[model.labels[index]]} · ` : "";
      const caption = `${name}Δ ${shown(distance)}`;
      if (!model.hasPictures) return make("button", { type: "button", title: `Select image ${index}`, textContent: `${index} · ${caption}`, onclick: () => this.host.select(index) });
      const shot = original ? picture(original, model.shape, caption) : this.picture(model.codeOf(index), caption);
      return make("button", { type: "button", className: "shot", title: `Select image ${index}`, onclick: () => this.host.select(index) }, shot);
    });
    return make("div", { className: "shots" }, ...shots);
  }
}

/**
 * An image with a caption.
 * @param {ArrayLike<number>} values
 * @param {import("../common/dom.js").ImageShape} shape
 * @param {string} caption
 */
export function picture(values, shape, caption) {
  const canvas = namedCanvas(caption);
  paint(canvas, values, shape);
  return make("figure", {}, canvas, make("figcaption", { textContent: caption }));
}

/**
 * Another image in place of the one that a figure shows.
 * @param {HTMLElement} figure
 * @param {ArrayLike<number>} values
 * @param {import("../common/dom.js").ImageShape} shape
 */
export function repaint(figure, values, shape) {
  paint(/** @type {HTMLCanvasElement} */ (figure.querySelector("canvas")), values, shape);
}

/**
 * μ, σ and KL of every latent, the KL as a bar.
 * @param {import("./model.js").LatentModel} model
 * @param {number} n
 */
function latentTable(model, n) {
  const rows = model.latentsOf(n);
  const most = Math.max(...rows.map((row) => row.rate ?? 0), 1e-9);
  const head = ["latent", "μ", ...(rows[0].sigma === null ? [] : ["σ", "KL, nats"])];
  const cell = (/** @type {string} */ textContent) => make("td", { textContent });
  const body = rows.map(({ mean, sigma, rate }, j) => {
    const row = make("tr", {}, make("th", { textContent: latentName(j), scope: "row" }), cell(shown(mean, 3)));
    if (sigma === null || rate === null) return row;
    const bar = make("i");
    bar.style.width = `${(100 * rate) / most}%`;
    row.append(cell(shown(sigma, 3)), make("td", { className: "bar" }, bar, shown(rate, 3)));
    return row;
  });
  const titles = head.map((text) => make("th", { scope: "col" }, ...explained(text, "mu", "sigma", "kl", "nats")));
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...body));
  const place = make("div", { className: "latents", tabIndex: 0 }, table);
  place.setAttribute("aria-label", "Latents of the selected image");
  return place;
}
