/** Draws frames of a map's points, by the page's own scripts: processor seconds of the shortest. */

import { placePoints } from "../../explorer/browser/numerics/points.js";
import { dotsOf, grouped, writeDots } from "../../explorer/browser/scatter/dots.js";
import { normals } from "../js/helpers.js";

const [width, height] = [1000, 700];
const count = Number(process.argv[2]);
const draw = normals(1);
const positions = Float32Array.from({ length: 2 * count }, draw);
const labels = Uint16Array.from({ length: count }, (_, n) => n % 10);
const dots = dotsOf({ ...grouped(labels, [], ["#3f90da", "#ffa90e"], count), shades: null });
const places = new Float32Array(2 * count);
const order = Uint32Array.from({ length: count }, (_, n) => n);
const view = { left: 0, top: 0, width, height, x: [-4, 4], y: [-3, 3], scale: [width / 8, height / 6] };

/** @param {ArrayLike<number>} shown */
function frame(shown) {
  const start = process.cpuUsage();
  const image = new Uint8ClampedArray(4 * width * height);
  placePoints(positions.subarray(0, 2 * shown.length), view, 1, places);
  const sheet = { pixels: new Int32Array(image.buffer), width, height };
  writeDots(sheet, dots, places, shown, 1, { outline: "#1b2330", isSmooth: true });
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** @param {ArrayLike<number>} shown */
const shortest = (shown) => Math.min(...Array.from({ length: 30 }, () => frame(shown)).slice(5));

console.log(JSON.stringify({ seconds: shortest(order), empty: shortest(new Uint32Array()) }));
