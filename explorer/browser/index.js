/**
 * What the page calls: `npm run build --prefix tests/js` makes dist/latent-explorer.js of it.
 */

export { provide } from "./common/files.js";
export { betaSlider } from "./beta_slider/slider.js";
export { drawingPad } from "./drawing/draw.js";
export { liveMap } from "./latent_map/map.js";
export { tokenEditor } from "./token_editor/editor.js";
export { trainingFilm } from "./snapshots/player.js";
export { zPlane } from "./z_plane/plane.js";
export { dressPage } from "./page.js";
export { notebook as default } from "./notebook.js";
