// @ts-check
/** The sliders: sizes of tools, threshold, and sigma, which triggers a new prediction. */

import { predict } from "./actions.js";

/** @typedef {import("./editor.js").Editor} Editor */

const PATIENCE = 350; // ms without another change of sigma before lines are predicted
const TYPICAL_SIGMA = 2; // if the service uses no known lines by default

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
  if (editor.busy) return editor.changed(); // which moves the slider back
  editor.commit({ ...editor.open.state, threshold }, "lines", "threshold");
}

/** @param {Editor} editor */
function usual(editor) {
  const sigma = editor.info?.sigma ?? TYPICAL_SIGMA;
  return sigma === -1 ? TYPICAL_SIGMA : sigma;
}

/** @param {Editor} editor @param {number | null} sigma to be shown; null = that of the lines */
function wish(editor, sigma) {
  editor.wishedSigma = sigma;
  editor.changed();
}

let timer = 0;
let isPredicting = false;

/** Predicts with another sigma, unless it changes again soon. @param {Editor} editor @param {number} sigma */
function predictSoon(editor, sigma) {
  clearTimeout(timer);
  if (editor.busy && !isPredicting) return wish(editor, null); // other work is not cancelled for it
  wish(editor, sigma);
  timer = setTimeout(() => predictInstead(editor, sigma), PATIENCE);
}

/** Cancels a prediction with an earlier sigma, and predicts. @param {Editor} editor @param {number} sigma */
async function predictInstead(editor, sigma) {
  if (isPredicting) editor.cancel();
  await editor.busy?.done;
  isPredicting = true;
  await predict(editor, sigma);
  isPredicting = false;
  if (editor.wishedSigma === sigma) wish(editor, null);
}
