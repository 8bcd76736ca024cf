/**
 * One entry of the browser's history for a change of page: plain script of every page.
 *
 * Streamlit goes to a page without its settings first, and writes them into the address when the
 * page has run. Each is an entry, so that Back would take two presses. The second one replaces the
 * first, unless the user has done something in between.
 */
(() => {
  const root = document.documentElement;
  if (root.dataset.history) return; // a page runs it again and again
  root.dataset.history = "one entry a step";
  const push = history.pushState.bind(history);
  let arrived = "";
  const forget = () => (arrived = "");
  for (const event of ["pointerdown", "keydown", "popstate"]) addEventListener(event, forget, true);
  history.pushState = (state, title, url) => {
    const to = new URL(url ?? "", location.href);
    if (to.pathname === arrived) history.replaceState(state, title, url);
    else push(state, title, url);
    const isBare = to.pathname !== arrived && !to.search;
    arrived = isBare ? to.pathname : "";
  };
})();
