/**
 * Plotly figures on the page: the library, the theme, and the way from units to pixels and back.
 */

import { context } from "./dom.js";

/** @import { Chart, PlotlyLibrary, Figure } from "./types.js" */

/** Save, zoom and pan; nothing of a chart is sent to another place. */
export const CHART_OPTIONS = {
  displaylogo: false,
  scrollZoom: true,
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
};

/** @type {Promise<PlotlyLibrary> | null} */
let library = null;

/**
 * Plotly, from the installed Python package.
 * @param {string} url
 * @returns {Promise<PlotlyLibrary>}
 */
export function loadPlotly(url) {
  const page = /** @type {{Plotly?: PlotlyLibrary}} */ (/** @type {unknown} */ (window));
  if (page.Plotly) return Promise.resolve(page.Plotly);
  library ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => done(/** @type {PlotlyLibrary} */ (page.Plotly));
    script.onerror = () => {
      library = null;
      fail(new Error("the server must have the plotting library"));
    };
    document.head.append(script);
  });
  return library;
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
 * A canvas as large as the chart, cleared, drawing in CSS pixels inside the plot area.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} chart
 * @param {ReturnType<typeof frame>} view
 */
export function sheet(canvas, chart, view) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = context(canvas);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.beginPath();
  pen.rect(view.left, view.top, view.width, view.height);
  pen.clip();
  return pen;
}
