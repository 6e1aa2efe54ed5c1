// @ts-check
/** Handles incoming files, and asks before work would be lost. */

import { importLines, importMask, open, pasteLines } from "./actions.js";
import { ask, onChosen, onReceived } from "./shared/dialogs.js";
import { goTo } from "./shared/pages.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./shared/api.js").OtherPage} OtherPage */

/** @param {string} id @returns {HTMLElement} */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Whether another picture may be opened: asks if work would be lost. @param {Editor} editor */
export async function mayReplace(editor) {
  return !editor.history?.past.length || (await ask("replace")).choice === "open";
}

/** @param {Editor} editor @param {File} file */
async function openPicture(editor, file) {
  if (await mayReplace(editor)) await open(editor, file);
}

/** Goes to another system's page with the picture that is shown; asks if work would be lost. */
export async function leaveFor(/** @type {Editor} */ editor, /** @type {OtherPage} */ page) {
  if (editor.busy) return;
  find("leave-title").textContent = `Continue with ${page.title}?`;
  if (editor.history?.past.length && (await ask("leave")).choice !== "leave") return;
  await editor.run(`Opening ${page.title}`, () => goTo(page, shownPicture(editor)));
}

/** @param {Editor} editor @returns {File | undefined} undefined before a picture is open */
function shownPicture({ picture, result, step }) {
  if (!picture || step !== "result" || !result) return picture?.file;
  return new File([result.blob], `${picture.stem}_filled.png`, { type: result.blob.type });
}

/**
 * Asks what to do with a second picture.
 *
 * @param {Editor} editor @param {File} file @param {boolean} mayOpen whether to offer opening it as a new picture
 */
async function second(editor, file, mayOpen) {
  const url = URL.createObjectURL(file);
  /** @type {HTMLImageElement} */ (find("second-picture")).src = url;
  document.querySelectorAll("#second .optional").forEach((one) => one.toggleAttribute("hidden", !mayOpen));
  const answer = await ask("second");
  URL.revokeObjectURL(url);
  if (answer.choice === "open") return openPicture(editor, file);
  if (answer.choice !== "paste") return;
  const where = answer.get("where") === "picture" ? "picture" : "hole";
  await pasteLines(editor, file, { where, replace: answer.has("replace") });
}

/** Handles a dropped or pasted file. @param {Editor} editor @param {File | undefined} file */
function receive(editor, file) {
  if (document.querySelector("dialog[open]") || editor.busy) return;
  if (!file) return editor.fail("That contains no picture file. Save the picture first, then choose or drop the file.");
  if (editor.step === "lines") return second(editor, file, true);
  return openPicture(editor, file);
}

/** @param {Editor} editor */
export function acceptFiles(editor) {
  onChosen("picture", (file) => openPicture(editor, file));
  onChosen("mask", (file) => importMask(editor, file));
  onChosen("lines", (file) => importLines(editor, file));
  onChosen("second", (file) => second(editor, file, false));
  onReceived((file) => receive(editor, file));
}
