// @ts-check
/** A stroke or a shape from its first point to its last, by pointer or by keys; see shared/strokes.js. */

import { predictAgain } from "./actions.js";
import { withMask } from "./state.js";
import { drawStroke, enclosed, joined, opened, outline, TOOLS } from "./tools.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./shared/raster.js").Point} Point */
/** @typedef {import("./tools.js").ToolName} ToolName */

export class Strokes {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {Point[]} so far, in pixels of the picture */
    this.path = [];
    /** @type {ToolName | null} in use, from start to finish */
    this.tool = null;
    this.isAway = false;
  }

  get isActive() {
    return this.tool !== null;
  }

  get isSized() {
    const { tool } = this.editor;
    return tool !== null && TOOLS[/** @type {ToolName} */ (tool)].sized;
  }

  /** The diameter of the tool in hand, in pixels. */
  get diameter() {
    return this.isSized ? this.editor.sizes[this.editor.step] : 1;
  }

  /** The outline of a shape on its way, otherwise null. */
  get outline() {
    return this.tool && TOOLS[this.tool].kind === "shape" ? outline(this.tool, this.path) : null;
  }

  /** @param {Point} at @param {boolean} isAway whether a shape is subtracted from the hole instead of added */
  start(at, isAway) {
    const { busy, state } = this.editor;
    const tool = /** @type {ToolName | null} */ (this.editor.tool);
    if (busy || !state || !tool || this.isActive) return;
    this.tool = tool;
    this.path = [at];
    this.isAway = isAway;
    if (TOOLS[tool].kind === "stroke") this.editor.preview(opened(state, tool));
    this.draw([at, at]);
  }

  /** @param {Point[]} points since the last ones */
  extend(points) {
    if (!this.isActive) return;
    this.draw([this.path[this.path.length - 1], ...points]);
    this.path.push(...points);
  }

  /** @param {Point[]} points at least two */
  draw(points) {
    const { editor, tool } = this;
    if (!tool || !editor.draft || TOOLS[tool].kind !== "stroke") return;
    for (let i = 1; i < points.length; i++) {
      const { picture } = editor.open;
      const box = drawStroke(editor.draft, picture, tool, points[i - 1], points[i], this.diameter);
      editor.preview(editor.draft, box);
    }
  }

  finish() {
    const { editor, tool, path } = this;
    if (!tool) return;
    this.tool = null;
    this.path = [];
    if (TOOLS[tool].kind === "shape") return this.finishShape(tool, path);
    const isChange = editor.draft && editor.commit(editor.draft, TOOLS[tool].step);
    if (!isChange && tool === "pencil") editor.say("Lines are drawn inside the hole only");
  }

  /** @param {ToolName} tool @param {Point[]} path */
  finishShape(tool, path) {
    const { picture, state } = this.editor.open;
    const shape = enclosed(picture, tool, path);
    if (tool === "again") {
      predictAgain(this.editor, shape);
      return;
    }
    this.editor.commit(withMask(state, joined(state.mask, shape, this.isAway)), "hole");
  }

  cancel() {
    this.tool = null;
    this.path = [];
    if (this.editor.draft) this.editor.preview(null);
  }
}
