// Unpacks LZMA (the «alone» format of xz): browsers have gzip alone, and the engine is a third smaller this way.

/** 85 signs that an HTML script may hold: four bytes in five signs. */
export const SIGNS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&|>()[]{}@%$#";

/** Bytes of a text of 85 signs; its first sign says how many of the last four bytes count. @param {string} text @returns {Uint8Array} */
export function fromText(text) {
  const value = new Uint8Array(128);
  for (let i = 0; i < 85; i += 1) value[SIGNS.charCodeAt(i)] = i;
  const groups = Math.floor((text.length - 1) / 5);
  const out = new Uint8Array(4 * groups);
  for (let g = 0, at = 1; g < groups; g += 1) {
    let x = 0;
    for (let i = 0; i < 5; i += 1, at += 1) x = x * 85 + value[text.charCodeAt(at) & 127];
    out[4 * g] = x / 16777216;
    out[4 * g + 1] = (x >>> 16) & 255;
    out[4 * g + 2] = (x >>> 8) & 255;
    out[4 * g + 3] = x & 255;
  }
  return out.subarray(0, out.length - value[text.charCodeAt(0) & 127]);
}

/** Reads bits of a range coder. */
class Range {
  /** @param {Uint8Array} bytes @param {number} at */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at + 5;
    this.range = 0xffffffff;
    this.code = 0;
    for (let i = 1; i < 5; i += 1) this.code = ((this.code << 8) | bytes[at + i]) >>> 0;
  }

  /** One bit by its probability. @param {Uint16Array} p @param {number} i */
  bit(p, i) {
    const bound = (this.range >>> 11) * p[i];
    let bit = 0;
    if (this.code < bound) {
      this.range = bound;
      p[i] += (2048 - p[i]) >> 5;
    } else {
      this.range -= bound;
      this.code -= bound;
      p[i] -= p[i] >> 5;
      bit = 1;
    }
    if (this.range < 0x1000000) this.more();
    return bit;
  }

  more() {
    this.range = (this.range << 8) >>> 0;
    this.code = ((this.code << 8) | this.bytes[this.at]) >>> 0;
    this.at += 1;
  }

  /** Bits without a model. @param {number} count */
  direct(count) {
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      this.range >>>= 1;
      const one = this.code >= this.range ? 1 : 0;
      if (one) this.code -= this.range;
      value = value * 2 + one;
      if (this.range < 0x1000000) this.more();
    }
    return value;
  }

  /** A number from a tree of bits. @param {Uint16Array} p @param {number} base @param {number} bits */
  tree(p, base, bits) {
    let m = 1;
    for (let i = 0; i < bits; i += 1) m = (m << 1) | this.bit(p, base + m);
    return m - (1 << bits);
  }

  /** The same from the lowest bit on. @param {Uint16Array} p @param {number} base @param {number} bits */
  backward(p, base, bits) {
    let [m, value] = [1, 0];
    for (let i = 0; i < bits; i += 1) {
      const bit = this.bit(p, base + m);
      m = (m << 1) | bit;
      value |= bit << i;
    }
    return value;
  }
}

/** @param {number} size */
function even(size) {
  return new Uint16Array(size).fill(1024);
}

/** Lengths of matches: near ones in 8 + 8, far ones in 256. */
class Lengths {
  constructor() {
    this.choice = even(2);
    this.low = even(16 << 3);
    this.mid = even(16 << 3);
    this.high = even(256);
  }

  /** @param {Range} range @param {number} pos */
  read(range, pos) {
    if (!range.bit(this.choice, 0)) return 2 + range.tree(this.low, pos << 3, 3);
    if (!range.bit(this.choice, 1)) return 10 + range.tree(this.mid, pos << 3, 3);
    return 18 + range.tree(this.high, 0, 8);
  }
}

/** @param {Uint8Array} bytes @returns {Uint8Array<ArrayBuffer>} */
export function unpack(bytes) {
  const [lc, rest] = [bytes[0] % 9, Math.floor(bytes[0] / 9)];
  const [lp, pb] = [rest % 5, Math.floor(rest / 5)];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  // A writer that did not know the size says −1 and ends with a mark.
  const isKnown = view.getUint32(9, true) !== 0xffffffff;
  let out = new Uint8Array(isKnown ? view.getUint32(5, true) : 8 * bytes.length);
  const range = new Range(bytes, 13);
  const literal = even(0x300 << (lc + lp));
  const [isMatch, isRep0Long] = [even(12 << 4), even(12 << 4)];
  const [isRep, isRep0, isRep1, isRep2] = [even(12), even(12), even(12), even(12)];
  const [slots, special, align] = [even(4 << 6), even(128), even(16)];
  const [matches, repeats] = [new Lengths(), new Lengths()];
  let [state, at] = [0, 0];
  let rep = [0, 0, 0, 0];
  const room = (/** @type {number} */ more) => {
    if (at + more <= out.length) return;
    const larger = new Uint8Array(2 * out.length + more);
    larger.set(out);
    out = larger;
  };
  while (!isKnown || at < out.length) {
    const pos = at & ((1 << pb) - 1);
    if (!range.bit(isMatch, (state << 4) + pos)) {
      const before = at > 0 ? out[at - 1] : 0;
      const base = 0x300 * (((at & ((1 << lp) - 1)) << lc) + (before >> (8 - lc)));
      let symbol = 1;
      if (state >= 7) {
        let match = out[at - rep[0] - 1];
        while (symbol < 0x100) {
          const matched = (match >> 7) & 1;
          match <<= 1;
          const bit = range.bit(literal, base + ((1 + matched) << 8) + symbol);
          symbol = (symbol << 1) | bit;
          if (matched !== bit) break;
        }
      }
      while (symbol < 0x100) symbol = (symbol << 1) | range.bit(literal, base + symbol);
      room(1);
      out[at] = symbol & 0xff;
      at += 1;
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
      continue;
    }
    let length;
    if (range.bit(isRep, state)) {
      if (!range.bit(isRep0, state)) {
        if (!range.bit(isRep0Long, (state << 4) + pos)) {
          state = state < 7 ? 9 : 11;
          room(1);
          out[at] = out[at - rep[0] - 1];
          at += 1;
          continue;
        }
      } else if (!range.bit(isRep1, state)) {
        rep = [rep[1], rep[0], rep[2], rep[3]];
      } else if (!range.bit(isRep2, state)) {
        rep = [rep[2], rep[0], rep[1], rep[3]];
      } else {
        rep = [rep[3], rep[0], rep[1], rep[2]];
      }
      length = repeats.read(range, pos);
      state = state < 7 ? 8 : 11;
    } else {
      length = matches.read(range, pos);
      state = state < 7 ? 7 : 10;
      const slot = range.tree(slots, Math.min(length - 2, 3) << 6, 6);
      let distance = slot;
      if (slot >= 4) {
        const bits = (slot >> 1) - 1;
        distance = (2 | (slot & 1)) * 2 ** bits;
        if (slot < 14) distance += range.backward(special, distance - slot, bits);
        else distance += range.direct(bits - 4) * 16 + range.backward(align, 0, 4);
      }
      if (distance === 0xffffffff) return out.slice(0, at);
      rep = [distance, rep[0], rep[1], rep[2]];
    }
    room(length);
    const from = at - rep[0] - 1;
    if (from < 0) throw new Error("this is not LZMA");
    for (let i = 0; i < length; i += 1) out[at + i] = out[from + i];
    at += length;
  }
  return out;
}
