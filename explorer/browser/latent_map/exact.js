/**
 * Exact images of a model whose decoder cannot run in the browser: the server decodes for the
 * pictures that stay, and they show the browser's substitute until its answer has come.
 */

import { make } from "../common/dom.js";

/** @import { LatentModel } from "./model.js" */
/** @typedef {((codes: ArrayLike<number>[]) => Promise<Float32Array[]>) & {by: string}} ServerDecoder
 *   `by` says who decodes */
/** @typedef {{model: LatentModel, exact: ServerDecoder,
 *   codes: ArrayLike<number>[], take: (images: Float32Array[]) => void}} Question */

const MOST_CODES = 1000;
/** In one request, so that it stays below a megabyte. */
const MOST_NUMBERS = 32_000;

/**
 * The decoder at an address of the server.
 * @param {string} url
 * @param {number} size latents
 * @param {import("../common/dom.js").ImageShape} shape
 * @returns {ServerDecoder} rejects if the server refuses or cannot be reached
 */
export function serverDecoder(url, size, [channels, height, width]) {
  const most = Math.max(1, Math.min(MOST_CODES, Math.floor(MOST_NUMBERS / size)));
  const decode = async (/** @type {ArrayLike<number>[]} */ codes) => {
    const images = [];
    for (let first = 0; first < codes.length; first += most) {
      const z = codes.slice(first, first + most).map((code) => Array.from(code));
      const answer = await fetch(url, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ z }),
      });
      if (!answer.ok) throw new Error(`the server must decode, got ${answer.status}`);
      const values = Float32Array.from(new Uint8Array(await answer.arrayBuffer()), (level) => level / 255);
      const each = channels * height * width;
      for (let i = 0; i < z.length; i++) images.push(values.subarray(i * each, (i + 1) * each));
    }
    return images;
  };
  return Object.assign(decode, { by: "the server" });
}

/**
 * The decoder that a map is given, or the one at an address of the server.
 * @param {string | ServerDecoder} given
 * @param {number} size latents
 * @param {import("../common/dom.js").ImageShape} shape
 */
export function decoderAt(given, size, shape) {
  return typeof given === "string" ? serverDecoder(given, size, shape) : given;
}

/** The exact images of one place of the page: the latest question is the one that is answered. */
export class ExactImages {
  constructor() {
    /** Says what is shown; a line that stays, so that nothing jumps when the answer comes. */
    this.note = make("span", { className: "hint approximate" });
    /** @type {Question | null} */
    this.latest = null;
    this.asking = false;
    /** @type {{model: LatentModel, key: string, images: Float32Array[]} | null} */
    this.known = null;
  }

  /** Nothing is shown that could be exact. */
  forget() {
    this.latest = null;
    this.note.textContent = "";
  }

  /**
   * Gives the exact images to those who show them: at once if they are known, else when they have
   * come, unless another question was asked meanwhile. Where the browser decodes exactly, never.
   * @param {LatentModel} model
   * @param {ArrayLike<number>[]} codes
   * @param {(images: Float32Array[]) => void} take
   */
  ask(model, codes, take) {
    this.forget();
    if (!model.source || !codes.length) return;
    if (!model.exact) {
      this.note.textContent = `${shownNow(model)}.`;
      return;
    }
    if (this.known?.model === model && this.known.key === keyOf(codes)) {
      this.note.textContent = exactBy(model.exact);
      take(this.known.images);
      return;
    }
    this.note.textContent = `${shownNow(model)}, until ${model.exact.by} has decoded.`;
    this.latest = { model, exact: model.exact, codes, take };
    if (!this.asking) this.answer();
  }

  /** Asks the server, one question after another; those that were overtaken are left out. */
  async answer() {
    this.asking = true;
    while (this.latest) {
      const question = this.latest;
      const { model, exact, codes, take } = question;
      const images = await exact(codes).catch(() => null);
      if (this.latest !== question) continue;
      this.latest = null;
      if (!model.exact) continue; // the map has left it
      if (images) {
        this.known = { model, key: keyOf(codes), images };
        this.note.textContent = exactBy(exact);
        take(images);
      } else this.note.textContent = `${shownNow(model)}. No exact image came from ${exact.by}.`;
    }
    this.asking = false;
  }
}

/**
 * What is shown in place of an exact image.
 * @param {LatentModel} model
 */
const shownNow = ({ isNoise, source }) => `${isNoise ? "Shown" : "Approximate"}: ${source}`;

/** @param {ServerDecoder} decoder */
const exactBy = ({ by }) => `Exact: decoded by ${by}.`;

/** @param {ArrayLike<number>[]} codes */
function keyOf(codes) {
  return codes.map((code) => Array.from(code).join()).join(";");
}
