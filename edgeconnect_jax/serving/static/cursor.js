// @ts-check
/** Keyboard painting: arrow keys move a cursor, Enter puts the tool down and lifts it. */

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./strokes.js").Strokes} Strokes */
/** @typedef {import("./workbench.js").Workbench<any>} Workbench */
/** @typedef {import("./pointer.js").Pointer} Pointer */
/** @typedef {import("./raster.js").Point} Point */

const FAST = 10; // pixels a key press with Shift
const PAN = 48; // CSS pixels a key press
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Cursor {
  /**
   * @param {HTMLElement} viewport @param {View} view @param {Strokes} strokes @param {Workbench} editor
   * @param {Pointer} pointer @param {() => void} moved called when it moves, appears or disappears
   */
  constructor(viewport, view, strokes, editor, pointer, moved) {
    this.view = view;
    this.strokes = strokes;
    this.editor = editor;
    this.pointer = pointer;
    this.moved = moved;
    /** @type {Point | null} the centre of a pixel; null = not in use */
    this.at = null;
    this.isDown = false; // whether it began the current stroke
    viewport.addEventListener("keydown", (event) => event.target === viewport && this.press(event));
    viewport.addEventListener("blur", () => this.leave());
    viewport.addEventListener("pointerdown", () => this.leave(), { capture: true }); // before a stroke begins
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && (this.pointer.isHandHeld || this.editor.tool === null)) {
      this.view.pan(-arrow[0] * PAN, -arrow[1] * PAN);
    } else if (arrow) {
      this.step(arrow, event.shiftKey ? FAST : 1);
    } else if (event.key === "Enter") {
      this.enter(event.shiftKey);
    } else if (event.key === "Escape" && this.isDown) {
      this.isDown = false;
      this.strokes.cancel();
      this.editor.say("Discarded");
      event.stopPropagation(); // Escape also cancels work
    } else {
      return;
    }
    event.preventDefault();
    this.moved();
  }

  /** @param {[number, number]} arrow @param {number} pixels */
  step([dx, dy], pixels) {
    const { picture } = this.editor.open;
    const at = this.at ?? this.middle();
    if (this.at) {
      at.x = Math.min(picture.width - 0.5, Math.max(0.5, at.x + dx * pixels));
      at.y = Math.min(picture.height - 0.5, Math.max(0.5, at.y + dy * pixels));
    }
    this.at = at;
    this.view.reveal(at);
    if (this.isDown) this.strokes.extend([{ ...at }]);
  }

  /** The pixel in the middle of the viewport. @returns {Point} */
  middle() {
    const { picture } = this.editor.open;
    const { place, room } = this.view;
    const centre = (/** @type {number} */ v, /** @type {number} */ length) =>
      Math.min(length - 1, Math.max(0, Math.floor(v / place.scale))) + 0.5;
    return { x: centre(room.width / 2 - place.x, picture.width), y: centre(room.height / 2 - place.y, picture.height) };
  }

  /** @param {boolean} isAway see Strokes.start */
  enter(isAway) {
    const { tool } = this.editor;
    if (!tool) return;
    this.at ??= this.middle();
    const where = `at ${Math.floor(this.at.x)}, ${Math.floor(this.at.y)}`;
    this.isDown = !this.isDown;
    this.editor.say(`${this.editor.tools[tool].label} ${this.isDown ? "down" : "lifted"} ${where}`);
    if (this.isDown) this.strokes.start({ ...this.at }, isAway);
    else this.strokes.finish();
  }

  leave() {
    if (!this.at) return;
    if (this.isDown) this.strokes.finish();
    this.isDown = false;
    this.at = null;
    this.moved();
  }
}
