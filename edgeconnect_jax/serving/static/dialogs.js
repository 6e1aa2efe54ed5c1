// @ts-check
/** Dialogs, and the files that are chosen, dropped or pasted. */

import { importLines, importMask, open, pasteLines } from "./actions.js";

/** @typedef {import("./editor.js").Editor} Editor */

/** @param {string} id @returns {HTMLElement} */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Shows a dialog.
 *
 * @param {string} id
 * @returns {Promise<FormData & {choice: string}>} what was filled in, and the value of the button; "" = cancelled
 */
function ask(id) {
  const dialog = /** @type {HTMLDialogElement} */ (find(id));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const closed = () => resolve(Object.assign(new FormData(form), { choice: dialog.returnValue }));
    dialog.addEventListener("close", closed, { once: true });
  });
}

export function help() {
  return ask("help");
}

/** Whether another picture may be opened: asks if work would be lost. @param {Editor} editor */
export async function mayLeave(editor) {
  return !editor.history?.past.length || (await ask("anew")).choice === "open";
}

/** @param {Editor} editor @param {File} file */
async function openPicture(editor, file) {
  if (await mayLeave(editor)) await open(editor, file);
}

/**
 * Asks what to do with a second picture.
 *
 * @param {Editor} editor @param {File} file @param {boolean} mayOpen whether it may be meant as a new picture
 */
export async function second(editor, file, mayOpen) {
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

/** A file that was dropped or pasted. @param {Editor} editor @param {File | undefined} file */
export function receive(editor, file) {
  if (document.querySelector("dialog[open]") || editor.busy) return;
  if (!file) return editor.fail("That holds no picture file. Save the picture first, then choose or drop the file.");
  if (editor.step === "lines") return second(editor, file, true);
  return openPicture(editor, file);
}

/** @param {Editor} editor */
export function acceptFiles(editor) {
  const uses = { "picture-file": openPicture, "mask-file": importMask, "lines-file": importLines };
  for (const [id, use] of Object.entries(uses)) onChosen(id, (file) => use(editor, file));
  onChosen("second-file", (file) => second(editor, file, false));
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) receive(editor, file);
  });
  acceptDrops(editor);
}

/** @param {string} id @param {(file: File) => void} use */
function onChosen(id, use) {
  const input = /** @type {HTMLInputElement} */ (find(id));
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    input.value = ""; // the same file may be chosen again
    if (file) use(file);
  });
}

/** @param {Editor} editor */
function acceptDrops(editor) {
  const mark = (/** @type {boolean} */ isOver) => document.body.classList.toggle("dropping", isOver);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    receive(editor, event.dataTransfer?.files[0]);
  });
}

/** Lets a person choose a file. @param {"picture" | "mask" | "lines" | "second"} what */
export function choose(what) {
  find(`${what}-file`).click();
}
