// @ts-check
/** The model of every page: the open picture, its state with undo and redo, and the work in progress. */

import { History } from "./history.js";

/** @typedef {import("./files.js").Picture} Picture */
/** @typedef {import("./raster.js").Box} Box */
/** @typedef {{words: string, abort: AbortController, since: number, done: Promise<void>}} Busy */
/**
 * @typedef {object} Tool
 * @property {string} label its name in messages
 * @property {string} step the step in which it is used
 * @property {string} key its keyboard shortcut
 */

const SMALLEST_SIZE = 1;
const LARGEST_SIZE = 300;

/**
 * Dispatches "change" after any change, "ink" with a box while a stroke is drawn, "say" with a message to be read aloud.
 *
 * @template {Record<string, any>} State an immutable value
 */
export class Workbench extends EventTarget {
  /** @type {Picture | null} */ picture = null;
  /** @type {State | null} */ state = null;
  /** @type {State | null} a stroke in progress, not yet in `state` */ draft = null;
  /** @type {History | null} */ history = null;
  /** @type {Record<string, string>} step -> its current tool */ chosen = {};
  /** @type {Record<string, number>} step -> the size of its tools in pixels of the picture */ sizes = {};
  /** @type {Busy | null} */ busy = null;
  /** @type {string} the message about the last failure, or "" */ error = "";
  /** @type {boolean} whether the original is shown while a key is held */ isOriginalShown = false;

  /** @param {string[]} steps in order; the first is always reachable @param {Record<string, Tool>} tools */
  constructor(steps, tools) {
    super();
    this.steps = steps;
    this.tools = tools;
    this.step = steps[0];
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Sets the status line, which screen readers read aloud. @param {string} words */
  say(words) {
    this.dispatchEvent(new CustomEvent("say", { detail: words }));
  }

  /** @param {string} words what went wrong; "" removes the message */
  fail(words) {
    this.error = words;
    this.changed();
  }

  /** Starts with a new picture. @param {Picture} picture @param {State} state @param {History} history */
  start(picture, state, history) {
    if (this.picture) URL.revokeObjectURL(this.picture.url);
    this.picture = picture;
    this.state = state;
    this.history = history;
  }

  /** @returns {{picture: Picture, state: State, history: History}} @throws {Error} no picture is open */
  get open() {
    const { picture, state, history } = this;
    if (!picture || !state || !history) throw new Error("Open a picture first.");
    return { picture, state, history };
  }

  /** The state that is drawn. */
  get shown() {
    return this.draft ?? this.state;
  }

  /** The current tool, null if the step has none. @returns {string | null} */
  get tool() {
    return this.chosen[this.step] ?? null;
  }

  /** Whether a step can be shown. @param {string} step @returns {boolean} */
  isReachable(step) {
    return step === this.steps[0] || this.state !== null;
  }

  /** Shows a step, or the nearest reachable one before it. @param {string} step */
  goTo(step) {
    while (!this.isReachable(step)) step = this.steps[this.steps.indexOf(step) - 1];
    this.step = step;
    this.changed();
  }

  /** @param {string} tool */
  choose(tool) {
    const { step, label } = this.tools[tool];
    if (this.step !== step) return;
    this.chosen[step] = tool;
    this.changed();
    this.say(`${label} chosen`);
  }

  /** Sets the size of the current tool. @param {number} size in pixels */
  resize(size) {
    if (!(this.step in this.sizes)) return;
    this.sizes[this.step] = Math.min(LARGEST_SIZE, Math.max(SMALLEST_SIZE, Math.round(size)));
    this.changed();
  }

  /** Shows a stroke in progress. @param {State | null} draft @param {Box} [box] what changed; everything by default */
  preview(draft, box) {
    this.draft = draft;
    this.dispatchEvent(new CustomEvent("ink", { detail: box }));
  }

  /**
   * Replaces the state as one undoable step.
   *
   * @param {State} next @param {string} step to show @param {string} [key] see History.record
   * @returns {boolean} whether anything changed
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
    this.state = /** @type {State} */ (moved.state);
    this.goTo(moved.step);
    this.say(words);
  }

  /**
   * Runs cancellable work that takes time; no other work starts meanwhile.
   *
   * @param {string} words description of the work
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

  /** Waits for work and reports a failure. @param {Promise<void>} work */
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
