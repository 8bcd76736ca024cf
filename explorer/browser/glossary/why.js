/**
 * The glossary in place: a click on a number or symbol says what it is, in which unit, how it is
 * measured, and which lesson is about it. One listener serves the whole page.
 */

import { dressAsApp, make } from "../common/dom.js";
import table from "./terms.json" with { type: "json" };

/**
 * @typedef {{symbol: string, name: string, what: string, unit: string, formula: string,
 *   measured: string, lesson: string}} Term
 */

/** @type {Record<string, Term>} */
export const TERMS = table;

/**
 * A term as a button that explains itself.
 * @param {string} key of the table
 * @param {string} [text] in place of its symbol
 */
export function why(key, text) {
  const shown = text ?? TERMS[key].symbol;
  const button = make("button", { type: "button", className: "why", textContent: shown });
  button.dataset.why = key;
  button.setAttribute("aria-label", `${shown}: why?`);
  return button;
}

/**
 * A text whose first mention of each of these terms explains itself.
 * @param {string} text
 * @param {...string} keys of the table, by their symbols
 * @returns {(string | HTMLElement)[]}
 */
export function explained(text, ...keys) {
  /** @type {(string | HTMLElement)[]} */
  let parts = [text];
  for (const key of keys) {
    const { symbol } = TERMS[key];
    const at = parts.findIndex((part) => typeof part === "string" && placeOf(part, symbol) >= 0);
    if (at < 0) continue;
    const part = /** @type {string} */ (parts[at]);
    const from = placeOf(part, symbol);
    const pieces = [part.slice(0, from), why(key), part.slice(from + symbol.length)];
    parts = [...parts.slice(0, at), ...pieces.filter((piece) => piece !== ""), ...parts.slice(at + 1)];
  }
  return parts;
}

/**
 * Where a symbol stands in a text as a word of its own; −1 if it does not.
 * @param {string} text
 * @param {string} symbol
 */
function placeOf(text, symbol) {
  const isLetter = (/** @type {string | undefined} */ sign) => sign !== undefined && /\p{L}/u.test(sign);
  for (let at = text.indexOf(symbol); at >= 0; at = text.indexOf(symbol, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + symbol.length])) return at;
  }
  return -1;
}

/** Listens for clicks on terms, once for a page. */
export function explainTerms() {
  const root = document.documentElement;
  if (root.dataset.why) return;
  root.dataset.why = "on";
  document.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (
      event.target instanceof Element && event.target.closest("button[data-why]")
    );
    const term = button && TERMS[button.dataset.why ?? ""];
    if (term) open(button, term);
  });
}

/**
 * Shows an entry below its term, until Escape or a click elsewhere.
 * @param {HTMLElement} button
 * @param {Term} term
 */
function open(button, term) {
  document.querySelector("#why-card")?.remove();
  const card = make("div", { id: "why-card" }, ...entry(term));
  card.setAttribute("popover", "auto");
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", `${term.symbol}: ${term.name}`);
  dressAsApp(card);
  document.body.append(card);
  card.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "closed") card.remove();
  });
  card.addEventListener("keydown", (event) => event.key === "Escape" && button.focus());
  card.showPopover();
  const { left, bottom, top } = button.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const isBelow = bottom + 6 + height <= innerHeight || top - 6 - height < 0;
  card.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  card.style.top = `${Math.max(8, isBelow ? Math.min(bottom + 6, innerHeight - height - 8) : top - 6 - height)}px`;
  /** @type {HTMLElement | null} */ (card.querySelector("a, button"))?.focus({ preventScroll: true });
}


/**
 * The lines of an entry.
 * @param {Term} term
 */
function entry({ symbol, name, what, unit, formula, measured, lesson }) {
  const lines = [make("p", {}, make("b", {}, symbol), symbol === name ? "" : ` · ${name}`), make("p", {}, what)];
  for (const [title, text] of [["Formula", formula], ["Unit", unit], ["Measured", measured]]) {
    if (text) lines.push(make("p", {}, make("b", {}, `${title}: `), text));
  }
  const link = isServed() && lesson ? [make("a", { href: lessonUrl(lesson), target: "_self" }, "Lesson on this")] : [];
  const close = make("button", { type: "button", textContent: "Close" });
  close.onclick = () => /** @type {HTMLElement} */ (document.querySelector("#why-card")).hidePopover();
  return [...lines, make("p", { className: "foot" }, ...link, close)];
}

/** Whether the app's other pages are there; a saved file has none. */
function isServed() {
  return document.querySelector("[data-testid=stApp]") !== null;
}

/**
 * The address of a lesson, below the server's root wherever that is.
 * @param {string} lesson
 */
export function lessonUrl(lesson) {
  const base = location.pathname.replace(/[^/]*$/, "");
  return `${base}lessons?lesson=${encodeURIComponent(lesson)}`;
}
