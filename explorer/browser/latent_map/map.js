/**
 * The live map: a Plotly figure whose every spot is decoded in the browser.
 *
 * Python sends addresses and a few numbers, and hears of clicks and pins; never of moves. A new
 * run of the page's script changes only what is new: zoom, pins and overlays stay.
 */

import { dress, fetchOnce, frame, loadPlotly, placed } from "../common/chart.js";
import { buildPlane, nearestPoint } from "../numerics/geometry.js";
import { computeBackground } from "./background.js";
import { Gestures } from "./gestures.js";
import { Interpolation } from "./interpolation.js";
import { paintMarks, paintTouched } from "./marks.js";
import { LatentModel } from "./model.js";
import { part } from "../common/dom.js";
import { PointerPanel } from "./pointer_panel.js";
import { Pins } from "./pins.js";
import { movedPin, pinPixels } from "./pin_places.js";
import { Selection } from "./selection.js";
import { Toolbar } from "./toolbar.js";

/** @import { Plane } from "../numerics/geometry.js" */
/** @import { Background } from "./background.js" */
/** @import { Axis, Chart, Figure, MapData, PlotlyLibrary, Touch } from "../common/types.js" */

const NEAR = 9;
const CONFIG = {
  scrollZoom: true,
  displaylogo: false,
  doubleClick: false,
  modeBarButtonsToAdd: ["lasso2d"],
  modeBarButtonsToRemove: ["autoScale2d"],
  toImageButtonOptions: { format: "png", filename: "latent-map", scale: 2 },
};
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
    this.panel = new PointerPanel(part(root, ".lens"), () => document.querySelector(this.data?.panel ?? "#none"));
    this.pins = new Pins(part(root, ".pins"), part(root, ".list"), {
      decode: (z) => this.model.decode(z),
      shape: () => this.model.shape,
      pixels: (pin) => pinPixels(this, pin),
      move: (pin, pixel) => movedPin(this, pin, pixel),
      changed: (isFinal) => this.pinsChanged(isFinal),
    });
    this.interpolation = new Interpolation(part(root, ".walk"), {
      decode: (z) => this.model.decode(z),
      shape: () => this.model.shape,
      drawn: (path, at) => this.showPath(path, at),
      large: (values) => this.panel.large(values, this.model.shape),
    });
    this.toolbar = new Toolbar(part(root, ".toolbar"), (what) => this.toolChanged(what));
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
    /** @type {unknown} */
    this.shapes = [];
    this.ended = new AbortController();
    this.telling = 0;
    /** @type {number | null} */
    this.point = null;
    /** @type {number | null} */
    this.touched = null;
    /** @type {Float32Array[]} */
    this.path = [];
    /** @type {number | null} */
    this.step = null;
    /** @type {Background | null} */
    this.background = null;
    this.serial = 0;
    this.gestures = new Gestures(this);
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
    if (this.has.model !== data.model) this.forget();
    try {
      const [plotly, figure] = await Promise.all([
        loadPlotly(data.plotly),
        fetchOnce(data.figure, (answer) => answer.json()),
      ]);
      if (serial !== this.serial) return;
      await this.show(plotly, figure);
      const bytes = await fetchOnce(data.model, (answer) => answer.arrayBuffer());
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
    this.background = null;
    this.has.model = "";
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
    this.interpolation.stop();
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
    const uirevision = JSON.stringify([data.model, data.plane]); // the same place: zoom stays
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
    if (this.has.model === data.model) return;
    this.has.model = data.model;
    this.loaded = new LatentModel(bytes);
    this.originals = null;
    this.interpolation.pins = [];
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
      this.background = null;
      this.toolbar.offer({
        hasPlane: data.plane !== null,
        hasPosterior: this.model.logVariances !== null,
        isDeep: data.plane !== null && this.model.size > 2,
        home: data.plane?.home ?? "",
        hasClasses: this.model.labels !== null,
      });
    }
    this.toolbar.anchors(this.point, this.pins.all);
    this.anchor();
    this.interpolation.update(this.pins.all);
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
    const chosen = this.toolbar.anchor;
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

  /** The wheel over a pin, the other map, and another size. */
  listen() {
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

  /** Nothing lies under the pointer any more. */
  leave() {
    this.gestures.pointer = null;
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

  /** @param {boolean} isFinal */
  pinsChanged(isFinal) {
    clearTimeout(this.telling);
    this.toolbar.anchors(this.point, this.pins.all);
    this.anchor();
    this.drawMarks();
    if (!isFinal) return;
    this.interpolation.update(this.pins.all);
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
      this.background = null;
    }
    if (what === "prior") this.plotly?.relayout(this.chart, { shapes: this.toolbar.prior ? this.shapes : [] });
    if (what === "background" || what === "anchor") this.makeBackground();
    this.drawMarks();
  }

  /** Computes the background that is asked for. */
  async makeBackground() {
    const kind = this.toolbar.background;
    this.background = null;
    const { plane, model, positions } = this;
    if (kind === "none" || !plane) return;
    const isWanted = () => plane === this.plane && kind === this.toolbar.background;
    const report = (/** @type {number} */ share) => this.toolbar.progress(share);
    const background = await computeBackground(kind, model, plane, positions, { report, isWanted });
    this.toolbar.progress(1);
    if (background && isWanted()) this.background = background;
    this.drawMarks();
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
export function liveMap({ parentElement, data, setStateValue }) {
  const root = /** @type {HTMLElement & {latentMap?: LatentMap}} */ (part(parentElement, ".latent-map"));
  const map = (root.latentMap ??= new LatentMap(root));
  map.update(data, (touch) => setStateValue("touch", touch));
  return () => setTimeout(() => root.isConnected || map.end());
}
