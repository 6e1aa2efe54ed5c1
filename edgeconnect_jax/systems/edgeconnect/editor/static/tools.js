// @ts-check
/**
 * What each tool does to the planes. A stroke changes them with every move; a shape is outlined first, and does
 * something with what it encloses at its end.
 */

import { boxAround, brushStroke, polygon, rectangle, thinLine } from "./shared/raster.js";
import { withMask } from "./state.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./shared/raster.js").Size} Size */
/** @typedef {import("./shared/raster.js").Point} Point */
/** @typedef {import("./shared/raster.js").Box} Box */
/** @typedef {"hole" | "lines"} Step */
/** @typedef {"brush"|"eraser"|"rectangle"|"lasso"|"pencil"|"rubber"|"again"} ToolName */

/**
 * @typedef {object} Tool
 * @property {string} label what messages call it
 * @property {Step} step where it is used
 * @property {"stroke" | "shape"} kind
 * @property {boolean} sized whether it has a size in pixels
 * @property {string} key that chooses it
 */

/** @type {Record<ToolName, Tool>} */
export const TOOLS = {
  brush: { label: "Brush", step: "hole", kind: "stroke", sized: true, key: "b" },
  eraser: { label: "Eraser", step: "hole", kind: "stroke", sized: true, key: "e" },
  rectangle: { label: "Rectangle", step: "hole", kind: "shape", sized: false, key: "r" },
  lasso: { label: "Lasso", step: "hole", kind: "shape", sized: false, key: "l" },
  pencil: { label: "Pencil", step: "lines", kind: "stroke", sized: false, key: "p" },
  rubber: { label: "Eraser", step: "lines", kind: "stroke", sized: true, key: "e" },
  again: { label: "Predict again here", step: "lines", kind: "shape", sized: false, key: "g" },
};

/** Planes of its own that a stroke may change. @param {State} state @param {ToolName} tool @returns {State} */
export function opened(state, tool) {
  if (TOOLS[tool].step === "hole") return withMask(state, state.mask.slice());
  return { ...state, own: state.own.slice(), touched: state.touched.slice() };
}

/**
 * One piece of a stroke, drawn into the planes of an `opened` state. Lines are drawn and erased inside the hole only.
 *
 * @param {State} state @param {Size} size @param {ToolName} tool
 * @param {Point} from @param {Point} to @param {number} diameter in pixels
 * @returns {Box} what may have changed
 */
export function drawStroke(state, size, tool, from, to, diameter) {
  const marks = { brush: 255, eraser: 0, pencil: 255, rubber: 0 };
  const value = marks[/** @type {keyof marks} */ (tool)];
  const paint = (/** @type {number} */ y, /** @type {number} */ x0, /** @type {number} */ x1) =>
    mark(state, TOOLS[tool].step, y * size.width + x0, y * size.width + x1, value);
  if (tool === "pencil") thinLine(size, from, to, paint);
  else brushStroke(size, from, to, diameter, paint);
  return boxAround([from, to], diameter / 2 + 2, size);
}

/** @param {State} state @param {Step} step @param {number} from @param {number} to @param {number} value */
function mark(state, step, from, to, value) {
  if (step === "hole") {
    state.mask.fill(value, from, to);
    return;
  }
  for (let i = from; i < to; i++) {
    if (!state.mask[i]) continue;
    state.own[i] = value;
    state.touched[i] = 1;
  }
}

/**
 * The outline of a shape on its way, to be shown.
 *
 * @param {ToolName} tool @param {Point[]} path @returns {Point[]}
 */
export function outline(tool, path) {
  if (tool !== "rectangle") return path;
  const [a, b] = [path[0], path[path.length - 1]];
  const [x0, x1] = [Math.floor(Math.min(a.x, b.x)), Math.floor(Math.max(a.x, b.x)) + 1];
  const [y0, y1] = [Math.floor(Math.min(a.y, b.y)), Math.floor(Math.max(a.y, b.y)) + 1];
  return [
    { x: x0, y: y0 },
    { x: x1, y: y0 },
    { x: x1, y: y1 },
    { x: x0, y: y1 },
  ];
}

/**
 * What a shape encloses.
 *
 * @param {Size} size @param {ToolName} tool @param {Point[]} path @returns {Uint8Array} 255 = inside
 */
export function enclosed(size, tool, path) {
  const plane = new Uint8Array(size.width * size.height);
  const span = (/** @type {number} */ y, /** @type {number} */ x0, /** @type {number} */ x1) =>
    plane.fill(255, y * size.width + x0, y * size.width + x1);
  if (tool === "rectangle") {
    rectangle(size, path[0], path[path.length - 1], span);
    return plane;
  }
  polygon(size, path, span);
  path.forEach((p, i) => thinLine(size, p, path[(i + 1) % path.length], span)); // the outline itself is inside
  return plane;
}

/** @param {Uint8Array} a @param {Uint8Array} b @returns {Uint8Array} 255 where both are */
export function both(a, b) {
  return a.map((value, i) => (value && b[i] ? 255 : 0));
}

/** The mask with a shape added or taken away. @param {Uint8Array} mask @param {Uint8Array} shape @param {boolean} away */
export function joined(mask, shape, away) {
  return mask.map((value, i) => (shape[i] ? (away ? 0 : 255) : value));
}
