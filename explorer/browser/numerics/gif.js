/**
 * Animated GIF files: pure numerics, no DOM, no dependency.
 *
 * Source: CompuServe, Graphics Interchange Format 89a, 1990; the looping extension is Netscape's.
 *
 * @typedef {Uint8Array | Uint8ClampedArray} Levels one picture, row by row: one grey level a
 *   pixel, or four of red, green, blue and opacity, which is ignored
 */

/**
 * Encodes pictures as an animation, each shown for `delay_ms`, the last one for `last_ms`, both
 * rounded to 10 ms.
 *
 * Exact where all frames together have at most 256 colours, so always for grey ones; otherwise
 * red and blue are rounded to 6 levels and green to 7.
 * @param {Levels[]} frames at least one
 * @param {number} width
 * @param {number} height
 * @param {{delay_ms?: number, last_ms?: number, loop?: number}} [options] `last_ms`: as the others if
 *   left out; `loop`: how often it repeats, 0 for ever
 */
export function encodeGif(frames, width, height, { delay_ms = 100, last_ms = delay_ms, loop = 0 } = {}) {
  const pictures = frames.map((frame) => packColours(frame, width * height));
  const { palette, indexOf } = choosePalette(pictures);
  const bits = Math.max(1, Math.ceil(Math.log2(palette.length)));
  const ascii = (/** @type {string} */ text) => new TextEncoder().encode(text);
  const bytes = [...ascii("GIF89a"), ...word(width), ...word(height), 0x80 | (bits - 1), 0, 0];
  for (let i = 0; i < 2 ** bits; i++) {
    const colour = palette[i] ?? 0;
    bytes.push(colour >> 16, (colour >> 8) & 255, colour & 255);
  }
  bytes.push(0x21, 0xff, 11, ...ascii("NETSCAPE2.0"), 3, 1, ...word(loop), 0);
  for (const [i, picture] of pictures.entries()) {
    const delay = Math.min(65535, Math.round((i < pictures.length - 1 ? delay_ms : last_ms) / 10));
    bytes.push(0x21, 0xf9, 4, 0, ...word(delay), 0, 0);
    bytes.push(0x2c, ...word(0), ...word(0), ...word(width), ...word(height), 0);
    pushCompressed(bytes, Uint8Array.from(picture, indexOf), Math.max(2, bits));
  }
  bytes.push(0x3b);
  return Uint8Array.from(bytes);
}

/** @param {number} value to two bytes, the lower one first */
function word(value) {
  return [value & 255, value >> 8];
}

/**
 * Red, green and blue as one number a pixel.
 * @param {Levels} frame
 * @param {number} size
 */
function packColours(frame, size) {
  const step = frame.length / size;
  if (step !== 1 && step !== 4) {
    throw new Error(`A frame must have ${size} or ${4 * size} numbers, got ${frame.length}.`);
  }
  const [green, blue] = step === 4 ? [1, 2] : [0, 0];
  return Uint32Array.from({ length: size }, (_, i) => {
    const at = i * step;
    return (frame[at] << 16) | (frame[at + green] << 8) | frame[at + blue];
  });
}

/**
 * The frames' own colours if these are few, else a lattice of 6 · 7 · 6.
 * @param {Uint32Array[]} pictures
 * @returns {{palette: number[], indexOf: (colour: number) => number}}
 */
function choosePalette(pictures) {
  const found = new Map();
  for (const picture of pictures) {
    for (let i = 0; i < picture.length && found.size <= 256; i++) {
      if (!found.has(picture[i])) found.set(picture[i], found.size);
    }
  }
  if (found.size <= 256) return { palette: [...found.keys()], indexOf: (c) => found.get(c) };
  const palette = Array.from({ length: 252 }, (_, i) => {
    const [red, green, blue] = [Math.floor(i / 42) * 51, (Math.floor(i / 6) % 7) * 42.5, (i % 6) * 51];
    return (red << 16) | (Math.round(green) << 8) | blue;
  });
  const indexOf = (/** @type {number} */ colour) => {
    const [red, green, blue] = [colour >> 16, (colour >> 8) & 255, colour & 255];
    return Math.round(red / 51) * 42 + Math.round(green / 42.5) * 6 + Math.round(blue / 51);
  };
  return { palette, indexOf };
}

/**
 * Appends a picture compressed with LZW, in blocks of at most 255 bytes.
 *
 * `follow[256 · code + index]` is the code of a known string continued by one more pixel. Codes
 * grow from one bit more than a pixel has to 12 bits; then the table is cleared.
 * @param {number[]} bytes
 * @param {Uint8Array} indices
 * @param {number} bits of a pixel, at least 2
 */
function pushCompressed(bytes, indices, bits) {
  const [clear, end, limit] = [2 ** bits, 2 ** bits + 1, 4096];
  const follow = new Uint16Array(limit * 256);
  let [free, size, buffer, filled, code] = [end + 1, bits + 1, 0, 0, indices[0]];
  /** @type {number[]} */
  const stream = [];
  const put = (/** @type {number} */ value) => {
    buffer |= value << filled;
    for (filled += size; filled >= 8; filled -= 8, buffer >>>= 8) stream.push(buffer & 255);
  };
  put(clear);
  for (const index of indices.subarray(1)) {
    const at = 256 * code + index;
    code = follow[at] || code;
    if (follow[at]) continue;
    put(code);
    code = index;
    if (free < limit) {
      if (free === 2 ** size) size++;
      follow[at] = free++;
    } else {
      put(clear);
      follow.fill(0);
      [free, size] = [end + 1, bits + 1];
    }
  }
  put(code);
  if (free === 2 ** size && free < limit) size++;
  put(end);
  if (filled) stream.push(buffer);
  bytes.push(bits);
  for (let i = 0; i < stream.length; i += 255) {
    const block = stream.slice(i, i + 255);
    bytes.push(block.length, ...block);
  }
  bytes.push(0);
}
