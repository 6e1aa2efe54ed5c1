// @ts-check
/** Photographs of the service to try the page with. */

/** The address of a sample. @param {string} name */
export function sampleUrl(name) {
  return `api/samples/${encodeURIComponent(name)}`;
}
