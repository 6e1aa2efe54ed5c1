// @ts-check
/** The help on keys. */

/** @type {[string, string][]} */
export const KEYS = [
  ["Ctrl-Z, Ctrl-Shift-Z", "undo, redo: the hole, lines, sliders and results"],
  ["Ctrl-Enter", "the next step"],
  ["Escape", "cancel"],
  ["H", "this help"],
  ["[ ]", "size of the tool"],
  ["B E R L", "brush, eraser, rectangle, lasso"],
  ["P E G", "pencil, eraser, predict again here"],
  ["O", "hold: the original"],
  ["+ − 0 1", "zoom in, zoom out, show the whole picture, actual size"],
  ["Space", "hold and drag, or hold and use the arrow keys: pan"],
  ["Shift", "hold while starting a rectangle or a lasso: subtract from the hole"],
  ["Arrow keys", "on the picture: move the cursor, with Shift by ten pixels"],
  ["Enter", "on the picture: put the tool down, lift it"],
  ["Wheel, two fingers", "zoom; with Shift the wheel pans"],
];
