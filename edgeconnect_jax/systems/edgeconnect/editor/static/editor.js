// @ts-check
/** The model of this page: the picture, its hole, its lines and its results. */

import { History } from "./shared/history.js";
import { Workbench } from "./shared/workbench.js";
import { blank, isPredicted, PLANES, SETTINGS } from "./state.js";
import { TOOLS } from "./tools.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./shared/files.js").Picture} Picture */
/** @typedef {"picture" | "hole" | "lines" | "result"} Step */
/** @typedef {import("./shared/api.js").Info & {sigma: number, edge_source: string, samples: string[]}} Info */
/**
 * @typedef {object} Result
 * @property {number} id
 * @property {Blob} blob the file as the service sent it
 * @property {string} url of the blob
 * @property {Record<"mask" | "map" | "own" | "touched" | "lines", Blob>} planes PNG files of its inputs
 * @property {number} sigma
 * @property {number} threshold
 * @property {number} seconds from the click to the picture
 * @property {Record<string, number>} timing milliseconds on the service, by name
 */

/** @extends {Workbench<State>} */
export class Editor extends Workbench {
  /** @type {Info | null} */ info = null;
  /** @type {Result[]} */ results = [];
  /** @type {number | null} the sigma of a prediction that is about to start */ wishedSigma = null;

  constructor() {
    super(["picture", "hole", "lines", "result"], TOOLS);
    this.chosen = { hole: "brush", lines: "pencil" };
    this.sizes = /** @type {Record<string, number>} */ ({ hole: 24, lines: 7 });
  }

  /** Starts with a new picture. @param {Picture} picture @param {number} sigma */
  begin(picture, sigma) {
    for (const result of this.results) URL.revokeObjectURL(result.url);
    this.start(picture, blank(picture, sigma), new History(picture, PLANES, SETTINGS));
    this.results = [];
    const shorter = Math.min(picture.width, picture.height);
    this.sizes = { hole: Math.max(4, Math.round(shorter / 12)), lines: Math.max(3, Math.round(shorter / 64)) };
    this.goTo("hole");
  }

  /** The result that is shown. @returns {Result | null} */
  get result() {
    return this.results.find((one) => one.id === this.state?.result) ?? null;
  }

  /** @param {string} step */
  isReachable(step) {
    if (step === "lines") return this.state !== null && isPredicted(this.state);
    if (step === "result") return this.state !== null && this.result !== null;
    return super.isReachable(step);
  }
}
