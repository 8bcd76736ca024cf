/**
 * A slider of β on a logarithmic scale: it plays to and fro, and marks where collapse is predicted.
 */

import { why } from "../glossary/why.js";
import { make, part, shown } from "./dom.js";

/**
 * @typedef {{beta: number, source: string}} Threshold β* and the images that it is computed from
 * @typedef {object} Host
 * @property {(beta: number) => void} slide β is this one, at most once a frame
 * @property {(beta: number) => void} rest the slider has come to rest
 */

const STEPS = 400;
const PLAY_MS = 9000;
/** Half the width of the slider's thumb, in pixels: its middle goes from there to there. */
const THUMB = 8;

/** The parts of a slider, for a page that has none yet. */
export function betaRow() {
  const play = make("button", { type: "button", className: "play", textContent: "▶ Play" });
  const input = make("input", { type: "range", min: "0", step: "1" });
  return make("div", { className: "row slide" }, play, make("span", { className: "track" }, input), make("b", { className: "beta" }));
}

/** One slider in a row that has `.play`, `input` and `.beta`. */
export class BetaRange {
  /**
   * @param {HTMLElement} row
   * @param {Host} host
   */
  constructor(row, host) {
    this.host = host;
    this.input = /** @type {HTMLInputElement} */ (part(row, "input"));
    this.button = part(row, ".play");
    this.text = part(row, ".beta");
    this.track = part(row, ".track");
    this.range = [Math.log(0.1), Math.log(100)];
    this.beta = 1;
    this.playing = 0;
    this.waiting = false;
    this.input.max = String(STEPS);
    this.input.setAttribute("aria-label", "β, on a logarithmic scale");
    this.input.oninput = () => this.moved();
    this.input.onchange = () => host.rest(this.beta);
    this.button.onclick = () => this.toggle();
    this.mark(null);
  }

  /**
   * Shows this β.
   * @param {number} beta
   */
  put(beta) {
    const [low, high] = this.range;
    this.beta = beta;
    this.input.value = String(Math.round((STEPS * (Math.log(beta) - low)) / (high - low)));
    this.write();
  }

  /** The slider was moved: β follows once a frame. */
  moved() {
    const [low, high] = this.range;
    this.beta = Math.exp(low + (Number(this.input.value) / STEPS) * (high - low));
    this.write();
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.host.slide(this.beta);
    });
  }

  write() {
    const text = this.beta < 10 ? shown(this.beta) : shown(this.beta, 1);
    this.text.textContent = `β = ${text}`;
    const isBeyond = this.threshold && this.beta > this.threshold.beta;
    this.input.setAttribute("aria-valuetext", `β = ${text}${isBeyond ? ", beyond the predicted collapse" : ""}`);
  }

  /**
   * Marks the predicted collapse; null: it is not known.
   * @param {Threshold | null} threshold
   */
  mark(threshold) {
    this.threshold = threshold;
    this.track.querySelector(".threshold")?.remove();
    const [low, high] = this.range;
    const share = threshold ? (Math.log(threshold.beta) - low) / (high - low) : -1;
    if (!threshold || share < 0 || share > 1) return;
    const name = why("beta_star", `β* = ${shown(threshold.beta, threshold.beta < 10 ? 2 : 1)}`);
    name.title = `Beyond it these images collapse. Computed from ${threshold.source}, without training.`;
    const mark = make("span", { className: "threshold" }, make("i"), name);
    mark.style.left = `calc(${THUMB}px + ${share} * (100% - ${2 * THUMB}px))`;
    this.track.append(mark);
  }

  toggle() {
    if (this.playing) {
      this.stop();
      this.host.rest(this.beta);
      return;
    }
    this.button.textContent = "❚❚ Pause";
    const start = performance.now() - (PLAY_MS * Number(this.input.value)) / STEPS;
    const next = (/** @type {number} */ now) => {
      const around = ((now - start) / PLAY_MS) % 2;
      this.input.value = String(Math.round(STEPS * (around < 1 ? around : 2 - around)));
      this.moved();
      this.playing = requestAnimationFrame(next);
    };
    this.playing = requestAnimationFrame(next);
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.button.textContent = "▶ Play";
  }
}
