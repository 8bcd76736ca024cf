/**
 * The tour: cards beside the elements that they are about. A card ends when somebody has done what
 * it asks for, or at a press of its button; Escape ends the tour.
 */

import { dressAsApp, make } from "../common/dom.js";
import { CARDS } from "./cards.js";

/** @import { Card } from "./cards.js" */

const MARGIN = 12;
/** So long what was done can be looked at before the next card comes. */
const PAUSE_MS = 900;

/** Starts the tour at a click on an element with `data-tour`, wherever it is on the page. */
export function offerTour() {
  const root = document.documentElement;
  if (root.dataset.tour) return;
  root.dataset.tour = "offered";
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("button[data-tour]")) {
      new Tour(/** @type {HTMLElement} */ (event.target));
    }
  });
}

/** One walk through the cards. */
class Tour {
  /** @param {HTMLElement} opener has the focus again in the end */
  constructor(opener) {
    document.querySelector("#tour-card")?.dispatchEvent(new Event("end"));
    this.opener = opener;
    this.at = 0;
    this.timer = 0;
    this.over = new AbortController();
    this.turn = new AbortController();
    this.ring = make("div", { id: "tour-ring" });
    this.card = make("div", { id: "tour-card", tabIndex: -1 });
    this.card.setAttribute("role", "dialog");
    this.card.addEventListener("end", () => this.end());
    dressAsApp(this.card);
    document.body.append(this.ring, this.card);
    const { signal } = this.over;
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.end(), { signal });
    for (const event of ["scroll", "resize"]) addEventListener(event, () => this.place(), { capture: true, signal });
    addEventListener("popstate", () => this.end(), { signal });
    this.show(0);
  }

  /** @returns {Card} */
  get step() {
    return CARDS[this.at];
  }

  /** @returns {HTMLElement | null} */
  get target() {
    const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(this.step.target)]);
    return all.find((element) => element.checkVisibility()) ?? null;
  }

  /**
   * Shows a card, or the next one whose element is on the page.
   * @param {number} at
   * @param {number} way 1 or −1
   * @returns {void}
   */
  show(at, way = 1) {
    clearTimeout(this.timer);
    this.turn.abort();
    this.turn = new AbortController();
    this.at = at;
    if (at < 0 || at >= CARDS.length) return this.end();
    if (!this.target) return this.show(at + way, way);
    const { title, text, done } = this.step;
    this.card.setAttribute("aria-label", title);
    const button = (/** @type {string} */ textContent, /** @type {() => void} */ onclick) =>
      make("button", { type: "button", textContent, onclick });
    const isLast = at === CARDS.length - 1;
    const buttons = make("p", { className: "foot" }, make("span", {}, `${at + 1} of ${CARDS.length}`));
    if (at > 0) buttons.append(button("Back", () => this.show(at - 1, -1)));
    buttons.append(button(isLast ? "Done" : "Next", () => this.show(at + 1)));
    if (!isLast) buttons.append(button("End tour", () => this.end()));
    this.card.replaceChildren(make("h2", {}, title), make("p", {}, text), buttons);
    if (done) this.wait(done);
    this.target.scrollIntoView({ block: "nearest" });
    this.place();
    this.card.focus({ preventScroll: true });
  }

  /** @param {{on: string, within: string}} done */
  wait({ on, within }) {
    const { signal } = this.turn;
    const heard = (/** @type {Event} */ event) => {
      if (!(event.target instanceof Element) || !event.target.closest(within)) return;
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.show(this.at + 1), PAUSE_MS);
      document.removeEventListener(on, heard, true);
    };
    document.addEventListener(on, heard, { capture: true, signal });
  }

  /** Puts ring and card where the element is: the card beside it, or where there is room. */
  place() {
    const target = this.target;
    if (!target) return;
    const box = target.getBoundingClientRect();
    Object.assign(this.ring.style, {
      left: `${box.left - 4}px`, top: `${box.top - 4}px`, width: `${box.width + 8}px`, height: `${box.height + 8}px`,
    });
    const { width, height } = this.card.getBoundingClientRect();
    const within = (/** @type {number} */ value, /** @type {number} */ most) =>
      Math.max(MARGIN, Math.min(value, most - MARGIN));
    let [left, top] = [box.right + MARGIN, box.top];
    if (left + width > innerWidth - MARGIN) {
      const isBelow = box.bottom + MARGIN + height < innerHeight;
      left = box.right - width;
      top = isBelow ? box.bottom + MARGIN : box.top - height - MARGIN;
    }
    this.card.style.left = `${within(left, innerWidth - width)}px`;
    this.card.style.top = `${within(top, innerHeight - height)}px`;
  }

  end() {
    clearTimeout(this.timer);
    this.turn.abort();
    this.over.abort();
    this.ring.remove();
    this.card.remove();
    if (this.opener.isConnected) this.opener.focus();
  }
}
