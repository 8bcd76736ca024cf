/**
 * The Plotly figure of the map, and the way from its units to pixels and back.
 */

/** @import { Chart, PlotlyLibrary, Figure } from "./types.js" */

/** @type {Map<string, Promise<any>>} */
const fetched = new Map();

/**
 * Takes a file that is there already, in a page without a server.
 * @param {string} url
 * @param {Promise<any>} content
 */
export function provide(url, content) {
  fetched.set(url, content);
}

/**
 * A file of the server, fetched once per page.
 * @param {string} url
 * @param {(answer: Response) => Promise<any>} read
 */
export function fetchOnce(url, read) {
  let found = fetched.get(url);
  if (!found) {
    found = fetch(url).then((answer) => {
      if (!answer.ok) throw new Error(`the server must have ${url}, got ${answer.status}`);
      return read(answer);
    });
    found.catch(() => fetched.delete(url));
    fetched.set(url, found);
    if (fetched.size > 40) fetched.delete(/** @type {string} */ (fetched.keys().next().value));
  }
  return found;
}

/**
 * Plotly, from the installed Python package.
 * @param {string} url
 * @returns {Promise<PlotlyLibrary>}
 */
export function loadPlotly(url) {
  const page = /** @type {{Plotly?: PlotlyLibrary}} */ (/** @type {unknown} */ (window));
  if (page.Plotly) return Promise.resolve(page.Plotly);
  let found = fetched.get(url);
  if (!found) {
    found = new Promise((done, fail) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => done(page.Plotly);
      script.onerror = () => fail(new Error("the server must have the plotting library"));
      document.head.append(script);
    });
    found.catch(() => fetched.delete(url));
    fetched.set(url, found);
  }
  return found;
}

/**
 * The page's colours, where the figure leaves them to the theme.
 * @param {HTMLElement} element
 */
export function themed(element) {
  const style = getComputedStyle(element);
  const text = style.getPropertyValue("--st-text-color").trim() || style.color;
  const line = style.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,.3)";
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, family: style.getPropertyValue("--st-font").trim() || "sans-serif" },
    modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: line, activecolor: text },
    xaxis: axis,
    yaxis: axis,
  };
}

/**
 * The figure's layout with the theme's colours in it.
 * @param {Figure["layout"]} layout
 * @param {HTMLElement} element
 */
export function dress(layout, element) {
  const theme = themed(element);
  return {
    ...layout,
    ...theme,
    xaxis: { ...layout.xaxis, ...theme.xaxis },
    yaxis: { ...layout.yaxis, ...theme.yaxis },
  };
}

/**
 * The plot area: its corner in the chart, its size, and the two conversions.
 * @param {Chart} chart
 */
export function frame(chart) {
  const { xaxis, yaxis } = chart._fullLayout;
  return {
    left: xaxis._offset,
    top: yaxis._offset,
    width: xaxis._length,
    height: yaxis._length,
    toPixels: (/** @type {ArrayLike<number>} */ place) => [
      xaxis._offset + xaxis.l2p(place[0]),
      yaxis._offset + yaxis.l2p(place[1]),
    ],
    toPlace: (/** @type {ArrayLike<number>} */ pixel) => [
      xaxis.p2l(pixel[0] - xaxis._offset),
      yaxis.p2l(pixel[1] - yaxis._offset),
    ],
    /** Pixels per unit, across and up. */
    scale: [Math.abs(xaxis.l2p(1) - xaxis.l2p(0)), Math.abs(yaxis.l2p(1) - yaxis.l2p(0))],
  };
}

/**
 * Every point's place by the image's number, and which points the legend shows.
 * @param {Chart} chart
 * @param {number} count
 */
export function placed(chart, count) {
  const positions = new Float32Array(2 * count);
  const visible = new Uint8Array(count);
  for (const trace of chart._fullData) {
    if (!trace.customdata) continue;
    const listed = trace.visible === true;
    for (let i = 0; i < trace.x.length; i++) {
      const index = trace.customdata[i];
      positions[2 * index] = trace.x[i];
      positions[2 * index + 1] = trace.y[i];
      visible[index] = listed ? 1 : 0;
    }
  }
  return { positions, visible };
}
