// @ts-check
/** Sample photographs of the service. */

/** The URL of a sample. @param {string} name */
export function sampleUrl(name) {
  return `api/samples/${encodeURIComponent(name)}`;
}
