/**
 * The trade-off: one slider for β moves map, images, bars and the point on the curve together.
 *
 * The model's weights are functions of log β, so the browser decodes at any β by itself; the
 * test set's codes come at some values of β and are interpolated between them. Its scores are not:
 * those of the nearest of these β are shown, and it is named.
 */

import { BetaRange } from "../common/beta_range.js";
import { CHART_OPTIONS, dress, frame, loadPlotly, sheet } from "../common/chart.js";
import { fetchOnce } from "../common/files.js";
import { MultirateModel } from "./model.js";
import { make, namedCanvas, paint, part, shown } from "../common/dom.js";
import { fillLegend } from "../scatter/legend.js";
import { MovingCodes } from "../scatter/moving_codes.js";

/** @import { Chart, Figure, PlotlyLibrary } from "../common/types.js" */
/**
 * @typedef {{plotly: string, figure: string, model: string | null, beta: number,
 *   colours: string[], threshold: import("../common/beta_range.js").Threshold | null}} SliderData
 * @typedef {{beta: number, run: string | null}} Choice what Python hears
 */

/** One slider with what it moves. */
export class BetaSlider {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.chart = /** @type {Chart} */ (part(root, ".chart"));
    this.codes = new MovingCodes(part(root, ".codes"));
    this.range = new BetaRange(part(root, ".slide"), {
      slide: () => this.draw(),
      rest: (beta) => this.tell({ beta, run: null }),
    });
    /** @type {Record<string, string>} */
    this.has = {};
    /** @type {MultirateModel | null} */
    this.model = null;
    /** @type {SliderData | null} */
    this.data = null;
    /** @type {(choice: Choice) => void} */
    this.tell = () => {};
    /** @type {HTMLCanvasElement[]} */
    this.reconstructions = [];
    /** @type {HTMLCanvasElement[]} */
    this.samples = [];
    /** @type {HTMLElement[]} */
    this.bars = [];
    /** @type {PlotlyLibrary | null} */
    this.plotly = null;
    /** @type {{distortion: number, rate: number} | null} */
    this.now = null;
    this.serial = 0;
    this.ended = new AbortController();
    const watch = new ResizeObserver(() => {
      if (this.plotly && this.chart._fullLayout && this.chart.clientWidth) this.plotly.Plots.resize(this.chart);
    });
    watch.observe(this.chart);
    this.ended.signal.addEventListener("abort", () => watch.disconnect());
  }

  /**
   * @param {SliderData} data
   * @param {(choice: Choice) => void} tell
   */
  async update(data, tell) {
    const serial = ++this.serial;
    const isFirst = !this.data;
    Object.assign(this, { data, tell });
    part(this.root, ".moving").hidden = !data.model; // at once: the plane keeps its width
    try {
      const [plotly, figure] = await Promise.all([
        loadPlotly(data.plotly),
        fetchOnce(data.figure, (answer) => answer.json()),
      ]);
      if (serial !== this.serial) return;
      await this.show(plotly, figure);
      await this.load(data);
      if (serial !== this.serial) return;
      part(this.root, ".state").textContent = "";
      this.range.put(isFirst ? data.beta : this.beta);
      this.range.mark(data.threshold);
      this.draw();
    } catch (error) {
      const text = /** @type {Error} */ (error).message;
      part(this.root, ".state").textContent = `The trade-off cannot be shown: ${text}. Reload the page.`;
    }
  }

  /**
   * @param {PlotlyLibrary} plotly
   * @param {Figure} figure
   */
  async show(plotly, figure) {
    const data = /** @type {SliderData} */ (this.data);
    const theme = getComputedStyle(this.root).getPropertyValue("--st-background-color");
    if (this.has.figure === data.figure && this.has.theme === theme) return;
    const isFirst = !this.has.figure;
    Object.assign(this.has, { figure: data.figure, theme });
    this.plotly = plotly;
    const layout = { ...dress(figure.layout, this.root), uirevision: "rates" };
    await plotly.react(this.chart, figure.data, layout, CHART_OPTIONS);
    if (!isFirst) return;
    for (const event of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) {
      this.chart.on(event, () => this.drawPoint());
    }
    this.chart.on("plotly_click", (details) => {
      const run = details?.points?.[0]?.customdata;
      if (typeof run === "string") this.tell({ beta: this.beta, run });
    });
  }

  /** @param {SliderData} data */
  async load(data) {
    if (this.has.model === (data.model ?? "")) return;
    const bytes = data.model && (await fetchOnce(data.model, (answer) => answer.arrayBuffer()));
    this.has.model = data.model ?? "";
    this.model = bytes ? new MultirateModel(new Uint8Array(bytes)) : null;
    if (!this.model) return;
    this.range.range = this.model.range;
    this.furnish(this.model);
  }

  /** What the slider shows. */
  get beta() {
    return this.range.beta;
  }

  /**
   * The pictures' places: originals, their reconstructions, samples of the prior.
   * @param {MultirateModel} model
   */
  furnish(model) {
    const { originals: images, prior } = model.arrays;
    const pixels = model.shape.reduce((product, side) => product * side);
    const row = (/** @type {number} */ count, /** @type {string} */ name) =>
      Array.from({ length: count }, (_, i) => namedCanvas(`${name} ${i + 1}`));
    const originals = row((images?.length ?? 0) / pixels, "Test image"); // none where they are not here
    this.samples = row(prior.length / model.size, "Decoded mean of prior sample");
    originals.forEach((canvas, i) =>
      paint(canvas, images.subarray(i * pixels, (i + 1) * pixels), model.shape),
    );
    this.reconstructions = row(this.samples.length, "Decoded mean of test image");
    part(this.root, ".originals").replaceChildren(...originals);
    part(this.root, ".reconstructions").replaceChildren(...this.reconstructions);
    part(this.root, ".samples").replaceChildren(...this.samples);
    this.bars = Array.from({ length: model.size }, () => make("i"));
    part(this.root, ".kl").replaceChildren(...this.bars);
    this.cast(model);
  }

  /**
   * The test set's codes in the first two latents, and their legend.
   * @param {MultirateModel} model
   */
  cast({ size, arrays, names, reach }) {
    const { colours } = /** @type {SliderData} */ (this.data);
    const axes = [0, 1].slice(0, size);
    const codes = arrays.mean.subarray(0, arrays.mean.length / arrays.betas.length);
    this.codes.show({ size, axes, labels: arrays.labels ?? null, names, palette: colours, hasPrior: true }, codes, reach);
    fillLegend(part(this.root, ".moving .legend"), this.codes.scatter, null);
  }

  /** Everything that depends on β, in one frame. */
  draw() {
    const model = this.model;
    if (!model) return;
    const now = model.at(this.beta);
    const measured = model.measuredAt(this.beta);
    this.now = { distortion: now.distortion, rate: now.rate };
    this.codes.move(now.codes, model.reach);
    const decodeInto = (/** @type {HTMLCanvasElement[]} */ row, /** @type {Float32Array} */ codes) =>
      row.forEach((canvas, i) => {
        const z = codes.subarray(i * model.size, (i + 1) * model.size);
        paint(canvas, model.decode(z), model.shape);
      });
    decodeInto(this.reconstructions, now.codes);
    decodeInto(this.samples, model.arrays.prior);
    const most = model.arrays.rate.reduce((best, r) => Math.max(best, r), 1e-9);
    this.bars.forEach((bar, j) => {
      bar.style.height = `${(100 * measured.rates[j]) / most}%`;
      bar.title = `latent ${j + 1}: ${shown(measured.rates[j])} nats`;
    });
    part(this.root, ".nats").textContent = Array.from(measured.rates.slice(0, 12), (r) => shown(r)).join(", ");
    const active = measured.rates.filter((r) => r > 0.01).length;
    part(this.root, ".scores").textContent =
      `Measured at β = ${Number(measured.beta.toPrecision(3))}: D ${shown(measured.distortion)} + ` +
      `R ${shown(measured.rate)} = −ELBO ${shown(measured.distortion + measured.rate)} nats · ` +
      `${active} of ${model.size} latents above 0.01 nats`;
    this.drawPoint();
  }

  /** The point on the curve, and the tangent of slope −β through it. */
  drawPoint() {
    if (!this.now || !this.chart._fullLayout?.xaxis?.l2p) return;
    const view = frame(this.chart);
    const canvas = /** @type {HTMLCanvasElement} */ (part(this.root, ".marks"));
    const pen = sheet(canvas, this.chart, view);
    const { distortion, rate } = this.now;
    const at = (/** @type {number} */ r) => view.toPixels([r, distortion - this.beta * (r - rate)]);
    const [low, high] = this.chart._fullLayout.xaxis.range;
    pen.strokeStyle = "#e76300";
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(at(low)[0], at(low)[1]);
    pen.lineTo(at(high)[0], at(high)[1]);
    pen.stroke();
    const [x, y] = at(rate);
    pen.fillStyle = "#e76300";
    pen.beginPath();
    pen.arc(x, y, 6, 0, 2 * Math.PI);
    pen.fill();
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.stroke();
  }

  end() {
    this.ended.abort();
    this.codes.end();
    this.range.stop();
    this.plotly?.purge(this.chart);
  }
}

/**
 * What Streamlit calls, at first and whenever data or theme change.
 * @param {{parentElement: ParentNode, data: SliderData,
 *   setStateValue: (name: string, value: Choice) => void}} component
 * @returns {() => void}
 */
export function betaSlider({ parentElement, data, setStateValue }) {
  const root = /** @type {HTMLElement & {betaSlider?: BetaSlider}} */ (part(parentElement, ".rates"));
  const slider = (root.betaSlider ??= new BetaSlider(root));
  slider.update(data, (choice) => setStateValue("choice", choice));
  return () => setTimeout(() => root.isConnected || slider.end());
}
