import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeGif } from "../../explorer/browser/numerics/gif.js";
import { randomArray } from "./helpers.js";

const COLOURS_AT = 13;
const SUB_BLOCKS_AT = 19 + 8 + 10 + 1; // after looping, delay, frame and pixel size

/** The colours of the one frame of a file, read as strictly as its end code allows. */
function decodeFrame(bytes) {
  const count = 2 ** ((bytes[10] & 7) + 1);
  let at = COLOURS_AT + 3 * count + SUB_BLOCKS_AT;
  const bits = bytes[at - 1];
  const data = [];
  for (; bytes[at]; at += bytes[at] + 1) data.push(...bytes.subarray(at + 1, at + 1 + bytes[at]));
  const [clear, end] = [2 ** bits, 2 ** bits + 1];
  const pixels = [];
  let [table, size, previous, bit] = [[], bits + 1, null, 0];
  for (;;) {
    let code = 0;
    for (let i = 0; i < size; i++, bit++) code |= ((data[bit >> 3] >> (bit & 7)) & 1) << i;
    assert.ok(bit <= 8 * data.length, "the end code is missing");
    if (code === end) break;
    if (code === clear) {
      table = Array.from({ length: end + 1 }, (_, i) => [i]);
      [size, previous] = [bits + 1, null];
      continue;
    }
    if (previous && table.length < 4096) table.push([...previous, (table[code] ?? previous)[0]]);
    assert.ok(table[code], "a code is used before it is known");
    if (table.length === 2 ** size && size < 12) size++;
    pixels.push(...table[code]);
    previous = table[code];
  }
  assert.ok(8 * data.length - bit < 8, "something follows the end code");
  assert.deepEqual([...bytes.subarray(at)], [0, 0x3b]);
  return pixels.map((index) => bytes[COLOURS_AT + 3 * index]);
}

test("a frame of any size and number of levels ends with its end code", () => {
  for (const levels of [1, 2, 3, 16, 200, 256]) {
    for (const count of [1, 2, 3, 4, 5, 7, 60, 252, 253, 254, 255, 256, 257, 600, 4000, 9000]) {
      const frame = Uint8Array.from(randomArray(count, count), (v) => Math.abs(v * 1e4) % levels);
      assert.deepEqual(decodeFrame(encodeGif([frame], count, 1)), [...frame]);
    }
  }
  for (let count = 1; count < 300; count++) {
    const frame = Uint8Array.from({ length: count }, (_, i) => (i * i) % 7);
    assert.deepEqual(decodeFrame(encodeGif([frame], count, 1)), [...frame]);
  }
});

test("a file begins with its version and size, and ends with its trailer", () => {
  const bytes = encodeGif([new Uint8Array(300 * 2)], 300, 2);
  assert.equal(String.fromCharCode(...bytes.subarray(0, 6)), "GIF89a");
  assert.deepEqual([...bytes.subarray(6, 10)], [44, 1, 2, 0]);
  assert.equal(bytes[bytes.length - 1], 0x3b);
});

test("uniform frames take little room", () => {
  const frames = Array.from({ length: 10 }, () => new Uint8Array(280 * 280).fill(7));
  assert.ok(encodeGif(frames, 280, 280).length < 10 * 1000);
});

test("a frame of another size is refused", () => {
  assert.throws(() => encodeGif([new Uint8Array(5)], 2, 2), {
    message: "A frame must have 4 or 16 numbers, got 5.",
  });
});
