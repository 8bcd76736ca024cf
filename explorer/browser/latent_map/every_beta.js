/**
 * The slider of β above the map of a model of every β: codes, posteriors and decoder follow it.
 *
 * The file of the map has the model at β = 1, with the codes of the whole test set. The codes at
 * other β come with a file of their own, of the first test images, and are interpolated in ln β.
 */

import { MultirateModel } from "../beta_slider/model.js";
import { BetaRange, betaRow } from "../common/beta_range.js";
import { fetchOnce } from "../common/files.js";
import { make, shown } from "../common/dom.js";
import { why } from "../glossary/why.js";

/** @import { LatentMap } from "./map.js" */

const FIRST = 1;

/** The slider of one map; hidden where the model has one β. */
export class EveryBeta {
  /**
   * @param {HTMLElement} place
   * @param {LatentMap} map
   */
  constructor(place, map) {
    this.place = place;
    this.map = map;
    this.row = betaRow();
    this.range = new BetaRange(this.row, { slide: () => this.turn(), rest: () => this.settle() });
    this.scores = make("p", { className: "beta-scores" });
    place.replaceChildren(this.row, this.scores);
    this.url = "";
    /** @type {MultirateModel | null} */
    this.curve = null;
  }

  get beta() {
    return this.range.beta;
  }

  /** What a link has, before the slider's range is known. */
  set beta(beta) {
    this.range.put(beta);
  }

  /** Shows the slider if the model on the map has one, and fetches its codes. */
  async offer() {
    const betas = this.map.data?.betas ?? null;
    this.place.hidden = betas === null;
    if (!betas) this.forget();
    if (!betas || this.url === betas.url) return;
    this.forget();
    this.url = betas.url;
    this.scores.textContent = "Encoding the test images at every β…";
    try {
      const bytes = await fetchOnce(betas.url, (answer) => answer.arrayBuffer());
      if (this.url !== betas.url) return;
      this.curve = new MultirateModel(new Uint8Array(bytes));
    } catch (error) {
      if (this.url === betas.url) this.scores.textContent = `No other β: ${/** @type {Error} */ (error).message}.`;
      return;
    }
    this.range.range = this.curve.range;
    this.range.put(Math.min(Math.max(this.beta, Math.exp(this.curve.range[0])), Math.exp(this.curve.range[1])));
    this.range.mark(betas.threshold);
    if (this.beta === FIRST) this.write();
    else this.settle();
  }

  forget() {
    this.range.stop();
    this.url = "";
    this.curve = null;
  }

  /** The map goes to the slider's β, once a frame. */
  turn() {
    const { curve, map } = this;
    if (!curve || !map.loaded) return;
    map.model.turnTo(curve.testSetAt(this.beta));
    map.codesMoved(curve.reach);
    this.write();
  }

  /** The slider rests: what takes longer follows too. */
  settle() {
    this.turn();
    if (this.map.loaded) this.map.codesRest();
  }

  /** Mean scores of the images that are shown. */
  write() {
    const model = this.map.loaded;
    if (!model) return;
    const mean = (/** @type {ArrayLike<number>} */ values) => Array.from(values).reduce((sum, v) => sum + v, 0) / model.count;
    const [distortion, rate] = [mean(model.distortions ?? []), mean(model.rates)];
    this.scores.replaceChildren(
      why("distortion"), ` ${shown(distortion)} + `, why("rate"), ` ${shown(rate)} = `, why("negative_elbo"),
      ` ${shown(distortion + rate)} nats, mean of the ${model.count.toLocaleString("en")} images shown${model.caveat}; ellipses: `,
      why("ellipse", "posteriors q(z|x)"),
    );
  }
}
