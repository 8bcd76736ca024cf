/**
 * The legend of a scatter: classes that can be hidden, or the scale of a number.
 */

import { make, shown } from "../common/dom.js";

/** @import { Scatter } from "./scatter.js" */
/** @import { Scale } from "./colours.js" */

const MOST = 40;
const SIGNS = ["●", "■", "◆", "✚", "▲"];

/**
 * Fills the legend of what a scatter shows.
 * @param {HTMLElement} place
 * @param {Scatter} scatter
 * @param {Scale | null} scale
 */
export function fillLegend(place, scatter, scale) {
  if (scale) place.replaceChildren(...bar(scale));
  else place.replaceChildren(...classes(scatter));
}

/** @param {Scatter} scatter */
function classes(scatter) {
  const groups = scatter.content?.groups ?? [];
  if (groups.length < 2 || groups.length > MOST) return [];
  return groups.map(({ name, colour, symbol }, i) => {
    const sign = make("i", { textContent: SIGNS[symbol % SIGNS.length] });
    sign.style.color = colour;
    sign.setAttribute("aria-hidden", "true");
    const button = make("button", { type: "button", title: "Hide or show this class" }, sign, name);
    const settle = () => button.setAttribute("aria-pressed", String(!scatter.hidden.has(i)));
    button.onclick = () => {
      scatter.toggle(i);
      settle();
    };
    settle();
    return button;
  });
}

/** @param {Scale} scale */
function bar({ low, high, title, colours }) {
  const strip = make("span", { className: "strip" });
  strip.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  const digits = high - low < 10 ? 2 : 0;
  return [make("span", {}, shown(low, digits)), strip, make("span", {}, shown(high, digits)), make("b", {}, title)];
}
