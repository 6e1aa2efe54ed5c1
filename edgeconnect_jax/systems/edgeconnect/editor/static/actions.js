// @ts-check
/** Actions that call the service or read files. */

import { sampleUrl } from "./samples.js";
import { file as fetchFile, info, post } from "./shared/api.js";
import { download, openPicture, placed, readGray } from "./shared/files.js";
import { broughtAlong } from "./shared/pages.js";
import { decodeGray, encodeGray } from "./shared/png.js";
import { boxOf } from "./shared/raster.js";
import { hasHole, isPredicted, linesOf, PLANES, withMask, withOwnLines, withPrediction, withRegion } from "./state.js";
import { both } from "./tools.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./editor.js").Result} Result */
/** @typedef {(words: string) => void} Say */

const MASK_THRESHOLD = 127; // brighter is hole, as on the command line
const AROUND = 8; // pixels between the hole and the edge of a picture placed over it

/** @param {Editor} editor */
export function connect(editor) {
  return editor.run("Connecting to the service", async (signal) => {
    editor.info = await info(signal);
  });
}

/** Opens the picture passed on by another system's page, if any. @param {Editor} editor */
export function openBrought(editor) {
  const { info: known } = editor;
  if (!known) return;
  return editor.run("Opening the picture", async (signal) => {
    const file = await broughtAlong(known.system);
    if (file) await begin(editor, file, signal);
  });
}

/** @param {Editor} editor @param {File} file */
export function open(editor, file) {
  return editor.run("Opening the picture", (signal) => begin(editor, file, signal));
}

/** @param {Editor} editor @param {string} name */
export function openSample(editor, name) {
  return editor.run("Opening the picture", async (signal) => {
    const blob = await fetchFile(sampleUrl(name), signal);
    await begin(editor, new File([blob], `${name}.png`, { type: "image/png" }), signal);
  });
}

/** @param {Editor} editor @param {File} file @param {AbortSignal} signal */
async function begin(editor, file, signal) {
  const known = editor.info ?? (await info(signal));
  editor.info = known;
  const picture = await openPicture(file, known);
  editor.begin(picture, known.sigma);
  editor.say(`${file.name}, ${picture.width} by ${picture.height} pixels. Now paint the hole.`);
}

/** Predicts all lines. @param {Editor} editor @param {number} [sigma] if not the current one */
export function predict(editor, sigma) {
  return editor.run("Predicting lines", (signal, say) => predictLines(editor, sigma, signal, say));
}

/** @param {Editor} editor @param {number | undefined} sigma @param {AbortSignal} signal @param {Say} say */
async function predictLines(editor, sigma = editor.open.state.sigma, signal, say) {
  const { picture, state } = editor.open;
  checkHole(editor);
  const mask = await encodeGray(state.mask, picture.width, picture.height);
  const { blob, timing } = await post("edges", { image: picture.file, mask, sigma, threshold: 0 }, signal, say);
  editor.commit(withPrediction(state, await planeOf(editor, blob), sigma), "lines");
  editor.say(`Lines predicted${within(timing.compute)}. Now edit them, or fill.`);
}

/** Predicts the lines of a part of the hole again. @param {Editor} editor @param {Uint8Array} part 255 = inside */
export function predictAgain(editor, part) {
  return editor.run("Predicting this part again", async (signal, say) => {
    const { picture, state } = editor.open;
    const plane = both(part, state.mask);
    if (!plane.includes(255)) throw new Error("That part is outside the hole. Draw around some of the hole.");
    const [mask, lines, region] = await Promise.all(
      [state.mask, linesOf(state), plane].map((one) => encodeGray(one, picture.width, picture.height)),
    );
    const fields = { image: picture.file, mask, lines, region, sigma: state.sigma, threshold: 0 };
    const { blob, timing } = await post("edges", fields, signal, say);
    editor.commit(withRegion(state, plane, await planeOf(editor, blob)), "lines");
    editor.say(`This part predicted again${within(timing.compute)}`);
  });
}

/** Fills the hole with the lines as they are, after predicting them if necessary. @param {Editor} editor */
export function fill(editor) {
  const since = performance.now();
  return editor.run("Filling the hole", async (signal, say) => {
    checkHole(editor);
    if (!isPredicted(editor.open.state)) {
      say("Predicting lines");
      await predictLines(editor, undefined, signal, say);
      say("Filling the hole");
    }
    const { picture, state } = editor.open;
    const planes = await planesOf(editor);
    const fields = { image: picture.file, mask: planes.mask, lines: planes.lines };
    const { blob, timing } = await post("inpaint", fields, signal, say);
    const url = URL.createObjectURL(blob);
    await Object.assign(new Image(), { src: url }).decode();
    const id = editor.results.length + 1;
    const seconds = (performance.now() - since) / 1000;
    const { sigma, threshold } = state;
    editor.results.push({ id, blob, url, planes, sigma, threshold, seconds, timing });
    editor.commit({ ...state, result: id }, "result");
    editor.say(`Filled in ${seconds.toFixed(1)} seconds. Now compare, download, or go back to the lines.`);
  });
}

/** Goes back to a result with its hole and its lines. @param {Editor} editor @param {Result} result */
export function goBackTo(editor, result) {
  return editor.run("Going back", async () => {
    const { state } = editor.open;
    const decoded = await Promise.all(PLANES.map((name) => planeOf(editor, result.planes[name])));
    const planes = Object.fromEntries(PLANES.map((name, i) => [name, decoded[i]]));
    const restored = withMask({ ...state, ...planes }, decoded[0]);
    const { sigma, threshold, id } = result;
    editor.commit({ ...restored, mapHoleId: restored.holeId, sigma, threshold, result: id }, "result");
    editor.say(`Result ${id} is shown again, with its hole and lines`);
  });
}

/** @param {Editor} editor @param {File} file */
export function importMask(editor, file) {
  return editor.run("Reading the mask", async () => {
    const { picture, state } = editor.open;
    const gray = await readGray(file, picture, "mask");
    editor.commit(withMask(state, gray.map((value) => (value > MASK_THRESHOLD ? 255 : 0))), "hole");
    editor.say("The hole is now the mask's");
  });
}

/** @param {Editor} editor @param {File} file */
export function importLines(editor, file) {
  return editor.run("Reading the lines", async () => {
    const { picture, state } = editor.open;
    editor.commit(withOwnLines(state, await readGray(file, picture, "lines"), true), "lines");
    editor.say("The lines in the hole are now the file's");
  });
}

/**
 * Copies the lines of a second picture into the hole.
 *
 * @param {Editor} editor
 * @param {File} file
 * @param {{where: "picture" | "hole", replace: boolean}} how what the second picture covers; whether it replaces other lines
 */
export function pasteLines(editor, file, { where, replace }) {
  return editor.run("Finding the lines of the second picture", async (signal, say) => {
    const { picture, state } = editor.open;
    const { width, height } = picture;
    const hole = checkHole(editor);
    const around = { x0: hole.x0 - AROUND, y0: hole.y0 - AROUND, x1: hole.x1 + AROUND, y1: hole.y1 + AROUND };
    const box = where === "hole" ? around : { x0: 0, y0: 0, x1: width, y1: height };
    const image = await placed(file, picture, box);
    const mask = await encodeGray(new Uint8Array(width * height), width, height); // all of it is known
    const sigma = state.sigma === -1 ? editor.info?.sigma : state.sigma;
    const { blob } = await post("edges", { image, mask, sigma, threshold: 0 }, signal, say);
    editor.commit(withOwnLines(state, await planeOf(editor, blob), replace), "lines");
    editor.say("The lines of the second picture are now in the hole");
  });
}

/** @param {Editor} editor */
export async function exportMask(editor) {
  const { picture, state } = editor.open;
  download(await encodeGray(state.mask, picture.width, picture.height), `${picture.stem}_mask.png`);
}

/** @param {Editor} editor */
export async function exportLines(editor) {
  const { picture, state } = editor.open;
  download(await encodeGray(linesOf(state), picture.width, picture.height), `${picture.stem}_lines.png`);
}

/** @param {Editor} editor @param {"filled" | "mask" | "lines"} what of the result that is shown */
export function downloadResult(editor, what) {
  const { result, open: opened } = editor;
  if (!result) return;
  download(what === "filled" ? result.blob : result.planes[what], `${opened.picture.stem}_${what}.png`);
}

/** @param {Editor} editor */
export function downloadRecipe(editor) {
  return editor.run("Writing the recipe", async (signal, say) => {
    const { result, open: opened } = editor;
    if (!result) return;
    const { mask, lines } = result.planes;
    const fields = { image: opened.picture.file, mask, lines, sigma: result.sigma, threshold: result.threshold };
    download((await post("recipe", fields, signal, say)).blob, `${opened.picture.stem}_recipe.json`);
  });
}

/** The box of the hole. @param {Editor} editor @throws {Error} there is no hole */
function checkHole(editor) {
  const { picture, state } = editor.open;
  const box = hasHole(state) && boxOf(state.mask, picture);
  if (!box) throw new Error("There is no hole yet. Paint over what you want to fill.");
  return box;
}

/** The planes as PNG files, with the lines that guide the filling. @param {Editor} editor */
async function planesOf(editor) {
  const { picture, state } = editor.open;
  const all = { ...Object.fromEntries(PLANES.map((name) => [name, state[name]])), lines: linesOf(state) };
  const files = await Promise.all(Object.values(all).map((one) => encodeGray(one, picture.width, picture.height)));
  return /** @type {Result["planes"]} */ (Object.fromEntries(Object.keys(all).map((name, i) => [name, files[i]])));
}

/** @param {Editor} editor @param {Blob} blob a PNG file from `encodeGray` @returns {Promise<Uint8Array>} */
async function planeOf(editor, blob) {
  const { picture } = editor.open;
  const gray = await decodeGray(await blob.arrayBuffer());
  if (!gray || gray.width !== picture.width || gray.height !== picture.height) {
    throw new Error("The service sent lines of the wrong size or type.");
  }
  return gray.plane;
}

/** @param {number | undefined} milliseconds */
function within(milliseconds) {
  return milliseconds === undefined ? "" : ` in ${(milliseconds / 1000).toFixed(1)} seconds`;
}
