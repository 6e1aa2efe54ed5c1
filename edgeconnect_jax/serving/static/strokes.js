// @ts-check
/** What shared scripts expect of a page's strokes; each page has a class of its own for them. */

/** @typedef {import("./raster.js").Point} Point */

/**
 * A stroke or a shape from its first point to its last, by pointer or by keys. Points are in pixels of the picture.
 *
 * @typedef {object} Strokes
 * @property {boolean} isActive whether one is on its way
 * @property {boolean} isSized whether the tool in hand has a size
 * @property {number} diameter of the tool in hand, in pixels
 * @property {Point[] | null} outline of a shape on its way
 * @property {(at: Point, isAway: boolean) => void} start `isAway`: the shape is subtracted instead of added
 * @property {(points: Point[]) => void} extend by the points since the last ones
 * @property {() => void} finish
 * @property {() => void} cancel
 */

export {};
