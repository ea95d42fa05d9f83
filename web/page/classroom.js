// A class: the seat is the seed, each page shows a code of twelve characters, a box of codes gives a histogram.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A small hash of a text. @param {string} text @returns {number} 32 bits */
export function digest(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** Check digits of 48 bits. @param {bigint} body */
function check(body) {
  return BigInt(digest(`calcisim${body}`) & 0xfff);
}

/**
 * The code of a result: seat 12 bits, setting 10, dead tissue 10 (tenths of a percent), ulcer 8 (day, 255 = none),
 * length 8 (days, in units of 4 above 200), check 12.
 * @param {{seat: number, setting: number, dead: number, ulcer: number | null, days: number}} result
 */
export function code(result) {
  const part = (/** @type {number} */ x, /** @type {number} */ bits) => BigInt(Math.max(0, Math.min(2 ** bits - 1, Math.round(x))));
  let body = part(result.seat, 12);
  body = (body << 10n) | part(result.setting & 1023, 10);
  body = (body << 10n) | part(result.dead * 1000, 10);
  body = (body << 8n) | (result.ulcer === null ? 255n : part(Math.min(result.ulcer, 254), 8));
  body = (body << 8n) | part(Math.min(result.days, 255), 8);
  let all = (body << 12n) | check(body);
  let text = "";
  for (let i = 0; i < 12; i += 1) {
    text = ALPHABET[Number(all & 31n)] + text;
    all >>= 5n;
  }
  return text;
}

/**
 * What a code says; nothing when it was mistyped.
 * @param {string} text @returns {{seat: number, setting: number, dead: number, ulcer: number | null, days: number} | null}
 */
export function decode(text) {
  const clean = text.toUpperCase().replaceAll("O", "0").replaceAll("I", "1").replaceAll("L", "1");
  if (clean.length !== 12) return null;
  let all = 0n;
  for (const char of clean) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return null;
    all = (all << 5n) | BigInt(digit);
  }
  const body = all >> 12n;
  if ((all & 0xfffn) !== check(body)) return null;
  const take = (/** @type {number} */ shift, /** @type {number} */ bits) => Number((body >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n));
  const ulcer = take(8, 8);
  return { seat: take(36, 12), setting: take(26, 10), dead: take(16, 10) / 1000, ulcer: ulcer === 255 ? null : ulcer, days: take(0, 8) };
}

/** Codes of a text, whatever stands between them; each seat and setting counts once. @param {string} text */
export function decodeAll(text) {
  const words = text.split(/[^0-9A-Za-z]+/).filter((word) => word.length > 0);
  const seen = new Map();
  let bad = 0;
  for (const word of words) {
    const result = decode(word);
    if (result) seen.set(`${result.seat}/${result.setting}`, result);
    else bad += 1;
  }
  return { results: [...seen.values()], bad };
}

/** @param {number[]} values */
export function median(values) {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The histogram of a class: shares of dead tissue in classes of equal width, one row of bars for each setting.
 * @param {HTMLCanvasElement} canvas @param {{dead: number, setting: number, ulcer: number | null}[]} results @param {string} axis
 */
export function histogram(canvas, results, axis) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(50, canvas.clientWidth * ratio);
  canvas.height = Math.max(50, canvas.clientHeight * ratio);
  const c = canvas.getContext("2d");
  if (!c) return;
  c.clearRect(0, 0, canvas.width, canvas.height);
  const most = Math.max(0.05, ...results.map((result) => result.dead));
  const top = Math.ceil(most * 20) / 20;
  const bins = 10;
  const settings = [...new Set(results.map((result) => result.setting))].sort((a, b) => a - b);
  const counts = settings.map((setting) => {
    const row = new Array(bins).fill(0);
    for (const r of results) if (r.setting === setting) row[Math.min(bins - 1, Math.floor((r.dead / top) * bins))] += 1;
    return row;
  });
  const high = Math.max(1, ...counts.flat());
  const [left, bottom] = [22 * ratio, canvas.height - 30 * ratio];
  const wide = (canvas.width - left - 6 * ratio) / bins;
  c.font = `${10.5 * ratio}px system-ui, "Noto Sans CJK SC", sans-serif`;
  counts.forEach((row, k) => {
    row.forEach((count, i) => {
      const tall = ((bottom - 12 * ratio) * count) / high;
      const bar = (wide - 3 * ratio) / counts.length;
      c.fillStyle = ["#0072b2", "#b34700", "#00724f", "#a8457f"][k % 4];
      c.fillRect(left + i * wide + k * bar, bottom - tall, bar, tall);
      if (count) {
        c.fillStyle = "#1a1a1a";
        c.fillText(String(count), left + i * wide + k * bar + 2 * ratio, bottom - tall - 2 * ratio);
      }
    });
  });
  c.fillStyle = "#444";
  c.fillRect(left, bottom, wide * bins, ratio);
  for (let i = 0; i <= bins; i += 5) c.fillText(`${((100 * top * i) / bins).toFixed(0)}`, left + i * wide - 4 * ratio, bottom + 12 * ratio);
  c.fillText(axis, left, bottom + 25 * ratio);
}
