// A link that holds the state: scenario, seed, changes, day and view. Only what differs from a shipped scenario is in it.

/**
 * @typedef {{v: string, request: Record<string, any>, history: {step: number, changes: Record<string, any>, label: string}[],
 *   b: {history: {step: number, changes: Record<string, any>, label: string}[]} | null, step: number, lens: string, language: string}} Shared
 */

/** @param {Shared} shared */
export function packed(shared) {
  const bytes = new TextEncoder().encode(JSON.stringify(shared));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What a link holds; nothing when it holds none. @param {string} hash @returns {Shared | null} */
export function unpacked(hash) {
  const found = /[#&]s=([A-Za-z0-9_-]{1,200000})/.exec(hash);
  if (!found) return null;
  try {
    const text = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    const shared = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const isWhole = typeof shared === "object" && shared !== null && typeof shared.request === "object" && Array.isArray(shared.history);
    return isWhole ? shared : null;
  } catch {
    return null;
  }
}
