// @ts-check
/** Guides shown over the picture: the size of the tool, the outline of a shape, the cursor. */

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./strokes.js").Strokes} Strokes */
/** @typedef {import("./raster.js").Point} Point */

const ARM = 12; // of the cursor's cross, in CSS pixels
const SMALLEST = 3; // radius of a visible circle, in CSS pixels

export class Guides {
  /** @param {SVGElement} svg @param {View} view @param {Strokes} strokes */
  constructor(svg, view, strokes) {
    this.svg = svg;
    this.view = view;
    this.strokes = strokes;
    /** @type {Point | null} the pointer */
    this.hover = null;
    /** @type {Point | null} the cursor of the keyboard */
    this.cursor = null;
  }

  draw() {
    const parts = [...this.shape(), ...this.circle(), ...this.cross()];
    // A dark line on a wider light one is visible on any picture.
    this.svg.replaceChildren(...parts.flatMap(([d, kind]) => [line(d, "under"), line(d, `over ${kind}`)]));
  }

  /** @returns {[string, string][]} */
  shape() {
    const points = this.strokes.outline?.map((p) => this.view.toViewport(p));
    return !points ? [] : [[`M${points.map((p) => `${p.x} ${p.y}`).join("L")}Z`, "dashed"]];
  }

  /** @returns {[string, string][]} */
  circle() {
    const at = this.cursor ?? this.hover;
    if (!at || !this.strokes.isSized) return [];
    const { x, y } = this.view.toViewport(at);
    const r = (this.strokes.diameter / 2) * this.view.place.scale;
    return r < SMALLEST ? [] : [[`M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`, ""]];
  }

  /** @returns {[string, string][]} */
  cross() {
    if (!this.cursor) return [];
    const { x, y } = this.view.toViewport(this.cursor);
    return [[`M${x - ARM} ${y}h${2 * ARM}M${x} ${y - ARM}v${2 * ARM}`, ""]];
  }
}

/** @param {string} d @param {string} kind */
function line(d, kind) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", d);
  path.setAttribute("class", kind);
  return path;
}
