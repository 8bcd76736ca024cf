import assert from "node:assert/strict";
import { test } from "node:test";

import { gapAt, MultirateModel } from "../../explorer/browser/beta_slider/model.js";
import { shown } from "../../explorer/browser/common/dom.js";

const BETAS = [0.1, 1, 10, 100];

/** A model of two latents with what was measured, and no decoder. */
function model() {
  const made = Object.create(MultirateModel.prototype);
  return Object.assign(made, {
    size: 2, betas: BETAS, logBetas: BETAS.map(Math.log), range: [Math.log(0.1), Math.log(100)], turn() {},
    arrays: {
      mean: new Float32Array(8), distortion: Float32Array.of(10, 20, 40, 41),
      rate: Float32Array.of(8, 4, 5, 2, 1, 0.5, 0, 0),
    },
  });
}

test("scores are those of a measured β, which is named, never a mixture of two", () => {
  for (const [beta, k] of [[0.1, 0], [0.3, 0], [0.33, 1], [1, 1], [3, 1], [4, 2], [99, 3], [100, 3]]) {
    const { beta: named, distortion, rates, rate } = model().measuredAt(beta);
    assert.deepEqual([named, distortion], [BETAS[k], model().arrays.distortion[k]]);
    assert.deepEqual([...rates], [...model().arrays.rate.slice(2 * k, 2 * k + 2)]);
    assert.equal(rate, rates[0] + rates[1]);
  }
});

test("a β between two measured ones is known as such", () => {
  assert.equal(gapAt(BETAS, 1.0004), null, "to the four digits of a link");
  assert.deepEqual(gapAt(BETAS, 15.96), [10, 100]);
  assert.deepEqual(gapAt(BETAS, 0.2), [0.1, 1]);
});

test("nothing is shown as minus nothing", () => {
  assert.deepEqual([-0.004, -0, -0.005001, 0.004].map((value) => shown(value)), ["0.00", "0.00", "−0.01", "0.00"]);
  assert.equal(shown(-12.34, 1), "−12.3");
});
