/**
 * The choices above the map: what is drawn over and under the points, and where the plane lies.
 */

import { make } from "../common/dom.js";

/** @import { Pin } from "../common/types.js" */
/**
 * @typedef {{hasPlane: boolean, hasPoints: boolean, hasPrior: boolean, hasPosterior: boolean, isDeep: boolean,
 *   hasClasses: boolean, hasPictures: boolean, home: string}} Offer what this model and map have
 */

const WITHOUT_PICTURES = { none: "None", holes: "Holes: far from every code" };
const WITHOUT_POINTS = { none: "None", grid: "Decoded grid" };
const BACKGROUNDS = { none: "None", grid: "Decoded grid", holes: "Holes: far from every code" };
const DENSITY = { density: "Density of q(z)" };
const DENSITIES = {
  density: "Density of q(z): slice of this plane",
  marginal: "Density of q(z): marginal, other latents summed",
};
const MODES = { pan: "Pan", box: "Box", lasso: "Lasso" };
/** @type {Record<string, [string, string]>} */
const VIEWS = {
  nearer: ["+", "Zoom in (also Ctrl and the wheel)"],
  farther: ["−", "Zoom out"],
  reset: ["⤢", "Show all (also a double click)"],
};
const POSTERIORS = { none: "None", touched: "Touched and selected", all: "All" };

/** The toolbar of one map. */
export class Toolbar {
  /**
   * @param {HTMLElement} place
   * @param {(what: string) => void} changed
   */
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    this.prior = true;
    this.means = false;
    this.names = true;
    /** @type {import("../scatter/gestures.js").Mode} */
    this.mode = "pan";
    this.posterior = "touched";
    this.background = "none";
    this.anchor = "home";
    this.home = "";
  }

  /** @param {Offer} offer */
  offer(offer) {
    this.home = offer.home;
    if (!offer.isDeep && this.background === "marginal") this.background = "density"; // they are one
    const backgrounds = backgroundsOf(offer);
    if (!(this.background in backgrounds)) this.background = "none";
    if (!offer.hasPoints && this.mode !== "pan") {
      this.mode = "pan";
      this.changed("mode");
    }
    const menu = make("details", { className: "menu" }, make("summary", { textContent: "Overlays" }));
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      /** @type {HTMLElement} */ (menu.firstElementChild).focus();
      event.stopPropagation();
    });
    const box = make("div", { className: "sheet" });
    if (offer.hasPlane && offer.hasPrior) box.append(this.check("Prior: 1σ, 2σ, 3σ", "prior"));
    if (offer.hasClasses) box.append(this.check("Names of the classes", "names"), this.check("Class means", "means"));
    if (offer.hasPlane && offer.hasPosterior) {
      const posteriors = `Posteriors q(z|x)${offer.isDeep ? ", projected" : ""}: 1σ and 2σ`;
      box.append(this.choice(posteriors, "posterior", POSTERIORS));
    }
    if (offer.hasPlane) {
      box.append(this.choice("Background", "background", backgrounds));
    } else {
      box.append(make("p", { textContent: "t-SNE has no plane: no circles, ellipses or background." }));
    }
    menu.append(box);
    menu.addEventListener("focusout", (event) => {
      if (!menu.contains(/** @type {Node | null} */ (event.relatedTarget))) menu.open = false;
    });
    this.bar = make("progress", { max: 1, value: 1, hidden: true });
    this.bar.setAttribute("aria-label", "Computing");
    const modes = offer.hasPoints ? [this.modes()] : []; // else there is nothing to choose with a box
    this.place.replaceChildren(menu, ...modes, this.views(), this.saves());
    if (offer.isDeep) {
      const label = make("label", { className: "anchor" }, "Plane through ");
      this.anchorChoice = make("select", {
        onchange: () => {
          this.anchor = /** @type {HTMLSelectElement} */ (this.anchorChoice).value;
          this.changed("anchor");
        },
      });
      label.append(this.anchorChoice);
      this.place.append(label);
    } else {
      this.anchorChoice = undefined;
      this.anchor = "home";
    }
    this.place.append(this.bar);
  }

  /** What dragging does. */
  modes() {
    const group = make("span", { className: "segments" });
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Dragging");
    for (const [mode, text] of Object.entries(MODES)) {
      const button = make("button", { type: "button", textContent: text });
      button.onclick = () => {
        this.mode = /** @type {import("../scatter/gestures.js").Mode} */ (mode);
        for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
        this.changed("mode");
      };
      button.setAttribute("aria-pressed", String(mode === this.mode));
      group.append(button);
    }
    return group;
  }

  /** Zoom, for those without Ctrl and a wheel. */
  views() {
    const group = make("span", { className: "segments" });
    for (const [what, [text, title]] of Object.entries(VIEWS)) {
      const button = make("button", { type: "button", textContent: text, title, onclick: () => this.changed(what) });
      button.setAttribute("aria-label", title);
      group.append(button);
    }
    return group;
  }

  /** The map as a picture, with all its layers. */
  saves() {
    const group = make("span", { className: "segments" });
    for (const kind of ["PNG", "SVG"]) {
      const onclick = () => this.changed(kind.toLowerCase());
      group.append(make("button", { type: "button", textContent: kind, title: `Save the map as ${kind}`, onclick }));
    }
    return group;
  }

  /**
   * Anchors that there are now; a chosen one that is gone becomes home.
   * @param {number | null} point
   * @param {Pin[]} pins
   */
  anchors(point, pins) {
    if (!this.anchorChoice) return;
    const offered = [["home", this.home]];
    if (point !== null) offered.push(["point", `image ${point}`]);
    pins.forEach((pin, i) => offered.push([`pin ${i}`, `pin ${pin.name}`]));
    if (!offered.some(([value]) => value === this.anchor)) this.anchor = "home";
    const options = offered.map(([value, textContent]) =>
      make("option", { value, textContent, selected: value === this.anchor }),
    );
    this.anchorChoice.replaceChildren(...options);
  }

  /** @param {number} share of the background that is done */
  progress(share) {
    if (!this.bar) return;
    this.bar.hidden = share >= 1;
    this.bar.value = share;
  }

  /**
   * @param {string} text
   * @param {"prior" | "means" | "names"} name
   */
  check(text, name) {
    const input = make("input", { type: "checkbox", checked: this[name] });
    input.onchange = () => {
      this[name] = input.checked;
      this.changed(name);
    };
    return make("label", {}, input, ` ${text}`);
  }

  /**
   * @param {string} text
   * @param {"posterior" | "background"} name
   * @param {Record<string, string>} options
   */
  choice(text, name, options) {
    const select = make("select", {
      onchange: () => {
        this[name] = select.value;
        this.changed(name);
      },
    });
    for (const [value, textContent] of Object.entries(options)) {
      select.append(make("option", { value, textContent, selected: value === this[name] }));
    }
    return make("label", {}, `${text} `, select);
  }
}

/**
 * The backgrounds that this model and map have, by name.
 * @param {Offer} offer
 * @returns {Record<string, string>}
 */
function backgroundsOf({ hasPlane, hasPoints, hasPosterior, hasPictures, isDeep }) {
  if (!hasPlane) return { none: "None" };
  if (!hasPoints) return WITHOUT_POINTS;
  const some = hasPictures ? BACKGROUNDS : WITHOUT_PICTURES;
  return hasPosterior ? { ...some, ...(isDeep ? DENSITIES : DENSITY) } : some;
}
