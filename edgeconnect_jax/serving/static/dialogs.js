// @ts-check
/** Dialogs, and files that users choose, drop or paste. */

/** @param {string} id @returns {HTMLElement} */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Shows a dialog.
 *
 * @param {string} id
 * @returns {Promise<FormData & {choice: string}>} its fields, and the value of the button; "" = cancelled
 */
export function ask(id) {
  const dialog = /** @type {HTMLDialogElement} */ (find(id));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const closed = () => resolve(Object.assign(new FormData(form), { choice: dialog.returnValue }));
    dialog.addEventListener("close", closed, { once: true });
  });
}

/** Opens a file chooser. @param {string} what prefix of the input's id */
export function choose(what) {
  find(`${what}-file`).click();
}

/** @param {string} what see `choose` @param {(file: File) => void} use */
export function onChosen(what, use) {
  const input = /** @type {HTMLInputElement} */ (find(`${what}-file`));
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    input.value = ""; // the same file may be chosen again
    if (file) use(file);
  });
}

/** @param {(file: File | undefined) => void} use called with a dropped or pasted file */
export function onReceived(use) {
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) use(file);
  });
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
    use(event.dataTransfer?.files[0]);
  });
}
