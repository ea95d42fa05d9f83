// Animations that open everywhere: GIF89a with one palette for all pictures.

/** The 255 colours that occur most, of 32 768. @param {Uint8ClampedArray[]} pictures RGBA */
function palette(pictures) {
  const counts = new Uint32Array(32768);
  for (const pixels of pictures) {
    for (let i = 0; i < pixels.length; i += 4) counts[((pixels[i] >> 3) << 10) | ((pixels[i + 1] >> 3) << 5) | (pixels[i + 2] >> 3)] += 1;
  }
  const order = [...counts.keys()].filter((key) => counts[key] > 0).sort((a, b) => counts[b] - counts[a]).slice(0, 256);
  const wide = (/** @type {number} */ five) => (five << 3) | (five >> 2);
  return order.map((key) => [wide(key >> 10), wide((key >> 5) & 31), wide(key & 31)]);
}

/** Index of the nearest colour of each pixel. @param {Uint8ClampedArray} pixels @param {number[][]} colours @param {Int16Array} known */
function indices(pixels, colours, known) {
  const out = new Uint8Array(pixels.length / 4);
  for (let i = 0, j = 0; i < pixels.length; i += 4, j += 1) {
    const key = ((pixels[i] >> 3) << 10) | ((pixels[i + 1] >> 3) << 5) | (pixels[i + 2] >> 3);
    if (known[key] < 0) {
      let best = 0;
      let least = Infinity;
      for (let k = 0; k < colours.length; k += 1) {
        const [r, g, b] = colours[k];
        const off = (r - pixels[i]) ** 2 + (g - pixels[i + 1]) ** 2 + (b - pixels[i + 2]) ** 2;
        if (off < least) {
          least = off;
          best = k;
        }
      }
      known[key] = best;
    }
    out[j] = known[key];
  }
  return out;
}

/** Compression of GIF. @param {Uint8Array} data indices of 8 bits @returns {number[]} in blocks */
function lzw(data) {
  /** @type {number[]} */
  const out = [8];
  /** @type {number[]} */
  let block = [];
  let [bits, held] = [0, 0];
  const emit = (/** @type {number} */ code, /** @type {number} */ size) => {
    held |= code << bits;
    bits += size;
    while (bits >= 8) {
      block.push(held & 255);
      held >>>= 8;
      bits -= 8;
      if (block.length === 255) {
        out.push(255, ...block);
        block = [];
      }
    }
  };
  /** @type {Map<number, number>} */
  let known = new Map();
  let [size, next] = [9, 258];
  emit(256, size);
  let prefix = data[0];
  for (let i = 1; i < data.length; i += 1) {
    const key = (prefix << 8) | data[i];
    const code = known.get(key);
    if (code !== undefined) {
      prefix = code;
      continue;
    }
    emit(prefix, size);
    if (next < 4096) {
      known.set(key, next);
      if (next === 1 << size) size += 1;
      next += 1;
    } else {
      emit(256, size);
      known = new Map();
      [size, next] = [9, 258];
    }
    prefix = data[i];
  }
  emit(prefix, size);
  emit(257, size);
  if (bits > 0) block.push(held & 255);
  if (block.length > 0) out.push(block.length, ...block);
  out.push(0);
  return out;
}

/** @param {Uint8ClampedArray[]} pictures RGBA @param {number} width @param {number} height @param {number} delay hundredths of a second */
export function gif(pictures, width, height, delay) {
  const sample = [pictures[0], pictures[Math.floor(pictures.length / 2)], pictures[pictures.length - 1]];
  const colours = palette(sample);
  const known = new Int16Array(32768).fill(-1);
  const word = (/** @type {number} */ x) => [x & 255, x >> 8];
  /** @type {number[]} */
  const head = [...new TextEncoder().encode("GIF89a"), ...word(width), ...word(height), 0xf7, 0, 0];
  for (let i = 0; i < 256; i += 1) head.push(...(colours[i] ?? [0, 0, 0]));
  head.push(0x21, 0xff, 11, ...new TextEncoder().encode("NETSCAPE2.0"), 3, 1, 0, 0, 0);
  const parts = [new Uint8Array(head)];
  pictures.forEach((pixels, i) => {
    const wait = i === pictures.length - 1 ? 200 : delay;
    parts.push(new Uint8Array([0x21, 0xf9, 4, 4, ...word(wait), 0, 0, 0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0]));
    parts.push(new Uint8Array(lzw(indices(pixels, colours, known))));
  });
  parts.push(new Uint8Array([0x3b]));
  return new Blob(/** @type {BlobPart[]} */ (parts), { type: "image/gif" });
}
