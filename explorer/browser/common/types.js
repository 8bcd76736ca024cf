/**
 * The shapes of what the live map exchanges with Python and with Plotly; types only.
 *
 * @typedef {{z: number[], name: string, point: number | null}} Pin
 *   a spot of the latent space; `point` if it is the code of a test image
 * @typedef {{origin: number[], axes: number[][], names: string[], home: string, reach?: number}} PlaneData
 *   z = origin + u · axes; `home` says what the origin is, `reach` how far the prior is shown at least
 * @typedef {{prior: boolean, means: boolean, names: boolean, truth: boolean, standard: boolean,
 *   posterior: string, background: string, anchor: string, hidden: number[], ranges: import("../numerics/view.js").Ranges | null,
 *   tab: "image" | "hand" | "prior" | "grid", z: number[], draw: number, side: number,
 *   beta: number}} Look
 *   how a map looks, as a link remembers it
 * @typedef {{model: string, originals: string | null, positions: string | null,
 *   decode: string | import("../latent_map/exact.js").ServerDecoder | null, data_set: string,
 *   betas: {url: string, threshold: import("./beta_range.js").Threshold | null} | null,
 *   view: "raw" | "pca" | "tsne", plane: PlaneData | null, latents: [number, number],
 *   titles: {x: string, y: string}, equal: boolean, prior: [number, number] | null,
 *   colour: {by: string, title: string}, palette: string[], note: string, download: string, visit: number | string,
 *   point: number | null, pins: Pin[], look: Partial<Look> | null,
 *   drawn: {mean: number[], log_variance: number[] | null} | null,
 *   arrow?: {from: number[], to: number[], name: string} | null}} MapData
 * @typedef {{model: string, pins: Pin[], point: number | null, look: Look}} Touch what Python hears
 *
 * @typedef {{_offset: number, _length: number, range: number[], l2p(v: number): number,
 *   p2l(v: number): number}} Axis
 * @typedef {{x: ArrayLike<number>, y: ArrayLike<number>, customdata?: ArrayLike<number>,
 *   visible: boolean | string, name: string}} Trace
 * @typedef {HTMLElement & {_fullLayout: {xaxis: Axis, yaxis: Axis, dragmode: string},
 *   _fullData: Trace[], data: Trace[], on(event: string, listener: (details: any) => void): void}} Chart
 * @typedef {{data: object[], layout: {xaxis?: object, yaxis?: object, [name: string]: unknown}}} Figure
 * @typedef {{react(chart: HTMLElement, data: object[], layout: object, config?: object): Promise<void>,
 *   relayout(chart: HTMLElement, changes: object): Promise<void>,
 *   purge(chart: HTMLElement): void,
 *   Plots: {resize(chart: HTMLElement): Promise<void>}}} PlotlyLibrary
 */
export {};
