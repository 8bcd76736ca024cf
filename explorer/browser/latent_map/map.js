/**
 * The live map: the test set's codes, any spot of which is decoded in the browser.
 *
 * Python sends addresses of files and a few numbers. Whatever is touched is answered from these
 * files, by this page alone; Python hears of it only to keep the link.
 */

import { fetchOnce } from "../common/files.js";
import { part } from "../common/dom.js";
import { buildPlane, mediansOf, nearestPoint } from "../numerics/geometry.js";
import { readPositions } from "../numerics/tensors.js";
import { Gestures } from "../scatter/gestures.js";
import { Scatter } from "../scatter/scatter.js";
import { layBackground } from "./background.js";
import { contentOf } from "./content.js";
import { decoderAt } from "./exact.js";
import { Inspector } from "./inspector.js";
import { Interpolation } from "./interpolation.js";
import { pressKey } from "./keyboard.js";
import { EveryBeta } from "./every_beta.js";
import { Ghost } from "./ghost.js";
import { Link } from "./link.js";
import { restoreLook } from "./look.js";
import { gestureHost, inspectorHost, pinsHost, scatterHost, selectionHost, walkHost } from "./hosts.js";
import { paintMarks, paintTouched } from "./marks.js";
import { LatentModel } from "./model.js";
import { Originals } from "./originals.js";
import { savePicture } from "./picture.js";
import { pinPixels } from "./pin_places.js";
import { Pins } from "./pins.js";
import { Pointer } from "./pointer.js";
import { PointerPanel } from "./pointer_panel.js";
import { Posteriors } from "./posteriors.js";
import { Selection } from "./selection.js";
import { settle, takeOriginals } from "./settling.js";
import { Thumbnails } from "./thumbnails.js";
import { Toolbar } from "./toolbar.js";
import { Truth } from "./truth.js";

/** @import { Plane } from "../numerics/geometry.js" */
/** @import { View } from "../numerics/view.js" */
/** @import { Scale } from "../scatter/colours.js" */
/** @import { Background } from "./background.js" */
/** @import { MapData, Pin, Touch } from "../common/types.js" */

/** One map on the page. */
export class LatentMap {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.stage = part(root, ".stage");
    /** @type {Record<string, string>} what is loaded and shown, by address */
    this.has = {};
    /** @type {(touch: Touch) => void} */
    this.tell = () => {};
    /** @type {LatentModel | null} */
    this.loaded = null;
    /** @type {MapData | null} */
    this.data = null;
    /** @type {Plane | null} */
    this.plane = null;
    this.originals = new Originals();
    /** @type {((place: ArrayLike<number>) => number | null) | null} the nearest point shown */
    this.nearest = null;
    /** @type {Scale | null} */
    this.scale = null;
    /** @type {([number, number] | null)[] | null} */
    this.medians = null;
    /** @type {Uint32Array} points that `nearest` searches */
    this.shownAt = new Uint32Array();
    this.marking = 0;
    this.walking = 0;
    /** @type {number | null} the selected test image */
    this.point = null;
    /** @type {number | null} pins before the last click, which a second click takes back */
    this.pinsBefore = null;
    /** @type {Float32Array[]} */
    this.path = [];
    /** @type {number | null} */
    this.step = null;
    /** @type {Background | null} */
    this.background = null;
    this.serial = 0;
    this.link = new Link(this);
    this.panel = new PointerPanel(part(root, ".lens"), part(root, ".latent-panel"));
    this.pointer = new Pointer(this);
    this.thumbnails = new Thumbnails(this);
    this.posteriors = new Posteriors(this);
    this.truth = new Truth(this);
    this.scatter = new Scatter(this.stage, scatterHost(this));
    this.pins = new Pins(part(root, ".pins"), part(root, ".list"), pinsHost(this));
    this.interpolation = new Interpolation(part(root, ".walk"), walkHost(this));
    this.toolbar = new Toolbar(part(root, ".toolbar"), (what) => this.toolChanged(what));
    this.everyBeta = new EveryBeta(part(root, ".betas"), this);
    this.selection = new Selection(part(root, ".selection"), selectionHost(this));
    this.inspector = new Inspector(part(root, ".inspector"), inspectorHost(this));
    this.gestures = new Gestures(this.stage, gestureHost(this));
    this.ghost = new Ghost(this);
    this.stage.addEventListener("keydown", (event) => {
      if (event.target === this.stage && this.nearest && pressKey(this, event)) event.preventDefault();
    });
  }

  /**
   * Takes what Python sends; fetches everything at once, and draws what is new.
   * @param {MapData} data
   * @param {(touch: Touch) => void} tell
   */
  async update(data, tell) {
    const serial = ++this.serial;
    this.tell = tell;
    this.data = data;
    if (this.has.model !== data.model) this.forget();
    const bytes = (/** @type {string} */ url) => fetchOnce(url, (answer) => answer.arrayBuffer());
    try {
      const originals = data.originals ? bytes(data.originals) : null;
      originals?.catch(() => {}); // said below, once it is waited for
      const [model, positions] = await Promise.all([bytes(data.model), data.positions ? bytes(data.positions) : null]);
      if (serial !== this.serial) return;
      this.load(new Uint8Array(model));
      settle(this, data, positions && readPositions(new Uint8Array(positions)));
      this.everyBeta.offer();
      if (originals) takeOriginals(this, new Uint8Array(await originals), data);
    } catch (error) {
      if (serial === this.serial) this.say(`The map cannot be shown: ${/** @type {Error} */ (error).message}. Reload the page.`);
    }
  }

  /** Another model is on its way: what is shown of the last one must not answer for it. */
  forget() {
    this.link.forget();
    this.nearest = null;
    if (this.loaded) this.loaded.exact = null; // what the server still answers is not shown
    this.loaded = null;
    this.background = null;
    this.originals.forget();
    this.has = {};
    this.thumbnails.forget();
    this.ghost.rest();
    this.everyBeta.forget();
    this.pointer.leave();
    this.pointer.last = null;
    this.posteriors.end();
    this.truth.forget();
    this.pins.set([]);
    this.selection.clear();
    for (const layer of this.root.querySelectorAll("canvas.layer")) {
      /** @type {HTMLCanvasElement} */ (layer).width = 0;
    }
    this.say("Loading the map…");
  }

  /** The page has left the map. */
  end() {
    this.ghost.end();
    this.pointer.end();
    this.gestures.end();
    this.scatter.end();
    this.posteriors.end();
    this.truth.forget();
    this.interpolation.stop();
    this.everyBeta.forget();
    cancelAnimationFrame(this.marking);
    cancelAnimationFrame(this.walking);
    this.link.hush();
  }

  /** @param {string} text */
  say(text) {
    part(this.root, ".state").textContent = text;
  }

  /**
   * Reads decoder and codes, once per model, and what the link says, once per visit.
   * @param {Uint8Array} bytes
   */
  load(bytes) {
    const data = /** @type {MapData} */ (this.data);
    const isSameModel = this.has.model === data.model;
    if (isSameModel && this.has.restored === String(data.visit)) return;
    this.has.model = data.model;
    if (!isSameModel) this.loaded = new LatentModel(bytes);
    this.root.classList.toggle("without-pictures", !this.model.hasPictures);
    this.root.classList.toggle("without-points", !this.model.hasPoints);
    if (data.decode) this.model.exact = decoderAt(data.decode, this.model.size, this.model.shape);
    this.interpolation.pins = [];
    this.point = data.point;
    restoreLook(this, data.look);
    this.pins.all = data.pins.filter((pin) => pin.z.length === this.model.size);
    this.say("");
  }

  /** The model; there is one wherever the map can be touched. */
  get model() {
    if (!this.loaded) throw new Error("the map's model must be loaded first");
    return this.loaded;
  }

  /** @returns {View} */
  get view() {
    if (!this.scatter.view) throw new Error("the map must be drawn first");
    return this.scatter.view;
  }

  /** Puts the plane through the chosen anchor. */
  anchor() {
    const plane = this.data?.plane;
    if (!plane) {
      this.plane = null;
      return;
    }
    const chosen = this.toolbar.anchor;
    /** @type {ArrayLike<number> | undefined} */
    let anchor;
    if (chosen === "point" && this.point !== null) anchor = this.model.codeOf(this.point);
    if (chosen.startsWith("pin ")) anchor = this.pins.all[Number(chosen.slice(4))]?.z;
    this.plane = buildPlane(plane.origin, plane.axes, anchor);
  }

  /** Makes the search for the nearest point that is shown. */
  find() {
    const listed = this.scatter.shown;
    const places = new Float64Array(2 * listed.length);
    listed.forEach((n, i) => places.set(this.placeOf(n), 2 * i));
    const find = listed.length ? nearestPoint(places) : null;
    this.shownAt = listed;
    this.nearest = (place) => (find ? listed[find(place).index] : null);
  }

  /** The middle of every class's points: the median across and up; null where it has none. */
  middles() {
    const content = this.scatter.content;
    if (!content) return [];
    this.medians ??= mediansOf(content.positions, content.groupOf, content.groups.length);
    return this.medians;
  }

  /** The view or the shown points are others. */
  viewChanged() {
    if (!this.nearest) return;
    if (this.shownAt !== this.scatter.shown) this.find();
    this.drawMarks();
    this.remember();
  }

  /** @param {number[]} pixel */
  contains([x, y]) {
    const view = this.scatter.view;
    if (!view || !this.nearest) return false;
    return x >= view.left && y >= view.top && x <= view.left + view.width && y <= view.top + view.height;
  }

  /** @param {number} n */
  placeOf(n) {
    const positions = /** @type {Float32Array} */ (this.scatter.content?.positions);
    return [positions[2 * n], positions[2 * n + 1]];
  }

  /**
   * Pins the spot; on a point, selects its image too.
   * @param {number[]} pixel
   */
  click(pixel) {
    const spot = this.pointer.spotAt(pixel);
    if (!spot) return;
    this.pointer.look(pixel);
    this.pinsBefore = this.pins.all.length;
    if (spot.point !== null) this.select(spot.point);
    this.pin(spot.point === null ? spot.z : this.model.codeOf(spot.point), spot.point);
  }

  /**
   * A click on a pin shows its spot; if it is the code of a test image, selects that.
   * @param {Pin} pin
   */
  clickPin(pin) {
    this.pinsBefore = this.pins.all.length;
    this.pointer.look(this.pinPixels(pin));
    if (pin.point !== null) this.select(pin.point);
  }

  /** Shows everything again; the pin of the first of the two clicks goes. */
  doubleClick() {
    if (this.pinsBefore !== null && this.pins.all.length > this.pinsBefore) {
      this.pins.all.length = this.pinsBefore;
      this.pins.finish();
    }
    this.scatter.reset();
  }

  /**
   * Selects a test image: the inspector shows it at once.
   * @param {number | null} n
   */
  select(n) {
    this.point = n;
    this.inspector.selected();
    this.toolbar.anchors(this.point, this.pins.all);
    if (this.toolbar.anchor === "point") this.toolChanged("anchor");
    this.requestMarks();
    this.remember();
  }

  /**
   * @param {ArrayLike<number>} z
   * @param {number | null} point
   */
  pin(z, point) {
    this.pins.add(Array.from(z), point);
    this.pinsChanged(true);
  }

  /** @param {Pin} pin */
  pinPixels(pin) {
    return pinPixels(this, pin);
  }

  /** @param {boolean} isFinal */
  pinsChanged(isFinal) {
    this.toolbar.anchors(this.point, this.pins.all);
    this.anchor();
    this.requestMarks();
    if (!isFinal) return;
    this.requestWalk();
    this.remember();
  }

  /** What the link keeps has changed. */
  remember() {
    this.link.remember();
  }

  /**
   * The points inside a box or a lasso.
   * @param {number[]} chosen
   */
  choose(chosen) {
    this.selection.show(chosen, this.model);
    this.requestMarks();
  }

  /**
   * The walk's path on the map.
   * @param {Float32Array[]} path
   * @param {number | null} step
   */
  showPath(path, step) {
    this.path = path;
    this.step = step;
    this.requestMarks();
  }

  /** @param {string} what */
  toolChanged(what) {
    if (what === "png" || what === "svg") savePicture(this, what);
    else if (what === "nearer" || what === "farther") this.scatter.zoom(what === "nearer" ? 0.7 : 1 / 0.7);
    else if (what === "reset") this.scatter.reset();
    else if (what === "mode") this.gestures.mode = this.toolbar.mode;
    else {
      if (what === "anchor") this.anchor();
      if (what === "background" || what === "anchor") layBackground(this);
      this.drawMarks();
      this.remember();
    }
  }

  /**
   * The codes have moved, for the model is at another β.
   * @param {number} reach how far they go at any β
   */
  codesMoved(reach) {
    const data = /** @type {MapData} */ (this.data);
    const { content, scale } = contentOf(data, this.model, this.plane, null, reach);
    Object.assign(this, { scale, medians: null });
    this.scatter.show(content, true);
    this.find();
    if (this.pointer.at) this.pointer.look(this.pointer.at);
    this.inspector.show();
    this.drawMarks();
  }

  /** The codes have come to rest: densities, pictures, walk and background follow. */
  codesRest() {
    this.model.measure();
    this.thumbnails.forget();
    this.interpolation.restart();
    if (this.toolbar.background !== "none") layBackground(this);
    this.remember();
  }

  /** Draws them in the next frame, once however often it is asked for. */
  requestMarks() {
    cancelAnimationFrame(this.marking);
    this.marking = requestAnimationFrame(() => this.drawMarks());
  }

  /** The walk follows when the frame with what was touched is painted. */
  requestWalk() {
    cancelAnimationFrame(this.walking);
    const follow = () => this.loaded && this.interpolation.update(this.pins.all);
    this.walking = requestAnimationFrame(() => setTimeout(follow));
  }

  /** Draws what lies over the points again. */
  drawMarks() {
    if (!this.nearest || !this.loaded || !this.scatter.view) return;
    paintMarks(this);
    paintTouched(this);
    this.pins.place();
  }

  /**
   * Where a code is on the map.
   * @param {ArrayLike<number>} z
   */
  onMap(z) {
    if (this.plane && this.model.size > 1) return this.plane.project(z);
    return this.placeOf(this.model.nearestCode(z));
  }
}

/**
 * What Streamlit calls, at first and whenever data or theme change.
 * @param {{parentElement: ParentNode, data: MapData, setStateValue: (name: string, value: Touch) => void}} component
 * @returns {() => void} called when the component goes
 */
export function liveMap({ parentElement, data, setStateValue }) {
  const root = /** @type {HTMLElement & {latentMap?: LatentMap}} */ (part(parentElement, ".latent-map"));
  const map = (root.latentMap ??= new LatentMap(root));
  map.update(data, (touch) => setStateValue("touch", touch));
  return () => setTimeout(() => root.isConnected || map.end());
}
