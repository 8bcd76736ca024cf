/**
 * What a map tells Python, which keeps the link: pins, selection and look, once nothing has
 * changed for a moment.
 */

import { lookOf } from "./look.js";

/** @import { LatentMap } from "./map.js" */
/** @import { Touch } from "../common/types.js" */

const SETTLED_MS = 250;
/** Of a code: pins of longer ones would make no address. */
const MOST_NUMBERS = 256;

/** The link of one map. */
export class Link {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.timer = 0;
    /** @type {string | null} what Python last heard of this model, as JSON */
    this.told = null;
  }

  /** @returns {Touch} what the link keeps */
  touch() {
    const { has, pins, point, model } = this.map;
    const kept = model.size > MOST_NUMBERS ? [] : pins.all.map((pin) => ({ ...pin }));
    return { model: has.model, pins: kept, point, look: lookOf(this.map) };
  }

  /** What is shown is what the link says. */
  settle() {
    this.told = JSON.stringify(this.touch());
  }

  /** Nothing is to be told of what has just changed. */
  hush() {
    clearTimeout(this.timer);
  }

  /** Another model is on its way. */
  forget() {
    this.hush();
    this.told = null;
  }

  /** Something has changed: Python hears of it soon. */
  remember() {
    this.hush();
    if (!this.map.loaded) return;
    this.timer = window.setTimeout(() => {
      const touch = this.touch();
      const text = JSON.stringify(touch);
      if (text !== this.told) this.map.tell(touch);
      this.told = text;
    }, SETTLED_MS);
  }
}
