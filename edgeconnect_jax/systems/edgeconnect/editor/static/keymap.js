// @ts-check
/** The help on keys. */

/** @type {[string, string][]} */
export const KEYS = [
  ["Ctrl-Z, Ctrl-Shift-Z", "undo, redo: the hole, lines, sliders and fills"],
  ["Ctrl-Enter", "the next step"],
  ["Escape", "cancel what is going on"],
  ["H", "this help"],
  ["[ ]", "size of the tool"],
  ["B E R L", "brush, eraser, rectangle, lasso"],
  ["P E G", "pencil, eraser, predict again here"],
  ["O", "hold: the original"],
  ["+ − 0 1", "zoom in, out, to all of the picture, to its actual size"],
  ["Space", "hold and drag, or hold with the arrow keys: pan"],
  ["Shift", "hold while beginning a rectangle or a lasso: take away from the hole"],
  ["Arrow keys", "on the picture: move the cursor, with Shift by ten pixels"],
  ["Enter", "on the picture: put the tool down, lift it"],
  ["Wheel, two fingers", "zoom; with Shift the wheel pans"],
];
