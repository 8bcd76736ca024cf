/**
 * The lens: decodes the spot of the map under the pointer, beside the pointer.
 *
 * It listens on the document, so a redrawn chart needs no new attachment, and asks the chart
 * only for its axes. If a chart has none, the lens stays hidden and everything else works.
 */

/* global unpack, buildDecoder, buildAggregate, logPrior */

const MAP = ".st-key-map .js-plotly-plot";
const GAP = 18;

/**
 * @param {{parentElement: ParentNode & {lens?: object}, data: Uint8Array}} component
 * @returns {() => void} cleanup
 */
export default function lens({ parentElement, data }) {
  parentElement.lens ??= {};
  Object.assign(parentElement.lens, load(data));
  const state = parentElement.lens;
  state.box ??= parentElement.querySelector(".lens");
  const controller = new AbortController();
  let waiting = false;
  let event;
  const draw = () => {
    waiting = false;
    const spot = locate(event, state);
    state.box.hidden = spot === null;
    if (spot) show(state, spot, event);
  };
  const follow = (/** @type {PointerEvent} */ moved) => {
    event = moved;
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  document.addEventListener("pointermove", follow, { signal: controller.signal, passive: true });
  document.addEventListener("pointerleave", () => (state.box.hidden = true), {
    signal: controller.signal,
  });
  return () => {
    controller.abort();
    state.box.hidden = true;
  };
}

/** Reads the model and the codes: done once per model and plane. */
function load(bytes) {
  const { header, numbers } = unpack(bytes);
  const { decode, used } = buildDecoder(header.layers, numbers);
  const size = header.origin.length;
  let at = used;
  const arrays = header.arrays.map((count) => numbers.subarray(at, (at += count)));
  const [positions, means, logVariances] = arrays;
  const aggregate = logVariances ? buildAggregate(size, means, logVariances) : null;
  return { header, decode, positions, means, aggregate, usual: usual(aggregate, means, size) };
}

/** The 1st percentile of ln q(z) at the codes themselves: below it, a spot is off the manifold. */
function usual(aggregate, means, size) {
  if (!aggregate) return null;
  const count = means.length / size;
  const step = Math.max(1, Math.floor(count / 200));
  const densities = [];
  for (let n = 0; n < count; n += step) densities.push(aggregate(means.slice(n * size, (n + 1) * size)));
  densities.sort((a, b) => a - b);
  return densities[Math.floor(densities.length / 100)];
}

/** Where the pointer is on the map, in the chart's units, or null. */
function locate(event, { header, positions, means }) {
  const plot = event.target?.closest?.(MAP);
  const axes = plot?._fullLayout;
  if (!axes?.xaxis?.p2d) return null;
  const frame = plot.getBoundingClientRect();
  const across = event.clientX - frame.left - axes.xaxis._offset;
  const down = event.clientY - frame.top - axes.yaxis._offset;
  if (across < 0 || down < 0 || across > axes.xaxis._length || down > axes.yaxis._length) return null;
  const place = [axes.xaxis.p2d(across), axes.yaxis.p2d(down)];
  const size = header.origin.length;
  if (header.axes) {
    const [u, v] = place;
    const z = Float32Array.from(
      header.origin,
      (o, j) => o + u * header.axes[0][j] + v * header.axes[1][j],
    );
    return { z, place };
  }
  const nearest = closest(positions, place);
  return { z: means.slice(nearest * size, (nearest + 1) * size), place, nearest };
}

/** Index of the point nearest to a place. */
function closest(positions, [x, y]) {
  let best = 0;
  let least = Infinity;
  for (let n = 0; n < positions.length / 2; n++) {
    const distance = (positions[2 * n] - x) ** 2 + (positions[2 * n + 1] - y) ** 2;
    if (distance < least) [best, least] = [n, distance];
  }
  return best;
}

/** Decodes and paints. */
function show(state, { z, place, nearest }, event) {
  const { box, header, decode, aggregate } = state;
  paint(box.querySelector("canvas"), decode(z), header.image_shape);
  const text = [];
  if (nearest === undefined) {
    text.push(header.names.map((name, i) => `${name} ${number(place[i])}`).join("  "));
  } else {
    text.push(`nearest: image ${nearest}`);
  }
  let rare = false;
  if (aggregate) {
    const density = aggregate(z);
    rare = density < state.usual;
    text.push(`ln p(z) ${number(logPrior(z))} nats`, `ln q(z) ${number(density)} nats`);
    if (rare) text.push("rarer than 99 % of the codes");
  }
  box.classList.toggle("rare", rare);
  box.querySelector("p").textContent = text.join("\n");
  const width = box.offsetWidth;
  const left = event.clientX - width - GAP;
  box.style.left = `${left > 0 ? left : event.clientX + GAP}px`;
  const top = Math.min(event.clientY - box.offsetHeight / 2, window.innerHeight - box.offsetHeight - 8);
  box.style.top = `${Math.max(8, top)}px`;
}

/** Two decimals, with a true minus sign. */
function number(value) {
  return value.toFixed(2).replace("-", "−");
}

/** Draws an image (C·H·W values in [0, 1]) into a canvas of its own size. */
function paint(canvas, values, [channels, height, width]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const size = height * width;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = values[(channels === 3 ? c * size : 0) + i] * 255 + 0.5;
    picture.data[4 * i + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}
