// What lies over the tissue: vessels in true width with their state, cells, the crosshair, the scale bar. Colour is never alone:
// a clot is a cross with a halo or a dashed line, a vessel without flow is hollow, calcium is a black rim.

/**
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Geometry} Geometry
 * @typedef {import("./picture.js").Rectangle} Rectangle
 * @typedef {{vessels: boolean, clots: boolean, cells: boolean, flow: boolean, selected: string | null, cross: number[] | null,
 *   punch: {x: number, diameter: number, depth: number} | null, bar: boolean, ink: string, calcium: string}} Marks
 */

const CLASS = ["#c0182b", "#9a3f86", "#2f5fa8"];
const CLOT = "#e66100";
const CELLS = ["#3b2a7a", "#8c5fbf", "#009e73"];
const BARS = [20, 50, 100, 200, 500, 1000, 2000, 5000];

/** Length of the scale bar of a picture so wide: of a fixed series, the nearest to a fifth. @param {number} width [µm] */
function barLength(width) {
  const off = (/** @type {number} */ bar) => Math.abs(Math.log(bar / (width / 5)));
  return BARS.reduce((best, bar) => (off(bar) < off(best) ? bar : best));
}

/** The pieces of a segment in the picture; one that wraps around is drawn on both sides. @param {Geometry} g @param {number} s */
export function pieces(g, s) {
  const x0 = g.ends[4 * s];
  const y0 = g.ends[4 * s + 1];
  let x1 = g.ends[4 * s + 2];
  const y1 = g.ends[4 * s + 3];
  if (Math.abs(x1 - x0) <= g.width / 2) return [[x0, y0, x1, y1]];
  x1 += x1 < x0 ? g.width : -g.width;
  const shift = x1 < x0 ? g.width : -g.width;
  return [[x0, y0, x1, y1], [x0 + shift, y0, x1 + shift, y1]];
}

/**
 * @param {CanvasRenderingContext2D} c @param {Frame} frame @param {Geometry} g @param {Rectangle} rect @param {Marks} marks
 */
export function drawMarks(c, frame, g, rect, marks) {
  const { width, height } = c.canvas;
  const ratio = window.devicePixelRatio || 1;
  c.clearRect(0, 0, width, height);
  const sx = width / (rect.w * g.width);
  const sy = height / (rect.h * g.height);
  const px = (/** @type {number} */ x) => (x - rect.x * g.width) * sx;
  const py = (/** @type {number} */ y) => (y - rect.y * g.height) * sy;
  c.lineCap = "round";
  if (marks.vessels) {
    for (let s = 0; s < Math.min(g.count, frame.segmentCount); s += 1) drawVessel(c, frame, g, s, px, py, sx, ratio, marks);
  }
  if (marks.cells) drawCells(c, frame, g, px, py, ratio);
  if (marks.clots) drawClots(c, frame, g, px, py, sx, ratio);
  const at = marks.selected === null ? -1 : g.ids.indexOf(marks.selected);
  if (at >= 0) {
    const [x0, y0, x1, y1] = pieces(g, at)[0];
    c.beginPath();
    c.arc(px((x0 + x1) / 2), py((y0 + y1) / 2), 11 * ratio, 0, 7);
    c.lineWidth = 4 * ratio;
    c.strokeStyle = "#fff";
    c.stroke();
    c.lineWidth = 2 * ratio;
    c.strokeStyle = "#1a1a1a";
    c.stroke();
  }
  if (marks.cross) drawCrosshair(c, px(marks.cross[0]), py(marks.cross[1]), ratio);
  if (marks.punch) drawPunch(c, px, py, marks.punch, ratio);
  if (marks.bar) drawBar(c, rect.w * g.width, width, height, ratio);
}

/**
 * @param {CanvasRenderingContext2D} c @param {Frame} frame @param {Geometry} g @param {number} s
 * @param {(x: number) => number} px @param {(y: number) => number} py @param {number} scale @param {number} ratio @param {Marks} marks
 */
function drawVessel(c, frame, g, s, px, py, scale, ratio, marks) {
  if (!(g.flags[s] & 4)) return;
  const type = g.flags[s] & 3;
  const q = frame.segments.subarray(6 * s, 6 * s + 6);
  const wide = Math.max((type === 1 ? 0.7 : 1.2) * ratio, 2 * g.radius[s] * scale);
  for (const [x0, y0, x1, y1] of pieces(g, s)) {
    c.beginPath();
    c.moveTo(px(x0), py(y0));
    c.lineTo(px(x1), py(y1));
    if (q[0] >= 13) {
      // A rim of calcium: broader where there is more.
      c.lineWidth = wide + (1.6 + 3.2 * (q[0] / 255)) * ratio;
      c.strokeStyle = marks.calcium;
      c.stroke();
    }
    c.lineWidth = wide;
    c.strokeStyle = CLASS[type];
    c.stroke();
    const isStill = q[4] < 13;
    if (marks.flow && isStill && q[2] < 230) {
      c.lineWidth = Math.max(0.5 * ratio, wide - 1.2 * ratio);
      c.strokeStyle = "#fff";
      c.stroke();
    }
  }
}

/**
 * Closed vessels: a cross with a halo. A capillary seen from afar is a dashed line instead, and where crosses would cover each
 * other one stands for its neighbours.
 * @param {CanvasRenderingContext2D} c @param {Frame} frame @param {Geometry} g
 * @param {(x: number) => number} px @param {(y: number) => number} py @param {number} scale @param {number} ratio
 */
function drawClots(c, frame, g, px, py, scale, ratio) {
  const isNear = scale > 0.15 * ratio;
  const cell = 9 * ratio;
  const taken = new Set();
  const crosses = [];
  c.setLineDash([2 * ratio, 1.5 * ratio]);
  c.lineWidth = 1.1 * ratio;
  c.strokeStyle = CLOT;
  for (let s = 0; s < Math.min(g.count, frame.segmentCount); s += 1) {
    if (frame.segments[6 * s + 2] < 230 || !(g.flags[s] & 4)) continue;
    const isCapillary = (g.flags[s] & 3) === 1;
    const [x0, y0, x1, y1] = pieces(g, s)[0];
    if (isCapillary && !isNear) {
      c.beginPath();
      c.moveTo(px(x0), py(y0));
      c.lineTo(px(x1), py(y1));
      c.stroke();
      continue;
    }
    const place = `${Math.floor(px((x0 + x1) / 2) / cell)},${Math.floor(py((y0 + y1) / 2) / cell)}`;
    if (taken.has(place)) continue;
    taken.add(place);
    crosses.push([[x0, y0, x1, y1], ratio * (isCapillary ? 1.6 : 3.4)]);
  }
  c.setLineDash([]);
  for (const [piece, half] of /** @type {[number[], number][]} */ (crosses)) drawCross(c, px, py, piece, half);
}

/**
 * @param {CanvasRenderingContext2D} c @param {(x: number) => number} px @param {(y: number) => number} py @param {number[]} piece
 * @param {number} half
 */
function drawCross(c, px, py, piece, half) {
  const x = px((piece[0] + piece[2]) / 2);
  const y = py((piece[1] + piece[3]) / 2);
  for (const [colour, width] of /** @type {[string, number][]} */ ([["#fff", 1.1], [CLOT, 0.5]])) {
    c.beginPath();
    c.moveTo(x - half, y - half);
    c.lineTo(x + half, y + half);
    c.moveTo(x - half, y + half);
    c.lineTo(x + half, y - half);
    c.lineWidth = width * half;
    c.strokeStyle = colour;
    c.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} c @param {Frame} frame @param {Geometry} g @param {(x: number) => number} px
 * @param {(y: number) => number} py @param {number} ratio
 */
function drawCells(c, frame, g, px, py, ratio) {
  for (let i = 0; i < frame.cellCount; i += 1) {
    const at = 6 * i;
    const kind = frame.cells[at];
    const x = px(((frame.cells[at + 2] | (frame.cells[at + 3] << 8)) / 65535) * g.width);
    const y = py(((frame.cells[at + 4] | (frame.cells[at + 5] << 8)) / 65535) * g.height);
    c.fillStyle = CELLS[kind] ?? "#000";
    c.beginPath();
    if (kind === 2) {
      const r = 3 * ratio;
      c.moveTo(x, y - r);
      c.lineTo(x + r, y + r);
      c.lineTo(x - r, y + r);
      c.closePath();
      c.fill();
      c.lineWidth = 0.7 * ratio;
      c.strokeStyle = "#fff";
      c.stroke();
    } else {
      c.arc(x, y, (kind === 0 ? 0.9 : 1.5) * ratio, 0, 7);
      c.fill();
    }
  }
}

/** @param {CanvasRenderingContext2D} c @param {number} x @param {number} y @param {number} ratio */
function drawCrosshair(c, x, y, ratio) {
  for (const [colour, width] of /** @type {[string, number][]} */ ([["#fff", 3], ["#1a1a1a", 1]])) {
    c.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      c.moveTo(x + 4 * ratio * dx, y + 4 * ratio * dy);
      c.lineTo(x + 12 * ratio * dx, y + 12 * ratio * dy);
    }
    c.lineWidth = width * ratio;
    c.strokeStyle = colour;
    c.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} c @param {(x: number) => number} px @param {(y: number) => number} py
 * @param {{x: number, diameter: number, depth: number}} punch [µm] @param {number} ratio
 */
function drawPunch(c, px, py, punch, ratio) {
  c.setLineDash([5 * ratio, 4 * ratio]);
  for (const [colour, width] of /** @type {[string, number][]} */ ([["#fff", 3.5], ["#1a1a1a", 1.5]])) {
    c.lineWidth = width * ratio;
    c.strokeStyle = colour;
    c.strokeRect(px(punch.x - punch.diameter / 2), py(0), px(punch.diameter) - px(0), py(punch.depth) - py(0));
  }
  c.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} c @param {number} shown width shown [µm] @param {number} width @param {number} height @param {number} ratio */
function drawBar(c, shown, width, height, ratio) {
  const bar = barLength(shown);
  const long = (bar / shown) * width;
  const label = bar >= 1000 ? `${bar / 1000} mm` : `${bar} µm`;
  c.font = `${11 * ratio}px system-ui, sans-serif`;
  const plate = Math.max(long, c.measureText(label).width) + 12 * ratio;
  const [x, y] = [6 * ratio, height - 30 * ratio];
  c.fillStyle = "rgba(255,255,255,0.86)";
  c.fillRect(x, y, plate, 25 * ratio);
  c.fillStyle = "#1a1a1a";
  c.fillText(label, x + 6 * ratio, y + 12 * ratio);
  c.fillRect(x + 6 * ratio, y + 17 * ratio, long, 3 * ratio);
}

/** The vessel nearest to a place, within a reach [µm]; −1 for none. @param {Geometry} g @param {number} x @param {number} y @param {number} reach */
export function nearestVessel(g, x, y, reach) {
  let best = -1;
  let least = reach;
  for (let s = 0; s < g.count; s += 1) {
    if (!(g.flags[s] & 4)) continue;
    for (const [x0, y0, x1, y1] of pieces(g, s)) {
      const [dx, dy] = [x1 - x0, y1 - y0];
      const along = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)));
      const off = Math.hypot(x - x0 - along * dx, y - y0 - along * dy) - g.radius[s];
      if (off < least) {
        least = off;
        best = s;
      }
    }
  }
  return best;
}
