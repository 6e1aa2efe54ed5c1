// @ts-check
/**
 * The user's work on a picture: an immutable value, so that changes can be undone.
 *
 * All planes have one byte per pixel of the picture.
 */

/** @typedef {import("./shared/raster.js").Size} Size */
/**
 * @typedef {object} State
 * @property {Uint8Array} mask 255 = hole, else 0
 * @property {Uint8Array} map from the service: known lines outside the hole, soft predicted ones inside
 * @property {Uint8Array} own drawn, erased, imported or pasted lines, valid where `touched`
 * @property {Uint8Array} touched 1 where `own` counts instead of `map`
 * @property {number} holeId a new number for every change of the mask
 * @property {number | null} mapHoleId the mask that `map` was predicted for; null = not predicted yet
 * @property {number} sigma of Canny's Gaussian in pixels, with which `map` was or will be predicted; -1 = no known lines
 * @property {number} threshold 0 to 1; 0 = soft lines as predicted
 * @property {number | null} result that is shown
 */

export const PLANES = /** @type {const} */ (["mask", "map", "own", "touched"]);
export const SETTINGS = /** @type {const} */ (["mapHoleId", "sigma", "threshold", "result"]); // which can be undone

let lastHoleId = 0;

/** @param {Size} size @param {number} sigma @returns {State} a picture without a hole */
export function blank(size, sigma) {
  const plane = () => new Uint8Array(size.width * size.height);
  const planes = { mask: plane(), map: plane(), own: plane(), touched: plane() };
  return { ...planes, holeId: ++lastHoleId, mapHoleId: null, sigma, threshold: 0, result: null };
}

/** @param {State} state @param {Uint8Array} mask @returns {State} */
export function withMask(state, mask) {
  return { ...state, mask, holeId: ++lastHoleId };
}

/** @param {State} state */
export function hasHole(state) {
  return state.mask.includes(255);
}

/** Whether there are lines, and of the hole as it is now. @param {State} state */
export function isPredicted(state) {
  return state.mapHoleId === state.holeId;
}

/** @param {State} state */
export function hasOwnLines(state) {
  for (let i = 0; i < state.touched.length; i++) if (state.touched[i] && state.mask[i]) return true;
  return false;
}

/**
 * A new prediction of all lines, below own lines.
 *
 * @param {State} state @param {Uint8Array} map @param {number} sigma that it was predicted with @returns {State}
 */
export function withPrediction(state, map, sigma) {
  return { ...state, map, mapHoleId: state.holeId, sigma };
}

/**
 * A new prediction of a part, in place of own lines there.
 *
 * @param {State} state @param {Uint8Array} region 255 = predicted again @param {Uint8Array} map @returns {State}
 */
export function withRegion(state, region, map) {
  return {
    ...state,
    map: state.map.map((value, i) => (region[i] ? map[i] : value)),
    touched: state.touched.map((value, i) => (region[i] ? 0 : value)),
  };
}

/**
 * Lines from elsewhere inside the hole, which replace those there or are added.
 *
 * @param {State} state @param {Uint8Array} lines @param {boolean} replace @returns {State}
 */
export function withOwnLines(state, lines, replace) {
  const [own, touched] = [state.own.slice(), state.touched.slice()];
  for (let i = 0; i < lines.length; i++) {
    if (!state.mask[i] || !(replace || lines[i])) continue;
    own[i] = replace ? lines[i] : Math.max(lines[i], lineAt(state, i));
    touched[i] = 1;
  }
  return { ...state, own, touched };
}

/** The lines inside the hole as predicted. @param {State} state @returns {State} */
export function withoutOwnLines(state) {
  return { ...state, touched: state.touched.map((value, i) => (state.mask[i] ? 0 : value)) };
}

/**
 * The value of a pixel that is shown and guides the filling, 255 = line.
 *
 * @param {State} state @param {number} i its place in the planes
 */
export function lineAt(state, i) {
  if (!state.mask[i]) return state.map[i];
  if (state.touched[i]) return state.own[i];
  return thresholded(state.map[i], state.threshold);
}

/** @param {number} value 0 to 255 @param {number} threshold 0 to 1; 0 leaves the value as it is */
export function thresholded(value, threshold) {
  if (threshold === 0) return value;
  return value > 255 * threshold ? 255 : 0; // as in the service
}

/** The whole map that is shown and guides the filling. @param {State} state @returns {Uint8Array} */
export function linesOf(state) {
  const lines = new Uint8Array(state.map.length);
  for (let i = 0; i < lines.length; i++) lines[i] = lineAt(state, i);
  return lines;
}
