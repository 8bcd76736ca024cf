/**
 * The inspector beside the map: a test image and what the model makes of it, codes decoded by
 * hand, samples of the prior, the decoded grid. All from the files that the page has.
 */

import { make } from "../common/dom.js";
import { DecodedGrid } from "./decoded_grid.js";
import { HandDecoder } from "./hand_decoder.js";
import { ImageReport } from "./image_report.js";
import { PriorSamples } from "./prior_samples.js";

/** @import { LatentModel } from "./model.js" */
/**
 * @typedef {{z: ArrayLike<number>, text: string}} Mark a code that is shown on the map
 * @typedef {object} Host what the inspector asks of its map
 * @property {() => LatentModel} model
 * @property {(n: number) => Float32Array | null} original values in [0, 1]
 * @property {() => number} originals how many test images, from the first on, have their original here
 * @property {() => string} note why the originals cannot be shown; empty if they can
 * @property {() => Element | null} download the page's button that downloads the originals
 * @property {() => number | null} point the selected test image
 * @property {(n: number | null) => void} select
 * @property {(z: ArrayLike<number>) => void} pin
 * @property {() => [number, number]} axes latents across and up, of the decoded grid
 * @property {() => import("./truth.js").Truth} truth the true posterior of the selected image
 * @property {() => void} marked the marks of the open tab are others
 * @property {() => void} changed what a link remembers is another
 */

export const TABS = { image: "Test image", hand: "By hand", prior: "Prior samples", grid: "Decoded grid" };
/** Tabs of a model without points, the first of which is open at first. */
const GENERATED = ["prior", "hand", "grid"];

/** The inspector of one map. */
export class Inspector {
  /**
   * @param {HTMLElement} place
   * @param {Host} host
   */
  constructor(place, host) {
    this.host = host;
    /** @type {keyof typeof TABS} */
    this.open = "image";
    this.parts = {
      image: new ImageReport(host),
      hand: new HandDecoder(host),
      prior: new PriorSamples(host),
      grid: new DecodedGrid(host),
    };
    this.tabs = make("div", { className: "tabs" });
    this.tabs.setAttribute("role", "tablist");
    this.body = make("div", { className: "tab-body" });
    this.body.setAttribute("role", "tabpanel");
    this.tabs.append(...Object.entries(TABS).map(([name, text]) => this.tab(name, text)));
    place.replaceChildren(this.tabs, this.body);
  }

  /**
   * @param {string} name
   * @param {string} textContent
   */
  tab(name, textContent) {
    const button = make("button", { type: "button", textContent, onclick: () => this.turnTo(name) });
    button.dataset.tab = name;
    button.setAttribute("role", "tab");
    button.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const names = /** @type {string[]} */ (this.offered);
      const next = names[(names.indexOf(name) + step + names.length) % names.length];
      this.turnTo(next);
      /** @type {HTMLElement | null} */ (this.tabs.querySelector(`[data-tab=${next}]`))?.focus();
    };
    return button;
  }

  /** The tabs that there are: without points there is no test image, without pictures nothing else. */
  get offered() {
    const { hasPoints, hasPictures, isNoise } = this.host.model();
    if (isNoise) return /** @type {(keyof typeof TABS)[]} */ (["prior"]); // its numbers are pixels
    const names = /** @type {(keyof typeof TABS)[]} */ (hasPoints ? Object.keys(TABS) : GENERATED);
    return hasPictures ? names : names.slice(0, 1);
  }

  /** @param {string} name */
  turnTo(name) {
    this.open = /** @type {keyof typeof TABS} */ (name);
    this.show();
    this.host.changed();
  }

  /** Another model: every tab starts from its beginning, but for what the link says. */
  restart() {
    for (const part of Object.values(this.parts)) part.restart();
    this.show();
  }

  /** Draws the open tab. */
  show() {
    for (const button of this.tabs.children) {
      const name = /** @type {keyof typeof TABS} */ (/** @type {HTMLElement} */ (button).dataset.tab);
      const isOpen = name === this.open;
      /** @type {HTMLElement} */ (button).hidden = !this.offered.includes(name);
      button.setAttribute("aria-selected", String(isOpen));
      /** @type {HTMLElement} */ (button).tabIndex = isOpen ? 0 : -1;
    }
    const part = this.parts[this.open];
    if (this.body.firstElementChild !== part.place) this.body.replaceChildren(part.place);
    part.show();
    this.host.marked();
  }

  /** The selected image is another one. */
  selected() {
    this.parts.image.show();
    if (this.open !== "image") this.parts[this.open].show();
    this.host.marked();
  }

  /** @returns {Mark[]} of the open tab */
  marks() {
    return this.parts[this.open].marks();
  }
}
