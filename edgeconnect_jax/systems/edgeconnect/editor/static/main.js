// @ts-check
/** Puts the page together. */

import * as actions from "./actions.js";
import { Editor } from "./editor.js";
import { Ink } from "./ink.js";
import { acceptFiles, leaveFor, mayReplace } from "./inputs.js";
import { KEYS } from "./keymap.js";
import { isUsable, show, showInfo, showMessages } from "./panel.js";
import { acceptSettings } from "./settings.js";
import { Compare } from "./shared/compare.js";
import { Cursor } from "./shared/cursor.js";
import { ask, choose } from "./shared/dialogs.js";
import { Guides } from "./shared/guides.js";
import { Keys, writeTable } from "./shared/keys.js";
import { showPages } from "./shared/pages.js";
import { Pointer } from "./shared/pointer.js";
import { View } from "./shared/view.js";
import { withMask, withoutOwnLines } from "./state.js";
import { Strokes } from "./strokes.js";

/** @typedef {import("./editor.js").Step} Step */

/** @template {Element} T @param {string} id @returns {T} */
const find = (id) => /** @type {T} */ (/** @type {unknown} */ (document.getElementById(id)));

const TICK = 100; // ms between two updates of the time that work has taken
const SIZE_STEP = 1.15;
const NEXT = ":is(#welcome, #panel > section):not([hidden]) .primary";

const editor = new Editor();
const strokes = new Strokes(editor);
/** @type {HTMLElement} */ const viewport = find("viewport");
const view = new View(viewport, find("sheet"), () => moved());
const ink = new Ink(find("ink"));
const guides = new Guides(find("guides"), view, strokes);
const compare = new Compare(find("divider"), find("filled"), view);
const pointer = new Pointer(viewport, view, strokes, editor, hovered);
const cursor = new Cursor(viewport, view, strokes, editor, pointer, drawGuides);

function moved() {
  find("scale").textContent = `${Math.round(view.place.scale * 100)} %`;
  compare.draw();
  drawGuides();
}

function drawGuides() {
  guides.cursor = cursor?.at ?? null;
  guides.draw();
}

/** @param {import("./shared/raster.js").Point | null} at */
function hovered(at) {
  guides.hover = at;
  const isOutside = at && editor.step === "lines" && editor.tool !== "again" && !isInHole(at);
  document.body.classList.toggle("outside", Boolean(isOutside));
  guides.draw();
}

/** @param {import("./shared/raster.js").Point} at */
function isInHole({ x, y }) {
  const { picture, state } = editor.open;
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= picture.width || row >= picture.height) return false;
  return state.mask[row * picture.width + column] > 0;
}

/** @type {string} */
let drawnUrl = "";
/** @type {unknown} */
let drawnState = null;
/** @type {string} */
let drawnStep = "picture";

function changed() {
  const { picture } = editor;
  show(editor);
  if (picture && editor.step !== "picture" && picture.url !== drawnUrl) {
    drawnUrl = picture.url;
    find("original").setAttribute("src", picture.url);
    view.show(picture);
    compare.set(0);
  }
  if (editor.shown !== drawnState || editor.step !== drawnStep) drawInk();
  drawGuides();
}

/** @param {import("./shared/raster.js").Box} [box] */
function drawInk(box) {
  const { picture, shown, step } = editor;
  drawnState = shown;
  drawnStep = step;
  if (picture && shown && (step === "hole" || step === "lines")) ink.draw(shown, picture, step, box);
}

/** @type {Record<string, () => unknown>} */
const ACTIONS = {
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  help: () => ask("help"),
  "choose-picture": () => choose("picture"),
  "choose-mask": () => choose("mask"),
  "choose-lines": () => choose("lines"),
  "choose-second": () => choose("second"),
  "zoom-in": () => view.zoom(1.25),
  "zoom-out": () => view.zoom(0.8),
  "zoom-fit": () => view.fit(),
  "zoom-real": () => view.zoom(1 / view.place.scale),
  invert: () => edited("Inverted", (mask) => mask.map((value) => 255 - value)),
  clear: () => edited("Cleared", (mask) => new Uint8Array(mask.length)),
  predict: () => actions.predict(editor),
  fill: () => actions.fill(editor),
  "export-mask": () => actions.exportMask(editor),
  "export-lines": () => actions.exportLines(editor),
  "drop-own": () => editor.busy || editor.commit(withoutOwnLines(editor.open.state), "lines"),
  "edit-lines": () => editor.goTo("lines"),
  "download-filled": () => actions.downloadResult(editor, "filled"),
  "download-mask": () => actions.downloadResult(editor, "mask"),
  "download-lines": () => actions.downloadResult(editor, "lines"),
  "download-recipe": () => actions.downloadRecipe(editor),
  cancel: () => editor.cancel(),
  dismiss: () => editor.fail(""),
  // Only by keys:
  escape: () => (editor.busy ? editor.cancel() : editor.fail("")),
  smaller: () => editor.resize(Math.min(strokes.diameter - 1, strokes.diameter / SIZE_STEP)),
  larger: () => editor.resize(Math.max(strokes.diameter + 1, strokes.diameter * SIZE_STEP)),
  next: () => document.querySelector(NEXT)?.dispatchEvent(new MouseEvent("click", { bubbles: true })),
};

/** Replaces the mask. @param {string} words that say so @param {(mask: Uint8Array) => Uint8Array} change */
function edited(words, change) {
  if (editor.busy) return;
  const { state } = editor.open;
  editor.commit(withMask(state, change(state.mask)), "hole");
  editor.say(words);
}

/** @param {MouseEvent} event */
function clicked(event) {
  const button = /** @type {HTMLElement} */ (event.target).closest("button");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  const { action, go, tool, sample, result } = button.dataset;
  if (action && isUsable(editor, action)) ACTIONS[action]();
  if (go) editor.goTo(/** @type {Step} */ (go));
  if (tool) editor.choose(/** @type {import("./tools.js").ToolName} */ (tool));
  if (sample) openSample(sample);
  if (result) goBackTo(Number(result));
}

/** @param {string} name */
async function openSample(name) {
  if (await mayReplace(editor)) await actions.openSample(editor, name);
}

/** @param {number} id */
function goBackTo(id) {
  const result = editor.results.find((one) => one.id === id);
  if (result && result !== editor.result) actions.goBackTo(editor, result);
}

document.addEventListener("click", clicked);
editor.addEventListener("change", changed);
editor.addEventListener("ink", (event) => drawInk(/** @type {CustomEvent} */ (event).detail ?? undefined));
editor.addEventListener("say", (event) => {
  find("status").textContent = /** @type {CustomEvent} */ (event).detail;
});
setInterval(() => editor.busy && showMessages(editor), TICK);

const keys = new Keys(editor, ACTIONS, (isHeld) => {
  pointer.isHandHeld = isHeld;
  document.body.classList.toggle("panning", isHeld);
});
find("single-keys").addEventListener("change", (event) => {
  keys.areSingleKeysOn = /** @type {HTMLInputElement} */ (event.target).checked;
});
acceptSettings(editor);
acceptFiles(editor);
acceptHold(find("hold"));
writeTable(find("keys"), KEYS);
changed();
actions.connect(editor).then(() => {
  showInfo(editor);
  showPages(find("pages"), editor.info?.pages ?? [], (page) => leaveFor(editor, page));
  return actions.openBrought(editor);
});

/** Shows the original as long as a button is held. @param {HTMLElement} button */
function acceptHold(button) {
  const isHeld = (/** @type {Event} */ event) => !(event instanceof KeyboardEvent) || " Enter".includes(event.key);
  for (const type of ["pointerdown", "keydown"]) {
    button.addEventListener(type, (event) => isHeld(event) && keys.show(true));
  }
  for (const type of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"]) {
    button.addEventListener(type, () => keys.show(false));
  }
}
