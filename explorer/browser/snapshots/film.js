/**
 * One film of a training run: its frames and its place on the page, drawn at any moment.
 */

import { context, latentName, levels, make, namedCanvas, shown } from "../common/dom.js";
import { mixed, reaches, readFrame, readShared, streamEntries, widest } from "../numerics/frames.js";
import { fillLegend } from "../scatter/legend.js";
import { MovingCodes } from "../scatter/moving_codes.js";

/** @import { Frame, Shared } from "../numerics/frames.js" */
/** @typedef {{url: string, name: string}} FilmData address and title */

const ROWS = ["Decoded means", "Decoded means of prior samples"];
/** Of a model without codes: one title over all rows. */
const GENERATED = ["Generated images, from the same noise at every step", ""];
const [STAMPS, SHARED] = [-2, -1];

/** One film: its frames, and its place on the page. */
export class Film {
  /** @param {() => void} changed */
  constructor(changed) {
    this.url = "";
    /** @type {Shared | null} */
    this.shared = null;
    /** @type {Frame[]} by rising step */
    this.frames = [];
    /** @type {number[]} latents across and up */
    this.axes = [];
    /** @type {number[]} */
    this.reach = [];
    this.position = 0;
    this.busy = false;
    this.problem = "";
    this.stage = make("div", { className: "codes" });
    this.codes = new MovingCodes(this.stage, (n) => this.hover(n));
    /** What the chart of codes shows. */
    this.drawn = "";
    this.title = make("b");
    this.scores = make("p", { className: "scores" });
    this.hint = make("p", { className: "hint" });
    this.legend = make("div", { className: "legend" });
    this.choices = make("span", { className: "choices" });
    this.rows = make("div", { className: "rows" });
    /** @type {HTMLCanvasElement[][]} */
    this.cells = [];
    this.changed = changed;
    this.place = make(
      "div",
      { className: "film" },
      make("div", { className: "side" }, this.title, this.stage, this.legend, this.choices),
      make("div", { className: "side" }, this.scores, this.rows, this.hint),
    );
    this.reachNow = 1;
  }

  end() {
    this.codes.end();
  }

  /**
   * Takes a film, or the frames that have come since.
   * @param {FilmData} wanted
   */
  async update({ url, name }) {
    if (url !== this.url) {
      this.url = url;
      this.shared = null;
      this.frames = [];
      this.axes = [];
    }
    this.title.textContent = name;
    if (this.busy) return;
    this.busy = true;
    try {
      await this.fetch();
      this.problem = "";
    } catch (error) {
      this.problem = `The film cannot be read: ${/** @type {Error} */ (error).message}`;
    }
    this.busy = false;
    this.changed();
  }

  /** Fetches what comes after the last frame; drops frames that are gone or were written again. */
  async fetch() {
    const { url } = this;
    const after = this.frames.at(-1)?.step ?? -1;
    const answer = await fetch(`${url}/${after}`);
    if (!answer.ok) throw new Error(await answer.text());
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (url !== this.url) return;
    /** @type {Map<number, number>} */
    let stamps = new Map();
    for (const { step, file } of streamEntries(bytes)) {
      if (step === STAMPS) stamps = new Map(JSON.parse(new TextDecoder().decode(file)));
      else if (step === SHARED) this.furnish(readShared(file));
      else this.take(step, file, stamps.get(step) ?? 0);
    }
    this.frames = this.frames.filter((frame) => stamps.get(frame.step) === frame.stamp);
  }

  /**
   * Adds a frame; a damaged one is left out.
   * @param {number} step
   * @param {Uint8Array} file
   * @param {number} stamp
   */
  take(step, file, stamp) {
    try {
      this.frames.push(readFrame(step, file, stamp));
    } catch {
      // the film is shown without it
    }
  }

  /** @param {Shared} shared */
  furnish(shared) {
    this.shared = shared;
    this.drawn = "";
    const [, height, width] = shared.shape;
    const rows = shared.hasCodes ? ROWS.slice(0, shared.hasRate ? 2 : 1) : GENERATED;
    const names = ["Test images", ...rows];
    for (const each of [this.stage, this.legend, this.choices]) each.hidden = !shared.hasCodes;
    this.cells = names.map((name) =>
      Array.from({ length: shared.count }, (_, i) =>
        Object.assign(namedCanvas(`${name || rows[0]}, ${i + 1}`), { width, height }),
      ),
    );
    const labelled = names.flatMap((name, i) => [
      ...(name ? [make("p", {}, name)] : []),
      make("div", { className: "images" }, ...this.cells[i]),
    ]);
    this.rows.replaceChildren(...labelled);
    this.paintRow(0, shared.original);
  }

  /**
   * @param {number} row
   * @param {Uint8Array} images M·C·H·W grey levels
   */
  paintRow(row, images) {
    const { shape, count } = /** @type {Shared} */ (this.shared);
    const size = images.length / count;
    this.cells[row].forEach((cell, i) => {
      const values = Float32Array.from(images.subarray(i * size, (i + 1) * size), (v) => v / 255);
      context(cell).putImageData(new ImageData(levels(values, shape), shape[2], shape[1]), 0, 0);
    });
  }

  /**
   * Chooses the latents that are drawn, the widest ones at first, and how far the map reaches.
   * @param {string[]} colours
   */
  settle(colours) {
    const last = this.frames.at(-1);
    if (!last || !this.shared) return;
    if (!this.shared.hasCodes) {
      this.reach = this.frames.map(() => 1);
      return;
    }
    if (!this.axes.length) {
      this.axes = widest(last);
      this.choose(last.size, colours);
    }
    this.reach = reaches(this.frames, this.axes, this.shared.hasRate ? 3.15 : 1e-6);
    const drawn = JSON.stringify([this.axes, last.size, colours]);
    if (drawn !== this.drawn) this.cast(this.shared, last, colours);
    this.drawn = drawn;
  }

  /**
   * Begins the chart of codes and its legend.
   * @param {Shared} shared
   * @param {Frame} frame
   * @param {string[]} palette
   */
  cast({ labels, names, hasRate }, { codes, size }, palette) {
    const { axes } = this;
    const reach = /** @type {number} */ (this.reach.at(-1));
    this.codes.show({ size, axes: [...axes], labels, names, palette, hasPrior: hasRate }, codes, reach);
    fillLegend(this.legend, this.codes.scatter, null);
  }

  /**
   * Offers a choice of latents where there are more than two.
   * @param {number} size
   * @param {string[]} colours
   */
  choose(size, colours) {
    if (size < 3) {
      this.choices.replaceChildren();
      return;
    }
    const selects = this.axes.map((axis, i) => {
      const select = make("select", {
        onchange: () => {
          this.axes[i] = Number(select.value);
          this.settle(colours);
          this.changed();
        },
      });
      select.setAttribute("aria-label", i ? "Latent upward" : "Latent across");
      for (let j = 0; j < size; j++) {
        const chosen = j === axis;
        select.append(make("option", { value: String(j), textContent: latentName(j), selected: chosen }));
      }
      return select;
    });
    this.choices.replaceChildren("Across ", selects[0], " up ", selects[1]);
  }

  /** The steps that have a frame. */
  get steps() {
    return this.frames.map((frame) => frame.step);
  }

  /**
   * Everything as it is at a position between frames.
   * @param {number} position
   * @param {number} least how far the map reaches at least, for two on one scale
   */
  show(position, least = 0) {
    if (!this.frames.length || !this.shared) return;
    this.position = Math.min(Math.max(0, position), this.frames.length - 1);
    this.reachNow = Math.max(least, this.reachAt(this.position));
    const [from, to, share] = this.around();
    if (this.shared.hasCodes) this.codes.move(mixed(from.codes, to.codes, share), this.reachNow);
    this.images().forEach((images, i) => this.paintRow(i + 1, images));
    this.scores.replaceChildren(...this.words().map((line) => make("span", {}, line)));
  }

  /** @param {number} position */
  reachAt(position) {
    const k = Math.floor(position);
    const next = this.reach[Math.min(k + 1, this.reach.length - 1)];
    return this.reach[k] + (position - k) * (next - this.reach[k]);
  }

  /** The frames on both sides, and how far between them. @returns {[Frame, Frame, number]} */
  around() {
    const k = Math.floor(this.position);
    const next = this.frames[Math.min(k + 1, this.frames.length - 1)];
    return [this.frames[k], next, this.position - k];
  }

  images() {
    const [from, to, share] = this.around();
    return from.images.map((images, i) => mixed(images, to.images[i], share));
  }

  /** What the nearest frame says, in two lines. */
  words() {
    const { total, perEpoch, hasRate, hasCodes } = /** @type {Shared} */ (this.shared);
    const { step, distortion, rate, codes, size } = this.frames[Math.round(this.position)];
    const epoch = shown(step / perEpoch, step % perEpoch ? 1 : 0);
    const place = `Step ${step.toLocaleString("en")} of ${total.toLocaleString("en")}, epoch ${epoch}`;
    if (!hasCodes) return [place];
    const terms = hasRate
      ? `D ${shown(distortion)} + R ${shown(rate)} = −ELBO ${shown(distortion + rate)} nats`
      : `D ${shown(distortion)} nats`;
    const count = (codes.length / size).toLocaleString("en");
    return [
      place,
      `${terms} per image, mean of ${count} test images`,
    ];
  }

  /**
   * Another test image is under the pointer, or none.
   * @param {number | null} n
   */
  hover(n) {
    const label = n === null ? undefined : this.shared?.labels?.[n];
    const name = label === undefined ? "" : `, class ${this.shared?.names[label] ?? label}`;
    this.hint.textContent = n === null ? "" : `Test image ${n}${name}`;
    this.cells.slice(0, 2).forEach((row) => row.forEach((cell, i) => cell.classList.toggle("now", i === n)));
  }
}
