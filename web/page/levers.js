// Levers of the patient and the causal arrows. A move is a dated change: the course forks at the day shown.
import { h, num } from "./dom.js";
import { t, tOr } from "./words.js";

/**
 * @typedef {{key: string, value: number | boolean, unit: string, possible: [number, number] | null, evidence: [number, number] | null,
 *   usual: [number, number] | null, status: string, source: string, meaning: string}} Lever
 * @typedef {(changes: {append?: string, sets?: string[], without?: string[], hold?: string[]}, label: string) => Promise<void>} Change
 */

/** A number as TOML: always with a point. @param {number} x */
export function real(x) {
  const text = String(x);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** The table that moves a value of the patient from a day on. @param {string} id @param {string} name @param {number | boolean} value @param {number} day */
export function chemistry(id, name, value, day) {
  const text = typeof value === "boolean" ? String(value) : real(value);
  return `[[challenge]]\nid = "${id}"\nkind = "chemistry"\nstart_d = ${real(day)}\n[challenge.set]\n${name} = ${text}\n`;
}

/** Ends of a slider: the evidence, widened by half, within what is possible. @param {Lever} lever @param {number} now */
function bounds(lever, now) {
  const [low, high] = lever.evidence ?? lever.possible ?? [0, 1];
  const room = (high - low) / 4;
  const [least, most] = lever.possible ?? [low, high];
  return [Math.max(least, Math.min(low - room, now)), Math.min(most, Math.max(high + room, now))];
}

/**
 * The levers of the patient.
 * @param {Lever[]} levers @param {Record<string, any>} host values now @param {(name: string, value: number | boolean, label: string) => void} move
 */
export function leverList(levers, host, move) {
  const list = h("div", { class: "levers" });
  for (const lever of levers) {
    const name = lever.key.replace("host.", "");
    const label = tOr(lever.key, name);
    const now = host[name] ?? lever.value;
    list.append(typeof lever.value === "boolean" ? flag(lever, name, label, Boolean(now), move) : slider(lever, name, label, Number(now), move));
  }
  return list;
}

/** @param {Lever} lever @param {string} name @param {string} label @param {boolean} now @param {(name: string, value: any, label: string) => void} move */
function flag(lever, name, label, now, move) {
  const box = h("input", { type: "checkbox", checked: now, id: `lever-${name}`,
    onchange: (/** @type {any} */ event) => move(name, event.target.checked, `${label} ${event.target.checked ? "+" : "−"}`) });
  return h("div", { class: "lever", title: lever.meaning }, h("label", { for: `lever-${name}` }, label), box);
}

/** @param {Lever} lever @param {string} name @param {string} label @param {number} now @param {(name: string, value: any, label: string) => void} move */
function slider(lever, name, label, now, move) {
  const [low, high] = bounds(lever, now);
  const step = 10 ** Math.floor(Math.log10((high - low) / 100));
  const share = (/** @type {number} */ x) => `${(100 * (x - low)) / (high - low)}%`;
  const unit = lever.unit === "-" ? "" : ` ${lever.unit}`;
  const beyond = h("span", { class: "beyond", hidden: true }, t("lever.extrapolation"));
  const range = h("input", { type: "range", id: `lever-${name}`, min: low, max: high, step, value: now });
  const number = h("input", { type: "number", min: lever.possible?.[0], max: lever.possible?.[1], step: "any", value: +now.toPrecision(4), "aria-label": `${label}${unit}` });
  const judge = (/** @type {number} */ value) => {
    const outside = lever.evidence !== null && (value < lever.evidence[0] || value > lever.evidence[1]);
    beyond.hidden = !outside;
    range.classList.toggle("extrapolated", outside);
  };
  range.addEventListener("input", () => {
    number.value = String(+Number(range.value).toPrecision(4));
    judge(Number(range.value));
  });
  range.addEventListener("change", () => move(name, Number(range.value), `${label} ${num(Number(range.value))}${unit}`));
  number.addEventListener("change", () => {
    const value = Number(number.value);
    if (!Number.isFinite(value) || number.value === "") return;
    range.value = String(value);
    judge(value);
    move(name, value, `${label} ${num(value)}${unit}`);
  });
  judge(now);
  const band = lever.usual ?? lever.evidence;
  const words = lever.usual ? t("lever.usual", { low: num(lever.usual[0]), high: num(lever.usual[1]) })
    : lever.evidence ? t("lever.evidence", { low: num(lever.evidence[0]), high: num(lever.evidence[1]) }) : "";
  const bar = h("div", { class: "band", "aria-hidden": "true" });
  if (band) {
    const mark = h("i");
    mark.style.left = share(Math.max(low, band[0]));
    mark.style.right = `calc(100% - ${share(Math.min(high, band[1]))})`;
    bar.append(mark);
  }
  const reset = h("button", { class: "small", title: t("lever.reset"), "aria-label": `${t("lever.reset")}: ${label}`,
    onclick: () => { const value = Number(lever.value); range.value = String(value); number.value = String(value); judge(value); move(name, value, `${label} ${num(value)}${unit}`); } }, "↺");
  return h("div", { class: "lever", title: `${lever.meaning} · ${t("lever.status", { status: t(`status.${lever.status}`) })} · ${lever.source}` },
    h("label", { for: `lever-${name}` }, label, h("small", {}, unit)), number, reset,
    h("div", { class: "slide" }, range, bar), h("small", { class: "range" }, words, " ", beyond));
}

/** Causal arrows that can be cut. @param {string[]} switches @param {(name: string, on: boolean) => void} cut @param {string[]} sets */
export function switchList(switches, cut, sets) {
  const list = h("div", { class: "switches" });
  for (const name of switches) {
    const off = sets.lastIndexOf(`mechanisms.${name}=false`) > sets.lastIndexOf(`mechanisms.${name}=true`);
    const box = h("input", { type: "checkbox", checked: !off, onchange: (/** @type {any} */ event) => cut(name, event.target.checked) });
    list.append(h("label", {}, box, h("code", {}, name)));
  }
  return list;
}
