// «Why did this ulcer form?»: backwards through the event log, drawn as lanes of time. Each link can be undone: the same site
// with the same dice without that cause. A cause is what changes the outcome of the model when it is taken away.
import { dayText, percent } from "./dom.js";
import { t, tOr } from "./words.js";

/**
 * @typedef {import("./course.js").Event} Event
 * @typedef {{lane: string, step: number, text: string, what: string, undo: {step: number, changes: Record<string, any>} | null}} Link
 */

const LANES = [
  ["exposure", ""], ["endothelium", "endothelial_integrity"], ["calcium", "calcified_segment_fraction"], ["clot", "thrombosed_segment_fraction"],
  ["oxygen", "hypoxic_fraction"], ["inflammation", "inflammation"], ["tissue", "necrotic_fraction"],
];

/** Reach around a place within which deaths belong to it [µm]. */
const REACH = 600;

/**
 * The chain of causes of what is seen at a place, or of the ulcer, or of the dead tissue.
 * @param {Event[]} events of the course up to the day shown @param {number} perDay steps a day
 * @param {number[] | null} place across and down [µm] @param {number} width of the tissue [µm]
 * @param {(step: number, column: string) => number} value of a column on a step
 * @returns {Link[]} from what is seen back to what came first
 */
export function chain(events, perDay, place, width, value) {
  const step = (/** @type {Event} */ e) => Math.round(e.t_d * perDay);
  const byId = new Map(events.map((e) => [e.id, e]));
  const ulcer = place ? undefined : events.findLast((e) => e.kind === "ulceration");
  const deaths = events.filter((e) => e.kind === "death" && (!ulcer || e.t_d <= ulcer.t_d));
  /** @type {Link[]} */
  const links = [];
  if (deaths.length === 0 && !ulcer) return links;
  if (ulcer) links.push({ lane: "tissue", step: step(ulcer), text: t("why.link.ulceration", { day: dayText(ulcer.t_d) }), what: t("event.ulceration"), undo: null });
  const across = (/** @type {number} */ x) => {
    const off = Math.abs(x - centre[0]);
    return Math.min(off, width - off);
  };
  const centre = place ?? (ulcer ? ulcer.place_um.slice(0, 1) : middle(deaths));
  const near = deaths.filter((e) => across(e.place_um[0]) < REACH && (!place || Math.abs(e.place_um[2] - place[1]) < REACH));
  const own = near.length > 0 ? near : deaths;
  if (own.length > 0) {
    const first = own.reduce((a, b) => (a.t_d <= b.t_d ? a : b));
    const last = own.reduce((a, b) => (a.t_d > b.t_d ? a : b));
    links.push({ lane: "tissue", step: step(last), what: t("event.death"), undo: { step: step(first), changes: { sets: ["mechanisms.damp_loop=false"] } },
      text: t("why.link.loop", { deaths: t("why.link.death", { day: dayText(last.t_d), n: own.length, first: dayText(first.t_d) }) }) });
    const share = value(step(last), "hypoxic_fraction");
    links.push({ lane: "oxygen", step: step(first), text: t("why.link.hypoxia", { share: percent(share) }), what: t("why.lane.oxygen"), undo: null });
  }
  // The closure that most of these deaths name as their cause.
  /** @type {Map<number, number>} */
  const votes = new Map();
  for (const death of own) if (death.cause !== null) votes.set(death.cause, (votes.get(death.cause) ?? 0) + 1);
  const ranked = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  let cause = ranked.map(([id]) => byId.get(id)).find((e) => e !== undefined);
  while (cause && cause.kind === "reopening" && cause.cause !== null) cause = byId.get(cause.cause);
  if (cause && cause.kind === "closure") {
    const id = cause.entity.split(":")[1] ?? "";
    const mineral = cause.values.mineral ?? 0;
    links.push({ lane: "clot", step: step(cause), what: `${t("event.closure")} (${short(id)})`,
      text: t("why.link.closure", { day: dayText(cause.t_d), id: short(id), mineral: percent(mineral) }),
      undo: { step: step(cause), changes: { hold: [id] } } });
    if (mineral >= 0.05) {
      links.push({ lane: "calcium", step: step(cause), text: t("why.link.calcium"), what: t("why.lane.calcium"),
        undo: { step: 0, changes: { sets: ["mechanisms.passive_mineral=false", "mechanisms.osteo=false"] } } });
    }
    while (cause && cause.cause !== null && !["challenge", "dose"].includes(cause.kind)) cause = byId.get(cause.cause);
  }
  // What the patient met before: the named cause first, then every other exposure.
  const named = cause && ["challenge", "dose", "debridement"].includes(cause.kind) ? cause : undefined;
  const end = own.length > 0 ? Math.min(...own.map((e) => e.t_d)) : ulcer?.t_d ?? 0;
  const exposures = events.filter((e) => e.kind === "challenge" && e.t_d <= Math.max(end, named?.t_d ?? 0));
  for (const e of named && !exposures.includes(named) ? [named, ...exposures] : exposures.sort((a, b) => b.t_d - a.t_d)) {
    const id = e.entity.split(":")[1] ?? e.entity;
    const key = e.kind === "challenge" ? "why.link.challenge" : "why.link.dose";
    links.push({ lane: "exposure", step: step(e), text: t(key, { day: dayText(e.t_d), id: tOr(`entry.${id}`, id) }), what: tOr(`entry.${id}`, id), undo: { step: step(e), changes: { without: [id] } } });
  }
  return links;
}

/** The end of a long number names it well enough. @param {string} id */
export function short(id) {
  return id.length > 6 ? `…${id.slice(-5)}` : id;
}

/** @param {Event[]} deaths */
function middle(deaths) {
  const xs = deaths.map((e) => e.place_um[0]).sort((a, b) => a - b);
  return [xs[Math.floor(xs.length / 2)] ?? 0];
}

/**
 * The lanes: each a course from its least to its most, with the links of the chain from lane to lane.
 * @param {HTMLCanvasElement} canvas @param {[number, Float64Array][]} rows @param {Record<string, number>} columns
 * @param {Link[]} links @param {Event[]} events @param {number} perDay @param {number} last
 */
export function drawLanes(canvas, rows, columns, links, events, perDay, last) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(50, canvas.clientWidth * ratio);
  canvas.height = Math.max(50, canvas.clientHeight * ratio);
  const c = canvas.getContext("2d");
  if (!c) return;
  c.clearRect(0, 0, canvas.width, canvas.height);
  const left = 86 * ratio;
  const high = (canvas.height - 14 * ratio) / LANES.length;
  const x = (/** @type {number} */ step) => left + ((canvas.width - left - 8 * ratio) * step) / Math.max(1, last);
  c.font = `${10.5 * ratio}px system-ui, "Noto Sans CJK SC", sans-serif`;
  LANES.forEach(([lane, column], i) => {
    const base = (i + 1) * high - 3 * ratio;
    c.fillStyle = "#444";
    c.textAlign = "right";
    c.fillText(t(`why.lane.${lane}`), left - 6 * ratio, base - high * 0.25);
    c.fillStyle = "#e4e4df";
    c.fillRect(left, base, canvas.width - left - 8 * ratio, ratio);
    if (!column) {
      for (const e of events) {
        if (!["challenge", "dose", "debridement", "decision"].includes(e.kind)) continue;
        c.fillStyle = e.kind === "challenge" ? "#b34700" : "#00724f";
        c.fillRect(x(e.t_d * perDay) - ratio, base - high * 0.7, 2 * ratio, high * 0.7);
      }
      return;
    }
    const values = rows.map(([, row]) => (lane === "endothelium" ? 1 - row[columns[column]] : row[columns[column]]));
    const most = Math.max(1e-9, ...values.filter(Number.isFinite));
    c.beginPath();
    c.moveTo(x(rows[0]?.[0] ?? 0), base);
    rows.forEach(([step], k) => c.lineTo(x(step), base - (high * 0.75 * (Number.isFinite(values[k]) ? values[k] : 0)) / most));
    c.lineTo(x(rows.at(-1)?.[0] ?? 0), base);
    c.fillStyle = "#a9c4d6";
    c.fill();
  });
  c.textAlign = "center";
  c.fillStyle = "#444";
  const days = last / perDay;
  const pace = [1, 5, 10, 30, 60, 100].find((d) => days / d <= 7) ?? 200;
  for (let day = 0; day <= days; day += pace) c.fillText(String(day), x(day * perDay), canvas.height - 2 * ratio);
  const row = (/** @type {string} */ lane) => (LANES.findIndex(([name]) => name === lane) + 0.55) * high;
  c.strokeStyle = "#1a1a1a";
  c.fillStyle = "#1a1a1a";
  c.lineWidth = 1.2 * ratio;
  links.forEach((link, i) => {
    const before = links[i + 1];
    if (before) {
      c.beginPath();
      c.moveTo(x(before.step), row(before.lane));
      c.lineTo(x(link.step), row(link.lane));
      c.stroke();
    }
    c.beginPath();
    c.arc(x(link.step), row(link.lane), 3.4 * ratio, 0, 7);
    c.fill();
  });
}
