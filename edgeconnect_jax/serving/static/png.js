// @ts-check
/**
 * 8-bit gray PNG files, written and read without a canvas.
 *
 * Masks and lines are exchanged with the service through these functions, because a canvas may apply colour management
 * to its pixels, and some browsers add noise to them against fingerprinting.
 * Format: W3C, Portable Network Graphics (PNG) Specification, third edition.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GRAY = 0;

/** @typedef {{plane: Uint8Array, width: number, height: number}} Gray a picture of one channel, row by row */

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/**
 * Writes a PNG file.
 *
 * @param {Uint8Array} plane width * height values
 * @param {number} width in pixels
 * @param {number} height in pixels
 * @returns {Promise<Blob>}
 */
export async function encodeGray(plane, width, height) {
  const rows = new Uint8Array((width + 1) * height); // each row begins with its filter, 0 = none
  for (let y = 0; y < height; y++) {
    rows.set(plane.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits; colour type, compression, filters and interlacing are 0
  const data = await through(rows, new CompressionStream("deflate"));
  /** @type {BlobPart[]} */
  const parts = [new Uint8Array(SIGNATURE), chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
  return new Blob(parts, { type: "image/png" });
}

/**
 * Reads a PNG file of 8-bit gray, without interlacing or transparency.
 *
 * @param {ArrayBuffer} buffer the file
 * @returns {Promise<Gray | null>} null for any other file
 * @throws {Error} the file is corrupted
 */
export async function decodeGray(buffer) {
  const bytes = new Uint8Array(buffer);
  if (SIGNATURE.some((value, i) => bytes[i] !== value)) return null;
  const chunks = chunksOf(bytes);
  const header = chunks.find((one) => one.name === "IHDR")?.data;
  if (!header || header.length !== 13) throw new Error("the file is corrupted: it has no header");
  const view = new DataView(header.buffer, header.byteOffset);
  const plain = header[8] === 8 && header[9] === GRAY && header[12] === 0;
  if (!plain || chunks.some((one) => one.name === "tRNS")) return null;
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const packed = chunks.filter((one) => one.name === "IDAT").map((one) => one.data);
  const rows = await through(new Blob(packed), new DecompressionStream("deflate")).catch(() => new Uint8Array());
  if (rows.length !== (width + 1) * height) throw new Error("the file is corrupted: pixels are missing");
  return { plane: unfilter(rows, width, height), width, height };
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {{name: string, data: Uint8Array<ArrayBuffer>}[]} */
function chunksOf(bytes) {
  const view = new DataView(bytes.buffer);
  const chunks = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ name, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** Reverts the filters of section 9 of the specification, for one byte per pixel. */
function unfilter(/** @type {Uint8Array} */ rows, /** @type {number} */ width, /** @type {number} */ height) {
  const plane = new Uint8Array(width * height);
  for (let y = 0, from = 0; y < height; y++) {
    const filter = rows[from++];
    for (let x = 0, to = y * width; x < width; x++, to++) {
      const left = x ? plane[to - 1] : 0;
      const above = y ? plane[to - width] : 0;
      const corner = x && y ? plane[to - width - 1] : 0;
      plane[to] = rows[from++] + predicted(filter, left, above, corner);
    }
  }
  return plane;
}

/** @param {number} filter @param {number} left @param {number} above @param {number} corner */
function predicted(filter, left, above, corner) {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) throw new Error("the file is corrupted: a row has no known filter");
  const [a, b, c] = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/** @param {string} name @param {Uint8Array<ArrayBuffer>} data @returns {Uint8Array<ArrayBuffer>} */
function chunk(name, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc(bytes.subarray(4, data.length + 8)));
  return bytes;
}

/** @param {Uint8Array} bytes the checksum of the specification's annex D */
function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return ~value >>> 0;
}

/** @param {BlobPart} data @param {CompressionStream | DecompressionStream} stream */
async function through(data, stream) {
  const piped = new Blob([data]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}
