// @ts-check
/** Reading and saving files. */

import { decodeGray } from "./png.js";

/** @typedef {import("./raster.js").Size} Size */
/** @typedef {import("./raster.js").Box} Box */
/** @typedef {import("./png.js").Gray} Gray */
/** @typedef {{file: File, stem: string, url: string, width: number, height: number}} Picture upright, as shown */

/**
 * Opens a picture. Its file is sent to the service unchanged; the browser only shows it.
 *
 * @param {File} file
 * @param {import("./api.js").Info} limits of the service
 * @returns {Promise<Picture>} the caller must revoke its `url`
 * @throws {Error} the picture cannot be used
 */
export async function openPicture(file, limits) {
  const name = file.name || "The picture";
  if (file.type && !limits.types.includes(file.type)) {
    throw new Error(`${name} is of the type ${file.type}, which is not supported. Save it as PNG or JPEG and open that.`);
  }
  if (file.size > limits.max_bytes) {
    throw new Error(`${name} has ${megabytes(file.size)}; the service takes up to ${megabytes(limits.max_bytes)}.`);
  }
  const url = URL.createObjectURL(file);
  try {
    const { naturalWidth: width, naturalHeight: height } = await loaded(url, name);
    if (width * height > limits.max_pixels) {
      const most = limits.max_pixels.toLocaleString("en");
      throw new Error(`${name} is ${width} × ${height} pixels; the service takes up to ${most} in all. Make it smaller.`);
    }
    return { file, stem: stemOf(file.name), url, width, height };
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error;
  }
}

/** @param {string} url @param {string} name @returns {Promise<HTMLImageElement>} */
async function loaded(url, name) {
  const image = new Image();
  image.src = url;
  await image.decode().catch(() => {
    throw new Error(`${name} cannot be shown by this browser. Save it as PNG, JPEG or WebP and open that.`);
  });
  return image;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}

/** @param {string} name */
function stemOf(name) {
  return name.replace(/\.[^.]*$/, "") || "picture";
}

/**
 * Reads a gray picture that must have the size of another.
 *
 * @param {File} file @param {Size} size of the picture @param {string} what its name in error messages, such as "mask"
 * @returns {Promise<Uint8Array>}
 * @throws {Error} the file is not a picture, has another size or transparent parts
 */
export async function readGray(file, size, what) {
  const gray = await decodeAny(await file.arrayBuffer(), file);
  if (gray.width === size.width && gray.height === size.height) return gray.plane;
  const sizes = `is ${gray.width} × ${gray.height} pixels, the picture ${size.width} × ${size.height}`;
  throw new Error(`${file.name} ${sizes}. The ${what} must have the same size.`);
}

/** @param {ArrayBuffer} buffer @param {File} file @returns {Promise<Gray>} */
async function decodeAny(buffer, file) {
  const gray = await decodeGray(buffer).catch((error) => {
    throw new Error(`${file.name}: ${error.message}.`);
  });
  return gray ?? grayOfPixels(await pixelsOf(file), file.name);
}

/** @param {File} file @returns {Promise<ImageData>} */
async function pixelsOf(file) {
  /** @type {ImageBitmapOptions} */
  const asStored = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(file, asStored).catch(() => {
    throw new Error(`${file.name} cannot be read by this browser. Save it as PNG and open that.`);
  });
  const context = canvasOf(bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** Luminance as in Pillow's mode "L", which the command line uses to read masks (ITU-R BT.601). */
function grayOfPixels(/** @type {ImageData} */ { data, width, height }, /** @type {string} */ name) {
  const plane = new Uint8Array(width * height);
  for (let i = 0; i < plane.length; i++) {
    const at = 4 * i;
    if (data[at + 3] < 255) throw new Error(`${name} has transparent parts. Save it without transparency and open that.`);
    plane[i] = (data[at] * 19595 + data[at + 1] * 38470 + data[at + 2] * 7471 + 0x8000) >> 16;
  }
  return { plane, width, height };
}

/** @param {number} width @param {number} height */
function canvasOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
}

/**
 * Another picture, scaled to cover a box of this one, on white.
 *
 * @param {File} file @param {Size} size of this picture @param {Box} box @returns {Promise<Blob>} PNG
 */
export async function placed(file, size, box) {
  const url = URL.createObjectURL(file);
  try {
    const image = await loaded(url, file.name || "The picture");
    const context = canvasOf(size.width, size.height);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size.width, size.height);
    context.imageSmoothingQuality = "high";
    const [boxWidth, boxHeight] = [box.x1 - box.x0, box.y1 - box.y0];
    const scale = Math.max(boxWidth / image.naturalWidth, boxHeight / image.naturalHeight);
    const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
    context.drawImage(image, box.x0 + (boxWidth - width) / 2, box.y0 + (boxHeight - height) / 2, width, height);
    return await new Promise((resolve) => context.canvas.toBlob((blob) => resolve(/** @type {Blob} */ (blob))));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Downloads a file. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // enough for the browser to begin
}
