// @ts-check
/** Links to the pages of the service's other systems, and the picture passed on to them. */

import { offer, take } from "./store.js";

/** @typedef {import("./api.js").OtherPage} OtherPage */

const MARK = "#picture"; // ends the address of a page for which a picture is stored

/**
 * Shows a link to each page, if any.
 *
 * @param {HTMLElement} place hidden until there are links
 * @param {OtherPage[]} pages
 * @param {(page: OtherPage) => void} leave called instead of following a link
 */
export function showPages(place, pages, leave) {
  place.hidden = !pages.length;
  place.replaceChildren(
    ...pages.map((page) => {
      const link = Object.assign(document.createElement("a"), { href: page.url, textContent: page.title });
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab, without the picture
        event.preventDefault();
        leave(page);
      });
      return link;
    }),
  );
}

/** Goes to another page. @param {OtherPage} page @param {File | undefined} picture to pass on */
export async function goTo(page, picture) {
  if (picture) await offer(page.system, picture);
  location.assign(page.url + (picture ? MARK : ""));
}

/**
 * The picture passed on by another page, if any.
 *
 * @param {string} system of this page @returns {Promise<File | null>}
 */
export async function broughtAlong(system) {
  if (location.hash !== MARK) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return take(system);
}
