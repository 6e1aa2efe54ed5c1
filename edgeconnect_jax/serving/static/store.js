// @ts-check
/**
 * The picture store, with which a page passes a picture to the page of another system on the same service. The store is
 * in the browser, holds at most one picture per system, and removes it once it is taken.
 */

const DATABASE = "edgeconnect_jax";
const PICTURES = "pictures";

/** Stores a picture for a system, replacing an earlier one. @param {string} system @param {File} file */
export async function offer(system, file) {
  await transact((pictures) => pictures.put(file, system));
}

/** Takes the stored picture of a system. @param {string} system @returns {Promise<File | null>} */
export async function take(system) {
  const file = await transact((pictures) => {
    const found = pictures.get(system);
    pictures.delete(system);
    return found;
  });
  return file ?? null;
}

/**
 * Runs one request, and any further ones it starts, in a transaction.
 *
 * @template T @param {(pictures: IDBObjectStore) => IDBRequest<T>} work @returns {Promise<T>} the request's result
 */
async function transact(work) {
  const database = await settled(opened());
  try {
    const transaction = database.transaction(PICTURES, "readwrite");
    const request = work(transaction.objectStore(PICTURES));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(failure(transaction.error));
    });
    return request.result;
  } finally {
    database.close();
  }
}

function opened() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(PICTURES);
  return opening;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(failure(request.error));
  });
}

/** @param {DOMException | null} error */
function failure(error) {
  const reason = error?.message ?? "no reason given";
  return new Error(`The browser cannot store the picture (${reason}). Save it, and open the file there.`);
}
