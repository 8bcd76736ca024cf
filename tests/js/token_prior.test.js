import assert from "node:assert/strict";
import { test } from "node:test";

import { buildTokenPrior, drawCode } from "../../explorer/browser/numerics/token_prior.js";
import { uniforms } from "../../explorer/browser/numerics/normal.js";
import { randomArray } from "./helpers.js";

const [TOKENS, CODES, WIDTH] = [6, 5, 32];

/** A prior with random weights, large enough that a wrong index cannot hide. */
function randomPrior(seed = 0) {
  const shapes = { "embedding.weight": (CODES + 1) * WIDTH, position: TOKENS * WIDTH, "norm.weight": WIDTH, "norm.bias": WIDTH };
  Object.assign(shapes, { "logits.weight": CODES * WIDTH, "logits.bias": CODES });
  const layers = { query_key_value: [3 * WIDTH, WIDTH], attended: [WIDTH, WIDTH], inner: [4 * WIDTH, WIDTH], outer: [WIDTH, 4 * WIDTH] };
  for (const block of ["blocks.0.", "blocks.1."]) {
    for (const norm of ["attention_norm", "norm"]) {
      Object.assign(shapes, { [`${block}${norm}.weight`]: WIDTH, [`${block}${norm}.bias`]: WIDTH });
    }
    for (const [name, [outputs, inputs]] of Object.entries(layers)) {
      Object.assign(shapes, { [`${block}${name}.weight`]: outputs * inputs, [`${block}${name}.bias`]: outputs });
    }
  }
  const arrays = Object.entries(shapes).map(([name, count], i) => [name, randomArray(count, 100 * seed + i, 0.3)]);
  return buildTokenPrior(Object.fromEntries(arrays), TOKENS);
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

test("the chances of every place add up to one", () => {
  for (const row of randomPrior().rows([0, 1, 2, 3, 4, 0])) assert.ok(Math.abs(sum(row.map(Math.exp)) - 1) < 1e-12);
});

test("a token changes what is expected after it, and nothing before or at its own place", () => {
  const prior = randomPrior();
  const [first, second] = [prior.rows([0, 1, 2, 3, 4, 0]), prior.rows([0, 1, 4, 3, 4, 0])];
  for (const place of [0, 1, 2]) assert.deepEqual(first[place], second[place]);
  for (const place of [3, 4, 5]) assert.notDeepEqual(first[place], second[place]);
});

test("asking twice is asking once, and two grids are read beside each other", () => {
  const prior = randomPrior();
  const [one, other] = [prior.reader(), prior.reader()];
  one.odds();
  one.take(3);
  other.take(3);
  one.odds();
  assert.deepEqual(one.odds(), other.odds());
  assert.deepEqual(one.odds(), prior.rows([3, 0])[1]);
});

test("the probabilities of all grids add up to one", () => {
  const prior = randomPrior(1);
  let total = 0;
  for (let grid = 0; grid < CODES ** 3; grid++) {
    const tokens = [grid % CODES, Math.floor(grid / CODES) % CODES, Math.floor(grid / CODES ** 2)];
    total += Math.exp(sum(prior.rows(tokens).map((row, place) => row[tokens[place]])));
  }
  assert.ok(Math.abs(total - 1) < 1e-9);
});

test("codes are drawn as often as they are likely", () => {
  const odds = Float64Array.of(0.5, 0.2, 0, 0.3).map(Math.log);
  const uniform = uniforms(7);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 20_000; i++) counts[drawCode(odds, uniform())]++;
  assert.equal(counts[2], 0);
  [0.5, 0.2, 0, 0.3].forEach((share, k) => assert.ok(Math.abs(counts[k] / 20_000 - share) < 0.02));
  assert.equal(drawCode(odds, 1 - 1e-12), 3, "rounding leaves no gap at the end");
});

test("a missing array is named", () => {
  assert.throws(() => buildTokenPrior({}, 4), { message: "The prior must have the array embedding.weight." });
});
