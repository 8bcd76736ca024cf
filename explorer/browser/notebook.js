/**
 * The live map in a notebook: what anywidget calls. Files and settings come with the widget; pins,
 * the selected image and the selection go both ways.
 */

import { make, part } from "./common/dom.js";
import { provide, withdraw } from "./common/files.js";
import { explainTerms } from "./glossary/why.js";
import { lookOf } from "./latent_map/look.js";
import { LatentMap } from "./latent_map/map.js";
import { kernelDecoder, unique } from "./notebook_decoder.js";

/** @import { MapData, Touch } from "./common/types.js" */
/**
 * @typedef {{get(name: string): any, set(name: string, value: unknown): void,
 *   save_changes(): void, send(content: object): void,
 *   on(event: string, listener: (...details: any[]) => void): void,
 *   off(event: string, listener: (...details: any[]) => void): void}} Widget
 *   the kernel's side, as anywidget gives it
 * @typedef {{title: string, scores: string, exact: string, notes: string, settings: MapData}} Page
 */

const TOUCHED = ["pins", "point", "selection"];
const THEME = ["class", "style", "data-jp-theme-light", "data-jp-theme-name", "data-theme"];

/** One map in an output cell. */
class NotebookMap {
  /**
   * @param {Widget} widget
   * @param {HTMLElement} place
   */
  constructor(widget, place) {
    this.widget = widget;
    this.place = place;
    this.visit = 0;
    /** @type {Page} */
    this.page = widget.get("_page");
    place.classList.add("latent-notebook");
    place.addEventListener("focusin", ({ target }) => keepKeys(/** @type {HTMLElement} */ (target)));
    place.innerHTML = widget.get("_markup");
    const { title, scores, exact, notes } = this.page;
    const heading = make("p", {}, make("b", {}, title), ` · ${scores}`);
    place.prepend(heading);
    for (const text of [exact, notes]) place.append(make("p", {}, text));
    this.dress();
    const root = /** @type {HTMLElement & {latentMap?: LatentMap}} */ (part(place, ".latent-map"));
    this.map = root.latentMap = new LatentMap(root);
    this.names = this.provideFiles();
    this.changed = () => this.follow();
    for (const name of TOUCHED) widget.on(`change:${name}`, this.changed);
    this.themes = new MutationObserver(() => this.dress() && this.show());
    for (const element of [document.documentElement, document.body]) {
      this.themes.observe(element, { attributes: true, attributeFilter: THEME });
    }
    this.placed = new ResizeObserver(() => this.arrive());
    this.placed.observe(place);
    this.begin();
  }

  /** Only on the page is there something behind it. */
  arrive() {
    if (!this.place.isConnected) return;
    this.placed.disconnect();
    if (this.dress()) this.show();
  }

  /** Hands the map its files, under addresses of their own. */
  provideFiles() {
    /** @type {Record<string, string>} */
    const names = {};
    for (const [name, data] of Object.entries(this.widget.get("_files"))) {
      names[name] = `notebook:${unique()}`;
      provide(names[name], unzip(data));
    }
    return names;
  }

  async begin() {
    await this.show();
    if (!this.map.loaded) return; // the map says why
    this.map.choose(this.widget.get("selection"));
    this.map.selection.heard = (chosen) => this.set({ selection: [...chosen].sort((a, b) => a - b) });
    this.tell(this.map.link.touch());
  }

  /** Shows what the kernel says: pins, the selected image, and the look that there is. */
  show() {
    const { settings } = this.page;
    const { model, originals, positions, betas } = this.names;
    const look = this.map.loaded ? lookOf(this.map) : this.widget.get("_look");
    /** @type {MapData} */
    const data = {
      ...settings, model, originals: originals ?? null, positions: positions ?? null, look,
      betas: settings.betas && { ...settings.betas, url: betas },
      pins: this.widget.get("pins"), point: this.widget.get("point"), visit: ++this.visit,
      decode: this.widget.get("_asks") ? kernelDecoder(this.widget, () => this.map.model.shape) : null,
    };
    return this.map.update(data, (touch) => this.tell(touch));
  }

  /** The kernel, or another view of this widget, has changed something. */
  follow() {
    const { map, widget } = this;
    if (!map.loaded) return;
    const { pins, point } = map.link.touch();
    if (!same(pins, widget.get("pins")) || point !== widget.get("point")) this.show();
    if (!same([...map.selection.chosen].sort((a, b) => a - b), widget.get("selection"))) map.choose(widget.get("selection"));
  }

  /** @param {Touch} touch */
  tell({ pins, point, look }) {
    this.set({ pins, point, _look: look });
  }

  /** @param {Record<string, unknown>} values */
  set(values) {
    if (Object.entries(values).every(([name, value]) => same(value, this.widget.get(name)))) return;
    for (const [name, value] of Object.entries(values)) this.widget.set(name, value); // one by one, for marimo
    this.widget.save_changes();
  }

  /** Takes the notebook's colours; returns whether they are others. */
  dress() {
    const { style } = this.place;
    const before = style.cssText;
    const background = backgroundOf(this.place);
    const isDark = lightness(background) < 0.5;
    style.colorScheme = isDark ? "dark" : "light";
    const colours = {
      "text-color": isDark ? "#e8eaef" : "#1b2330", "background-color": background,
      "border-color": isDark ? "#3a3f4b" : "#d5d9e0", "primary-color": isDark ? "#5aa9e6" : "#2f74b5",
      font: "system-ui, sans-serif",
    };
    for (const [name, value] of Object.entries(colours)) style.setProperty(`--st-${name}`, value);
    return style.cssText !== before;
  }

  /** The cell has been cleared. */
  end() {
    for (const name of TOUCHED) this.widget.off(`change:${name}`, this.changed);
    this.themes.disconnect();
    this.placed.disconnect();
    this.map.end();
    Object.values(this.names).forEach(withdraw);
  }
}

/**
 * JupyterLab's keys, which delete and move cells, pass over an element with this attribute; it looks
 * at the one that has the focus before any around it.
 * @param {HTMLElement} element
 */
function keepKeys(element) {
  element.dataset.lmSuppressShortcuts = "true";
}

/** @param {DataView} data gzipped */
function unzip(data) {
  const stream = new Blob([/** @type {DataView<ArrayBuffer>} */ (data)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * What is seen behind an element that is on the page.
 * @param {HTMLElement} element
 */
function backgroundOf(element) {
  for (let at = element.parentElement; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (/^rgb\(/.test(backgroundColor)) return backgroundColor;
  }
  return "rgb(255, 255, 255)";
}

/** @param {string} colour as computed */
function lightness(colour) {
  const [red, green, blue] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
}

/** What anywidget calls. */
export const notebook = {
  /** @param {{model: Widget, el: HTMLElement}} view */
  render({ model, el }) {
    explainTerms();
    const shown = new NotebookMap(model, el);
    return () => shown.end();
  },
};
