// Small helpers: elements, numbers, words for the screen reader.
import { t } from "./words.js";

/**
 * An element. Properties that begin with `on` are listeners, `class` and `data-…`/`aria-…` are attributes, the rest properties.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | undefined)} children
 * @returns {any}
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name.includes("-") || name === "role" || name === "for" || name === "list") element.setAttribute(name, value);
    else /** @type {any} */ (element)[name] = value;
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/** The element with an id. @param {string} id @returns {any} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/** Empties an element and fills it. @param {Element} element @param {...(Node | string)} children */
export function fill(element, ...children) {
  element.replaceChildren(...children);
}

/** A number with about three digits. @param {number} x */
export function num(x) {
  if (!Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (size === 0) return "0";
  if (size >= 100) return x.toFixed(0);
  if (size >= 10) return x.toFixed(1);
  if (size >= 1) return x.toFixed(2);
  return x.toPrecision(2);
}

/** A share in percent. @param {number} share */
export function percent(share) {
  return Number.isFinite(share) ? (100 * share).toFixed(share < 0.1 ? 1 : 0) : "–";
}

/** A day. @param {number} day */
export function dayText(day) {
  return Number.isInteger(day) ? String(day) : day.toFixed(1);
}

let latest = 0;
/** @type {string | null} */
let waiting = null;

/** Tells a screen reader, at most once in five seconds: the latest wins. @param {string} text */
export function say(text) {
  const region = byId("live");
  const wait = 5000 - (Date.now() - latest);
  if (wait <= 0) {
    latest = Date.now();
    region.textContent = text;
    return;
  }
  const isQueued = waiting !== null;
  waiting = text;
  if (!isQueued) {
    setTimeout(() => {
      latest = Date.now();
      region.textContent = waiting ?? "";
      waiting = null;
    }, wait);
  }
}

/** A note at the foot of the page that goes away by itself. @param {string} text @param {boolean} [isFault] */
export function note(text, isFault) {
  const box = byId("note");
  box.textContent = text;
  box.className = isFault ? "fault" : "";
  box.hidden = false;
  clearTimeout(/** @type {any} */ (note).timer);
  /** @type {any} */ (note).timer = setTimeout(() => { box.hidden = true; }, isFault ? 12000 : 5000);
  say(text);
}

/** Shows what went wrong. @param {unknown} fault */
export function complain(fault) {
  const words = fault instanceof Error ? fault.message : String(fault);
  note(`${t("app.error")}: ${words}`, true);
}

/** Numbers of a CSV: the shortest text that reads back the same. @param {number} x */
export function cell(x) {
  return Number.isFinite(x) ? String(x) : "";
}
