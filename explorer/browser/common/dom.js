/**
 * Small helpers of the page: elements, numbers, pictures.
 */

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** Values C·H·W in [0, 1] with their shape. @typedef {[number, number, number]} ImageShape */

/**
 * An element with properties and children; texts are set as texts, never as markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} properties
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/**
 * A canvas that is read out as a picture.
 * @param {string} name
 */
export function namedCanvas(name) {
  const canvas = make("canvas", { width: 1, height: 1 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  return canvas;
}

/**
 * A canvas that is drawn over others, and says nothing by itself.
 * @param {string} name of its class
 */
export function layer(name) {
  const canvas = make("canvas", { className: `layer ${name}` });
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

/**
 * A part of the component that its markup promises.
 * @template {HTMLElement} T
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {T}
 */
export function part(root, selector) {
  const found = /** @type {T | null} */ (root.querySelector(selector));
  if (!found) throw new Error(`the page must hold ${selector}`);
  return found;
}

/**
 * A number for people: two decimals, a true minus sign.
 * @param {number} value
 * @param {number} digits
 */
export function shown(value, digits = 2) {
  const text = value.toFixed(digits);
  return text.replace("-", Number(text) ? "−" : "");
}

/**
 * The name of a latent, as Python's `subscript` writes it: z₁, z₂, …
 * @param {number} j counted from 0
 */
export function latentName(j) {
  return `z${[...String(j + 1)].map((digit) => SUBSCRIPTS[Number(digit)]).join("")}`;
}

/**
 * An image as RGBA levels.
 * @param {ArrayLike<number>} values C·H·W values in [0, 1]; others are clipped
 * @param {ImageShape} shape
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
export function levels(values, [channels, height, width]) {
  const size = height * width;
  const found = new Uint8ClampedArray(4 * size);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      found[4 * i + c] = Math.floor(values[(channels === 3 ? c * size : 0) + i] * 255 + 0.5);
    }
    found[4 * i + 3] = 255;
  }
  return found;
}

/**
 * Paints an image into a canvas, one canvas pixel a pixel.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {ImageShape} shape
 */
export function paint(canvas, values, shape) {
  const [, height, width] = shape;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context(canvas).putImageData(new ImageData(levels(values, shape), width, height), 0, 0);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function context(canvas) {
  const found = canvas.getContext("2d");
  if (!found) throw new Error("the browser must be able to draw on a canvas");
  return found;
}

/**
 * Offers a file to the user.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * Gives a card that lies outside the app the theme's colours.
 * @param {HTMLElement} card
 */
export function dressAsApp(card) {
  const app = document.querySelector("[data-testid=stApp]") ?? document.body;
  const { backgroundColor, color, fontFamily } = getComputedStyle(app);
  Object.assign(card.style, { backgroundColor, color, fontFamily });
}
