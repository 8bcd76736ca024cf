/**
 * The live map: a Plotly figure whose every spot is decoded in the browser.
 *
 * Python sends addresses and a few numbers, and hears of clicks and pins; never of moves. A new
 * run of the page's script changes only what is new: zoom, pins and overlays stay.
 */

import { dress, fetchOnce, frame, loadPlotly, placed } from "./chart.js";
import { buildAggregate, buildDecoder, logPrior, unpack } from "./decoder.js";
import { buildPlane, classMeans, densityImage, ellipse, nearestPoint } from "./geometry.js";
import { cross, decodedGround, densityGround, drawGround, DRAWN, inSlices, ring, SELECTED, sheet, traceEllipse, traceSteps } from "./overlay.js";
import { part, shown } from "./paint.js";
import { Panel } from "./panel.js";
import { direction, Pins } from "./pins.js";
import { Selection } from "./selection.js";
import { Strip } from "./strip.js";
import { Tools } from "./tools.js";

/** @import { Frame, Ground } from "./overlay.js" */
/** @import { ImageShape } from "./paint.js" */
/** @import { Chart, Figure, MapData, Pin, PlotlyLibrary, Touch } from "./types.js" */

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
      decode: (z) => this.decode(z),
      shape: [1, 1, 1],
      pixels: (pin) => this.pinPixels(pin),
      move: (pin, pixel) => this.movedPin(pin, pixel),
      changed: (isFinal) => this.pinsChanged(isFinal),
    });
    this.strip = new Strip(part(root, ".walk"), {
      decode: (z) => this.decode(z),
      shape: [1, 1, 1],
      drawn: (path, at) => this.showPath(path, at),
      large: (values) => this.panel.large(values, this.shape),
    });
    this.tools = new Tools(part(root, ".tools"), (what) => this.toolChanged(what));
    this.selection = new Selection(part(root, ".selection"), (z) => this.pin(z, null));
    /** @type {ImageShape} */
    this.shape = [1, 1, 1];
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
    const { header, numbers } = unpack(bytes);
    const { decode, used } = buildDecoder(header.layers, numbers);
    let at = used;
    /** @type {Record<string, Float32Array>} */
    const arrays = {};
    for (const [name, count] of header.arrays) arrays[name] = numbers.subarray(at, (at += count));
    this.header = header;
    this.decode = decode;
    this.shape = this.pins.host.shape = this.strip.host.shape = header.image_shape;
    this.size = header.latent_dim;
    this.means = arrays.mean;
    this.count = arrays.mean.length / header.latent_dim;
    this.logVariances = arrays.log_variance ?? null;
    this.labels = arrays.label ?? null;
    this.distortions = arrays.distortion;
    this.aggregate = this.logVariances
      ? buildAggregate(header.latent_dim, this.means, this.logVariances)
      : null;
    this.usual = this.usualDensity();
    this.originals = null;
    this.strip.pins = [];
    this.has.plane = "";
    this.anchor();
    this.replace();
    this.pins.set(data.pins.filter((pin) => pin.z.length === this.size));
  }

  /** The 1st percentile of ln q(z) at the codes themselves: below it, few codes are near. */
  usualDensity() {
    if (!this.aggregate) return null;
    const step = Math.max(1, Math.floor(this.count / 200));
    const densities = [];
    for (let n = 0; n < this.count; n += step) densities.push(this.aggregate(this.codeOf(n)));
    densities.sort((a, b) => a - b);
    return densities[Math.floor(densities.length / 100)];
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
        hasPosterior: this.logVariances !== null,
        isDeep: data.plane !== null && this.size > 2,
        home: data.plane?.home ?? "",
        hasClasses: this.labels !== null,
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
    let anchor;
    if (chosen === "point" && this.point !== null) anchor = this.codeOf(this.point);
    if (chosen.startsWith("pin ")) anchor = this.pins.all[Number(chosen.slice(4))]?.z;
    this.plane = buildPlane(plane.origin, plane.axes, anchor);
  }

  /** @param {number} n */
  codeOf(n) {
    return this.means.slice(n * this.size, (n + 1) * this.size);
  }

  /** The points' places and what lies on them, after the figure, the legend or the model changed. */
  replace() {
    if (!this.chart._fullLayout?.xaxis?.l2p || !this.means) return;
    Object.assign(this, placed(this.chart, this.count));
    const listed = [...this.visible.keys()].filter((n) => this.visible[n]);
    const find = listed.length ? nearestPoint(listed.flatMap((n) => this.placeOf(n))) : null;
    this.nearest = (/** @type {ArrayLike<number>} */ place) =>
      find ? listed[find(place).index] : null;
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
    document.addEventListener(HOVER, (event) => this.echo(/** @type {CustomEvent} */ (event).detail));
    new ResizeObserver(() => {
      if (this.plotly && this.chart._fullLayout) this.plotly.Plots.resize(this.chart);
    }).observe(this.stage);
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
    const chosen = points.map((point) => point.customdata);
    this.selection.show(chosen, {
      names: this.header.class_names,
      labels: this.labels,
      distortions: this.distortions,
      codeOf: (n) => this.codeOf(n),
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
    const values = this.decode(spot.z);
    const density = this.aggregate ? this.aggregate(spot.z) : null;
    this.panel.show(
      {
        values,
        place: spot.place,
        names: spot.names,
        z: spot.z,
        logPrior: this.aggregate ? logPrior(spot.z) : null,
        logAggregate: density,
        rare: density !== null && density < /** @type {number} */ (this.usual),
      },
      this.shape,
      { x: pixel[0], y: pixel[1], width: this.stage.clientWidth, height: this.stage.clientHeight },
    );
    this.touch(spot.point);
  }

  /**
   * The code under a pixel, or null outside the plot.
   * @param {number[]} pixel
   */
  spotAt(pixel) {
    if (!this.nearest || !this.decode) return null;
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
    const z = this.codeOf(near);
    return { z, place: [...z.slice(0, 2)], names: ["z₁", "z₂"].slice(0, this.size), point: near };
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
    this.panel.touch(n === null ? null : this.imageOf(n), this.shape);
    this.drawTouched();
    if (isEcho) return;
    const detail = { from: this, data_set: this.data?.data_set, index: n };
    document.dispatchEvent(new CustomEvent(HOVER, { detail }));
  }

  /** @param {number} n */
  imageOf(n) {
    const label = this.labels ? ` · ${this.header.class_names[this.labels[n]]}` : "";
    const size = this.shape[0] * this.shape[1] * this.shape[2];
    const bytes = this.originals?.subarray(n * size, (n + 1) * size);
    return {
      index: n,
      text: `Image ${n}${label}`,
      scores: this.scoresOf(n),
      original: bytes ? Float32Array.from(bytes, (v) => v / 255) : null,
      reconstruction: this.decode(this.codeOf(n)),
    };
  }

  /**
   * D and R of a test image: −ln p(x|z) as it was scored, and its posterior's KL to the prior.
   * @param {number} n
   */
  scoresOf(n) {
    const distortion = `D ${shown(this.distortions[n], 1)}`;
    if (!this.logVariances) return `${distortion} nats`;
    const [mean, from] = [this.codeOf(n), n * this.size];
    const rate = mean.reduce((sum, m, j) => {
      const logVariance = this.logVariances[from + j];
      return sum + 0.5 * (m * m + Math.exp(logVariance) - 1 - logVariance);
    }, 0);
    return `${distortion} + R ${shown(rate, 1)} nats`;
  }

  /**
   * The same test image was touched on the other map.
   * @param {{from: LatentMap, data_set: string, index: number | null}} detail
   */
  echo({ from, data_set, index }) {
    if (from === this || data_set !== this.data?.data_set || !this.nearest) return;
    if (!this.root.isConnected || (index !== null && index >= this.count)) return;
    this.touch(index, true);
    if (index === null) this.panel.hide();
    else this.panel.large(this.decode(this.codeOf(index)), this.shape);
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
      if (now - start.time > CLICK.milliseconds || now - (this.clicked ?? -1e9) < CLICK.again) return;
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
    this.pin(spot.point === null ? spot.z : this.codeOf(spot.point), spot.point);
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
    if (!this.plane) return view.toPixels(this.placeOf(pin.point ?? this.nearestCode(pin.z)));
    const place = this.plane.project(pin.z);
    const [x, y] = view.toPixels(place);
    return [x, this.size === 1 ? view.top + view.height / 2 : y];
  }

  /**
   * The test image whose code is nearest to z, by Euclidean distance.
   * @param {ArrayLike<number>} z
   */
  nearestCode(z) {
    let [best, least] = [0, Infinity];
    for (let n = 0; n < this.count; n++) {
      let distance = 0;
      for (let j = 0; j < this.size; j++) distance += (this.means[n * this.size + j] - z[j]) ** 2;
      if (distance < least) [best, least] = [n, distance];
    }
    return best;
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
      return near === null ? pin : { ...pin, z: [...this.codeOf(near)], point: near };
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
    this.telling = setTimeout(() => this.tell(touch), 20);
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
    const decodeAt = (/** @type {[number, number]} */ place) => this.decode(plane.embed(place));
    const side = kind === "grid" ? 20 : 90;
    const work =
      kind === "grid"
        ? decodedGround(decodeAt, this.shape, x, y, side)
        : densityGround(
            densityImage((place) => /** @type {(z: Float32Array) => number} */ (this.aggregate)(plane.embed(place)), x, y, side, side),
            x, y, side,
          );
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

  /** Everything that stays while the pointer moves: once per change of view or content. */
  drawMarks() {
    if (!this.nearest || !this.chart._fullLayout?.xaxis?.l2p) return;
    const view = frame(this.chart);
    const under = sheet(part(this.root, ".under"), this.chart, view);
    if (this.ground) drawGround(under, view, this.ground);
    const pen = sheet(part(this.root, ".marks"), this.chart, view);
    if (this.tools.posterior === "all") this.drawPosteriors(pen, view);
    if (this.tools.means && this.labels) this.drawMeans(pen, view);
    if (this.path.length) traceSteps(pen, view, this.path.map((z) => this.onMap(z)), "#e76300");
    if (this.step !== null && this.path[this.step]) {
      ring(pen, view, this.onMap(this.path[this.step]), 8, "#e76300");
    }
    this.drawDrawn(pen, view);
    if (this.point !== null && this.point < this.count) {
      ring(pen, view, this.placeOf(this.point), 8, SELECTED);
      this.drawPosterior(pen, view, this.point, SELECTED);
    }
    this.pins.place();
    this.drawTouched();
  }

  /**
   * Where a code is on the map.
   * @param {ArrayLike<number>} z
   */
  onMap(z) {
    return this.plane && this.size > 1 ? this.plane.project(z) : this.placeOf(this.nearestCode(z));
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Frame} view
   */
  drawPosteriors(pen, view) {
    pen.lineWidth = 1;
    pen.strokeStyle = `rgba(90,100,120,${Math.max(0.08, Math.min(0.5, 150 / this.count))})`;
    for (let n = 0; n < this.count; n++) if (this.visible[n]) this.traceOne(pen, view, n, 1);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Frame} view
   * @param {number} n
   * @param {string} colour
   */
  drawPosterior(pen, view, n, colour) {
    if (this.tools.posterior === "none") return;
    pen.strokeStyle = colour;
    for (const [sigmas, width] of [[1, 2], [2, 1]]) {
      pen.lineWidth = width;
      this.traceOne(pen, view, n, sigmas);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Frame} view
   * @param {number} n
   * @param {number} sigmas
   */
  traceOne(pen, view, n, sigmas) {
    const axes = this.data?.plane?.axes;
    if (!axes || !this.logVariances || this.size < 2) return;
    const row = this.logVariances.subarray(n * this.size, (n + 1) * this.size);
    traceEllipse(pen, view, this.placeOf(n), ellipse(row, axes), sigmas);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Frame} view
   */
  drawMeans(pen, view) {
    const names = this.header.class_names;
    classMeans(this.positions, /** @type {Float32Array} */ (this.labels), names.length).forEach((mean, label) => {
      if (mean) cross(pen, view, mean, names[label]);
    });
  }

  /**
   * The drawn digit: its posterior.
   * @param {CanvasRenderingContext2D} pen
   * @param {Frame} view
   */
  drawDrawn(pen, view) {
    const drawn = this.data?.drawn;
    if (!drawn || drawn.mean.length !== this.size) return;
    const place = this.onMap(drawn.mean);
    ring(pen, view, place, 7, DRAWN);
    const axes = this.data?.plane?.axes;
    if (!axes || !drawn.log_variance || this.size < 2) return;
    pen.strokeStyle = DRAWN;
    pen.lineWidth = 2;
    for (const sigmas of [1, 2]) traceEllipse(pen, view, place, ellipse(drawn.log_variance, axes), sigmas);
  }

  /** The point under the pointer. */
  drawTouched() {
    if (!this.nearest) return;
    const view = frame(this.chart);
    const pen = sheet(part(this.root, ".moving"), this.chart, view);
    if (this.touched === null) return;
    ring(pen, view, this.placeOf(this.touched), 7, "#1b2330");
    this.drawPosterior(pen, view, this.touched, "#1b2330");
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
    const around = ({ range: [low, high] }) => {
      const [middle, half] = [(low + high) / 2, ((high - low) / 2) * factor];
      return [middle - half, middle + half];
    };
    this.plotly?.relayout(this.chart, { "xaxis.range": around(xaxis), "yaxis.range": around(yaxis) });
  }
}

/**
 * What Streamlit calls, at first and whenever data or theme change.
 * @param {{parentElement: ParentNode, data: MapData, setStateValue: (name: string, value: Touch) => void}} component
 */
export default function liveMap({ parentElement, data, setStateValue }) {
  const root = /** @type {HTMLElement & {latentMap?: LatentMap}} */ (part(parentElement, ".latent-map"));
  root.latentMap ??= new LatentMap(root);
  root.latentMap.update(data, (touch) => setStateValue("touch", touch));
}
