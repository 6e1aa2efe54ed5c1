// @ts-check
/** The interface of a page's strokes for shared scripts; each page has its own class for them. */

/** @typedef {import("./raster.js").Point} Point */

/**
 * A stroke or a shape from its first point to its last, by pointer or by keys. Points are in pixels of the picture.
 *
 * @typedef {object} Strokes
 * @property {boolean} isActive whether one is in progress
 * @property {boolean} isSized whether the current tool has a size
 * @property {number} diameter of the current tool, in pixels
 * @property {Point[] | null} outline of the shape in progress
 * @property {(at: Point, isAway: boolean) => void} start `isAway`: the shape is subtracted instead of added
 * @property {(points: Point[]) => void} extend by the points since the last ones
 * @property {() => void} finish
 * @property {() => void} cancel
 */

export {};
