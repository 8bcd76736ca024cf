/**
 * Safetensors files: named arrays, and JSON values in the metadata. No DOM.
 *
 * @typedef {{dtype: string, shape: number[], data: Uint8Array}} Tensor `data`: little-endian
 */

/** @type {Record<string, (buffer: ArrayBuffer) => Float32Array>} */
const READERS = {
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => readHalves(new Uint16Array(buffer)),
  I64: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  U8: (buffer) => Float32Array.from(new Uint8Array(buffer)),
};

/**
 * Splits a safetensors file into its tensors and its metadata, as models/storage/tensors.py writes it.
 * @param {Uint8Array} file
 * @returns {{tensors: Record<string, Tensor>, metadata: Record<string, any>}}
 */
export function readTensors(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const payload = file.subarray(8 + length);
  const { __metadata__: texts = {}, ...entries } = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + length)),
  );
  /** @type {Record<string, any>} */
  const metadata = {};
  for (const [name, text] of Object.entries(texts)) {
    if (name !== "sha256") metadata[name] = JSON.parse(text);
  }
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    tensors[name] = { dtype, shape, data: payload.subarray(start, end) };
  }
  return { tensors, metadata };
}

/**
 * A tensor's numbers in single precision, row by row.
 * @param {Tensor} tensor
 */
export function numbersOf({ dtype, data }) {
  const read = READERS[dtype];
  if (!read) throw new Error(`A tensor must be one of ${Object.keys(READERS).join(", ")}, got ${dtype}.`);
  return read(new Uint8Array(data).buffer); // a copy begins at byte 0, as every number type allows
}

/**
 * IEEE 754 half-precision numbers: sign, 5 bits of exponent, 10 of fraction.
 * @param {Uint16Array} bits
 * @returns {Float32Array}
 */
function readHalves(bits) {
  return Float32Array.from(bits, (half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : half >> 15 ? -Infinity : Infinity;
    return half >> 15 ? -size : size;
  });
}

/**
 * The positions of a t-SNE map, flat, from its file.
 * @param {Uint8Array} file
 */
export function readPositions(file) {
  return numbersOf(readTensors(file).tensors.positions);
}
