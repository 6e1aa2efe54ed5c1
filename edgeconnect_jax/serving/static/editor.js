// @ts-check
/** What the page knows: the picture, what was made of it, and what is going on. Whoever shows it listens to it. */

import { History } from "./history.js";
import { blank, isPredicted } from "./state.js";
import { TOOLS } from "./tools.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./files.js").Picture} Picture */
/** @typedef {import("./raster.js").Box} Box */
/** @typedef {import("./tools.js").ToolName} ToolName */
/** @typedef {"picture" | "hole" | "lines" | "result"} Step */
/** @typedef {{words: string, abort: AbortController, since: number, done: Promise<void>}} Busy */
/**
 * @typedef {object} Result
 * @property {number} id
 * @property {Blob} blob the file as the service sent it
 * @property {string} url of the blob
 * @property {Record<"mask" | "map" | "own" | "touched" | "lines", Blob>} planes PNG files of what it was made from
 * @property {number} sigma
 * @property {number} threshold
 * @property {number} seconds from the click to the picture
 * @property {Record<string, number>} timing milliseconds on the service, by name
 */

const SMALLEST_SIZE = 1;
const LARGEST_SIZE = 300;

/** Dispatches "change" after any change, "ink" with a box while a stroke is drawn, "say" with words to be read out. */
export class Editor extends EventTarget {
  /** @type {import("./api.js").Info | null} */ info = null;
  /** @type {Picture | null} */ picture = null;
  /** @type {State | null} */ state = null;
  /** @type {State | null} a stroke on its way, not yet in `state` */ draft = null;
  /** @type {History | null} */ history = null;
  /** @type {Result[]} */ results = [];
  /** @type {Step} */ step = "picture";
  /** @type {Record<"hole" | "lines", ToolName>} */ chosen = { hole: "brush", lines: "pencil" };
  /** @type {Record<"hole" | "lines", number>} in pixels of the picture */ sizes = { hole: 24, lines: 7 };
  /** @type {Busy | null} */ busy = null;
  /** @type {string} words about what went wrong, or "" */ error = "";
  /** @type {number | null} a sigma that lines are about to be predicted with */ wishedSigma = null;
  /** @type {boolean} whether the original is shown as long as a key is held */ isOriginalShown = false;

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Words for the status line, which screen readers read out. @param {string} words */
  say(words) {
    this.dispatchEvent(new CustomEvent("say", { detail: words }));
  }

  /** @param {string} words about what went wrong; "" takes them away */
  fail(words) {
    this.error = words;
    this.changed();
  }

  /** Begins with a new picture. @param {Picture} picture @param {number} sigma */
  begin(picture, sigma) {
    if (this.picture) URL.revokeObjectURL(this.picture.url);
    for (const result of this.results) URL.revokeObjectURL(result.url);
    const shorter = Math.min(picture.width, picture.height);
    this.picture = picture;
    this.state = blank(picture, sigma);
    this.history = new History(picture);
    this.results = [];
    this.sizes = { hole: Math.max(4, Math.round(shorter / 12)), lines: Math.max(3, Math.round(shorter / 64)) };
    this.goTo("hole");
  }

  /** @returns {{picture: Picture, state: State, history: History}} @throws {Error} there is no picture yet */
  get open() {
    const { picture, state, history } = this;
    if (!picture || !state || !history) throw new Error("Open a picture first.");
    return { picture, state, history };
  }

  /** What the drawing shows. */
  get shown() {
    return this.draft ?? this.state;
  }

  /** The tool in hand, null where there is none. @returns {ToolName | null} */
  get tool() {
    return this.step === "hole" || this.step === "lines" ? this.chosen[this.step] : null;
  }

  /** The filling that is shown. @returns {Result | null} */
  get result() {
    return this.results.find((one) => one.id === this.state?.result) ?? null;
  }

  /** @param {Step} step */
  isReachable(step) {
    if (step === "picture") return true;
    if (!this.state) return false;
    return { hole: true, lines: isPredicted(this.state), result: this.result !== null }[step];
  }

  /** Shows a step, or the nearest one before it that can be shown. @param {Step} step */
  goTo(step) {
    const order = /** @type {Step[]} */ (["picture", "hole", "lines", "result"]);
    while (!this.isReachable(step)) step = order[order.indexOf(step) - 1];
    this.step = step;
    this.changed();
  }

  /** @param {ToolName} tool */
  choose(tool) {
    const { step } = TOOLS[tool];
    if (this.step !== step) return;
    this.chosen[step] = tool;
    this.changed();
    this.say(`${TOOLS[tool].label} chosen`);
  }

  /** The size of the tool in hand. @param {number} size in pixels */
  resize(size) {
    if (this.step !== "hole" && this.step !== "lines") return;
    this.sizes[this.step] = Math.min(LARGEST_SIZE, Math.max(SMALLEST_SIZE, Math.round(size)));
    this.changed();
  }

  /** A stroke on its way. @param {State | null} draft @param {Box} [box] what changed; everything by default */
  preview(draft, box) {
    this.draft = draft;
    this.dispatchEvent(new CustomEvent("ink", { detail: box }));
  }

  /**
   * Replaces the state, as one step that can be undone.
   *
   * @param {State} next @param {Step} step to show @param {string} [key] see History.record
   * @returns {boolean} whether it was a change
   */
  commit(next, step, key = "") {
    this.draft = null;
    const isChange = this.open.history.record(this.open.state, next, step, key);
    if (isChange) this.state = next;
    this.goTo(step);
    return isChange;
  }

  undo() {
    this.move("undo", "Undone");
  }

  redo() {
    this.move("redo", "Redone");
  }

  /** @param {"undo" | "redo"} direction @param {string} words */
  move(direction, words) {
    if (this.busy || this.draft || !this.history || !this.state) return;
    const moved = this.history[direction](this.state);
    if (!moved) return this.say(`Nothing to ${direction}`);
    this.state = moved.state;
    this.goTo(/** @type {Step} */ (moved.step));
    this.say(words);
  }

  /**
   * Does something that takes time and can be cancelled; nothing else begins meanwhile.
   *
   * @param {string} words what is being done
   * @param {(signal: AbortSignal, say: (words: string) => void) => Promise<void>} work
   */
  async run(words, work) {
    if (this.busy) return;
    const abort = new AbortController();
    const say = (/** @type {string} */ text) => {
      if (this.busy) this.busy.words = text;
      this.say(text);
      this.changed();
    };
    this.error = "";
    this.busy = { words, abort, since: performance.now(), done: Promise.resolve() };
    say(words);
    this.busy.done = this.finished(work(abort.signal, say));
    await this.busy.done;
  }

  /** Waits for work and tells how it ended badly. @param {Promise<void>} work */
  async finished(work) {
    try {
      await work;
    } catch (error) {
      if (error.name === "AbortError") this.say("Cancelled");
      else this.error = error.message;
    } finally {
      this.busy = null;
      this.changed();
    }
  }

  cancel() {
    this.busy?.abort.abort();
  }
}
