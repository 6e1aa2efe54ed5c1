// @ts-check
/**
 * Rasterizes shapes as spans: span(y, from, to) means the pixels from <= x < to of row y, all inside the picture. Points
 * are in pixels; the centre of a pixel lies at one half.
 */

/** @typedef {{x: number, y: number}} Point */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {(y: number, from: number, to: number) => void} Span */
/** @typedef {{x0: number, y0: number, x1: number, y1: number}} Box pixels x0 <= x < x1, y0 <= y < y1 */

/**
 * The line of single pixels between the pixels of two points, both included: neighbours touch at least at a corner
 * (Bresenham, "Algorithm for computer control of a digital plotter", 1965).
 *
 * @param {Size} size @param {Point} from @param {Point} to @param {Span} span
 */
export function thinLine(size, from, to, span) {
  let [x, y] = [Math.floor(from.x), Math.floor(from.y)];
  const [endX, endY] = [Math.floor(to.x), Math.floor(to.y)];
  const [dx, dy] = [Math.abs(endX - x), -Math.abs(endY - y)];
  const [stepX, stepY] = [x < endX ? 1 : -1, y < endY ? 1 : -1];
  for (let error = dx + dy; ; ) {
    if (x >= 0 && y >= 0 && x < size.width && y < size.height) span(y, x, x + 1);
    if (x === endX && y === endY) return;
    const twice = 2 * error;
    if (twice >= dy) [error, x] = [error + dy, x + stepX];
    if (twice <= dx) [error, y] = [error + dx, y + stepY];
  }
}

/**
 * The pixels that a round brush touches on its way between two points: centres at most half its size away.
 *
 * @param {Size} size @param {Point} from @param {Point} to @param {number} diameter in whole pixels @param {Span} span
 */
export function brushStroke(size, from, to, diameter, span) {
  const [a, b] = [snapped(from, diameter), snapped(to, diameter)];
  const reach = (diameter / 2) ** 2 + 1e-6;
  const box = boxAround([a, b], diameter / 2, size);
  for (let y = box.y0; y < box.y1; y++) {
    // The stroke is convex, so its intersection with a row is a single span.
    let [x0, x1] = [box.x0, box.x1];
    while (x0 < x1 && distance2(x0 + 0.5, y + 0.5, a, b) > reach) x0++;
    while (x1 > x0 && distance2(x1 - 0.5, y + 0.5, a, b) > reach) x1--;
    if (x0 < x1) span(y, x0, x1);
  }
}

/** The centre of a brush: a pixel's for an odd size, a corner of four for an even one. @param {Point} p */
function snapped(p, /** @type {number} */ diameter) {
  const at = diameter % 2 ? (/** @type {number} */ v) => Math.floor(v) + 0.5 : Math.round;
  return { x: at(p.x), y: at(p.y) };
}

/** The squared distance of (x, y) from the segment between a and b. */
function distance2(/** @type {number} */ x, /** @type {number} */ y, /** @type {Point} */ a, /** @type {Point} */ b) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const along = ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(1, Math.max(0, along));
  return (x - a.x - t * dx) ** 2 + (y - a.y - t * dy) ** 2;
}

/**
 * The rectangle between two corners, with the pixels of both.
 *
 * @param {Size} size @param {Point} one @param {Point} other @param {Span} span
 */
export function rectangle(size, one, other, span) {
  const corners = [one, other].map((p) => ({ x: Math.floor(p.x) + 0.5, y: Math.floor(p.y) + 0.5 }));
  const box = boxAround(corners, 0.5, size);
  for (let y = box.y0; y < box.y1; y++) if (box.x0 < box.x1) span(y, box.x0, box.x1);
}

/**
 * The inside of a closed outline by the even-odd rule: pixels whose centre is inside.
 *
 * @param {Size} size @param {Point[]} outline its last point is joined to its first @param {Span} span
 */
export function polygon(size, outline, span) {
  const box = boxAround(outline, 0, size);
  for (let y = box.y0; y < box.y1; y++) {
    const crossings = crossingsOf(outline, y + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] - 0.5));
      const to = Math.min(size.width, Math.ceil(crossings[i + 1] - 0.5));
      if (from < to) span(y, from, to);
    }
  }
}

/** Where an outline crosses the height y, from left to right. @param {Point[]} outline @param {number} y */
function crossingsOf(outline, y) {
  const found = [];
  for (let i = 0; i < outline.length; i++) {
    const [a, b] = [outline[i], outline[(i + 1) % outline.length]];
    if (a.y <= y !== b.y <= y) found.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return found.sort((p, q) => p - q);
}

/**
 * The pixels within `margin` of some points.
 *
 * @param {Point[]} points @param {number} margin @param {Size} size @returns {Box}
 */
export function boxAround(points, margin, size) {
  const [xs, ys] = [points.map((p) => p.x), points.map((p) => p.y)];
  const inside = (/** @type {number} */ v, /** @type {number} */ limit) => Math.min(limit, Math.max(0, v));
  return {
    x0: inside(Math.floor(least(xs) - margin), size.width),
    y0: inside(Math.floor(least(ys) - margin), size.height),
    x1: inside(Math.ceil(-least(xs.map((v) => -v)) + margin), size.width),
    y1: inside(Math.ceil(-least(ys.map((v) => -v)) + margin), size.height),
  };
}

/** Not Math.min(...values), which fails for very many values. @param {number[]} values */
function least(values) {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

/**
 * The box around all pixels of a plane that are not 0, or null.
 *
 * @param {Uint8Array} plane @param {Size} size @returns {Box | null}
 */
export function boxOf(plane, size) {
  const box = { x0: size.width, y0: size.height, x1: 0, y1: 0 };
  for (let y = 0, i = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++, i++) {
      if (!plane[i]) continue;
      if (x < box.x0) box.x0 = x;
      if (x >= box.x1) box.x1 = x + 1;
      if (y < box.y0) box.y0 = y;
      box.y1 = y + 1;
    }
  }
  return box.x0 < box.x1 ? box : null;
}
