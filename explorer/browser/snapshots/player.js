/**
 * The film of a training run: the codes of the test set as they move, the same images reconstructed
 * ever better, samples of the prior. While it runs, the newest frames flow in; afterwards it is
 * played, scrubbed, compared with another one, and saved.
 */

import { make, part, save } from "../common/dom.js";
import { positionOf } from "../numerics/frames.js";
import { Film } from "./film.js";
import { drawFilms, filmGif } from "./saved_file.js";

/** @import { Frame } from "../numerics/frames.js" */
/** @import { FilmData } from "./film.js" */
/**
 * @typedef {{films: FilmData[], live: boolean, colours: string[], inStep: "share" | "step"}} PlayerData
 */

const FILM_SECONDS = 10;
const FLOW_SECONDS = 0.7;
const LIVE_MS = 500;
const SPEEDS = { "0.5": "½×", 1: "1×", 2: "2×", 4: "4×" };

/** One film, or two in step, with their controls. */
export class Player {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.slider = /** @type {HTMLInputElement} */ (part(root, "input"));
    this.player = part(root, ".play");
    this.liveButton = part(root, ".live");
    this.speed = /** @type {HTMLSelectElement} */ (part(root, "select"));
    /** @type {Film[]} */
    this.films = [];
    /** @type {PlayerData | null} */
    this.data = null;
    this.position = 0;
    this.playing = false;
    this.follows = true;
    this.frame = 0;
    this.then = 0;
    this.ended = false;
    this.asking = 0;
    for (const [value, textContent] of Object.entries(SPEEDS)) {
      this.speed.append(make("option", { value, textContent, selected: value === "1" }));
    }
    this.slider.oninput = () => this.scrub(Number(this.slider.value));
    this.player.onclick = () => this.toggle();
    this.liveButton.onclick = () => this.follow();
    part(root, ".gif").onclick = () => this.saveGif();
    part(root, ".png").onclick = () => this.savePng();
    this.watch = new ResizeObserver(() => this.tick());
    this.watch.observe(root);
  }

  /** @param {PlayerData} data */
  update(data) {
    this.data = data;
    while (this.films.length > data.films.length) this.films.pop()?.end();
    while (this.films.length < data.films.length) this.films.push(new Film(() => this.changed()));
    const places = this.films.map((film) => film.place);
    const there = part(this.root, ".films");
    if ([...there.children].some((child, i) => child !== places[i]) || there.children.length !== places.length) {
      there.replaceChildren(...places);
    }
    there.classList.toggle("two", places.length > 1);
    this.liveButton.hidden = !data.live;
    clearTimeout(this.asking);
    this.ask();
  }

  /** Fetches the films; of one that is live, again and again what is new. */
  async ask() {
    const { films, live } = /** @type {PlayerData} */ (this.data);
    await Promise.all(this.films.map((film, i) => films[i] && film.update(films[i])));
    clearTimeout(this.asking);
    if (live && this.root.isConnected && !this.ended) this.asking = setTimeout(() => this.ask(), LIVE_MS);
  }

  /** New frames have come, or another latent was chosen. */
  changed() {
    const first = this.films[0];
    this.films.forEach((film) => film.settle(this.data?.colours ?? []));
    const count = first?.frames.length ?? 0;
    const problem = this.films.map((film) => film.problem).find(Boolean);
    const waits = this.data?.live ? "The first frame will be here in a moment." : "Reading the film…";
    part(this.root, ".state").textContent = problem || (count ? "" : waits);
    part(this.root, ".controls").hidden = part(this.root, ".films").hidden = !count;
    this.slider.max = String(Math.max(0, count - 1));
    if (this.position > count - 1) this.position = Math.max(0, count - 1);
    if (this.follows && !this.data?.live) this.position = Math.max(0, count - 1);
    this.tick();
  }

  /** @param {number} position */
  scrub(position) {
    this.playing = this.follows = false;
    this.position = position;
    this.tick();
  }

  toggle() {
    this.playing = !this.playing;
    this.follows = false;
    const last = this.films[0].frames.length - 1;
    if (this.playing && this.position >= last) this.position = 0;
    this.tick();
  }

  follow() {
    this.follows = true;
    this.playing = false;
    this.tick();
  }

  /** Asks for a frame of the screen, once. */
  tick() {
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      const passed = Math.min(0.1, (now - this.then) / 1000);
      this.then = now;
      if (this.root.isConnected && this.films[0]?.frames.length) this.advance(passed);
    });
  }

  /** @param {number} passed seconds since the last frame of the screen */
  advance(passed) {
    const last = this.films[0].frames.length - 1;
    if (this.playing) {
      this.position += (Number(this.speed.value) * passed * Math.max(last, 1)) / FILM_SECONDS;
      if (this.position >= last) [this.position, this.playing] = [last, false];
    } else if (this.follows && this.position < last) {
      const gap = last - this.position;
      this.position = gap < 0.01 ? last : this.position + gap * Math.min(1, passed / FLOW_SECONDS);
    }
    this.draw();
    if (this.playing || (this.follows && this.position < last)) this.tick();
  }

  /** Shows all films at the place of the first. */
  draw() {
    const { inStep } = /** @type {PlayerData} */ (this.data);
    const [first, ...others] = this.films;
    const positions = [this.position, ...others.map((film) => this.match(first, film, inStep))];
    const reach = Math.max(...this.films.map((film, i) => (film.frames.length ? film.reachAt(positions[i]) : 0)));
    this.films.forEach((film, i) => film.show(positions[i], reach));
    this.slider.value = String(Math.round(this.position));
    this.slider.setAttribute("aria-valuetext", first.words()[0]);
    this.player.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.liveButton.setAttribute("aria-pressed", String(this.follows));
  }

  /**
   * The position of another film at the same share of its training, or after as many updates.
   * @param {Film} first
   * @param {Film} film
   * @param {"share" | "step"} by
   */
  match(first, film, by) {
    if (!film.frames.length) return 0;
    const [from, to, share] = frameAt(first, this.position);
    const step = from.step + share * (to.step - from.step);
    const factor = by === "share" ? updatesOf(film) / updatesOf(first) : 1;
    return positionOf(film.steps, step * factor);
  }

  /** @param {number} position */
  pictureAt(position) {
    this.position = position;
    this.draw();
    return drawFilms(this.films, 1);
  }

  async saveGif() {
    const button = /** @type {HTMLButtonElement} */ (part(this.root, ".gif"));
    const before = this.position;
    button.disabled = true;
    this.playing = this.follows = false;
    try {
      const last = this.films[0].frames.length - 1;
      const progress = (/** @type {string} */ text) => (button.textContent = text);
      const bytes = await filmGif(last, (position) => this.pictureAt(position), progress);
      save(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type: "image/gif" }), "training.gif");
    } finally {
      button.textContent = "Save GIF";
      button.disabled = false;
      this.scrub(before);
    }
  }

  savePng() {
    const picture = drawFilms(this.films, 2);
    picture.toBlob((blob) => blob && save(blob, "training.png"));
  }

  end() {
    this.ended = true;
    for (const film of this.films) film.end();
    clearTimeout(this.asking);
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }
}

/**
 * @param {Film} film
 * @param {number} position
 * @returns {[Frame, Frame, number]}
 */
function frameAt(film, position) {
  const k = Math.min(Math.floor(position), film.frames.length - 1);
  return [film.frames[k], film.frames[Math.min(k + 1, film.frames.length - 1)], position - k];
}

/** Updates of a whole training. @param {Film} film */
function updatesOf(film) {
  return film.shared?.total ?? 1;
}

/**
 * What Streamlit calls, at first and whenever data or theme change.
 * @param {{parentElement: ParentNode, data: PlayerData}} component
 * @returns {() => void}
 */
export function trainingFilm({ parentElement, data }) {
  const root = /** @type {HTMLElement & {player?: Player}} */ (part(parentElement, ".training-film"));
  const player = (root.player ??= new Player(root));
  player.update(data);
  return () => setTimeout(() => root.isConnected || player.end());
}
