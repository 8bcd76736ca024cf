/**
 * The cards of the tour: what each is bound to, what it says, and what ends it.
 *
 * @typedef {object} Card
 * @property {string} target selector of the element that it is about
 * @property {string} title
 * @property {string} text at most forty words
 * @property {{on: string, within: string} | null} done what somebody does to go on: an event within
 *   an element; null: only the button goes on
 */

/** @type {Card[]} */
export const CARDS = [
  {
    target: ".latent-map .stage",
    title: "Touch the map",
    text: "Every dot is a test image, reduced to a few numbers. Move the pointer over the map: the spot under it is turned back into an image.",
    done: { on: "pointermove", within: ".latent-map .stage" },
  },
  {
    target: ".latent-map .stage",
    title: "Pick an image",
    text: "Click a dot. It is selected and pinned, and the pictures beside the map are now about this image.",
    done: { on: "pointerup", within: ".latent-map .stage" },
  },
  {
    target: ".latent-map .inspector",
    title: "What the model makes of it",
    text: "The original, the decoded mean, and a sample as the model would really generate it. Press ↻ for another sample. Underlined words explain themselves.",
    done: { on: "click", within: ".latent-map .inspector" },
  },
  {
    target: ".latent-map .walk",
    title: "Walk between two pins",
    text: "A walk decodes the spots from one pin to another. Press Play. Where the images make no sense, the way leads through empty space.",
    done: { on: "click", within: ".latent-map .walk" },
  },
  {
    target: ".latent-map .menu",
    title: "Look below the dots",
    text: "Open Overlays. The circles are the prior, from which new images are drawn. Choose the density as background: does it fill the circles?",
    done: { on: "change", within: ".latent-map .menu" },
  },
  {
    target: ".st-key-controls",
    title: "Change the model",
    text: "Choose “every β” among the models, then drag the slider above the map: the larger β, the more the posteriors grow into the prior.",
    done: { on: "input", within: ".latent-map .betas" },
  },
  {
    target: "[data-testid=stTopNavLinkContainer], [data-testid=stTopNavLink], header",
    title: "Go on",
    text: "See what β does to rate and distortion, find out whether a model has collapsed, or train one of your own and watch it learn.",
    done: null,
  },
];
