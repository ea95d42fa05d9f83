// One arm: a site of skin, its course and its branches. Frames that were received are kept, so that going back computes nothing.
import { readFrame, readGeometry, magic } from "./frame.js";

/**
 * @typedef {import("./engine.js").Engine} Engine
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Geometry} Geometry
 * @typedef {{id: number, t_d: number, kind: string, entity: string, place_um: number[], cause: number | null, values: Record<string, number>}} Event
 * @typedef {{number: number, parent: [number, number] | null, info: any, label: string, first: number, latest: number,
 *   frames: Map<number, ArrayBuffer>, rows: Map<number, Float64Array>, events: Event[], geometries: [number, Geometry][],
 *   hashes: Map<number, string>, host: Record<string, any>, summary: any, isOver: boolean}} Branch
 */

/** Bytes of frames that an arm keeps before it thins them out. */
const BUDGET = 160e6;

export class Course {
  /** @param {Engine} engine */
  constructor(engine) {
    this.engine = engine;
    /** @type {Map<number, Branch>} */
    this.branches = new Map();
    this.current = -1;
    /** @type {Record<string, any>} */
    this.request = {};
    this.keepEvery = 24;
    this.bytes = 0;
    /** @type {Promise<any>} */
    this.queue = Promise.resolve();
  }

  /** The branch that goes on. @returns {Branch} */
  get branch() {
    const branch = this.branches.get(this.current);
    if (!branch) throw new Error("no course is open");
    return branch;
  }

  get info() {
    return this.branch.info;
  }

  /** One request at a time. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  inTurn(work) {
    const done = this.queue.then(work, work);
    this.queue = done.catch(() => {});
    return done;
  }

  /** @param {Record<string, any>} request */
  open(request) {
    this.request = request;
    return this.inTurn(async () => {
      const reply = await this.engine.ask({ do: "open", fresh: true, ...request });
      this.add(reply, "");
    });
  }

  /**
   * A branch from an earlier step, with changes; it becomes the current one.
   * @param {number} step @param {{append?: string, sets?: string[], without?: string[], hold?: string[]}} changes @param {string} label
   */
  fork(step, changes, label) {
    return this.inTurn(async () => {
      const reply = await this.engine.ask({ do: "fork", branch: this.current, step, ...changes });
      this.add(reply, label);
    });
  }

  /** @param {import("./engine.js").Reply} reply @param {string} label */
  add(reply, label) {
    const info = reply.answer;
    /** @type {Branch} */
    const branch = {
      number: info.branch, parent: info.parent ?? null, info, label, first: info.step, latest: info.step,
      frames: new Map(), rows: new Map(), events: [], geometries: [], hashes: new Map(), host: info.host, summary: null, isOver: false,
    };
    this.branches.set(branch.number, branch);
    this.current = branch.number;
    this.take(branch, reply);
  }

  /** @param {Branch} branch @param {import("./engine.js").Reply} reply */
  take(branch, reply) {
    for (const part of reply.parts) {
      if (magic(part) === "CSG1") {
        branch.geometries.push([reply.answer.step ?? branch.latest, readGeometry(part)]);
      } else if (magic(part) === "CSF1") {
        const frame = readFrame(part);
        this.keep(branch, frame.step, part);
        branch.rows.set(frame.step, frame.row.slice());
        branch.hashes.set(frame.step, frame.hash);
        branch.latest = Math.max(branch.latest, frame.step);
        branch.isOver = frame.isLast;
      }
    }
    if (reply.answer.events) branch.events.push(...reply.answer.events);
    if (reply.answer.host) branch.host = reply.answer.host;
    if (reply.answer.summary) branch.summary = reply.answer.summary;
  }

  /** Keeps a frame; of those between key frames only the latest stays. @param {Branch} branch @param {number} step @param {ArrayBuffer} part */
  keep(branch, step, part) {
    const before = branch.frames.get(branch.latest);
    if (before && branch.latest % this.keepEvery !== 0 && branch.latest !== branch.first && branch.latest !== step) {
      branch.frames.delete(branch.latest);
      this.bytes -= before.byteLength;
    }
    branch.frames.set(step, part);
    this.bytes += part.byteLength;
    if (this.bytes > BUDGET) this.thin();
  }

  /** Every second key frame goes. */
  thin() {
    this.keepEvery *= 2;
    for (const branch of this.branches.values()) {
      for (const [step, part] of branch.frames) {
        if (step % this.keepEvery !== 0 && step !== branch.latest && step !== branch.first) {
          branch.frames.delete(step);
          this.bytes -= part.byteLength;
        }
      }
    }
  }

  /** So many steps on. @param {number} steps */
  advance(steps) {
    return this.inTurn(async () => {
      const branch = this.branch;
      if (branch.isOver || steps <= 0) return;
      const reply = await this.engine.ask({ do: "advance", branch: branch.number, steps });
      this.take(branch, reply);
    });
  }

  /** The branches that a step may lie on, the current one first. @returns {Branch[]} */
  lineage() {
    const line = [];
    let branch = this.branches.get(this.current);
    while (branch) {
      line.push(branch);
      branch = branch.parent ? this.branches.get(branch.parent[0]) : undefined;
    }
    return line;
  }

  /** The branch that owns a step. @param {number} step @returns {Branch} */
  owner(step) {
    return this.lineage().find((branch) => branch.first <= step) ?? this.branch;
  }

  /** The kept frame at a step or the nearest before it. @param {number} step @returns {{frame: Frame, geometry: Geometry, branch: Branch}} */
  at(step) {
    for (const branch of this.lineage()) {
      if (branch.first > step) continue;
      let best = -1;
      for (const kept of branch.frames.keys()) if (kept <= step && kept > best) best = kept;
      if (best < 0) continue;
      const frame = readFrame(/** @type {ArrayBuffer} */ (branch.frames.get(best)));
      let geometry = branch.geometries[0][1];
      for (const [since, known] of branch.geometries) if (since <= best) geometry = known;
      return { frame, geometry, branch };
    }
    const branch = this.branch;
    const first = branch.frames.keys().next().value ?? branch.first;
    const frame = readFrame(/** @type {ArrayBuffer} */ (branch.frames.get(first)));
    return { frame, geometry: branch.geometries[0][1], branch };
  }

  /** Rows of the course in order, over its lineage. @returns {[number, Float64Array][]} */
  rows() {
    /** @type {[number, Float64Array][]} */
    const all = [];
    let end = Infinity;
    for (const branch of this.lineage()) {
      for (const [step, row] of branch.rows) if (step < end || branch.number === this.current) all.push([step, row]);
      end = branch.first;
    }
    return all.sort((a, b) => a[0] - b[0]);
  }

  /** Events of the course in order, over its lineage. @returns {Event[]} */
  events() {
    /** @type {Event[]} */
    let all = [];
    let end = Infinity;
    for (const branch of this.lineage()) {
      const own = branch.events.filter((event) => event.t_d * 24 < end * branch.info.step_h || branch.number === this.current);
      all = own.concat(all);
      end = branch.first;
    }
    return all;
  }

  /** Courses that were left: their rows beyond the fork. @returns {{branch: Branch, rows: [number, Float64Array][]}[]} */
  ghosts() {
    const line = new Set(this.lineage().map((branch) => branch.number));
    const ghosts = [];
    for (const branch of this.branches.values()) {
      const child = [...this.branches.values()].find((b) => line.has(b.number) && b.parent && b.parent[0] === branch.number);
      const from = line.has(branch.number) ? (child ? child.first : Infinity) : branch.first;
      if (branch.number === this.current || branch.latest <= from) continue;
      /** @type {[number, Float64Array][]} */
      const rows = [...branch.rows].filter(([step]) => step >= from);
      ghosts.push({ branch, rows: rows.sort((a, b) => a[0] - b[0]) });
    }
    return ghosts;
  }
}
