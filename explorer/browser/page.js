/**
 * What every page has besides its components: terms that explain themselves, and the tour.
 */

import { explainTerms } from "./glossary/why.js";
import { offerTour } from "./tour/tour.js";

/** Listens, once for a page of the browser, however often Streamlit draws it again. */
export function dressPage() {
  explainTerms();
  offerTour();
}
