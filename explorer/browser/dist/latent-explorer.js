// explorer/browser/common/files.js
var fetched = /* @__PURE__ */ new Map();
function provide(url, content) {
  fetched.set(url, content);
}
function withdraw(url) {
  fetched.delete(url);
}
function fetchOnce(url, read) {
  let found = fetched.get(url);
  if (!found) {
    found = fetch(url).then((answer) => {
      if (!answer.ok) throw new Error(`the server must have ${url}, got ${answer.status}`);
      return read(answer);
    });
    found.catch(() => fetched.delete(url));
    fetched.set(url, found);
    if (fetched.size > 40) fetched.delete(
      /** @type {string} */
      fetched.keys().next().value
    );
  }
  return found;
}

// explorer/browser/common/dom.js
var SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
function namedCanvas(name) {
  const canvas = make("canvas", { width: 1, height: 1 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  return canvas;
}
function layer(name) {
  const canvas = make("canvas", { className: `layer ${name}` });
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}
function part(root, selector) {
  const found = (
    /** @type {T | null} */
    root.querySelector(selector)
  );
  if (!found) throw new Error(`the page must hold ${selector}`);
  return found;
}
function shown(value, digits = 2) {
  const text = value.toFixed(digits);
  return text.replace("-", Number(text) ? "−" : "");
}
function latentName(j) {
  return `z${[...String(j + 1)].map((digit) => SUBSCRIPTS[Number(digit)]).join("")}`;
}
function levels(values, [channels, height, width]) {
  const size = height * width;
  const found = new Uint8ClampedArray(4 * size);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      found[4 * i + c] = Math.floor(values[(channels === 3 ? c * size : 0) + i] * 255 + 0.5);
    }
    found[4 * i + 3] = 255;
  }
  return found;
}
function paint(canvas, values, shape) {
  const [, height, width] = shape;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context(canvas).putImageData(new ImageData(levels(values, shape), width, height), 0, 0);
}
function context(canvas) {
  const found = canvas.getContext("2d");
  if (!found) throw new Error("the browser must be able to draw on a canvas");
  return found;
}
function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1e4);
}
function dressAsApp(card) {
  const app = document.querySelector("[data-testid=stApp]") ?? document.body;
  const { backgroundColor, color, fontFamily } = getComputedStyle(app);
  Object.assign(card.style, { backgroundColor, color, fontFamily });
}

// explorer/browser/glossary/terms.json
var terms_default = {
  nats: {
    symbol: "nats",
    name: "nat",
    what: "A unit of information, as a bit is: 1 nat is 1.44 bits. An event of probability p carries −ln p nats of surprise.",
    unit: "nats per image, summed over pixels and latents",
    formula: "surprise = −ln p",
    measured: "",
    lesson: "surprise"
  },
  distortion: {
    symbol: "D",
    name: "distortion",
    what: "How badly the image is rebuilt from its code: the surprise of its pixels under what the decoder expects.",
    unit: "nats per image",
    formula: "D = −E[ln p(x|z)], z drawn from q(z|x)",
    measured: "Summed over pixels, averaged over the test images, four z drawn for each; one z while a model is in training, for its curves and film. Grey images under a Bernoulli: the mean over random black-and-white versions.",
    lesson: "signs"
  },
  rate: {
    symbol: "R",
    name: "rate",
    what: "What the code tells about the image: how far the posterior q(z|x) lies from the prior p(z).",
    unit: "nats per image",
    formula: "R = KL(q(z|x) ‖ p(z)) = Σⱼ ½(μⱼ² + σⱼ² − 1 − ln σⱼ²)",
    measured: "In closed form, averaged over the test images.",
    lesson: "zero-one"
  },
  negative_elbo: {
    symbol: "−ELBO",
    name: "negative evidence lower bound",
    what: "What a VAE minimises at β = 1. The true surprise −ln p(x) is never larger.",
    unit: "nats per image",
    formula: "−ELBO = D + R ≥ −ln p(x)",
    measured: "On the test images, with weight 1 on R whatever β was used in training. Of grey images under a Bernoulli it is a bound for random black-and-white versions, not for the grey image.",
    lesson: "bound"
  },
  error: {
    symbol: "±",
    name: "standard error",
    what: "How far the mean over the test images may be off by chance: in about two of three test sets it is closer than this.",
    unit: "that of the number before it",
    formula: "s / √N",
    measured: "s is the standard deviation over the N test images.",
    lesson: ""
  },
  active: {
    symbol: "active",
    name: "active latents",
    what: "A latent is active if its mean μ moves from image to image. One that does not move tells nothing about the image.",
    unit: "number of latents",
    formula: "Var over x of μⱼ(x) > 0.01",
    measured: "Over the test images (Burda et al., 2016).",
    lesson: "collapse"
  },
  beta: {
    symbol: "β",
    name: "weight of the KL term",
    what: "The price of rate in training. Small β: sharp images and scattered codes. Large β: codes close to the prior, in the end all alike.",
    unit: "none",
    formula: "loss = D + β R",
    measured: "Set before training; the multi-rate model takes any β.",
    lesson: "beta"
  },
  beta_star: {
    symbol: "β*",
    name: "predicted collapse",
    what: "The β above which collapse is the best solution. It follows from the training images and the likelihood alone, before any training.",
    unit: "none",
    formula: "the largest eigenvalue of the images’ covariance, as the likelihood weighs it",
    measured: "From the training images; no network is involved.",
    lesson: "collapse"
  },
  z: {
    symbol: "z",
    name: "latent code",
    what: "The few numbers that stand for an image. Encoder: image → z. Decoder: z → image.",
    unit: "prior standard deviations",
    formula: "z = μ + σ ε, ε ~ N(0, 1)",
    measured: "",
    lesson: "three-steps"
  },
  mu: {
    symbol: "μ",
    name: "posterior mean",
    what: "Where the encoder puts an image: the point on the map.",
    unit: "prior standard deviations",
    formula: "q(z|x) = N(μ, σ²)",
    measured: "One pass through the encoder.",
    lesson: "reparameterise"
  },
  sigma: {
    symbol: "σ",
    name: "posterior standard deviation",
    what: "How sure the encoder is of the code. σ = 1 with μ = 0 is the prior: nothing is known.",
    unit: "prior standard deviations",
    formula: "q(z|x) = N(μ, σ²)",
    measured: "One pass through the encoder. It outputs ln σ², which may be any number; σ stays above 0.",
    lesson: "gaussian"
  },
  kl: {
    symbol: "KL",
    name: "Kullback–Leibler divergence",
    what: "How many nats are lost by taking one distribution for another. It is never negative, and it is not the same both ways.",
    unit: "nats",
    formula: "KL(q ‖ p) = E_q[ln q − ln p]",
    measured: "In closed form for Gaussians.",
    lesson: "asymmetry"
  },
  log_prior: {
    symbol: "ln p(z)",
    name: "log-density of the prior",
    what: "How likely the prior N(0, I) makes this spot. Training never asks the decoder for spots where it is low.",
    unit: "nats",
    formula: "ln p(z) = −½ Σⱼ (zⱼ² + ln 2π)",
    measured: "In closed form.",
    lesson: "dead-zones"
  },
  log_aggregate: {
    symbol: "ln q(z)",
    name: "log-density of the codes",
    what: "How densely the codes of all test images together cover this spot.",
    unit: "nats",
    formula: "q(z) = mean over x of q(z|x)",
    measured: "From the posteriors of the test images.",
    lesson: "dead-zones"
  },
  off_manifold: {
    symbol: "few codes here",
    name: "off the codes",
    what: "The decoder was hardly trained here, so do not trust this picture.",
    unit: "",
    formula: "ln q(z) below that of 99 % of the codes z ~ q(z|x), each without its own posterior; without any posterior, farther from any code than 99 % of the codes are from their nearest",
    measured: "From the test images.",
    lesson: "dead-zones"
  },
  prior: {
    symbol: "p(z)",
    name: "prior",
    what: "Where codes are drawn when new images are made (on a map, circles): 68 %, 95 % and 99.7 % of each latent lie within 1, 2 and 3 standard deviations.",
    unit: "standard deviations",
    formula: "p(z) = N(0, I)",
    measured: "",
    lesson: "zero-one"
  },
  ellipse: {
    symbol: "q(z|x)",
    name: "posterior",
    what: "Where the encoder believes the code of one image to be; on a map, ellipses: its 1σ and 2σ lines, at true scale.",
    unit: "prior standard deviations",
    formula: "q(z|x) = N(μ, σ²)",
    measured: "One pass through the encoder.",
    lesson: "posterior"
  },
  rings: {
    symbol: "rings",
    name: "marks on the map",
    what: "Pink: the selected image. Dark: the image under the pointer. Orange: the walk. Green: your drawing.",
    unit: "",
    formula: "",
    measured: "",
    lesson: ""
  },
  decoded_mean: {
    symbol: "decoded mean",
    name: "decoded mean",
    what: "What the decoder expects at a code: for each pixel the mean of p(x|z). It is smooth, as every mean is.",
    unit: "0 (black) to 1 (white)",
    formula: "E[x|z]",
    measured: "One pass through the decoder, in your browser.",
    lesson: "blur"
  },
  sample: {
    symbol: "sample of p(x|z)",
    name: "sample of p(x|z)",
    what: "One image as the model really generates it: every pixel drawn on its own around the decoded mean.",
    unit: "0 (black) to 1 (white)",
    formula: "x ~ p(x|z)",
    measured: "Drawn in your browser; ↻ draws another.",
    lesson: "three-steps"
  },
  distance: {
    symbol: "Δ",
    name: "distance in latent space",
    what: "How far apart the means of two images are.",
    unit: "prior standard deviations",
    formula: "Δ = ‖μ − μ′‖",
    measured: "",
    lesson: "organise"
  },
  log_evidence: {
    symbol: "ln p(x)",
    name: "log-evidence",
    what: "How likely the whole model makes an image. The ELBO is a lower bound of it.",
    unit: "nats per image",
    formula: "p(x) = ∫ p(x|z) p(z) dz",
    measured: "With two latents integrated over the plane, with its own error; in more it can only be bounded.",
    lesson: "density"
  },
  iw_bound: {
    symbol: "ln p̂ₖ(x)",
    name: "importance-weighted bound",
    what: "A tighter lower bound of ln p(x): average k weights before taking the logarithm.",
    unit: "nats per image",
    formula: "E[ln (1/k) Σᵢ p(x|zᵢ) p(zᵢ) / q(zᵢ|x)]",
    measured: "k samples for each test image (Burda et al., 2016).",
    lesson: "bound"
  },
  information: {
    symbol: "I(x; z)",
    name: "mutual information",
    what: "What a code tells about which image it belongs to. Zero: nothing, and the model has collapsed.",
    unit: "nats",
    formula: "I(x; z) = R − KL(q(z) ‖ p(z)), at most ln N of N images",
    measured: "All codes against all, or by integration over the plane: exact for these codes. The model’s own lies between bounds.",
    lesson: "collapse"
  },
  aggregate_kl: {
    symbol: "KL(q(z) ‖ p(z))",
    name: "mismatch of codes and prior",
    what: "How different all codes together are from the prior that new images are drawn from.",
    unit: "nats",
    formula: "R = I(x; z) + KL(q(z) ‖ p(z))",
    measured: "All codes against all, or by integration over the plane: exact for these codes. The model’s own lies between bounds.",
    lesson: "dead-zones"
  },
  total_correlation: {
    symbol: "TC",
    name: "total correlation",
    what: "How much the latents depend on each other. Zero if they are independent.",
    unit: "nats",
    formula: "KL(q(z) ‖ Πⱼ q(zⱼ))",
    measured: "All codes against all, or by integration over the plane: exact for these codes. The model’s own lies between bounds.",
    lesson: ""
  },
  holes: {
    symbol: "holes",
    name: "prior mass in holes",
    what: "The share of codes drawn from the prior that fall where there are hardly any codes of images.",
    unit: "%",
    formula: "share of z ~ p(z) with q(z) < p(z) / 10",
    measured: "By drawing codes from the prior, or by integration over the plane. More images close holes of q(z).",
    lesson: "dead-zones"
  },
  entropy_floor: {
    symbol: "entropy of binarisation",
    name: "floor of D",
    what: "How random black-and-white pixels are that are drawn from the grey ones. D cannot go below this, however good the decoder is.",
    unit: "nats per image",
    formula: "−Σ [x ln x + (1 − x) ln(1 − x)]",
    measured: "From the test images.",
    lesson: "mse"
  },
  tangent: {
    symbol: "slope −β",
    name: "tangent",
    what: "The best model for β touches a line of slope −β and nothing lies below the line.",
    unit: "none",
    formula: "dD/dR = −β",
    measured: "",
    lesson: "beta"
  },
  verdict: {
    symbol: "collapsed",
    name: "posterior collapse",
    what: "The encoder ignores its image: every posterior is the prior, every image decodes to the same mean.",
    unit: "",
    formula: "R ≈ 0, I(x; z) ≈ 0, no active latent",
    measured: "From the test images; the page lists the numbers behind its verdict.",
    lesson: "collapse"
  },
  dead: {
    symbol: "dead",
    name: "dead latent",
    what: "Moving it changes nothing: its mean is the same for all images.",
    unit: "",
    formula: "Var over x of μⱼ(x) ≤ 0.01",
    measured: "Over the test images.",
    lesson: "collapse"
  },
  response: {
    symbol: "response of the decoder",
    name: "does the decoder use z?",
    what: "How much decoded samples differ from each other, against how much the test images do.",
    unit: "%",
    formula: "RMS distance of decoded samples from their mean ÷ that of the images",
    measured: "",
    lesson: "collapse"
  },
  pca: {
    symbol: "PCA",
    name: "principal components",
    what: "A flat cut through the latent space along the two directions in which the codes vary most.",
    unit: "prior standard deviations",
    formula: "",
    measured: "Exact within the plane; what is off the plane is not shown.",
    lesson: ""
  },
  tsne: {
    symbol: "t-SNE",
    name: "t-SNE",
    what: "A drawing that keeps neighbours together. Distances and empty space mean nothing, and it has no inverse.",
    unit: "no unit",
    formula: "",
    measured: "Computed once for each model.",
    lesson: ""
  },
  likelihood: {
    symbol: "likelihood",
    name: "likelihood p(x|z)",
    what: "How pixels scatter around the decoded mean. Bernoulli: each pixel is the probability of white. Gaussian: squared error divided by 2σ².",
    unit: "",
    formula: "ln p(x|z)",
    measured: "",
    lesson: "mse"
  },
  steps: {
    symbol: "steps",
    name: "training steps",
    what: "Updates of the weights, each from one batch of images. An epoch is one pass through all training images.",
    unit: "number",
    formula: "",
    measured: "",
    lesson: "batch"
  },
  kl_weight: {
    symbol: "KL weight",
    name: "KL weight during training",
    what: "The price of rate at this step; a remedy may raise it slowly, or let some nats go free.",
    unit: "none",
    formula: "loss = D + β(step) R",
    measured: "",
    lesson: "collapse"
  },
  true_posterior: {
    symbol: "p(z|x)",
    name: "true posterior",
    what: "All codes from which this decoder could have made this image, each by how likely it is. The encoder’s q(z|x) is a Gaussian that stands in for it.",
    unit: "a density over the latent plane",
    formula: "p(z|x) = p(x|z) p(z) / p(x)",
    measured: "By quadrature over the plane, for the grey image as D scores it. Shaded: the darker, the likelier.",
    lesson: "posterior"
  },
  amortisation_gap: {
    symbol: "amortisation gap",
    name: "amortisation gap",
    what: "What one encoder for all images costs for this one: an ellipse chosen for this image alone would be better.",
    unit: "nats",
    formula: "KL(q ‖ p(z|x)) − min over Gaussians of KL",
    measured: "The best ellipse is found by search on the grid of the quadrature (Cremer et al., 2018).",
    lesson: "posterior"
  },
  family_gap: {
    symbol: "family gap",
    name: "Gaussian-family gap",
    what: "What remains with the best ellipse: the true posterior is not a Gaussian of independent latents.",
    unit: "nats",
    formula: "min over Gaussians of KL(q ‖ p(z|x))",
    measured: "On the grid of the quadrature (Cremer et al., 2018).",
    lesson: "posterior"
  }
};

// explorer/browser/glossary/why.js
var TERMS = terms_default;
function why(key, text) {
  const shown2 = text ?? TERMS[key].symbol;
  const button = make("button", { type: "button", className: "why", textContent: shown2 });
  button.dataset.why = key;
  button.setAttribute("aria-label", `${shown2}: why?`);
  return button;
}
function explained(text, ...keys) {
  let parts = [text];
  for (const key of keys) {
    const { symbol } = TERMS[key];
    const at = parts.findIndex((part3) => typeof part3 === "string" && placeOf(part3, symbol) >= 0);
    if (at < 0) continue;
    const part2 = (
      /** @type {string} */
      parts[at]
    );
    const from = placeOf(part2, symbol);
    const pieces = [part2.slice(0, from), why(key), part2.slice(from + symbol.length)];
    parts = [...parts.slice(0, at), ...pieces.filter((piece) => piece !== ""), ...parts.slice(at + 1)];
  }
  return parts;
}
function placeOf(text, symbol) {
  const isLetter = (sign) => sign !== void 0 && /\p{L}/u.test(sign);
  for (let at = text.indexOf(symbol); at >= 0; at = text.indexOf(symbol, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + symbol.length])) return at;
  }
  return -1;
}
function explainTerms() {
  const root = document.documentElement;
  if (root.dataset.why) return;
  root.dataset.why = "on";
  document.addEventListener("click", (event) => {
    const button = (
      /** @type {HTMLElement | null} */
      event.target instanceof Element && event.target.closest("button[data-why]")
    );
    const term = button && TERMS[button.dataset.why ?? ""];
    if (term) open(button, term);
  });
}
function open(button, term) {
  document.querySelector("#why-card")?.remove();
  const card = make("div", { id: "why-card" }, ...entry(term));
  card.setAttribute("popover", "auto");
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", `${term.symbol}: ${term.name}`);
  dressAsApp(card);
  document.body.append(card);
  card.addEventListener("toggle", (event) => {
    if (
      /** @type {ToggleEvent} */
      event.newState === "closed"
    ) card.remove();
  });
  card.addEventListener("keydown", (event) => event.key === "Escape" && button.focus());
  card.showPopover();
  const { left, bottom, top } = button.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const isBelow = bottom + 6 + height <= innerHeight || top - 6 - height < 0;
  card.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  card.style.top = `${Math.max(8, isBelow ? Math.min(bottom + 6, innerHeight - height - 8) : top - 6 - height)}px`;
  card.querySelector("a, button")?.focus({ preventScroll: true });
}
function entry({ symbol, name, what, unit, formula, measured, lesson }) {
  const lines = [make("p", {}, make("b", {}, symbol), symbol === name ? "" : ` · ${name}`), make("p", {}, what)];
  for (const [title, text] of [["Formula", formula], ["Unit", unit], ["Measured", measured]]) {
    if (text) lines.push(make("p", {}, make("b", {}, `${title}: `), text));
  }
  const link = isServed() && lesson ? [make("a", { href: lessonUrl(lesson), target: "_self" }, "Lesson on this")] : [];
  const close = make("button", { type: "button", textContent: "Close" });
  close.onclick = () => (
    /** @type {HTMLElement} */
    document.querySelector("#why-card").hidePopover()
  );
  return [...lines, make("p", { className: "foot" }, ...link, close)];
}
function isServed() {
  return document.querySelector("[data-testid=stApp]") !== null;
}
function lessonUrl(lesson) {
  const base = location.pathname.replace(/[^/]*$/, "");
  return `${base}lessons?lesson=${encodeURIComponent(lesson)}`;
}

// explorer/browser/common/beta_range.js
var STEPS = 400;
var PLAY_MS = 9e3;
var THUMB = 8;
function betaRow() {
  const play = make("button", { type: "button", className: "play", textContent: "▶ Play" });
  const input = make("input", { type: "range", min: "0", step: "1" });
  return make("div", { className: "row slide" }, play, make("span", { className: "track" }, input), make("b", { className: "beta" }));
}
var BetaRange = class {
  /**
   * @param {HTMLElement} row
   * @param {Host} host
   */
  constructor(row, host) {
    this.host = host;
    this.input = /** @type {HTMLInputElement} */
    part(row, "input");
    this.button = part(row, ".play");
    this.text = part(row, ".beta");
    this.track = part(row, ".track");
    this.range = [Math.log(0.1), Math.log(100)];
    this.beta = 1;
    this.playing = 0;
    this.waiting = false;
    this.input.max = String(STEPS);
    this.input.setAttribute("aria-label", "β, on a logarithmic scale");
    this.input.oninput = () => this.moved();
    this.input.onchange = () => host.rest(this.beta);
    this.button.onclick = () => this.toggle();
    this.mark(null);
  }
  /**
   * Shows this β.
   * @param {number} beta
   */
  put(beta) {
    const [low, high] = this.range;
    this.beta = beta;
    this.input.value = String(Math.round(STEPS * (Math.log(beta) - low) / (high - low)));
    this.write();
  }
  /** The slider was moved: β follows once a frame. */
  moved() {
    const [low, high] = this.range;
    this.beta = Math.exp(low + Number(this.input.value) / STEPS * (high - low));
    this.write();
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.host.slide(this.beta);
    });
  }
  write() {
    const text = this.beta < 10 ? shown(this.beta) : shown(this.beta, 1);
    this.text.textContent = `β = ${text}`;
    const isBeyond = this.threshold && this.beta > this.threshold.beta;
    this.input.setAttribute("aria-valuetext", `β = ${text}${isBeyond ? ", beyond the predicted collapse" : ""}`);
  }
  /**
   * Marks the predicted collapse; null: it is not known.
   * @param {Threshold | null} threshold
   */
  mark(threshold) {
    this.threshold = threshold;
    this.track.querySelector(".threshold")?.remove();
    const [low, high] = this.range;
    const share = threshold ? (Math.log(threshold.beta) - low) / (high - low) : -1;
    if (!threshold || share < 0 || share > 1) return;
    const name = why("beta_star", `β* = ${shown(threshold.beta, threshold.beta < 10 ? 2 : 1)}`);
    name.title = `Beyond it these images collapse. Computed from ${threshold.source}, without training.`;
    const mark = make("span", { className: "threshold" }, make("i"), name);
    mark.style.left = `calc(${THUMB}px + ${share} * (100% - ${2 * THUMB}px))`;
    this.track.append(mark);
  }
  toggle() {
    if (this.playing) {
      this.stop();
      this.host.rest(this.beta);
      return;
    }
    this.button.textContent = "❚❚ Pause";
    const start = performance.now() - PLAY_MS * Number(this.input.value) / STEPS;
    const next = (now) => {
      const around3 = (now - start) / PLAY_MS % 2;
      this.input.value = String(Math.round(STEPS * (around3 < 1 ? around3 : 2 - around3)));
      this.moved();
      this.playing = requestAnimationFrame(next);
    };
    this.playing = requestAnimationFrame(next);
  }
  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.button.textContent = "▶ Play";
  }
};

// explorer/browser/common/chart.js
var CHART_OPTIONS = {
  displaylogo: false,
  scrollZoom: true,
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]]
};
var library = null;
function loadPlotly(url) {
  const page = (
    /** @type {{Plotly?: PlotlyLibrary}} */
    /** @type {unknown} */
    window
  );
  if (page.Plotly) return Promise.resolve(page.Plotly);
  library ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => done(
      /** @type {PlotlyLibrary} */
      page.Plotly
    );
    script.onerror = () => {
      library = null;
      fail(new Error("the server must have the plotting library"));
    };
    document.head.append(script);
  });
  return library;
}
function themed(element) {
  const style = getComputedStyle(element);
  const text = style.getPropertyValue("--st-text-color").trim() || style.color;
  const line = style.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,.3)";
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, family: style.getPropertyValue("--st-font").trim() || "sans-serif" },
    modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: line, activecolor: text },
    xaxis: axis,
    yaxis: axis
  };
}
function dress(layout, element) {
  const theme = themed(element);
  return {
    ...layout,
    ...theme,
    xaxis: { ...layout.xaxis, ...theme.xaxis },
    yaxis: { ...layout.yaxis, ...theme.yaxis }
  };
}
function frame(chart) {
  const { xaxis, yaxis } = chart._fullLayout;
  return {
    left: xaxis._offset,
    top: yaxis._offset,
    width: xaxis._length,
    height: yaxis._length,
    toPixels: (place) => [
      xaxis._offset + xaxis.l2p(place[0]),
      yaxis._offset + yaxis.l2p(place[1])
    ],
    toPlace: (pixel) => [
      xaxis.p2l(pixel[0] - xaxis._offset),
      yaxis.p2l(pixel[1] - yaxis._offset)
    ],
    /** Pixels per unit, across and up. */
    scale: [Math.abs(xaxis.l2p(1) - xaxis.l2p(0)), Math.abs(yaxis.l2p(1) - yaxis.l2p(0))]
  };
}
function sheet(canvas, chart, view) {
  const ratio2 = window.devicePixelRatio || 1;
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  if (canvas.width !== Math.round(width * ratio2) || canvas.height !== Math.round(height * ratio2)) {
    canvas.width = Math.round(width * ratio2);
    canvas.height = Math.round(height * ratio2);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = context(canvas);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio2, 0, 0, ratio2, 0, 0);
  pen.beginPath();
  pen.rect(view.left, view.top, view.width, view.height);
  pen.clip();
  return pen;
}

// explorer/browser/numerics/layers.js
function buildStep(layer2, take) {
  switch (layer2.type) {
    case "linear":
      return linear(layer2, take(layer2.inputs * layer2.outputs), take(layer2.outputs));
    case "conv_transpose": {
      const weights = layer2.inputs * layer2.outputs * layer2.kernel ** 2;
      return convTranspose(layer2, take(weights), take(layer2.outputs));
    }
    case "conv": {
      const weights = layer2.inputs * layer2.outputs * layer2.kernel ** 2;
      return convolution(layer2, take(weights), take(layer2.outputs));
    }
    case "scale":
      return channelScale(layer2.size, take(layer2.size), take(layer2.size));
    case "grid":
      return betweenGridPoints(layer2, take(layer2.counts.reduce((all, n) => all * n, layer2.size)));
    case "nearest":
      return nearestImage(layer2, take(layer2.count * layer2.inputs), take(layer2.count * layer2.size));
    case "upsample":
      return repeatPixels(layer2);
    case "leaky_relu":
      return elementwise((v) => v < 0 ? layer2.slope * v : v);
    case "elu":
      return elementwise((v) => v < 0 ? layer2.slope * Math.expm1(v) : v);
    case "noise":
      return elementwise((v) => (v + 1) / 2);
    // noise has pixels from -1, black, to 1, white
    case "tanh":
      return elementwise(Math.tanh);
    case "sigmoid":
      return elementwise(logistic);
    case "flatten":
      return ({ values }) => ({ values, shape: [values.length] });
    case "relu":
      return relu;
    case "silu":
      return silu;
    case "unflatten":
      return ({ values }) => ({ values, shape: layer2.shape });
    case "mean":
      return mean(layer2);
    default: {
      const { type } = (
        /** @type {{type: string}} */
        layer2
      );
      throw new Error(`A layer must be of a known type, got ${type}.`);
    }
  }
}
function relu(signal) {
  const { values } = signal;
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
  return signal;
}
function silu(signal) {
  const { values } = signal;
  for (let i = 0; i < values.length; i++) values[i] /= 1 + Math.exp(-values[i]);
  return signal;
}
function logistic(v) {
  return 1 / (1 + Math.exp(-v));
}
function elementwise(change) {
  return (signal) => {
    const { values } = signal;
    for (let i = 0; i < values.length; i++) values[i] = change(values[i]);
    return signal;
  };
}
function mean({ activation, size }) {
  return (signal) => {
    const values = signal.values.slice(0, size);
    if (activation === "sigmoid") {
      for (let i = 0; i < size; i++) values[i] = logistic(values[i]);
    }
    return { values, shape: signal.shape };
  };
}
function buildGate({ size, ramps }, scales, shifts) {
  const scale = new Float32Array(size).fill(1);
  const shift = new Float32Array(size);
  const turn = (place) => {
    scale.fill(1);
    shift.fill(0);
    for (let k = 0, i = 0; k < ramps; k++) {
      const ramp = Math.tanh(2 * (place + 1 - 2 * k / (ramps - 1)));
      for (let j = 0; j < size; j++, i++) {
        scale[j] += ramp * scales[i];
        shift[j] += ramp * shifts[i];
      }
    }
  };
  return { step: channelScale(size, scale, shift), turn };
}
function channelScale(size, scale, shift) {
  return (signal) => {
    const each = signal.values.length / size;
    for (let j = 0, i = 0; j < size; j++) {
      for (const end = (j + 1) * each; i < end; i++) {
        signal.values[i] = scale[j] * signal.values[i] + shift[j];
      }
    }
    return signal;
  };
}
function linear({ inputs, outputs }, weight, bias) {
  const add = buildRowSum(turned(weight, inputs, outputs), inputs, outputs);
  return ({ values }) => {
    const out = bias.slice();
    add(out, values, 0, 1);
    return { values: out, shape: [outputs] };
  };
}
function turned(weight, inputs, outputs) {
  const rows = new Float32Array(weight.length);
  for (let o = 0, w = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) rows[i * outputs + o] = weight[w++];
  }
  return rows;
}
function convolution({ inputs, outputs, kernel, stride, padding }, weight, bias) {
  const count = inputs * kernel * kernel;
  const add = buildRowSum(turned(weight, count, outputs), count, outputs);
  const patch = new Float32Array(count);
  const pixel = new Float32Array(outputs);
  return ({ values, shape: [, height, width] }) => {
    const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
    const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
    const area = rows * columns;
    const out = new Float32Array(outputs * area);
    for (let at = 0; at < area; at++) {
      const top = Math.floor(at / columns) * stride - padding;
      const left = at % columns * stride - padding;
      for (let p = 0; p < count; p++) {
        const y = top + Math.floor(p / kernel) % kernel;
        const x = left + p % kernel;
        const inside2 = y >= 0 && y < height && x >= 0 && x < width;
        const channel = Math.floor(p / kernel / kernel);
        patch[p] = inside2 ? values[(channel * height + y) * width + x] : 0;
      }
      pixel.set(bias);
      add(pixel, patch, 0, 1);
      for (let o = 0; o < outputs; o++) out[o * area + at] = pixel[o];
    }
    return { values: out, shape: [outputs, rows, columns] };
  };
}
function repeatPixels({ factor: [down, across] }) {
  return ({ values, shape: [channels, height, width] }) => {
    const [rows, columns] = [height * down, width * across];
    const out = new Float32Array(channels * rows * columns);
    for (let row = 0, at = 0; row < channels * rows; row++) {
      const from = Math.floor(row / down) * width;
      for (let x = 0; x < columns; x++) out[at++] = values[from + Math.floor(x / across)];
    }
    return { values: out, shape: [channels, rows, columns] };
  };
}
function betweenGridPoints({ low, high, counts, size }, images) {
  return ({ values: z }) => {
    let corners = [{ at: 0, weight: 1 }];
    counts.forEach((count, j) => {
      const place = (z[j] - low[j]) / (high[j] - low[j]) * (count - 1);
      const inside2 = Math.min(Math.max(place, 0), count - 1);
      const first = Math.min(Math.floor(inside2), count - 2);
      const share = inside2 - first;
      corners = corners.flatMap(({ at, weight }) => [
        { at: at * count + first, weight: weight * (1 - share) },
        { at: at * count + first + 1, weight: weight * share }
      ]);
    });
    const out = new Float32Array(size);
    for (const { at, weight } of corners) {
      for (let i = 0, from = at * size; i < size; i++) out[i] += weight * images[from++];
    }
    return { values: out, shape: [size] };
  };
}
function nearestImage({ inputs, count, size }, codes, images) {
  return ({ values: z }) => {
    let [best, least] = [0, Infinity];
    for (let n = 0; n < count; n++) {
      let distance2 = 0;
      for (let j = 0; j < inputs; j++) distance2 += (codes[n * inputs + j] - z[j]) ** 2;
      if (distance2 < least) [best, least] = [n, distance2];
    }
    return { values: images.slice(best * size, (best + 1) * size), shape: [size] };
  };
}
function convTranspose(layer2, weight, bias) {
  const { inputs, outputs, kernel, stride, padding, output_padding: extra } = layer2;
  const patch = new Float32Array(outputs * kernel * kernel);
  const add = buildRowSum(weight, inputs, patch.length);
  return ({ values, shape: [, height, width] }) => {
    const rows = (height - 1) * stride - 2 * padding + kernel + extra[0];
    const columns = (width - 1) * stride - 2 * padding + kernel + extra[1];
    const area = rows * columns;
    const out = new Float32Array(outputs * area);
    for (let o = 0; o < outputs; o++) out.fill(bias[o], o * area, (o + 1) * area);
    for (let y = 0, pixel = 0; y < height; y++) {
      const top = y * stride - padding;
      for (let x = 0; x < width; x++, pixel++) {
        const left = x * stride - padding;
        patch.fill(0);
        add(patch, values, pixel, height * width);
        const first = Math.max(0, -left);
        const end = Math.min(kernel, columns - left);
        for (let o = 0, p = 0; o < outputs; o++) {
          for (let ky = 0; ky < kernel; ky++, p += kernel) {
            const row = top + ky;
            if (row < 0 || row >= rows) continue;
            const target = o * area + row * columns + left;
            for (let kx = first; kx < end; kx++) out[target + kx] += patch[p + kx];
          }
        }
      }
    }
    return { values: out, shape: [outputs, rows, columns] };
  };
}
function buildRowSum(rows, count, width) {
  const factors = new Float64Array(count + 3);
  const places = new Int32Array(count + 3);
  return (out, values, start, stride) => {
    let live = 0;
    for (let i = 0; i < count; i++) {
      const value = values[start + i * stride];
      if (value === 0) continue;
      factors[live] = value;
      places[live++] = i * width;
    }
    factors.fill(0, live, live + 3);
    for (let k = 0; k < live; k += 4) {
      const [f0, f1, f2, f3] = [factors[k], factors[k + 1], factors[k + 2], factors[k + 3]];
      const [p0, p1, p2, p3] = [places[k], places[k + 1], places[k + 2], places[k + 3]];
      for (let o = 0; o < width; o++) {
        out[o] += rows[p0 + o] * f0 + rows[p1 + o] * f1 + rows[p2 + o] * f2 + rows[p3 + o] * f3;
      }
    }
  };
}

// explorer/browser/numerics/tensors.js
var READERS = {
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => readHalves(new Uint16Array(buffer)),
  I64: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  U8: (buffer) => Float32Array.from(new Uint8Array(buffer))
};
function readTensors(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length2 = Number(view.getBigUint64(0, true));
  const payload = file.subarray(8 + length2);
  const { __metadata__: texts = {}, ...entries } = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + length2))
  );
  const metadata = {};
  for (const [name, text] of Object.entries(texts)) {
    if (name !== "sha256") metadata[name] = JSON.parse(text);
  }
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    tensors[name] = { dtype, shape, data: payload.subarray(start, end) };
  }
  return { tensors, metadata };
}
function numbersOf({ dtype, data }) {
  const read = READERS[dtype];
  if (!read) throw new Error(`A tensor must be one of ${Object.keys(READERS).join(", ")}, got ${dtype}.`);
  return read(new Uint8Array(data).buffer);
}
function readHalves(bits) {
  return Float32Array.from(bits, (half) => {
    const exponent = half >> 10 & 31;
    const fraction = half & 1023;
    const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : half >> 15 ? -Infinity : Infinity;
    return half >> 15 ? -size : size;
  });
}
function readPositions(file) {
  return numbersOf(readTensors(file).tensors.positions);
}

// explorer/browser/numerics/decoder.js
function readModel(file) {
  const { tensors, metadata } = readTensors(file);
  const weights = [];
  const arrays = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const place = /^layers\.(\d+)$/.exec(name);
    if (place) weights[Number(place[1])] = numbersOf(tensor);
    else arrays[name] = numbersOf(tensor);
  }
  const header = (
    /** @type {Header} */
    metadata
  );
  return { ...buildDecoder(header.layers, weights), header, arrays };
}
function buildDecoder(layers, weights) {
  let used = 0;
  const take = (count) => {
    const array = weights[used++];
    if (array?.length === count) return array;
    throw new Error(`Array ${used} of the decoder must have ${count} numbers, got ${array?.length}.`);
  };
  const gates = [];
  const steps = layers.map((layer2) => {
    if (layer2.type !== "gate") return buildStep(layer2, take);
    const gate = buildGate(layer2, take(layer2.ramps * layer2.size), take(layer2.ramps * layer2.size));
    gates.push(gate.turn);
    return gate.step;
  });
  if (used !== weights.length) {
    throw new Error(`The decoder must use every array, got ${weights.length} and used ${used}.`);
  }
  const turn = (place) => gates.forEach((set) => set(place));
  const decode = (z) => {
    let signal = { values: Float32Array.from(z), shape: [z.length] };
    for (const step of steps) signal = step(signal);
    return signal.values;
  };
  return { decode, turn };
}

// explorer/browser/beta_slider/model.js
function between(knots, value) {
  let k = 0;
  while (k < knots.length - 2 && knots[k + 1] <= value) k++;
  const share = (value - knots[k]) / (knots[k + 1] - knots[k]);
  return [k, Math.min(1, Math.max(0, share))];
}
var sum = (values) => values.reduce((total2, value) => total2 + value, 0);
function blend(table2, width, [k, share]) {
  const from = k * width;
  return Float32Array.from(
    { length: width },
    (_, i) => (1 - share) * table2[from + i] + share * table2[from + width + i]
  );
}
function gapAt(betas, beta) {
  if (betas.some((measured) => Math.abs(measured / beta - 1) < 1e-3)) return null;
  const [k] = between(betas, beta);
  return [betas[k], betas[k + 1]];
}
var MultirateModel = class {
  /** @param {Uint8Array} file of `slider_file` of models/export/browser_files.py */
  constructor(file) {
    const { decode, turn, header, arrays } = readModel(file);
    this.decode = decode;
    this.turn = turn;
    this.shape = header.image_shape;
    this.size = header.latent_dim;
    this.names = header.class_names;
    this.arrays = /** @type {Record<string, Float32Array>} */
    arrays;
    this.logBetas = Array.from(this.arrays.betas, Math.log);
    this.betas = Array.from(this.arrays.betas);
    this.range = [this.logBetas[0], this.logBetas[this.logBetas.length - 1]];
    this.reach = 1.05 * this.arrays.mean.reduce((most, v) => Math.max(most, Math.abs(v)), 3);
  }
  /**
   * Test images one by one at one β, from a file of `codes_file`; sets the decoder's gates.
   * @param {number} beta
   */
  testSetAt(beta) {
    const place = between(this.logBetas, Math.log(beta));
    this.turnTo(beta);
    const at = (table2) => blend(table2, table2.length / this.logBetas.length, place);
    const { mean: mean2, log_variance, distortion, labels } = this.arrays;
    return {
      decode: this.decode,
      means: at(mean2),
      logVariances: at(log_variance),
      distortions: at(distortion),
      labels: labels ?? null,
      gap: gapAt(this.betas, beta),
      beta
    };
  }
  /**
   * Sets the decoder's gates.
   * @param {number} beta
   */
  turnTo(beta) {
    const [low, high] = this.range;
    this.turn((2 * Math.log(beta) - low - high) / (high - low));
  }
  /**
   * Codes of the test set at one β, and where that is on the drawn curve; sets the decoder's gates.
   * @param {number} beta
   */
  at(beta) {
    const place = between(this.logBetas, Math.log(beta));
    this.turnTo(beta);
    const { mean: mean2, distortion, rate } = this.arrays;
    return {
      codes: blend(mean2, mean2.length / this.logBetas.length, place),
      distortion: blend(distortion, 1, place)[0],
      rate: sum(blend(rate, this.size, place))
    };
  }
  /**
   * What was measured nearest to a β: that β, D and R per latent. Scores are not interpolated, for
   * between two measured β they bend.
   * @param {number} beta
   */
  measuredAt(beta) {
    const [k, share] = between(this.logBetas, Math.log(beta));
    const nearest3 = share < 0.5 ? k : k + 1;
    const { distortion, rate } = this.arrays;
    const rates = rate.subarray(nearest3 * this.size, (nearest3 + 1) * this.size);
    return { beta: this.betas[nearest3], distortion: distortion[nearest3], rates, rate: sum(rates) };
  }
};

// explorer/browser/scatter/legend.js
var MOST = 40;
var SIGNS = ["●", "■", "◆", "✚", "▲"];
function fillLegend(place, scatter, scale) {
  if (scale) place.replaceChildren(...bar(scale));
  else place.replaceChildren(...classes(scatter));
}
function classes(scatter) {
  const groups = scatter.content?.groups ?? [];
  if (groups.length < 2 || groups.length > MOST) return [];
  return groups.map(({ name, colour, symbol }, i) => {
    const sign = make("i", { textContent: SIGNS[symbol % SIGNS.length] });
    sign.style.color = colour;
    sign.setAttribute("aria-hidden", "true");
    const button = make("button", { type: "button", title: "Hide or show this class" }, sign, name);
    const settle2 = () => button.setAttribute("aria-pressed", String(!scatter.hidden.has(i)));
    button.onclick = () => {
      scatter.toggle(i);
      settle2();
    };
    settle2();
    return button;
  });
}
function bar({ low, high, title, colours }) {
  const strip = make("span", { className: "strip" });
  strip.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  const digits = high - low < 10 ? 2 : 0;
  return [make("span", {}, shown(low, digits)), strip, make("span", {}, shown(high, digits)), make("b", {}, title)];
}

// explorer/browser/numerics/view.js
var STEPS2 = [1, 2, 5, 10];
var ZOOM = { least: 1e-4, most: 20 };
function viewOf(box, { x, y }) {
  const [across, up] = [box.width / (x[1] - x[0]), box.height / (y[1] - y[0])];
  return {
    ...box,
    x,
    y,
    scale: [across, up],
    toPixels: (place) => [
      box.left + (place[0] - x[0]) * across,
      box.top + box.height - (place[1] - y[0]) * up
    ],
    toPlace: (pixel) => [
      x[0] + (pixel[0] - box.left) / across,
      y[0] + (box.top + box.height - pixel[1]) / up
    ]
  };
}
function bounds(places, margin = 0.06) {
  const range = (axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < places.length; i += 2) {
      low = Math.min(low, places[i]);
      high = Math.max(high, places[i]);
    }
    if (low > high) return (
      /** @type {Pair} */
      [-1, 1]
    );
    const extra = margin * (high - low) || 1;
    return (
      /** @type {Pair} */
      [low - extra, high + extra]
    );
  };
  return { x: range(0), y: range(1) };
}
function fit(box, wanted, equal) {
  if (!equal) return wanted;
  const unit = Math.max(length(wanted.x) / box.width, length(wanted.y) / box.height);
  return { x: around(wanted.x, unit * box.width), y: around(wanted.y, unit * box.height) };
}
function panned({ x, y, scale }, dx, dy) {
  const [u, v] = [dx / scale[0], dy / scale[1]];
  return { x: [x[0] - u, x[1] - u], y: [y[0] + v, y[1] + v] };
}
function zoomed(view, factor, pixel, home) {
  const share = length(view.x) / length(home.x);
  const by = Math.min(Math.max(factor, ZOOM.least / share), ZOOM.most / share);
  const place = view.toPlace(pixel);
  const about = (range, at) => (
    /** @type {Pair} */
    range.map((end) => at + (end - at) * by)
  );
  return { x: about(view.x, place[0]), y: about(view.y, place[1]) };
}
function ticks([low, high], most) {
  const least = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * (STEPS2.find((s) => s * power >= least) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    const text = digits > 6 ? (k * step).toExponential(2) : (k * step).toFixed(digits);
    found.push({ value: k * step, text: text.replace(/^-(?=[0.]*$)/, "").replaceAll("-", "−") });
  }
  return found;
}
function length([low, high]) {
  return high - low;
}
function around([low, high], size) {
  const middle = (low + high) / 2;
  return [middle - size / 2, middle + size / 2];
}

// explorer/browser/scatter/axes.js
var GAP = { left: 52, right: 10, top: 10, bottom: 44 };
var BARE = { left: 10, right: 10, top: 10, bottom: 24 };
var APART = 70;
var LEAST = 4;
function plotArea(width, height, hasNumbers) {
  const { left, right, top, bottom } = hasNumbers ? GAP : BARE;
  return {
    left,
    top,
    width: Math.max(40, width - left - right),
    height: Math.max(40, height - top - bottom)
  };
}
function drawAxes(pen, view, titles, { ink, line, font }, hasNumbers) {
  const { left, top, width, height } = view;
  pen.save();
  pen.lineWidth = 1;
  pen.strokeStyle = line;
  pen.fillStyle = ink;
  pen.font = `12px ${font}`;
  if (hasNumbers) {
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const { value, text } of ticks(view.x, Math.max(LEAST, width / APART))) {
      const x = Math.round(view.toPixels([value, 0])[0]) + 0.5;
      stroke(pen, x, top, x, top + height);
      pen.fillText(text, x, top + height + 6);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const { value, text } of ticks(view.y, Math.max(LEAST, height / APART))) {
      const y = Math.round(view.toPixels([0, value])[1]) + 0.5;
      stroke(pen, left, y, left + width, y);
      pen.fillText(text, left - 6, y);
    }
  }
  pen.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  pen.textAlign = "center";
  pen.textBaseline = "alphabetic";
  pen.fillText(titles.x, left + width / 2, top + height + (hasNumbers ? 36 : 16));
  pen.translate(hasNumbers ? 14 : 8, top + height / 2);
  pen.rotate(-Math.PI / 2);
  if (hasNumbers) pen.fillText(titles.y, 0, 0);
  pen.restore();
}
function stroke(pen, x, y, toX, toY) {
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(toX, toY);
  pen.stroke();
}

// explorer/browser/numerics/points.js
var SYMBOLS = ["circle", "square", "diamond", "cross", "triangle"];
var INSIDE = {
  circle: (x, y) => x * x + y * y <= 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.89,
  diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1.25,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.45 && Math.max(Math.abs(x), Math.abs(y)) <= 1.2,
  triangle: (x, y) => y <= 0.9 && y >= 1.75 * Math.abs(x) - 1.3
};
function stampOf(symbol, radius) {
  const inside2 = INSIDE[symbol] ?? INSIDE.circle;
  const reach = Math.ceil(1.3 * radius);
  const steps = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      if (inside2(x / (radius + 0.1), y / (radius + 0.1))) steps.push([x, y]);
    }
  }
  return { reach, steps };
}
function pixelOf(colour, alpha = 255) {
  const value = parseInt(colour.slice(1), 16);
  return alpha << 24 | (value & 255) << 16 | value & 65280 | value >> 16;
}
function placePoints(positions, view, ratio2, places) {
  const [across, up] = [view.scale[0] * ratio2, view.scale[1] * ratio2];
  const left = view.left * ratio2 - view.x[0] * across;
  const bottom = (view.top + view.height) * ratio2 + view.y[0] * up;
  for (let i = 0; i < positions.length; i += 2) {
    places[i] = left + positions[i] * across;
    places[i + 1] = bottom - positions[i + 1] * up;
  }
}
function fillPoints(sheet2, places, order, stampIndex, stamps, colours) {
  const { pixels, width, height } = sheet2;
  const steps = stamps.map((stamp) => Int32Array.from(stamp.steps, ([x, y]) => y * width + x));
  for (let i = 0; i < order.length; i++) {
    const n = order[i];
    const x = Math.floor(places[2 * n]);
    const y = Math.floor(places[2 * n + 1]);
    const { reach } = stamps[stampIndex[n]];
    if (x < -reach || y < -reach || x >= width + reach || y >= height + reach) continue;
    if (x < reach || y < reach || x >= width - reach || y >= height - reach) {
      fillAtEdge(sheet2, x, y, stamps[stampIndex[n]], colours[n]);
      continue;
    }
    const at = y * width + x;
    const colour = colours[n];
    const mine = steps[stampIndex[n]];
    for (let k = 0; k < mine.length; k++) pixels[at + mine[k]] = colour;
  }
}
function pointsOn({ width, height }, places, order) {
  const found = new Uint32Array(order.length);
  let count = 0;
  for (let i = 0; i < order.length; i++) {
    const n = order[i];
    const [x, y] = [places[2 * n], places[2 * n + 1]];
    if (x >= 0 && y >= 0 && x < width && y < height) found[count++] = n;
  }
  return found.subarray(0, count);
}
var CELL = 2;
var FAINTEST = 70;
function fillDensity({ pixels, width, height }, places, order, colours) {
  const across = Math.ceil(width / CELL);
  const cells = across * Math.ceil(height / CELL);
  const [counts, red, green, blue] = Array.from({ length: 4 }, () => new Uint32Array(cells));
  let fullest = 1;
  for (let i = 0; i < order.length; i++) {
    const n = order[i];
    const at = Math.floor(places[2 * n + 1] / CELL) * across + Math.floor(places[2 * n] / CELL);
    const colour = colours[n];
    red[at] += colour & 255;
    green[at] += colour >> 8 & 255;
    blue[at] += colour >> 16 & 255;
    if (++counts[at] > fullest) fullest = counts[at];
  }
  const scale = (255 - FAINTEST) / Math.log(1 + fullest);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / CELL) * across;
    for (let x = 0; x < width; x++) {
      const at = row + Math.floor(x / CELL);
      const count = counts[at];
      if (count === 0) continue;
      const alpha = Math.round(FAINTEST + scale * Math.log(1 + count));
      const [r, g, b] = [red[at] / count, green[at] / count, blue[at] / count];
      pixels[y * width + x] = alpha << 24 | b << 16 | g << 8 | r;
    }
  }
}
function fillAtEdge({ pixels, width, height }, x, y, { steps }, colour) {
  for (const [dx, dy] of steps) {
    const inside2 = x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height;
    if (inside2) pixels[(y + dy) * width + x + dx] = colour;
  }
}
function contour({ pixels, width, height }, colour, isSmooth = true) {
  const strong = pixelOf(colour, isSmooth ? 215 : 254);
  const faint = isSmooth ? pixelOf(colour, 90) : 0;
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * width - 1;
    let at = y * width + 1;
    let before = pixels[at - 1 - width] | pixels[at - 1] | pixels[at - 1 + width];
    let here = pixels[at - width] | pixels[at] | pixels[at + width];
    for (; at < end; at++) {
      const after = pixels[at + 1 - width] | pixels[at + 1] | pixels[at + 1 + width];
      const isNear = (before | here | after) !== 0;
      before = here;
      here = after;
      if (!isNear || pixels[at] !== 0) continue;
      if (touches(pixels, at, 1, width)) pixels[at] = strong;
      else if (touches(pixels, at, width - 1, width + 1)) pixels[at] = faint;
    }
  }
}
function touches(pixels, at, one, other) {
  return pixels[at - one] >> 24 === -1 || pixels[at + one] >> 24 === -1 || pixels[at - other] >> 24 === -1 || pixels[at + other] >> 24 === -1;
}

// explorer/browser/scatter/dots.js
var RADII = [[1200, 4.2], [4e3, 3.4], [2e4, 2.7], [Infinity, 1.7]];
var CARRIED = 15e4;
var FULL_SIDE = 480;
var LEAST_SHARE = 0.6;
function grouped(labels, names, palette, count) {
  if (!labels) {
    return { groupOf: new Uint16Array(count), groups: [{ name: "", colour: palette[0], symbol: 0 }] };
  }
  const groupOf = Uint16Array.from(labels);
  const length2 = groupOf.reduce((most, label) => Math.max(most, label + 1), names.length);
  const groups = Array.from({ length: length2 }, (_, i) => ({
    name: names[i] ?? String(i),
    colour: palette[i % palette.length],
    symbol: Math.floor(i / palette.length)
  }));
  return { groupOf, groups };
}
function dotsOf({ groupOf, groups, shades }) {
  const pixels = groups.map((group) => pixelOf(group.colour));
  return {
    symbols: Uint8Array.from(groupOf, (group) => shades ? 0 : groups[group].symbol % SYMBOLS.length),
    colours: shades ?? Int32Array.from(groupOf, (group) => pixels[group])
  };
}
function writeDots(sheet2, { symbols, colours }, places, order, ratio2, { outline, isSmooth }) {
  const isMany = order.length > CARRIED;
  const seen = isMany ? pointsOn(sheet2, places, order) : order;
  if (seen.length > CARRIED) {
    fillDensity(sheet2, places, seen, colours);
    return;
  }
  const count = isMany ? seen.length : symbols.length;
  const radius = radiusFor(count, Math.min(sheet2.width, sheet2.height) / ratio2);
  const stamps = SYMBOLS.map((symbol) => stampOf(symbol, radius * ratio2));
  fillPoints(sheet2, places, seen, symbols, stamps, colours);
  contour(sheet2, outline, isSmooth);
}
function traceDots(pen, { colours }, places, order, view, outline) {
  const radius = radiusFor(colours.length, Math.min(view.width, view.height));
  for (const isOutline of [true, false]) {
    for (const n of Array.from(order)) {
      pen.beginPath();
      pen.arc(places[2 * n], places[2 * n + 1], radius + (isOutline ? 1 : 0), 0, 2 * Math.PI);
      pen.fillStyle = isOutline ? outline : cssOf(colours[n]);
      pen.fill();
    }
  }
}
function radiusFor(count, side) {
  const [, full] = RADII.find(([most]) => count <= most) ?? RADII[RADII.length - 1];
  const wanted = full * Math.min(1, Math.max(LEAST_SHARE, side / FULL_SIDE));
  const miss = (radius) => Math.abs(radius - wanted);
  return RADII.reduce((best, [, radius]) => miss(radius) < miss(best) ? radius : best, full);
}
function cssOf(pixel) {
  const parts = [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255];
  return `#${parts.map((part2) => part2.toString(16).padStart(2, "0")).join("")}`;
}

// explorer/browser/scatter/gestures.js
var CLICK = { pixels: 5, milliseconds: 700, again: 350 };
var REST_MS = 150;
var SIDEWAYS = 8;
var WHEEL = 22e-4;
var Gestures = class {
  /**
   * @param {HTMLElement} element
   * @param {Host} host
   */
  constructor(element, host) {
    this.element = element;
    this.host = host;
    this.mode = "pan";
    this.down = /* @__PURE__ */ new Map();
    this.drag = null;
    this.touching = false;
    this.resting = 0;
    this.clicked = -Infinity;
    this.clickedAt = [0, 0];
    this.ended = new AbortController();
    const signal = this.ended.signal;
    const on = (type, listener, passive = true) => element.addEventListener(type, listener, { signal, passive });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", (event) => this.cancel(event));
    on("pointerleave", (event) => event.pointerType === "mouse" && !this.drag && host.hover(null));
    on("wheel", (event) => this.wheel(event), false);
    on("touchmove", (event) => this.holdsPage() && event.cancelable && event.preventDefault(), false);
  }
  end() {
    clearTimeout(this.resting);
    this.ended.abort();
  }
  /**
   * @param {PointerEvent | WheelEvent} event
   * @returns {Pixel}
   */
  pixelOf(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  /** Whether a touch is ours, so that the page must not scroll. */
  holdsPage() {
    return this.touching || this.down.size > 1;
  }
  /** @param {PointerEvent} event */
  press(event) {
    const pixel = this.pixelOf(event);
    if (event.button !== 0 || !this.isOurs(event) || !this.host.contains(pixel)) return;
    this.down.set(event.pointerId, pixel);
    if (this.down.size > 1) {
      this.stopTouching();
      this.drag = null;
      return;
    }
    this.drag = { start: pixel, time: event.timeStamp, moved: false, outline: [pixel] };
    if (event.pointerType === "touch") {
      this.resting = window.setTimeout(() => this.beginTouch(pixel), REST_MS);
    } else this.element.setPointerCapture(event.pointerId);
  }
  /**
   * Buttons and fields that lie on the chart keep their own events.
   * @param {Event} event
   */
  isOurs(event) {
    return !/** @type {Element} */
    event.target.closest("button, input, select, summary, label, a");
  }
  /** @param {Pixel} pixel */
  beginTouch(pixel) {
    this.touching = true;
    this.host.hover(pixel);
  }
  stopTouching() {
    clearTimeout(this.resting);
    this.touching = false;
  }
  /** @param {PointerEvent} event */
  move(event) {
    const pixel = this.pixelOf(event);
    if (this.down.size > 1) this.pinch(event.pointerId, pixel);
    else if (this.drag && this.down.has(event.pointerId)) this.pull(event, pixel);
    else if (event.pointerType !== "touch") this.host.hover(this.host.contains(pixel) ? pixel : null);
  }
  /**
   * One pointer that is down has moved.
   * @param {PointerEvent} event
   * @param {Pixel} pixel
   */
  pull(event, pixel) {
    const drag = (
      /** @type {NonNullable<Gestures["drag"]>} */
      this.drag
    );
    const before = (
      /** @type {Pixel} */
      this.down.get(event.pointerId)
    );
    this.down.set(event.pointerId, pixel);
    const [across, up] = [pixel[0] - drag.start[0], pixel[1] - drag.start[1]];
    if (!drag.moved && Math.hypot(across, up) <= CLICK.pixels) return;
    drag.moved = true;
    if (event.pointerType === "touch" && this.mode === "pan") {
      if (!this.touching && Math.abs(across) >= SIDEWAYS && Math.abs(across) > Math.abs(up)) {
        clearTimeout(this.resting);
        this.touching = true;
      }
      if (this.touching) this.host.hover(pixel);
      return;
    }
    if (this.mode === "pan") this.host.pan(pixel[0] - before[0], pixel[1] - before[1]);
    else {
      drag.outline.push(pixel);
      this.host.outline(this.outlineOf(drag.outline));
    }
  }
  /**
   * The corners of a box, or the points of a lasso.
   * @param {Pixel[]} path
   * @returns {Pixel[]}
   */
  outlineOf(path) {
    if (this.mode === "lasso") return path;
    const [[x, y], [right, bottom]] = [path[0], path[path.length - 1]];
    return [[x, y], [right, y], [right, bottom], [x, bottom]];
  }
  /**
   * Two fingers: the middle between them pans, their distance zooms.
   * @param {number} id
   * @param {Pixel} pixel
   */
  pinch(id, pixel) {
    if (!this.down.has(id)) return;
    const before = middleOf(this.down);
    this.down.set(id, pixel);
    const after = middleOf(this.down);
    this.host.pan(after.at[0] - before.at[0], after.at[1] - before.at[1]);
    if (before.far > 1 && after.far > 1) this.host.zoom(before.far / after.far, after.at);
  }
  /** @param {PointerEvent} event */
  release(event) {
    const drag = this.drag;
    const wasTouching = this.touching;
    this.stopTouching();
    if (!this.down.delete(event.pointerId) || !drag) return;
    this.drag = null;
    if (drag.moved) {
      if (this.mode !== "pan" && drag.outline.length > 2) this.host.select(this.outlineOf(drag.outline));
      if (this.mode !== "pan") this.host.outline(null);
      return;
    }
    if (!wasTouching && event.timeStamp - drag.time > CLICK.milliseconds) return;
    this.tap(drag.start, event.timeStamp, () => this.host.click(drag.start));
  }
  /**
   * A click on the chart or on something that lies over it; the second of two at one place is a
   * double click. The times are those of the hand: a page that is busy sees both clicks late.
   * @param {Pixel} pixel
   * @param {number} time of the event, in milliseconds
   * @param {() => void} click what a single one does
   */
  tap(pixel, time, click) {
    const [x, y] = this.clickedAt;
    const isNear = Math.hypot(pixel[0] - x, pixel[1] - y) <= 2 * CLICK.pixels;
    const isSecond = isNear && time - this.clicked < CLICK.again;
    this.clicked = isSecond ? -Infinity : time;
    this.clickedAt = pixel;
    if (isSecond) this.host.doubleClick();
    else click();
  }
  /**
   * The page took the gesture over, to scroll.
   * @param {PointerEvent} event
   */
  cancel(event) {
    this.down.delete(event.pointerId);
    this.stopTouching();
    this.drag = null;
    this.host.outline(null);
  }
  /** @param {WheelEvent} event */
  wheel(event) {
    const pixel = this.pixelOf(event);
    if (!event.ctrlKey || !this.host.contains(pixel)) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.host.zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY * lines)) * WHEEL * 2), pixel);
  }
};
function middleOf(pointers) {
  const [[ax, ay], [bx, by]] = [...pointers.values()];
  return { at: [(ax + bx) / 2, (ay + by) / 2], far: Math.hypot(ax - bx, ay - by) };
}
function inside(outline, places, isShown) {
  const found = [];
  for (let n = 0; n < places.length / 2; n++) {
    if (isShown(n) && isInside(outline, places[2 * n], places[2 * n + 1])) found.push(n);
  }
  return found;
}
function isInside(outline, x, y) {
  let odd = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [[ax, ay], [bx, by]] = [outline[i], outline[j]];
    if (ay > y !== by > y && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

// explorer/browser/scatter/prior.js
var DARK = "#1b2330";
var LIGHT = "#ffffff";
var INK = "rgba(128,128,128,.95)";
var ROOM = 18;
function drawPrior(pen, view, centre, { isLine = false, ink = INK, isOnPictures = false } = {}) {
  const [x, y] = view.toPixels(centre);
  pen.save();
  const [across, up] = view.scale;
  pen.strokeStyle = pen.fillStyle = isOnPictures ? DARK : ink;
  pen.lineWidth = 1;
  pen.font = "11px sans-serif";
  const dash = isOnPictures ? [6, 4] : [2, 3];
  pen.setLineDash(dash);
  const isSmall = (isLine ? across : up) < ROOM;
  const write = (name, left, top) => {
    if (isOnPictures) edged(pen, () => pen.strokeText(name, left, top), dash);
    pen.fillText(name, left, top);
  };
  for (const sigmas of [1, 2, 3]) {
    const outer = isLine ? "3σ" : "3σ of the prior";
    const name = sigmas === 3 ? outer : isSmall ? "" : `${sigmas}σ`;
    pen.beginPath();
    if (isLine) {
      for (const side of [x - sigmas * across, x + sigmas * across]) {
        pen.moveTo(side, view.top);
        pen.lineTo(side, view.top + view.height);
      }
      pen.textAlign = "right";
      write(name, x + sigmas * across - 3, view.top + 12);
    } else {
      pen.ellipse(x, y, sigmas * across, sigmas * up, 0, 0, 2 * Math.PI);
      write(name, x + 3, y - sigmas * up + (isSmall ? -4 : 12));
    }
    if (isOnPictures) edged(pen, () => pen.stroke(), dash);
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.restore();
}
function edged(pen, draw, dash) {
  const ink = pen.strokeStyle;
  pen.setLineDash([]);
  pen.strokeStyle = LIGHT;
  pen.lineWidth = 2.5;
  draw();
  pen.strokeStyle = ink;
  pen.lineWidth = 1;
  pen.setLineDash(dash);
}

// explorer/browser/scatter/scatter.js
var THUMBNAILS = { most: 60, share: 0.75, side: 30 };
var Scatter = class {
  /**
   * @param {HTMLElement} stage positioned; its canvases are put below what it holds
   * @param {Host} host
   */
  constructor(stage, host) {
    this.stage = stage;
    this.host = host;
    this.ground = layer("ground");
    this.dots = layer("points");
    stage.prepend(this.ground, this.dots);
    this.content = null;
    this.view = null;
    this.home = { x: [-1, 1], y: [-1, 1] };
    this.hidden = /* @__PURE__ */ new Set();
    this.shown = new Uint32Array();
    this.dressed = null;
    this.places = new Float32Array();
    this.cssPlaces = new Float32Array();
    this.frame = 0;
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(stage);
  }
  end() {
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }
  /**
   * Shows other points; the view stays where it is unless the axes are others.
   * @param {Content} content
   * @param {boolean} keepsView
   */
  show(content, keepsView = false) {
    const isSame = keepsView && this.content !== null && this.view !== null;
    const follows = isSame && this.isHome;
    this.content = content;
    this.dressed = dotsOf(content);
    this.places = new Float32Array(content.positions.length);
    if (!isSame) this.hidden = /* @__PURE__ */ new Set();
    this.list();
    const box = this.box();
    this.home = fit(box, content.home ?? bounds(content.positions), content.equal);
    this.look(isSame && !follows ? fit(
      box,
      /** @type {View} */
      this.view,
      content.equal
    ) : this.home);
  }
  /**
   * Moves the points that are shown. The view goes with what a reset shows, unless it was panned or
   * zoomed; drawn at once, for an animation draws in its own frame.
   * @param {Float32Array} positions as many as before
   * @param {Ranges} home
   */
  move(positions, home) {
    const content = (
      /** @type {Content} */
      this.content
    );
    const isFollowing = this.isHome;
    Object.assign(content, { positions, home });
    const box = this.box();
    this.home = fit(box, home, content.equal);
    if (isFollowing) this.view = viewOf(box, this.home);
    this.draw();
    this.host.changed();
  }
  /** Points whose group is shown. */
  list() {
    const { positions, groupOf } = (
      /** @type {Content} */
      this.content
    );
    const all = Uint32Array.from({ length: positions.length / 2 }, (_, n) => n);
    this.shown = this.hidden.size ? all.filter((n) => !this.isHidden(groupOf[n])) : all;
  }
  /**
   * Whether the legend has hidden a group; where there is one alone, it has no button.
   * @param {number} group
   */
  isHidden(group) {
    return this.hidden.has(group) && /** @type {Content} */
    this.content.groups.length > 1;
  }
  /**
   * Hides these groups and shows all others.
   * @param {Iterable<number>} groups
   */
  hide(groups) {
    this.hidden = new Set(groups);
    this.list();
    this.request();
    this.host.changed();
  }
  /**
   * Hides a group or shows it again.
   * @param {number} group
   */
  toggle(group) {
    if (!this.hidden.delete(group)) this.hidden.add(group);
    this.list();
    this.draw();
    this.host.changed();
  }
  /** @param {number} n */
  isShown(n) {
    const content = this.content;
    return content !== null && n < content.positions.length / 2 && !this.isHidden(content.groupOf[n]);
  }
  box() {
    const { clientWidth, clientHeight } = this.stage;
    return plotArea(clientWidth, clientHeight, this.content?.hasNumbers ?? true);
  }
  /**
   * Shows these ranges.
   * @param {Ranges} ranges
   */
  look(ranges) {
    this.view = viewOf(this.box(), ranges);
    this.request();
    this.host.changed();
  }
  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    if (this.view) this.look(panned(this.view, dx, dy));
  }
  /**
   * @param {number} factor below 1: nearer
   * @param {ArrayLike<number>} [pixel] the middle if left out
   */
  zoom(factor, pixel) {
    const view = this.view;
    if (!view) return;
    const middle = [view.left + view.width / 2, view.top + view.height / 2];
    this.look(zoomed(view, factor, pixel ?? middle, this.home));
  }
  reset() {
    if (this.content) this.look(this.home);
  }
  get isHome() {
    return this.view !== null && this.view.x[0] === this.home.x[0] && this.view.x[1] === this.home.x[1] && this.view.y[0] === this.home.y[0] && this.view.y[1] === this.home.y[1];
  }
  resize() {
    const { content, view } = this;
    if (!content || !view || !this.stage.clientWidth) return;
    const wasHome = this.isHome;
    const box = this.box();
    this.home = fit(box, content.home ?? bounds(content.positions), content.equal);
    this.look(wasHome ? this.home : fit(box, view, content.equal));
  }
  /** Draws in the next frame, once however often it is asked for. */
  request() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }
  /** Draws all that is below the host's marks. */
  draw() {
    cancelAnimationFrame(this.frame);
    if (!this.content || !this.view) return;
    const ratio2 = window.devicePixelRatio || 1;
    this.drawUnder(sized(this.ground, this.stage, ratio2), this.view);
    this.drawPoints(this.dots, this.view, ratio2);
  }
  /**
   * What the host has below the points, and the axes.
   * @param {CanvasRenderingContext2D} pen
   * @param {View} view
   * @param {Colours} colours
   */
  drawUnder(pen, view, colours = this.theme()) {
    const { titles, hasNumbers } = (
      /** @type {Content} */
      this.content
    );
    pen.save();
    pen.beginPath();
    pen.rect(view.left, view.top, view.width, view.height);
    pen.clip();
    this.host.under?.(pen, view);
    pen.restore();
    drawAxes(pen, view, titles, colours, hasNumbers);
  }
  /** @returns {Colours & {outline: string}} */
  theme() {
    const style = getComputedStyle(this.stage);
    const ink = style.getPropertyValue("--st-text-color").trim() || style.color;
    return {
      ink,
      line: style.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,.3)",
      font: style.getPropertyValue("--st-font").trim() || "sans-serif",
      outline: isDark(style.getPropertyValue("--st-background-color").trim()) ? "#e8eaef" : "#1b2330"
    };
  }
  /**
   * The points as pixels, of the plot area alone.
   * @param {HTMLCanvasElement} canvas
   * @param {View} view
   * @param {number} ratio
   * @param {Edge} edge
   */
  drawPoints(canvas, view, ratio2, edge = { outline: this.theme().outline, isSmooth: true }) {
    const { positions } = (
      /** @type {Content} */
      this.content
    );
    const [width, height] = [Math.round(view.width * ratio2), Math.round(view.height * ratio2)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    Object.assign(canvas.style, {
      left: `${view.left}px`,
      top: `${view.top}px`,
      width: `${view.width}px`,
      height: `${view.height}px`
    });
    const local = viewOf({ left: 0, top: 0, width: view.width, height: view.height }, view);
    placePoints(positions, local, ratio2, this.places);
    const pictures = this.pictures(width, height);
    const image = new ImageData(width, height);
    if (!pictures) {
      const sheet2 = { pixels: new Int32Array(image.data.buffer), width, height };
      writeDots(
        sheet2,
        /** @type {Dots} */
        this.dressed,
        this.places,
        this.shown,
        ratio2,
        edge
      );
    }
    const pen = context(canvas);
    pen.putImageData(image, 0, 0);
    for (const [n, picture2] of pictures ?? []) this.drawPicture(pen, n, picture2, ratio2);
  }
  /**
   * The points in sight with their pictures; null where marks are drawn.
   * @param {number} width
   * @param {number} height
   * @returns {[number, HTMLCanvasElement][] | null}
   */
  pictures(width, height) {
    const { host, view, home, places } = this;
    const share = view ? (view.x[1] - view.x[0]) / (home.x[1] - home.x[0]) : 1;
    if (!host.thumbnail || share > THUMBNAILS.share) return null;
    const near = [];
    for (const n of this.shown) {
      const [x, y] = [places[2 * n], places[2 * n + 1]];
      if (x < 0 || y < 0 || x > width || y > height) continue;
      if (near.push(n) > THUMBNAILS.most) return null;
    }
    const found = [];
    for (const n of near) {
      const picture2 = host.thumbnail(n);
      if (!picture2) return null;
      found.push(
        /** @type {[number, HTMLCanvasElement]} */
        [n, picture2]
      );
    }
    return found;
  }
  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} n
   * @param {HTMLCanvasElement} picture
   * @param {number} ratio
   */
  drawPicture(pen, n, picture2, ratio2) {
    const { colours } = (
      /** @type {Dots} */
      this.dressed
    );
    const side = THUMBNAILS.side * ratio2;
    const [x, y] = [this.places[2 * n] - side / 2, this.places[2 * n + 1] - side / 2];
    pen.imageSmoothingEnabled = false;
    pen.lineWidth = 2 * ratio2;
    pen.strokeStyle = cssOf(colours[n]);
    pen.drawImage(picture2, x, y, side, side);
    pen.strokeRect(x, y, side, side);
  }
  /**
   * The points as paths, for a drawing of vectors: outlines first, fills over them.
   * @param {CanvasRenderingContext2D} pen
   * @param {View} view
   */
  tracePoints(pen, view) {
    const places = this.stagePlaces();
    const inSight = this.shown.filter((n) => {
      const [x, y] = [places[2 * n], places[2 * n + 1]];
      return x > view.left && y > view.top && x < view.left + view.width && y < view.top + view.height;
    });
    traceDots(
      pen,
      /** @type {Dots} */
      this.dressed,
      places,
      inSight,
      view,
      this.theme().outline
    );
  }
  /** Where every point is on the stage, in CSS pixels. */
  stagePlaces() {
    const { positions } = (
      /** @type {Content} */
      this.content
    );
    if (this.cssPlaces.length !== positions.length) this.cssPlaces = new Float32Array(positions.length);
    placePoints(
      positions,
      /** @type {View} */
      this.view,
      1,
      this.cssPlaces
    );
    return this.cssPlaces;
  }
};
function sized(canvas, stage, ratio2) {
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  const [across, up] = [Math.round(width * ratio2), Math.round(height * ratio2)];
  if (canvas.width !== across || canvas.height !== up) Object.assign(canvas, { width: across, height: up });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = context(canvas);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio2, 0, 0, ratio2, 0, 0);
  return pen;
}
function isDark(colour) {
  const parts = colour.startsWith("#") ? [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)) : (colour.match(/[\d.]+/g) ?? ["255", "255", "255"]).slice(0, 3).map(Number);
  return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
}

// explorer/browser/scatter/shapes.js
var SELECTED = "#ff2d87";
var DRAWN = "#00a878";
function traceEllipse(pen, view, place, { a, b, angle }, sigmas) {
  const [x, y] = view.toPixels(place);
  const [across, up] = view.scale;
  pen.save();
  pen.translate(x, y);
  pen.scale(across, -up);
  pen.rotate(angle);
  pen.beginPath();
  pen.ellipse(0, 0, Math.max(sigmas * a, 1e-9), Math.max(sigmas * b, 1e-9), 0, 0, 2 * Math.PI);
  pen.restore();
  pen.stroke();
}
function traceSpread(pen, view, place, length2) {
  const [x, y] = view.toPixels(place);
  const across = length2 * view.scale[0];
  pen.beginPath();
  pen.moveTo(x - across, y);
  pen.lineTo(x + across, y);
  pen.stroke();
}
function ring(pen, view, place, radius, colour) {
  const [x, y] = view.toPixels(place);
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 4.5], [colour, 2.5]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.stroke();
  }
}
function cross(pen, view, place, text) {
  const [x, y] = view.toPixels(place);
  pen.font = "600 12px sans-serif";
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 5], ["#1b2330", 2]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x - 5, y - 5);
    pen.lineTo(x + 5, y + 5);
    pen.moveTo(x - 5, y + 5);
    pen.lineTo(x + 5, y - 5);
    pen.stroke();
    pen.lineWidth = Math.min(width, 3);
    if (style === "#fff") pen.strokeText(text, x + 8, y + 4);
  }
  pen.fillStyle = "#1b2330";
  pen.fillText(text, x + 8, y + 4);
}
function traceSteps(pen, view, places, colour) {
  const pixels = places.map(view.toPixels);
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 5], [colour, 2.5]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pixels.forEach(([x, y], k) => k ? pen.lineTo(x, y) : pen.moveTo(x, y));
    pen.stroke();
  }
  pen.fillStyle = colour;
  for (const [x, y] of pixels) {
    pen.beginPath();
    pen.arc(x, y, 3.2, 0, 2 * Math.PI);
    pen.fill();
  }
}
function named(pen, [x, y], text) {
  pen.font = "600 13px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 4;
  pen.strokeText(text, x, y);
  pen.fillStyle = "#1b2330";
  pen.fillText(text, x, y);
  pen.textAlign = "start";
  pen.textBaseline = "alphabetic";
}

// explorer/browser/scatter/moving_codes.js
var NEAR = 10;
var TOUCHED = "#1b2330";
var PAPER = { ink: "#333333", line: "#dddddd", font: "sans-serif", outline: "#1b2330", circles: "#777777" };
var MovingCodes = class {
  /**
   * @param {HTMLElement} stage positioned
   * @param {(n: number | null) => void} [hovered] hears of the point under the pointer
   */
  constructor(stage, hovered = () => {
  }) {
    this.stage = stage;
    this.hovered = hovered;
    this.marks = layer("marks");
    stage.append(this.marks);
    this.scatter = new Scatter(stage, { changed: () => this.drawMarks() });
    this.gestures = new Gestures(stage, this.host());
    this.cast = null;
    this.touched = null;
  }
  end() {
    this.gestures.end();
    this.scatter.end();
  }
  /** @returns {import("./gestures.js").Host} */
  host() {
    const { scatter } = this;
    return {
      contains: ([x, y]) => {
        const view = scatter.view;
        if (!view) return false;
        return x >= view.left && y >= view.top && x <= view.left + view.width && y <= view.top + view.height;
      },
      hover: (pixel) => this.touch(pixel && this.pointAt(pixel)),
      click: (pixel) => this.touch(this.pointAt(pixel)),
      doubleClick: () => scatter.reset(),
      pan: (dx, dy) => scatter.pan(dx, dy),
      zoom: (factor, pixel) => scatter.zoom(factor, pixel),
      outline: () => {
      },
      select: () => {
      }
    };
  }
  /**
   * Shows codes of a model, or of other latents of it.
   * @param {Cast} cast
   * @param {Float32Array} codes N·Z
   * @param {number} reach half a side of what a reset shows
   */
  show(cast, codes, reach) {
    this.cast = cast;
    const { size, axes, labels, names, palette, hasPrior } = cast;
    const title = (j) => `${latentName(j)} (${hasPrior ? "prior standard deviations" : "no unit"})`;
    const count = codes.length / size;
    this.scatter.show({
      ...grouped(labels, names, palette, count),
      positions: placesOf(codes, size, axes),
      shades: null,
      titles: { x: title(axes[0]), y: size > 1 ? title(axes[1]) : "number of the test image" },
      equal: size > 1,
      hasNumbers: true,
      home: homeOf(count, size, reach)
    });
  }
  /**
   * The codes are elsewhere.
   * @param {Float32Array} codes
   * @param {number} reach
   */
  move(codes, reach) {
    const { size, axes } = (
      /** @type {Cast} */
      this.cast
    );
    this.scatter.move(placesOf(codes, size, axes), homeOf(codes.length / size, size, reach));
  }
  /**
   * The nearest point that is shown and within reach of the pointer.
   * @param {number[]} pixel
   */
  pointAt([x, y]) {
    if (!this.scatter.view) return null;
    const places = this.scatter.stagePlaces();
    let [best, distance2] = [-1, NEAR];
    for (const n of this.scatter.shown) {
      const far = Math.hypot(places[2 * n] - x, places[2 * n + 1] - y);
      if (far < distance2) [best, distance2] = [n, far];
    }
    return best < 0 ? null : best;
  }
  /** @param {number | null} n */
  touch(n) {
    if (n === this.touched) return;
    this.touched = n;
    this.drawMarks();
    this.hovered(n);
  }
  /** What lies over the points: the prior, and the point under the pointer. */
  drawMarks() {
    const { view, content } = this.scatter;
    if (!view || !content || !this.cast) return;
    const pen = sized(this.marks, this.stage, window.devicePixelRatio || 1);
    pen.beginPath();
    pen.rect(view.left, view.top, view.width, view.height);
    pen.clip();
    this.drawCircles(pen, view);
    if (this.touched === null || !this.scatter.isShown(this.touched)) return;
    ring(pen, view, content.positions.subarray(2 * this.touched, 2 * this.touched + 2), 7, TOUCHED);
  }
  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {View} view
   * @param {string} [ink]
   */
  drawCircles(pen, view, ink) {
    const { size, hasPrior } = (
      /** @type {Cast} */
      this.cast
    );
    if (hasPrior) drawPrior(pen, view, [0, 0], { isLine: size < 2, ink });
  }
  /**
   * The chart as it is now, for a file: the circles lie below the points, so that they do not mix
   * their colours.
   * @param {number} side in CSS pixels
   * @param {number} ratio pixels of the picture for one of them; at 1 there are few colours
   */
  picture(side, ratio2) {
    const { scatter } = this;
    const canvas = make("canvas", { width: side * ratio2, height: side * ratio2 });
    const { view: seen, content } = scatter;
    if (!seen || !content) return canvas;
    const pen = context(canvas);
    pen.scale(ratio2, ratio2);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, side, side);
    const box = plotArea(side, side, content.hasNumbers);
    const view = viewOf(box, fit(box, scatter.isHome && content.home ? content.home : seen, content.equal));
    scatter.drawUnder(pen, view, PAPER);
    pen.beginPath();
    pen.rect(view.left, view.top, view.width, view.height);
    pen.clip();
    this.drawCircles(pen, view, PAPER.circles);
    const dots = make("canvas");
    scatter.drawPoints(dots, view, ratio2, { outline: PAPER.outline, isSmooth: ratio2 > 1 });
    pen.drawImage(dots, view.left, view.top, view.width, view.height);
    return canvas;
  }
};
function placesOf(codes, size, axes) {
  const count = codes.length / size;
  const places = new Float32Array(2 * count);
  for (let n = 0; n < count; n++) {
    places[2 * n] = codes[n * size + axes[0]];
    places[2 * n + 1] = size > 1 ? codes[n * size + axes[1]] : n;
  }
  return places;
}
function homeOf(count, size, reach) {
  return { x: [-reach, reach], y: size > 1 ? [-reach, reach] : [-0.03 * count, 1.03 * count] };
}

// explorer/browser/beta_slider/slider.js
var BetaSlider = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.chart = /** @type {Chart} */
    part(root, ".chart");
    this.codes = new MovingCodes(part(root, ".codes"));
    this.range = new BetaRange(part(root, ".slide"), {
      slide: () => this.draw(),
      rest: (beta) => this.tell({ beta, run: null })
    });
    this.has = {};
    this.model = null;
    this.data = null;
    this.tell = () => {
    };
    this.reconstructions = [];
    this.samples = [];
    this.bars = [];
    this.plotly = null;
    this.now = null;
    this.serial = 0;
    this.ended = new AbortController();
    const watch = new ResizeObserver(() => {
      if (this.plotly && this.chart._fullLayout && this.chart.clientWidth) this.plotly.Plots.resize(this.chart);
    });
    watch.observe(this.chart);
    this.ended.signal.addEventListener("abort", () => watch.disconnect());
  }
  /**
   * @param {SliderData} data
   * @param {(choice: Choice) => void} tell
   */
  async update(data, tell) {
    const serial = ++this.serial;
    const isFirst = !this.data;
    Object.assign(this, { data, tell });
    part(this.root, ".moving").hidden = !data.model;
    try {
      const [plotly, figure] = await Promise.all([
        loadPlotly(data.plotly),
        fetchOnce(data.figure, (answer) => answer.json())
      ]);
      if (serial !== this.serial) return;
      await this.show(plotly, figure);
      await this.load(data);
      if (serial !== this.serial) return;
      part(this.root, ".state").textContent = "";
      this.range.put(isFirst ? data.beta : this.beta);
      this.range.mark(data.threshold);
      this.draw();
    } catch (error) {
      const text = (
        /** @type {Error} */
        error.message
      );
      part(this.root, ".state").textContent = `The trade-off cannot be shown: ${text}. Reload the page.`;
    }
  }
  /**
   * @param {PlotlyLibrary} plotly
   * @param {Figure} figure
   */
  async show(plotly, figure) {
    const data = (
      /** @type {SliderData} */
      this.data
    );
    const theme = getComputedStyle(this.root).getPropertyValue("--st-background-color");
    if (this.has.figure === data.figure && this.has.theme === theme) return;
    const isFirst = !this.has.figure;
    Object.assign(this.has, { figure: data.figure, theme });
    this.plotly = plotly;
    const layout = { ...dress(figure.layout, this.root), uirevision: "rates" };
    await plotly.react(this.chart, figure.data, layout, CHART_OPTIONS);
    if (!isFirst) return;
    for (const event of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) {
      this.chart.on(event, () => this.drawPoint());
    }
    this.chart.on("plotly_click", (details) => {
      const run = details?.points?.[0]?.customdata;
      if (typeof run === "string") this.tell({ beta: this.beta, run });
    });
  }
  /** @param {SliderData} data */
  async load(data) {
    if (this.has.model === (data.model ?? "")) return;
    const bytes = data.model && await fetchOnce(data.model, (answer) => answer.arrayBuffer());
    this.has.model = data.model ?? "";
    this.model = bytes ? new MultirateModel(new Uint8Array(bytes)) : null;
    if (!this.model) return;
    this.range.range = this.model.range;
    this.furnish(this.model);
  }
  /** What the slider shows. */
  get beta() {
    return this.range.beta;
  }
  /**
   * The pictures' places: originals, their reconstructions, samples of the prior.
   * @param {MultirateModel} model
   */
  furnish(model) {
    const { originals: images, prior } = model.arrays;
    const pixels = model.shape.reduce((product, side) => product * side);
    const row = (count, name) => Array.from({ length: count }, (_, i) => namedCanvas(`${name} ${i + 1}`));
    const originals = row((images?.length ?? 0) / pixels, "Test image");
    this.samples = row(prior.length / model.size, "Decoded mean of prior sample");
    originals.forEach(
      (canvas, i) => paint(canvas, images.subarray(i * pixels, (i + 1) * pixels), model.shape)
    );
    this.reconstructions = row(this.samples.length, "Decoded mean of test image");
    part(this.root, ".originals").replaceChildren(...originals);
    part(this.root, ".reconstructions").replaceChildren(...this.reconstructions);
    part(this.root, ".samples").replaceChildren(...this.samples);
    this.bars = Array.from({ length: model.size }, () => make("i"));
    part(this.root, ".kl").replaceChildren(...this.bars);
    this.cast(model);
  }
  /**
   * The test set's codes in the first two latents, and their legend.
   * @param {MultirateModel} model
   */
  cast({ size, arrays, names, reach }) {
    const { colours } = (
      /** @type {SliderData} */
      this.data
    );
    const axes = [0, 1].slice(0, size);
    const codes = arrays.mean.subarray(0, arrays.mean.length / arrays.betas.length);
    this.codes.show({ size, axes, labels: arrays.labels ?? null, names, palette: colours, hasPrior: true }, codes, reach);
    fillLegend(part(this.root, ".moving .legend"), this.codes.scatter, null);
  }
  /** Everything that depends on β, in one frame. */
  draw() {
    const model = this.model;
    if (!model) return;
    const now = model.at(this.beta);
    const measured = model.measuredAt(this.beta);
    this.now = { distortion: now.distortion, rate: now.rate };
    this.codes.move(now.codes, model.reach);
    const decodeInto = (row, codes) => row.forEach((canvas, i) => {
      const z = codes.subarray(i * model.size, (i + 1) * model.size);
      paint(canvas, model.decode(z), model.shape);
    });
    decodeInto(this.reconstructions, now.codes);
    decodeInto(this.samples, model.arrays.prior);
    const most = model.arrays.rate.reduce((best, r) => Math.max(best, r), 1e-9);
    this.bars.forEach((bar2, j) => {
      bar2.style.height = `${100 * measured.rates[j] / most}%`;
      bar2.title = `latent ${j + 1}: ${shown(measured.rates[j])} nats`;
    });
    part(this.root, ".nats").textContent = Array.from(measured.rates.slice(0, 12), (r) => shown(r)).join(", ");
    const active = measured.rates.filter((r) => r > 0.01).length;
    part(this.root, ".scores").textContent = `Measured at β = ${Number(measured.beta.toPrecision(3))}: D ${shown(measured.distortion)} + R ${shown(measured.rate)} = −ELBO ${shown(measured.distortion + measured.rate)} nats · ${active} of ${model.size} latents above 0.01 nats`;
    this.drawPoint();
  }
  /** The point on the curve, and the tangent of slope −β through it. */
  drawPoint() {
    if (!this.now || !this.chart._fullLayout?.xaxis?.l2p) return;
    const view = frame(this.chart);
    const canvas = (
      /** @type {HTMLCanvasElement} */
      part(this.root, ".marks")
    );
    const pen = sheet(canvas, this.chart, view);
    const { distortion, rate } = this.now;
    const at = (r) => view.toPixels([r, distortion - this.beta * (r - rate)]);
    const [low, high] = this.chart._fullLayout.xaxis.range;
    pen.strokeStyle = "#e76300";
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(at(low)[0], at(low)[1]);
    pen.lineTo(at(high)[0], at(high)[1]);
    pen.stroke();
    const [x, y] = at(rate);
    pen.fillStyle = "#e76300";
    pen.beginPath();
    pen.arc(x, y, 6, 0, 2 * Math.PI);
    pen.fill();
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.stroke();
  }
  end() {
    this.ended.abort();
    this.codes.end();
    this.range.stop();
    this.plotly?.purge(this.chart);
  }
};
function betaSlider({ parentElement, data, setStateValue }) {
  const root = (
    /** @type {HTMLElement & {betaSlider?: BetaSlider}} */
    part(parentElement, ".rates")
  );
  const slider = root.betaSlider ??= new BetaSlider(root);
  slider.update(data, (choice) => setStateValue("choice", choice));
  return () => setTimeout(() => root.isConnected || slider.end());
}

// explorer/browser/drawing/draw.js
var PEN = 0.06;
var STEP = 6e-3;
var MOST_UNDONE = 200;
var latest = null;
function drawingPad({ parentElement, data, setStateValue }) {
  const before = latest;
  const isNew = !parentElement.pad;
  const pad = parentElement.pad ??= new Pad(parentElement, data.strokes);
  pad.examples = data.examples;
  pad.tell = (strokes) => setStateValue("strokes", strokes);
  latest = pad;
  if (isNew && before) pad.takeOver(before, data.strokes);
}
var Pad = class {
  /**
   * @param {ParentNode} root
   * @param {Stroke[]} strokes what was drawn before the pad came back to the page
   */
  constructor(root, strokes) {
    this.box = part(root, ".pad");
    this.canvas = /** @type {HTMLCanvasElement} */
    part(root, "canvas");
    this.undoButton = part(root, "[data-action=undo]");
    this.clearButton = part(root, "[data-action=clear]");
    this.strokes = strokes;
    this.past = strokes.map((_, n) => strokes.slice(0, n));
    this.current = null;
    this.pointer = 0;
    this.isInUse = false;
    this.waiting = false;
    this.examples = {};
    this.tell = () => {
    };
    this.listen();
    this.show();
  }
  /**
   * Goes on where another pad was: what it held, what it can undo, and the keyboard.
   * @param {Pad} pad
   * @param {Stroke[]} known what Python has
   */
  takeOver(pad, known) {
    this.strokes = pad.current ? [...pad.strokes, pad.current] : pad.strokes;
    this.past = pad.current ? [...pad.past, pad.strokes] : pad.past;
    this.show();
    if (JSON.stringify(this.strokes) !== JSON.stringify(known)) this.tell(this.strokes);
    if (pad.isInUse && document.activeElement === document.body) this.canvas.focus();
  }
  listen() {
    this.box.addEventListener("focusin", () => this.isInUse = true);
    this.box.addEventListener("focusout", () => setTimeout(() => this.left()));
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.canvas.addEventListener(end, (event) => this.finish(
        /** @type {PointerEvent} */
        event
      ));
    }
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.undoButton.addEventListener("click", () => this.undo());
    this.clearButton.addEventListener("click", () => this.strokes.length && this.change([]));
    for (const button of this.box.querySelectorAll("button[data-digit]")) {
      const digit = button.getAttribute("data-digit") ?? "";
      button.addEventListener("click", () => this.change(this.examples[digit]));
    }
    new ResizeObserver(() => this.show()).observe(this.canvas);
  }
  /** The keyboard is elsewhere, unless it was lost because another pad has come in place of this. */
  left() {
    const { activeElement } = (
      /** @type {Document | ShadowRoot} */
      this.box.getRootNode()
    );
    if (this.box.isConnected) this.isInUse = this.box.contains(activeElement);
  }
  /** @param {PointerEvent} event */
  begin(event) {
    if (this.current || !event.isPrimary || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.current = [this.place(event)];
    this.show();
  }
  /** @param {PointerEvent} event */
  go(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    const between4 = event.getCoalescedEvents?.() ?? [];
    for (const each of between4.length ? between4 : [event]) this.extend(this.place(each), STEP);
    if (!this.waiting) requestAnimationFrame(() => this.show());
    this.waiting = true;
  }
  /** @param {PointerEvent} event */
  finish(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    if (event.type === "pointerup") this.extend(this.place(event), 0);
    const stroke2 = this.current;
    this.current = null;
    this.change([...this.strokes, stroke2]);
  }
  /**
   * Adds a point to the present stroke if it lies further than `least` from the last one.
   * @param {[number, number]} point
   * @param {number} least
   */
  extend([x, y], least) {
    const stroke2 = (
      /** @type {Stroke} */
      this.current
    );
    const [lastX, lastY] = stroke2[stroke2.length - 1];
    if (Math.hypot(x - lastX, y - lastY) > least) stroke2.push([x, y]);
  }
  /**
   * Where a pointer is on the pad; beyond its edge, the nearest point of the edge.
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  place(event) {
    const frame2 = this.canvas.getBoundingClientRect();
    const share = (offset, length2) => Math.round(1e4 * Math.min(1, Math.max(0, offset / length2))) / 1e4;
    return [
      share(event.clientX - frame2.left, frame2.width),
      share(event.clientY - frame2.top, frame2.height)
    ];
  }
  /** @param {KeyboardEvent} event */
  press(event) {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    event.stopPropagation();
    this.undo();
  }
  undo() {
    const before = this.past.pop();
    if (before) this.replace(before);
  }
  /**
   * Another drawing, which can be undone.
   * @param {Stroke[]} strokes
   */
  change(strokes) {
    this.past = [...this.past, this.strokes].slice(-MOST_UNDONE);
    this.replace(strokes);
  }
  /** @param {Stroke[]} strokes */
  replace(strokes) {
    this.strokes = strokes;
    this.show();
    this.tell(strokes);
  }
  /** Paints the drawing, at the screen's own resolution. */
  show() {
    this.waiting = false;
    const side = Math.round(this.canvas.clientWidth * window.devicePixelRatio);
    if (this.canvas.width !== side) Object.assign(this.canvas, { width: side, height: side });
    const pen = context(this.canvas);
    pen.clearRect(0, 0, side, side);
    Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: PEN * side });
    pen.strokeStyle = "#fff";
    const strokes = this.current ? [...this.strokes, this.current] : this.strokes;
    for (const stroke2 of strokes) {
      pen.beginPath();
      pen.moveTo(stroke2[0][0] * side, stroke2[0][1] * side);
      for (const [x, y] of stroke2) pen.lineTo(x * side, y * side);
      pen.stroke();
    }
    this.box.classList.toggle("empty", strokes.length === 0);
    this.undoButton.setAttribute("aria-disabled", String(this.past.length === 0));
    this.clearButton.setAttribute("aria-disabled", String(strokes.length === 0));
  }
};

// explorer/browser/numerics/geometry.js
function buildPlane(origin, axes, anchor = origin) {
  const [across, up] = axes;
  const coordinate = (z, axis) => {
    let sum2 = 0;
    for (let j = 0; j < origin.length; j++) sum2 += (z[j] - origin[j]) * axis[j];
    return sum2;
  };
  const project = (z) => (
    /** @type {Place} */
    [coordinate(z, across), coordinate(z, up)]
  );
  const [u, v] = project(anchor);
  const base = Float64Array.from(anchor, (value, j) => value - u * across[j] - v * up[j]);
  const embed = (place) => Float32Array.from(base, (value, j) => value + place[0] * across[j] + place[1] * up[j]);
  return { embed, project };
}
function ellipse(logVariance, [across, up]) {
  let [uu, uv, vv] = [0, 0, 0];
  for (let j = 0; j < logVariance.length; j++) {
    const variance = Math.exp(logVariance[j]);
    uu += variance * across[j] * across[j];
    uv += variance * across[j] * up[j];
    vv += variance * up[j] * up[j];
  }
  const middle = (uu + vv) / 2;
  const radius = Math.hypot((uu - vv) / 2, uv);
  return {
    a: Math.sqrt(middle + radius),
    b: Math.sqrt(Math.max(0, middle - radius)),
    // rounding may leave a flat one below 0
    angle: 0.5 * Math.atan2(2 * uv, uu - vv)
  };
}
function nearestPoint(positions) {
  const grid = sortIntoCells(positions);
  const { low, side, columns, rows } = grid;
  return (place) => {
    const column = clamp(Math.floor((place[0] - low[0]) / side), columns - 1);
    const row = clamp(Math.floor((place[1] - low[1]) / side), rows - 1);
    const best = { index: -1, square: Infinity };
    for (let r = 0; ringSquare(grid, place, column, row, r) <= best.square; r++) {
      if (r >= columns && r >= rows) break;
      searchRing(grid, place, column, row, r, best);
    }
    return { index: best.index, distance: Math.sqrt(best.square) };
  };
}
function sortIntoCells(positions) {
  const count = positions.length / 2;
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    low[i % 2] = Math.min(low[i % 2], positions[i]);
    high[i % 2] = Math.max(high[i % 2], positions[i]);
  }
  const [width, height] = count ? [high[0] - low[0], high[1] - low[1]] : [0, 0];
  const finest = Math.max(width, height) / count;
  const side = Math.max(Math.sqrt(2 * width * height / count), finest) || 1;
  const columns = Math.floor(width / side) + 1;
  const rows = Math.floor(height / side) + 1;
  const cells = Uint32Array.from({ length: count }, (_, n) => {
    const row = Math.floor((positions[2 * n + 1] - low[1]) / side);
    return row * columns + Math.floor((positions[2 * n] - low[0]) / side);
  });
  const starts = new Uint32Array(columns * rows + 1);
  cells.forEach((cell) => starts[cell + 1]++);
  for (let cell = 0; cell < columns * rows; cell++) starts[cell + 1] += starts[cell];
  const free = starts.slice();
  const members = new Uint32Array(count);
  const sorted = new Float64Array(2 * count);
  cells.forEach((cell, n) => {
    const at = free[cell]++;
    members[at] = n;
    sorted.set([positions[2 * n], positions[2 * n + 1]], 2 * at);
  });
  return { low, side, columns, rows, starts, members, sorted };
}
function clamp(value, high) {
  return Math.min(Math.max(value, 0), high);
}
function ringSquare({ low, side, columns, rows }, place, column, row, r) {
  const x = (place[0] - low[0]) / side;
  const y = (place[1] - low[1]) / side;
  const outsideX = Math.max(0, -x, x - columns);
  const outsideY = Math.max(0, -y, y - rows);
  const acrossGap = sideGap(x, column, r, columns);
  const upGap = sideGap(y, row, r, rows);
  return Math.min(acrossGap ** 2 + outsideY ** 2, upGap ** 2 + outsideX ** 2) * side * side;
}
function sideGap(at, cell, r, count) {
  const before = cell - r >= 0 ? at - (cell - r + 1) : Infinity;
  const after = cell + r < count ? cell + r - at : Infinity;
  return Math.max(0, Math.min(before, after) - 1e-3);
}
function searchRing(grid, place, column, row, r, best) {
  const { columns, rows } = grid;
  const last = Math.min(columns - 1, column + r);
  for (let y = Math.max(0, row - r); y <= Math.min(rows - 1, row + r); y++) {
    const isEdge = y === row - r || y === row + r;
    const step = isEdge ? 1 : 2 * r;
    for (let x = isEdge ? Math.max(0, column - r) : column - r; x <= last; x += step) {
      if (x >= 0) searchCell(grid, y * columns + x, place, best);
    }
  }
}
function searchCell({ starts, members, sorted }, cell, place, best) {
  for (let n = starts[cell]; n < starts[cell + 1]; n++) {
    const square = (sorted[2 * n] - place[0]) ** 2 + (sorted[2 * n + 1] - place[1]) ** 2;
    if (square > best.square || square === best.square && members[n] > best.index) continue;
    best.square = square;
    best.index = members[n];
  }
}
function classMeans(positions, labels, classes2) {
  const sums = Array.from({ length: classes2 }, () => ({ u: 0, v: 0, count: 0 }));
  for (let n = 0; n < labels.length; n++) {
    const sum2 = sums[labels[n]];
    if (!sum2) continue;
    sum2.u += positions[2 * n];
    sum2.v += positions[2 * n + 1];
    sum2.count++;
  }
  return sums.map(({ u, v, count }) => count ? [u / count, v / count] : null);
}
function mediansOf(positions, groupOf, groups) {
  const members = Array.from({ length: groups }, () => [[], []]);
  for (let n = 0; n < groupOf.length; n++) {
    members[groupOf[n]]?.[0].push(positions[2 * n]);
    members[groupOf[n]]?.[1].push(positions[2 * n + 1]);
  }
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return members.map(([u, v]) => u.length ? [median(u), median(v)] : null);
}
function* densityImage(logDensity, xRange, yRange, width, height) {
  const values = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    const v = yRange[1] + (row + 0.5) / height * (yRange[0] - yRange[1]);
    for (let column = 0; column < width; column++) {
      const u = xRange[0] + (column + 0.5) / width * (xRange[1] - xRange[0]);
      values[row * width + column] = logDensity([u, v]);
    }
    yield (row + 1) / height;
  }
  return values;
}

// explorer/browser/common/slices.js
var SLICE_MS = 12;
async function inSlices(work, { report, isWanted }) {
  for (; ; ) {
    const end = performance.now() + SLICE_MS;
    while (performance.now() < end) {
      const { done, value } = work.next();
      if (done) return value;
      report(value);
    }
    await new Promise((next) => setTimeout(next));
    if (!isWanted()) return null;
  }
}

// explorer/browser/numerics/marginal.js
var STRIDE = 6;
var LEAST2 = 30;
function buildMarginal(size, means, logVariances, plane) {
  const axes = axesOf(size, plane);
  const count = means.length / size;
  const codes = new Float64Array(count * STRIDE);
  for (let n = 0; n < count; n++) {
    const [u, v] = plane.project(means.subarray(n * size, (n + 1) * size));
    const [uu, uv, vv] = covariance(logVariances.subarray(n * size, (n + 1) * size), axes);
    const determinant = uu * vv - uv * uv;
    codes.set([u, v, vv / determinant, -uv / determinant, uu / determinant, Math.log(determinant)], n * STRIDE);
  }
  const constant = Math.log(count) + Math.log(2 * Math.PI);
  return (place) => {
    const [u, v] = [place[0], place[1]];
    let [largest, scaled] = [-Infinity, 0];
    for (let i = 0; i < codes.length; i += STRIDE) {
      const [x, y] = [u - codes[i], v - codes[i + 1]];
      const square = x * x * codes[i + 2] + 2 * x * y * codes[i + 3] + y * y * codes[i + 4];
      const term = -0.5 * (square + codes[i + 5]);
      if (term > largest) {
        scaled = scaled * Math.exp(largest - term) + 1;
        largest = term;
      } else if (term > largest - LEAST2) scaled += Math.exp(term - largest);
    }
    return largest + Math.log(scaled) - constant;
  };
}
function axesOf(size, plane) {
  const zero = plane.project(new Float64Array(size));
  return Array.from({ length: size }, (_, j) => {
    const one = plane.project(Float64Array.from({ length: size }, (_value, k) => Number(j === k)));
    return [one[0] - zero[0], one[1] - zero[1]];
  });
}
function covariance(logVariance, axes) {
  let [uu, uv, vv] = [0, 0, 0];
  axes.forEach(([across, up], j) => {
    const variance = Math.exp(logVariance[j]);
    uu += variance * across * across;
    uv += variance * across * up;
    vv += variance * up * up;
  });
  return [uu, uv, vv];
}

// explorer/browser/latent_map/background.js
var CELLS = 20;
var PIXELS = 90;
var SAMPLED_CELLS = 10;
var HOLE = [128, 120, 110];
function computeBackground(kind, model, plane, { x, y }, watch) {
  const { decode, shape, aggregate, size, means, logVariances } = model;
  if (kind === "holes") return inSlices(holesBackground((place) => model.isHole(plane.embed(place)), x, y), watch);
  if (kind === "density" && aggregate) {
    const rows = densityImage((place) => aggregate(plane.embed(place)), x, y, PIXELS, PIXELS);
    return inSlices(densityBackground(rows, x, y, PIXELS), watch);
  }
  if (kind === "marginal" && logVariances && size > 1) {
    const rows = densityImage(buildMarginal(size, means, logVariances, plane), x, y, PIXELS, PIXELS);
    return inSlices(densityBackground(rows, x, y, PIXELS), watch);
  }
  if (model.isNoise) return sampledGrid(model, plane, x, y, watch);
  return inSlices(decodedGrid((place) => decode(plane.embed(place)), shape, x, y, CELLS), watch);
}
async function sampledGrid(model, plane, x, y, { report, isWanted }) {
  const side = SAMPLED_CELLS;
  const made = /* @__PURE__ */ new Map();
  for (let row = 0; row < side; row++) {
    const places = Array.from({ length: side }, (_, column) => cellPlace(row, column, x, y, side));
    const images = await model.exact?.(places.map((place) => plane.embed(place))).catch(() => null);
    if (!images || !isWanted()) return null;
    images.forEach((values, i) => made.set(places[i].join(), values));
    report((row + 1) / side);
  }
  const found = (place) => (
    /** @type {Float32Array} */
    made.get(place.join())
  );
  return inSlices(decodedGrid(found, model.shape, x, y, side), { report, isWanted });
}
function cellPlace(row, column, x, y, side) {
  return [x[0] + (column + 0.5) / side * (x[1] - x[0]), y[1] - (row + 0.5) / side * (y[1] - y[0])];
}
async function layBackground(map) {
  const kind = map.toolbar.background;
  map.background = null;
  map.scatter.request();
  const { plane, model } = map;
  if (kind === "none" || !plane) return;
  const isWanted = () => plane === map.plane && kind === map.toolbar.background;
  const report = (share) => map.toolbar.progress(share);
  const background = await computeBackground(kind, model, plane, extent(map), { report, isWanted });
  map.toolbar.progress(1);
  if (background && isWanted()) map.background = background;
  map.scatter.request();
}
function extent({ scatter }) {
  const { positions, home } = (
    /** @type {Content} */
    scatter.content
  );
  if (!positions.length && home) return home;
  const [x, y] = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < positions.length; i += 2) {
      low = Math.min(low, positions[i]);
      high = Math.max(high, positions[i]);
    }
    const margin = 0.25 * (high - low) || 1;
    return (
      /** @type {[number, number]} */
      [low - margin, high + margin]
    );
  });
  return { x, y };
}
function drawBackground(pen, view, { bitmap, x, y, smooth }) {
  const [left, top] = view.toPixels([x[0], y[1]]);
  const [right, bottom] = view.toPixels([x[1], y[0]]);
  pen.imageSmoothingEnabled = smooth;
  pen.drawImage(bitmap, left, top, right - left, bottom - top);
}
function* decodedGrid(decodeAt, shape, x, y, side) {
  const [, height, width] = shape;
  const bitmap = make("canvas", { width: side * width, height: side * height });
  const pen = context(bitmap);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const values = decodeAt(cellPlace(row, column, x, y, side));
      const image = new ImageData(levels(values, shape), width, height);
      pen.putImageData(image, column * width, row * height);
    }
    yield (row + 1) / side;
  }
  return { bitmap, x, y, smooth: false };
}
function* densityBackground(rows, x, y, side) {
  const values = yield* rows;
  const bitmap = make("canvas", { width: side, height: side });
  const pixels = new Uint8ClampedArray(4 * side * side);
  const largest = values.reduce((best, v) => Math.max(best, v), -Infinity);
  values.forEach((value, i) => {
    pixels.set([47, 116, 181, 230 * Math.max(0, 1 + (value - largest) / 8)], 4 * i);
  });
  context(bitmap).putImageData(new ImageData(pixels, side, side), 0, 0);
  return { bitmap, x, y, smooth: true };
}
function* holesBackground(isHole, x, y) {
  const side = 3 * PIXELS;
  const bitmap = make("canvas", { width: side, height: side });
  const pixels = new Uint8ClampedArray(4 * side * side);
  for (let row = 0; row < PIXELS; row++) {
    for (let column = 0; column < PIXELS; column++) {
      const u = x[0] + (column + 0.5) / PIXELS * (x[1] - x[0]);
      const v = y[1] - (row + 0.5) / PIXELS * (y[1] - y[0]);
      if (isHole([u, v])) stripe(pixels, side, 3 * row, 3 * column);
    }
    yield (row + 1) / PIXELS;
  }
  context(bitmap).putImageData(new ImageData(pixels, side, side), 0, 0);
  return { bitmap, x, y, smooth: false };
}
function stripe(pixels, side, top, left) {
  for (let row = top; row < top + 3; row++) {
    for (let column = left; column < left + 3; column++) {
      pixels.set([...HOLE, (row + column) % 6 < 2 ? 120 : 45], 4 * (row * side + column));
    }
  }
}

// explorer/browser/scatter/colours.js
var VIRIDIS = [
  "#440154",
  "#472d7b",
  "#3b528b",
  "#2c728e",
  "#21918c",
  "#28ae80",
  "#5ec962",
  "#addc30",
  "#fde725"
];
function scaleOf(values, title, colours) {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => {
    const place = share * (sorted.length - 1);
    const k = Math.floor(place);
    const next = sorted[Math.min(k + 1, sorted.length - 1)];
    return sorted[k] + (place - k) * (next - sorted[k]);
  };
  const low = at(0.01);
  return { low, high: Math.max(at(0.99), low + 1e-6 * Math.max(1, Math.abs(low))), title, colours };
}
function shadesOf(values, { low, high, colours }) {
  const stops = colours.map((colour) => pixelOf(colour));
  return Int32Array.from(values, (value) => {
    const place = Math.min(1, Math.max(0, (value - low) / (high - low))) * (stops.length - 1);
    const k = Math.min(Math.floor(place), stops.length - 2);
    return mixed(stops[k], stops[k + 1], place - k);
  });
}
function mixed(from, to, share) {
  const part2 = (shift) => {
    const [a, b] = [from >> shift & 255, to >> shift & 255];
    return Math.round(a + (b - a) * share) << shift;
  };
  return 255 << 24 | part2(16) | part2(8) | part2(0);
}

// explorer/browser/latent_map/content.js
var PRIOR_REACH = 3.2;
var GOLDEN = 0.618034;
function contentOf(data, model, plane, positions, reach) {
  const places = positions ?? placesOf2(model, plane);
  const values = valuesOf(data.colour.by, model);
  const scale = values && scaleOf(values, data.colour.title, VIRIDIS);
  const labels = values ? null : model.labels;
  const content = {
    positions: places,
    ...grouped(labels, model.names, data.palette, model.count),
    shades: values && scale ? shadesOf(values, scale) : null,
    titles: data.titles,
    equal: data.equal,
    hasNumbers: data.view !== "tsne",
    home: reach && data.prior ? around2(data.prior, reach) : homeOf2(places, data)
  };
  return { content, scale };
}
function placesOf2(model, plane) {
  const places = new Float32Array(2 * model.count);
  for (let n = 0; n < model.count; n++) {
    const z = model.means.subarray(n * model.size, (n + 1) * model.size);
    const place = model.size === 1 || !plane ? [z[0], heightOf(model, n)] : plane.project(z);
    places.set(place, 2 * n);
  }
  return places;
}
function heightOf({ distortions }, n) {
  return distortions ? distortions[n] : 6 * (n * GOLDEN % 1) - 3;
}
function valuesOf(by, model) {
  if (by === "distortion") return model.distortions;
  if (by === "kl") return model.rates;
  if (by === "elbo") return Float32Array.from(model.distortions ?? [], (d, n) => d + model.rates[n]);
  if (by.startsWith("factor-")) return factorOf(Number(by.slice(7)) - 1, model);
  return null;
}
function factorOf(k, { factors, factorCount, count }) {
  if (!factors) return null;
  return Float32Array.from({ length: count }, (_, n) => factors[n * factorCount + k]);
}
function homeOf2(places, { prior, plane }) {
  if (!prior) return null;
  const reach = plane?.reach ?? PRIOR_REACH;
  const range = (axis) => {
    let [low, high] = [prior[axis] - reach, prior[axis] + reach];
    for (let i = axis; i < places.length; i += 2) {
      low = Math.min(low, places[i] - 0.2);
      high = Math.max(high, places[i] + 0.2);
    }
    return (
      /** @type {[number, number]} */
      [low, high]
    );
  };
  return { x: range(0), y: range(1) };
}
function around2([x, y], reach) {
  return { x: [x - reach, x + reach], y: [y - reach, y + reach] };
}

// explorer/browser/latent_map/exact.js
var MOST_CODES = 1e3;
var MOST_NUMBERS = 32e3;
function serverDecoder(url, size, [channels, height, width]) {
  const most = Math.max(1, Math.min(MOST_CODES, Math.floor(MOST_NUMBERS / size)));
  const decode = async (codes) => {
    const images = [];
    for (let first = 0; first < codes.length; first += most) {
      const z = codes.slice(first, first + most).map((code) => Array.from(code));
      const answer = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ z })
      });
      if (!answer.ok) throw new Error(`the server must decode, got ${answer.status}`);
      const values = Float32Array.from(new Uint8Array(await answer.arrayBuffer()), (level) => level / 255);
      const each = channels * height * width;
      for (let i = 0; i < z.length; i++) images.push(values.subarray(i * each, (i + 1) * each));
    }
    return images;
  };
  return Object.assign(decode, { by: "the server" });
}
function decoderAt(given, size, shape) {
  return typeof given === "string" ? serverDecoder(given, size, shape) : given;
}
var ExactImages = class {
  constructor() {
    this.note = make("span", { className: "hint approximate" });
    this.latest = null;
    this.asking = false;
    this.known = null;
  }
  /** Nothing is shown that could be exact. */
  forget() {
    this.latest = null;
    this.note.textContent = "";
  }
  /**
   * Gives the exact images to those who show them: at once if they are known, else when they have
   * come, unless another question was asked meanwhile. Where the browser decodes exactly, never.
   * @param {LatentModel} model
   * @param {ArrayLike<number>[]} codes
   * @param {(images: Float32Array[]) => void} take
   */
  ask(model, codes, take) {
    this.forget();
    if (!model.source || !codes.length) return;
    if (!model.exact) {
      this.note.textContent = `${shownNow(model)}.`;
      return;
    }
    if (this.known?.model === model && this.known.key === keyOf(codes)) {
      this.note.textContent = exactBy(model.exact);
      take(this.known.images);
      return;
    }
    this.note.textContent = `${shownNow(model)}, until ${model.exact.by} has decoded.`;
    this.latest = { model, exact: model.exact, codes, take };
    if (!this.asking) this.answer();
  }
  /** Asks the server, one question after another; those that were overtaken are left out. */
  async answer() {
    this.asking = true;
    while (this.latest) {
      const question = this.latest;
      const { model, exact, codes, take } = question;
      const images = await exact(codes).catch(() => null);
      if (this.latest !== question) continue;
      this.latest = null;
      if (!model.exact) continue;
      if (images) {
        this.known = { model, key: keyOf(codes), images };
        this.note.textContent = exactBy(exact);
        take(images);
      } else this.note.textContent = `${shownNow(model)}. No exact image came from ${exact.by}.`;
    }
    this.asking = false;
  }
};
var shownNow = ({ isNoise, source }) => `${isNoise ? "Shown" : "Approximate"}: ${source}`;
var exactBy = ({ by }) => `Exact: decoded by ${by}.`;
function keyOf(codes) {
  return codes.map((code) => Array.from(code).join()).join(";");
}

// explorer/browser/numerics/normal.js
var CENTRE = [
  [
    2509.0809287301227,
    33430.57558358813,
    67265.7709270087,
    45921.95393154987,
    13731.69376550946,
    1971.5909503065513,
    133.14166789178438,
    3.3871328727963665
  ],
  [
    5226.495278852546,
    28729.085735721943,
    39307.89580009271,
    21213.794301586597,
    5394.196021424751,
    687.1870074920579,
    42.31333070160091,
    1
  ]
];
var MIDDLE = [
  [
    7745450142783414e-19,
    0.022723844989269184,
    0.2417807251774506,
    1.2704582524523684,
    3.6478483247632045,
    5.769497221460691,
    4.630337846156546,
    1.4234371107496835
  ],
  [
    10507500716444169e-25,
    5475938084995345e-19,
    0.015198666563616457,
    0.14810397642748008,
    0.6897673349851,
    1.6763848301838038,
    2.053191626637759,
    1
  ]
];
var TAIL = [
  [
    20103343992922881e-23,
    27115555687434876e-21,
    0.0012426609473880784,
    0.026532189526576124,
    0.29656057182850487,
    1.7848265399172913,
    5.463784911164114,
    6.657904643501103
  ],
  [
    20442631033899397e-31,
    1421511758316446e-22,
    18463183175100548e-21,
    7868691311456133e-19,
    0.014875361290850615,
    0.1369298809227358,
    0.599832206555888,
    1
  ]
];
function quantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  const value = r <= 5 ? ratio(MIDDLE, r - 1.6) : ratio(TAIL, r - 5);
  return q < 0 ? -value : value;
}
function ratio([above2, below], x) {
  const at = (terms) => terms.reduce((sum2, term) => sum2 * x + term, 0);
  return at(above2) / at(below);
}
function uniforms(seed) {
  let state = seed + 1 | 0;
  const next = () => {
    state = state + 1831565813 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return (((t ^ t >>> 14) >>> 0) + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < 4; i++) next();
  return next;
}
function normals(seed) {
  const uniform = uniforms(seed);
  return () => quantile(uniform());
}

// explorer/browser/latent_map/picture_sheet.js
function sheetOf(images, shape, columns) {
  const [, height, width] = shape;
  const rows = Math.ceil(images.length / columns);
  const canvas = make("canvas", { width: Math.min(columns, images.length) * width, height: rows * height });
  const pen = context(canvas);
  images.forEach((values, i) => {
    const image = new ImageData(levels(values, shape), width, height);
    pen.putImageData(image, i % columns * width, Math.floor(i / columns) * height);
  });
  return canvas;
}

// explorer/browser/latent_map/decoded_grid.js
var SIDES = { least: 3, most: 30, first: 15 };
var DecodedGrid = class {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.side = SIDES.first;
    this.codes = [];
    this.exact = new ExactImages();
    this.slider = make("input", { type: "range", min: String(SIDES.least), max: String(SIDES.most), step: "1" });
    this.slider.setAttribute("aria-label", "Cells per side");
    this.number = make("output");
    this.slider.oninput = () => {
      this.side = Number(this.slider.value);
      this.show();
      this.host.marked();
    };
    this.slider.onchange = () => this.host.changed();
    const png = make("button", { type: "button", textContent: "Save PNG", onclick: () => this.save() });
    this.sheet = make("div", { className: "grid-sheet" });
    this.caption = make("p", { className: "hint" });
    const label = make("label", {}, "Cells per side ", this.slider, this.number);
    this.place = make("div", {}, make("div", { className: "row" }, label, png, this.exact.note), this.sheet, this.caption);
  }
  restart() {
    this.codes = [];
  }
  /** @returns {Mark[]} */
  marks() {
    return this.codes.map((z) => ({ z, text: "" }));
  }
  show() {
    const model = this.host.model();
    this.slider.value = String(this.side);
    this.number.textContent = String(this.side);
    this.codes = gridCodes(model, this.host.axes(), this.side, this.host.point());
    this.paint(this.codes.map((z) => model.decode(z)));
    this.caption.textContent = this.describe();
    this.exact.ask(model, this.codes, (images) => this.paint(images));
  }
  /** @param {Float32Array[]} images of the cells */
  paint(images) {
    this.canvas = sheetOf(images, this.host.model().shape, this.side);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Decoded grid");
    this.sheet.replaceChildren(this.canvas);
  }
  /** What the grid spans. */
  describe() {
    const model = this.host.model();
    const [x, y] = this.host.axes();
    const spans = [[x, "across"], [y, "up"]].slice(0, model.size).map(([axis, where]) => {
      const values = this.codes.map((z) => z[Number(axis)]);
      return `${latentName(Number(axis))} ${where}, ${shown(Math.min(...values))} to ${shown(Math.max(...values))}`;
    });
    const mass = model.hasPrior ? "the prior" : "a Gaussian fitted to the test codes";
    const point = this.host.point();
    const others = point === null ? "at 0" : `those of image ${point}`;
    const held = model.size > 2 ? ` The other latents are ${others}.` : "";
    return `${spans.join("; ")}. Every cell holds an equal share of ${mass}.${held}`;
  }
  save() {
    this.canvas?.toBlob((blob) => blob && save(blob, "grid.png"));
  }
};
function gridCodes(model, [x, y], side, point) {
  const steps = Array.from({ length: side }, (_, i) => quantile((i + 0.5) / side));
  const at = (axis, step) => model.hasPrior ? step : model.centre[axis] + Math.sqrt(model.spread[axis]) * step;
  const held = point !== null && model.size > 2 ? model.codeOf(point) : new Float32Array(model.size);
  const codes = [];
  for (const up of model.size > 1 ? [...steps].reverse() : [0]) {
    for (const across of steps) {
      const z = Float32Array.from(held);
      z[x] = at(x, across);
      if (model.size > 1) z[y] = at(y, up);
      codes.push(z);
    }
  }
  return codes;
}

// explorer/browser/numerics/neighbours.js
function nearestCodes(codes, size, z, count) {
  const best = [];
  for (let n = 0; n * size < codes.length; n++) {
    let distance2 = 0;
    for (let j = 0; j < size; j++) distance2 += (codes[n * size + j] - z[j]) ** 2;
    if (best.length === count && distance2 >= best[count - 1].distance) continue;
    let at = best.length;
    while (at > 0 && best[at - 1].distance > distance2) at--;
    best.splice(at, 0, { index: n, distance: distance2 });
    if (best.length > count) best.pop();
  }
  return best.map(({ index, distance: distance2 }) => ({ index, distance: Math.sqrt(distance2) }));
}

// explorer/browser/latent_map/image_report.js
var NEIGHBOURS = 6;
var NO_SAMPLE = "No sample of p(x|z): every pixel has a variance of its own, and the page has only the means.";
var ImageReport = class {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.seed = 0;
    this.written = null;
    this.exact = new ExactImages();
    this.decoded = [];
    this.number = make("input", { type: "number", min: "0", step: "1", size: 7 });
    this.number.setAttribute("aria-label", "Number of the test image");
    this.number.onchange = () => this.typed();
    const random = make("button", { type: "button", textContent: "Random", onclick: () => this.random() });
    this.count = make("span", { className: "hint" });
    this.body = make("div");
    this.place = make(
      "div",
      { className: "image-report" },
      make("div", { className: "row" }, make("label", {}, "Test image ", this.number), this.count, random, this.exact.note),
      this.body
    );
  }
  restart() {
    this.seed = 0;
  }
  typed() {
    const value = Math.round(Number(this.number.value));
    const last = this.host.model().count - 1;
    if (this.number.value === "" || !Number.isFinite(value)) this.host.select(null);
    else this.host.select(Math.min(Math.max(value, 0), last));
    this.write(this.host.point());
  }
  /** @param {number | null} n */
  write(n) {
    this.written = n;
    this.number.value = n === null ? "" : String(n);
  }
  random() {
    this.host.select(Math.floor(Math.random() * this.host.model().count));
  }
  /** @returns {Mark[]} none: the map itself marks the selected point */
  marks() {
    return [];
  }
  show() {
    const model = this.host.model();
    const n = this.host.point();
    this.number.max = String(model.count - 1);
    if (n !== this.written) this.write(n);
    this.count.textContent = `0 to ${(model.count - 1).toLocaleString("en")}`;
    this.decoded = [];
    if (n === null || n >= model.count) this.body.replaceChildren(...this.classMeans());
    else this.body.replaceChildren(...this.report(n));
    const asked = this.decoded;
    this.exact.ask(
      model,
      asked.map(({ z }) => z),
      (images) => images.forEach((values, i) => asked[i].take(values))
    );
  }
  /**
   * A decoded code with a caption; the exact image follows where the browser has another.
   * @param {ArrayLike<number>} z
   * @param {string} caption
   */
  picture(z, caption) {
    const model = this.host.model();
    const figure = picture(model.decode(z), model.shape, caption);
    this.decoded.push({ z, take: (values) => repaint(figure, values, model.shape) });
    return figure;
  }
  /** What lives on the map before anything is selected. */
  classMeans() {
    const model = this.host.model();
    const hint = make("p", { className: "hint", textContent: "Click a point of the map, type a number, or take a random image." });
    const means = model.classMeanCodes();
    if (!means.length || !model.hasPictures) return [hint];
    const shots = means.map(({ name, z }) => this.picture(z, name));
    return [hint, make("h2", { textContent: `${model.caption} of every class’s mean code` }), make("div", { className: "shots" }, ...shots)];
  }
  /** @param {number} n */
  report(n) {
    const model = this.host.model();
    return [
      make("h2", { textContent: model.nameOf(n) }),
      ...model.hasPictures ? [this.pictures(n)] : [],
      ...this.host.note() && !this.host.original(n) ? [this.missing()] : [],
      ...model.noise === "none" ? [make("p", { className: "hint", textContent: NO_SAMPLE })] : [],
      make("p", { className: "scores" }, ...explained(model.scoreLine(n), "negative_elbo", "distortion", "rate", "sigma", "kl", "nats")),
      ...this.host.truth().report(),
      latentTable(model, n),
      make("h3", {}, `Nearest in latent space${this.among()}, at a distance `, why("distance")),
      this.neighbours(n)
    ];
  }
  /** Where the original is: a button presses that of the page, where there is one. */
  missing() {
    const text = this.host.note();
    if (!this.host.download()) return make("p", { className: "hint", textContent: text });
    const onclick = () => (
      /** @type {HTMLElement | null} */
      this.host.download()?.click()
    );
    return make("p", {}, make("button", { type: "button", textContent: text, onclick }));
  }
  /**
   * Original, decoded mean, and a draw of p(x|z) where the page knows its noise.
   * @param {number} n
   */
  pictures(n) {
    const model = this.host.model();
    const original = this.host.original(n);
    const shots = [this.picture(model.codeOf(n), model.caption)];
    if (original) shots.unshift(picture(original, model.shape, "Original"));
    if (model.canSample) shots.push(this.sample(n));
    return make("div", { className: "shots large" }, ...shots);
  }
  /**
   * A draw of p(x|z), and a button for another one.
   * @param {number} n
   */
  sample(n) {
    const model = this.host.model();
    const z = model.codeOf(n);
    let mean2 = model.decode(z);
    const draw = () => model.sample(mean2, uniforms(7919 * n + this.seed));
    const figure = picture(draw(), model.shape, "Sample of p(x|z)");
    const again = make("button", {
      type: "button",
      className: "again",
      textContent: "↻",
      title: "Draw another sample",
      onclick: () => {
        this.seed += 1;
        repaint(figure, draw(), model.shape);
      }
    });
    const take = (values) => {
      mean2 = values;
      repaint(figure, draw(), model.shape);
    };
    this.decoded.push({ z, take });
    again.setAttribute("aria-label", "Draw another sample of p(x|z)");
    figure.append(again);
    return figure;
  }
  /** Which images the nearest ones are chosen from, if not from all: those whose originals are here. */
  among() {
    const count = this.host.originals();
    return count && count < this.host.model().count ? ` among the first ${count} images` : "";
  }
  /** @param {number} n */
  neighbours(n) {
    const model = this.host.model();
    const among = model.means.subarray(0, model.size * (this.host.originals() || model.count));
    const found = nearestCodes(among, model.size, model.codeOf(n), NEIGHBOURS + 1);
    const others = found.filter(({ index }) => index !== n).slice(0, NEIGHBOURS);
    const shots = others.map(({ index, distance: distance2 }) => {
      const original = this.host.original(index);
      const name = model.labels ? `${model.names[model.labels[index]]} · ` : "";
      const caption = `${name}Δ ${shown(distance2)}`;
      if (!model.hasPictures) return make("button", { type: "button", title: `Select image ${index}`, textContent: `${index} · ${caption}`, onclick: () => this.host.select(index) });
      const shot = original ? picture(original, model.shape, caption) : this.picture(model.codeOf(index), caption);
      return make("button", { type: "button", className: "shot", title: `Select image ${index}`, onclick: () => this.host.select(index) }, shot);
    });
    return make("div", { className: "shots" }, ...shots);
  }
};
function picture(values, shape, caption) {
  const canvas = namedCanvas(caption);
  paint(canvas, values, shape);
  return make("figure", {}, canvas, make("figcaption", { textContent: caption }));
}
function repaint(figure, values, shape) {
  paint(
    /** @type {HTMLCanvasElement} */
    figure.querySelector("canvas"),
    values,
    shape
  );
}
function latentTable(model, n) {
  const rows = model.latentsOf(n);
  const most = Math.max(...rows.map((row) => row.rate ?? 0), 1e-9);
  const head = ["latent", "μ", ...rows[0].sigma === null ? [] : ["σ", "KL, nats"]];
  const cell = (textContent) => make("td", { textContent });
  const body = rows.map(({ mean: mean2, sigma, rate }, j) => {
    const row = make("tr", {}, make("th", { textContent: latentName(j), scope: "row" }), cell(shown(mean2, 3)));
    if (sigma === null || rate === null) return row;
    const bar2 = make("i");
    bar2.style.width = `${100 * rate / most}%`;
    row.append(cell(shown(sigma, 3)), make("td", { className: "bar" }, bar2, shown(rate, 3)));
    return row;
  });
  const titles = head.map((text) => make("th", { scope: "col" }, ...explained(text, "mu", "sigma", "kl", "nats")));
  const table2 = make("table", {}, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...body));
  const place = make("div", { className: "latents", tabIndex: 0 }, table2);
  place.setAttribute("aria-label", "Latents of the selected image");
  return place;
}

// explorer/browser/latent_map/hand_decoder.js
var FEW = 20;
var STEPS3 = 200;
var ACTIVE_VARIANCE = 0.01;
var HandDecoder = class {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.z = [];
    this.showsAll = false;
    this.drawn = 0;
    this.exact = new ExactImages();
    this.result = make("div", { className: "hand-result" });
    this.sliders = make("div", { className: "sliders" });
    this.buttons = make("div", { className: "row" });
    this.place = make("div", { className: "hand" }, this.buttons, this.result, this.sliders);
  }
  restart() {
    if (this.z.length !== this.host.model().size) this.z = [];
    this.showsAll = false;
  }
  /** @returns {Mark[]} */
  marks() {
    return [{ z: this.code(), text: "by hand" }];
  }
  /** The code that the sliders show. */
  code() {
    const { size } = this.host.model();
    return this.z.length === size ? this.z : Array.from({ length: size }, () => 0);
  }
  /** @param {number[]} z */
  set(z) {
    this.z = z;
    this.show();
    this.host.marked();
    this.host.changed();
  }
  show() {
    const model = this.host.model();
    const point = this.host.point();
    const button = (textContent, onclick, disabled = false) => make("button", { type: "button", textContent, onclick, disabled });
    const from = model.hasPoints ? button("From the selected image", () => this.set([...model.codeOf(
      /** @type {number} */
      point
    )]), point === null) : button("Draw z ~ N(0, I)", () => this.set([...model.drawCodes(1, normals(++this.drawn))[0]]));
    this.buttons.replaceChildren(
      from,
      button("Back to the origin", () => this.set([])),
      button("Pin it", () => this.host.pin(this.code()))
    );
    if (model.size > FEW) {
      const text = this.showsAll ? "Fewer latents" : `All ${model.size} latents`;
      this.buttons.append(button(text, () => (this.showsAll = !this.showsAll, this.show())));
    }
    this.buttons.append(this.exact.note);
    const code = this.code();
    this.image = picture(model.decode(Float32Array.from(code)), model.shape, model.caption);
    this.askExact();
    const png = button("Save PNG", () => this.save());
    this.result.replaceChildren(this.image, png);
    this.sliders.replaceChildren(...this.chosen().map((j) => this.slider(j, code[j])));
  }
  /** The latents with sliders: all, or those of the largest variance. */
  chosen() {
    const { size, spread: spread2 } = this.host.model();
    const all = Array.from({ length: size }, (_, j) => j);
    if (this.showsAll || size <= FEW) return all;
    return all.sort((a, b) => spread2[b] - spread2[a]).slice(0, FEW).sort((a, b) => a - b);
  }
  /**
   * Whether a latent's mean is the same for all images.
   * @param {number} j
   */
  isDead(j) {
    const { logVariances, spread: spread2 } = this.host.model();
    return logVariances !== null && spread2[j] <= ACTIVE_VARIANCE;
  }
  /**
   * @param {number} j
   * @param {number} value
   */
  slider(j, value) {
    const { reach } = this.host.model();
    const input = make("input", { type: "range", min: String(-reach), max: String(reach), step: String(reach / STEPS3) });
    input.value = String(value);
    const text = make("output", { textContent: shown(value) });
    input.setAttribute("aria-label", latentName(j));
    const settle2 = () => {
      const z = [...this.code()];
      z[j] = Number(input.value);
      this.z = z;
      text.textContent = shown(z[j]);
      input.setAttribute("aria-valuetext", shown(z[j]));
      this.paint();
      this.host.marked();
    };
    input.oninput = settle2;
    input.onchange = () => this.host.changed();
    const name = make("span", {}, latentName(j));
    if (this.isDead(j)) name.append(" ", why("dead"));
    const label = make("label", {}, name, input, text);
    label.classList.toggle("dead", this.isDead(j));
    return label;
  }
  paint() {
    const model = this.host.model();
    const image = (
      /** @type {HTMLElement} */
      this.image
    );
    repaint(image, model.decode(Float32Array.from(this.code())), model.shape);
    this.askExact();
  }
  askExact() {
    const model = this.host.model();
    const image = (
      /** @type {HTMLElement} */
      this.image
    );
    this.exact.ask(model, [this.code()], ([values]) => repaint(image, values, model.shape));
  }
  save() {
    const canvas = (
      /** @type {HTMLCanvasElement} */
      this.image?.querySelector("canvas")
    );
    canvas.toBlob((blob) => blob && save(blob, "decoded.png"));
  }
};

// explorer/browser/latent_map/prior_samples.js
var COUNT = 40;
var COLUMNS = 10;
var PriorSamples = class {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.seed = 0;
    this.codes = [];
    this.images = [];
    this.exact = new ExactImages();
    const draw = make("button", { type: "button", textContent: "Draw again", onclick: () => this.again() });
    const png = make("button", { type: "button", textContent: "Save PNG", onclick: () => this.save() });
    this.note = make("p", { className: "hint" });
    this.asPrior = make("input", { type: "checkbox", onchange: () => this.chosen() });
    this.choice = make("label", {}, this.asPrior, " As if p(z) = N(0, I)");
    this.sheet = make("div", { className: "samples" });
    this.place = make("div", {}, make("div", { className: "row" }, draw, png, this.choice, this.exact.note), this.note, this.sheet);
  }
  restart() {
    this.codes = [];
  }
  again() {
    this.seed = (this.seed + 1) % 1e6;
    this.codes = [];
    this.shownAgain();
    this.host.changed();
  }
  /** From another distribution. */
  chosen() {
    this.codes = [];
    this.shownAgain();
    this.host.changed();
  }
  /** Other codes are drawn, and marked on the map. */
  shownAgain() {
    this.show();
    this.host.marked();
  }
  /** @returns {Mark[]} */
  marks() {
    return this.codes.map((z) => ({ z, text: "" }));
  }
  show() {
    const model = this.host.model();
    this.choice.hidden = model.hasPrior;
    if (!this.codes.length) this.codes = model.drawCodes(COUNT, normals(this.seed), this.asPrior.checked);
    this.note.textContent = this.describe(model);
    const canvases = this.codes.map(() => make("canvas"));
    const show = (images) => {
      this.images = images;
      images.forEach((values, i) => paint(canvases[i], values, model.shape));
    };
    show(this.codes.map((z) => model.decode(z)));
    const shots = this.codes.map((z, i) => {
      const button = make("button", { type: "button", className: "shot", title: "Pin this sample", onclick: () => this.host.pin(z) }, canvases[i]);
      button.setAttribute("aria-label", `Pin sample ${i + 1}`);
      return button;
    });
    this.sheet.replaceChildren(...shots);
    this.exact.ask(model, this.codes, show);
  }
  /**
   * Where the codes come from, and how many of them the decoder was hardly trained for.
   * @param {LatentModel} model
   */
  describe(model) {
    if (!model.hasPoints) return "Images of z ~ N(0, I), marked on the map. Click one to pin it.";
    const rare = this.codes.filter((z) => model.isRare(z)).length;
    const found = `${rare} of ${COUNT} lie where few codes are${this.reached(model)}.`;
    if (model.logVariances) return `Decoded means of z ~ N(0, I), marked on the map. ${found}`;
    const source = this.asPrior.checked ? "z is drawn from N(0, I), as if the autoencoder had this prior" : "An autoencoder has no prior: z is drawn from a Gaussian fitted to its test codes";
    return `${source}. ${found}`;
  }
  /**
   * How many classes the samples land among, by the nearest codes.
   * @param {LatentModel} model
   */
  reached(model) {
    const { labels, names } = model;
    if (!labels) return "";
    const found = new Set(this.codes.map((z) => labels[model.nearestCode(z)]));
    return `; they land among ${found.size} of the ${names.length} classes`;
  }
  save() {
    const canvas = sheetOf(this.images, this.host.model().shape, COLUMNS);
    canvas.toBlob((blob) => blob && save(blob, "prior.png"));
  }
};

// explorer/browser/latent_map/inspector.js
var TABS = { image: "Test image", hand: "By hand", prior: "Prior samples", grid: "Decoded grid" };
var GENERATED = ["prior", "hand", "grid"];
var Inspector = class {
  /**
   * @param {HTMLElement} place
   * @param {Host} host
   */
  constructor(place, host) {
    this.host = host;
    this.open = "image";
    this.parts = {
      image: new ImageReport(host),
      hand: new HandDecoder(host),
      prior: new PriorSamples(host),
      grid: new DecodedGrid(host)
    };
    this.tabs = make("div", { className: "tabs" });
    this.tabs.setAttribute("role", "tablist");
    this.body = make("div", { className: "tab-body" });
    this.body.setAttribute("role", "tabpanel");
    this.tabs.append(...Object.entries(TABS).map(([name, text]) => this.tab(name, text)));
    place.replaceChildren(this.tabs, this.body);
  }
  /**
   * @param {string} name
   * @param {string} textContent
   */
  tab(name, textContent) {
    const button = make("button", { type: "button", textContent, onclick: () => this.turnTo(name) });
    button.dataset.tab = name;
    button.setAttribute("role", "tab");
    button.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const names = (
        /** @type {string[]} */
        this.offered
      );
      const next = names[(names.indexOf(name) + step + names.length) % names.length];
      this.turnTo(next);
      this.tabs.querySelector(`[data-tab=${next}]`)?.focus();
    };
    return button;
  }
  /** The tabs that there are: without points there is no test image, without pictures nothing else. */
  get offered() {
    const { hasPoints, hasPictures, isNoise } = this.host.model();
    if (isNoise) return (
      /** @type {(keyof typeof TABS)[]} */
      ["prior"]
    );
    const names = (
      /** @type {(keyof typeof TABS)[]} */
      hasPoints ? Object.keys(TABS) : GENERATED
    );
    return hasPictures ? names : names.slice(0, 1);
  }
  /** @param {string} name */
  turnTo(name) {
    this.open = /** @type {keyof typeof TABS} */
    name;
    this.show();
    this.host.changed();
  }
  /** Another model: every tab starts from its beginning, but for what the link says. */
  restart() {
    for (const part2 of Object.values(this.parts)) part2.restart();
    this.show();
  }
  /** Draws the open tab. */
  show() {
    for (const button of this.tabs.children) {
      const name = (
        /** @type {keyof typeof TABS} */
        /** @type {HTMLElement} */
        button.dataset.tab
      );
      const isOpen = name === this.open;
      button.hidden = !this.offered.includes(name);
      button.setAttribute("aria-selected", String(isOpen));
      button.tabIndex = isOpen ? 0 : -1;
    }
    const part2 = this.parts[this.open];
    if (this.body.firstElementChild !== part2.place) this.body.replaceChildren(part2.place);
    part2.show();
    this.host.marked();
  }
  /** The selected image is another one. */
  selected() {
    this.parts.image.show();
    if (this.open !== "image") this.parts[this.open].show();
    this.host.marked();
  }
  /** @returns {Mark[]} of the open tab */
  marks() {
    return this.parts[this.open].marks();
  }
};

// explorer/browser/numerics/gif.js
function encodeGif(frames, width, height, { delay_ms = 100, last_ms = delay_ms, loop = 0 } = {}) {
  const pictures = frames.map((frame2) => packColours(frame2, width * height));
  const { palette, indexOf } = choosePalette(pictures);
  const bits = Math.max(1, Math.ceil(Math.log2(palette.length)));
  const ascii = (text) => new TextEncoder().encode(text);
  const bytes = [...ascii("GIF89a"), ...word(width), ...word(height), 128 | bits - 1, 0, 0];
  for (let i = 0; i < 2 ** bits; i++) {
    const colour = palette[i] ?? 0;
    bytes.push(colour >> 16, colour >> 8 & 255, colour & 255);
  }
  bytes.push(33, 255, 11, ...ascii("NETSCAPE2.0"), 3, 1, ...word(loop), 0);
  for (const [i, picture2] of pictures.entries()) {
    const delay = Math.min(65535, Math.round((i < pictures.length - 1 ? delay_ms : last_ms) / 10));
    bytes.push(33, 249, 4, 0, ...word(delay), 0, 0);
    bytes.push(44, ...word(0), ...word(0), ...word(width), ...word(height), 0);
    pushCompressed(bytes, Uint8Array.from(picture2, indexOf), Math.max(2, bits));
  }
  bytes.push(59);
  return Uint8Array.from(bytes);
}
function word(value) {
  return [value & 255, value >> 8];
}
function packColours(frame2, size) {
  const step = frame2.length / size;
  if (step !== 1 && step !== 4) {
    throw new Error(`A frame must have ${size} or ${4 * size} numbers, got ${frame2.length}.`);
  }
  const [green, blue] = step === 4 ? [1, 2] : [0, 0];
  return Uint32Array.from({ length: size }, (_, i) => {
    const at = i * step;
    return frame2[at] << 16 | frame2[at + green] << 8 | frame2[at + blue];
  });
}
function choosePalette(pictures) {
  const found = /* @__PURE__ */ new Map();
  for (const picture2 of pictures) {
    for (let i = 0; i < picture2.length && found.size <= 256; i++) {
      if (!found.has(picture2[i])) found.set(picture2[i], found.size);
    }
  }
  if (found.size <= 256) return { palette: [...found.keys()], indexOf: (c) => found.get(c) };
  const palette = Array.from({ length: 252 }, (_, i) => {
    const [red, green, blue] = [Math.floor(i / 42) * 51, Math.floor(i / 6) % 7 * 42.5, i % 6 * 51];
    return red << 16 | Math.round(green) << 8 | blue;
  });
  const indexOf = (colour) => {
    const [red, green, blue] = [colour >> 16, colour >> 8 & 255, colour & 255];
    return Math.round(red / 51) * 42 + Math.round(green / 42.5) * 6 + Math.round(blue / 51);
  };
  return { palette, indexOf };
}
function pushCompressed(bytes, indices, bits) {
  const [clear, end, limit] = [2 ** bits, 2 ** bits + 1, 4096];
  const follow = new Uint16Array(limit * 256);
  let [free, size, buffer, filled, code] = [end + 1, bits + 1, 0, 0, indices[0]];
  const stream = [];
  const put2 = (value) => {
    buffer |= value << filled;
    for (filled += size; filled >= 8; filled -= 8, buffer >>>= 8) stream.push(buffer & 255);
  };
  put2(clear);
  for (const index of indices.subarray(1)) {
    const at = 256 * code + index;
    code = follow[at] || code;
    if (follow[at]) continue;
    put2(code);
    code = index;
    if (free < limit) {
      if (free === 2 ** size) size++;
      follow[at] = free++;
    } else {
      put2(clear);
      follow.fill(0);
      [free, size] = [end + 1, bits + 1];
    }
  }
  put2(code);
  if (free === 2 ** size && free < limit) size++;
  put2(end);
  if (filled) stream.push(buffer);
  bytes.push(bits);
  for (let i = 0; i < stream.length; i += 255) {
    const block = stream.slice(i, i + 255);
    bytes.push(block.length, ...block);
  }
  bytes.push(0);
}

// explorer/browser/numerics/walk.js
function linearPath(a, b, n) {
  return buildPath(a, b, n, (t, j) => (1 - t) * a[j] + t * b[j]);
}
function sphericalPath(a, b, n) {
  const [from, to] = [Math.hypot(...Array.from(a)), Math.hypot(...Array.from(b))];
  if (from === 0 || to === 0) return linearPath(a, b, n);
  const first = Float64Array.from(a, (value) => value / from);
  const target = Float64Array.from(b, (value) => value / to);
  const cosine = dot(first, target);
  let second = target.map((value, j) => value - cosine * first[j]);
  const sine = Math.sqrt(dot(second, second));
  second = sine > 1e-12 ? second.map((value) => value / sine) : orthogonalTo(first);
  const angle = Math.atan2(sine, cosine);
  return buildPath(a, b, n, (t, j) => {
    const turned2 = Math.cos(t * angle) * first[j] + Math.sin(t * angle) * second[j];
    return ((1 - t) * from + t * to) * turned2;
  });
}
function buildPath(a, b, n, at) {
  if (a.length !== b.length) {
    throw new Error(`Both ends must have as many latents, got ${a.length} and ${b.length}.`);
  }
  if (!Number.isInteger(n) || n < 2) {
    throw new Error(`A path must have a whole number of at least 2 codes, got ${n}.`);
  }
  return Array.from({ length: n }, (_, k) => {
    if (k === 0) return Float32Array.from(a);
    if (k === n - 1) return Float32Array.from(b);
    return Float32Array.from(a, (_value, j) => at(k / (n - 1), j));
  });
}
function orthogonalTo(unit) {
  const least = unit.reduce((best, v, j) => Math.abs(v) < Math.abs(unit[best]) ? j : best, 0);
  const rest = unit.map((value, j) => Number(j === least) - unit[least] * value);
  const norm = Math.sqrt(dot(rest, rest));
  return rest.map((value) => norm > 0 ? value / norm : 0);
}
function dot(a, b) {
  let sum2 = 0;
  for (let i = 0; i < a.length; i++) sum2 += a[i] * b[i];
  return sum2;
}
function imageSteps(images) {
  return images.slice(1).map((image, k) => {
    let square = 0;
    for (let i = 0; i < image.length; i++) square += (image[i] - images[k][i]) ** 2;
    return Math.sqrt(square);
  });
}
function pathLength(points) {
  return imageSteps(points).reduce((sum2, step) => sum2 + step, 0);
}
var MOST_LATENTS = 32;
var MOST_NUMBERS2 = 2 ** 24;
var SLOPES_PER_STEP = 128;
var TRIALS = 3;
var TOLERANCE = 1e-3;
var UNEVEN = 1.25;
function relaxGeodesic(decode, path) {
  return new Relaxation(decode, path);
}
var Relaxation = class {
  /**
   * @param {Decode} decode
   * @param {Float32Array[]} path
   */
  constructor(decode, path) {
    this.decode = decode;
    this.curve = this.decoded(path);
    const interior = path.length - 2;
    this.moved = interior > 0 ? this.sensitiveLatents() : [];
    const width = this.moved.length;
    this.slopes = Array.from({ length: interior * width }, () => new Float32Array(0));
    this.matrix = this.slopes.map(() => new Float64Array(2 * width));
    this.turn = 0;
    this.damping = 1e-3;
    this.mark = this.energy;
    this.idle = 0;
  }
  /** n codes. */
  get path() {
    return this.curve.path;
  }
  /** Their images. */
  get images() {
    return this.curve.images;
  }
  /** E, in squared pixel values. */
  get energy() {
    return this.curve.energy;
  }
  /** Whether E has fallen by less than 1e-3 of itself while all of J was renewed. */
  get converged() {
    return this.idle > Math.ceil(this.slopes.length / SLOPES_PER_STEP) || !this.slopes.length;
  }
  /** One iteration; nothing happens once it has converged. */
  step() {
    if (this.converged) return;
    if ((this.turn === 0 || this.idle) && this.isUneven()) this.improve(this.evened());
    this.renewSlopes();
    const descent = this.descent();
    for (let trial = 0, isLower = false; trial < TRIALS && !isLower; trial++) {
      const change = solve(this.matrix, descent, this.damping);
      isLower = change !== null && this.improve(this.shifted(change));
      this.damping = Math.min(1e3, Math.max(1e-6, this.damping * (isLower ? 0.1 : 10)));
    }
    this.idle++;
    if (this.energy < (1 - TOLERANCE) * this.mark) {
      this.mark = this.energy;
      this.idle = 0;
    }
  }
  /**
   * @param {Float32Array[]} path
   * @returns {Curve}
   */
  decoded(path) {
    const images = path.map((z) => this.decode(z));
    return { path, images, energy: imageSteps(images).reduce((sum2, step) => sum2 + step * step, 0) };
  }
  /**
   * Takes a path if its energy is lower.
   * @param {Float32Array[]} path
   */
  improve(path) {
    const next = this.decoded(path);
    const isLower = next.energy < this.energy;
    if (isLower) this.curve = next;
    return isLower;
  }
  /** The latents that change the image most at the middle of the path; all, if these are few. */
  sensitiveLatents() {
    const all = [...this.path[0].keys()];
    const room = Math.floor(MOST_NUMBERS2 / (this.path.length * this.images[0].length));
    const most = Math.max(2, Math.min(MOST_LATENTS, room));
    if (all.length <= most) return all;
    const middle = Math.floor(this.path.length / 2);
    const size = all.map((j) => this.slope(middle, j)).map((column) => dot(column, column));
    return all.sort((i, j) => size[j] - size[i]).slice(0, most);
  }
  /**
   * ∂g/∂z_j at code k, by a forward difference.
   * @param {number} k
   * @param {number} j
   */
  slope(k, j) {
    const [z, image] = [this.path[k], this.images[k]];
    const shifted = z.slice();
    shifted[j] += 1e-3;
    const width = shifted[j] - z[j];
    return Float32Array.from(this.decode(shifted), (value, i) => (value - image[i]) / width);
  }
  /** Renews the next columns of J, and what depends on them in A. */
  renewSlopes() {
    const { slopes, matrix, moved } = this;
    const isFresh = new Uint8Array(slopes.length);
    for (let i = 0; i < Math.min(slopes.length, SLOPES_PER_STEP); i++) {
      const [k, j] = [1 + Math.floor(this.turn / moved.length), moved[this.turn % moved.length]];
      slopes[this.turn] = this.slope(k, j);
      isFresh[this.turn] = 1;
      this.turn = (this.turn + 1) % slopes.length;
    }
    for (let row = 0; row < slopes.length; row++) {
      const start = bandStart(row, matrix);
      for (let column = Math.max(0, start); column <= row; column++) {
        if (!isFresh[row] && !isFresh[column]) continue;
        const factor = column < start + moved.length ? -1 : 2;
        matrix[row][column - start] = factor * dot(slopes[row], slopes[column]);
      }
    }
  }
  /** −½∇E = J_kᵀ (g(z_{k−1}) − 2·g(z_k) + g(z_{k+1})). */
  descent() {
    const { images, moved } = this;
    const bends = images.slice(1, -1).map(
      (image, k) => Float64Array.from(image, (value, i) => images[k][i] - 2 * value + images[k + 2][i])
    );
    return Float64Array.from(
      this.slopes,
      (column, i) => dot(column, bends[Math.floor(i / moved.length)])
    );
  }
  /**
   * @param {Float64Array} change of the interior codes along the latents that move
   */
  shifted(change) {
    const { path, moved } = this;
    const next = path.map((z) => z.slice());
    change.forEach((value, i) => {
      next[1 + Math.floor(i / moved.length)][moved[i % moved.length]] += value;
    });
    return next;
  }
  /** Whether a step through the images is much longer than the mean one. */
  isUneven() {
    const steps = imageSteps(this.images);
    return Math.max(...steps) * steps.length > UNEVEN * pathLength(this.images);
  }
  /** Codes on the same polygon, as far apart in the images as four times as many codes tell. */
  evened() {
    const { path } = this;
    const fine = path.slice(1).flatMap((z, k) => linearPath(path[k], z, 5).slice(0, -1));
    fine.push(path[path.length - 1]);
    const steps = imageSteps(fine.map((z) => this.decode(z)));
    const mean2 = steps.reduce((sum2, step) => sum2 + step, 0) / (path.length - 1);
    let [at, passed] = [0, 0];
    return path.map((z, k) => {
      if (k === 0 || k === path.length - 1) return z;
      while (at < steps.length - 1 && passed + steps[at] < k * mean2) passed += steps[at++];
      const share = (k * mean2 - passed) / steps[at];
      return fine[at].map((value, j) => value + share * (fine[at + 1][j] - value));
    });
  }
};
function bandStart(row, matrix) {
  const width = matrix[row].length / 2;
  return row - row % width - width;
}
function solve(matrix, right, damping) {
  const size = right.length;
  const diagonal = matrix.map((row, i) => row[i - bandStart(i, matrix)]);
  const shift = damping * diagonal.reduce((sum2, value) => sum2 + value, 0) / size;
  if (!(shift > 0)) return null;
  const factor = matrix.map((row) => row.slice());
  const x = right.slice();
  for (let i = 0; i < size; i++) {
    const [row, start] = [factor[i], bandStart(i, matrix)];
    row[i - start] += shift;
    for (let j = Math.max(0, start); j <= i; j++) {
      const [other, before] = [factor[j], bandStart(j, matrix)];
      let sum2 = row[j - start];
      for (let k = Math.max(0, start); k < j; k++) sum2 -= row[k - start] * other[k - before];
      row[j - start] = i === j ? Math.sqrt(sum2) : sum2 / other[j - before];
    }
    for (let k = Math.max(0, start); k < i; k++) x[i] -= row[k - start] * x[k];
    x[i] /= row[i - start];
  }
  for (let i = size - 1; i >= 0; i--) {
    const [row, start] = [factor[i], bandStart(i, matrix)];
    x[i] /= row[i - start];
    for (let k = Math.max(0, start); k < i; k++) x[k] -= row[k - start] * x[i];
  }
  return x;
}

// explorer/browser/numerics/detour.js
var SIDE = 32;
var REACH = 3;
var STEPS4 = 80;
var FINER = 5;
var MOVES = [
  [0, 1],
  [1, 1],
  [1, 0],
  [1, -1],
  [0, -1],
  [-1, -1],
  [-1, 0],
  [-1, 1],
  [1, 2],
  [2, 1],
  [2, -1],
  [1, -2],
  [-1, -2],
  [-2, -1],
  [-2, 1],
  [-1, 2]
];
function searchGeodesic(decode, a, b, n) {
  return new Search(decode, [
    () => linearPath(a, b, n),
    () => a.length === 2 ? detour(decode, a, b, n) : sphericalPath(a, b, n)
  ]);
}
var Search = class {
  /**
   * @param {Decode} decode
   * @param {(() => Float32Array[])[]} starts
   */
  constructor(decode, starts) {
    this.decode = decode;
    this.starts = starts.slice(1);
    this.steps = 0;
    this.current = relaxGeodesic(decode, starts[0]());
    this.best = null;
    this.converged = false;
  }
  /** n codes: the shortest so far. */
  get path() {
    return this.best?.path ?? this.current.path;
  }
  /** One iteration; where a start is done, the next one. */
  step() {
    if (this.converged) return;
    if (!this.current.converged && this.steps < STEPS4) {
      this.current.step();
      this.steps += 1;
      return;
    }
    const { path } = this.current;
    const length2 = wayLength(this.decode, path);
    if (!this.best || length2 < this.best.length) this.best = { path, length: length2 };
    const start = this.starts.shift();
    if (start) [this.current, this.steps] = [relaxGeodesic(this.decode, start()), 0];
    else this.converged = true;
  }
};
function wayLength(decode, path) {
  const fine = path.slice(1).flatMap((z, k) => linearPath(path[k], z, FINER + 1).slice(1));
  return pathLength([path[0], ...fine].map((z) => decode(z)));
}
function detour(decode, a, b, n) {
  const codes = gridCodes2(a, b);
  const images = codes.map((z) => decode(z));
  const [from, to] = [a, b].map((end) => nearest(codes, end));
  const before = shortestWay(images, from);
  const way = [];
  for (let at = to; at !== from; at = before[at]) way.unshift(codes[at]);
  return spread([a, ...way.slice(0, -1), b], n);
}
function gridCodes2(a, b) {
  const [xs, ys] = [0, 1].map((j) => {
    const [low, high] = [Math.min(a[j], b[j], -REACH), Math.max(a[j], b[j], REACH)];
    return Array.from({ length: SIDE }, (_, i) => low + i * (high - low) / (SIDE - 1));
  });
  return xs.flatMap((x) => ys.map((y) => Float32Array.of(x, y)));
}
function nearest(codes, z) {
  const distances = codes.map((code) => Math.hypot(code[0] - z[0], code[1] - z[1]));
  return distances.indexOf(Math.min(...distances));
}
function shortestWay(images, from) {
  const length2 = new Float64Array(images.length).fill(Infinity);
  const before = new Int32Array(images.length).fill(from);
  const open2 = new Set(images.keys());
  length2[from] = 0;
  while (open2.size) {
    let at = -1;
    for (const node of open2) if (at < 0 || length2[node] < length2[at]) at = node;
    open2.delete(at);
    for (const next of neighbours(at)) {
      const there = length2[at] + distance(images[at], images[next]);
      if (there >= length2[next]) continue;
      length2[next] = there;
      before[next] = at;
    }
  }
  return before;
}
function neighbours(node) {
  const [row, column] = [Math.floor(node / SIDE), node % SIDE];
  return MOVES.map(([i, j]) => [row + i, column + j]).filter(([i, j]) => i >= 0 && j >= 0 && i < SIDE && j < SIDE).map(([i, j]) => i * SIDE + j);
}
function distance(a, b) {
  let square = 0;
  for (let i = 0; i < a.length; i++) square += (a[i] - b[i]) ** 2;
  return Math.sqrt(square);
}
function spread(polygon, n) {
  const last = polygon.length - 1;
  return Array.from({ length: n }, (_, k) => {
    const place = k * last / (n - 1);
    const corner = Math.min(Math.floor(place), last - 1);
    const [from, to] = [polygon[corner], polygon[corner + 1]];
    if (k === n - 1) return polygon[last];
    return from.map((value, j) => value + (place - corner) * (to[j] - value));
  });
}

// explorer/browser/latent_map/interpolation.js
var FRAMES = 16;
var FINE = 3;
var FEW2 = 3;
var FRAME_MS = 90;
var KINDS = { linear: "Straight line", spherical: "Spherical", geodesic: "Geodesic" };
var MEANING = {
  linear: "Equal steps in latent space.",
  spherical: "Along the sphere: direction and length turn evenly.",
  geodesic: "The shortest way through the images that two starts found, in equal changes of the decoded mean; a shorter one may exist."
};
var Interpolation = class {
  /**
   * @param {HTMLElement} place
   * @param {Host} host
   */
  constructor(place, host) {
    this.place = place;
    this.host = host;
    this.exact = new ExactImages();
    this.kind = "linear";
    this.walks = {};
    this.pins = [];
    this.ends = [0, 1];
    this.at = 0;
    this.serial = 0;
    this.playing = false;
  }
  /**
   * The pins have changed: the walk goes between the last two, or those chosen before.
   * @param {Pin[]} pins
   */
  update(pins) {
    const changed = JSON.stringify(pins) !== JSON.stringify(this.pins);
    const last = pins.length - 1;
    const gone = Math.max(...this.ends) > last;
    if (gone || pins.length > this.pins.length) this.ends = [Math.max(0, last - 1), Math.max(0, last)];
    this.pins = pins.map((pin) => ({ ...pin }));
    if (changed) this.restart();
  }
  /** The kinds of walk that there are: a geodesic asks for thousands of images, one after another. */
  get kinds() {
    const all = (
      /** @type {Kind[]} */
      Object.keys(KINDS)
    );
    return this.host.model().isNoise ? all.filter((kind) => kind !== "geodesic") : all;
  }
  /** Recomputes the walk. */
  restart() {
    this.serial += 1;
    this.stop();
    this.exact.forget();
    this.walks = {};
    this.place.hidden = this.pins.length < 2;
    if (this.place.hidden) {
      this.host.drawn([], null);
      return;
    }
    const [a, b] = this.ends.map((i) => Float32Array.from(this.pins[i].z));
    if (!this.kinds.includes(this.kind)) this.kind = "spherical";
    this.walks.linear = this.walk(linearPath(a, b, this.length(a)));
    this.walks.spherical = this.walk(sphericalPath(a, b, this.length(a)));
    if (this.kind === "geodesic") this.relax();
    else this.askExact();
    this.render();
  }
  /** The exact images of all walks; they replace those that are shown. */
  askExact() {
    const kinds = (
      /** @type {Kind[]} */
      Object.keys(this.walks)
    );
    const paths = kinds.map((kind) => (
      /** @type {Walk} */
      this.walks[kind].all
    ));
    this.exact.ask(this.host.model(), paths.flat(), (images) => {
      let first = 0;
      kinds.forEach((kind, i) => {
        const last = first + paths[i].length;
        this.walks[kind] = this.walk(paths[i], images.slice(first, last));
        first = last;
      });
      this.refresh();
    });
  }
  /**
   * Codes of a whole path.
   * @param {Float32Array} z one end
   */
  length(z) {
    return (z.length <= FEW2 ? FINE : 1) * (FRAMES - 1) + 1;
  }
  /**
   * A path at the frames that are shown; a step's change is measured along all codes between.
   * @param {Float32Array[]} all
   * @param {Float32Array[]} decoded
   * @returns {Walk}
   */
  walk(all, decoded = all.map((z) => this.host.model().decode(z))) {
    const every = (all.length - 1) / (FRAMES - 1);
    const steps = Array.from({ length: FRAMES - 1 }, () => 0);
    imageSteps(decoded).forEach((change, i) => steps[Math.floor(i / every)] += change);
    const isShown = (_, i) => i % every === 0;
    return { all, path: all.filter(isShown), images: decoded.filter(isShown), steps };
  }
  /** The geodesic, one relaxation a frame, so that one sees the path find its way. */
  relax() {
    const mine = this.serial;
    const [a, b] = this.ends.map((i) => Float32Array.from(this.pins[i].z));
    const geodesic = searchGeodesic(this.host.model().decode, a, b, this.length(a));
    this.walks.geodesic = this.walk(geodesic.path);
    const next = () => {
      if (mine !== this.serial) return;
      if (!geodesic.converged) {
        geodesic.step();
        requestAnimationFrame(next);
      } else this.relaxing = false;
      this.walks.geodesic = this.walk(geodesic.path);
      this.refresh();
      if (!this.relaxing) this.askExact();
    };
    this.relaxing = true;
    requestAnimationFrame(next);
  }
  /** @param {Kind} kind */
  choose(kind) {
    this.kind = kind;
    if (kind === "geodesic" && !this.walks.geodesic) this.relax();
    this.render();
  }
  /** Builds the controls and the strip. */
  render() {
    const ends = this.ends.map((end, i) => {
      const choice = make("select", {
        onchange: () => {
          this.ends[i] = Number(choice.value);
          this.restart();
        }
      });
      choice.setAttribute("aria-label", i ? "Walk to" : "Walk from");
      this.pins.forEach(
        (pin, k) => choice.append(make("option", { value: String(k), textContent: pin.name, selected: k === end }))
      );
      return choice;
    });
    const kinds = make("span", { className: "segments" });
    kinds.setAttribute("role", "group");
    for (const kind of this.kinds) {
      const button = make("button", { type: "button", textContent: KINDS[kind], onclick: () => this.choose(kind) });
      button.setAttribute("aria-pressed", String(kind === this.kind));
      kinds.append(button);
    }
    this.player = make("button", { type: "button", className: "play", onclick: () => this.toggle() });
    const saves = [
      make("button", { type: "button", textContent: "Save GIF", onclick: () => this.saveGif() }),
      make("button", { type: "button", textContent: "Save PNG", onclick: () => this.savePng() })
    ];
    this.frames = Array.from({ length: FRAMES }, (_, k) => {
      const cell = make("button", { type: "button", className: "cell", onclick: () => this.go(k) }, make("canvas"));
      cell.setAttribute("aria-label", `Step ${k + 1} of ${FRAMES}`);
      return cell;
    });
    this.bars = make("div", { className: "bars" });
    this.largest = make("span");
    this.words = make("p", { className: "words" });
    this.place.replaceChildren(
      make("div", { className: "row" }, "Walk from ", ends[0], " to ", ends[1], kinds, this.player, ...saves, this.exact.note),
      make("div", { className: "film" }, ...this.frames),
      make("p", { className: "words" }, "Change of the image at each step; ", this.largest),
      this.bars,
      this.words
    );
    this.refresh();
  }
  /** Paints strip, bars and words of the present walk. */
  refresh() {
    const walk2 = this.walks[this.kind];
    if (!walk2 || !this.frames) return;
    walk2.images.forEach((values, k) => {
      const cell = (
        /** @type {HTMLElement[]} */
        this.frames[k]
      );
      paint(
        /** @type {HTMLCanvasElement} */
        cell.firstElementChild,
        values,
        this.host.model().shape
      );
      cell.classList.toggle("now", this.playing && k === this.at);
    });
    this.paintBars(walk2);
    const totals = (
      /** @type {Kind[]} */
      Object.keys(KINDS).filter((kind) => this.walks[kind]).map((kind) => `${KINDS[kind].toLowerCase()} ${shown(total(this.walks[kind]))}`)
    );
    const state = this.kind === "geodesic" && this.relaxing ? " Relaxing…" : "";
    this.words.textContent = `${MEANING[this.kind]}${state} Way through the images: ${totals.join(", ")} (Euclidean distance of decoded means).`;
    this.player.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.host.drawn(walk2.path, this.playing ? this.at : null);
  }
  /**
   * Bars of the change at each step, on one scale for all kinds of walk.
   * @param {Walk} walk
   */
  paintBars(walk2) {
    const all = Object.values(this.walks).flatMap((one) => one.steps);
    const tallest = Math.max(...all, 1e-9);
    const bars = walk2.steps.map((step) => {
      const bar2 = make("i", { title: shown(step) });
      bar2.style.height = `${100 * step / tallest}%`;
      return bar2;
    });
    this.bars.replaceChildren(...bars);
    this.largest.textContent = `largest ${shown(Math.max(...walk2.steps))}`;
  }
  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }
  stop() {
    this.playing = false;
    clearInterval(this.timer);
    this.refresh();
  }
  /** There and back, for ever. */
  play() {
    this.playing = true;
    let tick = this.at;
    this.timer = setInterval(() => {
      tick += 1;
      const around3 = tick % (2 * FRAMES - 2);
      this.go(around3 < FRAMES ? around3 : 2 * FRAMES - 2 - around3);
    }, FRAME_MS);
    this.refresh();
  }
  /** @param {number} k */
  go(k) {
    this.at = k;
    const walk2 = this.walks[this.kind];
    if (!walk2) return;
    this.host.large(walk2.images[k]);
    this.frames?.forEach((cell, i) => cell.classList.toggle("now", i === k));
    this.host.drawn(walk2.path, k);
  }
  /** The pictures enlarged to at least 160 pixels. */
  enlarged() {
    const walk2 = (
      /** @type {Walk} */
      this.walks[this.kind]
    );
    const [, height, width] = this.host.model().shape;
    const factor = Math.max(1, Math.round(160 / Math.max(height, width)));
    const one = make("canvas", { width, height });
    const large = make("canvas", { width: factor * width, height: factor * height });
    const pen = context(large);
    pen.imageSmoothingEnabled = false;
    const frames = walk2.images.map((values) => {
      context(one).putImageData(new ImageData(levels(values, this.host.model().shape), width, height), 0, 0);
      pen.drawImage(one, 0, 0, large.width, large.height);
      return pen.getImageData(0, 0, large.width, large.height);
    });
    return { frames, width: large.width, height: large.height };
  }
  saveGif() {
    const { frames, width, height } = this.enlarged();
    const there = frames.map((frame2) => frame2.data);
    const back = there.slice(1, -1).reverse();
    const bytes = encodeGif([...there, ...back], width, height, { delay_ms: FRAME_MS, loop: 0 });
    save(new Blob([
      /** @type {Uint8Array<ArrayBuffer>} */
      bytes
    ], { type: "image/gif" }), `walk-${this.kind}.gif`);
  }
  savePng() {
    const { frames, width, height } = this.enlarged();
    const row = make("canvas", { width: frames.length * (width + 2) - 2, height });
    frames.forEach((frame2, k) => context(row).putImageData(frame2, k * (width + 2), 0));
    row.toBlob((blob) => blob && save(blob, `walk-${this.kind}.png`));
  }
};
function total(walk2) {
  return walk2 ? walk2.steps.reduce((sum2, step) => sum2 + step, 0) : 0;
}

// explorer/browser/latent_map/keyboard.js
var STEP2 = 8;
var SIDEWAYS2 = 1.2;
var ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function direction(key) {
  return ARROWS[key] ?? [0, 0];
}
function pressKey(map, event) {
  const [dx, dy] = direction(event.key);
  if (dx || dy) {
    if (event.shiftKey || !map.model.hasPoints) moveFreely(map, dx, dy);
    else walk(map, dx, dy);
  } else if (event.key === "Enter") map.click(map.pointer.cursor);
  else if (event.key === "Escape") map.pointer.leave();
  else if (event.key === "+" || event.key === "=") map.scatter.zoom(0.8, map.pointer.cursor);
  else if (event.key === "-") map.scatter.zoom(1.25, map.pointer.cursor);
  else if (event.key === "0" || event.key === "Home") map.scatter.reset();
  else return false;
  return true;
}
function walk(map, dx, dy) {
  const next = nextPoint(map.scatter.stagePlaces(), map.pointer.cursor, [dx, dy], (n) => map.scatter.isShown(n));
  if (next === null) return;
  const places = map.scatter.stagePlaces();
  map.pointer.to([places[2 * next], places[2 * next + 1]]);
}
function moveFreely(map, dx, dy) {
  const view = map.view;
  map.pointer.to([
    Math.min(Math.max(map.pointer.cursor[0] + dx * STEP2, view.left), view.left + view.width),
    Math.min(Math.max(map.pointer.cursor[1] + dy * STEP2, view.top), view.top + view.height)
  ]);
}
function nextPoint(places, from, [dx, dy], isShown) {
  let best = null;
  let least = Infinity;
  for (let n = 0; n < places.length / 2; n++) {
    const [x, y] = [places[2 * n] - from[0], places[2 * n + 1] - from[1]];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy - y * dx);
    if (ahead < 1 || aside > SIDEWAYS2 * ahead || !isShown(n)) continue;
    const cost = ahead * ahead + 4 * aside * aside;
    if (cost < least) [best, least] = [n, cost];
  }
  return best;
}

// explorer/browser/latent_map/every_beta.js
var FIRST = 1;
var EveryBeta = class {
  /**
   * @param {HTMLElement} place
   * @param {LatentMap} map
   */
  constructor(place, map) {
    this.place = place;
    this.map = map;
    this.row = betaRow();
    this.range = new BetaRange(this.row, { slide: () => this.turn(), rest: () => this.settle() });
    this.scores = make("p", { className: "beta-scores" });
    place.replaceChildren(this.row, this.scores);
    this.url = "";
    this.curve = null;
  }
  get beta() {
    return this.range.beta;
  }
  /** What a link has, before the slider's range is known. */
  set beta(beta) {
    this.range.put(beta);
  }
  /** Shows the slider if the model on the map has one, and fetches its codes. */
  async offer() {
    const betas = this.map.data?.betas ?? null;
    this.place.hidden = betas === null;
    if (!betas) this.forget();
    if (!betas || this.url === betas.url) return;
    this.forget();
    this.url = betas.url;
    this.scores.textContent = "Encoding the test images at every β…";
    try {
      const bytes = await fetchOnce(betas.url, (answer) => answer.arrayBuffer());
      if (this.url !== betas.url) return;
      this.curve = new MultirateModel(new Uint8Array(bytes));
    } catch (error) {
      if (this.url === betas.url) this.scores.textContent = `No other β: ${/** @type {Error} */
      error.message}.`;
      return;
    }
    this.range.range = this.curve.range;
    this.range.put(Math.min(Math.max(this.beta, Math.exp(this.curve.range[0])), Math.exp(this.curve.range[1])));
    this.range.mark(betas.threshold);
    if (this.beta === FIRST) this.write();
    else this.settle();
  }
  forget() {
    this.range.stop();
    this.url = "";
    this.curve = null;
  }
  /** The map goes to the slider's β, once a frame. */
  turn() {
    const { curve, map } = this;
    if (!curve || !map.loaded) return;
    map.model.turnTo(curve.testSetAt(this.beta));
    map.codesMoved(curve.reach);
    this.write();
  }
  /** The slider rests: what takes longer follows too. */
  settle() {
    this.turn();
    if (this.map.loaded) this.map.codesRest();
  }
  /** Mean scores of the images that are shown. */
  write() {
    const model = this.map.loaded;
    if (!model) return;
    const mean2 = (values) => Array.from(values).reduce((sum2, v) => sum2 + v, 0) / model.count;
    const [distortion, rate] = [mean2(model.distortions ?? []), mean2(model.rates)];
    this.scores.replaceChildren(
      why("distortion"),
      ` ${shown(distortion)} + `,
      why("rate"),
      ` ${shown(rate)} = `,
      why("negative_elbo"),
      ` ${shown(distortion + rate)} nats, mean of the ${model.count.toLocaleString("en")} images shown${model.caveat}; ellipses: `,
      why("ellipse", "posteriors q(z|x)")
    );
  }
};

// explorer/browser/latent_map/posteriors.js
var RESTS_MS = 120;
var SHARE_MS = 6;
var BATCH = 50;
function drawPosteriors(pen, view, map, points) {
  pen.lineWidth = 1;
  pen.strokeStyle = `rgba(120,130,150,${Math.max(0.08, Math.min(0.5, 150 / map.model.count))})`;
  for (const n of points) tracePosterior(pen, view, map, n, 1);
}
function tracePosterior(pen, view, map, n, sigmas) {
  const { size, logVariances } = map.model;
  const axes = map.data?.plane?.axes;
  if (!axes || !logVariances) return;
  const row = logVariances.subarray(n * size, (n + 1) * size);
  const place = map.placeOf(n);
  if (size > 1) traceEllipse(pen, view, place, ellipse(row, axes), sigmas);
  else traceSpread(pen, view, place, sigmas * Math.exp(0.5 * row[0]));
}
var Posteriors = class {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.finished = null;
    this.begun = null;
    this.timer = 0;
    this.frame = 0;
  }
  end() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.begun = null;
  }
  /**
   * Paints the latest picture where it belongs in this view, and has a new one drawn if it must.
   * @param {Pen} pen
   * @param {View} view
   */
  paint(pen, view) {
    if (this.finished && !this.isOfThesePoints(this.finished)) this.finished = null;
    if (this.begun && !this.isOf(this.begun, view)) this.end();
    const picture2 = this.finished ?? this.begun;
    if (picture2) put(pen, view, picture2);
    if (this.begun || this.finished && this.isOf(this.finished, view)) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.begin(view), this.finished ? RESTS_MS : 0);
  }
  /** @param {Picture} picture */
  isOfThesePoints({ content, points }) {
    return content === this.map.scatter.content && points === this.map.scatter.shown;
  }
  /**
   * @param {Picture} picture
   * @param {View} view
   */
  isOf(picture2, view) {
    const ends = ({ x, y, width, height }) => [...x, ...y, width, height].join();
    return this.isOfThesePoints(picture2) && picture2.ratio === window.devicePixelRatio && ends(picture2.view) === ends(view);
  }
  /** @param {View} view */
  begin(view) {
    const ratio2 = window.devicePixelRatio;
    const [width, height] = [Math.round(view.width * ratio2), Math.round(view.height * ratio2)];
    const canvas = make("canvas", { width, height });
    const pen = context(canvas);
    pen.scale(ratio2, ratio2);
    pen.translate(-view.left, -view.top);
    const { content, shown: points } = this.map.scatter;
    this.begun = { canvas, view, ratio: ratio2, content, points, done: 0 };
    this.draw();
  }
  /** Draws some more; the marks show them at once where there is no earlier picture. */
  draw() {
    const picture2 = (
      /** @type {Picture} */
      this.begun
    );
    const { canvas, view, points } = picture2;
    const end = performance.now() + SHARE_MS;
    while (picture2.done < points.length && performance.now() < end) {
      const next = points.subarray(picture2.done, picture2.done + BATCH);
      drawPosteriors(context(canvas), view, this.map, next);
      picture2.done += next.length;
    }
    if (picture2.done < points.length) {
      this.frame = requestAnimationFrame(() => this.draw());
    } else {
      this.finished = picture2;
      this.begun = null;
    }
    if (this.finished === null || this.begun === null) this.map.drawMarks();
  }
};
function put(pen, view, { canvas, view: { x, y } }) {
  const [left, top] = view.toPixels([x[0], y[1]]);
  const [right, bottom] = view.toPixels([x[1], y[0]]);
  pen.drawImage(canvas, left, top, right - left, bottom - top);
}

// explorer/browser/latent_map/marks.js
var WALK = "#e76300";
var TOUCHED2 = "#1b2330";
var TRIED = "#7a2fd0";
var TRUE = "#00796b";
var ARROW = "#bd1f01";
var MOST_NAMED = 30;
function paintMarks(map) {
  const pen = clippedPen(map, ".marks");
  drawMarks(pen, map.view, map, () => map.posteriors.paint(pen, map.view));
}
function paintTouched(map) {
  if (!map.scatter.view) return;
  const pen = clippedPen(map, ".moving");
  drawTouched(pen, map.view, map);
  if (map.ghost?.at) drawGhost(pen, map.ghost.at);
}
function paintOutline(map, outline) {
  const pen = clippedPen(map, ".moving");
  if (!outline) return;
  pen.beginPath();
  outline.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
  pen.closePath();
  pen.fillStyle = "rgba(47,116,181,.15)";
  pen.fill();
  pen.strokeStyle = "#2f74b5";
  pen.lineWidth = 1.5;
  pen.stroke();
}
function clippedPen(map, layer2) {
  const pen = sized(part(map.root, layer2), map.stage, window.devicePixelRatio || 1);
  const { left, top, width, height } = map.view;
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  return pen;
}
function drawMarks(pen, view, map, drawAll = () => drawPosteriors(pen, view, map, map.scatter.shown)) {
  const prior = map.toolbar.prior && map.data?.prior;
  if (prior) drawPrior(pen, view, prior, { isLine: map.model.size < 2, isOnPictures: map.toolbar.background === "grid" });
  if (map.toolbar.posterior === "all") drawAll();
  drawChosen(pen, view, map);
  if (map.toolbar.names) drawNames(pen, view, map);
  if (map.toolbar.means) drawMeans(pen, view, map);
  for (const { z, text } of map.inspector.marks()) drawTried(pen, view.toPixels(map.onMap(z)), text);
  if (map.path.length) traceSteps(pen, view, map.path.map((z) => map.onMap(z)), WALK);
  if (map.step !== null && map.path[map.step]) ring(pen, view, map.onMap(map.path[map.step]), 8, WALK);
  drawArrow(pen, view, map);
  drawDrawn(pen, view, map);
  drawBest(pen, view, map);
  if (map.point !== null && map.point < map.model.count) {
    ring(pen, view, map.placeOf(map.point), 8, SELECTED);
    drawPosterior(pen, view, map, map.point, SELECTED);
  }
}
function drawTouched(pen, view, map) {
  if (map.pointer.touched === null) return;
  ring(pen, view, map.placeOf(map.pointer.touched), 7, TOUCHED2);
  drawPosterior(pen, view, map, map.pointer.touched, TOUCHED2);
}
function drawChosen(pen, view, map) {
  pen.strokeStyle = SELECTED;
  pen.lineWidth = 1.5;
  for (const n of map.selection.chosen) {
    const [x, y] = view.toPixels(map.placeOf(n));
    pen.beginPath();
    pen.arc(x, y, 4.5, 0, 2 * Math.PI);
    pen.stroke();
  }
}
function drawPosterior(pen, view, map, n, colour) {
  if (map.toolbar.posterior === "none") return;
  pen.strokeStyle = colour;
  for (const [sigmas, width] of [[1, 2], [2, 1]]) {
    pen.lineWidth = width;
    tracePosterior(pen, view, map, n, sigmas);
  }
}
function drawNames(pen, view, map) {
  const { groups, shades } = map.scatter.content ?? { groups: [], shades: null };
  if (shades || groups.length < 2 || groups.length > MOST_NAMED) return;
  map.middles().forEach((middle, i) => {
    if (middle && !map.scatter.hidden.has(i)) named(pen, view.toPixels(middle), groups[i].name);
  });
}
function drawMeans(pen, view, map) {
  const { labels, names } = map.model;
  const positions = map.scatter.content?.positions;
  if (!labels || !positions) return;
  classMeans(positions, labels, names.length).forEach((mean2, label) => {
    if (mean2 && !map.scatter.hidden.has(label)) cross(pen, view, mean2, names[label]);
  });
}
function drawTried(pen, [x, y], text) {
  const arm = text ? 7 : 3;
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 4], [TRIED, 2]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x - arm, y);
    pen.lineTo(x + arm, y);
    pen.moveTo(x, y - arm);
    pen.lineTo(x, y + arm);
    pen.stroke();
  }
  if (text) named(pen, [x, y - 12], text);
}
function drawArrow(pen, view, map) {
  const arrow = map.data?.arrow;
  if (!arrow || !map.data?.plane || arrow.to.length !== map.model.size) return;
  const [tail, head] = [arrow.from, arrow.to].map((z) => view.toPixels(map.onMap(z)));
  const turn = Math.atan2(head[1] - tail[1], head[0] - tail[0]);
  const barb = (side) => [
    head[0] - 13 * Math.cos(turn + side),
    head[1] - 13 * Math.sin(turn + side)
  ];
  for (
    const [style, width] of
    /** @type {[string, number][]} */
    [["#fff", 6], [ARROW, 3]]
  ) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    for (const [from, to] of [[tail, head], [barb(0.45), head], [barb(-0.45), head]]) {
      pen.moveTo(from[0], from[1]);
      pen.lineTo(to[0], to[1]);
    }
    pen.stroke();
  }
  named(pen, [head[0] + 18 * Math.cos(turn), head[1] + 18 * Math.sin(turn)], arrow.name);
}
function drawBest(pen, view, map) {
  const best = map.truth.found?.best;
  const axes = map.data?.plane?.axes;
  if (!best || !axes) return;
  const logVariance = Array.from(best.sigma, (sigma) => 2 * Math.log(sigma));
  pen.strokeStyle = TRUE;
  pen.setLineDash([5, 4]);
  for (const [sigmas, width] of [[1, 2], [2, 1]]) {
    pen.lineWidth = width;
    traceEllipse(pen, view, map.onMap(best.mean), ellipse(logVariance, axes), sigmas);
  }
  pen.setLineDash([]);
}
function drawDrawn(pen, view, map) {
  const drawn = map.data?.drawn;
  if (!drawn || drawn.mean.length !== map.model.size) return;
  const place = map.onMap(drawn.mean);
  ring(pen, view, place, 7, DRAWN);
  const axes = map.data?.plane?.axes;
  if (!axes || !drawn.log_variance || map.model.size < 2) return;
  pen.strokeStyle = DRAWN;
  pen.lineWidth = 2;
  for (const sigmas of [1, 2]) traceEllipse(pen, view, place, ellipse(drawn.log_variance, axes), sigmas);
}

// explorer/browser/latent_map/ghost.js
var ROUND_MS = 16e3;
var FRAME_MS2 = 50;
var MOST_MS = 64e3;
var everyone = { isAlive: true };
var Ghost = class {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.frame = 0;
    this.drawn = 0;
    this.began = 0;
    this.at = null;
    this.isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.ended = new AbortController();
    const leave = () => this.leave();
    for (const event of ["pointermove", "pointerdown", "keydown"]) {
      map.stage.addEventListener(event, leave, { signal: this.ended.signal });
    }
  }
  /** The map is drawn: the walk begins, or goes on. */
  walk() {
    cancelAnimationFrame(this.frame);
    if (!everyone.isAlive || !this.map.loaded || !this.map.plane) return;
    if (this.map.loaded.isNoise) return;
    const step = (now) => {
      if (!everyone.isAlive || !this.map.plane || !this.map.nearest) return this.vanish();
      this.began ||= now;
      if (now - this.drawn >= FRAME_MS2) {
        this.drawn = now;
        this.look((now - this.began) % ROUND_MS / ROUND_MS);
      }
      if (!this.isStill && now - this.began < MOST_MS) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }
  /**
   * Decodes the spot of this moment, as a pointer there would.
   * @param {number} share of the round
   */
  look(share) {
    this.at = this.map.view.toPixels(this.placeAt(share));
    this.map.pointer.look(this.at, false);
    paintTouched(this.map);
  }
  /**
   * To and fro between the first two pins; without them, round the middle of the map.
   * @param {number} share
   */
  placeAt(share) {
    const { plane, view } = this.map;
    const ends = this.map.pins.all.slice(0, 2).map(({ z }) => (
      /** @type {Plane} */
      plane.project(z)
    ));
    if (ends.length === 2) {
      const way = this.isStill ? 0.3 : 0.5 - 0.5 * Math.cos(2 * Math.PI * share);
      return [0, 1].map((axis) => (1 - way) * ends[0][axis] + way * ends[1][axis]);
    }
    const angle = 2 * Math.PI * (this.isStill ? 0.1 : share);
    const middle = [(view.x[0] + view.x[1]) / 2, (view.y[0] + view.y[1]) / 2];
    const radius = 0.22 * Math.min(view.x[1] - view.x[0], view.y[1] - view.y[0]);
    return [middle[0] + radius * Math.cos(angle), middle[1] + radius * Math.sin(angle)];
  }
  /** Somebody is there: no ghost walks on any map of this page any more. */
  leave() {
    everyone.isAlive = false;
    this.vanish();
  }
  /** Takes its arrow and its lens along; what somebody touches meanwhile stays. */
  vanish() {
    if (!this.at) return;
    this.rest();
    this.map.panel.hide();
    paintTouched(this.map);
  }
  /** Goes; it may come back with the next model. */
  rest() {
    cancelAnimationFrame(this.frame);
    this.at = null;
  }
  end() {
    this.rest();
    this.ended.abort();
  }
};
function drawGhost(pen, [x, y]) {
  pen.save();
  pen.translate(x, y);
  pen.beginPath();
  for (const [across, down] of [[0, 0], [0, 17], [4.5, 13], [7.5, 20], [10.5, 18.7], [7.5, 12], [13, 12]]) {
    pen.lineTo(across, down);
  }
  pen.closePath();
  pen.fillStyle = "#ffffff";
  pen.strokeStyle = "#1b2330";
  pen.lineWidth = 1.6;
  pen.fill();
  pen.stroke();
  pen.restore();
}

// explorer/browser/latent_map/look.js
var DEFAULTS = {
  prior: true,
  means: false,
  names: true,
  truth: false,
  standard: false,
  posterior: "touched",
  background: "none",
  anchor: "home",
  hidden: [],
  ranges: null,
  tab: "image",
  z: [],
  draw: 0,
  side: 15,
  beta: 1
};
function lookOf(map) {
  const { toolbar, scatter, inspector } = map;
  const view = scatter.view;
  return {
    prior: toolbar.prior,
    means: toolbar.means,
    names: toolbar.names,
    truth: map.truth.isWanted,
    standard: inspector.parts.prior.asPrior.checked,
    posterior: toolbar.posterior,
    background: toolbar.background,
    anchor: toolbar.anchor,
    hidden: [...scatter.hidden].sort((a, b) => a - b),
    ranges: view && !scatter.isHome ? { x: shortPair(view.x), y: shortPair(view.y) } : null,
    tab: inspector.open,
    z: Array.from(inspector.parts.hand.z, short),
    draw: inspector.parts.prior.seed,
    side: inspector.parts.grid.side,
    beta: short(map.everyBeta.beta)
  };
}
function restoreLook(map, look) {
  const { toolbar, inspector } = map;
  const wanted = { ...DEFAULTS, ...look };
  const { prior, means, names, posterior, background, anchor } = wanted;
  Object.assign(toolbar, { prior, means, names, posterior, background, anchor });
  map.truth.isWanted = wanted.truth;
  inspector.open = inspector.offered.includes(wanted.tab) ? wanted.tab : inspector.offered[0];
  inspector.parts.hand.z = wanted.z;
  inspector.parts.prior.seed = wanted.draw;
  inspector.parts.prior.asPrior.checked = wanted.standard;
  inspector.parts.grid.side = wanted.side;
  map.everyBeta.beta = wanted.beta;
}
function restoreView({ scatter }, look) {
  scatter.hide(look?.hidden ?? []);
  if (look?.ranges) scatter.look(look.ranges);
  else scatter.reset();
}
function short(value) {
  return Number(value.toPrecision(4));
}
function shortPair([low, high]) {
  return [Number(low.toPrecision(6)), Number(high.toPrecision(6))];
}

// explorer/browser/latent_map/link.js
var SETTLED_MS = 250;
var MOST_NUMBERS3 = 256;
var Link = class {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.timer = 0;
    this.told = null;
  }
  /** @returns {Touch} what the link keeps */
  touch() {
    const { has, pins, point, model } = this.map;
    const kept = model.size > MOST_NUMBERS3 ? [] : pins.all.map((pin) => ({ ...pin }));
    return { model: has.model, pins: kept, point, look: lookOf(this.map) };
  }
  /** What is shown is what the link says. */
  settle() {
    this.told = JSON.stringify(this.touch());
  }
  /** Nothing is to be told of what has just changed. */
  hush() {
    clearTimeout(this.timer);
  }
  /** Another model is on its way. */
  forget() {
    this.hush();
    this.told = null;
  }
  /** Something has changed: Python hears of it soon. */
  remember() {
    this.hush();
    if (!this.map.loaded) return;
    this.timer = window.setTimeout(() => {
      const touch = this.touch();
      const text = JSON.stringify(touch);
      if (text !== this.told) this.map.tell(touch);
      this.told = text;
    }, SETTLED_MS);
  }
};

// explorer/browser/latent_map/pin_places.js
function pinPixels(map, pin) {
  const view = map.view;
  if (!map.plane) return view.toPixels(map.placeOf(pin.point ?? map.model.nearestCode(pin.z)));
  const [x, y] = view.toPixels(map.plane.project(pin.z));
  return [x, map.model.size === 1 ? view.top + view.height / 2 : y];
}
function movedPin(map, pin, pixel) {
  const view = map.view;
  const place = view.toPlace([
    Math.min(Math.max(pixel[0], view.left), view.left + view.width),
    Math.min(Math.max(pixel[1], view.top), view.top + view.height)
  ]);
  if (!map.plane) {
    const near = map.nearest?.(place) ?? null;
    return near === null ? pin : { ...pin, z: [...map.model.codeOf(near)], point: near };
  }
  const from = map.plane.project(pin.z);
  const [a, b] = map.data?.plane?.axes ?? [[], []];
  const z = pin.z.map((v, j) => v + (place[0] - from[0]) * a[j] + (place[1] - from[1]) * b[j]);
  return { ...pin, z, point: null };
}

// explorer/browser/latent_map/hosts.js
var scatterHost = (map) => ({
  under: (pen, view) => {
    for (const layer2 of [map.background, map.truth.layer]) if (layer2) drawBackground(pen, view, layer2);
  },
  changed: () => map.viewChanged(),
  thumbnail: (n) => map.thumbnails.of(n)
});
var gestureHost = (map) => ({
  contains: (pixel) => map.contains(pixel),
  hover: (pixel) => pixel ? map.pointer.follow(pixel) : map.pointer.leave(),
  click: (pixel) => map.click(pixel),
  doubleClick: () => map.doubleClick(),
  pan: (dx, dy) => map.scatter.pan(dx, dy),
  zoom: (factor, pixel) => map.scatter.zoom(factor, pixel),
  outline: (outline) => paintOutline(map, outline),
  select: (outline) => map.choose(inside(outline, map.scatter.stagePlaces(), (n) => map.scatter.isShown(n)))
});
var pinsHost = (map) => ({
  model: () => map.model,
  pixels: (pin) => map.pinPixels(pin),
  move: (pin, pixel) => movedPin(map, pin, pixel),
  clicked: (pin, time) => map.gestures.tap(map.pinPixels(pin), time, () => map.clickPin(pin)),
  changed: (isFinal) => map.pinsChanged(isFinal)
});
var walkHost = (map) => ({
  model: () => map.model,
  drawn: (path, at) => map.showPath(path, at),
  large: (values) => map.panel.large(values, map.model.shape)
});
var selectionHost = (map) => ({
  pin: (z) => map.pin(z, null),
  cleared: () => map.requestMarks()
});
var inspectorHost = (map) => ({
  model: () => map.model,
  original: (n) => map.originals.of(n),
  originals: () => map.originals.count,
  note: () => map.data?.note ?? "",
  download: () => document.querySelector(`.st-key-download-${map.data?.download || "nothing"} button`),
  point: () => map.point,
  select: (n) => map.select(n),
  pin: (z) => map.pin(z, null),
  axes: () => map.data?.latents ?? [0, 1],
  truth: () => map.truth,
  marked: () => map.requestMarks(),
  changed: () => map.remember()
});

// explorer/browser/numerics/aggregate_posterior.js
var DRAWS = 500;
var RARE = 0.01;
var ALONE = 0.9;
function logPrior(z) {
  return -0.5 * z.reduce((sum2, v) => sum2 + v * v, z.length * Math.log(2 * Math.PI));
}
function buildAggregate(size, means, logVariances) {
  const tiles = tileCodes(size, means, logVariances);
  const total2 = means.length / size;
  const reach = Math.log(total2) + 14;
  const constant = 0.5 * size * Math.log(2 * Math.PI);
  const bounds2 = new Float64Array(tiles.count);
  return (z, without) => {
    const skip = without === void 0 ? -1 : tiles.places[without];
    const summed = skip < 0 ? total2 : total2 - 1;
    let best = 0;
    for (let t = 0; t < tiles.count; t++) {
      bounds2[t] = tileBound(tiles, t, z);
      if (bounds2[t] > bounds2[best]) best = t;
    }
    const sum2 = { largest: -Infinity, scaled: 0, skip };
    addTile(tiles, best, z, reach, sum2);
    for (let t = 0; t < tiles.count; t++) {
      if (t !== best && bounds2[t] > sum2.largest - reach) addTile(tiles, t, z, reach, sum2);
    }
    return summed ? sum2.largest + Math.log(sum2.scaled) - Math.log(summed) - constant : -Infinity;
  };
}
function usualDensity(size, means, logVariances, aggregate) {
  const total2 = means.length / size;
  if (total2 < 2) return { least: -Infinity, thin: false };
  const normal = normals(0);
  let alone = 0;
  const densities = Float64Array.from({ length: DRAWS }, (_, i) => {
    const n = Math.floor(i * total2 / DRAWS);
    let own = -0.5 * size * Math.log(2 * Math.PI);
    const z = Float64Array.from({ length: size }, (_value, j) => {
      const noise = normal();
      const at = n * size + j;
      own -= 0.5 * (noise * noise + logVariances[at]);
      return means[at] + Math.exp(logVariances[at] / 2) * noise;
    });
    const others = aggregate(z, n);
    if (own > others + Math.log(total2 - 1)) alone += 1;
    return others;
  }).sort();
  return { least: densities[Math.floor(RARE * DRAWS)], thin: alone > ALONE * DRAWS };
}
function tileCodes(size, means, logVariances) {
  const members = 64;
  const total2 = means.length / size;
  const order = tileOrder(size, means, members);
  const count = Math.ceil(total2 / members);
  const edges = Uint32Array.from({ length: count + 1 }, (_, t) => Math.min(total2, t * members));
  const low = new Float64Array(count * size).fill(Infinity);
  const high = new Float64Array(count * size).fill(-Infinity);
  const slack = new Float64Array(count * size).fill(Infinity);
  const base = new Float64Array(count).fill(Infinity);
  const stride = 1 + 2 * size;
  const codes = new Float64Array(total2 * stride);
  const places = new Uint32Array(total2);
  for (let n = 0; n < total2; n++) {
    const tile = Math.floor(n / members);
    places[order[n]] = n;
    let logDeterminant = 0;
    for (let j = 0; j < size; j++) {
      const from = order[n] * size + j;
      const at = tile * size + j;
      const precision = Math.exp(-logVariances[from]);
      logDeterminant += logVariances[from];
      codes[n * stride + 1 + 2 * j] = means[from];
      codes[n * stride + 2 + 2 * j] = precision;
      low[at] = Math.min(low[at], means[from]);
      high[at] = Math.max(high[at], means[from]);
      slack[at] = Math.min(slack[at], precision);
    }
    codes[n * stride] = logDeterminant;
    base[tile] = Math.min(base[tile], logDeterminant);
  }
  return { count, size, edges, low, high, slack, base, codes, places };
}
function tileOrder(size, means, members) {
  const total2 = means.length / size;
  const [first, second] = widestLatents(size, means);
  const along = (j) => (m, n) => means[m * size + j] - means[n * size + j];
  const order = Uint32Array.from({ length: total2 }, (_, n) => n).sort(along(first));
  const strip = members * Math.ceil(Math.sqrt(total2 / members));
  for (let n = 0; n < total2; n += strip) order.subarray(n, n + strip).sort(along(second));
  return order;
}
function widestLatents(size, means) {
  const sums = new Float64Array(size);
  const squares = new Float64Array(size);
  means.forEach((value, i) => {
    sums[i % size] += value;
    squares[i % size] += value * value;
  });
  const spread2 = squares.map((square, j) => square - sums[j] * sums[j] * size / means.length);
  const order = [...spread2.keys()].sort((i, j) => spread2[j] - spread2[i]);
  return [order[0], order[Math.min(1, size - 1)]];
}
function tileBound({ size, low, high, slack, base }, tile, z) {
  let square = base[tile];
  for (let j = 0, i = tile * size; j < size; j++, i++) {
    const gap = Math.max(0, low[i] - z[j], z[j] - high[i]);
    square += gap * gap * slack[i];
  }
  return -0.5 * square;
}
function addTile({ size, edges, codes }, tile, z, reach, sum2) {
  let { largest, scaled } = sum2;
  for (let n = edges[tile], i = n * (1 + 2 * size); n < edges[tile + 1]; n++) {
    let square = codes[i++];
    for (let j = 0; j < size; j++, i += 2) square += (z[j] - codes[i]) ** 2 * codes[i + 1];
    if (n === sum2.skip) continue;
    const term = -0.5 * square;
    if (term > largest) {
      scaled = scaled * Math.exp(largest - term) + 1;
      largest = term;
    } else if (term > largest - reach) scaled += Math.exp(term - largest);
  }
  Object.assign(sum2, { largest, scaled });
}

// explorer/browser/latent_map/holes.js
var SAMPLED = 400;
var USUAL = 0.99;
function buildHoles(means, size) {
  const count = means.length / size;
  if (count < 2) return () => false;
  const step = Math.max(1, Math.floor(count / SAMPLED));
  const gaps = [];
  for (let n = 0; n < count; n += step) gaps.push(nearest2(means, size, means.subarray(n * size, (n + 1) * size), n));
  gaps.sort((a, b) => a - b);
  const usual = gaps[Math.min(gaps.length - 1, Math.floor(USUAL * gaps.length))];
  return (z) => nearest2(means, size, z, -1) > usual;
}
function nearest2(means, size, z, itself) {
  let least = Infinity;
  for (let n = 0, i = 0; i < means.length; n++, i += size) {
    if (n === itself) continue;
    let distance2 = 0;
    for (let j = 0; j < size; j++) distance2 += (means[i + j] - z[j]) ** 2;
    if (distance2 < least) least = distance2;
  }
  return least;
}

// explorer/browser/latent_map/model.js
var MOST_CLASSES = 20;
var SUBSTITUTES = { grid: "between grid points", nearest: "nearest decoded code", noise: "the noise itself" };
var OF_IMAGES = { source: "of the test images, not decoded", caption: "Nearest image" };
var LatentModel = class {
  /** @param {Uint8Array} file */
  constructor(file) {
    const { decode, header, arrays } = readModel(file);
    this.beta = null;
    this.decode = decode;
    this.exact = null;
    const first = header.layers[0];
    this.hasPictures = first !== void 0;
    this.source = (first && SUBSTITUTES[first.type]) ?? "";
    this.isNoise = first?.type === "noise";
    this.caption = "Decoded mean";
    if (!arrays.mean) this.caption = "Generated image";
    if (first?.type === "nearest" && first.of === "image") Object.assign(this, OF_IMAGES);
    this.shape = header.image_shape;
    this.size = header.latent_dim;
    this.names = header.class_names;
    this.means = arrays.mean ?? new Float32Array();
    this.distortions = arrays.distortion ?? null;
    this.count = this.means.length / this.size;
    this.logVariances = arrays.log_variance ?? null;
    this.labels = arrays.labels ?? null;
    this.factors = arrays.factors ?? null;
    this.factorCount = this.factors ? this.factors.length / this.count : 0;
    this.aggregate = this.logVariances ? buildAggregate(this.size, this.means, this.logVariances) : null;
    this.known = null;
    this.rates = this.ratePerImage();
    this.moments = momentsOf(this.means, this.size);
    this.holesOf = null;
    this.noise = header.noise;
    this.sigmas = arrays.sigma ?? null;
    this.gap = null;
  }
  /** Whether test images have codes; without an encoder there is a decoder alone. */
  get hasPoints() {
    return this.count > 0;
  }
  /** Whether codes are draws of N(0, I), or held near it: of a VAE, or of a generator of images. */
  get hasPrior() {
    return this.logVariances !== null || !this.hasPoints;
  }
  /**
   * The same model at another β: its decoder, and the test images that are known there.
   * Densities are left out until `measure` is asked for, for they take longer than a frame.
   * @param {{decode: LatentModel["decode"], means: Float32Array, logVariances: Float32Array,
   *   distortions: Float32Array, labels: Float32Array | null, gap: [number, number] | null}} at
   */
  turnTo(at) {
    Object.assign(this, at);
    this.count = at.means.length / this.size;
    this.aggregate = null;
    this.rates = this.ratePerImage();
  }
  /** Everything that follows from the codes. */
  measure() {
    this.aggregate = this.logVariances ? buildAggregate(this.size, this.means, this.logVariances) : null;
    this.moments = momentsOf(this.means, this.size);
  }
  /**
   * Whether a code lies in a hole; what is usual among the codes is measured when it is first asked.
   * @param {ArrayLike<number>} z
   */
  isHole(z) {
    if (this.holesOf?.means !== this.means) {
      this.holesOf = { means: this.means, test: buildHoles(this.means, this.size) };
    }
    return this.holesOf.test(z);
  }
  /**
   * Whether few codes are near: by their density, or of an autoencoder, whether it is a hole.
   * @param {Float32Array} z
   */
  isRare(z) {
    return this.logVariances ? this.density(z).rare : this.isHole(z);
  }
  /** Mean of every latent over the test set. */
  get centre() {
    return this.moments.centre;
  }
  /** Variance of every latent over the test set. */
  get spread() {
    return this.moments.spread;
  }
  /** How far sliders go: at least three standard deviations of the prior. */
  get reach() {
    return Math.max(3, Math.ceil(this.moments.most));
  }
  /** KL(q(z|x) ‖ p(z)) of every test image, nats; zeros for an autoencoder. */
  ratePerImage() {
    const rates = new Float32Array(this.count);
    for (let n = 0; n < this.count; n++) {
      for (const { rate } of this.latentsOf(n)) rates[n] += rate ?? 0;
    }
    return rates;
  }
  /**
   * μ, σ and KL in nats of every latent of a test image; σ and KL are null for an autoencoder.
   * @param {number} n
   * @returns {{mean: number, sigma: number | null, rate: number | null}[]}
   */
  latentsOf(n) {
    const rows = [];
    for (let i = n * this.size; i < (n + 1) * this.size; i++) {
      const [mean2, v] = [this.means[i], this.logVariances?.[i]];
      if (v === void 0) rows.push({ mean: mean2, sigma: null, rate: null });
      else rows.push({ mean: mean2, sigma: Math.exp(v / 2), rate: 0.5 * (mean2 * mean2 + Math.expm1(v) - v) });
    }
    return rows;
  }
  /** Whether p(x|z) is known, so that it can be drawn from. */
  get canSample() {
    return this.noise === "bernoulli" || this.noise === "gaussian";
  }
  /**
   * One draw of p(x|z), values as they are, also beyond [0, 1].
   * @param {Float32Array} mean the decoded mean
   * @param {() => number} uniform numbers in (0, 1)
   */
  sample(mean2, uniform) {
    if (this.noise === "bernoulli") return mean2.map((p) => uniform() < p ? 1 : 0);
    const { sigmas } = this;
    return mean2.map((m, i) => m + (sigmas ? sigmas[i % sigmas.length] : 0) * quantile(uniform()));
  }
  /**
   * Codes drawn from the prior; for an autoencoder from a Gaussian fitted to its test codes.
   * @param {number} count
   * @param {() => number} normal
   * @param {boolean} asPrior draws from N(0, I) for an autoencoder too
   * @returns {Float32Array[]}
   */
  drawCodes(count, normal, asPrior = false) {
    const one = (_, j) => this.hasPrior || asPrior ? normal() : this.centre[j] + Math.sqrt(this.spread[j]) * normal();
    return Array.from({ length: count }, () => Float32Array.from({ length: this.size }, one));
  }
  /** The mean code of every class that has images, by its name. */
  classMeanCodes() {
    const { labels, names } = this;
    if (!labels) return [];
    const sums = names.map(() => ({ count: 0, z: new Float64Array(this.size) }));
    labels.forEach((label, n) => {
      sums[label].count += 1;
      for (let j = 0; j < this.size; j++) sums[label].z[j] += this.means[n * this.size + j];
    });
    return sums.map(({ count, z }, i) => ({ name: names[i], z: Float32Array.from(z, (v) => v / count), count })).filter(({ count }) => count).slice(0, MOST_CLASSES);
  }
  /**
   * D, R and −ELBO of a test image in one line.
   * @param {number} n
   */
  scoreLine(n) {
    if (!this.distortions) return this.logVariances ? `R ${shown(this.rates[n], 1)} nats` : "";
    const d = this.distortions[n];
    if (!this.logVariances) return `D ${shown(d, 1)} nats. An autoencoder has no σ and no KL.`;
    return `D ${shown(d, 1)} + R ${shown(this.rates[n], 1)} = −ELBO ${shown(d + this.rates[n], 1)} nats${this.caveat}`;
  }
  /** What must be added to a score that was not measured. */
  get caveat() {
    if (!this.gap) return "";
    const [low, high] = this.gap.map((beta) => Number(beta.toPrecision(3)));
    return `, interpolated between the measured β = ${low} and ${high}`;
  }
  /**
   * The mean code of a test image.
   * @param {number} n
   */
  codeOf(n) {
    return this.means.slice(n * this.size, (n + 1) * this.size);
  }
  /** What is usual of ln q(z) among these codes, measured when it is first asked for. */
  get usual() {
    const { aggregate, logVariances } = this;
    if (!aggregate || !logVariances) return { least: -Infinity, thin: false };
    if (this.known?.aggregate !== aggregate) {
      this.known = { aggregate, usual: usualDensity(this.size, this.means, logVariances, aggregate) };
    }
    return this.known.usual;
  }
  /**
   * How likely prior and aggregate posterior hold a code; nothing to say of an autoencoder, and of
   * a model without points, the prior alone.
   * @param {Float32Array} z
   * @returns {Density}
   */
  density(z) {
    if (!this.aggregate) {
      const hasDensity = !this.hasPoints && !this.isNoise;
      return { logPrior: hasDensity ? logPrior(z) : null, logAggregate: null, rare: false, thin: false };
    }
    const logAggregate = this.aggregate(z);
    const { least, thin } = this.usual;
    return { logPrior: logPrior(z), logAggregate, rare: logAggregate < least, thin };
  }
  /**
   * The test image whose code is nearest to z, by Euclidean distance.
   * @param {ArrayLike<number>} z
   */
  nearestCode(z) {
    let [best, least] = [0, Infinity];
    for (let n = 0; n < this.count; n++) {
      let distance2 = 0;
      for (let j = 0; j < this.size; j++) distance2 += (this.means[n * this.size + j] - z[j]) ** 2;
      if (distance2 < least) [best, least] = [n, distance2];
    }
    return best;
  }
  /**
   * D and R of a test image: −ln p(x|z) as it was scored, and its posterior's KL to the prior.
   * @param {number} n
   */
  scoresOf(n) {
    if (!this.distortions) return this.scoreLine(n);
    const distortion = `D ${shown(this.distortions[n], 1)}`;
    if (!this.logVariances) return `${distortion} nats`;
    return `${distortion} + R ${shown(this.rates[n], 1)} nats${this.caveat}`;
  }
  /**
   * A test image's number and class.
   * @param {number} n
   */
  nameOf(n) {
    return `Image ${n}${this.labels ? ` · ${this.names[this.labels[n]]}` : ""}`;
  }
};
function momentsOf(means, size) {
  const count = means.length / size;
  const centre = new Float64Array(size);
  const spread2 = new Float64Array(size);
  let most = 0;
  for (let i = 0; i < means.length; i++) {
    centre[i % size] += means[i] / count;
    most = Math.max(most, Math.abs(means[i]));
  }
  for (let i = 0; i < means.length; i++) spread2[i % size] += (means[i] - centre[i % size]) ** 2 / count;
  return { centre, spread: spread2, most };
}

// explorer/browser/latent_map/originals.js
var Originals = class {
  constructor() {
    this.url = "";
    this.bytes = new Uint8Array();
    this.size = 1;
    this.count = 0;
  }
  forget() {
    Object.assign(this, { url: "", bytes: new Uint8Array(), count: 0 });
  }
  /**
   * @param {string} url where they come from
   * @param {Uint8Array} bytes grey levels, in the order N, C, H, W
   * @param {ImageShape} shape of one image
   */
  take(url, bytes, shape) {
    this.url = url;
    this.bytes = bytes;
    this.size = shape.reduce((product, side) => product * side);
    this.count = Math.floor(bytes.length / this.size);
  }
  /**
   * The pixels of test image n, values in [0, 1]; null where they are not here.
   * @param {number} n
   */
  of(n) {
    if (n >= this.count) return null;
    return Float32Array.from(this.bytes.subarray(n * this.size, (n + 1) * this.size), (v) => v / 255);
  }
};

// explorer/browser/numerics/svg.js
var STYLE = {
  strokeStyle: "#000",
  fillStyle: "#000",
  lineWidth: 1,
  font: "12px sans-serif",
  textAlign: "start",
  textBaseline: "alphabetic",
  imageSmoothingEnabled: true,
  globalAlpha: 1
};
var ANCHORS = (
  /** @type {Record<string, string>} */
  { center: "middle", right: "end", end: "end" }
);
var BASELINES = (
  /** @type {Record<string, string>} */
  { middle: "central", top: "text-before-edge" }
);
var KAPPA = 0.5522847498;
var SvgPen = class {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.parts = [];
    this.path = "";
    this.dash = [];
    this.clips = 0;
    this.stack = [];
    this.groups = 0;
    this.matrix = [1, 0, 0, 1, 0, 0];
    this.strokeStyle = STYLE.strokeStyle;
    this.fillStyle = STYLE.fillStyle;
    this.lineWidth = STYLE.lineWidth;
    this.font = STYLE.font;
    this.textAlign = STYLE.textAlign;
    this.textBaseline = STYLE.textBaseline;
    this.imageSmoothingEnabled = STYLE.imageSmoothingEnabled;
    this.globalAlpha = STYLE.globalAlpha;
  }
  /**
   * The whole drawing.
   * @param {string} background a colour
   */
  text(background) {
    const { width, height } = this;
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const sheet2 = `<rect width="${width}" height="${height}" fill="${escape(background)}"/>`;
    const open2 = "</g>".repeat(this.groups);
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${sheet2}
${this.parts.join("\n")}${open2}</svg>
`;
  }
  /**
   * Begins a named group, so that layers can be told apart; ends with `endLayer`.
   * @param {string} name
   */
  beginLayer(name) {
    this.parts.push(`<g id="${escape(name)}">`);
    this.groups++;
  }
  endLayer() {
    this.parts.push("</g>");
    this.groups--;
  }
  save() {
    const style = Object.fromEntries(Object.keys(STYLE).map((key) => [
      key,
      /** @type {any} */
      this[key]
    ]));
    this.stack.push({ matrix: this.matrix, style, groups: this.groups });
  }
  restore() {
    const state = this.stack.pop();
    if (!state) return;
    this.matrix = state.matrix;
    Object.assign(this, state.style);
    while (this.groups > state.groups) this.endLayer();
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  translate(x, y) {
    this.apply([1, 0, 0, 1, x, y]);
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  scale(x, y) {
    this.apply([x, 0, 0, y, 0, 0]);
  }
  /** @param {number} angle */
  rotate(angle) {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    this.apply([cos, sin, -sin, cos, 0, 0]);
  }
  /** @param {Matrix} other */
  apply([a, b, c, d, e, f]) {
    const [A, B, C, D, E, F] = this.matrix;
    this.matrix = [
      A * a + C * b,
      B * a + D * b,
      A * c + C * d,
      B * c + D * d,
      A * e + C * f + E,
      B * e + D * f + F
    ];
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  at(x, y) {
    const [a, b, c, d, e, f] = this.matrix;
    return `${short2(a * x + c * y + e)} ${short2(b * x + d * y + f)}`;
  }
  beginPath() {
    this.path = "";
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.path += `M${this.at(x, y)}`;
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${this.at(x, y)}`;
  }
  closePath() {
    this.path += "Z";
  }
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  rect(x, y, width, height) {
    this.moveTo(x, y);
    for (const [dx, dy] of [[width, 0], [width, height], [0, height]]) this.lineTo(x + dx, y + dy);
    this.closePath();
  }
  /**
   * A whole circle; parts of one are not drawn on the page.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius, 0);
  }
  /**
   * A whole ellipse, of four curves.
   * @param {number} x
   * @param {number} y
   * @param {number} a
   * @param {number} b
   * @param {number} angle
   */
  ellipse(x, y, a, b, angle) {
    const before = this.matrix;
    this.translate(x, y);
    this.rotate(angle);
    this.scale(a, b);
    this.moveTo(1, 0);
    let [u, v] = [1, 0];
    for (let quarter = 0; quarter < 4; quarter++) {
      const [w, z] = [-v, u];
      const ends = [this.at(u + KAPPA * w, v + KAPPA * z), this.at(w + KAPPA * u, z + KAPPA * v), this.at(w, z)];
      this.path += `C${ends.join(" ")}`;
      [u, v] = [w, z];
    }
    this.path += "Z";
    this.matrix = before;
  }
  clip() {
    const id = `clip-${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath><g clip-path="url(#${id})">`);
    this.groups++;
  }
  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }
  stroke() {
    if (!this.path) return;
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    this.parts.push(
      `<path d="${this.path}" fill="none" stroke="${escape(this.strokeStyle)}" stroke-width="${short2(this.lineWidth)}"${dash}${this.opacity()}/>`
    );
  }
  fill() {
    if (this.path) this.parts.push(`<path d="${this.path}" fill="${escape(this.fillStyle)}"${this.opacity()}/>`);
  }
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fillRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.fill();
  }
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  strokeRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.stroke();
  }
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  fillText(text, x, y) {
    this.write(text, x, y, `fill="${escape(this.fillStyle)}"`);
  }
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  strokeText(text, x, y) {
    const stroke2 = `stroke="${escape(this.strokeStyle)}" stroke-width="${short2(this.lineWidth)}"`;
    this.write(text, x, y, `fill="none" stroke-linejoin="round" ${stroke2}`);
  }
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {string} look
   */
  write(text, x, y, look) {
    const [, weight, size, family] = /^(?:(\d+|bold) )?([\d.]+px) (.+)$/.exec(this.font) ?? [];
    const font = `font-size="${size ?? "12px"}" font-family="${escape(family ?? "sans-serif")}"`;
    const anchor = ANCHORS[this.textAlign] ? ` text-anchor="${ANCHORS[this.textAlign]}"` : "";
    const baseline = BASELINES[this.textBaseline] ? ` dominant-baseline="${BASELINES[this.textBaseline]}"` : "";
    const bold = weight ? ` font-weight="${weight}"` : "";
    this.parts.push(
      `<text x="${short2(x)}" y="${short2(y)}" ${font}${bold}${anchor}${baseline} ${look}${this.transform()}${this.opacity()}>${escape(text)}</text>`
    );
  }
  /**
   * A canvas, as a picture of its own.
   * @param {{toDataURL: (type: string) => string}} picture
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  drawImage(picture2, x, y, width, height) {
    const look = this.imageSmoothingEnabled ? "" : ` style="image-rendering:pixelated"`;
    this.parts.push(
      `<image x="${short2(x)}" y="${short2(y)}" width="${short2(width)}" height="${short2(height)}" preserveAspectRatio="none" href="${picture2.toDataURL("image/png")}"${look}${this.transform()}${this.opacity()}/>`
    );
  }
  transform() {
    const isPlain = this.matrix.every((v, i) => v === (i === 0 || i === 3 ? 1 : 0));
    return isPlain ? "" : ` transform="matrix(${this.matrix.map(short2).join(" ")})"`;
  }
  opacity() {
    return this.globalAlpha === 1 ? "" : ` opacity="${short2(this.globalAlpha)}"`;
  }
};
function short2(value) {
  return String(Math.round(value * 100) / 100);
}
function escape(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

// explorer/browser/latent_map/picture.js
var VECTORS = 2e4;
var LEGEND = { row: 18, gap: 14 };
async function savePicture(map, kind) {
  if (kind === "svg") {
    save(new Blob([svgOf(map)], { type: "image/svg+xml" }), "latent-map.svg");
    return;
  }
  const canvas = pngOf(map);
  const blob = await new Promise((done) => canvas.toBlob(done));
  if (blob) save(blob, "latent-map.png");
}
function pngOf(map) {
  const ratio2 = 2 * (window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight } = map.stage;
  const height = clientHeight + legendHeight(map, width);
  const canvas = make("canvas", { width: Math.round(width * ratio2), height: Math.round(height * ratio2) });
  const pen = context(canvas);
  pen.setTransform(ratio2, 0, 0, ratio2, 0, 0);
  pen.fillStyle = backgroundOf(map);
  pen.fillRect(0, 0, width, height);
  const view = map.view;
  map.scatter.drawUnder(pen, view);
  const dots = make("canvas");
  map.scatter.drawPoints(dots, view, ratio2);
  pen.drawImage(dots, view.left, view.top, view.width, view.height);
  drawOver(pen, map);
  drawLegend(pen, map, clientHeight, width);
  return canvas;
}
function svgOf(map) {
  const { clientWidth: width, clientHeight } = map.stage;
  const drawing = new SvgPen(width, clientHeight + legendHeight(map, width));
  const pen = (
    /** @type {CanvasRenderingContext2D} */
    /** @type {unknown} */
    drawing
  );
  const layer2 = (name, draw) => {
    drawing.beginLayer(name);
    draw();
    drawing.endLayer();
  };
  layer2("ground-and-axes", () => map.scatter.drawUnder(pen, map.view));
  layer2("points", () => drawPoints(pen, map));
  layer2("marks", () => drawOver(pen, map));
  layer2("legend", () => drawLegend(pen, map, clientHeight, width));
  return drawing.text(backgroundOf(map));
}
function drawPoints(pen, map) {
  const view = map.view;
  clipped(pen, map, () => {
    if (map.scatter.shown.length > VECTORS) {
      const dots = make("canvas");
      map.scatter.drawPoints(dots, view, 2);
      pen.drawImage(dots, view.left, view.top, view.width, view.height);
    } else map.scatter.tracePoints(pen, view);
  });
}
function drawOver(pen, map) {
  clipped(pen, map, () => {
    drawMarks(pen, map.view, map);
    drawTouched(pen, map.view, map);
    for (const pin of map.pins.all) drawPin(pen, map.pinPixels(pin), pin.name);
  });
}
function clipped(pen, map, draw) {
  const { left, top, width, height } = map.view;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  draw();
  pen.restore();
}
function drawPin(pen, [x, y], name) {
  pen.beginPath();
  pen.arc(x, y, 12, 0, 2 * Math.PI);
  pen.fillStyle = "#1b2330";
  pen.fill();
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 2;
  pen.stroke();
  pen.fillStyle = "#ffffff";
  pen.font = "600 12px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(name, x, y);
  pen.textAlign = "start";
  pen.textBaseline = "alphabetic";
}
function legendRows(map, width) {
  const { groups, shades } = map.scatter.content ?? { groups: [], shades: null };
  const entries = [];
  if (shades || groups.length < 2 || groups.length > 40) return entries;
  let [x, row] = [10, 0];
  groups.forEach(({ name, colour }, i) => {
    if (map.scatter.hidden.has(i)) return;
    const wide = 20 + 7 * name.length;
    if (x + wide > width - 10) [x, row] = [10, row + 1];
    entries.push({ name, colour, x, row });
    x += wide + LEGEND.gap;
  });
  return entries;
}
function legendHeight(map, width) {
  const entries = legendRows(map, width);
  if (map.scale) return LEGEND.row + 10;
  return entries.length ? (entries[entries.length - 1].row + 1) * LEGEND.row + 8 : 0;
}
function drawLegend(pen, map, top, width) {
  const { ink, font } = map.scatter.theme();
  pen.font = `12px ${font}`;
  for (const { name, colour, x, row } of legendRows(map, width)) {
    const y = top + (row + 0.5) * LEGEND.row;
    pen.beginPath();
    pen.arc(x + 5, y, 5, 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
    pen.fillStyle = ink;
    pen.fillText(name, x + 15, y + 4);
  }
  if (map.scale) drawScale(pen, map.scale, top + 4, ink);
}
function drawScale(pen, { low, high, title, colours }, top, ink) {
  const step = 160 / colours.length;
  colours.forEach((colour, i) => {
    pen.fillStyle = colour;
    pen.fillRect(60 + i * step, top, step + 0.5, 12);
  });
  pen.fillStyle = ink;
  pen.fillText(shown(low, 1), 10, top + 11);
  pen.fillText(`${shown(high, 1)}  ${title}`, 228, top + 11);
}
function backgroundOf(map) {
  return getComputedStyle(map.root).getPropertyValue("--st-background-color").trim() || "#ffffff";
}

// explorer/browser/latent_map/pins.js
var MAX_PINS = 24;
var STEP3 = 8;
var Pins = class {
  /**
   * @param {HTMLElement} layer over the map
   * @param {HTMLElement} list below it
   * @param {Host} host
   */
  constructor(layer2, list, host) {
    this.layer = layer2;
    this.list = list;
    this.host = host;
    this.all = [];
    this.removed = null;
    this.exact = new ExactImages();
  }
  /** @param {Pin[]} pins */
  set(pins) {
    this.all = pins.map((pin) => ({ ...pin }));
    this.removed = null;
    this.render();
  }
  /**
   * @param {number[]} z
   * @param {number | null} point
   */
  add(z, point) {
    if (this.all.length >= MAX_PINS) {
      this.note(`At most ${MAX_PINS} pins: remove one first.`);
      return;
    }
    this.removed = null;
    this.all.push({ z, name: this.freeName(), point });
    this.render();
  }
  /** The first letter that no pin has. */
  freeName() {
    const taken = new Set(this.all.map((pin) => pin.name));
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    return letters.find((letter) => !taken.has(letter)) ?? "Pin";
  }
  /** @param {number} index */
  remove(index) {
    this.removed = [...this.all];
    this.all.splice(index, 1);
    this.finish();
  }
  removeAll() {
    this.removed = [...this.all];
    this.all = [];
    this.finish();
  }
  undo() {
    if (this.removed) this.all = this.removed;
    this.removed = null;
    this.finish();
  }
  finish() {
    this.render();
    this.host.changed(true);
  }
  /** Puts every pin where it is on the map: after a zoom, a pan, a drag. */
  place() {
    this.all.forEach((pin, i) => {
      const button = (
        /** @type {HTMLElement | undefined} */
        this.layer.children[i]
      );
      const [x, y] = this.host.pixels(pin);
      if (button) button.style.transform = `translate(${x}px, ${y}px)`;
    });
  }
  render() {
    this.layer.replaceChildren(...this.all.map((pin, i) => this.marker(pin, i)));
    const cards = this.all.map((pin, i) => this.card(pin, i));
    this.list.replaceChildren(...cards, this.controls());
    this.askExact();
  }
  /** The exact images of all pins, in their cards. */
  askExact() {
    if (!this.all.length) {
      this.exact.forget();
      return;
    }
    const model = this.host.model();
    this.exact.ask(
      model,
      this.all.map((pin) => pin.z),
      (images) => images.forEach((values, i) => paint(part(this.list.children[i], "canvas"), values, model.shape))
    );
  }
  controls() {
    const row = make("div", { className: "row" });
    const button = (textContent, onclick) => row.append(make("button", { type: "button", textContent, onclick }));
    if (this.removed) button("Undo removal", () => this.undo());
    if (this.all.length > 1) button("Remove all pins", () => this.removeAll());
    if (this.all.length < 2) {
      const text = this.all.length ? walkHint(this.host.model()) : "Click anywhere on the map to pin a spot.";
      row.append(make("span", { className: "hint", textContent: text }));
    }
    row.append(this.exact.note);
    return row;
  }
  /** @param {string} text */
  note(text) {
    this.list.querySelector(".hint:not(.approximate)")?.remove();
    this.list.lastElementChild?.append(make("span", { className: "hint", textContent: text }));
  }
  /**
   * @param {Pin} pin
   * @param {number} index
   */
  marker(pin, index) {
    const button = make("button", {
      className: "pin",
      type: "button",
      textContent: pin.name,
      title: "Drag to move; arrow keys move it too, Delete removes it",
      onkeydown: (event) => this.key(event, index)
    });
    button.setAttribute("aria-label", `Pin ${pin.name}`);
    button.addEventListener("pointerdown", (event) => this.grab(event, index));
    return button;
  }
  /**
   * @param {PointerEvent} event
   * @param {number} index
   */
  grab(event, index) {
    event.stopPropagation();
    const button = (
      /** @type {HTMLElement} */
      event.currentTarget
    );
    const [x, y] = this.host.pixels(this.all[index]);
    const [dx, dy] = [x - event.clientX, y - event.clientY];
    let moved = false;
    const follow = (to) => {
      moved ||= Math.hypot(to.clientX - event.clientX, to.clientY - event.clientY) > 3;
      if (moved) this.shift(index, [to.clientX + dx, to.clientY + dy], false);
    };
    const end = (up) => {
      button.removeEventListener("pointermove", follow);
      if (moved) this.host.changed(true);
      else this.host.clicked(this.all[index], up.timeStamp);
    };
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", follow);
    button.addEventListener("lostpointercapture", end, { once: true });
  }
  /**
   * @param {KeyboardEvent} event
   * @param {number} index
   */
  key(event, index) {
    const [dx, dy] = direction(event.key);
    if (dx || dy) {
      const [x, y] = this.host.pixels(this.all[index]);
      this.shift(index, [x + dx * STEP3, y + dy * STEP3], true);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  /**
   * @param {number} index
   * @param {number[]} pixel
   * @param {boolean} isFinal
   */
  shift(index, pixel, isFinal) {
    this.all[index] = this.host.move(this.all[index], pixel);
    this.place();
    this.refresh(index);
    this.host.changed(isFinal);
  }
  /**
   * A pin's picture, name and place in the list.
   * @param {Pin} pin
   * @param {number} index
   */
  card(pin, index) {
    const name = make("input", { value: pin.name, maxLength: 16, size: 6 });
    name.setAttribute("aria-label", `Name of pin ${pin.name}`);
    name.onchange = () => {
      this.all[index].name = name.value.trim() || this.freeName();
      this.finish();
    };
    const remove = make("button", {
      type: "button",
      className: "remove",
      textContent: "×",
      title: `Remove pin ${pin.name}`,
      onclick: () => this.remove(index)
    });
    remove.setAttribute("aria-label", `Remove pin ${pin.name}`);
    const head = make("div", { className: "head" }, name, remove);
    const text = make("span", { className: "z" });
    const card = make("div", { className: "card" }, namedCanvas(`Decoded mean of pin ${pin.name}`), make("div", {}, head, text));
    this.fill(card, pin);
    return card;
  }
  /** @param {number} index */
  refresh(index) {
    const card = (
      /** @type {HTMLElement} */
      this.list.children[index]
    );
    this.fill(card, this.all[index]);
    this.askExact();
  }
  /**
   * @param {HTMLElement} card
   * @param {Pin} pin
   */
  fill(card, pin) {
    const model = this.host.model();
    paint(part(card, "canvas"), model.decode(Float32Array.from(pin.z)), model.shape);
    const few = pin.z.slice(0, 2).map((v) => shown(v)).join(", ");
    const text = `z = ${few}${pin.z.length > 2 ? ", …" : ""}`;
    const place = (
      /** @type {HTMLElement} */
      card.querySelector(".z")
    );
    place.textContent = pin.point === null ? text : `${text} · image ${pin.point}`;
    place.title = `z = ${pin.z.map((v) => shown(v)).join(", ")}`;
  }
};
function walkHint({ hasPictures }) {
  return hasPictures ? "Pin a second spot to walk between the two." : "";
}

// explorer/browser/latent_map/pointer.js
var NEAR2 = 9;
var HOVER = "latent-hover";
var REST_MS2 = 80;
var Pointer = class {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.at = null;
    this.cursor = [0, 0];
    this.touched = null;
    this.last = null;
    this.waiting = false;
    this.exact = new ExactImages();
    this.resting = 0;
    this.ended = new AbortController();
    const echo = (event) => this.echo(
      /** @type {CustomEvent} */
      event.detail
    );
    document.addEventListener(HOVER, echo, { signal: this.ended.signal });
  }
  end() {
    this.ended.abort();
    this.forget();
  }
  /** No exact image is asked for any more. */
  forget() {
    clearTimeout(this.resting);
    this.exact.forget();
  }
  /**
   * The pointer is there: answered once a frame.
   * @param {number[]} pixel
   */
  follow(pixel) {
    this.at = pixel;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.at) this.look(this.at);
    });
  }
  /** Nothing lies under the pointer any more. */
  leave() {
    this.at = null;
    this.forget();
    this.map.panel.hide();
    this.touch(null);
  }
  /**
   * Moves the keyboard's cursor to a pixel, and reads out what lies there.
   * @param {number[]} pixel
   */
  to(pixel) {
    this.cursor = pixel;
    this.look(pixel);
    part(this.map.root, ".spoken").textContent = this.map.panel.words();
  }
  /**
   * Decodes what lies at a pixel of the stage and shows it.
   * @param {number[]} pixel
   * @param {boolean} touches whether a test image there is touched
   */
  look(pixel, touches3 = true) {
    const spot = this.spotAt(pixel);
    if (!spot) {
      this.leave();
      return;
    }
    if (touches3) this.cursor = pixel;
    const { z, place, names } = spot;
    const { decode, source, caption } = this.map.model;
    const shown2 = { values: decode(z), source, caption, place, names, z, ...this.map.model.density(z), rare: this.map.model.isRare(z) };
    const { clientWidth: width, clientHeight: height } = this.map.stage;
    this.last = shown2;
    this.map.panel.show(shown2, this.map.model.shape, { x: pixel[0], y: pixel[1], width, height });
    this.touch(touches3 ? spot.point : null);
    if (this.map.model.isNoise) this.askExact(shown2);
  }
  /**
   * Shows the image of a spot of noise, once the pointer rests there and the server has made it.
   * @param {import("./pointer_panel.js").Spot} spot
   */
  askExact(spot) {
    this.forget();
    const { model } = this.map;
    this.resting = window.setTimeout(() => {
      this.exact.ask(model, [spot.z], ([values]) => {
        if (this.last !== spot) return;
        Object.assign(spot, { values, source: "" });
        this.map.panel.repaint(spot, model.shape);
      });
    }, REST_MS2);
  }
  /** The axes are others: the spot that the panel shows is named by them. */
  rename() {
    const { plane, data, model } = this.map;
    if (this.last?.z.length !== model.size) return;
    const { z } = this.last;
    Object.assign(this.last, plane ? { place: plane.project(z), names: data?.plane?.names ?? [] } : ownPlace(z));
    this.map.panel.write(this.last, model.shape);
  }
  /**
   * The code under a pixel, or null outside the plot.
   * @param {number[]} pixel
   */
  spotAt(pixel) {
    if (!this.map.nearest || !this.map.contains(pixel)) return null;
    const place = this.map.view.toPlace(pixel);
    const near = this.map.nearest(place);
    const at = near === null ? [Infinity, Infinity] : this.map.view.toPixels(this.map.placeOf(near));
    const point = Math.hypot(at[0] - pixel[0], at[1] - pixel[1]) <= NEAR2 ? near : null;
    if (this.map.plane) {
      return { z: this.map.plane.embed(place), place, names: this.map.data?.plane?.names ?? [], point };
    }
    if (near === null) return null;
    const z = this.map.model.codeOf(near);
    return { z, ...ownPlace(z), point: near };
  }
  /**
   * A test image is under the pointer, or none.
   * @param {number | null} n
   * @param {boolean} isEcho
   */
  touch(n, isEcho = false) {
    if (n === this.touched) return;
    this.touched = n;
    if (!this.map.loaded) return;
    this.map.panel.touch(n === null ? null : touchedImage(this.map, n), this.map.model.shape);
    paintTouched(this.map);
    if (isEcho) return;
    const detail = { from: this.map, data_set: this.map.data?.data_set, index: n };
    document.dispatchEvent(new CustomEvent(HOVER, { detail }));
  }
  /**
   * The same test image was touched on the other map.
   * @param {{from: LatentMap, data_set: string, index: number | null}} detail
   */
  echo({ from, data_set, index }) {
    if (from === this.map || data_set !== this.map.data?.data_set || !this.map.nearest) return;
    if (!this.map.root.isConnected || index !== null && index >= this.map.model.count) return;
    this.touch(index, true);
    if (index === null) this.map.panel.hide();
    else this.map.panel.large(this.map.model.decode(this.map.model.codeOf(index)), this.map.model.shape);
  }
};
function ownPlace(z) {
  return { place: Array.from(z).slice(0, 2), names: ["z₁", "z₂"].slice(0, z.length) };
}
function touchedImage(map, n) {
  return {
    index: n,
    text: map.model.nameOf(n),
    scores: map.model.scoresOf(n),
    original: map.originals.of(n),
    reconstruction: map.model.decode(map.model.codeOf(n))
  };
}

// explorer/browser/latent_map/pointer_panel.js
var GAP2 = 18;
var UNDER = "Decoded mean at the pointer";
var DECODED = "Decoded mean";
var RARE2 = "Off the manifold: rarer than 99 % of the codes";
var FAR = "Far from every code, too few to say how rare";
function meaning({ z, thin }) {
  const slice = z.length > 2 ? ", at this very code: a slice, not the marginal" : "";
  const text = `p(z): the prior. q(z): the mean of the posteriors of the test images${slice}.`;
  const limit = `In ${z.length} dimensions these hardly overlap: ln q(z) tells how far the nearest is, no more.`;
  return thin ? `${text} ${limit}` : text;
}
function placeOf2({ names, place }) {
  return names.map((name, i) => `${name} ${shown(place[i])}`).join("  ");
}
function furnish(place) {
  if (place.querySelector(".spot")) return;
  const picture2 = (name, text) => make("figure", { className: name }, namedCanvas(text), make("figcaption", { textContent: text }));
  place.replaceChildren(
    picture2("spot", UNDER),
    picture2("original empty untouched", "Original"),
    picture2("reconstruction empty untouched", DECODED),
    make("p", { className: "numbers", textContent: "Move the pointer over the map." }),
    make("p", { className: "hint" }, "Why? ", why("log_prior"), " · ", why("log_aggregate"), " · ", why("off_manifold"), " · ", why("decoded_mean"), " · ", why("nats"))
  );
}
var PointerPanel = class {
  /**
   * @param {HTMLElement} lens
   * @param {HTMLElement} place of the panel
   */
  constructor(lens, place) {
    this.lens = lens;
    this.place = place;
    furnish(place);
    this.touched = null;
  }
  hide() {
    this.lens.hidden = true;
  }
  /** What lies there, for those who hear it. */
  words() {
    const image = this.touched === null ? "" : `${part(this.place, ".original figcaption").textContent}. `;
    return `${image}${part(this.place, ".numbers").textContent}`.trim();
  }
  /**
   * @param {Spot} spot
   * @param {ImageShape} shape
   * @param {{x: number, y: number, width: number, height: number}} at pointer and size of the map
   */
  show(spot, shape, at) {
    const lens = this.lens;
    lens.hidden = false;
    lens.classList.toggle("rare", spot.rare);
    paint(part(lens, "canvas"), spot.values, shape);
    const density = spot.logAggregate === null ? "" : `ln q(z) ${shown(spot.logAggregate)}`;
    const more = spot.source || (spot.rare ? "few codes here" : density);
    part(lens, "p").textContent = `${placeOf2(spot)}
${more}`;
    const left = at.x - 126 - GAP2;
    const top = Math.min(Math.max(at.y - 84, 0), at.height - 162);
    lens.style.transform = `translate(${left > 0 ? left : at.x + GAP2}px, ${top}px)`;
    this.write(spot, shape);
  }
  /**
   * Another image of the same spot.
   * @param {Spot} spot
   * @param {ImageShape} shape
   */
  repaint(spot, shape) {
    paint(part(this.lens, "canvas"), spot.values, shape);
    part(this.lens, "p").textContent = `${placeOf2(spot)}
${spot.source}`;
    this.write(spot, shape);
  }
  /**
   * @param {Spot} spot
   * @param {ImageShape} shape
   */
  write(spot, shape) {
    const { place } = this;
    paint(part(place, ".spot canvas"), spot.values, shape);
    const under = `${spot.caption} at the pointer${spot.source ? `: ${spot.source}` : ""}`;
    part(place, ".spot figcaption").textContent = under;
    const lines = [placeOf2(spot)];
    if (spot.logPrior !== null && spot.logAggregate !== null) {
      lines.push(`ln p(z) ${shown(spot.logPrior)} nats · ln q(z) ${shown(spot.logAggregate)} nats`);
    } else if (spot.logPrior !== null) lines.push(`ln p(z) ${shown(spot.logPrior)} nats`);
    lines.push(spot.rare ? spot.thin ? FAR : RARE2 : " ");
    const numbers = part(place, ".numbers");
    numbers.title = spot.logAggregate === null ? "" : meaning(spot);
    numbers.textContent = lines.join("\n");
    numbers.classList.toggle("rare", spot.rare);
  }
  /**
   * Shows a test image beside the spot; null leaves the place empty.
   * @param {Touched | null} image
   * @param {ImageShape} shape
   */
  touch(image, shape) {
    if (image === null && this.touched === null) return;
    const { place } = this;
    this.touched = image?.index ?? null;
    for (const name of ["original", "reconstruction"]) {
      const figure = part(place, `.${name}`);
      const values = image && image[
        /** @type {"original"} */
        name
      ];
      figure.classList.toggle("empty", !values);
      figure.classList.toggle("untouched", !image);
      if (values) paint(part(figure, "canvas"), values, shape);
    }
    part(place, ".original figcaption").textContent = image ? image.text : "Original";
    part(place, ".reconstruction figcaption").textContent = image ? `${DECODED}: ${image.scores}` : DECODED;
  }
  /**
   * A picture of another source: a step of a walk, or the image touched on the other map.
   * @param {ArrayLike<number>} values
   * @param {ImageShape} shape
   */
  large(values, shape) {
    const { place } = this;
    paint(part(place, ".spot canvas"), values, shape);
  }
};

// explorer/browser/latent_map/selection.js
var Selection = class {
  /**
   * @param {HTMLElement} place
   * @param {Host} host
   */
  constructor(place, host) {
    this.place = place;
    this.host = host;
    this.chosen = [];
    this.heard = () => {
    };
  }
  /** Gives the selection up. */
  clear() {
    this.chosen = [];
    this.place.hidden = true;
    this.host.cleared();
    this.heard([]);
  }
  /**
   * @param {number[]} chosen
   * @param {Points} points
   */
  show(chosen, points) {
    this.chosen = chosen;
    this.heard(chosen);
    this.place.hidden = chosen.length === 0;
    if (!chosen.length) return;
    const row = make("div", { className: "row" }, `${summary(chosen, points)} `);
    const button = (textContent, onclick) => row.append(make("button", { type: "button", textContent, onclick }));
    button("Pin their mean", () => this.host.pin(meanCode(chosen, points)));
    button(
      "Save as CSV",
      () => save(new Blob([table(chosen, points)], { type: "text/csv" }), "selection.csv")
    );
    button("Clear", () => this.clear());
    this.place.replaceChildren(row);
  }
};
function summary(chosen, { names, labels, distortions }) {
  const mean2 = distortions && chosen.reduce((sum2, n) => sum2 + distortions[n], 0) / chosen.length;
  const text = `${chosen.length} images selected${mean2 === null ? "" : `, mean D ${shown(mean2, 1)} nats`}`;
  if (!labels) return text;
  const counts = /* @__PURE__ */ new Map();
  for (const n of chosen) counts.set(names[labels[n]], (counts.get(names[labels[n]]) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 6);
  return `${text}; class ${most.map(([name, count]) => `${name}: ${count}`).join(", ")}`;
}
function meanCode(chosen, points) {
  const sum2 = Array.from(points.codeOf(chosen[0]), () => 0);
  for (const n of chosen) Array.from(points.codeOf(n)).forEach((v, j) => sum2[j] += v / chosen.length);
  return sum2;
}
function table(chosen, points) {
  const { names, labels, distortions } = points;
  const quote = (text) => {
    const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const size = points.codeOf(chosen[0]).length;
  const means = Array.from({ length: size }, (_, j) => `mean_${j + 1}`);
  const rows = chosen.map((n) => [
    String(n),
    ...labels ? [quote(names[labels[n]])] : [],
    ...Array.from(points.codeOf(n), (v) => v.toPrecision(6)),
    ...distortions ? [distortions[n].toPrecision(6)] : []
  ]);
  const head = ["image", ...labels ? ["class"] : [], ...means, ...distortions ? ["distortion_nats"] : []];
  return [head, ...rows].map((row) => `${row.join(",")}
`).join("");
}

// explorer/browser/latent_map/settling.js
function settle(map, data, positions) {
  const axes = JSON.stringify([data.view, data.plane, data.positions]);
  const colour = JSON.stringify([data.colour, getComputedStyle(map.root).getPropertyValue("--st-background-color")]);
  const isSameView = map.has.axes === axes;
  const isRestored = map.has.restored !== String(data.visit);
  if (!isSameView || isRestored) offerTools(map, data);
  map.anchor();
  if (!isSameView || map.has.colour !== colour) {
    Object.assign(map.has, { axes, colour });
    const { content, scale } = contentOf(data, map.model, map.plane, positions);
    map.scale = scale;
    map.medians = null;
    map.scatter.show(content, isSameView);
    fillLegend(part(map.root, ".legend"), map.scatter, scale);
    map.find();
    if (!isSameView) map.pointer.rename();
  }
  if (isRestored) restore(map, data);
  map.toolbar.anchors(map.point, map.pins.all);
  map.interpolation.update(map.pins.all);
  if (!isSameView || isRestored) map.inspector.restart();
  if (isRestored) map.link.settle();
  if (map.toolbar.background !== "none" && !map.background) layBackground(map);
  map.drawMarks();
  map.ghost.walk();
}
function restore(map, { look, visit }) {
  map.has.restored = String(visit);
  restoreView(map, look);
  fillLegend(part(map.root, ".legend"), map.scatter, map.scale);
  map.find();
  map.pins.set(map.pins.all);
  map.link.hush();
}
function offerTools(map, data) {
  map.background = null;
  map.toolbar.offer({
    hasPlane: data.plane !== null,
    hasPoints: map.model.hasPoints,
    hasPrior: map.model.hasPrior,
    hasPosterior: map.model.logVariances !== null,
    isDeep: data.plane !== null && map.model.size > 2,
    home: data.plane?.home ?? "",
    hasClasses: map.model.labels !== null,
    hasPictures: map.model.hasPictures
  });
}
function takeOriginals(map, bytes, data) {
  if (!data.originals || data.originals !== map.data?.originals || map.originals.url === data.originals) return;
  map.originals.take(data.originals, bytes, map.model.shape);
  map.thumbnails.forget();
  map.inspector.show();
  map.scatter.request();
}

// explorer/browser/latent_map/thumbnails.js
var MOST2 = 400;
var Thumbnails = class {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.made = /* @__PURE__ */ new Map();
  }
  forget() {
    this.made.clear();
  }
  /**
   * The original, or where it is not on this machine, the decoded mean.
   * @param {number} n
   */
  of(n) {
    const known = this.made.get(n);
    if (known) return known;
    const { map } = this;
    if (!map.loaded || !map.loaded.hasPictures) return null;
    const canvas = make("canvas");
    paint(canvas, map.originals.of(n) ?? map.model.decode(map.model.codeOf(n)), map.model.shape);
    if (this.made.size >= MOST2) this.made.delete(
      /** @type {number} */
      this.made.keys().next().value
    );
    this.made.set(n, canvas);
    return canvas;
  }
};

// explorer/browser/latent_map/toolbar.js
var WITHOUT_PICTURES = { none: "None", holes: "Holes: far from every code" };
var WITHOUT_POINTS = { none: "None", grid: "Decoded grid" };
var BACKGROUNDS = { none: "None", grid: "Decoded grid", holes: "Holes: far from every code" };
var DENSITY = { density: "Density of q(z)" };
var DENSITIES = {
  density: "Density of q(z): slice of this plane",
  marginal: "Density of q(z): marginal, other latents summed"
};
var MODES = { pan: "Pan", box: "Box", lasso: "Lasso" };
var VIEWS = {
  nearer: ["+", "Zoom in (also Ctrl and the wheel)"],
  farther: ["−", "Zoom out"],
  reset: ["⤢", "Show all (also a double click)"]
};
var POSTERIORS = { none: "None", touched: "Touched and selected", all: "All" };
var Toolbar = class {
  /**
   * @param {HTMLElement} place
   * @param {(what: string) => void} changed
   */
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    this.prior = true;
    this.means = false;
    this.names = true;
    this.mode = "pan";
    this.posterior = "touched";
    this.background = "none";
    this.anchor = "home";
    this.home = "";
  }
  /** @param {Offer} offer */
  offer(offer) {
    this.home = offer.home;
    if (!offer.isDeep && this.background === "marginal") this.background = "density";
    const backgrounds = backgroundsOf(offer);
    if (!(this.background in backgrounds)) this.background = "none";
    if (!offer.hasPoints && this.mode !== "pan") {
      this.mode = "pan";
      this.changed("mode");
    }
    const menu = make("details", { className: "menu" }, make("summary", { textContent: "Overlays" }));
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.firstElementChild.focus();
      event.stopPropagation();
    });
    const box = make("div", { className: "sheet" });
    if (offer.hasPlane && offer.hasPrior) box.append(this.check("Prior: 1σ, 2σ, 3σ", "prior"));
    if (offer.hasClasses) box.append(this.check("Names of the classes", "names"), this.check("Class means", "means"));
    if (offer.hasPlane && offer.hasPosterior) {
      const posteriors = `Posteriors q(z|x)${offer.isDeep ? ", projected" : ""}: 1σ and 2σ`;
      box.append(this.choice(posteriors, "posterior", POSTERIORS));
    }
    if (offer.hasPlane) {
      box.append(this.choice("Background", "background", backgrounds));
    } else {
      box.append(make("p", { textContent: "t-SNE has no plane: no circles, ellipses or background." }));
    }
    menu.append(box);
    menu.addEventListener("focusout", (event) => {
      if (!menu.contains(
        /** @type {Node | null} */
        event.relatedTarget
      )) menu.open = false;
    });
    this.bar = make("progress", { max: 1, value: 1, hidden: true });
    this.bar.setAttribute("aria-label", "Computing");
    const modes = offer.hasPoints ? [this.modes()] : [];
    this.place.replaceChildren(menu, ...modes, this.views(), this.saves());
    if (offer.isDeep) {
      const label = make("label", { className: "anchor" }, "Plane through ");
      this.anchorChoice = make("select", {
        onchange: () => {
          this.anchor = /** @type {HTMLSelectElement} */
          this.anchorChoice.value;
          this.changed("anchor");
        }
      });
      label.append(this.anchorChoice);
      this.place.append(label);
    } else {
      this.anchorChoice = void 0;
      this.anchor = "home";
    }
    this.place.append(this.bar);
  }
  /** What dragging does. */
  modes() {
    const group = make("span", { className: "segments" });
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Dragging");
    for (const [mode, text] of Object.entries(MODES)) {
      const button = make("button", { type: "button", textContent: text });
      button.onclick = () => {
        this.mode = /** @type {import("../scatter/gestures.js").Mode} */
        mode;
        for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
        this.changed("mode");
      };
      button.setAttribute("aria-pressed", String(mode === this.mode));
      group.append(button);
    }
    return group;
  }
  /** Zoom, for those without Ctrl and a wheel. */
  views() {
    const group = make("span", { className: "segments" });
    for (const [what, [text, title]] of Object.entries(VIEWS)) {
      const button = make("button", { type: "button", textContent: text, title, onclick: () => this.changed(what) });
      button.setAttribute("aria-label", title);
      group.append(button);
    }
    return group;
  }
  /** The map as a picture, with all its layers. */
  saves() {
    const group = make("span", { className: "segments" });
    for (const kind of ["PNG", "SVG"]) {
      const onclick = () => this.changed(kind.toLowerCase());
      group.append(make("button", { type: "button", textContent: kind, title: `Save the map as ${kind}`, onclick }));
    }
    return group;
  }
  /**
   * Anchors that there are now; a chosen one that is gone becomes home.
   * @param {number | null} point
   * @param {Pin[]} pins
   */
  anchors(point, pins) {
    if (!this.anchorChoice) return;
    const offered = [["home", this.home]];
    if (point !== null) offered.push(["point", `image ${point}`]);
    pins.forEach((pin, i) => offered.push([`pin ${i}`, `pin ${pin.name}`]));
    if (!offered.some(([value]) => value === this.anchor)) this.anchor = "home";
    const options = offered.map(
      ([value, textContent]) => make("option", { value, textContent, selected: value === this.anchor })
    );
    this.anchorChoice.replaceChildren(...options);
  }
  /** @param {number} share of the background that is done */
  progress(share) {
    if (!this.bar) return;
    this.bar.hidden = share >= 1;
    this.bar.value = share;
  }
  /**
   * @param {string} text
   * @param {"prior" | "means" | "names"} name
   */
  check(text, name) {
    const input = make("input", { type: "checkbox", checked: this[name] });
    input.onchange = () => {
      this[name] = input.checked;
      this.changed(name);
    };
    return make("label", {}, input, ` ${text}`);
  }
  /**
   * @param {string} text
   * @param {"posterior" | "background"} name
   * @param {Record<string, string>} options
   */
  choice(text, name, options) {
    const select = make("select", {
      onchange: () => {
        this[name] = select.value;
        this.changed(name);
      }
    });
    for (const [value, textContent] of Object.entries(options)) {
      select.append(make("option", { value, textContent, selected: value === this[name] }));
    }
    return make("label", {}, `${text} `, select);
  }
};
function backgroundsOf({ hasPlane, hasPoints, hasPosterior, hasPictures, isDeep }) {
  if (!hasPlane) return { none: "None" };
  if (!hasPoints) return WITHOUT_POINTS;
  const some = hasPictures ? BACKGROUNDS : WITHOUT_PICTURES;
  return hasPosterior ? { ...some, ...isDeep ? DENSITIES : DENSITY } : some;
}

// explorer/browser/numerics/true_posterior.js
var LOG_2PI = Math.log(2 * Math.PI);
var START = 24;
var SHARE = 0.05;
var MOST_SQUARES = 1500;
var REACH2 = 4.5;
var [FEWEST, MOST3] = [20, 48];
var BATCH2 = 8;
function startPlaces(reach) {
  const half = reach / START;
  const at = (i) => -reach + (2 * i + 1) * half;
  return Array.from({ length: START ** 2 }, (_, i) => [at(i % START), at(Math.floor(i / START))]);
}
function logPrior2(x, y) {
  return -0.5 * (x * x + y * y) - LOG_2PI;
}
function* integrate(score, encoder, reach, started) {
  const squares = yield* find(score, encoder, reach, started);
  const shares = sharesOf(squares);
  const around3 = momentsOf2(squares, shares);
  const grid = layGrid(squares, shares, [encoder, around3]);
  for (let i = 0; i < grid.values.length; i++) {
    const [x, y] = [grid.x[i % grid.x.length], grid.y[Math.floor(i / grid.x.length)]];
    grid.values[i] = score([x, y]) + logPrior2(x, y);
    if (i % BATCH2 === 0) yield squares.length + i;
  }
  const logValue = logIntegral(grid, 1);
  const outside = squares.reduce((sum2, { x, y }, i) => sum2 + (covers(grid, x, y) ? 0 : shares[i]), 0);
  const divergence = (q) => divergenceOf(q, grid, logValue);
  const best = closest(divergence, [encoder, around3]);
  const family = divergence(best);
  const amortisation = divergence(encoder) - family;
  return { grid, logValue, error: Math.abs(logIntegral(grid, 2) - logValue), outside, best, family, amortisation };
}
function* find(score, encoder, reach, started) {
  const half = reach / START;
  let squares = startPlaces(reach).map(([x, y], i) => ({ x, y, half, value: started[i] + logPrior2(x, y) }));
  while (squares.length < MOST_SQUARES) {
    const cut = squaresToCut(squares, encoder);
    if (!cut.size) break;
    const kept = squares.filter((square) => !cut.has(square));
    for (const square of cut) {
      for (const [x, y] of quarters(square)) {
        kept.push({ x, y, half: square.half / 2, value: score([x, y]) + logPrior2(x, y) });
        if (kept.length % BATCH2 === 0) yield kept.length;
      }
    }
    squares = kept;
  }
  return squares;
}
function layGrid(squares, shares, gaussians) {
  const heavy = squares.filter((_, i) => shares[i] > SHARE / 8);
  const step = 3.5 * heavy.reduce((least, { half }) => Math.min(least, half), Infinity);
  const axis = (j) => {
    const low = Math.min(...gaussians.map(({ mean: mean2, sigma }) => mean2[j] - REACH2 * sigma[j]));
    const high = Math.max(...gaussians.map(({ mean: mean2, sigma }) => mean2[j] + REACH2 * sigma[j]));
    const wanted = Math.min(Math.max(Math.ceil((high - low) / step), FEWEST), MOST3);
    const count = wanted + (wanted % 2 ? 0 : 1);
    return Array.from({ length: count }, (_, i) => low + i * (high - low) / (count - 1));
  };
  const [x, y] = [axis(0), axis(1)];
  return { x, y, values: new Float64Array(x.length * y.length) };
}
function covers(grid, x, y) {
  const inside2 = (axis, v) => v >= axis[0] && v <= axis[axis.length - 1];
  return inside2(grid.x, x) && inside2(grid.y, y);
}
function logIntegral({ x, y, values }, stride) {
  let [most, sum2] = [-Infinity, 0];
  for (const value of values) most = Math.max(most, value);
  for (let j = 0; j < y.length; j += stride) {
    for (let i = 0; i < x.length; i += stride) sum2 += Math.exp(values[j * x.length + i] - most);
  }
  return most + Math.log(sum2 * stride ** 2 * (x[1] - x[0]) * (y[1] - y[0]));
}
function quarters({ x, y, half }) {
  const d = half / 2;
  return [[x - d, y - d], [x + d, y - d], [x - d, y + d], [x + d, y + d]];
}
function logPart({ value, half }) {
  return value + 2 * Math.log(2 * half);
}
function logSum(squares) {
  const most = squares.reduce((best, square) => Math.max(best, logPart(square)), -Infinity);
  return most + Math.log(squares.reduce((sum2, square) => sum2 + Math.exp(logPart(square) - most), 0));
}
function sharesOf(squares) {
  const logValue = logSum(squares);
  return squares.map((square) => Math.exp(logPart(square) - logValue));
}
function squaresToCut(squares, encoder) {
  const shares = sharesOf(squares);
  const heavy = squares.filter((square, i) => shares[i] > SHARE || shareOf(encoder, square) > SHARE);
  const cut = new Set(heavy);
  const queue = [...heavy];
  for (let one = queue.pop(); one; one = queue.pop()) {
    for (const other of squares) {
      if (other.half <= one.half || cut.has(other) || !touches2(one, other)) continue;
      cut.add(other);
      queue.push(other);
    }
  }
  return cut;
}
function touches2(one, other) {
  const apart = (one.half + other.half) * (1 + 1e-9);
  return Math.abs(one.x - other.x) <= apart && Math.abs(one.y - other.y) <= apart;
}
function shareOf({ mean: mean2, sigma }, { x, y, half }) {
  return between2((x - half - mean2[0]) / sigma[0], (x + half - mean2[0]) / sigma[0]) * between2((y - half - mean2[1]) / sigma[1], (y + half - mean2[1]) / sigma[1]);
}
function between2(low, high) {
  return low > 0 ? above(low) - above(high) : above(-high) - above(-low);
}
function above(value) {
  const x = Math.abs(value) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const terms = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const tail = 0.5 * t * Math.exp(-x * x) * terms.reduce((sum2, term) => sum2 * t + term);
  return value < 0 ? 1 - tail : tail;
}
function divergenceOf({ mean: mean2, sigma }, { x, y, values }, logValue) {
  const [across, up] = [factorOf2(x, mean2[0], sigma[0]), factorOf2(y, mean2[1], sigma[1])];
  let expected = 0;
  for (let j = 0, at = 0; j < y.length; j++) {
    let row = 0;
    for (let i = 0; i < x.length; i++) row += across.density[i] * values[at++];
    expected += up.density[j] * row;
  }
  const cell = (x[1] - x[0]) * (y[1] - y[0]);
  const held = across.held * up.held;
  const sum2 = across.negentropy * up.held + across.held * up.negentropy - expected + logValue * held;
  return Math.abs(held * cell - 1) < 0.02 ? sum2 * cell : Infinity;
}
function factorOf2(axis, mean2, sigma) {
  const density = new Float64Array(axis.length);
  let [held, negentropy] = [0, 0];
  axis.forEach((v, i) => {
    const log = -0.5 * (((v - mean2) / sigma) ** 2 + LOG_2PI) - Math.log(sigma);
    density[i] = Math.exp(log);
    held += density[i];
    negentropy += density[i] * log;
  });
  return { density, held, negentropy };
}
function momentsOf2(squares, shares) {
  const average = (of) => squares.reduce((sum2, square, i) => sum2 + shares[i] * of(square), 0);
  const mean2 = [average(({ x }) => x), average(({ y }) => y)];
  const variance = [average(({ x }) => (x - mean2[0]) ** 2), average(({ y }) => (y - mean2[1]) ** 2)];
  return { mean: mean2, sigma: variance.map((v) => Math.sqrt(Math.max(v, 1e-12))) };
}
function closest(divergence, starts) {
  let [best, least] = [starts[0], Infinity];
  for (const { mean: mean2, sigma } of starts) {
    const unit = [sigma[0], sigma[1]];
    const of = ([a, b, c, d]) => ({
      mean: [mean2[0] + a * unit[0], mean2[1] + b * unit[1]],
      sigma: [unit[0] * Math.exp(c), unit[1] * Math.exp(d)]
    });
    const at = [0, 0, 0, 0];
    let value = divergence(of(at));
    for (let step = 0.5; step > 4e-3; ) {
      let moved = false;
      for (let i = 0; i < 8; i++) {
        const tried = [...at];
        tried[i >> 1] += i % 2 ? -step : step;
        const found = divergence(of(tried));
        if (!(found < value)) continue;
        [value, moved] = [found, true];
        at.splice(0, 4, ...tried);
      }
      if (!moved) step /= 2;
    }
    if (value < least) [best, least] = [of(at), value];
  }
  return best;
}
function logLikelihood(image, decoded, sigmas) {
  let sum2 = 0;
  if (!sigmas) {
    for (let i = 0; i < image.length; i++) {
      const [x, p] = [image[i], decoded[i]];
      if (x > 0) sum2 += x * Math.log(Math.max(p, 1e-30));
      if (x < 1) sum2 += (1 - x) * Math.log(Math.max(1 - p, 6e-8));
    }
    return sum2;
  }
  for (let i = 0; i < image.length; i++) {
    const sigma = sigmas[i % sigmas.length];
    sum2 -= 0.5 * (((image[i] - decoded[i]) / sigma) ** 2 + LOG_2PI) + Math.log(sigma);
  }
  return sum2;
}

// explorer/browser/latent_map/truth.js
var PIXELS2 = 72;
var LEAST_REACH = 5;
var SHADE = [0, 121, 107];
var Truth = class {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.isWanted = false;
    this.found = null;
    this.layer = null;
    this.key = "";
    this.started = null;
    this.startedFor = "";
    this.line = make("p", { className: "hint" });
    this.line.setAttribute("aria-live", "polite");
    this.nearer = make("button", { type: "button", textContent: "Zoom to it", disabled: true, onclick: () => this.zoom() });
    this.button = make("button", { type: "button", textContent: "True posterior p(z|x)", onclick: () => this.toggle() });
  }
  /** Nothing is shown or computed any more. */
  forget() {
    this.key = "";
    this.found = null;
    this.layer = null;
    this.started = null;
  }
  toggle() {
    this.isWanted = !this.isWanted;
    this.map.inspector.show();
    this.map.remember();
  }
  /** Whether this model can be integrated here. */
  get isPossible() {
    const { model, plane } = this.map;
    return plane !== null && model.size === 2 && model.logVariances !== null && !model.source && model.canSample;
  }
  /** Shows as much of the map as the fine grid covers, and a little more. */
  zoom() {
    if (!this.layer) return;
    const [x, y] = [this.layer.x, this.layer.y].map(([low, high]) => {
      const margin = 0.3 * (high - low);
      return (
        /** @type {[number, number]} */
        [low - margin, high + margin]
      );
    });
    this.map.scatter.look({ x, y });
  }
  /** The button and its line for the report of the selected image; nothing where it cannot be had. */
  report() {
    const { point, originals } = this.map;
    const image = point === null ? null : originals.of(point);
    if (!this.isPossible || !image) {
      this.clear();
      return [];
    }
    this.button.setAttribute("aria-pressed", String(this.isWanted));
    if (this.isWanted) this.compute(
      /** @type {number} */
      point,
      image
    );
    else this.clear();
    const nearer = this.isWanted ? [this.nearer] : [];
    const row = make("div", { className: "row" }, this.button, ...nearer, why("true_posterior", "why?"));
    return this.isWanted ? [row, this.line] : [row];
  }
  clear() {
    if (!this.key) return;
    Object.assign(this, { key: "", found: null, layer: null });
    this.map.scatter.request();
    this.map.requestMarks();
  }
  /**
   * Computes it in slices; the next question stops it.
   * @param {number} n
   * @param {Float32Array} image
   */
  async compute(n, image) {
    const { model, plane } = this.map;
    const key = JSON.stringify([n, this.map.has.model, model.beta, plane && [[0, 0], [1, 0]].map((z) => plane.project(z))]);
    if (key === this.key) return;
    Object.assign(this, { key, found: null, layer: null });
    this.nearer.disabled = true;
    this.line.textContent = "Integrating over the plane…";
    this.map.scatter.request();
    const watch = { report: () => {
    }, isWanted: () => this.key === key };
    const reach = Math.max(LEAST_REACH, model.reach);
    const sigmas = model.noise === "bernoulli" ? null : model.sigmas;
    const images = await this.start(model, reach);
    if (!images || !watch.isWanted()) return;
    const value = (z) => logLikelihood(image, model.decode(z), sigmas);
    const encoder = { mean: model.codeOf(n), sigma: model.latentsOf(n).map(({ sigma }) => Number(sigma)) };
    const first = images.map((decoded) => logLikelihood(image, decoded, sigmas));
    const found = await inSlices(integrate(value, encoder, reach, first), watch);
    if (!found || !watch.isWanted() || !plane) return;
    this.found = found;
    this.layer = layerOf(found, plane);
    this.line.replaceChildren(...sentence(found));
    this.nearer.disabled = false;
    this.map.scatter.request();
    this.map.requestMarks();
  }
  /**
   * The decoded images that every search starts from: once for a model and a β.
   * @param {LatentModel} model
   * @param {number} reach
   */
  start(model, reach) {
    const of = JSON.stringify([this.map.has.model, model.beta]);
    if (!this.started || this.startedFor !== of) {
      this.startedFor = of;
      const isWanted = () => this.startedFor === of && this.map.loaded === model;
      this.started = inSlices(decodeAll(model.decode, startPlaces(reach)), { report: () => {
      }, isWanted });
    }
    return this.started;
  }
};
function* decodeAll(decode, places) {
  const images = [];
  for (const place of places) {
    images.push(decode(place));
    if (images.length % 8 === 0) yield images.length / places.length;
  }
  return images;
}
function sentence({ amortisation, family, error, outside }) {
  const nats = (value) => shown(Math.max(value, 0));
  const beyond = outside < 1e-3 ? "less than 0.1" : shown(100 * outside, 1);
  return [
    `The encoder’s ellipse costs ${nats(amortisation + family)} nats against the shaded true posterior: ${nats(amortisation)} because this image has a better ellipse (dashed; `,
    why("amortisation_gap", "amortisation gap"),
    `), ${nats(family)} because no ellipse fits (`,
    why("family_gap", "family gap"),
    `). Error of the quadrature: ${shown(Math.max(error, 0.01))} nats; ${beyond} % of the posterior lies beyond the fine grid.`
  ];
}
function layerOf({ grid }, plane) {
  const ends = (axis) => [axis[0], axis[axis.length - 1]];
  const corners = ends(grid.x).flatMap((x2) => ends(grid.y).map((y2) => plane.project([x2, y2])));
  const [x, y] = [0, 1].map((axis) => {
    const values = corners.map((corner) => corner[axis]);
    return (
      /** @type {[number, number]} */
      [Math.min(...values), Math.max(...values)]
    );
  });
  const most = grid.values.reduce((best, value) => Math.max(best, value), -Infinity);
  const bitmap = make("canvas", { width: PIXELS2, height: PIXELS2 });
  const pixels = new Uint8ClampedArray(4 * PIXELS2 * PIXELS2);
  for (let i = 0; i < PIXELS2 * PIXELS2; i++) {
    const u = x[0] + (i % PIXELS2 + 0.5) / PIXELS2 * (x[1] - x[0]);
    const v = y[1] - (Math.floor(i / PIXELS2) + 0.5) / PIXELS2 * (y[1] - y[0]);
    pixels.set([...SHADE, 215 * Math.exp(between3(grid, plane.embed([u, v])) - most)], 4 * i);
  }
  context(bitmap).putImageData(new ImageData(pixels, PIXELS2, PIXELS2), 0, 0);
  return { bitmap, x, y, smooth: true };
}
function between3({ x, y, values }, z) {
  const [i, j] = [(z[0] - x[0]) / (x[1] - x[0]), (z[1] - y[0]) / (y[1] - y[0])];
  const [a, b] = [Math.floor(i), Math.floor(j)];
  if (a < 0 || b < 0 || a + 1 >= x.length || b + 1 >= y.length) return -Infinity;
  const at = (p, q) => values[q * x.length + p];
  const low = at(a, b) + (i - a) * (at(a + 1, b) - at(a, b));
  const high = at(a, b + 1) + (i - a) * (at(a + 1, b + 1) - at(a, b + 1));
  return low + (j - b) * (high - low);
}

// explorer/browser/latent_map/map.js
var LatentMap = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.stage = part(root, ".stage");
    this.has = {};
    this.tell = () => {
    };
    this.loaded = null;
    this.data = null;
    this.plane = null;
    this.originals = new Originals();
    this.nearest = null;
    this.scale = null;
    this.medians = null;
    this.shownAt = new Uint32Array();
    this.marking = 0;
    this.walking = 0;
    this.point = null;
    this.pinsBefore = null;
    this.path = [];
    this.step = null;
    this.background = null;
    this.serial = 0;
    this.link = new Link(this);
    this.panel = new PointerPanel(part(root, ".lens"), part(root, ".latent-panel"));
    this.pointer = new Pointer(this);
    this.thumbnails = new Thumbnails(this);
    this.posteriors = new Posteriors(this);
    this.truth = new Truth(this);
    this.scatter = new Scatter(this.stage, scatterHost(this));
    this.pins = new Pins(part(root, ".pins"), part(root, ".list"), pinsHost(this));
    this.interpolation = new Interpolation(part(root, ".walk"), walkHost(this));
    this.toolbar = new Toolbar(part(root, ".toolbar"), (what) => this.toolChanged(what));
    this.everyBeta = new EveryBeta(part(root, ".betas"), this);
    this.selection = new Selection(part(root, ".selection"), selectionHost(this));
    this.inspector = new Inspector(part(root, ".inspector"), inspectorHost(this));
    this.gestures = new Gestures(this.stage, gestureHost(this));
    this.ghost = new Ghost(this);
    this.stage.addEventListener("keydown", (event) => {
      if (event.target === this.stage && this.nearest && pressKey(this, event)) event.preventDefault();
    });
  }
  /**
   * Takes what Python sends; fetches everything at once, and draws what is new.
   * @param {MapData} data
   * @param {(touch: Touch) => void} tell
   */
  async update(data, tell) {
    const serial = ++this.serial;
    this.tell = tell;
    this.data = data;
    if (this.has.model !== data.model) this.forget();
    const bytes = (url) => fetchOnce(url, (answer) => answer.arrayBuffer());
    try {
      const originals = data.originals ? bytes(data.originals) : null;
      originals?.catch(() => {
      });
      const [model, positions] = await Promise.all([bytes(data.model), data.positions ? bytes(data.positions) : null]);
      if (serial !== this.serial) return;
      this.load(new Uint8Array(model));
      settle(this, data, positions && readPositions(new Uint8Array(positions)));
      this.everyBeta.offer();
      if (originals) takeOriginals(this, new Uint8Array(await originals), data);
    } catch (error) {
      if (serial === this.serial) this.say(`The map cannot be shown: ${/** @type {Error} */
      error.message}. Reload the page.`);
    }
  }
  /** Another model is on its way: what is shown of the last one must not answer for it. */
  forget() {
    this.link.forget();
    this.nearest = null;
    if (this.loaded) this.loaded.exact = null;
    this.loaded = null;
    this.background = null;
    this.originals.forget();
    this.has = {};
    this.thumbnails.forget();
    this.ghost.rest();
    this.everyBeta.forget();
    this.pointer.leave();
    this.pointer.last = null;
    this.posteriors.end();
    this.truth.forget();
    this.pins.set([]);
    this.selection.clear();
    for (const layer2 of this.root.querySelectorAll("canvas.layer")) {
      layer2.width = 0;
    }
    this.say("Loading the map…");
  }
  /** The page has left the map. */
  end() {
    this.ghost.end();
    this.pointer.end();
    this.gestures.end();
    this.scatter.end();
    this.posteriors.end();
    this.truth.forget();
    this.interpolation.stop();
    this.everyBeta.forget();
    cancelAnimationFrame(this.marking);
    cancelAnimationFrame(this.walking);
    this.link.hush();
  }
  /** @param {string} text */
  say(text) {
    part(this.root, ".state").textContent = text;
  }
  /**
   * Reads decoder and codes, once per model, and what the link says, once per visit.
   * @param {Uint8Array} bytes
   */
  load(bytes) {
    const data = (
      /** @type {MapData} */
      this.data
    );
    const isSameModel = this.has.model === data.model;
    if (isSameModel && this.has.restored === String(data.visit)) return;
    this.has.model = data.model;
    if (!isSameModel) this.loaded = new LatentModel(bytes);
    this.root.classList.toggle("without-pictures", !this.model.hasPictures);
    this.root.classList.toggle("without-points", !this.model.hasPoints);
    if (data.decode) this.model.exact = decoderAt(data.decode, this.model.size, this.model.shape);
    this.interpolation.pins = [];
    this.point = data.point;
    restoreLook(this, data.look);
    this.pins.all = data.pins.filter((pin) => pin.z.length === this.model.size);
    this.say("");
  }
  /** The model; there is one wherever the map can be touched. */
  get model() {
    if (!this.loaded) throw new Error("the map's model must be loaded first");
    return this.loaded;
  }
  /** @returns {View} */
  get view() {
    if (!this.scatter.view) throw new Error("the map must be drawn first");
    return this.scatter.view;
  }
  /** Puts the plane through the chosen anchor. */
  anchor() {
    const plane = this.data?.plane;
    if (!plane) {
      this.plane = null;
      return;
    }
    const chosen = this.toolbar.anchor;
    let anchor;
    if (chosen === "point" && this.point !== null) anchor = this.model.codeOf(this.point);
    if (chosen.startsWith("pin ")) anchor = this.pins.all[Number(chosen.slice(4))]?.z;
    this.plane = buildPlane(plane.origin, plane.axes, anchor);
  }
  /** Makes the search for the nearest point that is shown. */
  find() {
    const listed = this.scatter.shown;
    const places = new Float64Array(2 * listed.length);
    listed.forEach((n, i) => places.set(this.placeOf(n), 2 * i));
    const find2 = listed.length ? nearestPoint(places) : null;
    this.shownAt = listed;
    this.nearest = (place) => find2 ? listed[find2(place).index] : null;
  }
  /** The middle of every class's points: the median across and up; null where it has none. */
  middles() {
    const content = this.scatter.content;
    if (!content) return [];
    this.medians ??= mediansOf(content.positions, content.groupOf, content.groups.length);
    return this.medians;
  }
  /** The view or the shown points are others. */
  viewChanged() {
    if (!this.nearest) return;
    if (this.shownAt !== this.scatter.shown) this.find();
    this.drawMarks();
    this.remember();
  }
  /** @param {number[]} pixel */
  contains([x, y]) {
    const view = this.scatter.view;
    if (!view || !this.nearest) return false;
    return x >= view.left && y >= view.top && x <= view.left + view.width && y <= view.top + view.height;
  }
  /** @param {number} n */
  placeOf(n) {
    const positions = (
      /** @type {Float32Array} */
      this.scatter.content?.positions
    );
    return [positions[2 * n], positions[2 * n + 1]];
  }
  /**
   * Pins the spot; on a point, selects its image too.
   * @param {number[]} pixel
   */
  click(pixel) {
    const spot = this.pointer.spotAt(pixel);
    if (!spot) return;
    this.pointer.look(pixel);
    this.pinsBefore = this.pins.all.length;
    if (spot.point !== null) this.select(spot.point);
    this.pin(spot.point === null ? spot.z : this.model.codeOf(spot.point), spot.point);
  }
  /**
   * A click on a pin shows its spot; if it is the code of a test image, selects that.
   * @param {Pin} pin
   */
  clickPin(pin) {
    this.pinsBefore = this.pins.all.length;
    this.pointer.look(this.pinPixels(pin));
    if (pin.point !== null) this.select(pin.point);
  }
  /** Shows everything again; the pin of the first of the two clicks goes. */
  doubleClick() {
    if (this.pinsBefore !== null && this.pins.all.length > this.pinsBefore) {
      this.pins.all.length = this.pinsBefore;
      this.pins.finish();
    }
    this.scatter.reset();
  }
  /**
   * Selects a test image: the inspector shows it at once.
   * @param {number | null} n
   */
  select(n) {
    this.point = n;
    this.inspector.selected();
    this.toolbar.anchors(this.point, this.pins.all);
    if (this.toolbar.anchor === "point") this.toolChanged("anchor");
    this.requestMarks();
    this.remember();
  }
  /**
   * @param {ArrayLike<number>} z
   * @param {number | null} point
   */
  pin(z, point) {
    this.pins.add(Array.from(z), point);
    this.pinsChanged(true);
  }
  /** @param {Pin} pin */
  pinPixels(pin) {
    return pinPixels(this, pin);
  }
  /** @param {boolean} isFinal */
  pinsChanged(isFinal) {
    this.toolbar.anchors(this.point, this.pins.all);
    this.anchor();
    this.requestMarks();
    if (!isFinal) return;
    this.requestWalk();
    this.remember();
  }
  /** What the link keeps has changed. */
  remember() {
    this.link.remember();
  }
  /**
   * The points inside a box or a lasso.
   * @param {number[]} chosen
   */
  choose(chosen) {
    this.selection.show(chosen, this.model);
    this.requestMarks();
  }
  /**
   * The walk's path on the map.
   * @param {Float32Array[]} path
   * @param {number | null} step
   */
  showPath(path, step) {
    this.path = path;
    this.step = step;
    this.requestMarks();
  }
  /** @param {string} what */
  toolChanged(what) {
    if (what === "png" || what === "svg") savePicture(this, what);
    else if (what === "nearer" || what === "farther") this.scatter.zoom(what === "nearer" ? 0.7 : 1 / 0.7);
    else if (what === "reset") this.scatter.reset();
    else if (what === "mode") this.gestures.mode = this.toolbar.mode;
    else {
      if (what === "anchor") this.anchor();
      if (what === "background" || what === "anchor") layBackground(this);
      this.drawMarks();
      this.remember();
    }
  }
  /**
   * The codes have moved, for the model is at another β.
   * @param {number} reach how far they go at any β
   */
  codesMoved(reach) {
    const data = (
      /** @type {MapData} */
      this.data
    );
    const { content, scale } = contentOf(data, this.model, this.plane, null, reach);
    Object.assign(this, { scale, medians: null });
    this.scatter.show(content, true);
    this.find();
    if (this.pointer.at) this.pointer.look(this.pointer.at);
    this.inspector.show();
    this.drawMarks();
  }
  /** The codes have come to rest: densities, pictures, walk and background follow. */
  codesRest() {
    this.model.measure();
    this.thumbnails.forget();
    this.interpolation.restart();
    if (this.toolbar.background !== "none") layBackground(this);
    this.remember();
  }
  /** Draws them in the next frame, once however often it is asked for. */
  requestMarks() {
    cancelAnimationFrame(this.marking);
    this.marking = requestAnimationFrame(() => this.drawMarks());
  }
  /** The walk follows when the frame with what was touched is painted. */
  requestWalk() {
    cancelAnimationFrame(this.walking);
    const follow = () => this.loaded && this.interpolation.update(this.pins.all);
    this.walking = requestAnimationFrame(() => setTimeout(follow));
  }
  /** Draws what lies over the points again. */
  drawMarks() {
    if (!this.nearest || !this.loaded || !this.scatter.view) return;
    paintMarks(this);
    paintTouched(this);
    this.pins.place();
  }
  /**
   * Where a code is on the map.
   * @param {ArrayLike<number>} z
   */
  onMap(z) {
    if (this.plane && this.model.size > 1) return this.plane.project(z);
    return this.placeOf(this.model.nearestCode(z));
  }
};
function liveMap({ parentElement, data, setStateValue }) {
  const root = (
    /** @type {HTMLElement & {latentMap?: LatentMap}} */
    part(parentElement, ".latent-map")
  );
  const map = root.latentMap ??= new LatentMap(root);
  map.update(data, (touch) => setStateValue("touch", touch));
  return () => setTimeout(() => root.isConnected || map.end());
}

// explorer/browser/numerics/token_prior.js
var HEAD_WIDTH = 16;
var EPSILON = 1e-5;
function buildTokenPrior(arrays, tokens) {
  const get = (name) => {
    const found = arrays[name];
    if (!found) throw new Error(`The prior must have the array ${name}.`);
    return found;
  };
  const embedding = get("embedding.weight");
  const position = get("position");
  const width = position.length / tokens;
  const codes = embedding.length / width - 1;
  const blocks = [];
  while (arrays[`blocks.${blocks.length}.norm.weight`]) blocks.push(buildBlock(get, `blocks.${blocks.length}.`));
  const norm = normalise(get, "norm");
  const logits = linear2(get, "logits");
  const reader = () => {
    const layers = blocks.map((block) => block());
    let place = 0;
    let token = codes;
    let next = null;
    const odds = () => {
      if (next) return next;
      let h = new Float64Array(width);
      h = h.map((_, i) => embedding[token * width + i] + position[place * width + i]);
      for (const layer2 of layers) h = layer2(h);
      next = logSoftmax(logits(norm(h)));
      return next;
    };
    const take = (taken) => {
      odds();
      [place, token, next] = [place + 1, taken, null];
    };
    return { odds, take };
  };
  const rows = (grid) => {
    const { odds, take } = reader();
    return Array.from(grid, (token) => {
      const row = odds();
      take(token);
      return row;
    });
  };
  return { codes, tokens, reader, rows };
}
function drawCode(odds, uniform) {
  let left = uniform;
  for (let k = 0; k < odds.length - 1; k++) {
    left -= Math.exp(odds[k]);
    if (left < 0) return k;
  }
  return odds.length - 1;
}
function buildBlock(get, name) {
  const attentionNorm = normalise(get, `${name}attention_norm`);
  const norm = normalise(get, `${name}norm`);
  const queryKeyValue = linear2(get, `${name}query_key_value`);
  const attended = linear2(get, `${name}attended`);
  const inner = linear2(get, `${name}inner`);
  const outer = linear2(get, `${name}outer`);
  return () => {
    const keys = [];
    const values = [];
    return (h) => {
      const width = h.length;
      const all = queryKeyValue(attentionNorm(h));
      keys.push(all.subarray(width, 2 * width));
      values.push(all.subarray(2 * width));
      const seen = attended(attend(all.subarray(0, width), keys, values));
      const between4 = h.map((value, i) => value + seen[i]);
      const added = outer(inner(norm(between4)).map(gelu));
      return between4.map((value, i) => value + added[i]);
    };
  };
}
function attend(query, keys, values) {
  const out = new Float64Array(query.length);
  for (let from = 0; from < query.length; from += HEAD_WIDTH) {
    const match = (key) => {
      let sum2 = 0;
      for (let i = from; i < from + HEAD_WIDTH; i++) sum2 += query[i] * key[i];
      return sum2 / Math.sqrt(HEAD_WIDTH);
    };
    const weights = new Float64Array(keys.length);
    for (let n = 0; n < keys.length; n++) weights[n] = match(keys[n]);
    const odds = logSoftmax(weights);
    for (let n = 0; n < keys.length; n++) {
      const weight = Math.exp(odds[n]);
      for (let i = from; i < from + HEAD_WIDTH; i++) out[i] += weight * values[n][i];
    }
  }
  return out;
}
function normalise(get, name) {
  const [scale, shift] = [get(`${name}.weight`), get(`${name}.bias`)];
  return (x) => {
    const mean2 = x.reduce((sum2, value) => sum2 + value, 0) / x.length;
    const variance = x.reduce((sum2, value) => sum2 + (value - mean2) ** 2, 0) / x.length;
    return x.map((value, i) => (value - mean2) / Math.sqrt(variance + EPSILON) * scale[i] + shift[i]);
  };
}
function linear2(get, name) {
  const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
  return (x) => {
    const out = new Float64Array(bias.length);
    for (let row = 0, at = 0; row < out.length; row++) {
      let [a, b, c, d] = [bias[row], 0, 0, 0];
      for (let i = 0; i < x.length; i += 4, at += 4) {
        a += weight[at] * x[i];
        b += weight[at + 1] * x[i + 1];
        c += weight[at + 2] * x[i + 2];
        d += weight[at + 3] * x[i + 3];
      }
      out[row] = a + b + (c + d);
    }
    return out;
  };
}
function logSoftmax(x) {
  const most = Math.max(...x);
  const total2 = Math.log(x.reduce((sum2, value) => sum2 + Math.exp(value - most), 0)) + most;
  return x.map((value) => value - total2);
}
function gelu(x) {
  const size = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * size);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * series * Math.exp(-size * size);
  return x * (x < 0 ? tail : 1 - tail);
}

// explorer/browser/token_editor/model.js
var TokenModel = class {
  /** @param {Uint8Array} file of `tokens_file` of models/export/tokens_file.py */
  constructor(file) {
    const { decode, header, arrays } = readModel(file);
    const { grid, codes } = (
      /** @type {Extra} */
      /** @type {unknown} */
      header
    );
    this.run = decode;
    this.shape = header.image_shape;
    this.noise = header.noise;
    this.names = header.class_names;
    this.rows = grid[0];
    this.columns = grid[1];
    this.places = this.rows * this.columns;
    this.codes = codes;
    this.vectors = /** @type {Float32Array} */
    arrays.codebook;
    this.width = this.vectors.length / codes;
    this.sigmas = arrays.sigma ?? null;
    this.usage = /** @type {Float32Array} */
    arrays.usage;
    this.originals = arrays.originals ?? new Float32Array();
    this.labels = arrays.labels ?? null;
    this.numbers = arrays.numbers ?? new Float32Array();
    this.tokens = arrays.tokens ?? new Float32Array();
    this.count = this.tokens.length / this.places;
    const own = {};
    for (const [name, array] of Object.entries(arrays)) {
      if (name.startsWith("prior.")) own[name.slice(6)] = array;
    }
    this.prior = buildTokenPrior(own, this.places);
  }
  /**
   * A test image as tokens.
   * @param {number} n
   * @returns {Grid}
   */
  gridOf(n) {
    return [...this.tokens.subarray(n * this.places, (n + 1) * this.places)];
  }
  /** @param {number} n */
  originalOf(n) {
    const pixels = this.shape.reduce((product, side) => product * side);
    return this.originals.subarray(n * pixels, (n + 1) * pixels);
  }
  /**
   * The mean image of a grid.
   * @param {Grid} grid
   */
  decode(grid) {
    const z = new Float32Array(this.places * this.width);
    grid.forEach((code, place) => {
      for (let d = 0; d < this.width; d++) z[d * this.places + place] = this.vectors[code * this.width + d];
    });
    return this.run(z);
  }
  /**
   * What a code looks like amid its like: the middle tile of the image of a grid of it alone.
   * @param {number} code
   * @returns {{values: Float32Array, shape: ImageShape}}
   */
  tileOf(code) {
    const [channels, height, width] = this.shape;
    const [tall, wide] = [Math.floor(height / this.rows), Math.floor(width / this.columns)];
    const [top, left] = [tall * (this.rows >> 1), wide * (this.columns >> 1)];
    const image = this.decode(Array(this.places).fill(code));
    const values = new Float32Array(channels * tall * wide);
    for (let i = 0; i < values.length; i++) {
      const [c, y, x] = [Math.floor(i / tall / wide), Math.floor(i / wide) % tall, i % wide];
      values[i] = image[(c * height + top + y) * width + left + x];
    }
    return { values, shape: [channels, tall, wide] };
  }
  /**
   * −ln p(x|t) of an image, nats; null where p(x|t) has no σ that is known here.
   * @param {ArrayLike<number>} image
   * @param {ArrayLike<number>} decoded
   */
  distortion(image, decoded) {
    if (this.noise === "bernoulli") return -logLikelihood(image, decoded, null);
    return this.sigmas ? -logLikelihood(image, decoded, this.sigmas) : null;
  }
  /**
   * −ln p(t) of a grid, nats, and ln p of every code at every place.
   * @param {Grid} grid
   */
  priorOf(grid) {
    const rows = this.prior.rows(grid);
    return { rate: -rows.reduce((sum2, row, place) => sum2 + row[grid[place]], 0), rows };
  }
  /**
   * The straight line between two grids' vectors, each step of it moved to the nearest codes.
   * @param {Grid} from
   * @param {Grid} to
   * @param {number} n steps, both ends included
   * @returns {Grid[]}
   */
  walk(from, to, n) {
    const at = (share) => from.map((code, place) => code === to[place] ? code : this.nearestBetween(code, to[place], share));
    return Array.from({ length: n }, (_, k) => at(k / (n - 1)));
  }
  /**
   * The code nearest to (1 − s)·a + s·b; of equally near ones the first.
   * @param {number} a
   * @param {number} b
   * @param {number} share s
   */
  nearestBetween(a, b, share) {
    const { vectors, width } = this;
    let [best, least] = [a, Infinity];
    for (let k = 0; k < this.codes; k++) {
      let distance2 = 0;
      for (let d = 0; d < width; d++) {
        const target = (1 - share) * vectors[a * width + d] + share * vectors[b * width + d];
        distance2 += (vectors[k * width + d] - target) ** 2;
      }
      if (distance2 < least) [best, least] = [k, distance2];
    }
    return best;
  }
  /** Codes that the test images use, and how many, used equally, would spread as much. */
  get use() {
    const total2 = this.usage.reduce((sum2, count) => sum2 + count, 0);
    const shares = [...this.usage].filter(Boolean).map((count) => count / total2);
    return { used: shares.length, perplexity: Math.exp(-shares.reduce((sum2, p) => sum2 + p * Math.log(p), 0)), total: total2 };
  }
};

// explorer/browser/token_editor/editor.js
var WALK_STEPS = 9;
var DRAWING_MS = 2400;
var LONGEST_STEP_MS = 140;
var NUMBERED_COLUMNS = 10;
var DRAWN2 = "No test image: drawn from the prior";
var TokenEditor = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.model = null;
    this.colours = [];
    this.url = "";
    this.image = 0;
    this.source = "";
    this.start = { grid: [], rate: 0, rows: [], decoded: new Float32Array(), distortion: null };
    this.measured = this.start;
    this.grid = [];
    this.marked = 0;
    this.drawn = 0;
    this.drawing = 0;
    this.serial = 0;
    this.pins = [];
    this.tiles = [];
    this.codes = [];
    part(root, ".draw").onclick = () => this.draw();
    part(root, ".stop").onclick = () => this.stop();
    part(root, ".reset").onclick = () => this.put(this.start.grid, this.image, this.source);
    for (const button of root.querySelectorAll(".pin")) {
      button.addEventListener("click", () => this.pin(Number(button.getAttribute("data-pin"))));
    }
    part(root, ".tiles").addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.stop());
  }
  /** @param {EditorData} data */
  async update({ model: url, colours }) {
    if (url === this.url) return;
    this.url = url;
    this.stop();
    try {
      const file = await fetchOnce(url, (answer) => answer.arrayBuffer());
      if (url !== this.url) return;
      this.open(new TokenModel(new Uint8Array(file)), colours);
    } catch (error) {
      this.say(`The model cannot be shown: ${/** @type {Error} */
      error.message}. Reload the page.`);
      this.url = "";
    }
  }
  /** @param {string} text instead of the editor; empty: the editor */
  say(text) {
    part(this.root, ".state").textContent = text;
    part(this.root, ".state").hidden = !text;
    part(this.root, ".body").hidden = Boolean(text);
  }
  /**
   * Shows a model, at first with its first test image.
   * @param {TokenModel} model
   * @param {string[]} colours
   */
  open(model, colours) {
    Object.assign(this, { model, colours, drawn: 0, marked: model.columns * (model.rows >> 1) + (model.columns >> 1) });
    this.say("");
    this.furnish(model);
    const some = model.count ? [model.gridOf(0), model.gridOf(Math.min(1, model.count - 1))] : [this.sample(0), this.sample(1)];
    this.pins = some;
    if (model.count) this.choose(0);
    else this.put(some[0], -1, DRAWN2);
    this.showWalk();
  }
  /** @param {TokenModel} model */
  furnish(model) {
    const { root, colours } = this;
    for (const element of root.querySelectorAll(".choice")) element.hidden = !model.count;
    part(root, ".thumbs").replaceChildren(...Array.from({ length: model.count }, (_, n) => this.thumb(model, n)));
    this.tiles = Array.from({ length: model.places }, (_, place) => {
      const tile = make("button", { type: "button", onclick: () => this.mark(place) });
      return this.explained(tile, () => this.describeTile(place));
    });
    const tiles = part(root, ".tiles");
    tiles.style.setProperty("--columns", String(model.columns));
    tiles.classList.toggle("small", model.columns > NUMBERED_COLUMNS);
    tiles.replaceChildren(...this.tiles);
    const most = model.usage.reduce((best, count) => Math.max(best, count), 1);
    this.codes = Array.from({ length: model.codes }, (_, code) => {
      const used = make("span", { className: "bar" }, make("i", { className: "used" }));
      used.firstChild.style.width = `${100 * model.usage[code] / most}%`;
      const expected = make("span", { className: "bar" }, make("i", { className: "expected" }));
      const button = make("button", { type: "button", onclick: () => this.assign(code) }, make("canvas"), String(code), used, expected);
      button.style.background = colours[code];
      button.setAttribute("aria-label", `Code ${code}`);
      return this.explained(button, () => this.describeCode(code));
    });
    part(root, ".codes").replaceChildren(...this.codes);
    const { used: inUse, perplexity, total: total2 } = model.use;
    const counted = total2 ? `, ${inUse} in use, perplexity ${shown(perplexity, 1)}` : "";
    part(root, ".of-book").textContent = `Codebook: ${model.codes} codes${counted}`;
    part(root, ".longest").textContent = total2 ? ` (full bar: ${percent(most / total2)})` : "";
    this.showCodes(model);
  }
  /**
   * Decodes the codes' pictures while the page stays alive.
   * @param {TokenModel} model
   */
  showCodes(model) {
    const codes = this.codes;
    const work = function* () {
      for (let code = 0; code < codes.length; code++) {
        const { values, shape } = model.tileOf(code);
        paint(
          /** @type {HTMLCanvasElement} */
          part(codes[code], "canvas"),
          values,
          shape
        );
        yield code / codes.length;
      }
    };
    inSlices(work(), { report: () => {
    }, isWanted: () => this.model === model });
  }
  /**
   * @param {TokenModel} model
   * @param {number} n
   */
  thumb(model, n) {
    const canvas = make("canvas");
    paint(canvas, model.originalOf(n), model.shape);
    const button = make("button", { type: "button", onclick: () => this.choose(n) }, canvas);
    button.setAttribute("aria-label", this.nameOf(model, n));
    button.title = this.nameOf(model, n);
    return button;
  }
  /**
   * @param {TokenModel} model
   * @param {number} n
   */
  nameOf(model, n) {
    const name = model.labels && model.names[model.labels[n]];
    return `Test image ${model.numbers[n]}${name === null || name === void 0 ? "" : `, class ${name}`}`;
  }
  /**
   * An element that says what it is while the pointer or the keyboard is there.
   * @param {HTMLButtonElement} button
   * @param {() => string} describe
   */
  explained(button, describe) {
    const say = () => part(this.root, ".hover").textContent = describe();
    button.addEventListener("pointerenter", say);
    button.addEventListener("focus", say);
    return button;
  }
  /** @param {number} code */
  share(code) {
    const { usage, use } = (
      /** @type {TokenModel} */
      this.model
    );
    return use.total ? usage[code] / use.total : 0;
  }
  /** @param {number} place */
  describeTile(place) {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    const at = `Row ${Math.floor(place / model.columns) + 1}, column ${place % model.columns + 1}`;
    if (this.grid.length <= place) return `${at}: not drawn yet.`;
    const code = this.grid[place];
    const cost = shown(-this.measured.rows[place][code]);
    return `${at}: code ${code}, ${percent(this.share(code))} of the test images’ tokens. Here the prior charges ${cost} nats for it.`;
  }
  /** @param {number} code */
  describeCode(code) {
    const chance = percent(Math.exp(this.measured.rows[this.marked][code]));
    return `Code ${code}: ${percent(this.share(code))} of the test images’ tokens; at the marked tile the prior gives it ${chance}.`;
  }
  /** @param {number} n a test image */
  choose(n) {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    this.put(model.gridOf(n), n, this.nameOf(model, n));
  }
  /**
   * Takes a grid to start from.
   * @param {Grid} grid
   * @param {number} image the test image that it is of; −1: none
   * @param {string} source what it is
   */
  put(grid, image, source) {
    this.stop();
    Object.assign(this, { image, source });
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    const original = (
      /** @type {HTMLCanvasElement} */
      part(this.root, ".original")
    );
    original.style.visibility = image < 0 ? "hidden" : "";
    if (image >= 0) paint(original, model.originalOf(image), model.shape);
    original.setAttribute("aria-label", image < 0 ? "" : source);
    part(this.root, ".of-original").textContent = source;
    [...part(this.root, ".thumbs").children].forEach((button, n) => button.setAttribute("aria-pressed", String(n === image)));
    this.grid = [...grid];
    this.start = this.measure(this.grid);
    this.show();
  }
  /**
   * @param {Grid} grid
   * @returns {Measured}
   */
  measure(grid) {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    const decoded = model.decode(grid);
    const distortion = this.image < 0 ? null : model.distortion(model.originalOf(this.image), decoded);
    return { grid: [...grid], ...model.priorOf(grid), decoded, distortion };
  }
  /** @param {number} place */
  mark(place) {
    if (this.drawing) return;
    this.marked = place;
    this.show();
    this.reveal(this.codes[this.grid[place]]);
  }
  /**
   * Scrolls the codebook, and nothing else, to a code.
   * @param {HTMLElement} code
   */
  reveal(code) {
    const box = part(this.root, ".codes");
    const [top, bottom] = [code.offsetTop, code.offsetTop + code.offsetHeight];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
  }
  /** @param {number} code for the marked tile */
  assign(code) {
    if (this.drawing) return;
    this.grid[this.marked] = code;
    this.show();
    part(this.root, ".hover").textContent = this.describeCode(code);
  }
  /** @param {KeyboardEvent} event */
  press(event) {
    const { rows, columns } = (
      /** @type {TokenModel} */
      this.model
    );
    const [row, column] = [Math.floor(this.marked / columns), this.marked % columns];
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move || this.drawing) return;
    event.preventDefault();
    const to = [Math.min(rows - 1, Math.max(0, row + move[0])), Math.min(columns - 1, Math.max(0, column + move[1]))];
    this.mark(to[0] * columns + to[1]);
    this.tiles[this.marked].focus();
  }
  /** Everything that follows from the grid and the marked tile. */
  show() {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    this.measured = this.measure(this.grid);
    paint(
      /** @type {HTMLCanvasElement} */
      part(this.root, ".decoded"),
      this.measured.decoded,
      model.shape
    );
    this.showTiles(this.grid, this.marked);
    this.showChances(this.measured.rows[this.marked], this.grid[this.marked]);
    const edits = this.grid.filter((code, place) => code !== this.start.grid[place]).length;
    part(this.root, ".reset").disabled = !edits;
    part(this.root, ".of-tiles").textContent = `${model.places} tokens of ${model.codes} codes${edits ? `, ${edits} changed by hand` : ""}`;
    const even = `All codes equally likely would cost ${model.places} ln ${model.codes} = ${shown(model.places * Math.log(model.codes))} nats.`;
    const before = edits ? `
${this.image < 0 ? "Before" : "As encoded"}: ${costs(this.start)}.` : "";
    part(this.root, ".numbers").textContent = `${edits ? "Now: " : ""}${costs(this.measured)}.${before}
${even}`;
  }
  /**
   * @param {Grid} grid as far as it is drawn
   * @param {number} marked
   */
  showTiles(grid, marked) {
    this.tiles.forEach((tile, place) => {
      const code = grid[place];
      tile.classList.toggle("open", code === void 0);
      tile.textContent = code === void 0 ? "" : String(code);
      tile.style.background = code === void 0 ? "" : this.colours[code];
      tile.setAttribute("aria-pressed", String(place === marked));
      tile.setAttribute("aria-label", `Row ${Math.floor(place / this.columns) + 1}, column ${place % this.columns + 1}: ${code === void 0 ? "not drawn yet" : `code ${code}`}`);
      tile.tabIndex = place === marked ? 0 : -1;
    });
  }
  get columns() {
    return (
      /** @type {TokenModel} */
      this.model.columns
    );
  }
  /**
   * @param {ArrayLike<number>} odds ln p of every code at a place
   * @param {number} chosen the code there; −1: none yet
   */
  showChances(odds, chosen) {
    this.codes.forEach((button, code) => {
      part(button, ".expected").style.width = `${100 * Math.exp(odds[code])}%`;
      button.setAttribute("aria-pressed", String(code === chosen));
    });
  }
  /**
   * A grid of the prior.
   * @param {number} seed
   * @returns {Grid}
   */
  sample(seed) {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    const reader = model.prior.reader();
    const uniform = uniforms(seed);
    return Array.from({ length: model.places }, () => {
      const code = drawCode(reader.odds(), uniform());
      reader.take(code);
      return code;
    });
  }
  /** Draws a grid token by token, for the eye. */
  async draw() {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    this.stop();
    const serial = this.drawing = ++this.serial;
    const [reader, uniform] = [model.prior.reader(), uniforms(this.drawn)];
    const pause = Math.min(LONGEST_STEP_MS, DRAWING_MS / model.places);
    this.enable(true);
    const grid = [];
    let rate = 0;
    while (grid.length < model.places) {
      this.showDrawing(grid, reader.odds(), rate);
      await new Promise((next) => setTimeout(next, pause));
      if (serial !== this.drawing) return;
      const code = drawCode(reader.odds(), uniform());
      rate -= reader.odds()[code];
      reader.take(code);
      grid.push(code);
    }
    this.drawn++;
    this.put(grid, -1, DRAWN2);
  }
  /**
   * @param {Grid} grid as far as it is drawn
   * @param {ArrayLike<number>} odds of the next token
   * @param {number} rate of those drawn
   */
  showDrawing(grid, odds, rate) {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    const canvas = (
      /** @type {HTMLCanvasElement} */
      part(this.root, ".decoded")
    );
    const likely = Array.from(odds).indexOf(Math.max(...Array.from(odds)));
    paint(canvas, model.decode(Array.from({ length: model.places }, (_, place) => grid[place] ?? likely)), model.shape);
    this.cover(canvas, model, grid.length);
    this.showTiles(grid, grid.length);
    this.showChances(odds, -1);
    part(this.root, ".progress").textContent = `Drawing token ${grid.length + 1} of ${model.places}`;
    part(this.root, ".of-tiles").textContent = "Drawn row by row, each given those before it";
    part(this.root, ".numbers").textContent = `R so far: ${shown(rate)} nats.`;
  }
  /**
   * Hides the places of an image that are not drawn yet.
   * @param {HTMLCanvasElement} canvas
   * @param {TokenModel} model
   * @param {number} done
   */
  cover(canvas, { rows, columns, places }, done) {
    const pen = context(canvas);
    const [height, width] = [canvas.height / rows, canvas.width / columns];
    pen.fillStyle = "#808080";
    for (let place = done; place < places; place++) {
      const [left, top] = [Math.floor(place % columns * width), Math.floor(Math.floor(place / columns) * height)];
      pen.fillRect(left, top, Math.ceil(width), Math.ceil(height));
    }
  }
  /** Ends a drawing, if one is under way: what was there before it comes back. */
  stop() {
    if (!this.drawing) return;
    this.drawing = 0;
    this.enable(false);
    this.show();
  }
  /** @param {boolean} isDrawing */
  enable(isDrawing) {
    part(this.root, ".stop").disabled = !isDrawing;
    part(this.root, ".draw").disabled = isDrawing;
    for (const button of this.root.querySelectorAll(".pin")) button.disabled = isDrawing;
    if (!isDrawing) part(this.root, ".progress").textContent = "";
  }
  /** @param {number} slot 0 for A, 1 for B */
  pin(slot) {
    this.pins[slot] = [...this.grid];
    this.showWalk();
  }
  /** The walk between the pins; a step of it can be taken as the grid. */
  showWalk() {
    const model = (
      /** @type {TokenModel} */
      this.model
    );
    const pins = [...this.pins];
    const steps = model.walk(pins[0], pins[1], WALK_STEPS);
    const places = steps.map((grid, k) => {
      const name = k === 0 ? "A" : k === WALK_STEPS - 1 ? "B" : String(k);
      const canvas = namedCanvas(`Step ${name}`);
      paint(canvas, model.decode(grid), model.shape);
      const cost = make("span", {}, "…");
      const shot = make("button", { type: "button", onclick: () => this.take(grid, name) }, canvas, make("b", {}, name), cost);
      return { grid, shot, cost };
    });
    part(this.root, ".walk").replaceChildren(...places.map(({ shot }) => shot));
    const work = function* () {
      for (const [k, { grid, cost }] of places.entries()) {
        cost.textContent = `${shown(model.priorOf(grid).rate, 1)} nats`;
        yield k / WALK_STEPS;
      }
    };
    const isWanted = () => this.model === model && this.pins.every((pin, slot) => pin === pins[slot]);
    inSlices(work(), { report: () => {
    }, isWanted });
  }
  /**
   * Shows a grid of the walk.
   * @param {Grid} grid
   * @param {string} name of the step
   */
  take(grid, name) {
    this.put(grid, -1, `No test image: step ${name} of the walk`);
  }
};
function percent(share) {
  return `${shown(100 * share, 1)} %`;
}
function costs({ distortion, rate }) {
  if (distortion === null) return `R ${shown(rate)} nats, −ln of the grid’s probability under the prior`;
  return `D ${shown(distortion)} + R ${shown(rate)} = ${shown(distortion + rate)} nats for this image`;
}
function tokenEditor({ parentElement, data }) {
  const root = (
    /** @type {HTMLElement & {tokenEditor?: TokenEditor}} */
    part(parentElement, ".token-editor")
  );
  const editor = root.tokenEditor ??= new TokenEditor(root);
  editor.update(data);
  return () => setTimeout(() => root.isConnected || editor.stop());
}

// explorer/browser/numerics/frames.js
var REACH_INSIDE = 0.99;
var IN_A_ROW = 10;
function streamEntries(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = 0; at + 16 <= bytes.length; ) {
    const step = Number(view.getBigInt64(at, true));
    const length2 = Number(view.getBigInt64(at + 8, true));
    if (length2 < 0 || at + 16 + length2 > bytes.length) break;
    found.push({ step, file: bytes.subarray(at + 16, at + 16 + length2) });
    at += 16 + length2 + (8 - length2 % 8) % 8;
  }
  return found;
}
function readShared(file) {
  const { tensors, metadata } = readTensors(file);
  const [count, ...shape] = tensors.original.shape;
  return {
    original: tensors.original.data,
    count,
    shape: (
      /** @type {[number, number, number]} */
      shape
    ),
    labels: tensors.labels?.data ?? null,
    names: metadata.class_names,
    total: metadata.total_steps,
    perEpoch: metadata.steps_per_epoch,
    hasRate: metadata.has_rate,
    hasCodes: metadata.has_codes ?? true
  };
}
function readFrame(step, file, stamp) {
  const { tensors, metadata } = readTensors(file);
  if (!tensors.codes) return { ...GENERATED2, step, stamp, images: rowsOf(tensors.sample) };
  const images = [tensors.reconstruction, tensors.sample].filter(Boolean);
  return {
    step,
    stamp,
    codes: numbersOf(tensors.codes),
    size: tensors.codes.shape[1],
    images: images.map((tensor) => tensor.data),
    distortion: metadata.distortion,
    rate: metadata.rate
  };
}
var GENERATED2 = { codes: new Float32Array(), size: 1, distortion: NaN, rate: NaN };
function rowsOf({ data, shape }) {
  const row = IN_A_ROW * data.length / shape[0];
  return Array.from({ length: Math.ceil(shape[0] / IN_A_ROW) }, (_, i) => data.subarray(i * row, (i + 1) * row));
}
function mixed2(from, to, share) {
  if (share <= 0 || from === to) return from;
  return (
    /** @type {T} */
    from.map((value, i) => (1 - share) * value + share * to[i])
  );
}
function positionOf(rising, value) {
  const last = rising.length - 1;
  if (value <= rising[0]) return 0;
  if (value >= rising[last]) return last;
  let k = 0;
  while (rising[k + 1] <= value) k++;
  return k + (value - rising[k]) / (rising[k + 1] - rising[k]);
}
function reachOf(codes, size, shown2) {
  const sizes = Float32Array.from(
    { length: codes.length / size },
    (_, n) => Math.max(...shown2.map((j) => Math.abs(codes[n * size + j])))
  ).sort();
  return sizes[Math.min(sizes.length - 1, Math.floor(REACH_INSIDE * sizes.length))];
}
function reaches(frames, shown2, least) {
  let reach = least;
  return frames.map((frame2) => reach = Math.max(reach, 1.08 * reachOf(frame2.codes, frame2.size, shown2)));
}
function widest({ codes, size }) {
  const count = codes.length / size;
  const spread2 = Array.from({ length: size }, (_, j) => {
    let [sum2, squares] = [0, 0];
    for (let i = j; i < codes.length; i += size) {
      sum2 += codes[i];
      squares += codes[i] * codes[i];
    }
    return squares / count - (sum2 / count) ** 2;
  });
  const order = [...spread2.keys()].sort((i, j) => spread2[j] - spread2[i] || i - j);
  return order.slice(0, 2).sort((i, j) => i - j);
}
function fewGreys(pixels) {
  return pixels.map((value, i) => {
    const at = i - i % 4;
    const isGrey = pixels[at] === pixels[at + 1] && pixels[at] === pixels[at + 2];
    return isGrey && i % 4 < 3 ? Math.round(Math.round(value * 31 / 255) * 255 / 31) : value;
  });
}

// explorer/browser/snapshots/film.js
var ROWS = ["Decoded means", "Decoded means of prior samples"];
var GENERATED3 = ["Generated images, from the same noise at every step", ""];
var [STAMPS, SHARED] = [-2, -1];
var Film = class {
  /** @param {() => void} changed */
  constructor(changed) {
    this.url = "";
    this.shared = null;
    this.frames = [];
    this.axes = [];
    this.reach = [];
    this.position = 0;
    this.busy = false;
    this.problem = "";
    this.stage = make("div", { className: "codes" });
    this.codes = new MovingCodes(this.stage, (n) => this.hover(n));
    this.drawn = "";
    this.title = make("b");
    this.scores = make("p", { className: "scores" });
    this.hint = make("p", { className: "hint" });
    this.legend = make("div", { className: "legend" });
    this.choices = make("span", { className: "choices" });
    this.rows = make("div", { className: "rows" });
    this.cells = [];
    this.changed = changed;
    this.place = make(
      "div",
      { className: "film" },
      make("div", { className: "side" }, this.title, this.stage, this.legend, this.choices),
      make("div", { className: "side" }, this.scores, this.rows, this.hint)
    );
    this.reachNow = 1;
  }
  end() {
    this.codes.end();
  }
  /**
   * Takes a film, or the frames that have come since.
   * @param {FilmData} wanted
   */
  async update({ url, name }) {
    if (url !== this.url) {
      this.url = url;
      this.shared = null;
      this.frames = [];
      this.axes = [];
    }
    this.title.textContent = name;
    if (this.busy) return;
    this.busy = true;
    try {
      await this.fetch();
      this.problem = "";
    } catch (error) {
      this.problem = `The film cannot be read: ${/** @type {Error} */
      error.message}`;
    }
    this.busy = false;
    this.changed();
  }
  /** Fetches what comes after the last frame; drops frames that are gone or were written again. */
  async fetch() {
    const { url } = this;
    const after = this.frames.at(-1)?.step ?? -1;
    const answer = await fetch(`${url}/${after}`);
    if (!answer.ok) throw new Error(await answer.text());
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (url !== this.url) return;
    let stamps = /* @__PURE__ */ new Map();
    for (const { step, file } of streamEntries(bytes)) {
      if (step === STAMPS) stamps = new Map(JSON.parse(new TextDecoder().decode(file)));
      else if (step === SHARED) this.furnish(readShared(file));
      else this.take(step, file, stamps.get(step) ?? 0);
    }
    this.frames = this.frames.filter((frame2) => stamps.get(frame2.step) === frame2.stamp);
  }
  /**
   * Adds a frame; a damaged one is left out.
   * @param {number} step
   * @param {Uint8Array} file
   * @param {number} stamp
   */
  take(step, file, stamp) {
    try {
      this.frames.push(readFrame(step, file, stamp));
    } catch {
    }
  }
  /** @param {Shared} shared */
  furnish(shared) {
    this.shared = shared;
    this.drawn = "";
    const [, height, width] = shared.shape;
    const rows = shared.hasCodes ? ROWS.slice(0, shared.hasRate ? 2 : 1) : GENERATED3;
    const names = ["Test images", ...rows];
    for (const each of [this.stage, this.legend, this.choices]) each.hidden = !shared.hasCodes;
    this.cells = names.map(
      (name) => Array.from(
        { length: shared.count },
        (_, i) => Object.assign(namedCanvas(`${name || rows[0]}, ${i + 1}`), { width, height })
      )
    );
    const labelled = names.flatMap((name, i) => [
      ...name ? [make("p", {}, name)] : [],
      make("div", { className: "images" }, ...this.cells[i])
    ]);
    this.rows.replaceChildren(...labelled);
    this.paintRow(0, shared.original);
  }
  /**
   * @param {number} row
   * @param {Uint8Array} images M·C·H·W grey levels
   */
  paintRow(row, images) {
    const { shape, count } = (
      /** @type {Shared} */
      this.shared
    );
    const size = images.length / count;
    this.cells[row].forEach((cell, i) => {
      const values = Float32Array.from(images.subarray(i * size, (i + 1) * size), (v) => v / 255);
      context(cell).putImageData(new ImageData(levels(values, shape), shape[2], shape[1]), 0, 0);
    });
  }
  /**
   * Chooses the latents that are drawn, the widest ones at first, and how far the map reaches.
   * @param {string[]} colours
   */
  settle(colours) {
    const last = this.frames.at(-1);
    if (!last || !this.shared) return;
    if (!this.shared.hasCodes) {
      this.reach = this.frames.map(() => 1);
      return;
    }
    if (!this.axes.length) {
      this.axes = widest(last);
      this.choose(last.size, colours);
    }
    this.reach = reaches(this.frames, this.axes, this.shared.hasRate ? 3.15 : 1e-6);
    const drawn = JSON.stringify([this.axes, last.size, colours]);
    if (drawn !== this.drawn) this.cast(this.shared, last, colours);
    this.drawn = drawn;
  }
  /**
   * Begins the chart of codes and its legend.
   * @param {Shared} shared
   * @param {Frame} frame
   * @param {string[]} palette
   */
  cast({ labels, names, hasRate }, { codes, size }, palette) {
    const { axes } = this;
    const reach = (
      /** @type {number} */
      this.reach.at(-1)
    );
    this.codes.show({ size, axes: [...axes], labels, names, palette, hasPrior: hasRate }, codes, reach);
    fillLegend(this.legend, this.codes.scatter, null);
  }
  /**
   * Offers a choice of latents where there are more than two.
   * @param {number} size
   * @param {string[]} colours
   */
  choose(size, colours) {
    if (size < 3) {
      this.choices.replaceChildren();
      return;
    }
    const selects = this.axes.map((axis, i) => {
      const select = make("select", {
        onchange: () => {
          this.axes[i] = Number(select.value);
          this.settle(colours);
          this.changed();
        }
      });
      select.setAttribute("aria-label", i ? "Latent upward" : "Latent across");
      for (let j = 0; j < size; j++) {
        const chosen = j === axis;
        select.append(make("option", { value: String(j), textContent: latentName(j), selected: chosen }));
      }
      return select;
    });
    this.choices.replaceChildren("Across ", selects[0], " up ", selects[1]);
  }
  /** The steps that have a frame. */
  get steps() {
    return this.frames.map((frame2) => frame2.step);
  }
  /**
   * Everything as it is at a position between frames.
   * @param {number} position
   * @param {number} least how far the map reaches at least, for two on one scale
   */
  show(position, least = 0) {
    if (!this.frames.length || !this.shared) return;
    this.position = Math.min(Math.max(0, position), this.frames.length - 1);
    this.reachNow = Math.max(least, this.reachAt(this.position));
    const [from, to, share] = this.around();
    if (this.shared.hasCodes) this.codes.move(mixed2(from.codes, to.codes, share), this.reachNow);
    this.images().forEach((images, i) => this.paintRow(i + 1, images));
    this.scores.replaceChildren(...this.words().map((line) => make("span", {}, line)));
  }
  /** @param {number} position */
  reachAt(position) {
    const k = Math.floor(position);
    const next = this.reach[Math.min(k + 1, this.reach.length - 1)];
    return this.reach[k] + (position - k) * (next - this.reach[k]);
  }
  /** The frames on both sides, and how far between them. @returns {[Frame, Frame, number]} */
  around() {
    const k = Math.floor(this.position);
    const next = this.frames[Math.min(k + 1, this.frames.length - 1)];
    return [this.frames[k], next, this.position - k];
  }
  images() {
    const [from, to, share] = this.around();
    return from.images.map((images, i) => mixed2(images, to.images[i], share));
  }
  /** What the nearest frame says, in two lines. */
  words() {
    const { total: total2, perEpoch, hasRate, hasCodes } = (
      /** @type {Shared} */
      this.shared
    );
    const { step, distortion, rate, codes, size } = this.frames[Math.round(this.position)];
    const epoch = shown(step / perEpoch, step % perEpoch ? 1 : 0);
    const place = `Step ${step.toLocaleString("en")} of ${total2.toLocaleString("en")}, epoch ${epoch}`;
    if (!hasCodes) return [place];
    const terms = hasRate ? `D ${shown(distortion)} + R ${shown(rate)} = −ELBO ${shown(distortion + rate)} nats` : `D ${shown(distortion)} nats`;
    const count = (codes.length / size).toLocaleString("en");
    return [
      place,
      `${terms} per image, mean of ${count} test images`
    ];
  }
  /**
   * Another test image is under the pointer, or none.
   * @param {number | null} n
   */
  hover(n) {
    const label = n === null ? void 0 : this.shared?.labels?.[n];
    const name = label === void 0 ? "" : `, class ${this.shared?.names[label] ?? label}`;
    this.hint.textContent = n === null ? "" : `Test image ${n}${name}`;
    this.cells.slice(0, 2).forEach((row) => row.forEach((cell, i) => cell.classList.toggle("now", i === n)));
  }
};

// explorer/browser/snapshots/saved_file.js
var FRAMES2 = 60;
var SIDE2 = 300;
var CELL2 = 28;
var DURATIONS = { delay_ms: 100, last_ms: 1100 };
function drawFilms(films, ratio2) {
  const rows = Math.max(...films.map((film) => film.cells.length));
  const top = films.some((film) => film.shared?.hasCodes) ? SIDE2 + 20 : 20;
  const [width, height] = [films.length * (SIDE2 + 10) - 10, top + rows * (CELL2 + 2)];
  const canvas = make("canvas", { width: width * ratio2, height: height * ratio2 });
  const pen = context(canvas);
  pen.scale(ratio2, ratio2);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingEnabled = false;
  films.forEach((film, i) => {
    if (!film.frames.length) return;
    const left = i * (SIDE2 + 10);
    if (film.shared?.hasCodes) pen.drawImage(film.codes.picture(SIDE2, ratio2), left, 16, SIDE2, SIDE2);
    pen.fillStyle = "#222";
    pen.font = "12px sans-serif";
    pen.fillText(`${film.title.textContent?.slice(0, 24)} · ${film.words()[0]}`, left + 2, 12, SIDE2);
    film.cells.forEach(
      (row, r) => row.forEach((image, c) => {
        const step = SIDE2 / Math.max(10, row.length);
        pen.drawImage(image, left + c * step, top + r * (CELL2 + 2), step - 2, CELL2);
      })
    );
  });
  return canvas;
}
async function filmGif(last, draw, report) {
  const count = Math.min(FRAMES2, last + 1);
  const pictures = [];
  let size = { width: 0, height: 0 };
  for (let i = 0; i < count; i++) {
    report(`Drawing ${i + 1} of ${count}`);
    const canvas = draw(count > 1 ? last * i / (count - 1) : 0);
    size = { width: canvas.width, height: canvas.height };
    pictures.push(fewGreys(context(canvas).getImageData(0, 0, size.width, size.height).data));
    await pageDrawn();
  }
  report("Writing the file…");
  await pageDrawn();
  return encodeGif(pictures, size.width, size.height, DURATIONS);
}
function pageDrawn() {
  return new Promise((done) => setTimeout(done, 0));
}

// explorer/browser/snapshots/player.js
var FILM_SECONDS = 10;
var FLOW_SECONDS = 0.7;
var LIVE_MS = 500;
var SPEEDS = { "0.5": "½×", 1: "1×", 2: "2×", 4: "4×" };
var Player = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.slider = /** @type {HTMLInputElement} */
    part(root, "input");
    this.player = part(root, ".play");
    this.liveButton = part(root, ".live");
    this.speed = /** @type {HTMLSelectElement} */
    part(root, "select");
    this.films = [];
    this.data = null;
    this.position = 0;
    this.playing = false;
    this.follows = true;
    this.frame = 0;
    this.then = 0;
    this.ended = false;
    this.asking = 0;
    for (const [value, textContent] of Object.entries(SPEEDS)) {
      this.speed.append(make("option", { value, textContent, selected: value === "1" }));
    }
    this.slider.oninput = () => this.scrub(Number(this.slider.value));
    this.player.onclick = () => this.toggle();
    this.liveButton.onclick = () => this.follow();
    part(root, ".gif").onclick = () => this.saveGif();
    part(root, ".png").onclick = () => this.savePng();
    this.watch = new ResizeObserver(() => this.tick());
    this.watch.observe(root);
  }
  /** @param {PlayerData} data */
  update(data) {
    this.data = data;
    while (this.films.length > data.films.length) this.films.pop()?.end();
    while (this.films.length < data.films.length) this.films.push(new Film(() => this.changed()));
    const places = this.films.map((film) => film.place);
    const there = part(this.root, ".films");
    if ([...there.children].some((child, i) => child !== places[i]) || there.children.length !== places.length) {
      there.replaceChildren(...places);
    }
    there.classList.toggle("two", places.length > 1);
    this.liveButton.hidden = !data.live;
    clearTimeout(this.asking);
    this.ask();
  }
  /** Fetches the films; of one that is live, again and again what is new. */
  async ask() {
    const { films, live } = (
      /** @type {PlayerData} */
      this.data
    );
    await Promise.all(this.films.map((film, i) => films[i] && film.update(films[i])));
    clearTimeout(this.asking);
    if (live && this.root.isConnected && !this.ended) this.asking = setTimeout(() => this.ask(), LIVE_MS);
  }
  /** New frames have come, or another latent was chosen. */
  changed() {
    const first = this.films[0];
    this.films.forEach((film) => film.settle(this.data?.colours ?? []));
    const count = first?.frames.length ?? 0;
    const problem = this.films.map((film) => film.problem).find(Boolean);
    const waits = this.data?.live ? "The first frame will be here in a moment." : "Reading the film…";
    part(this.root, ".state").textContent = problem || (count ? "" : waits);
    part(this.root, ".controls").hidden = part(this.root, ".films").hidden = !count;
    this.slider.max = String(Math.max(0, count - 1));
    if (this.position > count - 1) this.position = Math.max(0, count - 1);
    if (this.follows && !this.data?.live) this.position = Math.max(0, count - 1);
    this.tick();
  }
  /** @param {number} position */
  scrub(position) {
    this.playing = this.follows = false;
    this.position = position;
    this.tick();
  }
  toggle() {
    this.playing = !this.playing;
    this.follows = false;
    const last = this.films[0].frames.length - 1;
    if (this.playing && this.position >= last) this.position = 0;
    this.tick();
  }
  follow() {
    this.follows = true;
    this.playing = false;
    this.tick();
  }
  /** Asks for a frame of the screen, once. */
  tick() {
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      const passed = Math.min(0.1, (now - this.then) / 1e3);
      this.then = now;
      if (this.root.isConnected && this.films[0]?.frames.length) this.advance(passed);
    });
  }
  /** @param {number} passed seconds since the last frame of the screen */
  advance(passed) {
    const last = this.films[0].frames.length - 1;
    if (this.playing) {
      this.position += Number(this.speed.value) * passed * Math.max(last, 1) / FILM_SECONDS;
      if (this.position >= last) [this.position, this.playing] = [last, false];
    } else if (this.follows && this.position < last) {
      const gap = last - this.position;
      this.position = gap < 0.01 ? last : this.position + gap * Math.min(1, passed / FLOW_SECONDS);
    }
    this.draw();
    if (this.playing || this.follows && this.position < last) this.tick();
  }
  /** Shows all films at the place of the first. */
  draw() {
    const { inStep } = (
      /** @type {PlayerData} */
      this.data
    );
    const [first, ...others] = this.films;
    const positions = [this.position, ...others.map((film) => this.match(first, film, inStep))];
    const reach = Math.max(...this.films.map((film, i) => film.frames.length ? film.reachAt(positions[i]) : 0));
    this.films.forEach((film, i) => film.show(positions[i], reach));
    this.slider.value = String(Math.round(this.position));
    this.slider.setAttribute("aria-valuetext", first.words()[0]);
    this.player.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.liveButton.setAttribute("aria-pressed", String(this.follows));
  }
  /**
   * The position of another film at the same share of its training, or after as many updates.
   * @param {Film} first
   * @param {Film} film
   * @param {"share" | "step"} by
   */
  match(first, film, by) {
    if (!film.frames.length) return 0;
    const [from, to, share] = frameAt(first, this.position);
    const step = from.step + share * (to.step - from.step);
    const factor = by === "share" ? updatesOf(film) / updatesOf(first) : 1;
    return positionOf(film.steps, step * factor);
  }
  /** @param {number} position */
  pictureAt(position) {
    this.position = position;
    this.draw();
    return drawFilms(this.films, 1);
  }
  async saveGif() {
    const button = (
      /** @type {HTMLButtonElement} */
      part(this.root, ".gif")
    );
    const before = this.position;
    button.disabled = true;
    this.playing = this.follows = false;
    try {
      const last = this.films[0].frames.length - 1;
      const progress = (text) => button.textContent = text;
      const bytes = await filmGif(last, (position) => this.pictureAt(position), progress);
      save(new Blob([
        /** @type {Uint8Array<ArrayBuffer>} */
        bytes
      ], { type: "image/gif" }), "training.gif");
    } finally {
      button.textContent = "Save GIF";
      button.disabled = false;
      this.scrub(before);
    }
  }
  savePng() {
    const picture2 = drawFilms(this.films, 2);
    picture2.toBlob((blob) => blob && save(blob, "training.png"));
  }
  end() {
    this.ended = true;
    for (const film of this.films) film.end();
    clearTimeout(this.asking);
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }
};
function frameAt(film, position) {
  const k = Math.min(Math.floor(position), film.frames.length - 1);
  return [film.frames[k], film.frames[Math.min(k + 1, film.frames.length - 1)], position - k];
}
function updatesOf(film) {
  return film.shared?.total ?? 1;
}
function trainingFilm({ parentElement, data }) {
  const root = (
    /** @type {HTMLElement & {player?: Player}} */
    part(parentElement, ".training-film")
  );
  const player = root.player ??= new Player(root);
  player.update(data);
  return () => setTimeout(() => root.isConnected || player.end());
}

// explorer/browser/z_plane/plane.js
var SIDE3 = 15;
var STEPS5 = 9;
var REACH3 = 3;
var KEY_STEP = 0.02;
var ARROWS2 = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function codeAt([across, down], size, vectors) {
  if (!vectors) {
    const place = [(2 * across - 1) * REACH3, (1 - 2 * down) * REACH3];
    return Float32Array.from({ length: size }, (_, j) => place[j] ?? 0);
  }
  const [u, v] = [(0.5 - down) * Math.PI, (across - 0.5) * Math.PI];
  const weights = [Math.cos(u) * Math.cos(v), Math.sin(u), Math.cos(u) * Math.sin(v)];
  return Float32Array.from(
    { length: size },
    (_, j) => weights.reduce((sum2, weight, k) => sum2 + weight * vectors[k][j], 0)
  );
}
var Plane = class {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.stage = part(root, ".stage");
    this.grid = /** @type {HTMLCanvasElement} */
    part(root, ".grid");
    this.marks = /** @type {HTMLCanvasElement} */
    part(root, ".marks");
    this.one = /** @type {HTMLCanvasElement} */
    part(root, ".one");
    this.model = null;
    this.data = null;
    this.place = [0.5, 0.5];
    this.pins = [];
    this.stage.addEventListener("pointermove", (event) => this.point(this.placeOf(event)));
    this.stage.addEventListener("click", (event) => this.pin(this.placeOf(event)));
    this.stage.addEventListener("keydown", (event) => this.press(event));
  }
  /** @param {PlaneData} data */
  async update(data) {
    const text = JSON.stringify(data);
    if (text === JSON.stringify(this.data)) return;
    this.data = data;
    try {
      const file = await fetchOnce(data.url, (answer) => answer.arrayBuffer());
      if (JSON.stringify(this.data) !== text) return;
      this.model = readModel(new Uint8Array(file));
      this.pins = [];
      part(this.root, ".state").textContent = "";
      this.draw();
    } catch (error) {
      const { message } = (
        /** @type {Error} */
        error
      );
      part(this.root, ".state").textContent = `The model cannot be read: ${message}. Reload the page.`;
    }
  }
  /**
   * @param {[number, number]} place
   * @returns {Float32Array}
   */
  code(place) {
    const { header } = (
      /** @type {NonNullable<typeof this.model>} */
      this.model
    );
    return codeAt(place, header.latent_dim, this.data?.vectors ?? null);
  }
  /** Decodes the background, the spot and the walk. */
  draw() {
    const { decode, header } = (
      /** @type {NonNullable<typeof this.model>} */
      this.model
    );
    const images = Array.from(
      { length: SIDE3 * SIDE3 },
      (_, i) => decode(this.code([(i % SIDE3 + 0.5) / SIDE3, (Math.floor(i / SIDE3) + 0.5) / SIDE3]))
    );
    const sheet2 = sheetOf(images, header.image_shape, SIDE3);
    Object.assign(this.grid, { width: sheet2.width, height: sheet2.height });
    context(this.grid).drawImage(sheet2, 0, 0);
    this.point(this.place);
    this.walk();
  }
  /** @param {PointerEvent | MouseEvent} event @returns {[number, number]} */
  placeOf(event) {
    const box = this.stage.getBoundingClientRect();
    const share = (offset, length2) => Math.min(1, Math.max(0, offset / length2));
    return [share(event.clientX - box.left, box.width), share(event.clientY - box.top, box.height)];
  }
  /** @param {[number, number]} place */
  point(place) {
    this.place = place;
    if (!this.model) return;
    const z = this.code(place);
    paint(this.one, this.model.decode(z), this.model.header.image_shape);
    const length2 = shown(Math.hypot(...z));
    part(this.root, ".where").textContent = `z has ${z.length} numbers, of length ${length2}`;
    this.mark();
  }
  /** @param {[number, number]} place */
  pin(place) {
    if (!this.model) return;
    this.pins = this.pins.length === 2 ? [place] : [...this.pins, place];
    this.point(place);
    this.walk();
  }
  /** @param {KeyboardEvent} event */
  press(event) {
    const arrow = ARROWS2[event.key];
    if (!arrow && event.key !== "Enter") return;
    event.preventDefault();
    if (!arrow) return this.pin(this.place);
    const [across, down] = this.place.map((value, k) => Math.min(1, Math.max(0, value + arrow[k] * KEY_STEP)));
    this.point([across, down]);
  }
  /** The spot and the pins. */
  mark() {
    const side = Math.round(this.stage.clientWidth * window.devicePixelRatio);
    Object.assign(this.marks, { width: side, height: side });
    const pen = context(this.marks);
    pen.font = `bold ${0.03 * side}px sans-serif`;
    const spots = [...this.pins.map((pin, k) => ({ place: pin, name: "AB"[k] })), { place: this.place, name: "" }];
    for (const { place, name } of spots) {
      const [x, y] = [place[0] * side, place[1] * side];
      for (
        const [colour, width] of
        /** @type {[string, number][]} */
        [["#000", 8e-3], ["#fff", 4e-3]]
      ) {
        Object.assign(pen, { strokeStyle: colour, lineWidth: width * side });
        pen.beginPath();
        pen.arc(x, y, 0.012 * side, 0, 7);
        pen.stroke();
        if (name) pen.strokeText(name, x + 0.02 * side, y);
      }
      pen.fillStyle = "#000";
      if (name) pen.fillText(name, x + 0.02 * side, y);
    }
  }
  /** The images on the way from A to B. */
  walk() {
    const place = part(this.root, ".walk");
    place.hidden = this.pins.length < 2;
    if (place.hidden || !this.model) return;
    const { decode, header } = this.model;
    const [a, b] = this.pins.map((pin) => this.code(pin));
    const path = this.data?.vectors ? sphericalPath : linearPath;
    const cells = path(a, b, STEPS5).map((z, i) => {
      const cell = make("canvas");
      cell.setAttribute("role", "img");
      cell.setAttribute("aria-label", `Step ${i + 1} of ${STEPS5}`);
      paint(cell, decode(z), header.image_shape);
      return cell;
    });
    part(this.root, ".strip").replaceChildren(...cells);
  }
};
function zPlane({ parentElement, data }) {
  const root = (
    /** @type {HTMLElement & {zPlane?: Plane}} */
    part(parentElement, ".z-plane")
  );
  root.zPlane ??= new Plane(root);
  root.zPlane.update(data);
}

// explorer/browser/tour/cards.js
var CARDS = [
  {
    target: ".latent-map .stage",
    title: "Touch the map",
    text: "Every dot is a test image, reduced to a few numbers. Move the pointer over the map: the spot under it is turned back into an image.",
    done: { on: "pointermove", within: ".latent-map .stage" }
  },
  {
    target: ".latent-map .stage",
    title: "Pick an image",
    text: "Click a dot. It is selected and pinned, and the pictures beside the map are now about this image.",
    done: { on: "pointerup", within: ".latent-map .stage" }
  },
  {
    target: ".latent-map .inspector",
    title: "What the model makes of it",
    text: "The original, the decoded mean, and a sample as the model would really generate it. Press ↻ for another sample. Underlined words explain themselves.",
    done: { on: "click", within: ".latent-map .inspector" }
  },
  {
    target: ".latent-map .walk",
    title: "Walk between two pins",
    text: "A walk decodes the spots from one pin to another. Press Play. Where the images make no sense, the way leads through empty space.",
    done: { on: "click", within: ".latent-map .walk" }
  },
  {
    target: ".latent-map .menu",
    title: "Look below the dots",
    text: "Open Overlays. The circles are the prior, from which new images are drawn. Choose the density as background: does it fill the circles?",
    done: { on: "change", within: ".latent-map .menu" }
  },
  {
    target: ".st-key-controls",
    title: "Change the model",
    text: "Choose “every β” among the models, then drag the slider above the map: the larger β, the more the posteriors grow into the prior.",
    done: { on: "input", within: ".latent-map .betas" }
  },
  {
    target: "[data-testid=stTopNavLinkContainer], [data-testid=stTopNavLink], header",
    title: "Go on",
    text: "See what β does to rate and distortion, find out whether a model has collapsed, or train one of your own and watch it learn.",
    done: null
  }
];

// explorer/browser/tour/tour.js
var MARGIN = 12;
var PAUSE_MS = 900;
function offerTour() {
  const root = document.documentElement;
  if (root.dataset.tour) return;
  root.dataset.tour = "offered";
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("button[data-tour]")) {
      new Tour(
        /** @type {HTMLElement} */
        event.target
      );
    }
  });
}
var Tour = class {
  /** @param {HTMLElement} opener has the focus again in the end */
  constructor(opener) {
    document.querySelector("#tour-card")?.dispatchEvent(new Event("end"));
    this.opener = opener;
    this.at = 0;
    this.timer = 0;
    this.over = new AbortController();
    this.turn = new AbortController();
    this.ring = make("div", { id: "tour-ring" });
    this.card = make("div", { id: "tour-card", tabIndex: -1 });
    this.card.setAttribute("role", "dialog");
    this.card.addEventListener("end", () => this.end());
    dressAsApp(this.card);
    document.body.append(this.ring, this.card);
    const { signal } = this.over;
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.end(), { signal });
    for (const event of ["scroll", "resize"]) addEventListener(event, () => this.place(), { capture: true, signal });
    addEventListener("popstate", () => this.end(), { signal });
    this.show(0);
  }
  /** @returns {Card} */
  get step() {
    return CARDS[this.at];
  }
  /** @returns {HTMLElement | null} */
  get target() {
    const all = (
      /** @type {HTMLElement[]} */
      [...document.querySelectorAll(this.step.target)]
    );
    return all.find((element) => element.checkVisibility()) ?? null;
  }
  /**
   * Shows a card, or the next one whose element is on the page.
   * @param {number} at
   * @param {number} way 1 or −1
   * @returns {void}
   */
  show(at, way = 1) {
    clearTimeout(this.timer);
    this.turn.abort();
    this.turn = new AbortController();
    this.at = at;
    if (at < 0 || at >= CARDS.length) return this.end();
    if (!this.target) return this.show(at + way, way);
    const { title, text, done } = this.step;
    this.card.setAttribute("aria-label", title);
    const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick });
    const isLast = at === CARDS.length - 1;
    const buttons = make("p", { className: "foot" }, make("span", {}, `${at + 1} of ${CARDS.length}`));
    if (at > 0) buttons.append(button("Back", () => this.show(at - 1, -1)));
    buttons.append(button(isLast ? "Done" : "Next", () => this.show(at + 1)));
    if (!isLast) buttons.append(button("End tour", () => this.end()));
    this.card.replaceChildren(make("h2", {}, title), make("p", {}, text), buttons);
    if (done) this.wait(done);
    this.target.scrollIntoView({ block: "nearest" });
    this.place();
    this.card.focus({ preventScroll: true });
  }
  /** @param {{on: string, within: string}} done */
  wait({ on, within }) {
    const { signal } = this.turn;
    const heard = (event) => {
      if (!(event.target instanceof Element) || !event.target.closest(within)) return;
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.show(this.at + 1), PAUSE_MS);
      document.removeEventListener(on, heard, true);
    };
    document.addEventListener(on, heard, { capture: true, signal });
  }
  /** Puts ring and card where the element is: the card beside it, or where there is room. */
  place() {
    const target = this.target;
    if (!target) return;
    const box = target.getBoundingClientRect();
    Object.assign(this.ring.style, {
      left: `${box.left - 4}px`,
      top: `${box.top - 4}px`,
      width: `${box.width + 8}px`,
      height: `${box.height + 8}px`
    });
    const { width, height } = this.card.getBoundingClientRect();
    const within = (value, most) => Math.max(MARGIN, Math.min(value, most - MARGIN));
    let [left, top] = [box.right + MARGIN, box.top];
    if (left + width > innerWidth - MARGIN) {
      const isBelow = box.bottom + MARGIN + height < innerHeight;
      left = box.right - width;
      top = isBelow ? box.bottom + MARGIN : box.top - height - MARGIN;
    }
    this.card.style.left = `${within(left, innerWidth - width)}px`;
    this.card.style.top = `${within(top, innerHeight - height)}px`;
  }
  end() {
    clearTimeout(this.timer);
    this.turn.abort();
    this.over.abort();
    this.ring.remove();
    this.card.remove();
    if (this.opener.isConnected) this.opener.focus();
  }
};

// explorer/browser/page.js
function dressPage() {
  explainTerms();
  offerTour();
}

// explorer/browser/notebook_decoder.js
var unique = () => `${Date.now()}-${Math.random()}`;
function kernelDecoder(widget, shape) {
  const decode = (codes) => new Promise((resolve, reject) => {
    const id = unique();
    const take = (answer, [bytes]) => {
      if (answer.id !== id) return;
      widget.off("msg:custom", take);
      if (answer.error) reject(new Error(answer.error));
      else resolve(imagesOf(bytes, codes.length, shape()));
    };
    widget.on("msg:custom", take);
    widget.send({ kind: "decode", id, z: codes.map((code) => Array.from(code)) });
  });
  decode.by = "your model";
  return decode;
}
function imagesOf(bytes, count, [channels, height, width]) {
  const levels2 = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Float32Array.from(levels2, (level) => level / 255);
  const each = channels * height * width;
  return Array.from({ length: count }, (_, i) => values.subarray(i * each, (i + 1) * each));
}

// explorer/browser/notebook.js
var TOUCHED3 = ["pins", "point", "selection"];
var THEME = ["class", "style", "data-jp-theme-light", "data-jp-theme-name", "data-theme"];
var NotebookMap = class {
  /**
   * @param {Widget} widget
   * @param {HTMLElement} place
   */
  constructor(widget, place) {
    this.widget = widget;
    this.place = place;
    this.visit = 0;
    this.page = widget.get("_page");
    place.classList.add("latent-notebook");
    place.addEventListener("focusin", ({ target }) => keepKeys(
      /** @type {HTMLElement} */
      target
    ));
    place.innerHTML = widget.get("_markup");
    const { title, scores, exact, notes } = this.page;
    const heading = make("p", {}, make("b", {}, title), ` · ${scores}`);
    place.prepend(heading);
    for (const text of [exact, notes]) place.append(make("p", {}, text));
    this.dress();
    const root = (
      /** @type {HTMLElement & {latentMap?: LatentMap}} */
      part(place, ".latent-map")
    );
    this.map = root.latentMap = new LatentMap(root);
    this.names = this.provideFiles();
    this.changed = () => this.follow();
    for (const name of TOUCHED3) widget.on(`change:${name}`, this.changed);
    this.themes = new MutationObserver(() => this.dress() && this.show());
    for (const element of [document.documentElement, document.body]) {
      this.themes.observe(element, { attributes: true, attributeFilter: THEME });
    }
    this.placed = new ResizeObserver(() => this.arrive());
    this.placed.observe(place);
    this.begin();
  }
  /** Only on the page is there something behind it. */
  arrive() {
    if (!this.place.isConnected) return;
    this.placed.disconnect();
    if (this.dress()) this.show();
  }
  /** Hands the map its files, under addresses of their own. */
  provideFiles() {
    const names = {};
    for (const [name, data] of Object.entries(this.widget.get("_files"))) {
      names[name] = `notebook:${unique()}`;
      provide(names[name], unzip(data));
    }
    return names;
  }
  async begin() {
    await this.show();
    if (!this.map.loaded) return;
    this.map.choose(this.widget.get("selection"));
    this.map.selection.heard = (chosen) => this.set({ selection: [...chosen].sort((a, b) => a - b) });
    this.tell(this.map.link.touch());
  }
  /** Shows what the kernel says: pins, the selected image, and the look that there is. */
  show() {
    const { settings } = this.page;
    const { model, originals, positions, betas } = this.names;
    const look = this.map.loaded ? lookOf(this.map) : this.widget.get("_look");
    const data = {
      ...settings,
      model,
      originals: originals ?? null,
      positions: positions ?? null,
      look,
      betas: settings.betas && { ...settings.betas, url: betas },
      pins: this.widget.get("pins"),
      point: this.widget.get("point"),
      visit: ++this.visit,
      decode: this.widget.get("_asks") ? kernelDecoder(this.widget, () => this.map.model.shape) : null
    };
    return this.map.update(data, (touch) => this.tell(touch));
  }
  /** The kernel, or another view of this widget, has changed something. */
  follow() {
    const { map, widget } = this;
    if (!map.loaded) return;
    const { pins, point } = map.link.touch();
    if (!same(pins, widget.get("pins")) || point !== widget.get("point")) this.show();
    if (!same([...map.selection.chosen].sort((a, b) => a - b), widget.get("selection"))) map.choose(widget.get("selection"));
  }
  /** @param {Touch} touch */
  tell({ pins, point, look }) {
    this.set({ pins, point, _look: look });
  }
  /** @param {Record<string, unknown>} values */
  set(values) {
    if (Object.entries(values).every(([name, value]) => same(value, this.widget.get(name)))) return;
    for (const [name, value] of Object.entries(values)) this.widget.set(name, value);
    this.widget.save_changes();
  }
  /** Takes the notebook's colours; returns whether they are others. */
  dress() {
    const { style } = this.place;
    const before = style.cssText;
    const background = backgroundOf2(this.place);
    const isDark2 = lightness(background) < 0.5;
    style.colorScheme = isDark2 ? "dark" : "light";
    const colours = {
      "text-color": isDark2 ? "#e8eaef" : "#1b2330",
      "background-color": background,
      "border-color": isDark2 ? "#3a3f4b" : "#d5d9e0",
      "primary-color": isDark2 ? "#5aa9e6" : "#2f74b5",
      font: "system-ui, sans-serif"
    };
    for (const [name, value] of Object.entries(colours)) style.setProperty(`--st-${name}`, value);
    return style.cssText !== before;
  }
  /** The cell has been cleared. */
  end() {
    for (const name of TOUCHED3) this.widget.off(`change:${name}`, this.changed);
    this.themes.disconnect();
    this.placed.disconnect();
    this.map.end();
    Object.values(this.names).forEach(withdraw);
  }
};
function keepKeys(element) {
  element.dataset.lmSuppressShortcuts = "true";
}
function unzip(data) {
  const stream = new Blob([
    /** @type {DataView<ArrayBuffer>} */
    data
  ]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
function backgroundOf2(element) {
  for (let at = element.parentElement; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (/^rgb\(/.test(backgroundColor)) return backgroundColor;
  }
  return "rgb(255, 255, 255)";
}
function lightness(colour) {
  const [red, green, blue] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
}
var notebook = {
  /** @param {{model: Widget, el: HTMLElement}} view */
  render({ model, el }) {
    explainTerms();
    const shown2 = new NotebookMap(model, el);
    return () => shown2.end();
  }
};
export {
  betaSlider,
  notebook as default,
  drawingPad,
  dressPage,
  liveMap,
  provide,
  tokenEditor,
  trainingFilm,
  zPlane
};
