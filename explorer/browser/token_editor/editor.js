/**
 * The editor of tokens: an image as a grid of codes, changed by hand, drawn from the prior, and walked
 * through. Everything runs in the browser; Python hears nothing of it.
 */

import { context, make, namedCanvas, paint, part, shown } from "../common/dom.js";
import { fetchOnce } from "../common/files.js";
import { inSlices } from "../common/slices.js";
import { uniforms } from "../numerics/normal.js";
import { drawCode } from "../numerics/token_prior.js";
import { TokenModel } from "./model.js";

/** @import { Grid } from "./model.js" */
/** @typedef {{model: string, colours: string[]}} EditorData */
/** @typedef {{grid: Grid, rate: number, rows: ArrayLike<number>[], decoded: Float32Array,
 *   distortion: number | null}} Measured a grid, what it costs, and what it decodes to */

const WALK_STEPS = 9;
const DRAWING_MS = 2400;
const LONGEST_STEP_MS = 140;
const NUMBERED_COLUMNS = 10;
const DRAWN = "No test image: drawn from the prior";

/** One editor with what it shows. */
export class TokenEditor {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {TokenModel | null} */
    this.model = null;
    /** @type {string[]} */
    this.colours = [];
    this.url = "";
    this.image = 0; // number of the test image; −1: none
    this.source = ""; // what the grid was before it was edited
    /** @type {Measured} */
    this.start = { grid: [], rate: 0, rows: [], decoded: new Float32Array(), distortion: null };
    this.measured = this.start;
    /** @type {Grid} */
    this.grid = [];
    this.marked = 0;
    this.drawn = 0; // how many grids were drawn: the seed of the next
    this.drawing = 0; // serial of the drawing under way; 0: none
    this.serial = 0;
    /** @type {Grid[]} */
    this.pins = [];
    /** @type {HTMLButtonElement[]} */
    this.tiles = [];
    /** @type {HTMLButtonElement[]} */
    this.codes = [];
    part(root, ".draw").onclick = () => this.draw();
    part(root, ".stop").onclick = () => this.stop();
    part(root, ".reset").onclick = () => this.put(this.start.grid, this.image, this.source);
    for (const button of root.querySelectorAll(".pin")) {
      button.addEventListener("click", () => this.pin(Number(button.getAttribute("data-pin"))));
    }
    part(root, ".tiles").addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.stop());
  }

  /** @param {EditorData} data */
  async update({ model: url, colours }) {
    if (url === this.url) return;
    this.url = url;
    this.stop();
    try {
      const file = await fetchOnce(url, (answer) => answer.arrayBuffer());
      if (url !== this.url) return; // another model was chosen meanwhile
      this.open(new TokenModel(new Uint8Array(file)), colours);
    } catch (error) {
      this.say(`The model cannot be shown: ${/** @type {Error} */ (error).message}. Reload the page.`);
      this.url = "";
    }
  }

  /** @param {string} text instead of the editor; empty: the editor */
  say(text) {
    part(this.root, ".state").textContent = text;
    part(this.root, ".state").hidden = !text;
    part(this.root, ".body").hidden = Boolean(text);
  }

  /**
   * Shows a model, at first with its first test image.
   * @param {TokenModel} model
   * @param {string[]} colours
   */
  open(model, colours) {
    Object.assign(this, { model, colours, drawn: 0, marked: model.columns * (model.rows >> 1) + (model.columns >> 1) });
    this.say("");
    this.furnish(model);
    const some = model.count ? [model.gridOf(0), model.gridOf(Math.min(1, model.count - 1))] : [this.sample(0), this.sample(1)];
    this.pins = some;
    if (model.count) this.choose(0);
    else this.put(some[0], -1, DRAWN);
    this.showWalk();
  }

  /** @param {TokenModel} model */
  furnish(model) {
    const { root, colours } = this;
    for (const element of root.querySelectorAll(".choice")) /** @type {HTMLElement} */ (element).hidden = !model.count;
    part(root, ".thumbs").replaceChildren(...Array.from({ length: model.count }, (_, n) => this.thumb(model, n)));
    this.tiles = Array.from({ length: model.places }, (_, place) => {
      const tile = make("button", { type: "button", onclick: () => this.mark(place) });
      return this.explained(tile, () => this.describeTile(place));
    });
    const tiles = part(root, ".tiles");
    tiles.style.setProperty("--columns", String(model.columns));
    tiles.classList.toggle("small", model.columns > NUMBERED_COLUMNS);
    tiles.replaceChildren(...this.tiles);
    const most = model.usage.reduce((best, count) => Math.max(best, count), 1);
    this.codes = Array.from({ length: model.codes }, (_, code) => {
      const used = make("span", { className: "bar" }, make("i", { className: "used" }));
      /** @type {HTMLElement} */ (used.firstChild).style.width = `${(100 * model.usage[code]) / most}%`;
      const expected = make("span", { className: "bar" }, make("i", { className: "expected" }));
      const button = make("button", { type: "button", onclick: () => this.assign(code) }, make("canvas"), String(code), used, expected);
      button.style.background = colours[code];
      button.setAttribute("aria-label", `Code ${code}`);
      return this.explained(button, () => this.describeCode(code));
    });
    part(root, ".codes").replaceChildren(...this.codes);
    const { used: inUse, perplexity, total } = model.use;
    const counted = total ? `, ${inUse} in use, perplexity ${shown(perplexity, 1)}` : "";
    part(root, ".of-book").textContent = `Codebook: ${model.codes} codes${counted}`;
    part(root, ".longest").textContent = total ? ` (full bar: ${percent(most / total)})` : "";
    this.showCodes(model);
  }

  /**
   * Decodes the codes' pictures while the page stays alive.
   * @param {TokenModel} model
   */
  showCodes(model) {
    const codes = this.codes;
    const work = function* () {
      for (let code = 0; code < codes.length; code++) {
        const { values, shape } = model.tileOf(code);
        paint(/** @type {HTMLCanvasElement} */ (part(codes[code], "canvas")), values, shape);
        yield code / codes.length;
      }
    };
    inSlices(work(), { report: () => {}, isWanted: () => this.model === model });
  }

  /**
   * @param {TokenModel} model
   * @param {number} n
   */
  thumb(model, n) {
    const canvas = make("canvas");
    paint(canvas, model.originalOf(n), model.shape);
    const button = make("button", { type: "button", onclick: () => this.choose(n) }, canvas);
    button.setAttribute("aria-label", this.nameOf(model, n));
    button.title = this.nameOf(model, n);
    return button;
  }

  /**
   * @param {TokenModel} model
   * @param {number} n
   */
  nameOf(model, n) {
    const name = model.labels && model.names[model.labels[n]];
    return `Test image ${model.numbers[n]}${name === null || name === undefined ? "" : `, class ${name}`}`;
  }

  /**
   * An element that says what it is while the pointer or the keyboard is there.
   * @param {HTMLButtonElement} button
   * @param {() => string} describe
   */
  explained(button, describe) {
    const say = () => (part(this.root, ".hover").textContent = describe());
    button.addEventListener("pointerenter", say);
    button.addEventListener("focus", say);
    return button;
  }

  /** @param {number} code */
  share(code) {
    const { usage, use } = /** @type {TokenModel} */ (this.model);
    return use.total ? usage[code] / use.total : 0;
  }

  /** @param {number} place */
  describeTile(place) {
    const model = /** @type {TokenModel} */ (this.model);
    const at = `Row ${Math.floor(place / model.columns) + 1}, column ${(place % model.columns) + 1}`;
    if (this.grid.length <= place) return `${at}: not drawn yet.`;
    const code = this.grid[place];
    const cost = shown(-this.measured.rows[place][code]);
    return `${at}: code ${code}, ${percent(this.share(code))} of the test images’ tokens. Here the prior charges ${cost} nats for it.`;
  }

  /** @param {number} code */
  describeCode(code) {
    const chance = percent(Math.exp(this.measured.rows[this.marked][code]));
    return `Code ${code}: ${percent(this.share(code))} of the test images’ tokens; at the marked tile the prior gives it ${chance}.`;
  }

  /** @param {number} n a test image */
  choose(n) {
    const model = /** @type {TokenModel} */ (this.model);
    this.put(model.gridOf(n), n, this.nameOf(model, n));
  }

  /**
   * Takes a grid to start from.
   * @param {Grid} grid
   * @param {number} image the test image that it is of; −1: none
   * @param {string} source what it is
   */
  put(grid, image, source) {
    this.stop();
    Object.assign(this, { image, source });
    const model = /** @type {TokenModel} */ (this.model);
    const original = /** @type {HTMLCanvasElement} */ (part(this.root, ".original"));
    original.style.visibility = image < 0 ? "hidden" : "";
    if (image >= 0) paint(original, model.originalOf(image), model.shape);
    original.setAttribute("aria-label", image < 0 ? "" : source);
    part(this.root, ".of-original").textContent = source;
    [...part(this.root, ".thumbs").children].forEach((button, n) => button.setAttribute("aria-pressed", String(n === image)));
    this.grid = [...grid];
    this.start = this.measure(this.grid);
    this.show();
  }

  /**
   * @param {Grid} grid
   * @returns {Measured}
   */
  measure(grid) {
    const model = /** @type {TokenModel} */ (this.model);
    const decoded = model.decode(grid);
    const distortion = this.image < 0 ? null : model.distortion(model.originalOf(this.image), decoded);
    return { grid: [...grid], ...model.priorOf(grid), decoded, distortion };
  }

  /** @param {number} place */
  mark(place) {
    if (this.drawing) return;
    this.marked = place;
    this.show();
    this.reveal(this.codes[this.grid[place]]);
  }

  /**
   * Scrolls the codebook, and nothing else, to a code.
   * @param {HTMLElement} code
   */
  reveal(code) {
    const box = part(this.root, ".codes");
    const [top, bottom] = [code.offsetTop, code.offsetTop + code.offsetHeight];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
  }

  /** @param {number} code for the marked tile */
  assign(code) {
    if (this.drawing) return;
    this.grid[this.marked] = code;
    this.show();
    part(this.root, ".hover").textContent = this.describeCode(code);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { rows, columns } = /** @type {TokenModel} */ (this.model);
    const [row, column] = [Math.floor(this.marked / columns), this.marked % columns];
    /** @type {Record<string, [number, number]>} */
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move || this.drawing) return;
    event.preventDefault();
    const to = [Math.min(rows - 1, Math.max(0, row + move[0])), Math.min(columns - 1, Math.max(0, column + move[1]))];
    this.mark(to[0] * columns + to[1]);
    this.tiles[this.marked].focus();
  }

  /** Everything that follows from the grid and the marked tile. */
  show() {
    const model = /** @type {TokenModel} */ (this.model);
    this.measured = this.measure(this.grid);
    paint(/** @type {HTMLCanvasElement} */ (part(this.root, ".decoded")), this.measured.decoded, model.shape);
    this.showTiles(this.grid, this.marked);
    this.showChances(this.measured.rows[this.marked], this.grid[this.marked]);
    const edits = this.grid.filter((code, place) => code !== this.start.grid[place]).length;
    /** @type {HTMLButtonElement} */ (part(this.root, ".reset")).disabled = !edits;
    part(this.root, ".of-tiles").textContent =
      `${model.places} tokens of ${model.codes} codes${edits ? `, ${edits} changed by hand` : ""}`;
    const even = `All codes equally likely would cost ${model.places} ln ${model.codes} = ${shown(model.places * Math.log(model.codes))} nats.`;
    const before = edits ? `\n${this.image < 0 ? "Before" : "As encoded"}: ${costs(this.start)}.` : "";
    part(this.root, ".numbers").textContent = `${edits ? "Now: " : ""}${costs(this.measured)}.${before}\n${even}`;
  }

  /**
   * @param {Grid} grid as far as it is drawn
   * @param {number} marked
   */
  showTiles(grid, marked) {
    this.tiles.forEach((tile, place) => {
      const code = grid[place];
      tile.classList.toggle("open", code === undefined);
      tile.textContent = code === undefined ? "" : String(code);
      tile.style.background = code === undefined ? "" : this.colours[code];
      tile.setAttribute("aria-pressed", String(place === marked));
      tile.setAttribute("aria-label", `Row ${Math.floor(place / this.columns) + 1}, column ${(place % this.columns) + 1}: ${code === undefined ? "not drawn yet" : `code ${code}`}`);
      tile.tabIndex = place === marked ? 0 : -1;
    });
  }

  get columns() {
    return /** @type {TokenModel} */ (this.model).columns;
  }

  /**
   * @param {ArrayLike<number>} odds ln p of every code at a place
   * @param {number} chosen the code there; −1: none yet
   */
  showChances(odds, chosen) {
    this.codes.forEach((button, code) => {
      part(button, ".expected").style.width = `${100 * Math.exp(odds[code])}%`;
      button.setAttribute("aria-pressed", String(code === chosen));
    });
  }

  /**
   * A grid of the prior.
   * @param {number} seed
   * @returns {Grid}
   */
  sample(seed) {
    const model = /** @type {TokenModel} */ (this.model);
    const reader = model.prior.reader();
    const uniform = uniforms(seed);
    return Array.from({ length: model.places }, () => {
      const code = drawCode(reader.odds(), uniform());
      reader.take(code);
      return code;
    });
  }

  /** Draws a grid token by token, for the eye. */
  async draw() {
    const model = /** @type {TokenModel} */ (this.model);
    this.stop();
    const serial = (this.drawing = ++this.serial);
    const [reader, uniform] = [model.prior.reader(), uniforms(this.drawn)];
    const pause = Math.min(LONGEST_STEP_MS, DRAWING_MS / model.places);
    this.enable(true);
    /** @type {Grid} */
    const grid = [];
    let rate = 0;
    while (grid.length < model.places) {
      this.showDrawing(grid, reader.odds(), rate);
      await new Promise((next) => setTimeout(next, pause));
      if (serial !== this.drawing) return;
      const code = drawCode(reader.odds(), uniform());
      rate -= reader.odds()[code];
      reader.take(code);
      grid.push(code);
    }
    this.drawn++;
    this.put(grid, -1, DRAWN);
  }

  /**
   * @param {Grid} grid as far as it is drawn
   * @param {ArrayLike<number>} odds of the next token
   * @param {number} rate of those drawn
   */
  showDrawing(grid, odds, rate) {
    const model = /** @type {TokenModel} */ (this.model);
    const canvas = /** @type {HTMLCanvasElement} */ (part(this.root, ".decoded"));
    const likely = Array.from(odds).indexOf(Math.max(...Array.from(odds)));
    paint(canvas, model.decode(Array.from({ length: model.places }, (_, place) => grid[place] ?? likely)), model.shape);
    this.cover(canvas, model, grid.length);
    this.showTiles(grid, grid.length);
    this.showChances(odds, -1);
    part(this.root, ".progress").textContent = `Drawing token ${grid.length + 1} of ${model.places}`;
    part(this.root, ".of-tiles").textContent = "Drawn row by row, each given those before it";
    part(this.root, ".numbers").textContent = `R so far: ${shown(rate)} nats.`;
  }

  /**
   * Hides the places of an image that are not drawn yet.
   * @param {HTMLCanvasElement} canvas
   * @param {TokenModel} model
   * @param {number} done
   */
  cover(canvas, { rows, columns, places }, done) {
    const pen = context(canvas);
    const [height, width] = [canvas.height / rows, canvas.width / columns];
    pen.fillStyle = "#808080";
    for (let place = done; place < places; place++) {
      const [left, top] = [Math.floor((place % columns) * width), Math.floor(Math.floor(place / columns) * height)];
      pen.fillRect(left, top, Math.ceil(width), Math.ceil(height));
    }
  }

  /** Ends a drawing, if one is under way: what was there before it comes back. */
  stop() {
    if (!this.drawing) return;
    this.drawing = 0;
    this.enable(false);
    this.show();
  }

  /** @param {boolean} isDrawing */
  enable(isDrawing) {
    /** @type {HTMLButtonElement} */ (part(this.root, ".stop")).disabled = !isDrawing;
    /** @type {HTMLButtonElement} */ (part(this.root, ".draw")).disabled = isDrawing;
    for (const button of this.root.querySelectorAll(".pin")) /** @type {HTMLButtonElement} */ (button).disabled = isDrawing;
    if (!isDrawing) part(this.root, ".progress").textContent = "";
  }

  /** @param {number} slot 0 for A, 1 for B */
  pin(slot) {
    this.pins[slot] = [...this.grid];
    this.showWalk();
  }

  /** The walk between the pins; a step of it can be taken as the grid. */
  showWalk() {
    const model = /** @type {TokenModel} */ (this.model);
    const pins = [...this.pins];
    const steps = model.walk(pins[0], pins[1], WALK_STEPS);
    const places = steps.map((grid, k) => {
      const name = k === 0 ? "A" : k === WALK_STEPS - 1 ? "B" : String(k);
      const canvas = namedCanvas(`Step ${name}`);
      paint(canvas, model.decode(grid), model.shape);
      const cost = make("span", {}, "…");
      const shot = make("button", { type: "button", onclick: () => this.take(grid, name) }, canvas, make("b", {}, name), cost);
      return { grid, shot, cost };
    });
    part(this.root, ".walk").replaceChildren(...places.map(({ shot }) => shot));
    const work = function* () {
      for (const [k, { grid, cost }] of places.entries()) {
        cost.textContent = `${shown(model.priorOf(grid).rate, 1)} nats`;
        yield k / WALK_STEPS;
      }
    };
    const isWanted = () => this.model === model && this.pins.every((pin, slot) => pin === pins[slot]);
    inSlices(work(), { report: () => {}, isWanted });
  }

  /**
   * Shows a grid of the walk.
   * @param {Grid} grid
   * @param {string} name of the step
   */
  take(grid, name) {
    this.put(grid, -1, `No test image: step ${name} of the walk`);
  }
}

/** @param {number} share */
function percent(share) {
  return `${shown(100 * share, 1)} %`;
}

/** @param {Measured} measured */
function costs({ distortion, rate }) {
  if (distortion === null) return `R ${shown(rate)} nats, −ln of the grid’s probability under the prior`;
  return `D ${shown(distortion)} + R ${shown(rate)} = ${shown(distortion + rate)} nats for this image`;
}

/**
 * What Streamlit calls, at first and whenever data or theme change.
 * @param {{parentElement: ParentNode, data: EditorData}} component
 * @returns {() => void}
 */
export function tokenEditor({ parentElement, data }) {
  const root = /** @type {HTMLElement & {tokenEditor?: TokenEditor}} */ (part(parentElement, ".token-editor"));
  const editor = (root.tokenEditor ??= new TokenEditor(root));
  editor.update(data);
  return () => setTimeout(() => root.isConnected || editor.stop());
}
