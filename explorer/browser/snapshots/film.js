/**
 * The film of a training: the codes of the test set as they move, the same images reconstructed
 * ever better, samples of the prior. While it runs, the newest frames flow in; afterwards it is
 * played, scrubbed, compared with another one, and saved.
 */

import { readHalves } from "../numerics/decoder.js";
import { encodeGif } from "../numerics/gif.js";
import { context, levels, make, part, save, shown } from "../common/dom.js";
import { fewGreys, mixed, positionOf, reaches, readFrame, readShared, streamEntries, widest } from "../numerics/frames.js";

/** @import { Frame, Shared } from "../numerics/frames.js" */
/**
 * @typedef {{url: string, name: string}} FilmData address and title
 * @typedef {{films: FilmData[], live: boolean, colours: string[], inStep: "share" | "step"}} FilmsData
 */

const FILM_SECONDS = 10;
const FLOW_SECONDS = 0.7;
const DOT = 2.3;
const NEAR_DOT = 10;
const ROWS = ["Reconstructed", "Samples from the prior"];
const GIF = { frames: 60, side: 300, cell: 28, delay_ms: 100 };
const LIVE_MS = 500;
const [STAMPS, SHARED] = [-2, -1];
const SPEEDS = { "0.5": "½×", 1: "1×", 2: "2×", 4: "4×" };

/** One film: its frames, and its place on the page. */
class Reel {
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
    this.canvas = make("canvas", { className: "codes" });
    this.title = make("b");
    this.said = make("p", { className: "said" });
    this.hint = make("p", { className: "hint" });
    this.legend = make("p", { className: "legend" });
    this.choices = make("span", { className: "choices" });
    this.rows = make("div", { className: "rows" });
    /** @type {HTMLCanvasElement[][]} */
    this.cells = [];
    this.changed = changed;
    this.place = make(
      "div",
      { className: "reel" },
      make("div", { className: "side" }, this.title, this.canvas, this.legend, this.choices),
      make("div", { className: "side" }, this.said, this.rows, this.hint),
    );
    this.canvas.onpointermove = (event) => this.point(event);
    this.canvas.onpointerleave = () => this.hover(null);
    /** @type {number | null} the test image under the pointer */
    this.touched = null;
    this.reachNow = 1;
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

  /** Fetches what comes after the last frame; drops frames that are no more or were made anew. */
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
      this.frames.push(readFrame(step, file, stamp, readHalves));
    } catch {
      // the film is shown without it
    }
  }

  /** @param {Shared} shared */
  furnish(shared) {
    this.shared = shared;
    const [, height, width] = shared.shape;
    const names = ["Test images", ...ROWS.slice(0, shared.hasRate ? 2 : 1)];
    this.cells = names.map(() =>
      Array.from({ length: shared.count }, () => make("canvas", { width, height })),
    );
    const labelled = names.flatMap((name, i) => [
      make("p", {}, name),
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
    if (!this.axes.length) {
      this.axes = widest(last);
      this.choose(last.size, colours);
    }
    this.reach = reaches(this.frames, this.axes, this.shared.hasRate ? 3.15 : 1e-6);
  }

  /**
   * Legend, and of more than two latents a choice.
   * @param {number} size
   * @param {string[]} colours
   */
  choose(size, colours) {
    const { names, labels } = /** @type {Shared} */ (this.shared);
    this.legend.replaceChildren(
      ...(labels && names.length <= 30 ? names : []).map((name, i) => {
        const dot = make("i");
        dot.style.background = colours[i % colours.length];
        return make("span", {}, dot, name);
      }),
    );
    if (size < 3) return;
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
        select.append(make("option", { value: String(j), textContent: `z${j + 1}`, selected: chosen }));
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
   * @param {string[]} colours
   * @param {number} least how far the map reaches at least, for two on one scale
   */
  show(position, colours, least = 0) {
    if (!this.frames.length || !this.shared) return;
    this.position = Math.min(Math.max(0, position), this.frames.length - 1);
    this.reachNow = Math.max(least, this.reachAt(this.position));
    this.drawMap(this.canvas, colours);
    this.images().forEach((images, i) => this.paintRow(i + 1, images));
    this.said.replaceChildren(...this.words().map((line) => make("span", {}, line)));
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

  codes() {
    const [from, to, share] = this.around();
    return mixed(from.codes, to.codes, share);
  }

  images() {
    const [from, to, share] = this.around();
    return from.images.map((images, i) => mixed(images, to.images[i], share));
  }

  /** What the nearest frame says, in two lines. */
  words() {
    const { total, perEpoch, hasRate } = /** @type {Shared} */ (this.shared);
    const { step, distortion, rate, codes, size } = this.frames[Math.round(this.position)];
    const epoch = shown(step / perEpoch, step % perEpoch ? 1 : 0);
    const terms = hasRate
      ? `D ${shown(distortion)} + R ${shown(rate)} = −ELBO ${shown(distortion + rate)} nats`
      : `D ${shown(distortion)} nats`;
    const count = (codes.length / size).toLocaleString("en");
    return [
      `Step ${step.toLocaleString("en")} of ${total.toLocaleString("en")}, epoch ${epoch}`,
      `${terms} per image, mean of ${count} test images`,
    ];
  }

  /**
   * The codes in two latents, with the prior's circles.
   * @param {HTMLCanvasElement} canvas
   * @param {string[]} colours
   * @param {number} fixed side in pixels; 0: as on the page
   * @param {string} ink
   */
  drawMap(canvas, colours, fixed = 0, ink = "rgba(128,128,128,.9)") {
    const ratio = fixed ? 1 : window.devicePixelRatio || 1;
    const side = fixed || canvas.clientWidth;
    const pixels = Math.round(side * ratio);
    if (canvas.width !== pixels || canvas.height !== pixels) canvas.width = canvas.height = pixels;
    const pen = context(canvas);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, side, side);
    this.drawPrior(pen, side, ink);
    const places = this.places(side);
    const labels = this.shared?.labels;
    for (let n = 0; n < places.length / 2; n++) {
      pen.fillStyle = colours[labels ? labels[n] % colours.length : 0];
      const [x, y] = [places[2 * n], places[2 * n + 1]];
      if (fixed) pen.fillRect(Math.round(x) - 2, Math.round(y) - 2, 4, 4); // no blurred edges: few colours
      else pen.fillRect(x - DOT, y - DOT, 2 * DOT, 2 * DOT);
    }
    if (this.touched === null || fixed) return;
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(places[2 * this.touched], places[2 * this.touched + 1], 7, 0, 2 * Math.PI);
    pen.stroke();
  }

  /**
   * Circles of the prior, and what the axes are.
   * @param {CanvasRenderingContext2D} pen
   * @param {number} side
   * @param {string} ink
   */
  drawPrior(pen, side, ink) {
    const scale = side / 2 / this.reachNow;
    const { size } = this.frames[0];
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 1;
    pen.font = "11px sans-serif";
    pen.setLineDash([2, 3]);
    for (const radius of this.shared?.hasRate ? [1, 2, 3] : []) {
      pen.beginPath();
      if (size > 1) pen.arc(side / 2, side / 2, radius * scale, 0, 2 * Math.PI);
      else {
        for (const x of [side / 2 - radius * scale, side / 2 + radius * scale]) {
          pen.moveTo(x, 0);
          pen.lineTo(x, side);
        }
      }
      pen.stroke();
      const name = radius === 3 ? "3σ of the prior" : `${radius}σ`;
      pen.fillText(name, side / 2 + (size > 1 ? 3 : radius * scale + 3), size > 1 ? side / 2 - radius * scale + 12 : 12);
    }
    pen.setLineDash([]);
    const unit = this.shared?.hasRate ? " prior σ" : "";
    const across = `z${this.axes[0] + 1}, ±${shown(this.reachNow, 1)}${unit} →`;
    pen.fillText(across, side - pen.measureText(across).width - 4, side - 6);
    const up = size > 1 ? `↑ z${this.axes[1] + 1}` : "↑ order of the test images";
    pen.fillText(up, 4, 12);
  }

  /**
   * Where every code is on a map of that side; of one latent, the height is the image's number.
   * @param {number} side
   */
  places(side) {
    const codes = this.codes();
    const { size } = this.frames[0];
    const unit = side / 2 / this.reachNow;
    const count = codes.length / size;
    const found = new Float32Array(2 * count);
    for (let n = 0; n < count; n++) {
      found[2 * n] = side / 2 + unit * codes[n * size + this.axes[0]];
      found[2 * n + 1] =
        size > 1 ? side / 2 - unit * codes[n * size + this.axes[1]] : side * (1 - (n + 0.5) / count);
    }
    return found;
  }

  /** @param {PointerEvent} event */
  point(event) {
    if (!this.frames.length || !this.shared) return;
    const places = this.places(this.canvas.clientWidth);
    let [best, distance] = [-1, NEAR_DOT];
    for (let n = 0; n < places.length / 2; n++) {
      const far = Math.hypot(places[2 * n] - event.offsetX, places[2 * n + 1] - event.offsetY);
      if (far < distance) [best, distance] = [n, far];
    }
    this.hover(best < 0 ? null : best);
  }

  /** @param {number | null} n */
  hover(n) {
    if (n === this.touched) return;
    this.touched = n;
    const label = n === null ? undefined : this.shared?.labels?.[n];
    const name = label === undefined ? "" : `, class ${this.shared?.names[label] ?? label}`;
    this.hint.textContent = n === null ? "" : `Test image ${n}${name}`;
    this.cells.slice(0, 2).forEach((row) => row.forEach((cell, i) => cell.classList.toggle("now", i === n)));
    this.changed();
  }
}

/** The films of one place on the page. */
export class Films {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.slider = /** @type {HTMLInputElement} */ (part(root, "input"));
    this.player = part(root, ".play");
    this.liveButton = part(root, ".live");
    this.speed = /** @type {HTMLSelectElement} */ (part(root, "select"));
    /** @type {Reel[]} */
    this.reels = [];
    /** @type {FilmsData | null} */
    this.data = null;
    this.position = 0;
    this.playing = false;
    this.follows = true;
    this.frame = 0;
    this.then = 0;
    this.ended = false;
    this.asking = 0;
    for (const [value, textContent] of Object.entries(SPEEDS)) {
      this.speed.append(make("option", { value, textContent, selected: value === "1" }));
    }
    this.slider.oninput = () => this.scrub(Number(this.slider.value));
    this.player.onclick = () => this.toggle();
    this.liveButton.onclick = () => this.follow();
    part(root, ".gif").onclick = () => this.saveGif();
    part(root, ".png").onclick = () => this.savePng();
    this.watch = new ResizeObserver(() => this.tick());
    this.watch.observe(root);
  }

  /** @param {FilmsData} data */
  update(data) {
    this.data = data;
    while (this.reels.length > data.films.length) this.reels.pop();
    while (this.reels.length < data.films.length) this.reels.push(new Reel(() => this.changed()));
    const places = this.reels.map((reel) => reel.place);
    const there = part(this.root, ".reels");
    if ([...there.children].some((child, i) => child !== places[i]) || there.children.length !== places.length) {
      there.replaceChildren(...places);
    }
    there.classList.toggle("two", places.length > 1);
    this.liveButton.hidden = !data.live;
    clearTimeout(this.asking);
    this.ask();
  }

  /** Fetches the films; of one that is live, again and again what is new. */
  async ask() {
    const { films, live } = /** @type {FilmsData} */ (this.data);
    await Promise.all(this.reels.map((reel, i) => films[i] && reel.update(films[i])));
    clearTimeout(this.asking);
    if (live && this.root.isConnected && !this.ended) this.asking = setTimeout(() => this.ask(), LIVE_MS);
  }

  /** New frames have come, or another latent was chosen. */
  changed() {
    const first = this.reels[0];
    this.reels.forEach((reel) => reel.settle(this.data?.colours ?? []));
    const count = first?.frames.length ?? 0;
    const problem = this.reels.map((reel) => reel.problem).find(Boolean);
    const waits = this.data?.live ? "The first frame will be here in a moment." : "Reading the film…";
    part(this.root, ".state").textContent = problem || (count ? "" : waits);
    part(this.root, ".controls").hidden = part(this.root, ".reels").hidden = !count;
    this.slider.max = String(Math.max(0, count - 1));
    if (this.position > count - 1) this.position = Math.max(0, count - 1);
    if (this.follows && !this.data?.live) this.position = Math.max(0, count - 1);
    this.tick();
  }

  /** @param {number} position */
  scrub(position) {
    this.playing = this.follows = false;
    this.position = position;
    this.tick();
  }

  toggle() {
    this.playing = !this.playing;
    this.follows = false;
    const last = this.reels[0].frames.length - 1;
    if (this.playing && this.position >= last) this.position = 0;
    this.tick();
  }

  follow() {
    this.follows = true;
    this.playing = false;
    this.tick();
  }

  /** Asks for a frame of the screen, once. */
  tick() {
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      const passed = Math.min(0.1, (now - this.then) / 1000);
      this.then = now;
      if (this.root.isConnected && this.reels[0]?.frames.length) this.advance(passed);
    });
  }

  /** @param {number} passed seconds since the last frame of the screen */
  advance(passed) {
    const last = this.reels[0].frames.length - 1;
    if (this.playing) {
      this.position += (Number(this.speed.value) * passed * Math.max(last, 1)) / FILM_SECONDS;
      if (this.position >= last) [this.position, this.playing] = [last, false];
    } else if (this.follows && this.position < last) {
      const gap = last - this.position;
      this.position = gap < 0.01 ? last : this.position + gap * Math.min(1, passed / FLOW_SECONDS);
    }
    this.draw();
    if (this.playing || (this.follows && this.position < last)) this.tick();
  }

  /** Shows all films at the place of the first. */
  draw() {
    const { colours, inStep } = /** @type {FilmsData} */ (this.data);
    const [first, ...others] = this.reels;
    const positions = [this.position, ...others.map((reel) => this.match(first, reel, inStep))];
    const reach = Math.max(...this.reels.map((reel, i) => (reel.frames.length ? reel.reachAt(positions[i]) : 0)));
    this.reels.forEach((reel, i) => reel.show(positions[i], colours, reach));
    this.slider.value = String(Math.round(this.position));
    this.slider.setAttribute("aria-valuetext", first.words()[0]);
    this.player.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.liveButton.setAttribute("aria-pressed", String(this.follows));
  }

  /**
   * The position of another film at the same share of its training, or after as many updates.
   * @param {Reel} first
   * @param {Reel} reel
   * @param {"share" | "step"} by
   */
  match(first, reel, by) {
    if (!reel.frames.length) return 0;
    const [from, to, share] = frameAt(first, this.position);
    const step = from.step + share * (to.step - from.step);
    const factor = by === "share" ? updatesOf(reel) / updatesOf(first) : 1;
    return positionOf(reel.steps, step * factor);
  }

  /** One picture of all films, for a file. @returns {HTMLCanvasElement} */
  compose() {
    const { colours } = /** @type {FilmsData} */ (this.data);
    const { side, cell } = GIF;
    const rows = Math.max(...this.reels.map((reel) => reel.cells.length));
    const canvas = make("canvas", {
      width: this.reels.length * (side + 10) - 10,
      height: side + 20 + rows * (cell + 2),
    });
    const pen = context(canvas);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    const map = make("canvas");
    this.reels.forEach((reel, i) => {
      if (!reel.frames.length) return;
      const left = i * (side + 10);
      reel.drawMap(map, colours, side, "#777");
      pen.drawImage(map, left, 16);
      pen.fillStyle = "#222";
      pen.font = "12px sans-serif";
      pen.fillText(`${reel.title.textContent?.slice(0, 24)} · ${reel.words()[0]}`, left + 2, 12, side);
      reel.cells.forEach((row, r) =>
        row.forEach((image, c) => {
          const step = side / Math.max(10, row.length);
          pen.drawImage(image, left + c * step, side + 20 + r * (cell + 2), step - 2, cell);
        }),
      );
    });
    return canvas;
  }

  async saveGif() {
    const button = /** @type {HTMLButtonElement} */ (part(this.root, ".gif"));
    const before = this.position;
    button.disabled = true;
    try {
      const bytes = await this.encode((said) => (button.textContent = said));
      save(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type: "image/gif" }), "training.gif");
    } finally {
      button.textContent = "Save GIF";
      button.disabled = false;
      this.scrub(before);
    }
  }

  /**
   * The films as a GIF.
   * @param {(said: string) => void} report
   */
  async encode(report) {
    const last = this.reels[0].frames.length - 1;
    const count = Math.min(GIF.frames, last + 1);
    this.playing = this.follows = false;
    /** @type {Uint8ClampedArray[]} */
    const pictures = [];
    let size = { width: 0, height: 0 };
    for (let i = 0; i < count; i++) {
      report(`Drawing ${i + 1} of ${count}`);
      this.position = count > 1 ? (last * i) / (count - 1) : 0;
      this.draw();
      const canvas = this.compose();
      size = { width: canvas.width, height: canvas.height };
      pictures.push(fewGreys(context(canvas).getImageData(0, 0, size.width, size.height).data));
      await breathe();
    }
    report("Writing the file…");
    await breathe();
    pictures.push(...Array.from({ length: 10 }, () => pictures[count - 1])); // the end stays a second
    return encodeGif(pictures, size.width, size.height, { delay_ms: GIF.delay_ms });
  }

  savePng() {
    this.compose().toBlob((blob) => blob && save(blob, "training.png"));
  }

  end() {
    this.ended = true;
    clearTimeout(this.asking);
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }
}

/** Lets the page be drawn. @returns {Promise<void>} */
function breathe() {
  return new Promise((done) => setTimeout(done, 0));
}

/**
 * @param {Reel} reel
 * @param {number} position
 * @returns {[Frame, Frame, number]}
 */
function frameAt(reel, position) {
  const k = Math.min(Math.floor(position), reel.frames.length - 1);
  return [reel.frames[k], reel.frames[Math.min(k + 1, reel.frames.length - 1)], position - k];
}

/** Updates of a whole training. @param {Reel} reel */
function updatesOf(reel) {
  return reel.shared?.total ?? 1;
}

/**
 * What Streamlit calls, at first and whenever data or theme change.
 * @param {{parentElement: ParentNode, data: FilmsData}} component
 * @returns {() => void}
 */
export function trainingFilm({ parentElement, data }) {
  const root = /** @type {HTMLElement & {films?: Films}} */ (part(parentElement, ".training-film"));
  const films = (root.films ??= new Films(root));
  films.update(data);
  return () => setTimeout(() => root.isConnected || films.end());
}
