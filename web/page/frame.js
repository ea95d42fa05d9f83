// Reads what src/view/frame.rs writes: frames, geometries, pictures. Little-endian.

/**
 * @typedef {{branch: number, day: number, hash: string, step: number, nx: number, ny: number, isLast: boolean,
 *   row: Float64Array, fields: Uint8Array[], vitality: Uint8Array, covered: Uint8Array, segments: Uint8Array,
 *   segmentCount: number, cells: Uint8Array, cellCount: number, bytes: number}} Frame
 * @typedef {{branch: number, nx: number, ny: number, width: number, height: number, kind: Uint8Array, count: number,
 *   ids: string[], ends: Float32Array, radius: Float32Array, flags: Uint32Array}} Geometry
 * @typedef {{width: number, height: number, pixels: Uint8ClampedArray<ArrayBuffer>}} Picture
 */

/** What a binary message is. @param {ArrayBuffer} buffer */
export function magic(buffer) {
  return buffer.byteLength < 4 ? "" : String.fromCharCode(...new Uint8Array(buffer, 0, 4));
}

/** @param {ArrayBuffer} buffer @returns {Frame} */
export function readFrame(buffer) {
  if (magic(buffer) !== "CSF1") throw new Error("this is no frame");
  const view = new DataView(buffer);
  const nx = view.getUint16(28, true);
  const ny = view.getUint16(30, true);
  const segmentCount = view.getUint32(32, true);
  const cellCount = view.getUint32(36, true);
  const fieldCount = view.getUint16(40, true);
  const columns = view.getUint16(42, true);
  const row = new Float64Array(buffer, 48, columns);
  let at = 48 + 8 * columns;
  const take = (/** @type {number} */ length) => {
    const part = new Uint8Array(buffer, at, length);
    at += length;
    return part;
  };
  const fields = [];
  for (let i = 0; i < fieldCount; i += 1) fields.push(take(nx * ny));
  return {
    branch: view.getUint32(4, true),
    day: view.getFloat64(8, true),
    hash: view.getBigUint64(16, true).toString(16).padStart(16, "0"),
    step: view.getUint32(24, true),
    nx, ny, segmentCount, cellCount,
    isLast: view.getUint32(44, true) === 1,
    row, fields,
    vitality: take(nx * ny),
    covered: take(nx),
    segments: take(6 * segmentCount),
    cells: take(6 * cellCount),
    bytes: buffer.byteLength,
  };
}

/** @param {ArrayBuffer} buffer @returns {Geometry} */
export function readGeometry(buffer) {
  if (magic(buffer) !== "CSG1") throw new Error("this is no geometry");
  const view = new DataView(buffer);
  const nx = view.getUint16(8, true);
  const ny = view.getUint16(10, true);
  const count = view.getUint32(12, true);
  const kind = new Uint8Array(buffer, 24, nx * ny);
  let at = Math.ceil((24 + nx * ny) / 4) * 4;
  const ids = [];
  const ends = new Float32Array(4 * count);
  const radius = new Float32Array(count);
  const flags = new Uint32Array(count);
  for (let s = 0; s < count; s += 1, at += 32) {
    ids.push(view.getBigUint64(at, true).toString());
    for (let i = 0; i < 4; i += 1) ends[4 * s + i] = view.getFloat32(at + 8 + 4 * i, true);
    radius[s] = view.getFloat32(at + 24, true);
    flags[s] = view.getUint32(at + 28, true);
  }
  return {
    branch: view.getUint32(4, true), nx, ny, count, kind, ids, ends, radius, flags,
    width: view.getFloat32(16, true), height: view.getFloat32(20, true),
  };
}

/** @param {ArrayBuffer} buffer @returns {Picture} */
export function readPicture(buffer) {
  if (magic(buffer) !== "CSP1") throw new Error("this is no picture");
  const view = new DataView(buffer);
  const width = view.getUint32(4, true);
  const height = view.getUint32(8, true);
  const rgb = new Uint8Array(buffer, 12, 3 * width * height);
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let i = 0, j = 0; i < rgb.length; i += 3, j += 4) {
    pixels[j] = rgb[i];
    pixels[j + 1] = rgb[i + 1];
    pixels[j + 2] = rgb[i + 2];
    pixels[j + 3] = 255;
  }
  return { width, height, pixels };
}

/** A value of a field from its byte. @param {number} q @param {{low: number, high: number, power: number}} field */
export function value(q, field) {
  const share = q / 255;
  return field.low + (field.high - field.low) * (field.power === 2 ? share * share : share);
}
