// @ts-check
/** Draws the hole or the lines over the picture, on a canvas with one pixel per pixel of the picture. */

import { thresholded } from "./state.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./shared/raster.js").Size} Size */
/** @typedef {import("./shared/raster.js").Box} Box */
/** @typedef {[number, number, number]} Color */

// The same in light and dark, like the picture. editor.css repeats them for the legend.
/** @type {Color} */ const HOLE = [255, 45, 85];
/** @type {Color} */ const PAPER = [226, 235, 252]; // the hole where lines are shown
/** @type {Color} */ const KNOWN = [17, 22, 34];
/** @type {Color} */ const PREDICTED = [20, 84, 224];
/** @type {Color} */ const OWN = [208, 62, 4];
const VEIL = 140; // of 255: how much the hole covers the picture

/** A colour as the bytes of ImageData in one number. @param {Color} color @param {number} alpha 0 to 255 */
function packed([red, green, blue], alpha) {
  const bytes = new Uint8Array([red, green, blue, alpha]);
  return new Uint32Array(bytes.buffer)[0];
}

/** The colour on the paper for every value of a line. @param {Color} color */
function onPaper(color) {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const mixed = PAPER.map((paper, i) => Math.round(paper + ((color[i] - paper) * value) / 255));
    return packed(/** @type {Color} */ (mixed), 255);
  });
}

const HOLE_VEIL = packed(HOLE, VEIL);
const KNOWN_LINES = Uint32Array.from({ length: 256 }, (_, value) => packed(KNOWN, value));
const PREDICTED_LINES = onPaper(PREDICTED);
const OWN_LINES = onPaper(OWN);

/** @param {State} state @param {number} i @returns {number} the packed colour of a pixel while the hole is painted */
function holeColor(state, i) {
  return state.mask[i] ? HOLE_VEIL : 0;
}

/** @param {State} state @param {number} i @returns {number} the packed colour of a pixel while lines are shown */
function lineColor(state, i) {
  if (!state.mask[i]) return KNOWN_LINES[state.map[i]];
  if (state.touched[i]) return OWN_LINES[state.own[i]];
  return PREDICTED_LINES[thresholded(state.map[i], state.threshold)];
}

export class Ink {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /**
   * @param {State} state
   * @param {Size} size of the picture
   * @param {"hole" | "lines"} what to show
   * @param {Box} [box] what changed; everything by default
   */
  draw(state, size, what, box = { x0: 0, y0: 0, x1: size.width, y1: size.height }) {
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) {
      Object.assign(this.canvas, size);
      box = { x0: 0, y0: 0, x1: size.width, y1: size.height };
    }
    const [width, height] = [box.x1 - box.x0, box.y1 - box.y0];
    if (width <= 0 || height <= 0) return;
    const data = new ImageData(width, height);
    const pixels = new Uint32Array(data.data.buffer);
    const color = what === "hole" ? holeColor : lineColor;
    for (let y = box.y0, to = 0; y < box.y1; y++) {
      for (let i = y * size.width + box.x0; i < y * size.width + box.x1; i++) pixels[to++] = color(state, i);
    }
    this.context.putImageData(data, box.x0, box.y0);
  }
}
