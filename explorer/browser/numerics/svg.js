/**
 * A pen that draws like a canvas and writes SVG: what is drawn on the page is saved as vectors.
 *
 * It has what the page's drawings use of CanvasRenderingContext2D, and no more. Paths are
 * transformed when they are built, as a canvas does, so that lines keep their width.
 *
 * @typedef {[number, number, number, number, number, number]} Matrix a b c d e f
 * @typedef {{matrix: Matrix, style: Record<string, unknown>, groups: number}} State
 */

const STYLE = {
  strokeStyle: "#000", fillStyle: "#000", lineWidth: 1, font: "12px sans-serif", textAlign: "start",
  textBaseline: "alphabetic", imageSmoothingEnabled: true, globalAlpha: 1,
};
const ANCHORS = /** @type {Record<string, string>} */ ({ center: "middle", right: "end", end: "end" });
const BASELINES = /** @type {Record<string, string>} */ ({ middle: "central", top: "text-before-edge" });
/** Control points of a quarter circle lie this far along its tangents. */
const KAPPA = 0.5522847498;

/** One drawing. */
export class SvgPen {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    /** @type {string[]} */
    this.parts = [];
    this.path = "";
    /** @type {number[]} */
    this.dash = [];
    this.clips = 0;
    /** @type {State[]} */
    this.stack = [];
    this.groups = 0;
    /** @type {Matrix} */
    this.matrix = [1, 0, 0, 1, 0, 0];
    this.strokeStyle = STYLE.strokeStyle;
    this.fillStyle = STYLE.fillStyle;
    this.lineWidth = STYLE.lineWidth;
    this.font = STYLE.font;
    this.textAlign = STYLE.textAlign;
    this.textBaseline = STYLE.textBaseline;
    this.imageSmoothingEnabled = STYLE.imageSmoothingEnabled;
    this.globalAlpha = STYLE.globalAlpha;
  }

  /**
   * The whole drawing.
   * @param {string} background a colour
   */
  text(background) {
    const { width, height } = this;
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const sheet = `<rect width="${width}" height="${height}" fill="${escape(background)}"/>`;
    const open = "</g>".repeat(this.groups);
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${sheet}\n${this.parts.join("\n")}${open}</svg>\n`;
  }

  /**
   * Begins a named group, so that layers can be told apart; ends with `endLayer`.
   * @param {string} name
   */
  beginLayer(name) {
    this.parts.push(`<g id="${escape(name)}">`);
    this.groups++;
  }

  endLayer() {
    this.parts.push("</g>");
    this.groups--;
  }

  save() {
    const style = Object.fromEntries(Object.keys(STYLE).map((key) => [key, /** @type {any} */ (this)[key]]));
    this.stack.push({ matrix: this.matrix, style, groups: this.groups });
  }

  restore() {
    const state = this.stack.pop();
    if (!state) return;
    this.matrix = state.matrix;
    Object.assign(this, state.style);
    while (this.groups > state.groups) this.endLayer();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  translate(x, y) {
    this.apply([1, 0, 0, 1, x, y]);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  scale(x, y) {
    this.apply([x, 0, 0, y, 0, 0]);
  }

  /** @param {number} angle */
  rotate(angle) {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    this.apply([cos, sin, -sin, cos, 0, 0]);
  }

  /** @param {Matrix} other */
  apply([a, b, c, d, e, f]) {
    const [A, B, C, D, E, F] = this.matrix;
    this.matrix = [
      A * a + C * b, B * a + D * b, A * c + C * d, B * c + D * d, A * e + C * f + E, B * e + D * f + F,
    ];
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  at(x, y) {
    const [a, b, c, d, e, f] = this.matrix;
    return `${short(a * x + c * y + e)} ${short(b * x + d * y + f)}`;
  }

  beginPath() {
    this.path = "";
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.path += `M${this.at(x, y)}`;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${this.at(x, y)}`;
  }

  closePath() {
    this.path += "Z";
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  rect(x, y, width, height) {
    this.moveTo(x, y);
    for (const [dx, dy] of [[width, 0], [width, height], [0, height]]) this.lineTo(x + dx, y + dy);
    this.closePath();
  }

  /**
   * A whole circle; parts of one are not drawn on the page.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius, 0);
  }

  /**
   * A whole ellipse, of four curves.
   * @param {number} x
   * @param {number} y
   * @param {number} a
   * @param {number} b
   * @param {number} angle
   */
  ellipse(x, y, a, b, angle) {
    const before = this.matrix;
    this.translate(x, y);
    this.rotate(angle);
    this.scale(a, b);
    this.moveTo(1, 0);
    let [u, v] = [1, 0];
    for (let quarter = 0; quarter < 4; quarter++) {
      const [w, z] = [-v, u];
      const ends = [this.at(u + KAPPA * w, v + KAPPA * z), this.at(w + KAPPA * u, z + KAPPA * v), this.at(w, z)];
      this.path += `C${ends.join(" ")}`;
      [u, v] = [w, z];
    }
    this.path += "Z";
    this.matrix = before;
  }

  clip() {
    const id = `clip-${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath><g clip-path="url(#${id})">`);
    this.groups++;
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  stroke() {
    if (!this.path) return;
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    this.parts.push(
      `<path d="${this.path}" fill="none" stroke="${escape(this.strokeStyle)}" ` +
        `stroke-width="${short(this.lineWidth)}"${dash}${this.opacity()}/>`,
    );
  }

  fill() {
    if (this.path) this.parts.push(`<path d="${this.path}" fill="${escape(this.fillStyle)}"${this.opacity()}/>`);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fillRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.fill();
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  strokeRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.stroke();
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  fillText(text, x, y) {
    this.write(text, x, y, `fill="${escape(this.fillStyle)}"`);
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  strokeText(text, x, y) {
    const stroke = `stroke="${escape(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}"`;
    this.write(text, x, y, `fill="none" stroke-linejoin="round" ${stroke}`);
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {string} look
   */
  write(text, x, y, look) {
    const [, weight, size, family] = /^(?:(\d+|bold) )?([\d.]+px) (.+)$/.exec(this.font) ?? [];
    const font = `font-size="${size ?? "12px"}" font-family="${escape(family ?? "sans-serif")}"`;
    const anchor = ANCHORS[this.textAlign] ? ` text-anchor="${ANCHORS[this.textAlign]}"` : "";
    const baseline = BASELINES[this.textBaseline] ? ` dominant-baseline="${BASELINES[this.textBaseline]}"` : "";
    const bold = weight ? ` font-weight="${weight}"` : "";
    this.parts.push(
      `<text x="${short(x)}" y="${short(y)}" ${font}${bold}${anchor}${baseline} ${look}` +
        `${this.transform()}${this.opacity()}>${escape(text)}</text>`,
    );
  }

  /**
   * A canvas, as a picture of its own.
   * @param {{toDataURL: (type: string) => string}} picture
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  drawImage(picture, x, y, width, height) {
    const look = this.imageSmoothingEnabled ? "" : ` style="image-rendering:pixelated"`;
    this.parts.push(
      `<image x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" ` +
        `preserveAspectRatio="none" href="${picture.toDataURL("image/png")}"${look}${this.transform()}${this.opacity()}/>`,
    );
  }

  transform() {
    const isPlain = this.matrix.every((v, i) => v === (i === 0 || i === 3 ? 1 : 0));
    return isPlain ? "" : ` transform="matrix(${this.matrix.map(short).join(" ")})"`;
  }

  opacity() {
    return this.globalAlpha === 1 ? "" : ` opacity="${short(this.globalAlpha)}"`;
  }
}

/** @param {number} value */
function short(value) {
  return String(Math.round(value * 100) / 100);
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
