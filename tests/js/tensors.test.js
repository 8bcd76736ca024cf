import assert from "node:assert/strict";
import { test } from "node:test";

import { numbersOf, readTensors } from "../../explorer/browser/numerics/tensors.js";
import { safetensors } from "./helpers.js";

const ALL = {
  a: { shape: [3], values: Uint8Array.of(0, 7, 255) },
  b: { shape: [2], values: Float32Array.of(1.5, -2) },
  c: { shape: [1, 2], values: Float64Array.of(0.25, -1e6) },
  d: { shape: [2], values: BigInt64Array.of(-3n, 300n) },
};

/** The file at an odd byte of a larger buffer. */
function shifted(file) {
  const larger = new Uint8Array(file.length + 3);
  larger.set(file, 3);
  return larger.subarray(3);
}

test("tensors are read by name with their shape, wherever their bytes lie", () => {
  const file = safetensors(ALL, { rate: 1.5, names: ["a", "β"] });
  for (const bytes of [file, shifted(file)]) {
    const { tensors, metadata } = readTensors(bytes);
    assert.deepEqual(metadata, { rate: 1.5, names: ["a", "β"] }, "without the checksum");
    assert.deepEqual(Object.keys(tensors), ["a", "b", "c", "d"]);
    assert.deepEqual([...tensors.a.data], [0, 7, 255]);
    for (const [name, { shape, values }] of Object.entries(ALL)) {
      assert.deepEqual(tensors[name].shape, shape);
      assert.deepEqual(numbersOf(tensors[name]), Float32Array.from(values, Number));
    }
  }
});

test("half-precision numbers are read exactly", () => {
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x0400, 0x8000, 0x7c00, 0xfc00, 0x7e00);
  const expected = [1, -2, 0.333251953125, 2 ** -24, 65504, 2 ** -14, -0, Infinity, -Infinity, NaN];
  const { tensors } = readTensors(safetensors({ a: { shape: [10], values: bits } }));
  assert.deepEqual([...numbersOf(tensors.a)], expected);
});

test("a file without metadata is read, and numbers of another type are refused", () => {
  const header = '{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}';
  const file = Uint8Array.of(header.length, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from(header), 1, 2);
  const { tensors, metadata } = readTensors(file);
  assert.deepEqual(metadata, {});
  assert.throws(() => numbersOf(tensors.a), {
    message: "A tensor must be one of F64, F32, F16, I64, U8, got BF16.",
  });
});
