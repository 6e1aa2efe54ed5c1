// @ts-check
/** Requests to the service, with error messages for users. */

const RETRIES = 5; // of a request that a full queue rejected

/** @typedef {{blob: Blob, timing: Record<string, number>}} Answer `timing`: milliseconds, by name */
/** @typedef {{system: string, title: string, url: string}} OtherPage `url`: relative to this page */
/**
 * Facts about the service, the same for every system.
 *
 * @typedef {object} Info
 * @property {string} version
 * @property {string} system
 * @property {{name: string, sha256: string}} checkpoint
 * @property {number} max_pixels
 * @property {number} max_bytes of a request
 * @property {string[]} types accepted media types
 * @property {string} device
 * @property {OtherPage[]} pages of other systems
 */

/** A failure with a message for users. */
export class ServiceError extends Error {}

/** @param {AbortSignal} [signal] @returns {Promise<any>} `Info` with the system's additional fields */
export async function info(signal) {
  return (await request("api/info", { signal })).json();
}

/** @param {string} url @param {AbortSignal} [signal] @returns {Promise<Blob>} */
export async function file(url, signal) {
  return (await request(url, { signal })).blob();
}

/**
 * Sends pictures, and retries if the queue is full.
 *
 * @param {string} path of the route under api/
 * @param {Record<string, Blob | number | undefined>} fields omitted where undefined
 * @param {AbortSignal} signal to cancel with
 * @param {(words: string) => void} say reports progress
 * @returns {Promise<Answer>}
 */
export async function post(path, fields, signal, say) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (value instanceof Blob) body.append(name, value, value instanceof File ? value.name : `${name}.png`);
    else body.append(name, String(value));
  }
  const response = await request(`api/${path}`, { method: "POST", body, signal }, say);
  return { blob: await read(response), timing: timingOf(response.headers.get("Server-Timing") ?? "") };
}

/**
 * @param {string} url @param {RequestInit & {signal?: AbortSignal}} options @param {(words: string) => void} [say]
 * @returns {Promise<Response>}
 */
async function request(url, options, say) {
  for (let left = RETRIES; ; left--) {
    const response = await fetch(url, options).catch(unreachable);
    if (response.ok) return response;
    if (response.status !== 503 || !left || !say) throw new ServiceError(await wordsOf(response));
    const seconds = Math.max(1, Number(response.headers.get("Retry-After")) || 1);
    say(`The service is busy. Trying again in ${seconds} s`);
    await pause(seconds * 1000, options.signal);
  }
}

/** @param {Error} error @returns {never} */
function unreachable(error) {
  if (error.name === "AbortError") throw error;
  throw new ServiceError("The service cannot be reached. Check that it is running and try again; your work here is kept.");
}

/** @param {Response} response */
async function read(response) {
  return response.blob().catch(unreachable);
}

/** The message of an error response. @param {Response} response */
async function wordsOf(response) {
  const detail = await response.json().then(
    (body) => body.detail,
    () => null,
  );
  if (typeof detail === "string") return sentence(detail);
  if (Array.isArray(detail)) return sentence(detail.map((one) => one.msg).join("; "));
  return `The service responded with ${response.status} ${response.statusText} and no reason.`;
}

/** @param {string} words */
function sentence(words) {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** "queue;dur=1.5, compute;dur=900" -> {queue: 1.5, compute: 900}. @param {string} header */
export function timingOf(header) {
  const found = header.matchAll(/([\w-]+)\s*;\s*dur=([\d.]+)/g);
  return Object.fromEntries([...found].map(([, name, milliseconds]) => [name, Number(milliseconds)]));
}

/** @param {number} milliseconds @param {AbortSignal} [signal] @returns {Promise<void>} */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    });
  });
}
