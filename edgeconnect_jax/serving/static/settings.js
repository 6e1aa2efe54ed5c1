// @ts-check
/** The sliders: sizes of tools, threshold, and sigma, with which lines are predicted again. */

import { predict } from "./actions.js";

/** @typedef {import("./editor.js").Editor} Editor */

const PATIENCE = 350; // ms without another change of sigma before lines are predicted
const TYPICAL_SIGMA = 2; // where the service would use no known lines by itself

/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/** @param {Editor} editor */
export function acceptSettings(editor) {
  for (const slider of document.querySelectorAll("input[data-size]")) {
    slider.addEventListener("input", () => editor.resize(Number(/** @type {HTMLInputElement} */ (slider).value)));
  }
  input("threshold").addEventListener("input", () => setThreshold(editor, Number(input("threshold").value)));
  const wished = () => (input("known").checked ? Number(input("sigma").value) : -1);
  input("sigma").addEventListener("input", () => wish(editor, Number(input("sigma").value)));
  input("sigma").addEventListener("change", () => predictSoon(editor, wished()));
  input("known").addEventListener("change", () => predictSoon(editor, input("known").checked ? usual(editor) : -1));
}

/** @param {Editor} editor @param {number} threshold */
function setThreshold(editor, threshold) {
  if (editor.busy) return editor.changed(); // which puts the slider back
  editor.commit({ ...editor.open.state, threshold }, "lines", "threshold");
}

/** @param {Editor} editor */
function usual(editor) {
  const sigma = editor.info?.sigma ?? TYPICAL_SIGMA;
  return sigma === -1 ? TYPICAL_SIGMA : sigma;
}

/** @param {Editor} editor @param {number | null} sigma */
function wish(editor, sigma) {
  editor.wishedSigma = sigma;
  editor.changed();
}

let timer = 0;

/** Predicts with another sigma, unless yet another follows. @param {Editor} editor @param {number} sigma */
function predictSoon(editor, sigma) {
  wish(editor, sigma);
  clearTimeout(timer);
  timer = setTimeout(async () => {
    editor.cancel();
    await editor.busy?.done;
    await predict(editor, sigma);
    if (editor.wishedSigma === sigma) wish(editor, null);
  }, PATIENCE);
}
