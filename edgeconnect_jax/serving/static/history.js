// @ts-check
/**
 * Undo and redo. A change is stored as the exclusive or of the bytes that differ, which works in both directions, so a
 * stroke needs memory for its box only, not for several whole planes.
 */

/** @typedef {Record<string, any>} State an immutable value; its planes are Uint8Arrays */
/** @typedef {import("./raster.js").Size} Size */
/** @typedef {{plane: string, x: number, y: number, width: number, bytes: Uint8Array}} Patch */
/** @typedef {{patches: Patch[], before: object, after: object, step: string, key: string, time: number}} Entry */

const BUDGET = 256e6; // bytes of patches; the oldest steps are dropped first
const TOGETHER = 1000; // ms in which changes of one slider are one step

/** The box in which two planes differ, as an exclusive or; null if they do not. */
function difference(/** @type {Uint8Array} */ a, /** @type {Uint8Array} */ b, /** @type {number} */ width) {
  let [x0, x1, y0, y1] = [width, -1, -1, -1];
  for (let y = 0, i = 0; i < a.length; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (a[i] === b[i]) continue;
      if (y0 < 0) y0 = y;
      y1 = y;
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
    }
  }
  if (y0 < 0) return null;
  const bytes = new Uint8Array((x1 - x0 + 1) * (y1 - y0 + 1));
  for (let y = y0, to = 0; y <= y1; y++) {
    for (let i = y * width + x0; i <= y * width + x1; i++) bytes[to++] = a[i] ^ b[i];
  }
  return { x: x0, y: y0, width: x1 - x0 + 1, bytes };
}

/** @param {Uint8Array} plane @param {Patch} patch @param {number} width of the plane */
function toggled(plane, patch, width) {
  const result = plane.slice();
  for (let from = 0, y = patch.y; from < patch.bytes.length; y++) {
    for (let x = 0; x < patch.width; x++) result[y * width + patch.x + x] ^= patch.bytes[from++];
  }
  return result;
}

export class History {
  /**
   * @param {Size} size of the picture
   * @param {readonly string[]} planes names of the state's planes, each with a byte for every pixel
   * @param {readonly string[]} settings names of the other parts of the state that can be undone
   */
  constructor(size, planes, settings) {
    this.size = size;
    this.planes = planes;
    this.settings = settings;
    /** @type {Entry[]} */
    this.past = [];
    /** @type {Entry[]} */
    this.future = [];
  }

  /**
   * Records a change.
   *
   * @param {State} before
   * @param {State} after
   * @param {string} step step of the page to show when the change is undone
   * @param {string} key quick successive changes with the same key are merged; "" = never merged
   * @returns {boolean} whether anything changed that can be undone
   */
  record(before, after, step, key = "") {
    const last = this.past.at(-1);
    if (key && last && last.key === key && performance.now() - last.time < TOGETHER) {
      before = this.moved(before, last, "before");
      this.past.pop();
    }
    const patches = this.planes.filter((plane) => before[plane] !== after[plane]).flatMap((plane) => {
      const found = difference(before[plane], after[plane], this.size.width);
      return found ? [{ plane, ...found }] : [];
    });
    if (!patches.length && this.settings.every((name) => before[name] === after[name])) return false;
    const settings = { before: this.settingsOf(before), after: this.settingsOf(after) };
    this.past.push({ patches, ...settings, step, key, time: performance.now() });
    this.future = [];
    this.forget();
    return true;
  }

  /** @param {State} state @returns {State} everything except the planes */
  settingsOf(state) {
    return Object.fromEntries(Object.entries(state).filter(([name]) => !this.planes.includes(name)));
  }

  /** @param {State} state @returns {{state: State, step: string} | null} null if there is nothing to undo */
  undo(state) {
    const entry = this.past.pop();
    if (!entry) return null;
    this.future.push(entry);
    return { state: this.moved(state, entry, "before"), step: entry.step };
  }

  /** @param {State} state @returns {{state: State, step: string} | null} null if there is nothing to redo */
  redo(state) {
    const entry = this.future.pop();
    if (!entry) return null;
    this.past.push(entry);
    return { state: this.moved(state, entry, "after"), step: entry.step };
  }

  /** @param {State} state @param {Entry} entry @param {"before" | "after"} side @returns {State} */
  moved(state, entry, side) {
    const result = { ...state, ...entry[side] };
    for (const patch of entry.patches) result[patch.plane] = toggled(result[patch.plane], patch, this.size.width);
    return result;
  }

  forget() {
    const bytes = (/** @type {Entry} */ entry) => entry.patches.reduce((sum, patch) => sum + patch.bytes.length, 0);
    let total = this.past.reduce((sum, entry) => sum + bytes(entry), 0);
    while (total > BUDGET && this.past.length > 1) {
      total -= bytes(/** @type {Entry} */ (this.past.shift()));
    }
  }
}
