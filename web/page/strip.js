// The strip of time: curves of both arms, ghosts of courses that were left, events, the day shown.
import { t } from "./words.js";

/**
 * @typedef {{colour: string, dash: number[], width: number, rows: [number, Float64Array][], label: string}} Curve
 * @typedef {{step: number, kind: string, arm: number}} Tick
 */

export const COLOURS = ["#0072b2", "#b34700"];
const MARKS = /** @type {Record<string, string>} */ ({ challenge: "▼", dose: "◆", ulceration: "✱", wound_closure: "○", debridement: "■", infection: "✚", decision: "◇" });

/** Highest value of a scale: 1, 2 or 5 times a power of ten. @param {number} most */
function niceTop(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((x) => x * power).find((x) => x >= most) ?? most;
}

/**
 * Draws the strip.
 * @param {HTMLCanvasElement} canvas
 * @param {{curves: Curve[], column: number, isShare: boolean, last: number, cursor: number, perDay: number, ticks: Tick[], unit: string}} what
 */
export function drawStrip(canvas, what) {
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.max(50, Math.round(canvas.clientWidth * ratio));
  const high = Math.max(40, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const c = canvas.getContext("2d");
  if (!c) return;
  c.clearRect(0, 0, wide, high);
  const left = 44 * ratio;
  const right = wide - 12 * ratio;
  const top = 6 * ratio;
  // A row of events for each arm, then the days.
  const rows = what.ticks.some((one) => one.arm === 1) ? 2 : 1;
  const bottom = high - (18 + 11 * rows) * ratio;
  const x = (/** @type {number} */ step) => left + ((right - left) * step) / Math.max(1, what.last);
  let most = 0;
  for (const curve of what.curves) for (const [, row] of curve.rows) if (row[what.column] > most) most = row[what.column];
  const end = niceTop(what.isShare ? Math.max(most, 0.01) : most);
  const y = (/** @type {number} */ value) => bottom - ((bottom - top) * value) / end;
  c.font = `${10.5 * ratio}px system-ui, sans-serif`;
  c.fillStyle = "#555";
  c.strokeStyle = "#dcdcd8";
  c.lineWidth = ratio;
  for (const share of [0, 0.5, 1]) {
    c.beginPath();
    c.moveTo(left, y(end * share));
    c.lineTo(right, y(end * share));
    c.stroke();
    const value = end * share;
    c.textAlign = "right";
    c.fillText(what.isShare ? `${+(100 * value).toPrecision(2)} %` : String(+value.toPrecision(2)), left - 4 * ratio, y(value) + 4 * ratio);
  }
  const days = what.last / what.perDay;
  const pace = [1, 2, 5, 10, 15, 30, 60, 100, 200].find((d) => days / d <= 10) ?? 500;
  c.textAlign = "center";
  for (let day = 0; day <= days; day += pace) c.fillText(String(day), x(day * what.perDay), high - 2 * ratio);
  c.textAlign = "left";
  for (const curve of what.curves) {
    c.beginPath();
    let isOn = false;
    for (const [step, row] of curve.rows) {
      const value = row[what.column];
      if (!Number.isFinite(value)) continue;
      if (isOn) c.lineTo(x(step), y(value));
      else c.moveTo(x(step), y(value));
      isOn = true;
    }
    c.strokeStyle = curve.colour;
    c.lineWidth = curve.width * ratio;
    c.setLineDash(curve.dash.map((d) => d * ratio));
    c.stroke();
    c.setLineDash([]);
    const last = curve.rows.at(-1);
    if (last && curve.label && Number.isFinite(last[1][what.column])) {
      c.fillStyle = curve.colour;
      const at = Math.min(x(last[0]) + (curve.dash.length > 0 ? 12 : 3) * ratio, right - 8 * ratio);
      c.fillText(curve.label, at, Math.max(top + 9 * ratio, y(last[1][what.column]) - 3 * ratio));
    }
  }
  // Closures as a band of density, rarer events as signs: shape says what, height says which arm.
  for (const tick of what.ticks) {
    const sign = MARKS[tick.kind];
    const line = bottom + (9 + 11 * tick.arm) * ratio;
    c.fillStyle = COLOURS[tick.arm];
    if (sign) c.fillText(sign, x(tick.step) - 4 * ratio, line + 3 * ratio);
    else if (tick.kind === "closure") c.fillRect(x(tick.step), line - 3 * ratio, ratio, 6 * ratio);
  }
  c.strokeStyle = "#1a1a1a";
  c.lineWidth = 1.5 * ratio;
  c.beginPath();
  c.moveTo(x(what.cursor), 0);
  c.lineTo(x(what.cursor), high - 12 * ratio);
  c.stroke();
}

/** Step at a place of the strip. @param {HTMLCanvasElement} canvas @param {number} clientX @param {number} last */
export function stepAt(canvas, clientX, last) {
  const box = canvas.getBoundingClientRect();
  const share = (clientX - box.left - 44) / Math.max(1, box.width - 56);
  return Math.round(Math.min(1, Math.max(0, share)) * last);
}

/** Words of the curve for those who cannot see it. @param {string} name @param {number} value @param {number} day */
export function curveWords(name, value, day) {
  return `${name}: ${Number.isFinite(value) ? value.toPrecision(3) : "–"} (${t("app.day", { day })})`;
}
