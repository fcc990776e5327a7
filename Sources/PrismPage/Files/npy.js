// Reads the maps of the server: NumPy's format, float32, little-endian, in C order.

/**
 * Reads an array.
 *
 * @param {ArrayBuffer} buffer The file.
 * @returns {{shape: number[], values: Float32Array}} The array.
 */
export function readNPY(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  if (bytes.length < 12 || bytes[0] !== 0x93 || bytes[1] !== 0x4e) {
    throw new Error("this is no array file");
  }
  const isShort = bytes[6] === 1;
  const length = isShort ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = (isShort ? 10 : 12) + length;
  const header = new TextDecoder("latin1").decode(bytes.subarray(isShort ? 10 : 12, start));
  const shape = (header.match(/'shape':\s*\(([^)]*)\)/)?.[1] ?? "")
    .split(",").map((part) => part.trim()).filter((part) => part !== "").map(Number);
  if (!header.includes("'<f4'") || header.includes("'fortran_order': True")) {
    throw new Error("the array is not float32 in C order");
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const isAligned = start % 4 === 0;
  const values = new Float32Array(
    isAligned ? buffer : buffer.slice(start), isAligned ? start : 0, count);
  return { shape, values };
}

/** A map `[H, W]` with high frequencies at the top, whichever way the model has them. */
export function upright(values, width, height, model) {
  if (model?.audio?.orientation !== "low_at_top") { return values; }
  const result = new Float32Array(values.length);
  for (let row = 0; row < height; row += 1) {
    result.set(values.subarray(row * width, (row + 1) * width), (height - 1 - row) * width);
  }
  return result;
}
