/**
 * A page inside a page of others is for looking: plain script of every page.
 *
 * A browser tells the server that a document is for a frame only where the connection is safe, so
 * not where a class opens `http://` and a name. There the page itself goes to the address that says
 * so.
 */
(() => {
  const address = new URL(location.href);
  if (window.top === window || address.searchParams.get("embed") === "true") return;
  address.searchParams.set("embed", "true");
  location.replace(address);
})();
