// @ts-check
/** Shows the state of the editor on the page. Every function here may be called at any time. */

import { sampleUrl } from "./samples.js";
import { hasHole, hasOwnLines, isPredicted } from "./state.js";
import { TOOLS } from "./tools.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./editor.js").Step} Step */
/** @typedef {import("./tools.js").ToolName} ToolName */

const HINTS = {
  pencil: "Draw inside the hole; lines are one pixel wide.",
  rubber: "Erases lines inside the hole.",
  again: "Draw around a part of the hole. The lines next to it, yours included, guide the network.",
};

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (find(id));
/** @template {HTMLElement} T @param {string} selector @returns {T[]} */
const all = (selector) => Array.from(document.querySelectorAll(selector));

/**
 * Whether an action is available; actions that are not listed always are.
 *
 * @type {Record<string, (editor: Editor) => unknown>}
 */
const USABLE = {
  undo: (editor) => !editor.busy && editor.history?.past.length,
  redo: (editor) => !editor.busy && editor.history?.future.length,
  predict: (editor) => !editor.busy && editor.state && hasHole(editor.state),
  fill: (editor) => !editor.busy && editor.state && hasHole(editor.state),
  clear: (editor) => !editor.busy && editor.state && hasHole(editor.state),
  "export-mask": (editor) => editor.state && hasHole(editor.state),
  "drop-own": (editor) => !editor.busy && editor.state && hasOwnLines(editor.state),
  "edit-lines": (editor) => editor.isReachable("lines"),
};

/** @param {Editor} editor @param {string} action */
export function isUsable(editor, action) {
  return !(action in USABLE) || Boolean(USABLE[action](editor));
}

/** @param {Editor} editor */
export function show(editor) {
  const isMoved = document.body.dataset.step !== editor.step;
  const hadFocus = document.activeElement?.closest("#panel, #welcome, nav") ?? document.activeElement === document.body;
  document.body.dataset.step = editor.step;
  document.body.classList.toggle("original-shown", editor.isOriginalShown);
  showSteps(editor);
  for (const button of all("[data-action]")) setDisabled(button, !isUsable(editor, button.dataset.action ?? ""));
  showTools(editor);
  showLineSettings(editor);
  showResult(editor);
  showMessages(editor);
  if (isMoved && hadFocus) find(editor.step === "picture" ? "welcome-title" : `${editor.step}-title`).focus();
}

/** Does not use `disabled`, which would take the focus from the button. @param {HTMLElement} one @param {boolean} is */
function setDisabled(one, is) {
  one.setAttribute("aria-disabled", String(is));
}

/** @param {Editor} editor */
function showSteps(editor) {
  find("welcome").hidden = editor.step !== "picture";
  find("viewport-area").hidden = find("panel").hidden = editor.step === "picture";
  for (const section of all("[data-for]")) section.hidden = section.dataset.for !== editor.step;
  for (const button of all("[data-go]")) {
    const step = /** @type {Step} */ (button.dataset.go);
    setDisabled(button, !editor.isReachable(step));
    if (step === editor.step) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
}

/** @param {Editor} editor */
function showTools(editor) {
  for (const button of all("[data-tool]")) {
    const tool = /** @type {ToolName} */ (button.dataset.tool);
    button.setAttribute("aria-pressed", String(editor.chosen[TOOLS[tool].step] === tool));
  }
  for (const step of /** @type {const} */ (["hole", "lines"])) {
    setSlider(`${step}-size`, editor.sizes[step], `${editor.sizes[step]} px`);
  }
  all("[for=lines-size]")[0].hidden = !TOOLS[/** @type {ToolName} */ (editor.chosen.lines)].sized;
  find("tool-hint").textContent = HINTS[/** @type {keyof typeof HINTS} */ (editor.chosen.lines)];
}

/** @param {string} id @param {number} value @param {string} words the value in words */
function setSlider(id, value, words) {
  input(id).value = String(value);
  input(id).setAttribute("aria-valuetext", words);
  all(`[data-value-of=${id}]`)[0].textContent = words;
}

/** @param {Editor} editor */
function showLineSettings(editor) {
  if (!editor.state) return;
  const { threshold } = editor.state;
  const sigma = editor.wishedSigma ?? editor.state.sigma;
  setSlider("threshold", threshold, threshold ? threshold.toFixed(2) : "0, soft lines");
  input("known").checked = sigma !== -1;
  const byHed = editor.info?.edge_source === "hed"; // whose lines have no sigma
  input("sigma").disabled = sigma === -1 || byHed;
  if (sigma !== -1 && byHed) setSlider("sigma", sigma, "none, by HED");
  else if (sigma === -1) setSlider("sigma", Number(input("sigma").value), "none");
  else setSlider("sigma", sigma, `${sigma} px`);
}

/** @param {Editor} editor */
function showResult(editor) {
  const { result } = editor;
  const filled = /** @type {HTMLImageElement} */ (find("filled"));
  filled.hidden = find("divider").hidden = editor.step !== "result";
  find("ink").hidden = editor.step === "result" || editor.step === "picture";
  if (!result) return;
  if (filled.getAttribute("src") !== result.url) filled.src = result.url;
  const { compute, queue } = result.timing;
  const parts = [compute && `the network ${inSeconds(compute)}`, queue >= 100 && `waiting ${inSeconds(queue)}`];
  const detail = parts.filter(Boolean).join(", ");
  find("took").textContent = `Filled in ${result.seconds.toFixed(1)} s${detail ? ` (${detail})` : ""}.`;
  showStrip(editor);
}

/** @param {number} milliseconds */
function inSeconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** @param {Editor} editor */
function showStrip(editor) {
  const strip = find("strip");
  const ids = editor.results.map((one) => String(one.id));
  const items = all("#strip button");
  if (items.map((one) => one.dataset.result).join() !== ids.join()) {
    strip.replaceChildren(...editor.results.map(stripItem));
    strip.scrollLeft = strip.scrollWidth;
  }
  for (const item of all("#strip button")) {
    if (item.dataset.result === String(editor.result?.id)) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}

/** @param {import("./editor.js").Result} result */
function stripItem({ id, url }) {
  const item = document.createElement("li");
  const button = Object.assign(document.createElement("button"), { type: "button" });
  button.dataset.result = String(id);
  button.setAttribute("aria-label", `Go back to result ${id}`);
  button.append(Object.assign(new Image(), { src: url, alt: "" }), String(id));
  item.append(button);
  return item;
}

/** Shows the work in progress and the last failure. @param {Editor} editor */
export function showMessages(editor) {
  const { busy } = editor;
  find("busy").hidden = !busy;
  find("viewport-area").setAttribute("aria-busy", String(Boolean(busy)));
  if (busy) find("busy-words").textContent = busy.words;
  if (busy) find("busy-seconds").textContent = `${((performance.now() - busy.since) / 1000).toFixed(1)} s`;
  find("error").hidden = !editor.error;
  find("error-words").textContent = editor.error;
}

/** Shows the samples, and the limits of the service. @param {Editor} editor */
export function showInfo(editor) {
  const { info } = editor;
  if (!info) return;
  find("samples").replaceChildren(
    ...info.samples.map((name) => {
      const item = document.createElement("li");
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.dataset.sample = name;
      const image = Object.assign(new Image(), { loading: "lazy", src: sampleUrl(name), alt: "" });
      button.append(image, name.replaceAll("_", " "));
      item.append(button);
      return item;
    }),
  );
  const pixels = (info.max_pixels / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
  const model = `${info.checkpoint.name} (${info.checkpoint.sha256.slice(0, 8)})`;
  find("limits").textContent = `Up to ${pixels} million pixels. Model ${model} on ${info.device}, version ${info.version}.`;
}
