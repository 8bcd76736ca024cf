/**
 * One entry of the browser's history for a step of the user: plain script of every page.
 *
 * Streamlit goes to a page without its settings first, and writes them into the address when the
 * page has run. Each is an entry, so that Back would take two presses. The second one replaces the
 * first, unless the user has done something in between. A drag, or keys pressed one after another,
 * write many values: they are one step, too.
 */
(() => {
  const root = document.documentElement;
  if (root.dataset.history) return; // a page runs it again and again
  root.dataset.history = "one entry a step";
  const PAUSE = 1000; // milliseconds between keys of two steps
  const push = history.pushState.bind(history);
  let arrived = "";
  let step = { kind: "", keyed: 0, isWritten: false };
  const begin = (/** @type {string} */ kind) => (step = { kind, keyed: performance.now(), isWritten: false });
  const forget = () => (arrived = "");
  for (const event of ["pointerdown", "keydown", "popstate"]) addEventListener(event, forget, true);
  for (const event of ["wheel", "popstate"]) addEventListener(event, () => begin(""), true);
  addEventListener("pointerdown", () => begin("drag"), true);
  for (const event of ["pointerup", "pointercancel"]) {
    addEventListener(event, () => step.isWritten || begin(""), true);
  }
  const isPaused = (more = 1) => performance.now() - step.keyed > PAUSE * more;
  addEventListener(
    "keydown",
    () => {
      if (step.kind !== "keys" || isPaused()) begin("keys");
      step.keyed = performance.now();
    },
    true,
  );
  history.pushState = (state, title, url) => {
    const to = new URL(url ?? "", location.href);
    const isSame = step.isWritten && to.pathname === location.pathname && (step.kind === "drag" || !isPaused(2));
    if (to.pathname === arrived || isSame) history.replaceState(state, title, url);
    else push(state, title, url);
    step.isWritten = step.kind !== "";
    const isBare = to.pathname !== arrived && !to.search;
    arrived = isBare ? to.pathname : "";
  };
})();
