/**
 * Films as files: one picture of all of them, and the whole of them as a GIF.
 */

import { encodeGif } from "../numerics/gif.js";
import { fewGreys } from "../numerics/frames.js";
import { context, make } from "../common/dom.js";

/** @import { Film } from "./film.js" */

const FRAMES = 60;
const SIDE = 300;
const CELL = 28;
const DURATIONS = { delay_ms: 100, last_ms: 1100 };

/**
 * Draws what the films show at this moment as one picture.
 * @param {Film[]} films
 * @param {number} ratio pixels of the picture for one of the page; at 1 there are few colours
 * @returns {HTMLCanvasElement}
 */
export function drawFilms(films, ratio) {
  const rows = Math.max(...films.map((film) => film.cells.length));
  const top = films.some((film) => film.shared?.hasCodes) ? SIDE + 20 : 20; // below the chart of codes
  const [width, height] = [films.length * (SIDE + 10) - 10, top + rows * (CELL + 2)];
  const canvas = make("canvas", { width: width * ratio, height: height * ratio });
  const pen = context(canvas);
  pen.scale(ratio, ratio);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingEnabled = false;
  films.forEach((film, i) => {
    if (!film.frames.length) return;
    const left = i * (SIDE + 10);
    if (film.shared?.hasCodes) pen.drawImage(film.codes.picture(SIDE, ratio), left, 16, SIDE, SIDE);
    pen.fillStyle = "#222";
    pen.font = "12px sans-serif";
    pen.fillText(`${film.title.textContent?.slice(0, 24)} · ${film.words()[0]}`, left + 2, 12, SIDE);
    film.cells.forEach((row, r) =>
      row.forEach((image, c) => {
        const step = SIDE / Math.max(10, row.length);
        pen.drawImage(image, left + c * step, top + r * (CELL + 2), step - 2, CELL);
      }),
    );
  });
  return canvas;
}

/**
 * Encodes films as a GIF.
 * @param {number} last index of the last frame
 * @param {(position: number) => HTMLCanvasElement} draw one picture
 * @param {(progress: string) => void} report
 */
export async function filmGif(last, draw, report) {
  const count = Math.min(FRAMES, last + 1);
  /** @type {Uint8ClampedArray[]} */
  const pictures = [];
  let size = { width: 0, height: 0 };
  for (let i = 0; i < count; i++) {
    report(`Drawing ${i + 1} of ${count}`);
    const canvas = draw(count > 1 ? (last * i) / (count - 1) : 0);
    size = { width: canvas.width, height: canvas.height };
    pictures.push(fewGreys(context(canvas).getImageData(0, 0, size.width, size.height).data));
    await pageDrawn();
  }
  report("Writing the file…");
  await pageDrawn();
  return encodeGif(pictures, size.width, size.height, DURATIONS);
}

/** Lets the page be drawn. @returns {Promise<void>} */
function pageDrawn() {
  return new Promise((done) => setTimeout(done, 0));
}
