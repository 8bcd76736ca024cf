import assert from "node:assert/strict";
import { test } from "node:test";

import {
  fewGreys, mixed, positionOf, reaches, reachOf, readFrame, readShared, streamEntries, widest,
} from "../../explorer/browser/numerics/frames.js";
import { randomArray, safetensors } from "./helpers.js";

/** Entries as models/training/snapshots.py writes them. */
function stream(...entries) {
  const parts = entries.flatMap(([step, bytes]) => {
    const head = new Uint8Array(16);
    new DataView(head.buffer).setBigInt64(0, BigInt(step), true);
    new DataView(head.buffer).setBigInt64(8, BigInt(bytes.length), true);
    return [...head, ...bytes, ...new Uint8Array((8 - (bytes.length % 8)) % 8)];
  });
  return Uint8Array.from(parts);
}

test("a stream is read entry by entry, whatever the lengths", () => {
  const entries = [[-2, [1]], [-1, [1, 2, 3, 4, 5, 6, 7, 8]], [0, []], [400, [9, 9, 9]]];
  const bytes = stream(...entries);
  const found = streamEntries(bytes).map(({ step, file: part }) => [step, [...part]]);
  assert.deepEqual(found, entries);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.equal(streamEntries(shifted.subarray(3)).length, 4, "also where it begins at an odd byte");
});

test("an entry that is cut short is left for the next time", () => {
  const bytes = stream([1, [1, 2, 3]], [2, [4, 5, 6, 7]]);
  for (let cut = 0; cut < bytes.length; cut++) {
    const found = streamEntries(bytes.subarray(0, cut));
    assert.ok(found.length <= 2 && found.every(({ step }, i) => step === i + 1));
  }
  const nonsense = new Uint8Array(16).fill(255);
  assert.deepEqual(streamEntries(nonsense), []);
});

test("a frame has codes as numbers, and its images", () => {
  const codes = Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x0001); // 1, -2, 0.5 and the smallest
  const images = { shape: [1, 1, 1, 2], values: Uint8Array.of(0, 255) };
  const tensors = { codes: { shape: [2, 2], values: codes }, reconstruction: images, sample: images };
  for (const pad of [{}, { a: 1 }, { a: 12 }, { a: 123 }]) {
    const frame = readFrame(20, safetensors(tensors, { distortion: 3, rate: 0.5, ...pad }), 9);
    assert.deepEqual([...frame.codes], [1, -2, 0.5, 2 ** -24], "wherever the codes begin");
    assert.deepEqual([frame.step, frame.stamp, frame.size, frame.images.length], [20, 9, 2, 2]);
    assert.deepEqual([frame.distortion, frame.rate], [3, 0.5]);
  }
  delete tensors.sample;
  assert.equal(readFrame(0, safetensors(tensors, { distortion: 1, rate: 0 }), 0).images.length, 1);
});

test("without codes a frame has generated images alone, ten in a row", () => {
  const values = Uint8Array.from({ length: 24 }, (_, i) => i);
  const sample = { shape: [12, 1, 1, 2], values };
  const frame = readFrame(20, safetensors({ sample }, {}), 9);
  assert.deepEqual(frame.images.map((row) => [...row]), [[...values.slice(0, 20)], [...values.slice(20)]]);
  assert.deepEqual([frame.codes.length, frame.step, frame.stamp], [0, 20, 9]);
});

test("what all frames share has originals, labels and lengths", () => {
  const said = { class_names: ["a", "b"], total_steps: 40, steps_per_epoch: 20, has_rate: true };
  const original = { shape: [2, 1, 1, 1], values: Uint8Array.of(3, 4) };
  const labels = { shape: [3], values: Uint8Array.of(0, 1, 1) };
  const shared = readShared(safetensors({ original, labels }, said));
  assert.deepEqual([shared.count, shared.shape, shared.total, shared.perEpoch], [2, [1, 1, 1], 40, 20]);
  assert.deepEqual([[...(shared.labels ?? [])], shared.names, shared.hasRate], [[0, 1, 1], ["a", "b"], true]);
  assert.equal(readShared(safetensors({ original }, said)).labels, null);
});

test("between two frames lies what lies between them, and the ends are exact", () => {
  const [a, b] = [randomArray(50, 1), randomArray(50, 2)];
  assert.equal(mixed(a, b, 0), a);
  assert.deepEqual(mixed(a, b, 1), b);
  const half = mixed(a, b, 0.5);
  half.forEach((value, i) => assert.ok(Math.abs(value - (a[i] + b[i]) / 2) < 1e-6));
  assert.deepEqual([...mixed(Uint8Array.of(0, 100), Uint8Array.of(255, 100), 0.5)], [127, 100]);
});

test("a position is the inverse of what rises", () => {
  const rising = [0, 20, 40, 100, 400];
  for (let p = 0; p <= 4; p += 0.125) {
    const k = Math.min(3, Math.floor(p));
    const value = rising[k] + (p - k) * (rising[k + 1] - rising[k]);
    assert.ok(Math.abs(positionOf(rising, value) - p) < 1e-12);
  }
  assert.deepEqual([positionOf(rising, -5), positionOf(rising, 1e9), positionOf([7], 9)], [0, 4, 0]);
});

test("the map reaches nearly all codes, grows and never shrinks", () => {
  const frame = (scale, step) => ({ codes: randomArray(400, step, scale), size: 2, step });
  const frames = [frame(1, 0), frame(5, 1), frame(0.1, 2)];
  const reach = reaches(frames, [0, 1], 3.15);
  assert.ok(reach[0] >= 3.15 && reach[1] > reach[0] && reach[2] === reach[1]);
  const inside = frames[1].codes.filter((v) => Math.abs(v) <= reach[1]).length;
  assert.ok(inside >= 0.98 * 400);
  assert.equal(reachOf(Float32Array.of(1, -9), 2, [0]), 1, "only the latents that are drawn");
});

test("the widest latents are those whose means differ most, in their order", () => {
  const codes = Float32Array.from({ length: 300 }, (_, i) => [0.1, 5, 1][i % 3] * Math.sin(i));
  assert.deepEqual(widest({ codes, size: 3 }), [1, 2]);
  const shifted = codes.map((v, i) => v + [100, 0, 0][i % 3]);
  assert.deepEqual(widest({ codes: shifted, size: 3 }), [1, 2], "wherever they lie");
  assert.deepEqual(widest({ codes: Float32Array.of(1, 2), size: 1 }), [0]);
});

test("greys become 32 levels, black and white stay, and so do colours", () => {
  const greys = Uint8ClampedArray.from({ length: 1024 }, (_, i) => (i % 4 < 3 ? i >> 2 : 255));
  const found = fewGreys(greys);
  const shades = new Set(found.filter((_, i) => i % 4 === 0));
  assert.equal(shades.size, 32);
  assert.ok(shades.has(0) && shades.has(255));
  found.forEach((value, i) => assert.ok(Math.abs(value - greys[i]) <= 5));
  const colour = Uint8ClampedArray.of(63, 144, 218, 255);
  assert.deepEqual(fewGreys(colour), colour);
});
