export function encodeGif() { return new Uint8Array(); }
