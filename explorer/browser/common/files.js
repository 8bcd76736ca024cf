/**
 * Files of the server, each fetched once per page.
 */

/** @type {Map<string, Promise<any>>} */
const fetched = new Map();

/**
 * Takes a file that is there already, in a page without a server.
 * @param {string} url
 * @param {Promise<any>} content
 */
export function provide(url, content) {
  fetched.set(url, content);
}

/**
 * Lets go of such a file.
 * @param {string} url
 */
export function withdraw(url) {
  fetched.delete(url);
}

/**
 * A file of the server, fetched once per page.
 * @param {string} url
 * @param {(answer: Response) => Promise<any>} read
 */
export function fetchOnce(url, read) {
  let found = fetched.get(url);
  if (!found) {
    found = fetch(url).then((answer) => {
      if (!answer.ok) throw new Error(`the server must have ${url}, got ${answer.status}`);
      return read(answer);
    });
    found.catch(() => fetched.delete(url));
    fetched.set(url, found);
    if (fetched.size > 40) fetched.delete(/** @type {string} */ (fetched.keys().next().value));
  }
  return found;
}
