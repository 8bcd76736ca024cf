/**
 * A walk between two pins: film strip, animation, and how much the image changes at each step.
 */

import { encodeGif } from "../numerics/gif.js";
import { context, levels, make, paint, save, shown } from "../common/dom.js";
import { searchGeodesic } from "../numerics/detour.js";
import { imageSteps, linearPath, sphericalPath } from "../numerics/walk.js";
import { ExactImages } from "./exact.js";

/** @import { LatentModel } from "./model.js" */
/** @import { Pin } from "../common/types.js" */
/** @typedef {"linear" | "spherical" | "geodesic"} Kind */
/**
 * @typedef {{model: () => LatentModel,
 *   drawn: (path: Float32Array[], at: number | null) => void,
 *   large: (values: Float32Array) => void}} Host what a walk asks of its map
 */
/** @typedef {{all: Float32Array[], path: Float32Array[], images: Float32Array[], steps: number[]}} Walk
 *   `all` are the codes of `path`, which are shown, and those between */

const FRAMES = 16;
/** Codes from frame to frame: with few latents the images turn sharply between two frames. */
const FINE = 3;
const FEW = 3;
const FRAME_MS = 90;
/** @type {Record<Kind, string>} */
const KINDS = { linear: "Straight line", spherical: "Spherical", geodesic: "Geodesic" };
/** @type {Record<Kind, string>} */
const MEANING = {
  linear: "Equal steps in latent space.",
  spherical: "Along the sphere: direction and length turn evenly.",
  geodesic: "The shortest way through the images that two starts found, in equal changes of the decoded mean; a shorter one may exist.",
};

/** The walk between two pins of one map. */
export class Interpolation {
  /**
   * @param {HTMLElement} place
   * @param {Host} host
   */
  constructor(place, host) {
    this.place = place;
    this.host = host;
    this.exact = new ExactImages();
    /** @type {Kind} */
    this.kind = "linear";
    /** @type {Partial<Record<Kind, Walk>>} */
    this.walks = {};
    /** @type {Pin[]} */
    this.pins = [];
    this.ends = [0, 1];
    this.at = 0;
    this.serial = 0;
    this.playing = false;
  }

  /**
   * The pins have changed: the walk goes between the last two, or those chosen before.
   * @param {Pin[]} pins
   */
  update(pins) {
    const changed = JSON.stringify(pins) !== JSON.stringify(this.pins);
    const last = pins.length - 1;
    const gone = Math.max(...this.ends) > last;
    if (gone || pins.length > this.pins.length) this.ends = [Math.max(0, last - 1), Math.max(0, last)];
    this.pins = pins.map((pin) => ({ ...pin })); // a copy: the list itself goes on changing
    if (changed) this.restart();
  }

  /** The kinds of walk that there are: a geodesic asks for thousands of images, one after another. */
  get kinds() {
    const all = /** @type {Kind[]} */ (Object.keys(KINDS));
    return this.host.model().isNoise ? all.filter((kind) => kind !== "geodesic") : all;
  }

  /** Recomputes the walk. */
  restart() {
    this.serial += 1;
    this.stop();
    this.exact.forget();
    this.walks = {};
    this.place.hidden = this.pins.length < 2;
    if (this.place.hidden) {
      this.host.drawn([], null);
      return;
    }
    const [a, b] = this.ends.map((i) => Float32Array.from(this.pins[i].z));
    if (!this.kinds.includes(this.kind)) this.kind = "spherical";
    this.walks.linear = this.walk(linearPath(a, b, this.length(a)));
    this.walks.spherical = this.walk(sphericalPath(a, b, this.length(a)));
    if (this.kind === "geodesic") this.relax();
    else this.askExact();
    this.render();
  }

  /** The exact images of all walks; they replace those that are shown. */
  askExact() {
    const kinds = /** @type {Kind[]} */ (Object.keys(this.walks));
    const paths = kinds.map((kind) => /** @type {Walk} */ (this.walks[kind]).all);
    this.exact.ask(this.host.model(), paths.flat(), (images) => {
      let first = 0;
      kinds.forEach((kind, i) => {
        const last = first + paths[i].length;
        this.walks[kind] = this.walk(paths[i], images.slice(first, last));
        first = last;
      });
      this.refresh();
    });
  }

  /**
   * Codes of a whole path.
   * @param {Float32Array} z one end
   */
  length(z) {
    return (z.length <= FEW ? FINE : 1) * (FRAMES - 1) + 1;
  }

  /**
   * A path at the frames that are shown; a step's change is measured along all codes between.
   * @param {Float32Array[]} all
   * @param {Float32Array[]} decoded
   * @returns {Walk}
   */
  walk(all, decoded = all.map((z) => this.host.model().decode(z))) {
    const every = (all.length - 1) / (FRAMES - 1);
    const steps = Array.from({ length: FRAMES - 1 }, () => 0);
    imageSteps(decoded).forEach((change, i) => (steps[Math.floor(i / every)] += change));
    const isShown = (/** @type {unknown} */ _, /** @type {number} */ i) => i % every === 0;
    return { all, path: all.filter(isShown), images: decoded.filter(isShown), steps };
  }

  /** The geodesic, one relaxation a frame, so that one sees the path find its way. */
  relax() {
    const mine = this.serial;
    const [a, b] = this.ends.map((i) => Float32Array.from(this.pins[i].z));
    const geodesic = searchGeodesic(this.host.model().decode, a, b, this.length(a));
    this.walks.geodesic = this.walk(geodesic.path);
    const next = () => {
      if (mine !== this.serial) return;
      if (!geodesic.converged) {
        geodesic.step();
        requestAnimationFrame(next);
      } else this.relaxing = false;
      this.walks.geodesic = this.walk(geodesic.path);
      this.refresh();
      if (!this.relaxing) this.askExact();
    };
    this.relaxing = true;
    requestAnimationFrame(next);
  }

  /** @param {Kind} kind */
  choose(kind) {
    this.kind = kind;
    if (kind === "geodesic" && !this.walks.geodesic) this.relax();
    this.render();
  }

  /** Builds the controls and the strip. */
  render() {
    const ends = this.ends.map((end, i) => {
      const choice = make("select", {
        onchange: () => {
          this.ends[i] = Number(choice.value);
          this.restart();
        },
      });
      choice.setAttribute("aria-label", i ? "Walk to" : "Walk from");
      this.pins.forEach((pin, k) =>
        choice.append(make("option", { value: String(k), textContent: pin.name, selected: k === end })),
      );
      return choice;
    });
    const kinds = make("span", { className: "segments" });
    kinds.setAttribute("role", "group");
    for (const kind of this.kinds) {
      const button = make("button", { type: "button", textContent: KINDS[kind], onclick: () => this.choose(kind) });
      button.setAttribute("aria-pressed", String(kind === this.kind));
      kinds.append(button);
    }
    this.player = make("button", { type: "button", className: "play", onclick: () => this.toggle() });
    const saves = [
      make("button", { type: "button", textContent: "Save GIF", onclick: () => this.saveGif() }),
      make("button", { type: "button", textContent: "Save PNG", onclick: () => this.savePng() }),
    ];
    this.frames = Array.from({ length: FRAMES }, (_, k) => {
      const cell = make("button", { type: "button", className: "cell", onclick: () => this.go(k) }, make("canvas"));
      cell.setAttribute("aria-label", `Step ${k + 1} of ${FRAMES}`);
      return cell;
    });
    this.bars = make("div", { className: "bars" });
    this.largest = make("span");
    this.words = make("p", { className: "words" });
    this.place.replaceChildren(
      make("div", { className: "row" }, "Walk from ", ends[0], " to ", ends[1], kinds, this.player, ...saves, this.exact.note),
      make("div", { className: "film" }, ...this.frames),
      make("p", { className: "words" }, "Change of the image at each step; ", this.largest),
      this.bars,
      this.words,
    );
    this.refresh();
  }

  /** Paints strip, bars and words of the present walk. */
  refresh() {
    const walk = this.walks[this.kind];
    if (!walk || !this.frames) return;
    walk.images.forEach((values, k) => {
      const cell = /** @type {HTMLElement[]} */ (this.frames)[k];
      paint(/** @type {HTMLCanvasElement} */ (cell.firstElementChild), values, this.host.model().shape);
      cell.classList.toggle("now", this.playing && k === this.at);
    });
    this.paintBars(walk);
    const totals = /** @type {Kind[]} */ (Object.keys(KINDS))
      .filter((kind) => this.walks[kind])
      .map((kind) => `${KINDS[kind].toLowerCase()} ${shown(total(this.walks[kind]))}`);
    const state = this.kind === "geodesic" && this.relaxing ? " Relaxing…" : "";
    /** @type {HTMLElement} */ (this.words).textContent =
      `${MEANING[this.kind]}${state} Way through the images: ${totals.join(", ")} (Euclidean distance of decoded means).`;
    /** @type {HTMLElement} */ (this.player).textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.host.drawn(walk.path, this.playing ? this.at : null);
  }

  /**
   * Bars of the change at each step, on one scale for all kinds of walk.
   * @param {Walk} walk
   */
  paintBars(walk) {
    const all = Object.values(this.walks).flatMap((one) => one.steps);
    const tallest = Math.max(...all, 1e-9);
    const bars = walk.steps.map((step) => {
      const bar = make("i", { title: shown(step) });
      bar.style.height = `${(100 * step) / tallest}%`;
      return bar;
    });
    /** @type {HTMLElement} */ (this.bars).replaceChildren(...bars);
    /** @type {HTMLElement} */ (this.largest).textContent = `largest ${shown(Math.max(...walk.steps))}`;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  stop() {
    this.playing = false;
    clearInterval(this.timer);
    this.refresh();
  }

  /** There and back, for ever. */
  play() {
    this.playing = true;
    let tick = this.at;
    this.timer = setInterval(() => {
      tick += 1;
      const around = tick % (2 * FRAMES - 2);
      this.go(around < FRAMES ? around : 2 * FRAMES - 2 - around);
    }, FRAME_MS);
    this.refresh();
  }

  /** @param {number} k */
  go(k) {
    this.at = k;
    const walk = this.walks[this.kind];
    if (!walk) return;
    this.host.large(walk.images[k]);
    this.frames?.forEach((cell, i) => cell.classList.toggle("now", i === k));
    this.host.drawn(walk.path, k);
  }

  /** The pictures enlarged to at least 160 pixels. */
  enlarged() {
    const walk = /** @type {Walk} */ (this.walks[this.kind]);
    const [, height, width] = this.host.model().shape;
    const factor = Math.max(1, Math.round(160 / Math.max(height, width)));
    const one = make("canvas", { width, height });
    const large = make("canvas", { width: factor * width, height: factor * height });
    const pen = context(large);
    pen.imageSmoothingEnabled = false;
    const frames = walk.images.map((values) => {
      context(one).putImageData(new ImageData(levels(values, this.host.model().shape), width, height), 0, 0);
      pen.drawImage(one, 0, 0, large.width, large.height);
      return pen.getImageData(0, 0, large.width, large.height);
    });
    return { frames, width: large.width, height: large.height };
  }

  saveGif() {
    const { frames, width, height } = this.enlarged();
    const there = frames.map((frame) => frame.data);
    const back = there.slice(1, -1).reverse();
    const bytes = encodeGif([...there, ...back], width, height, { delay_ms: FRAME_MS, loop: 0 });
    save(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type: "image/gif" }), `walk-${this.kind}.gif`);
  }

  savePng() {
    const { frames, width, height } = this.enlarged();
    const row = make("canvas", { width: frames.length * (width + 2) - 2, height });
    frames.forEach((frame, k) => context(row).putImageData(frame, k * (width + 2), 0));
    row.toBlob((blob) => blob && save(blob, `walk-${this.kind}.png`));
  }
}

/** @param {Walk | undefined} walk */
function total(walk) {
  return walk ? walk.steps.reduce((sum, step) => sum + step, 0) : 0;
}
