/**
 * The live map: a Plotly figure whose every spot is decoded in the browser.
 *
 * Python sends addresses and a few numbers, and hears of clicks and pins; never of moves. A new
 * run of the page's script changes only what is new: zoom, pins and overlays stay.
 */

import { dress, fetchOnce, frame, loadPlotly, placed } from "../common/chart.js";
import { buildPlane, densityImage, nearestPoint } from "../numerics/geometry.js";
import { paintMarks, paintTouched } from "./marks.js";
import { LatentModel } from "./model.js";
import { decodedGround, densityGround, inSlices } from "./layers.js";
import { part } from "../common/dom.js";
import { Panel } from "./pointer_panel.js";
import { direction, Pins } from "./pins.js";
import { Selection } from "./selection.js";
import { Strip } from "./interpolation.js";
import { Tools } from "./toolbar.js";

/** @import { Plane } from "../numerics/geometry.js" */
/** @import { Ground } from "./layers.js" */
/** @import { Axis, Chart, Figure, MapData, Pin, PlotlyLibrary, Touch } from "../common/types.js" */

const NEAR = 9;
const CLICK = { pixels: 5, milliseconds: 700, again: 350 };
const CONFIG = {
  scrollZoom: true,
  displaylogo: false,
  doubleClick: false,
  modeBarButtonsToAdd: ["lasso2d"],
  modeBarButtonsToRemove: ["autoScale2d"],
  toImageButtonOptions: { format: "png", filename: "latent-map", scale: 2 },
};
const CELLS = 20;
const PIXELS = 90;
const SETTLED = 5;
const HOVER = "latent-hover";

/** One map on the page. */
export class LatentMap {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.stage = part(root, ".stage");
    this.chart = /** @type {Chart} */ (part(root, ".chart"));
    /** @type {Record<string, string>} what is loaded, by address */
    this.has = {};
    /** @type {(touch: Touch) => void} */
    this.tell = () => {};
    this.panel = new Panel(part(root, ".lens"), () => document.querySelector(this.data?.panel ?? "#none"));
    this.pins = new Pins(part(root, ".pins"), part(root, ".list"), {
      decode: (z) => this.model.decode(z),
      shape: () => this.model.shape,
      pixels: (pin) => this.pinPixels(pin),
      move: (pin, pixel) => this.movedPin(pin, pixel),
      changed: (isFinal) => this.pinsChanged(isFinal),
    });
    this.strip = new Strip(part(root, ".walk"), {
      decode: (z) => this.model.decode(z),
      shape: () => this.model.shape,
      drawn: (path, at) => this.showPath(path, at),
      large: (values) => this.panel.large(values, this.model.shape),
    });
    this.tools = new Tools(part(root, ".tools"), (what) => this.toolChanged(what));
    this.selection = new Selection(part(root, ".selection"), (z) => this.pin(z, null));
    /** @type {LatentModel | null} */
    this.loaded = null;
    /** @type {MapData | null} */
    this.data = null;
    /** @type {PlotlyLibrary | null} */
    this.plotly = null;
    /** @type {Plane | null} */
    this.plane = null;
    /** @type {Uint8Array | null} */
    this.originals = null;
    this.positions = new Float32Array();
    this.visible = new Uint8Array();
    /** @type {((place: ArrayLike<number>) => number | null) | null} the nearest point shown */
    this.nearest = null;
    /** @type {number[] | null} where the pointer is, or the keyboard's cursor */
    this.pointer = null;
    /** @type {unknown} */
    this.shapes = [];
    this.ended = new AbortController();
    this.clicked = -Infinity;
    this.telling = 0;
    this.waiting = false;
    /** @type {number | null} */
    this.point = null;
    /** @type {number | null} */
    this.touched = null;
    /** @type {Float32Array[]} */
    this.path = [];
    /** @type {number | null} */
    this.step = null;
    /** @type {Ground | null} */
    this.ground = null;
    this.cursor = [0, 0];
    this.serial = 0;
    this.listen();
  }

  /**
   * Takes what Python sends; loads and draws what is new.
   * @param {MapData} data
   * @param {(touch: Touch) => void} tell
   */
  async update(data, tell) {
    const serial = ++this.serial;
    this.tell = tell;
    this.data = data;
    if (this.has.pack !== data.pack) this.forget();
    try {
      const [plotly, figure] = await Promise.all([
        loadPlotly(data.plotly),
        fetchOnce(data.figure, (answer) => answer.json()),
      ]);
      if (serial !== this.serial) return;
      await this.show(plotly, figure);
      const bytes = await fetchOnce(data.pack, (answer) => answer.arrayBuffer());
      if (serial !== this.serial) return;
      this.load(new Uint8Array(bytes));
      this.settle(data);
      await this.loadOriginals();
    } catch (error) {
      if (serial === this.serial) this.say(`The map cannot be shown: ${/** @type {Error} */ (error).message}. Reload the page.`);
    }
  }

  /** Another model is on its way: what is shown of the last one must not answer for it. */
  forget() {
    this.nearest = null;
    this.loaded = null;
    this.ground = null;
    this.has.pack = "";
    this.leave();
    this.pins.set([]);
    for (const layer of this.root.querySelectorAll("canvas.layer")) {
      const canvas = /** @type {HTMLCanvasElement} */ (layer);
      canvas.width = 0;
    }
  }

  /** The page has left the map: frees the chart's WebGL contexts and the listeners. */
  end() {
    this.ended.abort();
    this.strip.stop();
    this.plotly?.purge(this.chart);
  }

  /** @param {string} text */
  say(text) {
    part(this.root, ".state").textContent = text;
  }

  /**
   * Draws the figure, or only its colours again where the theme has changed.
   * @param {PlotlyLibrary} plotly
   * @param {Figure} figure
   */
  async show(plotly, figure) {
    const data = /** @type {MapData} */ (this.data);
    const theme = getComputedStyle(this.root).getPropertyValue("--st-background-color");
    if (this.has.figure === data.figure && this.has.theme === theme) return;
    this.plotly = plotly;
    this.shapes = figure.layout.shapes;
    const isFirst = !this.has.figure;
    Object.assign(this.has, { figure: data.figure, theme });
    const uirevision = JSON.stringify([data.pack, data.plane]); // the same place: zoom stays
    const layout = { ...dress(figure.layout, this.root), uirevision };
    await plotly.react(this.chart, figure.data, layout, CONFIG);
    if (isFirst) this.listenToChart();
    this.say("");
    this.replace();
  }

  /**
   * Reads decoder and codes: once per model.
   * @param {Uint8Array} bytes
   */
  load(bytes) {
    const data = /** @type {MapData} */ (this.data);
    if (this.has.pack === data.pack) return;
    this.has.pack = data.pack;
    this.loaded = new LatentModel(bytes);
    this.originals = null;
    this.strip.pins = [];
    this.has.plane = "";
    this.anchor();
    this.replace();
    this.pins.set(data.pins.filter((pin) => pin.z.length === this.model.size));
  }

  /** The model; there is one wherever the map can be touched. */
  get model() {
    if (!this.loaded) throw new Error("the map's model must be loaded first");
    return this.loaded;
  }

  /**
   * Whatever may differ between two runs of the same model and figure.
   * @param {MapData} data
   */
  settle(data) {
    this.point = data.point;
    this.panel.prepare();
    const plane = JSON.stringify(data.plane);
    if (this.has.plane !== plane) {
      this.has.plane = plane;
      this.ground = null;
      this.tools.offer({
        hasPlane: data.plane !== null,
        hasPosterior: this.model.logVariances !== null,
        isDeep: data.plane !== null && this.model.size > 2,
        home: data.plane?.home ?? "",
        hasClasses: this.model.labels !== null,
      });
    }
    this.tools.anchors(this.point, this.pins.all);
    this.anchor();
    this.strip.update(this.pins.all);
    this.replace();
  }

  async loadOriginals() {
    const url = this.data?.originals;
    if (!url || this.originals) return;
    const bytes = await fetchOnce(url, (answer) => answer.arrayBuffer());
    if (url === this.data?.originals) this.originals = new Uint8Array(bytes);
  }

  /** Puts the plane through the chosen anchor. */
  anchor() {
    const plane = this.data?.plane;
    if (!plane) {
      this.plane = null;
      return;
    }
    const chosen = this.tools.anchor;
    /** @type {ArrayLike<number> | undefined} */
    let anchor;
    if (chosen === "point" && this.point !== null) anchor = this.model.codeOf(this.point);
    if (chosen.startsWith("pin ")) anchor = this.pins.all[Number(chosen.slice(4))]?.z;
    this.plane = buildPlane(plane.origin, plane.axes, anchor);
  }

  /** The points' places and what lies on them, after the figure, the legend or the model changed. */
  replace() {
    if (!this.chart._fullLayout?.xaxis?.l2p || !this.loaded) return;
    const { positions, visible } = placed(this.chart, this.model.count);
    Object.assign(this, { positions, visible });
    const listed = [...visible.keys()].filter((n) => visible[n]);
    const find = listed.length ? nearestPoint(listed.flatMap((n) => this.placeOf(n))) : null;
    this.nearest = (place) => (find ? listed[find(place).index] : null);
    this.drawMarks();
  }

  /** Pointer, keyboard, and the other map. */
  listen() {
    this.stage.addEventListener("pointermove", (event) => this.follow(event), { passive: true });
    this.stage.addEventListener("pointerleave", () => this.leave());
    this.stage.addEventListener("pointerdown", (event) => this.press(event), true);
    this.stage.addEventListener("keydown", (event) => this.key(event));
    part(this.root, ".pins").addEventListener("wheel", (event) => {
      event.preventDefault();
      this.chart.querySelector(".nsewdrag")?.dispatchEvent(new WheelEvent("wheel", event));
    });
    const echo = (/** @type {Event} */ event) => this.echo(/** @type {CustomEvent} */ (event).detail);
    document.addEventListener(HOVER, echo, { signal: this.ended.signal });
    const watch = new ResizeObserver(() => {
      if (this.plotly && this.chart._fullLayout && this.chart.clientWidth) this.plotly.Plots.resize(this.chart);
    });
    watch.observe(this.stage);
    this.ended.signal.addEventListener("abort", () => watch.disconnect());
  }

  listenToChart() {
    for (const event of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) {
      this.chart.on(event, () => this.drawMarks());
    }
    this.chart.on("plotly_restyle", () => this.replace());
    this.chart.on("plotly_selected", (details) => this.lassoed(details?.points ?? []));
    this.chart.on("plotly_deselect", () => this.lassoed([]));
  }

  /** @param {{customdata: number}[]} points */
  lassoed(points) {
    if (!this.loaded) return;
    const chosen = points.map((point) => point.customdata);
    this.selection.show(chosen, {
      names: this.model.names,
      labels: this.model.labels,
      distortions: this.model.distortions,
      codeOf: (n) => this.model.codeOf(n),
    });
  }

  /** @param {PointerEvent} event */
  follow(event) {
    const box = this.stage.getBoundingClientRect();
    this.pointer = [event.clientX - box.left, event.clientY - box.top];
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.pointer) this.look(this.pointer);
    });
  }

  leave() {
    this.pointer = null;
    this.panel.hide();
    this.touch(null);
  }

  /**
   * Decodes what lies at a pixel of the stage and shows it.
   * @param {number[]} pixel
   */
  look(pixel) {
    const spot = this.spotAt(pixel);
    if (!spot) {
      this.leave();
      return;
    }
    const { z, place, names } = spot;
    const { decode, source } = this.model;
    const found = { values: decode(z), source, place, names, z, ...this.model.density(z) };
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.panel.show(found, this.model.shape, { x: pixel[0], y: pixel[1], width, height });
    this.touch(spot.point);
  }

  /**
   * The code under a pixel, or null outside the plot.
   * @param {number[]} pixel
   */
  spotAt(pixel) {
    if (!this.nearest) return null;
    const view = frame(this.chart);
    const [x, y] = [pixel[0] - view.left, pixel[1] - view.top];
    if (x < 0 || y < 0 || x > view.width || y > view.height) return null;
    const place = view.toPlace(pixel);
    const near = this.nearest(place);
    const at = near === null ? [Infinity, Infinity] : view.toPixels(this.placeOf(near));
    const point = Math.hypot(at[0] - pixel[0], at[1] - pixel[1]) <= NEAR ? near : null;
    if (this.plane) {
      const names = /** @type {MapData} */ (this.data).plane?.names ?? [];
      return { z: this.plane.embed(place), place, names, point };
    }
    if (near === null) return null;
    const z = this.model.codeOf(near);
    return { z, place: [...z.slice(0, 2)], names: ["z₁", "z₂"].slice(0, z.length), point: near };
  }

  /** @param {number} n */
  placeOf(n) {
    return [this.positions[2 * n], this.positions[2 * n + 1]];
  }

  /**
   * A test image is under the pointer, or none.
   * @param {number | null} n
   * @param {boolean} isEcho
   */
  touch(n, isEcho = false) {
    if (n === this.touched) return;
    this.touched = n;
    if (!this.loaded) return;
    this.panel.touch(n === null ? null : this.imageOf(n), this.model.shape);
    paintTouched(this);
    if (isEcho) return;
    const detail = { from: this, data_set: this.data?.data_set, index: n };
    document.dispatchEvent(new CustomEvent(HOVER, { detail }));
  }

  /** @param {number} n */
  imageOf(n) {
    const size = this.model.shape.reduce((product, side) => product * side);
    const bytes = this.originals?.subarray(n * size, (n + 1) * size);
    return {
      index: n,
      text: this.model.nameOf(n),
      scores: this.model.scoresOf(n),
      original: bytes ? Float32Array.from(bytes, (v) => v / 255) : null,
      reconstruction: this.model.decode(this.model.codeOf(n)),
    };
  }

  /**
   * The same test image was touched on the other map.
   * @param {{from: LatentMap, data_set: string, index: number | null}} detail
   */
  echo({ from, data_set, index }) {
    if (from === this || data_set !== this.data?.data_set || !this.nearest) return;
    if (!this.root.isConnected || (index !== null && index >= this.model.count)) return;
    this.touch(index, true);
    if (index === null) this.panel.hide();
    else this.panel.large(this.model.decode(this.model.codeOf(index)), this.model.shape);
  }

  /** @param {PointerEvent} event */
  press(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.button !== 0 || !target.closest(".nsewdrag")) return;
    const start = { x: event.clientX, y: event.clientY, time: performance.now() };
    const release = (/** @type {PointerEvent} */ end) => {
      const far = Math.hypot(end.clientX - start.x, end.clientY - start.y);
      const now = performance.now();
      if (end.type === "pointercancel" || far > CLICK.pixels) return;
      if (now - start.time > CLICK.milliseconds || now - this.clicked < CLICK.again) return;
      this.clicked = now;
      const box = this.stage.getBoundingClientRect();
      this.click([start.x - box.left, start.y - box.top]);
    };
    const once = new AbortController();
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      document.addEventListener(type, (end) => (once.abort(), release(end)), { capture: true, signal: once.signal });
    }
  }

  /**
   * Pins the spot; on a point, selects its image too.
   * @param {number[]} pixel
   */
  click(pixel) {
    if (this.chart._fullLayout.dragmode === "lasso") return;
    const spot = this.spotAt(pixel);
    if (!spot) return;
    this.look(pixel);
    if (spot.point !== null) this.point = spot.point;
    this.pin(spot.point === null ? spot.z : this.model.codeOf(spot.point), spot.point);
  }

  /**
   * @param {ArrayLike<number>} z
   * @param {number | null} point
   */
  pin(z, point) {
    this.pins.add(Array.from(z), point);
    this.pinsChanged(true);
  }

  /**
   * Where a pin is in the chart. Without a plane (t-SNE): at its own or the nearest code.
   * @param {Pin} pin
   */
  pinPixels(pin) {
    const view = frame(this.chart);
    if (!this.plane) return view.toPixels(this.placeOf(pin.point ?? this.model.nearestCode(pin.z)));
    const place = this.plane.project(pin.z);
    const [x, y] = view.toPixels(place);
    return [x, this.model.size === 1 ? view.top + view.height / 2 : y];
  }

  /**
   * A pin taken to another pixel: it moves in the plane, its other coordinates stay.
   * @param {Pin} pin
   * @param {number[]} pixel
   * @returns {Pin}
   */
  movedPin(pin, pixel) {
    const view = frame(this.chart);
    const inside = [
      Math.min(Math.max(pixel[0], view.left), view.left + view.width),
      Math.min(Math.max(pixel[1], view.top), view.top + view.height),
    ];
    const place = view.toPlace(inside);
    if (!this.plane) {
      const near = this.nearest?.(place) ?? null;
      return near === null ? pin : { ...pin, z: [...this.model.codeOf(near)], point: near };
    }
    const from = this.plane.project(pin.z);
    const [a, b] = /** @type {MapData} */ (this.data).plane?.axes ?? [[], []];
    const z = pin.z.map((v, j) => v + (place[0] - from[0]) * a[j] + (place[1] - from[1]) * b[j]);
    return { ...pin, z, point: null };
  }

  /** @param {boolean} isFinal */
  pinsChanged(isFinal) {
    clearTimeout(this.telling);
    this.tools.anchors(this.point, this.pins.all);
    this.anchor();
    this.drawMarks();
    if (!isFinal) return;
    this.strip.update(this.pins.all);
    const touch = { pins: this.pins.all.map((pin) => ({ ...pin })), point: this.point };
    this.telling = window.setTimeout(() => this.tell(touch), SETTLED);
  }

  /**
   * The walk's path on the map.
   * @param {Float32Array[]} path
   * @param {number | null} step
   */
  showPath(path, step) {
    this.path = path;
    this.step = step;
    if (this.nearest) this.drawMarks();
  }

  /** @param {string} what */
  toolChanged(what) {
    if (what === "anchor") {
      this.anchor();
      this.ground = null;
    }
    if (what === "prior") this.plotly?.relayout(this.chart, { shapes: this.tools.prior ? this.shapes : [] });
    if (what === "ground" || what === "anchor") this.makeGround();
    this.drawMarks();
  }

  /** Computes the background that is asked for, in slices. */
  async makeGround() {
    const kind = this.tools.ground;
    this.ground = null;
    const plane = this.plane;
    if (kind === "none" || !plane) return;
    const [x, y] = this.extent();
    const { decode, shape, aggregate } = this.model;
    /** @type {Generator<number, Ground>} */
    let work = decodedGround((place) => decode(plane.embed(place)), shape, x, y, CELLS);
    if (kind === "density" && aggregate) {
      const rows = densityImage((place) => aggregate(plane.embed(place)), x, y, PIXELS, PIXELS);
      work = densityGround(rows, x, y, PIXELS);
    }
    const isWanted = () => plane === this.plane && kind === this.tools.ground;
    const report = (/** @type {number} */ share) => this.tools.progress(share);
    const ground = await inSlices(work, { report, isWanted });
    this.tools.progress(1);
    if (ground && isWanted()) this.ground = ground;
    this.drawMarks();
  }

  /** The rectangle of all points, and a quarter more on every side. */
  extent() {
    return [0, 1].map((axis) => {
      let [low, high] = [Infinity, -Infinity];
      for (let i = axis; i < this.positions.length; i += 2) {
        low = Math.min(low, this.positions[i]);
        high = Math.max(high, this.positions[i]);
      }
      const margin = 0.25 * (high - low) || 1;
      return /** @type {[number, number]} */ ([low - margin, high + margin]);
    });
  }

  /** Draws what lies over the points again. */
  drawMarks() {
    if (!this.nearest || !this.chart._fullLayout?.xaxis?.l2p) return;
    paintMarks(this);
    paintTouched(this);
    this.pins.place();
  }

  /**
   * Where a code is on the map.
   * @param {ArrayLike<number>} z
   */
  onMap(z) {
    if (this.plane && this.model.size > 1) return this.plane.project(z);
    return this.placeOf(this.model.nearestCode(z));
  }

  /**
   * Arrow keys move a cursor over the map, Enter pins, plus and minus zoom.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (event.target !== this.stage || !this.nearest) return;
    const view = frame(this.chart);
    const [dx, dy] = direction(event.key);
    if (!this.pointer) this.cursor = [view.left + view.width / 2, view.top + view.height / 2];
    if (dx || dy) {
      const step = event.shiftKey ? 40 : 8;
      this.cursor = [
        Math.min(Math.max(this.cursor[0] + dx * step, view.left), view.left + view.width),
        Math.min(Math.max(this.cursor[1] + dy * step, view.top), view.top + view.height),
      ];
      this.pointer = this.cursor;
      this.look(this.cursor);
    } else if (event.key === "Enter") this.click(this.cursor);
    else if (event.key === "Escape") this.leave();
    else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? 0.8 : 1.25);
    else return;
    event.preventDefault();
  }

  /** @param {number} factor */
  zoom(factor) {
    const { xaxis, yaxis } = this.chart._fullLayout;
    const around = (/** @type {Axis} */ { range: [low, high] }) => {
      const [middle, half] = [(low + high) / 2, ((high - low) / 2) * factor];
      return [middle - half, middle + half];
    };
    this.plotly?.relayout(this.chart, { "xaxis.range": around(xaxis), "yaxis.range": around(yaxis) });
  }
}

/**
 * What Streamlit calls, at first and whenever data or theme change.
 * @param {{parentElement: ParentNode, data: MapData, setStateValue: (name: string, value: Touch) => void}} component
 * @returns {() => void} called when the component goes
 */
export default function liveMap({ parentElement, data, setStateValue }) {
  const root = /** @type {HTMLElement & {latentMap?: LatentMap}} */ (part(parentElement, ".latent-map"));
  const map = (root.latentMap ??= new LatentMap(root));
  map.update(data, (touch) => setStateValue("touch", touch));
  return () => setTimeout(() => root.isConnected || map.end());
}
